"""Dials: a range, a choice or a probability as YAML writes it, checked and drawn."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from data_gen.errors import InputError

Range = tuple[float, float]


def as_range(
    where: str, value: Any, *, lowest: float = -math.inf, highest: float = math.inf
) -> Range:
    """A range (lo, hi) from a number or a pair of numbers.

    Args:
        where: The dial's name, for the message.
        value: A number, or [lo, hi].
        lowest: The smallest value that makes sense.
        highest: The largest.

    Raises:
        InputError: Not numbers, NaN, the wrong way round, or out of bounds.
    """
    pair = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else (value,)
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in pair)
    if not numbers or len(pair) not in (1, 2) or any(math.isnan(v) for v in pair):
        raise InputError(where, f"{value!r} is no range", "give a number or [lo, hi]")
    lo, hi = float(pair[0]), float(pair[-1])
    if lo > hi or lo < lowest or hi > highest:
        raise InputError(
            where, f"[{lo:g}, {hi:g}] is out of bounds", f"keep {lowest:g} ≤ lo ≤ hi ≤ {highest:g}"
        )
    return lo, hi


def as_choices(where: str, value: Any, known: Iterable[Any] | None = None) -> tuple[Any, ...]:
    """One or more choices, each of them known.

    Raises:
        InputError: An empty list, or a choice that is not among the known.
    """
    choices = (value,) if isinstance(value, str | int | float) else tuple(value)
    if not choices:
        raise InputError(where, "an empty list of choices", "give at least one")
    if known is not None:
        known = tuple(known)
        for choice in choices:
            if choice not in known:
                raise InputError(
                    where, f"{choice!r} is not known", f"take of {', '.join(map(str, known))}"
                )
    return choices


def uniform(rng: np.random.Generator, bounds: Range) -> float:
    """A number drawn evenly from a range; one draw is used up whatever the range."""
    return bounds[0] + float(rng.random()) * (bounds[1] - bounds[0])


def choose(rng: np.random.Generator, choices: Sequence[Any]) -> Any:
    """One of the choices, each as likely; one draw is used up however many there are."""
    return choices[int(rng.random() * len(choices))]
