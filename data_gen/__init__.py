"""The generator of ECG images with overlapping leads: NumPy and OpenCV, no torch."""

from typing import TYPE_CHECKING

from data_gen.calibration import Calibration
from data_gen.errors import InputError
from data_gen.sample import LEADS, SPLITS, LeadSample, Page, PageTrace, Record, Severity

if TYPE_CHECKING:
    from data_gen.presets import make_sample

__all__ = [
    "LEADS",
    "SPLITS",
    "Calibration",
    "InputError",
    "LeadSample",
    "Page",
    "PageTrace",
    "Record",
    "Severity",
    "make_sample",
]


def __getattr__(name: str) -> object:
    # The generator imports OpenCV, Numba and Matplotlib; importing the types alone loads none.
    if name == "make_sample":
        from data_gen.presets import make_sample

        return make_sample
    raise AttributeError(f"module 'data_gen' has no attribute {name!r}")
