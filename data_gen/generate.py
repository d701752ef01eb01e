"""Sample i of a seed: one lead's picture, or a whole page, and all that is true of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numba import njit
from numpy.typing import NDArray

from data_gen.arrays import F32, F64, U8
from data_gen.calibration import Calibration
from data_gen.crop import CropDials, Frame
from data_gen.distort import (
    GRID,
    MARKS,
    Desk,
    Distorted,
    Distortion,
    Warp,
    distort,
    draw_desk,
    draw_warp,
)
from data_gen.errors import InputError
from data_gen.grid import draw_grid, grid_coverage
from data_gen.makeup import Makeup
from data_gen.margins import blank_around, extent_mm, kept_of
from data_gen.marks import draw_marks
from data_gen.overlap import OverlapDials
from data_gen.render import draw_ink
from data_gen.sample import DrawnTrace, LeadSample, Page, PageTrace
from data_gen.scene import RowSpacing, Scene, Streams, draw_rows, draw_scene, streams_of
from data_gen.severity import severity
from data_gen.sheet import Sheet, Trace, draw_traces, lay_out
from data_gen.signals import SignalSource
from data_gen.style import PageDials, draw_style


class LeadGenerator:
    """Draws samples; the same index and seed give the same sample, whatever was drawn before.

    Args:
        signals: Where the records come from.
        page: How the page looks.
        overlap: How its rows overlap.
        crop: What of it becomes a lead's picture.

    Example:
        >>> from data_gen.presets import load
        >>> sample = load("overlap").sample(0, seed=1)
        >>> sample.image.shape[2], sample.target_mask.shape == sample.image.shape[:2]
        (3, True)
    """

    def __init__(
        self, signals: SignalSource, page: PageDials, overlap: OverlapDials, crop: CropDials
    ) -> None:
        self.signals, self.look, self.overlap, self.crop = signals, page, overlap, crop

    def sample(
        self, index: int, *, seed: int = 0, split: str = "train", layers: bool = False
    ) -> LeadSample:
        """One lead's picture.

        Args:
            index: Which sample, from 0.
            seed: Of the data set.
            split: "train", "val" or "test"; they share no draw.
            layers: Give the masks of the printed grid, of all other marks, and of each trace too.

        Raises:
            InputError: The dials cannot be met.
        """
        tries = self.overlap.tries if self.overlap.targeted else 1
        # From the stream of an attempt that is never made: all tries aim at the same severity.
        overlap = self.overlap.of_one_severity(streams_of(index, seed, split, tries).rows)
        for attempt in range(tries):
            streams = streams_of(index, seed, split, attempt)
            crop = self.crop.of_one_kind(streams.crop)
            scene = draw_scene(self.signals, self.look, overlap, crop, streams=streams, split=split)
            if scene is not None:
                facts = {"seed": seed, "index": index, "split": split, "attempt": attempt}
                sample = _picture(self.look.distortion, crop, scene, streams, facts, layers)
                if overlap.met_by(sample.severity):
                    return sample
        raise InputError(
            "overlap",
            f"no sample reached {overlap.asked} in {tries} tries",
            "ask for less, widen search_mm or tolerance, or take a layout with more rows",
        )

    def page(
        self, index: int, *, seed: int = 0, split: str = "train", layers: bool = False
    ) -> Page:
        """A whole page, every trace with its mask.

        A severity that `overlap` asks for belongs to a crop: a page of several leads has none,
        and its rows then stand as far apart as `search_mm` has it.

        Args:
            index: Which page, from 0.
            seed: Of the data set.
            split: "train", "val" or "test".
            layers: Give the masks of the printed grid and of all other marks too.

        Raises:
            InputError: The dials cannot be met.
        """
        streams = streams_of(index, seed, split)
        record = self.signals.draw(streams.signals, split=split)
        sheet = lay_out(record, draw_style(self.look, streams.style))
        rows = draw_rows(self.overlap, sheet, streams.rows)
        facts = {"seed": seed, "index": index, "split": split}
        return _page(self.look.distortion, sheet, rows, streams, facts, layers)


@dataclass(frozen=True)
class _View:
    """What is seen of a flat page through a distortion.

    Args:
        warp: From the drawn part of the page to the picture.
        drawn: The part of the page that has to be drawn for it.
        seen: Where the picture would lie on an undistorted page.
    """

    warp: Warp
    drawn: Frame
    seen: Frame


def _picture(
    distortion: Distortion,
    crop: CropDials,
    scene: Scene,
    streams: Streams,
    facts: dict[str, object],
    layers: bool,
) -> LeadSample:
    """Draw what is seen of a scene, and distort it."""
    sheet, pen_mm = scene.sheet, scene.rows.pen_mm
    view = _aim(distortion, crop, scene, streams.distortion)
    frame = view.drawn
    lines = scene.lines(frame)
    ink, _ = draw_marks(
        sheet, frame, scene.baselines_mm, drawn=scene.drawn, pen_mm=pen_mm, rng=streams.marks
    )
    marks = ink.copy() if layers else None
    target, other = (
        draw_traces(frame, part, pen_mm=pen_mm, pen=sheet.style.pen, ink=ink)
        for part in (lines[:1], lines[1:])
    )
    pen = sheet.style.pen
    each = [draw_traces(frame, [line], pen_mm=pen_mm, pen=pen) for line in lines if layers]
    origin_mm = sheet.style.grid_origin_mm(scene.baseline_mm)
    image = draw_grid(frame, sheet.style.grid, origin_mm)
    grid = grid_coverage(frame, sheet.style.grid, origin_mm) if layers else None
    draw_ink(image, ink, sheet.style.ink_rgb)
    done = distort(
        image,
        [target, other, *each],
        [line.xy_px for line in lines],
        dials=distortion,
        px_per_mm=frame.px_per_mm,
        rng=streams.distortion,
        warp=view.warp,
        layers=_layers(grid, marks),
    )
    trace = scene.traces[0].since(lines[0].first)
    nominal = sheet.calibration(trace, view.seen, scene.baseline_mm)
    facts |= scene.facts() | {"distorted": not done.warp.is_identity}
    return _lead_sample(done, trace, nominal, sheet.record.record_id, facts)


def _aim(distortion: Distortion, crop: CropDials, scene: Scene, rng: np.random.Generator) -> _View:
    """Where the picture lies once its geometry is drawn, and what must be drawn for it."""
    frame = scene.frame
    shape = (frame.height_px, frame.width_px)
    warp = draw_warp(shape, dials=distortion, px_per_mm=frame.px_per_mm, rng=rng)
    if warp.is_identity:
        return _View(warp, frame, frame)
    box = slice(0, shape[0]), slice(0, shape[1])
    if crop.kind != "window":
        box = _follow(warp, shape, scene.lines(frame)[0].xy_px)
    flat = warp.seen_in(box)
    return _View(warp.part(flat, box), frame.part(*flat), frame.part(*box))


def _follow(warp: Warp, shape: tuple[int, int], line: F64) -> tuple[slice, slice]:
    """The box of the picture that keeps the distances of its edges to the trace's extent."""
    seen = warp.forward(line)
    x0, y0 = np.rint(np.nanmin(seen, axis=0) - np.nanmin(line, axis=0)).astype(int).tolist()
    x1, y1 = np.rint(np.nanmax(seen, axis=0) - np.nanmax(line, axis=0)).astype(int).tolist()
    height, width = shape
    return slice(y0, max(height + y1, y0 + 16)), slice(x0, max(width + x1, x0 + 16))


def _page(
    distortion: Distortion,
    sheet: Sheet,
    rows: RowSpacing,
    streams: Streams,
    facts: dict[str, object],
    layers: bool,
) -> Page:
    """Draw a sheet, and distort it."""
    style, pitch = sheet.style, rows.pitch_mm[0] + rows.pick * (rows.pitch_mm[1] - rows.pitch_mm[0])
    baselines = sheet.baselines_mm(pitch, rows.jitter_mm)
    scale = style.px_per_mm
    size = (round(sheet.width_mm * scale), round(sheet.height_mm(pitch) * scale))
    traces = [sheet.trace(k) for k in range(len(sheet.places))]
    whole = Frame(0.5 / scale, 0.5 / scale, *size, scale)
    on_page = [t.line(whole, float(baselines[t.place.row])).xy_px for t in traces]
    view, desk = _aim_at_page(distortion, whole, on_page, style.makeup, streams.distortion)
    frame = view.drawn
    lines = [t.line(frame, float(baselines[t.place.row])) for t in traces]
    ink, texts = draw_marks(
        sheet, frame, baselines, drawn=range(len(traces)), pen_mm=rows.pen_mm, rng=streams.marks
    )
    marks = ink.copy() if layers else None
    masks = [
        draw_traces(frame, [line], pen_mm=rows.pen_mm, pen=style.pen, ink=ink) for line in lines
    ]
    origin_mm = style.grid_origin_mm(float(baselines[0]))
    image = draw_grid(frame, style.grid, origin_mm)
    grid = grid_coverage(frame, style.grid, origin_mm) if layers else None
    if style.makeup.grid_box:
        around = (frame, extent_mm(traces, baselines), origin_mm)
        blank_around(image, *around)
        if grid is not None:
            blank_around(grid, *around, blank=0)
    draw_ink(image, ink, style.ink_rgb)
    done = distort(
        image,
        masks,
        [line.xy_px for line in lines] + [np.array(text["box_px"], np.float64) for text in texts],
        dials=distortion,
        px_per_mm=scale,
        rng=streams.distortion,
        warp=view.warp,
        desk=desk,
        layers=_layers(grid, marks),
    )
    placed = []
    for k, trace in enumerate(traces):
        nominal = sheet.calibration(trace, view.seen, float(baselines[trace.place.row]))
        placed.append(_page_trace(trace, done, k, nominal))
    for text, box in zip(texts, done.polylines[len(lines) :], strict=True):
        text["box_px"] = box.tolist()
    facts |= style.facts() | rows.facts() | {"row_pitch_mm": pitch, "texts": texts}
    facts["baselines_mm"] = baselines.tolist()
    return Page(
        done.image,
        tuple(placed),
        sheet.record.record_id,
        style.layout,
        scale * 25.4,
        facts,
        done.layers.get(GRID),
        done.layers.get(MARKS),
    )


def _layers(grid: U8 | None, marks: U8 | None) -> dict[str, U8]:
    """What is on the flat page beside its traces, by name; nothing where it is not asked for."""
    if grid is None or marks is None:
        return {}
    return {GRID: grid, MARKS: marks}


def _aim_at_page(
    distortion: Distortion,
    page: Frame,
    lines_px: Sequence[F64],
    makeup: Makeup,
    rng: np.random.Generator,
) -> tuple[_View, Desk | None]:
    """A whole page in its picture: with some of the desk around it, or without its edges."""
    shape = (page.height_px, page.width_px)
    warp = draw_warp(shape, dials=distortion, px_per_mm=page.px_per_mm, rng=rng)
    on = draw_desk(distortion, rng)
    whole = slice(0, shape[0]), slice(0, shape[1])
    if on is not None:
        around = round(on.around_mm * page.px_per_mm)
        box = slice(-around, shape[0] + around), slice(-around, shape[1] + around)
        return _View(warp.part(whole, box), page, page.part(*box)), on
    box = whole
    if any(makeup.cut_frac):
        seen = [warp.forward(line) for line in lines_px]
        box = kept_of(shape, seen, makeup, px_per_mm=page.px_per_mm)
    if warp.is_identity:
        return _View(warp.part(box, box), page.part(*box), page.part(*box)), None
    flat = warp.seen_in(box)
    return _View(warp.part(flat, box), page.part(*flat), page.part(*box)), None


def _page_trace(trace: Trace, done: Distorted, k: int, nominal: Calibration) -> PageTrace:
    line = done.polylines[k]
    if not done.warp.is_identity:
        nominal = fit_calibration(line, trace.signal_mv, fs_hz=trace.fs_hz, nominal=nominal)
    return PageTrace(
        lead_name=trace.place.lead_name,
        row=trace.place.row,
        start_s=trace.place.start_s,
        signal_mv=trace.signal_mv,
        fs_hz=trace.fs_hz,
        polyline_px=line,
        mask=done.masks[k],
        calibration=nominal,
    )


def _lead_sample(
    done: Distorted, trace: Trace, nominal: Calibration, record_id: str, facts: dict[str, object]
) -> LeadSample:
    """The sample: a picture, and the samples of the signal that are in its columns."""
    own, *others = done.polylines
    target, other, *each = done.masks
    lines = done.polylines if each else []  # asked for, or not
    traces = [DrawnTrace(mask, line) for mask, line in zip(each, lines, strict=True)]
    # A point has its x also where the sample is missing.
    seen = np.flatnonzero((own[:, 0] >= -0.5) & (own[:, 0] <= target.shape[1] - 0.5))
    first, last = (int(seen[0]), int(seen[-1]) + 1) if len(seen) else (0, 2)
    own, signal = own[first:last], trace.signal_mv[first:last]
    after_s = first / trace.fs_hz
    calibration = replace(nominal, t0_px=nominal.t0_px + after_s * nominal.px_per_s)
    if not done.warp.is_identity:
        calibration = fit_calibration(own, signal, fs_hz=trace.fs_hz, nominal=calibration)
    return LeadSample(
        image=done.image,
        target_mask=target,
        other_mask=other,
        polyline_px=own,
        signal_mv=signal,
        fs_hz=trace.fs_hz,
        calibration=calibration,
        lead_name=trace.place.lead_name,
        record_id=record_id,
        severity=severity(target, other, polyline_px=own, other_polylines_px=others),
        meta=facts | {"start_s": trace.start_s + after_s},
        grid_mask=done.layers.get(GRID),
        marks_mask=done.layers.get(MARKS),
        traces=tuple(traces),
    )


def fit_calibration(
    polyline_px: NDArray[np.floating], signal_mv: F32, *, fs_hz: float, nominal: Calibration
) -> Calibration:
    """The calibration that fits a distorted polyline best, by least squares.

    A trend of the baseline (a turned picture) is fitted beside the gain, so that it does not
    leak into it; the baseline is then the mean one.

    Args:
        polyline_px: (n, 2), (x, y) of every sample; NaN where missing.
        signal_mv: float32 (n,).
        fs_hz: Sampling frequency.
        nominal: Gives speed and gain, and every scale that the signal leaves open.
    """
    px_per_s, px_per_mv, t0_px, baseline_px = _fit(polyline_px, signal_mv, fs_hz, nominal.px_per_mv)
    if not (px_per_s > 0 and px_per_mv > 0):
        return nominal
    return replace(
        nominal,
        px_per_mm_x=px_per_s / nominal.mm_per_s,
        px_per_mm_y=px_per_mv / nominal.mm_per_mv,
        t0_px=t0_px,
        baseline_px=baseline_px,
    )


@njit(cache=True, nogil=True)
def _fit(
    xy: NDArray[np.floating], signal_mv: F32, fs_hz: float, flat_px_per_mv: float
) -> tuple[float, float, float, float]:
    """px/s, px/mV, t0 and baseline (px) by the normal equations of centred terms.

    px/s is NaN with fewer than three points. A flat signal leaves px/mV as it is given.
    """
    n, t, mv, x, y = 0, 0.0, 0.0, 0.0, 0.0  # sums, then means
    for i in range(len(xy)):
        if np.isfinite(xy[i, 0]) and np.isfinite(xy[i, 1]) and np.isfinite(signal_mv[i]):
            n, t, mv = n + 1, t + i / fs_hz, mv + signal_mv[i]
            x, y = x + xy[i, 0], y + xy[i, 1]
    if n < 3:
        return np.nan, np.nan, np.nan, np.nan
    t, mv, x, y = t / n, mv / n, x / n, y / n
    tt = tm = mm = tx = ty = my = 0.0
    for i in range(len(xy)):
        if np.isfinite(xy[i, 0]) and np.isfinite(xy[i, 1]) and np.isfinite(signal_mv[i]):
            dt, dm, dx, dy = i / fs_hz - t, mv - signal_mv[i], xy[i, 0] - x, xy[i, 1] - y
            tt, tm, mm = tt + dt * dt, tm + dt * dm, mm + dm * dm
            tx, ty, my = tx + dt * dx, ty + dt * dy, my + dm * dy
    px_per_mv = flat_px_per_mv
    if mm > 1e-6 * n:
        px_per_mv = (tt * my - tm * ty) / (tt * mm - tm * tm)
    px_per_s = tx / tt
    return px_per_s, px_per_mv, x - px_per_s * t, y + px_per_mv * mv
