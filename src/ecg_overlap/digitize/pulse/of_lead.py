"""The calibration pulse in the picture of one lead: its gain and speed, and the ink without it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.pulse.printed import (
    FREE_MM,
    OFF_ROW_MM,
    PagePulse,
    find_cut_pulse,
    find_pulses,
)

FloatArray = NDArray[np.float64]

# Correlation with a pulse's drawing, of one that no other row of a page bears out. Of 250 drawn
# leads and crops without a pulse none has more than 0.67; drawn pulses have 0.81 and more.
LIKE_ALONE = 0.75
SIDE_MM = 0.3  # its ink is so near to where a side is found to stand; twice that off is blank
MOST = 0.85  # of a side's rows and a roof's columns hold ink; of what is blank, as much does not
INK = 0.5  # coverage from which a pixel is ink
PEN_MM = 0.5  # the falling side's own ink ends so far behind its middle at the most
FOOT_MM = 3.0  # a pulse's foot is shorter: 0.1 s at 25 mm/s
FOOT_HIGH_MM = 1.5  # ink so near to the row of 0 mV is its foot or the trace


@dataclass(frozen=True)
class LevelRow:
    """The row of a lead, level, with the ends of its ink.

    Args:
        y_px: float64 (W,).
        first: First column that holds ink near it.
        stop: The one after the last.
    """

    y_px: FloatArray
    first: int
    stop: int


def find_lead_pulse(
    cover: Coverage, rows_px: Sequence[float], *, px_per_mm: float
) -> PagePulse | None:
    """The pulse beside any of a picture's rows; None where there is none.

    Args:
        cover: float32 (H, W), 0–1: the ink.
        rows_px: Rows to which its traces return.
        px_per_mm: Its scale.
    """
    found = []
    above = round(FREE_MM * px_per_mm)  # a pulse may stand at the upper edge
    padded = np.pad(np.asarray(cover, np.float32), ((above, 0), (0, 0)))
    for row_px in rows_px:
        row = _level_row(cover, row_px, px_per_mm)
        if row is None:
            continue
        lower = LevelRow(row.y_px + above, row.first, row.stop)
        whole = find_pulses(padded, [lower], px_per_mm=px_per_mm)
        if whole is not None:
            found.append(_moved_up(whole, above))
        cut = find_cut_pulse(np.asarray(cover, np.float32), row, px_per_mm=px_per_mm)
        if cut is not None:
            found.append(cut)
    found = [p for p in found if p.like[0] >= LIKE_ALONE and _stands_free(cover, p, px_per_mm)]
    return max(found, key=lambda pulse: float(pulse.like[0]), default=None)


def columns_of_trace(cover: Coverage, pulse: PagePulse, *, px_per_mm: float) -> tuple[int, int]:
    """The columns, from and before, that are left for the traces: not the pulse's, nor its foot's.

    The foot ends where blank paper follows; where it runs into the trace, the pulse's side is the
    end.

    Args:
        cover: float32 (H, W), 0–1: the ink.
        pulse: Found in it.
        px_per_mm: Its scale.
    """
    width = cover.shape[1]
    near = round(FOOT_HIGH_MM * px_per_mm)
    zero = round(float(pulse.zero_px[0]))
    level = cover[max(zero - near, 0) : max(zero + near + 1, 0)]
    blank = ~np.asarray((level >= INK).any(axis=0))
    pen, foot = PEN_MM * px_per_mm, FOOT_MM * px_per_mm
    if pulse.after:
        last = int(pulse.left_px - pen)
        free = np.flatnonzero(blank[max(int(last - foot), 0) : max(last + 1, 0)])
        return 0, max(int(last - foot), 0) + int(free[-1]) if len(free) else max(last, 0)
    start = min(int(np.ceil(pulse.right_px + pen)), width)
    free = np.flatnonzero(blank[start : int(start + foot) + 1])
    return start + (int(free[0]) if len(free) else 0), width


def _stands_free(cover: Coverage, pulse: PagePulse, px_per_mm: float) -> bool:
    """Whether its two sides are unbroken and end at their feet, with blank paper around them.

    R waves that the picture's edge cuts lean; the frame of axes goes on below.
    """
    zero, off = float(pulse.zero_px[0]), SIDE_MM * px_per_mm
    roof = zero - pulse.mm_per_mv * px_per_mm
    rows = _span(roof + 2 * off, zero - 2 * off)
    for x in (pulse.left_px, pulse.right_px):
        side = _ink(cover, rows, _span(x - off, x + off))
        below = _ink(cover, _span(zero + 2 * off, zero + 4 * off), _span(x - off, x + off))
        beside = [_ink(cover, rows, _span(x + a * off, x + b * off)) for a, b in ((-4, -2), (2, 4))]
        if side.any(axis=1).mean() < MOST or below.any():
            return False
        if any(part.any(axis=1).mean() > 1 - MOST for part in beside if part.size):
            return False
    inner = _ink(cover, rows, _span(pulse.left_px + 2 * off, pulse.right_px - 2 * off))
    if inner.any(axis=0).mean() > 1 - MOST:
        return False
    if roof < 0:  # it is above the picture
        return True
    top = _ink(cover, _span(roof - off, roof + off), _span(pulse.left_px, pulse.right_px))
    return bool(top.any(axis=0).mean() >= MOST)


def _span(first: float, last: float) -> slice:
    """The pixels between two places; at least one, where they are in the picture."""
    start = max(round(first), 0)
    return slice(start, max(round(last) + 1, start))


def _ink(cover: Coverage, rows: slice, columns: slice) -> NDArray[np.bool_]:
    part = np.asarray(cover[rows, columns] >= INK)
    return part if part.size else np.zeros((1, 1), np.bool_)


def _level_row(cover: Coverage, row_px: float, px_per_mm: float) -> LevelRow | None:
    near = OFF_ROW_MM * px_per_mm
    part = cover[max(int(row_px - near), 0) : max(int(row_px + near) + 1, 0)]
    inked = np.flatnonzero((part >= INK).any(axis=0))
    if len(inked) == 0:
        return None
    level = np.full(cover.shape[1], float(row_px))
    return LevelRow(level, int(inked[0]), int(inked[-1]) + 1)


def _moved_up(pulse: PagePulse, by_px: int) -> PagePulse:
    return PagePulse(
        left_px=pulse.left_px,
        right_px=pulse.right_px,
        mm_per_mv=pulse.mm_per_mv,
        width_mm=pulse.width_mm,
        zero_px=pulse.zero_px - by_px,
        like=pulse.like,
        after=pulse.after,
    )
