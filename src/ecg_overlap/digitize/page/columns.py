"""Where on a page time begins and ends, and where its columns meet."""

from collections.abc import Iterator, Sequence

import numpy as np

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.page.pulses import PagePulse
from ecg_overlap.digitize.page.rows import NEAR_MM, PageRow

PEN_MM = 0.5  # a trace begins so far behind the pulse at the least
AFTER_PULSE_MM = 8.0  # and so far at the most
FULL_S = 10.0  # what a page usually holds
NEAR_FULL_MM = 6.0  # a page that holds so nearly as much holds just that
SHIFT_MM = 4.0  # the first column may begin so far from where the ink does
SHIFT_STEP_MM = 0.5


def ends_of(
    cover: Coverage, rows: Sequence[PageRow], pulse: PagePulse | None, *, px_per_mm: float
) -> tuple[float, float]:
    """First and last column of the page's traces, px: what most of its rows say.

    Args:
        cover: float32 (H, W), 0–1: the ink.
        rows: Of the page.
        pulse: The calibration pulses, which are no part of the traces.
        px_per_mm: The page's scale.
    """
    first = float(np.median([row.first for row in rows]))
    last = float(np.median([row.stop - 1 for row in rows]))
    if pulse is None:
        return first, last
    if pulse.after:
        return first, min(last, pulse.left_px)
    starts = [_next_ink(cover, row, pulse.right_px, px_per_mm) for row in rows]
    return max(float(np.median(starts)), pulse.right_px), last


def _next_ink(cover: Coverage, row: PageRow, after_px: float, px_per_mm: float) -> float:
    """Where a row's trace begins behind its pulse."""
    begin = int(after_px + PEN_MM * px_per_mm)
    reach = round(NEAR_MM * px_per_mm)
    for x in range(begin, min(begin + round(AFTER_PULSE_MM * px_per_mm), cover.shape[1])):
        y = int(row.y_px[x])
        if (cover[max(y - reach, 0) : y + reach + 1, x] >= 0.5).any():
            return after_px if x == begin else float(x)
    return after_px


def candidates(
    ends_px: tuple[float, float], *, px_per_mm: float, mm_per_s: float
) -> Iterator[tuple[float, float, float]]:
    """Where a page's time may begin and end, px, and by how many mm that is off its ink's ends.

    A page that holds about as much as pages do holds just that. Ink may begin late, or hang on to
    a pulse or a name, so the ends are known to some mm only.

    Args:
        ends_px: First and last column of the traces' ink.
        px_per_mm: The page's scale.
        mm_per_s: Its speed.
    """
    start, stop = ends_px
    full = FULL_S * mm_per_s * px_per_mm
    usual = abs(stop - start - full) < NEAR_FULL_MM * px_per_mm
    width = full if usual else stop - start
    for shift in np.arange(-SHIFT_MM, SHIFT_MM + SHIFT_STEP_MM / 2, SHIFT_STEP_MM):
        first = start + shift * px_per_mm
        last = first + width
        yield first, last, max(abs(first - start), abs(last - stop)) / px_per_mm
