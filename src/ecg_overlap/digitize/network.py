"""What a network is to the digitizer."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class NetworkInfo:
    """What is known of a network beside its outputs.

    Args:
        name: Which of the networks in `docs/architecture.md` it is.
        method: What it is best read by.
        checkpoint: Where its weights come from.
        sha256: Of the weights' file, in hex.
        params: Number of its parameters.
        size_of: (height, width, px_per_mm) of a picture → (height, width) that it is resized to.
        has_columns: Whether it has a coordinate head.
    """

    name: str
    method: str
    checkpoint: str | None = None
    sha256: str | None = None
    params: int | None = None
    size_of: Callable[[int, int, float], tuple[int, int]] | None = None
    has_columns: bool = False
