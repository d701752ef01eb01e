"""All that happens to a page between the printer and the file, in its order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from data_gen.arrays import F32
from data_gen.dials import happens, uniform
from data_gen.distort.beside import Beside, draw_beside, lay_beside
from data_gen.distort.blend import Colour, lay, paper_colour
from data_gen.distort.camera import photograph
from data_gen.distort.distortion import Distortion
from data_gen.distort.field import Cells, shade
from data_gen.distort.geometry import draw_warp
from data_gen.distort.ink import wear
from data_gen.distort.light import light_gain
from data_gen.distort.paper import draw_creases, paper_gain, roughen
from data_gen.distort.warp import Image, Points, Warp, warp_image, warp_mask
from data_gen.errors import InputError

# Wood, dark wood, gray, slate blue, a white table.
_DESKS = ((150, 110, 75), (70, 50, 40), (110, 110, 112), (150, 175, 180), (225, 225, 220))


# What is on a page beside its traces, by name.
GRID, MARKS = "grid", "marks"


@dataclass(frozen=True)
class Distorted:
    """A distorted picture with its truth.

    Args:
        image: uint8 (H, W, 3), RGB; of the warp's shape.
        masks: uint8 (H, W) each.
        polylines: float32 (n, 2) each, (x, y); a y is NaN where it was NaN.
        warp: The coordinate map, for whatever else has a place on the page.
        layers: uint8 (H, W) by name: what was given as such.
    """

    image: Image
    masks: tuple[Image, ...]
    polylines: tuple[F32, ...]
    warp: Warp
    layers: dict[str, Image] = field(default_factory=dict)


@dataclass(frozen=True)
class Desk:
    """The table on which a page lies.

    Args:
        colour: Of it.
        around_mm: How far it is seen around the page.
        beside: Another page that lies on it.
    """

    colour: Colour
    around_mm: float
    beside: Beside | None = None


def distort(
    image: Image,
    masks: Sequence[Image],
    polylines: Sequence[Points],
    *,
    dials: Distortion,
    px_per_mm: float,
    rng: np.random.Generator,
    warp: Warp | None = None,
    desk: Desk | None = None,
    layers: Mapping[str, Image] | None = None,
) -> Distorted:
    """Print, handle and photograph a page.

    Geometry moves image, masks and polylines by one coordinate map. All else changes the
    image only: a mask stays whole where the ink has a gap.

    Args:
        image: uint8 (H, W, 3), RGB; the flat, clean page.
        masks: uint8 (H, W) coverages.
        polylines: (n, 2), (x, y) in px; NaN in y where there is no point.
        dials: What may happen.
        px_per_mm: Resolution of the page.
        rng: Source of every draw.
        warp: Its geometry, from `draw_warp` and the same `rng`, where it is drawn beforehand.
        desk: What lies beyond the page; None for more paper.
        layers: Coverages uint8 (H, W) of what is no trace, by name: they move with the page, and
            nothing else happens to them. What is written on the page by hand is added to `MARKS`.

    Raises:
        InputError: Shapes that do not fit each other, or a resolution that is not positive.

    Example:
        >>> page = np.full((40, 60, 3), 255, np.uint8)
        >>> dials = Distortion(rotation_p=1.0)
        >>> rng = np.random.default_rng(0)
        >>> distort(page, [], [], dials=dials, px_per_mm=8.0, rng=rng).image.shape
        (40, 60, 3)
    """
    _check(image, [*masks, *(layers or {}).values()], polylines, px_per_mm)
    if warp is None:
        shape = (image.shape[0], image.shape[1])
        warp = draw_warp(shape, dials=dials, px_per_mm=px_per_mm, rng=rng)
    layers = dict(layers or {})
    if dials.is_none:
        return Distorted(image, tuple(masks), _as_float32(polylines), warp, layers)
    paper = paper_colour(image)
    image = wear(
        image.copy(),
        masks,
        polylines,
        paper=paper,
        dials=dials,
        px_per_mm=px_per_mm,
        rng=rng,
        marks=layers.get(MARKS),
    )
    cover = None if desk is None else np.full(image.shape[:2], 255, np.uint8)
    if not warp.is_identity:
        maps = warp.maps()
        image = warp_image(image, maps, outside=paper)
        masks = [warp_mask(mask, warp, maps) for mask in masks]
        layers = {name: warp_mask(layer, warp, maps) for name, layer in layers.items()}
        polylines = [warp.forward(line) for line in polylines]
        cover = None if cover is None else warp_mask(cover, warp, maps)
    draw_creases(image, warp, paper=paper, dials=dials, px_per_mm=px_per_mm, rng=rng)
    cells = Cells(warp.shape, px_per_mm)
    gain = paper_gain(cells, warp, dials=dials, rng=rng)
    if cover is not None and desk is not None:
        beyond = np.asarray(cv2.bitwise_not(cover), np.uint8)
        image, gain = shade(image, gain), np.ones_like(gain[:1, :1])
        lay(image, beyond, desk.colour)
        if desk.beside is not None:
            lay_beside(image, beyond, desk.beside, px_per_mm=px_per_mm)
    image = shade(image, gain * light_gain(cells, dials=dials, rng=rng))
    image = roughen(image, dials=dials, rng=rng)
    image = photograph(image, dials=dials, px_per_mm=px_per_mm, rng=rng)
    return Distorted(image, tuple(masks), _as_float32(polylines), warp, layers)


def draw_desk(dials: Distortion, rng: np.random.Generator) -> Desk | None:
    """The table on which a page lies; None where it is not seen."""
    if not happens(rng, dials.desk_p):
        return None
    red, green, blue = _DESKS[rng.integers(len(_DESKS))]
    colour, around_mm = (float(red), float(green), float(blue)), uniform(rng, dials.desk_mm)
    return Desk(colour, around_mm, draw_beside(dials, rng))


def _as_float32(polylines: Sequence[Points]) -> tuple[F32, ...]:
    return tuple(np.asarray(line, np.float32) for line in polylines)


def _check(
    image: Image,
    masks: Sequence[Image],
    polylines: Sequence[Points],
    px_per_mm: float,
) -> None:
    remedy = "see distort's documentation"
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise InputError("distort", f"image {image.dtype} {image.shape}", "give uint8 (H, W, 3)")
    for number, mask in enumerate(masks):
        if mask.shape != image.shape[:2] or mask.dtype != np.uint8:
            what = f"{mask.dtype} {mask.shape} beside an image of {image.shape[:2]}"
            raise InputError(f"distort: mask {number}", what, remedy)
    for number, line in enumerate(polylines):
        if line.ndim != 2 or line.shape[1] != 2:
            raise InputError(f"distort: polyline {number}", f"shape {line.shape}", remedy)
    if not (np.isfinite(px_per_mm) and px_per_mm > 0):
        raise InputError("distort: px_per_mm", f"{px_per_mm} is no resolution", remedy)
