"""Where the grid's lines could be: darkness above the paper, summed along short strips.

A family of lines (the upright ones, or the level ones) is looked at through strips that
run across it: each strip is a few pixels high, so that lines tilted by some degrees stay
sharp in it, and carries one profile. All later searching happens on these profiles.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray

STRIP_PX = 8  # at 5° a line moves 0.7 px within a strip
_PAPER = 64  # evidence at the paper's mean level, so that lighter paper also fits into uint8
_CUT_WITH_INK, _CUT_WITHOUT_INK = 0.94, 0.985  # share of pixels whose darkness stays as it is
_HIGHEST_CPP = 0.42  # cycles per px: above it a line's profile is mostly noise
_MAX_GROUPS = 8

Image = NDArray[np.uint8]
FloatArray = NDArray[np.float64]
Spectra = NDArray[np.complex64]


@dataclass(frozen=True)
class Family:
    """The spectra of the strips across one family of lines.

    Args:
        spectra: complex64 (n_strips, n_freqs), one per strip, not windowed.
        freqs_cpp: float64 (n_freqs,), cycles per px, spaced by half a cycle per length.
        centres_px: float64 (n_strips,), where along the lines each strip stands.
        length_px: Extent across the lines.
        n_fft: Length of the padded transform.
    """

    spectra: Spectra
    freqs_cpp: FloatArray
    centres_px: FloatArray
    length_px: int
    n_fft: int

    def aligned(self, slope: float, *, max_groups: int = _MAX_GROUPS) -> "Aligned":
        """Neighbouring strips averaged after lines of this slope were brought upright."""
        n = len(self.centres_px)
        size = -(-n // int(np.clip(n // 4, 1, max_groups)))
        n_groups = -(-n // size)
        step = self.centres_px[1] - self.centres_px[0] if n > 1 else 0.0
        turn = np.exp(2j * np.pi * slope * step * self.freqs_cpp).astype(np.complex64)
        padded = np.zeros((n_groups * size, self.spectra.shape[1]), np.complex64)
        padded[:n] = self.spectra
        blocks = padded.reshape(n_groups, size, -1)
        total = np.zeros_like(blocks[:, 0])
        for k in range(size - 1, -1, -1):  # Horner: the strips are evenly spaced
            total *= turn
            total += blocks[:, k]
        count = np.minimum(n - np.arange(n_groups) * size, size)
        first = self.centres_px[::size]
        middle = first + (count - 1) / 2 * step
        back = np.exp((-2j * np.pi * slope) * (middle - first)[:, None] * self.freqs_cpp)
        groups = (total * back / count[:, None]).astype(np.complex64)
        turn_all = np.exp((2j * np.pi * slope) * middle[:, None] * self.freqs_cpp)
        return Aligned(self, slope, groups, middle, (groups * turn_all).mean(axis=0))

    def profile(self, spectrum: Spectra) -> NDArray[np.float32]:
        """The profile (..., length_px) of a spectrum."""
        padded = np.zeros((*spectrum.shape[:-1], self.n_fft // 2 + 1), np.complex64)
        padded[..., : spectrum.shape[-1]] = spectrum
        full = scipy.fft.irfft(padded, self.n_fft, axis=-1)
        return np.asarray(full[..., : self.length_px], np.float32)


@dataclass(frozen=True)
class Aligned:
    """A family's strips brought under one another along one slope.

    Args:
        family: Where they come from.
        slope: px across per px along the lines.
        groups: complex64 (n_groups, n_freqs), means of neighbouring strips.
        centres_px: float64 (n_groups,), the place along the lines at which each group's
            lines stand where its spectrum says.
        total: complex (n_freqs,), mean of all, lines standing as at along = 0.
    """

    family: Family
    slope: float
    groups: Spectra
    centres_px: FloatArray
    total: Spectra


def windowed(spectrum: Spectra) -> Spectra:
    """The spectrum (..., n_freqs) under a Hann window, made in the frequency domain."""
    out = 0.5 * spectrum
    step = 2  # the transform is padded to twice the length
    out[..., step:] -= 0.25 * spectrum[..., :-step]
    out[..., :-step] -= 0.25 * spectrum[..., step:]
    return out


def tapered(spectrum: Spectra) -> Spectra:
    """The spectrum (..., n_freqs) let fade at its end: thin lines then do not ring."""
    return spectrum * np.cos(np.linspace(0, np.pi / 2, spectrum.shape[-1])).astype(np.float32)


def darkness(image: Image, *, without_ink: bool = False) -> Image:
    """Darkness of the strongest channel against the local paper, ink cut to grid level.

    A coloured line shows best in the channel that it absorbs, so the least of R, G and B
    is taken. Ink is far darker than most grids: its excess is cut away, so that a QRS
    weighs no more than a grid line.

    Args:
        image: uint8 (H, W, 3) RGB, or (H, W) gray.
        without_ink: Leave out what is as dark as ink even where that could be a dark grid.

    Returns:
        uint8 (H, W); 64 is the paper's local mean level, more is darker.
    """
    least, lightest = extremes(image)
    paper = local_paper(least)
    dark = np.asarray(cv2.addWeighted(paper, 1.0, least, -1.0, _PAPER), np.uint8)
    ink = _ink_to_leave_out(dark, lightest, always=without_ink)
    if ink is not None:
        np.copyto(dark, np.uint8(_PAPER), where=ink)
    # Every 11th pixel in reading order: no line is missed for standing on odd columns.
    level = np.bincount(dark.ravel()[::11], minlength=256).cumsum()
    share = _CUT_WITH_INK if ink is None else _CUT_WITHOUT_INK
    cut = int(np.searchsorted(level, share * level[-1]))
    return np.asarray(cv2.threshold(dark, max(cut, _PAPER + 6), 0, cv2.THRESH_TRUNC)[1], np.uint8)


def extremes(image: Image) -> tuple[Image, Image]:
    """Least and greatest of R, G and B, (H, W) each; one and the same for a gray picture."""
    if image.ndim == 2:
        return image, image
    red, green, blue = cv2.split(image)
    least = np.asarray(cv2.min(cv2.min(red, green), blue), np.uint8)
    return least, np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)


def local_paper(channel: Image) -> Image:
    """The local median level of a channel, uint8 (H, W): paper with the grid's mean share."""
    h, w = channel.shape
    small = cv2.resize(channel, (max(w // 8, 1), max(h // 8, 1)), interpolation=cv2.INTER_AREA)
    paper = cv2.medianBlur(small, 15 if min(small.shape) >= 15 else 5)
    return np.asarray(cv2.resize(paper, (w, h), interpolation=cv2.INTER_LINEAR), np.uint8)


def _ink_to_leave_out(dark: Image, lightest: Image, *, always: bool) -> NDArray[np.bool_] | None:
    """Where ink stands that is clearly no grid, bool (H, W); None where that is not clear.

    A steady heart beats as regularly as a grid. Where the grid has a colour, or is far
    lighter than the ink, the trace need not be searched for lines.
    """
    h, w = lightest.shape
    size = (max(w // 2, 1), max(h // 2, 1))  # half the resolution tells ink as well
    half = cv2.resize(lightest, size, interpolation=cv2.INTER_AREA)
    fall = cv2.subtract(local_paper(np.asarray(half, np.uint8)), half)
    ink_level = float(np.percentile(fall.max(axis=0), 60))  # a trace stands in every column
    if ink_level < 25:
        return None
    core = cv2.threshold(fall, 0.5 * ink_level, 1, cv2.THRESH_BINARY)[1]
    ink = cv2.dilate(core, np.ones((3, 3), np.uint8))
    # Some pixels in reading order, so that no line is missed for standing on odd columns.
    free = ink.ravel()[::5] == 0
    lines = cv2.resize(dark, size, interpolation=cv2.INTER_AREA).ravel()[::5][free] - float(_PAPER)
    strong = lines >= max(float(np.percentile(lines, 85)) if lines.size else 0.0, 3.0)
    colour = np.median(fall.ravel()[::5][free][strong] / lines[strong]) if strong.any() else 1.0
    if always or colour < 0.7 or float(core.mean()) < 0.06:
        return np.asarray(cv2.resize(ink, (w, h), interpolation=cv2.INTER_NEAREST)).view(np.bool_)
    return None


def family(dark: Image, *, upright: bool) -> Family:
    """The strips' spectra across the upright (or else the level) lines.

    Args:
        dark: uint8 (H, W) from `darkness`.
        upright: The family that marks time; else the one that marks amplitude.
    """
    h, w = dark.shape
    along, across = (h, w) if upright else (w, h)
    n_strips = max(along // STRIP_PX, 1)
    size = (w, n_strips) if upright else (n_strips, h)
    strips = cv2.resize(dark, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    if not upright:
        strips = np.ascontiguousarray(strips.T)
    strips -= strips.mean(axis=1, keepdims=True)
    n_fft = 2 * scipy.fft.next_fast_len(across, real=True)
    freqs = np.arange(n_fft // 2 + 1) / n_fft
    keep = int(np.searchsorted(freqs, _HIGHEST_CPP))
    spectra = scipy.fft.rfft(strips, n_fft, axis=1)[:, :keep]
    centres = (np.arange(n_strips) + 0.5) * along / n_strips - 0.5
    return Family(np.ascontiguousarray(spectra), freqs[:keep], centres, across, n_fft)
