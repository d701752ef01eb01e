"""A trained network by torch: read from its file, as the callable that `digitize_lead` takes."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from data_gen.errors import InputError
from ecg_overlap import weights
from ecg_overlap.contract import Model, build
from ecg_overlap.narrow import outputs_of
from ecg_overlap.reading import Outputs, Reader
from ecg_overlap.weights.files import read_weights


class ModelNetwork(Reader):
    """A trained model, run by torch.

    Args:
        model: Put into evaluation mode.
        device: Where it runs.
        checkpoint: As of `Reader`.
        sha256: As of `Reader`.
        method: As of `Reader`.

    Raises:
        InputError: A method that this network cannot serve.
    """

    def __init__(
        self,
        model: Model,
        device: str | torch.device = "cpu",
        *,
        checkpoint: str | None = None,
        sha256: str | None = None,
        method: str | None = None,
    ) -> None:
        super().__init__(
            model.input_spec,
            checkpoint=checkpoint,
            sha256=sha256,
            params=sum(p.numel() for p in model.parameters()),
            method=method,
        )
        self.device = torch.device(device)
        self.model = model.to(self.device).eval()

    @torch.inference_mode()
    def outputs(self, channels: NDArray[np.float32], *names: str) -> Outputs:
        """The model's outputs of these names."""
        found = outputs_of(self.model, torch.from_numpy(channels).to(self.device))
        return {name: found[name].float().cpu().numpy() for name in names}


def shown(file: Path) -> str:
    """The path as a record of it may be passed on: below the working folder, else the name."""
    here = Path.cwd()
    return (
        str(file.resolve().relative_to(here)) if file.resolve().is_relative_to(here) else file.name
    )


def load_model(
    path: str | Path | None = None, *, device: str = "cpu", network: type | None = None
) -> ModelNetwork:
    """Load the network that comes with the package, or one that was trained or exported.

    Args:
        path: A .ckpt of `train.py` or a .safetensors of `ecg-overlap export`; None: the package's.
        device: Where the network runs.
        network: The class that the file names, if it is not one of this package's. A file
            alone makes nothing be imported from elsewhere: it may come from a stranger.

    Raises:
        InputError: No such file, not of this project, damaged, a network of a class from
            elsewhere that is not given, or weights that do not fit.
    """
    file = weights.packaged() if path is None else Path(path)
    if not file.is_file():
        raise InputError(file, "no such checkpoint", "give a .ckpt or a .safetensors")
    stored = read_weights(file)
    origin = f"package: {file.name} (sha256 {stored.sha256[:12]})" if path is None else shown(file)
    return ModelNetwork(
        build(stored.spec, stored.state, where=file, network=network),
        device,
        checkpoint=origin,
        sha256=stored.sha256,
        method=stored.method,
    )
