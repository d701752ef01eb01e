"""What the leads that are simultaneous with one say of it: by law, and because a heart is a dipole.

By law, a limb lead is a sum of any two others. What a trace and its neighbour exchange where they
meet leaves their sum as it was, so that aVR + aVL + aVF = 0 still holds; II beneath them tells.
So all pairs of simultaneous leads are asked, rhythm strips too.

A heart's field at the body's surface is mostly that of one dipole, of three components, so that
any lead is nearly a sum of three others that are no sums of each other (E. Frank, "An accurate,
clinically practical system for spatial vectorcardiography", Circulation 13, 1956). Of chest leads,
of which no law speaks, that is all that the others tell.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from ecg_overlap.digitize.page.consistency import LEAST_S
from ecg_overlap.digitize.page.laws import in_independent
from ecg_overlap.digitize.page.page_signal import Strip
from ecg_overlap.digitize.paths.path import FloatArray

LEAST_SHARED = 0.9  # of a stretch of time: a strip that has less of it is not simultaneous
SAME = 1e-9  # of what is exact but for rounding
OBEYED_DB = (-10.0, 30.0)  # traces are hardly read better than to 23 dB (`layouts`)


def obeyed_db(strip: Strip, strips: Sequence[Strip]) -> float:
    """A strip's power over that of its difference from what two other leads say it must be, dB.

    The mean over all pairs that give it, each within `OBEYED_DB`; a lead that is printed twice
    gives itself. NaN where no law tells, as of most chest leads.

    Args:
        strip: Of the page.
        strips: All of the page's.
    """
    (own,) = in_independent([strip.lead_name])
    found = []
    for mine, others, names in _together(strip, [s for s in strips if s is not strip]):
        power = float((mine**2).sum())
        for of in _givers(strip.lead_name, names):
            leads = in_independent([names[k] for k in of])
            weights = own @ np.linalg.pinv(leads)
            if np.abs(weights @ leads - own).max() <= SAME:
                wrong = float(((mine - weights @ others[list(of)]) ** 2).sum())
                ratio = max(power, SAME) / max(wrong, SAME)
                found.append(float(np.clip(10 * np.log10(ratio), *OBEYED_DB)))
    return float(np.mean(found)) if found else np.nan


def _givers(lead: str, names: Sequence[str]) -> Iterator[tuple[int, ...]]:
    """Which of some leads may give a lead: itself, and any two of other names."""
    yield from ((k,) for k, name in enumerate(names) if name == lead)
    other = [k for k, name in enumerate(names) if name != lead]
    yield from ((a, b) for a, b in combinations(other, 2) if names[a] != names[b])


def explained(strip: Strip, strips: Sequence[Strip]) -> float:
    """Share of a strip's variance that is some sum of simultaneous leads and a slope, 0–1 (R²).

    NaN where none of another lead is simultaneous with it.

    Args:
        strip: Of the page.
        strips: All of the page's.
    """
    power, left = 0.0, 0.0
    for mine, others, _ in _together(strip, [s for s in strips if s.lead_name != strip.lead_name]):
        sums = np.concatenate([others, [np.linspace(-1, 1, len(mine))]]).T
        weights, *_ = np.linalg.lstsq(sums, mine, rcond=None)
        power += float((mine**2).sum())
        left += float(((mine - sums @ weights) ** 2).sum())
    return max(1 - left / power, 0.0) if power > 0 else np.nan


def _together(
    strip: Strip, others: Sequence[Strip]
) -> Iterator[tuple[FloatArray, FloatArray, list[str]]]:
    """A strip (n,) and those that are simultaneous with it (m, n), mV about their means; names.

    Of a rhythm strip in the time of each column by itself, as other leads stand above it there.
    Where one of them was not seen, all are left out.
    """
    for start_s, stop_s in _stretches(strip, others):
        n = round((stop_s - start_s) * strip.signal.fs_hz)
        cut = [(_cut(other, start_s, n), other.lead_name) for other in others]
        cut = [(mv, name) for mv, name in cut if np.isfinite(mv).mean() >= LEAST_SHARED]
        mine = _cut(strip, start_s, n)
        known = np.isfinite(mine) & np.isfinite([mv for mv, _ in cut]).all(axis=0)
        if cut and known.sum() >= LEAST_S * strip.signal.fs_hz:
            at = np.stack([mine, *(mv for mv, _ in cut)])[:, known]
            at -= at.mean(axis=1, keepdims=True)
            yield at[0], at[1:], [name for _, name in cut]


def _stretches(strip: Strip, others: Sequence[Strip]) -> list[tuple[float, float]]:
    """From when to when, s, the same leads are simultaneous with a strip."""
    mine = (strip.start_s, _stop_s(strip))
    spans = {(s.start_s, _stop_s(s)) for s in others if not s.rhythm} if strip.rhythm else set()
    spans = {(max(a, mine[0]), min(b, mine[1])) for a, b in spans}
    return sorted(span for span in spans if span[1] - span[0] >= LEAST_S) or [mine]


def _stop_s(strip: Strip) -> float:
    return strip.start_s + len(strip.signal.signal_mv) / strip.signal.fs_hz


def _cut(strip: Strip, start_s: float, n: int) -> FloatArray:
    """`n` samples of a strip from a time on, mV; NaN beyond its ends."""
    first = round((start_s - strip.start_s) * strip.signal.fs_hz)
    part = strip.signal.signal_mv[max(first, 0) : max(first + n, 0)]
    cut = np.full(n, np.nan)
    cut[max(-first, 0) : max(-first, 0) + len(part)] = part
    return cut
