"""Single lines localised: how far each stands from where it is expected, and how clear it is."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
_MOST_HALF_PX = 16.0  # a wider window would average over more than a line and its surroundings


def half_window_px(pitch_px: float) -> float:
    """Half the window in which a line is localised: up to its neighbours, if they are near."""
    return min(pitch_px, _MOST_HALF_PX)


@njit(cache=True)
def localise(
    profiles: NDArray[np.float32], expected_px: FloatArray, half_px: float
) -> tuple[FloatArray, FloatArray]:
    """Offset of each line from where it is expected, and its contrast.

    The profile around the line, under a Hann window of ± `half_px`, is compared in phase
    with one period of a cosine: the window lets no constant background through.

    Args:
        profiles: float32 (n_groups, length).
        expected_px: float64 (n_groups, n_lines).
        half_px: Half the window's width.

    Returns:
        Offsets px (n_groups, n_lines), NaN outside the picture; contrasts, gray levels, same
        shape.
    """
    length, reach, step = profiles.shape[1], int(half_px), np.pi / half_px
    # (1 + cos πa/h)·exp(−2πia/h) as three carriers, so that the sub-pixel part of the
    # place factors out and all lines share one table.
    carrier = np.exp(1j * step * np.arange(-reach, reach + 1))
    offset = np.full(expected_px.shape, np.nan)
    contrast = np.full(expected_px.shape, np.nan)
    for group in range(expected_px.shape[0]):
        for line in range(expected_px.shape[1]):
            place = expected_px[group, line]
            nearest = int(np.rint(place))
            if not reach <= nearest < length - reach:
                continue
            one, two, three = 0j, 0j, 0j
            for tap in range(2 * reach + 1):
                value = profiles[group, nearest - reach + tap]
                turn = carrier[tap]
                turn2 = turn * turn
                one += value * turn
                two += value * turn2
                three += value * (turn2 * turn)
            part = np.exp(1j * step * (nearest - place))
            sums = two * part**2 + 0.5 * (one * part + three * part**3)
            offset[group, line] = np.arctan2(sums.imag, sums.real) * half_px / (2 * np.pi)
            contrast[group, line] = sums.real * 2.0 / half_px
    return offset, contrast
