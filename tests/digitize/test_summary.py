"""The table of results: what earlier commands left in the folder stays in it."""

import csv
from pathlib import Path

import pytest

from ecg_overlap.digitize.summary import write_summary

COLUMNS = ("path", "record", "status", "quality")


def lines(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))[1:]


def with_records(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / f"{name}.json").write_text("{}")
    return folder / "summary.csv"


def test_a_later_command_keeps_the_lines_of_other_records(tmp_path: Path) -> None:
    path = with_records(tmp_path, "a", "sub/b", "=c")
    first = [("a.png", "a", "ok", 0.9), ("b.png", "sub/b", "ok", 0.5), ("=c.png", "=c", "ok", 0.4)]
    write_summary(COLUMNS, first, path)
    write_summary(COLUMNS, [("a.png", "a", "ok", 0.8), ("d.png", "d", "failed", None)], path)
    assert lines(path) == [
        ["a.png", "a", "ok", "0.8"],
        ["d.png", "d", "failed", ""],
        ["b.png", "sub/b", "ok", "0.5"],
        ["'=c.png", "'=c", "ok", "0.4"],
    ]


def test_a_line_goes_with_its_record(tmp_path: Path) -> None:
    path = with_records(tmp_path, "a", "b")
    write_summary(COLUMNS, [("a.png", "a", "ok", 0.9), ("b.png", "b", "ok", 0.5)], path)
    (tmp_path / "a.json").unlink()
    write_summary(COLUMNS, [], path)
    assert [line[1] for line in lines(path)] == ["b"]


@pytest.mark.parametrize("heading", ["path,record,status,other", "path,record"])
def test_lines_of_other_columns_are_not_taken_over(heading: str, tmp_path: Path) -> None:
    path = with_records(tmp_path, "a")
    path.write_text(f"{heading}\na.png,a,ok,1\na.png\n")
    write_summary(COLUMNS, [], path)
    assert lines(path) == []
