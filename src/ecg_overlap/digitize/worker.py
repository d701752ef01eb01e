"""What a worker of a Dask cluster does with a picture, as the process of a command would."""

import hashlib
import sys
import threading
from collections.abc import Callable
from contextlib import chdir
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import data_gen
from data_gen.errors import InputError
from data_gen.pool import one_thread
from ecg_overlap.digitize.documents import Picture
from ecg_overlap.digitize.write import version_of

Row = TypeVar("Row")
Reading = tuple[Picture, Path]  # a picture to read, and its record's folder and name
# What a record's numbers come from beside our own files: equal versions give equal files.
COMPUTING = (
    *("ecg-overlap", "numpy", "scipy", "opencv-python-headless", "numba", "onnxruntime"),
    *("pillow", "pypdfium2", "wfdb", "rapidocr"),
)
OUR_FILES = (".py", ".j2", ".css", ".onnx", ".safetensors")


@dataclass(frozen=True)
class Order:
    """What holds for all pictures of one command.

    Args:
        run: A name for the command.
        folder: Where it stands: its paths are meant from there.
        installed: As of `installed`, where the command runs.
    """

    run: str
    folder: Path
    installed: tuple[tuple[str, str | None], ...]


_one_at_a_time = threading.Lock()  # a folder to stand in, and the memory of one page
_ended: set[str] = set()


def begin_no_more(run: str) -> None:
    """Let this worker begin no more pictures of a command."""
    _ended.add(run)


def read_on_worker(work: Callable[[Any], Row], task: Reading, order: Order) -> list[Row]:
    """The row of one picture; none where the command was stopped before it was begun.

    Raises:
        InputError: This worker is another version than the client, or does not see its files.
    """
    with _one_at_a_time:
        if order.run in _ended:
            return []
        one_thread()
        _refuse_other_versions(order)
        file = order.folder / task[0].path
        if not (order.folder.is_dir() and file.exists()):
            raise InputError(
                _here(),
                f"does not see {file}",
                "start workers where the same folders are, under the same names",
            )
        with chdir(order.folder):
            return [work(task)]


def _refuse_other_versions(order: Order) -> None:
    ours = installed()
    for name, wanted in order.installed:
        if ours.get(name) != wanted:
            raise InputError(
                _here(),
                f"has {name} {ours.get(name)}, this command {wanted}",
                "install the same on all workers, and start them again",
            )


def _here() -> str:
    from distributed import get_worker

    return f"worker {get_worker().address}"


@lru_cache(maxsize=1)
def installed() -> dict[str, str | None]:
    """What results depend on: versions, and a digest of our own files; None: not installed."""
    digest = hashlib.sha256()
    for folder in (Path(data_gen.__file__).parent, Path(__file__).parents[1]):
        for file in sorted(f for f in folder.rglob("*") if f.suffix in OUR_FILES):
            digest.update(f"{file.relative_to(folder).as_posix()}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    python = ".".join(map(str, sys.version_info[:2]))
    versions = {name: version_of(name) for name in COMPUTING}
    return {"Python": python} | versions | {"ecg-overlap's code": digest.hexdigest()[:12]}
