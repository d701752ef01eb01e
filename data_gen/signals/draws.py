"""What the sources draw by: numbers and splits checked, ranges with a shape, splits kept apart."""

import math
from collections.abc import Sequence

import numpy as np

from data_gen.dials import Range
from data_gen.errors import InputError
from data_gen.sample import SPLITS


def as_number(where: str, value: float, *, lowest: float, highest: float) -> float:
    """A finite number within limits.

    Raises:
        InputError: It is not.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not lowest <= number <= highest:
        raise InputError(
            where, f"{value!r} is not a number in [{lowest:g}, {highest:g}]", "change the dial"
        )
    return number


def as_split(split: str) -> int:
    """Index of a split in `SPLITS`.

    Raises:
        InputError: An unknown split.
    """
    if split not in SPLITS:
        raise InputError("split", f"no split {split!r}", f"choose of {', '.join(SPLITS)}")
    return SPLITS.index(split)


def log_uniform(rng: np.random.Generator, bounds: Range) -> float:
    """One positive number from a range, each order of magnitude as likely."""
    return math.exp(rng.uniform(math.log(bounds[0]), math.log(bounds[1])))


def triangular(rng: np.random.Generator, bounds: Sequence[float], typical: float) -> float:
    """One number from a range, most often near the typical one."""
    low, high = bounds[0], bounds[1]
    return float(rng.triangular(low, min(max(typical, low), high), high)) if low < high else low


def of_split(rng: np.random.Generator, split: str) -> np.random.Generator:
    """A generator for a made-up record of one split.

    A simulated record has no patient to split by: without this, sample i of seed s would be
    the same heart in training and in test.
    """
    return np.random.default_rng([int(rng.integers(2**63)), as_split(split)])
