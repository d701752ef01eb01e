"""What the commands share: the forms of their options, their networks, how they are stopped."""

import argparse
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import cast

from data_gen.errors import InputError
from data_gen.formats.files import check_digest
from data_gen.pool import Stop
from ecg_overlap import weights
from ecg_overlap.digitize.documents import SUFFIXES
from ecg_overlap.digitize.listing import Listing, list_files
from ecg_overlap.digitize.network import Both, InkNetwork, Network, no_network
from ecg_overlap.digitize.plans import Needs, plan_for

STOPPED = 130  # what shells expect of a program that Ctrl-C ended


def positive(text: str) -> float:
    """An option's number."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def count(text: str) -> int:
    """An option's whole number from 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return value


def files_of(patterns: Sequence[str], *, recursive: bool, besides: Path | None = None) -> Listing:
    """The files that were meant.

    Raises:
        InputError: There is none.
    """
    found = list_files(patterns, recursive=recursive, besides=besides)
    if not found.files:
        what = "; ".join(["no picture there", *filter(None, [found.left_out()])])
        raise InputError(" ".join(patterns), what, f"give {', '.join(SUFFIXES)}")
    return found


def make_folder(folder: Path) -> None:
    """Make a folder of results.

    Raises:
        InputError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            folder, f"cannot be made ({error.strerror})", "choose another --out"
        ) from error


def loader(method: str, checkpoint: Path | None, *, default: str) -> Callable[[], Network | None]:
    """A function that loads the network which the method needs, in the process that calls it.

    Args:
        method: As typed.
        checkpoint: A file of weights instead of the package's.
        default: What the method "default" stands for.

    Raises:
        InputError: An unknown method, or no network for it; no other method steps in.
    """
    plan = plan_for(method, default=default)
    if plan.network is None:
        return no_network
    if checkpoint is not None and not checkpoint.is_file():
        raise InputError(checkpoint, "no such checkpoint", "give a .ckpt, .safetensors or .onnx")
    if plan.network is Needs.INK and (checkpoint is None or checkpoint.suffix == ".onnx"):
        return partial(_load_ink, checkpoint)
    if checkpoint is None:
        if plan.network is Needs.OWN:
            raise InputError(
                f"--method {method}",
                "the network in the package is not made for it",
                "give --checkpoint",
            )
        check_digest(weights.packaged())
    if plan.network is Needs.BOTH:
        check_digest(weights.packaged_ink())
        return partial(_load_both, checkpoint)
    return partial(_load_network, checkpoint)


def _load_ink(graph: Path | None) -> Network:
    """By ONNX Runtime, once in each process: it needs no torch."""
    from ecg_overlap.onnx_ink import load_ink

    return load_ink(graph)


def _load_both(checkpoint: Path | None) -> Network:
    """A network that tells traces apart, and the package's that sees ink."""
    return Both(_load_network(checkpoint), cast(InkNetwork, _load_ink(None)))


@lru_cache(maxsize=1)
def _load_network(checkpoint: Path | None) -> Network:
    """Once in each process."""
    import ecg_overlap

    network: Network = ecg_overlap.load_model(checkpoint)
    return network


@contextmanager
def asked_to_stop() -> Iterator[Stop]:
    """The first Ctrl-C, or SIGTERM, lets what is under way be finished; a second interrupts it."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # signals are the main thread's
        return

    def ask(number: int, frame: object) -> None:
        stop.set()
        for each in before:
            signal.signal(each, signal.default_int_handler)

    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    for each in before:
        signal.signal(each, ask)
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
