"""The overlap dials, and the row pitch that gives the severity they ask for."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from data_gen.arrays import F64, I64
from data_gen.dials import Range, as_number, as_probability, as_range, uniform
from data_gen.sample import Severity
from data_gen.severity import expected_severities, pen_spans

# How many pitches are tried, at least and at most: 400 take 2 ms for a crop of 500 px.
N_PITCHES = (32, 400)
# Severities (fractions of columns) this near to the best one are as good: in a crop of 200
# columns it is one column.
EQUALLY_GOOD = 0.005


@dataclass(frozen=True)
class OverlapDials:
    """The dials of overlap; each range is a number or [lo, hi].

    Args:
        row_pitch_mm: Between two rows' baselines; None spreads the rows over the page. A range
            is cut to what the page holds.
        jitter_mm: Each row's baseline is moved by up to this much, up or down.
        above: How many neighbouring rows above the primary are drawn; None for all.
        below: How many below.
        neighbour_gain: The neighbours' amplitudes are drawn by this factor larger, in a crop.
        pen_mm: Stroke width.
        contact: The fraction of the primary's columns that neighbours shall touch in a crop, for
            [lo, hi] another in each sample; None lets it fall out of the page. A pitch is then
            solved for it, and `row_pitch_mm` is left aside.
        intrusion: The fraction of columns in which neighbours shall stand; likewise.
        severity_p: The fraction of the samples in which that severity is asked for; the others
            take `row_pitch_mm`.
        search_mm: Where to look for that pitch.
        tolerance: How far a sample may stay from what was asked.
        tries: How many records may be drawn for it.
    """

    row_pitch_mm: Range | None = None
    jitter_mm: Range = (0.0, 0.0)
    above: int | None = None
    below: int | None = None
    neighbour_gain: Range = (1.0, 1.0)
    pen_mm: Range = (0.25, 0.4)
    contact: float | Range | None = None
    intrusion: float | Range | None = None
    severity_p: float = 1.0
    search_mm: Range = (0.5, 40.0)
    tolerance: float = 0.03
    tries: int = 64

    def __post_init__(self) -> None:
        bounds = {
            "jitter_mm": (0, 50),
            "neighbour_gain": (0.1, 10),
            "pen_mm": (0.05, 3),
            "search_mm": (0.1, 200),
        }
        if self.row_pitch_mm is not None:
            bounds["row_pitch_mm"] = (0.5, 200)
        for name, (lowest, highest) in bounds.items():
            value = as_range(f"overlap.{name}", getattr(self, name), lowest=lowest, highest=highest)
            object.__setattr__(self, name, value)
        as_probability("overlap.tolerance", self.tolerance)
        as_probability("overlap.severity_p", self.severity_p)
        for name in ("contact", "intrusion"):
            if getattr(self, name) is not None:
                lo, hi = as_range(f"overlap.{name}", getattr(self, name), lowest=0, highest=1)
                object.__setattr__(self, name, lo if lo == hi else (lo, hi))
        for name in ("above", "below"):
            if getattr(self, name) is not None:
                as_number(f"overlap.{name}", getattr(self, name), lowest=0, highest=12)
        as_number("overlap.tries", self.tries, lowest=1, highest=10000)

    @property
    def targeted(self) -> bool:
        return self.contact is not None or self.intrusion is not None

    def of_one_severity(self, rng: np.random.Generator) -> "OverlapDials":
        """These dials for one sample: a number from each range of a severity, or none asked for."""
        if self.targeted and self.severity_p < 1 and rng.random() >= self.severity_p:
            return replace(self, contact=None, intrusion=None)
        ranges = {"contact": self.contact, "intrusion": self.intrusion}
        drawn = {k: uniform(rng, v) for k, v in ranges.items() if isinstance(v, tuple)}
        return replace(self, **drawn)  # type: ignore[arg-type]  # only these two

    @property
    def asked(self) -> str:
        """What was asked for, in words; only after `of_one_severity`."""
        asked = {"contact": self.contact, "intrusion": self.intrusion}
        return " and ".join(
            f"{name} {value:g}" for name, value in asked.items() if value is not None
        )

    def miss(self, contact: F64 | float, intrusion: F64 | float) -> F64:
        """How far severities are from the one asked for; only after `of_one_severity`.

        Args:
            contact: Contacts, of any shape.
            intrusion: Intrusions, of the same shape.

        Returns:
            float64 of that shape; 0 where no severity was asked for.
        """
        most = np.zeros_like(contact, np.float64)
        for asked, found in ((self.contact, contact), (self.intrusion, intrusion)):
            if asked is not None:
                most = np.maximum(most, np.abs(np.asarray(found) - asked))
        return most

    def met_by(self, found: Severity | None) -> bool:
        """Whether a sample's severity is what was asked for."""
        return found is not None and bool(
            self.miss(found.contact, found.intrusion) <= self.tolerance
        )


def solve_pitch_px(
    dials: OverlapDials,
    polylines_px: Sequence[F64],
    steps: I64,
    offsets_px: F64,
    *,
    bounds_px: Range,
    shape: tuple[int, int],
    pen_px: float,
    pick: float,
) -> tuple[float, float]:
    """The row pitch at which the severity that was asked for is expected.

    Severity does not fall steadily with the pitch, so all of the range is tried, on the spans
    that the traces cover in each column.

    Args:
        dials: What was asked for.
        polylines_px: (n, 2) each, every one with its own row's 0 mV where the primary's
            is; the primary first.
        steps: How many rows each of the others is below the primary.
        offsets_px: How far each of the others is off its row.
        bounds_px: Where to look.
        shape: (height, width) of the picture.
        pen_px: Stroke width.
        pick: 0–1, which of the pitches that serve equally well to take.

    Returns:
        The pitch, and how far the expected severity misses what was asked.
    """
    height, width = shape
    spans = np.stack([pen_spans(np.asarray(xy), width, pen_px) for xy in polylines_px])
    n = int(np.clip((bounds_px[1] - bounds_px[0]) * 2, *N_PITCHES))  # every half pixel
    pitches = np.linspace(*bounds_px, n)
    shifts = pitches[:, None] * steps + offsets_px
    found = expected_severities(spans[0], spans[1:], shifts, height)
    miss = dials.miss(found[:, 0], found[:, 1])
    good = np.flatnonzero(miss <= miss.min() + EQUALLY_GOOD)
    # Wider pitches are preferred: pages whose rows almost coincide are rare.
    best = good[int(math.sqrt(pick) * len(good))]
    return float(pitches[best]), float(miss[best])
