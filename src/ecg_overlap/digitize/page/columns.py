"""Where on a page time begins and ends, and where its columns meet."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.paths.path import Path
from ecg_overlap.digitize.pulse.printed import PagePulse
from ecg_overlap.digitize.traces.drifting import NEAR_MM, DriftingRow
from ecg_overlap.digitize.traces.runs import FloatArray

PEN_MM = 0.5  # a trace begins so far behind the pulse at the least
AFTER_PULSE_MM = 8.0  # and so far at the most
FULL_S = 10.0  # what a page usually holds
NEAR_FULL_MM = 6.0  # a page that holds so nearly as much holds just that
SHIFT_MM = 4.0  # the first column may begin so far from where the ink does
WRONG_END_MM = 6.0  # a wrong end counts as one that is so far off
MOST_GAP_MM = 2.0  # of blank paper between two columns
STEP_MM, FINE_MM = 1.0, 0.25  # in which places are tried, first and then


@dataclass(frozen=True)
class Place:
    """Where the columns of a page are, on some axis along the paper.

    Args:
        start: Where the first column begins.
        width: Of each column.
        gap: Blank paper between two columns.
        off_mm: How far start and end are, in the mean, from the ends of the traces' ink.
    """

    start: float
    width: float
    gap: float = 0.0
    off_mm: float = 0.0

    def columns(self, n: int) -> FloatArray:
        """Where each of the columns begins and ends, float64 (n, 2)."""
        first = self.start + np.arange(n) * (self.width + self.gap)
        return np.stack([first, first + self.width], axis=1)


def ends_of(
    cover: Coverage,
    rows: Sequence[DriftingRow],
    paths: Sequence[Path],
    pulse: PagePulse | None,
    *,
    px_per_mm: float,
) -> tuple[float, float]:
    """First and last column of the page's traces, px: what most of its paths say.

    Where a row itself begins is less sure: its trace may come from far above or below it.

    Args:
        cover: float32 (H, W), 0–1: the ink.
        rows: Of the page.
        paths: Of their traces.
        pulse: The calibration pulses, which are no part of the traces.
        px_per_mm: The page's scale.
    """
    first = float(np.median([path.start_px for path in paths]))
    last = float(np.median([path.end_px for path in paths]))
    if pulse is None:
        return first, last
    if pulse.after:
        return first, min(last, pulse.left_px)
    starts = [_next_ink(cover, row, pulse.right_px, px_per_mm) for row in rows]
    return max(float(np.median(starts)), pulse.right_px), last


def _next_ink(cover: Coverage, row: DriftingRow, after_px: float, px_per_mm: float) -> float:
    """Where a row's trace begins behind its pulse."""
    begin = int(after_px + PEN_MM * px_per_mm)
    reach = round(NEAR_MM * px_per_mm)
    for x in range(begin, min(begin + round(AFTER_PULSE_MM * px_per_mm), cover.shape[1])):
        y = int(row.y_px[x])
        if (cover[max(y - reach, 0) : y + reach + 1, x] >= 0.5).any():
            return after_px if x == begin else float(x)
    return after_px


def places(
    ends_mm: tuple[float, float], n: int, *, mm_per_s: float, near: Place | None = None
) -> list[Place]:
    """Where the columns of a page may be, mm.

    A page that holds about as much as pages do holds just that. Ink may begin late, or hang on to
    a pulse or a name, so the ends are known to some mm only; and where a desk or another page is
    in the picture, one of them may be wrong altogether.

    Args:
        ends_mm: Where the traces' ink begins and ends.
        n: How many columns there are.
        mm_per_s: The page's speed.
        near: Where they are about, if that is known: places are tried more finely.
    """
    start, stop = ends_mm
    length, full = stop - start, FULL_S * mm_per_s
    if near is not None:
        fine = np.arange(-STEP_MM + FINE_MM, STEP_MM, FINE_MM).tolist()
        gaps = {min(max(near.gap + step, 0.0), MOST_GAP_MM) for step in fine}
        grown = near.width * n + (n - 1) * near.gap
        found = []
        for gap in sorted(gaps) if n > 1 else [0.0]:
            width = near.width if near.width * n == full else (grown - (n - 1) * gap) / n
            for shift in fine:
                off = near.off_mm + abs(near.start + shift - start) - abs(near.start - start)
                found.append(Place(near.start + shift, width, gap, off))
        return found
    shifts = np.arange(-SHIFT_MM, SHIFT_MM + STEP_MM / 2, STEP_MM).tolist()
    found = []
    for gap in np.arange(0, MOST_GAP_MM + STEP_MM / 2, STEP_MM).tolist() if n > 1 else [0.0]:
        blank = (n - 1) * gap
        usual = min(abs(length - full), abs(length - blank - full)) < NEAR_FULL_MM
        for shift in shifts:
            if usual:
                end_off = abs(shift + full + blank - length)
                found.append(Place(start + shift, full / n, gap, (abs(shift) + end_off) / 2))
                continue
            found.append(Place(start + shift, (length - blank) / n, gap, abs(shift)))
            if length > full:  # one of the ends is wrong
                off = abs(shift) + WRONG_END_MM
                found.append(Place(start + shift, full / n, gap, off))
                found.append(Place(stop - full - blank + shift, full / n, gap, off))
    return found
