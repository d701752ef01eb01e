"""Lines of one family, found one by one, and the straight comb that fits them all."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.grid_evidence import Aligned

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
    length = profiles.shape[1]
    reach = int(half_px)
    taps = np.arange(-reach, reach + 1)
    nearest = np.rint(expected_px).astype(np.int64)
    inside = (nearest >= reach) & (nearest < length - reach)
    centre = np.clip(nearest, reach, max(length - reach - 1, reach))
    rows = np.arange(len(profiles))[:, None, None]
    values = profiles[rows, centre[..., None] + taps]
    # (1 + cos πa/h)·exp(−2πia/h) as three carriers, so that the sub-pixel part of the
    # place factors out and all lines share one table.
    order = np.array([2, 1, 3])
    share = np.array([1.0, 0.5, 0.5])
    table = np.exp((-1j * np.pi / half_px) * taps[:, None] * order).astype(np.complex64)
    part = (nearest - expected_px)[..., None]
    turned = (values @ table) * share * np.exp((-1j * np.pi / half_px) * part * order)
    response = turned.sum(axis=-1) * (2.0 / half_px)
    offset = -np.angle(response) * half_px / (2 * np.pi)
    return np.where(inside, offset, np.nan), np.where(inside, response.real, np.nan)


def _robust_line(
    design: FloatArray, value: FloatArray, weight: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    """Weighted least squares under Tukey's biweight: solution, its covariance, the spread."""
    fit: FloatArray = np.zeros(design.shape[1])
    robust = np.ones_like(weight)
    spread = 1.0
    # A column that the data leave open (one group only: no slope) stays where it was.
    ridge = 1e-9 * np.diag((design**2).sum(axis=0) + 1e-12)
    normal = ridge
    for _ in range(6):
        w = weight * robust
        normal = (design * w[:, None]).T @ design + ridge
        fit = np.asarray(np.linalg.solve(normal, (design * w[:, None]).T @ value), np.float64)
        rest = np.abs(value - design @ fit)
        order = np.argsort(rest)
        cumulative = np.cumsum(weight[order])
        spread = 1.4826 * float(rest[order][np.searchsorted(cumulative, cumulative[-1] / 2)])
        scaled = rest / max(4.7 * spread, 0.05)
        robust = np.where(scaled < 1, (1 - scaled**2) ** 2, 0.0)
    mean_weight = max(float(weight.mean()), 1e-12)
    covariance = np.linalg.inv(normal) * mean_weight * max(spread, 0.02) ** 2
    return fit, np.asarray(covariance, np.float64), spread


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
    with np.errstate(all="ignore"):
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
