"""From a mask to the path of the pen: the decoders by name."""

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from data_gen.errors import InputError
from ecg_overlap.digitize.baselines.fortune import fortune, fortune_fixed
from ecg_overlap.digitize.ink.coverage import Coverage, as_coverage
from ecg_overlap.digitize.paths.columns import centroid, viterbi
from ecg_overlap.digitize.paths.path import Path
from ecg_overlap.digitize.paths.stroke import stroke

_WITHOUT_ROW: dict[str, Callable[[Coverage], Path]] = {
    "centroid": centroid,
    "viterbi": viterbi,
    "fortune": fortune,
    "fortune_fixed": fortune_fixed,
}
DECODERS = ("stroke", *_WITHOUT_ROW)


def decode(
    mask: NDArray[Any],
    decoder: str = "stroke",
    *,
    row_px: float | None = None,
    evidence: Coverage | None = None,
) -> Path:
    """The centre line of the trace in a mask.

    Args:
        mask: uint8 coverage 0–255 or float probability 0–1, (H, W).
        decoder: One of `DECODERS`.
        row_px: Row of the trace's baseline, where known; only `stroke` uses it.
        evidence: float32 (H, W), a network's probability of the primary; likewise.

    Raises:
        InputError: An unknown decoder, or no mask.

    Example:
        >>> import numpy as np
        >>> mask = np.zeros((20, 40), np.uint8)
        >>> mask[9:12] = 255
        >>> path = decode(mask, "stroke")
        >>> bool(np.allclose(path.y_px[20:-20], 10, atol=0.01)), round(path.width_px)
        (True, 3)
    """
    if decoder not in DECODERS:
        raise InputError(f"decoder {decoder!r}", "unknown", f"choose of {', '.join(DECODERS)}")
    cover = as_coverage(mask)
    if decoder == "stroke":
        return stroke(cover, row_px=row_px, evidence=evidence)
    return _WITHOUT_ROW[decoder](cover)
