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
from numpy.typing import NDArray

from ecg_overlap.digitize.traces.graph import AT_BOTTOM, AT_TOP, ENDS, OPENS, Graph
from ecg_overlap.digitize.traces.runs import FloatArray, IntArray

# Where a trace is that is in no node: not in the ink, above the picture, or below it.
ABSENT, ABOVE, BELOW = -1, -2, -3
_ANYWHERE = -4  # before the first column
WIDE_STROKE = 1.3  # strokes' widths that one more trace takes of a run
NEVER = 1e6  # cost of what cannot be
_MOST_WAYS = 16  # of one trace from one column to the next


class Prices(NamedTuple):
    """What an explanation costs, per pixel of the picture.

    Args:
        node: float64 (K, n): each trace at each node, for its row and by its map.
        without: float64 (3, K, W): each trace absent, above the picture, and below it.
        height: float64 (n,), of the nodes, in strokes.
        unexplained: float64 (n,): a run that no trace goes through.
        lettered: bool (n,): a letter's stroke is in it, as another trace's would be.
        leave: To end or to begin inside of the picture.
        cross: To go over the picture's edge.
        edge: To run at the edge where no trace goes over it, and to come back from there.
        shared: A run that explains another trace already and is not tall enough for both.
        turn: For a change of direction …
        turn_px: … of so many rows: turn · log(1 + rows / turn_px).
        along_px: After so many columns in a run with others, four times `turn_px`.
        blend: Share of a new column in the mean direction.
        pen_px: The strokes' usual width.
        hopeless: Beyond the best.
        beam: Explanations that are followed at the most.
    """

    node: FloatArray
    without: FloatArray
    height: FloatArray
    unexplained: FloatArray
    lettered: NDArray[np.bool_]
    leave: float
    cross: float
    edge: float
    shared: float
    turn: float
    turn_px: float
    along_px: float
    blend: float
    pen_px: float
    hopeless: float
    beam: int


class _Beam(NamedTuple):
    """The explanations of the columns so far: one row each."""

    cost: FloatArray  # (B,)
    at: IntArray  # (B, K): node, or ABSENT, ABOVE, BELOW
    low: FloatArray  # (B, K): uppermost row at which the pen can be
    high: FloatArray  # (B, K): lowermost row
    slope: FloatArray  # (B, K): rows per column, of a gentle stroke
    speed: FloatArray  # (B, K): likewise, of a steep one that it has by itself, …
    spread: FloatArray  # (B, K): … give or take so much
    along: FloatArray  # (B, K): columns for which it has shared its run
    at_edge: FloatArray  # (B, K): columns at the edge over which no trace has gone so far


class _New(NamedTuple):
    """Room for the explanations of one more column, and for one that is being looked at."""

    cost: FloatArray  # (B,), so far
    total: FloatArray  # (B,), to the end, at the least
    where: IntArray  # (B, K)
    come_from: IntArray  # (B,), which explanation it continues
    way: IntArray  # (K, M), where each trace can be next, …
    price: FloatArray  # (K, M), … at what cost, …
    far: FloatArray  # (K, M), … and to go from there
    n_ways: IntArray  # (K,)
    turn: IntArray  # (K,), which of the ways
    here: IntArray  # (K,), the nodes of these ways
    so_far: FloatArray  # (K + 1,), what the traces before each cost
    least: FloatArray  # (K + 1,), what each and those after it cost at the least


@njit(cache=True)
def search(graph: Graph, prices: Prices) -> IntArray:
    """Where each trace is in each column, int64 (K, W): a node, ABSENT, ABOVE or BELOW."""
    n_traces, width = prices.without.shape[1], prices.without.shape[2]
    ahead, ahead_without = _alone(graph, prices)
    size = prices.beam
    at_column = np.full((width, size, n_traces), ABSENT, np.int64)
    parent = np.zeros((width, size), np.int64)
    beam, following, new = _empty(size, n_traces), _empty(size, n_traces), _room(size, n_traces)
    alive = 1
    for c in range(width):
        n = _continued(graph, prices, beam, alive, c, ahead, ahead_without, new)
        total = new.total[:n]
        ranked = np.argsort(total)
        alive = 0
        for z in ranked:
            if alive == size or total[z] > total[ranked[0]] + prices.hopeless:
                break
            at_column[c, alive] = new.where[z]
            parent[c, alive] = new.come_from[z]
            following.cost[alive] = new.cost[z]
            _follow(graph, prices, beam, new.come_from[z], new.where[z], following, alive)
            alive += 1
        following.cost[:alive] -= following.cost[:alive].min()
        beam, following = following, beam
    chosen = np.empty((n_traces, width), np.int64)
    h = 0
    for c in range(width - 1, -1, -1):
        chosen[:, c] = at_column[c, h]
        h = parent[c, h]
    return chosen


@njit(cache=True)
def _empty(size: int, n_traces: int) -> _Beam:
    shape = (size, n_traces)
    return _Beam(
        np.zeros(size),
        np.full(shape, _ANYWHERE, np.int64),
        np.zeros(shape),
        np.zeros(shape),
        np.zeros(shape),
        np.zeros(shape),
        np.zeros(shape),
        np.zeros(shape),
        np.zeros(shape),
    )


@njit(cache=True)
def _room(size: int, n_traces: int) -> _New:
    return _New(
        np.empty(size),
        np.empty(size),
        np.empty((size, n_traces), np.int64),
        np.empty(size, np.int64),
        np.empty((n_traces, _MOST_WAYS), np.int64),
        np.empty((n_traces, _MOST_WAYS)),
        np.empty((n_traces, _MOST_WAYS)),
        np.empty(n_traces, np.int64),
        np.empty(n_traces, np.int64),
        np.empty(n_traces, np.int64),
        np.empty(n_traces + 1),
        np.empty(n_traces + 1),
    )


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
def _ways(
    graph: Graph,
    prices: Prices,
    beam: _Beam,
    h: int,
    k: int,
    c: int,
    ahead: FloatArray,
    ahead_without: FloatArray,
    new: _New,
) -> int:
    """Where trace `k` of explanation `h` can be in column `c`, at what cost; how many there are."""
    node, gates = prices.node[k], graph.gates
    way, cost, to_go = new.way[k], new.price[k], new.far[k]
    n = 0
    at = beam.at[h, k]
    if at >= 0:
        first, after, step, own = graph.first, graph.after, graph.step, graph.own
        top, bottom = graph.top_px, graph.bottom_px
        half = prices.pen_px / 2
        up = beam.high[h, k] + beam.slope[h, k] + beam.spread[h, k]
        down = beam.low[h, k] + beam.slope[h, k] - beam.spread[h, k]
        for e in range(first[at], min(first[at + 1], first[at] + _MOST_WAYS - 3)):
            j = after[e]
            off = max(0.0, top[j] + half - up, down - bottom[j] + half)
            way[n], to_go[n] = j, ahead[k, j]
            cost[n] = own[j] + step[e] + node[j]
            if off > 0:
                # A direction says less the longer ago it was seen, by its curvature.
                wider = (1 + beam.along[h, k] / prices.along_px) ** 2
                cost[n] += prices.turn * np.log1p(off / (prices.turn_px * wider))
            if gates[j] & (AT_TOP | AT_BOTTOM) == 0:
                cost[n] += prices.edge * max(beam.at_edge[h, k], 0.0)
            n += 1
    for s in range(3):
        state = -1 - s
        fixed = 0.0
        if at >= 0:
            if not (_may_leave(gates[at], state) or (n == 0 and state == ABSENT)):
                continue
            fixed = prices.leave if state == ABSENT else prices.cross
        elif at == _ANYWHERE:  # a trace of the picture is not beyond its edge from the start
            if state != ABSENT and prices.without[0, k, c] < NEVER:
                continue
        elif at != state:
            continue
        way[n], cost[n] = state, fixed + prices.without[s, k, c]
        to_go[n] = ahead_without[s, k, c + 1]
        n += 1
    if at >= 0:
        return n
    fixed = prices.leave if at == ABSENT else prices.cross
    by_column = graph.by_column
    for q in range(graph.starts[c], graph.starts[c + 1]):
        j = by_column[q]
        if n < _MOST_WAYS and j < graph.n_runs and (at == _ANYWHERE or _may_enter(gates[j], at)):
            way[n], to_go[n] = j, ahead[k, j]
            cost[n] = node[j] + (0.0 if at == _ANYWHERE else fixed)
            n += 1
    return n


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
    beam: _Beam,
    alive: int,
    c: int,
    ahead: FloatArray,
    ahead_without: FloatArray,
    new: _New,
) -> int:
    """Write the best explanations up to column `c` to `new`; how many they are.

    Each ends only once: of those that end alike, the cheapest is kept. Each trace's ways are tried
    from the cheapest on, and all that follow are left out as soon as what the traces so far cost,
    and the others at the least, is more than the dearest that is kept.
    """
    way, price, far, n_ways, turn = new.way, new.price, new.far, new.n_ways, new.turn
    so_far, least, here = new.so_far, new.least, new.here
    height, unexplained = prices.height, prices.unexplained
    n_traces = len(here)
    all_ink = 0.0
    for q in range(graph.starts[c], graph.starts[c + 1]):
        all_ink += unexplained[graph.by_column[q]]
    n, limit = 0, np.inf
    for h in range(alive):
        for k in range(n_traces):
            n_ways[k] = _ways(graph, prices, beam, h, k, c, ahead, ahead_without, new)
            _cheapest_first(way[k], price[k], far[k], n_ways[k])
        least[n_traces] = 0.0  # of the traces from each on
        for k in range(n_traces - 1, -1, -1):
            least[k] = least[k + 1] + price[k, 0] + far[k, 0]
        so_far[0] = beam.cost[h]  # before each trace, with what its ways lead to
        turn[0] = 0
        k = 0
        while k >= 0:
            if turn[k] == n_ways[k]:
                k -= 1
                if k >= 0:
                    turn[k] += 1
                continue
            total = so_far[k] + price[k, turn[k]] + far[k, turn[k]]
            if total + least[k + 1] > limit:  # nor can what all share save more than all ink
                turn[k] = n_ways[k]
                continue
            so_far[k + 1], here[k] = total, way[k, turn[k]]
            if k + 1 < n_traces:
                k += 1
                turn[k] = 0
                continue
            left = 0.0
            for j in range(n_traces):
                left += far[j, turn[j]]
            total += all_ink + _together(here, graph.n_runs, height, unexplained, prices.shared)
            if total <= limit:
                n, limit = _keep(new, n, h, total, left, prices)
            turn[k] += 1
    return n


@njit(cache=True)
def _cheapest_first(way: IntArray, price: FloatArray, far: FloatArray, n: int) -> None:
    """Sort the first n of one trace's ways by what they cost to the picture's end."""
    for i in range(1, n):
        j = i
        while j > 0 and price[j] + far[j] < price[j - 1] + far[j - 1]:
            way[j], way[j - 1] = way[j - 1], way[j]
            price[j], price[j - 1] = price[j - 1], price[j]
            far[j], far[j - 1] = far[j - 1], far[j]
            j -= 1


@njit(cache=True)
def _keep(
    new: _New, n: int, h: int, total: float, left: float, prices: Prices
) -> tuple[int, float]:
    """Keep an explanation, in the place of one that ends alike or of the dearest.

    Returns:
        How many there are then; above which total none is worth keeping.
    """
    totals, here = new.total, new.here
    place = n
    for i in range(n):
        alike = True
        for k in range(len(here)):
            if new.where[i, k] != here[k]:
                alike = False
                break
        if alike:
            place = i
            break
    if place == prices.beam:  # all places are taken
        place = int(np.argmax(totals[:n]))
    elif place == n:
        n += 1
        totals[place] = np.inf
    if total < totals[place]:
        totals[place], new.cost[place] = total, total - left
        new.come_from[place] = h
        for k in range(len(here)):
            new.where[place, k] = here[k]
    least, most = np.inf, 0.0
    for i in range(n):
        least, most = min(least, totals[i]), max(most, totals[i])
    return n, min(least + prices.hopeless, most if n == prices.beam else np.inf)


@njit(cache=True)
def _follow(
    graph: Graph,
    prices: Prices,
    beam: _Beam,
    h: int,
    where: IntArray,
    following: _Beam,
    to: int,
) -> None:
    """Write where the pens are, and where they are going, into place `to` of `following`.

    In a run of its own a trace may be anywhere. In a run that it shares it goes straight on.
    """
    for k in range(len(where)):
        j = where[k]
        following.at[to, k] = j
        following.at_edge[to, k] = _columns_at_edge(graph, beam, h, where, k)
        if j < 0:
            continue
        low = graph.top_px[j] + prices.pen_px / 2
        high = graph.bottom_px[j] - prices.pen_px / 2
        if low > high:
            low = high = (low + high) / 2
        shared = prices.lettered[j]
        for other in range(len(where)):
            shared = shared or (other != k and where[other] == j)
        slope = beam.slope[h, k]
        speed = spread = 0.0
        if beam.at[h, k] < 0:
            slope = 0.0
        elif shared and j < graph.n_runs:
            slope, spread = slope + beam.speed[h, k], beam.spread[h, k]
            to_low, to_high = beam.low[h, k] + slope - spread, beam.high[h, k] + slope + spread
            if to_low < low - prices.pen_px or to_high > high + prices.pen_px:
                # The run ends before it can go on so: it turned, and may be as fast as before.
                slope, spread = 0.0, spread + abs(slope)
            low, high = min(max(to_low, low), high), min(max(to_high, low), high)
        elif high - low < prices.pen_px and beam.high[h, k] - beam.low[h, k] < prices.pen_px:
            move = (low + high - beam.low[h, k] - beam.high[h, k]) / 2
            slope = (1 - prices.blend) * slope + prices.blend * move
        else:  # a steep stroke: it may end anywhere
            slope = 0.0
            upper, lower = low - beam.low[h, k], high - beam.high[h, k]
            if upper * lower > 0:
                speed, spread = (upper + lower) / 2, abs(upper - lower) / 2
            else:  # it may turn here
                spread = high - low
        following.low[to, k], following.high[to, k] = low, high
        following.slope[to, k], following.speed[to, k] = slope, speed
        following.spread[to, k] = spread
        following.along[to, k] = beam.along[h, k] + 1 if shared and beam.at[h, k] >= 0 else 0.0


@njit(cache=True)
def _columns_at_edge(graph: Graph, beam: _Beam, h: int, where: IntArray, k: int) -> float:
    """For how many columns trace `k` has been at an edge over which no trace goes.

    Negative: it has gone over the edge itself, and may stay for long.
    """
    at, j = beam.at[h, k], where[k]
    if j < 0 or graph.gates[j] & (AT_TOP | AT_BOTTOM) == 0:
        return 0.0
    visitors = len(where) - 2
    if at < 0 or k >= visitors or beam.at_edge[h, k] < 0:
        return -1.0
    taken_over = (where[visitors:] == j).any()
    return float(beam.at_edge[h, k] + (0.0 if taken_over else 1.0))
