"""Train the network that says where words stand that may be lead names.

python -m experiments.names.train_where FONTS PAGES OUT.pt --steps 700
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from ecg_overlap.digitize.names.views import CELL_PX, SEARCH_PX_PER_MM
from experiments.names.canvases import Canvas, Pages
from experiments.names.fonts import faces
from experiments.names.networks import Where

SIDE_MM = 80.0
LETTER_MM = 2.5  # sizes are learnt as the logarithm over it
CELLS = round(SIDE_MM * SEARCH_PX_PER_MM) // CELL_PX
CELL_MM = CELL_PX / SEARCH_PX_PER_MM


def searched(canvas: Canvas) -> np.ndarray:
    side = CELLS * CELL_PX
    return cv2.resize(canvas.layers, (side, side), interpolation=cv2.INTER_AREA)


def targets(canvas: Canvas) -> np.ndarray:
    """float32 (7, CELLS, CELLS): heat, weight of the heat, weight of the rest, and 4 values."""
    answer = np.zeros((7, CELLS, CELLS), np.float32)
    answer[1] = 1
    y, x = np.mgrid[:CELLS, :CELLS] + 0.5
    for cx, cy, w, h in canvas.cut:
        hidden = (np.abs(x - cx) < w / 2 + 1) & (np.abs(y - cy) < h / 2 + 1)
        answer[1][hidden] = 0
    for box in canvas.boxes:
        cx, cy, w, h = box / CELL_MM
        heat = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * 0.8**2))
        heat[int(np.clip(cy, 0, CELLS - 1)), int(np.clip(cx, 0, CELLS - 1))] = 1
        answer[0] = np.maximum(answer[0], heat)
        answer[1][heat > 0.1] = 1
        near = (np.abs(x - cx) < 1.5) & (np.abs(y - cy) < 1.5)
        answer[2][near] = 1
        for k, value in enumerate((cx - x, cy - y, np.log(h / LETTER_MM), np.log(w / LETTER_MM))):
            answer[3 + k][near] = value[near] if np.ndim(value) else value
    return answer


def loss_of(out: torch.Tensor, answer: torch.Tensor) -> torch.Tensor:
    """The focal loss of centres (Zhou 2019), and L1 of place and size."""
    heat, weight, near = answer[:, 0], answer[:, 1], answer[:, 2]
    p = torch.sigmoid(out[:, 0]).clamp(1e-4, 1 - 1e-4)
    hit = (heat >= 1).float()
    focal = hit * (1 - p) ** 2 * torch.log(p) + (1 - hit) * (1 - heat) ** 4 * p**2 * torch.log(
        1 - p
    )
    centres = -(weight * focal).sum() / hit.sum().clamp(min=1)
    rest = (F.l1_loss(out[:, 1:], answer[:, 3:], reduction="none") * near[:, None]).sum()
    return centres + 0.5 * rest / near.sum().clamp(min=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fonts", type=Path)
    parser.add_argument("pages", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=700)
    parser.add_argument("--batch", type=int, default=8)
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    rng = np.random.default_rng(17)
    pages = Pages(args.pages, faces(args.fonts, held_out=False))
    network = Where().to(memory_format=torch.channels_last)
    learn = torch.optim.AdamW(network.parameters(), 3e-3, weight_decay=1e-4)
    plan = torch.optim.lr_scheduler.OneCycleLR(learn, 4e-3, total_steps=args.steps)
    start, mean = time.time(), 0.0
    for step in range(args.steps):
        made = [pages.canvas(rng, side_mm=SIDE_MM) for _ in range(args.batch)]
        seen = torch.from_numpy(np.stack([searched(c) for c in made])).permute(0, 3, 1, 2) / 255
        answer = torch.from_numpy(np.stack([targets(c) for c in made]))
        loss = loss_of(network(seen), answer)
        learn.zero_grad()
        loss.backward()
        learn.step()
        plan.step()
        mean = 0.95 * mean + 0.05 * loss.item() if step else loss.item()
        if step % 50 == 49:
            print(f"{step + 1} {mean:.3f} {time.time() - start:.0f} s", flush=True)
            torch.save(network.state_dict(), args.out)
    torch.save(network.state_dict(), args.out)


if __name__ == "__main__":
    main()
