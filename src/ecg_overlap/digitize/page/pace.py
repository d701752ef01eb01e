"""Whether a page's boxes are what they were taken for: at wrong ones no heart beats so."""

import numpy as np

from ecg_overlap.digitize.box_size import SURE_NATS
from ecg_overlap.digitize.heart import beats_of
from ecg_overlap.digitize.page.page_signal import PageSignal

BOXES = 5.0  # a grid's larger boxes are five times the smaller


def boxes_by_beats(page: PageSignal) -> float:
    """How many times as many px per mm the page has as it was read at: 1, 5 or a fifth.

    Small boxes may have been taken for large ones, or the reverse. What the beats of most leads
    say; 1 unless another is likelier by `SURE_NATS`.

    Args:
        page: As it was read, at the scale of its grid.
    """
    seen = [beats_of(strip.signal.signal_mv, page.fs_hz) for strip in page.strips]
    beats = [one for one in seen if one is not None]
    if not beats:
        return 1.0
    ahead = {
        more: float(np.median([b.log_likelihood(1 / more) - b.log_likelihood(1.0) for b in beats]))
        for more in (BOXES, 1 / BOXES)
    }
    best = max(ahead, key=lambda more: ahead[more])
    return best if ahead[best] >= SURE_NATS else 1.0
