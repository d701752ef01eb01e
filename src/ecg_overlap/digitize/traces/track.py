"""Which runs of ink are one trace: the cheapest chain of runs, one per column."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.traces.chosen import TraceInk
from ecg_overlap.digitize.traces.runs import FloatArray, IntArray, Runs, find_runs


@dataclass(frozen=True)
class TrackCosts:
    """What speaks against a chain of runs, in pixels of vertical gap unless a unit is given.

    `benchmarks/fit_track.py` prints the score as each is halved and doubled. "By hand" are values
    that were set when the search was written and of which no measurement is kept.

    Args:
        column_passed_px: To pass over one column. By hand.
        far_gap_px: A gap counts in full up to this, …
        far_gap_weight: … and by this share beyond: a faint stroke comes in pieces, and far costs
            hardly more than near. By hand.
        move_weight: Per pixel between the centres of two runs in succession, …
        most_move_px: … at most this: steep strokes are no fault. By hand.
        off_baseline_weight: Without a network: per column and pixel of distance from the baseline
            row, so that the chain returns to it after a crossing, …
        most_off_baseline_px: … at most this, half of what it costs to pass over the column. By
            hand.
        edge_px: Without a network: a column in which the chain touches the picture's upper or
            lower edge, as a crop is cut around its primary. By hand; without it, two of 29
            generated leads lose 10 and 20 dB.
        baseline_rows: How many baseline rows are tried without a network. By hand.
        least_baseline: A row is one if the runs near it are at least this share of those near
            the fullest row. By hand.
        unlikely_px: A run with probability 0 where the network gives another row of its column
            probability 1. Half-trained network, fold 9: halves the error on overlapping leads.
        elsewhere_px: A run whose column holds all its probability in other runs. Half-trained
            network, 37 overlapping leads of fold 9: 9 instead of 10 fail, 6 with a row prompt.
        sure: Highest probability of a column from which `elsewhere_px` counts in full.
        absent_px: A run in a column in which the network sees no trace: without it, names and
            pulses before a lead were followed even under a perfect map.
        present: Highest probability of a column from which the trace is surely in it.
        least_present: Share of `column_passed_px` that stays where the network sees no trace.
        short_share: A chain that spans less of the picture's width was lost by the network, not
            by the pen. On 98 leads of fold 9 none spans less than 0.8, two cut real crops do.
        look_back: Columns with ink that one step may reach back over. By hand.
    """

    column_passed_px: float = 3.0
    far_gap_px: float = 5.0
    far_gap_weight: float = 0.1
    move_weight: float = 0.05
    most_move_px: float = 1.0
    off_baseline_weight: float = 0.03
    most_off_baseline_px: float = 1.5
    edge_px: float = 5.0
    baseline_rows: int = 3
    least_baseline: float = 0.3
    unlikely_px: float = 0.3
    elsewhere_px: float = 1.0
    sure: float = 0.5
    absent_px: float = 1.0
    present: float = 0.2
    least_present: float = 0.1
    short_share: float = 0.75
    look_back: int = 4


COSTS = TrackCosts()
HOLE_PX = 2  # holes in the ink of up to so many rows part no run; by hand
NEAR_BASELINE = 20  # a row's runs are those within the picture's height divided by this …
LEAST_NEAR_PX = 3  # … and at the least within so many rows
APART = 3  # two baseline rows are so many times farther apart


def track(
    cover: Coverage,
    *,
    row_px: float | None = None,
    evidence: Coverage | None = None,
    inside: NDArray[np.bool_] | None = None,
    to_the_ends: bool = True,
    costs: TrackCosts = COSTS,
) -> TraceInk:
    """Choose the connected chain of runs that is one trace, the primary.

    A Viterbi search over the runs. A step costs the vertical gap between two runs (none where
    they overlap) and a little of their centres' distance. Columns may be passed over at a cost,
    so that islands are left out and holes bridged. Which of several traces is followed is decided
    by the network's probability or, without one, by the distance from a baseline row. Where that
    row is not known, every row that many runs share is tried, and the chain is taken that
    passes over the fewest columns and keeps off the picture's upper and lower edge.

    Args:
        cover: float32 (H, W), coverage or probability of ink, 0–1.
        row_px: Row of the trace's baseline, where known; not used beside evidence.
        evidence: float32 (H, W), 0–1: a network's probability of the primary trace.
        inside: bool (H, W): where the picture is, whose upper and lower edges tell the primary;
            None: everywhere.
        to_the_ends: Whether to follow the ink on where a network has lost the trace.
        costs: Of the search.
    """
    runs = find_runs(cover, hole_px=HOLE_PX)
    if evidence is None:
        at_edge = _at_edge(runs, cover.shape, inside)
        chosen = _by_baseline(runs, len(cover), row_px, at_edge, costs)
    else:
        chosen = _by_evidence(runs, evidence, to_the_ends, costs)
    return TraceInk(cover, runs, chosen)


def _at_edge(
    runs: Runs, shape: tuple[int, ...], inside: NDArray[np.bool_] | None
) -> NDArray[np.bool_]:
    """Which runs touch the picture's upper or lower edge, bool (m,)."""
    if inside is None:
        first, last = np.zeros(shape[1], np.int64), np.full(shape[1], shape[0])
    else:
        first, last = inside.argmax(axis=0), shape[0] - inside[::-1].argmax(axis=0)
    at_edge: NDArray[np.bool_] = runs.row[:, 0] <= first[runs.column]
    return at_edge | (runs.row[:, 1] >= last[runs.column])


def _by_baseline(
    runs: Runs,
    height: int,
    row_px: float | None,
    at_edge: NDArray[np.bool_],
    costs: TrackCosts,
) -> IntArray:
    """The chain that returns to its baseline row, without a network."""
    passed = _passed(np.ones(len(runs.first) - 1), costs)
    rows = baseline_rows(runs, height, costs) if row_px is None else [float(row_px)]
    chains = []
    for row in rows or [height / 2]:
        away = costs.off_baseline_weight * np.abs(runs.centre_px - row)
        off_baseline = np.minimum(away, costs.most_off_baseline_px)
        chains.append(_cheapest(runs, off_baseline, passed, costs))
    return min(chains, key=lambda chain: _doubt(chain, at_edge, costs))


def _by_evidence(runs: Runs, evidence: Coverage, to_the_ends: bool, costs: TrackCosts) -> IntArray:
    """The chain that a network's probability speaks for."""
    most = np.asarray(evidence.max(axis=0), np.float64)
    present = np.minimum(most / costs.present, 1)
    unlikely = _unlikely(runs, evidence, most, costs)
    absent = costs.absent_px * (1 - present[runs.column])
    chain = _cheapest(runs, unlikely + absent, _passed(present, costs), costs)
    # A crop is as wide as its trace: one that ends early was lost by the network, not the pen.
    if to_the_ends and _span(chain) < costs.short_share * len(chain):
        chain = _cheapest(runs, unlikely, _passed(np.ones(len(chain)), costs), costs)
    return chain


def baseline_rows(runs: Runs, height: int, costs: TrackCosts = COSTS) -> list[float]:
    """Rows near which many runs have their centres, the fullest first.

    Args:
        runs: Of the whole mask.
        height: Of the mask, px.
        costs: How many rows at most, and how full the last must be.
    """
    centre = np.rint(runs.centre_px).astype(np.int64).clip(0, height - 1)
    count = np.bincount(centre, minlength=height).astype(np.float64)
    reach = max(height // NEAR_BASELINE, LEAST_NEAR_PX)
    near_by = np.convolve(count, np.ones(2 * reach + 1), mode="same")
    found: list[float] = []
    least = max(costs.least_baseline * near_by.max(initial=0), 1)
    while len(found) < costs.baseline_rows and near_by.max() >= least:
        at = int(np.argmax(near_by))
        near = slice(max(at - reach, 0), at + reach + 1)
        found.append(float(np.average(np.arange(height)[near], weights=count[near])))
        near_by[max(at - APART * reach, 0) : at + APART * reach + 1] = -1
    return found


def _passed(present: FloatArray, costs: TrackCosts) -> FloatArray:
    """Cost of passing over all columns before each, float64 (W + 1,), of a presence (W,), 0–1."""
    each = costs.column_passed_px * np.maximum(present, costs.least_present)
    return np.concatenate([[0.0], np.cumsum(each)])


def _unlikely(runs: Runs, evidence: Coverage, most: FloatArray, costs: TrackCosts) -> FloatArray:
    """Cost of each run for the probability elsewhere in its column, float64 (m,).

    A run costs for being less probable than the column's likeliest row, and for the share of the
    column's probability that other runs hold. Where a neighbour's peak ends at the height of the
    trace's baseline, that share tells that the trace itself is at its own peak.

    Args:
        runs: Of the whole mask.
        evidence: float32 (H, W), 0–1.
        most: float64 (W,), each column's highest probability.
        costs: Of the search.
    """
    likeliest, mass = _probability(evidence, runs.column, runs.row)
    in_column = np.bincount(runs.column, mass, minlength=len(most))[runs.column]
    share = 1 - mass / np.maximum(in_column, 1e-6)
    cost: FloatArray = costs.unlikely_px * (most[runs.column] - likeliest)
    return cost + costs.elsewhere_px * np.minimum(most[runs.column] / costs.sure, 1) * share


@njit(cache=True)
def _probability(
    evidence: Coverage, column: IntArray, row: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Highest probability inside of each run, and its sum over the run's rows; float64 (m,)."""
    likeliest, mass = np.zeros(len(column)), np.zeros(len(column))
    for i in range(len(column)):
        for r in range(row[i, 0], row[i, 1]):
            likeliest[i] = max(likeliest[i], evidence[r, column[i]])
            mass[i] += evidence[r, column[i]]
    return likeliest, mass


def _span(chain: IntArray) -> int:
    """Columns from a chain's first to its last."""
    taken = np.flatnonzero(chain >= 0)
    return int(np.ptp(taken)) + 1 if len(taken) else 0


def _doubt(chain: IntArray, at_edge: NDArray[np.bool_], costs: TrackCosts) -> float:
    """What speaks against a chain: columns without a run, and those at the picture's edge."""
    n_at_edge = np.count_nonzero(at_edge[chain[chain >= 0]])
    return costs.column_passed_px * np.count_nonzero(chain < 0) + costs.edge_px * n_at_edge


def _cheapest(runs: Runs, own: FloatArray, passed: FloatArray, costs: TrackCosts) -> IntArray:
    """The chain of least cost, int64 (W,); `own` (m,) is what each run costs by itself."""
    cost, before = _costs_so_far(
        runs.column,
        runs.top_px,
        runs.bottom_px,
        runs.first,
        own,
        passed,
        costs.far_gap_px,
        costs.far_gap_weight,
        costs.move_weight,
        costs.most_move_px,
        costs.look_back,
    )
    to_the_end = cost + passed[-1] - passed[runs.column + 1]
    last = int(np.argmin(to_the_end)) if len(cost) else -1
    return chain_back_from(last, before, runs.column, len(runs.first) - 1)


@njit(cache=True)
def chain_back_from(last: int, before: IntArray, column: IntArray, n_columns: int) -> IntArray:
    """The chain that ends in a run, int64 (W,), -1 in columns without one.

    Args:
        last: The run, -1 for an empty chain.
        before: int64 (m,), the run before each, -1 at a chain's start.
        column: int64 (m,), each run's column.
        n_columns: Of the picture.
    """
    chosen = np.full(n_columns, -1, np.int64)
    while last >= 0:
        chosen[column[last]] = last
        last = before[last]
    return chosen


@njit(cache=True)
def _costs_so_far(
    column: IntArray,
    top: FloatArray,
    bottom: FloatArray,
    first: IntArray,
    own: FloatArray,
    passed: FloatArray,
    far_gap: float,
    far_gap_weight: float,
    move_weight: float,
    most_move: float,
    look_back: int,
) -> tuple[FloatArray, IntArray]:
    """Least cost of a chain up to each run (m,), and the run before it, -1 at a chain's start."""
    cost = np.empty(len(column))
    back = np.full(len(column), -1, np.int64)
    filled = np.zeros(len(first) - 1, np.int64)  # the columns with ink seen so far
    n_filled = 0
    for c in range(len(first) - 1):
        if first[c] == first[c + 1]:
            continue
        for i in range(first[c], first[c + 1]):
            centre = 0.5 * (top[i] + bottom[i])
            best = passed[c]
            for k in range(1, min(look_back, n_filled) + 1):
                before = filled[n_filled - k]
                skipped = passed[c] - passed[before + 1]
                for j in range(first[before], first[before + 1]):
                    gap = max(0.0, top[i] - bottom[j], top[j] - bottom[i])
                    gap = min(gap, far_gap + far_gap_weight * gap)
                    move = abs(centre - 0.5 * (top[j] + bottom[j]))
                    here = cost[j] + skipped + gap + min(move_weight * move, most_move)
                    if here < best:
                        best = here
                        back[i] = j
            cost[i] = best + own[i]
        filled[n_filled] = c
        n_filled += 1
    return cost, back
