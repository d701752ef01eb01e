"""What a method found of a picture's traces, before one of them is chosen."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.network import ColumnReading


@dataclass(frozen=True)
class Ink:
    """What a picture shows of its traces.

    Args:
        mask: (H, W), coverage or probability: uint8 0–255 or float 0–1.
        binarized: Whether the picture's own ink was read: its edge is less exact than that of a
            drawn or predicted mask.
        probability: float32 (H, W), a network's, of the primary: tells whose the ink is.
        columns: A coordinate head's rows, where the path is read from these.
        inside: bool (H, W): where the picture is; None: everywhere.
    """

    mask: NDArray[Any]
    binarized: bool = False
    probability: Coverage | None = None
    columns: ColumnReading | None = None
    inside: NDArray[np.bool_] | None = None

    def within(self, inside: NDArray[np.bool_]) -> "Ink":
        """The same without what lies outside of the picture, bool (H, W)."""
        return replace(
            self,
            mask=np.where(inside, self.mask, 0).astype(self.mask.dtype),
            probability=None if self.probability is None else self.probability * inside,
            inside=inside,
        )
