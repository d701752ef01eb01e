"""Many pages: skipped where done, resumed after a kill, none stops the rest."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import cv2
import made_pages
import pytest
import wfdb
from made_pages import read, read_for_ever, read_slowly, read_with_a_defect, save

from data_gen import presets
from ecg_overlap.digitize import record_names, write
from ecg_overlap.digitize.listing import list_files
from ecg_overlap.digitize.page import digitize as digitize_module
from ecg_overlap.digitize.page import folder
from ecg_overlap.digitize.page import read as read_module
from ecg_overlap.digitize.page.digitize import digitize_page
from ecg_overlap.digitize.page.facts import PageRow
from ecg_overlap.digitize.page.folder import PageOptions, digitize_pages, remove_stale
from ecg_overlap.digitize.record_files import ENDS
from ecg_overlap.digitize.record_names import read_facts
from ecg_overlap.evaluation.page_sets import drawn_pages


def run(out: Path, *patterns: Path, jobs: int = 1, **options: Any) -> dict[str, PageRow]:
    files = list_files(map(str, patterns), recursive=True, besides=out).files
    asked = PageOptions(out=out, **({"read": read} | options))
    return {row.record: row for row in digitize_pages(files, asked, jobs=jobs)}


def statuses(rows: dict[str, PageRow]) -> dict[str, str]:
    return {record: row.status for record, row in rows.items()}


def test_a_bad_page_costs_one_line_and_the_rest_go_on(tmp_path: Path) -> None:
    save(tmp_path / "in" / "a.png")
    save(tmp_path / "in" / "b.png", bad=True)
    (tmp_path / "in" / "c.png").write_text("no picture")
    (tmp_path / "in" / "d.pdf").write_text("no PDF")
    save(tmp_path / "in" / "e.png")
    rows = run(tmp_path / "out", tmp_path / "in")
    assert statuses(rows) == {"a": "ok", "b": "failed", "c": "failed", "d": "failed", "e": "ok"}
    assert [row.reason.count("\n") for row in rows.values()] == [0] * 5
    for record, words in {"b": "no trace", "c": "not a picture", "d": "no PDF"}.items():
        assert f"{record}." in rows[record].reason and words in rows[record].reason


def test_a_defect_costs_one_page_and_keeps_its_trace(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "a.png")
    rows = run(tmp_path / "out", tmp_path / "a.png", read=read_with_a_defect)
    assert "a defect of ours (IndexError: index 3" in rows["a"].reason
    assert "read_with_a_defect" in capfd.readouterr().err


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers")
def test_a_page_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    rows = run(tmp_path / "out", tmp_path / "a.png", read=read_for_ever, timeout_s=0.3)
    assert "took longer than 0.3 s; give a longer --timeout" in rows["a"].reason


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers")
def test_when_the_time_is_up_the_page_is_not_tried_in_another_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signals, weights = presets.load_part("signals", "simulate"), {"3x4+1R": 1.0}
    made = drawn_pages("clean", signals, n=1, seed=4, weights=weights, dpi=(150.0, 150.0))
    cv2.imwrite(str(tmp_path / "a.png"), made.drawn(0).image[..., ::-1])
    tried: list[object] = []

    def paper_of(*arguments: Any) -> object:
        tried.append(arguments)
        busy_until = time.monotonic() + 0.3  # the page alone may be read before the time is up
        while time.monotonic() < busy_until:
            pass
        return read_module.paper_of(*arguments)

    monkeypatch.setattr(digitize_module, "paper_of", paper_of)
    options = {"read": digitize_page, "method": "classical", "timeout_s": 0.2}
    (row,) = run(tmp_path / "out", tmp_path / "a.png", **options).values()
    assert row.reason == (
        f"{tmp_path / 'a.png'}: took longer than 0.2 s; give a longer --timeout, or reduce it"
    )
    assert len(tried) <= 1  # none where the time was up while the file was read
    assert not (tmp_path / "out" / "a.hea").exists()


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    picture, out = save(tmp_path / "a.png"), tmp_path / "out"
    first = run(out, picture)["a"]
    before = {file: file.stat().st_mtime_ns for file in out.iterdir()}
    again = run(out, picture, read=read_with_a_defect)["a"]
    assert again == PageRow(**{**vars(first), "status": "unchanged"})
    os.utime(picture)  # touched, but the same
    assert run(out, picture)["a"].status == "unchanged"
    assert {file: file.stat().st_mtime_ns for file in out.iterdir()} == before


def other_options(picture: Path, out: Path) -> dict[str, Any]:
    return {"layout": "3x4"}


def other_weights(picture: Path, out: Path) -> dict[str, Any]:
    return {"weights": "ab" * 32}


def other_picture(picture: Path, out: Path) -> dict[str, Any]:
    save(picture, mark=9)
    return {}


def a_file_lost(picture: Path, out: Path) -> dict[str, Any]:
    (out / "a.dat").unlink()
    return {}


def killed_before_the_end(picture: Path, out: Path) -> dict[str, Any]:
    facts = read_facts(out / "a")
    (out / "a.json").write_text(json.dumps({"complete": False, "source": facts["source"]}))
    return {}


def other_version(picture: Path, out: Path) -> dict[str, Any]:
    facts = read_facts(out / "a")
    facts["versions"]["ecg-overlap"] = "0.0.1"
    (out / "a.json").write_text(json.dumps(facts))
    return {}


def json_of_garbage(picture: Path, out: Path) -> dict[str, Any]:
    facts = read_facts(out / "a")
    del facts["scale"]
    (out / "a.json").write_text(json.dumps(facts))
    return {}


@pytest.mark.parametrize("before", [None, "3.10.0"])
def test_a_page_is_read_again_once_what_reads_its_text_was_installed_or_removed(
    tmp_path: Path, before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, out = save(tmp_path / "a.png"), tmp_path / "out"
    installed: dict[str, str] = {}

    def version(package: str) -> str:
        if package in installed:
            return installed[package]
        raise PackageNotFoundError

    monkeypatch.setattr(write, "version", version)
    for ocr, status in ((before, "ok"), (before, "unchanged"), ("3.11.0", "ok"), (None, "ok")):
        installed = {} if ocr is None else {"rapidocr": ocr}
        assert run(out, picture)["a"].status == status


@pytest.mark.parametrize(
    "change",
    [
        *(other_options, other_weights, other_picture, a_file_lost),
        *(killed_before_the_end, other_version, json_of_garbage),
    ],
)
def test_what_is_not_as_it_was_is_done_again_under_the_same_name(
    tmp_path: Path, change: Callable[[Path, Path], dict[str, Any]]
) -> None:
    picture, out = save(tmp_path / "a.png"), tmp_path / "out"
    run(out, picture)
    rows = run(out, picture, **change(picture, out))
    assert statuses(rows) == {"a": "ok"}
    assert {file.name for file in out.iterdir()} == {f"a{end}" for end in ENDS}


def test_without_an_overlay_there_is_none_and_that_is_complete(tmp_path: Path) -> None:
    picture, out = save(tmp_path / "a.png"), tmp_path / "out"
    run(out, picture, overlay=False)
    assert not (out / "a_overlay.png").exists() and (out / "a_thumb.jpg").exists()
    assert "a_overlay.png" not in (out / "a.html").read_text()
    assert run(out, picture, overlay=False)["a"].status == "unchanged"
    assert run(out, picture)["a"].status == "ok"


def test_every_page_of_a_document_is_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    hashed: list[Path] = []
    monkeypatch.setattr(record_names, "sha256", lambda path: hashed.append(path) or "ab" * 32)
    page = Image.fromarray(made_pages.PAGE.stage_images["image"])
    page.save(tmp_path / "scan.pdf", save_all=True, append_images=[page, page])
    rows = run(tmp_path / "out", tmp_path / "scan.pdf")
    assert statuses(rows) == {"scan": "ok", "scan-2": "ok", "scan-3": "ok"}
    ends = [row.path.rpartition("scan.pdf")[2] for row in rows.values()]
    assert ends == ["", ", page 2", ", page 3"]
    assert hashed == [tmp_path / "scan.pdf"]  # once for all of them


def test_names_are_unique_whatever_the_order(tmp_path: Path) -> None:
    a, b = save(tmp_path / "x" / "ecg.png"), save(tmp_path / "y" / "ecg.png", mark=5)
    c = save(tmp_path / "x" / "ecg.jpg", mark=7)
    from PIL import Image

    page = Image.fromarray(made_pages.PAGE.stage_images["image"])
    tif = tmp_path / "x" / "doc.tif"
    page.save(tif, save_all=True, append_images=[page])
    second = save(tmp_path / "x" / "doc-2.png", mark=3)
    pictures = [a, b, c, tif, second]
    one = {row.path: row.record for row in run(tmp_path / "one", *pictures).values()}
    two = {row.path: row.record for row in run(tmp_path / "two", *pictures[::-1]).values()}
    assert one == two and len(set(one.values())) == 6
    assert one[str(second)] == "doc-2" and one[f"{tif}, page 2"].startswith("doc-2_")
    # In an earlier command b alone had the name: it keeps it.
    kept = tmp_path / "kept"
    run(kept, b)
    assert {row.path: row.record for row in run(kept, *pictures).values()}[str(b)] == "ecg"


def test_records_lie_in_the_subfolders_of_their_pictures(tmp_path: Path) -> None:
    save(tmp_path / "in" / "ward 3" / "ecg.png")
    save(tmp_path / "in" / "ecg.png")
    rows = run(tmp_path / "in" / "out", tmp_path / "in")
    assert set(rows) == {"ecg", "ward 3/ecg"}
    assert (tmp_path / "in" / "out" / "ward 3" / "ecg.hea").is_file()
    assert 'href="../index.html"' in (tmp_path / "in" / "out" / "ward 3" / "ecg.html").read_text()
    # The results are no pictures of the next command.
    assert set(run(tmp_path / "in" / "out", tmp_path / "in")) == set(rows)


def test_processes_give_the_same_files_as_one(tmp_path: Path) -> None:
    pictures = [save(tmp_path / f"{k}.png", mark=k) for k in range(3)]
    for jobs in (1, 2):
        run(tmp_path / str(jobs), *pictures, jobs=jobs)
    for file in (tmp_path / "1").iterdir():
        assert file.read_bytes() == (tmp_path / "2" / file.name).read_bytes(), file.name


def children_of(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout
    return [int(word) for word in found.split()]


def runs(pid: int) -> bool:
    """Whether a process still runs; one that has ended may be a zombie for a while."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
from made_pages import read_slowly
from ecg_overlap.digitize.listing import list_files
from ecg_overlap.digitize.page.folder import PageOptions, digitize_pages
if __name__ == "__main__":
    files = list_files([sys.argv[1]]).files
    options = PageOptions(out=Path(sys.argv[2]), read=read_slowly)
    list(digitize_pages(files, options, jobs=int(sys.argv[3])))
"""


@pytest.mark.skipif(os.name != "posix", reason="no SIGKILL elsewhere")
@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_at_any_time_it_goes_on_where_it_was(
    tmp_path: Path, jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, out = tmp_path / "program.py", tmp_path / "out"
    program.write_text(PROGRAM.format(here=str(Path(__file__).parent)))
    for k in range(6):
        save(tmp_path / "in" / f"{k}.png", mark=k)
    process = subprocess.Popen([sys.executable, program, tmp_path / "in", out, str(jobs)])
    deadline = time.monotonic() + 120
    while not list(out.glob("*.html")) and time.monotonic() < deadline:
        time.sleep(0.005)
    children = children_of(process.pid)
    process.kill()  # while a page's last files are written
    process.wait()
    while any(map(runs, children)) and time.monotonic() < deadline:
        time.sleep(0.05)
    done = {f.stem for f in out.glob("*.json") if read_facts(f.with_suffix("")).get("complete")}
    for record in done:
        assert wfdb.rdrecord(str(out / record)).sig_len == 2500
    monkeypatch.setattr(folder, "STALE_S", 0.0)
    rows = run(out, tmp_path / "in", read=read_slowly)
    remove_stale(out)
    assert {r for r, row in rows.items() if row.status == "unchanged"} >= done
    assert set(rows) == {str(k) for k in range(6)} and "failed" not in statuses(rows).values()
    assert {file.name for file in out.iterdir()} == {f"{k}{end}" for k in range(6) for end in ENDS}


def old(part: Path) -> Path:
    """Half a file, or half a record's files in a folder, from long ago."""
    if part.name.startswith("."):
        part.mkdir(parents=True)
        (part / "a.dat").write_text("")
    else:
        part.write_text("")
    os.utime(part, (0, 0))
    return part


def test_what_was_left_half_written_is_removed_but_what_is_written_now(tmp_path: Path) -> None:
    out = tmp_path / "out"
    save(tmp_path / "in" / "ward" / "a.png")
    run(out, tmp_path / "in")
    names = ("ward/a.csv", "ward/a_overlay.png", "ward/.a.dat", "summary.csv", "index-2.html")
    left = [old(out / f"{name}.0123abcd.part") for name in names]
    now = out / "ward" / "a.csv.4567abcd.part"
    now.write_text("")
    remove_stale(out)
    assert now.exists() and not any(part.exists() for part in left)


def test_parts_of_others_are_left_to_them(tmp_path: Path) -> None:
    run(tmp_path, save(tmp_path / "a.png"))
    names = (
        *("x.part", "a.csv.part", "a.csv.12345678.tar.part", "a.zip.0123abcd.part"),
        *("a.csv.0123ABCD.part", "b.csv.0123abcd.part", ".cache.part", ".b.dat.0123abcd.part"),
    )
    left = [old(tmp_path / name) for name in names]
    remove_stale(tmp_path)
    assert all(part.exists() for part in left)
