"""The generator of ECG images with overlapping leads: NumPy and OpenCV, no torch."""

from data_gen.calibration import Calibration
from data_gen.errors import InputError
from data_gen.presets import make_sample
from data_gen.sample import LEADS, SPLITS, LeadSample, Page, PageTrace, Record, Severity

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
