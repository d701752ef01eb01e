"""The pen's centre line at sub-pixel, with several points per column (our decoder).

A round pen inks every point within half its width of the centre line. Going back:

1. the trace's own ink: one run per column (`traces.joint`), led over peaks below which the chain
   took a short cut, and to the tips of peaks whose flanks left no ink (`spikes`);
2. the core of that ink, and the pen's shortest way through it (`core`);
3. the way is refined until, drawn again with the same pen, it gives the mask (`redraw`);
4. where that finds a thinner pen than the runs' heights told, as of a trace that trembles, all is
   done again with it: the core of too thick a pen has lost the ends of peaks.
"""

from dataclasses import replace

import numpy as np
from numba import njit

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.paths.columns import extent_px
from ecg_overlap.digitize.paths.core import core_rows, raise_tips, shortest_way, unexplained_px
from ecg_overlap.digitize.paths.drawn import BEND, bends, difference, draw_into
from ecg_overlap.digitize.paths.path import FloatArray, Path, stretches
from ecg_overlap.digitize.paths.redraw import redraw
from ecg_overlap.digitize.paths.spikes import find_spikes, through_ink, through_tips
from ecg_overlap.digitize.traces.chosen import TraceInk
from ecg_overlap.digitize.traces.runs import SOFT_EDGE_PX, IntArray, stroke_width_px

# Set by hand with the first decoder; no measurement is kept.
POINTS_PER_PEN = 8.0  # finer than the signal's samples, coarser than the noise of the ink
SPACING_PX = (0.25, 1.0)  # of the points, at the least and at the most
SLACK_PX = 0.3  # how much smaller than the pen's the eroding disc's radius is: edges are noisy
LEAST_RADIUS_PX = 0.5  # of the eroding disc
MISSING_WEIGHT = 3.0  # cost of a pixel of unexplained ink, in pixels of way
GAP_WIDTHS = 4.0  # a gap of up to so many stroke widths is bridged by a straight line
COARSE_SIGMA_PX = 0.5  # standard deviation of a way that was not refined
# With tremor, fitting the width with the rows gives 1.4 dB, doing it again from there 1.7 more (40
# drawn leads that tremble, as the set `tremor` of benchmarks/validation.py). Most clean drawn
# leads fit 0.95 or more of it at once.
THINNER = 0.93  # of the pen that was started with
MOST_AGAIN = 3  # times
DOUBTFUL = 0.5  # factor of the confidence where a peak is joined from pieces, or may be lost
ENDS_WIDTHS = 2.0  # of the stroke, over which an end must be flat for its ink to tell where it is


def stroke(trace: TraceInk, *, refine: bool = True) -> Path:
    """Decode the pen's centre line.

    Args:
        trace: Of the ink; it may have holes, and pieces that the chain of runs has passed by.
        refine: Redraw and fit; without, the way through the core is returned.
    """
    if len(trace.columns) < 2:
        return _nothing(trace.cover.shape[1])
    pen = stroke_width_px(*trace.edges_px())
    path = _with_pen(trace, pen, refine=refine)
    for _ in range(MOST_AGAIN if refine else 0):
        # Of a peak that is joined from pieces, the fit has not enough ink to tell the pen.
        if path.peak_doubtful or path.width_px >= THINNER * pen:
            break
        pen = path.width_px
        again = _with_pen(trace, pen, refine=True)
        if _misfit(trace, again) >= _misfit(trace, path):
            break
        path = again
    return path


def _with_pen(trace: TraceInk, pen: float, *, refine: bool) -> Path:
    """`stroke` of a pen that is `pen` px wide, or nearly."""
    cover, runs, width = trace.cover, trace.runs, trace.cover.shape[1]
    trace = replace(trace, run=through_ink(runs, trace.run, pen))
    chosen, columns = trace.run, trace.columns
    top, bottom = trace.edges_px()
    spikes = find_spikes(runs, chosen, top, bottom, pen)
    top[spikes.joined], bottom[spikes.joined] = np.nan, np.nan
    taken = np.union1d(chosen[columns[~np.isin(columns, spikes.joined)]], spikes.run)
    own = _own_ink(cover, runs.row[taken], runs.column[taken])
    spacing = float(np.clip(pen / POINTS_PER_PEN, *SPACING_PX))
    x: FloatArray = np.arange(-0.5 + spacing / 2, width - 0.5, spacing, dtype=np.float64)
    radius = max(pen / 2 - SLACK_PX, LEAST_RADIUS_PX)
    core = core_rows(top, bottom, x, radius)
    y = shortest_way(core, MISSING_WEIGHT * unexplained_px(core, x, radius))
    raise_tips(y, x, top, bottom, pen / 2)
    start, end = extent_px(columns, pen)
    if len(spikes.joined):
        y = through_tips(x, y, spikes)
    y = _bridged(x, y, GAP_WIDTHS * pen)
    y[(x < start) | (x > end)] = np.nan
    if refine:
        column = np.rint(x).astype(int).clip(0, width - 1)
        inner = np.stack([top[column] + pen / 2, bottom[column] - pen / 2])
        y, sigma, pen = redraw(own, x, y, pen, inner)
        # Where no ink holds it, the fit may overshoot; a pen's ink is seen in the picture.
        y = np.clip(y, -pen / 2, len(cover) - 1 + pen / 2)
        start, end = _ends(own, x, y, pen, extent_px(columns, pen))
    else:
        sigma = np.where(np.isfinite(y), COARSE_SIGMA_PX, np.nan)
    confidence = _ink_under(cover, x, y)
    confidence[np.isin(np.rint(x), spikes.column)] *= DOUBTFUL
    return Path(x, y, sigma, confidence, pen, start, end, spikes.column.astype(np.float64))


def _nothing(width: int) -> Path:
    """The path (W,) of a picture without a trace."""
    nan = np.full(width, np.nan)
    return Path(
        np.arange(width, dtype=np.float64), nan, nan, np.zeros(width), np.nan, np.nan, np.nan
    )


def _own_ink(cover: Coverage, rows: IntArray, columns: IntArray) -> Coverage:
    """The cover (H, W) of the chosen runs and the soft edges around them; 0 elsewhere."""
    own = np.zeros_like(cover)
    _copy_runs(cover, own, rows, columns, SOFT_EDGE_PX)
    return own


def _misfit(trace: TraceInk, path: Path) -> float:
    """How badly a path, drawn with its pen, gives the ink of the trace: squared coverage."""
    chosen = trace.run[trace.columns]
    own = _own_ink(trace.cover, trace.runs.row[chosen], trace.runs.column[chosen])
    drawn, bent = np.zeros_like(own), 0.0
    for start, stop in stretches(path.y_px):
        x, y = path.x_px[start:stop], path.y_px[start:stop]
        draw_into(drawn, x, y, path.width_px)
        bent += bends(y, BEND)
    return float(difference(own, drawn)) + bent


@njit(cache=True)
def _copy_runs(
    cover: Coverage, own: Coverage, rows: IntArray, columns: IntArray, edge: int
) -> None:
    height, width = cover.shape
    for i in range(len(columns)):
        for c in range(max(0, columns[i] - edge), min(width, columns[i] + edge + 1)):
            # Other columns only beside the trace's ends: elsewhere they have a run of their own.
            if c != columns[i] and (0 < i < len(columns) - 1):
                continue
            for r in range(max(0, rows[i, 0] - edge), min(height, rows[i, 1] + edge)):
                own[r, c] = cover[r, c]


def _ends(
    cover: Coverage, x: FloatArray, y: FloatArray, pen: float, coarse: tuple[float, float]
) -> tuple[float, float]:
    """Columns where the pen was set down and lifted, from the ink of its round ends.

    In the row in which the path ends, the ink ends half a pen farther on. Where the stroke is
    steep at its end, the coarse value, from whole columns of ink, stays.
    """
    seen = np.flatnonzero(np.isfinite(y))
    if len(seen) == 0:
        return coarse
    ends = []
    for at, inward, column in ((seen[0], 1, coarse[0]), (seen[-1], -1, coarse[1])):
        near = seen[np.abs(x[seen] - x[at]) < ENDS_WIDTHS * pen]
        row = round(float(y[at]))
        if np.ptp(y[near]) > pen / 2 or not 0 < row < len(cover) - 1:
            ends.append(column)
            continue
        inside = round(column + inward * pen)
        outward = slice(None, inside + 1) if inward > 0 else slice(inside, None)
        ink = float(cover[row - 1 : row + 2, outward].max(axis=0).sum())
        ends.append(inside + inward * (0.5 - ink + pen / 2))
    return (ends[0], ends[1]) if ends[0] < ends[1] else coarse


def _bridged(x: FloatArray, y: FloatArray, longest_px: float) -> FloatArray:
    """`y` with its inner gaps of up to `longest_px` interpolated; longer ones stay NaN."""
    seen = np.flatnonzero(np.isfinite(y))
    after = np.searchsorted(seen, np.arange(len(y))).clip(1, len(seen) - 1)
    gap = x[seen[after]] - x[seen[after - 1]]
    inside = (np.arange(len(y)) > seen[0]) & (np.arange(len(y)) < seen[-1])
    bridged: FloatArray = np.where(inside & (gap <= longest_px), np.interp(x, x[seen], y[seen]), y)
    return bridged


def _ink_under(cover: Coverage, x: FloatArray, y: FloatArray) -> FloatArray:
    """Coverage at each point's pixel, float64 (n,); 0 where there is no point."""
    seen = np.isfinite(y)
    ink = np.zeros(len(y))
    row = np.rint(y[seen]).astype(int).clip(0, len(cover) - 1)
    column = np.rint(x[seen]).astype(int).clip(0, cover.shape[1] - 1)
    ink[seen] = cover[row, column]
    return ink
