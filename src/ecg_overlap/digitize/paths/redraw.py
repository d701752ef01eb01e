"""Fit a polyline until, drawn again with a round pen, it gives the mask.

The drawn coverage of a pixel at distance d from the polyline is a ramp,
clip((w/2 − d)/b + ½, 0, 1): w the pen's width, b the softness of its edge (1 px for exact
anti-aliasing). The knots' rows and w are fitted together by Gauss–Newton: where a trace trembles,
a thick pen that goes straight and a thin one that goes up and down give nearly the same ink, and
changing one of them while the other is held is a slow way between. A pixel on the ramp depends on
the two knots of its nearest segment only, so the rows' normal equations are banded, w adds one
row and column to them, and a step takes time in proportion to the trace's length. A weak prior
against bends decides where the ink says nothing.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.paths.path import FloatArray, stretches

# Set by hand with the first decoder; no measurement is kept.
SOFTNESS_PX = 1.1  # exact anti-aliasing has 1; thresholded and scanned masks a little more
ITERATIONS = 12  # at most
# Of all knots and the pen's width; then only of knots that still move. With 8, a level line was
# given a pen of 0.6 of its width that scribbles: as the misfit sinks, so does the prior's weight.
WHOLE_ITERATIONS = 3
SETTLED = 0.05  # share of the step limit: a knot that moves less has settled
HELD = 1e6  # added to a settled knot's diagonal, which keeps it in place
PRIOR = 10.0  # weight of the prior, in variances of the coverage …
BEND_PX = 3.0  # … which grows only with the logarithm of second differences beyond this
STEP_PX = 0.7  # across the stroke, at most: beyond the ramp the equations know nothing
STEP_KNOTS = 2  # on both sides of a knot in which the slope for that limit is measured
CORRIDOR_PX = 1.0  # how far outside of the ink a knot may go
LEAST_NOISE = 1e-4  # variance of the coverage; rounding to 8 bits alone gives 1e-6
# Of a thinner pen, width and a ripple of the path look alike: fitted together, of 160 straight
# lines of 2 to 2.5 px 18 came out more than 10 % too thin or rippled, of thicker ones none.
LEAST_JOINT_PX = 2.5
RIDGE = 1e-4  # added to every diagonal: where neither ink nor prior says anything, a knot stays
FEWEST_KNOTS = 5  # a shorter stretch is left as it is
PEN_CHANGE = (0.8, 1.25)  # of the pen's width in one iteration, as a factor


def redraw(
    cover: Coverage, x: FloatArray, y: FloatArray, pen: float, inner: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    """Refine `y`; NaN stays NaN.

    Args:
        cover: float32 (H, W), 0–1, of the trace alone.
        x: float64 (n,), evenly spaced columns of the knots.
        y: float64 (n,), their rows.
        pen: Width of the stroke, px.
        inner: float64 (2, n): the ink's upper edge and its lower edge, half a pen inward: beyond
            these the pen would draw outside of the ink. NaN where there is none.

    Returns:
        The refined rows, their standard deviations, and the refined width.
    """
    y = y.copy()
    sigma = np.full_like(y, np.nan)
    for start, stop in stretches(y):
        if stop - start < FEWEST_KNOTS:
            sigma[start:stop] = pen / np.sqrt(12)
            continue
        part = slice(start, stop)
        y[part], sigma[part], pen = _fit(cover, x[part], y[part], pen, inner[:, part])
    return y, sigma, pen


def _fit(
    cover: Coverage, x: FloatArray, y: FloatArray, pen: float, inner: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    """One unbroken stretch."""
    # Across a bridged gap there is no limit. Where the stroke is thinner than the pen, its upper
    # limit would lie below its lower one: both are its middle there.
    middle = inner.mean(axis=0)
    highest = np.where(np.isnan(middle), -np.inf, np.minimum(inner[0], middle)) - CORRIDOR_PX
    lowest = np.where(np.isnan(middle), np.inf, np.maximum(inner[1], middle)) + CORRIDOR_PX
    spacing = float(x[1] - x[0])
    nobody = np.zeros_like(cover)
    inked = np.asarray(cover.any(axis=0))  # columns without ink are bridged gaps, and say nothing
    moving = np.ones(len(y), np.bool_)
    noise, information = LEAST_NOISE, np.ones(len(y))
    for iteration in range(ITERATIONS):
        whole = iteration < WHOLE_ITERATIONS
        diagonals, gradient, cross, stats = normal_equations(
            cover, nobody, inked, x, y, moving, pen, SOFTNESS_PX
        )
        if whole:
            noise = max(stats[0] / max(stats[3], 1.0), LEAST_NOISE)
        add_prior(diagonals, gradient, y, PRIOR * noise, BEND_PX)
        information = np.where(moving, diagonals[0], information)
        diagonals[0][~moving] += HELD
        step = solve(diagonals, gradient)
        if whole:
            # The rows move by `step`, and by `along` for each px by which the pen is wider.
            along = solve(diagonals, cross)
            if pen >= LEAST_JOINT_PX:
                change = (stats[1] - cross @ step) / max(stats[2] - cross @ along, RIDGE)
            else:  # the rows are held, and half of the way is gone, as they will follow
                along[:] = 0
                change = 0.5 * stats[1] / max(stats[2], 1.0)
            change = float(np.clip(change, (PEN_CHANGE[0] - 1) * pen, (PEN_CHANGE[1] - 1) * pen))
            step -= change * along
            pen += change
        y, share = moved(y, step, spacing, highest, lowest)
        if iteration + 1 >= WHOLE_ITERATIONS:
            # Settled knots are held: mostly all but those of the QRS complexes.
            moving = _with_neighbours(share > SETTLED, int(np.ceil(pen / spacing)))
            if not moving.any():
                break
    return y, np.sqrt(noise / information), pen


@njit(cache=True)
def moved(
    y: FloatArray, step: FloatArray, spacing: float, highest: FloatArray, lowest: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The rows after a step of at most STEP_PX across the stroke, and its share of that limit."""
    n = len(y)
    moved, share = np.empty(n), np.empty(n)
    for k in range(n):
        rise = 0.0
        for near in range(max(0, k - STEP_KNOTS), min(n - 1, k + STEP_KNOTS + 1)):
            rise = max(rise, abs(y[near + 1] - y[near]))
        limit = STEP_PX * np.sqrt(1 + (rise / spacing) ** 2)
        share[k] = abs(step[k]) / limit
        moved[k] = min(max(y[k] + min(max(step[k], -limit), limit), highest[k]), lowest[k])
    return moved, share


@njit(cache=True)
def _with_neighbours(some: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """Those and all within `reach` knots of them."""
    near = np.zeros_like(some)
    for k in np.flatnonzero(some):
        near[max(0, k - reach) : k + reach + 1] = True
    return near


@njit(cache=True, fastmath=True)
def normal_equations(
    cover: NDArray[np.float32],
    others: NDArray[np.float32],
    inked: NDArray[np.bool_],
    x: FloatArray,
    y: FloatArray,
    moving: NDArray[np.bool_],
    pen: float,
    soft: float,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """The normal equations of the rows, and what the pen's width adds to them.

    Diagonals (3, n) of JᵀJ; Jᵀr (n,); Jᵀ∂ (n,), ∂ the derivatives by the width; and Σr², Σ∂r, Σ∂²,
    number of ramp pixels.

    Where `others` (H, W), what other strokes have drawn, covers at least as much, the stroke is
    hidden: the pixel says nothing about it.
    """
    n = len(x)
    rows, columns = cover.shape
    diagonals = np.zeros((3, n))
    gradient = np.zeros(n)
    cross = np.zeros(n)
    stats = np.zeros(4)
    h = x[1] - x[0]
    reach = pen / 2 + soft / 2  # the ramp's outer end; within its inner end is full ink
    full2 = max(pen / 2 - soft / 2, 0.0) ** 2
    per_length2 = np.empty(n)
    nearest, at_of = np.empty(rows), np.empty(rows)
    for k in range(n - 1):
        per_length2[k] = 1.0 / (h * h + (y[k + 1] - y[k]) ** 2)
    for c in range(max(0, int(x[0])), min(columns - 1, int(x[-1] + 1)) + 1):
        low = max(0, int(np.floor((c - reach - x[0]) / h)))
        high = min(n - 2, int(np.ceil((c + reach - x[0]) / h)))
        if high < low or not inked[c]:
            continue
        least, most = y[low], y[low]
        any_moving = moving[low]
        for k in range(low + 1, high + 2):
            any_moving = any_moving or moving[k]
            least = min(least, y[k])
            most = max(most, y[k])
        if not any_moving:
            continue
        first = max(0, int(least - reach))
        stop = min(rows - 1, int(most + reach + 1)) + 1
        nearest[first:stop] = reach * reach
        for k in range(low, high + 1):
            dy, aside = y[k + 1] - y[k], c - x[k]
            upper, lower = (y[k], y[k + 1]) if dy > 0 else (y[k + 1], y[k])
            per = per_length2[k]
            for r in range(max(first, int(upper - reach)), min(stop, int(lower + reach) + 2)):
                t = min(1.0, max(0.0, (aside * h + (r - y[k]) * dy) * per))
                px, py = aside - t * h, r - y[k] - t * dy
                d2 = px * px + py * py
                nearer = d2 < nearest[r]
                nearest[r] = d2 if nearer else nearest[r]
                at_of[r] = k + t if nearer else at_of[r]
        for r in range(first, stop):
            if nearest[r] <= full2 or nearest[r] >= reach * reach:
                continue
            segment = min(int(at_of[r]), n - 2)
            along = at_of[r] - segment
            distance = np.sqrt(nearest[r])
            ramp = (pen / 2 - distance) / soft + 0.5
            if ramp <= others[r, c]:
                continue
            residual = cover[r, c] - ramp
            at = y[segment] + along * (y[segment + 1] - y[segment])
            slope = (r - at) / max(distance, 1e-6) / soft  # ∂ramp / ∂(row of nearest point)
            a, b = slope * (1 - along), slope * along
            diagonals[0, segment] += a * a
            diagonals[0, segment + 1] += b * b
            diagonals[1, segment] += a * b
            gradient[segment] += a * residual
            gradient[segment + 1] += b * residual
            half = 0.5 / soft  # ∂ramp / ∂pen
            cross[segment] += a * half
            cross[segment + 1] += b * half
            stats[0] += residual * residual
            stats[1] += half * residual
            stats[2] += half * half
            stats[3] += 1.0
    return diagonals, gradient, cross, stats


@njit(cache=True)
def add_prior(
    diagonals: FloatArray, gradient: FloatArray, y: FloatArray, scale: float, small: float
) -> None:
    """Add scale·log(1 + (second difference / small)²) to the normal equations."""
    for k in range(1, len(y) - 1):
        bend = y[k - 1] - 2 * y[k] + y[k + 1]
        weight = scale / (small * small + bend * bend)
        diagonals[0, k - 1] += weight
        diagonals[0, k] += 4 * weight
        diagonals[0, k + 1] += weight
        diagonals[1, k - 1] -= 2 * weight
        diagonals[1, k] -= 2 * weight
        diagonals[2, k - 1] += weight
        gradient[k - 1] -= weight * bend
        gradient[k] += 2 * weight * bend
        gradient[k + 1] -= weight * bend


@njit(cache=True)
def solve(diagonals: FloatArray, gradient: FloatArray) -> FloatArray:
    """Solve the symmetric pentadiagonal system by LDLᵀ; float64 (n,)."""
    n = len(gradient)
    d = diagonals[0] + RIDGE
    e = diagonals[1].copy()
    f = diagonals[2].copy()
    z = gradient.copy()
    for k in range(n):
        if k + 1 < n:
            ratio = e[k] / d[k]
            d[k + 1] -= ratio * e[k]
            if k + 2 < n:
                e[k + 1] -= ratio * f[k]
            z[k + 1] -= ratio * z[k]
            e[k] = ratio
        if k + 2 < n:
            ratio = f[k] / d[k]
            d[k + 2] -= ratio * f[k]
            z[k + 2] -= ratio * z[k]
            f[k] = ratio
    for k in range(n - 1, -1, -1):
        z[k] /= d[k]
        if k + 1 < n:
            z[k] -= e[k] * z[k + 1]
        if k + 2 < n:
            z[k] -= f[k] * z[k + 2]
    return z
