"""What a page shows, without its truth, of how well each of its leads was read."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.ink.found import Ink
from ecg_overlap.digitize.page.page_signal import Residual, Source, Strip
from ecg_overlap.digitize.page.simultaneous import explained, obeyed_db
from ecg_overlap.digitize.page.trace import PageTraces
from ecg_overlap.digitize.paths.path import FloatArray, Path
from ecg_overlap.digitize.quality import agreement_db, course_of, second_path

MOST_NATS = 30.0  # a layout that was told is as sure
GUESSED = 0.5  # probability of a name that neither a word nor an order tells (a guess)


@dataclass(frozen=True)
class StripEvidence:
    """What tells of a lead on a page without its truth.

    Args:
        confidence: As a single lead's (`digitize.quality.Evidence`), over the strip's columns.
        fast: As a single lead's.
        agreement_db: As a single lead's; the second reading sees the ink up to half way to the
            neighbouring rows. NaN without one.
        shared_power: Share of the path's power in columns in which its ink is another trace's too.
        law_db: The strip's power over that of its difference from what simultaneous leads say it
            must be (`simultaneous.obeyed_db`); NaN where no law tells, as of most chest leads.
        explained: Share of its variance that simultaneous leads explain (`simultaneous`), 0–1;
            NaN where there is none.
        laws_db: Median of the ratios of all the page's laws (`Residual.snr_db`); NaN without any.
        margin: By how many nats the layout is likelier than the best that has another lead there.
        names: Share of the page's strips whose names were read.
        named: Probability of its own name, as far as the page's order leaves it open: 1, or
            `GUESSED` where any lead may stand there (`Arrangement.takes_any`) and none was read.
    """

    confidence: float
    fast: float
    agreement_db: float
    shared_power: float
    law_db: float
    explained: float
    laws_db: float
    margin: float
    names: float
    named: float = 1.0


NAMES = tuple(field.name for field in fields(StripEvidence))


@dataclass(frozen=True)
class PageShown:
    """What of a page all its strips are judged by.

    Args:
        strips: Of it.
        traced: Its traces.
        laws: What its simultaneous leads obey.
        px_per_s: Of the straight picture.
        takes_any: Whether any leads may stand on it, so that only names tell which.
    """

    strips: Sequence[Strip]
    traced: PageTraces
    laws: Sequence[Residual]
    px_per_s: float
    takes_any: bool = False

    @property
    def names(self) -> float:
        """Share of its strips whose names were read."""
        read = sum(strip.name_from is Source.READ for strip in self.strips)
        return read / max(len(self.strips), 1)

    @property
    def laws_db(self) -> float:
        """The median of what its laws leave."""
        return float(np.median([law.snr_db for law in self.laws])) if self.laws else math.nan


def evidence_of_strip(strip: Strip, part: Path, page: PageShown, *, margin: float) -> StripEvidence:
    """What tells of a strip.

    Args:
        strip: Of the page.
        part: Its path on the straight picture.
        page: What all strips are judged by.
        margin: As `StripEvidence` has it.
    """
    course = course_of(part, px_per_s=page.px_per_s)
    return StripEvidence(
        confidence=course.confidence,
        fast=course.fast,
        agreement_db=_agreement_db(part, page.traced, strip.row),
        shared_power=_shared_power(part, page.traced.traces.shared(strip.row)),
        law_db=obeyed_db(strip, page.strips),
        explained=explained(strip, page.strips),
        laws_db=page.laws_db,
        margin=min(margin, MOST_NATS),
        names=page.names,
        named=GUESSED if page.takes_any and strip.name_from is Source.ASSUMED else 1.0,
    )


def _agreement_db(part: Path, traced: PageTraces, row: int) -> float:
    """How well a second reading of the ink near a row agrees, dB; NaN without one."""
    cover = traced.traces.cover
    height, width = cover.shape
    first = min(max(round(part.start_px), 0), width - 1)
    columns = slice(first, min(max(round(part.end_px), first + 1), width))
    upper, lower = (edge[columns] for edge in territory(traced, row, height))
    rows = slice(max(math.floor(upper.min()), 0), max(math.ceil(lower.max()), 1))
    at = np.arange(height)[rows, None]
    if not len(at):  # its row is beyond the picture's edge
        return math.nan
    near = np.where((at >= upper) & (at < lower), cover[rows, columns], np.float32(0))
    second = second_path(Ink(near, binarized=True), None)
    if second is None:
        return math.nan
    moved = {name: getattr(second, name) + first for name in ("x_px", "start_px", "end_px")}
    return agreement_db(part, replace(second, **moved))


def territory(traced: PageTraces, row: int, height: int) -> tuple[FloatArray, FloatArray]:
    """From where to where a row is the nearest, float64 (W,) each: half way to its neighbours.

    Beyond the first and the last row as far as to the other side; one alone has all.
    """
    places = [one.y_px for one in traced.rows]
    y = places[row]
    if len(places) == 1:
        return np.zeros_like(y), np.full_like(y, height)
    above = y - places[row - 1] if row > 0 else places[1] - y
    below = places[row + 1] - y if row + 1 < len(places) else above
    return y - above / 2, y + below / 2


def _shared_power(part: Path, shared: NDArray[np.bool_]) -> float:
    """Share of a path's power that is in columns (W,) whose ink is another trace's too."""
    seen = np.isfinite(part.y_px)
    power = (part.y_px[seen] - np.median(part.y_px[seen])) ** 2
    there = shared[np.rint(part.x_px[seen]).astype(int).clip(0, len(shared) - 1)]
    return float(power[there].sum() / max(power.sum(), 1e-9))
