"""Sample i of a seed: one lead's picture, or a whole page, and all that is true of it."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_gen.calibration import Calibration
from data_gen.crop import CropDials, Frame
from data_gen.distort import Distorted, Distortion, distort
from data_gen.errors import InputError
from data_gen.grid import draw_grid
from data_gen.marks import draw_marks
from data_gen.overlap import OverlapDials, severity
from data_gen.render import draw_ink
from data_gen.sample import LeadSample, Page, PageTrace
from data_gen.scene import Rows, Scene, Streams, draw_rows, draw_scene, streams_of
from data_gen.sheet import Sheet, Trace, draw_traces, lay_out
from data_gen.signals import SignalSource
from data_gen.style import PageDials, draw_style

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_FEED_WAVE_MM = 200 / (
    2 * math.pi
)  # radian of the longest wave of uneven feed: the error adds up so long


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

    def sample(self, index: int, *, seed: int = 0, split: str = "train") -> LeadSample:
        """One lead's picture.

        Args:
            index: Which sample, from 0.
            seed: Of the data set.
            split: "train", "val" or "test"; they share no draw.

        Raises:
            InputError: The dials cannot be met.
        """
        tries = self.overlap.tries if self.overlap.targeted else 1
        for attempt in range(tries):
            streams = streams_of(index, seed, split, attempt)
            crop = self.crop.of_one_kind(streams.crop)
            scene = draw_scene(
                self.signals, self.look, self.overlap, crop, streams=streams, split=split
            )
            if scene is not None:
                facts = {"seed": seed, "index": index, "split": split, "attempt": attempt}
                sample = _picture(self.look.distortion, crop, scene, streams, facts)
                if self.overlap.met_by(sample.severity):
                    return sample
        raise InputError(
            "overlap",
            f"no sample reached {self.overlap.asked} in {tries} tries",
            "ask for less, widen search_mm or tolerance, or take a layout with more rows",
        )

    def page(self, index: int, *, seed: int = 0, split: str = "train") -> Page:
        """A whole page, every trace with its mask.

        A severity that `overlap` asks for belongs to a crop: a page of several leads has none,
        and its rows then stand as far apart as `search_mm` has it.

        Args:
            index: Which page, from 0.
            seed: Of the data set.
            split: "train", "val" or "test".

        Raises:
            InputError: The dials cannot be met.
        """
        streams = streams_of(index, seed, split)
        record = self.signals.draw(streams.signals, split=split)
        sheet = lay_out(record, draw_style(self.look, streams.style))
        rows = draw_rows(self.overlap, sheet, streams.rows)
        facts = {"seed": seed, "index": index, "split": split}
        return _page(self.look.distortion, sheet, rows, streams, facts)


def _picture(
    distortion: Distortion, crop: CropDials, scene: Scene, streams: Streams, facts: dict[str, Any]
) -> LeadSample:
    """Draw a scene, distort it, and cut the picture out."""
    sheet, pen_mm = scene.sheet, scene.rows.pen_mm
    margin = _margin_px(distortion, scene.frame)
    frame = scene.frame.grown(margin)
    sights = scene.lines(frame)
    lines = [line.xy_px for line in sights]
    target = draw_traces(frame, lines[:1], pen_mm=pen_mm)
    other = draw_traces(frame, lines[1:], pen_mm=pen_mm)
    ink, _ = draw_marks(
        sheet, frame, scene.baselines_mm, drawn=scene.drawn, pen_mm=pen_mm, rng=streams.marks
    )
    image = draw_grid(frame, sheet.style.grid, sheet.style.grid_origin_mm(scene.baseline_mm))
    for coverage in (target, other):
        np.maximum(ink, coverage, out=ink)
    draw_ink(image, ink, sheet.style.ink_rgb)
    done = distort(
        image,
        [target, other],
        [line.astype(np.float32) for line in lines],
        dials=distortion,
        px_per_mm=frame.px_per_mm,
        rng=streams.distortion,
    )
    box = _cut_box(crop, lines[0], done, margin)
    trace = scene.traces[0].since(sights[0].first)
    nominal = sheet.calibration(trace, frame, scene.baseline_mm)
    facts |= scene.facts() | {"distorted": not done.warp.is_identity}
    return _cut_out(done, box, trace, nominal, sheet.record.record_id, facts)


def _page(
    distortion: Distortion, sheet: Sheet, rows: Rows, streams: Streams, facts: dict[str, Any]
) -> Page:
    """Draw a sheet from edge to edge, and distort it."""
    style, pitch = sheet.style, rows.pitch_mm[0] + rows.pick * (rows.pitch_mm[1] - rows.pitch_mm[0])
    baselines = sheet.baselines_mm(pitch, rows.jitter_mm)
    scale = style.px_per_mm
    size = (round(sheet.width_mm * scale), round(sheet.height_mm(pitch) * scale))
    frame = Frame(0.5 / scale, 0.5 / scale, *size, scale)
    traces = [sheet.trace(k) for k in range(len(sheet.places))]
    lines = [t.line(frame, float(baselines[t.place.row])).xy_px for t in traces]
    masks = [draw_traces(frame, [line], pen_mm=rows.pen_mm) for line in lines]
    ink, texts = draw_marks(
        sheet,
        frame,
        baselines,
        drawn=range(len(traces)),
        pen_mm=rows.pen_mm,
        rng=streams.marks,
    )
    for mask in masks:
        np.maximum(ink, mask, out=ink)
    image = draw_grid(frame, style.grid, style.grid_origin_mm(float(baselines[0])))
    draw_ink(image, ink, style.ink_rgb)
    corners = [np.array(text["box_px"], np.float32) for text in texts]
    done = distort(
        image,
        masks,
        [line.astype(np.float32) for line in lines] + corners,
        dials=distortion,
        px_per_mm=scale,
        rng=streams.distortion,
    )
    placed = []
    for k, trace in enumerate(traces):
        nominal = sheet.calibration(trace, frame, float(baselines[trace.place.row]))
        placed.append(_page_trace(trace, done, k, nominal))
    for text, box in zip(texts, done.polylines[len(lines) :], strict=True):
        text["box_px"] = box.tolist()
    facts |= style.facts() | rows.facts() | {"row_pitch_mm": pitch, "texts": texts}
    facts["baselines_mm"] = baselines.tolist()
    return Page(
        done.image, tuple(placed), sheet.record.record_id, style.layout, scale * 25.4, facts
    )


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


def _margin_px(distortion: Distortion, frame: Frame) -> int:
    """How much more to draw than is kept, so that a moved picture has paper at its edges.

    The sum of how far each effect can move a point of the frame, by its dials.
    """
    sides = (frame.height_px, frame.width_px)
    reach_px = 0.0
    if distortion.rotation_p > 0:
        turn = math.radians(max(map(abs, distortion.rotation_deg)))
        reach_px += math.sin(turn) * max(sides) / 2
    if distortion.perspective_p > 0:
        reach_px += distortion.perspective_frac[1] * min(sides)
    for effect in ("curl", "crease", "wrinkle"):
        if getattr(distortion, f"{effect}_p") > 0:
            reach_px += getattr(distortion, f"{effect}_mm")[1] * frame.px_per_mm
    if distortion.feed_p > 0:
        reach_px += distortion.feed_frac[1] * _FEED_WAVE_MM * frame.px_per_mm
    return math.ceil(reach_px)


def _cut_box(crop: CropDials, flat: F64, done: Distorted, margin: int) -> tuple[slice, slice]:
    """Rows and columns of the distorted picture that are kept.

    A window keeps its size; the other crops keep their distances to the trace's extent.
    """
    height, width = done.image.shape[:2]
    if crop.kind == "window" or done.warp.is_identity:
        return slice(margin, height - margin), slice(margin, width - margin)
    grown = np.nanmin(done.polylines[0], axis=0) - np.nanmin(flat, axis=0)
    x0, y0 = np.rint(margin + grown).astype(int)
    grown = np.nanmax(done.polylines[0], axis=0) - np.nanmax(flat, axis=0)
    x1, y1 = np.rint(np.array((width, height)) - margin + grown).astype(int)
    rows = slice(int(max(0, y0)), int(min(height, max(y1, y0 + 16))))
    return rows, slice(int(max(0, x0)), int(min(width, max(x1, x0 + 16))))


def _cut_out(
    done: Distorted,
    box: tuple[slice, slice],
    trace: Trace,
    nominal: Calibration,
    record_id: str,
    facts: dict[str, Any],
) -> LeadSample:
    """The sample in that box: its pixels, and the stretch of signal whose columns are in it."""
    origin = np.array((box[1].start, box[0].start), np.float32)
    own, *others = (line - origin for line in done.polylines)
    target, other = (np.ascontiguousarray(mask[box]) for mask in done.masks)
    width = target.shape[1]
    # NaN only where the sample is missing: x is known for every sample.
    seen = np.flatnonzero((own[:, 0] >= -0.5) & (own[:, 0] <= width - 0.5))
    first, last = (int(seen[0]), int(seen[-1]) + 1) if len(seen) else (0, 2)
    own, signal = own[first:last], trace.signal_mv[first:last]
    calibration = nominal.moved(-float(origin[0]), -float(origin[1]))
    calibration = replace(
        calibration, t0_px=float(calibration.t0_px + first / trace.fs_hz * calibration.px_per_s)
    )
    if not done.warp.is_identity:
        calibration = fit_calibration(own, signal, fs_hz=trace.fs_hz, nominal=calibration)
    return LeadSample(
        image=np.ascontiguousarray(done.image[box]),
        target_mask=target,
        other_mask=other,
        polyline_px=own.astype(np.float32),
        signal_mv=signal,
        fs_hz=trace.fs_hz,
        calibration=calibration,
        lead_name=trace.place.lead_name,
        record_id=record_id,
        severity=severity(target, other, polyline_px=own, other_polylines_px=others),
        meta=facts | {"start_s": trace.start_s + first / trace.fs_hz},
    )


def fit_calibration(
    polyline_px: NDArray[Any], signal_mv: F32, *, fs_hz: float, nominal: Calibration
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
    t = np.arange(len(signal_mv)) / fs_hz
    known = np.isfinite(polyline_px).all(axis=1) & np.isfinite(signal_mv)
    if known.sum() < 3:
        return nominal
    t, xy = t[known], np.asarray(polyline_px[known], np.float64)
    signal = signal_mv[known].astype(np.float64)
    px_per_s, t0_px = np.polyfit(t, xy[:, 0], 1)
    px_per_mv = nominal.px_per_mv
    if float(np.std(signal)) > 1e-3:
        terms = np.column_stack((-signal, t - t.mean(), np.ones_like(t)))
        px_per_mv = float(np.linalg.lstsq(terms, xy[:, 1], rcond=None)[0][0])
    if not (px_per_s > 0 and px_per_mv > 0):
        return nominal
    return replace(
        nominal,
        px_per_mm_x=float(px_per_s) / nominal.mm_per_s,
        px_per_mm_y=px_per_mv / nominal.mm_per_mv,
        t0_px=float(t0_px),
        baseline_px=float(np.mean(xy[:, 1] + px_per_mv * signal)),
    )
