"""The command line: `ecg-overlap page PATH…`, `digitize PATH…`, `grid PATH…` and others."""

import argparse
import sys
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

from tqdm import tqdm

from data_gen.errors import InputError
from data_gen.extras import needs_extra
from ecg_overlap.cli_page import add_page
from ecg_overlap.command import (
    STOPPED,
    add_workers,
    asked_to_stop,
    files_of,
    first_start_told,
    folder,
    listed,
    loader,
    make_folder,
    number,
    one_line,
    place,
    positive,
    writing_to,
)
from ecg_overlap.digitize.batch import Options, SummaryRow, digitize_files
from ecg_overlap.digitize.documents import SUFFIXES, Picture, count_pictures, pictures
from ecg_overlap.digitize.grid import find_grid
from ecg_overlap.digitize.grid.draw import draw_grid
from ecg_overlap.digitize.lead_signal import FLAGS
from ecg_overlap.digitize.plans import METHODS
from ecg_overlap.digitize.record_names import Box, RecordNames
from ecg_overlap.digitize.summary import refuse_strange, write_summary
from ecg_overlap.digitize.write import versions, write_png
from ecg_overlap.entries import ENTRIES, launch

MOST_NAME = 40  # letters of a lead's name
DESCRIPTION = f"""\
Digitize pictures of one lead each, from {", ".join(s.removeprefix(".") for s in SUFFIXES)};
of a document every page. Each becomes a record of its own name in DIR: WFDB (.hea, .dat), CSV
and JSON, and NAME_overlay.png to look at; summary.csv lists them. `quality`, in JSON, overlay and
summary, is the probability, 0 to 1, that a lead is right to 10 dB (an error of a third of its
swing), judged by what its reading shows: sort by it, and look at the lowest first.
For a page of several leads there is `ecg-overlap page`."""
EXAMPLES = """\
examples:
  ecg-overlap digitize lead.png --out lead            # look at lead/lead_overlay.png
  ecg-overlap digitize leads/ --recursive --out out --jobs 4
  ecg-overlap digitize page.png --box 100,400,900,300 --lead-name V1 --out v1
  ecg-overlap digitize lead.png --out lead --method classical   # finds ink without one
  ecg-overlap digitize fax.tif --out lead --px-per-mm 8 --mm-per-mv 5
"""
TYPED_METHODS = {"default": "surest; with --checkpoint, what suits its network best"} | {
    name: plan.about for name, plan in METHODS.items()
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Arguments; None: the process's own.

    Returns:
        The exit status: 0, 1 if any picture failed, 130 if stopped by Ctrl-C or SIGTERM.
    """
    typed = sys.argv[1:] if argv is None else list(argv)
    if typed and typed[0] in ENTRIES:  # whose arguments are Hydra's
        launch(typed[0], typed[1:])
        return 0
    arguments = vars(_parser().parse_args(typed))
    run: Callable[..., int] = arguments.pop("run")
    try:
        return run(**arguments)
    except InputError as error:
        print(one_line(f"ecg-overlap: {error}"), file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("ecg-overlap", description="Digitize ECG pictures.")
    version = f"%(prog)s {versions()['ecg-overlap'] or '(a checkout)'}"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    digitize = commands.add_parser(
        "digitize",
        help="single-lead pictures to WFDB, CSV and JSON",
        description=DESCRIPTION,
        epilog=f"{EXAMPLES}\nmethods:\n{listed(TYPED_METHODS)}\n\n"
        f"flags that a lead may get:\n{listed(FLAGS)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    digitize.set_defaults(run=_digitize)
    add_page(commands)
    grid = commands.add_parser("grid", help="draw the grid that is found on each picture")
    grid.set_defaults(run=_grid)
    for command in (digitize, grid):
        command.add_argument(
            "paths", nargs="+", type=place, metavar="PATH", help="files, folders or globs"
        )
    grid.add_argument("--out", type=folder, default=Path(), help="folder for the drawings")
    add = digitize.add_argument
    add("--out", type=folder, required=True, metavar="DIR", help="folder for the results")
    add("--px-per-mm", type=positive, metavar="N", help="scale (default: the grid's)")
    add("--mm-per-s", type=positive, metavar="N", help="paper speed (default: a pulse's, else 25)")
    add("--mm-per-mv", type=positive, metavar="N", help="gain (default: a pulse's, else 10)")
    add("--fs", dest="fs_hz", type=positive, default=500.0, metavar="HZ", help="default 500")
    add("--method", default="default", metavar="NAME", help="see below")
    add("--box", type=_box, metavar="X,Y,W,H", help="the lead's place in the picture, px")
    add("--row", dest="row_px", type=number, metavar="Y", help="row of 0 mV in the picture, px")
    add("--lead-name", type=_lead_name, default="lead", metavar="NAME", help="for the WFDB header")
    add("--checkpoint", type=Path, metavar="FILE", help="a network's weights")
    add_workers(digitize)
    add("--timeout", dest="timeout_s", type=positive, metavar="S", help="that a picture may take")
    add("--recursive", action="store_true", help="also read the folders in folders")
    _add_export(commands.add_parser("export", help="a checkpoint to safetensors or ONNX"))
    for name, about in ENTRIES.items():
        commands.add_parser(name, help=about)
    return parser


def _add_export(command: argparse.ArgumentParser) -> None:
    command.set_defaults(run=_export)
    add = command.add_argument
    add("--ckpt", type=Path, nargs="+", required=True, help="of train.py; several: their average")
    add("--shares", type=float, nargs="+", default=(), help="of each in the average; else equal")
    add("--to", required=True, metavar="FORMAT", help="safetensors or onnx")
    add("--out", type=Path, required=True, help="the file")
    add("--method", help="the one that suits the network best (default: by its kind)")
    add(
        "--weights",
        type=Path,
        metavar="FILE",
        help="a .safetensors to lie beside the graph, which then holds none",
    )
    add("--card", type=Path, help="the model card (default: the file's name and .md)")
    add("--results", type=Path, nargs="+", default=(), help="results.json files for the card")
    add("--trained-by", metavar="COMMAND", help="the command that trained it, for the card")


def _lead_name(text: str) -> str:
    """A name that a WFDB header can hold: one line of printed letters."""
    if not text.strip() or not text.isprintable() or len(text) > MOST_NAME:
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a lead")
    return text.strip()


def _box(text: str) -> Box:
    try:
        x, y, w, h = (int(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is not X,Y,W,H in whole pixels") from error
    if min(x, y) < 0 or min(w, h) < 1:
        raise argparse.ArgumentTypeError(f"{text}: X and Y from 0, W and H from 1")
    return x, y, w, h


def _digitize(
    *,
    paths: Sequence[str],
    out: Path,
    method: str,
    checkpoint: Path | None,
    jobs: int,
    cluster: str | None,
    recursive: bool,
    **options: Any,
) -> int:
    """Every picture to its files; one line per failure; summary.csv."""
    found = files_of(paths, recursive=recursive, besides=out)
    # A wrong option fails once, before the first picture. @row is what --row gives; @mask and
    # @grid are truths that no command line has.
    if method.removesuffix("@row") not in TYPED_METHODS:
        known = f"choose of {', '.join(TYPED_METHODS)}"
        raise InputError(f"--method {method}", "no such method", known)
    # "default" without a checkpoint is read by the package's networks.
    load_network = loader(method, checkpoint, default="surest")
    work = Options(out=out, method=method, load_network=load_network, **options)
    columns = [field.name for field in fields(SummaryRow)]
    summary = out / "summary.csv"
    refuse_strange(summary, ",".join(columns[:4]))
    rows: list[SummaryRow] = []
    total = count_pictures(found.files)
    with asked_to_stop() as stop, first_start_told(), suppress(KeyboardInterrupt):
        make_folder(out)
        done = digitize_files(found.files, work, jobs=jobs, cluster=cluster, stop=stop)
        for row in tqdm(done, total=total):
            rows.append(row)
            if row.status != "ok":
                tqdm.write(one_line(row.reason), file=sys.stderr)
    with writing_to(out):
        write_summary(columns, map(astuple, rows), summary)
    if stop.is_set() and len(rows) != total:
        left = "pictures" if total is None else f"{total - len(rows)} pictures"
        print(one_line(f"ecg-overlap: stopped, {left} left; see {summary}"), file=sys.stderr)
        return STOPPED
    good = sum(row.status == "ok" for row in rows)
    print(one_line(f"{good} of {len(rows)} digitized; see {summary}"))
    if found.left_out():
        print(one_line(f"ecg-overlap: {found.left_out()}"), file=sys.stderr)
    return 0 if good == len(rows) else 1


def _grid(*, paths: Sequence[str], out: Path) -> int:
    """Print every picture's grid and write NAME_grid.png; one line per failure."""
    files = files_of(paths, recursive=False).files
    make_folder(out)
    names = RecordNames(out, files)
    failed = 0
    for path in files:
        try:
            for picture in pictures(path):
                record = names.of(picture)
                drawing = record.with_name(f"{record.name}_grid.png")
                drawn = _draw_grid(picture, drawing, files)
                print(one_line(f"{picture}: {drawn}; see {drawing}"))
        except InputError as error:
            failed += 1
            line = str(error) if str(path) in str(error) else f"{path}: {error}"
            print(one_line(line), file=sys.stderr)
    return 1 if failed else 0


def _draw_grid(picture: Picture, drawing: Path, inputs: Collection[Path]) -> str:
    """Draw a picture's grid; returns what was found, in words."""
    image = picture.read()
    grid = find_grid(image)
    if drawing.exists() and any(path.exists() and drawing.samefile(path) for path in inputs):
        raise InputError(drawing, "would be written over an input", "choose another --out")
    with writing_to(drawing):
        write_png(draw_grid(image, grid), drawing)
    return (
        f"{grid.px_per_mm_x:.4f} × {grid.px_per_mm_y:.4f} px/mm, "
        f"{grid.angle_deg:+.3f}°, confidence {grid.confidence:.2f} ({grid.source_text})"
    )


def _export(*, ckpt: Sequence[Path], **options: Any) -> int:
    """Write the weights and say how close they are to the checkpoint's."""
    with needs_extra("export", "ecg-overlap export"):
        from ecg_overlap.export import export

    made = export(*ckpt, **options)
    print(f"{made.weights}: largest difference {made.largest_difference:.1e}; see {made.card}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
