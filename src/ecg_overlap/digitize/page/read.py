"""One upright page: its rows, all its traces at once, its layout, and each lead's mV."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.sample import LEADS
from ecg_overlap.digitize.calibrate import INK_ERROR
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid import Illumination
from ecg_overlap.digitize.ink.coverage import Coverage, as_coverage
from ecg_overlap.digitize.ink.evidence import INK
from ecg_overlap.digitize.names.letters import letter_boxes
from ecg_overlap.digitize.names.seen import NameSeen, names_on
from ecg_overlap.digitize.network import Image, Network, info_of
from ecg_overlap.digitize.page.arrangements import Arrangement, arrangement_named, with_rows
from ecg_overlap.digitize.page.columns import FULL_S, Place, ends_of, places
from ecg_overlap.digitize.page.consistency import residuals
from ecg_overlap.digitize.page.judge import (
    OBEYED_DB,
    Printed,
    Told,
    flags_of,
    margin_nats,
    printed_of,
    sources_of,
)
from ecg_overlap.digitize.page.layouts import Fit, Rows, fits_of
from ecg_overlap.digitize.page.naming import Word, at_places, log_odds, readings_of, was_read
from ecg_overlap.digitize.page.pace import boxes_by_beats
from ecg_overlap.digitize.page.page_signal import PageSignal, Residual, Source, Strip
from ecg_overlap.digitize.page.paper import (
    PagePicture,
    page_scale,
    straight_page,
    with_speed_and_gain,
)
from ecg_overlap.digitize.page.pen_ends import pen_ends, sharpened
from ecg_overlap.digitize.page.printed import Gains, printed_scale
from ecg_overlap.digitize.page.quality import with_quality
from ecg_overlap.digitize.page.strip_evidence import PageShown, evidence_of_strip
from ecg_overlap.digitize.page.strips import (
    PER_MM,
    Stretch,
    lead_of,
    part_of,
    row_signals,
    without_edges,
)
from ecg_overlap.digitize.page.swaps import after_swaps, swaps_by_laws
from ecg_overlap.digitize.page.trace import PageTraces, trace_page
from ecg_overlap.digitize.page.trace_ink import ink_of_traces, without_frames
from ecg_overlap.digitize.paths.leftover import leftover
from ecg_overlap.digitize.paths.path import Path
from ecg_overlap.digitize.plans import METHODS, PAGE_METHODS, Plan, plan_for
from ecg_overlap.digitize.pulse.printed import PagePulse, find_pulses
from ecg_overlap.digitize.stages import USUAL_MM_PER_MV, USUAL_MM_PER_S, in_black

FloatArray = NDArray[np.float64]

BESIDE_PULSE_MM = 1.5  # its feet
STUB_MM = 5.0  # a trace may begin so much before its leads, or go on behind them (a guess)


@dataclass(frozen=True)
class Request:
    """What `digitize_page` was asked for."""

    px_per_mm: float | None
    mm_per_s: float | None
    mm_per_mv: float | None
    chest_mm_per_mv: float | None
    layout: str | None
    method: str
    fs_hz: float
    network: Network | None
    stages: bool

    def plan(self) -> Plan:
        """How its method does each stage.

        Raises:
            InputError: An unknown method, one that reads no pages, or one without its network.
        """
        default = "classical" if self.network is None else info_of(self.network).method
        plan = plan_for(self.method, default=default)
        if self.method == "default":  # of several methods the one that reads pages
            plan = next((METHODS[name] for name in plan.of if name in PAGE_METHODS), plan)
        if plan.name not in PAGE_METHODS:
            raise InputError(
                f"method {plan.name!r}", "reads no pages", f"choose of {', '.join(PAGE_METHODS)}"
            )
        if plan.network is not None and self.network is None:
            raise InputError(
                f"method {plan.name!r}", "needs network", "give it, or choose classical"
            )
        return plan

    def told(self) -> Arrangement | None:
        """The layout that was told.

        Raises:
            InputError: It is not known.
        """
        return None if self.layout is None else arrangement_named(self.layout)


@dataclass(frozen=True)
class Paper:
    """A picture before its ink is looked for, whatever the method.

    Args:
        image: uint8 (H, W, 3), RGB, as it was given.
        page: On straight paper.
        printed: mm/s, None where it is not read, and mm/mV as they are printed.
    """

    image: Image
    page: PagePicture
    printed: tuple[float | None, Gains]


def paper_of(image: Image, asked: Request, *, near_px_per_mm: float | None = None) -> Paper:
    """The picture on straight paper, and what is printed on it of its scale.

    Args:
        image: uint8 (H, W, 3), RGB.
        asked: What was asked for.
        near_px_per_mm: The scale, where it is known to about a third.

    Raises:
        DigitizeError: Its scale is not found.
    """
    light = Illumination(image)
    scale = page_scale(
        light,
        px_per_mm=asked.px_per_mm,
        mm_per_s=asked.mm_per_s or USUAL_MM_PER_S,
        mm_per_mv=asked.mm_per_mv or USUAL_MM_PER_MV,
        near_px_per_mm=near_px_per_mm,
    )
    page = straight_page(light, scale, asked.network)
    all_told = asked.mm_per_s is not None and asked.mm_per_mv is not None
    printed: tuple[float | None, Gains] = (None, Gains())
    if not all_told:
        printed = printed_scale(page.picture.image, px_per_mm=page.px_per_mm)
    return Paper(image, page, printed)


def read_page(paper: Paper, asked: Request) -> PageSignal:
    """The page as it is in the picture, at the boxes at which hearts beat as they do.

    Raises:
        DigitizeError: It gives no leads.
        InputError: An argument cannot be used.
    """
    page = _read_at(paper, asked)
    more = 1.0 if asked.px_per_mm is not None else boxes_by_beats(page)
    if more == 1.0:
        return page
    try:
        near = more * paper.page.scale.paper.px_per_mm_x
        return _read_at(paper_of(paper.image, asked, near_px_per_mm=near), asked)
    except DigitizeError:  # there are no such boxes: the scale stays, and is doubted
        doubted = dict.fromkeys((*page.flags, "grid_low_confidence"))
        return replace(page, flags=tuple(doubted))


def _read_at(paper: Paper, asked: Request) -> PageSignal:
    """The page at its scale.

    Raises:
        DigitizeError: It gives no leads.
        InputError: An argument cannot be used.
    """
    page, plan, told = paper.page, asked.plan(), asked.told()
    network = plan.network_of(asked.network)
    assert plan.find_ink is not None  # of these methods
    # 1. The ink.
    ink = plan.find_ink(in_black(page.picture))
    ink = ink if page.inside is None else ink.within(page.inside)
    own = None if ink.dark is None else as_coverage(ink.dark)
    cover = without_frames(as_coverage(ink.mask), px_per_mm=page.px_per_mm, dark=own)
    # Pulses and letters are dark too, but a network that sees traces leaves them out.
    dark = cover if own is None else own
    names = _names(page, dark)
    # 2. The rows, and all their traces at once.
    letters = letter_boxes(names)
    traced = trace_page(cover, px_per_mm=page.px_per_mm, inside=page.inside, letters=letters)
    pulse = find_pulses(dark, traced.rows, px_per_mm=page.px_per_mm)
    known = Told(asked.mm_per_s, asked.mm_per_mv, asked.chest_mm_per_mv)
    printed = printed_of(known, paper.printed, pulse)
    page = with_speed_and_gain(page, printed.mm_per_s, printed.mm_per_mv)
    # 3. Which lead stands where.
    fits, words = _laid_out(page, names, traced, pulse, printed, told)
    # 4. Each lead's stretch to mV; where they contradict each other, as they do so less.
    error = INK_ERROR if ink.binarized else 1.0
    strips_of = partial(_strips, page, pulse, printed, fs_hz=asked.fs_hz, error_factor=error)
    strips, parts = strips_of(traced, fits[0], words)
    laws = residuals(strips, asked.fs_hz)
    obeying = _obeying(page, traced, printed, fits[0], laws)
    if obeying is not None:
        again = _laid_out(page, names, obeying, pulse, printed, told)
        if again[0][0].by_laws > fits[0].by_laws:
            traced, (fits, words) = obeying, again
            strips, parts = strips_of(traced, fits[0], words)
            laws = residuals(strips, asked.fs_hz)
    best = fits[0]
    unexplained, share = _unexplained(traced, pulse, best.columns_mm)
    # 5. How likely each of them is right.
    px_per_s = page.px_per_mm * printed.mm_per_s
    shown = PageShown(strips, traced, laws, px_per_s, best.arrangement.takes_any)
    strips = tuple(
        with_quality(
            strip,
            evidence_of_strip(
                strip, part, shown, margin=margin_nats(fits, strip.row, strip.column)
            ),
        )
        for strip, part in zip(strips, parts, strict=True)
    )
    duration_s = float(best.columns_mm[-1, 1] - best.columns_mm[0, 0]) / printed.mm_per_s
    by_network = network is not None and plan.network is not None
    source, flags = sources_of(fits, told, strips)
    return PageSignal(
        strips=strips,
        fs_hz=asked.fs_hz,
        duration_s=duration_s,
        layout=best.arrangement.name,
        layout_from=source,
        mm_per_s=printed.mm_per_s,
        speed_from=printed.speed_from,
        mm_per_mv=printed.mm_per_mv,
        gain_from=printed.gain_from,
        chest_mm_per_mv=printed.chest_mm_per_mv,
        chest_gain_from=printed.chest_gain_from,
        px_per_mm=(page.scale.paper.px_per_mm_x, page.scale.paper.px_per_mm_y),
        angle_deg=page.scale.paper.angle_deg,
        grid_confidence=page.scale.paper.confidence,
        consistency=laws,
        unexplained=share,
        flags=(
            *flags,
            *printed.flags,
            *flags_of(page, strips, best.arrangement.has_further, laws, share),
        ),
        method=plan.name,
        weights_sha256=info_of(network).sha256 if network is not None and by_network else None,
        stage_images={"image": paper.image, "unexplained": _shown(page, unexplained)}
        if asked.stages
        else {},
    )


def _laid_out(
    page: PagePicture,
    names: Sequence[NameSeen],
    traced: PageTraces,
    pulse: PagePulse | None,
    printed: Printed,
    told: Arrangement | None,
) -> tuple[list[Fit], list[Word]]:
    """What the page may be, the likeliest first, and the words beside its rows.

    Raises:
        DigitizeError: No order has as many rows.
    """
    readings = _readings(page, names, traced)
    of_readings = [_fits(page, traced, pulse, printed, told, words) for words in readings]
    return max(zip(of_readings, readings, strict=True), key=lambda pair: pair[0][0].score)


def _obeying(
    page: PagePicture, traced: PageTraces, printed: Printed, fit: Fit, laws: Sequence[Residual]
) -> PageTraces | None:
    """The traces changed over where they met, if their leads then obey better."""
    if all(law.snr_db >= OBEYED_DB for law in laws):
        return None
    seen = _rows_seen(page, traced, printed)
    swaps = swaps_by_laws(traced, seen, fit, px_per_mm=page.px_per_mm)
    return after_swaps(traced, swaps) if swaps else None


def _rows_seen(page: PagePicture, traced: PageTraces, printed: Printed) -> Rows:
    """What the page's rows show along the paper."""
    width, scale = traced.traces.cover.shape[1], page.px_per_mm
    heights = row_signals(traced.paths, width, px_per_mm=scale)
    at = np.rint(np.arange(heights.shape[1]) * scale / PER_MM).astype(int).clip(0, width - 1)
    # An upright stroke may be a separator, which stands in a gap.
    goes_on = np.where(traced.blank(), 0.0, np.where(traced.steep(), 0.5, 1.0))
    return Rows(heights / printed.mm_per_mv, goes_on[:, at], PER_MM)


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
    left, right = ends_of(traced.traces.cover, traced.rows, traced.paths, pulse, px_per_mm=scale)
    ends = (left / scale, right / scale)

    def places_for(n: int, near: Place | None) -> list[Place]:
        return places(ends, n, mm_per_s=printed.mm_per_s, near=near)

    rows = _rows_seen(page, traced, printed)

    def names_at(columns_mm: FloatArray) -> FloatArray:
        return log_odds(at_places(words, columns_mm, n_rows))

    strokes = pen_ends(traced.paths, traced.blank(), px_per_mm=scale)

    def sharpen(place: Place, n: int) -> tuple[Place, float]:
        full = place.width * n == FULL_S * printed.mm_per_s
        return sharpened(place, n, strokes, usual_width=full)

    return fits_of(orders, rows, places_for, names_at, sharpen)


def _names(page: PagePicture, cover: Coverage) -> list[NameSeen]:
    """The words on the page that may be names."""
    return names_on(
        page.picture.image,
        np.asarray(cv2.convertScaleAbs(cover, alpha=255), np.uint8),  # without pictures in between
        px_per_mm=page.px_per_mm,
        inside=page.inside,
    )


def _readings(page: PagePicture, names: Sequence[NameSeen], traced: PageTraces) -> list[list[Word]]:
    """The words beside the page's rows, in each way in which they may be."""
    rows_px = np.stack([row.y_px for row in traced.rows])
    return readings_of(names, rows_px, px_per_mm=page.px_per_mm)


def _strips(
    page: PagePicture,
    pulse: PagePulse | None,
    printed: Printed,
    traced: PageTraces,
    fit: Fit,
    words: Sequence[Word],
    *,
    fs_hz: float,
    error_factor: float,
) -> tuple[tuple[Strip, ...], tuple[Path, ...]]:
    """Every lead's stretch of its row, and its path on the straight picture."""
    columns = fit.columns_mm * page.px_per_mm
    names = at_places(words, fit.columns_mm, len(traced.rows))
    steep = traced.steep()
    strips, parts = [], []
    for r, row in enumerate(fit.arrangement.rows):
        rhythm = fit.arrangement.is_strip(r)
        for c, name in enumerate(row):
            lead = name.removeprefix("-")
            if lead not in LEADS:
                continue
            stretch = Stretch(
                columns[0, 0] if rhythm else columns[c, 0],
                columns[-1, 1] if rhythm else columns[c, 1],
                np.nan if pulse is None else float(pulse.zero_px[r]),
                upside_down=lead != name,
            )
            stretch = without_edges(stretch, steep[r], px_per_mm=page.px_per_mm)
            at_gain = with_speed_and_gain(page, printed.mm_per_s, printed.gain_of(lead))
            signal = lead_of(
                traced.paths[r], stretch, at_gain, fs_hz=fs_hz, error_factor=error_factor
            )
            if signal is None:
                continue
            start_s = fit.since_start_mm(c) / signal.calibration.mm_per_s
            name_from = Source.READ if was_read(names, r, c, lead) else Source.ASSUMED
            strips.append(
                Strip(lead, name_from, r, c, start_s, _box(signal.path_px), rhythm, signal)
            )
            parts.append(part_of(traced.paths[r], stretch))
    return tuple(strips), tuple(parts)


def _box(path_px: FloatArray) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of a path."""
    seen = path_px[np.isfinite(path_px).all(axis=1)]
    left, top = seen.min(axis=0).tolist()
    right, bottom = seen.max(axis=0).tolist()
    return left, top, right, bottom


def _unexplained(
    traced: PageTraces, pulse: PagePulse | None, columns_mm: FloatArray
) -> tuple[NDArray[np.bool_], float]:
    """Ink like a trace's that is in no lead, bool (H, W), and its share of all such ink.

    Letters and pulses are no such ink: it hangs together as traces do (`ink_of_traces`). That of
    traces beside the columns (C, 2) is: it may be another page's.
    """
    traces = traced.traces
    like_a_trace = ink_of_traces(traces.cover, px_per_mm=traces.px_per_mm) >= INK
    if pulse is not None:
        free = round(BESIDE_PULSE_MM * traces.px_per_mm)
        left, right = round(pulse.left_px) - free, round(pulse.right_px) + free
        like_a_trace[:, max(left, 0) : max(right, 0)] = False
    x_mm = np.arange(like_a_trace.shape[1]) / traces.px_per_mm
    beside = (x_mm < columns_mm[0, 0] - STUB_MM) | (x_mm > columns_mm[-1, 1] + STUB_MM)
    left_over = (leftover(traces, traced.paths, 0).unexplained | beside) & like_a_trace
    return left_over, float(left_over.sum() / max(like_a_trace.sum(), 1))


def _shown(page: PagePicture, unexplained: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return page.in_picture(np.where(unexplained, 255, 0).astype(np.uint8))
