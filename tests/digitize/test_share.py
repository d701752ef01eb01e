"""Each trace's own rows of the runs that several go through: pens of 3 px, runs chosen by hand."""

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.traces.share import own_rows

PEN_PX = 3.0
Rows = tuple[int, int]
NONE = (-1, -1)


def own(*traces: list[Rows]) -> list[list[Rows]]:
    """Own rows of traces whose runs' rows are given: in one column, equal rows are one run."""
    runs = sorted({(c, run) for trace in traces for c, run in enumerate(trace) if run != NONE})
    chosen = np.array(
        [[-1 if run == NONE else runs.index((c, run)) for c, run in enumerate(t)] for t in traces]
    )
    row: NDArray[np.int64] = np.array([run for _, run in runs])
    found = own_rows(chosen, row, PEN_PX)
    return [[(int(first), int(stop)) for first, stop in trace] for trace in found]


def test_a_run_of_its_own_is_all_a_traces() -> None:
    traces = [[(0, 3), (0, 40), (0, 3)], [(50, 53), (42, 53), (50, 53)]]
    assert own(*traces) == traces


def test_a_trace_in_no_run_has_no_rows() -> None:
    assert own([(5, 8), NONE, (5, 8)])[0] == [(5, 8), NONE, (5, 8)]


def test_where_two_slanted_lines_cross_both_have_the_run() -> None:
    down: list[Rows] = [(0, 3), (3, 6), (6, 9), (9, 12), (12, 15)]
    assert own(down, down[::-1]) == [down, down[::-1]]


def test_a_steep_flank_through_a_level_neighbour_leaves_it_its_rows() -> None:
    # Up from row 40 through the neighbour's rows 20 … 23 to a peak at 5, and back.
    flank, flat = (15, 43), (20, 23)
    peak: list[Rows] = [(40, 43), flank, (5, 16), flank, (40, 43)]
    level: list[Rows] = [flat, flank, flat, flank, flat]
    assert own(peak, level) == [peak, [flat] * 5]


def test_a_trace_that_touches_a_lines_lower_side_has_the_pens_width_of_it() -> None:
    # Its places to both sides are below the run: it has the lowest 3 rows.
    run = (10, 14)
    assert own([(14, 17), run, (14, 17)], [(10, 13), run, (10, 13)]) == [
        [(14, 17), (11, 14), (14, 17)],
        [(10, 13), (10, 13), (10, 13)],
    ]


def test_ink_that_no_trace_has_goes_to_the_one_that_moves_more() -> None:
    # One steps from rows 30 … 33 to 40 … 43, the other stays in 20 … 23; their run is 20 … 50.
    run = (20, 50)
    steep, flat = own([(30, 33), run, (40, 43)], [(20, 23), run, (20, 23)])
    assert flat == [(20, 23)] * 3
    assert steep == [(30, 33), (23, 50), (40, 43)]


def test_a_run_that_is_shared_to_the_pictures_end_is_parted_by_what_came_before() -> None:
    run = (10, 33)
    upper, lower = own([(10, 13), run, run], [(30, 33), run, run])
    # 17 rows between are neither's: both move alike, and the upper has them.
    assert [rows[1] for rows in upper] == [13, 30, 30]
    assert lower == [(30, 33)] * 3


def test_traces_that_are_nowhere_alone_have_all_of_their_runs() -> None:
    run = (10, 20)
    assert own([run, run], [run, run]) == [[run, run], [run, run]]
