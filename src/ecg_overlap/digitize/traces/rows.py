"""How many traces stand in a picture, and where: the rows that they return to."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from ecg_overlap.digitize.traces.runs import FloatArray, Runs, level_runs

# Of `find_rows`, set by hand. Without `COEXIST`, a trace that wanders has two rows: of 120 drawn
# leads that overlap (PTB-XL fold 9, classical) 22 % are then read with r < 0.9 instead of 5 %.
# It was chosen on 350 leads of fold 9 (experiments/joint_tracing).
SMOOTH_MM = 0.6  # standard deviation of the rows' density
APART_MM = 1.5  # between two rows at the least
NEAR_MM = 1.2  # a run so near a row is at it
LEAST_SHARE = 0.15  # of the picture's columns that hold a run at a row
COEXIST = 0.7  # of the columns that two rows would share by chance, two traces' rows share so many
MOST_CANDIDATES = 40


@dataclass(frozen=True)
class Row:
    """Where one trace stands.

    Args:
        y_px: The row that it returns to: most of it is near that.
        first: Its first column there.
        last: Its last.
    """

    y_px: float
    first: int
    last: int


def find_rows(runs: Runs, height: int, *, px_per_mm: float) -> list[Row]:
    """The rows of the traces in a picture, from top to bottom; empty without ink.

    Most of a trace is level. Rows are where the level runs of ink are densest; but one trace that
    wanders is dense in two rows, first in the one and then in the other. Where one trace is level
    does not depend on where another is, so two traces share as many columns as chance has it.

    Args:
        runs: Of the whole picture.
        height: Of the picture, px.
        px_per_mm: Its scale.
    """
    n_columns = len(runs.first) - 1
    level = level_runs(runs)
    y, column = level.centre_px, level.column
    if len(y) == 0:
        return []
    count = np.bincount(np.rint(y).astype(int).clip(0, height - 1), minlength=height)
    density = gaussian_filter1d(count.astype(np.float64), SMOOTH_MM * px_per_mm, mode="constant")
    apart = int(APART_MM * px_per_mm)
    at: list[int] = []
    while len(at) < MOST_CANDIDATES and density.max() > 0:
        at.append(int(density.argmax()))
        density[max(0, at[-1] - apart) : at[-1] + apart + 1] = 0
    away = np.abs(y[:, None] - np.array(at)[None])
    near = away.min(axis=1) < NEAR_MM * px_per_mm
    holds = np.zeros((len(at), n_columns), np.bool_)
    holds[away.argmin(axis=1)[near], column[near]] = True
    inked = np.diff(runs.first) > 0
    found: list[int] = []
    for k, here in enumerate(holds):
        if here.sum() >= max(LEAST_SHARE * n_columns, 1) and all(
            independent(here, holds[j], inked) for j in found
        ):
            found.append(k)
    return [
        Row(float(at[k]), *np.flatnonzero(holds[k])[[0, -1]].tolist())
        for k in sorted(found, key=lambda k: at[k])
    ]


def independent(a: NDArray[np.bool_], b: NDArray[np.bool_], inked: NDArray[np.bool_]) -> bool:
    """Whether two rows are two traces', as they share as many columns as chance has it.

    Args:
        a: bool (W,): the columns that hold a level run at the one row.
        b: bool (W,): at the other.
        inked: bool (W,): the columns that hold any ink.
    """
    return bool((a & b).sum() * inked.sum() > COEXIST * a.sum() * b.sum())


def presence(runs: Runs, rows_px: FloatArray, *, px_per_mm: float) -> FloatArray:
    """The share of the columns that hold a level run at each row, float64 (K,), 0–1.

    Args:
        runs: Of the whole picture.
        rows_px: float64 (K,), or (K, W) for rows that are not level, NaN where one is not expected.
        px_per_mm: The picture's scale.
    """
    level, n_columns = level_runs(runs), len(runs.first) - 1
    y, column = level.centre_px, level.column
    shares = []
    for row in rows_px:
        here, expected = (
            (row, n_columns) if np.ndim(row) == 0 else (row[column], np.isfinite(row).sum())
        )
        near = column[np.abs(y - here) < NEAR_MM * px_per_mm]
        shares.append(len(np.unique(near)) / max(expected, 1))
    return np.array(shares)
