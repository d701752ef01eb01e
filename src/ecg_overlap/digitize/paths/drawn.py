"""Several strokes drawn into one picture: how well they give its ink, and their fit to it.

What covers a pixel is the stroke that covers most of it. So each stroke is fitted where no other
hides it, and where none of the ink is its own, only the prior against bends says how it goes.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.paths.path import FloatArray
from ecg_overlap.digitize.paths.redraw import (
    BEND_PX,
    HELD,
    SETTLED,
    SOFTNESS_PX,
    add_prior,
    moved,
    normal_equations,
    solve,
)
from ecg_overlap.digitize.traces.runs import IntArray

# Squared coverage that a bend costs as its logarithm grows by one. With 0.1, strokes that touch
# twice hardly cross rather than bounce; 0.4 and 1.0 were compared in experiments/joint_tracing.
BEND = 0.4


@njit(cache=True, fastmath=True)
def _covered(x: float, y: float, dx: float, dy: float, pen: float) -> float:
    """How much of a pixel, (x, y) from a segment's start, the segment (dx, dy) covers, 0–1."""
    along = min(1.0, max(0.0, (x * dx + y * dy) / (dx * dx + dy * dy)))
    away_x, away_y = x - along * dx, y - along * dy
    away = np.sqrt(away_x * away_x + away_y * away_y)
    return float(min(1.0, max(0.0, (pen / 2 - away) / SOFTNESS_PX + 0.5)))


@njit(cache=True, fastmath=True)
def _rows(x: float, y: float, dx: float, dy: float, reach: float, height: int) -> tuple[int, int]:
    """First row that a segment covers in one column, and the one after the last.

    It goes by (dx, dy) from row y; the column is x to the right of its start.
    """
    slope = dy / dx
    level, across = y + slope * x, reach * np.sqrt(1 + slope * slope)
    low = max(min(y, y + dy) - reach, level - across)
    high = min(max(y, y + dy) + reach, level + across)
    return max(0, int(np.ceil(low))), min(height, int(high) + 1)


@njit(cache=True, fastmath=True)
def draw_into(picture: Coverage, x: FloatArray, y: FloatArray, pen: float) -> None:
    """Draw a stroke, as `redraw` models it: each pixel keeps the most that covers it.

    Args:
        picture: float32 (H, W), coverage 0–1; changed in place.
        x: float64 (n,), columns, ascending.
        y: float64 (n,), rows.
        pen: Width, px.
    """
    height, width = picture.shape
    reach = pen / 2 + SOFTNESS_PX / 2
    for k in range(len(x) - 1):
        dx, dy = x[k + 1] - x[k], y[k + 1] - y[k]
        first, stop = max(0, int(np.ceil(x[k] - reach))), min(width, int(x[k + 1] + reach) + 1)
        for c in range(first, stop):
            for r in range(*_rows(c - x[k], y[k], dx, dy, reach, height)):
                if picture[r, c] >= 1:
                    continue
                cover = _covered(c - x[k], r - y[k], dx, dy, pen)
                picture[r, c] = max(picture[r, c], cover)


@njit(cache=True, fastmath=True)
def draw_over(
    picture: Coverage,
    ink: Coverage,
    x: FloatArray,
    y: FloatArray,
    pen: float,
    under: Coverage,
    at: IntArray,
    n: int,
    columns: tuple[int, int],
) -> tuple[float, int]:
    """`draw_into`, that says how it changes the `difference` to the ink, and can be undone.

    Args:
        picture: float32 (H, W), coverage 0–1; changed in place.
        ink: float32 (H, W).
        x: float64 (n,), columns, ascending.
        y: float64 (n,), rows.
        pen: Width, px.
        under: float32 (m,): from `n` on, the pixels as they were are written here …
        at: int64 (m,): … and which they are, in order; beyond its end nothing is drawn.
        n: How many were written before.
        columns: Only from the one to before the other is drawn.

    Returns:
        The change of the difference, and how many pixels are written.
    """
    height, width = picture.shape
    reach = pen / 2 + SOFTNESS_PX / 2
    change = 0.0
    for k in range(len(x) - 1):
        first = max(columns[0], int(np.ceil(x[k] - reach)))
        stop = min(columns[1], int(x[k + 1] + reach) + 1)
        if stop <= first:
            continue
        dx, dy = x[k + 1] - x[k], y[k + 1] - y[k]
        for c in range(first, stop):
            for r in range(*_rows(c - x[k], y[k], dx, dy, reach, height)):
                was = picture[r, c]
                if was >= 1 or n == len(at):
                    continue
                cover = _covered(c - x[k], r - y[k], dx, dy, pen)
                if cover > was:
                    under[n], at[n] = was, r * width + c
                    n += 1
                    picture[r, c] = cover
                    change += ((ink[r, c] - cover) ** 2 - (ink[r, c] - was) ** 2) / 2
    return change, n


@njit(cache=True)
def drawn_but(
    shape: tuple[int, int], x: FloatArray, y: FloatArray, pens: FloatArray, but: int, nor: int
) -> NDArray[np.float32]:
    """Strokes drawn into an empty picture: coverage 0–1, float32 of that shape.

    Args:
        shape: (height, width).
        x: float64 (n,), columns of all strokes.
        y: float64 (K, n), their rows.
        pens: float64 (K,), px.
        but: Number of a stroke that is left out; -1: none.
        nor: Likewise.
    """
    picture = np.zeros(shape, np.float32)
    for k in range(len(y)):
        if k not in (but, nor):
            draw_into(picture, x, y[k], pens[k])
    return picture


@njit(cache=True, fastmath=True)
def bends(y: FloatArray, bend: float) -> float:
    """What the bends of a stroke, rows float64 (n,), cost in squared coverage."""
    total = 0.0
    for k in range(1, len(y) - 1):
        total += np.log1p(((y[k - 1] - 2 * y[k] + y[k + 1]) / BEND_PX) ** 2)
    return bend / 2 * total


@njit(cache=True, fastmath=True)
def difference(ink: Coverage, drawn: Coverage) -> float:
    """Half the sum of the squared differences of two coverages (H, W)."""
    total = 0.0
    for r in range(ink.shape[0]):
        for c in range(ink.shape[1]):
            total += (ink[r, c] - drawn[r, c]) ** 2
    return total / 2


@njit(cache=True)
def misfit(ink: Coverage, x: FloatArray, y: FloatArray, pens: FloatArray, bend: float) -> float:
    """What speaks against strokes: where they do not give the ink, and their bends.

    Args:
        ink: float32 (H, W), 0–1.
        x: float64 (n,), evenly spaced columns.
        y: float64 (K, n), rows.
        pens: float64 (K,), px.
        bend: `BEND`, or in a picture that is coarser by f, `BEND` / f².
    """
    total = difference(ink, drawn_but(ink.shape, x, y, pens, -1, -1))
    for k in range(len(y)):
        total += bends(y[k], bend)
    return total


@njit(cache=True)
def fit_together(
    ink: Coverage,
    x: FloatArray,
    y: FloatArray,
    pens: FloatArray,
    beyond: FloatArray,
    free: NDArray[np.bool_],
    bend: float,
    rounds: int,
    iterations: int,
) -> FloatArray:
    """Fit strokes until, drawn together, they give the ink; float64 (K, n).

    Args:
        ink: float32 (H, W), 0–1, with margins: a stroke is kept within, …
        x: float64 (n,), evenly spaced columns.
        y: float64 (K, n), rows: near a minimum already.
        pens: float64 (K,), px.
        beyond: float64 (K,): … but for so many rows.
        free: bool (n,): the knots that may move.
        bend: As of `misfit`.
        rounds: Each stroke is fitted so many times …
        iterations: … with so many steps, at most.
    """
    height, width = ink.shape
    inked = np.ones(width, np.bool_)
    y = y.copy()
    for _ in range(rounds):
        for k in range(len(y)):
            highest, lowest = np.full(len(x), -beyond[k]), np.full(len(x), height - 1 + beyond[k])
            others = drawn_but(ink.shape, x, y, pens, k, -1)
            for _ in range(iterations):
                diagonals, gradient, _cross, _stats = normal_equations(
                    ink, others, inked, x, y[k], free, pens[k], SOFTNESS_PX
                )
                add_prior(diagonals, gradient, y[k], bend, BEND_PX)
                for i in range(len(x)):
                    if not free[i]:
                        diagonals[0, i] += HELD
                step = solve(diagonals, gradient)
                y[k], share = moved(y[k], step, x[1] - x[0], highest, lowest)
                settled = True
                for i in range(len(x)):
                    settled = settled and (not free[i] or share[i] <= SETTLED)
                if settled:
                    break
    return y
