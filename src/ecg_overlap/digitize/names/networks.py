"""The two networks of lead names, from the package's weights, through OpenCV."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.names.views import CELL_PX
from ecg_overlap.digitize.packaged import packaged

_MOST_WORDS = 256  # seen at once: bounds the memory


def where(searched: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Where words stand that may be names, float32 (5, ceil(h / 4), ceil(w / 4)).

    Of each place: the logit of a name's centre, its (x, y) from the place's own centre, in
    places, and the logarithms of the name's height and width over `where.LETTER_MM`.

    Args:
        searched: uint8 (h, w, 2), from `PageView.searched`.
    """
    below, right = (-n % CELL_PX for n in searched.shape[:2])
    padded = np.pad(searched, ((0, below), (0, right), (0, 0)))
    return np.asarray(_answer("names_where", padded[None])[0], np.float32)


def which(words: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Logits of the twelve names and of none, float32 (n, 13).

    Args:
        words: uint8 (n, 32, 80, 2), from `PageView.word`.
    """
    answers = [
        _answer("names_which", words[i : i + _MOST_WORDS])
        for i in range(0, len(words), _MOST_WORDS)
    ]
    return np.concatenate(answers) if answers else np.zeros((0, 13), np.float32)


def _answer(name: str, seen: NDArray[np.uint8]) -> NDArray[np.float32]:
    # A net keeps its last picture's buffers and is not to be shared by threads: one is made
    # of the bytes each time, which takes a millisecond.
    net = cv2.dnn.readNetFromONNX(_stored(name))
    net.setInput(np.ascontiguousarray(seen.transpose(0, 3, 1, 2), np.float32) / 255)
    return np.asarray(net.forward(), np.float32)


@cache
def _stored(name: str) -> NDArray[np.uint8]:
    """The bytes of a network.

    Raises:
        InputError: It is not in this install, or damaged.
    """
    return np.fromfile(packaged(name), np.uint8)
