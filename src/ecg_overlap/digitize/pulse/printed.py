"""The calibration pulses of a page: 1 mV high, 0.2 s wide, before or behind the traces of a row."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from data_gen.render import draw_stroke
from ecg_overlap.digitize.ink.coverage import Coverage, as_coverage

FloatArray = NDArray[np.float64]
FloatImage = NDArray[np.float32]

GAINS = (10.0, 5.0, 20.0)  # mm/mV that electrocardiographs offer
WIDE_PULSE_MM = 10.0  # a pulse of 0.2 s so wide was printed at 50 mm/s
WIDTHS_MM = (5.0, 3.2, WIDE_PULSE_MM)  # 0.2 s at 25 mm/s; as some devices print it; wide
OUTSIDE_MM, INSIDE_MM = 14.0, 9.0  # how far its outer side stands off the row's end
OFF_ROW_MM = 4.0  # its foot may be so far off the row that the trace returns to
FREE_MM = 1.5  # of paper around a pulse, but for its feet
PEN_MM = 0.35  # of its stroke
BLUR_MM = 0.25  # standard deviation: a side may be off by as much, of a pen or of the paper
PX_PER_MM = 6.0  # at most, of the picture in which pulses are looked for
LIKE = 0.7  # least correlation of a pulse with its drawing
LIKE_ALL = 0.78  # … of all of a page: on 44 of fold 9 pulses have 0.82 to 0.97, grids up to 0.75
LEAST_INK = 0.25  # of the drawing's variance: OpenCV takes blank paper to be like anything
LEAST_SEEN_MM = 5.0  # of a pulse's sides, where its roof is beyond the picture's edge
ALIKE_MM = 4.0  # the pulses of one page stand above each other


class Ended(Protocol):
    """A row of traces with its ends: which row it is in each column, float64 (W,)."""

    @property
    def y_px(self) -> FloatArray: ...

    @property
    def first(self) -> int: ...

    @property
    def stop(self) -> int: ...


@dataclass(frozen=True)
class PagePulse:
    """The pulses at one side of a page.

    Args:
        left_px: Column of their rising sides.
        right_px: Of their falling sides.
        mm_per_mv: The gain that they show, one of `GAINS`.
        width_mm: How wide they are, one of `WIDTHS_MM`.
        zero_px: float64 (K,): each row's 0 mV; NaN for a row without a pulse.
        like: float64 (K,): correlation of each row's pulse with the drawing of one; NaN likewise.
        after: Whether they stand behind the traces, not before them.
        other_mm_per_mv: The gain of those at the other side, where there are any.
    """

    left_px: float
    right_px: float
    mm_per_mv: float
    width_mm: float
    zero_px: FloatArray
    like: FloatArray
    after: bool
    other_mm_per_mv: float | None = None


def find_pulses(cover: Coverage, rows: Sequence[Ended], *, px_per_mm: float) -> PagePulse | None:
    """The pulses of a page; None where it has none.

    Args:
        cover: float32 (H, W), 0–1: the ink.
        rows: Of the page.
        px_per_mm: Its scale.
    """
    seen = _Coarse.of(cover, px_per_mm)
    finer, beside, scale, blurred = seen.finer, seen.beside, seen.px_per_mm, seen.ink
    ends = [
        int(np.median([row.first for row in rows]) / finer) + beside,
        int(np.median([row.stop for row in rows]) / finer) + beside,
    ]
    places = [
        np.array([row.y_px[np.clip(round(end * finer), 0, len(row.y_px) - 1)] for row in rows])
        for end in ends
    ]
    found = [
        _pulse_at(blurred, places[after] / finer, ends[after], gain, width, bool(after), scale)
        for gain, width, after in product(GAINS, WIDTHS_MM, (0, 1))
    ]
    clear = [pair for pair in found if pair is not None and pair[1] >= LIKE_ALL]
    if not clear:
        return None
    likest = sorted(clear, key=lambda pair: -pair[1])
    best = likest[0][0]
    other = next((pulse.mm_per_mv for pulse, _ in likest if pulse.after != best.after), None)
    return seen.in_picture(replace(best, other_mm_per_mv=other))


def find_cut_pulse(cover: Coverage, row: Ended, *, px_per_mm: float) -> PagePulse | None:
    """The pulse of a row whose top is beyond the picture's upper edge: two sides without a roof.

    Its gain is the least that is offered of those at which the roof is not seen.

    Args:
        cover: float32 (H, W), 0–1: the ink.
        row: Of a lead.
        px_per_mm: Its scale.
    """
    seen = _Coarse.of(cover, px_per_mm)
    scale = seen.px_per_mm
    best: PagePulse | None = None
    widths = {w: {gain: _drawn(gain, w, scale) for gain in sorted(GAINS)} for w in WIDTHS_MM}
    for (width_mm, drawings), after in product(widths.items(), (False, True)):
        end = int((row.stop if after else row.first) / seen.finer) + seen.beside
        y = float(row.y_px[int(np.clip(row.stop - 1 if after else row.first, 0, None))])
        middle = y / seen.finer
        for off in range(-round(OFF_ROW_MM * scale), round(OFF_ROW_MM * scale) + 1):
            zero = round(middle) + off
            cut = _without_roof(drawings, zero, scale)
            if cut is None or zero < LEAST_SEEN_MM * scale:
                continue
            gain, drawn, foot = cut
            first, stop = _reach(end, foot, drawn, width_mm, after, scale)
            part = seen.ink[: len(drawn), first:stop]
            if part.shape[0] < len(drawn) or part.shape[1] < drawn.shape[1]:
                continue
            like = _likeness(part, drawn)[0]
            x = int(like.argmax())
            if like[x] >= LIKE and (best is None or like[x] > best.like[0]):
                left = first + x + foot[0] + _between(like, x)
                best = PagePulse(
                    left_px=left,
                    right_px=left + width_mm * scale,
                    mm_per_mv=gain,
                    width_mm=width_mm,
                    zero_px=np.array([float(zero)]),
                    like=np.array([float(like[x])]),
                    after=after,
                )
    return None if best is None else seen.in_picture(best)


def _without_roof(
    drawings: dict[float, tuple[FloatImage, FloatArray]], zero_px: int, px_per_mm: float
) -> tuple[float, FloatImage, FloatArray] | None:
    """What a picture shows of a pulse that goes over its upper edge: gain, drawing, and its foot.

    Of all gains at which the roof is not seen, it is the same two sides: the first is taken.
    """
    for gain, (shape, foot) in drawings.items():
        hidden = round(foot[1]) - zero_px  # rows of the drawing above the picture
        if hidden >= (FREE_MM + BLUR_MM) * px_per_mm:
            return gain, shape[hidden:], foot
    return None


@dataclass(frozen=True, eq=False)
class _Coarse:
    """A picture's ink as pulses are looked for in it.

    A coarser picture is enough to see them, and to place them to a hundredth of a millivolt.
    """

    ink: FloatImage
    px_per_mm: float
    finer: float  # px of the picture to one of this
    beside: int  # columns of paper that were added on either side: a pulse may stand at an edge

    @classmethod
    def of(cls, cover: Coverage, px_per_mm: float) -> "_Coarse":
        finer = max(px_per_mm / PX_PER_MM, 1.0)
        coarse = cv2.resize(cover, None, fx=1 / finer, fy=1 / finer, interpolation=cv2.INTER_AREA)
        scale = px_per_mm / finer
        beside = round(FREE_MM * scale)
        blurred = _blurred(np.pad(coarse, ((0, 0), (beside, beside))), scale)
        return cls(blurred, scale, finer, beside)

    def in_picture(self, pulse: PagePulse) -> PagePulse:
        """A pulse that was found here, in px of the picture."""
        return replace(
            pulse,
            left_px=(pulse.left_px - self.beside + 0.5) * self.finer - 0.5,
            right_px=(pulse.right_px - self.beside + 0.5) * self.finer - 0.5,
            zero_px=(pulse.zero_px + 0.5) * self.finer - 0.5,
        )


def _reach(
    end: int, foot: FloatArray, shape: FloatImage, width_mm: float, after: bool, px_per_mm: float
) -> tuple[int, int]:
    """First and last column in which a drawn pulse may lie."""
    reach = [-INSIDE_MM - width_mm, OUTSIDE_MM - width_mm] if after else [-OUTSIDE_MM, INSIDE_MM]
    left, right = (max(int(end - foot[0] + mm * px_per_mm), 0) for mm in reach)
    return left, right + shape.shape[1]


def _pulse_at(
    ink: FloatImage,
    rows_px: FloatArray,
    end: int,
    mm_per_mv: float,
    width_mm: float,
    after: bool,
    px_per_mm: float,
) -> tuple[PagePulse, float] | None:
    """The pulses of one gain and width at one side; None unless most rows have one there.

    And how like all of them together are to the page.
    """
    shape, foot = _drawn(mm_per_mv, width_mm, px_per_mm)
    left, right = _reach(end, foot, shape, width_mm, after, px_per_mm)
    likes, tops = [], []
    for row in rows_px:
        top, stop = (int(row - foot[1] + off * px_per_mm) for off in (-OFF_ROW_MM, OFF_ROW_MM))
        top = max(top, 0)
        part = ink[top : max(stop + shape.shape[0], 0), left:right]
        if part.shape[0] < shape.shape[0] or part.shape[1] < shape.shape[1]:
            likes.append(np.zeros((1, max(right - left - shape.shape[1] + 1, 1)), np.float32))
        else:
            likes.append(_likeness(part, shape))
        tops.append(top)
    width = min(like.shape[1] for like in likes)
    along = np.stack([like[:, :width].max(axis=0) for like in likes])
    reach_px = round(ALIKE_MM * px_per_mm)
    near = maximum_filter1d(along, 2 * reach_px + 1, axis=1, mode="constant")
    near = np.where(near >= LIKE, near, 0)
    at = int(near.sum(axis=0).argmax())
    held = near[:, at] > 0
    if held.sum() <= len(rows_px) / 2:
        return None
    left_of, zero = np.full((2, len(rows_px)), np.nan)
    first = max(at - reach_px, 0)
    for k in np.flatnonzero(held):
        x = first + int(along[k, first : at + reach_px + 1].argmax())
        y = int(likes[k][:, x].argmax())
        left_of[k] = left + x + foot[0] + _between(likes[k][y], x)
        zero[k] = tops[k] + y + foot[1] + _between(likes[k][:, x], y)
    left_px = float(np.nanmedian(left_of))
    pulse = PagePulse(
        left_px=left_px,
        right_px=left_px + width_mm * px_per_mm,
        mm_per_mv=mm_per_mv,
        width_mm=width_mm,
        zero_px=zero,
        like=np.where(held, near[:, at], np.nan),
        after=after,
    )
    feet = np.column_stack([np.where(held, left_of, left_px), np.where(held, zero, rows_px)])
    return pulse, _like_all(ink, feet, held, mm_per_mv, width_mm, px_per_mm)


def _like_all(
    ink: FloatImage,
    feet_px: FloatArray,
    held: NDArray[np.bool_],
    mm_per_mv: float,
    width_mm: float,
    px_per_mm: float,
) -> float:
    """Correlation of a page with the pulses of its rows, from the first row to the last.

    A row in which none was found may have none, or one that others hide: what fits better. Where
    rows are close, two pulses of 10 mm above each other look like one of 20, and where a grid is
    left, some of its boxes like one: but not all of them.

    Args:
        ink: float32 (H, W), blurred.
        feet_px: float64 (K, 2), (x, y): where each rising side begins.
        held: bool (K,): rows in which one was found.
        mm_per_mv: How high they are.
        width_mm: How wide.
        px_per_mm: The picture's scale.
    """
    size, free = np.array([width_mm, -mm_per_mv]) * px_per_mm, FREE_MM * px_per_mm
    corners = feet_px[:, None] + np.array([(0, 0), (0, 1), (1, 1), (1, 0)]) * size
    first = np.floor(corners.min(axis=(0, 1)) - free).astype(int).clip(0)
    last = np.ceil(corners.max(axis=(0, 1)) + free).astype(int)
    part = ink[first[1] : last[1], first[0] : last[0]]
    likes = []
    for some in (held, np.ones_like(held)):
        canvas = np.zeros(part.shape, np.uint8)
        for of_one in corners[some] - first:
            draw_stroke(canvas, of_one, width_px=PEN_MM * px_per_mm)
        drawn = _blurred(as_coverage(canvas), px_per_mm)
        likes.append(float(np.corrcoef(part.ravel(), drawn.ravel())[0, 1]))
    return max(likes)


def _likeness(part: FloatImage, shape: FloatImage) -> FloatImage:
    """Correlation of a drawing with every place of a picture; 0 where there is next to no ink."""
    height, width = part.shape[0] - shape.shape[0] + 1, part.shape[1] - shape.shape[1] + 1
    size, corner = shape.shape[::-1], (0, 0)
    mean = cv2.boxFilter(part, cv2.CV_32F, size, anchor=corner)[:height, :width]
    power = cv2.sqrBoxFilter(part, cv2.CV_32F, size, anchor=corner)[:height, :width]
    inked = power - mean**2 > LEAST_INK * shape.var()
    if not inked.any():
        return np.zeros((height, width), np.float32)
    like = cv2.matchTemplate(part, shape, cv2.TM_CCOEFF_NORMED)
    return np.where(inked, like, np.float32(0))


def _drawn(mm_per_mv: float, width_mm: float, px_per_mm: float) -> tuple[FloatImage, FloatArray]:
    """A pulse as it is printed, blurred, and where in it the foot of its rising side is (x, y)."""
    across, up, free = width_mm * px_per_mm, mm_per_mv * px_per_mm, FREE_MM * px_per_mm
    size = (round(up + 2 * free), round(across + 2 * free))
    canvas = np.zeros(size, np.uint8)
    foot = np.array([free, up + free])
    corners = foot + np.array([(0.0, 0.0), (0.0, -up), (across, -up), (across, 0.0)])
    draw_stroke(canvas, corners, width_px=PEN_MM * px_per_mm)
    return _blurred(as_coverage(canvas), px_per_mm), foot


def _blurred(ink: Coverage, px_per_mm: float) -> FloatImage:
    return np.asarray(cv2.GaussianBlur(ink, (0, 0), BLUR_MM * px_per_mm))


def _between(like: NDArray[np.float32], at: int) -> float:
    """Where beside a maximum the parabola through it and its neighbours is highest."""
    if not 0 < at < len(like) - 1:
        return 0.0
    before, here, after = (float(v) for v in like[at - 1 : at + 2])
    bend = before - 2 * here + after
    return 0.0 if bend >= 0 else float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5))
