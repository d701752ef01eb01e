"""`ecg-overlap page PATH…`: pages to 12-lead records, and a page to look at."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path
from typing import Any

from tqdm import tqdm

from data_gen.pool import Stop
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
    one_line,
    place,
    positive,
    writing_to,
)
from ecg_overlap.digitize.documents import SUFFIXES, count_pictures
from ecg_overlap.digitize.network import info_of
from ecg_overlap.digitize.page.arrangements import known_names
from ecg_overlap.digitize.page.facts import PageRow
from ecg_overlap.digitize.page.folder import PageOptions, digitize_pages, remove_stale
from ecg_overlap.digitize.page.index_page import refuse_strange_index, write_index
from ecg_overlap.digitize.page.page_signal import PAGE_FLAGS
from ecg_overlap.digitize.plans import PAGE_METHODS
from ecg_overlap.digitize.summary import refuse_strange, write_summary

COLUMNS = [field.name for field in fields(PageRow)]
DESCRIPTION = f"""\
Digitize pages of 12-lead ECGs, from {", ".join(s.removeprefix(".") for s in SUFFIXES)};
of a document every page. Each becomes a record of its own name in DIR, page 2 NAME-2: WFDB (.hea,
.dat), CSV and JSON, and NAME_overlay.png and NAME.html to look at; index.html shows all of them,
summary.csv lists them.
What is finished and unchanged is skipped when the command is given again."""
EXAMPLES = """\
examples:
  ecg-overlap page 90036.png --out records            # one page; look at records/index.html
  ecg-overlap page scans/ --recursive --out records --jobs 4
  ecg-overlap page scans/ --out records --cluster tcp://10.0.0.5:8786
  ecg-overlap page report.pdf --out records --layout 3x4+1R --mm-per-mv 5
  ecg-overlap page fax.tif --out records --px-per-mm 8   # the grid cannot be seen
"""


def add_page(commands: Any) -> None:
    """The command `page`, among the others."""
    page = commands.add_parser(
        "page",
        help="whole pages to 12-lead records",
        description=DESCRIPTION,
        epilog=f"{EXAMPLES}\nflags that a page may get:\n{listed(PAGE_FLAGS)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    page.set_defaults(run=_page)
    add = page.add_argument
    add("paths", nargs="+", type=place, metavar="PATH", help="files, folders or globs")
    add("--out", type=folder, required=True, metavar="DIR", help="folder for the results")
    add("--layout", type=_layout, help=f"{', '.join(NAMES)} (default: found)")
    add("--px-per-mm", type=positive, metavar="N", help="scale (default: the grid's)")
    add("--mm-per-s", type=positive, metavar="N", help="paper speed (default: printed, else 25)")
    add("--mm-per-mv", type=positive, metavar="N", help="gain (default: the pulse's, else 10)")
    add(
        "--chest-mm-per-mv",
        type=positive,
        metavar="N",
        help="gain of the chest leads (default: --mm-per-mv, else as pulses or text say)",
    )
    add(
        "--method",
        default="default",
        choices=("default", *PAGE_METHODS),
        help=f"{' or '.join(PAGE_METHODS)}. default: {DEFAULT}, by the package's network that sees "
        "ink, or by --checkpoint, and classical for a page whose leads it cannot name; classical "
        "needs no network. Neither loads torch",
    )
    add("--checkpoint", type=Path, metavar="FILE", help="a network's weights")
    add("--fs", dest="fs_hz", type=positive, default=500.0, metavar="HZ", help="default 500")
    add_workers(page)
    add("--timeout", dest="timeout_s", type=positive, metavar="S", help="that a page may take")
    add("--recursive", action="store_true", help="also read the folders in folders")
    add("--no-overlay", dest="overlay", action="store_false", help="draw none: less to store")


DEFAULT = "ink+stroke"
NAMES = known_names()


def _layout(text: str) -> str:
    if text not in NAMES:
        raise argparse.ArgumentTypeError(f"{text} is none of {', '.join(NAMES)}")
    return text


@dataclass
class _Tally:
    """What is kept of all pages: a page's line goes to summary.csv at once."""

    counts: dict[str, int] = field(default_factory=lambda: {"ok": 0, "unchanged": 0, "failed": 0})
    failed: list[PageRow] = field(default_factory=list)

    def through(self, rows: Iterator[PageRow], total: int | None) -> Iterator[tuple[Any, ...]]:
        """Lines for summary.csv of the rows; a failure is said at once."""
        bar = tqdm(total=total, unit="page")
        try:
            for row in rows:
                bar.update()
                self.counts[row.status] += 1
                if row.status == "failed":
                    self.failed.append(row)
                    tqdm.write(one_line(row.reason), file=sys.stderr)
                yield astuple(row)
        except KeyboardInterrupt:
            return  # the second: what is done has its line
        finally:
            bar.close()


def _page(
    *,
    paths: Sequence[str],
    out: Path,
    method: str,
    checkpoint: Path | None,
    jobs: int,
    cluster: str | None,
    recursive: bool,
    **asked: Any,
) -> int:
    """Every page to its files; one line per failure; summary.csv and index.html."""
    found = files_of(paths, recursive=recursive, besides=out)
    # A wrong option fails once, before the first page.
    options = _options(out, method, checkpoint, asked)
    summary = out / "summary.csv"
    refuse_strange(summary, ",".join(COLUMNS[:4]))
    refuse_strange_index(out)
    make_folder(out)
    tally, total = _Tally(), count_pictures(found.files)
    with asked_to_stop() as stop, first_start_told():
        rows = digitize_pages(found.files, options, jobs=jobs, cluster=cluster, stop=stop)
        with writing_to(out):
            write_summary(COLUMNS, tally.through(rows, total), summary)
            index = write_index(out, tally.failed)
            remove_stale(out)  # now each page's record is there, and says what is ours
        return _said(tally, total, index, stop, found.left_out())


def _options(out: Path, method: str, checkpoint: Path | None, asked: dict[str, Any]) -> PageOptions:
    load_network = loader(method, checkpoint, default=DEFAULT, methods=PAGE_METHODS)
    network = load_network()  # loaded by now: the facts of each page name its weights
    digest = None if network is None else info_of(network).sha256
    return PageOptions(out=out, method=method, weights=digest, load_network=load_network, **asked)


def _said(tally: _Tally, total: int | None, index: Path, stop: Stop, left_out: str) -> int:
    """Say how it ended; returns the exit status."""
    counts = tally.counts
    seen = sum(counts.values())
    if stop.is_set() and seen != total:
        left = "pages" if total is None else f"{total - seen} pages"
        text = f"ecg-overlap: stopped, {left} left; the same command goes on; see {index}"
        print(one_line(text), file=sys.stderr)
        return STOPPED
    unchanged = f", {counts['unchanged']} of them before" if counts["unchanged"] else ""
    good = seen - counts["failed"]
    print(one_line(f"{good} of {seen} pages digitized{unchanged}; see {index}"))
    if left_out:
        print(one_line(f"ecg-overlap: {left_out}"), file=sys.stderr)
    return 1 if counts["failed"] else 0
