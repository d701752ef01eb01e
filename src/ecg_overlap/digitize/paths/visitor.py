"""The stroke of a trace from beyond the picture's edge, of which only peaks come in."""

from dataclasses import replace

import numpy as np

from ecg_overlap.digitize.paths.path import Path
from ecg_overlap.digitize.paths.stroke import stroke
from ecg_overlap.digitize.traces.joint import Traces

# Where a visitor is not in, its stroke is led so many pens' widths beyond the edge: out of sight.
BEYOND_PENS = 2.0


def visitor(traces: Traces, k: int, pen_px: float) -> Path:
    """A visitor's path, decoded from its own ink, and beyond the edge where it has none.

    Args:
        traces: Of the picture.
        k: Number of the visitor: the last but one comes from above, the last from below.
        pen_px: Width of its stroke; that of peaks which are cut off is no measure.
    """
    path = stroke(traces.ink(k))
    from_above = k == len(traces.where) - 2
    beyond = BEYOND_PENS * pen_px
    outside = -1 - beyond if from_above else len(traces.cover) + beyond
    column = np.rint(path.x_px).astype(int).clip(0, traces.where.shape[1] - 1)
    seen = np.isfinite(path.y_px) & (traces.where[k, column] >= 0)
    return replace(path, y_px=np.where(seen, path.y_px, outside), width_px=pen_px)
