"""Any picture file becomes RGB uint8, or a reason why not."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.read_image import read_image

RAMP = np.repeat(np.arange(0, 200, 2, dtype=np.uint8)[None, :], 40, axis=0)


def picture() -> Image.Image:
    return Image.fromarray(np.stack([RAMP, RAMP // 2, 255 - RAMP], axis=2))


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "jpg", "JPEG"])
def test_every_format_is_read_as_rgb(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    picture().save(path)
    image = read_image(path)
    assert image.shape == (40, 100, 3) and image.dtype == np.uint8
    assert np.abs(image.astype(int) - np.asarray(picture())).mean() < 3


def test_the_cameras_rotation_is_undone(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the picture must be turned a quarter clockwise
    picture().save(tmp_path / "a.jpg", exif=exif, quality=95)
    image = read_image(tmp_path / "a.jpg")
    assert image.shape == (100, 40, 3)
    # What was left in the file is now at the top.
    assert image[0].mean() == pytest.approx(np.asarray(picture())[:, 0].mean(), abs=4)


def test_sixteen_bits_are_scaled_to_eight(tmp_path: Path) -> None:
    deep = (RAMP.astype(np.uint16) * 257).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "a.png")
    assert np.array_equal(read_image(tmp_path / "a.png")[..., 1], RAMP)
    Image.fromarray(deep).save(tmp_path / "a.tif")
    assert np.array_equal(read_image(tmp_path / "a.tif")[..., 2], RAMP)


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    Image.new("CMYK", (60, 40), (0, 0, 0, 0)).save(tmp_path / "white.jpg")
    black = Image.new("CMYK", (60, 40), (0, 0, 0, 0))
    black.paste((0, 0, 0, 255), (0, 0, 30, 40))
    black.save(tmp_path / "a.tif")
    image = read_image(tmp_path / "a.tif")
    assert image[20, 10].max() < 5 and image[20, 50].min() > 250


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_transparency_is_laid_on_white(tmp_path: Path, mode: str) -> None:
    layer = Image.new("RGBA", (60, 40), (0, 0, 0, 0))
    layer.paste((0, 0, 0, 255), (10, 10, 20, 30))
    layer.convert(mode).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert image[0, 0].min() == 255 and image[20, 15].max() == 0


@pytest.mark.parametrize("mode", ["L", "P", "1"])
def test_gray_palette_and_bits_become_rgb(tmp_path: Path, mode: str) -> None:
    picture().convert(mode).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").shape == (40, 100, 3)


def huge_png(width: int, height: int) -> bytes:
    """A PNG header that promises a picture it does not hold."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) +
        chunk(b"IEND", b"")
    )  # fmt: skip


@pytest.mark.parametrize("size", [(20_000, 20_000), (40_000, 10), (100_000, 100_000)])
def test_too_large_is_refused_from_the_header(tmp_path: Path, size: tuple[int, int]) -> None:
    (tmp_path / "a.png").write_bytes(huge_png(*size))
    with pytest.raises(DigitizeError, match="limit"):
        read_image(tmp_path / "a.png")


def test_a_file_that_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("once upon a time")
    with pytest.raises(DigitizeError, match="not a picture"):
        read_image(tmp_path / "a.png")


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(DigitizeError, match=r"a\.png"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp"])
def test_a_truncated_file(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (80, 80, 3)).astype(np.uint8))
    noise.save(tmp_path / f"a.{suffix}")
    whole = (tmp_path / f"a.{suffix}").read_bytes()
    (tmp_path / f"a.{suffix}").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DigitizeError, match=rf"a\.{suffix}"):
        read_image(tmp_path / f"a.{suffix}")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DigitizeError, match="no such file"):
        read_image(tmp_path / "a.png")


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(DigitizeError):
        read_image(tmp_path)


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_blank_paper(tmp_path: Path, shade: int) -> None:
    Image.new("RGB", (100, 50), (shade,) * 3).save(tmp_path / "a.png")
    with pytest.raises(DigitizeError, match="blank"):
        read_image(tmp_path / "a.png")


def test_one_pixel_is_blank(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1)).save(tmp_path / "a.png")
    with pytest.raises(DigitizeError):
        read_image(tmp_path / "a.png")


def test_twelve_bits_in_sixteen_are_raised(tmp_path: Path) -> None:
    Image.fromarray(RAMP.astype(np.uint16) * 16).save(tmp_path / "a.tif")
    image = read_image(tmp_path / "a.tif")
    assert np.abs(image[..., 0].astype(int) - RAMP).max() <= 1


def test_white_ink_on_transparency_is_laid_on_black(tmp_path: Path) -> None:
    layer = Image.new("RGBA", (60, 40), (0, 0, 0, 0))
    layer.paste((255, 255, 255, 255), (10, 10, 20, 30))
    layer.save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert image[0, 0].max() == 0 and image[20, 15].min() == 255


def test_light_paper_with_transparent_corners_is_laid_on_white(tmp_path: Path) -> None:
    layer = Image.new("RGBA", (60, 40), (250, 250, 250, 255))
    layer.paste((0, 0, 0, 0), (0, 0, 8, 8))
    layer.paste((0, 0, 0, 255), (10, 20, 50, 22))
    layer.save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png")[2, 2].min() == 255
