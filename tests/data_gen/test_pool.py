"""Work in several processes."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import pytest

from data_gen.errors import InputError
from data_gen.pool import AHEAD, Stop, results_in_order
from data_gen.whole_file import whole_file


def slow_first(task: int) -> tuple[int, int]:
    """The task and who did it; the first one takes longest."""
    time.sleep(0.5 if task == 0 else 0.01)
    return task, os.getpid()


def fails_at_one(task: int) -> int:
    if task == 1:
        raise ValueError("one")
    return task


def dies_at_one(task: int) -> int:
    if task == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return task


def threads(task: int) -> tuple[int, str]:
    return cv2.getNumThreads(), os.environ["OMP_NUM_THREADS"]


def writes(task: int, folder: Path) -> None:
    """Writes a file, which takes longer than any test waits."""
    with whole_file(folder / f"{task}.txt") as part:
        part.write_text("half")
        time.sleep(120)


def first_gives_up(task: int, folder: Path) -> None:
    """The first task gives up as soon as the other one writes."""
    if task == 0:
        while not any(folder.iterdir()):
            time.sleep(0.01)
        raise RuntimeError("gave up")
    writes(task, folder)


def children_of(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout
    return [int(word) for word in found.split()]


def runs(pid: int) -> bool:
    """Whether a process still runs; one that has ended may be a zombie for a while."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_the_order_of_the_tasks(jobs: int) -> None:
    results = list(results_in_order(slow_first, range(12), jobs=jobs))
    assert [task for task, _ in results] == list(range(12))
    assert (os.getpid() in {pid for _, pid in results}) == (jobs == 1)


def test_few_tasks_at_a_time_are_handed_out() -> None:
    taken = []

    def tasks() -> Iterator[int]:
        for task in range(1000):
            taken.append(task)
            yield task

    results = results_in_order(fails_at_one, tasks(), jobs=2)
    next(results)
    assert len(taken) <= 2 * AHEAD * 2
    with pytest.raises(ValueError, match="one"):
        list(results)


@pytest.mark.parametrize("jobs", [1, 2])
def test_after_a_stop_no_task_is_begun(jobs: int) -> None:
    stop = Stop()
    results = results_in_order(slow_first, range(1000), jobs=jobs, stop=stop)
    done = [next(results)[0]]
    stop.set()
    done += [task for task, _ in results]
    assert done == list(range(len(done)))
    assert len(done) < 100


def test_each_process_has_one_thread() -> None:
    assert set(results_in_order(threads, range(4), jobs=2)) == {(1, "1")}


def test_a_process_that_dies_is_one_clear_line() -> None:
    with pytest.raises(InputError, match=r"a worker process died.*fewer jobs"):
        list(results_in_order(dies_at_one, range(6), jobs=2))


def test_after_an_error_no_process_and_no_half_file_is_left(tmp_path: Path) -> None:
    before = multiprocessing.active_children()
    started = time.monotonic()
    with pytest.raises(RuntimeError, match="gave up"):
        list(results_in_order(partial(first_gives_up, folder=tmp_path), range(2), jobs=2))
    assert time.monotonic() - started < 60  # the other task would have taken longer
    assert multiprocessing.active_children() == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_processes_end_when_their_parent_is_ended(tmp_path: Path, how: signal.Signals) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\n"
        "from functools import partial\n"
        "from pathlib import Path\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_pool import results_in_order, writes\n"
        "if __name__ == '__main__':\n"
        "    list(results_in_order(partial(writes, folder=Path(sys.argv[1])), range(2), jobs=2))\n"
    )
    out = tmp_path / "out"
    parent = subprocess.Popen([sys.executable, str(program), str(out)])
    try:
        deadline = time.monotonic() + 120
        while len(list(out.glob("*.part"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        children = children_of(parent.pid)
        parent.send_signal(how)
        # SIGTERM is Ctrl-C to it: it interrupts its processes and waits for them.
        assert parent.wait(timeout=60) == -(signal.SIGINT if how == signal.SIGTERM else how)
    finally:
        parent.kill()
        parent.wait()
    assert len(children) >= 2
    deadline = time.monotonic() + 30
    while any(map(runs, children)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(runs, children))
    assert list(out.iterdir()) == []  # they left their tasks in order
