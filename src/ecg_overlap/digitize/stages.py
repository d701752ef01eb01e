"""What methods are made of: ways to find the scale and the ink, to choose a trace, to decode it.

`plans` puts them together under the methods' names; `lead` runs them one after the other.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_gen.calibration import Calibration
from ecg_overlap.digitize.baselines.fortune import find_grid_fortune, threshold_with_hedge
from ecg_overlap.digitize.baselines.paper import find_grid_paper
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid import Grid, Illumination, find_grid
from ecg_overlap.digitize.ink.binarize import binarize
from ecg_overlap.digitize.ink.coloured import with_black_ink, with_black_strokes
from ecg_overlap.digitize.ink.coverage import Coverage, as_coverage
from ecg_overlap.digitize.ink.evidence import ink_and_maps
from ecg_overlap.digitize.ink.found import Ink
from ecg_overlap.digitize.ink.offsets import whose
from ecg_overlap.digitize.ink.seen import seen_ink
from ecg_overlap.digitize.network import Network, checked_map, seen_by, with_columns, with_ink
from ecg_overlap.digitize.pulse.measured import Pulse, measure_pulse
from ecg_overlap.digitize.scale import PaperMap, ScaleSource
from ecg_overlap.digitize.traces.drifting import rows_of

Image = NDArray[np.uint8]

LOW_CONFIDENCE = 0.5  # of a grid: under it, its scale may be wrong
SAME_PITCH = 0.03  # relative difference up to which a told scale and a grid's are one; by hand


@dataclass(frozen=True)
class Scale:
    """A picture's scale.

    Args:
        paper: From the picture to straight paper.
        calibration: On straight paper.
        origin_known: Whether `calibration` holds the column and the row of the origin too.
        grid: The grid that it was read from, where one was.
        pulse: The calibration pulse that it was read from, in the picture, where one was.
    """

    paper: PaperMap
    calibration: Calibration
    origin_known: bool = False
    grid: Grid | None = None
    pulse: Pulse | None = None


@dataclass(frozen=True)
class ScaledPicture:
    """A picture with what is known before its ink is looked for.

    Args:
        light: Of the picture, RGB uint8 (H, W, 3).
        scale: Found or given.
        row_px: Row of the primary's baseline, where the caller knows it.
        network: Where the method has one.
    """

    light: Illumination
    scale: Scale
    row_px: float | None
    network: Network | None

    @property
    def image(self) -> Image:
        return self.light.image

    @property
    def px_per_mm(self) -> float:
        return self.scale.calibration.px_per_mm_y

    def probability(self, row_px: float | None) -> NDArray[Any]:
        """The network's map of the primary, (H, W), prompted with a row or not."""
        assert self.network is not None  # `lead` has seen to it
        found = self.network(self.image, px_per_mm=self.px_per_mm, row_px=row_px)
        return checked_map(found, self.image)


def in_black(picture: ScaledPicture) -> ScaledPicture:
    """The picture with a coloured trace drawn black: what finds ink knows black ink."""
    light = with_black_ink(picture.light, px_per_mm=picture.px_per_mm, grid=picture.scale.grid)
    return picture if light is picture.light else replace(picture, light=light)


def scale_beside_colour(find: Callable[[Illumination], Scale], light: Illumination) -> Scale:
    """What `find` finds in a picture, or with its coloured trace drawn black, where it is unsure.

    Raises:
        DigitizeError: It fails on both; of the picture as it is.
    """
    found: Scale | None = None
    failure: DigitizeError | None = None
    try:
        found = find(light)
        if not found.paper.confidence < LOW_CONFIDENCE:  # it is NaN where there is no grid
            return found
    except DigitizeError as error:
        failure = error.kept()
    black = with_black_strokes(light)
    if black is not light:
        with suppress(DigitizeError):
            other = find(black)
            if found is None or other.paper.confidence > found.paper.confidence:
                return other
    if found is None:
        assert failure is not None
        raise failure
    return found


# Of a picture, at mm/s and mm/mV where they are known.
FindScale = Callable[[Illumination, float | None, float | None], Scale]
FindInk = Callable[[ScaledPicture], Ink]
USUAL_MM_PER_S, USUAL_MM_PER_MV = 25.0, 10.0


def calibrated(paper: PaperMap, mm_per_s: float | None, mm_per_mv: float | None) -> Calibration:
    """Pixels of straight paper to s and mV, at the usual speed and gain where nothing is known."""
    return paper.calibration(
        USUAL_MM_PER_S if mm_per_s is None else mm_per_s,
        USUAL_MM_PER_MV if mm_per_mv is None else mm_per_mv,
    )


def scale_of_grid(light: Illumination, mm_per_s: float | None, mm_per_mv: float | None) -> Scale:
    """Our grid; on paper without one the calibration pulse, where there is one.

    Raises:
        DigitizeError: Neither is found.
    """
    try:
        return _scale(find_grid(light.image, light=light), mm_per_s, mm_per_mv)
    except DigitizeError as no_grid:
        try:
            pulse, speed, gain = measure_pulse(
                binarize(light.image, light=light), mm_per_s=mm_per_s, mm_per_mv=mm_per_mv
            )
        except DigitizeError:
            raise no_grid from None
    paper = PaperMap(pulse.px_per_mm_x, pulse.px_per_mm_y, scale_from=ScaleSource.PULSE)
    return Scale(paper, paper.calibration(speed, gain), pulse=pulse)


def scale_told(
    light: Illumination, px_per_mm: float, mm_per_s: float | None, mm_per_mv: float | None
) -> Scale:
    """A scale that is known; a grid, where one is seen, still tells the tilt.

    Where its pitch is the known one, it tells the bends too, and where its lines are.

    Args:
        light: Of the picture.
        px_per_mm: The scale; it holds, whatever the grid says.
        mm_per_s: Paper speed, where known.
        mm_per_mv: Gain, where known.
    """
    told = PaperMap(px_per_mm, px_per_mm)
    calibration = calibrated(told, mm_per_s, mm_per_mv)
    try:
        grid = find_grid(light.image, light=light, near_px_per_mm=px_per_mm)
    except DigitizeError:
        return Scale(told, calibration)
    if grid.confidence < LOW_CONFIDENCE:
        return Scale(told, calibration)
    pitches = np.array([grid.px_per_mm_x, grid.px_per_mm_y])
    if np.abs(pitches / px_per_mm - 1).max() > SAME_PITCH:
        return Scale(replace(told, angle_deg=grid.angle_deg), calibration)
    paper = replace(grid, scale_from=ScaleSource.GIVEN, confidence=np.nan)
    return Scale(paper, calibration, grid=grid)


def scale_of_fortune(light: Illumination, mm_per_s: float | None, mm_per_mv: float | None) -> Scale:
    """The grid as Fortune et al. 2022 find it."""
    return _scale(find_grid_fortune(light.image), mm_per_s, mm_per_mv)


def scale_of_paper(light: Illumination, mm_per_s: float | None, mm_per_mv: float | None) -> Scale:
    """The grid as arXiv 2506.10617 finds it."""
    return _scale(find_grid_paper(light.image), mm_per_s, mm_per_mv)


def _scale(grid: Grid, mm_per_s: float | None, mm_per_mv: float | None) -> Scale:
    return Scale(grid, calibrated(grid, mm_per_s, mm_per_mv), grid=grid)


def ink_binarized(picture: ScaledPicture) -> Ink:
    """All traces' ink, found without a network."""
    ink = binarize(
        picture.image, px_per_mm=picture.px_per_mm, grid=picture.scale.grid, light=picture.light
    )
    return Ink(ink, binarized=True, px_per_mm=picture.px_per_mm)


def ink_of_fortune(picture: ScaledPicture) -> Ink:
    """Fortune's threshold."""
    ink = threshold_with_hedge(picture.image)
    return Ink(ink, binarized=True, px_per_mm=picture.px_per_mm)


def mask_of_network(picture: ScaledPicture) -> Ink:
    """The network's map of the primary, taken as its mask."""
    return Ink(picture.probability(picture.row_px), px_per_mm=picture.px_per_mm)


def columns_of_network(picture: ScaledPicture) -> Ink:
    """What a coordinate head says of every column."""
    assert picture.network is not None  # `lead` has seen to it
    network = with_columns(picture.network, where="method 'unet_coord'")
    reading = network.columns(picture.image, px_per_mm=picture.px_per_mm, row_px=picture.row_px)
    return Ink(checked_map(reading.mask, picture.image), columns=reading)


def ink_of_network(picture: ScaledPicture) -> Ink:
    """All traces' ink: the picture's own where a network sees ink, and what it alone sees.

    If it also tells whose the ink is, its map of each trace.
    """
    network = with_ink(picture.network, where="method 'ink+stroke'")
    seen = seen_by(network, picture.image, px_per_mm=picture.px_per_mm)
    cover = as_coverage(checked_map(seen.ink, picture.image))
    try:
        own = as_coverage(ink_binarized(picture).mask)
    except DigitizeError:  # too faint for binarization, not for the network
        own = np.zeros_like(cover)
    else:
        cover = seen_ink(own, cover, px_per_mm=picture.px_per_mm)
    ink = Ink(cover, binarized=True, px_per_mm=picture.px_per_mm, dark=own)
    if seen.offsets is None:
        return ink
    rows = rows_of(cover, px_per_mm=picture.px_per_mm, row_px=picture.row_px)
    if not len(rows) or np.ptp(rows, axis=1).any():
        return ink
    maps = whose(
        seen.offsets, cover, rows.mean(axis=1), px_per_mm=picture.px_per_mm, cell_px=seen.cell_px
    )
    return replace(ink, rows_px=rows, maps=maps)


def ink_of_network_with_maps(picture: ScaledPicture) -> Ink:
    """As `ink_of_network`, with a map of each trace in it: whose the ink is."""
    ink = ink_of_network(picture)
    cover = as_coverage(ink.mask)
    rows = rows_of(cover, px_per_mm=picture.px_per_mm, row_px=picture.row_px)
    return replace(ink, rows_px=rows, maps=_maps(picture, rows)) if len(rows) else ink


def ink_with_evidence(picture: ScaledPicture) -> Ink:
    """The picture's ink, and a network's map of each trace in it: what it says, prompted with each.

    What the network sees of pale strokes is ink too.
    """
    try:
        ink = ink_binarized(picture)
    except DigitizeError:  # too faint for binarization, not for the network
        return replace(mask_of_network(picture), binarized=True)
    cover = as_coverage(ink.mask)
    rows = rows_of(cover, px_per_mm=picture.px_per_mm, row_px=picture.row_px)
    if not len(rows):
        return ink
    maps = _maps(picture, rows)
    if maps is not None:
        cover = ink_and_maps(cover, maps, px_per_mm=picture.px_per_mm)
    return replace(ink, mask=cover, rows_px=rows, maps=maps)


def _maps(picture: ScaledPicture, rows: NDArray[np.float64]) -> Coverage | None:
    """The network's map of each row's trace, float32 (K, H, W), prompted with the row.

    None where one is not level: no prompt says what that is, and what is said of the others alone
    would speak for these.
    """
    if np.ptp(rows, axis=1).any():
        return None
    return np.stack([as_coverage(picture.probability(float(row[0]))) for row in rows])
