"""Pictures read on many machines, by the workers of a Dask cluster that sees the same folders.

The client alone chooses pictures, names records and writes what lists them; workers read pictures
and write their records, as the processes of `--jobs` do. So the files are the same.
"""

import logging
import sys
import threading
import uuid
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from data_gen.errors import InputError
from data_gen.extras import needs_extra
from data_gen.pool import Stop, in_order, results_in_order
from ecg_overlap.digitize.documents import Picture
from ecg_overlap.digitize.worker import Order, Reading, begin_no_more, installed, read_on_worker

Row = TypeVar("Row")
AGAIN = "what is done is kept, and the same command goes on"
START = "start `dask scheduler`, and workers with `dask worker ADDRESS --nthreads 1`"
WATCH_S = 0.5  # so often it is looked which workers there are, and whether all shall stop


def rows_of(
    work: Callable[[Reading | Row], Row],
    tasks: Iterable[Reading | Row],
    *,
    jobs: int,
    cluster: str | None,
    lost: Callable[[Picture, Path, str], Row],
    stop: Stop | None,
) -> Iterator[Row]:
    """The row of each task, in their order, by processes here or by a cluster's workers.

    Args:
        work: Reads a picture and writes its record, and returns a row as it is.
        tasks: Pictures to read, and rows of what needs no reading.
        jobs: Processes, without a cluster.
        cluster: Address of a Dask scheduler; None: this machine.
        lost: As `rows_of_cluster` has it.
        stop: Once it is set, pictures under way are finished, and no other is begun.

    Raises:
        InputError: A process died, or the cluster cannot be used.
    """
    if cluster is None:
        return results_in_order(work, tasks, jobs=jobs, stop=stop)
    return rows_of_cluster(work, tasks, cluster, lost=lost, stop=stop)


def rows_of_cluster(
    work: Callable[[Reading | Row], Row],
    tasks: Iterable[Reading | Row],
    address: str,
    *,
    lost: Callable[[Picture, Path, str], Row],
    stop: Stop | None = None,
) -> Generator[Row, None, None]:
    """The row of each task, in their order; pictures are read by a cluster's workers.

    A worker that dies costs its pictures another try elsewhere, as often as the scheduler allows
    (`distributed.scheduler.allowed-failures`).

    Args:
        work: Reads a picture and writes its record, and returns a row as it is.
        tasks: Few of them at a time are handed out.
        address: Of the scheduler, as tcp://HOST:8786.
        lost: The row of a picture, of its record and the reason, whose workers died every time.
        stop: Once it is set, pictures under way are finished and give their rows, and no other
            is begun.

    Raises:
        InputError: There is no such scheduler or it goes away, or a worker is another version
            than this, or does not see the same files.
    """
    stop = stop or Stop()
    with _connected(address, stop) as cluster:

        def hand_out(task: Reading | Row) -> Future[list[Row]]:
            if not isinstance(task, tuple):  # no picture to read: nothing that takes time
                done: Future[list[Row]] = Future()
                done.set_result([work(task)])
                return done
            picture, record = task
            return cluster.hand_out(
                work, (picture, record), lambda why: lost(picture, record, f"{picture}: {why}")
            )

        yield from in_order(hand_out, iter(tasks), ahead=cluster.ahead, stop=stop)


@contextmanager
def _connected(address: str, stop: Stop) -> Iterator["_Cluster"]:
    with needs_extra("cluster", f"--cluster {address}"):
        from distributed import Client

    class Quiet(Client):
        """One that was never connected says nothing as it is thrown away."""

        def __del__(self) -> None:
            with suppress(Exception):
                Client.__del__(self)

    made: Any = Quiet
    # What it logs of a scheduler that goes away is said by us, in one line.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of versions that differ: workers refuse those
            client = made(address, set_as_default=False)
            cluster = _Cluster(client, address, stop)
    except Exception as error:  # what answers may be anything
        cause = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(
            f"--cluster {address}", f"no Dask scheduler answers there ({cause})", START
        ) from None
    watcher = threading.Thread(target=cluster.watch, daemon=True)
    watcher.start()
    try:
        yield cluster
    finally:
        cluster.ended.set()
        watcher.join()
        with suppress(Exception):  # the scheduler may be gone
            client.close(timeout=WATCH_S)


class _Cluster:
    """A connection, and what the workers are told."""

    def __init__(self, client: Any, address: str, stop: Stop) -> None:
        self._client, self._address, self._stop = client, address, stop
        self._executor = client.get_executor(pure=False)
        self._order = Order(uuid.uuid4().hex, Path.cwd(), tuple(installed().items()))
        self._n_workers = len(client.nthreads())
        self.ended = threading.Event()

    def ahead(self) -> int:
        """How many pictures may be handed out and not read: one for each worker.

        All that a worker has at hand is blamed for its death, and a picture takes hundreds of times
        as long as to hand it out.
        """
        return max(1, self._n_workers)

    def hand_out(
        self, work: Callable[[Any], Row], task: Reading, lost: Callable[[str], Row]
    ) -> Future[list[Row]]:
        """A future of the picture's row; of none where it was not begun."""
        found: Future[list[Row]] = Future()

        def done(future: Future[list[Row]]) -> None:
            try:
                found.set_result(self._result(future, lost))
            except InputError as error:
                found.set_exception(error)

        self._executor.submit(read_on_worker, work, task, self._order).add_done_callback(done)
        return found

    def _result(self, future: Future[list[Row]], lost: Callable[[str], Row]) -> list[Row]:
        from distributed import KilledWorker

        try:
            return future.result()
        except InputError:
            raise
        except KilledWorker as error:
            tried = error.allowed_failures + 1
            return [
                lost(
                    f"every worker that read it died ({tried} tried; out of memory?); "
                    "give workers more memory, or reduce it"
                )
            ]
        except CancelledError:
            if self._stop.is_set():
                return []
            raise InputError(
                f"--cluster {self._address}", "the scheduler went away", AGAIN
            ) from None
        except Exception as error:  # a scheduler or a worker that cannot even import our code
            cause = " ".join(f"{type(root := _root(error)).__name__}: {root}".split())
            raise InputError(
                f"--cluster {self._address}",
                f"the scheduler or a worker cannot run ecg-overlap ({cause})",
                "install the same version on all of them",
            ) from error

    def watch(self) -> None:
        """Count the workers; once all shall stop, tell them, those that come later too."""
        told = False
        while not self.ended.wait(WATCH_S):
            try:
                self._n_workers = len(self._client.nthreads())
                if self._stop.is_set():
                    self._client.run(begin_no_more, self._order.run, on_error="ignore")
                    if not self._n_workers:
                        self._executor.shutdown(wait=False)
            except Exception:  # the scheduler is gone, which the futures say
                continue
            if not self._n_workers and not told:
                line = f"ecg-overlap: {self._address} has no worker now; waiting for one"
                print(line, file=sys.stderr)
            told = not self._n_workers


def _root(error: BaseException) -> BaseException:
    return _root(error.__cause__) if error.__cause__ else error
