"""`ecg-overlap page`, as a user calls it."""

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from made_pages import read, save

from ecg_overlap import cli_page, weights
from ecg_overlap.cli import main
from ecg_overlap.digitize.page import folder, index_page
from ecg_overlap.digitize.page.arrangements import known_names
from ecg_overlap.digitize.page.page_signal import PAGE_FLAGS
from ecg_overlap.onnx_network import OnnxNetwork


@pytest.fixture(autouse=True)
def reader(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """Hand-made pages instead of the reader's; what it was asked for."""
    asked: list[dict[str, object]] = []

    def made(image: object, **options: object) -> object:
        asked.append(options)
        return read(image, **options)  # type: ignore[arg-type]

    made_options = folder.PageOptions
    monkeypatch.setattr(cli_page, "PageOptions", lambda **given: made_options(**given, read=made))
    return asked


def page(out: Path, *arguments: str | Path) -> int:
    return main(["page", *map(str, arguments), "--out", str(out)])


def summary(out: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((out / "summary.csv").open()))


def test_a_page_becomes_a_record_and_a_page_to_look_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "records"
    assert page(out, save(tmp_path / "90036.png")) == 0
    ends = (".csv", ".dat", ".hea", ".html", ".json", "_overlay.png", "_thumb.jpg")
    assert sorted(p.name for p in out.iterdir()) == [
        *(f"90036{end}" for end in ends), "index.html", "summary.csv",
    ]  # fmt: skip
    row = summary(out)[0]
    assert (row["status"], row["layout"], row["leads"]) == ("ok", "3x4+1R", "12")
    assert row["consistency_db"] == "14.2" and row["flags"] == "gain_assumed"
    assert capsys.readouterr().out == f"1 of 1 pages digitized; see {out / 'index.html'}\n"


def test_options_reach_the_reader(tmp_path: Path, reader: list[dict[str, object]]) -> None:
    picture = save(tmp_path / "a.png")
    argv = ["--layout", "3x4", "--px-per-mm", "8", "--mm-per-s", "50", "--mm-per-mv", "5"]
    argv += ["--chest-mm-per-mv", "2.5"]
    assert page(tmp_path / "o", picture, *argv, "--method", "classical", "--fs", "250") == 0
    assert page(tmp_path / "p", picture) == 0
    wanted = {
        "layout": "3x4", "px_per_mm": 8, "mm_per_s": 50, "mm_per_mv": 5, "method": "classical",
        "chest_mm_per_mv": 2.5, "fs_hz": 250, "network": None, "stages": True,
    }  # fmt: skip
    assert reader[0] == wanted
    assert isinstance(reader[1].pop("network"), OnnxNetwork)
    options = ("layout", "px_per_mm", "mm_per_s", "mm_per_mv", "chest_mm_per_mv")
    nothing = dict.fromkeys(options)
    assert reader[1] == nothing | {"method": "default", "fs_hz": 500, "stages": True}


def test_given_again_it_skips_what_is_done_and_fails_what_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "in" / "a.png")
    save(tmp_path / "in" / "b.png", bad=True)
    (tmp_path / "in" / "notes.txt").write_text("")
    for _ in range(2):
        assert page(tmp_path / "o", tmp_path / "in") == 1
    said = capsys.readouterr()
    assert "1 of 2 pages digitized, 1 of them before; see" in said.out
    assert said.err.count("b.png: layout: no trace was found") == 2
    assert said.err.count("not read: 1 .txt") == 2
    assert [row["status"] for row in summary(tmp_path / "o")] == ["unchanged", "failed"]


def test_names_are_no_formulas_in_the_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save(Path("=1+1.png"))
    assert page(Path("o"), "=1+1.png") == 0
    assert summary(Path("o"))[0]["path"] == "'=1+1.png"


def test_no_record_has_the_name_of_an_index_or_of_the_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_page, "PER_FILE", 2)  # three parts
    names = ("index", "INDEX-2", "index-3", "summary", "index-x")
    pictures = [save(tmp_path / f"{name}.png", mark=k) for k, name in enumerate(names)]
    out = tmp_path / "o"
    for status in ("ok", "unchanged"):
        assert page(out, *pictures) == 0
        rows = summary(out)
        assert [row["status"] for row in rows] == [status] * len(names)
        for row, name in zip(rows, names, strict=True):
            assert row["record"].startswith(name)
            facts = json.loads((out / f"{row['record']}.json").read_text())
            assert facts["source"]["path"] == f"../{name}.png"
            assert f"{row['record']}.dat" in (out / f"{row['record']}.html").read_text()
            assert (out / f"{row['record']}.csv").read_text().startswith("time_s")
        assert rows[-1]["record"] == "index-x"
        parts = [(out / index_page.index_name(k)).read_text() for k in (1, 2, 3)]
        assert sum(part.count("<img") for part in parts) == len(names)


@pytest.mark.parametrize("name", ["summary.csv", "index.html", "index-2.html"])
def test_a_strangers_file_is_not_written_over(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if name == "index-2.html":
        assert page(tmp_path, save(tmp_path / "a.png")) == 0  # so that it is a further part
    capsys.readouterr()
    (tmp_path / name).write_text("mine")
    assert page(tmp_path, save(tmp_path / "a.png")) == 1
    assert (tmp_path / name).read_text() == "mine"
    assert capsys.readouterr().err.splitlines() == [
        f"ecg-overlap: {tmp_path / name}: is there already, and not one of ours; "
        "choose another --out, or move it away"
    ]


def test_with_the_pictures_folder_as_out_no_picture_is_lost_nor_an_overlay_read(
    tmp_path: Path,
) -> None:
    picture = save(tmp_path / "a.png")
    before = picture.read_bytes()
    for status in ("ok", "unchanged"):
        assert page(tmp_path, tmp_path, "--recursive") == 0
        assert [(row["record"], row["status"]) for row in summary(tmp_path)] == [("a", status)]
    assert picture.read_bytes() == before


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (["--layout", "7x7"], "--layout: 7x7 is none of 3x4,"),
        (["--px-per-mm", "0"], "--px-per-mm: 0 is not a positive number"),
        (["--mm-per-mv", "inf"], "--mm-per-mv: inf is not a positive number"),
        (["--jobs", "0"], "--jobs: 0 is not 1 or more"),
    ],
)
def test_an_option_of_the_wrong_form_is_named_as_typed(
    tmp_path: Path, extra: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        page(tmp_path / "o", tmp_path / "a.png", *extra)
    assert left.value.code == 2 and said in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The one line that two pages get with these options, before anything is written."""

    def line_of(*options: str | Path) -> str:
        pictures = [save(tmp_path / f"{k}.png", mark=k) for k in range(2)]
        assert page(tmp_path / "o", *pictures, *options) == 1
        assert not (tmp_path / "o").exists()
        (line,) = capsys.readouterr().err.splitlines()
        return line.removeprefix("ecg-overlap: ")

    return line_of


@pytest.mark.parametrize("file", ["none.ckpt", "none.onnx"])
def test_a_missing_network_fails_once_before_any_page(
    file: str, refused: Callable[..., str]
) -> None:
    assert refused("--checkpoint", file) == (
        f"{file}: no such checkpoint; give a .ckpt, .safetensors or .onnx"
    )


@pytest.mark.parametrize("file", ["a.ckpt", "a.safetensors", "a.onnx"])
def test_a_file_that_is_no_network_fails_once_before_any_page(
    tmp_path: Path, file: str, refused: Callable[..., str]
) -> None:
    (tmp_path / file).write_text("no network")
    assert refused("--checkpoint", tmp_path / file).startswith(f"{tmp_path / file}: ")


@pytest.mark.parametrize(
    ("method", "asked"), [([], "this command"), (["--method", "ink+stroke"], "--method ink+stroke")]
)
def test_a_network_that_reads_no_pages_fails_once_before_any_page(
    method: list[str], asked: str, refused: Callable[..., str]
) -> None:
    assert refused("--checkpoint", weights.PACKAGED, *method) == (
        f"{weights.PACKAGED}: its network (unet_coord) is none for {asked}; "
        "give another, or leave it out"
    )


def test_a_checkpoint_that_the_method_does_not_use_is_said(refused: Callable[..., str]) -> None:
    assert refused("--checkpoint", "a.onnx", "--method", "classical") == (
        "--checkpoint a.onnx: the method classical uses no network; leave one of the two out"
    )


@pytest.mark.parametrize("content", [None, b"no network"])
def test_a_package_without_its_network_says_so_once_before_any_page(
    tmp_path: Path, content: bytes | None, refused: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    file = tmp_path / "weights" / "ink.onnx"
    if content is not None:
        shutil.copytree(weights.PACKAGED_INK.parent, file.parent)
        file.write_bytes(content)
    monkeypatch.setattr(weights, "PACKAGED_INK", file)
    what = "is missing from this install" if content is None else "damaged: its SHA-256"
    assert refused().startswith(f"{file}: {what}")


def test_help_has_examples_layouts_and_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["page", "--help"])
    said = capsys.readouterr().out
    assert "ecg-overlap page scans/ --recursive --out records" in said
    assert all(name in " ".join(said.split()) for name in known_names())
    assert all(name in said and text in said for name, text in PAGE_FLAGS.items())


def test_neither_the_command_nor_the_package_loads_torch() -> None:
    program = (
        "import sys, ecg_overlap, ecg_overlap.cli\n"
        "ecg_overlap.cli._parser()\n"
        "assert callable(ecg_overlap.digitize_page)\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
