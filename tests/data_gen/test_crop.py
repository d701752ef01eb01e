"""Which rectangle of the paper becomes the picture of one lead."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_gen.crop import CropDials, Frame, draw_frame
from data_gen.errors import InputError

X_MM = np.arange(250) * 0.25 + 30.0  # 2.5 s at 100 Hz and 25 mm/s
Y_MM = 5.0 * np.sin(X_MM / 4)


def frame_of(dials: CropDials, seed: int = 0, y_mm: np.ndarray = Y_MM) -> Frame:
    rng = np.random.default_rng(seed)
    return draw_frame(dials, rng, x_mm=X_MM, y_mm=y_mm, px_per_mm=10.0)


def test_the_extent_is_the_traces_own_and_its_padding() -> None:
    frame = frame_of(CropDials(kind="extent", padding_mm=1.5))
    assert frame.x_mm == pytest.approx(30.0 - 1.5)
    assert frame.y_mm == pytest.approx(Y_MM.min() - 1.5)
    assert frame.width_px == 1 + 10 * (62.25 + 3.0) + 0.5  # whole pixels, rounded up
    assert frame.height_px == pytest.approx(10 * (np.ptp(Y_MM) + 3.0), abs=2)


def test_the_papers_padding_puts_sample_0_at_column_15() -> None:
    frame = draw_frame(
        CropDials(kind="extent", padding_mm=0.9525),
        np.random.default_rng(0),
        x_mm=X_MM,
        y_mm=Y_MM,
        px_per_mm=15.748,
    )
    assert (X_MM[0] - frame.x_mm) * frame.px_per_mm == pytest.approx(15.0, abs=0.01)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_a_box_keeps_its_least_height_and_its_pads(seed: int) -> None:
    dials = CropDials(kind="box", box_pad_x_mm=[-1, 4], box_pad_y_mm=[0, 5], box_height_mm=[30, 30])
    frame = frame_of(dials, seed)
    left, right = X_MM[0] - frame.x_mm, frame.x_mm + frame.width_px / 10 - X_MM[-1]
    assert -1.11 <= left <= 4.01 and -1.11 <= right <= 4.21
    assert frame.height_px >= 10 * 30
    assert frame.y_mm <= Y_MM.min() and frame.y_mm + frame.height_px / 10 >= Y_MM.max()


@given(seed=st.integers(0, 2**32 - 1), width=st.sampled_from([128, 512, 1024]))
@settings(max_examples=50, deadline=None)
def test_a_window_has_its_size_and_holds_the_trace(seed: int, width: int) -> None:
    frame = frame_of(CropDials(kind="window", size_px=[256, width], px_per_mm=[7, 9]), seed)
    assert (frame.height_px, frame.width_px) == (256, width) and 7 <= frame.px_per_mm <= 9
    inside = (frame.x_mm <= X_MM) & (frame.x_mm + width / frame.px_per_mm >= X_MM)
    assert inside.sum() >= min(249, int((width - 2) / 9 / 0.25))
    y_px = (Y_MM[inside] - frame.y_mm) * frame.px_per_mm
    assert y_px.min() >= 0 and y_px.max() <= 255


def test_a_trace_taller_than_the_window_keeps_its_usual_level_in_it() -> None:
    spike = np.where(np.arange(250) % 50 == 0, -90.0, 0.0)
    frame = frame_of(CropDials(kind="window", size_px=[128, 256], shift_mm=0), y_mm=spike)
    assert (0 - frame.y_mm) * frame.px_per_mm == pytest.approx(64, abs=1)


def test_missing_samples_do_not_count() -> None:
    y_mm = np.where(np.arange(250) < 200, np.nan, Y_MM)
    frame = frame_of(CropDials(kind="extent", padding_mm=0), y_mm=y_mm)
    assert frame.y_mm == pytest.approx(np.nanmin(y_mm))
    with pytest.raises(InputError, match="no sample"):
        frame_of(CropDials(), y_mm=np.full(250, np.nan))


def test_an_artefact_does_not_make_a_picture_without_end() -> None:
    wild = np.where(np.arange(250) == 100, -5000.0, Y_MM)
    frame = frame_of(CropDials(kind="extent", padding_mm=0), y_mm=wild)
    assert frame.height_px <= 10 * 160


def test_a_part_and_a_lowered_frame() -> None:
    frame = Frame(10.0, 20.0, 100, 50, 5.0)
    assert frame.part(slice(-10, 60), slice(5, 25)) == Frame(11.0, 18.0, 20, 70, 5.0)
    assert frame.lowered(3.0).y_mm == 23.0


@pytest.mark.parametrize(
    "dials",
    [
        {"kind": "circle"},
        {"size_px": [256]},
        {"size_px": [8, 512]},
        {"px_per_mm": 0},
        {"padding_mm": float("nan")},
    ],
)
def test_impossible_dials_are_named(dials: dict[str, object]) -> None:
    with pytest.raises(InputError, match=f"crop.{next(iter(dials))}"):
        CropDials(**dials)
