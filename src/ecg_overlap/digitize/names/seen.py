"""The lead names printed on a page, each with how likely it is which."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_gen.sample import LEADS
from ecg_overlap.digitize.names.networks import where, which
from ecg_overlap.digitize.names.views import page_view
from ecg_overlap.digitize.names.where import words
from ecg_overlap.digitize.network import Image

FloatArray = NDArray[np.float64]

NAMES = (*LEADS, "none")
# Divides the logits. Fitted on drawn pages in fonts held out from training it is 0.89, hardly more
# likely than 1; on other such pages and on real ones, 0.85 was too sure.
TEMPERATURE = 1.0
LEAST_NAME = 0.005  # probability of being any name, under which a word is left out


@dataclass(frozen=True, eq=False)
class NameSeen:
    """A word on a page that may be a lead's name.

    Args:
        x_px: Centre on straight paper; the first pixel's is 0.
        y_px: Likewise.
        width_px: Of the word.
        height_px: Of its capitals.
        probability: float64 (13,), of the twelve `LEADS` in their order and of none of them.
    """

    x_px: float
    y_px: float
    width_px: float
    height_px: float
    probability: FloatArray

    @property
    def name(self) -> str | None:
        """The likeliest name; None where it is likelier that this is none."""
        best = NAMES[int(self.probability.argmax())]
        return None if best == "none" else best


def names_on(
    image: Image, ink: Image, *, px_per_mm: float, inside: NDArray[np.bool_] | None = None
) -> list[NameSeen]:
    """The words on a page that may be names of leads, from the upper left.

    One network goes over the whole page, at 4 px/mm, and says where a name may stand; another
    looks at each such word with its letters brought to one height. Both see the ink without the
    grid and the picture's darkness with it: what the first has lost on the grid's lines, the
    other still shows. No rule about the ink's pieces is in it, so a name may touch a trace or a
    separator, or fall to pieces.

    Args:
        image: uint8 (H, W, 3) RGB, on straight paper.
        ink: uint8 (H, W), coverage, from `ink.binarize`.
        px_per_mm: Of both.
        inside: bool (H, W), where there is picture; all of it if None.
    """
    page = page_view(image, ink, px_per_mm=px_per_mm, inside=inside)
    found = words(where(page.searched()))
    if not len(found):
        return []
    views = np.stack([page.word(x, y, height) for x, y, height, _, _ in found.tolist()])
    logits = which(views).astype(np.float64) / TEMPERATURE
    likely = np.exp(logits - logits.max(axis=1, keepdims=True))
    likely /= likely.sum(axis=1, keepdims=True)
    seen = [
        NameSeen(
            x_px=x * px_per_mm - 0.5,
            y_px=y * px_per_mm - 0.5,
            width_px=width * px_per_mm,
            height_px=height * px_per_mm,
            probability=p,
        )
        for (x, y, height, width, _), p in zip(found.tolist(), likely, strict=True)
        if 1 - p[-1] > LEAST_NAME
    ]
    return sorted(seen, key=lambda name: (name.y_px, name.x_px))
