"""Which way up a lead is, from its signal: after a QRS complex comes a T wave, before it a P wave.

Upside down, a lead runs backward and is mirrored. What is mirrored may be another lead, but time
has a direction in all of them. The T wave stands 0.16 to 0.32 s after the complex, and is most of
what the beat deflects beside it; the P wave, 0.12 to 0.20 s before it, is small but steep.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

STEP_S = 0.01  # a tenth of a P wave
REACH_S = 0.6  # to both sides of a complex: before it, no T wave of a slow heart; after it, no P
COMPLEX_S = 0.08  # from a complex's middle on, what is not of it
STEEP_S = 0.07  # a complex's steep part: its slopes are summed over so much
LEAST_STEEP = 0.3  # of the steepest complex's: a beat's, and no T wave's
STEEPEST_PERCENT = 99.0
APART_S = 0.3  # complexes at the least
BEFORE_NEXT_S = 0.12  # where the next beat's complex begins
LEAST_SEEN_S = 0.2  # of a beat, on both sides together
T_WAVE_S, P_WAVE_S, T_SLOPE_S = (0.16, 0.32), (0.12, 0.20), (0.24, 0.32)
# Log odds, by a logistic regression without intercept (time reversed, all odds turn round) on
# 10,476 leads of PTB-XL's folds 1–8 and of 520 more of its records, 2.5 and 10 s each.
BY_T_WAVE = 12.6  # of the share of all deflection that is more after the complex than before it
BY_P_WAVE = 14.0  # of the share of all slopes that is more at the P wave's place than at the T's


def log_odds_upright(signal_mv: FloatArray, fs_hz: float) -> float:
    """Logarithm of the odds that a lead is the right way up, and not turned by 180°.

    Right for 93 % of 1,452 leads of 2.5 s of PTB-XL's folds 9 and 10, for 97 % of 1,188 of LUDB.
    Of these, 0.8 and 0.2 % have less than -2.5, of turned ones 75 and 86 %.

    Args:
        signal_mv: float64 (n,); NaN where no trace was seen.
        fs_hz: Its sampling frequency.

    Returns:
        Positive if it is likely upright; 0 where the signal does not tell, as without beats.
    """
    beat, between_s = _mean_beat(signal_mv, fs_hz)
    reach = len(beat) // 2
    time_s = np.arange(-reach, reach + 1, dtype=np.float64) * STEP_S
    most_s = max(between_s - BEFORE_NEXT_S, LEAST_SEEN_S)
    beside = (abs(time_s) >= COMPLEX_S) & (abs(time_s) <= most_s) & np.isfinite(beat)
    beside &= beside[::-1]
    if beside.sum() * STEP_S < LEAST_SEEN_S:
        return 0.0
    deflection = abs(beat - np.median(beat[np.isfinite(beat)]))
    more = partial(_more_after, time_s=time_s, beside=beside)
    slope = np.nan_to_num(abs(np.gradient(beat)))
    t_wave = more(deflection, *T_WAVE_S)
    p_wave = more(slope, *P_WAVE_S) - more(slope, *T_SLOPE_S)
    return float(BY_T_WAVE * t_wave - BY_P_WAVE * p_wave)


def _more_after(
    values: FloatArray,
    first_s: float,
    last_s: float,
    *,
    time_s: FloatArray,
    beside: NDArray[np.bool_],
) -> float:
    """By which share of `values` there is more so long after the complex than before it."""
    there = beside & (abs(time_s) >= first_s - STEP_S / 2) & (abs(time_s) < last_s - STEP_S / 2)
    whole = max(float(values[beside].sum()), 1e-9)
    return float((values[there] * np.sign(time_s[there])).sum()) / whole


def _mean_beat(signal_mv: FloatArray, fs_hz: float) -> tuple[FloatArray, float]:
    """The median beat about its complex, float64 (2n + 1,), and the usual time between beats, s."""
    seen = np.isfinite(signal_mv)
    time_s = np.arange(len(signal_mv)) / fs_hz
    reach = round(REACH_S / STEP_S)
    at = np.arange(0, len(signal_mv) / fs_hz - STEP_S, STEP_S)
    nothing = np.full(2 * reach + 1, np.nan), 1.0
    if seen.sum() < 2 or len(at) < reach:
        return nothing
    # Means over a step, as samples of a picture are finer than what it shows.
    wide = max(round(STEP_S * fs_hz), 1)
    known = np.interp(time_s, time_s[seen], signal_mv[seen])
    x = np.interp(at, time_s, np.convolve(known, np.ones(wide) / wide, "same"))
    complexes = _complexes(x)
    padded = np.pad(x, reach, constant_values=np.nan)
    beats = np.stack([padded[k : k + 2 * reach + 1] for k in complexes])
    held = np.isfinite(beats).any(axis=0)
    beat = nothing[0].copy()
    beat[held] = np.nanmedian(beats[:, held], axis=0)
    between_s = float(np.median(np.diff(complexes))) * STEP_S if len(complexes) > 1 else 1.0
    return beat, between_s


def _complexes(x: FloatArray) -> NDArray[np.int_]:
    """Where the signal is steepest for a while, the steepest first served, in order of time."""
    steps = round(STEEP_S / STEP_S)
    steep = np.convolve(np.gradient(x) ** 2, np.ones(steps) / steps, "same")
    apart = round(APART_S / STEP_S)
    free, found = np.ones(len(x), np.bool_), []
    for k in np.argsort(-steep, kind="stable"):
        if steep[k] < LEAST_STEEP * np.percentile(steep, STEEPEST_PERCENT):
            break
        if free[k]:
            found.append(int(k))
            free[max(k - apart, 0) : k + apart + 1] = False
    return np.array(sorted(found), int)
