"""Contact sheets of what the generator can draw, to be looked at.

python -m data_gen.gallery --out gallery
python -m data_gen.gallery --out docs --prefix gallery_ --width 1000 layouts contact distortions
"""

import argparse
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from data_gen import presets
from data_gen.arrays import U8
from data_gen.conf_folder import conf_dir
from data_gen.distort import LEVELS, Distortion
from data_gen.errors import InputError
from data_gen.formats.files import png_bytes, write_whole, writing_to
from data_gen.generate import LeadGenerator
from data_gen.layout import LAYOUTS

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
    page: dict[str, object] = {"dpi": 150, "paper": "a4", "mm_per_mv": 10}
    tiles = []
    for k, name in enumerate(LAYOUTS):
        made = presets.load("clean", values={"page": page | {"layout": name}}).page(k)
        tiles.append((f"{name}   grid {made.meta['grid_name']}", made.image))
    return contact_sheet(tiles, columns=2, size=(800, 560))


def looks() -> U8:
    """Pages of every preset."""
    tiles = [
        (name, presets.load(name, values={"page": {"dpi": 120}}).page(k).image)
        for name in presets.PRESETS
        for k in range(3)
    ]
    return contact_sheet(tiles, columns=3, size=(560, 400))


def contact() -> U8:
    """Crops of the paper's look, from no contact to 40 %."""
    tiles = []
    for asked in (0.0, 0.05, 0.1, 0.2, 0.3, 0.4):
        dials: dict[str, dict[str, object]] = {
            "page": {"layout": "3x4"},
            "overlap": {"contact": asked},
        }
        made = presets.load("overlap", values=dials)
        for index in range(3):
            sample = made.sample(index)
            found = sample.severity
            assert found is not None
            caption = f"asked {asked:.0%}  contact {found.contact:.1%}  {sample.lead_name}"
            tiles.append((caption, sample.image))
    return contact_sheet(tiles, columns=3, size=(560, 300))


def _node(dials: Distortion) -> dict[str, Any]:
    """As a config file describes them."""
    return {"_target_": "data_gen.distort.Distortion"} | asdict(dials)


def distortions() -> U8:
    """Each distortion alone, at low, mid and high."""
    page: dict[str, object] = {"layout": "3x4+1R", "grid": "standard", "header": 0.0, "dpi": 200}
    page |= {"mm_per_mv": 10, "mm_per_s": 25, "lead_names": "below", "name_mm": 3}
    values: dict[str, dict[str, object]]
    values = {"page": page, "overlap": {"row_pitch_mm": 14}, "crop": {"size_px": [140, 260]}}
    tiles = []
    for effect, steps in LEVELS.items():
        for name, dials in steps.items():
            page["distortion"] = _node(dials)
            made = presets.load("clean", crop="window", overlap="default", values=values)
            tiles.append((f"{effect}  {name}", made.sample(4).image))
    page["distortion"] = _node(Distortion())
    for name, part in (("low", 0.2), ("mid", 0.4), ("high", 0.7)):
        pen = {"pen_thin": part, "pen_pale": part, "pen_waver": part / 2}
        made = presets.load(
            "clean", crop="window", overlap="default", values=values | {"page": page | pen}
        )
        tiles.append((f"pen  {name}", made.sample(4).image))
    for name, around_mm in (("low", 4), ("mid", 10), ("high", 25)):
        page["distortion"] = _node(Distortion(desk_p=1, desk_mm=(around_mm,) * 2, rotation_p=1))
        lying = presets.load("clean", values={"page": page | {"dpi": 60, "paper": "a4"}})
        tiles.append((f"desk  {name}", lying.page(4).image))
    return contact_sheet(tiles, columns=6, size=(260, 140))


def signals() -> U8:
    """Two records of every source that needs no files."""
    tiles = []
    for path in sorted((conf_dir() / "signals").glob("*.yaml")):
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


SHEETS = {f.__name__: f for f in (layouts, looks, contact, distortions, signals)}


def _small(sheet: U8, width: int) -> U8:
    """A sheet for a document: shrunk, and of fewer levels, which halves the file."""
    height = round(len(sheet) * width / sheet.shape[1])
    small = np.asarray(cv2.resize(sheet, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return np.round(np.round(small / 8.5) * 8.5).astype(np.uint8)


def main() -> None:
    """Write the sheets as PNG."""
    parser = argparse.ArgumentParser(description="Draw contact sheets of the generator.")
    parser.add_argument("--out", type=Path, default=Path("gallery"), help="folder for the PNGs")
    parser.add_argument("--width", type=int, help="shrink the sheets to this width, for documents")
    parser.add_argument("--prefix", default="", help="how the names of the files begin")
    parser.add_argument("sheets", nargs="*", metavar="SHEET", help=f"of {', '.join(SHEETS)}; all")
    arguments = parser.parse_args()
    for name in arguments.sheets:
        if name not in SHEETS:
            parser.error(f"no sheet {name}; take of {', '.join(SHEETS)}")
    try:
        for name in arguments.sheets or SHEETS:
            sheet = SHEETS[name]()
            if arguments.width is not None:
                sheet = _small(sheet, arguments.width)
            path = arguments.out / f"{arguments.prefix}{name}.png"
            with writing_to(arguments.out):
                write_whole(path, png_bytes(sheet, compression=9))
            print(path)
    except InputError as error:
        parser.exit(1, f"error: {error}\n")


if __name__ == "__main__":
    main()
