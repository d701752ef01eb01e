"""A digitized page's paths over its picture, one colour for each lead, to be looked at."""

import cv2
import numpy as np
from numpy.typing import NDArray

from data_gen.sample import LEADS
from ecg_overlap.digitize.page.page_signal import PageSignal

# Tell neighbours in a column and in a row apart; none is near the grid's red or the ink's black.
COLOURS = dict(
    zip(
        LEADS,
        (
            (0, 114, 178), (213, 94, 0), (0, 140, 70), (170, 60, 200), (200, 0, 110), (120, 100, 0),
            (0, 150, 190), (220, 50, 40), (60, 60, 220), (0, 120, 110), (180, 80, 0), (90, 0, 160),
        ),
        strict=True,
    )
)  # fmt: skip
_SCALED_PX = 1600  # smaller pictures are enlarged to about this width, so that paths stand apart


def page_overlay(found: PageSignal | None, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture in pale colours, and on it each strip's path, box corner and name.

    Args:
        found: What was read; None where the page was refused.
        image: uint8 (H, W, 3), RGB, as it was given.

    Returns:
        uint8 (H', W', 3), RGB: of the picture as it was read, enlarged where it is small.
    """
    if found is not None:
        image = found.stage_images.get("image", image)
    height, width = image.shape[:2]
    scale = max(1, round(_SCALED_PX / width))
    size = (width * scale, height * scale)
    shown = np.asarray(255 - (255 - cv2.resize(image, size)) // 2, np.uint8)
    for strip in () if found is None else found.strips:
        colour = COLOURS[strip.lead_name]
        points = (strip.signal.path_px + 0.5) * scale - 0.5
        seen = np.isfinite(points).all(axis=1)
        edge = np.flatnonzero(np.diff(np.concatenate([[0], seen.astype(np.int8), [0]])))
        for start, stop in zip(edge[::2], edge[1::2], strict=True):
            line = np.rint(points[start:stop].clip(-1e4, 1e5) * 16).astype(np.int32)
            cv2.polylines(shown, [line], False, colour, 1, cv2.LINE_AA, 4)
        left, top, _, _ = (round(v * scale) for v in strip.box_px)
        label = f"{strip.lead_name}{' R' if strip.rhythm else ''} {strip.name_from.value[0]}"
        cv2.putText(
            shown, label, (left, top), cv2.FONT_HERSHEY_SIMPLEX, 0.6, colour, 2, cv2.LINE_AA
        )
    return shown
