"""What the `quality` of a page's leads is worth: the stated probability of 10 dB or more.

    python benchmarks/page_quality.py --readings readings.json --n 15
    python benchmarks/page_quality.py --readings readings.json --fit

Pages of PTB-XL's fold 9 are drawn in the looks of `SETS`, in all layouts, and read by the default
method; half of the patients are for the weights of `digitize/page/quality.py`, which `--fit`
prints, and half to measure on. A lead is scored as `pages.py` does: `aligned` after one lag for
the page, under the name that it was given; refused pages have no leads. Of all, of those that are
usual, and of each look: what `quality.py` says of its sets; then how well a page's worst and
mean quality tell pages with a lead under 10 dB. Reading takes 15 to 25 minutes of one core.

    python benchmarks/page_quality.py --source ludb --n 5
    python benchmarks/page_quality.py --source scans

measure on pages of another hospital's records, drawn likewise, and on 3 scans of records that are
known. Nothing is fitted to these. `--readings FILE` keeps what was read.
"""

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pages import chosen, read
from quality import fitted, is_for_fit, measured, patients_of

from ecg_overlap.digitize.page.quality import doubts, quality
from ecg_overlap.digitize.page.strip_evidence import NAMES, StripEvidence
from ecg_overlap.evaluation.page_sets import PageSet, pages
from ecg_overlap.evaluation.pages import TruePage, beside_truth
from ecg_overlap.metrics.bootstrap import CEILING_DB
from ecg_overlap.metrics.reliability import GOOD_DB, auc
from ecg_overlap.onnx_network import load_ink


@dataclass(frozen=True)
class Look:
    """How a set of pages is drawn: as a file of `conf/page`, with rows so far apart.

    Args:
        preset: Of `conf/page`.
        pitch_mm: From one row to the next.
        seed: Of the set.
        every: One page of it to so many of the others.
        covered: Share of the traces of which pieces are covered with white, as by stickers.
    """

    preset: str
    pitch_mm: tuple[float, float]
    seed: int
    every: int = 1
    covered: float = 0.0


USUAL, CONTACT = (12.0, 30.0), (8.0, 12.0)
SETS = {
    "clean": Look("clean", USUAL, 7201),
    "scan": Look("scan", USUAL, 7202),
    "photo": Look("photo", USUAL, 7203),
    "clean_contact": Look("clean", CONTACT, 7204),
    "scan_contact": Look("scan", CONTACT, 7205),
    "photo_contact": Look("photo", CONTACT, 7206, every=2),  # slow, or refused
    "covered": Look("clean", USUAL, 7207, covered=0.15),
}
PIECES = 16  # of a trace
COVERED = (0.2, 0.8)  # of them
AROUND_PX = 6
LUDB_SEED = 2000003


def set_of(name: str, arguments: argparse.Namespace) -> PageSet:
    if arguments.source == "scans":
        return pages(arguments.data / "scans_with_truth")
    look = SETS[name]
    return chosen(
        argparse.Namespace(
            folder=None,
            preset=look.preset,
            source=arguments.source,
            data=arguments.data,
            layout=None,
            pitch=look.pitch_mm,
            dpi=None,
            first=0,
            n=arguments.n,
            seed=LUDB_SEED if arguments.source == "ludb" else look.seed,
        )
    )


def in_part_covered(truth: TruePage, look: Look, index: int) -> TruePage:
    """The page with pieces of some of its traces covered with white."""
    rng, image = np.random.default_rng([look.seed, index]), truth.image.copy()
    for trace in truth.traces:
        covered = rng.random(PIECES) < rng.uniform(*COVERED)
        if rng.random() >= look.covered:
            continue
        assert trace.polyline_px is not None  # it is drawn
        for piece in np.flatnonzero(covered):
            at = np.array_split(trace.polyline_px, PIECES)[piece]
            left, top = np.floor(np.nanmin(at, axis=0) - AROUND_PX).astype(int).clip(0)
            right, bottom = np.ceil(np.nanmax(at, axis=0) + AROUND_PX).astype(int)
            image[top:bottom, left:right] = 255
    return replace(truth, image=image)


def rows_of(name: str, page_set: PageSet, index: int, network: Any) -> list[dict[str, Any]]:
    """SNR and evidence of every lead of a page that a strip has the name of."""
    truth = page_set.page(index)
    if name in SETS and SETS[name].covered:
        truth = in_part_covered(truth, SETS[name], index)
    found = read(truth, network=network)
    page = beside_truth(truth, found)
    if found is None:
        return []
    facts = {"set": name, "page": index, "record": truth.record_id, "layout": truth.layout}
    facts |= {"layout_found": found.layout, "flags": found.flags}
    snr = {lead.truth.lead_name: lead.aligned().snr_db for lead in page.leads}
    rows = []
    for lead in sorted({strip.lead_name for strip in found.strips}):
        strip = found.strip(lead)
        assert strip is not None
        db = min(snr.get(lead, 0.0), CEILING_DB)  # 0 dB: no such lead is printed
        rows.append(facts | {"lead": lead, "snr_db": db, "evidence": dict(strip.signal.evidence)})
    return rows


def readings(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """A page of each set in turn, so that what is kept of a run that was stopped is of all."""
    file: Path | None = arguments.readings
    if file and file.is_file():
        kept: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
        return kept
    network = load_ink(None)
    names = ["scans"] if arguments.source == "scans" else arguments.sets
    sets = {name: set_of(name, arguments) for name in names}
    rows: list[dict[str, Any]] = []
    for index in range(max(len(of) for of in sets.values())):
        for name, of in sets.items():
            every = SETS[name].every if name in SETS else 1
            if index < len(of) and index % every == 0:
                rows += rows_of(name, of, index, network)
                print(name, index, len(rows), sum(r["snr_db"] < GOOD_DB for r in rows), flush=True)
        if file:
            file.write_text(json.dumps(rows, indent=0) + "\n", encoding="utf-8")
    return rows


def evidence_in(row: dict[str, Any]) -> StripEvidence:
    return StripEvidence(**{name: row["evidence"][name] for name in NAMES})


def table_of(rows: list[dict[str, Any]]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The doubts of each lead, float64 (n, D), and whether it is good, bool (n,)."""
    values = np.array([list(doubts(evidence_in(row)).values()) for row in rows])
    return values, np.array([row["snr_db"] >= GOOD_DB for row in rows])


def of_pages(rows: list[dict[str, Any]], stated: NDArray[np.float64]) -> dict[str, Any]:
    """How well the worst lead's quality, and the mean, tell pages with a lead under 10 dB."""
    of: dict[tuple[str, int], list[int]] = {}
    for k, row in enumerate(rows):
        of.setdefault((row["set"], row["page"]), []).append(k)
    good = [all(rows[k]["snr_db"] >= GOOD_DB for k in each) for each in of.values()]
    found: dict[str, Any] = {"n": len(of), "with_a_lead_under_10_db": good.count(False)}
    if any(good) and not all(good):
        found["auc_of_the_worst"] = round(auc([stated[k].min() for k in of.values()], good), 3)
        found["auc_of_the_mean"] = round(auc([stated[k].mean() for k in of.values()], good), 3)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--source", choices=("ptbxl", "ludb", "scans"), default="ptbxl")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--n", type=int, default=20, help="pages of each set")
    parser.add_argument("--readings", type=Path, help="kept here, and taken from here if there")
    parser.add_argument("--fit", action="store_true", help="print the weights of one half")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    rows = readings(arguments)
    weights = None
    if arguments.source == "ptbxl":
        patients = patients_of(arguments.data / "ptbxl")
        half = [row for row in rows if is_for_fit(row["record"], patients)]
        rows = [row for row in rows if not is_for_fit(row["record"], patients)]
        if arguments.fit:
            values, good = table_of(half)
            weights = fitted(values, good)
            named = zip(("SURE", *doubts(evidence_in(half[0]))), weights.round(2), strict=True)
            print(json.dumps({name: float(value) for name, value in named}))
    stated = np.array([quality(evidence_in(row)) for row in rows])
    if weights is not None:
        stated = 1 / (1 + np.exp(table_of(rows)[0] @ weights[1:] - weights[0]))
    table = {}
    groups = {"all": list(SETS), "usual": ["clean", "scan", "photo"]}
    for name, of in (groups | {name: [name] for name in (*SETS, "scans")}).items():
        here = [k for k, row in enumerate(rows) if row["set"] in of]
        if here:
            table[name] = measured([rows[k] for k in here], stated[here].tolist())
            print(name, json.dumps(table[name]))
    print("pages", json.dumps(of_pages(rows, stated)))
    if arguments.json:
        arguments.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
