"""What of a page is certain, and what a user must be told."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_gen.sample import LEADS
from ecg_overlap.digitize.page.arrangements import Arrangement
from ecg_overlap.digitize.page.layouts import Fit
from ecg_overlap.digitize.page.page_signal import Residual, Source, Strip, worst_of
from ecg_overlap.digitize.page.paper import PagePicture
from ecg_overlap.digitize.pulse.printed import WIDE_PULSE_MM, PagePulse
from ecg_overlap.digitize.quality import LOW_QUALITY
from ecg_overlap.digitize.scale import ScaleSource
from ecg_overlap.digitize.stages import LOW_CONFIDENCE, USUAL_MM_PER_MV, USUAL_MM_PER_S

SURE = 3.0  # nats: an order that is so much likelier than the next is measured, not assumed
LEAST_READ = 3  # names that agree with an order make it a read one
# Of six of fold 9's drawn pages upright, every law had at least 13.7 dB; of two laws and more of
# turned ones, no more than one had 10.
OBEYED_DB, LEAST_OBEYED = 10.0, 2  # leads that obey so many laws so well, and most of them
LEAST_SNR_DB = 6.0  # leads that obey worse contradict each other: half of their amplitude
MOST_UNEXPLAINED = 0.25  # of the ink


@dataclass(frozen=True)
class Printed:
    """Speed and gain of a page, and where they come from."""

    mm_per_s: float
    speed_from: Source
    mm_per_mv: float
    gain_from: Source
    flags: tuple[str, ...] = ()


def printed_of(
    told: tuple[float | None, float | None],
    read: tuple[float | None, tuple[float, ...]],
    pulse: PagePulse | None,
) -> Printed:
    """A page's speed and gain: what was told, else what the page says, else the usual.

    Args:
        told: mm/s and mm/mV, by the caller.
        read: Likewise, as they are printed; all gains that are.
        pulse: The calibration pulses: their height tells the gain; at 50 mm/s they are wide.

    A page is read at one gain: one that shows two, of limb and chest leads, contradicts itself.
    """
    by_pulse = None if pulse is None else pulse.mm_per_mv
    wide = pulse is not None and pulse.width_mm == WIDE_PULSE_MM
    fast = 2 * USUAL_MM_PER_S if wide else None
    speed, speed_from = _first_known(
        (told[0], Source.TOLD),
        (read[0], Source.READ),
        (fast, Source.MEASURED),
        (USUAL_MM_PER_S, Source.ASSUMED),
    )
    # The pulse was drawn at the very gain that the traces were; the text may be a form's.
    gain, gain_from = _first_known(
        (told[1], Source.TOLD),
        (by_pulse, Source.MEASURED),
        (read[1][0] if len(read[1]) == 1 else None, Source.READ),
        (USUAL_MM_PER_MV, Source.ASSUMED),
    )
    flags = []
    other = None if pulse is None else pulse.other_mm_per_mv
    if len({g for g in (told[1], by_pulse, other, *read[1]) if g is not None}) > 1:
        flags.append("gain_contradicted")
    if gain_from is Source.ASSUMED:
        flags.append("gain_assumed")
    if told[1] is None and gain != USUAL_MM_PER_MV:
        flags.append("gain_unusual")
    if told[0] is None and speed != USUAL_MM_PER_S:
        flags.append("speed_unusual")
    return Printed(speed, speed_from, gain, gain_from, tuple(flags))


def _first_known(*values: tuple[float | None, Source]) -> tuple[float, Source]:
    """The first value that is known, and its source; the last one is."""
    value, source = next((v, of) for v, of in values if v is not None)
    return value, source


def sources_of(
    fits: Sequence[Fit], told: Arrangement | None, strips: Sequence[Strip]
) -> tuple[Source, tuple[str, ...]]:
    """Where the layout comes from, and what is to be said of it."""
    if told is not None:
        return Source.TOLD, ()
    best, *others = fits
    unsure = best.score - max((fit.score for fit in others), default=-np.inf) < SURE
    flags = ("layout_unsure",) if unsure else ()
    if names_tell(strips):
        return Source.READ, flags
    if best.by_laws > SURE and not unsure:
        return Source.MEASURED, flags
    return Source.ASSUMED, (*flags, "layout_assumed")


def margin_nats(fits: Sequence[Fit], row: int, column: int) -> float:
    """How much likelier the best layout is than the best that has another lead at a place.

    ∞ where none has: the layout was told, or all agree.

    Args:
        fits: What the page may be, the likeliest first.
        row: Of the best layout.
        column: Likewise.
    """
    best, *others = fits
    lead, columns = best.arrangement.rows[row][column], best.columns_mm
    middle_mm = float((columns if best.arrangement.is_strip(row) else columns[column]).mean())
    rivals = [fit.score for fit in others if _lead_at(fit, row, middle_mm) != lead]
    return best.score - max(rivals, default=-np.inf)


def _lead_at(fit: Fit, row: int, x_mm: float) -> str:
    """Which lead stands there by a layout, "-aVR" where it is upside down."""
    leads = fit.arrangement.rows[row]
    return leads[int(np.abs(fit.columns_mm.mean(axis=1) - x_mm).argmin()) if len(leads) > 1 else 0]


def names_tell(strips: Sequence[Strip]) -> bool:
    """Whether enough names were read where they belong: `LEAST_READ`, or all that there are."""
    read = sum(strip.name_from is Source.READ for strip in strips)
    return read >= min(LEAST_READ, max(len(strips), 1))


def laws_tell(laws: Sequence[Residual]) -> bool:
    """Whether the leads obey what they must as only the right ones do: no turned page does."""
    obeyed = sum(law.snr_db >= OBEYED_DB for law in laws)
    return obeyed >= LEAST_OBEYED and obeyed > len(laws) / 2


def flags_of(
    page: PagePicture,
    strips: Sequence[Strip],
    further: bool,
    laws: Sequence[Residual],
    unexplained: float,
) -> tuple[str, ...]:
    """The flags of what was read, but for those of the layout's and the scale's sources.

    Args:
        page: The picture.
        strips: Of the twelve leads.
        further: Whether the layout has others.
        laws: What the strips must obey, and do.
        unexplained: Share of the ink that is in no trace.
    """
    paper = page.scale.paper
    flags = []
    if paper.scale_from is ScaleSource.PULSE:
        flags.append("scale_from_pulse")
    if paper.confidence < LOW_CONFIDENCE:
        flags.append("grid_low_confidence")
    if len({strip.lead_name for strip in strips}) < len(LEADS):
        flags.append("leads_missing")
    if further:
        flags.append("leads_left_out")
    if any(law.snr_db < LEAST_SNR_DB for law in laws):
        flags.append("leads_inconsistent")
    if any("peak_doubtful" in strip.signal.flags for strip in strips):
        flags.append("peak_doubtful")
    worst = worst_of(strips)
    if worst is not None and worst.quality < LOW_QUALITY:
        flags.append("low_quality")
    if unexplained > MOST_UNEXPLAINED:
        flags.append("ink_unexplained")
    return tuple(flags)
