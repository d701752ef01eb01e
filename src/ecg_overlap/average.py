"""One network of several: the mean of the weights of checkpoints that share a start.

Networks that were trained on from the same weights mostly stay in one basin of the loss, so that
the mean of their weights is a working network too. It has much of what each of them has learnt, and
loses less of what the start could do: M. Wortsman et al., "Robust fine-tuning of zero-shot
models", arXiv 2109.01903, and "Model soups", arXiv 2203.05482.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from data_gen.dials import as_number
from data_gen.errors import InputError
from ecg_overlap.contract import build, stored_spec
from ecg_overlap.network import ModelNetwork, load_model


@dataclass(frozen=True)
class Part:
    """A checkpoint in an average.

    Args:
        checkpoint: Its file.
        network: What it holds.
        share: Its weight, 0–1; those of all parts sum to 1.
    """

    checkpoint: Path
    network: ModelNetwork
    share: float


def load_parts(
    checkpoints: Sequence[str | Path],
    shares: Sequence[float] = (),
    *,
    network: type | None = None,
) -> list[Part]:
    """The checkpoints of an average, or the one that stands alone.

    Args:
        checkpoints: At least one.
        shares: Of each, relative to the others; none: all alike.
        network: See `load_model`.

    Raises:
        InputError: No checkpoint, one that cannot be read, different networks, shares that are
            not one for each checkpoint, or one that is not positive.
    """
    if not checkpoints:
        raise InputError("checkpoints", "there is none", "give at least one")
    shares = list(shares) or [1.0] * len(checkpoints)
    if len(shares) != len(checkpoints):
        raise InputError(
            "shares", f"{len(shares)} of {len(checkpoints)} checkpoints", "give one for each"
        )
    for share in shares:
        as_number("shares", share, lowest=1e-9, highest=1e9)
    parts = [
        Part(Path(checkpoint), load_model(checkpoint, network=network), share / sum(shares))
        for checkpoint, share in zip(checkpoints, shares, strict=True)
    ]
    spec = stored_spec(parts[0].network.model)
    for part in parts[1:]:
        if stored_spec(part.network.model) != spec:
            raise InputError(
                part.checkpoint,
                f"not the network of {parts[0].checkpoint}",
                "average checkpoints that were trained on from the same weights",
            )
    return parts


def average(parts: Sequence[Part]) -> ModelNetwork:
    """The network whose weights are the parts' mean; of a single part, that part's own.

    Running means and variances of batch normalization are averaged like weights. Whole numbers
    (its counts of batches) are the first part's.
    """
    first = parts[0].network
    if len(parts) == 1:
        return first
    states = [part.network.model.state_dict() for part in parts]

    def mean(name: str, value: Tensor) -> Tensor:
        if not value.is_floating_point():
            return value
        each = [p.share * state[name].double() for p, state in zip(parts, states, strict=True)]
        return torch.stack(each).sum(dim=0).to(value.dtype)

    state = {name: mean(name, value) for name, value in states[0].items()}
    spec, kind = stored_spec(first.model), type(first.model)
    return ModelNetwork(build(spec, state, where="average", network=kind), method=first.info.method)
