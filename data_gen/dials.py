"""Dials: a number, a range or a choice as YAML writes it, checked and drawn."""

import math
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import TypeGuard, TypeVar, cast

import numpy as np

from data_gen.errors import InputError

Range = tuple[float, float]
Choice = TypeVar("Choice")


def as_number(where: str, value: object, *, lowest: float, highest: float) -> float:
    """A number within limits.

    Args:
        where: The dial's name, for the message.
        value: As YAML has it.
        lowest: The smallest value that makes sense.
        highest: The largest.

    Raises:
        InputError: No number, NaN, or out of limits.
    """
    if not _is_number(value) or not lowest <= value <= highest:  # true for NaN too
        raise InputError(
            where, f"{value!r} is no number from {lowest:g} to {highest:g}", "change the dial"
        )
    return float(value)


def as_probability(where: str, value: object) -> float:
    """A number from 0 to 1.

    Raises:
        InputError: It is not.
    """
    return as_number(where, value, lowest=0, highest=1)


def as_range(
    where: str, value: object, *, lowest: float, highest: float, whole: bool = False
) -> Range:
    """A range (lo, hi) from a number or a pair of numbers.

    Args:
        where: The dial's name, for the message.
        value: A number, or [lo, hi].
        lowest: The smallest value that makes sense.
        highest: The largest.
        whole: Whether both ends must be whole numbers.

    Raises:
        InputError: Not numbers, NaN, the wrong way round, or out of limits.
    """
    pair = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else (value,)
    if len(pair) not in (1, 2) or not all(_is_number(v) and not math.isnan(v) for v in pair):
        raise InputError(where, f"{value!r} is no range", "give a number or [lo, hi]")
    lo, hi = float(pair[0]), float(pair[-1])
    if not lowest <= lo <= hi <= highest:
        raise InputError(
            where, f"[{lo:g}, {hi:g}] is out of limits", f"keep {lowest:g} ≤ lo ≤ hi ≤ {highest:g}"
        )
    if whole and not (lo.is_integer() and hi.is_integer()):
        raise InputError(where, f"[{lo:g}, {hi:g}] are not whole", "give whole numbers")
    return lo, hi


def as_choices(
    where: str, value: Choice | Iterable[Choice], known: Iterable[Choice]
) -> tuple[Choice, ...]:
    """One or more choices, each of them known.

    Raises:
        InputError: An empty list, or a choice that is not among the known.
    """
    one = isinstance(value, str) or not isinstance(value, Iterable)
    choices = (cast("Choice", value),) if one else tuple(cast("Iterable[Choice]", value))
    if not choices:
        raise InputError(where, "an empty list of choices", "give at least one")
    known = tuple(known)
    for choice in choices:
        if choice not in known:
            raise InputError(
                where, f"{choice!r} is not known", f"take of {', '.join(map(str, known))}"
            )
    return choices


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool)


def happens(rng: np.random.Generator, probability: float) -> bool:
    """Whether something happens; one draw is used up whatever the probability."""
    return bool(rng.random() < probability)


def uniform(rng: np.random.Generator, bounds: Range) -> float:
    """A number drawn evenly from a range; one draw is used up whatever the range."""
    return bounds[0] + float(rng.random()) * (bounds[1] - bounds[0])


def log_uniform(rng: np.random.Generator, bounds: Range) -> float:
    """A positive number from a range, each order of magnitude as likely."""
    return math.exp(rng.uniform(math.log(bounds[0]), math.log(bounds[1])))


def triangular(rng: np.random.Generator, bounds: Sequence[float], typical: float) -> float:
    """A number from a range, most often near the typical one."""
    low, high = bounds[0], bounds[1]
    return float(rng.triangular(low, min(max(typical, low), high), high)) if low < high else low


def count(rng: np.random.Generator, bounds: Range) -> int:
    """A whole number from a range, both ends included."""
    return int(rng.integers(int(bounds[0]), int(bounds[1]) + 1))


def choose(rng: np.random.Generator, choices: Sequence[Choice]) -> Choice:
    """One of the choices, each as likely; one draw is used up however many there are."""
    return choices[int(rng.random() * len(choices))]
