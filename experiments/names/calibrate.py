"""Fit the temperature that `names.TEMPERATURE` holds, on drawn pages of held-out fonts.

python -m experiments.names.calibrate PAGES
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from ecg_overlap.digitize.names.networks import where, which
from ecg_overlap.digitize.names.views import PageView
from ecg_overlap.digitize.names.where import words
from experiments.names.canvases import Canvas
from experiments.names.train_which import labelled

CLEARLY_NONE = 0.9  # probability of none, above which a word is left out of the fit


def words_of(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Logits (n, 13) and labels (n,) of the words that are found on a page of `pages.py`."""
    with np.load(file) as page:
        layers, scale, boxes, names = (page[k] for k in ("layers", "px_per_mm", "boxes", "names"))
    size = np.array(layers.shape[1::-1]) / scale
    low, high = boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
    whole = ((low >= 0) & (high <= size)).all(axis=1)
    view = PageView(layers, float(scale))
    found = words(where(view.searched()))
    label = labelled(found, Canvas(layers, float(scale), boxes[whole], names[whole], boxes[~whole]))
    found, label = found[label >= 0], label[label >= 0]
    views = [view.word(x, y, height) for x, y, height, *_ in found.tolist()]
    missed = int(whole.sum()) - len(set(np.flatnonzero(label < 12)))
    print(f"{file.name}: {whole.sum()} names, {missed} not found, {len(found)} words", flush=True)
    return (which(np.stack(views)) if views else np.zeros((0, 13))), label


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", type=Path)
    args = parser.parse_args()
    parts = [words_of(file) for file in sorted(args.pages.glob("*.npz"))]
    logits = np.concatenate([part[0] for part in parts]).astype(np.float64)
    labels = np.concatenate([part[1] for part in parts])

    # Most words are clearly no name: they would hide how sure the others are to be right.
    doubtful = log_softmax(logits, axis=1)[:, -1] < np.log(CLEARLY_NONE)
    logits, labels = logits[doubtful], labels[doubtful]

    def nll(temperature: float) -> float:
        likely = log_softmax(logits / temperature, axis=1)
        return -float(likely[np.arange(len(labels)), labels].mean())

    best = minimize_scalar(nll, bounds=(0.3, 5), method="bounded")
    right = float((logits.argmax(axis=1) == labels).mean())
    print(f"{len(labels)} words, {right:.4f} right; NLL {nll(1):.4f} at 1")
    print(f"{best.fun:.4f} at temperature {best.x:.3f}")


if __name__ == "__main__":
    main()
