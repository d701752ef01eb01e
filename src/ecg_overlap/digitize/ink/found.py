"""What a method found of a picture's ink, before it is known whose it is."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.ink.letters import LetterBox
from ecg_overlap.digitize.network import ColumnReading


@dataclass(frozen=True)
class Ink:
    """What a picture shows of its traces.

    Args:
        mask: (H, W), coverage or probability: uint8 0–255 or float 0–1.
        binarized: Whether the picture's own ink was read: its edge is less exact than that of a
            drawn or predicted mask.
        px_per_mm: The picture's scale; None: not known, as of a mask by itself.
        rows_px: float64 (K, W): rows to which the picture's traces return, where they were looked
            for already.
        maps: float32 (K, H, W), a network's probability of each of those traces: whose the ink is;
            or (K + 2, H, W), of traces from above and below too.
        columns: A coordinate head's rows, where the path is read from these.
        dark: (H, W), like `mask`: all that is dark and not the grid, letters and pulses too, where
            `mask` was chosen from it; None: `mask` is that.
        inside: bool (H, W): where the picture is; None: everywhere.
        mm_per_mv: The gain: how far its traces may swing.
        letters: Where words are printed that surely are ones.
    """

    mask: NDArray[Any]
    binarized: bool = False
    px_per_mm: float | None = None
    rows_px: NDArray[np.float64] | None = None
    maps: Coverage | None = None
    columns: ColumnReading | None = None
    dark: NDArray[Any] | None = None
    inside: NDArray[np.bool_] | None = None
    mm_per_mv: float = 10.0
    letters: tuple[LetterBox, ...] = ()

    def between(self, first: int, stop: int) -> "Ink":
        """The same without what is before or from these columns on."""
        kept = np.zeros(self.mask.shape[1], np.bool_)
        kept[first:stop] = True
        return replace(
            self,
            mask=np.where(kept, self.mask, 0).astype(self.mask.dtype),
            maps=None if self.maps is None else self.maps * kept,
            dark=None if self.dark is None else np.where(kept, self.dark, 0),
        )

    def within(self, inside: NDArray[np.bool_]) -> "Ink":
        """The same without what lies outside of the picture, bool (H, W)."""
        return replace(
            self,
            mask=np.where(inside, self.mask, 0).astype(self.mask.dtype),
            maps=None if self.maps is None else self.maps * inside,
            dark=None if self.dark is None else np.where(inside, self.dark, 0),
            inside=inside,
        )
