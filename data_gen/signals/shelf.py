"""Records in files: which belong to which split, drawing one, and skipping the bad ones."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_gen.dials import as_probability
from data_gen.errors import InputError
from data_gen.sample import LEADS, SPLITS, Record, split_number
from data_gen.signals.wfdb_header import BadRecordError, read_header
from data_gen.signals.wfdb_read import check_header, read_signal

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reading:
    """How the records of a folder are read.

    Args:
        check: "headers" (each header at start, samples when they are drawn) or "full" (all
            samples at start, too: ~10 ms a record).
        min_duration_s: A shorter record is bad.
        duration_s: Of a longer record, a stretch of this length is read, at random.
        max_bad: Stop when more than this fraction of the records is bad.
    """

    check: str = "headers"
    min_duration_s: float = 10.0
    duration_s: float = 10.0
    max_bad: float = 0.05

    def __post_init__(self) -> None:
        if self.check not in ("headers", "full"):
            raise InputError("check", f"no check {self.check!r}", "choose of headers, full")
        if not 0 < self.min_duration_s <= self.duration_s < float("inf"):
            raise InputError(
                "min_duration_s",
                f"{self.min_duration_s:g} is not in (0, duration_s = {self.duration_s:g}]",
                "change one of them",
            )
        as_probability("max_bad", self.max_bad)


@dataclass(frozen=True, eq=False)
class Shelf:
    """An index of records that stays small: names and splits in flat arrays, no samples.

    Args:
        root: Folder that the record ids are relative to.
        ids: bytes (n,), path of each header without its suffix.
        splits: uint8 (n,), index into `SPLITS`.
        patients: bytes (n,), or None where patients are not known.
        reading: How a record is read.
    """

    root: Path
    ids: NDArray[np.bytes_]
    splits: NDArray[np.uint8]
    patients: NDArray[np.bytes_] | None
    reading: Reading
    _bad: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    def record_ids(self, split: str) -> tuple[str, ...]:
        """Every record of a split, in a fixed order."""
        return tuple(i.decode() for i in self.ids[self.splits == split_number(split)])

    def draw(self, rng: np.random.Generator, *, split: str) -> Record:
        """A record of the split, each as likely; a bad one is skipped and another drawn.

        What is drawn depends on `rng` and the files alone, not on what was drawn before.

        Raises:
            InputError: The split is empty, or more than `max_bad` of it, or all, proved bad in
                this process.
        """
        of_split = np.flatnonzero(self.splits == split_number(split))
        if not of_split.size:
            raise InputError(
                self.root, f"no record in split {split!r}", "add records, or change the split"
            )
        while True:
            k = int(of_split[rng.integers(len(of_split))])
            where = float(rng.random())  # drawn always, so that the stream does not depend on files
            try:
                return self._read(k, where, split)
            except BadRecordError as error:
                self._note_bad(self.ids[k].decode(), str(error), of_split)

    def _read(self, k: int, where: float, split: str) -> Record:
        record_id = self.ids[k].decode()
        signal_mv, fs_hz = read_signal(
            self.root / f"{record_id}.hea",
            min_duration_s=self.reading.min_duration_s,
            duration_s=self.reading.duration_s,
            where=where,
        )
        patient = None if self.patients is None else self.patients[k].decode() or None
        return Record(signal_mv, fs_hz, LEADS, record_id, patient, split)

    def _note_bad(self, record_id: str, reason: str, of_split: NDArray[np.intp]) -> None:
        known = record_id in self._bad
        self._bad[record_id] = reason
        in_split = set(self.ids[of_split].tolist())
        bad = {name: why for name, why in self._bad.items() if name.encode() in in_split}
        if not known:
            _warn(self.root, record_id, reason, len(bad), len(of_split))
        _stop_if_many(self.root, bad, len(of_split), self.reading.max_bad)


def shelve(
    root: Path, patient_of: Mapping[str, str] | None, split_of: Mapping[str, str], reading: Reading
) -> Shelf:
    """Check the records of a folder and index the good ones.

    Args:
        root: The folder.
        patient_of: Patient of each record id, or None.
        split_of: Split of each record id.
        reading: How they are read and checked.

    Raises:
        InputError: More than `reading.max_bad` of the records are bad.
    """
    bad: dict[str, str] = {}
    segments: set[str] = set()  # of a record that is there as a whole: a record is on one side
    for record_id in split_of:
        path = root / f"{record_id}.hea"
        try:
            header = read_header(path)
            segments |= {path.with_name(n).relative_to(root).as_posix() for n in header.segments}
            if reading.check == "full":
                read_signal(path, min_duration_s=reading.min_duration_s)
            else:
                check_header(header, min_duration_s=reading.min_duration_s)
        except BadRecordError as error:
            bad[record_id] = str(error)
    own = set(split_of) - segments
    bad = {record_id: why for record_id, why in bad.items() if record_id in own}
    for k, (record_id, why) in enumerate(bad.items(), 1):
        _warn(root, record_id, why, k, len(own))
    _stop_if_many(root, bad, len(own), reading.max_bad)
    good = sorted(own - set(bad))
    patients = None
    if patient_of is not None:
        patients = np.array([patient_of[i].encode() for i in good], np.bytes_)
    return Shelf(
        root,
        np.array([i.encode() for i in good], np.bytes_),
        np.array([SPLITS.index(split_of[i]) for i in good], np.uint8),
        patients,
        reading,
    )


def without(root: Path, ids: Iterable[str], exclude: Sequence[str]) -> list[str]:
    """The ids less the excluded ones, which may be named by id or by file name alone.

    Raises:
        InputError: An excluded record is not there: a misspelt one must not slip through.
    """
    unseen, kept = set(exclude), []
    for record_id in ids:
        names = {record_id, record_id.rsplit("/", 1)[-1]}
        if names.isdisjoint(exclude):
            kept.append(record_id)
        unseen -= names
    if unseen:
        raise InputError(
            root, f"no record {sorted(unseen)[0]} to exclude", "correct the list `exclude`"
        )
    return kept


def _warn(root: Path, record_id: str, reason: str, n_bad: int, n: int) -> None:
    _log.warning("%s: skipped, %s (%d of %d records)", root / record_id, reason, n_bad, n)


def _stop_if_many(root: Path, bad: Mapping[str, str], n: int, max_bad: float) -> None:
    if len(bad) <= max_bad * n and (len(bad) < n or not n):
        return
    first = "; ".join(f"{name}: {why}" for name, why in list(bad.items())[:3])
    more = f"; and {len(bad) - 3} more" if len(bad) > 3 else ""
    raise InputError(
        root,
        f"{len(bad)} of {n} records are bad, over {max_bad:.0%} ({first}{more})"
        if len(bad) < n
        else f"all {n} records are bad ({first}{more})",
        "repair them, name them in `exclude`, or raise `max_bad`",
    )
