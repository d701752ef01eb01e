"""Files of weights: Lightning checkpoints and safetensors, each with the network's own spec.

A .safetensors carries its facts (`facts.SPEC`, `facts.METHOD`) in its header; where a file of the
same name plus .sha256 lies beside it, its digest must agree.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from data_gen.errors import InputError
from data_gen.formats.files import check_digest, sha256
from ecg_overlap.weights.facts import METHOD, SPEC


@dataclass(frozen=True)
class Weights:
    """What a file of weights holds.

    Args:
        spec: What makes the network anew: its class, unless that is `SegmentationModel`, and the
            arguments of it.
        state: Weights by name.
        sha256: Of the file, in hex.
        method: What the network is best read by; None: what networks of its kind are read by.
    """

    spec: dict[str, Any]
    state: dict[str, Tensor]
    sha256: str
    method: str | None = None


def read_weights(file: Path) -> Weights:
    """The network's spec and its weights by name.

    Raises:
        InputError: Not a file of this project, or a damaged one.
    """
    return _read_safetensors(file) if file.suffix == ".safetensors" else _read_checkpoint(file)


def _read_checkpoint(file: Path) -> Weights:
    try:
        checkpoint = torch.load(file, map_location="cpu", weights_only=True)
        spec, state = dict(checkpoint["network"]), dict(checkpoint["state_dict"])
    except Exception as error:  # torch.load raises a dozen types on a foreign file
        raise InputError(
            file,
            f"not a checkpoint of ecg-overlap ({type(error).__name__})",
            "give a .ckpt of train.py, or a .safetensors",
        ) from error
    of_model = {
        name.removeprefix("model."): value
        for name, value in state.items()
        if name.startswith("model.")
    }
    return Weights(spec, of_model, sha256(file))


def _read_safetensors(file: Path) -> Weights:
    digest = check_digest(file)
    try:
        with safe_open(file, framework="pt") as stored:
            facts = stored.metadata() or {}
            state = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
            return Weights(json.loads(facts[SPEC]), state, digest, facts.get(METHOD))
    except Exception as error:  # a stranger's header provokes more than SafetensorError
        raise InputError(
            file,
            f"not weights of ecg-overlap ({type(error).__name__})",
            "give a file that `ecg-overlap export --to safetensors` wrote",
        ) from error


def write_safetensors(file: Path, facts: Mapping[str, str], weights: Mapping[str, Tensor]) -> None:
    """Write weights by name, with facts for the header: `SPEC`, which is needed, and `METHOD`.

    The same weights and facts give the same bytes: results name weights by the file's digest.
    """
    plain = {name: value.detach().cpu().contiguous() for name, value in weights.items()}
    file.write_bytes(_in_order(save(plain, metadata={"format": "pt", **facts})))


def places(file: Path) -> dict[str, tuple[int, int]]:
    """Where in a .safetensors each tensor lies: its first byte and its length."""
    stored = file.read_bytes()
    begin = 8 + int.from_bytes(stored[:8], "little")
    offsets = {
        name: each["data_offsets"]
        for name, each in json.loads(stored[8:begin]).items()
        if name != "__metadata__"
    }
    return {name: (begin + first, end - first) for name, (first, end) in offsets.items()}


def _in_order(stored: bytes) -> bytes:
    """A safetensors file with its header's keys sorted: the library leaves their order to chance.

    Format: the header's length (8 bytes, little endian), the header as JSON, the tensors.
    """
    end = 8 + int.from_bytes(stored[:8], "little")
    header = json.dumps(json.loads(stored[8:end]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # the tensors stay aligned
    return len(header).to_bytes(8, "little") + header + stored[end:]
