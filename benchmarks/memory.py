"""What a page takes from its file to its record: the most memory, and CPU seconds.

    python benchmarks/memory.py ../shared/data/scans_with_truth/*.png ../shared/data/pages/*
    python benchmarks/memory.py page.png --scale 3    # as if scanned three times finer

Each page is read by `ecg-overlap page` in a process of its own, as a user would, so that both count
the start of Python, the network, the overlay and the page to look at. Memory is the most that was
resident (`ru_maxrss`). A page is read once before, untold, as the first start compiles.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2

from ecg_overlap.digitize.read_image import read_image
from ecg_overlap.digitize.write import write_png

CALL = "import sys; from ecg_overlap.cli import main; sys.exit(main())"
KB_IN_GB = 1e6 / 1.024 if sys.platform != "darwin" else 1e9  # of ru_maxrss's units


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--methods", nargs="+", default=["default", "classical"])
    parser.add_argument("--scale", type=float, default=1.0, help="the picture is enlarged first")
    parser.add_argument("--keep", type=Path, help="folder for the records, else they are dropped")
    arguments = parser.parse_args()
    print(f"{'picture':<16} {'size, px':>11} {'method':<10} {'GB':>5} {'CPU-s':>6}  status")
    with tempfile.TemporaryDirectory() as folder:
        for picture in arguments.pictures:
            file = enlarged(picture, arguments.scale, Path(folder) / f"{picture.stem}.png")
            height, width = read_image(file).shape[:2]
            for method in arguments.methods:
                out = (arguments.keep or Path(folder)) / method
                if file == arguments.pictures[0] and not out.exists():
                    taken(file, out / "first", method)
                gb, cpu_s, status = taken(file, out / picture.stem, method)
                what = f"{picture.name:<16} {f'{width}×{height}':>11} {method:<10}"
                print(f"{what} {gb:5.2f} {cpu_s:6.1f}  {status}")


def enlarged(picture: Path, scale: float, to: Path) -> Path:
    """The picture itself at scale 1, else a larger copy."""
    if scale == 1:
        return picture
    image = cv2.resize(read_image(picture), None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return write_png(image, to)


def taken(picture: Path, out: Path, method: str) -> tuple[float, float, str]:
    """GB of memory, CPU seconds and how it ended, of one page in a process of its own."""
    command = [sys.executable, "-c", CALL, "page", str(picture), "--out", str(out)]
    process = subprocess.Popen(
        [*command, "--method", method], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    said = process.stderr.read().decode().strip().splitlines()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    ended = "ok" if process.returncode == 0 else said[-1] if said else f"{process.returncode}"
    return used.ru_maxrss / KB_IN_GB, used.ru_utime + used.ru_stime, ended


if __name__ == "__main__":
    main()
