"""Many pictures to their files, one by one or in processes; a failure does not stop the rest."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.pool import Stop
from ecg_overlap.digitize.attempt import Failed, attempt
from ecg_overlap.digitize.cluster import rows_of
from ecg_overlap.digitize.documents import Picture, count_pictures, pictures
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.network import Network, no_network
from ecg_overlap.digitize.record_names import Box, RecordNames, record_name, source_of
from ecg_overlap.digitize.write import write_lead


@dataclass(frozen=True)
class Options:
    """What is done with every picture.

    Args:
        out: Folder of the results.
        px_per_mm: Scale; None: the grid is measured.
        mm_per_s: Paper speed; None: as a calibration pulse tells, or 25.
        mm_per_mv: Gain; None: likewise, or 10.
        fs_hz: Of the results.
        method: A name of `ecg_overlap.digitize.plans`.
        box: (x, y, width, height) of the lead in the picture; None: all of it.
        row_px: Row of the lead's 0 mV in the picture, where known.
        lead_name: As the WFDB header shall call the signals.
        timeout_s: What a picture may take; None: as long as it takes.
        load_network: Returns the method's network. Called for each picture, in the process that
            reads it, so it should load the network once and keep it.
    """

    out: Path
    px_per_mm: float | None = None
    mm_per_s: float | None = None
    mm_per_mv: float | None = None
    fs_hz: float = 500.0
    method: str = "default"
    box: Box | None = None
    row_px: float | None = None
    lead_name: str = "lead"
    timeout_s: float | None = None
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
    quality: float | None = None
    flags: str = ""
    method: str = ""
    weights_sha256: str | None = None


# A picture and its record's folder and name, or the row of a file that cannot be opened.
Task = tuple[Picture, Path] | SummaryRow


def digitize_files(
    files: Mapping[Path, Path],
    options: Options,
    *,
    jobs: int = 1,
    cluster: str | None = None,
    stop: Stop | None = None,
) -> Iterator[SummaryRow]:
    """Digitize and write every picture; rows in the order of the files.

    Args:
        files: Picture files, each with the subfolder of `out` that its results go to.
        options: For all of them.
        jobs: Processes.
        cluster: Address of a Dask scheduler, whose workers read them instead; they see the same
            folders.
        stop: Once it is set, no further picture is begun. Those under way are finished and get
            their rows, so that every picture that has files also has a row.

    Raises:
        InputError: A process died, or the cluster cannot be used.
    """
    return rows_of(
        partial(_digitize, options=options),
        _tasks(files, options),
        jobs=min(jobs, count_pictures(files) or jobs),
        cluster=cluster,
        lost=partial(_failed, options=options),
        stop=stop,
    )


def _tasks(files: Mapping[Path, Path], options: Options) -> Iterator[Task]:
    names = RecordNames(options.out, files, options.box)
    for path in files:
        try:
            yield from ((picture, names.of(picture)) for picture in pictures(path))
        except InputError as error:
            yield SummaryRow(str(path), record_name(path.stem), "failed", str(error))


def _digitize(task: Task, *, options: Options) -> SummaryRow:
    if isinstance(task, SummaryRow):
        return task
    picture, record = task
    read = partial(_read_and_write, picture, record, options)
    try:
        lead = attempt(read, picture, options.timeout_s)
    except Failed as failed:
        return _failed(picture, record, str(failed), options=options)
    return _row(str(picture), record.relative_to(options.out).as_posix(), lead)


def _failed(picture: Picture, record: Path, reason: str, *, options: Options) -> SummaryRow:
    name = record.relative_to(options.out).as_posix()
    return SummaryRow(str(picture), name, "failed", reason)


def _read_and_write(picture: Picture, record: Path, options: Options) -> LeadSignal:
    image, row_px = _cut(picture.read(), options, picture)
    source = source_of(picture, record.parent, options.box)
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
    write_lead(
        lead,
        record.parent,
        record.name,
        image=image,
        lead_name=options.lead_name,
        source=source,
    )
    return lead


def _cut(
    image: NDArray[np.uint8], options: Options, where: Picture
) -> tuple[NDArray[np.uint8], float | None]:
    """The part of the picture inside the box, and the row of 0 mV in that part."""
    if options.box is None:
        return image, options.row_px
    x, y, w, h = options.box
    height, width = image.shape[:2]
    if x + w > width or y + h > height:
        raise DigitizeError(
            where,
            f"the box {x},{y},{w},{h} leaves the picture of {width}×{height} px",
            "correct --box",
        )
    return image[y : y + h, x : x + w], None if options.row_px is None else options.row_px - y


def _row(path: str, name: str, lead: LeadSignal) -> SummaryRow:
    return SummaryRow(
        path=path,
        record=name,
        status="ok",
        samples=len(lead.signal_mv),
        fs_hz=lead.fs_hz,
        px_per_mm_x=round(lead.calibration.px_per_mm_x, 5),
        px_per_mm_y=round(lead.calibration.px_per_mm_y, 5),
        grid_confidence=_rounded(lead.grid_confidence, 3),
        coverage=round(lead.coverage, 4),
        mean_confidence=round(float(lead.confidence.mean()), 4),
        quality=_rounded(lead.quality, 3),
        flags=" ".join(lead.flags),
        method=lead.method,
        weights_sha256=lead.weights_sha256,
    )


def _rounded(value: float, digits: int) -> float | None:
    """A number, or None for NaN."""
    return round(value, digits) if np.isfinite(value) else None
