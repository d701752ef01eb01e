"""Where the configurations are."""

from pathlib import Path

from data_gen.errors import InputError


def conf_dir() -> Path:
    """The folder of the config files: the repository's, or the one inside an installed wheel.

    Raises:
        InputError: Neither is there.
    """
    here = Path(__file__).resolve().parent
    for folder in (here.parent / "conf", here / "conf"):
        if (folder / "page").is_dir():
            return folder
    raise InputError("conf", f"not found beside {here}", "install the package again")
