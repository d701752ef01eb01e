"""Work in several processes, which end as their parent ends and leave Ctrl-C to it.

SIGTERM (of `docker stop`, `timeout`, Slurm) is to the parent what Ctrl-C is.

Processes are spawned: a forked one inherits the locks of OpenCV's, numba's and torch's threads,
held or not, and can hang.
"""

import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from ctypes import c_bool
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import cv2

from data_gen.errors import InputError

Task = TypeVar("Task")
Result = TypeVar("Result")
SPAWN = get_context("spawn")
AHEAD = 2  # tasks handed out for each process: the one under way and the next
HELD = 10_000  # results that may wait for an earlier one: rows of about 1 kB, less than a picture
LOOK_S = 1.0  # so often it is looked whether more tasks may be handed out than before
GRACE_S = 5.0  # what a process gets to leave its task in order, e.g. to remove half a file


class Stop:
    """Asks for no further task to be begun, in all processes.

    It has no lock, so that a signal's handler may set it at any time.
    """

    def __init__(self) -> None:
        self._flag = SPAWN.RawValue(c_bool, False)

    def set(self) -> None:
        self._flag.value = True

    def is_set(self) -> bool:
        return bool(self._flag.value)


def results_in_order(
    work: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    jobs: int = 1,
    stop: Stop | None = None,
) -> Generator[Result, None, None]:
    """The result of each task, in the order of the tasks.

    Args:
        work: What is done with a task; pickled once for each process.
        tasks: Few of them at a time are handed out.
        jobs: Processes; 1: the work is done in this one.
        stop: Once it is set, tasks under way are finished and give their results, and no other
            is begun.

    Raises:
        InputError: A process died.
    """
    stop = stop or Stop()
    todo = iter(tasks)
    if jobs <= 1:
        for task in todo:
            if stop.is_set():
                return
            yield work(task)
        return
    with processes(work, jobs, stop) as hand_out:
        yield from in_order(hand_out, todo, ahead=lambda: AHEAD * jobs, stop=stop)


def in_order(
    hand_out: Callable[[Task], Future[list[Result]]],
    tasks: Iterator[Task],
    *,
    ahead: Callable[[], int],
    stop: Stop,
) -> Generator[Result, None, None]:
    """The results of tasks that are handed out few at a time, in the order of the tasks.

    Args:
        hand_out: Hands out a task, as of `processes`.
        tasks: They are taken as they are handed out.
        ahead: How many may be handed out and not done at this moment.
        stop: Once it is set, no further task is handed out.
    """
    ordered: deque[Future[list[Result]]] = deque()
    under_way: set[Future[list[Result]]] = set()
    while True:
        room = min(ahead() - len(under_way), HELD - len(ordered))
        for task in islice(tasks, 0 if stop.is_set() else max(0, room)):
            ordered.append(hand_out(task))
            under_way.add(ordered[-1])
        if not ordered:
            return
        under_way = wait(under_way, LOOK_S, return_when=FIRST_COMPLETED).not_done
        while ordered and ordered[0].done():
            yield from ordered.popleft().result()


@contextmanager
def processes(
    work: Callable[[Task], Result], jobs: int, stop: Stop | None = None
) -> Iterator[Callable[[Task], Future[list[Result]]]]:
    """Processes that wait for tasks: one thread each, none of which sees Ctrl-C.

    After an error in the block, tasks under way are interrupted and the others are not begun.

    Args:
        work: What is done with a task; pickled once for each process.
        jobs: Processes.
        stop: Once it is set, no task is begun.

    Yields:
        A function that hands out a task and returns its future: a list of the one result, or
        an empty one where the task was not begun.

    Raises:
        InputError: A process died.
    """
    stop = stop or Stop()
    alive, lifeline = SPAWN.Pipe(duplex=False)
    pool = ProcessPoolExecutor(
        jobs, mp_context=SPAWN, initializer=_prepare, initargs=(work, stop, alive)
    )

    def hand_out(task: Task) -> Future[list[Result]]:
        with _ctrl_c_held():  # the first task starts the processes
            return pool.submit(_do, task)

    try:
        with _sigterm_as_ctrl_c(), pool:
            try:
                yield hand_out
            except BaseException:
                stop.set()
                lifeline.close()
                pool.shutdown(cancel_futures=True)
                raise
    except BrokenProcessPool:
        raise InputError(
            f"jobs={jobs}",
            "a worker process died (out of memory?)",
            "run again with fewer jobs; what is done is kept",
        ) from None
    finally:
        lifeline.close()
        alive.close()


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """SIGTERM raises KeyboardInterrupt, where nobody has said what else it shall do."""
    main = threading.current_thread() is threading.main_thread()  # signals are its alone
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def _ctrl_c_held() -> Iterator[None]:
    """Ctrl-C comes later; a process started meanwhile never sees it, not even as it imports."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# Of a process: what it does with a task, and whether it still may.
_work: Callable[[Any], Any]
_stop: Stop


def _prepare(work: Callable[[Any], Any], stop: Stop, alive: Connection) -> None:
    """One thread, as the processes are the parallelism, and one that waits for the end."""
    global _work, _stop
    _work, _stop = work, stop
    one_thread()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    threading.Thread(target=_end_with, args=(alive,), daemon=True).start()


def one_thread() -> None:
    """This process works in one thread, as it is one of many."""
    cv2.setNumThreads(1)
    os.environ["OMP_NUM_THREADS"] = "1"  # for ONNX Runtime and torch, where the work loads them


def _end_with(alive: Connection) -> None:
    """End this process once the parent has closed the pipe, or was killed."""
    alive.poll(None)
    _stop.set()
    os.kill(os.getpid(), signal.SIGTERM)  # raises SystemExit in the main thread
    time.sleep(GRACE_S)
    os._exit(1)


def _do(task: Any) -> list[Any]:
    return [] if _stop.is_set() else [_work(task)]
