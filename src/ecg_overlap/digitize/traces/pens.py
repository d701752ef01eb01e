"""How each trace can have come to one column, and where its pen goes from there.

Many explanations of a picture have a trace come by the same way. So its states are kept apart from
the explanations, which name one of each trace: each is carried on, and its ways are priced, once.

Compiled code counts who refers to each array that is passed to a function, or taken from a tuple;
that was most of the search's time. So a column's work is one call, and small functions get numbers.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from ecg_overlap.digitize.traces.graph import AT_BOTTOM, AT_TOP, Graph
from ecg_overlap.digitize.traces.prices import Prices
from ecg_overlap.digitize.traces.runs import FloatArray, IntArray

ANYWHERE = -4  # in a node's place: before the first column

# Of `Pens.pen`, in this order; rows in px.
LOW = 0  # uppermost row at which the pen can be
HIGH = 1  # lowermost row
SLOPE = 2  # rows per column, of a gentle stroke
SPEED = 3  # likewise, of a steep one that it has by itself, …
SPREAD = 4  # … give or take so much
ALONG = 5  # columns for which it has shared its run
AT_EDGE = 6  # columns at the edge over which no trace has gone so far
_NUMBERS = 7

# Of `Pens.came`, in this order.
NODE = 0  # where it is: a node, or ABSENT, ABOVE, BELOW
BEFORE = 1  # its state one column before
SHARES = 2  # 1: it shares its run
GATED = 3  # 1: so it does with a trace from beyond the picture's edges
_FACTS = 4


class Pens(NamedTuple):
    """The states of all traces at one column.

    Args:
        n: int64 (K,), how many of each trace.
        came: int64 (K, B, 4), how it came.
        pen: float64 (K, B, 7), where it is and where it is going.
    """

    n: IntArray
    came: IntArray
    pen: FloatArray


@njit(cache=True)
def anywhere(n_traces: int, size: int) -> Pens:
    """One state of each trace: that it may be anywhere."""
    came = np.full((n_traces, size, _FACTS), ANYWHERE, np.int64)
    return Pens(np.ones(n_traces, np.int64), came, np.zeros((n_traces, size, _NUMBERS)))


@njit(cache=True)
def follow(
    graph: Graph, prices: Prices, pens: Pens, before: IntArray, where: IntArray, then: Pens
) -> IntArray:
    """Carry the states on into one column's nodes.

    Args:
        graph: Of the picture.
        prices: Of the search.
        pens: The states one column before.
        before: int64 (B, K), which of them explanations had …
        where: int64 (B, K), … and the nodes where they are now.
        then: The states are written here.

    Returns:
        Which of them each has, int64 (B, K).
    """
    n, came, pen = then.n, then.came, then.pen
    came_before, pen_before = pens.came, pens.pen
    gates, top, bottom, lettered = graph.gates, graph.top_px, graph.bottom_px, prices.lettered
    size, n_traces = where.shape
    states = np.empty((size, n_traces), np.int64)
    n[:] = 0
    for b in range(size):
        for k in range(n_traces):
            j, s = where[b, k], before[b, k]
            shares, gated = 0, 0
            if j >= 0:
                shares = 1 if lettered[j] else 0
                for other in range(n_traces):
                    if other != k and where[b, other] == j:
                        shares = 1
                        gated = max(gated, 1 if other >= n_traces - 2 else 0)
            to = 0
            while to < n[k] and (
                came[k, to, NODE] != j
                or came[k, to, BEFORE] != s
                or came[k, to, SHARES] != shares
                or came[k, to, GATED] != gated
            ):
                to += 1
            states[b, k] = to
            if to < n[k]:
                continue
            n[k] += 1
            came[k, to, NODE], came[k, to, BEFORE] = j, s
            came[k, to, SHARES], came[k, to, GATED] = shares, gated
            pen[k, to] = pen_before[k, s]
            pen[k, to, SPEED] = pen[k, to, SPREAD] = pen[k, to, ALONG] = 0.0
            pen[k, to, AT_EDGE] = 0.0
            if j < 0:
                continue
            from_node = came_before[k, s, NODE]
            if gates[j] & (AT_TOP | AT_BOTTOM) != 0:
                at_edge = pen_before[k, s, AT_EDGE]
                if from_node < 0 or k >= n_traces - 2 or at_edge < 0:
                    pen[k, to, AT_EDGE] = -1.0  # it went over the edge itself, and may stay long
                else:
                    pen[k, to, AT_EDGE] = at_edge + 1 - gated
            low, high = top[j] + prices.pen_px / 2, bottom[j] - prices.pen_px / 2
            if low > high:
                low = high = (low + high) / 2
            shared = shares == 1 and j < graph.n_runs
            (
                pen[k, to, LOW], pen[k, to, HIGH],
                pen[k, to, SLOPE], pen[k, to, SPEED], pen[k, to, SPREAD],
            ) = _went(
                low, high, shared, from_node < 0, prices.pen_px, prices.blend,
                pen_before[k, s, LOW], pen_before[k, s, HIGH],
                pen_before[k, s, SLOPE], pen_before[k, s, SPEED], pen_before[k, s, SPREAD],
            )  # fmt: skip
            if shares == 1 and from_node >= 0:
                pen[k, to, ALONG] = pen_before[k, s, ALONG] + 1
    return states


@njit(cache=True)
def _went(
    low: float,
    high: float,
    shared: bool,
    enters: bool,
    pen_px: float,
    blend: float,
    low_before: float,
    high_before: float,
    slope: float,
    speed: float,
    spread: float,
) -> tuple[float, float, float, float, float]:
    """Where a pen is that was somewhere, in a run with room from `low` to `high`; LOW … SPREAD.

    In a run of its own a trace may be anywhere. In a run that it shares it goes straight on.
    """
    if enters:
        return low, high, 0.0, 0.0, 0.0
    if shared:
        slope += speed
        to_low, to_high = low_before + slope - spread, high_before + slope + spread
        if to_low < low - pen_px or to_high > high + pen_px:
            # The run ends before it can go on so: it turned, and may be as fast as before.
            slope, spread = 0.0, spread + abs(slope)
        low, high = min(max(to_low, low), high), min(max(to_high, low), high)
        return low, high, slope, 0.0, spread
    if high - low < pen_px and high_before - low_before < pen_px:
        move = (low + high - low_before - high_before) / 2
        return low, high, (1 - blend) * slope + blend * move, 0.0, 0.0
    # A steep stroke: it may end anywhere.
    upper, lower = low - low_before, high - high_before
    if upper * lower > 0:
        return low, high, 0.0, (upper + lower) / 2, abs(upper - lower) / 2
    return low, high, 0.0, 0.0, high - low  # it may turn here
