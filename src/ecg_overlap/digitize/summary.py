"""Tables of results as CSV files, in which no name is taken for a formula."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from data_gen.errors import InputError
from data_gen.whole_file import whole_file

_AS_CSV: Any = {"newline": "", "encoding": "utf-8", "errors": "surrogateescape"}
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_summary(columns: Sequence[str], rows: Iterable[Sequence[object]], path: Path) -> Path:
    """A CSV file with a heading; None is an empty cell.

    Lines of earlier commands stay, below the new ones, where their records are still in the
    folder. Bytes of a file's name that are no UTF-8 are written as they are.

    Args:
        columns: Their names, `record` among them: a record's name in the folder, or nothing.
        rows: Values in their order.
        path: The file.

    Returns:
        The file.
    """
    name = columns.index("record")
    earlier, new = _earlier(columns, path), set()
    with whole_file(path) as made, made.open("w", **_AS_CSV) as file:
        lines = csv.writer(file)
        lines.writerow(columns)
        for row in rows:
            lines.writerow(_cell(value) for value in row)
            new.add(str(_cell(row[name])))
        lines.writerows(line for line in earlier if line[name] not in new)
    return path


def _earlier(columns: Sequence[str], path: Path) -> list[list[str]]:
    """The lines of records that are there; none of a file with other columns."""
    if not path.exists():
        return []
    with path.open(**_AS_CSV) as file:
        heading, *lines = csv.reader(file)
    if heading != list(columns):
        return []
    name = columns.index("record")
    whole = [line for line in lines if len(line) == len(columns) and line[name]]
    return [line for line in whole if (path.parent / f"{_read(line[name])}.json").exists()]


def _cell(value: object) -> object:
    """Text that a spreadsheet would calculate, with an apostrophe before it.

    Example:
        >>> _cell("=1+1.png"), _cell(-0.5), _cell("scan.png")
        ("'=1+1.png", -0.5, 'scan.png')
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _read(cell: str) -> str:
    """What `_cell` was given."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell


def refuse_strange(path: Path, ours: str) -> None:
    """Check that a file which is written anew by every command is not somebody else's.

    Args:
        path: The file; it need not be there.
        ours: What only ours contain, near their beginning.

    Raises:
        InputError: It is there, and was not written by us.
    """
    if not path.exists():
        return
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            known = ours in file.read(2000)
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})", "check its rights") from error
    if not known:
        raise InputError(
            path, "is there already, and not one of ours", "choose another --out, or move it away"
        )
