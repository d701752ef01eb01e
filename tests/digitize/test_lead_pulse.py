"""The calibration pulse beside a single lead: out of the signal, and its gain and speed in it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from data_gen.calibration import Calibration
from data_gen.render import draw_stroke
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.pulse.measured import measure_pulse
from ecg_overlap.digitize.pulse.of_lead import find_lead_pulse
from tests.digitize.drawn import FS_HZ, beats, drawn, snr_db

PX_PER_MM = 8.0
PEN_MM = 0.35
LEFT_MM, FREE_MM, FOOT_MM = 3.0, 2.0, 1.0  # a pulse's left side, behind its foot, and its foot

Image = NDArray[np.uint8]


def lead(
    *,
    mm_per_s: float = 25.0,
    mm_per_mv: float = 10.0,
    after: bool = False,
    grid: bool = True,
    joined: bool = False,
    seconds: float = 2.5,
) -> tuple[Image, float, float]:
    """A lead with a pulse; also the column of its first sample and the row of 0 mV."""
    wide, high = 0.2 * mm_per_s, mm_per_mv
    free = FOOT_MM if joined else FOOT_MM + FREE_MM
    signal = beats(seconds)
    long_mm = seconds * mm_per_s
    start_mm = 5.0 if after else LEFT_MM + wide + free
    left_mm = start_mm + long_mm + free if after else LEFT_MM
    zero_mm = 5.0 + max(high, float(signal.max()) * mm_per_mv)
    scale = Calibration(PX_PER_MM, PX_PER_MM, mm_per_s, mm_per_mv, t0_px=start_mm * PX_PER_MM)
    scale = scale.moved(0.0, zero_mm * PX_PER_MM)
    t = np.arange(len(signal)) / FS_HZ
    trace = np.stack([scale.x_px(t), scale.y_px(signal)], axis=1)
    x = np.array([-FOOT_MM, 0.0, 0.0, wide, wide, wide + FOOT_MM]) + left_mm
    y = np.array([0.0, 0.0, -high, -high, 0.0, 0.0]) + zero_mm
    height = int((zero_mm + 5 - float(signal.min()) * mm_per_mv) * PX_PER_MM)
    width = int((max(start_mm + long_mm, left_mm + wide) + 5.0) * PX_PER_MM)
    mask = np.zeros((height, width), np.uint8)
    for line in (trace, np.stack([x, y], axis=1) * PX_PER_MM):
        draw_stroke(mask, line, width_px=PEN_MM * PX_PER_MM)
    image = np.full((height, width, 3), 255, np.uint8)
    if grid:
        for step, colour in ((8, (255, 225, 225)), (40, (235, 150, 150))):
            image[:, ::step] = image[::step] = colour
    image = (image * (1 - mask[..., None] / 255.0)).astype(np.uint8)
    return image, start_mm * PX_PER_MM, zero_mm * PX_PER_MM


def snr(read: NDArray[np.float64], seconds: float = 2.5) -> float:
    """Of a signal as long as the truth, but for some samples at its ends, dB."""
    truth, best = beats(seconds), -np.inf
    for shift in range(-4, 5):
        k, j = max(shift, 0), max(-shift, 0)
        n = min(len(truth) - k, len(read) - j)
        a, b = truth[k : k + n], read[j : j + n]
        seen = np.isfinite(b)
        best = max(best, snr_db(a[seen], b[seen]))
    return best


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("joined", [False, True])
def test_a_pulse_is_no_part_of_the_signal(after: bool, joined: bool) -> None:
    image, start, _ = lead(after=after, joined=joined)
    read = digitize_lead(image)
    foot = FOOT_MM / 25 * FS_HZ if joined else 0  # it cannot be told from the trace
    assert len(read.signal_mv) == pytest.approx(1250, abs=5 + foot)
    assert read.t0_px == pytest.approx(start, abs=1 + (0 if after or not joined else 8))
    assert not {"gain_from_pulse", "gain_contradicted", "speed_from_pulse"} & set(read.flags)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("mm_per_mv", [5.0, 20.0])
def test_a_pulse_that_is_not_10_mm_high_tells_the_gain(mm_per_mv: float, after: bool) -> None:
    image, _, _ = lead(mm_per_mv=mm_per_mv, after=after)
    read = digitize_lead(image)
    assert read.calibration.mm_per_mv == mm_per_mv
    assert "gain_from_pulse" in read.flags
    assert snr(read.signal_mv) > 20


def test_a_gain_that_was_told_stands_and_is_contradicted() -> None:
    image, _, _ = lead(mm_per_mv=5.0)
    read = digitize_lead(image, mm_per_mv=10.0)
    assert read.calibration.mm_per_mv == 10.0
    assert "gain_contradicted" in read.flags
    agreed = digitize_lead(image, mm_per_mv=5.0)
    assert not {"gain_from_pulse", "gain_contradicted"} & set(agreed.flags)


def test_a_pulse_whose_roof_is_cut_off_is_higher_than_what_is_seen() -> None:
    image, _, zero = lead(mm_per_mv=20.0)
    cut = image[int(zero) - 13 * 8 :]  # 13 of its 20 mm
    read = digitize_lead(np.ascontiguousarray(cut))
    assert read.calibration.mm_per_mv == 20.0
    assert "gain_from_pulse" in read.flags


def test_a_wide_pulse_tells_the_speed() -> None:
    image, _, _ = lead(mm_per_s=50.0)
    read = digitize_lead(image)
    assert read.calibration.mm_per_s == 50.0
    assert "speed_from_pulse" in read.flags
    assert snr(read.signal_mv) > 20
    assert digitize_lead(image, mm_per_s=25.0).calibration.mm_per_s == 25.0


@pytest.mark.parametrize(
    ("mm_per_s", "mm_per_mv"), [(25.0, 10.0), (50.0, 10.0), (25.0, 20.0), (25.0, 5.0)]
)
def test_without_a_grid_any_usual_pulse_tells_the_scale(mm_per_s: float, mm_per_mv: float) -> None:
    image, _, _ = lead(mm_per_s=mm_per_s, mm_per_mv=mm_per_mv, grid=False)
    read = digitize_lead(image)
    assert "scale_from_pulse" in read.flags
    assert len(read.signal_mv) == pytest.approx(1250, abs=15)
    assert snr(read.signal_mv) > 15


@pytest.mark.parametrize("after", [False, True])
def test_a_pulse_of_which_one_side_is_cut_off_tells_it_too(after: bool) -> None:
    image, _, _ = lead(mm_per_s=50.0, grid=False, after=after)
    out = int((LEFT_MM + 2.0) * PX_PER_MM)  # 2 of its 10 mm
    seen = image[:, : -int(7 * PX_PER_MM)] if after else image[:, out:]
    read = digitize_lead(np.ascontiguousarray(seen))
    assert read.calibration.mm_per_s == 50.0
    assert "scale_from_pulse" in read.flags
    assert len(read.signal_mv) == pytest.approx(1250, abs=25)


def test_letters_are_too_small_for_a_pulse_of_an_unusual_shape() -> None:
    mask = np.zeros((80, 300), np.uint8)
    for x in (40, 60):
        mask[20:38, x : x + 3] = 255
    mask[20:23, 40:63] = 255
    with pytest.raises(DigitizeError):
        measure_pulse(mask)


def _found(cover: NDArray[np.uint8], row_px: float) -> object:
    return find_lead_pulse(cover.astype(np.float32) / 255, [row_px], px_per_mm=PX_PER_MM)


def test_beats_and_frames_are_no_pulse() -> None:
    clean = drawn()
    row = clean.calibration.baseline_px
    assert _found(clean.mask, row) is None
    # Axes: their left side goes on below the row, and so does their right one.
    axes = clean.mask.copy()
    top, left = int(row) - 80, 8
    axes[top : top + 2, left : left + 42] = 255
    pulse = axes.copy()
    pulse[top : int(row), left : left + 2] = pulse[top : int(row), left + 40 : left + 42] = 255
    assert _found(pulse, row) is not None
    axes[top:, left : left + 2] = axes[top:, left + 40 : left + 42] = 255
    assert _found(axes, row) is None


def test_r_waves_that_the_edge_cuts_are_no_pulse() -> None:
    clean = drawn()
    row = int(clean.calibration.baseline_px)
    assert _found(np.ascontiguousarray(clean.mask[row - 50 :]), 50.0) is None
