"""find_grid on papers drawn here with known pitch, tilt and phase."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from data_gen.errors import InputError
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid import Grid, GridSource, find_grid, illumination
from ecg_overlap.digitize.grid.fold import least_period
from ecg_overlap.digitize.grid.illumination import Illumination
from ecg_overlap.digitize.grid.strips import Evidence

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]
PINK: tuple[Colour, Colour] = ((255, 215, 215), (245, 140, 140))
GREEN: tuple[Colour, Colour] = ((205, 235, 205), (120, 190, 120))
GRAY: tuple[Colour, Colour] = ((225, 225, 225), (175, 175, 175))
FAINT: tuple[Colour, Colour] = ((255, 249, 249), (255, 238, 238))


def paper(
    *,
    size: tuple[int, int] = (240, 900),
    pitch: tuple[float, float] = (8.0, 8.0),
    angle_deg: float = 0.0,
    phase: tuple[float, float] = (3.25, 5.5),
    colours: tuple[Colour | None, Colour | None] = PINK,
    width_mm: tuple[float, float] = (0.16, 0.3),
    dotted: bool = False,
    noise: float = 2.0,
) -> Image:
    """Paper with a grid, anti-aliased by drawing it three times as large."""
    height, width = size
    fine = 3
    y, x = np.mgrid[0 : height * fine, 0 : width * fine].astype(np.float32)
    x, y = (x + 0.5) / fine - 0.5 - phase[0], (y + 0.5) / fine - 0.5 - phase[1]
    turn = np.deg2rad(angle_deg)
    along = (x * np.cos(turn) + y * np.sin(turn)) / pitch[0]
    across = (y * np.cos(turn) - x * np.sin(turn)) / pitch[1]
    image = np.full((*x.shape, 3), 255, np.float32)
    for colour, every, line_mm in zip(colours, (1, 5), width_mm, strict=True):
        if colour is None:
            continue
        off_x = np.abs(along - every * np.rint(along / every)) < line_mm / 2
        off_y = np.abs(across - every * np.rint(across / every)) < line_mm / 2
        image[off_x & off_y if dotted and every == 1 else off_x | off_y] = colour
    image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    image += np.random.default_rng(1).normal(0, noise, image.shape).astype(np.float32)
    return np.asarray(np.clip(np.rint(image), 0, 255), np.uint8)


def heartbeats(image: Image, *, pitch: float, period_px: float, thickness: int = 3) -> Image:
    """The picture with a trace over it: a horizontal line with spikes at an even pace."""
    height, width = image.shape[:2]
    x = np.arange(-5, width + 5, 0.5)
    spike = np.exp(-(((x % period_px) - period_px / 2) ** 2) / (0.35 * pitch) ** 2)
    y = 0.7 * height - 11 * pitch * spike
    points = np.rint(np.column_stack([x, y]) * 16).astype(np.int32)
    return np.asarray(
        cv2.polylines(image.copy(), [points], False, (20, 20, 20), thickness, cv2.LINE_AA, 4),
        np.uint8,
    )


def drift(grid: Grid, pitch: float, width: float = 900) -> float:
    return abs(grid.px_per_mm_x / pitch - 1) * width


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    pitch=st.floats(4.0, 24.0),
    angle=st.floats(-5.0, 5.0),
    colours=st.sampled_from([PINK, GREEN, GRAY]),
    beat_mm=st.floats(12.0, 37.5),  # 125 to 40 beats a minute at 25 mm/s
)
# Every second beat on every fifth thick line: the period is theirs, and five thick lines in it.
@example(pitch=4.0, angle=0.0, colours=PINK, beat_mm=12.5)
def test_any_pitch_tilt_and_colour_is_fitted(
    pitch: float, angle: float, colours: tuple[Colour, Colour], beat_mm: float
) -> None:
    image = paper(pitch=(pitch, pitch), angle_deg=angle, colours=colours)
    grid = find_grid(heartbeats(image, pitch=pitch, period_px=beat_mm * pitch))
    assert drift(grid, pitch) < 0.5
    assert grid.px_per_mm_y == pytest.approx(pitch, rel=0.003)
    assert abs(grid.angle_deg - angle) < 0.05
    assert grid.confidence > 0.5


def test_the_phase_is_a_crossing_of_major_lines() -> None:
    grid = find_grid(paper(phase=(3.25, 5.5)))
    # Major lines stand at 3.25 + 40 k and 5.5 + 40 k.
    assert (grid.phase_x_px - 3.25 + 20) % 40 - 20 == pytest.approx(0, abs=0.1)
    assert (grid.phase_y_px - 5.5 + 20) % 40 - 20 == pytest.approx(0, abs=0.1)


def test_under_tilt_the_phase_still_is_a_crossing() -> None:
    turn = np.deg2rad(3.0)
    grid = find_grid(paper(angle_deg=3.0, phase=(10.0, 20.0)))
    dx, dy = grid.phase_x_px - 10.0, grid.phase_y_px - 20.0
    along, across = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
    assert (along + 20) % 40 - 20 == pytest.approx(0, abs=0.15)
    assert (across + 20) % 40 - 20 == pytest.approx(0, abs=0.15)


def test_a_positive_angle_is_clockwise_on_the_screen() -> None:
    level = paper(colours=(None, (200, 90, 90)))
    matrix = cv2.getRotationMatrix2D((450, 120), -2.0, 1.0)  # OpenCV: positive is anti-clockwise
    turned = cv2.warpAffine(level, matrix, (900, 240), borderMode=cv2.BORDER_REFLECT)
    assert find_grid(turned.astype(np.uint8)).angle_deg == pytest.approx(2.0, abs=0.1)


def test_the_pitches_of_x_and_y_are_told_apart() -> None:
    grid = find_grid(paper(size=(400, 900), pitch=(8.0, 8.16)))
    assert grid.px_per_mm_x == pytest.approx(8.0, rel=5e-4)
    assert grid.px_per_mm_y == pytest.approx(8.16, rel=1e-3)


@pytest.mark.parametrize("colours", [FAINT, ((236, 236, 236), (215, 215, 215))])
def test_a_faint_grid(colours: tuple[Colour, Colour]) -> None:
    grid = find_grid(heartbeats(paper(colours=colours), pitch=8, period_px=170))
    assert drift(grid, 8.0) < 0.5


def test_a_dotted_grid() -> None:
    grid = find_grid(paper(dotted=True, width_mm=(0.25, 0.25)))
    assert drift(grid, 8.0) < 0.5
    assert grid.source is GridSource.FIVE_TO_ONE


def test_a_grid_partly_hidden_by_ink() -> None:
    image = heartbeats(paper(), pitch=8, period_px=150, thickness=6)
    image[:, 200:420] = 25  # a stamp over a quarter of the crop
    assert drift(find_grid(image), 8.0) < 0.5


def test_uneven_light() -> None:
    shade = np.linspace(1.0, 0.45, 900)[None, :, None]
    image = (paper() * shade).astype(np.uint8)
    assert drift(find_grid(image), 8.0) < 0.5


def test_a_gray_picture_without_channels() -> None:
    gray = cv2.cvtColor(paper(), cv2.COLOR_RGB2GRAY).astype(np.uint8)
    assert drift(find_grid(gray), 8.0) < 0.5


def test_big_boxes_alone_are_big_where_small_ones_would_be_too_big() -> None:
    grid = find_grid(paper(size=(400, 900), colours=(None, (240, 140, 140))))
    assert drift(grid, 8.0) < 0.5  # 40 px apart: 5 mm of 8 px, not 1 mm of 40 px
    assert grid.source is GridSource.ALIKE_FAR_APART


def test_lines_all_alike_without_a_trace_are_not_guessed() -> None:
    image = paper(pitch=(18.0, 18.0), colours=((240, 160, 160), None))
    with pytest.raises(DigitizeError, match=r"1 mm or 5 mm boxes.*give px_per_mm"):
        find_grid(image)


@pytest.mark.parametrize(("near", "expected"), [(18.0, 18.0), (3.5, 3.6)])
def test_a_rough_scale_settles_lines_all_alike(near: float, expected: float) -> None:
    image = paper(pitch=(18.0, 18.0), colours=((240, 160, 160), None))
    assert find_grid(image, near_px_per_mm=near).px_per_mm_x == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("multiple", [1, 2, 4, 6, 8, 12])
def test_a_multiple_of_even_lines_spacing_is_taken_back_to_it(multiple: int) -> None:
    light = Illumination(paper(pitch=(7.33, 7.33), colours=((170, 170, 170), None)))
    vertical, horizontal = (s.aligned(0.0) for s in Evidence(light.darkness).strips)
    assert least_period(vertical, horizontal, 7.33 * multiple) == pytest.approx(7.33)


def test_one_row_of_boxes_in_height_borrows_the_pitch_of_time() -> None:
    grid = find_grid(paper(size=(60, 900), pitch=(12.0, 12.0)))
    assert drift(grid, 12.0) < 0.5
    assert grid.px_per_mm_y == pytest.approx(12.0, rel=0.01)
    assert grid.square_pixels


def test_the_source_is_told_with_its_reservations() -> None:
    grid = Grid(
        px_per_mm_x=8.0,
        px_per_mm_y=8.0,
        phase_x_px=0.0,
        phase_y_px=0.0,
        source=GridSource.FIVE_TO_ONE,
    )
    assert grid.source_text == "lines 1:5"
    unsure = replace(grid, square_pixels=True, other_lines_between=True)
    assert unsure.source_text == "lines 1:5, square pixels, other lines between"


def test_what_is_known_of_the_light_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    image = heartbeats(paper(), pitch=8, period_px=170)
    light = Illumination(image)
    expected = find_grid(image, light=light)
    monkeypatch.setattr(illumination, "local_paper", None)  # whoever asks again fails
    assert find_grid(image, light=light) == expected


def _text(image: Image) -> Image:
    out = image.copy()
    for row in range(4):
        cv2.putText(out, "25 mm/s 10 mm/mV 0.05-150 Hz aVR V1", (10, 40 + 55 * row), 0, 1.1, 0, 2)
    return out


BLANK = np.full((240, 900, 3), 255, np.uint8)


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(BLANK, id="blank"),
        pytest.param(np.zeros_like(BLANK), id="black"),
        pytest.param(paper(colours=(None, None), noise=8.0), id="noise"),
        pytest.param(_text(BLANK), id="text"),
        pytest.param(heartbeats(BLANK, pitch=8, period_px=170), id="trace on plain paper"),
        pytest.param(
            heartbeats(paper(colours=(None, None), noise=3.0), pitch=8, period_px=93),
            id="fast trace",
        ),
    ],
)
def test_without_a_grid_there_is_no_sure_answer(image: Image) -> None:
    try:
        grid = find_grid(image)
    except DigitizeError as error:
        assert "px_per_mm" in str(error)
    else:
        assert grid.confidence < 0.3


def test_blank_paper_is_refused() -> None:
    with pytest.raises(DigitizeError, match="no grid was found; give px_per_mm"):
        find_grid(BLANK)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((0, 5, 3), np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((200, 300, 4), np.uint8),
        np.zeros((200, 300, 3), np.float32),
        np.zeros((200,), np.uint8),
    ],
)
def test_what_is_no_picture_of_a_grid_is_refused_in_one_line(image: Image) -> None:
    with pytest.raises(InputError) as caught:
        find_grid(image)
    assert "\n" not in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 90), width=st.integers(1, 120), seed=st.integers(0, 999),
    levels=st.sampled_from([1, 2, 7, 255]),
)  # fmt: skip
def test_any_small_picture_gives_an_answer_or_the_documented_error(
    height: int, width: int, seed: int, levels: int
) -> None:
    image = np.random.default_rng(seed).integers(0, levels + 1, (height, width, 3))
    try:
        grid = find_grid((image * (255 // levels)).astype(np.uint8))
    except DigitizeError:
        return
    assert np.isfinite([grid.px_per_mm_x, grid.px_per_mm_y, grid.angle_deg]).all()
    assert grid.px_per_mm_x > 0
    assert 0 <= grid.confidence <= 1


def test_a_pale_coloured_grid_is_found_on_mottled_paper() -> None:
    """Mottle is gray: it hides lines of four levels in darkness, not in colour."""
    rng = np.random.default_rng(3)
    paper = np.full((240, 480, 3), 235.0)
    for step in (8, 40):
        lines = np.zeros(paper.shape[:2], bool)
        lines[::step] = lines[:, ::step] = True
        paper[lines, 1:] -= 4
    mottle = cv2.GaussianBlur(rng.normal(0, 90, paper.shape[:2]), (0, 0), 1.5)[..., None]
    grid = find_grid(np.clip(paper + mottle, 0, 255).astype(np.uint8))
    assert grid.px_per_mm_x == pytest.approx(8, rel=0.002) and grid.confidence > 0.5
    with pytest.raises(DigitizeError, match=r"no grid"):
        find_grid(np.clip(235 + mottle, 0, 255).repeat(3, axis=2).astype(np.uint8))
