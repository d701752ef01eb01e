"""Which connected pieces of dark pixels are ink, and which are specks or rests of lines."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.grid.model import Grid
from ecg_overlap.digitize.ink.darkness import BIG_BOX_MM, FloatImage, Image
from ecg_overlap.digitize.ink.dials import DIALS, InkDials

AWAY_FROM_INK_PX = 3  # paper's noise is measured no nearer than this to what surely is ink


def connected_ink(share: FloatImage, px_per_mm: float, dials: InkDials = DIALS) -> Image:
    """Pixels of pieces that may be ink and hold some that surely is, uint8 (H, W), 0 or 1.

    Args:
        share: float32 (H, W), 0–1, of the darkness of full ink.
        px_per_mm: The picture's scale.
        dials: Of binarization.
    """
    strong = share > dials.strong
    possible = share > _weak(share, strong, dials)
    kept = possible.view(np.uint8)
    count, label, stats, _ = cv2.connectedComponentsWithStats(kept)
    piece = label[possible]
    area = np.bincount(piece, minlength=count)
    sure = np.bincount(label[strong], minlength=count)
    ink = np.bincount(piece, share[possible], count)
    keep = (sure > dials.least_sure * area) | _steep(stats, ink, px_per_mm, dials)
    keep &= area > dials.speck_mm2 * px_per_mm**2
    kept[possible] = keep[piece]
    return kept


def _weak(share: FloatImage, strong: NDArray[np.bool_], dials: InkDials) -> float:
    """Share from which a pixel may be ink: above the noise of the paper."""
    side = 2 * AWAY_FROM_INK_PX + 1
    near = cv2.dilate(strong.astype(np.uint8), np.ones((side, side), np.uint8))
    paper = share[::2, ::2][near[::2, ::2] == 0]
    if not paper.size:
        return dials.weak
    noise = dials.noise_factor * np.percentile(paper, dials.noise_percentile)
    return float(np.clip(noise, dials.weak, dials.strong))


def _steep(
    stats: NDArray[Any], ink: NDArray[Any], px_per_mm: float, dials: InkDials
) -> NDArray[np.bool_]:
    """Which pieces are a fast pen's steep strokes: nowhere surely ink, but tall and narrow.

    Args:
        stats: int32 (n, 5), of the pieces, as OpenCV counts them.
        ink: float64 (n,), sum of each piece's shares of the ink's darkness.
        px_per_mm: The picture's scale.
        dials: Of binarization.
    """
    width, height = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    slender = (width > dials.spike_width_mm * px_per_mm) & (height > dials.spike_slender * width)
    steep: NDArray[np.bool_] = slender & (ink > dials.spike_share * stats[:, cv2.CC_STAT_AREA])
    return steep


def without_line_rests(kept: Image, grid: Grid, dials: InkDials = DIALS) -> Image:
    """`kept` (H, W), 0 or 1, without thin pieces along a major line.

    They are left where a line is darker than the others of its family.
    """
    off = [
        np.abs(mm - BIG_BOX_MM * np.rint(mm / BIG_BOX_MM))
        for mm in grid.millimetres_over(kept.shape)
    ]
    count, label, stats, _ = cv2.connectedComponentsWithStats(kept)
    area = np.maximum(stats[:, cv2.CC_STAT_AREA], 1)
    sides = stats[:, (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT)] / grid.px_per_mm_x
    rest = np.zeros(count, bool)
    for n, far in enumerate(off):
        on = np.bincount(label.ravel(), (far.ravel() < dials.rest_on_line_mm), minlength=count)
        thin = (sides[:, n] < dials.rest_width_mm) & (sides[:, 1 - n] < dials.rest_length_mm)
        rest |= (on / area > dials.rest_on_line) & thin
    rest[0] = True  # the paper
    return np.asarray(~rest[label], np.uint8)
