"""The overlap dials, and how far the neighbours of a trace overlap it, from truth.

Definitions. A trace has ink at a pixel where its coverage is at least `INK` of 255. The
primary's columns are those in which it has ink. In one of them, the gap to another trace is
the number of rows without ink of either between their nearest pixels, 0 where they share one.
`intrusion` is the fraction of the primary's columns with any other trace's ink in the picture,
`contact` the fraction in which the gap is at most `CONTACT_GAP_PX`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from data_gen.dials import Range, as_number, as_probability, as_range, uniform
from data_gen.sample import Severity

U8 = NDArray[np.uint8]

INK = 128
CONTACT_GAP_PX = 1


@dataclass(frozen=True)
class OverlapDials:
    """The dials of overlap; each range is a number or [lo, hi].

    Args:
        row_pitch_mm: Between two rows' baselines; None spreads the rows over the page. A range
            is cut to what the page holds.
        jitter_mm: Each row's baseline is moved by up to this much, up or down.
        above: How many neighbouring rows above the primary are drawn; None for all.
        below: How many below.
        neighbour_gain: The neighbours' amplitudes are drawn by this factor larger, in a crop.
        pen_mm: Stroke width.
        contact: The fraction of the primary's columns that neighbours shall touch in a crop, for
            [lo, hi] another in each sample; None lets it fall out of the page. A pitch is then
            solved for it, and `row_pitch_mm` is left aside.
        intrusion: The fraction of columns in which neighbours shall stand; likewise.
        severity_p: The fraction of the samples in which that severity is asked for; the others
            take `row_pitch_mm`.
        search_mm: Where to look for that pitch.
        tolerance: How far a sample may stay from what was asked.
        tries: How many records may be drawn for it.
    """

    row_pitch_mm: Any = None
    jitter_mm: Any = (0.0, 0.0)
    above: int | None = None
    below: int | None = None
    neighbour_gain: Any = (1.0, 1.0)
    pen_mm: Any = (0.25, 0.4)
    contact: Any = None
    intrusion: Any = None
    severity_p: float = 1.0
    search_mm: Any = (0.5, 40.0)
    tolerance: float = 0.03
    tries: int = 64

    def __post_init__(self) -> None:
        bounds = {
            "jitter_mm": (0, 50),
            "neighbour_gain": (0.1, 10),
            "pen_mm": (0.05, 3),
            "search_mm": (0.1, 200),
        }
        if self.row_pitch_mm is not None:
            bounds["row_pitch_mm"] = (0.5, 200)
        for name, (lowest, highest) in bounds.items():
            value = as_range(f"overlap.{name}", getattr(self, name), lowest=lowest, highest=highest)
            object.__setattr__(self, name, value)
        as_probability("overlap.tolerance", self.tolerance)
        as_probability("overlap.severity_p", self.severity_p)
        for name in ("contact", "intrusion"):
            if getattr(self, name) is not None:
                lo, hi = as_range(f"overlap.{name}", getattr(self, name), lowest=0, highest=1)
                object.__setattr__(self, name, lo if lo == hi else (lo, hi))
        for name in ("above", "below"):
            if getattr(self, name) is not None:
                as_number(f"overlap.{name}", getattr(self, name), lowest=0, highest=12)
        as_number("overlap.tries", self.tries, lowest=1, highest=10000)

    @property
    def targeted(self) -> bool:
        return self.contact is not None or self.intrusion is not None

    def of_one_severity(self, rng: np.random.Generator) -> "OverlapDials":
        """These dials for one sample: a number from each range of a severity, or none asked for."""
        if self.targeted and self.severity_p < 1 and rng.random() >= self.severity_p:
            return replace(self, contact=None, intrusion=None)
        ranges = {"contact": self.contact, "intrusion": self.intrusion}
        drawn: dict[str, Any] = {
            k: uniform(rng, v) for k, v in ranges.items() if isinstance(v, tuple)
        }
        return replace(self, **drawn) if drawn else self

    @property
    def asked(self) -> str:
        """What was asked for, in words; of one severity."""
        asked = {"contact": self.contact, "intrusion": self.intrusion}
        return " and ".join(
            f"{name} {value:g}" for name, value in asked.items() if value is not None
        )

    def miss(self, contact: Any, intrusion: Any) -> Any:
        """How far severities are from the one asked for, elementwise; 0 where none was."""
        by_contact = 0.0 if self.contact is None else np.abs(contact - self.contact)
        by_intrusion = 0.0 if self.intrusion is None else np.abs(intrusion - self.intrusion)
        return np.maximum(by_contact, by_intrusion)

    def met_by(self, found: Severity | None) -> bool:
        """Whether a sample's severity is what was asked for."""
        return found is not None and bool(
            self.miss(found.contact, found.intrusion) <= self.tolerance
        )


def severity(
    target: U8,
    others: U8 | None,
    *,
    polyline_px: NDArray[Any] | None = None,
    other_polylines_px: Sequence[NDArray[Any]] = (),
) -> Severity:
    """How far other traces overlap the primary, by the definitions at the top of this module.

    Args:
        target: uint8 (H, W), the primary's coverage, amodal.
        others: uint8 (H, W), the other traces' coverage together; None for none.
        polyline_px: (n, 2), the primary's centre line, for the crossings.
        other_polylines_px: (m, 2) each, the others' centre lines.

    Returns:
        The severity; all zero, gap inf, for a picture without a primary.
    """
    if others is None:
        others = np.zeros_like(target)
    n, intruded, touched, longest, smallest = _columns(
        np.ascontiguousarray(target), np.ascontiguousarray(others)
    )
    if n == 0:
        return Severity(0.0, 0.0, 0, 0, math.inf)
    crossings = 0
    if polyline_px is not None:
        crossings = _crossings(polyline_px, other_polylines_px, target.shape)
    return Severity(
        intrusion=intruded / n,
        contact=touched / n,
        crossings=crossings,
        longest_contact_px=longest,
        smallest_gap_px=float(smallest),
    )


def page_contacts(masks: Sequence[U8]) -> list[float]:
    """The contact of each trace with all others of its page, from their coverages (H, W)."""
    inked = sum((mask >= INK).astype(np.uint8) for mask in masks)
    return [
        severity(mask, np.where(inked > (mask >= INK), np.uint8(255), np.uint8(0))).contact
        for mask in masks
    ]


@njit(cache=True, nogil=True)
def _columns(target: Any, others: Any) -> Any:
    """The primary's columns: how many, with others' ink, in contact, in a row; smallest gap."""
    gaps = _gaps(target, others)
    n = intruded = touched = run = longest = 0
    smallest = math.inf
    for gap in gaps:
        contact = gap <= CONTACT_GAP_PX  # never where it is NaN
        run = run + 1 if contact else 0
        longest = max(longest, run)
        n += not math.isnan(gap)
        intruded += math.isfinite(gap)
        touched += contact
        if gap < smallest:
            smallest = gap
    return n, intruded, touched, longest, smallest


@njit(cache=True, nogil=True)
def _has_ink(row: Any) -> bool:
    """Whether a row of coverages may hold ink: an answer without a branch, for speed."""
    bits = np.uint8(0)
    for x in range(len(row)):
        bits |= row[x]
    return bool(bits >= INK)


@njit(cache=True, nogil=True)
def _gaps(target: Any, others: Any) -> Any:
    """Gap per column (W,): NaN without the primary's ink, inf without another's."""
    height, width = target.shape
    far, never = np.int32(1 << 27), np.int32(-(1 << 28))  # farther from each other than far
    last_own, last_other = np.full(width, never), np.full(width, 2 * never)
    gaps = np.full(width, far)
    # One pass down the rows: the last row of each ink so far, per column. Where the one ink is
    # on this row, the other's last row is the nearest above; without a branch, for speed.
    for y in range(height):
        own, other = target[y], others[y]
        if not (_has_ink(own) or _has_ink(other)):
            continue
        row = np.int32(y)
        for x in range(width):
            last_own[x] = row if own[x] >= INK else last_own[x]
            last_other[x] = row if other[x] >= INK else last_other[x]
            gaps[x] = min(gaps[x], abs(last_own[x] - last_other[x]))
    out = np.empty(width)
    for x in range(width):
        out[x] = max(gaps[x] - 1, 0) if gaps[x] < far else np.inf
        if last_own[x] == never:
            out[x] = np.nan
    return out


def _crossings(a: NDArray[Any], others: Sequence[NDArray[Any]], shape: tuple[int, ...]) -> int:
    """How often other centre lines change their side of a, within the picture."""
    if not others:
        return 0
    own = np.empty(shape[1])
    _at_columns(a, own)
    own[~((own > -0.5) & (own < shape[0] - 0.5))] = np.nan
    return sum(_changes(other, own) for other in others)


@njit(cache=True, nogil=True)
def _changes(polyline: Any, own: Any) -> int:
    """How often a centre line changes its side of the heights `own` (W,)."""
    heights = np.empty_like(own)
    _at_columns(polyline, heights)
    changes, side = 0, 0.0
    for x in range(len(own)):
        off = heights[x] - own[x]
        if off * side < 0.0:
            changes += 1
        if off < 0.0 or off > 0.0:
            side = off
    return changes


@njit(cache=True, nogil=True)
def _at_columns(polyline: Any, heights: Any) -> None:
    """Fill in the height of a centre line, its x increasing, at columns 0, 1, ….

    NaN outside it and across its missing samples.
    """
    heights[:] = np.nan
    for i in range(len(polyline) - 1):
        x0, x1 = polyline[i, 0], polyline[i + 1, 0]
        if x1 > x0:
            slope = (polyline[i + 1, 1] - polyline[i, 1]) / (x1 - x0)
            for x in range(max(0, math.ceil(x0)), min(len(heights) - 1, math.floor(x1)) + 1):
                heights[x] = polyline[i, 1] + slope * (x - x0)


@njit(cache=True, nogil=True)
def _extents(xy: Any, width: int, half: float) -> Any:
    """Highest and lowest point of a round pen's way in each column, (width, 2); NaN: no ink."""
    reach = int(half)
    line = np.full((width + 2 * reach, 2), np.nan)  # of the pen's centre
    for i in range(len(xy) - 1):
        x0, y0, x1, y1 = xy[i, 0] + reach, xy[i, 1], xy[i + 1, 0] + reach, xy[i + 1, 1]
        if not (math.isfinite(y0) and math.isfinite(y1)):
            continue
        first, last = max(0, math.ceil(x0 - 0.5)), min(len(line) - 1, math.floor(x1 + 0.5))
        slope = (y1 - y0) / (x1 - x0)
        for column in range(first, last + 1):
            ya = y0 + slope * (max(x0, column - 0.5) - x0)
            yb = y0 + slope * (min(x1, column + 0.5) - x0)
            if not line[column, 0] <= min(ya, yb):
                line[column, 0] = min(ya, yb)
            if not line[column, 1] >= max(ya, yb):
                line[column, 1] = max(ya, yb)
    out = np.full((width, 2), np.nan)
    for x in range(width):
        for dx in range(-reach, reach + 1):
            rise = math.sqrt(half * half - dx * dx)
            top, bottom = line[x + reach + dx, 0] - rise, line[x + reach + dx, 1] + rise
            if not out[x, 0] <= top and math.isfinite(top):
                out[x, 0] = top
            if not out[x, 1] >= bottom and math.isfinite(bottom):
                out[x, 1] = bottom
    return out


@njit(cache=True, nogil=True)
def _severities(own: Any, others: Any, steps: Any, offsets: Any, pitches: Any, height: int) -> Any:
    """Estimated (contact, intrusion) for each pitch, (n_pitches, 2)."""
    out = np.zeros((len(pitches), 2))
    n = 0
    for x in range(len(own)):
        visible = own[x, 1] > 0.0 and own[x, 0] < height - 1.0
        n += visible
        if not visible:
            continue
        # Ink beyond the picture touches nothing in it.
        a0, a1 = max(own[x, 0], -0.5), min(own[x, 1], height - 0.5)
        for p in range(len(pitches)):
            touched = intruded = False
            for k in range(len(others)):
                shift = steps[k] * pitches[p] + offsets[k]
                b0, b1 = others[k, x, 0] + shift, others[k, x, 1] + shift
                if b1 > 0.0 and b0 < height - 1.0:
                    intruded = True
                    b0, b1 = max(b0, -0.5), min(b1, height - 0.5)
                    touched = touched or max(a0, b0) - min(a1, b1) <= 1.0
            out[p, 0] += touched
            out[p, 1] += intruded
    return out / max(n, 1)


def solve_pitch_px(
    dials: OverlapDials,
    polylines_px: Sequence[NDArray[np.float64]],
    steps: NDArray[np.int64],
    offsets_px: NDArray[np.float64],
    *,
    bounds_px: Range,
    shape: tuple[int, int],
    pen_px: float,
    pick: float,
) -> tuple[float, float]:
    """The row pitch at which the severity that was asked for is expected.

    Severity does not fall steadily with the pitch, so all of the range is tried, in
    400 steps at most, on the traces' vertical extents per column.

    Args:
        dials: What was asked for.
        polylines_px: (n, 2) each, every one with its own row's 0 mV where the primary's
            is; the primary first.
        steps: How many rows each of the others is below the primary.
        offsets_px: How far each of the others is off its row.
        bounds_px: Where to look.
        shape: (height, width) of the picture.
        pen_px: Stroke width.
        pick: 0–1, which of the pitches that serve equally well to take.

    Returns:
        The pitch, and how far the expected severity misses what was asked.
    """
    height, width = shape
    extents = np.stack([_extents(np.asarray(xy), width, pen_px / 2) for xy in polylines_px])
    n = int(np.clip((bounds_px[1] - bounds_px[0]) * 2, 32, 400))
    pitches = np.linspace(*bounds_px, n)
    found = _severities(extents[0], extents[1:], steps, offsets_px, pitches, height)
    miss = np.asarray(dials.miss(found[:, 0], found[:, 1]))
    good = np.flatnonzero(miss <= miss.min() + 0.005)
    # Rather the wider ones: rows that almost coincide are the rarer page.
    best = good[int(math.sqrt(pick) * len(good))]
    return float(pitches[best]), float(miss[best])
