"""Who goes on where two traces of a page met: what their leads' laws say of it.

Where two traces run through one run of ink, either may be the one that leaves it above. The search
decides by rows and slopes; simultaneous leads know better where they contradict each other as they
were traced, and obey as soon as two of them change places between two meetings.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.page.laws import contradiction
from ecg_overlap.digitize.page.layouts import LEAST_DISAGREEMENT, Fit, Rows, independent_samples
from ecg_overlap.digitize.page.trace import PageTraces, drawn
from ecg_overlap.digitize.traces.joint import Traces
from ecg_overlap.digitize.traces.share import own_rows

# By so much the laws must prefer the other way: by 150 to 1. What the ink says of two ways through
# a run that both traces are in, is less.
LEAST_NATS = 5.0
MOST_SWAPS = 12


@dataclass(frozen=True)
class Swap:
    """Two rows that change places.

    Args:
        rows: Which.
        first: The first column in which they do, px.
        stop: The one after the last.
    """

    rows: tuple[int, int]
    first: int
    stop: int


def swaps_by_laws(traced: PageTraces, seen: Rows, fit: Fit, *, px_per_mm: float) -> list[Swap]:
    """The swaps after which a page's leads obey better than as they were traced.

    Args:
        traced: The page's traces.
        seen: What its rows show along the paper.
        fit: Which lead stands where.
        px_per_mm: The picture's scale.
    """
    possible = list(_possible(traced.traces, len(traced.rows)))
    x_px = np.arange(seen.signals_mv.shape[1]) / seen.per_mm * px_per_mm
    kept: list[Swap] = []
    expected, broken = _contradictions(seen, fit)
    least = LEAST_DISAGREEMENT * expected

    def nats(found: NDArray[np.float64]) -> float:
        """How likely such contradictions are; less than that of a good reading is none."""
        return float(-0.5 * independent_samples(fit.place) * np.log(np.maximum(found, least)).sum())

    now, best = seen.signals_mv, nats(broken)
    while possible and len(kept) < MOST_SWAPS:
        tried = []
        for swap in possible:
            signals = _swapped(now, swap, x_px)
            shown = Rows(signals, seen.goes_on, seen.per_mm)
            tried.append((nats(_contradictions(shown, fit)[1]), signals, swap))
        likely, signals, swap = max(tried, key=lambda one: one[0])
        if likely < best + LEAST_NATS:
            break
        now, best = signals, likely
        kept.append(swap)
        possible.remove(swap)
    return kept


def after_swaps(traced: PageTraces, swaps: list[Swap]) -> PageTraces:
    """The page's traces, drawn anew, with pairs of them changed over."""
    traces = traced.traces
    where = traces.where.copy()
    for swap in swaps:
        rows, columns = list(swap.rows), slice(swap.first, swap.stop)
        where[rows, columns] = where[rows[::-1], columns]
    own = own_rows(where, traces.runs.row, traces.pen_px, traces.mixed)
    return drawn(replace(traces, where=where, own=own), traced.rows)


def _contradictions(seen: Rows, fit: Fit) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each law of each column, the power that it would have of unrelated signals, and has, mV².

    Not their quotient, as of a layout: that falls where a swap gives two leads a step at which
    no law is broken, as I and III do in I + III.
    """
    of_columns = seen.covariances(fit.columns_mm, fit.strips_mm, fit.arrangement.strips)
    expected, found = [], []
    for c, covariance in enumerate(of_columns):
        leads = fit.arrangement.in_column(c)
        here = [(r, lead) for r, lead in leads if np.isfinite(covariance[:, r, r]).all()]
        against = contradiction(tuple(lead for _, lead in here))
        at = [r for r, _ in here]
        some = covariance[:, at][:, :, at]
        laws = round(float(np.trace(against)))
        power = float((against * some).sum(axis=(1, 2)).min()) if laws else 0.0
        unrelated = float((np.diagonal(some, axis1=1, axis2=2) @ np.diag(against)).min())
        found += [max(power, 0.0) / max(laws, 1)] * laws
        expected += [unrelated / max(laws, 1)] * laws
    return np.array(expected), np.array(found)


def _possible(traces: Traces, n_rows: int) -> Iterator[Swap]:
    """All stretches between two meetings of two rows, and between these and the page's ends."""
    where = traces.where
    for a, b in combinations(range(n_rows), 2):
        together = (where[a] == where[b]) & (where[a] >= 0)
        if not together.any():
            continue
        edges = np.flatnonzero(np.diff(together, prepend=True, append=True))
        for first, stop in edges.reshape(-1, 2).tolist():
            if _has_ink(where[[a, b], first:stop]):
                yield Swap((a, b), first, stop)


def _has_ink(where: NDArray[np.int64]) -> bool:
    """Whether both of two traces (2, n) have ink somewhere in a stretch."""
    return bool((where >= 0).any(axis=1).all())


def _swapped(
    signals_mv: NDArray[np.float64], swap: Swap, x_px: NDArray[np.float64]
) -> NDArray[np.float64]:
    a, b = swap.rows
    there = (x_px >= swap.first) & (x_px < swap.stop)
    found = signals_mv.copy()
    found[a, there], found[b, there] = signals_mv[b, there], signals_mv[a, there]
    return found
