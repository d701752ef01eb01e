"""Pages that are read perfectly, from their truth, and the faults that a reader can have."""

from dataclasses import replace

import numpy as np

from data_gen.calibration import Calibration
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.page.page_signal import PageSignal, Source, Strip
from ecg_overlap.evaluation.pages import PrintedLead, TruePage

FS_HZ = 500.0


def read_by_truth(truth: TruePage, *, late_s: float = 0.0) -> PageSignal:
    """What a perfect reader gives, whose time axis begins `late_s` too early."""
    strips = tuple(strip_of(trace, late_s) for trace in truth.traces)
    return PageSignal(
        strips, FS_HZ, 10.0 + late_s, truth.layout, Source.READ,
        25.0, Source.ASSUMED, 10.0, Source.ASSUMED, (8.0, 8.0), 0.0, 1.0,
    )  # fmt: skip


def strip_of(trace: PrintedLead, late_s: float = 0.0) -> Strip:
    n = round(len(trace.signal_mv) / trace.fs_hz * FS_HZ)
    have = np.arange(len(trace.signal_mv)) / trace.fs_hz
    signal = np.interp(np.arange(n) / FS_HZ, have, trace.signal_mv.astype(float))
    path = np.full((n, 2), np.nan)
    if trace.polyline_px is not None:
        path = np.stack(
            [np.interp(np.arange(n) / FS_HZ, have, v) for v in trace.polyline_px.T.astype(float)], 1
        )
    lead = LeadSignal(
        signal, FS_HZ, Calibration(8.0, 8.0), np.ones(n), np.full(n, 0.05), False, path_px=path
    )
    left, top = np.nan_to_num(np.nanmin(path, axis=0)) if trace.polyline_px is not None else (0, 0)
    box = (float(left), float(top), float(left) + 10.0, float(top) + 10.0)
    rhythm = len(trace.signal_mv) / trace.fs_hz > 5
    return Strip(trace.lead_name, Source.READ, 0, 0, trace.paper_s + late_s, box, rhythm, lead)


def renamed(page: PageSignal, names: dict[str, str]) -> PageSignal:
    """The page with its strips under other names."""
    strips = (replace(s, lead_name=names.get(s.lead_name, s.lead_name)) for s in page.strips)
    return replace(page, strips=tuple(strips))


def without(page: PageSignal, name: str) -> PageSignal:
    return replace(page, strips=tuple(s for s in page.strips if s.lead_name != name))
