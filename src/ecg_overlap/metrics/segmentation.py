"""IoU and Dice of the primary trace's mask in one image.

The same counts serve `iou` (native resolution) and `iou_net` (the network's input
resolution): which one it is depends on the masks that are handed in.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError

Mask = NDArray[Any]


@dataclass(frozen=True)
class MaskCounts:
    """Pixel counts of a predicted mask against the true one.

    Args:
        both: Pixels in both masks.
        only_pred: Pixels in the prediction alone.
        only_true: Pixels in the truth alone.

    Example:
        >>> MaskCounts(4, 1, 3).iou
        0.5
    """

    both: int
    only_pred: int
    only_true: int

    @property
    def iou(self) -> float:
        """Intersection over union.

        Raises:
            InputError: Both masks are empty.
        """
        return self.both / self._or_nothing(self.both + self.only_pred + self.only_true)

    @property
    def dice(self) -> float:
        """Dice coefficient; errors as `iou`."""
        return 2 * self.both / self._or_nothing(2 * self.both + self.only_pred + self.only_true)

    @staticmethod
    def _or_nothing(total: int) -> int:
        if total == 0:
            raise InputError("mask", "no pixel in truth or prediction", "leave this image out")
        return total


def binary(mask: Mask) -> NDArray[np.bool_]:
    """A mask as bool (H, W).

    Args:
        mask: (H, W); uint8 coverage 0–255 (in the mask from 128), float probability 0–1 (in
            the mask from 0.5), or bool.

    Raises:
        InputError: Another type or shape, probabilities outside 0–1 (logits?) or NaN, or a
            uint8 mask of 0 and 1, which read as coverage would be empty.
    """
    if mask.ndim != 2:
        raise InputError("mask", f"shape {mask.shape} is not (H, W)", "give one channel")
    if mask.dtype == np.bool_:
        return mask
    if mask.dtype == np.uint8:
        inside: NDArray[np.bool_] = mask >= 128
        if mask.size and mask.max() == 1:
            raise InputError("mask", "uint8 of 0 and 1", "give coverage 0–255, or bool")
        return inside
    if not np.issubdtype(mask.dtype, np.floating):
        raise InputError("mask", f"type {mask.dtype}", "give uint8 coverage, float or bool")
    # min and max of an array with NaN are NaN, which fails both comparisons.
    if mask.size and not (mask.min() >= 0 and mask.max() <= 1):
        raise InputError("mask", "values outside 0–1", "give probabilities, not logits")
    probable: NDArray[np.bool_] = mask >= 0.5
    return probable


def count(pred: Mask | None, truth: Mask) -> MaskCounts:
    """Count the pixels of one image.

    Args:
        pred: (H, W) as `binary` takes it; None where the method refused: an empty mask.
        truth: (H, W) as `binary` takes it.

    Raises:
        InputError: The shapes differ, or `binary` refuses a mask.

    Source: docs/metrics.md; at 0.5.
    """
    true = binary(truth)
    n_true = int(np.count_nonzero(true))
    if pred is None:
        return MaskCounts(0, 0, n_true)
    if pred.shape != truth.shape:
        raise InputError("mask", f"{pred.shape} against {truth.shape}", "resize the prediction")
    guess = binary(pred)
    both = int(np.count_nonzero(guess & true))
    return MaskCounts(both, int(np.count_nonzero(guess)) - both, n_true - both)


def iou(pred: Mask | None, truth: Mask) -> float:
    """IoU of one image; arguments and errors as `count`, and an error where both are empty.

    Example:
        >>> import numpy as np
        >>> iou(np.array([[True, True, False]]), np.array([[False, True, True]]))
        0.3333333333333333
    """
    return count(pred, truth).iou


def dice(pred: Mask | None, truth: Mask) -> float:
    """Dice coefficient of one image; arguments and errors as `iou`."""
    return count(pred, truth).dice
