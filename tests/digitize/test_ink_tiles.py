"""A network's ink in pictures of any size and scale, tile by tile, without any network."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from data_gen.errors import InputError
from ecg_overlap.digitize.ink.tiles import read_seen
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.network import Both, NetworkInfo, Seen
from ecg_overlap.digitize.plans import method_for

SCALE = 8.0
Answer = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def copies(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """A network that answers with the red: a pixel's answer must come back to its place."""
    assert colours.shape[0] == 3 and not any(side % 16 for side in colours.shape[1:])
    return colours[0]


def read(
    image: NDArray[np.uint8], px_per_mm: float = SCALE, run: Answer = copies
) -> NDArray[np.float32]:
    return read_seen(
        image,
        px_per_mm=px_per_mm,
        run=lambda colours: Seen(run(colours)),
        network_px_per_mm=SCALE,
        multiple=16,
    ).ink


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [(1, 1), (37, 50), (640, 1024), (641, 1025), (1300, 2500)])
def test_every_pixel_is_answered_at_its_place(size: tuple[int, int]) -> None:
    image = noise(*size)
    found = read(image)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, (255 - image[..., 0]) / np.float32(255), atol=1e-6)


@pytest.mark.parametrize("multiple", [16, 32, 128])  # of the last, the margin is held down
@pytest.mark.parametrize("size", [(1, 1), (37, 50), (641, 1025), (1300, 2500)])
def test_every_block_of_pixels_has_its_offsets_at_its_place(
    size: tuple[int, int], multiple: int
) -> None:
    def of_blocks(colours: NDArray[np.float32]) -> Seen:
        return Seen(colours[0], np.stack([colours[0, ::2, ::2], colours[1, ::2, ::2]]))

    image = noise(*size)
    found = read_seen(
        image, px_per_mm=SCALE, run=of_blocks, network_px_per_mm=SCALE, multiple=multiple
    )
    assert found.offsets is not None and found.cell_px == 2
    expected = ((255 - image[::2, ::2, :2]) / np.float32(255)).transpose(2, 0, 1)
    np.testing.assert_allclose(found.offsets, expected, atol=1e-6)


def test_no_tile_is_larger_than_memory_was_meant_for() -> None:
    seen = []

    def run(colours: NDArray[np.float32]) -> NDArray[np.float32]:
        seen.append(colours.shape[1:])
        return colours[0]

    read(noise(1500, 3000), run=run)
    assert max(h for h, _ in seen) <= 640 and max(w for _, w in seen) <= 1024
    assert len(seen) == 3 * 4


def test_tiles_do_not_show_where_the_network_looks_no_farther_than_their_margin() -> None:
    """A mean over 81 rows and columns: its answer near a tile's edge needs what lies beyond."""
    import cv2

    def blurred(colours: NDArray[np.float32]) -> NDArray[np.float32]:
        edge = cv2.BORDER_CONSTANT
        return np.asarray(cv2.blur(colours[0], (81, 81), borderType=edge))

    image = noise(1000, 1700)
    expected = cv2.blur((255 - image) / np.float32(255), (81, 81), borderType=cv2.BORDER_CONSTANT)
    np.testing.assert_allclose(read(image, run=blurred), expected[..., 0], atol=1e-4)


@pytest.mark.parametrize("px_per_mm", [4.0, 16.0])
def test_a_picture_of_another_scale_is_read_at_the_networks(px_per_mm: float) -> None:
    seen = []

    def run(colours: NDArray[np.float32]) -> NDArray[np.float32]:
        seen.append(colours.shape[1:])
        return colours[0]

    image = np.full((80, 160, 3), 255, np.uint8)
    image[40:, :] = 0
    found = read(image, px_per_mm, run)
    padded = {4.0: (160, 320), 16.0: (48, 80)}  # of 160 × 320 and 40 × 80, in steps of 16
    assert seen == [padded[px_per_mm]]
    assert found.shape == (80, 160)
    assert found[36] == pytest.approx(0) and found[44] == pytest.approx(1)


class Darkest:
    """Takes for ink what is darker than half."""

    def __call__(
        self, image: NDArray[np.uint8], *, px_per_mm: float, row_px: float | None = None
    ) -> NDArray[np.float32]:
        return self.ink(image, px_per_mm=px_per_mm)

    def ink(self, image: NDArray[np.uint8], *, px_per_mm: float) -> NDArray[np.float32]:
        return (image.max(axis=2) < 128).astype(np.float32)


def wave() -> NDArray[np.uint8]:
    """A sine of 1 mV drawn at 8 px/mm."""
    import cv2

    image = np.full((240, 480, 3), 255, np.uint8)
    x = np.arange(20, 460)
    y = 120 - 80 * np.sin(x / 30)
    points = np.round(np.stack([x, y], axis=1) * 16).astype(np.int32)
    cv2.polylines(image, [points], False, (0, 0, 0), 3, cv2.LINE_AA, 4)
    return image


def test_a_lead_is_read_from_a_networks_ink() -> None:
    lead = digitize_lead(wave(), px_per_mm=SCALE, method="ink+stroke", network=Darkest())
    assert lead.method == "ink+stroke"
    seen = lead.signal_mv[np.isfinite(lead.signal_mv)]
    assert np.ptp(seen) == pytest.approx(2.0, abs=0.05)  # ± 1 mV


def test_a_network_that_sees_no_ink_is_refused() -> None:
    def plain(image: NDArray[np.uint8], **_: object) -> NDArray[np.float32]:
        return np.zeros(image.shape[:2], np.float32)

    with pytest.raises(InputError, match="model=ink"):
        digitize_lead(wave(), px_per_mm=SCALE, method="ink+stroke", network=plain)


class Lower:
    """Takes for the primary what is in the half of the picture in which the prompt is."""

    def __call__(
        self, image: NDArray[np.uint8], *, px_per_mm: float, row_px: float | None = None
    ) -> NDArray[np.float32]:
        found = np.zeros(image.shape[:2], np.float32)
        middle = len(found) // 2
        half = slice(middle, None) if row_px is not None and row_px > middle else slice(middle)
        found[half] = 1
        return found


def test_two_networks_are_given_as_one() -> None:
    both = Both(Lower(), Darkest())
    info = both.info
    assert (info.name, info.method) == ("ink+unet", "surest")
    assert info.has_masks and info.has_ink
    image = wave()
    assert np.array_equal(both.ink(image, px_per_mm=SCALE), image.max(axis=2) < 128)
    assert both(image, px_per_mm=SCALE, row_px=200.0)[200].all()


def test_maps_say_whose_the_networks_ink_is() -> None:
    """Two level strokes; the lower is asked for by its row, and its map is the lower half."""
    image = np.full((240, 480, 3), 255, np.uint8)
    image[59:62, 10:-10] = image[179:182, 10:-10] = 0
    lead = digitize_lead(
        image,
        px_per_mm=SCALE,
        row_px=180.0,
        method="ink+unet+stroke",
        network=Both(Lower(), Darkest()),
    )
    assert lead.method == "ink+unet+stroke"
    y = lead.path_px[:, 1]
    assert y[np.isfinite(y)] == pytest.approx(180, abs=0.5)


def test_one_network_alone_does_not_serve_both() -> None:
    with pytest.raises(InputError, match="does not read"):
        method_for("ink+unet+stroke", NetworkInfo("ink", has_ink=True, has_masks=False))
