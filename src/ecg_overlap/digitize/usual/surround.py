"""What lies round the paper: a scanner's border, a desk.

It is dark, broader than any stroke, reaches the picture's edge, and ends sharply: a shadow fades.
It is made blank paper, so that the picture keeps its size and all pixels their place.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]

# Of the picture's longer side: what is narrower may be ink. A bold stroke of 0.8 mm is 1.6 % of a
# crop of two beats (50 mm).
BROAD = 0.04
DARK = 0.5  # of the paper's level: what is darker over so broad a stretch is no paper
PAPER_PERCENT = 90  # over the picture's stretches: paper is the lightest thing in it
LEAST = 0.01  # of the picture: less is a shadow in a corner
# At its edge, its level is at most such a share of the paper's, in the median: borders and desks
# have 0.1 to 0.3, the shadow of a hand on a real page has 0.98.
SHARP = 0.6
NEAR_EDGE_PX = 3  # of ENOUGH_PX: within so much to both sides of the edge
ENOUGH_PX = 600  # along the longer side, to see what is so broad
EDGE_PX = 2  # a border's edge is so soft


def surround_of(lightest: Image) -> Mask | None:
    """Where no paper is, bool (H, W); None: the paper fills the picture.

    Args:
        lightest: uint8 (H, W), the highest of a pixel's channels.
    """
    height, width = lightest.shape
    shrink = max(max(height, width) // ENOUGH_PX, 1)
    small = (max(width // shrink, 1), max(height // shrink, 1))
    seen = cv2.resize(lightest, small, interpolation=cv2.INTER_AREA) if shrink > 1 else lightest
    size = max(round(BROAD * max(seen.shape)), 3) | 1
    stretches = cv2.morphologyEx(seen, cv2.MORPH_CLOSE, np.ones((size, size), np.uint8))
    paper = float(np.percentile(stretches, PAPER_PERCENT))
    dark = (stretches < DARK * paper).astype(np.uint8)
    if not dark.any():
        return None
    count, piece = cv2.connectedComponents(dark, connectivity=8)
    edge = np.concatenate([piece[0], piece[-1], piece[:, 0], piece[:, -1]])
    outer = np.bincount(edge, minlength=count) > 0
    outer[0] = False
    level = np.asarray(stretches, np.uint8)
    sharp = [k for k in np.flatnonzero(outer) if _ends_sharply(piece == k, level)]
    outside = np.isin(piece, sharp)
    if float(outside.mean()) < LEAST:
        return None
    full = cv2.resize(outside.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    reach = EDGE_PX + shrink if shrink > 1 else EDGE_PX
    return np.asarray(cv2.dilate(full, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0)


def _ends_sharply(region: Mask, level: Image) -> bool:
    """Whether the level changes at once at the edge of the region, bool (H, W)."""
    near = np.ones((2 * NEAR_EDGE_PX + 1, 2 * NEAR_EDGE_PX + 1), np.uint8)
    edge = region & (cv2.erode(region.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)
    darker, lighter = cv2.erode(level, near)[edge], cv2.dilate(level, near)[edge]
    return bool(np.median(darker / np.maximum(lighter, 1.0)) < SHARP)


def blanked(image: Image, outside: Mask) -> Image:
    """The picture (H, W, 3) with blank paper where `outside` (H, W) is."""
    paper = np.median(image[~outside], axis=0)
    shown = image.copy()
    shown[outside] = paper.astype(np.uint8)
    return shown
