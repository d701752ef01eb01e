"""The picture's own ink, and what a network sees of it, brought together.

The network tells what is ink of a trace; the picture tells, at its own resolution, where that
ends: on `overlap` leads the network's map alone gives 18 dB in the mean where the picture's own
ink gives 25 (`experiments/ink`).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.ink.dials import DIALS
from ecg_overlap.digitize.ink.evidence import INK, REACH_MM, fill_holes, likely_near

PIECE = 0.3  # coverage from which neighbouring pixels hang together in one piece
MOST_OF_IT = 0.5  # mean probability from which a piece is of a trace
GRID_LINE_MM = 0.25  # a printed line is hardly thicker
END = 0.3  # of a missed stroke's length: so near its ends it meets the ink that it goes on from
MOST_MISSED_MM = 8.0  # of its length, as much as a trace may go over blank paper
LIKELY = 0.5  # probability from which ink is likelier than paper, as far as maps are calibrated
SURE = 0.7  # probability that a lost stroke reaches somewhere, and a hole everywhere
# A network's pixel: it cannot tell what is narrower. Of what it would fill in drawn leads of
# 16 px/mm, a third is ink; of that in scans of 4 to 11 px/mm, four fifths.
NETWORK_PX_MM = 0.125


def seen_ink(own: Coverage, probability: Coverage, *, px_per_mm: float) -> Coverage:
    """All traces' ink: the picture's, without what the network knows for none, and what it lacks.

    A piece of ink is judged as a whole: a letter of which the network is unsure in places goes,
    and a stroke that it misses in places stays, where a letter lies over it above all. A letter
    that touches a stroke stays too; tracing may leave it unexplained.

    Args:
        own: float32 (H, W), 0–1, the picture's ink.
        probability: float32 (H, W), of any trace's ink.
        px_per_mm: The picture's scale.

    Returns:
        float32 (H, W), 0–1.
    """
    near = likely_near(probability, px_per_mm=px_per_mm)
    cover = np.where(_of_traces(own, near, px_per_mm), own, np.float32(0))
    cover = _without_holes(cover, probability, px_per_mm)
    return np.where(_lost(cover, probability, px_per_mm), np.maximum(cover, probability), cover)


def _of_traces(own: Coverage, near: Coverage, px_per_mm: float) -> NDArray[np.bool_]:
    """Where the pieces of the picture's ink are that are of traces, bool (H, W)."""
    inked = own >= PIECE
    count, piece = cv2.connectedComponents(inked.astype(np.uint8), connectivity=8)
    area = np.bincount(piece.ravel(), minlength=count)
    likely = np.bincount(piece.ravel(), near.ravel(), count) / np.maximum(area, 1)
    kept = (likely >= MOST_OF_IT)[piece]
    kept |= _between(inked & ~kept, inked & kept, px_per_mm)
    return np.asarray(kept | ~inked, np.bool_)  # and the soft edges of all of them


def _between(
    unlikely: NDArray[np.bool_], likely: NDArray[np.bool_], px_per_mm: float
) -> NDArray[np.bool_]:
    """Ink that goes on from likely ink at its left end and at its right, and nowhere else, (H, W).

    So a stroke does that the network misses for some way, over a dark grid above all, and a letter
    does not. The pieces that a grid's lines part it into are taken together.
    """
    joined = _around(unlikely, GRID_LINE_MM * px_per_mm)
    count, chain, stats, _ = cv2.connectedComponentsWithStats(joined.astype(np.uint8))
    y, x = np.nonzero(joined & likely)
    of = chain[y, x]
    along = (x - stats[of, cv2.CC_STAT_LEFT]) / stats[of, cv2.CC_STAT_WIDTH]
    meets = np.zeros((3, count), np.bool_)
    meets[(along > END).astype(int) + (along >= 1 - END), of] = True
    short = stats[:, cv2.CC_STAT_WIDTH] <= MOST_MISSED_MM * px_per_mm
    return np.asarray((meets[0] & ~meets[1] & meets[2] & short)[chain] & unlikely, np.bool_)


def _without_holes(cover: Coverage, probability: Coverage, px_per_mm: float) -> Coverage:
    """Holes filled where the network is sure, but for what is narrower than its own pixel."""
    filled = cover.copy()
    fill_holes(filled, probability, SURE)
    narrowest = max(round(NETWORK_PX_MM * px_per_mm), 1)
    if narrowest == 1:
        return filled
    square = np.ones((narrowest, narrowest), np.uint8)
    first = (0, 0)  # of the square: an even one has no middle to be anchored at
    last = (narrowest - 1, narrowest - 1)
    hole = ((filled >= INK) & (cover < INK)).astype(np.uint8)
    wide = cv2.dilate(cv2.erode(hole, square, anchor=first), square, anchor=last)
    return np.where(wide > 0, filled, cover)


def _lost(cover: Coverage, probability: Coverage, px_per_mm: float) -> NDArray[np.bool_]:
    """Strokes that the network sees and the picture's own ink lacks, bool (H, W).

    What is likely beyond the reach of any ink is no stroke's soft edge. Such a stroke is added up
    to the ink that it goes on from, as far as it is likely. It must be sure somewhere, give four of
    the network's pixels of new ink, and be no speck together with what it goes on from: many lost
    strokes are flanks of narrow waves, each of little area.
    """
    likely, lacks = probability >= LIKELY, cover < INK
    beyond = likely & ~_around(~lacks, REACH_MM * px_per_mm)
    lost = likely & _around(beyond, REACH_MM * px_per_mm)
    count, stroke = cv2.connectedComponents(lost.astype(np.uint8))
    sure = np.bincount(stroke[probability >= SURE], minlength=count) > 0
    new = np.bincount(stroke[lacks], minlength=count) > (2 * NETWORK_PX_MM * px_per_mm) ** 2
    together = (likely | ~lacks).astype(np.uint8)
    _count, piece, stats, _ = cv2.connectedComponentsWithStats(together)
    large = stats[:, cv2.CC_STAT_AREA] > DIALS.speck_mm2 * px_per_mm**2
    return np.asarray(lost & (sure & new)[stroke] & large[piece], np.bool_)


def _around(mask: NDArray[np.bool_], reach_px: float) -> NDArray[np.bool_]:
    reach = max(round(reach_px), 1)
    square = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return np.asarray(cv2.dilate(mask.astype(np.uint8), square) > 0)
