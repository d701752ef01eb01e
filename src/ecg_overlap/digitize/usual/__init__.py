"""Unusual pictures made usual: dark ink on light paper, and nothing round the paper.

The picture keeps its size and all pixels their place, so that no stage after it need know; a usual
picture is left as it is, to the bit. `as_usual` goes through all of it.
"""

from ecg_overlap.digitize.usual.usual import Usual, as_usual

__all__ = ["Usual", "as_usual"]
