"""How far other traces overlap a trace: the definitions, and the one place that measures them.

A trace has ink at a pixel where its coverage is at least `INK` of 255. The primary's columns
are those in which it has ink. In one of them, the gap to another trace is the number of rows
without ink of either between their nearest pixels, 0 where they share one. `intrusion` is the
fraction of the primary's columns with any other trace's ink in the picture, `contact` the
fraction in which the gap is at most `CONTACT_GAP_PX`.

Both are measured exactly from drawn masks, or expected from the spans (upper and lower edge of
the ink in each column) of traces that are yet to be drawn, for many places of them at once.
"""

import math
from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from data_gen.arrays import F64, U8
from data_gen.errors import InputError
from data_gen.sample import Severity

Points = NDArray[np.floating]

INK = 128
CONTACT_GAP_PX = 1
CONTACT_BINS = {"0": 0.0, "(0,5]": 0.05, "(5,15]": 0.15, "(15,30]": 0.3, ">30": 1.0}
"""Severity bins: a label in per cent, and the greatest contact that is in the bin."""


def contact_bin(contact: float) -> str:
    """The severity bin of a contact fraction (0–1), as its label in per cent.

    Raises:
        InputError: Not a fraction.

    Source: docs/metrics.md.

    Example:
        >>> contact_bin(0.15), contact_bin(0.1501)
        ('(5,15]', '(15,30]')
    """
    if not 0 <= contact <= 1:
        raise InputError("severity", f"{contact} is no fraction", "give 0 to 1")
    return next(label for label, greatest in CONTACT_BINS.items() if contact <= greatest)


def severity(
    target: U8,
    others: U8 | None,
    *,
    polyline_px: Points | None = None,
    other_polylines_px: Sequence[Points] = (),
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
    gaps = column_gaps(target, np.zeros_like(target) if others is None else others)
    n, intruded, touched, longest, smallest = _counts(gaps)
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


def column_gaps(target: U8, others: U8) -> F64:
    """The gap in every column, float64 (W,): NaN without the primary's ink, inf without another's.

    Args:
        target: uint8 (H, W), the primary's coverage.
        others: uint8 (H, W), the other traces' coverage together.
    """
    return _gaps(np.ascontiguousarray(target), np.ascontiguousarray(others))


@njit(cache=True, nogil=True)
def _counts(gaps: F64) -> tuple[int, int, int, int, float]:
    """The primary's columns: how many, intruded, touched, touched in a row; the smallest gap."""
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
def _has_ink(row: U8) -> bool:
    """Whether a row of coverages may hold ink: all pixels are looked at, which is the faster."""
    bits = np.uint8(0)
    for x in range(len(row)):
        bits |= row[x]
    return bool(bits >= INK)


@njit(cache=True, nogil=True)
def _gaps(target: U8, others: U8) -> F64:
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


def _crossings(own: Points, others: Sequence[Points], shape: tuple[int, ...]) -> int:
    """How often other centre lines change their side of the primary's, within the picture."""
    if not others:
        return 0
    own_y = np.empty(shape[1])
    _at_columns(own, own_y)
    own_y[~((own_y > -0.5) & (own_y < shape[0] - 0.5))] = np.nan
    return sum(_side_changes(other, own_y) for other in others)


@njit(cache=True, nogil=True)
def _side_changes(polyline: Points, own_y: F64) -> int:
    """How often a centre line changes its side of the rows `own_y` (W,)."""
    rows = np.empty_like(own_y)
    _at_columns(polyline, rows)
    changes, side = 0, 0.0
    for x in range(len(own_y)):
        off = rows[x] - own_y[x]
        if off * side < 0.0:
            changes += 1
        if off < 0.0 or off > 0.0:
            side = off
    return changes


@njit(cache=True, nogil=True)
def _at_columns(polyline: Points, rows: F64) -> None:
    """Fill in the row of a centre line, its x increasing, at columns 0, 1, ….

    NaN outside it and across its missing samples.
    """
    rows[:] = np.nan
    for i in range(len(polyline) - 1):
        x0, x1 = polyline[i, 0], polyline[i + 1, 0]
        if x1 > x0:
            slope = (polyline[i + 1, 1] - polyline[i, 1]) / (x1 - x0)
            for x in range(max(0, math.ceil(x0)), min(len(rows) - 1, math.floor(x1)) + 1):
                rows[x] = polyline[i, 1] + slope * (x - x0)


def ink_spans(mask: U8) -> F64:
    """Upper and lower edge (px) of the ink in each column, float64 (W, 2); NaN without ink.

    Args:
        mask: uint8 (H, W), a trace's coverage.
    """
    ink = mask >= INK
    spans = np.stack((ink.argmax(axis=0) - 0.5, len(mask) - 0.5 - ink[::-1].argmax(axis=0)), axis=1)
    spans[~ink.any(axis=0)] = np.nan
    return spans


@njit(cache=True, nogil=True)
def pen_spans(polyline_px: F64, width: int, pen_px: float) -> F64:
    """Upper and lower edge (px) that a round pen leaves in each column; NaN without ink.

    Args:
        polyline_px: float64 (n, 2), (x, y) of the pen's centre, x increasing.
        width: Number of columns of the picture.
        pen_px: The pen's diameter.

    Returns:
        float64 (width, 2).
    """
    half = pen_px / 2
    reach = int(half)
    line = np.full((width + 2 * reach, 2), np.nan)  # of the pen's centre
    for i in range(len(polyline_px) - 1):
        x0, y0 = polyline_px[i, 0] + reach, polyline_px[i, 1]
        x1, y1 = polyline_px[i + 1, 0] + reach, polyline_px[i + 1, 1]
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
def expected_severities(own: F64, others: F64, shifts_px: F64, height: int) -> F64:
    """Expected (contact, intrusion) for every place at which the other traces may stand.

    Args:
        own: float64 (W, 2), the primary's span in each column.
        others: float64 (n_others, W, 2), the others' spans.
        shifts_px: float64 (n_places, n_others), how far down each of the others is moved.
        height: Number of rows of the picture.

    Returns:
        float64 (n_places, 2).
    """
    out = np.zeros((len(shifts_px), 2))
    n = 0
    for x in range(len(own)):
        visible = own[x, 1] > 0.0 and own[x, 0] < height - 1.0
        n += visible
        if not visible:
            continue
        # Ink beyond the picture touches nothing in it.
        a0, a1 = max(own[x, 0], -0.5), min(own[x, 1], height - 0.5)
        for p in range(len(shifts_px)):
            touched = intruded = False
            for k in range(len(others)):
                b0, b1 = others[k, x, 0] + shifts_px[p, k], others[k, x, 1] + shifts_px[p, k]
                if b1 > 0.0 and b0 < height - 1.0:
                    intruded = True
                    b0, b1 = max(b0, -0.5), min(b1, height - 0.5)
                    touched = touched or max(a0, b0) - min(a1, b1) <= CONTACT_GAP_PX
            out[p, 0] += touched
            out[p, 1] += intruded
    return out / max(n, 1)
