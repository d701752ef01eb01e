"""What the commands share: the forms of their options, their networks, how they are stopped."""

import argparse
import math
import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path

from tqdm import tqdm

from data_gen.compiled import told_of_compiling
from data_gen.errors import InputError
from data_gen.extras import needs_extra
from data_gen.pool import Stop
from ecg_overlap.digitize.documents import SUFFIXES
from ecg_overlap.digitize.listing import Listing, list_files
from ecg_overlap.digitize.network import Both, Network, info_of, no_network
from ecg_overlap.digitize.packaged import NEEDED, packaged
from ecg_overlap.digitize.plans import METHODS, Needs, Plan, plan_for

STOPPED = 130  # what shells expect of a program that Ctrl-C ended


def positive(text: str) -> float:
    """An option's number."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def place(text: str) -> str:
    """The name of a file or folder: an unset variable of a shell gives an empty one."""
    if not text:
        raise argparse.ArgumentTypeError("an empty name is no file or folder")
    return text


def folder(text: str) -> Path:
    """An option's folder."""
    return Path(place(text))


def one_line(text: object) -> str:
    r"""A text as a terminal may show it: names of files may hold line breaks and control codes.

    Example:
        >>> print(one_line("scan\n1.png: is blank"))
        scan\n1.png: is blank
    """
    shown = (c if c.isprintable() else ascii(c)[1:-1] for c in str(text))
    return "".join(shown)


def number(text: str) -> float:
    """An option's finite number."""
    value = float(text)
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text} is no number")
    return value


def count(text: str) -> int:
    """An option's whole number from 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return value


def add_workers(command: argparse.ArgumentParser) -> None:
    """The options `--jobs` and `--cluster`, of which one can be chosen."""
    either = command.add_mutually_exclusive_group()
    either.add_argument("--jobs", type=count, default=1, metavar="N", help="processes (default 1)")
    either.add_argument(
        "--cluster",
        type=_scheduler,
        metavar="ADDRESS",
        help="of a Dask scheduler, as tcp://HOST:8786, whose workers read instead of processes "
        "here: started in the same install, where PATH and DIR are the same shared folders",
    )


def _scheduler(text: str) -> str:
    protocol, _, place = text.partition("://")
    host, _, port = place.rpartition(":")
    if protocol not in ("tcp", "tls") or not host or not port.isdecimal():
        raise argparse.ArgumentTypeError(
            f"{text} is no scheduler's address, as tcp://HOST:8786 or tls://HOST:8786"
        )
    return text


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


@contextmanager
def writing_to(out: Path) -> Iterator[None]:
    """Turns what the file system refuses into one clear line.

    Raises:
        InputError: A folder or a file cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise InputError(
            out, f"cannot be written ({error.strerror or error})", "choose another --out"
        ) from error


def make_folder(folder: Path) -> None:
    """Make a folder of results.

    Raises:
        InputError: It cannot be made.
    """
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)


def loader(
    method: str, checkpoint: Path | None, *, default: str, methods: Collection[str] = METHODS
) -> Callable[[], Network | None]:
    """A function that loads the network which the method needs, in the process that calls it.

    What cannot be used is said here, before the first picture: the network is loaded for that.

    Args:
        method: As typed.
        checkpoint: A file of weights instead of the package's.
        default: What the method "default" stands for, without a checkpoint.
        methods: Those that the command can use.

    Raises:
        InputError: An unknown method, no network for it or a damaged one, or a checkpoint of which
            it makes no use; no other method steps in.
    """
    plan = plan_for(method, default=default)
    if plan.of_all_traces:
        for name in NEEDED:
            packaged(name)
    if checkpoint is not None:
        return _loader_of(checkpoint, method, plan, methods)
    if plan.network is None:
        return no_network
    if plan.network is Needs.OWN:
        raise InputError(
            f"--method {method}",
            "the network in the package is not made for it",
            "give --checkpoint",
        )
    _load(None, plan.network)
    return partial(_load, None, plan.network)


def _loader_of(
    checkpoint: Path, method: str, plan: Plan, methods: Collection[str]
) -> Callable[[], Network]:
    """Of a file that the method can use."""
    if plan.network is None:
        raise InputError(
            f"--checkpoint {checkpoint}",
            f"the method {plan.name} uses no network",
            "leave one of the two out",
        )
    if not checkpoint.is_file():
        raise InputError(checkpoint, "no such checkpoint", "give a .ckpt, .safetensors or .onnx")
    info = info_of(_load(checkpoint, Needs.MASK))
    plan = plan_for(method, default=info.method)  # a network's own, where none is asked for
    needs = Needs.MASK if plan.network is Needs.BOTH else plan.network
    if plan.base not in methods or needs is None or not needs.fits(info):
        asked = "this command" if method == "default" else f"--method {method}"
        can = [m for m in methods if (of := METHODS[m].network) is not None and of.fits(info)]
        raise InputError(
            checkpoint,
            f"its network ({info.name}) is none for {asked}",
            f"give --method {' or '.join(can)}" if can else "give another, or leave it out",
        )
    return partial(_load, checkpoint.resolve(), plan.network)  # also where another command stood


def _load(checkpoint: Path | None, needs: Needs | None) -> Network:
    """The network of a file, or the package's that is needed; with `BOTH` that sees ink too."""
    from ecg_overlap.onnx_network import load_ink, load_onnx

    if checkpoint is None and needs is Needs.INK:
        return load_ink()
    by_torch = checkpoint is not None and checkpoint.suffix != ".onnx"
    network: Network = _by_torch(checkpoint) if by_torch else load_onnx(checkpoint)
    return Both(network, load_ink()) if needs is Needs.BOTH else network


@lru_cache(maxsize=1)
def _by_torch(checkpoint: Path) -> Network:
    """Once in each process."""
    with needs_extra("train", f"--checkpoint {checkpoint}"):
        from ecg_overlap.network import load_model

    return load_model(checkpoint)


def listed(texts: Mapping[str, str]) -> str:
    """Names and what they mean, a line each, for the end of a command's help."""
    return "\n".join(f"  {name:<20} {text}" for name, text in texts.items())


@contextmanager
def first_start_told() -> Iterator[None]:
    """A line while functions are compiled, which would look like a bar that stands still."""
    line = "ecg-overlap: compiling the reader, which takes a minute or two, once"
    with told_of_compiling(lambda: tqdm.write(line, file=sys.stderr)):
        yield


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
