"""The command line: `ecg-overlap digitize PATH…`, `grid PATH…` and `export --ckpt FILE`."""

import argparse
import csv
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple, fields
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, cast

from tqdm import tqdm

from data_gen.errors import InputError
from data_gen.pool import Stop
from ecg_overlap import weights
from ecg_overlap.digitize.batch import (
    Box,
    Options,
    SummaryRow,
    digitize_files,
    no_network,
    picture_files,
    record_names,
)
from ecg_overlap.digitize.grid import find_grid
from ecg_overlap.digitize.grid.draw import draw_grid
from ecg_overlap.digitize.network import Both, LayerNetwork, Network
from ecg_overlap.digitize.plans import Needs, choices, plan_for
from ecg_overlap.digitize.read_image import SUFFIXES, read_image
from ecg_overlap.digitize.write import readable_file, write_png

STOPPED = 130  # what shells expect of a program that Ctrl-C ended


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Arguments; None: the process's own.

    Returns:
        The exit status: 0, 1 if any picture failed, 130 if stopped by Ctrl-C.
    """
    arguments = vars(_parser().parse_args(argv))
    run: Callable[..., int] = arguments.pop("run")
    try:
        return run(**arguments)
    except InputError as error:
        print(f"ecg-overlap: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("ecg-overlap", description="Digitize ECG pictures.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    digitize = commands.add_parser("digitize", help="single-lead pictures to WFDB, CSV and JSON")
    digitize.set_defaults(run=_digitize)
    grid = commands.add_parser("grid", help="draw the grid that is found on each picture")
    grid.set_defaults(run=_grid)
    for command in (digitize, grid):
        command.add_argument("paths", nargs="+", metavar="PATH", help="files, folders or globs")
    grid.add_argument("--out", type=Path, default=Path(), help="folder for the drawings")
    add = digitize.add_argument
    add("--out", type=Path, required=True, help="folder for the results; made if need be")
    add("--px-per-mm", type=_positive, help="scale; without it the grid is measured")
    add("--mm-per-s", type=_positive, default=25.0, help="paper speed (default 25)")
    add("--mm-per-mv", type=_positive, default=10.0, help="gain (default 10)")
    add("--fs", dest="fs_hz", type=_positive, default=500.0, help="sampling rate (default 500)")
    add(
        "--method",
        default="default",
        help=f"{choices()}. default: the method that suits the network best; "
        "classical needs no network, and does not load torch",
    )
    add("--box", type=_box, metavar="X,Y,W,H", help="the lead's place in the picture, px")
    add("--row", dest="row_px", type=float, help="row of the lead's 0 mV in the picture, px")
    add("--checkpoint", type=Path, help="a network's weights instead of the package's")
    add("--jobs", type=_count, default=1, help="processes (default 1)")
    _add_export(commands.add_parser("export", help="a checkpoint to safetensors or ONNX"))
    return parser


def _add_export(command: argparse.ArgumentParser) -> None:
    command.set_defaults(run=_export)
    add = command.add_argument
    add("--ckpt", type=Path, nargs="+", required=True, help="of train.py; several: their average")
    add("--shares", type=float, nargs="+", default=(), help="of each in the average; else equal")
    add("--to", required=True, metavar="FORMAT", help="safetensors or onnx")
    add("--out", type=Path, required=True, help="the file")
    add("--method", help="the one that suits the network best (default: by its kind)")
    add("--card", type=Path, help="the model card (default: the file's name and .md)")
    add("--results", type=Path, nargs="+", default=(), help="results.json files for the card")
    add("--trained-by", metavar="COMMAND", help="the command that trained it, for the card")


def _pictures(patterns: Sequence[str]) -> list[Path]:
    paths = picture_files(patterns)
    if not paths:
        raise InputError(" ".join(patterns), "no picture there", f"give {', '.join(SUFFIXES)}")
    return paths


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return value


def _box(text: str) -> Box:
    try:
        x, y, w, h = (int(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is not X,Y,W,H in whole pixels") from error
    if min(x, y) < 0 or min(w, h) < 1:
        raise argparse.ArgumentTypeError(f"{text}: X and Y from 0, W and H from 1")
    return x, y, w, h


def _loader(method: str, checkpoint: Path | None) -> Callable[[], Network | None]:
    """A function that loads the network which the method needs, in the process that calls it.

    Raises:
        InputError: An unknown method, or no network for it; no other method steps in.
    """
    # "default" without a checkpoint is read by the package's network.
    plan = plan_for(method, default="unet+stroke")
    if plan.network is None:
        return no_network
    if plan.network is Needs.LAYERS and (checkpoint is None or checkpoint.suffix == ".onnx"):
        return partial(_load_ink, checkpoint)
    if checkpoint is None:
        if plan.network is Needs.OWN:
            raise InputError(
                f"--method {method}",
                "the network in the package is not made for it",
                "give --checkpoint",
            )
        weights.check_digest(weights.packaged())
    elif not checkpoint.is_file():
        raise InputError(checkpoint, "no such checkpoint", "give a .ckpt or a .safetensors")
    if plan.network is Needs.BOTH:
        weights.check_digest(weights.packaged_ink())
        return partial(_load_both, checkpoint)
    return partial(_load_network, checkpoint)


def _load_ink(graph: Path | None) -> Network:
    """By ONNX Runtime, once in each process: it needs no torch."""
    from ecg_overlap.onnx_ink import load_ink

    return load_ink(graph)


def _load_both(checkpoint: Path | None) -> Network:
    """A network that tells traces apart, and the package's that sees ink."""
    return Both(_load_network(checkpoint), cast(LayerNetwork, _load_ink(None)))


@lru_cache(maxsize=1)
def _load_network(checkpoint: Path | None) -> Network:
    """Once in each process."""
    import ecg_overlap

    network: Network = ecg_overlap.load_model(checkpoint)
    return network


def _digitize(
    *,
    paths: Sequence[str],
    out: Path,
    method: str,
    checkpoint: Path | None,
    jobs: int,
    **options: Any,
) -> int:
    """Every picture to its files; one line per failure; summary.csv."""
    pictures = _pictures(paths)
    # A wrong option fails once, before the first picture.
    load_network = _loader(method, checkpoint)
    work = Options(out=out, method=method, load_network=load_network, **options)
    rows: list[SummaryRow] = []
    with _ctrl_c_stops() as stop, suppress(KeyboardInterrupt):
        _make(out)
        found = digitize_files(pictures, work, jobs=jobs, stop=stop)
        for row in tqdm(found, total=len(pictures)):
            rows.append(row)
            if row.status != "ok":
                tqdm.write(row.reason, file=sys.stderr)
    summary = write_summary(rows, out / "summary.csv")
    done = sum(row.status == "ok" for row in rows)
    left = len(pictures) - len(rows)
    if left:
        print(f"ecg-overlap: stopped, {left} pictures left; see {summary}", file=sys.stderr)
        return STOPPED
    print(f"{done} of {len(rows)} digitized; see {summary}")
    return 0 if done == len(rows) else 1


@contextmanager
def _ctrl_c_stops() -> Iterator[Stop]:
    """The first Ctrl-C lets the pictures under way be finished; a second interrupts them."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # signals are the main thread's
        return
    before = signal.getsignal(signal.SIGINT)

    def ask(number: int, frame: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def write_summary(rows: Sequence[SummaryRow], path: Path) -> Path:
    """One line per picture; an empty cell where something is not known."""
    with readable_file(path) as made, made.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(field.name for field in fields(SummaryRow))
        lines.writerows(astuple(row) for row in rows)
    return path


def _grid(*, paths: Sequence[str], out: Path) -> int:
    """Print every picture's grid and write NAME_grid.png; one line per failure."""
    pictures = _pictures(paths)
    _make(out)
    failed = 0
    for path, name in zip(pictures, record_names(pictures), strict=True):
        try:
            image = read_image(path)
            grid = find_grid(image)
        except InputError as error:
            failed += 1
            print(error if str(path) in str(error) else f"{path}: {error}", file=sys.stderr)
            continue
        drawn = write_png(draw_grid(image, grid), out / f"{name}_grid.png")
        print(
            f"{path}: {grid.px_per_mm_x:.4f} × {grid.px_per_mm_y:.4f} px/mm, "
            f"{grid.angle_deg:+.3f}°, confidence {grid.confidence:.2f} "
            f"({grid.source_text}); see {drawn}"
        )
    return 1 if failed else 0


def _export(*, ckpt: Sequence[Path], **options: Any) -> int:
    """Write the weights and say how close they are to the checkpoint's."""
    from ecg_overlap.export import export  # torch, which the other commands may do without

    made = export(*ckpt, **options)
    print(f"{made.weights}: largest difference {made.largest_difference:.1e}; see {made.card}")
    return 0


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            folder, f"cannot be made ({error.strerror})", "choose another --out"
        ) from error


if __name__ == "__main__":
    sys.exit(main())
