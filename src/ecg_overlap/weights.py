"""Files of weights: Lightning checkpoints and safetensors, each with the network's own spec.

A .safetensors carries the spec as JSON in its header, under `ecg_overlap.network`; where a
file of the same name plus .sha256 lies beside it, its digest must agree.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from data_gen.errors import InputError
from data_gen.formats.files import sha256

SPEC = "ecg_overlap.network"
Weights = tuple[dict[str, Any], dict[str, Tensor]]


def read_weights(file: Path) -> Weights:
    """The network's spec and its weights by name.

    Raises:
        InputError: Not a file of this project, or a damaged one.
    """
    return _read_safetensors(file) if file.suffix == ".safetensors" else _read_checkpoint(file)


def _read_checkpoint(file: Path) -> Weights:
    try:
        checkpoint = torch.load(file, map_location="cpu", weights_only=True)
        spec, state = checkpoint["network"], checkpoint["state_dict"]
    except Exception as error:  # torch.load raises a dozen types on a foreign file
        raise InputError(
            file, f"not a checkpoint of ecg-overlap ({type(error).__name__})", "train one"
        ) from error
    return spec, {
        name.removeprefix("model."): value
        for name, value in state.items()
        if name.startswith("model.")
    }


def _read_safetensors(file: Path) -> Weights:
    check_digest(file)
    try:
        with safe_open(file, framework="pt") as stored:
            spec = json.loads((stored.metadata() or {})[SPEC])
            return spec, {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, ValueError) as error:
        raise InputError(
            file,
            f"not weights of ecg-overlap ({type(error).__name__})",
            "give a file that `ecg-overlap export --to safetensors` wrote",
        ) from error


def write_safetensors(file: Path, spec: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
    """Write weights with their spec."""
    plain = {name: value.detach().cpu().contiguous() for name, value in weights.items()}
    save_file(plain, file, metadata={"format": "pt", SPEC: json.dumps(spec)})


def digest_file(file: Path) -> Path:
    """Where the digest of a file lies."""
    return file.with_name(file.name + ".sha256")


def check_digest(file: Path) -> None:
    """Compare a file with the digest beside it, if there is one.

    Raises:
        InputError: They differ.
    """
    beside = digest_file(file)
    if beside.is_file():
        wanted = beside.read_text().split()
        if not wanted or sha256(file) != wanted[0]:
            raise InputError(
                file, f"damaged: its SHA-256 is not the one in {beside.name}", "fetch it anew"
            )
