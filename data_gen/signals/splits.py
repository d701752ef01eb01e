"""Splits of records that have no patient to split by."""

import numpy as np

from data_gen.sample import split_number


def of_split(rng: np.random.Generator, split: str) -> np.random.Generator:
    """A generator for a made-up record of one split.

    Without this, sample i of seed s would be the same heart in training and in test.

    Raises:
        InputError: An unknown split.
    """
    return np.random.default_rng([int(rng.integers(2**63)), split_number(split)])
