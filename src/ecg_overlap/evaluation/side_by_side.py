"""Tasks done side by side: those that may leave this process in others, the rest here meanwhile."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from tqdm import tqdm

from data_gen.pool import processes


class Task(Protocol):
    """Something to be done, which knows where it can be done."""

    @property
    def in_workers(self) -> bool: ...


AnyTask = TypeVar("AnyTask", bound=Task)


@contextmanager
def side_by_side(
    here: Callable[[AnyTask], int],
    in_worker: Callable[[AnyTask], int],
    jobs: int,
    bar: "tqdm[Any]",
) -> Iterator[Callable[[Sequence[AnyTask]], None]]:
    """A function that does tasks and returns when all are done.

    Args:
        here: Does a task in this process; returns by how much the bar goes on.
        in_worker: The same in another one; pickled once for each.
        jobs: Processes; 1 does everything in this one.
        bar: Counts what is done.

    Raises:
        InputError: A process died.
    """

    def do_here(tasks: Sequence[AnyTask]) -> None:
        for task in tasks:
            bar.update(here(task))

    if jobs <= 1:
        yield do_here
        return
    with processes(in_worker, jobs) as hand_out:

        def do_beside(tasks: Sequence[AnyTask]) -> None:
            futures = [hand_out(task) for task in tasks if task.in_workers]
            for future in futures:
                future.add_done_callback(lambda done: _count(bar, done))
            do_here([task for task in tasks if not task.in_workers])
            for future in as_completed(futures):
                future.result()

        yield do_beside


def _count(bar: "tqdm[Any]", done: "Future[list[int]]") -> None:
    if not done.cancelled() and done.exception() is None:
        bar.update(sum(done.result()))
