"""What simultaneous leads obey: twelve leads are linear in eight.

By Einthoven and Goldberger, each of the six limb leads is a sum of I and II; the chest leads are
independent of them and of each other, and a lead that is printed twice is the same twice.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from data_gen.sample import LEADS

FloatArray = NDArray[np.float64]

LIMB = {
    "I": (1.0, 0.0),
    "II": (0.0, 1.0),
    "III": (-1.0, 1.0),
    "aVR": (-0.5, -0.5),
    "aVL": (1.0, -0.5),
    "aVF": (-0.5, 1.0),
}
N_INDEPENDENT = 8


def in_independent(names: Sequence[str]) -> FloatArray:
    """Each lead as a sum of I, II, V1 … V6, float64 (m, 8).

    Args:
        names: Of `LEADS`; with a "-" before one that is printed upside down, as "-aVR" in
            Cabrera's order.
    """
    rows = np.zeros((len(names), N_INDEPENDENT))
    for row, name in zip(rows, names, strict=True):
        lead = name.removeprefix("-")
        if lead in LIMB:
            row[:2] = LIMB[lead]
        else:
            row[2 + LEADS[6:].index(lead)] = 1.0
        if name != lead:
            row *= -1
    return rows


def disagreement(covariances: FloatArray, names: Sequence[str]) -> tuple[FloatArray, int]:
    """How little simultaneous leads obey what must hold of leads of these names.

    Args:
        covariances: float64 (n, m, m), of their signals, in n ways.
        names: Their names, m.

    Returns:
        The power of what contradicts, as a share of what it would be of unrelated signals of the
        same powers, (n,): 0 for leads that obey, about 1 for any others; and how many laws speak of
        these leads, 0 if none does.

    Example:
        >>> i, ii = np.random.default_rng(0).normal(size=(2, 500))
        >>> leads = np.cov([i, ii, ii - i])[None]
        >>> against, laws = disagreement(leads, ["I", "II", "III"])
        >>> round(float(against[0]), 6), laws
        (0.0, 1)
        >>> bool(disagreement(leads, ["I", "III", "II"])[0][0] > 0.1)
        True
    """
    against = contradiction(tuple(names))
    laws = round(float(np.trace(against)))
    if laws == 0:
        return np.ones(len(covariances)), 0
    # The mean square of P s, for a projection P, is the trace of P C.
    found = (against * covariances).sum(axis=(1, 2))
    expected = np.diagonal(covariances, axis1=1, axis2=2) @ np.diag(against)
    return np.maximum(found, 0.0) / np.maximum(expected, 1e-12), laws


@lru_cache(maxsize=1024)
def contradiction(names: tuple[str, ...]) -> FloatArray:
    """The projection of simultaneous leads onto what cannot be, float64 (m, m)."""
    leads = in_independent(names)
    projection: FloatArray = np.eye(len(names)) - leads @ np.linalg.pinv(leads)
    return projection
