"""Grids whose lines bend: the map to even paper, and finding it in pictures drawn here."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.interpolate import BSpline

from data_gen.presets import load
from ecg_overlap.digitize.grid import find_grid
from ecg_overlap.digitize.grid.bend import Field, fit_field
from ecg_overlap.digitize.grid.model import Grid, GridSource
from ecg_overlap.digitize.grid.track import LinePoints
from ecg_overlap.digitize.lead import digitize_lead
from tests.digitize.drawn import beats, drawn, snr_db
from tests.digitize.test_grid import heartbeats, paper

FloatArray = NDArray[np.float64]
SHAPE = (240, 900)


def some_field(seed: int, size_px: float, *, shape: tuple[int, int] = SHAPE) -> Field:
    """A field of up to about `size_px`, knots 90 px apart."""
    long_px = max(shape) - 1.0
    knots = np.arange(-3, 14) * (long_px / 10)
    coefs = np.random.default_rng(seed).uniform(-size_px, size_px, (13, 2))
    return Field(BSpline(knots, coefs, 3), (min(shape) - 1.0) / 2, shape[1] >= shape[0])


def bent_grid(seed: int, size_px: float, angle_deg: float = 0.0) -> Grid:
    return Grid(
        px_per_mm_x=8.0,
        px_per_mm_y=8.1,
        angle_deg=angle_deg,
        bend_x=some_field(seed, size_px),
        bend_y=some_field(seed + 1, size_px),
        phase_x_px=450.0,
        phase_y_px=120.0,
        source=GridSource.FIVE_TO_ONE,
    )


def warped(image: NDArray[np.uint8], shift: FloatArray) -> NDArray[np.uint8]:
    """The picture whose pixel (x, y) shows what stood at (x, y) + shift of the old one."""
    height, width = image.shape[:2]
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    maps = (np.stack([x, y], axis=-1) + shift).astype(np.float32)
    out = cv2.remap(
        image, maps[..., 0], maps[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(out, np.uint8)


def curl(shape: tuple[int, ...], *, along_px: float, bow_px: float) -> FloatArray:
    """A shift (height, width, 2): columns crowd, rows bow, by one wave over the width."""
    wave = np.sin(2 * np.pi * np.arange(shape[1]) / shape[1])
    shift = np.zeros((*shape[:2], 2))
    shift[..., 0], shift[..., 1] = along_px * wave, bow_px * wave
    return shift


@given(seed=st.integers(0, 999), size=st.floats(0, 8), angle=st.floats(-5, 5))
def test_unstraighten_undoes_straighten(seed: int, size: float, angle: float) -> None:
    grid = bent_grid(seed, size, angle)
    points = np.random.default_rng(seed).uniform((0, 0), (899, 239), (50, 2))
    assert grid.unstraighten(grid.straighten(points)) == pytest.approx(points, abs=0.01)


@given(angle=st.floats(-5, 5), pitch=st.floats(4, 24))
def test_without_a_bend_straightening_only_turns(angle: float, pitch: float) -> None:
    grid = Grid(
        px_per_mm_x=pitch,
        px_per_mm_y=pitch,
        angle_deg=angle,
        phase_x_px=20.0,
        phase_y_px=30.0,
        source=GridSource.FIVE_TO_ONE,
    )
    turn = np.deg2rad(angle)
    ten_mm_on = np.array([[20.0, 30.0]]) + 10 * pitch * np.array([[np.cos(turn), np.sin(turn)]])
    assert grid.millimetres(ten_mm_on) == pytest.approx(np.array([[10.0, 0.0]]), abs=1e-9)


@given(seed=st.integers(0, 99))
@settings(max_examples=10)
def test_millimetres_of_all_pixels_are_those_of_each(seed: int) -> None:
    grid = bent_grid(seed, 5.0, 2.0)
    along, down = grid.millimetres_over(SHAPE)
    points = np.random.default_rng(seed).integers((0, 0), (900, 240), (30, 2))
    found = np.stack([m[points[:, 1], points[:, 0]] for m in (along, down)], axis=1)
    assert found == pytest.approx(grid.millimetres(points.astype(np.float64)), abs=1e-3)


def test_a_gap_in_a_path_stays_one_and_moves_no_other_point() -> None:
    grid = bent_grid(3, 5.0)
    points = np.array([[100.0, 50.0], [np.nan, np.nan], [700.0, 200.0]])
    back = grid.unstraighten(grid.straighten(points))
    assert np.isnan(back[1]).all()
    assert back[[0, 2]] == pytest.approx(points[[0, 2]], abs=0.01)


@given(seed=st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_a_smooth_field_is_recovered_from_scattered_points(seed: int) -> None:
    rng = np.random.default_rng(seed)
    xy = rng.uniform((0, 0), (899, 239), (600, 2))
    truth = 4 * np.sin(2 * np.pi * xy[:, 0] / 600) + 0.01 * xy[:, 1]
    value = truth + rng.normal(0, 0.1, 600)
    value[::20] += 15  # what is no line
    points = LinePoints(xy, np.arange(600), np.ones(600), 600)
    fitted = fit_field(points, value, shape=SHAPE, px_per_mm=8.0)
    assert fitted is not None
    assert fitted.gain > 100
    assert np.abs(fitted.field.at(xy) - truth).max() < 0.3


def test_noise_alone_speaks_for_no_bend() -> None:
    gains = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        xy = rng.uniform((0, 0), (899, 239), (100, 2))
        points = LinePoints(xy, np.arange(100), np.ones(100), 100)
        fitted = fit_field(points, rng.normal(0, 0.3, 100), shape=SHAPE, px_per_mm=8.0)
        assert fitted is not None
        gains.append(fitted.gain)
    assert np.median(gains) < 1.1


@pytest.mark.parametrize(("along_px", "bow_px"), [(4.0, 0.0), (0.0, 5.0), (6.0, 6.0)])
def test_a_curled_paper_is_straightened(along_px: float, bow_px: float) -> None:
    image = heartbeats(paper(), pitch=8, period_px=170)
    shift = curl(image.shape, along_px=along_px, bow_px=bow_px)
    grid = find_grid(warped(image, shift))
    assert grid.is_bent
    assert grid.confidence > 0.5
    points = np.random.default_rng(0).uniform((20, 20), (879, 219), (200, 2))
    column, row = points.astype(int).T
    on_paper = points + shift[row, column]
    error = grid.straighten(points) / (grid.px_per_mm_x, grid.px_per_mm_y) * 8.0 - on_paper
    assert (error - error.mean(axis=0)).std(axis=0) == pytest.approx([0, 0], abs=0.3)


def test_a_bow_that_blurs_the_groups_of_a_straight_comb_is_seen() -> None:
    image = paper(size=(400, 900))
    grid = find_grid(warped(image, curl(image.shape, along_px=0.0, bow_px=6.0)))
    rows = grid.straighten(np.array([[225.0, 200.0], [675.0, 200.0]]))[:, 1]
    assert rows[1] - rows[0] == pytest.approx(-12.0, abs=0.6)


def test_a_bow_too_strong_to_follow_gives_no_sure_answer() -> None:
    image = heartbeats(paper(), pitch=8, period_px=170)
    assert find_grid(warped(image, curl(image.shape, along_px=0.0, bow_px=16.0))).confidence < 0.5


@pytest.mark.parametrize("height", [240, 400])
@pytest.mark.parametrize("bow_px", [12.0, 14.0, 16.0])
def test_a_strong_bow_is_followed_or_not_sure(height: int, bow_px: float) -> None:
    image = heartbeats(paper(size=(height, 900)), pitch=8, period_px=170)
    shift = curl(image.shape, along_px=0.0, bow_px=bow_px)
    grid = find_grid(warped(image, shift))
    points = np.random.default_rng(0).uniform((20, 20), (879, height - 21), (200, 2))
    column, row = points.astype(int).T
    error = (
        grid.straighten(points)[:, 1] / grid.px_per_mm_y * 8.0 - (points + shift[row, column])[:, 1]
    )
    assert grid.confidence < 0.5 or error.std() < 1.0


@pytest.mark.parametrize("angle", [0.0, 1.7])
def test_flat_paper_stays_flat(angle: float) -> None:
    assert not find_grid(heartbeats(paper(angle_deg=angle), pitch=8, period_px=170)).is_bent


def test_a_lead_on_curled_paper_is_read_as_on_flat_paper() -> None:
    signal = beats(4.0)
    lead = drawn(signal, pad_px=24.3)
    shift = curl(lead.image.shape, along_px=6.0, bow_px=6.0)
    found = digitize_lead(warped(lead.image, shift), fs_hz=500.0)
    n = min(len(signal), len(found.signal_mv))
    assert abs(len(signal) - len(found.signal_mv)) <= 5
    lags = range(-4, 5)
    inside = slice(10, n - 10)
    assert max(snr_db(signal[inside], np.roll(found.signal_mv[:n], k)[inside]) for k in lags) > 15


def test_lines_of_another_pitch_are_not_followed() -> None:
    # Of a crop of 90 rows two horizontal lines are seen, and one of them is the trace along it.
    sample = load("paper").sample(125, seed=6)
    assert sample.image.shape[0] == 90
    grid = find_grid(sample.image)
    for found in (grid.px_per_mm_x, grid.px_per_mm_y):
        assert found == pytest.approx(sample.calibration.px_per_mm_x, rel=0.01)


@pytest.mark.parametrize(("lean", "angle"), [(0.03, 0.0), (0.06, -3.0), (0.09, 0.0)])
def test_a_page_seen_aslant_is_followed_through_every_line(lean: float, angle: float) -> None:
    """Its lines are not parallel: over the page's height they pass from one place to the next."""
    height, width = 1200, 1600
    page = paper(size=(height, width), pitch=(6, 6), noise=6.0, angle_deg=angle)
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    seen = np.array(
        [(0, 0), (width * (1 - lean), 0), (width, height), (width * lean * 0.3, height)], np.float32
    )
    aslant = cv2.getPerspectiveTransform(corners, seen)
    grid = find_grid(
        np.asarray(cv2.warpPerspective(page, aslant, (width, height), None, cv2.INTER_AREA))
    )
    on_page = np.random.default_rng(0).uniform((120, 120), (1480, 1080), (300, 2))
    points = cv2.perspectiveTransform(on_page[None], aslant)[0]
    turn = np.deg2rad(angle)
    along = on_page @ np.array([np.cos(turn), np.sin(turn)]) / 6
    down = on_page @ np.array([-np.sin(turn), np.cos(turn)]) / 6
    error_mm = grid.millimetres(points) - np.column_stack([along, down])
    assert np.abs(error_mm - np.median(error_mm, axis=0)).max() < 0.25
