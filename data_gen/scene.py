"""One lead among its neighbours: everything about a sample that is decided in millimetres."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_gen.arrays import F64
from data_gen.crop import CropDials, Frame, draw_frame
from data_gen.dials import Range, uniform
from data_gen.errors import InputError
from data_gen.overlap import OverlapDials, solve_pitch_px
from data_gen.sample import split_number
from data_gen.sheet import Line, Sheet, Trace, lay_out
from data_gen.signals import SignalSource
from data_gen.streams import parted
from data_gen.style import PageDials, draw_style

WIDEST_PITCH_MM = 30.0  # of rows that are spread over a page: a page of three rows is not filled
_ONE_WORD = 2**32  # NumPy splits a larger seed in two, which could meet another index or split
# How far beyond the frame traces are drawn, since a distortion may bring them into the picture:
# a fixed part for curl and creases, and a part of the width for turns.
_SIGHT_MM, _SIGHT_FRAC = 5.0, 0.1


@dataclass(frozen=True)
class Streams:
    """One generator for each thing that is drawn, so that a dial changes only what it names."""

    signals: np.random.Generator
    style: np.random.Generator
    marks: np.random.Generator
    rows: np.random.Generator
    crop: np.random.Generator
    distortion: np.random.Generator


def streams_of(index: int, seed: int, split: str, attempt: int = 0) -> Streams:
    """The streams of one sample: from default_rng([seed, index]) alone for the train split.

    Val and test append their number, a further try its own: trailing zeros change nothing in
    NumPy's seeding of four words, and other numbers give streams that share nothing.

    Raises:
        InputError: An unknown split, or a number that is no such word.
    """
    if not (0 <= index < _ONE_WORD and 0 <= seed < _ONE_WORD):
        raise InputError(
            f"sample {index} of seed {seed}", "negative or too large", "take both from 0 to 2³² − 1"
        )
    rng = np.random.default_rng([seed, index, split_number(split), attempt])
    return Streams(*parted(rng, 6))


@dataclass(frozen=True)
class RowSpacing:
    """How the rows of one sheet are spaced, and how they are drawn.

    Args:
        jitter_mm: Each row's shift (n_rows,).
        pitch_mm: Where to take the pitch from.
        pick: 0–1, which pitch to take of several that serve equally well.
        pen_mm: Stroke width.
        gain: Factor on the neighbours' amplitudes, in a crop.
    """

    jitter_mm: F64
    pitch_mm: Range
    pick: float
    pen_mm: float
    gain: float

    def facts(self) -> dict[str, object]:
        """What was drawn, as values that JSON can hold."""
        return {
            "jitter_mm": self.jitter_mm.tolist(),
            "pen_mm": self.pen_mm,
            "neighbour_gain": self.gain,
        }


def draw_rows(dials: OverlapDials, sheet: Sheet, rng: np.random.Generator) -> RowSpacing:
    """Draw how the rows are spaced.

    Raises:
        InputError: Not even the closest rows that the dials allow fit on the paper.
    """
    reach = uniform(rng, dials.jitter_mm)
    jitter_mm = reach * rng.uniform(-1, 1, sheet.n_rows)
    pick, pen_mm, gain = (
        float(rng.random()),
        uniform(rng, dials.pen_mm),
        uniform(rng, dials.neighbour_gain),
    )
    widest = sheet.widest_pitch_mm
    name = "search_mm" if dials.targeted else "row_pitch_mm"
    lo, hi = getattr(dials, name) or (min(widest, WIDEST_PITCH_MM),) * 2
    if lo > widest:
        raise InputError(
            f"overlap.{name}",
            f"{sheet.n_rows} rows at {lo:g} mm leave {sheet.style.paper} paper",
            f"keep its low end ≤ {widest:.1f}, or take paper=roll or fewer rows",
        )
    return RowSpacing(jitter_mm, (lo, min(hi, widest)), pick, pen_mm, gain)


@dataclass(frozen=True)
class Scene:
    """One lead among its neighbours, in a frame; nothing distorted yet.

    Args:
        sheet: The page.
        frame: The rectangle that becomes the picture.
        rows: How its rows were drawn.
        pitch_mm: Between two rows.
        baselines_mm: Each row's 0 mV, from the paper's top.
        drawn: Which of the sheet's places are drawn, the primary's first.
        traces: What stands there.
    """

    sheet: Sheet
    frame: Frame
    rows: RowSpacing
    pitch_mm: float
    baselines_mm: F64
    drawn: tuple[int, ...]
    traces: tuple[Trace, ...]

    @property
    def baseline_mm(self) -> float:
        """The primary's 0 mV."""
        return float(self.baselines_mm[self.traces[0].place.row])

    def facts(self) -> dict[str, object]:
        """What was drawn, as values that JSON can hold."""
        place = self.traces[0].place
        return (
            self.sheet.style.facts()
            | self.rows.facts()
            | {
                "px_per_mm": self.frame.px_per_mm,
                "row": place.row,
                "column": place.column,
                "row_pitch_mm": self.pitch_mm,
            }
        )

    def lines(self, frame: Frame) -> list[Line]:
        """The centre lines in a frame, the primary's first; of the others, those in sight."""
        lines = [
            trace.line(
                frame, float(self.baselines_mm[trace.place.row]), gain=self.rows.gain if k else 1.0
            )
            for k, trace in enumerate(self.traces)
        ]
        pen_px = self.rows.pen_mm * frame.px_per_mm
        low, high = -pen_px, frame.height_px + pen_px
        return lines[:1] + [line for line in lines[1:] if line.bottom > low and line.top < high]


def draw_scene(
    signals: SignalSource,
    page: PageDials,
    overlap: OverlapDials,
    crop: CropDials,
    *,
    streams: Streams,
    split: str,
) -> Scene | None:
    """Draw a scene; None where its record cannot give the severity that was asked for."""
    record = signals.draw(streams.signals, split=split)
    sheet = lay_out(record, draw_style(page, streams.style))
    rows = draw_rows(overlap, sheet, streams.rows)
    primary, trace = _draw_primary(sheet, streams.crop)
    # The frame's place depends on the primary's own baseline alone, so no neighbour can move it.
    frame = draw_frame(
        crop, streams.crop, x_mm=trace.x_mm, y_mm=trace.y_mm, px_per_mm=sheet.style.px_per_mm
    )
    others = _others(overlap, sheet, primary, frame)
    traces = (trace, *(sheet.trace(k) for k in others))
    pitch, miss = _pitch_mm(overlap, rows, frame, traces)
    if miss > overlap.tolerance:
        return None
    baselines = sheet.baselines_mm(pitch, rows.jitter_mm)
    frame = frame.lowered(float(baselines[trace.place.row]))
    return Scene(sheet, frame, rows, pitch, baselines, (primary, *others), traces)


def _draw_primary(sheet: Sheet, rng: np.random.Generator) -> tuple[int, Trace]:
    """One of the sheet's places and its trace; the next one where nothing is to be seen there.

    Raises:
        InputError: No lead of the record has two samples.
    """
    n = len(sheet.places)
    first = int(rng.integers(n))
    for k in range(first, first + n):
        trace = sheet.trace(k % n)
        if np.isfinite(trace.y_mm).sum() > 1:
            return k % n, trace
    raise InputError(f"record {sheet.record.record_id}", "every sample is missing", "leave it out")


def _others(overlap: OverlapDials, sheet: Sheet, primary: int, frame: Frame) -> tuple[int, ...]:
    """The places beside the primary's that are drawn: in the rows asked for, and in sight."""
    row = sheet.places[primary].row
    first = row - (sheet.n_rows if overlap.above is None else overlap.above)
    last = row + (sheet.n_rows if overlap.below is None else overlap.below)
    right_mm = frame.x_mm + frame.width_px / frame.px_per_mm
    reach_mm = _SIGHT_MM + _SIGHT_FRAC * (right_mm - frame.x_mm)
    return tuple(
        k
        for k, place in enumerate(sheet.places)
        if k != primary
        and first <= place.row <= last
        and place.x_mm < right_mm + reach_mm
        and place.x_mm + place.duration_s * sheet.style.mm_per_s > frame.x_mm - reach_mm
    )


def _pitch_mm(
    dials: OverlapDials, rows: RowSpacing, frame: Frame, traces: Sequence[Trace]
) -> tuple[float, float]:
    """The row pitch, and how far it is expected to miss the severity that was asked for.

    Args:
        dials: What was asked for.
        rows: Where to take the pitch from.
        frame: The picture; the primary's 0 mV is its height 0.
        traces: The primary first.
    """
    lo, hi = rows.pitch_mm
    if not dials.targeted:
        return lo + rows.pick * (hi - lo), 0.0
    if len(traces) == 1:
        return hi, float(dials.miss(0.0, 0.0))
    row = np.array([t.place.row for t in traces])
    offsets_mm = rows.jitter_mm[row] - rows.jitter_mm[row[0]]
    pitch_px, miss = solve_pitch_px(
        dials,
        [t.line(frame, 0.0, gain=rows.gain if k else 1.0).xy_px for k, t in enumerate(traces)],
        (row - row[0])[1:],
        offsets_mm[1:] * frame.px_per_mm,
        bounds_px=(lo * frame.px_per_mm, hi * frame.px_per_mm),
        shape=(frame.height_px, frame.width_px),
        pen_px=rows.pen_mm * frame.px_per_mm,
        pick=rows.pick,
    )
    return pitch_px / frame.px_per_mm, miss
