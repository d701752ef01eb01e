"""One trace's share of a picture's ink."""

from dataclasses import dataclass

import numpy as np

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.traces.runs import FloatArray, IntArray, Runs


@dataclass(frozen=True)
class TraceInk:
    """The runs of ink that were chosen as one trace: at most one per column.

    Args:
        cover: float32 (H, W), 0–1: all ink.
        runs: Its vertical runs.
        run: int64 (W,), index of the run chosen in each column, -1 where none is.
    """

    cover: Coverage
    runs: Runs
    run: IntArray

    @property
    def columns(self) -> IntArray:
        """The columns that hold a run of the trace, ascending."""
        return np.flatnonzero(self.run >= 0)

    def edges_px(self) -> tuple[FloatArray, FloatArray]:
        """Upper and lower edge of the trace in each column, float64 (W,); NaN where none is."""
        top, bottom = np.full((2, len(self.run)), np.nan)
        columns = self.columns
        top[columns] = self.runs.top_px[self.run[columns]]
        bottom[columns] = self.runs.bottom_px[self.run[columns]]
        return top, bottom
