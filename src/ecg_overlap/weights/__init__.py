"""The trained networks that come with the package.

Needs no torch.
"""

from pathlib import Path

from data_gen.errors import InputError
from data_gen.formats.files import digest_file

PACKAGED = Path(__file__).parent / "unet.safetensors"
PACKAGED_INK = Path(__file__).parent / "ink.onnx"


def packaged() -> Path:
    """The file of the network that tells traces apart.

    Raises:
        InputError: It is not in this install, or its digest is not.
    """
    return _whole(PACKAGED)


def packaged_graph() -> Path:
    """The graph of that network, whose weights are in the other file.

    Raises:
        InputError: It is not in this install, or its digest is not.
    """
    return _whole(PACKAGED.with_suffix(".onnx"))


def packaged_ink() -> Path:
    """The file of the network that sees ink.

    Raises:
        InputError: It is not in this install, or its digest is not.
    """
    return _whole(PACKAGED_INK)


def _whole(weights: Path) -> Path:
    for file in (weights, digest_file(weights)):
        if not file.is_file():
            raise InputError(
                file,
                "is missing from this install",
                "install ecg-overlap anew, name a checkpoint, or use the method `classical`, "
                "which needs neither of these networks",
            )
    return weights
