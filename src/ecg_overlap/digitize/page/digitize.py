"""From a picture of a page to its leads: rows, all traces at once, layout, and each lead's mV."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.sample import LEADS
from ecg_overlap.digitize.calibrate import INK_ERROR
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid import Illumination
from ecg_overlap.digitize.ink.coverage import as_coverage
from ecg_overlap.digitize.ink.found import Ink
from ecg_overlap.digitize.lead import LOW_CONFIDENCE, checked_image
from ecg_overlap.digitize.network import Image, Network, info_of
from ecg_overlap.digitize.page.columns import Place, ends_of, places
from ecg_overlap.digitize.page.consistency import residuals
from ecg_overlap.digitize.page.layouts import (
    Arrangement,
    Fit,
    Rows,
    arrangement_named,
    fits_of,
    with_rows,
)
from ecg_overlap.digitize.page.names import names_on
from ecg_overlap.digitize.page.naming import Word, at_places, log_odds, was_read, words_of
from ecg_overlap.digitize.page.page_signal import PageSignal, Residual, Source, Strip
from ecg_overlap.digitize.page.paper import (
    PagePicture,
    page_scale,
    straight_page,
    with_speed_and_gain,
)
from ecg_overlap.digitize.page.pulses import PagePulse, find_pulses
from ecg_overlap.digitize.page.rows import without_frames
from ecg_overlap.digitize.page.strips import PER_MM, Stretch, lead_of, row_signals, without_edges
from ecg_overlap.digitize.page.trace import PageTraces, trace_page
from ecg_overlap.digitize.paths.leftover import leftover
from ecg_overlap.digitize.plans import plan_for
from ecg_overlap.digitize.scale import ScaleSource

FloatArray = NDArray[np.float64]

USUAL_MM_PER_S, USUAL_MM_PER_MV = 25.0, 10.0
WIDE_PULSE_MM = 10.0  # a pulse of 0.2 s so wide was printed at 50 mm/s
SURE = 3.0  # nats: an order that is so much likelier than the next is measured, not assumed
LEAST_READ = 3  # names that agree with an order make it a read one
LEAST_SNR_DB = 6.0  # leads that obey worse contradict each other: half of their amplitude
MOST_UNEXPLAINED = 0.25  # of the ink


@dataclass(frozen=True)
class Printed:
    """Speed and gain of a page, and where they come from."""

    mm_per_s: float
    speed_from: Source
    mm_per_mv: float
    gain_from: Source
    flags: tuple[str, ...] = ()


def digitize_page(
    image: Image,
    *,
    px_per_mm: float | None = None,
    mm_per_s: float | None = None,
    mm_per_mv: float | None = None,
    layout: str | None = None,
    method: str = "default",
    fs_hz: float = 500.0,
    network: Network | None = None,
    stages: bool = False,
) -> PageSignal:
    """Digitize all leads of a page.

    Args:
        image: uint8 (H, W, 3), RGB.
        px_per_mm: The scale, where known; otherwise the grid is measured.
        mm_per_s: Paper speed, where known; otherwise as the page tells, or 25.
        mm_per_mv: Gain, where known; otherwise as the calibration pulse tells, or 10.
        layout: As "3x4+1R", where known.
        method: `classical`, or a network's method that sees the ink of all traces; "default": the
            network's, or `classical` without one.
        fs_hz: Of the result.
        network: For the methods that use one.
        stages: Return the stages' pictures.

    Raises:
        DigitizeError: The page gives no leads; says which stage and what to do.
        InputError: An argument cannot be used.
    """
    image = checked_image(image)
    told = None if layout is None else arrangement_named(layout)
    plan = plan_for(method, default="classical" if network is None else info_of(network).method)
    if plan.find_ink is None or plan.find_scale is None:
        raise InputError(f"method {method!r}", "reads no pages", "choose classical")
    light = Illumination(image)
    # 1. The scale: from the picture to straight paper.
    usual = (mm_per_s or USUAL_MM_PER_S, mm_per_mv or USUAL_MM_PER_MV)
    scale = page_scale(light, px_per_mm=px_per_mm, mm_per_s=usual[0], mm_per_mv=usual[1])
    page = straight_page(light, scale, network)
    # 2. The ink.
    ink = plan.find_ink(page.picture)
    ink = ink if page.inside is None else ink.within(page.inside)
    cover = without_frames(as_coverage(ink.mask), px_per_mm=page.px_per_mm)
    # 3. The rows, and all their traces at once.
    traced = trace_page(cover, px_per_mm=page.px_per_mm, inside=page.inside)
    pulse = find_pulses(cover, traced.rows, px_per_mm=page.px_per_mm)
    printed = _printed(mm_per_s, mm_per_mv, pulse)
    page = with_speed_and_gain(page, printed.mm_per_s, printed.mm_per_mv)
    # 4. Which lead stands where.
    words = _words(page, ink, traced)
    fits = _fits(page, traced, pulse, printed, told, words)
    best = fits[0]
    # 5. Each lead's stretch to mV.
    error = INK_ERROR if ink.binarized else 1.0
    strips = _strips(page, traced, pulse, best, words, fs_hz, error)
    laws = residuals(strips, fs_hz)
    left = leftover(traced.traces, traced.paths, 0)
    duration_s = float(best.columns_mm[-1, 1] - best.columns_mm[0, 0]) / printed.mm_per_s
    by_network = network is not None and plan.network is not None
    source, flags = _sources(fits, told, strips)
    return PageSignal(
        strips=strips,
        fs_hz=fs_hz,
        duration_s=duration_s,
        layout=best.arrangement.name,
        layout_from=source,
        mm_per_s=printed.mm_per_s,
        speed_from=printed.speed_from,
        mm_per_mv=printed.mm_per_mv,
        gain_from=printed.gain_from,
        px_per_mm=(page.scale.paper.px_per_mm_x, page.scale.paper.px_per_mm_y),
        angle_deg=page.scale.paper.angle_deg,
        grid_confidence=page.scale.paper.confidence,
        consistency=laws,
        unexplained=left.unexplained_share,
        flags=(*flags, *printed.flags, *_flags(page, strips, laws, left.unexplained_share)),
        method=plan.name,
        weights_sha256=info_of(network).sha256 if network is not None and by_network else None,
        stage_images={"image": image, "unexplained": _shown(page, left.unexplained)}
        if stages
        else {},
    )


def _printed(mm_per_s: float | None, mm_per_mv: float | None, pulse: PagePulse | None) -> Printed:
    flags: tuple[str, ...] = ()
    gain, gain_from = USUAL_MM_PER_MV, Source.ASSUMED
    if pulse is not None:
        gain, gain_from = pulse.mm_per_mv, Source.MEASURED
    if mm_per_mv is not None:
        if pulse is not None and pulse.mm_per_mv != mm_per_mv:
            flags = ("gain_contradicted",)
        gain, gain_from = mm_per_mv, Source.TOLD
    speed, speed_from = USUAL_MM_PER_S, Source.ASSUMED
    if pulse is not None and pulse.width_mm == WIDE_PULSE_MM:
        speed, speed_from = 2 * USUAL_MM_PER_S, Source.MEASURED
    if mm_per_s is not None:
        speed, speed_from = mm_per_s, Source.TOLD
    return Printed(speed, speed_from, gain, gain_from, flags)


def _fits(
    page: PagePicture,
    traced: PageTraces,
    pulse: PagePulse | None,
    printed: Printed,
    told: Arrangement | None,
    words: Sequence[Word],
) -> list[Fit]:
    """What the page may be, the likeliest first.

    Raises:
        DigitizeError: No order has as many rows.
    """
    n_rows = len(traced.rows)
    orders = with_rows(n_rows) if told is None else [told]
    if told is not None and len(told.rows) != n_rows:
        raise DigitizeError(
            "layout", f"{told.name} has {len(told.rows)} rows, {n_rows} were found", "check it"
        )
    if not orders:
        raise DigitizeError(
            "layout", f"no page that is known has {n_rows} rows of traces", "cut the page"
        )
    scale = page.px_per_mm
    left, right = ends_of(traced.traces.cover, traced.rows, pulse, px_per_mm=scale)
    ends = (left / scale, right / scale)

    def places_for(n: int, near: Place | None) -> list[Place]:
        return places(ends, n, mm_per_s=printed.mm_per_s, near=near)

    width = traced.traces.cover.shape[1]
    heights = row_signals(traced.paths, width, px_per_mm=scale)
    at = np.rint(np.arange(heights.shape[1]) * scale / PER_MM).astype(int).clip(0, width - 1)
    rows = Rows(heights / printed.mm_per_mv, traced.traces.where[:n_rows, at] < 0, PER_MM)

    def names_at(columns_mm: FloatArray) -> FloatArray:
        return log_odds(at_places(words, columns_mm, n_rows))

    return fits_of(orders, rows, places_for, names_at)


def _words(page: PagePicture, ink: Ink, traced: PageTraces) -> list[Word]:
    """The words beside the page's rows."""
    seen = names_on(
        page.picture.image,
        np.rint(255 * as_coverage(ink.mask)).astype(np.uint8),
        px_per_mm=page.px_per_mm,
        inside=page.inside,
    )
    rows_px = np.stack([row.y_px for row in traced.rows])
    return words_of(seen, rows_px, px_per_mm=page.px_per_mm)


def _strips(
    page: PagePicture,
    traced: PageTraces,
    pulse: PagePulse | None,
    fit: Fit,
    words: Sequence[Word],
    fs_hz: float,
    error_factor: float,
) -> tuple[Strip, ...]:
    """Every lead's stretch of its row."""
    columns = fit.columns_mm * page.px_per_mm
    names = at_places(words, fit.columns_mm, len(traced.rows))
    steep = traced.steep()
    strips = []
    for r, row in enumerate(fit.arrangement.rows):
        rhythm = fit.arrangement.is_strip(r)
        for c, name in enumerate(row):
            lead = name.removeprefix("-")
            stretch = Stretch(
                columns[0, 0] if rhythm else columns[c, 0],
                columns[-1, 1] if rhythm else columns[c, 1],
                np.nan if pulse is None else float(pulse.zero_px[r]),
                upside_down=lead != name,
            )
            stretch = without_edges(stretch, steep[r], px_per_mm=page.px_per_mm)
            signal = lead_of(traced.paths[r], stretch, page, fs_hz=fs_hz, error_factor=error_factor)
            if signal is None:
                continue
            start_s = c * fit.place.width / signal.calibration.mm_per_s
            name_from = Source.READ if was_read(names, r, c, lead) else Source.ASSUMED
            strips.append(
                Strip(lead, name_from, r, c, start_s, _box(signal.path_px), rhythm, signal)
            )
    return tuple(strips)


def _box(path_px: FloatArray) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of a path."""
    seen = path_px[np.isfinite(path_px).all(axis=1)]
    left, top = seen.min(axis=0).tolist()
    right, bottom = seen.max(axis=0).tolist()
    return left, top, right, bottom


def _sources(
    fits: Sequence[Fit], told: Arrangement | None, strips: Sequence[Strip]
) -> tuple[Source, tuple[str, ...]]:
    """Where the layout comes from, and what is to be said of it."""
    if told is not None:
        return Source.TOLD, ()
    best, *others = fits
    unsure = best.score - max((fit.score for fit in others), default=-np.inf) < SURE
    flags = ("layout_unsure",) if unsure else ()
    if sum(strip.name_from is Source.READ for strip in strips) >= LEAST_READ:
        return Source.READ, flags
    if best.by_laws > SURE and not unsure:
        return Source.MEASURED, flags
    return Source.ASSUMED, (*flags, "layout_assumed")


def _flags(
    page: PagePicture, strips: Sequence[Strip], laws: Sequence[Residual], unexplained: float
) -> tuple[str, ...]:
    paper = page.scale.paper
    flags = []
    if paper.scale_from is ScaleSource.PULSE:
        flags.append("scale_from_pulse")
    if paper.confidence < LOW_CONFIDENCE:
        flags.append("grid_low_confidence")
    if len({strip.lead_name for strip in strips}) < len(LEADS):
        flags.append("leads_missing")
    if any(law.snr_db < LEAST_SNR_DB for law in laws):
        flags.append("leads_inconsistent")
    if unexplained > MOST_UNEXPLAINED:
        flags.append("ink_unexplained")
    return tuple(flags)


def _shown(page: PagePicture, unexplained: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return page.in_picture(np.where(unexplained, 255, 0).astype(np.uint8))
