"""What a page carries beside its traces and its grid: lead names, separators, pulses, text."""

import math
from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from data_gen.arrays import F64, U8
from data_gen.crop import Frame
from data_gen.layout import Placement
from data_gen.render import draw_bar, draw_stroke, stamp
from data_gen.sheet import FOOTER_DROP_MM, HEADER_MM, PULSE_S, SIDE_MM, TOP_MM, Sheet
from data_gen.style import PageStyle
from data_gen.text import text_coverage

# What a mark looks like, read off printed pages.
_TEXT_LEFT_MM = SIDE_MM + 2.0
_HEADER_EM_MM, _FOOTER_EM_MM = 3.2, 3.0  # font sizes
_HEADER_LINE_MM, _HEADER_COLUMN_MM = 5.0, 80.0  # its lines stand in columns of three
_HEADER_OVER_MM = 18.0  # printed over the first row's traces, it begins so far above their 0 mV
_TICK_MM = (-2.2, 1.2)  # an upright tick before a name: its ends, from the name's line
_TICK_LEFT_MM, _TICK_WIDE_MM = 1.2, 0.3  # how far left of it, and how wide
_BAR_MM = (-4.0, 4.0)  # a separator's ends, from the row's 0 mV; positive is below
_DOT_PITCH_MM = 1.25  # of a dotted separator
_DOTTED_BEYOND_MM = 8.0  # it begins and ends this far beyond the outer rows' 0 mV
_PULSE_GAP_MM = (2.5, 1.0)  # between pulse and trace, where it stands left or right of them
_PULSE_FOOT_MM = 0.75  # the flat piece before and behind the pulse
# The paper's two bars: their height and their upper ends, from the lead's first sample, and
# how far right of it they stand; as measured on the published crops.
_BARS_HEIGHT_MM, _BARS_TOP_MM, _BARS_RIGHT_MM = 2.29, (-3.12, 0.83), 0.05


class PrintedText(TypedDict):
    """A text on the page: a lead's name (`lead_name` says whose), header or footer (None)."""

    text: str
    lead_name: str | None
    box_px: list[list[float]]  # its four corners (x, y), clockwise from the upper left


def draw_marks(
    sheet: Sheet,
    frame: Frame,
    baselines_mm: F64,
    *,
    drawn: Sequence[int],
    pen_mm: float,
    rng: np.random.Generator,
) -> tuple[U8, list[PrintedText]]:
    """What is printed beside the traces, in the traces' ink.

    Args:
        sheet: The page.
        frame: What is seen of it.
        baselines_mm: Height of each row's 0 mV.
        drawn: Which of the sheet's places have a trace; the others get no marks.
        pen_mm: Stroke width.
        rng: For what the header says.

    Returns:
        uint8 (H, W) coverage, and each text that is seen.
    """
    canvas = np.zeros((frame.height_px, frame.width_px), np.uint8)
    texts = []
    for k in drawn:
        place = sheet.places[k]
        baseline = float(baselines_mm[place.row])
        _draw_separator(canvas, frame, sheet, k, baseline, pen_mm)
        texts.append(_draw_name(canvas, frame, sheet.style, place, baseline))
    for row in sorted({sheet.places[k].row for k in drawn}):
        _draw_pulse(canvas, frame, sheet, row, float(baselines_mm[row]), pen_mm)
    if sheet.style.separator == "dotted":
        _draw_dotted_lines(canvas, frame, sheet, baselines_mm, pen_mm)
    header_mm = (TOP_MM, TOP_MM + HEADER_MM)
    if sheet.style.makeup.header_over:
        header_mm = (-math.inf, math.inf)
    if sheet.style.header and frame.shows(x_mm=(_TEXT_LEFT_MM, math.inf), y_mm=header_mm):
        first_mm = TOP_MM
        if sheet.style.makeup.header_over:
            first_mm = float(baselines_mm[0]) - _HEADER_OVER_MM
        for i, line in enumerate(header_lines(rng)):
            y_mm = first_mm + (i % 3 + 1) * _HEADER_LINE_MM
            x_mm = _TEXT_LEFT_MM + (i // 3) * _HEADER_COLUMN_MM
            em_mm = _HEADER_EM_MM
            texts.append(_draw_text(canvas, frame, sheet.style, line, x_mm, y_mm, em_mm=em_mm))
    if sheet.style.footer:
        gain = f"{sheet.style.mm_per_mv:g} mm/mV"
        if sheet.style.chest_mm_per_mv != sheet.style.mm_per_mv:
            gain = f"Limb: {gain}   Chest: {sheet.style.chest_mm_per_mv:g} mm/mV"
        line = f"{sheet.style.mm_per_s:g} mm/s   {gain}   0.05-150 Hz"
        x_mm, y_mm = _TEXT_LEFT_MM, float(baselines_mm[-1]) + FOOTER_DROP_MM
        texts.append(_draw_text(canvas, frame, sheet.style, line, x_mm, y_mm, em_mm=_FOOTER_EM_MM))
    return canvas, [text for text in texts if text is not None]


def header_lines(rng: np.random.Generator) -> tuple[str, ...]:
    """What an electrocardiograph prints about an examination; invented, no patient's data."""
    rate, axis = int(rng.integers(40, 150)), int(rng.integers(-60, 120))
    return (
        f"ID: {int(rng.integers(10**6, 10**7))}",
        f"{int(rng.integers(1990, 2026))}-{rng.integers(1, 13):02d}-{rng.integers(1, 29):02d}"
        f"  {rng.integers(0, 24):02d}:{rng.integers(0, 60):02d}",
        f"{int(rng.integers(18, 95))} yr   {('F', 'M')[int(rng.integers(2))]}",
        f"Vent. rate   {rate} BPM",
        f"PR interval   {int(rng.integers(110, 220))} ms",
        f"QRS duration   {int(rng.integers(70, 160))} ms",
        f"QT/QTc   {int(rng.integers(320, 460))}/{int(rng.integers(370, 480))} ms",
        f"P-R-T axes   {axis}  {axis + 10}  {int(rng.integers(-20, 90))}",
        ("Normal ECG", "Abnormal ECG", "Unconfirmed")[int(rng.integers(3))],
    )


def _draw_text(
    canvas: U8,
    frame: Frame,
    style: PageStyle,
    text: str,
    x_mm: float,
    y_mm: float,
    *,
    em_mm: float,
    lead_name: str | None = None,
) -> PrintedText | None:
    """Print a line of text that begins at x on the line y; None where it is out of sight."""
    x_px, y_px = ((v - o) * frame.px_per_mm for v, o in ((x_mm, frame.x_mm), (y_mm, frame.y_mm)))
    em_px = max(6, round(em_mm * frame.px_per_mm))
    out_x = x_px > frame.width_px or x_px + len(text) * em_px < 0
    if out_x or y_px - 2 * em_px > frame.height_px or y_px + em_px < 0:
        return None
    glyphs, baseline = text_coverage(text, font=style.font, em_px=em_px)
    top, left = round(y_px) - baseline, round(x_px)
    stamp(canvas, glyphs, x_px=left, y_px=top)
    bottom, right = top + glyphs.shape[0] - 1, left + glyphs.shape[1] - 1
    box = [[left, top], [right, top], [right, bottom], [left, bottom]]
    return {"text": text, "lead_name": lead_name, "box_px": box}


def _draw_name(
    canvas: U8, frame: Frame, style: PageStyle, place: Placement, baseline_mm: float
) -> PrintedText | None:
    if style.lead_names == "none":
        return None
    name, em, makeup = place.lead_name, style.name_mm, style.makeup
    x_mm, y_mm = place.x_mm + 0.13 + makeup.name_right_mm, baseline_mm + style.name_drop_mm
    if style.lead_names == "above":
        y_mm = baseline_mm - style.name_drop_mm
    if style.lead_names == "before" and place.column == 0:
        x_mm, y_mm = place.x_mm - (0.7 * len(name) + 0.4) * em, baseline_mm + 0.36 * em
    if makeup.name_tick:
        _draw_tick(canvas, frame, x_mm - _TICK_LEFT_MM, y_mm)
    shown = " ".join(name) if makeup.name_spaced and set(name) == {"I"} else name
    return _draw_text(canvas, frame, style, shown, x_mm, y_mm, em_mm=em, lead_name=name)


def _draw_tick(canvas: U8, frame: Frame, x_mm: float, y_mm: float) -> None:
    half_mm = _TICK_WIDE_MM / 2
    x0, x1 = ((x_mm + side * half_mm - frame.x_mm) * frame.px_per_mm for side in (-1, 1))
    y0, y1 = ((y_mm + end - frame.y_mm) * frame.px_per_mm for end in _TICK_MM)
    if x1 > 0 and x0 < frame.width_px and y1 > 0 and y0 < frame.height_px:
        draw_bar(canvas, x0=x0, y0=y0, x1=x1, y1=y1)


def _draw_separator(
    canvas: U8, frame: Frame, sheet: Sheet, k: int, baseline_mm: float, pen_mm: float
) -> None:
    """Before every column but the first: one bar, or the paper's two about the first sample."""
    style, place = sheet.style, sheet.places[k]
    if place.column == 0 or style.separator not in ("bar", "bars"):
        return
    bars = style.separator == "bars"
    x_mm = place.x_mm + _BARS_RIGHT_MM if bars else place.x_mm - style.column_gap_mm / 2
    if not frame.shows(x_mm=(x_mm - pen_mm, x_mm + pen_mm), y_mm=(-math.inf, math.inf)):
        return
    spans = [_BAR_MM]
    if bars:
        first_mm = float(sheet.trace(k).y_mm[0])
        middle = first_mm if math.isfinite(first_mm) else 0.0
        spans = [(middle + y, middle + y + _BARS_HEIGHT_MM) for y in _BARS_TOP_MM]
    for top, bottom in spans:
        x0, x1 = ((x_mm + side * pen_mm / 2 - frame.x_mm) * frame.px_per_mm for side in (-1, 1))
        y0, y1 = ((baseline_mm + y - frame.y_mm) * frame.px_per_mm for y in (top, bottom))
        draw_bar(canvas, x0=x0, y0=y0, x1=x1, y1=y1)


def _draw_dotted_lines(
    canvas: U8, frame: Frame, sheet: Sheet, baselines_mm: F64, pen_mm: float
) -> None:
    """A dotted line from the top row to the bottom row before every column but the first."""
    half = pen_mm / 2 * frame.px_per_mm
    top_mm = float(baselines_mm[0]) - _DOTTED_BEYOND_MM
    y_mm = np.arange(top_mm, float(baselines_mm[-1]) + _DOTTED_BEYOND_MM, _DOT_PITCH_MM)
    y_px = (y_mm - frame.y_mm) * frame.px_per_mm
    y_px = y_px[(y_px > -2 * half) & (y_px < frame.height_px + 2 * half)]
    columns = {place.column: place.x_mm for place in sheet.places if place.column}
    for start_mm in columns.values():
        x_px = (start_mm - sheet.style.column_gap_mm / 2 - frame.x_mm) * frame.px_per_mm
        if -half < x_px < frame.width_px + half:
            for y in y_px:
                draw_bar(canvas, x0=x_px - half, y0=y - half, x1=x_px + half, y1=y + half)


def _draw_pulse(
    canvas: U8, frame: Frame, sheet: Sheet, row: int, baseline_mm: float, pen_mm: float
) -> None:
    """The calibration pulses: 1 mV for 0.2 s, at the gain of the lead beside them."""
    style = sheet.style
    if style.pulse == "none":
        return
    wide, foot = PULSE_S * style.mm_per_s, _PULSE_FOOT_MM
    in_row = [place for place in sheet.places if place.row == row]
    end_mm = in_row[-1].x_mm + in_row[-1].duration_s * style.mm_per_s
    starts_mm = {
        "left": in_row[0].x_mm - wide - _PULSE_GAP_MM[0], "right": end_mm + _PULSE_GAP_MM[1],
    }  # fmt: skip
    for side, start_mm in starts_mm.items():
        if style.pulse not in (side, "both"):
            continue
        beside = in_row[0] if side == "left" else in_row[-1]
        rise = style.gain_of(beside.lead_name)
        seen_mm = (start_mm - pen_mm, start_mm + 2 * foot + wide + pen_mm)
        if not frame.shows(x_mm=seen_mm, y_mm=(baseline_mm - rise - pen_mm, baseline_mm + pen_mm)):
            continue
        x = start_mm + np.array((0.0, foot, foot, foot + wide, foot + wide, 2 * foot + wide))
        y = baseline_mm - rise * np.array((0.0, 0.0, 1.0, 1.0, 0.0, 0.0))
        xy = (np.column_stack((x, y)) - (frame.x_mm, frame.y_mm)) * frame.px_per_mm
        draw_stroke(canvas, xy, width_px=pen_mm * frame.px_per_mm)
