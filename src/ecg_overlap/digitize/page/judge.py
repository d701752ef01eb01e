"""What of a page is certain, and what a user must be told."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_gen.sample import LEADS
from ecg_overlap.digitize.page.arrangements import Arrangement
from ecg_overlap.digitize.page.layouts import Fit
from ecg_overlap.digitize.page.page_signal import Residual, Source, Strip, worst_of
from ecg_overlap.digitize.page.paper import PagePicture
from ecg_overlap.digitize.page.printed import Gains
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
    """Speed and gain of a page, and where they come from.

    Args:
        mm_per_s: Paper speed.
        speed_from: Its source.
        mm_per_mv: Gain; of the limb leads, where the chest leads have another.
        gain_from: Its source.
        chest_mm_per_mv: That of the chest leads; None where it is the same.
        chest_gain_from: Its source; None likewise.
        flags: What a user must know of them.
    """

    mm_per_s: float
    speed_from: Source
    mm_per_mv: float
    gain_from: Source
    chest_mm_per_mv: float | None = None
    chest_gain_from: Source | None = None
    flags: tuple[str, ...] = ()

    def gain_of(self, lead_name: str) -> float:
        """The gain at which a lead is printed, mm/mV."""
        chest = self.chest_mm_per_mv if lead_name.startswith("V") else None
        return self.mm_per_mv if chest is None else chest


@dataclass(frozen=True)
class Told:
    """What a caller knows of a page's speed and gains; None is unknown."""

    mm_per_s: float | None = None
    mm_per_mv: float | None = None
    chest_mm_per_mv: float | None = None


def printed_of(told: Told, read: tuple[float | None, Gains], pulse: PagePulse | None) -> Printed:
    """A page's speed and gains: what was told, else what the page says, else the usual.

    Args:
        told: By the caller. A gain that is told alone is that of all leads.
        read: mm/s and mm/mV, as they are printed.
        pulse: The calibration pulses: their height tells the gain; at 50 mm/s they are wide. Where
            those behind the traces have another height, they are of the chest leads.
    """
    wide = pulse is not None and pulse.width_mm == WIDE_PULSE_MM
    fast = 2 * USUAL_MM_PER_S if wide else None
    speed, speed_from = _first_known(
        (told.mm_per_s, Source.TOLD),
        (read[0], Source.READ),
        (fast, Source.MEASURED),
        (USUAL_MM_PER_S, Source.ASSUMED),
    )
    # The pulse was drawn at the very gain that the traces were; the text may be a form's.
    printed, by_pulse = read[1], _gains_of(pulse, told, read[1])
    gain, gain_from = _first_known(
        (told.mm_per_mv, Source.TOLD),
        (by_pulse.limb, Source.MEASURED),
        (printed.limb, Source.READ),
        (USUAL_MM_PER_MV, Source.ASSUMED),
    )
    chest, chest_from = _first_known(
        (told.chest_mm_per_mv, Source.TOLD),
        (told.mm_per_mv, Source.TOLD),
        (by_pulse.chest, Source.MEASURED),
        (printed.chest if printed.limb in (gain, None) else None, Source.READ),
        (gain, gain_from),
    )
    # A pulse in front alone says nothing of the chest leads; one printed gain is that of all.
    of_text = Gains(printed.limb, printed.chest or printed.limb)
    agree = set(printed.unclear) <= {gain, chest} and all(
        said is None or said == taken
        for source in (by_pulse, of_text)
        for said, taken in ((source.limb, gain), (source.chest, chest))
    )
    flags = []
    if not agree:
        flags.append("gain_contradicted")
    if gain_from is Source.ASSUMED:
        flags.append("gain_assumed")
    if told.mm_per_mv is None and gain != USUAL_MM_PER_MV:
        flags.append("gain_unusual")
    if chest != gain:
        flags.append("chest_gain_differs")
    if told.mm_per_s is None and speed != USUAL_MM_PER_S:
        flags.append("speed_unusual")
    if chest == gain:
        return Printed(speed, speed_from, gain, gain_from, flags=tuple(flags))
    return Printed(speed, speed_from, gain, gain_from, chest, chest_from, tuple(flags))


def _gains_of(pulse: PagePulse | None, told: Told, printed: Gains) -> Gains:
    """What pulses say: those behind the traces, where both sides have some, of the chest leads.

    So are those behind alone, where they have the gain that is told or printed of these.
    """
    if pulse is None:
        return Gains()
    if pulse.other_mm_per_mv is not None:
        before, behind = pulse.mm_per_mv, pulse.other_mm_per_mv
        return Gains(behind, before) if pulse.after else Gains(before, behind)
    limb, chest = (
        (told.mm_per_mv, told.chest_mm_per_mv)
        if told.chest_mm_per_mv is not None
        else (printed.limb, printed.chest)
    )
    if pulse.after and pulse.mm_per_mv == chest != limb:
        return Gains(None, chest)
    return Gains(pulse.mm_per_mv)


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
