"""How far off a found grid is: pitch error carried over the picture's width, and angle."""

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


def angle_error_deg(found_deg: float, true_deg: float) -> float:
    """|angle error| in degrees, 0–45: a grid looks the same after a quarter turn.

    Raises:
        InputError: An angle is not finite.
    """
    if not (math.isfinite(found_deg) and math.isfinite(true_deg)):
        raise InputError("angle", "not finite", "a refused grid has no angle")
    return abs((found_deg - true_deg + 45) % 90 - 45)
