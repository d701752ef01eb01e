"""Whether a picture shows light ink on dark paper, and the picture turned to dark ink on light.

A trace is in nearly every column. So in nearly every column something stands out from the local
paper, and it is darker than that, or lighter.
"""

import numpy as np

from ecg_overlap.digitize.grid.illumination import Illumination, local_paper

# Gray levels that ink differs from paper by at the least, as for dark ink (`illumination`).
LEAST_RISE = 25.0
# In the median column, light ink stands out so many times as far as anything dark does. On 30 real
# crops and pages of dark ink it is 0.5 times as far at the most.
CLEARLY = 2.0
EVERY = 3  # every third column tells


def is_inverted(light: Illumination) -> bool:
    """Whether the picture's ink is lighter than its paper.

    Args:
        light: Of the picture.
    """
    rise = _stands_out(light.lightest, local_paper(light.lightest))
    fall = _stands_out(local_paper(light.darkest), light.darkest)
    return rise >= LEAST_RISE and rise > CLEARLY * fall


def _stands_out(high: np.ndarray, low: np.ndarray) -> float:
    """In the median column, by how many gray levels `high` exceeds `low` at the most."""
    over = high[:, ::EVERY].astype(np.int16) - low[:, ::EVERY]
    return float(np.median(over.max(axis=0)))
