"""Which files the command line reads and writes: nothing lost, nothing passed over silently."""

import csv
import errno
import os
import shutil
from pathlib import Path

import cv2
import pytest
from drawn import drawn
from PIL import Image

from ecg_overlap.cli import main
from ecg_overlap.digitize import record_names

TRUTH = drawn()
OPTIONS = ("--method", "classical", "--px-per-mm", "8")


@pytest.fixture
def lead_png(tmp_path: Path) -> Path:
    path = tmp_path / "lead.png"
    cv2.imwrite(str(path), TRUTH.image[..., ::-1])
    return path


def digitize(out: Path, *arguments: str | Path) -> int:
    return main(["digitize", *OPTIONS, *map(str, arguments), "--out", str(out)])


def summary(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "summary.csv").open()))


def records(folder: Path) -> list[str]:
    return [row["record"] for row in summary(folder)]


def test_a_later_command_does_not_write_over_another_pictures_record(
    lead_png: Path, tmp_path: Path
) -> None:
    out = tmp_path / "o"
    other = tmp_path / "other" / "lead.png"
    other.parent.mkdir()
    cv2.imwrite(str(other), TRUTH.image[:, :-8, ::-1])
    made = []
    for arguments in (
        [lead_png], [other], [lead_png, "--box", "0,0,400,150"], [lead_png],
    ):  # fmt: skip
        assert digitize(out, *arguments) == 0
        made.append(records(out)[0])  # those of earlier commands follow
    assert made[0] == made[3] == "lead" and len(set(made)) == 3
    assert len(list(out.glob("*.hea"))) == 3


def test_a_picture_that_was_moved_keeps_its_record(lead_png: Path, tmp_path: Path) -> None:
    out = tmp_path / "o"
    assert digitize(out, lead_png) == 0
    moved = tmp_path / "archive" / "lead.png"
    moved.parent.mkdir()
    lead_png.rename(moved)
    assert digitize(out, moved) == 0
    assert records(out) == ["lead"]


def test_no_result_is_written_over_an_input_or_a_strangers_file(
    lead_png: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lead_overlay.png").write_bytes(lead_png.read_bytes())
    (tmp_path / "second.png").write_bytes(lead_png.read_bytes())
    (tmp_path / "second.hea").write_text("the user's own record")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for _ in range(2):  # the second time, its own results are there too
        assert digitize(Path(), "lead.png", "lead_overlay.png", "second.png") == 0
        assert {path: path.read_bytes() for path in before} == before
        assert len(list(tmp_path.glob("*.hea"))) == 4  # with the user's own
    (tmp_path / "summary.csv").write_text("the user's own table")
    assert digitize(Path(), "lead.png") == 1
    assert (tmp_path / "summary.csv").read_text() == "the user's own table"


def test_own_overlays_are_no_pictures_of_a_folder(lead_png: Path, tmp_path: Path) -> None:
    for _ in range(2):
        assert digitize(tmp_path, tmp_path) == 0
        assert records(tmp_path) == ["lead"]


def test_a_drawing_of_the_grid_is_not_written_over_an_input(
    lead_png: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawing = tmp_path / "lead_grid.png"
    drawing.write_bytes(lead_png.read_bytes())
    assert main(["grid", str(lead_png), str(drawing), "--out", str(tmp_path)]) == 1
    assert drawing.read_bytes() == lead_png.read_bytes()
    assert "would be written over an input" in capsys.readouterr().err


def test_names_are_no_formulas_in_a_spreadsheet(
    lead_png: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lead_png.rename("=1+1.png")
    assert digitize(Path("o"), "=1+1.png", "@nowhere.png") == 1
    rows = summary(tmp_path / "o")
    assert [row["path"] for row in rows] == ["'=1+1.png", "'@nowhere.png"]
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())


@pytest.mark.skipif(os.name != "posix", reason="names are text elsewhere")
def test_a_name_that_is_no_utf_8_is_kept(lead_png: Path, tmp_path: Path) -> None:
    lead_png.rename(tmp_path / os.fsdecode(b"caf\xe9.png"))
    assert digitize(tmp_path / "o", tmp_path) == 0
    assert b"caf\xe9.png" in (tmp_path / "o" / "summary.csv").read_bytes()


def test_what_is_not_read_is_named_at_the_end(
    lead_png: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.docx").write_text("")
    (tmp_path / "._lead.png").write_text("a Mac's shadow of the picture")
    inner = tmp_path / "ward 3" / "lead.png"
    inner.parent.mkdir()
    inner.write_bytes(lead_png.read_bytes())
    out = tmp_path / "o"
    assert digitize(out, tmp_path) == 0
    assert "not read: 1 .docx, 1 subfolder (--recursive reads them)" in capsys.readouterr().err
    assert digitize(out, tmp_path, "--recursive") == 0
    assert "not read: 1 .docx\n" in capsys.readouterr().err
    assert records(out) == ["lead", "ward 3/lead"]
    assert (out / "ward 3" / "lead.hea").is_file()


def test_every_page_of_a_document_is_digitized(lead_png: Path, tmp_path: Path) -> None:
    page = Image.open(lead_png)
    page.save(tmp_path / "two.tif", save_all=True, append_images=[page.copy()])
    (tmp_path / "bad.pdf").write_text("once upon a time")
    assert digitize(tmp_path / "o", tmp_path / "bad.pdf", tmp_path / "two.tif") == 1
    assert records(tmp_path / "o") == ["bad", "two", "two-2"]


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file gets its name."""

    def replace(part: Path, path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", replace)


@pytest.mark.usefixtures("full_disk")
@pytest.mark.parametrize(
    ("command", "refused"),
    [
        (("digitize", *OPTIONS), "{out}"),
        (("page", "--method", "classical", "--px-per-mm", "8"), "{out}"),
        (("grid",), "{out}/lead_grid.png"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_full_disk_is_one_line(
    lead_png: Path, tmp_path: Path, command: tuple[str, ...], refused: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out = tmp_path / "o"
    assert main([*command, str(lead_png), "--out", str(out)]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    why = "cannot be written (No space left on device); choose another --out"
    assert last.endswith(f"{refused.format(out=out)}: {why}")
    assert list(out.iterdir()) == []


def test_an_unreadable_picture_costs_its_own_line_alone(
    lead_png: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "b" / "lead.png"
    other.parent.mkdir()
    assert digitize(tmp_path / "o", lead_png) == 0
    lead_png.rename(other)  # whether it has the record is told by its content

    def refuse(path: Path) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(record_names, "sha256", refuse)
    record_names._digest_as_it_is.cache_clear()
    assert digitize(tmp_path / "o", other) == 1
    row, earlier = summary(tmp_path / "o")
    assert (row["status"], earlier["status"]) == ("failed", "ok")
    assert row["reason"].endswith("lead.png: cannot be read (Permission denied); check its path")


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0 and capsys.readouterr().out.startswith("ecg-overlap ")


@pytest.mark.parametrize("command", ["digitize", "page", "grid"])
def test_a_name_with_line_breaks_or_control_codes_is_one_line(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a\x1b[31m\nb.png"
    path.write_text("no picture")
    assert main([command, str(path), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr()
    (line,) = [line for line in said.err.splitlines() if "is not a picture" in line]
    assert r"a\x1b[31m\nb.png: is not" in line and "\x1b" not in said.out + line


@pytest.mark.skipif(os.name == "nt", reason="names that Windows does not take")
def test_a_name_as_long_as_a_file_system_takes_is_read(lead_png: Path, tmp_path: Path) -> None:
    for end in "ab":
        shutil.copy(lead_png, tmp_path / f"{'n' * 250}{end}.png")
    paths = [tmp_path / f"{'n' * 250}{end}.png" for end in "ab"]
    assert digitize(tmp_path / "out", *paths) == 0
    first, second = summary(tmp_path / "out")
    assert first["status"] == second["status"] == "ok" and first["record"] != second["record"]


@pytest.mark.parametrize("command", ["digitize", "page", "grid"])
def test_an_unset_variable_of_a_shell_is_no_folder(
    command: str, lead_png: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for typed in (["", "--out", "out"], [str(lead_png), "--out", ""]):
        with pytest.raises(SystemExit):
            main([command, *typed])
        assert "an empty name is no file or folder" in capsys.readouterr().err


def test_an_empty_file_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    assert digitize(tmp_path / "out", tmp_path / "a.png") == 1
    assert summary(tmp_path / "out")[0]["reason"].endswith("a.png: is empty; copy it again")
