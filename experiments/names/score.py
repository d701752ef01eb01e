"""Score `names_on`: on drawn pages of held-out fonts, and on real pages.

python -m experiments.names.score drawn FONTS --n 40 [--json FILE]
python -m experiments.names.score real FOLDER [FOLDER …] [--json FILE]
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from data_gen.sample import LEADS
from ecg_overlap.digitize.grid import Illumination, find_grid
from ecg_overlap.digitize.ink.binarize import binarize
from ecg_overlap.digitize.names.seen import NameSeen, names_on
from ecg_overlap.digitize.read_image import read_image
from ecg_overlap.digitize.straight import is_straight, straightened
from experiments.names.pages import StraightPage, pages
from experiments.names.real_pages import REAL

NEAR_MM = (4.0, 3.0)  # as rough as the transcribed places
SEED = 3100
BINS = np.array([0.0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 1.0])


def real_page(file: Path) -> StraightPage:
    """A picture, with the names of `REAL`; sizes of boxes are not known (0)."""
    image = read_image(file)
    light = Illumination(image)
    grid = find_grid(image, light=light)
    inside, scale = None, grid.px_per_mm_x
    if not is_straight(grid):
        straight = straightened(image.shape, grid)
        image, inside, scale = straight.image(image), straight.inside, straight.px_per_mm
        light, grid = Illumination(image), straight.grid(grid)
    ink = binarize(image, px_per_mm=scale, grid=grid, light=light)
    if inside is not None:
        ink = np.where(inside, ink, 0).astype(np.uint8)
    truth = REAL[file.stem]
    boxes = np.array([(x * scale, y * scale, 0, 0) for _, x, y in truth])
    return StraightPage(
        image, ink, scale, inside, boxes, np.array([LEADS.index(n) for n, *_ in truth])
    )


def in_picture(page: StraightPage) -> StraightPage:
    """Without the names of which a part is beyond the picture."""
    low, high = (page.boxes[:, :2] + side * page.boxes[:, 2:] / 2 for side in (-1, 1))
    height, width = page.ink.shape
    kept = ((low >= 0) & (high <= (width - 1, height - 1))).all(axis=1)
    return StraightPage(
        page.image, page.ink, page.px_per_mm, page.inside, page.boxes[kept], page.names[kept]
    )


class Score:
    """Counts over pages."""

    def __init__(self) -> None:
        self.printed, self.right, self.said = Counter(), Counter(), Counter()
        self.bins = np.zeros((len(BINS) - 1, 3))  # number, sum of p, number right
        self.nll: list[float] = []
        self.seconds: list[float] = []
        self.mistakes: list[str] = []

    def add(self, label: str, page: StraightPage, seen: list[NameSeen], cut: np.ndarray) -> None:
        free = list(range(len(page.names)))
        for name in sorted(seen, key=lambda n: n.probability[-1]):
            place = np.array((name.x_px, name.y_px))
            if any((np.abs(place - c[:2]) < c[2:] / 2 + page.px_per_mm).all() for c in cut):
                continue
            off = np.abs(page.boxes[free, :2] - place) / page.px_per_mm
            near = np.flatnonzero((off < np.array(NEAR_MM)).all(axis=1))
            true = None
            if len(near):
                true = free.pop(int(near[off[near].sum(axis=1).argmin()]))
            label_true = 12 if true is None else int(page.names[true])
            self.nll.append(-float(np.log(max(name.probability[label_true], 1e-9))))
            for k, p in enumerate(name.probability[:-1]):
                i = min(int(np.searchsorted(BINS, p, side="right")) - 1, len(BINS) - 2)
                self.bins[i] += (1, p, k == label_true)
            if name.name is not None:
                self.said[name.name] += 1
                self.right[name.name] += name.name == LEADS[label_true] if label_true < 12 else 0
            wanted = None if true is None else LEADS[label_true]
            if name.name != wanted:
                x, y = place / page.px_per_mm
                p = name.probability
                at = f"({x:.0f}, {y:.0f}) mm, p {p.max():.2f}, of the truth {p[label_true]:.2f}"
                self.mistakes.append(f"{label}: {wanted} read as {name.name} at {at}")
        self.printed.update(LEADS[k] for k in page.names)
        for k in free:
            x, y = page.boxes[k, :2] / page.px_per_mm
            self.mistakes.append(
                f"{label}: {LEADS[page.names[k]]} not seen at ({x:.0f}, {y:.0f}) mm"
            )

    def result(self) -> dict:
        printed, right, said = (sum(c.values()) for c in (self.printed, self.right, self.said))
        per_name = {
            n: {
                "printed": self.printed[n],
                "recall": self.right[n] / max(self.printed[n], 1),
                "precision": self.right[n] / max(self.said[n], 1),
            }
            for n in LEADS
        }
        calibration = [
            {"p": [float(BINS[i]), float(BINS[i + 1])], "n": int(n), "said": p / n, "right": r / n}
            for i, (n, p, r) in enumerate(self.bins)
            if n
        ]
        return {
            "printed": printed,
            "recall": right / max(printed, 1), "precision": right / max(said, 1),
            "names": per_name, "calibration": calibration, "nll": float(np.mean(self.nll)),
            "seconds": {"median": float(np.median(self.seconds)), "most": max(self.seconds)},
        }  # fmt: skip


def scored(of: Iterable[tuple[str, StraightPage]]) -> Score:
    score = Score()
    for label, page in of:
        whole = in_picture(page)
        cut = page.boxes[~(page.boxes[:, None] == whole.boxes[None]).all(axis=2).any(axis=1)]
        start = time.process_time()
        seen = names_on(page.image, page.ink, px_per_mm=page.px_per_mm, inside=page.inside)
        score.seconds.append(time.process_time() - start)
        score.add(label, whole, seen, cut)
    return score


def real(folders: list[Path]) -> Iterator[tuple[str, StraightPage]]:
    for folder in folders:
        for file in sorted(folder.iterdir()):
            if file.stem in REAL and file.suffix in (".png", ".jpg"):
                yield file.stem, real_page(file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["drawn", "real"])
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--n", type=int, default=40)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    if args.kind == "drawn":
        made = pages(args.folder[0], args.n, held_out=True, seed=SEED)
        score = scored((f"page {i}", page) for i, page in enumerate(made))
    else:
        score = scored(real(args.folder))
    result = score.result()
    print("\n".join(score.mistakes))
    for name, r in result["names"].items():
        print(f"{name:4} {r['printed']:4} recall {r['recall']:.3f} precision {r['precision']:.3f}")
    for r in result["calibration"]:
        low, high = r["p"]
        print(f"p {low:.2f}–{high:.2f}: {r['n']:6} said {r['said']:.3f} right {r['right']:.3f}")
    print({k: result[k] for k in ("printed", "recall", "precision", "nll", "seconds")})
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
