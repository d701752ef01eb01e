"""Tables of results as CSV files, in which no name is taken for a formula."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from data_gen.errors import InputError
from data_gen.whole_file import whole_file

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_summary(columns: Sequence[str], rows: Iterable[Sequence[object]], path: Path) -> Path:
    """A CSV file with a heading; None is an empty cell.

    Bytes of a file's name that are no UTF-8 are written as they are.
    """
    with (
        whole_file(path) as made,
        made.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file,
    ):
        lines = csv.writer(file)
        lines.writerow(columns)
        lines.writerows([_cell(value) for value in row] for row in rows)
    return path


def _cell(value: object) -> object:
    """Text that a spreadsheet would calculate, with an apostrophe before it.

    Example:
        >>> _cell("=1+1.png"), _cell(-0.5), _cell("scan.png")
        ("'=1+1.png", -0.5, 'scan.png')
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


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
