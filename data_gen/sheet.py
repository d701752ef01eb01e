"""A page in millimetres, and the drawing of any rectangle of it.

A whole page and a training window are drawn by the same functions; a window costs only what
stands in it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numba import njit

from data_gen.arrays import F32, F64, U8
from data_gen.calibration import Calibration
from data_gen.crop import Frame
from data_gen.errors import InputError
from data_gen.layout import (
    Layout,
    Placement,
    column_seconds,
    find_layout,
    paper_size_mm,
    place,
)
from data_gen.render import draw_stroke
from data_gen.sample import Record
from data_gen.style import PageStyle, PenStyle

# The page's plan, read off printed pages; it is ours, no standard prescribes it.
SIDE_MM, TOP_MM, BOTTOM_MM = 10.0, 8.0, 8.0  # margins
HEADER_MM, FOOTER_MM = 22.0, 11.0  # height kept free for text
FOOTER_DROP_MM = 12.0  # from the last row's 0 mV down to the footer's line
PULSE_S = 0.2  # the calibration pulse lasts this long at 1 mV (the domain's convention)
PULSE_MM = 3.0  # kept free beside it
# The slope that thins a stroke is measured over half a pen's width to each side: tremor finer
# than that makes no thin strokes.
_PEN_REACH_MM = 0.15


@dataclass(frozen=True)
class Line:
    """A trace's centre line in a frame.

    Args:
        first: Which sample of the trace its first point is.
        xy_px: float64 (n, 2), (x, y); NaN in y where a sample is missing.
        top: Its least y; inf without a sample.
        bottom: Its greatest; -inf likewise.
        row: Which row of the sheet it is in.
    """

    first: int
    xy_px: F64
    top: float
    bottom: float
    row: int = 0


@dataclass(frozen=True)
class Trace:
    """One lead's stretch of signal on a sheet.

    Args:
        place: Which lead, and where.
        signal_mv: float32 (n,).
        fs_hz: Its sampling frequency.
        mm_per_s: Paper speed.
        x_mm: float64 (n,), from the paper's left edge.
        y_mm: float64 (n,), below its row's 0 mV; NaN where a sample is missing.
    """

    place: Placement
    signal_mv: F32
    fs_hz: float
    mm_per_s: float
    x_mm: F64
    y_mm: F64

    @property
    def start_s(self) -> float:
        """Where in the record its first sample stands."""
        return self.place.start_s + (float(self.x_mm[0]) - self.place.x_mm) / self.mm_per_s

    def since(self, first: int) -> "Trace":
        """The trace from that sample on."""
        return replace(
            self,
            signal_mv=self.signal_mv[first:],
            x_mm=self.x_mm[first:],
            y_mm=self.y_mm[first:],
        )

    def line(self, frame: Frame, baseline_mm: float, *, gain: float = 1.0) -> Line:
        """Its centre line in a frame, its 0 mV at that height of the paper.

        Samples out of sight to the left and right are left out, all but the nearest few.
        """
        right_mm = frame.x_mm + frame.width_px / frame.px_per_mm
        below_mm, scale = baseline_mm - frame.y_mm, frame.px_per_mm
        first, xy, top, bottom = _placed(
            self.x_mm, self.y_mm, frame.x_mm, right_mm, gain, below_mm, scale
        )
        return Line(first, xy, top, bottom, self.place.row)


@njit(cache=True, nogil=True)
def _placed(
    x_mm: F64,
    y_mm: F64,
    left_mm: float,
    right_mm: float,
    gain: float,
    below_mm: float,
    scale: float,
) -> tuple[int, F64, float, float]:
    """The points of a trace near a span of the paper, in pixels.

    Returns:
        Index of the first of them, the points (n, 2), their least and greatest y.
    """
    first = max(int(np.searchsorted(x_mm, left_mm - 1.0)) - 2, 0)
    last = min(int(np.searchsorted(x_mm, right_mm + 1.0)) + 2, len(x_mm))
    xy = np.empty((max(last - first, 0), 2))
    top, bottom = np.inf, -np.inf
    for i in range(len(xy)):
        y = (y_mm[first + i] * gain + below_mm) * scale
        xy[i, 0], xy[i, 1] = (x_mm[first + i] - left_mm) * scale, y
        if y < top:
            top = y
        if y > bottom:
            bottom = y
    return first, xy, top, bottom


@dataclass(frozen=True)
class Sheet:
    """A page before its rows have their height.

    Args:
        record: The record on it.
        layout: The page format, its leads chosen.
        style: Its look.
        places: Where each trace stands, row by row.
    """

    record: Record
    layout: Layout
    style: PageStyle
    places: tuple[Placement, ...]

    @property
    def n_rows(self) -> int:
        return len(self.layout.rows)

    @cached_property
    def width_mm(self) -> float:
        """The paper's width; a roll ends behind its traces."""
        width = paper_size_mm(self.style.paper)[0]
        if math.isfinite(width):
            return width
        right = SIDE_MM + pulse_mm(self.style, "right")
        return max(p.x_mm + p.duration_s * self.style.mm_per_s for p in self.places) + right

    @property
    def top_mm(self) -> float:
        return TOP_MM + (HEADER_MM if self.style.header else 0.0)

    @property
    def bottom_mm(self) -> float:
        return BOTTOM_MM + (FOOTER_MM if self.style.footer else 0.0)

    def height_mm(self, pitch_mm: float) -> float:
        """The paper's height; a roll is as high as its rows need."""
        height = paper_size_mm(self.style.paper)[1]
        if math.isfinite(height):
            return height
        return self.top_mm + self.n_rows * pitch_mm + self.bottom_mm

    @property
    def widest_pitch_mm(self) -> float:
        """The row pitch that fills the paper; inf on a roll."""
        height = paper_size_mm(self.style.paper)[1]
        return (height - self.top_mm - self.bottom_mm) / self.n_rows

    def baselines_mm(self, pitch_mm: float, jitter_mm: F64) -> F64:
        """Each row's 0 mV, from the paper's top (n_rows,)."""
        rows = np.arange(self.n_rows) + 0.5
        free = self.height_mm(pitch_mm) - self.top_mm - self.bottom_mm
        slack = (free - self.n_rows * pitch_mm) / 2
        return np.asarray(self.top_mm + slack + rows * pitch_mm + jitter_mm)

    def trace(self, k: int) -> Trace:
        """The trace at place k.

        Raises:
            InputError: The record ends before it.
        """
        where, style, fs_hz = self.places[k], self.style, self.record.fs_hz
        lead = self.record.lead_mv(where.lead_name)
        if style.fs_hz is not None and style.fs_hz != fs_hz:
            lead, fs_hz = _resampled(lead, fs_hz, style.fs_hz), style.fs_hz
        first = round(where.start_s * fs_hz)
        signal = lead[first : first + round(where.duration_s * fs_hz)]
        if len(signal) < 2:
            raise InputError(
                f"record {self.record.record_id}", "too short for its page", "take longer records"
            )
        x_mm = where.x_mm + np.arange(len(signal), dtype=np.float64) * (style.mm_per_s / fs_hz)
        y_mm = signal.astype(np.float64) * -style.gain_of(where.lead_name)
        return Trace(where, signal, fs_hz, style.mm_per_s, x_mm, y_mm)

    def calibration(self, trace: Trace, frame: Frame, baseline_mm: float) -> Calibration:
        """Of one trace in a frame."""
        return Calibration(
            frame.px_per_mm,
            frame.px_per_mm,
            mm_per_s=self.style.mm_per_s,
            mm_per_mv=self.style.gain_of(trace.place.lead_name),
            t0_px=float(trace.x_mm[0] - frame.x_mm) * frame.px_per_mm,
            baseline_px=(baseline_mm - frame.y_mm) * frame.px_per_mm,
        )


def pulse_mm(style: PageStyle, side: str) -> float:
    """Width kept free for a calibration pulse on that side."""
    return PULSE_S * style.mm_per_s + PULSE_MM if style.pulse in (side, "both") else 0.0


def lay_out(record: Record, style: PageStyle) -> Sheet:
    """Put a record's leads on a sheet.

    Raises:
        InputError: The layout's leads are not in the record, or do not fit on the paper.
    """
    layout = find_layout(style.layout, first_lead=style.first_lead)
    left, right = (SIDE_MM + pulse_mm(style, side) for side in ("left", "right"))
    seconds = column_seconds(
        layout,
        record_s=record.duration_s,
        width_mm=paper_size_mm(style.paper)[0] - left - right,
        mm_per_s=style.mm_per_s,
        gap_mm=style.column_gap_mm,
    )
    places = place(
        layout, seconds=seconds, left_mm=left, mm_per_s=style.mm_per_s, gap_mm=style.column_gap_mm
    )
    return Sheet(record, layout, style, places)


def _resampled(signal: F32, old_hz: float, new_hz: float) -> F32:
    """A lead at another sampling frequency; missing samples stay missing."""
    from scipy.signal import resample_poly  # its import takes longer than all others together

    missing = ~np.isfinite(signal)
    up, down = round(new_hz), round(old_hz)
    common = math.gcd(up, down)
    filled = np.where(missing, 0.0, signal)
    # "line": a baseline that does not start at zero would ring at the ends.
    out = resample_poly(filled, up // common, down // common, padtype="line")
    if missing.any():
        at = np.minimum(
            np.round(np.arange(len(out)) * old_hz / new_hz).astype(int), len(signal) - 1
        )
        out = np.where(missing[at], np.nan, out)
    return np.asarray(out, np.float32)


def draw_traces(
    frame: Frame,
    lines: Sequence[Line],
    *,
    pen_mm: float,
    pen: PenStyle | None = None,
    ink: U8 | None = None,
) -> U8:
    """The coverage of some traces together.

    Args:
        frame: What is seen of the page.
        lines: Their centre lines.
        pen_mm: Stroke width; with a `pen`, that of its horizontal strokes.
        pen: How the strokes vary; None for the same width everywhere.
        ink: uint8 (H, W), to which the traces are added as they are seen: what is pale only
            there has its full coverage in the result.

    Returns:
        uint8 (H, W).
    """
    canvas = np.zeros((frame.height_px, frame.width_px), np.uint8)
    width_px = pen_mm * frame.px_per_mm
    for line in lines:
        if pen is None or not len(line.xy_px):
            draw_stroke(canvas, line.xy_px, width_px=width_px)
            continue
        factors, dark = _varied(pen, line, frame)
        draw_stroke(canvas, line.xy_px, width_px=width_px * factors, dark=dark, ink=ink)
    if pen is None and ink is not None:
        np.maximum(ink, canvas, out=ink)
    return canvas


def _varied(pen: PenStyle, line: Line, frame: Frame) -> tuple[F64, F64]:
    """Factors of a trace's width and of its darkness at every point, (n,) each."""
    xy, scale = line.xy_px, frame.px_per_mm
    # The waver is computed at whole mm of the paper and interpolated: a sine for every sample
    # would take 0.5 ms.
    first, last = (math.floor(x / scale + frame.x_mm) for x in (xy[0, 0], xy[-1, 0]))
    waver = pen.wavering(first, last + 2, line.row)
    reach_px = _PEN_REACH_MM * scale
    return _factors(xy, reach_px, pen.thin, pen.pale, waver, frame.x_mm - first, scale)


@njit(cache=True, nogil=True)
def _factors(
    xy: F64, reach: float, thin: float, pale: float, waver: F64, left_mm: float, scale: float
) -> tuple[F64, F64]:
    """The factors, from the waver at every mm; the picture's left edge is at `left_mm` of it."""
    width, dark = np.empty(len(xy)), np.empty(len(xy))
    per_mm = 1.0 / scale
    for i in range(len(xy)):
        steep = _steepness(xy, i, reach)
        at = xy[i, 0] * per_mm + left_mm
        k = min(max(int(at), 0), len(waver) - 2)
        width[i] = (1.0 - thin * steep) * (waver[k] + (at - k) * (waver[k + 1] - waver[k]))
        dark[i] = 1.0 - pale * steep
    return width, dark


@njit(cache=True, nogil=True)
def _steepness(xy: F64, i: int, reach: float) -> float:
    """How steep the pen's way is at point i: 1 − cos of its angle, 0 where it is horizontal.

    The angle is that of the chord over the points within reach, at least the next ones: 0 at a
    peak, where the pen turns and rests. Points beyond a missing sample do not count.
    """
    if not math.isfinite(xy[i, 1]):
        return 0.0
    a = b = i
    while a > 0 and math.isfinite(xy[a - 1, 1]) and (a == i or xy[i, 0] - xy[a - 1, 0] <= reach):
        a -= 1
    while (
        b + 1 < len(xy)
        and math.isfinite(xy[b + 1, 1])
        and (b == i or xy[b + 1, 0] - xy[i, 0] <= reach)
    ):
        b += 1
    dx, dy = xy[b, 0] - xy[a, 0], xy[b, 1] - xy[a, 1]
    return 1.0 - dx / math.sqrt(dx * dx + dy * dy) if dx > 0.0 else 0.0
