"""What a digitized page gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from data_gen.sample import LEADS
from ecg_overlap.digitize.lead_signal import FLAGS, LeadSignal

FloatArray = NDArray[np.float64]

PAGE_FLAGS = {
    "layout_assumed": "no lead name was read: the names are those of the usual order",
    "layout_unsure": "another layout explains the page nearly as well: check the names",
    "leads_inconsistent": "simultaneous leads do not add up: see `consistency`",
    "gain_assumed": "no calibration pulse and no printed gain: 10 mm/mV is assumed",
    "gain_contradicted": "calibration pulses, printed gains and what was told do not agree: some "
    "of the leads may have another gain",
    "chest_gain_differs": "the chest leads are printed at another gain than the limb leads, by the "
    "pulses behind the traces, as it is printed, or as was told",
    "gain_unusual": "the gain is not 10 mm/mV, by the calibration pulse or as it is printed",
    "speed_unusual": "the paper speed is not 25 mm/s, as it is printed or by a wide pulse",
    "grid_low_confidence": "the grid was found, but barely: check the scale",
    "scale_from_pulse": "there is no grid: the scale is that of the calibration pulse",
    "inverted": "the ink is lighter than its paper: it was read as if it were darker",
    "turned": "the page was turned before it was read",
    "leads_left_out": "leads that are none of the twelve are printed too, and were left out",
    "leads_missing": "fewer than twelve leads were found",
    "peak_doubtful": FLAGS["peak_doubtful"],
    "low_quality": "a lead is likelier wrong than right: see the quality of each",
    "ink_unexplained": "much of the ink like a trace's is in no lead: see the overlay",
}


class Source(StrEnum):
    """Where a fact of a page comes from."""

    TOLD = "told"  # by the caller
    READ = "read"  # printed on the page
    MEASURED = "measured"  # on the calibration pulses, or by what simultaneous leads obey
    ASSUMED = "assumed"  # the usual value


@dataclass(frozen=True)
class Strip:
    """One lead's stretch on a page.

    Args:
        lead_name: In the spelling of `data_gen.sample.LEADS`.
        name_from: READ at the trace, or ASSUMED from the layout.
        row: From the top, 0 the first.
        column: From the left, 0 the first.
        start_s: Where on the page's time axis its first sample stands.
        box_px: (left, top, right, bottom) in the picture.
        rhythm: Whether it is a rhythm strip, printed beneath the leads in the page's full length.
        signal: Sample k at `start_s + k / fs_hz`; `path_px` is in the picture.
    """

    lead_name: str
    name_from: Source
    row: int
    column: int
    start_s: float
    box_px: tuple[float, float, float, float]
    rhythm: bool
    signal: LeadSignal

    @property
    def quality(self) -> float:
        """The probability that this is the lead of its name, read to 10 dB or more, 0–1.

        As `digitize/page/quality.py` judges by what the page itself shows; NaN where it did not.
        """
        return self.signal.quality


@dataclass(frozen=True)
class Residual:
    """How far simultaneous leads are from what must hold of them.

    Args:
        law: As "I + III = II".
        leads: The leads that it is about.
        start_s: From where on the page's time axis.
        stop_s: To where.
        rmse_mv: Of what should be 0, each lead's mean removed.
        snr_db: The leads' power over that of the residual.
    """

    law: str
    leads: tuple[str, ...]
    start_s: float
    stop_s: float
    rmse_mv: float
    snr_db: float


@dataclass(frozen=True)
class PageSignal:
    """A digitized page.

    Args:
        strips: Every lead's stretch, row by row.
        fs_hz: Sampling frequency of all.
        duration_s: Length of the page's time axis.
        layout: As "3x4+1R".
        layout_from: TOLD, READ (names on the page), MEASURED (of what simultaneous leads obey)
            or ASSUMED.
        mm_per_s: Paper speed.
        speed_from: Where that comes from.
        mm_per_mv: Gain; of the limb leads, where the chest leads have another.
        gain_from: Likewise.
        px_per_mm: Of the picture, along x and y.
        angle_deg: Tilt of the grid, clockwise on the screen.
        grid_confidence: 0–1; NaN where the scale was given.
        chest_mm_per_mv: Gain of the chest leads; None where all leads have the same.
        chest_gain_from: Where that comes from; None likewise.
        consistency: What simultaneous leads obey, and how far they are from it.
        unexplained: Share of the ink between the first and the last row that is in no lead.
        flags: Of `PAGE_FLAGS`.
        method: How it was made.
        weights_sha256: Of the network's weights; None where none was used.
        turned_deg: By how much the picture was turned, clockwise, before it was read: 0, 90, 180
            or 270. Boxes and paths are in the turned picture.
        stage_images: "image": the picture, turned as it was read, uint8 (H, W, 3);
            "unexplained": uint8 (H, W), 255 where ink is in no lead.
    """

    strips: tuple[Strip, ...]
    fs_hz: float
    duration_s: float
    layout: str
    layout_from: Source
    mm_per_s: float
    speed_from: Source
    mm_per_mv: float
    gain_from: Source
    px_per_mm: tuple[float, float]
    angle_deg: float
    grid_confidence: float
    chest_mm_per_mv: float | None = None
    chest_gain_from: Source | None = None
    consistency: tuple[Residual, ...] = ()
    unexplained: float = np.nan
    flags: tuple[str, ...] = ()
    method: str = ""
    weights_sha256: str | None = None
    turned_deg: int = 0
    stage_images: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)

    @property
    def n_samples(self) -> int:
        return round(self.duration_s * self.fs_hz)

    def strip(self, lead_name: str) -> Strip | None:
        """The longest stretch of a lead: a lead that is printed twice is its rhythm strip."""
        return longest(self.strips, lead_name)

    @property
    def worst(self) -> Strip | None:
        """The lead of the least quality, of those in the record; None where none states one."""
        return worst_of(self.strips)

    @property
    def quality(self) -> float:
        """The quality of the worst lead: a page is as good as that; NaN where none states one."""
        return np.nan if self.worst is None else self.worst.quality

    @property
    def mean_quality(self) -> float:
        """The share of the record's leads that is to be expected at 10 dB or more."""
        stated = [strip.quality for strip in in_record(self.strips)]
        return float(np.mean(stated)) if stated else np.nan

    def lead_mv(self, lead_name: str) -> FloatArray:
        """A lead on the page's time axis, float64 (n_samples,), mV; NaN where it is not printed."""
        found = self.strip(lead_name)
        if found is None:
            return np.full(self.n_samples, np.nan)
        return self.on_axis(found)

    def on_axis(self, strip: Strip) -> FloatArray:
        """A stretch on the page's time axis, float64 (n_samples,), mV; NaN beside it."""
        at = np.full(self.n_samples, np.nan)
        first = round(strip.start_s * self.fs_hz)
        signal = strip.signal.signal_mv[max(0, -first) :]
        first = max(first, 0)
        part = signal[: max(0, self.n_samples - first)]
        at[first : first + len(part)] = part
        return at

    @property
    def signal_mv(self) -> FloatArray:
        """float64 (n_samples, 12), mV, in the order of `LEADS`; NaN where nothing was printed."""
        return np.stack([self.lead_mv(name) for name in LEADS], axis=1)


def longest(strips: Sequence[Strip], lead_name: str) -> Strip | None:
    """The longest stretch of a lead; None where there is none."""
    of = [strip for strip in strips if strip.lead_name == lead_name]
    return max(of, key=lambda strip: len(strip.signal.signal_mv), default=None)


def in_record(strips: Sequence[Strip]) -> tuple[Strip, ...]:
    """The stretches that a record is made of: the longest of every lead that was found."""
    found = (longest(strips, name) for name in LEADS)
    return tuple(strip for strip in found if strip is not None)


def worst_of(strips: Sequence[Strip]) -> Strip | None:
    """The lead of the least quality, of those in the record; None where none states one."""
    stated = [strip for strip in in_record(strips) if np.isfinite(strip.quality)]
    return min(stated, key=lambda strip: strip.quality, default=None)
