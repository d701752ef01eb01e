"""Lines of one family, found one by one, and the straight comb that fits them all."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ecg_overlap.digitize.grid.strips import Aligned

FloatArray = NDArray[np.float64]
_MOST_WEIGHT = 1.5  # of a strong line over a usual one: one of three major lines may hide in ink
_WINDOW_PX = 16.0  # half the window in which a line is localised, where the pitch allows it


@dataclass(frozen=True)
class Comb:
    """Evenly spaced lines: line k stands at ``phase_px + k * pitch_px + slope * along_px``.

    Args:
        pitch_px: Spacing, measured across the lines' image axis (not perpendicular).
        phase_px: Where line 0 stands at along = 0.
        slope: px across per px along the lines.
        pitch_sd_px: Standard error of the pitch.
        slope_sd: Standard error of the slope.
        residual_px: Robust spread of the single lines about the fit.
        index: int (n_lines,), k of each line within the picture.
        contrast: float64 (n_lines,), each line's contrast, gray levels; ~0 where no line is.
        rest_px: float64 (n_groups, n_lines), how far each line stands from the comb at each
            place along it; NaN where none was seen.
    """

    pitch_px: float
    phase_px: float
    slope: float
    pitch_sd_px: float
    slope_sd: float
    residual_px: float
    index: NDArray[np.int64]
    contrast: FloatArray
    rest_px: FloatArray


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
        Offsets px (n_groups, n_lines), NaN outside the picture; contrasts, same shape.
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


@njit(cache=True)
def _weighted_median(values: FloatArray, weight: FloatArray) -> float:
    """The least value up to which half of the weight lies; found by quickselect."""
    value, share = values.copy(), weight.copy()
    low, high, wanted = 0, len(value), 0.5 * weight.sum()
    while high - low > 1:
        pivot = value[(low + high) // 2]
        less, at, more = low, low, high
        below = equal = 0.0
        while at < more:
            v, w = value[at], share[at]
            if v < pivot:
                value[at], share[at] = value[less], share[less]
                value[less], share[less] = v, w
                below += w
                less += 1
                at += 1
            elif v > pivot:
                more -= 1
                value[at], share[at] = value[more], share[more]
                value[more], share[more] = v, w
            else:
                equal += w
                at += 1
        if below >= wanted and less > low:
            high = less
        elif below + equal >= wanted or more == high:
            return float(pivot)
        else:
            wanted -= below + equal
            low = more
    return float(value[low])


@njit(cache=True)
def normal_equations(design: FloatArray, value: FloatArray, weight: FloatArray) -> FloatArray:
    """Weighted normal equations, float64 (n_columns, n_columns + 1), the right side last."""
    n = design.shape[1]
    out = np.zeros((n, n + 1))
    for row in range(len(value)):
        if weight[row] == 0.0:
            continue
        for i in range(n):
            part = weight[row] * design[row, i]
            for j in range(n):
                out[i, j] += part * design[row, j]
            out[i, n] += part * value[row]
    return out


@njit(cache=True)
def _robust_line(
    design: FloatArray, value: FloatArray, weight: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    """Weighted least squares under Tukey's biweight: solution, its covariance, the spread."""
    n = design.shape[1]
    fit = np.zeros(n)
    robust = np.ones_like(weight)
    spread = 1.0
    # A column that the data leave open (one group only: no slope) stays where it was.
    ridge = np.zeros((n, n))
    for i in range(n):
        ridge[i, i] = 1e-9 * ((design[:, i] ** 2).sum() + 1e-12)
    normal = ridge
    for _ in range(6):
        both = normal_equations(design, value, weight * robust)
        normal = both[:, :n] + ridge
        fit[:] = np.linalg.solve(normal, both[:, n].copy())
        rest = np.abs(value - design @ fit)
        spread = 1.4826 * _weighted_median(rest, weight)
        scaled = rest / max(4.7 * spread, 0.05)
        robust = np.where(scaled < 1, (1 - scaled**2) ** 2, 0.0)
    mean_weight = max(weight.mean(), 1e-12)
    covariance = np.linalg.inv(normal) * mean_weight * max(spread, 0.02) ** 2
    return fit, covariance, spread


def fit_comb(lines: Aligned, *, pitch_px: float, phase_px: float) -> Comb | None:
    """Localise every line and fit the comb to all of them.

    Args:
        lines: One family at its tilt.
        pitch_px: First guess, good to a quarter period over the picture.
        phase_px: First guess of a line's place at along = 0.

    Returns:
        The comb, or None where fewer than two lines fit into the picture.
    """
    fam, slope, centres = lines.family, lines.slope, lines.centres_px
    profiles, n_groups = fam.profile(lines.groups), len(lines.groups)
    half = min(pitch_px, _WINDOW_PX)
    sd_pitch = sd_slope = spread = np.inf
    index, contrast = np.zeros(0, np.int64), np.zeros((n_groups, 0))
    rest = np.zeros((n_groups, 0))
    for _ in range(2):
        span = phase_px + slope * centres
        first = np.ceil((half - span.max()) / pitch_px)
        index = np.arange(
            first, np.floor((fam.length_px - 1 - half - span.min()) / pitch_px) + 1
        ).astype(np.int64)
        if len(index) < 2:
            return None
        expected = span[:, None] + pitch_px * index[None, :]
        offset, contrast = localise(profiles, expected, half)
        good = np.isfinite(offset) & (contrast > 0)
        if good.sum() < 4:
            return None
        weight = np.minimum(contrast[good] / np.median(contrast[good]), _MOST_WEIGHT) ** 2
        k = np.broadcast_to(index, good.shape)[good].astype(np.float64)
        j = np.broadcast_to(centres[:, None], good.shape)[good]
        design = np.column_stack([np.ones(len(k)), k - k.mean(), j - j.mean()])
        fit, covariance, spread = _robust_line(design, (expected + offset)[good], weight)
        pitch_px = float(fit[1])
        if pitch_px < 2 or abs(fit[2]) > 1:
            return None
        slope = float(fit[2]) if n_groups > 1 else slope
        phase_px = float(fit[0] - pitch_px * k.mean() - slope * j.mean())
        rest = np.full(good.shape, np.nan)
        rest[good] = (expected + offset)[good] - design @ fit
        # The groups see the same line: their errors are one line's, not independent.
        sd_pitch = np.sqrt(covariance[1, 1] * n_groups)
        sd_slope = np.sqrt(covariance[2, 2])
    typical = np.median(np.nan_to_num(contrast), axis=0)
    return Comb(
        pitch_px=pitch_px,
        phase_px=phase_px,
        slope=slope,
        pitch_sd_px=float(sd_pitch),
        slope_sd=float(sd_slope) if n_groups > 1 else np.inf,
        residual_px=spread,
        index=index,
        contrast=typical,
        rest_px=rest,
    )
