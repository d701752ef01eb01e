"""How likely a reading is right, by what it itself shows: the probability of 10 dB or more.

What speaks against a reading is put into numbers that need no truth (`Evidence`). Each becomes a
doubt, 0 where nothing speaks against it, and takes its weight from the log odds (a logistic
regression whose weights have no other sign), so that more doubt never gives more quality.
`benchmarks/quality.py --fit` fits the weights, and measures on other records what they are worth.

It is an average over leads like those drawn: of one lead it knows what its ink shows, and not that
a scale was told wrong or that the wrong lead was printed.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

import numpy as np

from ecg_overlap.digitize.decoders import DECODERS, Decoded
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.ink.found import Ink
from ecg_overlap.digitize.paths.path import FloatArray, Path

LOW_QUALITY = 0.5  # under it, a lead is likelier under 10 dB than not
SECOND = DECODERS["viterbi"]  # the other reading: of the same ink in a hundredth of the time

RATE_HZ = 500.0  # at which paths are looked at, whatever rate was asked for
FAST_HZ = 40.0  # little of an ECG is faster, much of a path over letters, marks and noise is
BEAT_S = (0.33, 1.6)  # from one beat to the next: 180 to 37 a minute
LONGEST_LAG = 0.7  # of the lead: at least three tenths of it are compared with each other
LEAST_SHARED = 0.5  # of the path's columns: a second reading that has fewer of them is another


@dataclass(frozen=True)
class Evidence:
    """What tells of a reading without its truth.

    Args:
        confidence: Mean over the path of how much ink is under it, 0–1: 0 in gaps and over blank
            paper, half where a peak is doubtful or another trace has the ink too.
        unexplained: Ink that no trace's path draws, over what the primary's own pen draws: 1 is
            as much as its whole stroke.
        chance: That the chosen trace is the primary, 0–1.
        seen: Mean of the network's map of the trace along its path, 0–1; NaN without such a map.
        agreement_db: SNR of the path, its difference from a second reading counted as its error.
        alike: How like the lead is to itself a beat later: the highest autocorrelation, −1 to 1.
        fast: Share of the lead's amplitude that is faster than `FAST_HZ`, 0–1.
        trend: Share of the lead's amplitude that is one straight slope, 0–1: of a wandering 0 mV,
            or of a tilt.
        grid: The grid's confidence; NaN where the scale was given.
        at_edge: 1 where the trace touches the picture's edge, which may have cut off its peaks.
        peak_doubtful: 1 where a peak was joined from pieces, else 0.
    """

    confidence: float
    unexplained: float
    chance: float
    seen: float
    agreement_db: float
    alike: float
    fast: float
    trend: float
    grid: float
    at_edge: float
    peak_doubtful: float


# Weights in the order of `Evidence`; `python benchmarks/quality.py --fit` gives them.
SURE = 8.54  # log odds of a reading without any doubt
WEIGHTS = Evidence(
    confidence=2.00,
    unexplained=1.65,
    chance=2.84,
    seen=1.37,
    agreement_db=2.28,
    alike=1.22,
    fast=3.36,
    trend=0.92,
    grid=1.80,
    at_edge=0.99,
    peak_doubtful=0.56,
)
NAMES = tuple(field.name for field in fields(Evidence))

# Where a doubt begins and where more of it says no more, in the evidence's own terms.
MOST_UNSURE = 0.5  # 1 − confidence, 1 − what the map shows
UNSEEN = 0.8  # counted as what a map shows where there is none
MOST_UNEXPLAINED = 5.0
LEAST_CHANCE = 0.1
AGREED_DB, DISAGREED_DB = 20.0, 5.0
GRID_SURE = 0.5  # a grid's confidence under which its scale may be another box's


def quality(evidence: Evidence) -> float:
    """The probability of 10 dB or more, 0–1.

    Example:
        >>> good = Evidence(0.99, 0.0, 1.0, 0.95, 25.0, 0.9, 0.05, 0.1, 1.0, 0.0, 0.0)
        >>> poor = Evidence(0.70, 2.0, 0.5, 0.60, 1.0, 0.2, 0.30, 0.5, 0.4, 1.0, 1.0)
        >>> quality(good) > 0.9, quality(poor) < 0.1
        (True, True)
    """
    return probability(doubts(evidence), asdict(WEIGHTS), SURE)


def probability(doubts: Mapping[str, float], weights: Mapping[str, float], sure: float) -> float:
    """What is left of certainty, 0–1, when each doubt has taken its weight from the log odds.

    Args:
        doubts: By the name of their evidence; 0 each where nothing speaks against the reading.
        weights: Of the same names, log odds per doubt, none of them negative.
        sure: Log odds without any doubt.
    """
    weighed = sum(weights[name] * value for name, value in doubts.items())
    return 1 / (1 + math.exp(min(weighed - sure, 700.0)))


def doubts(evidence: Evidence) -> dict[str, float]:
    """What speaks against a reading, by the name of its evidence: each from 0 to about 4.

    What is not known does not speak against it, but for a second reading that there is none of.
    """
    e = evidence
    seen = UNSEEN if math.isnan(e.seen) else e.seen
    agreement = DISAGREED_DB if math.isnan(e.agreement_db) else e.agreement_db
    return {
        "confidence": 5 * min(1 - e.confidence, MOST_UNSURE),
        "unexplained": math.sqrt(min(e.unexplained, MOST_UNEXPLAINED)),
        "chance": -math.log(max(e.chance, LEAST_CHANCE)),
        "seen": 4 * min(1 - seen, MOST_UNSURE),
        "agreement_db": (AGREED_DB - float(np.clip(agreement, DISAGREED_DB, AGREED_DB))) / 10,
        "alike": 2 * (1 - max(e.alike, 0.0)),
        "fast": 2 * e.fast,
        "trend": e.trend,
        "grid": 0.0 if math.isnan(e.grid) else 4 * max(GRID_SURE - e.grid, 0.0),
        "at_edge": e.at_edge,
        "peak_doubtful": e.peak_doubtful,
    }


def evidence_of(
    read: Decoded,
    second: Path | None,
    *,
    px_per_s: float,
    grid_confidence: float,
    at_edge: bool = False,
) -> Evidence:
    """The evidence that a reading gives.

    Args:
        read: On straight paper, with what its traces leave over.
        second: Another reading's path there; None: there is none.
        px_per_s: Of straight paper, by the speed that holds.
        grid_confidence: NaN where the scale was given.
        at_edge: Whether the trace touches the picture's edge.
    """
    path, left = read.path, read.leftover
    assert left is not None  # only readings of all traces are judged
    course = course_of(path, px_per_s=px_per_s)
    return Evidence(
        confidence=course.confidence,
        unexplained=float(left.unexplained.sum()) / drawn_px(path),
        chance=read.chance,
        seen=read.seen,
        agreement_db=math.nan if second is None else agreement_db(path, second),
        alike=course.alike,
        fast=course.fast,
        trend=course.trend,
        grid=grid_confidence,
        at_edge=float(at_edge),
        peak_doubtful=float(path.peak_doubtful),
    )


@dataclass(frozen=True)
class Course:
    """What a path's own course tells of it; each as `Evidence` has it."""

    confidence: float
    alike: float
    fast: float
    trend: float


def course_of(path: Path, *, px_per_s: float) -> Course:
    """What a path on straight paper, or a part of one, tells by its own course."""
    y, sure = _even(path, px_per_s)
    away = y - y.mean()
    return Course(float(sure.mean()), _alike(away), _fast(away), _trend(away))


def drawn_px(path: Path) -> float:
    """What a path's pen draws from its start to its end, px²: of a level stroke."""
    return max((path.end_px - path.start_px) * path.width_px, 1.0)


def second_path(ink: Ink, row_px: float | None) -> Path | None:
    """The path of another reading of the same ink; None where that finds none."""
    try:
        read = SECOND.decode(SECOND.choose_trace(ink, row_px))
    except DigitizeError:
        return None
    return read.path if np.isfinite(read.path.y_px).sum() > 1 else None


def agreement_db(path: Path, other: Path) -> float:
    """SNR in dB of a path, its difference from another counted as its error, means removed.

    In columns that both have; `DISAGREED_DB` where these are less than half of the path's.
    """
    first, last = math.ceil(max(path.start_px, 0)), math.floor(path.end_px)
    columns = np.arange(first, max(last, first) + 1, dtype=np.float64)
    mine, its = _rows_at(path, columns), _rows_at(other, columns)
    both = np.isfinite(mine) & np.isfinite(its)
    if both.sum() < 2 or both.sum() < LEAST_SHARED * np.isfinite(mine).sum():
        return DISAGREED_DB
    signal = mine[both] - mine[both].mean()
    error = signal - (its[both] - its[both].mean())
    power, noise = float((signal**2).sum()), float((error**2).sum())
    if noise <= 0:
        return AGREED_DB
    return 10 * math.log10(power / noise) if power > 0 else DISAGREED_DB


def _rows_at(path: Path, columns: FloatArray) -> FloatArray:
    """Rows of a path at columns; NaN in its gaps and beyond its ends."""
    seen = np.isfinite(path.y_px)
    if seen.sum() < 2:
        return np.full(len(columns), np.nan)
    x = path.x_px[seen]
    rows = np.interp(columns, x, path.y_px[seen])
    after = np.searchsorted(path.x_px, columns).clip(1, len(path.x_px) - 1)
    known = seen[after] & seen[after - 1]
    known &= (columns >= x[0] - 0.5) & (columns <= x[-1] + 0.5)
    return np.where(known, rows, np.nan)


def _even(path: Path, px_per_s: float) -> tuple[FloatArray, FloatArray]:
    """Rows and confidences at `RATE_HZ`, (n,) each; a gap has the mean row, and no confidence."""
    step = px_per_s / RATE_HZ
    n = max(int((path.end_px - path.start_px) / step) + 1, 1)
    columns: FloatArray = path.start_px + step * np.arange(n, dtype=np.float64)
    rows = _rows_at(path, columns)
    known = np.isfinite(rows)
    if not known.any():
        return np.zeros(n), np.zeros(n)
    sure = np.where(known, np.interp(columns, path.x_px, path.confidence), 0.0)
    return np.where(known, rows, rows[known].mean()), sure


def _alike(away: FloatArray) -> float:
    """The highest autocorrelation of a signal (n,) of mean 0 at a beat's distance; 0: too short."""
    n = len(away)
    last = min(round(BEAT_S[1] * RATE_HZ), int(LONGEST_LAG * n))
    lags = np.arange(round(BEAT_S[0] * RATE_HZ), last)
    if not len(lags):
        return 0.0
    size = 2 ** math.ceil(math.log2(2 * n))
    product = np.fft.irfft(np.abs(np.fft.rfft(away, size)) ** 2, size)[lags]
    energy = np.concatenate([[0.0], np.cumsum(away**2)])
    norm = np.sqrt(energy[n - lags] * (energy[-1] - energy[lags]))
    return float((product / np.maximum(norm, 1e-9)).max())


def _fast(away: FloatArray) -> float:
    """Share of a signal's amplitude (n,) that is faster than `FAST_HZ`, its ends faded out."""
    power = np.abs(np.fft.rfft(away * np.hanning(len(away)))) ** 2
    power[1:-1] *= 2  # of the negative frequencies
    whole = float(power.sum())
    if whole <= 0:
        return 1.0
    above = np.fft.rfftfreq(len(away), 1 / RATE_HZ) > FAST_HZ
    return math.sqrt(float(power[above].sum()) / whole)


def _trend(away: FloatArray) -> float:
    """Share of the standard deviation of a signal (n,) of mean 0 that is a straight line."""
    n, whole = len(away), float(away.std())
    if n < 2 or whole <= 0:
        return 0.0
    line = np.linspace(-1, 1, n)
    return min(abs(float(away @ line)) / (math.sqrt(float(line @ line) * n) * whole), 1.0)
