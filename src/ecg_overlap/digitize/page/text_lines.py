"""Lines of text on a page, by the two networks in RapidOCR's wheel (extra `ocr`).

RapidOCR itself looks for text in pictures of up to 2000 px and reads every word. A line is found
as well in a coarser picture, and what is too short for the one that is sought need not be read.
"""

import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError
from ecg_overlap.digitize.network import Image
from ecg_overlap.digitize.silent_runtime import silent_runtime

FloatArray = NDArray[np.float32]

# Of the picture in which text is sought: letters of 2 mm are 8 px high. The same scales are read as
# at full resolution, on 58 drawn pages and 14 real ones.
FIND_PX_PER_MM = 4.0
MOST_SIDE_PX = 1680  # of that picture: A3. A page whose scale is wrong may seem metres wide
# As RapidOCR has them: of the first network's map, and of how its answer is made a box.
_TEXT, _TEXT_BOX, _GROWN, _THINNEST_PX = 0.3, 0.5, 1.6, 3.0
_MULTIPLE = 32  # of the sides of what the first network sees
_HEIGHT_PX, _LEAST_WIDTH_PX = 48, 320  # of a line, as the second network sees it
_UPRIGHT = 1.5  # boxes that are so many times as high as wide are read from above


def lines_of(image: Image, *, px_per_mm: float, longer: float) -> list[tuple[str, float]] | None:
    """Text of a page's lines, and how sure it is, 0 to 1; None where RapidOCR is not installed.

    Args:
        image: uint8 (H, W, 3) RGB, upright.
        px_per_mm: Its scale.
        longer: Lines that are not so many times as long as high are not read.

    Raises:
        InputError: RapidOCR is installed without its networks.
    """
    networks = _networks()
    if networks is None:
        return None
    find, read, letters = networks
    picture = np.ascontiguousarray(image[..., ::-1])  # the networks take BGR
    boxes = [box for box in _boxes(picture, px_per_mm, find) if _length(box) >= longer]
    return [_text(_cut(picture, box), read, letters) for box in boxes]


Box = tuple[Sequence[float], Sequence[float], float]  # OpenCV's: middle, sides, degrees


def _boxes(picture: Image, px_per_mm: float, find: Any) -> list[Box]:
    """Where text stands in a picture, in its own pixels."""
    height, width = picture.shape[:2]
    factor = min(FIND_PX_PER_MM / px_per_mm, MOST_SIDE_PX / max(height, width), 1.0)
    rows, columns = (
        max(round(side * factor / _MULTIPLE), 1) * _MULTIPLE for side in (height, width)
    )
    seen = cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_AREA)
    map_of = find.run(
        None, {find.get_inputs()[0].name: _as_seen(np.asarray(seen, np.uint8))[None]}
    )[0][0, 0]
    inked = cv2.dilate((map_of > _TEXT).astype(np.uint8), np.ones((2, 2), np.uint8))
    outlines, _ = cv2.findContours(inked, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for outline in outlines:
        box = cv2.minAreaRect(outline)
        if min(box[1]) < _THINNEST_PX or _mean_in(map_of, box) < _TEXT_BOX:
            continue
        middle, sides, degrees = box
        grown = 2 * sides[0] * sides[1] * _GROWN / (2 * (sides[0] + sides[1]))
        x, y = width / columns, height / rows  # alike, but for the rounding to `_MULTIPLE`
        sides = ((sides[0] + grown) * x, (sides[1] + grown) * y)
        found.append(_level(((middle[0] * x, middle[1] * y), sides, degrees)))
    return found


def _level(box: Box) -> Box:
    """The same box, its first side the more level one."""
    middle, (along, across), degrees = box
    quarters = round(degrees / 90)
    sides = (across, along) if quarters % 2 else (along, across)
    return middle, sides, degrees - 90 * quarters


def _length(box: Box) -> float:
    """How many times as long as high a line is."""
    along, across = box[1]
    return along / across if across < _UPRIGHT * along else across / along


def _mean_in(map_of: FloatArray, box: Box) -> float:
    """The mean of a map (H, W) in a box."""
    corners = cv2.boxPoints(box)
    (left, top), (right, bottom) = (
        np.clip(side, 0, np.array(map_of.shape[::-1]) - 1).astype(int)
        for side in (np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0)))
    )
    inside = np.zeros((bottom - top + 1, right - left + 1), np.uint8)
    cv2.fillConvexPoly(inside, (corners - (left, top)).astype(np.int32), 1)
    return float(cv2.mean(map_of[top : bottom + 1, left : right + 1], inside)[0])


def _cut(picture: Image, box: Box) -> Image:
    """What is in a box, its text level."""
    middle, sides, degrees = box
    width, height = (max(round(side), 1) for side in sides)
    turn = np.asarray(cv2.getRotationMatrix2D(middle, degrees, 1.0), np.float64)
    turn[:, 2] += np.array((width, height)) / 2 - middle
    edge = cv2.BORDER_REPLICATE
    part = cv2.warpAffine(picture, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=edge)
    return np.asarray(np.rot90(part) if height >= _UPRIGHT * width else part, np.uint8)


def _text(line: Image, read: Any, letters: tuple[str, ...]) -> tuple[str, float]:
    """What is written in the picture of a line, and how sure it is: its letters' mean."""
    height, width = line.shape[:2]
    across = max(round(width * _HEIGHT_PX / height), 1)
    how = cv2.INTER_AREA if height > _HEIGHT_PX else cv2.INTER_LINEAR
    scaled = np.asarray(cv2.resize(line, (across, _HEIGHT_PX), interpolation=how), np.uint8)
    seen = np.zeros((1, 3, _HEIGHT_PX, max(across, _LEAST_WIDTH_PX)), np.float32)
    seen[0, :, :, :across] = _as_seen(scaled)
    likely = read.run(None, {read.get_inputs()[0].name: seen})[0][0]
    best, sure = likely.argmax(axis=1), likely.max(axis=1)
    new = (best != 0) & (np.diff(best, prepend=-1) != 0)  # 0 is between letters, or one's width
    if not new.any():
        return "", 0.0
    return "".join(letters[k] for k in best[new]), float(sure[new].mean())


def _as_seen(picture: Image) -> FloatArray:
    """A picture (H, W, 3) as both networks take it, float32 (3, H, W), -1 to 1."""
    return picture.transpose(2, 0, 1).astype(np.float32) / np.float32(127.5) - np.float32(1)


@cache
def _networks() -> tuple[Any, Any, tuple[str, ...]] | None:
    """That which finds text, that which reads it, and the letters it knows; opened once.

    Raises:
        InputError: RapidOCR is installed without them.
    """
    wheel = importlib.util.find_spec("rapidocr")
    if wheel is None or wheel.origin is None:
        return None
    folder = Path(wheel.origin).parent / "models"
    found = [sorted(folder.glob(f"*_{task}_*.onnx")) for task in ("det", "rec")]
    if not all(found):
        raise InputError(folder, "lacks RapidOCR's networks", "install ecg-overlap[ocr] anew")
    find, read = (_opened(files[0]) for files in found)
    letters = read.get_modelmeta().custom_metadata_map["character"].splitlines()
    return find, read, ("", *letters, " ")


def _opened(file: Path) -> Any:
    """A network on one core, which keeps no memory once it has run."""
    runtime = silent_runtime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    return runtime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
