"""Which of a crop's traces is the primary: the one that the crop was cut around.

A crop is as high as its trace, and its trace is in all of it: the primary leaves something free
above and below, as much on both sides, does not run along the edge, and is nowhere absent.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.evidence import SURE, likely_near
from ecg_overlap.digitize.paths.path import Path
from ecg_overlap.digitize.traces.joint import Traces
from ecg_overlap.digitize.traces.search import ABSENT

# Log odds against a trace, in round numbers between two fits (conditional logit), with and without
# a network, to 100 drawn crops of PTB-XL's fold 9 in which one trace was read clearly better than
# the others; `UNLIKE_PER_MM` by 252 others, of four kinds of picture, in which 20 were chosen wrong
# with .15 and as much for the margins without the USUAL extremes, and 15 so; `FREE_PER_MM` on
# 483 readings of 270 others, of five kinds (experiments/joint_tracing, "Which trace is meant").
UNLIKE_PER_MM = 0.3  # of difference between the margins above and below its path, …
UNLIKE_MAP_PER_MM = 0.5  # … and where a network's map shows it
USUAL = 0.02  # share of the map's columns beyond each margin
ABSENT_ALL = 50.0  # if it were absent in all columns
AT_EDGE_ALL = 45.0  # if all of it were at the picture's upper or lower edge
# Of its nearer margin, in favour of it, up to a little less than the published crops leave.
FREE_PER_MM, MOST_FREE_MM = 3.0, 0.9
AT_ROW = 1.5  # in favour of it: if all columns held a level run at its row
SEEN = 10.0  # in favour of it: if a network's map of it held all of its path
AT_HOME, THERE = 0.25, 0.6  # of the columns of a whole trace: level ink at its row; any ink of it
LEAST_SEEN = 0.25  # share of the columns in which a trace has ink, for it to be one


def primary_of(traces: Traces, paths: Sequence[Path]) -> int:
    """Number of the likeliest primary.

    Args:
        traces: Of the crop.
        paths: Of each of its rows.
    """
    return int(np.argmax(chances_of(traces, paths)))


def chances_of(traces: Traces, paths: Sequence[Path]) -> NDArray[np.float64]:
    """How likely each trace is the primary, float64 (K,), 1 in sum.

    Args:
        traces: Of the crop.
        paths: Of each of its rows.
    """
    doubts = np.array([_doubt(traces, k, path) for k, path in enumerate(paths)])
    seen = np.array([(traces.where[k] >= 0).mean() for k in range(len(paths))])
    hardly = seen < min(LEAST_SEEN, float(seen.max()))
    doubts = np.where(hardly, np.inf, doubts)
    least = float(doubts.min())
    if not np.isfinite(least):  # none has a path
        return np.full(len(doubts), 1 / len(doubts))
    odds = np.exp(least - doubts)
    chances: NDArray[np.float64] = odds / odds.sum()
    return chances


def whole(traces: Traces, k: int, path: Path) -> bool:
    """Whether all of a trace is in the picture: it is in most columns, and touches no edge."""
    y = path.y_px[np.isfinite(path.y_px)]
    if not len(y) or traces.at_row[k] < AT_HOME or (traces.where[k] >= 0).mean() < THERE:
        return False
    pen = path.width_px
    return bool(y.min() > pen and y.max() < len(traces.cover) - 1 - pen)


def _doubt(traces: Traces, k: int, path: Path) -> float:
    """What speaks against trace `k`, as log odds."""
    height = len(traces.cover)
    known = np.isfinite(path.y_px)
    if not known.any():
        return np.inf
    y = path.y_px[known]
    pen = path.width_px
    at_edge = (y < pen) | (y > height - 1 - pen)
    above, below = float(y.min()), height - 1 - float(y.max())
    doubt = UNLIKE_PER_MM * abs(above - below) / traces.px_per_mm
    doubt -= FREE_PER_MM * min(min(above, below) / traces.px_per_mm, MOST_FREE_MM)
    doubt += ABSENT_ALL * traces.share_of(k, ABSENT) + AT_EDGE_ALL * float(at_edge.mean())
    doubt -= AT_ROW * float(traces.at_row[k])
    if traces.maps is None:
        return doubt
    near = likely_near(traces.maps[k], px_per_mm=traces.px_per_mm)
    doubt -= SEEN * float(path.along(near).mean())
    shown = traces.maps[k] >= SURE
    if shown.any():
        there = shown.any(axis=0)
        upper, lower = shown.argmax(axis=0)[there], height - 1 - shown[::-1].argmax(axis=0)[there]
        doubt += UNLIKE_MAP_PER_MM * _unlike(upper, lower, height) / traces.px_per_mm
    return doubt


def _unlike(upper: NDArray[Any], lower: NDArray[Any], height: int) -> float:
    """Difference between the margins above and below rows (n,), px, but for the USUAL extremes."""
    above = float(np.quantile(upper, USUAL))
    below = height - 1 - float(np.quantile(lower, 1 - USUAL))
    return abs(above - below)
