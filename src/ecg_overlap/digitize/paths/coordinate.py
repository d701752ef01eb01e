"""The path from a network's distribution over the rows of each column."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ecg_overlap.digitize.network import ColumnReading
from ecg_overlap.digitize.paths.path import FloatArray, Path

# Set by hand when the coordinate head was added; no measurement is kept.
STEP_COST = 0.15  # nats per row that the path climbs or falls
LEAST_PROBABILITY = 1e-6  # no row counts as less probable: one column alone forbids no path
LEAST_PRESENCE = 0.5  # probability from which the trace is in a column
WINDOW_ROWS = 4  # on each side of the path that count as its peak
LEAST_SIGMA_ROWS = 0.1  # added to every standard deviation
LEAST_MASS = 1e-9  # probability in the window under which its mean is undefined


def coordinate(reading: ColumnReading) -> Path:
    """The likeliest path through the columns' distributions.

    A network that is unsure which of two traces is meant changes between them from column to
    column. A Viterbi search in which each row of climb has a cost stays on one. The path is the
    mean of the distribution near the chosen row (the mean of a whole column would fall between
    two traces), its uncertainty the standard deviation there.

    Args:
        reading: What the network says of the picture.
    """
    n_rows, n_columns = reading.rows.shape
    present = reading.presence >= LEAST_PRESENCE
    surprise = -np.log(np.maximum(reading.rows.T, LEAST_PROBABILITY)).astype(np.float64)
    chosen = cheapest_rows(surprise * present[:, None], STEP_COST)
    near = chosen[:, None] + np.arange(-WINDOW_ROWS, WINDOW_ROWS + 1)
    inside = (near >= 0) & (near < n_rows)
    at = near.clip(0, n_rows - 1)
    weight = np.where(inside, reading.rows[at, np.arange(n_columns)[:, None]], 0).astype(np.float64)
    mass = weight.sum(axis=1)
    share = weight / np.maximum(mass, 1e-12)[:, None]
    place = reading.y_px[at]
    pitch = float(reading.y_px[1] - reading.y_px[0]) if n_rows > 1 else 1.0
    y = np.where(mass > LEAST_MASS, (share * place).sum(axis=1), reading.y_px[chosen])
    variance = (share * (place - y[:, None]) ** 2).sum(axis=1)
    y[~present] = np.nan
    sigma = np.where(present, np.sqrt(variance) + LEAST_SIGMA_ROWS * pitch, np.nan)
    confidence = np.where(present, mass * reading.presence, 0.0).clip(0, 1)
    start, end = _ends(reading)
    return Path(reading.x_px, y, sigma, confidence, np.nan, start, end)


def _ends(reading: ColumnReading) -> tuple[float, float]:
    """Columns where the presence first reaches `LEAST_PRESENCE`, and where it last falls below."""
    seen = np.flatnonzero(reading.presence >= LEAST_PRESENCE)
    if len(seen) == 0:
        return np.nan, np.nan
    ends = []
    for at, before in ((seen[0], seen[0] - 1), (seen[-1], seen[-1] + 1)):
        x = reading.x_px[at]
        if 0 <= before < len(reading.presence):
            low, high = float(reading.presence[before]), float(reading.presence[at])
            share = (high - LEAST_PRESENCE) / max(high - low, 1e-9)
            x += share * (reading.x_px[before] - x)
        ends.append(float(x))
    return ends[0], ends[1]


@njit(cache=True)
def cheapest_rows(cost: FloatArray, step_cost: float) -> NDArray[np.int64]:
    """The row of each column on the path of least cost.

    As the cost of a climb grows with its rows, two sweeps over a column find the best predecessor
    of every row, instead of all pairs (P. Felzenszwalb and D. Huttenlocher, Distance transforms of
    sampled functions, 2012).

    Args:
        cost: float64 (C, R), of each row in each column.
        step_cost: Of one row's climb from a column to the next.

    Returns:
        int64 (C,).
    """
    n_columns, n_rows = cost.shape
    back = np.empty((n_columns, n_rows), np.int32)
    total = cost[0].copy()
    source = np.empty(n_rows, np.int32)
    for c in range(1, n_columns):
        for r in range(n_rows):
            source[r] = r
        for r in range(1, n_rows):
            if total[r - 1] + step_cost < total[r]:
                total[r] = total[r - 1] + step_cost
                source[r] = source[r - 1]
        for r in range(n_rows - 2, -1, -1):
            if total[r + 1] + step_cost < total[r]:
                total[r] = total[r + 1] + step_cost
                source[r] = source[r + 1]
        for r in range(n_rows):
            back[c, r] = source[r]
            total[r] += cost[c, r]
    chosen = np.empty(n_columns, np.int64)
    chosen[n_columns - 1] = np.argmin(total)
    for c in range(n_columns - 1, 0, -1):
        chosen[c - 1] = back[c, chosen[c]]
    return chosen
