"""Train the network that tells traces that were changed over.

Learning rate: up for 100 steps, held, and in the last third down to nothing.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from experiments.identity.examples import LONGEST, SHORTEST, Example, example
from experiments.identity.network import Changed, Likeness
from experiments.identity.records import records

BATCH = 32
RATE, WARM_UP, COOL_DOWN = 2e-3, 100, 1 / 3
TRIED = 600  # examples of fold 9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ptbxl", type=Path)
    parser.add_argument("more", type=Path, help="a folder of further WFDB records")
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=250)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    rng = np.random.default_rng(arguments.seed)
    learnt, tried = records(arguments.ptbxl, arguments.more)
    fixed = np.random.default_rng(9)
    trials = [[example(fixed, tried, LONGEST) for _ in range(BATCH)] for _ in range(TRIED // BATCH)]
    network = Changed(Likeness())
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-2)
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / WARM_UP, left(step, arguments.steps))
    )
    losses = []
    for step in range(1, arguments.steps + 1):
        n = int(rng.integers(SHORTEST, LONGEST + 1))
        seen, changed = batch([example(rng, learnt, n) for _ in range(BATCH)])
        loss = cross_entropy(network(seen), changed)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        rate.step()
        losses.append(loss.item())
        if step % arguments.every == 0 or step == arguments.steps:
            says, right = score(network, trials)
            print(
                f"{step:6} {np.mean(losses[-arguments.every :]):.3f} {says:.3f} {right:.3f}",
                flush=True,
            )
            torch.save(network.likeness.state_dict(), arguments.out)


def left(step: int, steps: int) -> float:
    """The factor of the rate at the end."""
    return (steps - step) / (COOL_DOWN * steps)


def batch(examples: list[Example]) -> tuple[torch.Tensor, torch.Tensor]:
    seen = torch.from_numpy(np.stack([each.seen for each in examples]))
    return seen, torch.tensor([float(each.changed) for each in examples])


@torch.no_grad()
def score(network: Changed, trials: list[list[Example]]) -> tuple[float, float]:
    """Cross entropy, and the share that is right, of fold 9."""
    network.eval()
    batches = [batch(trial) for trial in trials]
    logits = torch.cat([network(seen) for seen, _ in batches])
    changed = torch.cat([truth for _, truth in batches])
    network.train()
    right = ((logits > 0) == (changed > 0.5)).float().mean()
    return float(cross_entropy(logits, changed)), float(right)


if __name__ == "__main__":
    main()
