"""Files that are whole or not there, whatever happens while they are written."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from data_gen.whole_file import PART_SUFFIX, whole_file, whole_files


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_file_is_there_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    with whole_file(path) as part:
        part.write_text("all of it")
        assert not path.exists()
    assert path.read_text() == "all of it"
    assert names(path.parent) == ["a.txt"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError, SystemExit])
def test_an_interrupted_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, stop: type[BaseException]
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(stop), whole_file(path) as part:
        part.write_text("half")
        raise stop
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_killed_write_leaves_the_old_file_and_a_part_that_is_known_by_its_name(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    dies = (
        "import os, sys; from pathlib import Path; from data_gen.whole_file import whole_file\n"
        "with whole_file(Path(sys.argv[1])) as part:\n"
        "    part.write_text('half'); os.kill(os.getpid(), 9)"
    )
    process = subprocess.run([sys.executable, "-c", dies, str(path)], timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    assert {name.endswith(PART_SUFFIX) for name in names(tmp_path)} == {True, False}
    with whole_file(path) as part:
        part.write_text("new")
    assert path.read_text() == "new"


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with whole_file(path) as first, whole_file(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"  # the last to end
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_permissions_are_those_of_the_umask(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        with whole_file(tmp_path / "a.txt") as part:
            part.write_text("")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == mode


def test_files_that_belong_together_come_together(tmp_path: Path) -> None:
    one, two = tmp_path / "a.dat", tmp_path / "a.hea"
    with whole_files(one, two) as folder:
        for path in (one, two):
            (folder / path.name).write_text("new")
        assert not one.exists()
    assert names(tmp_path) == ["a.dat", "a.hea"]
    with pytest.raises(KeyboardInterrupt), whole_files(one, two) as folder:
        (folder / one.name).write_text("half")
        raise KeyboardInterrupt
    assert one.read_text() == "new"
    assert names(tmp_path) == ["a.dat", "a.hea"]
