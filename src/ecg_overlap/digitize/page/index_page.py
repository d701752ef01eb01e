"""The index of a folder of digitized pages: a table that needs nothing but the files beside it."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, takewhile
from pathlib import Path
from typing import Any

from ecg_overlap.digitize.page.facts import KIND, PageRow, row_of
from ecg_overlap.digitize.page.html import GENERATOR, write_html
from ecg_overlap.digitize.page.page_signal import PAGE_FLAGS
from ecg_overlap.digitize.page.write_page import INDEX
from ecg_overlap.digitize.quality import LOW_QUALITY
from ecg_overlap.digitize.record_files import OVERLAY, THUMBNAIL
from ecg_overlap.digitize.record_names import read_facts
from ecg_overlap.digitize.summary import refuse_strange

MOST_FIRST = 40  # pages that are named at the top, as many as one looks at in one go
PER_FILE = 200  # rows; a browser lays these out at once


@dataclass(frozen=True)
class Line:
    """A page in the index.

    Args:
        row: What its line of summary.csv says.
        files: Its files by what they are called, as paths from the folder.
        thumbnail: Path and (width, height), px; None where the page failed.
    """

    row: PageRow
    files: dict[str, str]
    thumbnail: tuple[str, int, int] | None


def write_index(out: Path, failed: Iterable[PageRow]) -> Path:
    """Write index.html, and index-2.html and so on where there are many pages.

    Args:
        out: The folder of the results, of this and of earlier commands.
        failed: Pages of this command that gave no record.

    Returns:
        The first file.
    """
    lines = sorted(
        [*records_in(out), *(Line(_named(row), {}, None) for row in failed)],
        key=lambda line: (line.row.record, line.row.path),
    )
    # What failed now may have a record of an earlier command: that is older than its picture.
    broken = {line.row.record for line in lines if line.row.status == "failed"}
    lines = [x for x in lines if x.row.status == "failed" or x.row.record not in broken]
    parts = [lines[k : k + PER_FILE] for k in range(0, len(lines), PER_FILE)] or [[]]
    names = [index_name(number) for number in range(1, len(parts) + 1)]
    for number, part in enumerate(parts, 1):
        values = {
            "lines": part,
            "number": number,
            "names": names,
            "spans": [(_first(p), _last(p)) for p in parts],
            "counts": _counts(lines),
            "first": _to_look_at(lines),
            "low_quality": LOW_QUALITY,
            "flag_texts": PAGE_FLAGS,
        }
        write_html("index.html.j2", values, out / names[number - 1])
    _remove_others(out, len(parts))
    return out / INDEX


def refuse_strange_index(out: Path) -> None:
    """Check that the folder's index, if it has one, is ours in all its parts.

    Raises:
        InputError: It is not.
    """
    for path in _parts(out, 1):
        refuse_strange(path, GENERATOR)


def index_name(number: int) -> str:
    """The file of the index's part, from 1."""
    return INDEX if number == 1 else f"index-{number}.html"


def records_in(out: Path) -> Iterator[Line]:
    """The complete pages of a folder and of those in it."""
    for folder, _, names in os.walk(out):
        for name in names:
            if name.endswith(".json"):
                record = Path(folder) / name.removesuffix(".json")
                line = _line(out, record, read_facts(record))
                if line is not None:
                    yield line


def _line(out: Path, record: Path, facts: dict[str, Any]) -> Line | None:
    if facts.get("kind") != KIND or facts.get("complete") is not True:
        return None
    place = record.relative_to(out).as_posix()
    try:
        source = facts["source"]
        name = Path(source["path"]).name
        row = row_of(
            name if source["page"] == 1 else f"{name}, page {source['page']}", place, "ok", facts
        )
        width, height = facts["thumbnail_px"]
    except (KeyError, TypeError, ValueError):
        return None  # of another version
    ends = {"page": ".html", "overlay": OVERLAY, "CSV": ".csv", "WFDB": ".hea", "JSON": ".json"}
    files = {what: place + end for what, end in ends.items()}
    if not facts.get("options", {}).get("overlay", True):
        del files["overlay"]
    return Line(row, files, (place + THUMBNAIL, int(width), int(height)))


def _named(row: PageRow) -> PageRow:
    """A line with the file's name alone; the reason has its path."""
    return replace(row, path=Path(row.path).name)


def _counts(lines: Sequence[Line]) -> dict[str, int]:
    failed = sum(line.row.status == "failed" for line in lines)
    flagged = sum(bool(line.row.flags) for line in lines)
    return {"pages": len(lines), "failed": failed, "flagged": flagged}


def _to_look_at(lines: Sequence[Line]) -> list[Line]:
    """The pages with the worst leads, of those that have one of less than `LOW_QUALITY`."""
    low = [line for line in lines if line.row.quality is not None]
    low = [line for line in low if (line.row.quality or 0) < LOW_QUALITY]
    return sorted(low, key=lambda line: line.row.quality or 0)[:MOST_FIRST]


def _first(part: Sequence[Line]) -> str:
    return part[0].row.record if part else ""


def _last(part: Sequence[Line]) -> str:
    return part[-1].row.record if part else ""


def _parts(out: Path, first: int) -> Iterator[Path]:
    """The files of a folder's index, from one of its parts on."""
    paths = (out / index_name(number) for number in count(first))
    return takewhile(Path.exists, paths)


def _remove_others(out: Path, n_files: int) -> None:
    """Parts of an index that was longer."""
    for path in _parts(out, n_files + 1):
        refuse_strange(path, GENERATOR)
        path.unlink()
