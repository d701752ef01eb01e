"""The path from a network's distribution over the rows of each column."""

import numpy as np

from ecg_overlap.digitize.paths.path import Coverage, FloatArray, Path

WINDOW_PX = 3  # rows on each side of the mode that count as its peak
LEAST_MASS = 0.25  # of the column: a peak that holds less is no trace


def coordinate(cover: Coverage) -> Path:
    """Each column's mode, refined to the centroid of the distribution around it.

    A mean over the whole column would fall between two peaks where the network hesitates
    between two traces.

    Args:
        cover: float32 (H, W), 0–1; a column's scale does not matter.
    """
    height, width = cover.shape
    at = np.argmax(cover, axis=0)
    rows = at + np.arange(-WINDOW_PX, WINDOW_PX + 1)[:, None]
    inside = (rows >= 0) & (rows < height)
    peak = np.where(inside, cover[rows.clip(0, height - 1), np.arange(width)], 0).astype(np.float64)
    mass = peak.sum(axis=0)
    confidence = mass / np.maximum(cover.sum(axis=0), 1e-9)
    seen = (confidence >= LEAST_MASS) & (cover.max(axis=0) > 1e-3)
    y, sigma = np.full(width, np.nan), np.full(width, np.nan)
    weight = peak[:, seen] / mass[seen]
    y[seen] = (weight * rows[:, seen]).sum(axis=0)
    sigma[seen] = np.sqrt((weight * (rows[:, seen] - y[seen]) ** 2).sum(axis=0)) + 0.1
    return _as_path(y, sigma, np.where(seen, confidence, 0.0))


def _as_path(y: FloatArray, sigma: FloatArray, confidence: FloatArray) -> Path:
    """No stroke has been drawn: the trace begins and ends with its first and last column."""
    columns = np.flatnonzero(np.isfinite(y))
    start, end = (columns[0], columns[-1]) if len(columns) else (np.nan, np.nan)
    x = np.arange(len(y), dtype=np.float64)
    return Path(x, y, sigma, confidence, np.nan, float(start), float(end))
