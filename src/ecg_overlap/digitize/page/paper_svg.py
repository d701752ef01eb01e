"""A page's signals drawn anew on ECG paper, as SVG: 25 mm/s, 10 mm/mV, in millimetres."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from ecg_overlap.digitize.page.page_signal import PageSignal, Strip
from ecg_overlap.digitize.paths.path import stretches

MM_PER_S, MM_PER_MV = 25.0, 10.0
UNIT_MM = 0.01  # of the drawing's coordinates, so that they are short whole numbers
TOLERANCE_MM = 0.03  # a line's points are left out if it stays this close; a pen draws 0.3 mm
LIMIT_MV = 4.0  # a trace that leaves this is cut off and marked: one wild peak would fill the page
EDGE_MM = 5.0
PULSE_MM = 10.0  # room for the calibration pulse before the first sample
ABOVE_MM, BELOW_MM = 9.0, 5.0  # a trace has at least this much paper
GAP_MM = 3.0
BOX_MM = 5.0


@dataclass(frozen=True)
class _Lane:
    """Strips that stand in one line of the drawing, one after another."""

    strips: tuple[Strip, ...]

    @property
    def span_mm(self) -> tuple[float, float]:
        """How far the traces go above and below 0 mV."""
        mv = np.concatenate([strip.signal.signal_mv for strip in self.strips])
        mv = mv[np.isfinite(mv)].clip(-LIMIT_MV, LIMIT_MV) * MM_PER_MV
        up, down = mv.max(initial=0.0), -mv.min(initial=0.0)
        return max(ABOVE_MM, float(up) + GAP_MM), max(BELOW_MM, float(down))


def draw_paper(page: PageSignal) -> Markup:
    """An `<svg>` of all strips where the page has them: row by row, each at its time."""
    lanes = _lanes(page.strips)
    width = _boxes(2 * EDGE_MM + PULSE_MM + page.duration_s * MM_PER_S)
    parts: list[Markup] = []
    y_mm = EDGE_MM
    for lane in lanes:
        up, down = lane.span_mm
        zero = _boxes(y_mm + up)
        parts.append(_pulse(zero))
        parts += [_trace(strip, zero, y_mm) for strip in lane.strips]
        y_mm = zero + down + GAP_MM
    height = _boxes(y_mm + EDGE_MM)
    box = f"0 0 {_units(width)} {_units(height)}"
    return Markup(
        '<svg class="paper" xmlns="http://www.w3.org/2000/svg" role="img" '
        'aria-label="The signals on ECG paper, 25 mm/s, 10 mm/mV" '
        'width="{}mm" height="{}mm" viewBox="{}">{}{}</svg>'
    ).format(f"{width:g}", f"{height:g}", box, _grid(), Markup("").join(parts))


def _lanes(strips: Sequence[Strip]) -> list[_Lane]:
    """Each row of the page is a lane; strips of one row that share a time get one each."""
    lanes: list[tuple[int, list[Strip]]] = []
    for strip in sorted(strips, key=lambda s: (s.row, s.start_s, s.column)):
        for row, lane in lanes:
            last = lane[-1]
            if row == strip.row and strip.start_s > last.start_s + 0.9 * _duration_s(last):
                lane.append(strip)
                break
        else:
            lanes.append((strip.row, [strip]))
    return [_Lane(tuple(lane)) for _, lane in lanes]


def _duration_s(strip: Strip) -> float:
    return len(strip.signal.signal_mv) / strip.signal.fs_hz


def _trace(strip: Strip, zero_mm: float, top_mm: float) -> Markup:
    """A strip's line, its name and a mark where it begins."""
    mv = strip.signal.signal_mv
    x = EDGE_MM + PULSE_MM + (strip.start_s + np.arange(len(mv)) / strip.signal.fs_hz) * MM_PER_S
    y = zero_mm - mv.clip(-LIMIT_MV, LIMIT_MV) * MM_PER_MV
    start = EDGE_MM + PULSE_MM + strip.start_s * MM_PER_S
    cut = np.abs(mv[np.isfinite(mv)]).max(initial=0.0) > LIMIT_MV
    name = f"{strip.lead_name} (cut off at {LIMIT_MV:g} mV)" if cut else strip.lead_name
    return Markup(
        '<path class="mark" d="M{x} {a}v{b}"/><text x="{t}" y="{top}">{name}</text>'
        '<path class="trace" d="{d}"/>'
    ).format(
        x=_units(start),
        a=_units(zero_mm - 2.5),
        b=_units(5.0),
        t=_units(start + 1.0),
        top=_units(top_mm + 3.4),
        name=escape(name),
        d=_line(np.stack([x, y], axis=1)),
    )


def _line(points_mm: NDArray[np.float64]) -> str:
    """SVG path data of a line with gaps: relative, in whole units, without points that add none."""
    parts = []
    for start, stop in stretches(points_mm):
        curve = points_mm[start:stop].astype(np.float32)[:, None]
        kept = (
            cv2.approxPolyDP(curve, TOLERANCE_MM, False)[:, 0] if stop - start > 2 else curve[:, 0]
        )
        whole = np.rint(kept / UNIT_MM).astype(int)
        steps = np.diff(whole, axis=0)
        # "l0 0" makes the round dot of a lone sample.
        moves = " ".join(f"{dx} {dy}" for dx, dy in steps.tolist()) or "0 0"
        parts.append(f"M{whole[0, 0]} {whole[0, 1]}l{moves}")
    return "".join(parts)


def _pulse(zero_mm: float) -> Markup:
    """1 mV for 0.2 s."""
    left, high, wide = EDGE_MM, MM_PER_MV, 0.2 * MM_PER_S
    return Markup('<path class="trace" d="M{} {}h{}v{}h{}v{}h{}"/>').format(
        *map(_units, (left, zero_mm, 1.5, -high, wide, high, 1.5))
    )


def _grid() -> Markup:
    """Lines every millimetre, stronger ones every fifth."""
    small, box = _units(1.0), _units(BOX_MM)
    return Markup(
        '<defs><pattern id="mm" width="{s}" height="{s}" patternUnits="userSpaceOnUse">'
        '<path class="fine" d="M0 0H{s}M0 0V{s}"/></pattern>'
        '<pattern id="box" width="{b}" height="{b}" patternUnits="userSpaceOnUse">'
        '<path class="bold" d="M0 0H{b}M0 0V{b}"/></pattern></defs>'
        '<rect class="sheet" width="100%" height="100%"/>'
        '<rect fill="url(#mm)" width="100%" height="100%"/>'
        '<rect fill="url(#box)" width="100%" height="100%"/>'
    ).format(s=small, b=box)


def _units(mm: float) -> int:
    return round(mm / UNIT_MM)


def _boxes(mm: float) -> float:
    """Up to the next strong line."""
    return float(np.ceil(round(mm / BOX_MM, 6)) * BOX_MM)
