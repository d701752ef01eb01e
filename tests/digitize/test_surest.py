"""Of two ways to read a lead, the one that states the higher quality is taken."""

from typing import NoReturn

import numpy as np
import pytest
from numpy.typing import NDArray

from data_gen import make_sample
from data_gen.errors import InputError
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.lead import SURE, digitize_lead
from ecg_overlap.digitize.network import Both
from ecg_overlap.onnx_network import load_both, load_ink

Image = NDArray[np.uint8]
SCALE = 8.0


class Dark:
    """Takes for ink, and for the primary, what is dark."""

    def __call__(self, image: Image, *, px_per_mm: float, row_px: float | None = None) -> Image:
        return self.ink(image, px_per_mm=px_per_mm)

    def ink(self, image: Image, *, px_per_mm: float) -> NDArray[np.float32]:
        return (image.max(axis=2) < 128).astype(np.float32)


class Torn(Dark):
    """Sees a third of the ink only, in stripes."""

    def ink(self, image: Image, *, px_per_mm: float) -> NDArray[np.float32]:
        found = super().ink(image, px_per_mm=px_per_mm)
        found[:, np.arange(found.shape[1]) // 20 % 3 > 0] = 0
        return found


class Unasked(Dark):
    def __call__(self, image: Image, *, px_per_mm: float, row_px: float | None = None) -> NoReturn:
        raise AssertionError("asked, though the first reading is sure")


@pytest.fixture(scope="module")
def image() -> Image:
    return make_sample(0, config="clean").image


def test_a_sure_reading_is_not_read_again(image: Image) -> None:
    lead = digitize_lead(image, network=Both(Unasked(), Dark()), method="surest")
    assert lead.method == "ink+stroke"
    assert lead.quality >= SURE


def test_the_surer_one_is_taken(image: Image) -> None:
    """Ink that is torn gives a path with gaps; the picture's own, with a map, does not."""
    torn = digitize_lead(image, network=Torn(), method="ink+stroke", px_per_mm=SCALE)
    whole = digitize_lead(image, network=Dark(), method="unet+stroke", px_per_mm=SCALE)
    assert torn.quality < min(SURE, whole.quality)
    taken = digitize_lead(image, network=Both(Dark(), Torn()), method="surest", px_per_mm=SCALE)
    assert (taken.method, taken.quality) == ("unet+stroke", whole.quality)
    assert np.array_equal(taken.signal_mv, whole.signal_mv, equal_nan=True)


def test_what_neither_can_read_is_refused() -> None:
    blank = np.full((200, 800, 3), 255, np.uint8)
    with pytest.raises(DigitizeError):
        digitize_lead(blank, network=Both(Dark(), Dark()), method="surest", px_per_mm=SCALE)


def test_one_network_does_not_serve_twice(image: Image) -> None:
    with pytest.raises(InputError, match="needs both networks"):
        digitize_lead(image, network=load_ink(), method="surest")


def test_a_mask_is_read_once_and_the_truths_stay_in_the_name(image: Image) -> None:
    both = Both(Unasked(), Dark())
    given = digitize_lead(image, network=both, mask=Dark()(image, px_per_mm=SCALE), px_per_mm=SCALE)
    assert given.method == "classical"
    both = Both(Dark(), Dark())
    calibration = make_sample(0, config="clean").calibration
    assert calibration is not None
    row_px = calibration.baseline_px
    told = digitize_lead(image, network=both, method="surest@row", row_px=row_px)
    assert told.method in ("ink+stroke@row", "unet+stroke@row")


def test_a_reading_names_the_weights_that_made_it(image: Image) -> None:
    lead = digitize_lead(image, network=load_both(), method="ink+stroke")
    assert lead.weights_sha256 == load_ink().info.sha256
