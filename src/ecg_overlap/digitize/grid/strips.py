"""A picture cut into strips across its lines, as spectra: all later searching happens on them.

A family of lines (the vertical ones, or the horizontal ones) is looked at through strips
that run across it. Each is a few pixels high, so that lines tilted by some degrees stay
sharp in it, and carries one profile.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray

STRIP_PX = 8  # a line tilted by 5° moves 0.7 px within a strip
_HIGHEST_CPP = 0.42  # cycles per px: above it a line's profile is mostly noise
_MOST_GROUPS = 8  # of strips; enough to see a slope, few enough that faint lines show in each
_LEAST_GROUP = 4  # strips, where there are so many
_PADDING = 2  # times the length: a spectrum's steps are half a cycle per length

Image = NDArray[np.uint8]
FloatArray = NDArray[np.float64]
Spectra = NDArray[np.complex64]


@dataclass(frozen=True)
class Strips:
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

    def aligned(self, slope: float, *, most_groups: int = _MOST_GROUPS) -> "AlignedStrips":
        """Neighbouring strips averaged, each shifted so that lines of this slope coincide.

        Args:
            slope: px across per px along the lines.
            most_groups: How many means there are at most.
        """
        n = len(self.centres_px)
        size = -(-n // int(np.clip(n // _LEAST_GROUP, 1, most_groups)))
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
        return AlignedStrips(self, slope, groups, middle, (groups * turn_all).mean(axis=0))

    def profile(self, spectrum: Spectra) -> NDArray[np.float32]:
        """The profile (..., length_px) of a spectrum (..., n_freqs), gray levels."""
        padded = np.zeros((*spectrum.shape[:-1], self.n_fft // 2 + 1), np.complex64)
        padded[..., : spectrum.shape[-1]] = spectrum
        full = scipy.fft.irfft(padded, self.n_fft, axis=-1)
        return np.asarray(full[..., : self.length_px], np.float32)


@dataclass(frozen=True)
class AlignedStrips:
    """Strips shifted along one slope, so that a line stands at the same place in all of them.

    Args:
        strips: Where they come from.
        slope: px across per px along the lines.
        groups: complex64 (n_groups, n_freqs), means of neighbouring strips.
        centres_px: float64 (n_groups,), the place along the lines at which each group's
            lines stand where its spectrum says.
        total: complex (n_freqs,), mean of all, lines standing as at along = 0.
    """

    strips: Strips
    slope: float
    groups: Spectra
    centres_px: FloatArray
    total: Spectra


@dataclass(frozen=True, eq=False)
class Evidence:
    """Darkness in which lines are searched, and its strips, cut once.

    Args:
        dark: uint8 (H, W), from `Illumination`, or straightened.
    """

    dark: Image

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W), px."""
        return self.dark.shape

    @cached_property
    def strips(self) -> tuple[Strips, Strips]:
        """Across the vertical lines, which mark time, and across the horizontal ones."""
        return strips_across(self.dark, vertical=True), strips_across(self.dark, vertical=False)


def strips_across(dark: Image, *, vertical: bool) -> Strips:
    """The strips' spectra across the vertical (or else the horizontal) lines.

    Args:
        dark: uint8 (H, W), darkness.
        vertical: The family that marks time; else the one that marks amplitude.
    """
    h, w = dark.shape
    along, across = (h, w) if vertical else (w, h)
    n_strips = max(along // STRIP_PX, 1)
    size = (w, n_strips) if vertical else (n_strips, h)
    strips = cv2.resize(dark, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    if not vertical:
        strips = np.ascontiguousarray(strips.T)
    strips -= strips.mean(axis=1, keepdims=True)
    n_fft = _PADDING * scipy.fft.next_fast_len(across, real=True)
    freqs = np.arange(n_fft // 2 + 1) / n_fft
    keep = int(np.searchsorted(freqs, _HIGHEST_CPP))
    spectra = scipy.fft.rfft(strips, n_fft, axis=1)[:, :keep]
    centres = (np.arange(n_strips) + 0.5) * along / n_strips - 0.5
    return Strips(np.ascontiguousarray(spectra), freqs[:keep], centres, across, n_fft)


def windowed(spectrum: Spectra) -> Spectra:
    """The spectrum (..., n_freqs) under a Hann window, made in the frequency domain."""
    out = 0.5 * spectrum
    out[..., _PADDING:] -= 0.25 * spectrum[..., :-_PADDING]
    out[..., :-_PADDING] -= 0.25 * spectrum[..., _PADDING:]
    return out


def tapered(spectrum: Spectra) -> Spectra:
    """The spectrum (..., n_freqs) let fade at its end: thin lines then do not ring."""
    return spectrum * np.cos(np.linspace(0, np.pi / 2, spectrum.shape[-1])).astype(np.float32)
