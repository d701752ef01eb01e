"""Which of several traces in a crop is the primary: a network is asked about each of them.

A network without a prompt may see half of two leads, changing over in the middle of the picture.
Prompted with the row of one, it follows that one throughout; which of its answers it believes most
without a prompt, and which fits the crop best, is then one choice for the whole lead.
"""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.coverage import Coverage, as_coverage
from ecg_overlap.digitize.ink.evidence import ink_of_primary
from ecg_overlap.digitize.paths.stroke import stroke
from ecg_overlap.digitize.traces.runs import find_runs
from ecg_overlap.digitize.traces.track import COSTS, HOLE_PX, TrackCosts, baseline_rows, track

OFF_CENTRE_PER_MM = 0.06  # what a mm between the margins above and below costs, in probability


class Prompted(Protocol):
    """A network with the picture and its scale given."""

    def __call__(self, row_px: float | None) -> Coverage:
        """Probability of the primary, float32 (H, W), with the row of its baseline as prompt."""


def which_trace(
    ask: Prompted, ink: NDArray[Any], *, px_per_mm: float, costs: TrackCosts = COSTS
) -> Coverage:
    """The network's answer for the trace that is likeliest the primary, float32 (H, W).

    A crop is cut around its primary, so what its trace leaves above and below should be alike.

    Args:
        ask: Called once for each row that many columns' ink shares, and once more without a
            row where there are several.
        ink: (H, W), the picture's ink.
        px_per_mm: The picture's scale.
        costs: Of the choice among runs of ink.
    """
    rows = baseline_rows(find_runs(as_coverage(ink), hole_px=HOLE_PX), len(ink), costs)
    if len(rows) < 2:
        return ask(rows[0] if rows else None)
    unprompted = ask(None)
    answers = [ask(row) for row in rows]

    def belief(prompted: Coverage) -> float:
        """Probability without a row where the trace runs, less what its place costs."""
        cover = ink_of_primary(ink, prompted, px_per_mm=px_per_mm)
        chain = track(cover, evidence=prompted, to_the_ends=False, costs=costs)
        y = stroke(chain, refine=False).y_px
        if not np.isfinite(y).any():
            return -np.inf
        off_centre_mm = abs(float(np.nanmin(y) - (len(ink) - 1 - np.nanmax(y)))) / px_per_mm
        believed = float((prompted * unprompted).sum() / prompted.sum())
        return believed - OFF_CENTRE_PER_MM * off_centre_mm

    return answers[int(np.argmax([belief(prompted) for prompted in answers]))]
