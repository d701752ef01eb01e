"""Pictures of more pixels than a reading has use for: read as smaller ones, told as they are."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn import FS_HZ, drawn
from numpy.typing import NDArray
from PIL import Image

from ecg_overlap.digitize import coarser as of_pixels
from ecg_overlap.digitize import read_image, turned
from ecg_overlap.digitize.coarser import ENOUGH_PIXELS, coarser
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.metrics.signal import score_lead

TRUTH = drawn(px_per_mm=16.0, pen_px=5.6, pad_px=120.3)
HEIGHT, WIDTH = TRUTH.image.shape[:2]


def off_px(lead: LeadSignal) -> float:
    """How far the path is from where the lead was drawn, px, in the mean."""
    x, y = lead.path_px[np.isfinite(lead.path_px).all(axis=1)].T
    true_x, true_y = TRUTH.polyline_px.T
    inside = (x > true_x[0]) & (x < true_x[-1])
    return float(np.abs(np.interp(x, true_x, true_y) - y)[inside].mean())


def snr_of(lead: LeadSignal) -> float:
    return score_lead(
        TRUTH.signal_mv, lead.signal_mv, FS_HZ, alignment="aligned", est_fs_hz=lead.fs_hz
    ).snr_db


def test_no_picture_is_read_with_more_pixels_than_enough() -> None:
    image = np.full((5_000, 15_000, 3), 255, np.uint8)
    image[2_000:2_100] = 0
    fewer, how = coarser(image)
    assert fewer.shape[0] * fewer.shape[1] <= ENOUGH_PIXELS and how is not None
    assert fewer[int(2_050 / how.factor[1])].max() == 0 and fewer[0].min() == 255
    enough = image[:500, :16_000]
    assert coarser(enough) == (enough, None)


@pytest.fixture
def few_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough pixels are a third of the drawn lead's: 9.2 px/mm of its 16."""
    monkeypatch.setattr(of_pixels, "ENOUGH_PIXELS", HEIGHT * WIDTH // 3)


@pytest.mark.usefixtures("few_pixels")
def test_a_lead_of_many_pixels_is_told_in_those_of_its_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []

    def look(read: object, image: NDArray[np.uint8]) -> LeadSignal:
        seen.append(image.shape)
        return turned.read_upright(read, image)  # type: ignore[arg-type]

    monkeypatch.setattr("ecg_overlap.digitize.lead.read_upright", look)
    lead = digitize_lead(TRUTH.image, stages=True)
    assert seen[0][0] * seen[0][1] <= HEIGHT * WIDTH / 3
    assert snr_of(lead) > 20 and off_px(lead) < 1
    pitches = lead.calibration.px_per_mm_x, lead.calibration.px_per_mm_y
    assert pitches == pytest.approx((16.0, 16.0), rel=0.005)
    assert {shown.shape[:2] for shown in lead.stage_images.values()} == {(HEIGHT, WIDTH)}
    assert lead.calibration.baseline_px == pytest.approx(TRUTH.calibration.baseline_px, abs=4)


@pytest.mark.usefixtures("few_pixels")
def test_scale_and_row_are_told_in_the_pictures_pixels() -> None:
    row = TRUTH.calibration.baseline_px
    lead = digitize_lead(TRUTH.image, px_per_mm=16.0, row_px=row)
    assert snr_of(lead) > 18 and lead.baseline_known
    assert lead.calibration.px_per_mm_y == pytest.approx(16.0, rel=0.005)
    assert lead.calibration.baseline_px == pytest.approx(row, abs=0.01)


@pytest.mark.usefixtures("few_pixels")
def test_a_lead_on_its_side_keeps_its_two_scales_apart() -> None:
    wide = cv2.resize(TRUTH.image, (round(1.2 * WIDTH), HEIGHT), interpolation=cv2.INTER_AREA)
    upright, on_its_side = digitize_lead(wide), digitize_lead(np.rot90(wide))
    assert on_its_side.turned_deg == 90
    for name in ("px_per_mm_x", "px_per_mm_y"):
        found, meant = (getattr(lead.calibration, name) for lead in (on_its_side, upright))
        assert found == pytest.approx(meant, rel=0.005)


@pytest.mark.parametrize("mode", ["RGB", "L", "I;16", "RGBA", "P", "CMYK"])
def test_a_picture_is_the_same_in_strips_of_any_height(
    mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = Image.fromarray(TRUTH.image)
    if mode == "I;16":
        shown = Image.fromarray(np.asarray(shown.convert("L"), np.uint16) * 257)
    else:
        shown = shown.convert(mode)
    path = tmp_path / "lead.tif"
    shown.save(path)
    whole = read_image.read_image(path)
    monkeypatch.setattr(read_image, "STRIP_PIXELS", 7 * WIDTH + 3)
    assert np.array_equal(read_image.read_image(path), whole)
