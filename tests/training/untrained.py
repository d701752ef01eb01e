"""What train.py would leave of a network that was never trained."""

from pathlib import Path

import torch

from ecg_overlap.contract import stored_spec
from ecg_overlap.ink_net import InkNet
from ecg_overlap.models import SegmentationModel


def checkpoint_of(model: InkNet | SegmentationModel, folder: Path, *, step: int = 1) -> Path:
    """Its checkpoint in a run's folder; statistics as after training, not 0 and 1."""
    for name, value in model.named_buffers():
        if name.endswith("running_mean"):
            value.uniform_(-0.1, 0.1)
        elif name.endswith("running_var"):
            value.uniform_(0.5, 1.5)
    state = {f"model.{name}": value for name, value in model.state_dict().items()}
    file = folder / "checkpoints" / "best.ckpt"
    file.parent.mkdir(parents=True)
    torch.save(
        {"network": stored_spec(model), "state_dict": state, "global_step": step},  # type: ignore[arg-type]
        file,
    )
    return file
