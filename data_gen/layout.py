"""Where each lead stands on the paper: rows, columns and seconds, in millimetres."""

import math
from dataclasses import dataclass
from functools import cached_property

from data_gen.errors import InputError
from data_gen.sample import LEADS

# Paper (width, height) in mm, landscape; a roll is cut to what is drawn on it.
PAPERS_MM: dict[str, tuple[float, float]] = {
    "a4": (297.0, 210.0),
    "letter": (279.4, 215.9),
    "roll": (math.inf, math.inf),
}

_3X4 = (
    ("I", "aVR", "V1", "V4"),
    ("II", "aVL", "V2", "V5"),
    ("III", "aVF", "V3", "V6"),
)
_6X2 = tuple(zip(LEADS[:6], LEADS[6:], strict=True))
_4X3 = tuple(zip(LEADS[:4], LEADS[4:8], LEADS[8:], strict=True))
# Cabrera's order goes round the frontal plane; aVR is printed upside down for it.
_CABRERA = ("aVL", "I", "-aVR", "II", "aVF", "III")
_3X4_CABRERA = tuple(zip(_CABRERA[:3], _CABRERA[3:], LEADS[6:9], LEADS[9:], strict=True))


@dataclass(frozen=True)
class Layout:
    """Which lead stands where.

    Args:
        name: As printed in the dials.
        rows: Lead names per row, from the top; the rows may differ in their number of columns. A
            "-" before a name: printed upside down.
        any_lead: The rows name places, and which leads stand there is drawn anew for each page.
    """

    name: str
    rows: tuple[tuple[str, ...], ...]
    any_lead: bool = False

    @cached_property
    def columns(self) -> int:
        return max(len(row) for row in self.rows)


LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout("3x4", _3X4),
        Layout("3x4+1R", (*_3X4, ("II",))),
        Layout("3x4+2R", (*_3X4, ("II",), ("V1",))),
        Layout("3x4+3R", (*_3X4, ("V1",), ("II",), ("V5",))),
        Layout("6x2", _6X2),
        Layout("6x2+1R", (*_6X2, ("II",))),
        Layout("4x3", _4X3),
        Layout("3x4+1R (Cabrera)", (*_3X4_CABRERA, ("II",))),
        Layout("6x2 (Cabrera)", tuple(zip(_CABRERA, LEADS[6:], strict=True))),
        Layout("12x1", tuple((lead,) for lead in LEADS)),
        Layout("6x1 (limb)", tuple((lead,) for lead in LEADS[:6])),
        Layout("6x1 (chest)", tuple((lead,) for lead in LEADS[6:])),
        Layout("3x1", (("I",), ("II",), ("III",)), any_lead=True),
        Layout("single", (("II",),), any_lead=True),
    )
}


@dataclass(frozen=True)
class Placement:
    """One lead's stretch on the paper.

    Args:
        lead_name: In the spelling of `LEADS`; "-aVR" is aVR upside down.
        row: From the top.
        column: From the left.
        start_s: Where in the record the stretch begins.
        duration_s: How long it is.
        x_mm: Where its first sample stands, from the paper's left edge.
    """

    lead_name: str
    row: int
    column: int
    start_s: float
    duration_s: float
    x_mm: float


def find_layout(name: str, *, first_lead: int = 0) -> Layout:
    """The layout of that name.

    Args:
        name: One of `LAYOUTS`.
        first_lead: For the layouts that take any leads: the leads from this one on, in the
            order of `LEADS`, wrapping round.

    Raises:
        InputError: There is no such layout.
    """
    if name not in LAYOUTS:
        raise InputError(f"layout {name}", "not known", f"take one of {', '.join(LAYOUTS)}")
    layout = LAYOUTS[name]
    if not layout.any_lead:
        return layout
    chosen = (LEADS[(first_lead + i) % len(LEADS)] for i in range(len(layout.rows)))
    return Layout(name, tuple((lead,) for lead in chosen), any_lead=True)


def paper_size_mm(name: str) -> tuple[float, float]:
    """Width and height of a paper.

    Raises:
        InputError: There is no such paper.
    """
    if name not in PAPERS_MM:
        raise InputError(f"paper {name}", "not known", f"take one of {', '.join(PAPERS_MM)}")
    return PAPERS_MM[name]


def column_seconds(
    layout: Layout, *, record_s: float, width_mm: float, mm_per_s: float, gap_mm: float
) -> float:
    """How many seconds a column holds: the record's share, or less where the paper ends.

    Args:
        layout: The page format.
        record_s: Length of the record.
        width_mm: Width free for traces; inf on a roll.
        mm_per_s: Paper speed.
        gap_mm: Empty paper between two columns.

    Raises:
        InputError: Less than half a second fits.
    """
    columns = layout.columns
    fits_s = (width_mm - gap_mm * (columns - 1)) / columns / mm_per_s
    seconds = min(record_s / columns, fits_s)
    if seconds < 0.5:
        raise InputError(
            f"layout {layout.name}",
            f"only {seconds:.2f} s of each lead fit on {width_mm:.0f} mm at {mm_per_s:g} mm/s",
            "take wider paper, a slower speed or a longer record",
        )
    return seconds


def place(
    layout: Layout, *, seconds: float, left_mm: float, mm_per_s: float, gap_mm: float
) -> tuple[Placement, ...]:
    """Every lead's place, row by row.

    A row with fewer columns than the layout's widest (a rhythm strip) runs its leads through.

    Args:
        layout: The page format.
        seconds: Length of one column, from `column_seconds`.
        left_mm: Where the first column begins.
        mm_per_s: Paper speed.
        gap_mm: Empty paper between two columns.
    """
    places = []
    for row, leads in enumerate(layout.rows):
        span = layout.columns // len(leads)
        for i, lead in enumerate(leads):
            column = i * span
            x_mm = left_mm + column * (seconds * mm_per_s + gap_mm)
            length_s = span * seconds + (span - 1) * gap_mm / mm_per_s
            # A rhythm strip also crosses the gaps, so it ends where the last column ends.
            start_s = column * seconds
            places.append(Placement(lead, row, column, start_s, length_s, x_mm))
    return tuple(places)
