"""The straight, even comb that fits all lines of one family."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.grid.lines import half_window_px, localise
from ecg_overlap.digitize.grid.robust import (
    MAD_TO_SD,
    TUKEY_SD,
    biweight,
    normal_equations,
    weighted_median,
)
from ecg_overlap.digitize.grid.strips import AlignedStrips

FloatArray = NDArray[np.float64]
_MOST_WEIGHT = 1.5  # of a strong line over a usual one: one of three major lines may hide in ink
_N_FITS = 2  # the second localises lines where the first says that they are
_N_REWEIGHTINGS = 6  # rounds of the robust fit
_LEAST_LINES, _LEAST_SEEN = 2, 4  # lines in the picture, and places at which one is seen
_LEAST_PITCH_PX, _MOST_SLOPE = 2.0, 1.0  # a fit beyond these has run away
_LEAST_CUTOFF_PX, _LEAST_SPREAD_PX = 0.05, 0.02  # drawn lines may have no scatter at all
_RIDGE = 1e-9  # relative; leaves what the data do not tell (one group: no slope) where it was
USUAL_PERCENT = 75  # over the lines' contrasts: high, as ink hides some of them


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

    @property
    def usual_contrast(self) -> float:
        """Contrast of its clearer lines, gray levels."""
        return float(np.percentile(self.contrast, USUAL_PERCENT))

    def places(self, along_px: FloatArray) -> FloatArray:
        """Where its lines stand at places (n,) along them, float64 (n, n_lines), px."""
        start = self.phase_px + self.slope * along_px
        return np.asarray(start[:, None] + self.pitch_px * self.index[None, :])


def fit_comb(lines: AlignedStrips, *, pitch_px: float, phase_px: float) -> Comb | None:
    """Localise every line and fit the comb to all of them.

    Args:
        lines: One family at its tilt.
        pitch_px: First guess, good to a quarter period over the picture.
        phase_px: First guess of a line's place at along = 0.

    Returns:
        The comb, or None where fewer than two lines fit into the picture.
    """
    profiles, half_px = lines.strips.profile(lines.groups), half_window_px(pitch_px)
    comb, slope = None, lines.slope
    for _ in range(_N_FITS):
        comb = _fitted(lines, profiles, half_px, (pitch_px, phase_px, slope))
        if comb is None:
            return None
        pitch_px, phase_px, slope = comb.pitch_px, comb.phase_px, comb.slope
    return comb


def _fitted(
    lines: AlignedStrips,
    profiles: NDArray[np.float32],
    half_px: float,
    guess: tuple[float, float, float],
) -> Comb | None:
    """The comb nearest to the guess of pitch, phase and slope."""
    (pitch_px, phase_px, slope), centres, n_groups = guess, lines.centres_px, len(profiles)
    span = phase_px + slope * centres
    first = np.ceil((half_px - span.max()) / pitch_px)
    last = np.floor((lines.strips.length_px - 1 - half_px - span.min()) / pitch_px)
    index = np.arange(first, last + 1).astype(np.int64)
    if len(index) < _LEAST_LINES:
        return None
    expected = span[:, None] + pitch_px * index[None, :]
    offset, contrast = localise(profiles, expected, half_px)
    good = np.isfinite(offset) & (contrast > 0)
    if good.sum() < _LEAST_SEEN:
        return None
    weight = np.minimum(contrast[good] / np.median(contrast[good]), _MOST_WEIGHT) ** 2
    k = np.broadcast_to(index, good.shape)[good].astype(np.float64)
    j = np.broadcast_to(centres[:, None], good.shape)[good]
    design = np.column_stack([np.ones(len(k)), k - k.mean(), j - j.mean()])
    fit, covariance, spread = _robust_line(design, (expected + offset)[good], weight)
    pitch_px = float(fit[1])
    if pitch_px < _LEAST_PITCH_PX or abs(fit[2]) > _MOST_SLOPE:
        return None
    slope = float(fit[2]) if n_groups > 1 else slope
    rest = np.full(good.shape, np.nan)
    rest[good] = (expected + offset)[good] - design @ fit
    return Comb(
        pitch_px=pitch_px,
        phase_px=float(fit[0] - pitch_px * k.mean() - slope * j.mean()),
        slope=slope,
        # The groups see the same line: their errors are one line's, not independent.
        pitch_sd_px=float(np.sqrt(covariance[1, 1] * n_groups)),
        slope_sd=float(np.sqrt(covariance[2, 2])) if n_groups > 1 else np.inf,
        residual_px=spread,
        index=index,
        contrast=np.median(np.nan_to_num(contrast), axis=0),
        rest_px=rest,
    )


def _robust_line(
    design: FloatArray, value: FloatArray, weight: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    """Weighted least squares under Tukey's biweight: solution, its covariance, the spread.

    Not compiled: that takes a tenth of the first start, and a picture has a few combs only.
    """
    n = design.shape[1]
    fit = np.zeros(n)
    robust = np.ones_like(weight)
    spread = 1.0
    ridge = np.zeros((n, n))
    for i in range(n):
        ridge[i, i] = _RIDGE * ((design[:, i] ** 2).sum() + 1e-12)
    normal = ridge
    for _ in range(_N_REWEIGHTINGS):
        both = normal_equations(design, value, weight * robust)
        normal = both[:, :n] + ridge
        fit[:] = np.linalg.solve(normal, both[:, n].copy())
        rest = np.abs(value - design @ fit)
        spread = MAD_TO_SD * weighted_median(rest, weight)
        robust = biweight(rest, max(TUKEY_SD * spread, _LEAST_CUTOFF_PX))
    mean_weight = max(weight.mean(), 1e-12)
    covariance = np.linalg.inv(normal) * mean_weight * max(spread, _LEAST_SPREAD_PX) ** 2
    return fit, covariance, spread
