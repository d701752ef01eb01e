"""The files of the networks that a reading of all traces needs, whichever finds their ink.

A page is read without `identity`. An install that lacks it is damaged all the same, and is refused.
"""

from pathlib import Path

from data_gen.errors import InputError
from data_gen.formats.files import check_digest, digest_file

WEIGHTS = Path(__file__).parents[1] / "weights"
NEEDED = ("names_where", "names_which", "identity")


def packaged(name: str) -> Path:
    """The file of a network that comes with the package.

    Raises:
        InputError: It is not in this install, or damaged.
    """
    file = WEIGHTS / f"{name}.onnx"
    if not (file.is_file() and digest_file(file).is_file()):
        raise InputError(file, "is missing from this install", "install ecg-overlap anew")
    check_digest(file)
    return file
