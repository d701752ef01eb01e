"""Whether a stated probability holds: ranking, calibration, and both in one number."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_gen.errors import InputError

GOOD_DB = 10.0  # a lead of this SNR (`aligned`) or more is what `quality` is the probability of
POOR_DB = 5.0  # a lead of less is a failure


@dataclass(frozen=True)
class Bin:
    """Cases of like probability.

    Args:
        n: How many.
        stated: Their mean probability.
        happened: Share of them in which it came true.
    """

    n: int
    stated: float
    happened: float


def auc(score: ArrayLike, event: ArrayLike) -> float:
    """Area under the receiver's curve: how often an event has a higher score than none has.

    Ties count half (Mann and Whitney's U over the number of pairs).

    Args:
        score: float (n,).
        event: bool (n,).

    Raises:
        InputError: Shapes differ, a score is NaN, or all or none of the cases are events.

    Example:
        >>> auc([0.9, 0.8, 0.3], [True, False, False])
        1.0
    """
    of, events = _cases(score, event)
    n = int(events.sum())
    if n in (0, len(events)):
        raise InputError("event", "all cases are alike", "give some of both kinds")
    _, place, alike = np.unique(of, return_inverse=True, return_counts=True)
    rank = (np.cumsum(alike) - (alike - 1) / 2)[place]  # from 1; ties share their mean
    above = float(rank[events].sum()) - n * (n + 1) / 2
    return above / (n * (len(events) - n))


def brier(probability: ArrayLike, event: ArrayLike) -> float:
    """Brier's score: mean squared difference of a probability (n,) and what happened (n,).

    0 is perfect; stating the events' share p of every case gives p (1 − p).

    Raises:
        InputError: Shapes differ, a probability is NaN or none, or there is no case.

    Example:
        >>> brier([1.0, 0.5], [True, False])
        0.125
    """
    stated, events = _cases(probability, event)
    if (stated < 0).any() or (stated > 1).any():
        raise InputError("probability", "not within 0 and 1", "give probabilities")
    return float(np.mean((stated - events) ** 2))


def reliability(probability: ArrayLike, event: ArrayLike, *, bins: int = 10) -> tuple[Bin, ...]:
    """What happened where what was stated, in bins of equal numbers of cases, ascending.

    Args:
        probability: float (n,).
        event: bool (n,).
        bins: At most so many; fewer where there are fewer cases.

    Raises:
        InputError: As `brier`.

    Example:
        >>> reliability([0.1, 0.9], [False, True], bins=2)[1]
        Bin(n=1, stated=0.9, happened=1.0)
    """
    stated, events = _cases(probability, event)
    order = np.argsort(stated, kind="stable")
    return tuple(
        Bin(len(part), float(stated[part].mean()), float(events[part].mean()))
        for part in np.array_split(order, min(bins, len(order)))
    )


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error: mean over the cases of |stated − happened| of their bin, 0–1.

    M. P. Naeini, G. F. Cooper and M. Hauskrecht, "Obtaining well calibrated probabilities using
    Bayesian binning", AAAI 2015, with bins of equal numbers. Of few cases a bin it is above 0 by
    chance alone.

    Args:
        bins: Of `reliability`.

    Raises:
        InputError: There is none.

    Example:
        >>> calibration_error([Bin(n=3, stated=0.5, happened=0.75), Bin(n=1, stated=1, happened=1)])
        0.1875
    """
    if not bins:
        raise InputError("bins", "there is none", "give those of some cases")
    off = [one.n * abs(one.stated - one.happened) for one in bins]
    return sum(off) / sum(one.n for one in bins)


def _cases(score: ArrayLike, event: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    of, events = np.asarray(score, np.float64), np.asarray(event, np.bool_)
    if of.ndim != 1 or of.shape != events.shape:
        raise InputError("score", f"shapes {of.shape} and {events.shape}", "give one of each case")
    if not len(of) or np.isnan(of).any():
        raise InputError("score", "no case, or one without a score", "leave those out")
    return of, events
