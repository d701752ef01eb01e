"""Which rectangle of the paper becomes the picture of one lead."""

import math
from dataclasses import dataclass, replace

import numpy as np

from data_gen.arrays import F64, Bools
from data_gen.dials import Range, as_choices, as_number, as_range, choose, uniform
from data_gen.errors import InputError

# Farthest edge of a crop from 0 mV: an artefact of many mV ends at the paper's edge, and so
# does a picture of it.
_TALLEST_MM = 150.0
_LEAST_PX = 16  # sides of the smallest picture
_CLEARANCE_MM = 1.0  # kept free between a trace and the upper and lower edge of a window
_SIGHT_MM = 1.0  # ink may reach this far beyond the place where it is drawn
# The published crops: 15 px around the lead's extent, at 400 dpi.
_PUBLISHED_PAD_MM = 15 / 15.748

KINDS = ("extent", "box", "window")


@dataclass(frozen=True)
class Frame:
    """A rectangle of paper as pixels.

    Args:
        x_mm: Where the centre of pixel column 0 stands on the paper.
        y_mm: Where the centre of pixel row 0 stands.
        width_px: Number of columns.
        height_px: Number of rows.
        px_per_mm: Resolution, the same both ways.
    """

    x_mm: float
    y_mm: float
    width_px: int
    height_px: int
    px_per_mm: float

    def part(self, rows: slice, columns: slice) -> "Frame":
        """Some of its rows and columns; they may lie beyond it."""
        return Frame(
            self.x_mm + columns.start / self.px_per_mm,
            self.y_mm + rows.start / self.px_per_mm,
            columns.stop - columns.start,
            rows.stop - rows.start,
            self.px_per_mm,
        )

    def shows(self, *, x_mm: Range, y_mm: Range) -> bool:
        """Whether anything drawn in a box of the paper may be seen in it."""
        right_mm = self.x_mm + self.width_px / self.px_per_mm
        bottom_mm = self.y_mm + self.height_px / self.px_per_mm
        across = x_mm[1] > self.x_mm - _SIGHT_MM and x_mm[0] < right_mm + _SIGHT_MM
        return across and y_mm[1] > self.y_mm - _SIGHT_MM and y_mm[0] < bottom_mm + _SIGHT_MM

    def lowered(self, dy_mm: float) -> "Frame":
        """The same frame further down the paper."""
        return replace(self, y_mm=self.y_mm + dy_mm)


@dataclass(frozen=True)
class CropDials:
    """The dials of a crop; each range is a number or [lo, hi].

    Args:
        kind: "extent": the trace's own extent and a padding, as the paper's data set cuts it;
            "box": a box round the trace as a person or a detector draws it; "window": a fixed
            size at a fixed resolution that lies somewhere along the lead, for training. Of a
            list, one is drawn for each sample.
        padding_mm: For "extent", on each side.
        box_pad_x_mm: For "box", each vertical edge beyond the trace's; negative cuts into it.
        box_pad_y_mm: For "box", each horizontal edge beyond the trace's.
        box_height_mm: For "box", its least height; one is drawn for each sample.
        size_px: For "window", (height, width).
        px_per_mm: For "window", its resolution instead of the page's.
        shift_mm: For "window", how far the trace's middle stands above the window's.
    """

    kind: str | tuple[str, ...] = "extent"
    padding_mm: float = _PUBLISHED_PAD_MM
    box_pad_x_mm: Range = (-1.0, 4.0)
    box_pad_y_mm: Range = (-1.0, 5.0)
    box_height_mm: Range = (12.0, 30.0)
    size_px: tuple[int, int] = (256, 512)
    px_per_mm: Range = (8.0, 8.0)
    shift_mm: Range = (-6.0, 6.0)

    def __post_init__(self) -> None:
        kinds = as_choices("crop.kind", self.kind, KINDS)
        object.__setattr__(self, "kind", kinds[0] if len(kinds) == 1 else kinds)
        as_number("crop.padding_mm", self.padding_mm, lowest=0, highest=100)
        bounds = {
            "box_pad_x_mm": (-20, 100), "box_pad_y_mm": (-20, 100), "box_height_mm": (1, 200),
            "px_per_mm": (1, 50), "shift_mm": (-100, 100),
        }  # fmt: skip
        for name, (lowest, highest) in bounds.items():
            value = as_range(f"crop.{name}", getattr(self, name), lowest=lowest, highest=highest)
            object.__setattr__(self, name, value)
        size = tuple(self.size_px)
        if len(size) != 2 or any(not isinstance(n, int) or n < _LEAST_PX for n in size):
            raise InputError(
                "crop.size_px", f"{size} is no size", f"give [height, width] ≥ {_LEAST_PX} px"
            )
        object.__setattr__(self, "size_px", size)

    def of_one_kind(self, rng: np.random.Generator) -> "CropDials":
        """The same dials with one of their kinds drawn; nothing is drawn where there is one."""
        return self if isinstance(self.kind, str) else replace(self, kind=choose(rng, self.kind))


def draw_frame(
    dials: CropDials,
    rng: np.random.Generator,
    *,
    x_mm: F64,
    y_mm: F64,
    px_per_mm: float,
) -> Frame:
    """A frame round one trace; it depends on that trace alone, never on its neighbours.

    Args:
        dials: What kind of crop.
        rng: Uses up the same draws for every trace.
        x_mm: (n,), where the trace's samples stand, increasing.
        y_mm: (n,), likewise, downward; NaN where a sample is missing.
        px_per_mm: The page's resolution.

    Raises:
        InputError: The trace has no sample to be seen.
    """
    seen = np.isfinite(y_mm)
    if not seen.any():
        raise InputError("crop", "the lead has no sample to be seen", "leave out such records")
    u = rng.random(5)
    if dials.kind == "window":
        return _window(dials, u, x_mm, y_mm, seen)
    top = max(float(y_mm[seen].min()), -_TALLEST_MM)
    bottom = max(top, min(float(y_mm[seen].max()), _TALLEST_MM))
    left, right = float(x_mm[0]), float(x_mm[-1])
    if dials.kind == "extent":
        pad = (dials.padding_mm,) * 4
    else:
        (xl, xh), (yl, yh) = dials.box_pad_x_mm, dials.box_pad_y_mm
        above, below = yl + u[2] * (yh - yl), yl + u[3] * (yh - yl)
        least = uniform(rng, dials.box_height_mm)
        lacking = max(0.0, least - (bottom - top) - above - below) / 2
        pad = (xl + u[0] * (xh - xl), xl + u[1] * (xh - xl), above + lacking, below + lacking)
    left, right, top, bottom = left - pad[0], right + pad[1], top - pad[2], bottom + pad[3]
    width = max(_LEAST_PX, 1 + math.ceil(round((right - left) * px_per_mm, 3)))
    height = max(_LEAST_PX, 1 + math.ceil(round((bottom - top) * px_per_mm, 3)))
    return Frame(left, top, width, height, px_per_mm)


def _window(
    dials: CropDials,
    u: F64,
    x_mm: F64,
    y_mm: F64,
    seen: Bools,
) -> Frame:
    """A window that lies along the lead, or covers it where it is longer."""
    height, width = dials.size_px
    scale = dials.px_per_mm[0] + u[0] * (dials.px_per_mm[1] - dials.px_per_mm[0])
    wide_mm, high_mm = (width - 1) / scale, (height - 1) / scale
    first, last = float(x_mm[0]), float(x_mm[-1])
    lo, hi = sorted((first, last - wide_mm))
    left = lo + u[1] * (hi - lo)
    inside = seen & (x_mm >= left) & (x_mm <= left + wide_mm)
    part = y_mm[inside] if inside.any() else y_mm[seen]
    top, bottom = float(part.min()), float(part.max())
    shift = _within(dials.shift_mm, u[2], room=(high_mm - (bottom - top)) / 2 - _CLEARANCE_MM)
    # Where the trace is taller than the window, the window is centred on the trace's median.
    middle = (top + bottom) / 2 if bottom - top < high_mm else float(np.median(part))
    return Frame(left, middle + shift - high_mm / 2, width, height, scale)


def _within(bounds: Range, u: float, *, room: float) -> float:
    """A shift from its range, kept so small that the trace stays in the window."""
    shift = bounds[0] + u * (bounds[1] - bounds[0])
    return min(max(shift, -room), room) if room > 0 else shift
