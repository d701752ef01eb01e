"""Many pictures to their files, one by one or in processes; a failure does not stop the rest."""

import glob
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.pool import Stop, results_in_order
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.network import Network
from ecg_overlap.digitize.read_image import SUFFIXES, read_image
from ecg_overlap.digitize.write import record_name, write_lead

Box = tuple[int, int, int, int]
Named = tuple[Path, str]  # a picture and its record's name


def no_network() -> None:
    """Loads nothing: for methods that use no network."""


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
        load_network: Returns the method's network. Called for each picture, in the process that
            reads it, so it should load the network once and keep it.
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
class SummaryRow:
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
    """The pictures that file names, folders and globs stand for, each once."""
    found: dict[Path, None] = {}
    for pattern in patterns:
        found.update(dict.fromkeys(_matches(pattern)))
    return list(found)


def _matches(pattern: str) -> list[Path]:
    path = Path(pattern)
    if path.is_dir():
        return sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
    if path.exists() or not glob.has_magic(pattern):
        return [path]  # a missing file gets its own line in the summary, with the reason
    hits = map(Path, glob.glob(pattern, recursive=True))  # noqa: PTH207 (Path.glob takes no absolute pattern)
    return sorted(p for p in hits if p.suffix.lower() in SUFFIXES)


def record_names(paths: Iterable[Path]) -> list[str]:
    """A record's name for each picture: its stem, and "-2" for the second of the same name."""
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


def digitize_files(
    paths: list[Path], options: Options, *, jobs: int = 1, stop: Stop | None = None
) -> Iterator[SummaryRow]:
    """Digitize and write every picture; rows in the order of the paths.

    Args:
        paths: Picture files.
        options: For all of them.
        jobs: Processes.
        stop: Once it is set, no further picture is begun. Those under way are finished and get
            their rows, so that every picture that has files also has a row.
    """
    named = list(zip(paths, record_names(paths), strict=True))
    work = partial(_digitize_file, options=options)
    return results_in_order(work, named, jobs=min(jobs, len(named)), stop=stop)


def _digitize_file(named: Named, *, options: Options) -> SummaryRow:
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
        return SummaryRow(str(path), name, "failed", reason)
    return _row(path, name, lead)


def _cut(
    image: NDArray[np.uint8], options: Options, path: Path
) -> tuple[NDArray[np.uint8], float | None]:
    """The part of the picture inside the box, and the row of 0 mV in that part."""
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


def _row(path: Path, name: str, lead: LeadSignal) -> SummaryRow:
    known = bool(np.isfinite(lead.grid_confidence))
    return SummaryRow(
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
