"""What the generator hands on: a record of signals, a page, a crop of one lead."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_gen.calibration import Calibration
from data_gen.errors import InputError

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
SPLITS = ("train", "val", "test")


def split_number(split: str) -> int:
    """Index of a split in `SPLITS`.

    Raises:
        InputError: There is no such split.
    """
    if split not in SPLITS:
        raise InputError(f"split {split}", "not known", f"take one of {', '.join(SPLITS)}")
    return SPLITS.index(split)


def _require(condition: bool, where: str, what: str) -> None:
    if not condition:
        raise InputError(where, what, "see the type's documentation")


@dataclass(frozen=True)
class Record:
    """The digital signals of one recording.

    Args:
        signal_mv: float32 (n_samples, n_leads), mV; NaN where a sample is missing.
        fs_hz: Sampling frequency.
        lead_names: One per column, in the spelling of `LEADS`.
        record_id: Unique within its source.
        patient_id: Where known; splits are made by it.
        split: "train", "val", "test", or None where the source has none.
    """

    signal_mv: NDArray[np.float32]
    fs_hz: float
    lead_names: tuple[str, ...]
    record_id: str
    patient_id: str | None = None
    split: str | None = None

    def __post_init__(self) -> None:
        where = f"record {self.record_id}"
        _require(self.signal_mv.ndim == 2, where, "signal_mv is not (n_samples, n_leads)")
        _require(self.signal_mv.dtype == np.float32, where, "signal_mv is not float32")
        _require(self.signal_mv.shape[1] == len(self.lead_names), where, "one lead name per column")
        _require(math.isfinite(self.fs_hz) and self.fs_hz > 0, where, "fs_hz is not positive")
        _require(self.split is None or self.split in SPLITS, where, f"split is not of {SPLITS}")

    @property
    def duration_s(self) -> float:
        return len(self.signal_mv) / self.fs_hz

    def lead_mv(self, name: str) -> NDArray[np.float32]:
        """One lead, float32 (n_samples,), mV; of "-aVR" aVR upside down.

        Raises:
            InputError: The record has no such lead.
        """
        if name.startswith("-"):
            return -self.lead_mv(name.removeprefix("-"))
        if name not in self.lead_names:
            raise InputError(
                f"record {self.record_id}",
                f"no lead {name}",
                f"it has {', '.join(self.lead_names)}",
            )
        return self.signal_mv[:, self.lead_names.index(name)]


@dataclass(frozen=True)
class Severity:
    """How far the neighbours overlap the primary trace, exact from the drawing.

    Args:
        intrusion: Fraction of the primary's columns in which another trace's ink stands.
        contact: Fraction of them in which another trace's ink touches the primary's
            (gap of at most 1 px); NaN where the other traces are not known apart.
        crossings: How often another trace's centre line crosses the primary's.
        longest_contact_px: Longest run of columns in contact.
        smallest_gap_px: Smallest vertical gap to another trace; inf without one.
    """

    intrusion: float
    contact: float
    crossings: int
    longest_contact_px: int
    smallest_gap_px: float


@dataclass(frozen=True)
class DrawnTrace:
    """One of a picture's traces, whosever picture it is.

    Args:
        mask: uint8 (H, W), coverage of this trace alone (amodal).
        polyline_px: float (n_samples, 2), (x, y) of its samples, also where they lie beyond the
            picture; NaN where missing.
    """

    mask: NDArray[np.uint8]
    polyline_px: NDArray[np.floating]


@dataclass(frozen=True)
class LeadSample:
    """A picture of one lead, and all that is known to be true of it.

    What a foreign data set does not have is None.

    Args:
        image: uint8 (H, W, 3), RGB.
        target_mask: uint8 (H, W), anti-aliased coverage 0–255 of the primary trace; amodal,
            i.e. whole also where another trace hides it.
        other_mask: uint8 (H, W), union of the intruding traces' coverage.
        polyline_px: float32 (n_samples, 2), (x, y) of every signal sample after every
            geometric change; the canonical truth.
        signal_mv: float32 (n_samples,), mV.
        fs_hz: Sampling frequency of `signal_mv`.
        calibration: Nominal, or fitted to the polyline where the geometry was distorted.
        lead_name: In the spelling of `LEADS`, where known.
        record_id: The record drawn; with it the sample can be traced to its patient.
        severity: Overlap severity, where it can be known.
        meta: Seed, layout, dials; values that JSON can hold.
        grid_mask: uint8 (H, W), coverage of the printed grid, where it was asked for.
        marks_mask: uint8 (H, W), of letters, separators, pulses and notes by hand, likewise.
        traces: Each trace in sight by itself, the primary first, likewise.
    """

    image: NDArray[np.uint8]
    target_mask: NDArray[np.uint8] | None = None
    other_mask: NDArray[np.uint8] | None = None
    polyline_px: NDArray[np.float32] | None = None
    signal_mv: NDArray[np.float32] | None = None
    fs_hz: float | None = None
    calibration: Calibration | None = None
    lead_name: str | None = None
    record_id: str | None = None
    severity: Severity | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    grid_mask: NDArray[np.uint8] | None = None
    marks_mask: NDArray[np.uint8] | None = None
    traces: tuple[DrawnTrace, ...] = ()

    def __post_init__(self) -> None:
        where = f"sample {self.record_id}/{self.lead_name}"
        _require(self.image.ndim == 3 and self.image.shape[2] == 3, where, "image is not (H, W, 3)")
        _require(self.image.dtype == np.uint8, where, "image is not uint8")
        for name in ("target_mask", "other_mask", "grid_mask", "marks_mask"):
            mask = getattr(self, name)
            if mask is not None:
                _require(mask.shape == self.image.shape[:2], where, f"{name} is not (H, W)")
                _require(mask.dtype == np.uint8, where, f"{name} is not uint8")
        if self.signal_mv is not None:
            _require(self.signal_mv.ndim == 1, where, "signal_mv is not (n_samples,)")
            _require(self.fs_hz is not None and self.fs_hz > 0, where, "a signal needs fs_hz")
        if self.polyline_px is not None and self.signal_mv is not None:
            _require(
                self.polyline_px.shape == (len(self.signal_mv), 2), where, "one point per sample"
            )


@dataclass(frozen=True)
class PageTrace:
    """One lead's stretch of signal as drawn on a page.

    Args:
        lead_name: In the spelling of `LEADS`; "-aVR" where aVR is printed upside down, as
            Cabrera's order has it, and `signal_mv` is then what is printed.
        row: Row of the page layout, from the top.
        start_s: Where in the record the stretch begins.
        signal_mv: float32 (n_samples,), mV.
        fs_hz: Sampling frequency.
        polyline_px: float32 (n_samples, 2), (x, y) on the page.
        mask: uint8 (H, W), coverage of this trace alone (amodal), or None if not asked for.
        calibration: On the page.
    """

    lead_name: str
    row: int
    start_s: float
    signal_mv: NDArray[np.float32]
    fs_hz: float
    polyline_px: NDArray[np.float32]
    mask: NDArray[np.uint8] | None
    calibration: Calibration


@dataclass(frozen=True)
class Page:
    """A whole page.

    Args:
        image: uint8 (H, W, 3), RGB.
        traces: Every trace drawn.
        record_id: The record drawn.
        layout: Name of the page format.
        dpi: Resolution.
        meta: Seed and dials; text boxes; values that JSON can hold.
        grid_mask: uint8 (H, W), coverage of the printed grid, where it was asked for.
        marks_mask: uint8 (H, W), of letters, separators, pulses and notes by hand, likewise.
    """

    image: NDArray[np.uint8]
    traces: tuple[PageTrace, ...]
    record_id: str
    layout: str
    dpi: float
    meta: dict[str, Any] = field(default_factory=dict)
    grid_mask: NDArray[np.uint8] | None = None
    marks_mask: NDArray[np.uint8] | None = None
