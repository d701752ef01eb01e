"""Where a pen can have gone: at 8 px/mm, blank paper costs 1 a column and 1 a row that is leapt."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from ecg_overlap.digitize.traces.costs import COSTS
from ecg_overlap.digitize.traces.graph import (
    AT_BOTTOM,
    AT_TOP,
    ENDS,
    OPENS,
    Graph,
    graph_of,
)
from ecg_overlap.digitize.traces.runs import find_runs

PX_PER_MM = 8.0
PEN_PX = 3.0
ONE_A_PIXEL = replace(COSTS, blank_per_mm=8.0, leap_per_mm=8.0)
Piece = tuple[int, int, int]  # the first row of 3, the first column, the one after the last


def graph(*pieces: Piece, shape: tuple[int, int] = (80, 120), margin: int = 0) -> Graph:
    """Of level pieces of ink; the picture has `margin` rows around it that are none of it."""
    cover = np.zeros(shape, np.float32)
    for row, start, stop in pieces:
        cover[row : row + 3, start:stop] = 1
    limits = (np.full(shape[1], margin), np.full(shape[1], shape[0] - margin))
    return graph_of(find_runs(cover), limits, px_per_mm=PX_PER_MM, pen_px=PEN_PX, costs=ONE_A_PIXEL)


def run_at(of: Graph, column: int, row: int) -> int:
    """The run whose first row is in a column."""
    here = (of.column[: of.n_runs] == column) & (of.top_px[: of.n_runs] == row - 0.5)
    return int(np.flatnonzero(here)[0])


def gates_at(of: Graph, column: int, row: int) -> int:
    return int(of.gates[run_at(of, column, row)])


def steps_from(of: Graph, node: int) -> dict[int, float]:
    """The nodes that can follow, and what each step costs."""
    part = slice(of.first[node], of.first[node + 1])
    return dict(zip(of.after[part].tolist(), of.step[part].tolist(), strict=True))


def cheapest(of: Graph, start: int, stop: int) -> tuple[float, list[int]]:
    """The cheapest way between two nodes, by Dijkstra's rule column by column; inf without any."""
    ways: dict[int, tuple[float, list[int]]] = {start: (0.0, [start])}
    for _ in range(int(of.column[stop] - of.column[start])):
        following: dict[int, tuple[float, list[int]]] = {}
        for node, (cost, way) in ways.items():
            for after, step in steps_from(of, node).items():
                total = cost + step + float(of.own[after])
                if total < following.get(after, (np.inf, []))[0]:
                    following[after] = (total, [*way, after])
        ways = following
    return ways.get(stop, (np.inf, []))


def middles(of: Graph, way: list[int]) -> NDArray[np.float64]:
    rows: NDArray[np.float64] = (of.top_px[way] + of.bottom_px[way]) / 2
    return rows


def test_every_step_leads_to_the_next_column() -> None:
    of = graph((10, 0, 40), (30, 20, 90), (50, 60, 120), (10, 60, 120))
    before = np.repeat(np.arange(len(of.column)), np.diff(of.first))
    assert len(of.column) > of.n_runs == 40 + 70 + 60 + 60
    assert (of.column[of.after] == of.column[before] + 1).all()


def test_nodes_are_listed_by_column() -> None:
    of = graph((10, 0, 40), (30, 20, 90))
    for column in (0, 30, 100):
        here = of.by_column[of.starts[column] : of.starts[column + 1]]
        assert sorted(here) == np.flatnonzero(of.column == column).tolist()


def test_along_a_line_a_step_costs_nothing() -> None:
    of = graph((10, 0, 40))
    assert cheapest(of, run_at(of, 0, 10), run_at(of, 39, 10))[0] == 0


def test_a_gap_is_bridged_straight_and_costs_its_length() -> None:
    of = graph((10, 0, 30), (10, 54, 120))  # 24 px: 3 mm, at 8 a mm
    cost, way = cheapest(of, run_at(of, 29, 10), run_at(of, 54, 10))
    assert cost == pytest.approx(24)
    assert way[1:-1] and min(way[1:-1]) >= of.n_runs  # all of bridges
    assert np.allclose(middles(of, way), 11)
    assert np.allclose((of.bottom_px - of.top_px)[way], PEN_PX)


def test_a_slanted_bridge_costs_its_rise_too_and_is_as_thick_as_a_slanted_stroke() -> None:
    # From row 11 to row 36 in 25 columns: 1 row each, over 24 blank columns.
    of = graph((10, 0, 30), (35, 54, 120))
    cost, way = cheapest(of, run_at(of, 29, 10), run_at(of, 54, 35))
    assert cost == pytest.approx(24 * (1 + 1))
    assert np.allclose(middles(of, way), np.arange(11, 37))
    assert np.allclose((of.bottom_px - of.top_px)[way[1:-1]], PEN_PX + 1)


@pytest.mark.parametrize(("blank", "bridged"), [(60, True), (70, False)])
def test_no_bridge_is_longer_than_its_reach(blank: int, bridged: bool) -> None:
    of = graph((10, 0, 30), (10, 30 + blank, 120))  # 8 mm are 64 px
    cost, _ = cheapest(of, run_at(of, 29, 10), run_at(of, 30 + blank, 10))
    assert cost == pytest.approx(blank if bridged else np.inf)


def test_a_trace_that_vanishes_under_another_is_bridged_to_where_it_comes_out() -> None:
    # It comes down to a line, is in it, and comes out on the same side.
    of = graph((10, 0, 30), (12, 30, 50), (10, 50, 80))
    assert steps_from(of, run_at(of, 29, 10)) == {run_at(of, 30, 12): 0.0}  # they touch
    aside = graph((10, 0, 30), (14, 0, 120), (10, 50, 80))
    cost, way = cheapest(aside, run_at(aside, 29, 10), run_at(aside, 50, 10))
    # The line is 1 row below: there, along it and back at 1 each is cheaper than 20 columns blank.
    assert cost == pytest.approx(2)
    assert (middles(aside, way)[1:-1] == 15).all()


@pytest.mark.parametrize(("blank", "cost"), [(0, 0.0), (5, 5.0), (16, 16.0), (17, None)])
def test_runs_of_neighbouring_columns_are_leapt_between_for_their_blank_rows(
    blank: int, cost: float | None
) -> None:
    of = graph((10, 0, 30), (13 + blank, 30, 60))  # 2 mm, 16 px, at the most
    there = run_at(of, 30, 13 + blank)
    assert steps_from(of, run_at(of, 29, 10)).get(there) == cost


def test_a_line_opens_at_its_first_run_and_ends_at_its_last() -> None:
    of = graph((40, 20, 60))
    assert gates_at(of, 20, 40) == OPENS
    assert gates_at(of, 59, 40) == ENDS
    assert {gates_at(of, column, 40) for column in range(21, 59)} == {0}


@pytest.mark.parametrize(("blank", "gates"), [(1, (0, 0)), (2, (ENDS, OPENS))])
def test_runs_that_almost_touch_are_one_line(blank: int, gates: tuple[int, int]) -> None:
    of = graph((40, 20, 60), (43 + blank, 60, 90))
    assert (gates_at(of, 59, 40), gates_at(of, 60, 43 + blank)) == gates


@pytest.mark.parametrize("margin", [0, 5])
@pytest.mark.parametrize(("off", "at_edge"), [(0, True), (1, True), (2, False)])
def test_ink_within_two_pixels_of_the_pictures_edge_may_go_on_beyond_it(
    margin: int, off: int, at_edge: bool
) -> None:
    top, bottom = margin + off, 80 - margin - off - 3
    of = graph((top, 0, 120), (bottom, 0, 120), margin=margin)
    assert gates_at(of, 50, top) == (AT_TOP if at_edge else 0)
    assert gates_at(of, 50, bottom) == (AT_BOTTOM if at_edge else 0)


def test_no_ink_is_no_node() -> None:
    of = graph()
    assert (of.n_runs, len(of.column), len(of.after)) == (0, 0, 0)
