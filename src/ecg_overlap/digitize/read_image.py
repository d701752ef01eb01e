"""Reads one picture of a file that Pillow knows as RGB uint8, upright, or says why it cannot."""

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from ecg_overlap.digitize.errors import DigitizeError

HEIC = (".heic", ".heif")  # a phone's; read where the extra `heic` is installed
HAS_HEIC = find_spec("pillow_heif") is not None
SEVERAL = (".tif", ".tiff")  # may hold several pages
SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif"),
    *SEVERAL,
    *(HEIC if HAS_HEIC else ()),
)
MAX_PIXELS = 100_000_000  # 300 MB as RGB; an A3 page at 600 dpi has 70 million
MAX_SIDE_PX = 32_000
STRIP_PIXELS = 2_000_000  # that are converted at a time
BLANK_LEVELS = 8  # of 255; if the darkest and the lightest pixel differ by less, it is blank
_REDUCED = 1  # bit of TIFF's NewSubfileType: a smaller copy of another page
_SUBFILE_TYPE = 254


def read_image(path: str | Path, frame: int = 0) -> NDArray[np.uint8]:
    """Read one picture of a PNG, JPEG, TIFF, BMP, WebP or GIF, and of a HEIC with its extra.

    The camera's rotation (EXIF) is undone, transparency is laid on white, or on black where its
    ink is white; CMYK, palette, gray and pictures of up to 16 bits are converted.

    Args:
        path: The file.
        frame: Which of its pictures; 0 the first.

    Returns:
        uint8 (H, W, 3), RGB.

    Raises:
        DigitizeError: No such file, not a picture, cut short, too large (seen from its header,
            before any pixel is decoded), or blank.
    """
    path = Path(path)
    with opened(path) as picture:
        if frame:
            picture.seek(frame)
        _require_size(path, picture.size)
        ImageOps.exif_transpose(picture, in_place=True)
        image = _as_rgb(picture)
    return not_blank(path, image)


def frames(path: Path) -> list[int]:
    """Which frames of a file are pages: all of a TIFF but smaller copies, else the first.

    Raises:
        DigitizeError: As for `read_image`.
    """
    if path.suffix.lower() not in SEVERAL:
        return [0]
    with opened(path) as picture:
        kinds = [_subfile_type(frame) for frame in ImageSequence.Iterator(picture)]
    return [k for k, kind in enumerate(kinds) if not kind & _REDUCED] or [0]


def _subfile_type(picture: Image.Image) -> int:
    return int(getattr(picture, "tag_v2", {}).get(_SUBFILE_TYPE, 0))


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """The file as Pillow opens it; whatever goes wrong in the block is a `DigitizeError`."""
    _require_file(path)
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures; `_require_size` has our own limit.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)  # of damaged facts beside the pixels
            with Image.open(path) as picture:
                yield picture
    except Image.DecompressionBombError as error:
        raise _too_large(path, "more pixels than any scan") from error
    except UnidentifiedImageError as error:
        raise DigitizeError(
            path, "is not a picture", f"give one of {', '.join(SUFFIXES)}"
        ) from error
    except DigitizeError:
        raise
    except Exception as error:  # Pillow's decoders raise whatever a damaged file provokes
        raise DigitizeError(
            path, f"cannot be decoded ({error})", "it is damaged or cut short: copy it again"
        ) from error


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise DigitizeError(path, "no such file", "check the path")
    if path.suffix.lower() in HEIC:
        if not HAS_HEIC:
            raise DigitizeError(path, "a HEIC picture", "pip install 'ecg-overlap[heic]' reads it")
        import pillow_heif  # only where one is read

        pillow_heif.register_heif_opener()
    if not path.stat().st_size:
        raise DigitizeError(path, "is empty", "copy it again")


def not_blank(where: object, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture, if there is anything on it.

    Raises:
        DigitizeError: It is blank.
    """
    if int(image.max()) - int(image.min()) < BLANK_LEVELS:
        raise DigitizeError(where, "is blank", "check that it is the right picture")
    return image


def _require_size(path: Path, size: tuple[int, int]) -> None:
    if size[0] * size[1] > MAX_PIXELS or max(size) > MAX_SIDE_PX:
        raise _too_large(path, f"{size[0]}×{size[1]} px")


def _too_large(path: Path, what: str) -> DigitizeError:
    return DigitizeError(
        path,
        f"{what}: the limit is {MAX_PIXELS // 1_000_000} million pixels, {MAX_SIDE_PX} px a side",
        "cut the lead out of it, or reduce it",
    )


def _as_rgb(picture: Image.Image) -> NDArray[np.uint8]:
    """The picture, uint8 (H, W, 3), made a few rows at a time: whole, each step costs its size."""
    if picture.mode.startswith("I") or picture.mode == "F":
        full = _white_of_deep_gray(picture)
        strip: Callable[[Image.Image], NDArray[np.uint8]] = partial(_from_deep_gray, full=full)
    elif picture.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in picture.info:
        strip = partial(_on_paper, paper=_paper_under(picture))
    else:
        strip = _opaque
    image = np.empty((picture.height, picture.width, 3), np.uint8)
    for rows, part in _strips(picture):
        image[rows] = strip(part)
    return image


def _strips(picture: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """The picture a few rows at a time, and which rows they are."""
    picture.load()
    high = max(STRIP_PIXELS // picture.width, 1)
    for top in range(0, picture.height, high):
        bottom = min(top + high, picture.height)
        yield slice(top, bottom), picture.crop((0, top, picture.width, bottom))


def _opaque(strip: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(strip.convert("RGB"), np.uint8)


def _on_paper(strip: Image.Image, *, paper: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    layer = strip.convert("RGBA")
    return _opaque(Image.alpha_composite(Image.new("RGBA", layer.size, paper), layer))


def _paper_under(picture: Image.Image) -> tuple[int, int, int, int]:
    """The paper that a transparent picture is laid on, RGBA: white, or black.

    Where most of the picture is transparent, what is not is ink. White ink is to be seen too.
    """
    opaque, light = 0.0, 0.0  # sums over all pixels: of opacity, and of the light of what is opaque
    for _, strip in _strips(picture):
        layer = np.asarray(strip.convert("RGBA"))
        cover = layer[..., 3] / 255.0
        opaque += float(cover.sum())
        light += float((cover * layer[..., :3].mean(axis=2)).sum())
    mostly_clear = opaque < 0.5 * picture.width * picture.height
    white_ink = mostly_clear and light / max(opaque, 1e-9) > 127.5
    return (0, 0, 0, 255) if white_ink else (255, 255, 255, 255)


def _white_of_deep_gray(picture: Image.Image) -> float:
    """What is white in gray of more than 8 bits: by the fewest bits that hold it, floats' maximum.

    Scanners of 10, 12 or 14 bits write them into 16 without raising them. A picture of which the
    lightest is in the lower half of its range is stretched too: darkness is a share of the paper's.
    """
    highest = 0.0
    for _, strip in _strips(picture):
        values = np.asarray(strip, np.float64)
        highest = max(highest, float(np.max(values, initial=0.0, where=~np.isnan(values))))
    bits = max(math.ceil(math.log2(highest + 1)), 8) if highest > 0 else 8
    return 2.0**bits - 1 if bits <= 16 else highest


def _from_deep_gray(strip: Image.Image, *, full: float) -> NDArray[np.uint8]:
    """Gray of more than 8 bits to 8 bits, `full` being white."""
    values = np.asarray(strip, np.float64)
    gray = np.nan_to_num(values / full * 255, nan=255.0).clip(0, 255)
    return np.repeat(np.rint(gray).astype(np.uint8)[..., None], 3, axis=2)
