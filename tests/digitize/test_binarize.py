"""binarize and find_pulse on small crops drawn here."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid import find_grid
from ecg_overlap.digitize.ink.binarize import binarize
from ecg_overlap.digitize.ink.darkness import ink_level
from ecg_overlap.digitize.pulse.measured import find_pulse

Image = NDArray[np.uint8]
HEIGHT, WIDTH, PX_PER_MM = 200, 800, 8
PINK = ((255, 215, 215), (245, 140, 140))
GRAY = ((205, 205, 205), (150, 150, 150))


def drawn(
    colours: tuple[tuple[int, int, int], tuple[int, int, int]] | None, *, ink: int = 20
) -> tuple[Image, Image]:
    """A crop (H, W, 3) with a trace of beats, and the trace's coverage (H, W)."""
    image = np.full((HEIGHT, WIDTH, 3), 252, np.float32)
    if colours is not None:
        for step, colour in zip((PX_PER_MM, 5 * PX_PER_MM), colours, strict=True):
            image[3::step] = colour
            image[:, 5::step] = colour
    coverage = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.polylines(coverage, [_path()], False, 255, 3, cv2.LINE_AA, 4)
    share = coverage[..., None] / 255.0
    noise = np.random.default_rng(0).normal(0, 2, image.shape)
    return np.clip(image * (1 - share) + ink * share + noise, 0, 255).astype(np.uint8), coverage


def _path() -> NDArray[np.int32]:
    x = np.arange(0, WIDTH, 0.25)
    beat = x % 170 - 85
    y = 130.4 - 80 * np.exp(-((beat / 4) ** 2)) - 15 * np.exp(-(((beat - 50) / 14) ** 2))
    return np.asarray(np.rint(np.column_stack([x, y]) * 16), np.int32)


def iou(found: Image, truth: Image) -> float:
    a, b = found > 127, truth > 127
    return float((a & b).sum() / (a | b).sum())


@pytest.mark.parametrize("colours", [None, PINK, GRAY], ids=["plain", "pink", "gray"])
def test_the_trace_is_kept_and_the_grid_goes(
    colours: tuple[tuple[int, int, int], tuple[int, int, int]] | None,
) -> None:
    image, truth = drawn(colours)
    found = binarize(image, px_per_mm=PX_PER_MM)
    assert iou(found, truth) > 0.9
    far = cv2.dilate(truth, np.ones((9, 9), np.uint8)) == 0
    assert (found[far] > 0).mean() < 0.002


def test_a_gray_grid_in_a_gray_picture() -> None:
    image, truth = drawn(GRAY)
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.uint8)
    assert iou(binarize(gray), truth) > 0.9


def test_a_grid_given_is_used_as_it_is() -> None:
    image, truth = drawn(GRAY)
    assert iou(binarize(image, grid=find_grid(image)), truth) > 0.9


def test_edges_are_covered_in_part() -> None:
    image, truth = drawn(None)
    found = binarize(image, px_per_mm=PX_PER_MM)
    partly = (truth > 60) & (truth < 190)
    assert np.abs(found[partly].astype(float) - truth[partly]).mean() < 30


def test_a_shadow_and_a_slope_of_light() -> None:
    image, truth = drawn(PINK)
    light = np.linspace(1.0, 0.5, WIDTH)[None, :, None]
    light = light * np.where(np.arange(WIDTH) > 500, 0.75, 1.0)[None, :, None]
    found = binarize((image * light).astype(np.uint8), px_per_mm=PX_PER_MM)
    assert iou(found, truth) > 0.85


def test_a_faint_trace() -> None:
    image, truth = drawn(((255, 249, 249), (255, 240, 240)), ink=190)
    assert iou(binarize(image, px_per_mm=PX_PER_MM), truth) > 0.8


def test_a_pen_that_fades_along_the_crop() -> None:
    image, truth = drawn(None)
    fade = np.linspace(1.0, 0.35, WIDTH)[None, :, None]
    found = binarize((255 - (255 - image) * fade).astype(np.uint8), px_per_mm=PX_PER_MM)
    assert iou(found, truth) > 0.85


@pytest.mark.parametrize("level", [0, 128, 255])
def test_paper_without_ink_is_refused(level: int) -> None:
    with pytest.raises(DigitizeError, match="no ink"):
        binarize(np.full((HEIGHT, WIDTH, 3), level, np.uint8))


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 40, 3), (40, 1, 3), (3, 3)])
def test_the_smallest_pictures_give_a_mask_or_a_reason(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    try:
        assert binarize(image).shape == shape[:2]
    except DigitizeError as error:
        assert error.where == "binarize"


def _pulse(left: int, width: int, height: int) -> Image:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    base = 150
    corners = [(4, base), (left, base), (left, base - height), (left + width, base - height)]
    corners += [(left + width, base), (600, base)]
    cv2.polylines(mask, [np.array(corners, np.int32)], False, 255, 3, cv2.LINE_AA)
    return mask


@pytest.mark.parametrize("px_per_mm", [5, 8, 12])
def test_a_calibration_pulse_gives_the_scale(px_per_mm: int) -> None:
    pulse = find_pulse(_pulse(30, 5 * px_per_mm, 10 * px_per_mm))
    assert pulse.px_per_mm_x == pytest.approx(px_per_mm, rel=0.01)
    assert pulse.px_per_mm_y == pytest.approx(px_per_mm, rel=0.01)
    assert pulse.baseline_px == pytest.approx(150, abs=0.3)


def test_the_pulse_knows_gain_and_speed() -> None:
    # 50 mm/s and 5 mm/mV at 8 px/mm: 0.2 s are 80 px, 1 mV is 40 px.
    pulse = find_pulse(_pulse(30, 80, 40), mm_per_s=50.0, mm_per_mv=5.0)
    assert pulse.px_per_mm_x == pytest.approx(8, rel=0.01)
    assert pulse.px_per_mm_y == pytest.approx(8, rel=0.02)


def test_heartbeats_are_no_pulse() -> None:
    with pytest.raises(DigitizeError, match="no calibration pulse"):
        find_pulse(drawn(None)[1])


def test_a_rectangle_of_another_shape_is_no_pulse() -> None:
    with pytest.raises(DigitizeError, match="no calibration pulse"):
        find_pulse(_pulse(30, 80, 80))


def test_a_fast_pens_pale_strokes_are_ink_too() -> None:
    image = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    image[150:153] = 20
    image[60:152, 400:403] = 165  # two fifths as dark as the level part
    ink = binarize(image, px_per_mm=PX_PER_MM)
    assert (ink[70:140, 401] >= 128).all()
    assert (ink[:140, :390] == 0).all()


@pytest.mark.parametrize(("width", "is_ink"), [(8, True), (3, False)], ids=["flanks", "line"])
def test_a_pale_spike_apart_from_the_trace_is_ink_and_a_pale_line_is_not(
    width: int, is_ink: bool
) -> None:
    image = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    image[150:153] = 20
    image[:, 396:412] = 255
    image[60:140, 400 : 400 + width] = 150  # nowhere as dark as what is surely ink
    ink = binarize(image, px_per_mm=PX_PER_MM)
    assert (ink[70:130, 401] >= 128).all() == is_ink
    assert (ink[:140, :390] == 0).all()


def test_beside_a_blank_margin_ink_is_not_measured_by_the_grids_lines() -> None:
    """As where a desk was: the paper's last columns have no trace, and those beyond no line."""
    dark = np.zeros((HEIGHT, WIDTH), np.float32)
    dark[100] = 0.3  # a line
    dark[50:53, : WIDTH - 130] = 0.9  # the trace
    dark[:, WIDTH - 110 :] = 0.0  # the margin
    level = ink_level(dark, PX_PER_MM)
    assert level[: WIDTH - 110].min() > 0.8
    dark[50:53] = 0.0
    assert ink_level(dark, PX_PER_MM)[: WIDTH - 200].max() < 0.3  # of lines alone, it is theirs
