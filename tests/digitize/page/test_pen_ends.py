"""Columns of a page by where the pen was set down and lifted."""

import numpy as np
import pytest

from ecg_overlap.digitize.page.columns import Place
from ecg_overlap.digitize.page.pen_ends import PenEnds, pen_ends, sharpened
from ecg_overlap.digitize.paths.path import Path

WIDTH = 62.5
N = 4


def ends_of(true: Place, *, rows: int = 3, noise: float = 0.03, joined: int = 0) -> PenEnds:
    """The ends of some rows; `joined` of them run into a pulse 7.5 mm before the first column."""
    rng = np.random.default_rng(0)
    columns = true.columns(N)
    down, up = np.repeat(columns[None, :, 0], rows, 0), np.repeat(columns[None, :, 1], rows, 0)
    down[:joined, 0] -= 7.5
    if true.gap == 0:  # no blank paper between columns
        down, up = down[:, :1], up[:, -1:]
    return PenEnds(
        (down + noise * rng.normal(size=down.shape)).ravel(),
        (up + noise * rng.normal(size=up.shape)).ravel(),
    )


@pytest.mark.parametrize("gap", [0.0, 0.85])
@pytest.mark.parametrize("joined", [0, 2])
def test_columns_that_are_known_to_a_millimetre_become_exact(gap: float, joined: int) -> None:
    true = Place(12.3, WIDTH, gap)
    rough = Place(12.3 + 0.8, WIDTH, max(gap - 0.3, 0.0))
    found, _ = sharpened(rough, N, ends_of(true, joined=joined), usual_width=True)
    np.testing.assert_allclose(found.columns(N), true.columns(N), atol=0.1)


def test_strays_do_not_move_a_place() -> None:
    true = Place(12.3, WIDTH)
    ends = ends_of(true)
    strays = np.random.default_rng(1).uniform(0, 280, 40)
    many = PenEnds(np.append(ends.down_mm, strays), np.append(ends.up_mm, strays))
    found, _ = sharpened(replace_start(true, 12.8), N, many, usual_width=True)
    np.testing.assert_allclose(found.columns(N), true.columns(N), atol=0.15)


def test_columns_of_another_width_than_usual_are_seen_where_paper_is_blank_between_them() -> None:
    true = Place(12.3, 62.1, 0.8)
    found, nats = sharpened(Place(12.3, WIDTH, 0.5), N, ends_of(true), usual_width=True)
    assert nats > 3 * 2 * N  # each of three rows has two ends in each column
    np.testing.assert_allclose(found.columns(N), true.columns(N), atol=0.1)


def test_without_ends_near_it_a_place_stays() -> None:
    nothing = PenEnds(np.array([]), np.array([40.0]))
    place = Place(12.3, WIDTH, 0.5)
    found, nats = sharpened(place, N, nothing, usual_width=True)
    assert nats == 0
    np.testing.assert_allclose(found.columns(N), place.columns(N), atol=1e-9)
    assert sharpened(Place(12.3, 250.0), 1, nothing, usual_width=False)[0].width == pytest.approx(
        250
    )


def test_a_path_gives_its_ends_and_those_of_the_blank_paper_in_it() -> None:
    x = np.arange(400.0)
    path = Path(x, np.full(400, 50.0), x * 0, x * 0 + 1, 4.0, start_px=20.0, end_px=380.0)
    blank = np.zeros((1, 400), bool)
    blank[0, :18] = blank[0, 383:] = True
    blank[0, 200:210] = True  # its ink ends with column 199 and goes on with 210
    ends = pen_ends([path], blank, px_per_mm=10.0)
    np.testing.assert_allclose(ends.down_mm, [2.0, 20.95 + 0.2])
    np.testing.assert_allclose(ends.up_mm, [38.0, 19.95 - 0.2])


def replace_start(place: Place, start: float) -> Place:
    return Place(start, place.width, place.gap)
