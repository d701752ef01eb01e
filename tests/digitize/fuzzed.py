"""Pictures that nobody would give: seeded, small, and of every kind of damage.

`python tests/digitize/fuzzed.py 1000` tries many and lists what breaks; the tests try some.
"""

import io
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from drawn import FS_HZ, beats, drawn
from numpy.typing import NDArray
from PIL import Image

from data_gen.errors import InputError
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.read_image import read_image
from ecg_overlap.digitize.write import write_lead

MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB", "I", "I;16", "F")
FORMATS = ("png", "jpeg", "tiff", "bmp", "gif", "webp")
SLOW_S = 30.0  # of a picture of 200 px; usual ones take 0.1


@dataclass(frozen=True)
class Fuzzed:
    """A file's content, and what is asked of the reader with it."""

    seed: int
    content: bytes
    suffix: str
    asked: dict[str, Any]


def fuzzed(seed: int) -> Fuzzed:
    """One file; the same for the same seed."""
    rng = np.random.default_rng(seed)
    picture = _picture(rng)
    for _ in range(int(rng.integers(0, 3))):
        picture = _altered(picture, rng)
    content, suffix = _encoded(picture, rng)
    if rng.random() < 0.15:
        content = _damaged(content, rng)
    return Fuzzed(seed, content, suffix, _asked(rng, picture.shape[0]))


def _picture(rng: np.random.Generator) -> NDArray[np.uint8]:
    """A crop of a drawn lead, or something that is none; 64 to 200 px a side, rarely less."""
    height, width = (int(n) for n in rng.integers(64, 201, 2))
    if rng.random() < 0.1:
        height = int(rng.integers(1, 20))
    if rng.random() < 0.1:
        width = int(rng.integers(1, 20))
    kind = rng.integers(8)
    if kind < 5:
        scale, pen = float(rng.uniform(3, 12)), float(rng.uniform(0.5, 8))
        signal = beats(float(rng.uniform(0.5, 3))) * float(rng.choice([0, 0.1, 1, 5]))
        signal += rng.normal(0, float(rng.choice([0, 0.02, 0.3])), len(signal))
        lead = drawn(signal, px_per_mm=scale, pen_px=pen, grid=bool(rng.random() < 0.8)).image
        y, x = (int(rng.integers(0, max(side - 32, 1))) for side in lead.shape[:2])
        return np.ascontiguousarray(lead[y : y + height, x : x + width])
    if kind == 5:
        return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    blank = np.full((height, width, 3), int(rng.integers(0, 256)), np.uint8)
    step = int(rng.integers(1, 30))
    if kind == 6:  # lines, or a chequered board
        blank[::step] = 255 - blank[::step]
        blank[:, :: int(rng.integers(1, 30))] //= 2
        return blank
    y, x = int(rng.integers(height)), int(rng.integers(width))
    blank[y : y + step, x : x + step] = rng.integers(0, 256, 3)
    return blank


def _altered(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    kind = rng.integers(8)
    if kind == 0:
        noisy = picture + rng.normal(0, float(rng.choice([5, 40, 150])), picture.shape)
        return noisy.clip(0, 255).astype(np.uint8)
    if kind == 1:
        return np.asarray(255 - picture, np.uint8)
    if kind == 2:
        return np.ascontiguousarray(np.rot90(picture, int(rng.integers(1, 4))))
    if kind == 3:  # faint
        return np.asarray(200 + picture.astype(int) // int(rng.integers(5, 40)), np.uint8)
    if kind == 4:
        tilted = Image.fromarray(picture).rotate(float(rng.uniform(-45, 45)), expand=True)
        return np.asarray(tilted, np.uint8)
    if kind == 5:  # pixels that are not square
        size = (int(rng.integers(16, 201)), int(rng.integers(16, 201)))
        return np.asarray(Image.fromarray(picture).resize(size), np.uint8)
    if kind == 6:  # black bars
        picture = picture.copy()
        picture[: int(rng.integers(1, 40))] = 0
        picture[:, -int(rng.integers(1, 40)) :] = 0
        return picture
    return np.asarray((picture // 128) * 127, np.uint8)


def _encoded(picture: NDArray[np.uint8], rng: np.random.Generator) -> tuple[bytes, str]:
    """In an odd mode and any format; as a PNG where Pillow writes no such file."""
    mode, form = str(rng.choice(MODES)), str(rng.choice(FORMATS))
    image, file = Image.fromarray(picture), io.BytesIO()
    try:
        if mode in ("I", "I;16", "F"):
            values = np.asarray(image.convert("L"), np.float64) * float(rng.choice([1, 16, 257]))
            if mode == "F" and rng.random() < 0.5:
                values[:: int(rng.integers(1, 9))] = rng.choice([np.nan, np.inf, -1e30, 1e300])
            with np.errstate(all="ignore"):
                dtype = {"I": np.int32, "I;16": np.uint16, "F": np.float32}[mode]
                image = Image.fromarray(values.astype(dtype))
        elif mode == "LAB":
            image = Image.frombytes("LAB", image.size, picture.tobytes())
        else:
            image = image.convert(mode)
        image.save(file, form)
    except (OSError, ValueError, KeyError):
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "png")
        form = "png"
    return file.getvalue(), f".{form}"


def _damaged(content: bytes, rng: np.random.Generator) -> bytes:
    kind, changed = rng.integers(3), bytearray(content)
    if kind == 0:
        return content[: int(rng.integers(len(content)))]
    if kind == 1:
        return rng.bytes(int(rng.integers(1, 2000)))
    for _ in range(int(rng.integers(1, 6))):
        changed[int(rng.integers(min(len(changed), 400)))] = int(rng.integers(256))
    return bytes(changed)


def _asked(rng: np.random.Generator, height: int) -> dict[str, Any]:
    asked: dict[str, Any] = {"fs_hz": float(rng.choice([100, FS_HZ, 997.3]))}
    if rng.random() < 0.6:
        asked["px_per_mm"] = float(rng.uniform(2, 12))
    elif rng.random() < 0.2:
        asked["px_per_mm"] = float(rng.choice([0.1, 1, 24, 60, 1e5]))
    if rng.random() < 0.2:
        asked["row_px"] = float(rng.choice([0, height / 2, height - 1, -height, 1e5, np.nan]))
    if rng.random() < 0.2:
        asked["mm_per_mv"] = float(rng.choice([0.01, 5, 20, 1e4]))
    if rng.random() < 0.2:
        asked["mm_per_s"] = float(rng.choice([1, 12.5, 50, 1000]))
    return asked


def outcome(case: Fuzzed, folder: Path) -> str:
    """ "read", or the refusal without its numbers; anything else is raised."""
    path = folder / f"fuzzed{case.suffix}"
    path.write_bytes(case.content)
    try:
        image = read_image(path)
        lead = digitize_lead(image, method="classical", **case.asked)
        write_lead(lead, folder / "out", "fuzzed", image=image)
    except InputError as error:
        assert len(str(error).splitlines()) == 1 and error.what and error.remedy
        return "".join(c for c in error.what if not c.isdigit())
    seen = lead.signal_mv[np.isfinite(lead.signal_mv)]
    assert lead.signal_mv.ndim == 1 and len(seen) and not np.isinf(lead.signal_mv).any()
    assert lead.confidence.shape == lead.signal_mv.shape
    assert ((lead.confidence >= 0) & (lead.confidence <= 1)).all()
    return "read"


def main(n: int, first: int) -> int:
    """Try many; prints what breaks and how the rest ended."""
    warnings.filterwarnings("error", category=RuntimeWarning, module=r"(ecg_overlap|data_gen)\.")
    ends: Counter[str] = Counter()
    broken = 0
    for seed in range(first, first + n):
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            try:
                ends[outcome(fuzzed(seed), Path(folder))[:60]] += 1
            except Exception:
                broken += 1
                last = traceback.format_exc().splitlines()
                print(f"seed {seed}: {last[-1]}\n  " + "\n  ".join(last[-7:-1]), flush=True)
        if time.monotonic() - started > SLOW_S:
            print(f"seed {seed}: {time.monotonic() - started:.0f} s", flush=True)
    for what, count in ends.most_common():
        print(f"{count:5d}  {what}")
    print(f"{broken} of {n} broke")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
