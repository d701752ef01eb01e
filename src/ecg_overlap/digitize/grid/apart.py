"""Pixels that are not square: the pitch of one family of lines, read without the other's help.

A fax of 204 × 98 dpi, or a picture that was stretched, has another pitch along time than along
amplitude. The search for the period takes both for one; then the lines of one family do not stand
where the other's pitch puts them.
"""

import math
from dataclasses import replace

import numpy as np

from ecg_overlap.digitize.grid.boxes import (
    LARGEST_PX_PER_MM,
    LEAST_CANDIDATE_PX,
    FifthLine,
    ScaledCombs,
    fifth_line,
    fitted,
)
from ecg_overlap.digitize.grid.comb import Comb
from ecg_overlap.digitize.grid.combine import MOST_OBLONG, trusted
from ecg_overlap.digitize.grid.strips import AlignedStrips

# Trust in a family's lines, 0 to 1: so much less at the other family's pitch than at its own.
# Of 180 usual crops and pages no family that has a pitch of its own loses more than 0.1.
_GAINED = 0.3
_LEAST_TRUST = 0.7  # at its own pitch: 0.7 to 1 on stretched crops, 0.66 where lines are ink's
# Standard errors by which its every fifth line stands out, and the others are there. Blurred
# lines reach 1.8; four residues of chance alone stay below 0.6.
_LEAST_MAJOR_Z, _LEAST_MINOR_Z = 5.0, 1.0
_STEP = 1.02  # between the pitches tried: `fold.refined_period` reaches so far in a short crop
_MOST_RATIO = 3.0  # ratio of the pitches; a fax has 2.08


def pitches_apart(lines: tuple[AlignedStrips, AlignedStrips], combs: ScaledCombs) -> ScaledCombs:
    """The combs, that of one family refitted where it has a clear pitch of its own.

    Only where every fifth line of both families stands out: then what 1 mm is, is read twice.

    Args:
        lines: Vertical and horizontal lines, at their tilt.
        combs: Fitted to both at one pitch.
    """
    trust = [trusted(comb, combs.mm_per_line) for comb in combs.both]
    weaker = int(trust[1] < trust[0])  # the search for the period is led by the other family
    if not combs.majors_known or trust[weaker] > 1 - _GAINED:
        return combs
    usual = combs.both[1 - weaker]
    assert usual is not None  # it is trusted more
    best: tuple[float, Comb, FifthLine] | None = None
    for pitch in _pitches(usual.pitch_px):
        if abs(math.log(pitch / usual.pitch_px)) < MOST_OBLONG:
            continue  # so much the joint search allows for
        comb = fitted(lines[weaker], pitch)
        said = fifth_line(comb)
        if comb is None or said is None or trusted(comb, 1.0) < trust[weaker] + _GAINED:
            continue
        clear = min(said.minor_z / _LEAST_MINOR_Z, said.major_z / _LEAST_MAJOR_Z)
        if trusted(comb, 1.0) >= _LEAST_TRUST and clear > 1 and (best is None or clear > best[0]):
            best = clear, comb, said
    if best is None:
        return combs
    _, comb, said = best
    if weaker:
        major = combs.major[0], said.major
        return replace(combs, horizontal=comb, major=major, apart=True)
    return replace(combs, vertical=comb, major=(said.major, combs.major[1]), apart=True)


def _pitches(usual_px: float) -> list[float]:
    least = max(LEAST_CANDIDATE_PX, usual_px / _MOST_RATIO)
    most = min(LARGEST_PX_PER_MM, usual_px * _MOST_RATIO)
    n = math.ceil(math.log(most / least, _STEP)) + 1
    return [float(pitch) for pitch in np.geomspace(least, most, n)]
