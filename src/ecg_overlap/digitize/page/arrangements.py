"""The orders in which leads are printed on pages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from data_gen.errors import InputError
from data_gen.sample import LEADS

CABRERA = ("aVL", "I", "-aVR", "II", "aVF", "III")
STRIPS = ("II", "V1", "V5")  # the usual rhythm strips
FURTHER = ("V4R", "V8", "V9")  # what is printed beside the twelve, if anything is
MOST_ANY = 3  # rows of one lead each, of which nobody knows the order


@dataclass(frozen=True)
class Arrangement:
    """Which lead stands where.

    Args:
        name: As "3x4+1R"; "(Cabrera)" behind it for that order.
        rows: Lead names row by row, "-aVR" for one that is printed upside down. A row of one lead
            among rows of more is a rhythm strip. Names that are none of the twelve (`FURTHER`)
            hold a place.
        rarity: How unusual it is: 0, 1 …
    """

    name: str
    rows: tuple[tuple[str, ...], ...]
    rarity: int = 0

    @cached_property
    def n_columns(self) -> int:
        return max(len(row) for row in self.rows)

    @property
    def strips(self) -> tuple[int, ...]:
        """The rhythm strips' rows."""
        return tuple(row for row in range(len(self.rows)) if self.is_strip(row))

    def is_strip(self, row: int) -> bool:
        """Whether that row is a rhythm strip."""
        return len(self.rows[row]) < self.n_columns

    @property
    def is_cabrera(self) -> bool:
        """Whether the limb leads stand in Cabrera's order."""
        return any("-aVR" in row for row in self.rows)

    @property
    def has_further(self) -> bool:
        """Whether leads that are none of the twelve stand in it: no law speaks of them."""
        return any(not is_of_twelve(lead) for row in self.rows for lead in row)

    @property
    def takes_any(self) -> bool:
        """Whether any leads may stand in it, so that only their printed names tell which."""
        return self.n_columns == 1 and len(self.rows) <= MOST_ANY

    def in_column(self, column: int) -> list[tuple[int, str]]:
        """The rows, and the leads in them, that stand in a column; of the twelve."""
        leads = [(r, row[0] if len(row) == 1 else row[column]) for r, row in enumerate(self.rows)]
        return [(r, lead) for r, lead in leads if is_of_twelve(lead)]


def is_of_twelve(lead: str) -> bool:
    """Whether a lead is one of `LEADS`, upright or upside down ("-aVR")."""
    return lead.removeprefix("-") in LEADS


def _by_column(leads: Sequence[str], n_rows: int) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(leads[r::n_rows]) for r in range(n_rows))


def _known() -> Iterator[Arrangement]:
    usual, cabrera = tuple(LEADS), (*CABRERA, *LEADS[6:])
    strips: dict[str, tuple[str, ...]] = {
        "": (),
        "+1R": STRIPS[:1],
        "+2R": STRIPS[:2],
        "+3R": STRIPS,
    }
    for rarity, (n_rows, columns) in enumerate(((3, 4), (6, 2), (12, 1), (4, 3))):
        for suffix, names in strips.items():
            if n_rows == 12 and names:
                continue
            for order, leads in (("", usual), (" (Cabrera)", cabrera)):
                rows = (*_by_column(leads, n_rows), *((name,) for name in names))
                rare = rarity + (suffix == "+2R") + 2 * bool(order)
                yield Arrangement(f"{n_rows}x{columns}{suffix}{order}", rows, rare)
    yield Arrangement("3x5", _by_column((*usual, *FURTHER), 3), 3)
    # Six leads to a sheet, for ten seconds.
    for leads, half in ((usual[:6], "limb"), (usual[6:], "chest"), (CABRERA, "limb, Cabrera")):
        rare = 2 + 2 * ("Cabrera" in half)
        yield Arrangement(f"6x1 ({half})", _by_column(leads, 6), rare)


KNOWN: dict[str, Arrangement] = {one.name: one for one in _known()}


def known_names() -> list[str]:
    """The names of all arrangements."""
    return [one.name for one in (*KNOWN.values(), *with_any())]


def arrangement_named(name: str) -> Arrangement:
    """The arrangement that a user names.

    Raises:
        InputError: There is none of that name.
    """
    for one in (*KNOWN.values(), *with_any()):
        if one.name == name:
            return one
    raise InputError(f"layout {name!r}", "not known", f"choose of {', '.join(known_names())}")


def with_rows(n_rows: int) -> list[Arrangement]:
    """The arrangements of so many rows; with few, they may be of any leads (`takes_any`)."""
    return [one for one in (*KNOWN.values(), *with_any()) if len(one.rows) == n_rows]


def with_any() -> list[Arrangement]:
    """A few rows of one lead each, whatever leads these are."""
    return [
        Arrangement(f"{n}x1", tuple((lead,) for lead in LEADS[:n]), 2)
        for n in range(1, MOST_ANY + 1)
    ]
