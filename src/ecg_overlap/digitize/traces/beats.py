"""One beat is like the next: where each trace is expected, as its other beats tell.

Where traces run into each other, nothing beside that place may tell who goes on as which. But
leads that are simultaneous meet at the same phase of every beat, never quite alike, and most beats
are traced right. So the median of a trace's beats is a template of it, and says where to look for
the trace when the picture is traced again.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, median_filter

from ecg_overlap.digitize.traces.runs import LEVEL_STROKES, FloatArray, IntArray, Runs
from ecg_overlap.digitize.traces.summits import summits

# Of `find_beats`, set by hand: of 24 drawn leads of fold 9 (contact .25) it finds every beat.
SMOOTH_MM = 0.4  # standard deviation of the profile of steep ink: 16 ms at 25 mm/s
APART_MM = 6.0  # two beats at the least: 250 a minute at 25 mm/s
CLEAR = 0.35  # of the height of most beats' peaks: a peak is a beat's from there on
AROUND_MM = 3.0  # of a beat's peak: its QRS complex
SHIFT_MM = 1.0  # by which beats are moved to lie on each other, at most
ALIKE = (
    0.8  # correlation of a beat's profile with the median beat's; of 705 drawn beats, all have it
)
LEAST_BEATS = 3  # a median of fewer says nothing
BEFORE = 0.4  # of the way to the beat before: so much of it is this one's, as T waves are late
LEAST_SPREAD_MM = 0.3  # of a template, as wide as a stroke
MAD = 1.4826  # of a normal distribution's deviation in its median absolute one
UNKNOWN = np.log(10)  # unlikeness of what was not seen in a beat: as ten spreads away
SORTINGS = 4  # of which found trace is which, beat by beat


@dataclass(frozen=True)
class Beats:
    """Where beats are.

    Args:
        column: int64 (B,), the same phase of each, ascending.
        alike: bool (B,): whether it looks like most of them.
    """

    column: IntArray
    alike: NDArray[np.bool_]


@dataclass(frozen=True)
class Expected:
    """Where traces are expected.

    Args:
        rows_px: float64 (K, W).
        spread_px: float64 (K, W): how far from there they usually are.
    """

    rows_px: FloatArray
    spread_px: FloatArray

    def of(self, some: slice) -> "Expected":
        """Some of the traces."""
        return Expected(self.rows_px[some], self.spread_px[some])


def find_beats(runs: Runs, pen_px: float, *, px_per_mm: float) -> Beats:
    """The beats of simultaneous leads: where ink is steep.

    Args:
        runs: Of all ink.
        pen_px: The strokes' usual width.
        px_per_mm: The picture's scale.
    """
    width = len(runs.first) - 1
    steep = np.maximum(runs.bottom_px - runs.top_px - LEVEL_STROKES * pen_px, 0)
    profile = gaussian_filter1d(
        np.bincount(runs.column, steep, minlength=width), SMOOTH_MM * px_per_mm
    )
    at = summits(profile, max(APART_MM * px_per_mm, 1))
    if len(at) < LEAST_BEATS:
        return Beats(at, np.zeros(len(at), np.bool_))
    at = at[profile[at] >= CLEAR * np.quantile(profile[at], 0.9)]
    around, reach = round(AROUND_MM * px_per_mm), round(SHIFT_MM * px_per_mm)
    padded = np.pad(profile, around + reach)
    near = np.arange(2 * around + 1)
    shifts = np.arange(2 * reach + 1)
    cuts = padded[at[:, None, None] + shifts[:, None] + near]  # (B, shifts, columns)
    usual = np.median(cuts[:, reach], axis=0)
    likeness = _correlations(cuts, usual)
    return Beats(at + likeness.argmax(axis=1) - reach, likeness.max(axis=1) >= ALIKE)


def _correlations(cuts: FloatArray, usual: FloatArray) -> FloatArray:
    """Pearson's ρ of profiles (…, n) with one (n,); 0 where a profile is level."""
    away = cuts - cuts.mean(axis=-1, keepdims=True)
    of_usual = usual - usual.mean()
    norm = np.sqrt((away**2).sum(axis=-1) * (of_usual**2).sum())
    found: FloatArray = (away @ of_usual) / np.where(norm > 0, norm, np.inf)
    return found


def expected_by_beats(
    seen_px: FloatArray,
    beats: Beats,
    rows_px: FloatArray,
    spread_px: FloatArray,
    *,
    px_per_mm: float,
) -> Expected | None:
    """Where traces are expected, by their other beats; None where too few beats are alike.

    Args:
        seen_px: float64 (K, W), the rows at which each trace was found; NaN: not known.
        beats: Of the picture.
        rows_px: float64 (K, W), to which the traces return: expected where beats do not tell.
        spread_px: float64 (K, W), how far from there they usually are.
        px_per_mm: The picture's scale.
    """
    if beats.alike.sum() < LEAST_BEATS:
        return None
    width = seen_px.shape[1]
    # One more beat to both sides, of which the picture may show a part.
    usual = int(np.median(np.diff(beats.column)))
    at = np.concatenate([[beats.column[0] - usual], beats.column, [beats.column[-1] + usual]])
    starts = np.concatenate([[0], np.rint(at[1:] - BEFORE * np.diff(at)), [width]]).astype(np.int64)
    starts = starts.clip(0, width)
    before, after = int((at - starts[:-1]).max()), int((starts[1:] - at).max())
    columns = at[:, None] + np.arange(-before, after)  # of each phase of each beat
    inside = (columns >= starts[:-1, None]) & (columns < starts[1:, None])
    cut = np.where(inside, (seen_px - rows_px)[:, columns.clip(0, width - 1)], np.nan)
    template, spread, drift = _templates(cut[:, 1:-1], beats.alike, LEAST_SPREAD_MM * px_per_mm)
    drifts = [np.interp(np.arange(width), beats.column, of_trace) for of_trace in drift]
    rows, spreads = rows_px + np.stack(drifts), spread_px.copy()
    for b in np.flatnonzero(np.concatenate([[True], beats.alike, [True]])):
        there = columns[b, inside[b]]
        told = np.isfinite(template[:, inside[b]])
        rows[:, there] += np.where(told, template[:, inside[b]], 0)
        spreads[:, there] = np.where(told, spread[:, inside[b]], spreads[:, there])
    return Expected(rows, spreads)


def _templates(
    cut: FloatArray, alike: NDArray[np.bool_], least: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The usual beat of each trace.

    In some beats traces may have been taken for each other, all through the beat: so each beat's
    traces are sorted anew, to be as like the templates as can be.

    Args:
        cut: float64 (K, B, P), rows of the traces at the phases of each beat; NaN: not known.
        alike: bool (B,), the beats that are like each other.
        least: Of the spread.

    Returns:
        float64 (K, P), NaN where no beat tells; likewise, how far beats usually are from it; and
        float64 (K, B), how much lower each beat is than the usual one.
    """
    from scipy.optimize import linear_sum_assignment  # a tenth of a second, and often not needed

    n, n_beats, _ = cut.shape
    order = np.tile(np.arange(n), (n_beats, 1))  # which of the found traces is which, by beat
    drift = np.zeros((n, n_beats))
    for _ in range(SORTINGS):
        mine = cut[order.T, np.arange(n_beats)]
        level = mine[:, alike] - drift[:, alike, None]
        template = _median(level, axis=1)
        spread = np.maximum(MAD * _median(np.abs(level - template[:, None]), axis=1), least)
        lower = np.nan_to_num(_median(mine - template[:, None], axis=2))
        drift = median_filter(lower, size=(1, LEAST_BEATS), mode="nearest")
        for b in range(n_beats):
            off = np.abs(cut[:, b][:, None] - template - drift[:, b, None]) / spread
            seen = np.isfinite(off)
            unlike = np.where(seen, np.log1p(off), 0).sum(axis=2) / np.maximum(seen.sum(axis=2), 1)
            unlike[~seen.any(axis=2)] = UNKNOWN
            found, trace = linear_sum_assignment(unlike)
            order[b, trace] = found
    return template, spread, drift


def _median(values: FloatArray, axis: int) -> FloatArray:
    """The median of what is known; NaN where nothing is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's, of slices without a value
        found: FloatArray = np.nanmedian(values, axis=axis)
    return found
