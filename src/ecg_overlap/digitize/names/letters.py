"""The words of a picture of which it is sure that they are some: no trace's ink."""

from collections.abc import Iterable

import numpy as np

from ecg_overlap.digitize.ink.letters import LetterBox
from ecg_overlap.digitize.names.seen import NameSeen

# Probability of being any name from which a word's ink is taken for letters. Of what is said with
# so much, 95 % was right on drawn pages and 93 % on real ones (experiments/names/README.md).
SURELY_A_NAME = 0.9


def letter_boxes(names: Iterable[NameSeen]) -> tuple[LetterBox, ...]:
    """Where the words stand that surely are names, whichever.

    Args:
        names: As they were seen.
    """
    found = []
    for name in names:
        if 1 - float(name.probability[-1]) < SURELY_A_NAME:
            continue
        half = np.array((max(name.width_px, name.height_px / 2), name.height_px)) / 2
        (left, top), (right, bottom) = (
            (np.array((name.x_px, name.y_px)) + side * half).tolist() for side in (-1, 1)
        )
        found.append(LetterBox(left, top, right, bottom))
    return tuple(found)
