"""Reads any picture file as RGB uint8, turned upright, or says why it cannot."""

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from ecg_overlap.digitize.errors import DigitizeError

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
MAX_PIXELS = 100_000_000  # 300 MB as RGB; an A3 page at 600 dpi has 70 million
MAX_SIDE_PX = 32_000
BLANK_LEVELS = 8  # of 255; if the darkest and the lightest pixel differ by less, it is blank


def read_image(path: str | Path) -> NDArray[np.uint8]:
    """Read a PNG, JPEG, TIFF or BMP.

    The camera's rotation (EXIF) is undone, transparency is laid on white, CMYK, palette, gray
    and 16-bit pictures are converted; of several pages the first is taken.

    Args:
        path: The file.

    Returns:
        uint8 (H, W, 3), RGB.

    Raises:
        DigitizeError: No such file, not a picture, cut short, too large (seen from its header,
            before any pixel is decoded), or blank.
    """
    path = Path(path)
    if not path.is_file():
        raise DigitizeError(path, "no such file", "check the path")
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures; `_require_size` has our own limit.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                _require_size(path, picture.size)
                image = _as_rgb(ImageOps.exif_transpose(picture))
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
    if int(image.max()) - int(image.min()) < BLANK_LEVELS:
        raise DigitizeError(path, "is blank", "check that it is the right picture")
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
    if picture.mode.startswith("I") or picture.mode == "F":
        return _from_deep_gray(np.asarray(picture, np.float64))
    if picture.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        paper = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(paper, layer)
    return np.array(picture.convert("RGB"), np.uint8)


def _from_deep_gray(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """16-bit (or deeper) gray to 8 bits: by the format's full scale, floats by their maximum."""
    highest = float(np.nanmax(values)) if values.size else 0.0
    full = 255.0 if highest <= 255 else 65535.0 if highest <= 65535 else highest
    gray = np.nan_to_num(values / full * 255, nan=255.0).clip(0, 255)
    return np.repeat(np.rint(gray).astype(np.uint8)[..., None], 3, axis=2)
