"""Stretches of a row's path as the signals of leads."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from ecg_overlap.digitize.calibrate import to_signal
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.page.paper import PagePicture
from ecg_overlap.digitize.paths.path import Path

FloatArray = NDArray[np.float64]

EDGE_MM = 1.2  # a stroke that is steep so near to where a lead begins or ends is not the heart's
PER_MM = 4.0  # samples of `row_signals`
SMOOTH_MM = 1.0  # over which they are averaged: finer tremor is read less well


@dataclass(frozen=True)
class Stretch:
    """Where on its row a lead stands.

    Args:
        first_px: Column of its first sample on the straight picture.
        stop_px: Where the next lead begins.
        zero_px: Row of 0 mV; NaN where it is not known.
        upside_down: Whether it is printed so.
        seen_px: First and last column in which there is nothing but the lead; None: all.
    """

    first_px: float
    stop_px: float
    zero_px: float
    upside_down: bool
    seen_px: tuple[float, float] | None = None


def row_signals(paths: tuple[Path, ...], width: int, *, px_per_mm: float) -> FloatArray:
    """How high each row's trace is, float64 (K, n), mm, at `PER_MM` samples per mm; NaN beside it.

    Averages over `SMOOTH_MM`.

    Args:
        paths: Of the rows, on the straight picture.
        width: Of the picture, px.
        px_per_mm: Its scale.
    """
    every = np.arange(width)
    reach = max(round(SMOOTH_MM * px_per_mm), 1)
    x = np.arange(0.0, width, px_per_mm / PER_MM)
    heights = np.full((len(paths), len(x)), np.nan)
    for height, path in zip(heights, paths, strict=True):
        seen = np.isfinite(path.y_px)
        if seen.any():
            y = uniform_filter1d(np.interp(every, path.x_px[seen], path.y_px[seen]), reach)
            height[:] = -np.interp(x, every, y) / px_per_mm
            height[(x < path.start_px) | (x > path.end_px)] = np.nan
    return heights


def without_edges(stretch: Stretch, steep: NDArray[np.bool_], *, px_per_mm: float) -> Stretch:
    """The stretch without the steep strokes right at its ends.

    Where leads meet stand separators, the pen moves from one lead's height to the next's, and
    a pulse falls: none of it is of the heart.

    Args:
        stretch: Of a lead.
        steep: bool (W,): columns in which the row's stroke is taller than a level one.
        px_per_mm: Scale of the straight picture.
    """
    reach = round(EDGE_MM * px_per_mm)
    first, stop = round(stretch.first_px), round(stretch.stop_px)
    head, tail = (max(column, 0) for column in (first, stop - reach))  # where each edge begins
    of_head = head + np.flatnonzero(steep[head : max(first + reach, 0)])
    of_tail = tail + np.flatnonzero(steep[tail : max(stop, 0)])
    begin = of_head[-1] + 1 if len(of_head) else stretch.first_px
    end = of_tail[0] - 1 if len(of_tail) else stretch.stop_px
    return replace(stretch, seen_px=(float(begin), float(end)))


def part_of(path: Path, stretch: Stretch) -> Path:
    """The part of a row's path that is a lead's."""
    return between(path, stretch.first_px, stretch.stop_px, seen_px=stretch.seen_px)


def lead_of(
    path: Path, stretch: Stretch, page: PagePicture, *, fs_hz: float, error_factor: float
) -> LeadSignal | None:
    """The signal of a stretch of a row; None where the row has no ink there.

    Args:
        path: Of the row, on the straight picture.
        stretch: Which part of it.
        page: The page, at its speed and gain.
        fs_hz: Of the result.
        error_factor: As `to_signal` has it.
    """
    part = part_of(path, stretch)
    if not np.isfinite(part.y_px).any():
        return None
    on_paper = page.on_paper(part)
    calibration = replace(page.scale.calibration, t0_px=on_paper.start_px)
    known = bool(np.isfinite(stretch.zero_px))
    if known:
        calibration = replace(calibration, baseline_px=page.row_on_paper(stretch.zero_px))
    a_sample = calibration.px_per_s / fs_hz
    lead = to_signal(
        on_paper,
        calibration,
        fs_hz=fs_hz,
        t0_known=True,
        baseline_known=known,
        end_px=on_paper.end_px - a_sample,
        error_factor=error_factor,
    )
    axes = page.scale.paper.levelled()
    return replace(
        lead,
        signal_mv=-lead.signal_mv if stretch.upside_down else lead.signal_mv,
        path_px=axes.unstraighten(lead.path_px),
        angle_deg=page.scale.paper.angle_deg,
        grid_confidence=page.scale.paper.confidence,
        flags=(*lead.flags, *(("peak_doubtful",) if part.peak_doubtful else ())),
    )


def between(
    path: Path, first_px: float, stop_px: float, *, seen_px: tuple[float, float] | None = None
) -> Path:
    """The part of a path from one column to another, which become its ends.

    Args:
        path: Of a row.
        first_px: Where the part begins.
        stop_px: Where it ends.
        seen_px: Outside of these columns, the part is unseen.
    """
    of = (path.x_px >= first_px) & (path.x_px < stop_px)
    x_px = path.x_px[of]
    begin, end = seen_px or (first_px, stop_px)
    doubtful = (path.doubtful_px >= begin) & (path.doubtful_px <= end)
    seen = (x_px >= max(path.start_px - 1, begin)) & (x_px <= min(path.end_px + 1, end))
    return replace(
        path,
        x_px=x_px,
        y_px=np.where(seen, path.y_px[of], np.nan),
        sigma_px=np.where(seen, path.sigma_px[of], np.nan),
        confidence=np.where(seen, path.confidence[of], 0.0),
        start_px=first_px,
        end_px=stop_px,
        doubtful_px=path.doubtful_px[doubtful],
    )
