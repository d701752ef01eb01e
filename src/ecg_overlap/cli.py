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

from tqdm import tqdm

from data_gen.errors import InputError
from data_gen.pool import Stop
from ecg_overlap import weights
from ecg_overlap.digitize.batch import (
    Box,
    Options,
    Row,
    digitize_files,
    no_network,
    picture_files,
    record_names,
)
from ecg_overlap.digitize.grid import find_grid
from ecg_overlap.digitize.grid.draw import draw_grid
from ecg_overlap.digitize.lead import Network
from ecg_overlap.digitize.plans import choices, plan_for
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
    arguments = _parser().parse_args(argv)
    try:
        run: Callable[[argparse.Namespace], int] = arguments.run
        return run(arguments)
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
    add("--fs", type=_positive, default=500.0, help="samples per second (default 500)")
    add(
        "--method",
        default="default",
        help=f"{choices()}. default: what the network is best read by; "
        "classical needs no network, and does not load torch",
    )
    add("--box", type=_box, metavar="X,Y,W,H", help="the lead's place in the picture, px")
    add("--row", type=float, metavar="Y", help="row of the lead's 0 mV in the picture, px")
    add("--checkpoint", type=Path, help="a network's weights instead of the package's")
    add("--jobs", type=_count, default=1, help="processes (default 1)")
    _add_export(commands.add_parser("export", help="a checkpoint to safetensors or ONNX"))
    return parser


def _add_export(command: argparse.ArgumentParser) -> None:
    command.set_defaults(run=_export)
    add = command.add_argument
    add("--ckpt", type=Path, nargs="+", required=True, help="what train.py wrote; several: average")
    add(
        "--shares",
        type=float,
        nargs="+",
        default=(),
        help="of each in the average (default: alike)",
    )
    add("--to", required=True, metavar="FORMAT", help="safetensors or onnx")
    add("--out", type=Path, required=True, help="the file")
    add("--method", help="what the network is best read by, if not by what its kind is")
    add("--card", type=Path, help="the model card (default: the file's name and .md)")
    add("--results", type=Path, nargs="+", default=(), help="results.json files for the card")
    add("--trained-by", metavar="COMMAND", help="the command that trained it, for the card")


def _pictures(arguments: argparse.Namespace) -> list[Path]:
    paths = picture_files(arguments.paths)
    if not paths:
        kinds = ", ".join(SUFFIXES)
        raise InputError(" ".join(arguments.paths), "no picture there", f"give {kinds}")
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
    """How a process gets the network that the method needs.

    Raises:
        InputError: An unknown method, or no network for it: a method that was not asked for is
            no replacement.
    """
    # The package's network reads what is not told otherwise.
    plan = plan_for(method, default="unet+stroke")
    if not plan.needs_network:
        return no_network
    if checkpoint is None:
        if plan.own_network:
            raise InputError(
                f"--method {method}",
                "the package's network is another",
                "give --checkpoint",
            )
        weights.check_digest(weights.packaged())
    elif not checkpoint.is_file():
        raise InputError(checkpoint, "no such checkpoint", "give a .ckpt or a .safetensors")
    return partial(_load_network, checkpoint)


@lru_cache(maxsize=1)
def _load_network(checkpoint: Path | None) -> Network:
    """Once in each process."""
    import ecg_overlap

    network: Network = ecg_overlap.load_model(checkpoint)
    return network


def _digitize(arguments: argparse.Namespace) -> int:
    """Every picture to its files; one line per failure; summary.csv."""
    paths = _pictures(arguments)
    # A wrong option fails once, before the first picture.
    load_network = _loader(arguments.method, arguments.checkpoint)
    options = Options(
        out=arguments.out,
        px_per_mm=arguments.px_per_mm,
        mm_per_s=arguments.mm_per_s,
        mm_per_mv=arguments.mm_per_mv,
        fs_hz=arguments.fs,
        method=arguments.method,
        box=arguments.box,
        row_px=arguments.row,
        load_network=load_network,
    )
    rows: list[Row] = []
    with _ctrl_c_stops() as stop, suppress(KeyboardInterrupt):
        _make(arguments.out)
        found = digitize_files(paths, options, jobs=arguments.jobs, stop=stop)
        for row in tqdm(found, total=len(paths)):
            rows.append(row)
            if row.status != "ok":
                tqdm.write(row.reason, file=sys.stderr)
    summary = write_summary(rows, arguments.out / "summary.csv")
    done = sum(row.status == "ok" for row in rows)
    left = len(paths) - len(rows)
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


def write_summary(rows: Sequence[Row], path: Path) -> Path:
    """One line per picture; an empty cell where something is not known."""
    with readable_file(path) as made, made.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(field.name for field in fields(Row))
        lines.writerows(astuple(row) for row in rows)
    return path


def _grid(arguments: argparse.Namespace) -> int:
    """Print every picture's grid and write NAME_grid.png; one line per failure."""
    paths = _pictures(arguments)
    _make(arguments.out)
    failed = 0
    for path, name in zip(paths, record_names(paths), strict=True):
        try:
            image = read_image(path)
            grid = find_grid(image)
        except InputError as error:
            failed += 1
            print(error if str(path) in str(error) else f"{path}: {error}", file=sys.stderr)
            continue
        drawn = write_png(draw_grid(image, grid), arguments.out / f"{name}_grid.png")
        print(
            f"{path}: {grid.px_per_mm_x:.4f} × {grid.px_per_mm_y:.4f} px/mm, "
            f"{grid.angle_deg:+.3f}°, confidence {grid.confidence:.2f} ({grid.source}); see {drawn}"
        )
    return 1 if failed else 0


def _export(arguments: argparse.Namespace) -> int:
    """Write the weights and say how close they are to the checkpoint's."""
    from ecg_overlap.export import export  # torch, which the other commands may do without

    made = export(
        *arguments.ckpt,
        shares=arguments.shares,
        to=arguments.to,
        out=arguments.out,
        method=arguments.method,
        card=arguments.card,
        results=arguments.results,
        trained_by=arguments.trained_by,
    )
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
