"""From ink to the path of the pen: which trace is chosen, and how it is decoded, by name."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError
from ecg_overlap.digitize.identity.settle import settled
from ecg_overlap.digitize.ink.coverage import Coverage, as_coverage
from ecg_overlap.digitize.ink.found import Ink
from ecg_overlap.digitize.network import ColumnReading
from ecg_overlap.digitize.paths.agreed import agreed
from ecg_overlap.digitize.paths.columns import centroid, least_angle_chain, path_of_centres
from ecg_overlap.digitize.paths.coordinate import coordinate
from ecg_overlap.digitize.paths.leftover import Leftover, leftover
from ecg_overlap.digitize.paths.path import Path, contested
from ecg_overlap.digitize.paths.stroke import stroke
from ecg_overlap.digitize.paths.together import redrawn_with_visitors
from ecg_overlap.digitize.primary import chances_of, whole
from ecg_overlap.digitize.traces.chosen import TraceInk
from ecg_overlap.digitize.traces.costs import COSTS
from ecg_overlap.digitize.traces.drifting import rows_of
from ecg_overlap.digitize.traces.joint import Traces, trace_all
from ecg_overlap.digitize.traces.runs import px_per_mm_of

COSTS_MM_PER_MV = 10.0  # the gain at which `COSTS` are meant

Trace = TypeVar("Trace")


@dataclass(frozen=True)
class Decoded:
    """What was read of a picture's ink.

    Args:
        path: Of the primary.
        contested: Share of the picture's columns in which the primary's ink is another trace's
            too; NaN where the other traces were not traced.
        leftover: What all paths together leave over; None likewise.
        chance: That the path's trace is the one that the picture was cut around, 0–1.
        n_whole: How many traces go through the whole picture.
        seen: Mean of the network's map of the trace along its path, 0–1; NaN without such a map.
    """

    path: Path
    contested: float = np.nan
    leftover: Leftover | None = None
    chance: float = 1.0
    n_whole: int = 1
    seen: float = np.nan


@dataclass(frozen=True)
class Decoder(Generic[Trace]):
    """The last two stages of a method.

    Args:
        choose_trace: From the ink, and the row of the primary's baseline where it is known, to
            what of it is which trace's.
        decode: From that to the pen's path.
    """

    choose_trace: Callable[[Ink, float | None], Trace]
    decode: Callable[[Trace], Decoded]


def all_traces(ink: Ink, row_px: float | None) -> Traces:
    """All traces of the picture."""
    cover = as_coverage(ink.mask)
    px_per_mm, costs = ink.px_per_mm, COSTS
    if px_per_mm is None:  # the pen's width says it roughly, which is too little for a hard bound
        px_per_mm, costs = px_per_mm_of(cover), replace(COSTS, most_off_row_mm=np.inf)
    elif ink.mm_per_mv > COSTS_MM_PER_MV:  # the bound is one of mV
        most = COSTS.most_off_row_mm * ink.mm_per_mv / COSTS_MM_PER_MV
        costs = replace(COSTS, most_off_row_mm=most)
    rows = ink.rows_px
    if rows is None:
        rows = rows_of(cover, px_per_mm=px_per_mm, row_px=row_px)
    return trace_all(
        cover,
        rows,
        px_per_mm=px_per_mm,
        maps=ink.maps,
        row_px=row_px,
        inside=ink.inside,
        repeating=True,
        letters=ink.letters,
        costs=costs,
    )


def strokes(traces: Traces) -> Decoded:
    """The path of every trace's stroke, and which is the primary's."""
    apart = [stroke(traces.ink(k)) for k in range(len(traces.rows_px))]
    traces, paths = settled(traces, agreed(traces, redrawn_with_visitors(traces, apart)))
    chances = chances_of(traces, paths)
    primary = int(chances.argmax()) if traces.known is None else traces.known
    shared = traces.shared(primary)
    return Decoded(
        contested(paths[primary], shared),
        float(shared.mean()),
        leftover(traces, paths, primary),
        1.0 if traces.known is not None else float(chances[primary]),
        sum(whole(traces, k, path) for k, path in enumerate(paths)),
        _seen(traces, primary, paths[primary]),
    )


def _seen(traces: Traces, k: int, path: Path) -> float:
    """The mean of trace `k`'s map along its path; NaN without a map or a path."""
    if traces.maps is None or not np.isfinite(path.y_px).any():
        return np.nan
    return float(path.along(traces.maps[k]).mean())


def _decoded(trace: Trace, decode: Callable[[Trace], Path]) -> Decoded:
    return Decoded(decode(trace))


def alone(decode: Callable[[Trace], Path]) -> Callable[[Trace], Decoded]:
    """A decoder that knows of one trace."""
    return partial(_decoded, decode=decode)


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
    "stroke": Decoder(all_traces, strokes),
    "centroid": Decoder(all_ink, alone(centroid)),
    "viterbi": Decoder(straightest_chain, alone(path_of_centres)),
    "fortune": Decoder(partial(straightest_chain, but_last_row=True), alone(path_of_centres)),
    "fortune_fixed": Decoder(straightest_chain, alone(path_of_centres)),
}
COORDINATE = Decoder(rows_of_network, alone(coordinate))


def decode(
    mask: NDArray[Any],
    decoder: str = "stroke",
    *,
    row_px: float | None = None,
    px_per_mm: float | None = None,
) -> Path:
    """The centre line of the trace in a mask.

    Args:
        mask: uint8 coverage 0–255 or float probability 0–1, (H, W).
        decoder: One of `DECODERS`.
        row_px: Row of the trace's baseline, where known; only `stroke` uses it.
        px_per_mm: The mask's scale; None: as its stroke's width tells. Likewise.

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
    read: Decoded = of.decode(of.choose_trace(Ink(mask, px_per_mm=px_per_mm), row_px))
    return read.path
