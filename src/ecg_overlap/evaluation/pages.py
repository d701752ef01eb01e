"""A digitized page against what is printed on it: layout, names, and each lead's signal.

A lead's truth is its longest trace on the page: 10 s where a rhythm strip repeats it. The page as a
whole may be late or early by one lag; a lead that then stands at a wrong place in time is scored
there, as a reader would find it.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.signal import correlate

from data_gen.layout import find_layout, place
from data_gen.sample import LEADS, Page, Record
from data_gen.severity import page_contacts
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.page.page_signal import PageSignal, Strip
from ecg_overlap.metrics.align import MAX_LAG_S, MIN_RECOVERED, FloatArray
from ecg_overlap.metrics.signal import LeadScore, score_lead

MAX_PAGE_LAG_S = 0.5  # of the whole page's time axis
MIN_RHO, SAME_RHO = 0.6, 0.02  # a lead follows its truth: at least so well, others hardly better
_TIE = 1e-9  # sums of ρ that differ by less are equal (FFT rounding)
RECORD_S, MM_PER_S = 10.0, 25.0  # of what `printed_record` takes to be printed


@dataclass(frozen=True)
class PrintedLead:
    """One trace on a page, as the truth has it.

    Args:
        lead_name: In the spelling of `LEADS`.
        signal_mv: float32 (n,), mV, of the lead the right way up; NaN where a sample is missing.
        fs_hz: Its sampling frequency.
        record_s: Where in the record it begins, from where the page's first column does.
        paper_s: How far right of the first column it begins, by the paper speed. The two differ
            where there is blank paper between columns, and a reader may give either.
        polyline_px: float32 (n, 2), (x, y) in the picture, where known.
        contact: Fraction of its columns in which another trace touches it; NaN where not known.
    """

    lead_name: str
    signal_mv: NDArray[np.float32]
    fs_hz: float
    record_s: float
    paper_s: float
    polyline_px: NDArray[np.float32] | None = None
    contact: float = math.nan


@dataclass(frozen=True)
class TruePage:
    """A page's picture, and what is printed on it.

    Args:
        image: uint8 (H, W, 3), RGB.
        traces: Every trace, also of a lead that is printed twice.
        layout: As "3x4+1R".
        record_id: The record that was printed.
    """

    image: NDArray[np.uint8]
    traces: tuple[PrintedLead, ...]
    layout: str
    record_id: str

    @property
    def leads(self) -> tuple[PrintedLead, ...]:
        """The longest trace of every lead, in the order of `LEADS`."""
        longest: dict[str, PrintedLead] = {}
        for trace in self.traces:
            known = longest.get(trace.lead_name)
            if known is None or len(trace.signal_mv) > len(known.signal_mv):
                longest[trace.lead_name] = trace
        return tuple(longest[name] for name in LEADS if name in longest)


def true_page(page: Page, *, layout: str | None = None) -> TruePage:
    """The truth of a drawn page.

    Args:
        page: With a polyline and a calibration for every trace.
        layout: Where the page's own name of it is another than ours.
    """
    first_s = min(trace.start_s for trace in page.traces)
    left_px = min(trace.calibration.t0_px for trace in page.traces)
    masks = [trace.mask for trace in page.traces if trace.mask is not None]
    known = len(masks) == len(page.traces)
    contacts = page_contacts(masks) if known else [math.nan] * len(page.traces)
    traces = (
        PrintedLead(
            trace.lead_name.removeprefix("-"),
            -trace.signal_mv if trace.lead_name.startswith("-") else trace.signal_mv,
            trace.fs_hz,
            record_s=trace.start_s - first_s,
            paper_s=(trace.calibration.t0_px - left_px) / trace.calibration.px_per_s,
            polyline_px=trace.polyline_px,
            contact=contact,
        )
        for trace, contact in zip(page.traces, contacts, strict=True)
    )
    return TruePage(page.image, tuple(traces), layout or page.layout, page.record_id)


def printed_record(image: NDArray[np.uint8], record: Record, layout: str) -> TruePage:
    """The truth of a scan of a record's first 10 s, without blank paper between its columns.

    Args:
        image: uint8 (H, W, 3), RGB.
        record: What was printed.
        layout: As "3x4+1R".

    Raises:
        InputError: There is no such layout, or a lead is not in the record.
    """
    named = find_layout(layout)
    seconds = min(RECORD_S, record.duration_s) / named.columns
    traces = []
    for where in place(named, seconds=seconds, left_mm=0.0, mm_per_s=MM_PER_S, gap_mm=0.0):
        first, last = (
            round(s * record.fs_hz) for s in (where.start_s, where.start_s + where.duration_s)
        )
        name = where.lead_name.removeprefix("-")
        signal = record.lead_mv(name)[first:last]
        start_s = first / record.fs_hz
        traces.append(PrintedLead(name, signal, record.fs_hz, start_s, start_s))
    return TruePage(image, tuple(traces), layout, record.record_id)


@dataclass(frozen=True)
class ReadLead:
    """A printed lead and what was found under its name.

    Args:
        truth: What is printed.
        reference_mv: float32 (m,), the truth from where the reading of it begins, or up to 0.2 s of
            NaN before it, into which `aligned` may move the reading.
        found: As digitized, from that very time on; None where no strip has its name, or less than
            half of the lead is in it.
        coverage: Share of the lead's samples that were recovered; 0 with None.
        named: Whether the strip of its name is a trace of this lead.
        reason: Why there is nothing, in words.
    """

    truth: PrintedLead
    reference_mv: NDArray[np.float32]
    found: LeadSignal | None = None
    coverage: float = 0.0
    named: bool = False
    reason: str = ""

    def aligned(self) -> LeadScore:
        """Its scores under `aligned`, by the failure rule."""
        found = self.found
        return score_lead(
            self.reference_mv,
            None if found is None else found.signal_mv,
            self.truth.fs_hz,
            alignment="aligned",
            est_fs_hz=None if found is None else found.fs_hz,
        )


@dataclass(frozen=True)
class ReadPage:
    """A digitized page set beside its truth.

    Args:
        truth: What is printed.
        found: The page as digitized; None where it was refused.
        leads: Every lead that is printed.
        lag_s: By how much the page's time axis was late.
    """

    truth: TruePage
    found: PageSignal | None
    leads: tuple[ReadLead, ...]
    lag_s: float = 0.0

    @property
    def layout_right(self) -> bool:
        return self.found is not None and self.found.layout == self.truth.layout

    @property
    def missed(self) -> tuple[str, ...]:
        """Names that stand more often on the page than in what was found."""
        return tuple((_names(self.truth.traces) - self._found_names()).elements())

    @property
    def invented(self) -> tuple[str, ...]:
        """Names that stand more often in what was found than on the page."""
        return tuple((self._found_names() - _names(self.truth.traces)).elements())

    def _found_names(self) -> "Counter[str]":
        return _names(() if self.found is None else self.found.strips)


def _names(traces: Sequence[PrintedLead | Strip]) -> "Counter[str]":
    return Counter(trace.lead_name for trace in traces)


def beside_truth(truth: TruePage, found: PageSignal | None) -> ReadPage:
    """Set a digitized page beside what is printed.

    Args:
        truth: What is printed.
        found: What was read; None where the page was refused.
    """
    if found is None:
        return ReadPage(truth, None, tuple(ReadLead(lead, lead.signal_mv) for lead in truth.leads))
    by_record = {id(trace): trace.record_s for trace in truth.traces}
    by_paper = {id(trace): trace.paper_s for trace in truth.traces}
    (_, lag_s), starts = max(
        ((_common_lag(truth, found, starts), starts) for starts in (by_record, by_paper)),
        key=lambda tried: tried[0][0],
    )
    leads = []
    for lead in truth.leads:
        strip = found.strip(lead.lead_name)
        if strip is None:
            reason = "no trace of this name was found"
            leads.append(ReadLead(lead, lead.signal_mv, reason=reason))
            continue
        named = _is_named(strip, truth, {k: start + lag_s for k, start in starts.items()})
        leads.append(replace(_read(strip, lead, starts[id(lead)] + lag_s), named=named))
    return ReadPage(truth, found, tuple(leads), lag_s)


def _seconds(lead: PrintedLead) -> float:
    return len(lead.signal_mv) / lead.fs_hz


def _common_lag(
    truth: TruePage, found: PageSignal, starts_s: dict[int, float]
) -> tuple[float, float]:
    """The lag of the page's time axis at which the leads correlate best; their sum of ρ there.

    Of lags that are as good the smallest is taken.
    """
    reach = round(MAX_PAGE_LAG_S * found.fs_hz)
    total = np.zeros(2 * reach + 1)
    for lead in truth.leads:
        strip = found.strip(lead.lead_name)
        if strip is None:
            continue
        ref = _resampled(lead, found.fs_hz)
        first = _first(strip, starts_s[id(lead)])
        est = _window(strip.signal.signal_mv, first - reach, len(ref) + 2 * reach)
        ref, est = _centred(ref), _centred(est)
        norm = np.sqrt((ref**2).sum() * (est**2).sum())
        if norm > 0:
            total += correlate(est, ref, mode="valid") / norm
    lags = np.arange(-reach, reach + 1)
    best = np.flatnonzero(total >= total.max() - _TIE)
    lag = int(lags[best[np.argmin(np.abs(lags[best]))]])
    return float(total[lag + reach]), lag / found.fs_hz


def _resampled(lead: PrintedLead, fs_hz: float) -> FloatArray:
    """The truth at another sampling frequency, linearly: good enough to find a lag."""
    have = np.arange(len(lead.signal_mv)) / lead.fs_hz
    want = np.arange(round(_seconds(lead) * fs_hz)) / fs_hz
    resampled: FloatArray = np.interp(want, have, lead.signal_mv.astype(np.float64))
    return resampled


def _centred(values: FloatArray) -> FloatArray:
    """About its mean, 0 where a sample is missing."""
    known = np.isfinite(values)
    return (
        np.where(known, values - values[known].mean(), 0.0)
        if known.any()
        else np.zeros_like(values)
    )


def _first(strip: Strip, start_s: float) -> int:
    """Which sample of a strip stands at a time of the page's axis."""
    return round((start_s - strip.start_s) * strip.signal.fs_hz)


def _window(values: FloatArray, first: int, n: int) -> FloatArray:
    """`values[first:first + n]`, NaN beyond their ends."""
    out = np.full(n, np.nan)
    low, high = max(first, 0), min(first + n, len(values))
    if low < high:
        out[low - first : high - first] = values[low:high]
    return out


def _read(strip: Strip, truth: PrintedLead, start_s: float) -> ReadLead:
    """What a strip has of a trace that begins there on the page's axis.

    It begins and ends with the strip's own first and last sample: beyond them nothing is compared,
    and the coverage is less.
    """
    lead, fs_hz = strip.signal, truth.fs_hz
    nothing = ReadLead(truth, truth.signal_mv, reason="less than half of the lead was recovered")
    seen, known = np.flatnonzero(np.isfinite(lead.signal_mv)), np.isfinite(truth.signal_mv)
    if not len(seen) or not known.any():
        return nothing
    margin = round(MAX_LAG_S * fs_hz)
    own_s = strip.start_s + float(seen[0]) / lead.fs_hz
    # Which sample of the truth stands where the reading begins; before its own first is margin.
    first = max(math.ceil((own_s - start_s) * fs_hz - 1e-6), -margin)
    start = round((start_s + first / fs_hz - strip.start_s) * lead.fs_hz)
    stop_s = start_s + (len(truth.signal_mv) + margin) / fs_hz
    stop = min(round((stop_s - strip.start_s) * lead.fs_hz), int(seen[-1]) + 1)
    signal = lead.signal_mv[start:stop]
    nearest = np.rint((np.flatnonzero(known) - first) * lead.fs_hz / fs_hz).astype(np.int64)
    inside = nearest[(nearest >= 0) & (nearest < len(signal))]
    coverage = float(np.isfinite(signal[inside]).sum() / known.sum())
    if coverage < MIN_RECOVERED:
        return nothing
    margin_mv = np.full(max(-first, 0), np.nan, np.float32)
    reference = np.concatenate([margin_mv, truth.signal_mv[max(first, 0) :]])
    return ReadLead(truth, reference, _part(lead, slice(start, stop)), coverage)


def _part(lead: LeadSignal, of: slice) -> LeadSignal:
    return LeadSignal(
        signal_mv=lead.signal_mv[of],
        fs_hz=lead.fs_hz,
        calibration=lead.calibration,
        confidence=lead.confidence[of],
        interval_mv=lead.interval_mv[of],
        baseline_known=lead.baseline_known,
        flags=lead.flags,
        method=lead.method,
        quality=lead.quality,
    )


def _is_named(strip: Strip, truth: TruePage, starts_s: dict[int, float]) -> bool:
    """Whether a strip is a trace of the lead whose name it has.

    By its place on the page where the truth knows its own, else by which of the printed leads it
    is most like.
    """
    if all(trace.polyline_px is not None for trace in truth.traces):
        distances = [(_distance_px(strip, trace), trace.lead_name) for trace in truth.traces]
        return min(distances)[1] == strip.lead_name
    own, others = 0.0, 0.0
    for trace, rho in _likenesses(strip, truth, starts_s):
        if trace.lead_name == strip.lead_name:
            own = max(own, rho)
        else:
            others = max(others, rho)
    return own >= MIN_RHO and own >= others - SAME_RHO


def _distance_px(strip: Strip, trace: PrintedLead) -> float:
    """Median distance in y of a strip's path from a trace; inf unless half of it is along that.

    The median: a path that swaps to a neighbour for a few beats is still of its own row.
    """
    assert trace.polyline_px is not None
    points = trace.polyline_px[np.isfinite(trace.polyline_px).all(axis=1)].astype(np.float64)
    path = strip.signal.path_px[np.isfinite(strip.signal.path_px).all(axis=1)]
    if len(points) < 2 or not len(path):
        return np.inf
    x, y = points[np.argsort(points[:, 0], kind="stable")].T
    under = (path[:, 0] >= x[0]) & (path[:, 0] <= x[-1])
    if under.mean() < 0.5:
        return np.inf
    return float(np.median(np.abs(path[under, 1] - np.interp(path[under, 0], x, y))))


def _likenesses(
    strip: Strip, truth: TruePage, starts_s: dict[int, float]
) -> Iterator[tuple[PrintedLead, float]]:
    """Pearson's ρ of a strip with every trace that is printed at its time."""
    for trace in truth.traces:
        read = _read(strip, trace, starts_s[id(trace)])
        if read.found is not None:
            yield trace, read.aligned().pearson_r
