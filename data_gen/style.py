"""What a page looks like: the dials, and one look drawn from them."""

import colorsys
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numba import njit

from data_gen.arrays import F64
from data_gen.dials import (
    Range,
    as_choices,
    as_number,
    as_probability,
    as_range,
    choose,
    log_uniform,
    uniform,
)
from data_gen.distort import Distortion
from data_gen.layout import LAYOUTS, PAPERS_MM
from data_gen.makeup import Makeup, MakeupDials, draw_makeup
from data_gen.text import FONTS

Rgb = tuple[int, int, int]

GRIDS = ("standard", "paper", "random", "gray", "strong", "dotted", "faint", "none")
INKS: dict[str, tuple[Rgb, Rgb]] = {  # between these two colours
    "black": ((0, 0, 0), (0, 0, 0)),
    "dark": ((0, 0, 0), (70, 60, 70)),
    "blue": ((15, 15, 70), (60, 70, 140)),
}
NAMES = ("below", "above", "before", "none")
SEPARATORS = ("none", "bar", "bars", "dotted")
PULSES = ("left", "right", "both", "none")

# Looks read off scanned and photographed pages, by eye.
_MOST_UNEVEN = 0.8  # part of its ink that a grid line may lack
_WAVES_MM = (8.0, 60.0)  # lengths of the waves of a pen's width
_N_WAVES = 3
# The golden ratio's fraction shifts the waves from row to row: no two rows get the same phases.
_GOLDEN = 0.6180339887

# (major, minor): the colours in which grid paper is printed.
_STANDARD: tuple[tuple[Rgb, Rgb], ...] = (
    ((228, 130, 130), (248, 214, 214)),
    ((245, 165, 165), (253, 224, 224)),
    ((205, 120, 105), (240, 205, 195)),
    ((240, 140, 190), (252, 215, 235)),
    ((226, 150, 90), (247, 220, 195)),
    ((120, 170, 120), (205, 228, 200)),
)


@dataclass(frozen=True)
class GridStyle:
    """The printed grid.

    Args:
        major_rgb: Colour of the 5 mm lines; None without them.
        minor_rgb: Colour of the 1 mm lines or dots; None without them.
        major_mm: Width of the 5 mm lines.
        minor_mm: Width of the 1 mm lines.
        dotted: The 1 mm lines are dots where they cross.
        snapped: Lines stand on whole pixels and horizontal ones hide vertical ones, as a
            screen plot draws them; else both darken the paper where they stand.
        uneven: The most that a line lacks of its ink: a worn roller, a coarse raster.
        uneven_phase: Which lines lack it.
    """

    major_rgb: Rgb | None
    minor_rgb: Rgb | None
    major_mm: float = 0.2
    minor_mm: float = 0.1
    dotted: bool = False
    snapped: bool = False
    uneven: float = 0.0
    uneven_phase: float = 0.0


@dataclass(frozen=True)
class PenStyle:
    """How the stroke of a stylus or a jet varies along a trace.

    The faster it moves over the paper, the thinner and paler the stroke. Its width also wavers
    slowly: by a sum of sine waves along the paper, whose phases differ from row to row.

    Args:
        thin: Part of its width that a vertical stroke lacks.
        pale: Part of its ink that a vertical stroke lacks; seen in the picture alone.
        waver: The most by which the width wavers, as a part of it.
        waves_mm: Lengths of the waves.
        phases: Where they begin in the first row, in waves.
    """

    thin: float
    pale: float
    waver: float
    waves_mm: tuple[float, ...]
    phases: tuple[float, ...]

    def wavering(self, first_mm: int, stop_mm: int, row: int) -> F64:
        """Factor of the width at whole mm of the paper (n,), by the row and the place alone."""
        return _wavering(self.waves_mm, self.phases, self.waver, first_mm, stop_mm, row)


@njit(cache=True, nogil=True)
def _wavering(
    waves_mm: tuple[float, ...],
    phases: tuple[float, ...],
    waver: float,
    first_mm: int,
    stop_mm: int,
    row: int,
) -> F64:
    factors = np.empty(stop_mm - first_mm)
    for i in range(len(factors)):
        waves = 0.0
        for k in range(len(waves_mm)):
            turns = (first_mm + i) / waves_mm[k] + phases[k] + (k + 1) * row * _GOLDEN
            waves += math.sin(2 * math.pi * turns)
        factors[i] = 1.0 + waver / len(waves_mm) * waves
    return factors


@dataclass(frozen=True)
class PageDials:
    """The dials of a page; each range is a number or [lo, hi], each choice one or a list.

    Args:
        layout: Names from `data_gen.layout.LAYOUTS`.
        paper: "a4", "letter" (both landscape), "roll".
        dpi: Resolution, px/mm = dpi / 25.4.
        mm_per_s: Paper speeds.
        mm_per_mv: Gains.
        fs_hz: Sampling frequency that is printed; None for the record's own.
        grid: Names from `GRIDS`.
        ink: Names from `INKS`.
        lead_names: Where the leads' names stand: below or above the trace, before it, none.
        font: Names from `data_gen.text.FONTS`.
        name_mm: Font size of the leads' names (em).
        name_drop_mm: How far their line stands below (or above) 0 mV.
        separator: Between columns: none, a bar, the paper's two short bars, a dotted line.
        pulse: Calibration pulse left or right of each row, both, or none.
        column_gap_mm: Empty paper between two columns.
        header: Probability of header text.
        footer: Probability of footer text.
        baseline_on_grid: Probability that 0 mV stands on a 5 mm line.
        pen_thin: Part of its width that a vertical stroke of a trace lacks.
        pen_pale: Part of its ink that it lacks, in the picture; masks keep their full coverage.
        pen_waver: The most by which a trace's width wavers along it, as a part of it.
        makeup: What of real pages' make-up it has beside that.
        distortion: What happens to the print afterwards.
    """

    layout: Sequence[str] = ("3x4+1R",)
    paper: Sequence[str] = ("a4",)
    dpi: Range = (200.0, 200.0)
    mm_per_s: Sequence[float] = (25.0,)
    mm_per_mv: Sequence[float] = (10.0,)
    fs_hz: float | None = None
    grid: Sequence[str] = ("standard",)
    ink: Sequence[str] = ("black",)
    lead_names: Sequence[str] = ("below",)
    font: Sequence[str] = ("sans",)
    name_mm: Range = (3.0, 4.0)
    name_drop_mm: Range = (4.0, 7.0)
    separator: Sequence[str] = ("none",)
    pulse: Sequence[str] = ("left",)
    column_gap_mm: Range = (0.0, 0.0)
    header: float = 0.0
    footer: float = 0.0
    baseline_on_grid: float = 0.0
    pen_thin: Range = (0.0, 0.0)
    pen_pale: Range = (0.0, 0.0)
    pen_waver: Range = (0.0, 0.0)
    makeup: MakeupDials = field(default_factory=MakeupDials)
    distortion: Distortion = field(default_factory=Distortion)

    def __post_init__(self) -> None:
        choices: dict[str, Iterable[str | float]] = {
            "layout": LAYOUTS, "paper": PAPERS_MM, "grid": GRIDS, "ink": INKS,
            "lead_names": NAMES, "font": FONTS, "separator": SEPARATORS, "pulse": PULSES,
            "mm_per_s": (25, 50), "mm_per_mv": (5, 10, 20),
        }  # fmt: skip
        for name, known in choices.items():
            object.__setattr__(self, name, as_choices(f"page.{name}", getattr(self, name), known))
        bounds = {
            "dpi": (50, 600), "name_mm": (1, 20), "name_drop_mm": (0, 50), "column_gap_mm": (0, 50),
            "pen_thin": (0, 0.9), "pen_pale": (0, 0.9), "pen_waver": (0, 0.9),
        }  # fmt: skip
        for name, (lowest, highest) in bounds.items():
            value = as_range(f"page.{name}", getattr(self, name), lowest=lowest, highest=highest)
            object.__setattr__(self, name, value)
        for name in ("header", "footer", "baseline_on_grid"):
            as_probability(f"page.{name}", getattr(self, name))
        if self.fs_hz is not None:
            as_number("page.fs_hz", self.fs_hz, lowest=50, highest=5000)


@dataclass(frozen=True)
class PageStyle:
    """One page's look, drawn from `PageDials`; the fields are named alike."""

    layout: str
    first_lead: int
    paper: str
    px_per_mm: float
    mm_per_s: float
    mm_per_mv: float
    fs_hz: float | None
    grid_name: str
    grid: GridStyle
    grid_phase_mm: tuple[float, float]
    ink_rgb: Rgb
    lead_names: str
    font: str
    name_mm: float
    name_drop_mm: float
    separator: str
    pulse: str
    column_gap_mm: float
    header: bool
    footer: bool
    baseline_on_grid: bool
    pen: PenStyle | None
    makeup: Makeup = field(default_factory=Makeup)

    @property
    def chest_mm_per_mv(self) -> float:
        """Gain of the chest leads: half of 10 and of 20; no device prints less than 5."""
        half = self.makeup.half_chest and self.mm_per_mv > 5
        return self.mm_per_mv / 2 if half else self.mm_per_mv

    def gain_of(self, lead_name: str) -> float:
        """Gain of a lead, mm/mV."""
        return self.chest_mm_per_mv if lead_name.startswith("V") else self.mm_per_mv

    def grid_origin_mm(self, baseline_mm: float) -> tuple[float, float]:
        """A crossing of 5 mm lines; on that 0 mV where the style wants it there."""
        x_mm, y_mm = self.grid_phase_mm
        return x_mm, baseline_mm if self.baseline_on_grid else y_mm

    def facts(self) -> dict[str, object]:
        """What was drawn, as values that JSON can hold."""
        apart = ("grid", "pen", "makeup")
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in apart}
        if self.pen is not None:
            values |= {f"pen_{k}": getattr(self.pen, k) for k in ("thin", "pale", "waver")}
        values |= self.makeup.facts()
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


def draw_style(dials: PageDials, rng: np.random.Generator) -> PageStyle:
    """Draw one look; the order of the draws is fixed, so a dial changes only what it names."""
    grid_name = choose(rng, dials.grid)
    lo, hi = (np.array(rgb, float) for rgb in INKS[choose(rng, dials.ink)])
    ink = lo + float(rng.random()) * (hi - lo)
    return PageStyle(
        layout=choose(rng, dials.layout),
        first_lead=int(rng.integers(12)),
        paper=choose(rng, dials.paper),
        px_per_mm=uniform(rng, dials.dpi) / 25.4,
        mm_per_s=float(choose(rng, dials.mm_per_s)),
        mm_per_mv=float(choose(rng, dials.mm_per_mv)),
        fs_hz=dials.fs_hz,
        grid_name=grid_name,
        grid=_draw_grid_style(grid_name, rng),
        grid_phase_mm=(float(rng.random()) * 5, float(rng.random()) * 5),
        ink_rgb=(int(ink[0]), int(ink[1]), int(ink[2])),
        lead_names=choose(rng, dials.lead_names),
        font=choose(rng, dials.font),
        name_mm=uniform(rng, dials.name_mm),
        name_drop_mm=uniform(rng, dials.name_drop_mm),
        separator=choose(rng, dials.separator),
        pulse=choose(rng, dials.pulse),
        column_gap_mm=uniform(rng, dials.column_gap_mm),
        header=rng.random() < dials.header,
        footer=rng.random() < dials.footer,
        baseline_on_grid=rng.random() < dials.baseline_on_grid,
        pen=_draw_pen(dials, rng),
        makeup=draw_makeup(dials.makeup, rng),
    )


def _draw_pen(dials: PageDials, rng: np.random.Generator) -> PenStyle | None:
    """How the stroke varies; None, and nothing drawn, where no dial asks for it."""
    ranges: tuple[Range, ...] = (dials.pen_thin, dials.pen_pale, dials.pen_waver)
    if not any(highest for _, highest in ranges):
        return None
    thin, pale, waver = (uniform(rng, bounds) for bounds in ranges)
    waves_mm = tuple(log_uniform(rng, _WAVES_MM) for _ in range(_N_WAVES))
    return PenStyle(thin, pale, waver, waves_mm, tuple(rng.random(_N_WAVES).tolist()))


def _draw_grid_style(name: str, rng: np.random.Generator) -> GridStyle:
    """A grid of that name; uses up the same draws whatever the name."""
    u = rng.random(6)
    # On some papers the thin lines are as wide as what they leave white.
    major_mm, minor_mm = 0.12 + 0.2 * u[0], 0.06 + 0.1 * u[1] + 0.3 * max(u[1] - 0.85, 0.0) / 0.15
    major, minor = _STANDARD[int(u[2] * len(_STANDARD))]
    if name == "none":
        return GridStyle(None, None)
    if name == "paper":
        return GridStyle((191, 127, 127), (255, 237, 237), 0.318, 0.318, snapped=True)
    if name == "random":
        major = _rgb(colorsys.hls_to_rgb(u[3], 0.55 + 0.25 * u[4], 0.2 + 0.8 * u[5]))
        minor = _rgb(colorsys.hls_to_rgb(u[3], 0.85 + 0.1 * u[4], 0.2 + 0.8 * u[5]))
    if name == "strong":  # both kinds of lines as dark as a thin pen's trace, or little lighter
        hue, level = u[3], 0.2 + 0.4 * u[4]
        major = _rgb(colorsys.hls_to_rgb(hue, level, 0.1 + 0.7 * u[5]))
        minor = _mixed(major, 0.4 * u[1])
    if name == "gray":
        level = int(90 + 100 * u[3])
        light = int(level + (235 - level) * 0.8 * u[4])  # from as dark as the thick lines
        major, minor = (level,) * 3, (light,) * 3
    if name == "faint":
        major, minor = _mixed(major, 0.5 + 0.25 * u[3]), _mixed(minor, 0.5 + 0.25 * u[3])
    return GridStyle(
        major,
        minor,
        major_mm,
        minor_mm,
        dotted=name == "dotted",
        uneven=max(2.0 * u[5] - 1.0, 0.0) * _MOST_UNEVEN,
        uneven_phase=u[0] + u[1],
    )


def _rgb(color: tuple[float, float, float]) -> Rgb:
    return int(color[0] * 255), int(color[1] * 255), int(color[2] * 255)


def _mixed(color: Rgb, white: float) -> Rgb:
    return _rgb(tuple((c + (255 - c) * white) / 255 for c in color))  # type: ignore[arg-type]
