"""What real pages carry beside the usual: marks before names, text over traces, cut-off margins."""

from dataclasses import dataclass, fields

import numpy as np

from data_gen.dials import Range, as_probability, as_range, happens, uniform

SIDES = ("left", "top", "right", "bottom")
CHANCES = ("name_tick", "name_spaced", "header_over", "grid_box", "cut", "half_chest")


@dataclass(frozen=True, kw_only=True)
class MakeupDials:
    """The dials of a page's make-up; by default nothing, and nothing is drawn from the stream.

    Args:
        name_right_mm: How far right of the trace's beginning a name stands.
        name_tick: Probability of a short upright tick before every name.
        name_spaced: Probability that I, II and III are printed with their strokes apart.
        header_over: Probability that the header is printed over the first row's traces.
        grid_box: Probability that the grid ends around the rows, and the rest is white.
        cut: Probability, for each side of a page, that its margin is cut off, unless it lies on a
            desk.
        cut_frac: The part of the margin that is gone; traces never are.
        half_chest: Probability that the chest leads are printed at half of the limb leads' gain, if
            that is over 5 mm/mV. The footer says so, and pulses beside chest leads; without these
            nothing on the page does.
    """

    name_right_mm: Range = (0.0, 0.0)
    name_tick: float = 0.0
    name_spaced: float = 0.0
    header_over: float = 0.0
    grid_box: float = 0.0
    cut: float = 0.0
    cut_frac: Range = (0.0, 1.0)
    half_chest: float = 0.0

    def __post_init__(self) -> None:
        for name, highest in (("name_right_mm", 50), ("cut_frac", 1)):
            value = as_range(f"makeup.{name}", getattr(self, name), lowest=0, highest=highest)
            object.__setattr__(self, name, value)
        for name in CHANCES:
            as_probability(f"makeup.{name}", getattr(self, name))

    @property
    def is_none(self) -> bool:
        """Whether no page can have any of it."""
        chances = [getattr(self, name) for name in CHANCES]
        return not (any(chances) or self.name_right_mm[1])


@dataclass(frozen=True)
class Makeup:
    """One page's make-up, drawn from `MakeupDials`; the fields are named alike.

    Args:
        cut_frac: The part of each of `SIDES`' margin that is gone.
    """

    name_right_mm: float = 0.0
    name_tick: bool = False
    name_spaced: bool = False
    header_over: bool = False
    grid_box: bool = False
    cut_frac: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    half_chest: bool = False

    def facts(self) -> dict[str, object]:
        """What was drawn, as values that JSON can hold; nothing where nothing was."""
        if self == Makeup():
            return {}
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return values | {"cut_frac": list(self.cut_frac)}


def draw_makeup(dials: MakeupDials, rng: np.random.Generator) -> Makeup:
    """Draw one page's make-up; without any dial set, nothing is drawn from `rng`."""
    if dials.is_none:
        return Makeup()
    right_mm = uniform(rng, dials.name_right_mm)
    tick, spaced, over, box = (
        happens(rng, p)
        for p in (dials.name_tick, dials.name_spaced, dials.header_over, dials.grid_box)
    )
    left, top, right, bottom = (
        uniform(rng, dials.cut_frac) * happens(rng, dials.cut) for _ in SIDES
    )
    # Drawn where it is asked for only: pages of older dials stay as they were.
    half_chest = dials.half_chest > 0 and happens(rng, dials.half_chest)
    return Makeup(right_mm, tick, spaced, over, box, (left, top, right, bottom), half_chest)
