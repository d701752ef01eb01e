"""What an explanation of a picture's ink costs, as compiled code takes it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.traces.runs import FloatArray


class Prices(NamedTuple):
    """What an explanation costs, per pixel of the picture.

    Args:
        node: float64 (K, n): each trace at each node, for its row and by its map.
        without: float64 (3, K, W): each trace absent, above the picture, and below it.
        height: float64 (n,), of the nodes, in strokes.
        unexplained: float64 (n,): a run that no trace goes through.
        lettered: bool (n,): a letter's stroke is in it, as another trace's would be.
        leave: To end or to begin inside of the picture.
        cross: To go over the picture's edge.
        edge: To run at the edge where no trace goes over it, and to come back from there.
        shared: A run that explains another trace already and is not tall enough for both.
        turn: For a change of direction …
        turn_px: … of so many rows: turn · log(1 + rows / turn_px).
        along_px: After so many columns in a run with others, four times `turn_px`.
        blend: Share of a new column in the mean direction.
        pen_px: The strokes' usual width.
        hopeless: Beyond the best.
        beam: Explanations that are followed at the most.
    """

    node: FloatArray
    without: FloatArray
    height: FloatArray
    unexplained: FloatArray
    lettered: NDArray[np.bool_]
    leave: float
    cross: float
    edge: float
    shared: float
    turn: float
    turn_px: float
    along_px: float
    blend: float
    pen_px: float
    hopeless: float
    beam: int
