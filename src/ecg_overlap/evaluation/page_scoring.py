"""One page as read by each method against its truth: a row for every lead that is printed."""

import hashlib
import math
import time

import numpy as np

from data_gen.errors import InputError
from data_gen.sample import LeadSample
from ecg_overlap.digitize.page.page_signal import PageSignal
from ecg_overlap.evaluation.columns import column
from ecg_overlap.evaluation.methods import Method, Outcome
from ecg_overlap.evaluation.page_sets import PageSet
from ecg_overlap.evaluation.pages import ReadLead, ReadPage, TruePage, beside_truth
from ecg_overlap.evaluation.scoring import Scores, defect_of, signal_scores

# Of the page as a whole: they stand in the row of its first lead, the others have none.
PAGE_METRICS = ("layout_accuracy", "leads_missed", "leads_invented", "page_s")
_NO_PICTURE = np.zeros((1, 1, 3), np.uint8)


def page_rows_of(
    test_set: PageSet, index: int, methods: list[Method], *, costly: bool
) -> list[Scores]:
    """One row per method and lead for one page of a set.

    Args:
        test_set: The set.
        index: Of the page in it.
        methods: All that are to be tried on it; those that read no pages are left out.
        costly: Whether the Challenge's score and the clinical measures are wanted too.

    Raises:
        InputError: The page cannot be read from its files.
    """
    started = time.perf_counter()
    truth = test_set.page(index)
    load_ms = 1000 * (time.perf_counter() - started) / len(truth.leads)
    facts = _facts(truth, test_set, index) | {"load_ms": load_ms}
    rows = []
    for method in methods:
        if method.read_page is None:
            continue
        started = time.perf_counter()
        found, reason = read(method, truth)
        seconds = time.perf_counter() - started
        started = time.perf_counter()
        page = beside_truth(truth, found)
        own = [facts | _scores(lead, reason, method, costly=costly) for lead in page.leads]
        score_ms = 1000 * (time.perf_counter() - started) / len(own)
        each = {"method": method.name, "time_ms": 1000 * seconds / len(own), "score_ms": score_ms}
        for lead, row in zip(page.leads, own, strict=True):
            name = lead.truth.lead_name
            row |= each | {"lead": name, "sample_id": f"{facts['sample_id']}:{name}"}
            row |= {column(metric): math.nan for metric in PAGE_METRICS}
        own[0] |= _page_scores(page, seconds)
        rows += own
    return rows


def read(method: Method, truth: TruePage) -> tuple[PageSignal | None, str]:
    """What a method makes of a page, or why it refuses it."""
    assert method.read_page is not None
    try:
        return method.read_page(truth.image), ""
    except InputError as refusal:
        return None, str(refusal)
    except Exception as error:  # one defect must not lose the other pages' scores
        return None, defect_of(error)


def _facts(truth: TruePage, test_set: PageSet, index: int) -> Scores:
    """What is known of the page itself, in the columns that all sets have."""
    return {
        "test_set": test_set.name,
        "index": index,
        "sample_id": test_set.sample_id(index),
        "record_id": truth.record_id,
        "layout": truth.layout,
        "height_px": truth.image.shape[0],
        "width_px": truth.image.shape[1],
        "has_mask": False,
        "has_signal": True,
        "severity_estimated": False,
        "crossings": math.nan,
        "longest_contact_px": math.nan,
        "smallest_gap_px": math.nan,
        "sha256": page_sha256(truth),
    }


def page_sha256(truth: TruePage) -> str:
    """Hash of what a method sees of a page and what it is scored against."""
    digest = hashlib.sha256(repr((truth.image.shape, truth.layout)).encode())
    digest.update(truth.image.tobytes())
    for trace in truth.traces:
        facts = (trace.lead_name, trace.fs_hz, round(trace.record_s, 6), round(trace.paper_s, 6))
        digest.update(repr(facts).encode() + trace.signal_mv.tobytes())
    return digest.hexdigest()


def _scores(lead: ReadLead, reason: str, method: Method, *, costly: bool) -> Scores:
    """Every score of a lead that a lead's picture has too, and whether its name is right."""
    truth = lead.truth
    sample = LeadSample(
        _NO_PICTURE, signal_mv=lead.reference_mv, fs_hz=truth.fs_hz, lead_name=truth.lead_name
    )
    reason = reason or lead.reason
    row: Scores = {"failed": lead.found is None, "reason": reason}
    row |= signal_scores(sample, Outcome(lead.found, reason=reason), method, None, costly=costly)
    if lead.found is not None:
        row[column("coverage")] = lead.coverage
    row[column("name_accuracy")] = float(lead.named)
    return row | {"fs_hz": truth.fs_hz, "intrusion": math.nan, "contact": truth.contact}


def _page_scores(page: ReadPage, seconds: float) -> Scores:
    values = (float(page.layout_right), len(page.missed), len(page.invented), seconds)
    return {column(k): float(v) for k, v in zip(PAGE_METRICS, values, strict=True)}
