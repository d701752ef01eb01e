"""The cheapest explanation of a picture's ink by several traces at once.

An explanation says where each trace is in every column: in a run, on a bridge, absent, or beyond
the picture's edge. Column by column, every explanation so far is continued in all ways, those that
end alike are merged into the cheapest, and the dearest are given up. What is given up is judged by
its cost so far and by what each trace would cost from there to the end if it were alone: of two
ways through a QRS complex, the one that cannot get back to its row is seen to be wrong inside it.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from ecg_overlap.digitize.traces.graph import AT_BOTTOM, AT_TOP, ENDS, OPENS, Graph
from ecg_overlap.digitize.traces.pens import (
    ALONG,
    ANYWHERE,
    AT_EDGE,
    HIGH,
    LOW,
    NODE,
    SLOPE,
    SPREAD,
    Pens,
    anywhere,
    follow,
)
from ecg_overlap.digitize.traces.prices import Prices
from ecg_overlap.digitize.traces.runs import FloatArray, IntArray

# Where a trace is that is in no node: not in the ink, above the picture, or below it.
ABSENT, ABOVE, BELOW = -1, -2, -3
WIDE_STROKE = 1.3  # strokes' widths that one more trace takes of a run
NEVER = 1e6  # cost of what cannot be
_MOST_WAYS = 16  # of one trace from one column to the next
_PRIME = 1_000_003  # of a number for the nodes of all traces


class _Ways(NamedTuple):
    """Where each trace can be next from each of its states, the cheapest first."""

    n: IntArray  # (K, B), how many there are
    to: IntArray  # (K, B, M), a node, or ABSENT, ABOVE, BELOW, …
    price: FloatArray  # (K, B, M), … at what cost, …
    far: FloatArray  # (K, B, M), … and to go from there


class _Kept(NamedTuple):
    """The best explanations up to a column."""

    total: FloatArray  # (B,), to the end, at the least
    cost: FloatArray  # (B,), so far
    come_from: IntArray  # (B,), which explanation it continues
    where: IntArray  # (B, K), the nodes
    key: IntArray  # (B,), a number for these


@njit(cache=True)
def search(graph: Graph, prices: Prices) -> IntArray:
    """Where each trace is in each column, int64 (K, W): a node, ABSENT, ABOVE or BELOW."""
    n_traces, width = prices.without.shape[1], prices.without.shape[2]
    ahead, ahead_without = _alone(graph, prices)
    size = prices.beam
    at_column = np.full((width, size, n_traces), ABSENT, np.int64)
    parent = np.zeros((width, size), np.int64)
    pens, then = anywhere(n_traces, size), anywhere(n_traces, size)
    ways, kept = _room_for_ways(n_traces, size), _room_for_kept(n_traces, size)
    cost, state = np.zeros(1), np.zeros((1, n_traces), np.int64)
    for c in range(width):
        _find_ways(graph, prices, pens, c, ahead, ahead_without, ways)
        n = _continued(graph, prices, cost, state, c, ways, kept)
        ranked = np.argsort(kept.total[:n])
        alive = 0
        while alive < n and kept.total[ranked[alive]] <= kept.total[ranked[0]] + prices.hopeless:
            alive += 1
        ranked = ranked[:alive]
        where, come_from = kept.where[ranked], kept.come_from[ranked]
        at_column[c, :alive], parent[c, :alive] = where, come_from
        state = follow(graph, prices, pens, state[come_from], where, then)
        cost = kept.cost[ranked]
        cost -= cost.min()
        pens, then = then, pens
    chosen = np.empty((n_traces, width), np.int64)
    h = 0
    for c in range(width - 1, -1, -1):
        chosen[:, c] = at_column[c, h]
        h = parent[c, h]
    return chosen


@njit(cache=True)
def _room_for_ways(n_traces: int, size: int) -> _Ways:
    shape = (n_traces, size, _MOST_WAYS)
    n = np.empty((n_traces, size), np.int64)
    return _Ways(n, np.empty(shape, np.int64), np.empty(shape), np.empty(shape))


@njit(cache=True)
def _room_for_kept(n_traces: int, size: int) -> _Kept:
    where = np.empty((size, n_traces), np.int64)
    come_from, key = np.empty(size, np.int64), np.empty(size, np.int64)
    return _Kept(np.empty(size), np.empty(size), come_from, where, key)


@njit(cache=True)
def _may_enter(gate: int, state: int) -> bool:
    """Whether a trace that is in no node may be in a run with these gates in the next column."""
    if state == ABSENT:
        return gate & (OPENS | AT_TOP | AT_BOTTOM) != 0
    return gate & (AT_TOP if state == ABOVE else AT_BOTTOM) != 0


@njit(cache=True)
def _may_leave(gate: int, state: int) -> bool:
    """Whether a trace in a run with these gates may be in no node in the next column."""
    if state == ABSENT:
        return gate & ENDS != 0
    return gate & (AT_TOP if state == ABOVE else AT_BOTTOM) != 0


@njit(cache=True)
def _alone(graph: Graph, prices: Prices) -> tuple[FloatArray, FloatArray]:
    """Least cost of each trace by itself to the picture's end.

    Returns:
        From each node, float64 (K, n); and in each state without one before each column,
        float64 (3, K, W + 1).
    """
    node, without, gates = prices.node, prices.without, graph.gates
    first, after, step, own = graph.first, graph.after, graph.step, graph.own
    n_traces, n_nodes = node.shape
    width = without.shape[2]
    ahead = np.zeros((n_traces, n_nodes))
    ahead_without = np.zeros((3, n_traces, width + 1))
    for k in range(n_traces):
        for c in range(width - 1, -1, -1):
            nodes = graph.by_column[graph.starts[c] : graph.starts[c + 1]]
            if c < width - 1:
                for i in nodes:
                    best = np.inf
                    for e in range(first[i], first[i + 1]):
                        j = after[e]
                        here = own[j] + step[e] + node[k, j] + ahead[k, j]
                        best = min(best, here)
                    for s in range(3):
                        if _may_leave(gates[i], -1 - s):
                            fixed = prices.leave if s == 0 else prices.cross
                            here = fixed + without[s, k, c + 1]
                            best = min(best, here + ahead_without[s, k, c + 2])
                    ahead[k, i] = best
            for s in range(3):
                best = without[s, k, c] + ahead_without[s, k, c + 1]
                for j in nodes:
                    if _may_enter(gates[j], -1 - s):
                        fixed = prices.leave if s == 0 else prices.cross
                        best = min(best, fixed + node[k, j] + ahead[k, j])
                ahead_without[s, k, c] = best
    return ahead, ahead_without


@njit(cache=True)
def _find_ways(
    graph: Graph,
    prices: Prices,
    pens: Pens,
    c: int,
    ahead: FloatArray,
    ahead_without: FloatArray,
    ways: _Ways,
) -> None:
    """Write where each trace can be in column `c`, from each state, at what cost."""
    node, without, gates = prices.node, prices.without, graph.gates
    first, after, step, own = graph.first, graph.after, graph.step, graph.own
    top, bottom, by_column = graph.top_px, graph.bottom_px, graph.by_column
    to, cost, to_go = ways.to, ways.price, ways.far
    pen, came = pens.pen, pens.came
    half = prices.pen_px / 2
    for k in range(len(pens.n)):
        for s in range(pens.n[k]):
            n = 0
            at = came[k, s, NODE]
            if at >= 0:
                up = pen[k, s, HIGH] + pen[k, s, SLOPE] + pen[k, s, SPREAD]
                down = pen[k, s, LOW] + pen[k, s, SLOPE] - pen[k, s, SPREAD]
                for e in range(first[at], min(first[at + 1], first[at] + _MOST_WAYS - 3)):
                    j = after[e]
                    off = max(0.0, top[j] + half - up, down - bottom[j] + half)
                    to[k, s, n], to_go[k, s, n] = j, ahead[k, j]
                    here = own[j] + step[e] + node[k, j]
                    if off > 0:
                        # A direction says less the longer ago it was seen, by its curvature.
                        wider = (1 + pen[k, s, ALONG] / prices.along_px) ** 2
                        here += prices.turn * np.log1p(off / (prices.turn_px * wider))
                    if gates[j] & (AT_TOP | AT_BOTTOM) == 0:
                        here += prices.edge * max(pen[k, s, AT_EDGE], 0.0)
                    cost[k, s, n] = here
                    n += 1
            for out in range(3):
                state = -1 - out
                fixed = 0.0
                if at >= 0:
                    if not (_may_leave(gates[at], state) or (n == 0 and state == ABSENT)):
                        continue
                    fixed = prices.leave if state == ABSENT else prices.cross
                elif at == ANYWHERE:  # of the picture, it is not beyond its edge from the start
                    if state != ABSENT and without[0, k, c] < NEVER:
                        continue
                elif at != state:
                    continue
                to[k, s, n], cost[k, s, n] = state, fixed + without[out, k, c]
                to_go[k, s, n] = ahead_without[out, k, c + 1]
                n += 1
            if at < 0:
                fixed = prices.leave if at == ABSENT else prices.cross
                fixed = 0.0 if at == ANYWHERE else fixed
                for q in range(graph.starts[c], graph.starts[c + 1]):
                    j = by_column[q]
                    enters = at == ANYWHERE or _may_enter(gates[j], at)
                    if n < _MOST_WAYS and j < graph.n_runs and enters:
                        to[k, s, n], to_go[k, s, n] = j, ahead[k, j]
                        cost[k, s, n] = node[k, j] + fixed
                        n += 1
            ways.n[k, s] = n
            for i in range(1, n):  # the cheapest first
                j = i
                while j > 0 and (
                    cost[k, s, j] + to_go[k, s, j] < cost[k, s, j - 1] + to_go[k, s, j - 1]
                ):
                    to[k, s, j], to[k, s, j - 1] = to[k, s, j - 1], to[k, s, j]
                    cost[k, s, j], cost[k, s, j - 1] = cost[k, s, j - 1], cost[k, s, j]
                    to_go[k, s, j], to_go[k, s, j - 1] = to_go[k, s, j - 1], to_go[k, s, j]
                    j -= 1


@njit(cache=True)
def _together(
    where: IntArray,
    n_runs: int,
    height: FloatArray,
    unexplained: FloatArray,
    shared: float,
) -> float:
    """What runs cost that several traces go through, less what all runs save that one does.

    Args:
        where: int64 (K,), each trace's node.
        n_runs: Nodes beyond are of bridges.
        height: float64 (n,), of the runs, in strokes.
        unexplained: float64 (n,), `Prices`.
        shared: Likewise.
    """
    cost = 0.0
    for k in range(len(where)):
        j = where[k]
        if j < 0 or j >= n_runs:
            continue
        through, counted = 0, False
        for other in range(len(where)):
            if where[other] == j:
                through += 1
                counted = counted or other < k
        if counted:
            continue
        cost -= unexplained[j]
        if through > 1:
            room = min(1.0, max(0.0, height[j] / WIDE_STROKE - (through - 1)))
            cost += (through - 1) * shared * (1 - room)
    return cost


@njit(cache=True)
def _continued(
    graph: Graph,
    prices: Prices,
    cost: FloatArray,
    state: IntArray,
    c: int,
    ways: _Ways,
    kept: _Kept,
) -> int:
    """Write the best explanations up to column `c` to `kept`; how many they are.

    Each ends only once: of those that end alike, the cheapest is kept. Each trace's ways are tried
    from the cheapest on, and all that follow are left out as soon as what the traces so far cost,
    and the others at the least, is more than the dearest that is kept.

    Args:
        graph: Of the picture.
        prices: Of the search.
        cost: float64 (B,), of the explanations so far, …
        state: int64 (B, K), … and each trace's state in them.
        c: Column.
        ways: From these states.
        kept: Room for the explanations.
    """
    to, price, far, n_ways = ways.to, ways.price, ways.far, ways.n
    totals, costs, come_from, where, keys = (
        kept.total, kept.cost, kept.come_from, kept.where, kept.key,
    )  # fmt: skip
    height, unexplained, n_runs = prices.height, prices.unexplained, graph.n_runs
    size, n_traces = where.shape
    turn, here = np.zeros(n_traces, np.int64), np.zeros(n_traces, np.int64)
    so_far, least = np.zeros(n_traces + 1), np.zeros(n_traces + 1)
    all_ink = 0.0
    for q in range(graph.starts[c], graph.starts[c + 1]):
        all_ink += unexplained[graph.by_column[q]]
    n, limit = 0, np.inf
    for h in range(len(cost)):
        for k in range(n_traces - 1, -1, -1):  # of the traces from each on
            least[k] = least[k + 1] + price[k, state[h, k], 0] + far[k, state[h, k], 0]
        so_far[0] = cost[h]  # before each trace, with what its ways lead to
        turn[0] = 0
        k = 0
        while k >= 0:
            s, i = state[h, k], turn[k]
            if i == n_ways[k, s]:
                k -= 1
                if k >= 0:
                    turn[k] += 1
                continue
            total = so_far[k] + price[k, s, i] + far[k, s, i]
            if total + least[k + 1] > limit:  # nor can what all share save more than all ink
                turn[k] = n_ways[k, s]
                continue
            so_far[k + 1], here[k] = total, to[k, s, i]
            if k + 1 < n_traces:
                k += 1
                turn[k] = 0
                continue
            turn[k] += 1
            total += all_ink + _together(here, n_runs, height, unexplained, prices.shared)
            if total > limit:
                continue
            key, left = 0, 0.0
            for j in range(n_traces):
                key = key * _PRIME + here[j]
                left += far[j, state[h, j], turn[j] - (1 if j == k else 0)]
            place = 0
            while place < n and (keys[place] != key or not _same(where, place, here)):
                place += 1
            if place == size:  # all places are taken
                place = int(np.argmax(totals))
            if place == n:
                n += 1
            elif total >= totals[place]:
                continue
            totals[place], costs[place], keys[place] = total, total - left, key
            come_from[place] = h
            for j in range(n_traces):
                where[place, j] = here[j]
            limit = min(limit, total + prices.hopeless)
            if n == size:
                limit = min(limit, totals.max())
    return n


@njit(cache=True)
def _same(where: IntArray, place: int, here: IntArray) -> bool:
    same = True
    for k in range(len(here)):
        same = same and where[place, k] == here[k]
    return same
