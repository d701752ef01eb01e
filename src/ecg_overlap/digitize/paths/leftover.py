"""What the paths of all traces leave over: ink that none of them draws, and paths without ink."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from data_gen.render import draw_stroke
from ecg_overlap.digitize.ink.evidence import INK
from ecg_overlap.digitize.paths.path import Path
from ecg_overlap.digitize.traces.joint import Traces
from ecg_overlap.digitize.traces.share import visited

NEAR_MM = 0.3  # ink so near to a path is drawn by it, and a path so near to ink is no invention


@dataclass(frozen=True)
class Leftover:
    """What a picture's traces and its ink do not have in common.

    Args:
        unexplained: bool (H, W): ink that no path draws; letters and pulses are such ink too.
        invented: bool (H, W): where the primary's path leads over blank paper.
        unexplained_share: Of the picture's ink, 0–1.
        invented_share: Of the primary's path, 0–1.
    """

    unexplained: NDArray[np.bool_]
    invented: NDArray[np.bool_]
    unexplained_share: float
    invented_share: float


def leftover(traces: Traces, paths: Sequence[Path], primary: int) -> Leftover:
    """Draw all paths together and compare with the ink.

    Args:
        traces: Of the picture.
        paths: Of each of them.
        primary: Number of the primary.
    """
    ink = traces.cover >= INK
    reach = max(round(NEAR_MM * traces.px_per_mm), 1)
    around = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    drawn = np.zeros(ink.shape, np.uint8)
    for path in paths:
        _draw(drawn, path, path.width_px)
    drawn = np.maximum(drawn, visited(traces.where[-2:], traces.runs.row, ink.shape))
    unexplained = ink & (cv2.dilate(drawn, around) == 0)
    line = np.zeros(ink.shape, np.uint8)
    _draw(line, paths[primary], 1.0)
    on_path = line > 0
    invented = on_path & (cv2.dilate(ink.astype(np.uint8), around) == 0)
    return Leftover(
        unexplained,
        invented,
        float(unexplained.sum() / max(ink.sum(), 1)),
        float(invented.sum() / max(on_path.sum(), 1)),
    )


def _draw(mask: NDArray[np.uint8], path: Path, width_px: float) -> None:
    """Draw the known part of a path."""
    if np.isfinite(path.y_px).any():
        draw_stroke(mask, np.stack([path.x_px, path.y_px], axis=1), width_px=width_px)
