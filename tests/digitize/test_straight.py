"""A picture on straight paper: resampled where it tilts, bends or has oblong pixels, and back."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from data_gen.errors import InputError
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid import find_grid
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.paths.path import Path
from ecg_overlap.digitize.scale import PaperMap
from ecg_overlap.digitize.straight import is_straight, straightened
from ecg_overlap.metrics.signal import score_lead
from tests.digitize.drawn import beats, drawn

SHAPE = (120, 400)


class Runaway:
    """A bend that takes one end of a picture far beyond the other."""

    def at(self, points_px: NDArray[np.float64]) -> NDArray[np.float64]:
        return 3 * points_px[:, 0]

    def over(self, shape: tuple[int, ...]) -> NDArray[np.float64]:
        raise AssertionError("not asked for")


def turned(image: NDArray[np.uint8], angle_deg: float, *, blank: int = 255) -> NDArray[np.uint8]:
    """The picture turned clockwise about its middle, on a larger blank sheet."""
    height, width = image.shape[:2]
    size = round(width + height * 0.2), round(height + width * 0.2)
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -angle_deg, 1.0)
    turn[:, 2] += ((size[0] - width) / 2, (size[1] - height) / 2)
    sheet = (blank, blank, blank)
    return np.asarray(cv2.warpAffine(image, turn, size, flags=cv2.INTER_CUBIC, borderValue=sheet))


def test_a_finer_picture_is_made_coarser_and_keeps_thin_lines() -> None:
    image = np.full((200, 400, 3), 255, np.uint8)
    image[:, 101::40] = 0  # one pixel wide
    straight = straightened(image.shape, PaperMap(30.0, 30.0), most_px_per_mm=10.0)
    assert straight.px_per_mm == pytest.approx(10.0)
    coarse = straight.image(image)
    assert abs(coarse.shape[1] - 400 / 3) < 3
    ink = 255.0 - coarse[20:-20, 5:-5, 0].mean(axis=0)
    # A line is a third of a pixel wide here. Without the blur it is black or lost, by its place.
    lines = [ink[max(k - 2, 0) : k + 3].sum() for k in np.flatnonzero(ink > 40)]
    assert len(lines) >= 7 and min(lines) > 60 and max(lines) < 110
    point = np.array([[241.0, 100.0]])
    assert straight.from_picture(point)[0] == pytest.approx(point[0] / 3, abs=0.5)
    as_it_was = straightened(image.shape, PaperMap(30.0, 30.0))
    assert as_it_was.px_per_mm == pytest.approx(30.0)


@pytest.mark.parametrize("angle_deg", [-8.0, -5.0, 5.0, 8.0])
def test_a_tilted_lead_is_read_as_well_as_an_upright_one(angle_deg: float) -> None:
    truth = drawn(beats(3.0))
    scores = []
    for image in (truth.image, turned(truth.image, angle_deg)):
        lead = digitize_lead(image)
        score = score_lead(
            truth.signal_mv, lead.signal_mv, 500.0, alignment="aligned", est_fs_hz=lead.fs_hz
        )
        scores.append(score.snr_db)
    assert scores[1] > min(scores[0] - 2, 24)


def test_an_upright_picture_is_left_as_it_is() -> None:
    assert is_straight(PaperMap(8.0, 8.0, angle_deg=0.01))
    assert not is_straight(PaperMap(8.0, 8.0, angle_deg=0.05))
    assert not is_straight(PaperMap(8.0, 10.4))


@pytest.mark.parametrize(
    "paper", [PaperMap(8.0, 8.0, 6.0), PaperMap(8.0, 10.4), PaperMap(9.0, 8.0, -2.0)]
)
def test_points_go_there_and_back(paper: PaperMap) -> None:
    straight = straightened(SHAPE, paper)
    points = np.random.default_rng(0).uniform((0, 0), (399, 119), (50, 2))
    here = straight.from_picture(points)
    assert straight.source is not None
    x, y = straight.source
    for (column, row), point in zip(np.rint(here).astype(int), points, strict=True):
        assert 0 <= row < x.shape[0] and 0 <= column < x.shape[1]
        assert abs(x[row, column] - point[0]) < 1 and abs(y[row, column] - point[1]) < 1
    n = np.arange(50.0)
    path = Path(here[:, 0], here[:, 1], n, n, 3.0, here[0, 0], here[-1, 0])
    on_paper = straight.on_paper(path)
    back = paper.unstraighten(np.stack([on_paper.x_px, on_paper.y_px], axis=1))
    assert back == pytest.approx(points, abs=1e-6)


def test_without_its_source_a_picture_is_resampled_alike() -> None:
    straight = straightened(SHAPE, PaperMap(8.0, 8.0, 6.0))
    image = np.random.default_rng(0).integers(0, 255, (*SHAPE, 3), np.uint8)
    again = straight.without_source()
    assert again.source is None
    assert np.array_equal(again.image(image), straight.image(image))
    assert np.array_equal(again.mask(image[..., 0]), straight.mask(image[..., 0]))


def test_both_pitches_become_the_finer_one() -> None:
    straight = straightened(SHAPE, PaperMap(8.0, 10.4))
    assert straight.px_per_mm == pytest.approx(10.4)
    assert straight.inside.shape == (120, pytest.approx(400 * 1.3, abs=3))


def test_a_mask_returns_to_its_place_in_the_picture() -> None:
    mask = np.zeros(SHAPE, np.uint8)
    cv2.line(mask, (40, 60), (360, 70), 255, 5)
    straight = straightened(SHAPE, PaperMap(8.0, 8.0, 4.0))
    returned = straight.mask_of_picture(np.asarray(straight.mask(mask), np.uint8))
    both = ((mask > 127) & (returned > 127)).sum()
    assert both / ((mask > 127) | (returned > 127)).sum() > 0.9


class Wave:
    """A bend up and down along a picture, by a slope of up to a third."""

    def at(self, points_px: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(20 * np.sin(points_px[:, 0] / 60))

    def over(self, shape: tuple[int, ...]) -> NDArray[np.float64]:
        raise AssertionError("not asked for")


@pytest.mark.parametrize(
    "paper",
    [
        PaperMap(8.0, 8.0, 4.0),
        PaperMap(8.0, 10.4, -3.0, bend_y=Wave()),
        PaperMap(30.0, 30.0, 1.0, bend_y=Wave()),
    ],
)
@pytest.mark.parametrize("ink", [0.0002, 0.01, 1.0])
def test_a_mask_returns_as_if_each_pixel_of_the_picture_was_asked_for(
    paper: PaperMap, ink: float
) -> None:
    shape = (300, 517)
    straight = straightened(shape, paper, most_px_per_mm=16.0)
    rng = np.random.default_rng(1)
    values = rng.integers(1, 256, straight.inside.shape)
    mask = np.where(rng.random(values.shape) < ink, values, 0).astype(np.uint8)
    x, y = np.meshgrid(np.arange(517.0), np.arange(300.0))
    points = straight.from_picture(np.stack([x.ravel(), y.ravel()], axis=1)).astype(np.float32)
    x, y = points.T.reshape(2, *shape)
    wanted = cv2.remap(mask, x, y, cv2.INTER_LINEAR)
    assert wanted.any()
    assert (straight.mask_of_picture(mask) == wanted).all()


def test_the_grid_of_the_straight_picture_is_the_one_that_is_told() -> None:
    image = turned(drawn(beats(3.0)).image, 5.0)
    grid = find_grid(image)
    straight = straightened(image.shape, grid)
    told, seen = straight.grid(grid), find_grid(straight.image(image))
    assert abs(seen.angle_deg) < 0.05
    assert seen.px_per_mm_x == pytest.approx(told.px_per_mm_x, rel=1e-3)
    offset = np.array([seen.phase_x_px - told.phase_x_px, seen.phase_y_px - told.phase_y_px])
    boxes = offset / (5 * told.px_per_mm_x)
    assert np.abs(boxes - np.rint(boxes)).max() < 0.02


def test_the_path_lies_on_the_trace_in_the_picture() -> None:
    image = turned(drawn(beats(3.0)).image, 5.0)
    lead = digitize_lead(image, stages=True)
    seen = lead.path_px[np.isfinite(lead.path_px).all(axis=1)]
    dark = image.max(axis=2)[np.rint(seen[:, 1]).astype(int), np.rint(seen[:, 0]).astype(int)]
    assert np.mean(dark < 128) > 0.95
    assert lead.stage_images["mask"].shape == image.shape[:2]


def test_a_map_beyond_reason_is_refused() -> None:
    with pytest.raises(DigitizeError, match="beyond reason"):
        straightened((40, 2000), PaperMap(8.0, 8.0, bend_x=Runaway()))


@pytest.mark.parametrize("off", [1.0, 1.01, 2.0])
def test_a_scale_that_is_told_holds_and_the_grid_still_tells_the_tilt(off: float) -> None:
    truth = drawn(beats(3.0))
    told = off * truth.calibration.px_per_mm_x
    lead = digitize_lead(turned(truth.image, 4.0), px_per_mm=told)
    assert lead.angle_deg == pytest.approx(4.0, abs=0.1)
    assert lead.calibration.px_per_mm_x == pytest.approx(told)
    assert np.isnan(lead.grid_confidence)
    assert off * np.ptp(lead.signal_mv) == pytest.approx(np.ptp(truth.signal_mv), rel=0.1)
    assert off * len(lead.signal_mv) == pytest.approx(3.0 * lead.fs_hz, rel=0.05)


def test_a_scale_that_is_told_needs_no_grid() -> None:
    truth = drawn(beats(3.0))
    ink = np.where(truth.image.max(axis=2, keepdims=True) < 128, truth.image, 255).astype(np.uint8)
    with pytest.raises(DigitizeError):
        digitize_lead(ink)
    lead = digitize_lead(ink, px_per_mm=truth.calibration.px_per_mm_x)
    assert lead.angle_deg == 0
    assert np.ptp(lead.signal_mv) == pytest.approx(np.ptp(truth.signal_mv), rel=0.1)


def test_a_long_strip_may_tilt() -> None:
    height, width = straightened((105, 2600), PaperMap(8.0, 8.0, 8.0)).inside.shape
    assert width > 2500 and height > 400


@pytest.mark.parametrize("kind", [bool, np.float16, np.float64])
def test_a_tilted_mask_of_any_kind_is_read(kind: type) -> None:
    truth = drawn(beats(3.0))
    tilted = turned(truth.image, 3.0)
    mask = turned(np.repeat(truth.mask[..., None], 3, axis=2), 3.0, blank=0)[..., 0]
    given = (mask / 255).round().astype(kind)
    assert np.ptp(digitize_lead(tilted, mask=given, method="stroke@mask").signal_mv) > 1
    with pytest.raises(InputError, match="type int64"):
        digitize_lead(tilted, mask=mask.astype(np.int64), method="stroke@mask")
