"""The camera or scanner, and the file: blur, noise, resolution, gray, fax, JPEG."""

import math
from functools import cache

import cv2
import numpy as np

from data_gen.arrays import F32, U8
from data_gen.compiled import njit
from data_gen.dials import happens, uniform
from data_gen.distort.blend import paper_colour
from data_gen.distort.distortion import Distortion
from data_gen.distort.warp import Image

_BANK = 1 << 21  # standard normal numbers, drawn once per process
_BAND_PX = 64  # rows that are given noise at a time: they stay in the processor's cache
_LEAST_BLUR_PX = 0.1  # of a weaker blur, less than a hundredth of the light leaves its pixel
_LEAST_SIDE_PX = 8  # of a coarser scan


def photograph(
    image: Image, *, dials: Distortion, px_per_mm: float, rng: np.random.Generator
) -> Image:
    """The picture (H, W, 3) as a camera or scanner sees it and a file keeps it.

    A coarse rescan is noisy and compressed at its own resolution and enlarged in the end.
    """
    height, width = image.shape[:2]
    if happens(rng, dials.defocus_p):
        image = _defocused(image, uniform(rng, dials.defocus_mm) * px_per_mm)
    if happens(rng, dials.motion_p):
        length_px = uniform(rng, dials.motion_mm) * px_per_mm
        image = _moved(image, length_px, rng.uniform(0, math.pi))
    if happens(rng, dials.rescan_p):
        image = _shrunk(image, uniform(rng, dials.rescan_px_per_mm) / px_per_mm)
    if happens(rng, dials.noise_p):
        read, shot = uniform(rng, dials.noise_levels), uniform(rng, dials.shot_levels)
        image = _noisy(image, read, shot, rng)
    if happens(rng, dials.gray_p):
        image = _gray(image)
    if happens(rng, dials.fax_p):
        image = _faxed(image, dials, px_per_mm * image.shape[1] / width, rng)
    if happens(rng, dials.jpeg_p):
        quality = round(uniform(rng, dials.jpeg_quality))
        image = _compressed(image, quality, happens(rng, dials.chroma_p))
    if image.shape[:2] != (height, width):
        image = np.asarray(cv2.resize(image, (width, height)), np.uint8)
    return image


def _defocused(image: Image, sigma_px: float) -> Image:
    if sigma_px < _LEAST_BLUR_PX:
        return image
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), np.uint8)


def _moved(image: Image, length_px: float, angle_rad: float) -> Image:
    """Blurred along a straight path centred on each pixel, so that nothing shifts."""
    reach = math.ceil(length_px / 2)
    if reach == 0:
        return image
    size, fixed = 2 * reach + 1, 16.0  # cv2.line takes ends in sixteenths of a pixel
    end = np.array((math.cos(angle_rad), math.sin(angle_rad))) * length_px / 2
    ends = [np.round((reach + side * end) * fixed).astype(int).tolist() for side in (-1, 1)]
    kernel = np.zeros((size, size), np.uint8)
    cv2.line(kernel, ends[0], ends[1], 255, 1, cv2.LINE_AA, shift=4)
    even = kernel.astype(np.float32) + kernel[::-1, ::-1]
    return np.asarray(cv2.filter2D(image, -1, even / even.sum()), np.uint8)


def _shrunk(image: Image, factor: float) -> Image:
    """At a lower resolution; unchanged where the dial asks for a higher one."""
    height, width = image.shape[:2]
    size = (max(round(width * factor), _LEAST_SIDE_PX), max(round(height * factor), _LEAST_SIDE_PX))
    if size[0] >= width or size[1] >= height:
        return image
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


@cache
def _bank() -> F32:
    """Standard normal numbers; from where in them a picture takes its noise, its own `rng` says."""
    return np.random.default_rng(0).standard_normal(_BANK, dtype=np.float32)


def _noisy(image: Image, read: float, shot: float, rng: np.random.Generator) -> Image:
    """Noise of variance read² + shot² · level / 255 (gray levels), independent per channel.

    Each band of rows takes its numbers from a place of its own in the bank, so that no
    pattern returns at the same place of two pictures.
    """
    noisy = np.empty_like(image)
    width = image.shape[1] * 3
    rows = max(min(_BAND_PX, _BANK // (2 * width)), 1)
    for top in range(0, len(image), rows):
        band = image[top : top + rows]
        start = int(rng.integers(0, _BANK - band.size))
        noise = _bank()[start : start + band.size]
        _add_noise(band, noise, read**2, shot**2 / 255, noisy[top : top + rows])
    return noisy


@njit(cache=True, nogil=True, fastmath=True)
def _add_noise(band: U8, noise: F32, fixed: float, per_level: float, out: U8) -> None:
    """Standard normal noise (n,) of variance fixed + per_level · level, onto n levels."""
    levels, added = band.reshape(-1), out.reshape(-1)
    a, b = np.float32(fixed), np.float32(per_level)
    for i in range(len(levels)):
        level = np.float32(levels[i])
        noisy = level + math.sqrt(a + b * level) * noise[i] + np.float32(0.5)
        added[i] = np.uint8(np.int32(min(max(noisy, np.float32(0.0)), np.float32(255.0))))


def _gray(image: Image) -> Image:
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB), np.uint8)


def _faxed(image: Image, dials: Distortion, px_per_mm: float, rng: np.random.Generator) -> Image:
    """Black and white at a fax's resolution; grain dithers what is near the threshold."""
    height, width = image.shape[:2]
    small = _gray(_shrunk(image, uniform(rng, dials.fax_px_per_mm) / px_per_mm))
    threshold = uniform(rng, dials.fax_threshold_frac) * paper_colour(small)[0]
    small = _noisy(small, uniform(rng, dials.fax_grain_levels), 0.0, rng)
    _, white = cv2.threshold(small[..., 0], threshold, 255, cv2.THRESH_BINARY)
    # The exact variant: INTER_NEAREST alone shifts the picture by half a pixel.
    large = cv2.resize(white, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    return np.asarray(cv2.cvtColor(large, cv2.COLOR_GRAY2RGB), np.uint8)


def _compressed(image: Image, quality: int, coarse_chroma: bool) -> Image:
    sampling = (
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
        if coarse_chroma
        else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    )
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, options)
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)
