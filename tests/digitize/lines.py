"""Ink of traces given as polylines, and the rows at which a traced one is found."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_gen.render import draw_stroke
from ecg_overlap.digitize.traces.joint import Traces

PX_PER_MM = 8.0
PEN_PX = 3.0
WIDTH = 320

Polyline = Sequence[tuple[float, float]]


def level(row: float, *, start: float = 0, stop: float = WIDTH - 1) -> Polyline:
    return [(start, row), (stop, row)]


def peak(row: float, tip: float, *, at: float = 160, half: float = 12) -> Polyline:
    """A level trace with one peak, `half` columns wide to each side at its row."""
    return [(0, row), (at - half, row), (at, tip), (at + half, row), (WIDTH - 1, row)]


def inked(height: int, *polylines: Polyline, width: int = WIDTH) -> NDArray[np.float32]:
    """Coverage of all polylines, x and y in px, float32 (H, W), 0–1."""
    mask = np.zeros((height, width), np.uint8)
    for points in polylines:
        draw_stroke(mask, np.array(points, np.float64), width_px=PEN_PX)
    return mask.astype(np.float32) / np.float32(255)


def rows_of_trace(traces: Traces, k: int) -> NDArray[np.float64]:
    """Middle of trace `k`'s own rows in each column, px; NaN where it is in no ink."""
    seen = traces.where[k] >= 0
    rows = np.full(seen.shape, np.nan)
    rows[seen] = (traces.own[k, seen].sum(axis=1) - 1) / 2
    return rows
