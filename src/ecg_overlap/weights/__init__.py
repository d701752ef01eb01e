"""The trained network that comes with the package, and the digest beside a file of weights.

Needs no torch: the command line looks here before it decides to load that.
"""

from pathlib import Path

from data_gen.errors import InputError
from data_gen.formats.files import sha256

PACKAGED = Path(__file__).parent / "unet.safetensors"
PACKAGED_INK = Path(__file__).parent / "ink.onnx"


def packaged() -> Path:
    """The file of the network that tells traces apart.

    Raises:
        InputError: It is not in this install, or its digest is not.
    """
    return _whole(PACKAGED)


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
                "is missing from this install, so the package has no network",
                "install ecg-overlap anew, name a checkpoint, or use the method `classical`, "
                "which needs none",
            )
    return weights


def digest_file(file: Path) -> Path:
    """Where the digest of a file lies."""
    return file.with_name(file.name + ".sha256")


def check_digest(file: Path) -> str:
    """The file's SHA-256, in hex, compared with the digest beside it if there is one.

    Raises:
        InputError: They differ.
    """
    found = sha256(file)
    beside = digest_file(file)
    if beside.is_file() and beside.read_text(encoding="utf-8").split()[:1] != [found]:
        raise InputError(
            file,
            f"damaged: its SHA-256 is not the one in {beside.name}",
            "install or export it anew",
        )
    return found
