"""Real signals from PTB-XL in its own folder layout (Wagner et al. 2020, PhysioNet)."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data_gen.errors import InputError
from data_gen.sample import Record
from data_gen.signals.shelf import Reading, Shelf, shelve, without
from data_gen.signals.wfdb_folder import existing_root

TABLE = "ptbxl_database.csv"
_SPLIT_OF_FOLD = dict.fromkeys(range(1, 9), "train") | {9: "val", 10: "test"}


@dataclass(frozen=True)
class Ptbxl:
    """PTB-XL by its recommended folds: 1–8 train, 9 validation, 10 test, patient-disjoint.

    A record's id is its file name in the table without the suffix.

    Args:
        root: The folder that holds ptbxl_database.csv.
        version: "hr" (500 Hz) or "lr" (100 Hz).
        exclude: Ids or file names of records to leave out.
        check: "headers" or "full", see `Reading`.
        min_duration_s: A shorter record is bad.
        duration_s: Of a longer record, a stretch of this length is drawn.
        max_bad: Stop when more than this fraction of the records is bad.

    Raises:
        InputError: No such folder, no table or column, a patient on two sides, too many bad
            records, or an impossible option.

    Example:
        >>> source = Ptbxl("ptb-xl-1.0.3")  # doctest: +SKIP
        >>> source.draw(np.random.default_rng(0), split="test").signal_mv.shape  # doctest: +SKIP
        (5000, 12)
    """

    root: str
    version: str = "hr"
    exclude: Sequence[str] = ()
    check: str = "headers"
    min_duration_s: float = 10.0
    duration_s: float = 10.0
    max_bad: float = 0.05
    _shelf: Shelf = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        reading = Reading(self.check, self.min_duration_s, self.duration_s, self.max_bad)
        if self.version not in ("hr", "lr"):
            raise InputError("version", f"no version {self.version!r}", "choose of hr, lr")
        root = existing_root(self.root)
        table = _read_table(root / TABLE, f"filename_{self.version}")
        kept = without(root, table, self.exclude)
        split_of = {i: table[i][1] for i in kept}
        patient_of = {i: table[i][0] for i in kept}
        _assert_disjoint(root / TABLE, patient_of, split_of)
        object.__setattr__(self, "_shelf", shelve(root, patient_of, split_of, reading))

    def record_ids(self, split: str) -> tuple[str, ...]:
        """Every record of a split, in a fixed order."""
        return self._shelf.record_ids(split)

    def draw(self, rng: np.random.Generator, *, split: str = "train") -> Record:
        """A record of the split, each as likely; see `Shelf.draw`."""
        return self._shelf.draw(rng, split=split)


def _read_table(path: Path, filename: str) -> dict[str, tuple[str, str]]:
    """Patient and split of each record id."""
    if not path.is_file():
        raise InputError(path, "no such table", "give signals.root=FOLDER of PTB-XL")
    found: dict[str, tuple[str, str]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        for column in ("patient_id", "strat_fold", filename):
            if column not in (rows.fieldnames or ()):
                remedy = f"it needs patient_id, strat_fold and {filename}"
                raise InputError(path, f"no column {column}", remedy)
        for number, row in enumerate(rows, start=2):
            try:
                patient = str(int(float(row["patient_id"])))  # the original writes 15709.0
                split = _SPLIT_OF_FOLD[int(float(row["strat_fold"]))]
                found[row[filename].removesuffix(".hea")] = (patient, split)
            except (KeyError, ValueError, TypeError, AttributeError):
                remedy = "a row needs a patient number and a fold from 1 to 10"
                raise InputError(path, f"line {number} is damaged", remedy) from None
    if not found:
        raise InputError(path, "no record in it", "give PTB-XL's own table")
    return found


def _assert_disjoint(
    path: Path, patient_of: Mapping[str, str], split_of: Mapping[str, str]
) -> None:
    seen: dict[str, str] = {}
    for record_id, patient in patient_of.items():
        split = seen.setdefault(patient, split_of[record_id])
        if split != split_of[record_id]:
            raise InputError(
                path,
                f"patient {patient} is in {split} and in {split_of[record_id]}",
                "give PTB-XL's own strat_fold, or exclude one of the records",
            )
