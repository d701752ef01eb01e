"""How far off a found grid is: its pitch error carried over the picture's width."""

import math

from data_gen.errors import InputError


def grid_drift_px(found_px_per_mm: float, true_px_per_mm: float, *, width_px: float) -> float:
    """|relative pitch error| × width: how far the far end of the picture is misplaced.

    Args:
        found_px_per_mm: Pitch as found.
        true_px_per_mm: Pitch as drawn.
        width_px: Extent along the axis of the pitch.

    Returns:
        px, not negative.

    Raises:
        InputError: A pitch or the width is not positive and finite.

    Source: docs/metrics.md.

    Example:
        >>> grid_drift_px(10.1, 10.0, width_px=1000)
        10.0
    """
    for name, value in (
        ("found_px_per_mm", found_px_per_mm),
        ("true_px_per_mm", true_px_per_mm),
        ("width_px", width_px),
    ):
        if not (math.isfinite(value) and value > 0):
            raise InputError(name, f"{value} is no length", "a refused grid has no drift")
    # The difference of the lengths, not of the pitches, so that round figures stay round.
    return abs(found_px_per_mm * width_px - true_px_per_mm * width_px) / true_px_per_mm
