"""The grid of ECG paper: pitch, tilt, phase and bend, fitted over all of its lines."""

from ecg_overlap.digitize.grid.find import find_grid
from ecg_overlap.digitize.grid.illumination import Illumination
from ecg_overlap.digitize.grid.model import Grid, GridSource

__all__ = ["Grid", "GridSource", "Illumination", "find_grid"]
