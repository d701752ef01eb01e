"""Many pages to their records: in processes, resumed where they were left, none stops the rest."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shutil import rmtree
from typing import Any

from data_gen.errors import InputError
from data_gen.pool import Stop
from data_gen.whole_file import PART_SUFFIX, whole_path
from ecg_overlap.digitize.attempt import Failed, attempt
from ecg_overlap.digitize.cluster import rows_of
from ecg_overlap.digitize.documents import Picture, count_pictures, pictures
from ecg_overlap.digitize.network import Network, info_of, no_network
from ecg_overlap.digitize.page.digitize import digitize_page
from ecg_overlap.digitize.page.facts import PageRow, row_of
from ecg_overlap.digitize.page.page_signal import PageSignal
from ecg_overlap.digitize.page.write_page import INDEX, write_page
from ecg_overlap.digitize.record_files import ENDS, OVERLAY, THUMBNAIL
from ecg_overlap.digitize.record_names import (
    OF_ALL,
    RecordNames,
    read_facts,
    record_name,
    source_of,
)
from ecg_overlap.digitize.write import version_of, versions

STALE_S = 3600.0  # nothing is half written for so long: what is older, a killed process has left


@dataclass(frozen=True)
class PageOptions:
    """What is done with every page.

    Args:
        out: Folder of the results.
        px_per_mm: Scale of the pictures; None: the grid is measured.
        mm_per_s: Paper speed; None: it is read, else 25.
        mm_per_mv: Gain; None: it is read or measured, else 10.
        chest_mm_per_mv: Gain of the chest leads; None: that which is told of all leads, else as is
            read or measured, else the limb leads'.
        layout: A name of `arrangements.known_names`; None: it is found.
        method: A name of `ecg_overlap.digitize.plans`.
        fs_hz: Of the results.
        weights: SHA-256 of the network's weights; None where none is used.
        overlay: Whether the overlays are drawn.
        timeout_s: What a page may take; None: any time.
        load_network: Returns the method's network. Called for each page, in the process that
            reads it, so it should load the network once and keep it.
        read: The reader, or what stands for it.
    """

    out: Path
    px_per_mm: float | None = None
    mm_per_s: float | None = None
    mm_per_mv: float | None = None
    chest_mm_per_mv: float | None = None
    layout: str | None = None
    method: str = "default"
    fs_hz: float = 500.0
    weights: str | None = None
    overlay: bool = True
    timeout_s: float | None = None
    load_network: Callable[[], Network | None] = no_network
    read: Callable[..., PageSignal] = digitize_page

    def asked(self) -> dict[str, Any]:
        """What is asked of the reader."""
        names = (
            "px_per_mm", "mm_per_s", "mm_per_mv", "chest_mm_per_mv", "layout", "method", "fs_hz",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def facts(self) -> dict[str, Any]:
        """What a result depends on, for its JSON file."""
        ocr = version_of("rapidocr")  # reads the printed scale, where it is installed
        return self.asked() | {"weights": self.weights, "overlay": self.overlay, "ocr": ocr}


# A page to read and its record's folder and name, or the line of one that needs no reading.
Task = tuple[Picture, Path] | PageRow


def digitize_pages(
    files: Mapping[Path, Path],
    options: PageOptions,
    *,
    jobs: int = 1,
    cluster: str | None = None,
    stop: Stop | None = None,
) -> Iterator[PageRow]:
    """Digitize and write every page of the files, but those that are there; rows in their order.

    Args:
        files: Picture files and documents, each with the subfolder of `out` for its results.
        options: For all of them.
        jobs: Processes.
        cluster: Address of a Dask scheduler, whose workers read them instead; they see the same
            folders.
        stop: Once it is set, no further page is begun; those under way are finished.

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


def remove_stale(out: Path) -> None:
    """Remove what killed processes left half-written of our files in the folder of the results.

    A part that another program, or its user, called so is left alone.
    """
    before = time.time() - STALE_S
    for part in out.rglob(f"*{PART_SUFFIX}"):
        whole = whole_path(part)
        if whole is None or not _is_ours(whole, out):
            continue
        try:
            if part.stat().st_mtime > before:
                continue  # another command may be writing it at this moment
            rmtree(part) if part.is_dir() else part.unlink()
        except FileNotFoundError:
            continue


def _is_ours(file: Path, out: Path) -> bool:
    """Whether a file is one of a record that is there, or of all records."""
    if file.parent == out and OF_ALL.fullmatch(file.stem):
        return True
    records = [file.name.removesuffix(end) for end in ENDS if file.name.endswith(end)]
    return any("source" in read_facts(file.with_name(record)) for record in records)


def _tasks(files: Mapping[Path, Path], options: PageOptions) -> Iterator[Task]:
    names = RecordNames(options.out, files)
    for path in files:
        try:
            for picture in pictures(path):
                record = names.of(picture)
                done = _done(picture, record, options)
                yield (picture, record) if done is None else done
        except InputError as error:
            yield PageRow(str(path), record_name(path.stem), "failed", str(error))


def _done(picture: Picture, record: Path, options: PageOptions) -> PageRow | None:
    """The line of a page that an earlier command has done; None where it is to be done."""
    facts = read_facts(record)
    if facts.get("complete") is not True or facts.get("options") != options.facts():
        return None
    if facts.get("versions") != versions():
        return None
    ends = [".hea", ".dat", ".csv", ".html", THUMBNAIL, *([OVERLAY] if options.overlay else [])]
    if not all(record.with_name(record.name + end).is_file() for end in ends):
        return None
    try:
        if not _is_unchanged(picture, record, facts["source"]):
            return None
        return row_of(str(picture), _place(record, options), "unchanged", facts)
    except (OSError, KeyError, TypeError, ValueError):
        return None


def _is_unchanged(picture: Picture, record: Path, source: Mapping[str, Any]) -> bool:
    """Whether a record's picture is what it was: as old and as large, or of the same content."""
    now = picture.path.stat()
    if (now.st_size, now.st_mtime_ns) == (source["size"], source["mtime_ns"]):
        return True
    return source_of(picture, record.parent).sha256 == str(source["sha256"])


def _place(record: Path, options: PageOptions) -> str:
    return record.relative_to(options.out).as_posix()


def _digitize(task: Task, *, options: PageOptions) -> PageRow:
    if isinstance(task, PageRow):
        return task
    picture, record = task
    read = partial(_read_and_write, picture, record, options)
    try:
        facts = attempt(read, picture, options.timeout_s)
    except Failed as failed:
        return _failed(picture, record, str(failed), options=options)
    return row_of(str(picture), _place(record, options), "ok", facts)


def _failed(picture: Picture, record: Path, reason: str, *, options: PageOptions) -> PageRow:
    return PageRow(str(picture), _place(record, options), "failed", reason)


def _read_and_write(picture: Picture, record: Path, options: PageOptions) -> dict[str, Any]:
    """Returns what the page's JSON file says."""
    image = picture.read()
    source = source_of(picture, record.parent)
    network = options.load_network()
    if network is not None and info_of(network).sha256 != options.weights:
        raise InputError(
            "the network", "has changed since it was loaded", "start the command and workers again"
        )
    page = options.read(image, network=network, stages=True, **options.asked())
    return write_page(
        page,
        record,
        image=image,
        source=source,
        options=options.facts(),
        overlay=options.overlay,
        index=Path(os.path.relpath(options.out / INDEX, record.parent)).as_posix(),
    )
