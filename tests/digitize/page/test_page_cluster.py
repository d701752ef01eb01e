"""Pages read by a Dask cluster: the same files, and what goes wrong is one line."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from made_pages import read, save
from test_page_folder import statuses

from data_gen.errors import InputError
from data_gen.pool import Stop
from ecg_overlap.cli import main
from ecg_overlap.digitize import cluster as cluster_module
from ecg_overlap.digitize.listing import list_files
from ecg_overlap.digitize.page.facts import PageRow
from ecg_overlap.digitize.page.folder import PageOptions, digitize_pages
from ecg_overlap.digitize.page.page_signal import PageSignal
from ecg_overlap.digitize.record_names import read_facts
from ecg_overlap.digitize.worker import installed

distributed = pytest.importorskip("distributed")
LOCAL = {"dashboard_address": ":0", "threads_per_worker": 1, "memory_limit": 0}


@pytest.fixture(scope="module")
def in_processes() -> Iterator[Any]:
    """A cluster of two workers in processes of their own."""
    with distributed.LocalCluster(n_workers=2, processes=True, **LOCAL) as local:
        yield local


@pytest.fixture
def scheduler(in_processes: Any) -> str:
    return str(in_processes.scheduler_address)


@pytest.fixture
def in_here() -> Iterator[Any]:
    """A cluster whose worker is a thread of this process."""
    with distributed.LocalCluster(n_workers=1, processes=False, protocol="tcp", **LOCAL) as local:
        yield local


def run(out: Path, pictures: Path, cluster: str | None, **options: Any) -> list[PageRow]:
    files = list_files([str(pictures)], recursive=True, besides=out).files
    stop = options.pop("stop", None)
    asked = PageOptions(out=out, **({"read": read} | options))
    return list(digitize_pages(files, asked, cluster=cluster, stop=stop))


def many(folder: Path, n: int) -> Path:
    for k in range(n):
        save(folder / f"{k}.png", mark=k)
    return folder


def kills_its_worker_once(image: Any, *, killed: Path, **options: Any) -> PageSignal:
    if not killed.exists():
        killed.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return read(image)


def kills_its_worker_at(image: Any, *, mark: int, **options: Any) -> PageSignal:
    if image[1, 1, 0] == mark:
        os.kill(os.getpid(), signal.SIGKILL)
    return read(image)


def read_a_while(image: Any, *, taken_s: float, **options: Any) -> PageSignal:
    ends = time.monotonic() + taken_s
    while time.monotonic() < ends:
        time.sleep(0.01)
    return read(image)


def test_a_cluster_gives_the_same_files_and_rows_as_one_process(
    tmp_path: Path, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where the workers are not
    save(many(Path("in"), 5) / "bad.png", bad=True)
    Path("in/no.pdf").write_text("no PDF")
    rows = run(Path("one"), Path("in"), None)
    assert run(Path("many"), Path("in"), scheduler) == rows and len(rows) == 7
    names = sorted(p.name for p in Path("one").iterdir())
    assert sorted(p.name for p in Path("many").iterdir()) == names
    for name in names:
        assert Path("one", name).read_bytes() == Path("many", name).read_bytes(), name


def test_what_is_done_is_not_done_again(tmp_path: Path, scheduler: str) -> None:
    pictures, out = many(tmp_path / "in", 3), tmp_path / "out"
    run(out, pictures, None)
    (out / "1.dat").unlink()
    again = {row.record: row for row in run(out, pictures, scheduler)}
    assert statuses(again) == {"0": "unchanged", "1": "ok", "2": "unchanged"}


@pytest.mark.skipif(os.name != "posix", reason="no SIGKILL elsewhere")
def test_a_killed_worker_costs_its_page_another_try(
    tmp_path: Path, scheduler: str, capfd: pytest.CaptureFixture[str]
) -> None:
    killed = tmp_path / "killed"
    reader = partial(kills_its_worker_once, killed=killed)
    rows = run(tmp_path / "out", many(tmp_path / "in", 4), scheduler, read=reader)
    assert [row.status for row in rows] == ["ok"] * 4 and killed.exists()
    assert read_facts(tmp_path / "out" / "0")["complete"] is True


@pytest.mark.skipif(os.name != "posix", reason="no SIGKILL elsewhere")
def test_a_page_that_kills_every_worker_is_one_line_and_the_rest_go_on(
    tmp_path: Path, in_processes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_processes.scheduler, "allowed_failures", 0)
    pictures, reader = many(tmp_path / "in", 4), partial(kills_its_worker_at, mark=1)
    rows = run(tmp_path / "out", pictures, in_processes.scheduler_address, read=reader)
    assert rows[1].reason == (
        f"{pictures / '1.png'}: every worker that read it died (1 tried; out of memory?); "
        "give workers more memory, or reduce it"
    )
    assert [row.status for row in rows] == ["ok", "failed", "ok", "ok"]


def test_a_worker_of_another_version_is_refused(
    tmp_path: Path, in_here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = installed() | {"ecg-overlap": "0.0.1"}
    made = cluster_module.Order
    monkeypatch.setattr(
        cluster_module, "Order", lambda run, folder, _: made(run, folder, tuple(other.items()))
    )
    with pytest.raises(InputError, match=r"^worker tcp://.*has ecg-overlap .*, this command 0.0.1"):
        run(tmp_path / "out", many(tmp_path / "in", 3), in_here.scheduler_address)
    assert not list((tmp_path / "out").glob("*"))


def test_a_worker_that_does_not_see_the_file_is_one_line(
    tmp_path: Path, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_module.Path, "cwd", lambda: Path("/nowhere"))
    monkeypatch.chdir(many(tmp_path / "in", 1))
    with pytest.raises(InputError, match=r"^worker tcp://.* does not see /nowhere/0.png; start"):
        run(tmp_path / "out", Path("0.png"), scheduler)


def test_after_a_stop_what_is_under_way_is_finished(tmp_path: Path, in_here: Any) -> None:
    stop = Stop()
    threading.Timer(1.0, stop.set).start()
    reader = partial(read_a_while, taken_s=0.4)
    out, address = tmp_path / "out", in_here.scheduler_address
    rows = run(out, many(tmp_path / "in", 30), address, read=reader, stop=stop)
    assert 0 < len(rows) < 15 and {row.status for row in rows} == {"ok"}
    complete = {f.stem for f in out.glob("*.json") if read_facts(f.with_suffix(""))["complete"]}
    assert {row.record for row in rows} == complete


def test_a_stop_ends_waiting_for_workers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stop = Stop()
    with distributed.LocalCluster(n_workers=0, processes=False, protocol="tcp", **LOCAL) as local:
        threading.Timer(1.5, stop.set).start()
        address = local.scheduler_address
        assert run(tmp_path / "out", many(tmp_path / "in", 3), address, stop=stop) == []
    assert capsys.readouterr().err == f"ecg-overlap: {address} has no worker now; waiting for one\n"


def test_a_scheduler_that_goes_away_is_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    local = distributed.LocalCluster(n_workers=1, processes=False, protocol="tcp", **LOCAL)
    address = local.scheduler_address
    threading.Timer(1.0, local.close).start()
    reader = partial(read_a_while, taken_s=0.3)
    with pytest.raises(InputError, match=r"the scheduler went away; what is done is kept"):
        run(tmp_path / "out", many(tmp_path / "in", 30), address, read=reader)
    said = capfd.readouterr().err.splitlines()
    assert [line for line in said if "has no worker now" not in line] == []


@pytest.mark.skipif(os.name != "posix", reason="no SIGKILL elsewhere")
@pytest.mark.parametrize("look", [1, 2])  # before the first picture is handed out, and after
def test_a_scheduler_that_is_killed_leaves_no_other_line(
    tmp_path: Path, look: int, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--dashboard-address", ":0"]
    command += ["--port", address.rpartition(":")[2]]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    looks = []

    def killed_at_a_look(self: object) -> int:
        looks.append(self)
        if len(looks) == look:
            process.kill()
        return 1

    monkeypatch.setattr(cluster_module._Cluster, "ahead", killed_at_a_look)
    assert page(tmp_path / "o", save(tmp_path / "a.png"), "--cluster", address) == 1
    process.wait()
    said = capfd.readouterr().err
    assert "Traceback" not in said
    lines = [line for line in said.splitlines() if "ecg-overlap: " in line]
    assert [line for line in lines if "has no worker now" not in line] == [
        f"ecg-overlap: --cluster {address}: the scheduler went away; "
        "what is done is kept, and the same command goes on"
    ]


def test_a_page_that_takes_too_long_is_given_up_in_a_worker_too(
    tmp_path: Path, scheduler: str
) -> None:
    reader = partial(read_a_while, taken_s=60)
    (row,) = run(tmp_path / "out", many(tmp_path / "in", 1), scheduler, read=reader, timeout_s=0.3)
    assert "took longer than 0.3 s; give a longer --timeout" in row.reason


def page(out: Path, *arguments: str | Path) -> int:
    return main(["page", *map(str, arguments), "--out", str(out), "--method", "classical"])


def test_no_scheduler_is_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import dask

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    picture = save(tmp_path / "a.png")
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        assert page(tmp_path / "o", picture, "--cluster", f"tcp://127.0.0.1:{port}") == 1
    (line,) = (w for w in capfd.readouterr().err.splitlines() if "ecg-overlap" in w)
    assert line.startswith(
        f"ecg-overlap: --cluster tcp://127.0.0.1:{port}: no Dask scheduler answers there (OSError: "
    )


def test_a_worker_is_no_scheduler(tmp_path: Path, in_here: Any) -> None:
    (address,) = (worker.address for worker in in_here.workers.values())
    with pytest.raises(InputError, match="no Dask scheduler answers there"):
        run(tmp_path / "out", many(tmp_path / "in", 1), address)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--cluster", "10.0.0.5:8786"], "is no scheduler's address, as tcp://HOST:8786"),
        (["--cluster", "http://10.0.0.5:8787"], "is no scheduler's address"),
        (["--cluster", "tcp://a:1", "--jobs", "2"], "--jobs: not allowed with argument --cluster"),
    ],
)
@pytest.mark.parametrize("command", ["page", "digitize"])
def test_options_that_cannot_be_are_named(
    command: str, given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([command, "a.png", "--out", "o", *given])
    assert said in capsys.readouterr().err


def test_without_the_extra_it_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r'pip install "ecg-overlap\[cluster\]"'):
        run(tmp_path / "out", many(tmp_path / "in", 1), "tcp://127.0.0.1:8786")
