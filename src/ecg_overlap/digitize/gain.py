"""Speed and gain of a single lead: as told, else as its calibration pulse says, else the usual."""

from dataclasses import dataclass, replace

import numpy as np

from data_gen.calibration import Calibration
from ecg_overlap.digitize.ink.coverage import as_coverage
from ecg_overlap.digitize.ink.found import Ink
from ecg_overlap.digitize.pulse.measured import Pulse
from ecg_overlap.digitize.pulse.of_lead import columns_of_trace, find_lead_pulse
from ecg_overlap.digitize.pulse.printed import WIDE_PULSE_MM, PagePulse
from ecg_overlap.digitize.stages import USUAL_MM_PER_S, ScaledPicture
from ecg_overlap.digitize.straight import StraightPicture
from ecg_overlap.digitize.traces.drifting import rows_of


@dataclass(frozen=True)
class Gained:
    """A lead's ink without its calibration pulse, and what the pulse says.

    Args:
        ink: Of the traces alone.
        calibration: Of the picture, at the speed and gain that hold.
        flags: Of `lead_signal.FLAGS`.
    """

    ink: Ink
    calibration: Calibration
    flags: tuple[str, ...] = ()


def without_pulse(
    ink: Ink,
    picture: ScaledPicture,
    calibration: Calibration,
    straight: StraightPicture | None,
    told: tuple[float | None, float | None],
) -> Gained:
    """Take the calibration pulse out of the ink, and its gain and speed where none was told.

    Args:
        ink: On straight paper.
        picture: On straight paper.
        calibration: Of the picture as it was given.
        straight: From the one to the other; None where they are the same.
        told: mm/s and mm/mV, by the caller.
    """
    cover = as_coverage(ink.mask if ink.dark is None else ink.dark)
    pulse: PagePulse | None
    if picture.scale.pulse is not None:  # the scale is the pulse's already
        pulse = _on_paper(picture.scale.pulse, calibration.mm_per_mv, straight, cover.shape[1])
    else:
        rows = ink.rows_px
        if rows is None:
            rows = rows_of(cover, px_per_mm=picture.px_per_mm, row_px=picture.row_px)
        ends = np.unique(rows[:, [0, -1]])  # a pulse stands at either, and a trace may wander
        pulse = find_lead_pulse(cover, ends.tolist(), px_per_mm=picture.px_per_mm)
    if pulse is None:
        return Gained(replace(ink, mm_per_mv=calibration.mm_per_mv), calibration)
    first, stop = columns_of_trace(cover, pulse, px_per_mm=picture.px_per_mm)
    flags = []
    mm_per_s, mm_per_mv = told
    if picture.scale.pulse is None:
        if mm_per_mv is None and pulse.mm_per_mv != calibration.mm_per_mv:
            calibration = replace(calibration, mm_per_mv=pulse.mm_per_mv)
            flags.append("gain_from_pulse")
        elif pulse.mm_per_mv != calibration.mm_per_mv:
            flags.append("gain_contradicted")
        if mm_per_s is None and pulse.width_mm == WIDE_PULSE_MM:
            calibration = replace(calibration, mm_per_s=2 * USUAL_MM_PER_S)
            flags.append("speed_from_pulse")
    ink = replace(ink.between(first, stop), mm_per_mv=calibration.mm_per_mv)
    return Gained(ink, calibration, tuple(flags))


def _on_paper(
    pulse: Pulse, mm_per_mv: float, straight: StraightPicture | None, width_px: int
) -> PagePulse:
    """A pulse of the picture, on straight paper of this width."""
    corners = np.array([[pulse.left_px, pulse.top_px], [pulse.right_px, pulse.baseline_px]])
    if straight is not None:
        corners = straight.from_picture(corners)
    (left, _), (right, zero) = corners.tolist()
    return PagePulse(
        left_px=left,
        right_px=right,
        mm_per_mv=mm_per_mv,
        width_mm=(pulse.right_px - pulse.left_px) / pulse.px_per_mm_x,
        zero_px=np.array([zero]),
        like=np.array([1.0]),
        after=left + right > width_px,  # the trace is on its longer side
    )
