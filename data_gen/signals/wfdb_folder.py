"""Real signals from any folder of WFDB records."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data_gen.errors import InputError
from data_gen.sample import SPLITS, Record
from data_gen.signals.shelf import Reading, Shelf, shelve, without

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wfdb:
    """12-lead records of a folder and its subfolders.

    Leads may stand in any order and case, in µV, mV or V by the header; two of I, II and III
    beside V1–V6 suffice. The sampling frequency stays as it is (at least 100 Hz). A record's id
    is its path under `root` without the suffix.

    Which patient a record is from is not known, so the split goes by record: the first 8 bytes
    of SHA-256(id) as a fraction of 2^64, compared with the cumulated `fractions`. It depends
    on the id alone: adding records never moves others.

    Args:
        root: The folder.
        exclude: Ids or file names of records to leave out.
        fractions: Share of train, val and test; [0, 0, 1] makes all of it a test set.
        check: "headers" or "full", see `Reading`.
        min_duration_s: A shorter record is bad.
        duration_s: Of a longer record, a stretch of this length is drawn.
        max_bad: Stop when more than this fraction of the records is bad.

    Raises:
        InputError: No such folder, no record in it, too many bad ones, or an impossible option.

    Example:
        >>> source = Wfdb("recordings")  # doctest: +SKIP
        >>> source.draw(np.random.default_rng(0)).signal_mv.shape  # doctest: +SKIP
        (5000, 12)
    """

    root: str
    exclude: Sequence[str] = ()
    fractions: Sequence[float] = (0.8, 0.1, 0.1)
    check: str = "headers"
    min_duration_s: float = 10.0
    duration_s: float = 10.0
    max_bad: float = 0.05
    _shelf: Shelf = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        reading = Reading(self.check, self.min_duration_s, self.duration_s, self.max_bad)
        fractions = tuple(float(f) for f in self.fractions)
        if len(fractions) != 3 or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
            raise InputError("fractions", f"{fractions} is no split", "give three that add up to 1")
        root = existing_root(self.root)
        if (root / "ptbxl_database.csv").is_file():
            _log.warning("%s is PTB-XL: signals=ptbxl splits it by patient, this does not", root)
        found = sorted(p.relative_to(root).with_suffix("").as_posix() for p in root.rglob("*.hea"))
        if not found:
            raise InputError(root, "no WFDB record (*.hea) in it", "give a folder of WFDB records")
        split_of = {i: split_by_hash(i, fractions) for i in without(root, found, self.exclude)}
        object.__setattr__(self, "_shelf", shelve(root, None, split_of, reading))

    def record_ids(self, split: str) -> tuple[str, ...]:
        """Every record of a split, in a fixed order."""
        return self._shelf.record_ids(split)

    def draw(self, rng: np.random.Generator, *, split: str = "train") -> Record:
        """A record of the split, each as likely; see `Shelf.draw`."""
        return self._shelf.draw(rng, split=split)


def existing_root(root: str | None) -> Path:
    """The folder of records.

    Raises:
        InputError: None was given, or it is no folder.
    """
    if not root:
        raise InputError("signals.root", "not given", "give signals.root=FOLDER")
    if not Path(root).is_dir():
        raise InputError(root, "no such folder", "give signals.root=FOLDER of the records")
    return Path(root)


def split_by_hash(record_id: str, fractions: Sequence[float]) -> str:
    """The split of a record, from its id alone."""
    digest = hashlib.sha256(record_id.encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    bound = 0.0
    for split, fraction in zip(SPLITS, fractions, strict=True):
        bound += fraction
        if place < bound:
            return split
    return [s for s, f in zip(SPLITS, fractions, strict=True) if f > 0][-1]  # rounding of the sum
