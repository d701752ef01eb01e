"""Contact sheets of what the generator can draw, to be looked at.

python -m data_gen.gallery --out gallery
"""

import argparse
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from data_gen import presets
from data_gen.distort import Distortion
from data_gen.errors import InputError
from data_gen.generate import LeadGenerator
from data_gen.layout import LAYOUTS

U8 = NDArray[np.uint8]
Tile = tuple[str, U8]

_CAPTION_PX = 22


def contact_sheet(tiles: Iterable[Tile], *, columns: int, size: tuple[int, int]) -> U8:
    """Captioned pictures side by side, each shrunk or enlarged to fit.

    Args:
        tiles: Caption and picture, uint8 (H, W, 3) RGB.
        columns: How many stand in a row.
        size: (width, height) of each in px.

    Raises:
        InputError: There is no picture.
    """
    cells = [_cell(caption, image, size) for caption, image in tiles]
    if not cells:
        raise InputError("contact sheet", "no picture", "give at least one")
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % columns)
    rows = [np.hstack(cells[i : i + columns]) for i in range(0, len(cells), columns)]
    return np.asarray(np.vstack(rows), np.uint8)


def _cell(caption: str, image: U8, size: tuple[int, int]) -> U8:
    width, height = size
    factor = min(width / image.shape[1], height / image.shape[0])
    small = (max(1, int(image.shape[1] * factor)), max(1, int(image.shape[0] * factor)))
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    cell = np.full((height + _CAPTION_PX + 6, width + 6, 3), 255, np.uint8)
    picture = cv2.resize(image, small, interpolation=way)
    cell[_CAPTION_PX : _CAPTION_PX + small[1], : small[0]] = picture
    at, dark = (2, _CAPTION_PX - 7), (40, 40, 40)
    cv2.putText(cell, caption, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, dark, 1, cv2.LINE_AA)
    return cell


def layouts() -> U8:
    """Every page format, as a clean print."""
    tiles = []
    for k, name in enumerate(LAYOUTS):
        page = presets.load("clean", values={"page": {"layout": name, "dpi": 150}}).page(k)
        tiles.append((f"{name}  {page.meta['paper']}  grid {page.meta['grid_name']}", page.image))
    return contact_sheet(tiles, columns=2, size=(800, 560))


def looks() -> U8:
    """Pages of every preset."""
    tiles = [
        (name, presets.load(name, values={"page": {"dpi": 120}}).page(k).image)
        for name in presets.PRESETS
        for k in range(3)
    ]
    return contact_sheet(tiles, columns=3, size=(560, 400))


def contacts() -> U8:
    """Crops of the paper's look, from no contact to 40 %."""
    tiles = []
    for asked in (0.0, 0.05, 0.1, 0.2, 0.3, 0.4):
        dials: dict[str, Any] = {"page": {"layout": "3x4"}, "overlap": {"contact": asked}}
        made = presets.load("overlap", values=dials)
        for index in range(3):
            sample = made.sample(index)
            found = sample.severity
            assert found is not None
            caption = f"asked {asked:.0%}  contact {found.contact:.1%}  {sample.lead_name}"
            tiles.append((caption, sample.image))
    return contact_sheet(tiles, columns=3, size=(560, 300))


def distortions() -> U8:
    """Each distortion alone: lowest, middle and highest of its dials' ranges."""
    tiles = []
    for effect in (f.name[:-2] for f in fields(Distortion) if f.name.endswith("_p")):
        for level, name in ((0.0, "low"), (0.5, "mid"), (1.0, "high")):
            page = {"distortion": dials_at(effect, level), "layout": "3x4+1R", "grid": "standard"}
            values: dict[str, Any] = {
                "page": page | {"header": 0.0, "mm_per_mv": 10, "mm_per_s": 25, "dpi": 200},
                "overlap": {"row_pitch_mm": 14},
                "crop": {"size_px": [300, 560]},
            }
            image = presets.load("scan", crop="window", values=values).sample(4).image
            tiles.append((f"{effect}  {name}", image))
    return contact_sheet(tiles, columns=6, size=(400, 214))


def dials_at(effect: str, level: float) -> Distortion:
    """A distortion of which one effect happens, at that level (0–1) of its default ranges."""
    default = Distortion()
    dials: dict[str, Any] = {f"{effect}_p": 1.0}
    if effect == "chroma":
        dials["jpeg_p"] = 1.0  # coarse chroma is a matter of the JPEG
    if effect == "desk":
        dials["rotation_p"] = 1.0  # the desk is seen where the page has been turned away
    for dial in fields(Distortion):
        value = getattr(default, dial.name)
        if dial.name.startswith(f"{effect}_") and isinstance(value, tuple):
            at = value[0] + level * (value[1] - value[0])
            at = round(at) if dial.name.endswith(("_count", "_quality")) else at
            dials[dial.name] = (at, at)
    return Distortion(**dials)


def signals() -> U8:
    """Two records of every source that needs no files."""
    tiles = []
    for path in sorted((presets.conf_dir() / "signals").glob("*.yaml")):
        for index in range(2):
            try:
                made: LeadGenerator = presets.load(
                    "clean",
                    signals=path.stem,
                    values={"page": {"layout": "3x4+1R", "grid": "standard", "dpi": 150}},
                )
                image = made.page(index).image
            except InputError as error:
                print(f"signals={path.stem} is left out: {error}")
                break
            tiles.append((f"signals={path.stem}", image))
    return contact_sheet(tiles, columns=2, size=(800, 560))


SHEETS = {f.__name__: f for f in (layouts, looks, contacts, distortions, signals)}


def main() -> None:
    """Write the sheets as PNG."""
    parser = argparse.ArgumentParser(description="Draw contact sheets of the generator.")
    parser.add_argument("--out", type=Path, default=Path("gallery"), help="folder for the PNGs")
    parser.add_argument("sheets", nargs="*", metavar="SHEET", help=f"of {', '.join(SHEETS)}; all")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.sheets or SHEETS:
        if name not in SHEETS:
            parser.error(f"no sheet {name}; take of {', '.join(SHEETS)}")
        path = arguments.out / f"{name}.png"
        _, png = cv2.imencode(".png", cv2.cvtColor(SHEETS[name](), cv2.COLOR_RGB2BGR))
        path.write_bytes(png.tobytes())
        print(path)


if __name__ == "__main__":
    main()
