"""Many pictures, one by one or in processes: a failure does not stop the rest."""

import glob
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from ctypes import c_bool
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.network import Network
from ecg_overlap.digitize.read_image import SUFFIXES, read_image
from ecg_overlap.digitize.write import record_name, write_lead

Box = tuple[int, int, int, int]
Named = tuple[Path, str]  # a picture and its record's name
AHEAD = 2  # pictures handed out for each process: the one under way and the next
SPAWN = get_context("spawn")  # a fork inherits locks of OpenCV's and numba's threads, and hangs


def no_network() -> None:
    """What loads nothing, for methods that use no network."""


@dataclass(frozen=True)
class Options:
    """What is done with every picture.

    Args:
        out: Folder of the results.
        px_per_mm: Scale; None: the grid is measured.
        mm_per_s: Paper speed.
        mm_per_mv: Gain.
        fs_hz: Of the results.
        method: A name of `ecg_overlap.digitize.plans`.
        box: (x, y, width, height) of the lead in the picture; None: all of it.
        row_px: Row of the lead's 0 mV in the picture, where known.
        load_network: Gives the method's network, in the process that uses it; keeps it.
    """

    out: Path
    px_per_mm: float | None = None
    mm_per_s: float = 25.0
    mm_per_mv: float = 10.0
    fs_hz: float = 500.0
    method: str = "default"
    box: Box | None = None
    row_px: float | None = None
    load_network: Callable[[], Network | None] = no_network


@dataclass(frozen=True)
class Row:
    """One picture's line of summary.csv; what is not known is None."""

    path: str
    record: str
    status: str
    reason: str = ""
    samples: int | None = None
    fs_hz: float | None = None
    px_per_mm_x: float | None = None
    px_per_mm_y: float | None = None
    grid_confidence: float | None = None
    coverage: float | None = None
    mean_confidence: float | None = None
    flags: str = ""
    method: str = ""
    weights_sha256: str | None = None


def picture_files(patterns: Iterable[str]) -> list[Path]:
    """The pictures meant, each once: a file by name, a folder's pictures, a glob's."""
    found: dict[Path, None] = {}
    for pattern in patterns:
        found.update(dict.fromkeys(_matches(pattern)))
    return list(found)


def _matches(pattern: str) -> list[Path]:
    path = Path(pattern)
    if path.is_dir():
        return sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
    if path.exists() or not glob.has_magic(pattern):
        return [path]  # what is not there fails with its own reason, in its own line
    hits = map(Path, glob.glob(pattern, recursive=True))  # noqa: PTH207 (an absolute pattern too)
    return sorted(p for p in hits if p.suffix.lower() in SUFFIXES)


def record_names(paths: Iterable[Path]) -> list[str]:
    """A record's name for each picture: its stem; the second of one name gets "-2"."""
    names: list[str] = []
    taken: set[str] = set()
    for path in paths:
        stem = record_name(path.stem)
        name, k = stem, 1
        while name in taken:
            k += 1
            name = f"{stem}-{k}"
        taken.add(name)
        names.append(name)
    return names


class Stop:
    """Asks `digitize_files`, in all of its processes, to begin no further picture.

    It has no lock, so a signal's handler may set it at any time.
    """

    def __init__(self) -> None:
        self._flag = SPAWN.RawValue(c_bool, False)

    def set(self) -> None:
        self._flag.value = True

    def is_set(self) -> bool:
        return bool(self._flag.value)


def digitize_files(
    paths: list[Path], options: Options, *, jobs: int = 1, stop: Stop | None = None
) -> Iterator[Row]:
    """Digitize and write every picture; rows in the order of the paths.

    Args:
        paths: Picture files.
        options: For all of them.
        jobs: Processes.
        stop: Once it is set, pictures under way are finished and get their rows, and no other
            is begun: there is a row for every picture of which there are files.
    """
    stop = stop or Stop()
    named = list(zip(paths, record_names(paths), strict=True))
    if jobs > 1 and len(paths) > 1:
        yield from _in_processes(named, options, min(jobs, len(paths)), stop)
        return
    for one in named:
        if stop.is_set():
            return
        yield _digitize_file(one, options=options)


def _in_processes(named: list[Named], options: Options, jobs: int, stop: Stop) -> Iterator[Row]:
    """The rows of `digitize_files`; few pictures at a time are handed out."""
    todo = iter(named)
    ordered: deque[Future[Row | None]] = deque()
    under_way: set[Future[Row | None]] = set()
    work = partial(_unless_stopped, options=options)
    with ProcessPoolExecutor(
        jobs, mp_context=SPAWN, initializer=_prepare_worker, initargs=(stop,)
    ) as pool:
        while True:
            for one in islice(todo, 0 if stop.is_set() else AHEAD * jobs - len(under_way)):
                with _ctrl_c_held():
                    ordered.append(pool.submit(work, one))
                under_way.add(ordered[-1])
            if not ordered:
                return
            under_way = wait(under_way, return_when=FIRST_COMPLETED).not_done
            while ordered and ordered[0].done():
                row = ordered.popleft().result()
                if row is not None:
                    yield row


@contextmanager
def _ctrl_c_held() -> Iterator[None]:
    """Ctrl-C comes later; a process started meanwhile never sees it, not even as it imports."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_stop = Stop()  # a worker's: the one that its parent sets


def _prepare_worker(stop: Stop) -> None:
    """One thread each; Ctrl-C is the parent's to answer: a picture under way is finished."""
    global _stop
    _stop = stop
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _unless_stopped(named: Named, *, options: Options) -> Row | None:
    return None if _stop.is_set() else _digitize_file(named, options=options)


def _digitize_file(named: Named, *, options: Options) -> Row:
    path, name = named
    try:
        image, row_px = _cut(read_image(path), options, path)
        lead = digitize_lead(
            image,
            px_per_mm=options.px_per_mm,
            mm_per_s=options.mm_per_s,
            mm_per_mv=options.mm_per_mv,
            row_px=row_px,
            method=options.method,
            fs_hz=options.fs_hz,
            network=options.load_network(),
        )
        write_lead(lead, options.out, name, image=image, box_px=options.box)
    except InputError as error:
        reason = str(error) if str(path) in str(error) else f"{path}: {error}"
        return Row(str(path), name, "failed", reason)
    return _row(path, name, lead)


def _cut(
    image: NDArray[np.uint8], options: Options, path: Path
) -> tuple[NDArray[np.uint8], float | None]:
    """The box's part of the picture, and the baseline's row in it."""
    if options.box is None:
        return image, options.row_px
    x, y, w, h = options.box
    height, width = image.shape[:2]
    if x + w > width or y + h > height:
        raise DigitizeError(
            path,
            f"the box {x},{y},{w},{h} leaves the picture of {width}×{height} px",
            "correct --box",
        )
    return image[y : y + h, x : x + w], None if options.row_px is None else options.row_px - y


def _row(path: Path, name: str, lead: LeadSignal) -> Row:
    known = bool(np.isfinite(lead.grid_confidence))
    return Row(
        path=str(path),
        record=name,
        status="ok",
        samples=len(lead.signal_mv),
        fs_hz=lead.fs_hz,
        px_per_mm_x=round(lead.calibration.px_per_mm_x, 5),
        px_per_mm_y=round(lead.calibration.px_per_mm_y, 5),
        grid_confidence=round(lead.grid_confidence, 3) if known else None,
        coverage=round(lead.coverage, 4),
        mean_confidence=round(float(lead.confidence.mean()), 4),
        flags=" ".join(lead.flags),
        method=lead.method,
        weights_sha256=lead.weights_sha256,
    )
