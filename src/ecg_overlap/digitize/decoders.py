"""From ink to the path of the pen: which trace is chosen, and how it is decoded, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray

from data_gen.errors import InputError
from ecg_overlap.digitize.ink.coverage import Coverage, as_coverage
from ecg_overlap.digitize.ink.found import Ink
from ecg_overlap.digitize.network import ColumnReading
from ecg_overlap.digitize.paths.columns import centroid, least_angle_chain, path_of_centres
from ecg_overlap.digitize.paths.coordinate import coordinate
from ecg_overlap.digitize.paths.path import Path
from ecg_overlap.digitize.paths.stroke import stroke
from ecg_overlap.digitize.traces.chosen import TraceInk
from ecg_overlap.digitize.traces.track import track

Trace = TypeVar("Trace")


@dataclass(frozen=True)
class Decoder(Generic[Trace]):
    """The last two stages of a method.

    Args:
        choose_trace: From the ink, and the row of the primary's baseline where it is known, to
            what of it is the primary.
        decode: From that to the pen's path.
    """

    choose_trace: Callable[[Ink, float | None], Trace]
    decode: Callable[[Trace], Path]


def cheapest_chain(ink: Ink, row_px: float | None) -> TraceInk:
    """The chain of runs that is likeliest the primary."""
    return track(as_coverage(ink.mask), row_px=row_px, evidence=ink.probability, inside=ink.inside)


def straightest_chain(ink: Ink, row_px: float | None, *, but_last_row: bool = False) -> TraceInk:
    """The chain of runs of least way and turning, whatever trace it is of."""
    return least_angle_chain(as_coverage(ink.mask), but_last_row=but_last_row)


def all_ink(ink: Ink, row_px: float | None) -> Coverage:
    """No choice: all ink is taken for the primary's."""
    return as_coverage(ink.mask)


def rows_of_network(ink: Ink, row_px: float | None) -> ColumnReading:
    """The network's own choice.

    Raises:
        InputError: A mask was given in the place of a network's rows.
    """
    if ink.columns is None:
        raise InputError(
            "method 'unet_coord'", "reads a network's rows, and no mask", "leave the mask out"
        )
    return ink.columns


# Fortune 2022 drops what touches the last row: its known fault, kept as described.
DECODERS: dict[str, Decoder[Any]] = {
    "stroke": Decoder(cheapest_chain, stroke),
    "centroid": Decoder(all_ink, centroid),
    "viterbi": Decoder(straightest_chain, path_of_centres),
    "fortune": Decoder(partial(straightest_chain, but_last_row=True), path_of_centres),
    "fortune_fixed": Decoder(straightest_chain, path_of_centres),
}
COORDINATE = Decoder(rows_of_network, coordinate)


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
    of = DECODERS[decoder]
    path: Path = of.decode(of.choose_trace(Ink(mask, probability=evidence), row_px))
    return path
