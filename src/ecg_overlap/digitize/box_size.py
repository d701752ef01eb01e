"""Which boxes the lines of a grid are, where all are alike: as the beats of the trace say."""

from dataclasses import replace

from ecg_overlap.digitize.grid import Grid, GridSource
from ecg_overlap.digitize.grid.boxes import LEAST_CANDIDATE_PX
from ecg_overlap.digitize.heart import beats_of
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.stages import Scale

TAKEN_MM = 5.0  # what the grid finder takes such lines for, where they are too far apart for 1 mm
OTHERS_MM = (10.0, 1.0)  # boxes of 1 cm, as programs draw them; small ones, of a close-up
SURE_NATS = 3.0  # by so much, 20 to 1, one box size must be likelier than another to be taken
UNSURE = 0.45  # the confidence is no greater then: the scale may be another box's


def scale_by_beats(lead: LeadSignal, scale: Scale) -> Scale:
    """The scale at which the beats are a heart's, of a lead that was read at 5 mm boxes.

    Another is taken where it is likelier by `SURE_NATS`. Unless 5 mm are likelier by as much than
    all others, or nothing else can be read, the confidence says that it is not sure.

    Args:
        lead: As it was read at `scale`.
        scale: Of its picture.
    """
    grid = scale.grid
    if grid is None or grid.source is not GridSource.ALIKE_FAR_APART:
        return scale
    pitch = min(grid.px_per_mm_x, grid.px_per_mm_y) * TAKEN_MM
    others = [mm for mm in OTHERS_MM if pitch / mm >= LEAST_CANDIDATE_PX]
    beats = beats_of(lead.signal_mv, lead.fs_hz)
    if beats is None:
        # A close-up without big boxes is rarer than a lead of which no beats are seen.
        return _at(scale, grid, TAKEN_MM) if others[0] > TAKEN_MM else scale
    likely = {mm: beats.log_likelihood(mm / TAKEN_MM) for mm in others}
    best = max(likely, key=lambda mm: likely[mm])
    ahead = likely[best] - beats.log_likelihood(1.0)
    if ahead <= -SURE_NATS:
        return scale
    return _at(scale, grid, best if ahead >= SURE_NATS else TAKEN_MM)


def _at(scale: Scale, grid: Grid, box_mm: float) -> Scale:
    """The scale, unsure, at this size of the boxes that were taken for 5 mm."""
    fewer = TAKEN_MM / box_mm
    x, y = grid.px_per_mm_x * fewer, grid.px_per_mm_y * fewer
    source = GridSource.ALIKE_BEATS if box_mm != TAKEN_MM else grid.source
    confidence = min(grid.confidence, UNSURE)
    grid = replace(grid, px_per_mm_x=x, px_per_mm_y=y, source=source, confidence=confidence)
    calibration = replace(scale.calibration, px_per_mm_x=x, px_per_mm_y=y)
    return replace(scale, paper=grid, calibration=calibration, grid=grid)
