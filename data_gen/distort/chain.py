"""The whole way of a page from the printer to the file, in the order in which it happens."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_gen.distort.blend import Colour, paper_colour
from data_gen.distort.camera import photograph
from data_gen.distort.dials import Distortion, happens
from data_gen.distort.field import Cells, shade
from data_gen.distort.geometry import draw_warp
from data_gen.distort.ink import wear
from data_gen.distort.light import light_gain
from data_gen.distort.paper import draw_creases, paper_gain, roughen
from data_gen.distort.warp import Image, Warp, warp_image, warp_mask
from data_gen.errors import InputError

Polyline = NDArray[np.float32]

# Wood, dark wood, gray, slate blue, a white table.
_DESKS = ((150, 110, 75), (70, 50, 40), (110, 110, 112), (150, 175, 180), (225, 225, 220))


@dataclass(frozen=True)
class Distorted:
    """A distorted picture with its truth.

    Args:
        image: uint8 (H, W, 3), RGB; of the size of the page.
        masks: uint8 (H, W) each.
        polylines: float32 (n, 2) each, (x, y); NaN where they were NaN.
        warp: The coordinate map, for whatever else has a place on the page.
    """

    image: Image
    masks: tuple[Image, ...]
    polylines: tuple[Polyline, ...]
    warp: Warp


def distort(
    image: Image,
    masks: Sequence[Image],
    polylines: Sequence[Polyline],
    *,
    dials: Distortion,
    px_per_mm: float,
    rng: np.random.Generator,
) -> Distorted:
    """Print, handle and photograph a page.

    Geometry moves image, masks and polylines by one coordinate map. All else changes the
    image only: a mask stays whole where the ink has a gap.

    Args:
        image: uint8 (H, W, 3), RGB; the flat, clean page.
        masks: uint8 (H, W) coverages.
        polylines: float32 (n, 2), (x, y) in px; NaN where there is no point.
        dials: What may happen.
        px_per_mm: Resolution of the page.
        rng: Source of every draw.

    Raises:
        InputError: Shapes that do not fit each other, or a resolution that is not positive.

    Example:
        >>> page = np.full((40, 60, 3), 255, np.uint8)
        >>> dials = Distortion(rotation_p=1.0)
        >>> rng = np.random.default_rng(0)
        >>> distort(page, [], [], dials=dials, px_per_mm=8.0, rng=rng).image.shape
        (40, 60, 3)
    """
    _check(image, masks, polylines, px_per_mm)
    shape = (image.shape[0], image.shape[1])
    if dials.is_none:
        return Distorted(image, tuple(masks), tuple(polylines), Warp(shape, np.eye(3)))
    warp = draw_warp(shape, dials=dials, px_per_mm=px_per_mm, rng=rng)
    paper = paper_colour(image)
    image = wear(
        image.copy(), masks, polylines, paper=paper, dials=dials, px_per_mm=px_per_mm, rng=rng
    )
    outside = _desk(rng) if happens(dials.desk_p, rng) else paper
    if not warp.is_identity:
        maps = warp.maps()
        image = warp_image(image, maps, outside=outside)
        masks = [warp_mask(mask, warp, maps) for mask in masks]
        polylines = _moved(polylines, warp)
    draw_creases(image, warp, paper=paper, dials=dials, px_per_mm=px_per_mm, rng=rng)
    cells = Cells(shape, px_per_mm)
    sheet = paper_gain(cells, warp, dials=dials, rng=rng)
    image = shade(image, sheet * light_gain(cells, dials=dials, rng=rng))
    image = roughen(image, dials=dials, rng=rng)
    image = photograph(image, dials=dials, px_per_mm=px_per_mm, rng=rng)
    return Distorted(image, tuple(masks), tuple(polylines), warp)


def _moved(polylines: Sequence[Polyline], warp: Warp) -> list[Polyline]:
    """All polylines through the warp at once: one iteration serves them all."""
    ends = np.cumsum([len(line) for line in polylines])[:-1]
    together = np.concatenate([np.empty((0, 2), np.float32), *polylines])
    return np.split(warp.forward(together).astype(np.float32), ends)


def _desk(rng: np.random.Generator) -> Colour:
    red, green, blue = _DESKS[rng.integers(len(_DESKS))]
    return float(red), float(green), float(blue)


def _check(
    image: Image,
    masks: Sequence[Image],
    polylines: Sequence[Polyline],
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
