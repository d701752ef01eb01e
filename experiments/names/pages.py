"""Drawn pages as the networks see them, with the truth of their names.

python -m experiments.names.pages FONTS OUT --n 160 [--held-out]
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_gen import marks, presets
from data_gen.sample import LEADS
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid import Illumination, find_grid
from ecg_overlap.digitize.ink.binarize import binarize
from ecg_overlap.digitize.names.views import PageView, page_view
from ecg_overlap.digitize.straight import is_straight, straightened
from experiments.names.fonts import any_face, drawn, faces

PRESETS = ("scan", "scan", "photo", "clean")
OVERLAP = {"row_pitch_mm": [12, 32], "severity_p": 0.0}
LOOK = {"name_mm": [1.9, 5.5], "name_drop_mm": [0, 9], "dpi": [92, 230],
        "lead_names": ["below", "below", "above", "before"]}  # fmt: skip


@dataclass(frozen=True, eq=False)
class StraightPage:
    """A drawn page on straight paper.

    Args:
        image: uint8 (H, W, 3).
        ink: uint8 (H, W).
        px_per_mm: Of both.
        inside: bool (H, W) or None.
        boxes: float64 (n, 4): centre x, y, width, height of each name, px.
        names: Index in `LEADS` of each.
    """

    image: np.ndarray
    ink: np.ndarray
    px_per_mm: float
    inside: np.ndarray | None
    boxes: np.ndarray
    names: np.ndarray

    def view(self) -> PageView:
        return page_view(self.image, self.ink, px_per_mm=self.px_per_mm, inside=self.inside)


def straight_page(page, rng: np.random.Generator | None = None) -> StraightPage:
    """The page found, straightened and binarized as any picture is.

    Raises:
        DigitizeError: No grid was found.
    """
    light = Illumination(page.image)
    grid = find_grid(page.image, light=light)
    named = [t for t in page.meta["texts"] if t["lead_name"]]
    corners = np.array([t["box_px"] for t in named], float).reshape(-1, 4, 2)
    image, inside, scale = page.image, None, grid.px_per_mm_x
    if not is_straight(grid):
        straight = straightened(page.image.shape, grid)
        image, inside, scale = straight.image(page.image), straight.inside, straight.px_per_mm
        light, grid = Illumination(image), straight.grid(grid)
        corners = straight.from_picture(corners.reshape(-1, 2)).reshape(-1, 4, 2)
    ink = binarize(image, px_per_mm=scale, grid=grid, light=light)
    if inside is not None:
        ink = np.where(inside, ink, 0).astype(np.uint8)
    low, high = corners.min(axis=1), corners.max(axis=1)
    boxes = np.concatenate([(low + high) / 2, high - low + 1], axis=1)
    names = np.array([LEADS.index(t["lead_name"]) for t in named], int)
    return StraightPage(image, ink, scale, inside, boxes, names)


def pages(fonts: Path, n: int, *, held_out: bool, seed: int, presets_=PRESETS):
    """Drawn pages, each with a font of its own; those whose grid is not found are left out."""
    families = faces(fonts, held_out=held_out)
    split = "val" if held_out else "train"
    made = {p: presets.load(p, values={"page": LOOK, "overlap": OVERLAP}) for p in set(presets_)}
    for i in range(n):
        rng = np.random.default_rng([seed, i])
        _take_font(any_face(families, rng), rng)
        try:
            yield straight_page(made[presets_[i % len(presets_)]].page(i, seed=seed, split=split))
        except DigitizeError as error:
            print(f"page {i}: {error}")


def _take_font(face: str, rng: np.random.Generator) -> None:
    """Let the generator write with a face, its names spaced and in capitals now and then."""
    spacing = float(rng.uniform(0.1, 0.6)) if rng.random() < 0.25 else 0.0
    capitals = rng.random() < 0.2

    def text_coverage(text, *, font, em_px):
        name = text in LEADS
        return drawn(text.upper() if name and capitals else text, face, em_px, spacing * name)

    marks.text_coverage = text_coverage


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fonts", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--n", type=int, default=160)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--seed", type=int, default=1700)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    drawn_pages = pages(args.fonts, args.n, held_out=args.held_out, seed=args.seed)
    for i, page in enumerate(drawn_pages):
        view = page.view()
        boxes_mm = (page.boxes + np.array((0.5, 0.5, 0, 0))) / page.px_per_mm
        file = args.out / f"{i:04d}.npz"
        np.savez(
            file, layers=view.layers, px_per_mm=view.px_per_mm, boxes=boxes_mm, names=page.names
        )
        print(file, view.layers.shape, flush=True)


if __name__ == "__main__":
    main()
