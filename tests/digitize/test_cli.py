"""The command line, as a user calls it."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn import drawn

from ecg_overlap.cli import main
from ecg_overlap.digitize.documents import Picture
from ecg_overlap.digitize.lead_signal import FLAGS
from ecg_overlap.digitize.plans import METHODS

TRUTH = drawn()
ENDS = (".hea", ".dat", ".csv", ".json", "_overlay.png")  # of a record
DIGITIZE = (
    "digitize",
    "--method",
    "classical",
)  # no network: tests/test_package_weights.py has one


@pytest.fixture
def lead_png(tmp_path: Path) -> Path:
    path = tmp_path / "lead.png"
    cv2.imwrite(str(path), TRUTH.image[..., ::-1])
    return path


def summary(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "summary.csv").open()))


def test_one_lead_to_a_folder(lead_png: Path, tmp_path: Path) -> None:
    assert main([*DIGITIZE, str(lead_png), "--out", str(tmp_path / "lead")]) == 0
    names = sorted(p.name for p in (tmp_path / "lead").iterdir())
    assert names == [*sorted(f"lead{end}" for end in ENDS), "summary.csv"]
    row = summary(tmp_path / "lead")[0]
    assert row["status"] == "ok" and float(row["coverage"]) > 0.99
    told = json.loads((tmp_path / "lead" / "lead.json").read_text())
    assert float(row["quality"]) == pytest.approx(told["quality"], abs=1e-3)
    assert 0 <= told["quality"] <= 1
    assert float(row["px_per_mm_x"]) == pytest.approx(8, rel=2e-3)


def test_one_bad_file_is_one_line_and_the_rest_goes_on(
    lead_png: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.png").write_text("no picture")
    out = tmp_path / "out"
    assert main([*DIGITIZE, str(tmp_path), "--out", str(out)]) == 1
    rows = {row["record"]: row for row in summary(out)}
    assert rows["lead"]["status"] == "ok" and rows["bad"]["status"] == "failed"
    errors = [line for line in capsys.readouterr().err.splitlines() if "bad.png" in line]
    assert len(errors) == 1 and "not a picture" in errors[0]


def test_globs_folders_and_names_give_each_picture_once(lead_png: Path, tmp_path: Path) -> None:
    paths = [str(tmp_path), str(tmp_path / "*.png"), str(lead_png)]
    assert main([*DIGITIZE, *paths, "--out", str(tmp_path / "o"), "--px-per-mm", "8"]) == 0
    assert len(summary(tmp_path / "o")) == 1


def test_pictures_of_one_name_do_not_overwrite_each_other(lead_png: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "lead.png"
    other.parent.mkdir()
    other.write_bytes(lead_png.read_bytes())
    out = tmp_path / "o"
    assert main([*DIGITIZE, str(lead_png), str(other), "--out", str(out), "--px-per-mm", "8"]) == 0
    names = {row["path"]: row["record"] for row in summary(out)}
    assert names[str(lead_png)] == "lead" and names[str(other)].startswith("lead_")
    # The names depend neither on the order nor on the folder's past.
    paths = [str(other), str(lead_png)]
    assert main([*DIGITIZE, *paths, "--out", str(tmp_path / "p"), "--px-per-mm", "8"]) == 0
    assert {row["path"]: row["record"] for row in summary(tmp_path / "p")} == names


def test_options_reach_the_digitizer(lead_png: Path, tmp_path: Path) -> None:
    height, width = TRUTH.mask.shape
    box = f"10,5,{width - 10},{height - 5}"
    argv = [*DIGITIZE, str(lead_png), "--out", str(tmp_path / "o"), "--px-per-mm", "8"]
    argv += ["--fs", "250", "--mm-per-mv", "5", "--box", box, "--method", "viterbi"]
    assert main([*argv, "--row", str(TRUTH.calibration.baseline_px)]) == 0
    row = summary(tmp_path / "o")[0]
    assert float(row["fs_hz"]) == 250 and "baseline_unknown" not in row["flags"]
    assert row["quality"] == ""  # `viterbi` traces one trace alone, and states none
    table = np.genfromtxt(tmp_path / "o" / "lead.csv", delimiter=",", skip_header=1)
    assert np.nanmax(table[:, 1]) == pytest.approx(2 * TRUTH.signal_mv.max(), rel=0.3)


def test_processes_give_the_same_as_one(lead_png: Path, tmp_path: Path) -> None:
    second = tmp_path / "second.png"
    second.write_bytes(lead_png.read_bytes())
    for jobs in ("1", "2"):
        argv = [*DIGITIZE, str(lead_png), str(second), "--out", str(tmp_path / jobs)]
        assert main([*argv, "--px-per-mm", "8", "--jobs", jobs]) == 0
    assert (tmp_path / "1" / "second.csv").read_bytes() == (
        tmp_path / "2" / "second.csv"
    ).read_bytes()


def test_box_outside_of_the_picture_is_a_failure_with_its_reason(
    lead_png: Path, tmp_path: Path
) -> None:
    argv = [*DIGITIZE, str(lead_png), "--out", str(tmp_path / "o"), "--box", "0,0,9999,10"]
    assert main(argv) == 1
    assert "box" in summary(tmp_path / "o")[0]["reason"]


@pytest.mark.parametrize(
    "extra",
    [["--method", "spline"], ["--method", "unet_coord", "--checkpoint", "none.ckpt"]],
)
def test_a_wrong_option_fails_once_before_any_picture(
    lead_png: Path, tmp_path: Path, extra: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*DIGITIZE, str(lead_png), "--out", str(tmp_path / "o"), *extra]) == 1
    assert not (tmp_path / "o").exists()
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("method", ["spline", "stroke@mask", "classical@grid", "@row", ""])
def test_a_method_that_the_command_line_cannot_give_lists_those_that_it_can(
    tmp_path: Path, lead_png: Path, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["digitize", str(lead_png), "--out", str(tmp_path / "o"), "--method", method]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"ecg-overlap: --method {method}: no such method; choose of default, ")
    assert "@" not in line.partition("choose of")[2] and not (tmp_path / "o").exists()


def test_help_has_examples_every_method_and_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["digitize", "--help"])
    said = capsys.readouterr().out
    assert "ecg-overlap digitize leads/ --recursive --out out" in said and "@mask" not in said
    assert all(f"  {name} " in said and plan.about in said for name, plan in METHODS.items())
    assert all(plan.about for plan in METHODS.values())
    assert all(name in said and text in said for name, text in FLAGS.items())
    assert "`quality`, in JSON, overlay and" in said


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (["--px-per-mm", "0.01"], "--px-per-mm: 0.01 makes the picture"),
        (["--row", "99999"], "--row: 99999 is no row of a lead"),
        (["--fs", "1e15"], "check t0_px, --px-per-mm, --mm-per-s and --fs"),
    ],
)
def test_a_value_that_cannot_be_is_named_as_typed(
    lead_png: Path, tmp_path: Path, extra: list[str], said: str
) -> None:
    assert main([*DIGITIZE, str(lead_png), "--out", str(tmp_path / "o"), *extra]) == 1
    assert said in summary(tmp_path / "o")[0]["reason"]


def test_the_header_calls_the_signal_as_told(lead_png: Path, tmp_path: Path) -> None:
    argv = [*DIGITIZE, str(lead_png), "--out", str(tmp_path / "o"), "--lead-name", "aVR"]
    assert main(argv) == 0
    assert (tmp_path / "o" / "lead.hea").read_text().splitlines()[1].endswith(" aVR")
    with pytest.raises(SystemExit):
        main([*argv[:-1], "a\nb 16 0"])


def test_a_picture_that_takes_too_long_costs_its_own_line_alone(
    lead_png: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "a.png"
    slow.write_bytes(lead_png.read_bytes())
    read = Picture.read

    def reading(picture: Picture) -> object:
        if picture.path == slow:
            time.sleep(30)
        return read(picture)

    monkeypatch.setattr(Picture, "read", reading)
    out = tmp_path / "o"
    assert main([*DIGITIZE, str(slow), str(lead_png), "--out", str(out), "--timeout", "5"]) == 1
    rows = summary(out)
    assert [row["status"] for row in rows] == ["failed", "ok"]
    assert (
        rows[0]["reason"] == f"{slow}: took longer than 5 s; give a longer --timeout, or reduce it"
    )


@pytest.mark.parametrize(
    ("error", "said"),
    [(MemoryError(), "more memory than there is"), (ZeroDivisionError("x"), "a defect of ours")],
)
def test_a_defect_or_no_memory_costs_one_picture(
    lead_png: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    bad = tmp_path / "a.png"
    bad.write_bytes(lead_png.read_bytes())
    read = Picture.read

    def reading(picture: Picture) -> object:
        if picture.path == bad:
            raise error
        return read(picture)

    monkeypatch.setattr(Picture, "read", reading)
    assert main([*DIGITIZE, str(bad), str(lead_png), "--out", str(tmp_path / "o")]) == 1
    first, second = summary(tmp_path / "o")
    assert said in first["reason"] and second["status"] == "ok"


def test_the_first_start_says_what_it_does(
    lead_png: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from data_gen.compiled import njit

    read, compiled = Picture.read, njit(lambda x: x + 1)

    def reading(picture: Picture) -> object:
        compiled(1), compiled(1.0)  # as on a first start; twice, and said once
        return read(picture)

    monkeypatch.setattr(Picture, "read", reading)
    assert main([*DIGITIZE, str(lead_png), "--out", str(tmp_path / "o")]) == 0
    assert capsys.readouterr().err.count("compiling the reader, which takes a minute or two") == 1


@pytest.mark.parametrize(
    "extra",
    [["--px-per-mm", "0"], ["--row", "nan"], ["--fs", "inf"], ["--box", "1,2"], ["--jobs", "0"]],
)
def test_an_option_of_the_wrong_form_is_explained(
    lead_png: Path, tmp_path: Path, extra: list[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["digitize", str(lead_png), "--out", str(tmp_path / "o"), *extra])
    assert left.value.code == 2


def test_nothing_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*DIGITIZE, str(tmp_path / "*.png"), "--out", str(tmp_path / "o")]) == 1
    assert "no picture there" in capsys.readouterr().err


def test_a_missing_file_fails_by_its_name(tmp_path: Path) -> None:
    assert main([*DIGITIZE, str(tmp_path / "a.png"), "--out", str(tmp_path / "o")]) == 1
    assert "no such file" in summary(tmp_path / "o")[0]["reason"]


def test_grid_is_printed_and_drawn(
    lead_png: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["grid", str(lead_png), "--out", str(tmp_path / "g")]) == 0
    assert "8.0" in capsys.readouterr().out
    drawn_grid = cv2.imread(str(tmp_path / "g" / "lead_grid.png"))[..., ::-1].astype(int)
    blue = (drawn_grid[..., 2] - drawn_grid[..., 0]) > 60
    on_lines = blue[:, ::40][:, 1:-1].mean()  # the 5 mm lines were drawn at multiples of 40 px
    assert on_lines > 0.6


def test_grid_of_blank_paper_is_a_failure(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((100, 100, 3), 255, np.uint8))
    assert main(["grid", str(tmp_path / "a.png"), "--out", str(tmp_path)]) == 1


@pytest.mark.parametrize(
    ("jobs", "awaited", "how"),
    [
        (1, "o/*.png", signal.SIGINT),
        (2, "o/*.png", signal.SIGINT),
        (2, "o", signal.SIGINT),
        (2, "o/*.png", signal.SIGTERM),
    ],
    ids=["one process", "two processes", "while processes start", "SIGTERM"],
)
def test_ctrl_c_leaves_a_line_for_every_picture_that_has_files(
    lead_png: Path, tmp_path: Path, jobs: int, awaited: str, how: signal.Signals
) -> None:
    names = [f"{k:02}" for k in range(60, 0, -1)]
    pictures = [str(tmp_path / f"{name}.png") for name in names]
    for picture in pictures:
        Path(picture).write_bytes(lead_png.read_bytes())
    out = tmp_path / "o"
    argv = [*pictures, "--out", str(out), "--px-per-mm", "8", "--jobs", str(jobs)]
    process = subprocess.Popen(
        [sys.executable, "-m", "ecg_overlap.cli", *DIGITIZE, *argv],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 120
        while not any(tmp_path.glob(awaited)) and time.monotonic() < deadline:
            time.sleep(0.01)
        before = len(list(out.glob("*.png")))
        if how == signal.SIGINT:
            os.killpg(process.pid, how)  # as a terminal does: to every process
        else:
            process.send_signal(how)  # as `docker stop` does
        errors = process.communicate(timeout=120)[1]
    finally:
        process.kill()
    assert process.returncode == 130, errors
    done = [row["record"] for row in summary(out)]
    assert done == names[: len(done)] and all(row["status"] == "ok" for row in summary(out))
    assert before <= len(done) <= before + 2 * jobs  # under way then, and a moment earlier
    assert f"{len(names) - len(done)} pictures left" in errors and "Traceback" not in errors
    files = {f"{name}{end}" for name in done for end in ENDS}
    assert {path.name for path in out.iterdir()} == files | {"summary.csv"}


def test_out_that_is_a_file_is_one_line(
    lead_png: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*DIGITIZE, str(lead_png), "--out", str(lead_png)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_text_alone_is_refused_with_its_reason(tmp_path: Path) -> None:
    page = np.full((160, 700, 3), 255, np.uint8)
    for row, words in enumerate(("Name: A. Patient", "Sinus rhythm, 62 bpm")):
        cv2.putText(page, words, (20, 60 + 60 * row), 0, 1.0, (20, 20, 20), 2, cv2.LINE_AA)
    cv2.imwrite(str(tmp_path / "text.png"), page)
    assert main([*DIGITIZE, str(tmp_path / "text.png"), "--out", str(tmp_path / "o")]) == 1
    row = summary(tmp_path / "o")[0]
    assert row["status"] == "failed" and "grid" in row["reason"]
    assert [p.name for p in (tmp_path / "o").iterdir()] == ["summary.csv"]


@pytest.mark.parametrize("pitches", [(8, 9), (8, 11)])
def test_two_equally_likely_grids_are_not_taken_for_one(
    tmp_path: Path, pitches: tuple[int, int]
) -> None:
    page = np.full((400, 900, 3), 255, np.uint8)
    for pitch in pitches:
        page[::pitch] = page[:, ::pitch] = (200, 200, 255)  # BGR: both alike, neither with boxes
    page[200:203] = 20
    cv2.imwrite(str(tmp_path / "two.png"), page)
    status = main([*DIGITIZE, str(tmp_path / "two.png"), "--out", str(tmp_path / "o")])
    row = summary(tmp_path / "o")[0]
    assert (status == 1 and "grid" in row["reason"]) or "grid_low_confidence" in row["flags"]
