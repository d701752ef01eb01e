"""What an install may lack: one line says which extra brings it."""

from collections.abc import Iterator
from contextlib import contextmanager

from data_gen.errors import InputError

OURS = ("data_gen", "ecg_overlap")


@contextmanager
def needs_extra(extra: str, what: object) -> Iterator[None]:
    """Turns a missing package into one line.

    Args:
        extra: Of pyproject.toml, which brings the package.
        what: What needs it, as the user knows it.

    Raises:
        InputError: A package that is imported in the block is not installed.

    Example:
        >>> with needs_extra("train", "train.py"):
        ...     import no_such_package
        Traceback (most recent call last):
        data_gen.errors.InputError: train.py: no_such_package is not installed; pip install \
"ecg-overlap[train]"
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if str(error.name).split(".")[0] in OURS:
            raise  # a defect, which no install mends
        raise InputError(
            what, f"{error.name} is not installed", f'pip install "ecg-overlap[{extra}]"'
        ) from None
