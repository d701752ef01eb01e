"""Train the network that says which lead's name a word is, on the words that the first one finds.

python -m experiments.names.train_which FONTS PAGES WHERE.pt OUT.pt
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from ecg_overlap.digitize.names.views import PageView
from ecg_overlap.digitize.names.where import words
from experiments.names.canvases import Canvas, Pages
from experiments.names.fonts import faces
from experiments.names.networks import Where, Which
from experiments.names.train_where import SIDE_MM, searched

NONE = 12
KEPT_NONE = 0.25  # share of the words that are no name that is learnt from, each with the weight
# of those left out: what the probabilities are of stays as it is found


def labelled(found: np.ndarray, canvas: Canvas) -> np.ndarray:
    """Which name each word is, int (n,): `NONE`, or -1 where a name is cut."""
    label = np.full(len(found), NONE)
    for i, (x, y, height, *_) in enumerate(found):
        for box, name in zip(canvas.boxes, canvas.names, strict=True):
            if _within(x, y, box) and 0.5 < height / box[3] < 2:
                label[i] = name
        if any(_within(x, y, box) for box in canvas.cut):
            label[i] = -1
    return label


def _within(x: float, y: float, box: np.ndarray) -> bool:
    reach = np.maximum(box[2:] / 2, box[3] / 3)
    return abs(x - box[0]) < reach[0] and abs(y - box[1]) < reach[1]


def mined(pages: Pages, where: Where, n: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Views and labels of the words found on n canvases."""
    views, labels, n_true, n_found = [], [], 0, 0
    for _ in range(n):
        canvas = pages.canvas(rng, side_mm=SIDE_MM, stamps=int(rng.integers(0, 10)))
        seen = torch.from_numpy(searched(canvas)).permute(2, 0, 1)[None] / 255
        with torch.no_grad():
            found = words(where(seen)[0].numpy())
        label = labelled(found, canvas)
        n_true, n_found = (
            n_true + len(canvas.names),
            n_found + int(((label >= 0) & (label < NONE)).sum()),
        )
        view = PageView(canvas.layers, canvas.px_per_mm)
        for (x, y, height, *_), name in zip(found, label, strict=True):
            if name >= 0 and (name != NONE or rng.random() < KEPT_NONE):
                x, y = np.array((x, y)) + rng.normal(0, 0.08 * height, 2)
                views.append(view.word(x, y, height * np.exp(rng.normal(0, 0.08))))
                labels.append(name)
    print(f"{n_found} of {n_true} names found; {len(labels)} words", flush=True)
    return np.stack(views), np.array(labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fonts", type=Path)
    parser.add_argument("pages", type=Path)
    parser.add_argument("where", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--canvases", type=int, default=3000)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=18)
    parser.add_argument("--start", type=Path, help="weights to go on from")
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    rng = np.random.default_rng(args.seed)
    where = Where()
    where.load_state_dict(torch.load(args.where, weights_only=True))
    where.eval()
    start = time.time()
    pages = Pages(args.pages, faces(args.fonts, held_out=False))
    views, labels = mined(pages, where, args.canvases, rng)
    print(f"mined in {time.time() - start:.0f} s:", np.bincount(labels, minlength=13), flush=True)
    network, batch = Which().to(memory_format=torch.channels_last), 64
    if args.start:
        network.load_state_dict(torch.load(args.start, weights_only=True))
    steps = args.epochs * (len(labels) // batch)
    learn = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=1e-3)
    plan = torch.optim.lr_scheduler.OneCycleLR(learn, 4e-3, total_steps=steps)
    for epoch in range(args.epochs):
        order, total = rng.permutation(len(labels)), 0.0
        network.train()
        for i in range(len(labels) // batch):
            pick = order[i * batch : (i + 1) * batch]
            seen = torch.from_numpy(views[pick]).permute(0, 3, 1, 2) / 255
            shift = rng.integers(-1, 2, 2).tolist()
            seen = torch.roll(seen, shift, (2, 3))
            blank = torch.rand(len(pick)) < 0.1  # now and then the ink alone is seen
            seen[blank, 1] = seen[blank, 0]
            gain = 0.6 + 0.6 * torch.rand(len(pick), 1, 1)
            seen[:, 1] = (seen[:, 1] * gain).clamp(0, 1)
            label = torch.from_numpy(labels[pick])
            weight = torch.where(label == NONE, 1 / KEPT_NONE, 1.0)
            each = F.cross_entropy(network(seen), label, reduction="none")
            loss = (weight * each).sum() / weight.sum()
            learn.zero_grad()
            loss.backward()
            learn.step()
            plan.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: {total / (i + 1):.4f}  {time.time() - start:.0f} s", flush=True)
        torch.save(network.state_dict(), args.out)


if __name__ == "__main__":
    main()
