"""Which of several traces in a crop is the primary."""

import numpy as np
import pytest
from numpy.typing import NDArray

from data_gen.render import draw_stroke
from ecg_overlap.digitize.primary import which_trace

WIDTH, PX_PER_MM = 300, 8.0
Asked = list[float | None]


def trace(row: float, height: int) -> NDArray[np.float32]:
    mask = np.zeros((height, WIDTH), np.uint8)
    draw_stroke(mask, np.array([(5.0, row), (150.0, row - 4), (295.0, row)]), width_px=3.0)
    return mask.astype(np.float32) / 255


def network(traces: list[NDArray[np.float32]], untold: NDArray[np.float32], asked: Asked):
    """Told a row, it gives the trace there; untold, what it is given to say."""

    def ask(row_px: float | None) -> NDArray[np.float32]:
        asked.append(row_px)
        if row_px is None or not untold.any():
            return untold
        rows = [float(np.average(np.arange(len(t)), weights=t.sum(axis=1))) for t in traces]
        return traces[int(np.argmin(np.abs(np.array(rows) - row_px)))]

    return ask


def test_one_trace_is_asked_for_once_by_its_row() -> None:
    only, asked = trace(50, 100), []
    found = which_trace(network([only], only, asked), only, px_per_mm=PX_PER_MM)
    assert found is only and asked == [pytest.approx(48, abs=3)]


@pytest.mark.parametrize("believed", [0, 1])
def test_a_network_that_changes_over_in_the_middle_is_held_to_one_trace(believed: int) -> None:
    traces = [trace(50, 200), trace(150, 200)]
    untold = np.zeros_like(traces[0])
    untold[:, :180] = traces[believed][:, :180]
    untold[:, 180:] = traces[1 - believed][:, 180:]
    ask = network(traces, untold, asked := [])
    found = which_trace(ask, np.maximum(*traces), px_per_mm=PX_PER_MM)
    assert found is traces[believed]
    assert sorted(row for row in asked if row is not None) == pytest.approx([48, 148], abs=5)


@pytest.mark.parametrize(("rows", "middle"), [((50, 90), 0), ((10, 50), 1)])
def test_what_the_network_cannot_tell_the_crops_margins_do(
    rows: tuple[int, int], middle: int
) -> None:
    traces = [trace(row, 100) for row in rows]
    ask = network(traces, 0.5 * np.maximum(*traces), [])
    found = which_trace(ask, np.maximum(*traces), px_per_mm=PX_PER_MM)
    assert found is traces[middle]


def test_a_picture_without_ink_is_asked_for_without_a_row() -> None:
    blank, asked = np.zeros((60, WIDTH), np.float32), []
    found = which_trace(network([blank], blank, asked), blank, px_per_mm=PX_PER_MM)
    assert asked == [None] and found is blank
