"""The stroke of a trace from beyond the picture's edge, of which only peaks come in."""

from dataclasses import replace

import numpy as np

from ecg_overlap.digitize.paths.path import FloatArray, Path
from ecg_overlap.digitize.paths.stroke import stroke
from ecg_overlap.digitize.traces.joint import Traces

BEYOND_PENS = 2.0  # outside of the picture by so many pens' widths, nothing of a stroke is seen


def beyond_px(pen_px: FloatArray) -> FloatArray:
    """How far beyond the picture's edge a visitor's stroke is led where it is not in."""
    return BEYOND_PENS * pen_px


def visitor(traces: Traces, k: int, pen_px: float) -> Path:
    """A visitor's path, decoded from its own ink, and beyond the edge where it has none.

    Args:
        traces: Of the picture.
        k: Number of the visitor: the last but one comes from above, the last from below.
        pen_px: Width of its stroke; that of peaks which are cut off is no measure.
    """
    path = stroke(traces.ink(k))
    from_above = k == len(traces.where) - 2
    beyond = float(beyond_px(np.array(pen_px)))
    outside = -1 - beyond if from_above else len(traces.cover) + beyond
    column = np.rint(path.x_px).astype(int).clip(0, traces.where.shape[1] - 1)
    seen = np.isfinite(path.y_px) & (traces.where[k, column] >= 0)
    return replace(path, y_px=np.where(seen, path.y_px, outside), width_px=pen_px)
