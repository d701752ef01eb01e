"""The grid of ECG paper: pitch, tilt, phase and bend, fitted over all of its lines.

A picture's way: illumination (its darkness) → strips (cut across the lines, as spectra) →
spectrum (tilt and period) → fold (the least period) → lines (each localised) → comb (fitted to
all) → boxes (1 mm or 5 mm) → apart (pixels that are not square) → combine (both families) and
second (lines left unexplained) → straight_grid. Where lines bend: parts (looked at alone) →
track (lines followed) → bend (a smooth field) → bent_grid → slip (was a pitch lost on the way?).
find goes through all of it, and through a smaller copy where the picture is finer (finer).

Where the line of a constant gives no other origin, it was set by hand on the sets of
`benchmarks/grid_drift.py`; `--constants` there shows what halving and doubling it does.
"""

from ecg_overlap.digitize.grid.find import find_grid
from ecg_overlap.digitize.grid.illumination import Illumination
from ecg_overlap.digitize.grid.model import Grid, GridSource

__all__ = ["Grid", "GridSource", "Illumination", "find_grid"]
