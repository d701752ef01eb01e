"""Where a picture's ink is printed letters."""

from typing import NamedTuple


class LetterBox(NamedTuple):
    """Where a word stands that surely is one, px; pixel (i, j) has its centre at (j, i)."""

    left_px: float
    top_px: float
    right_px: float
    bottom_px: float
