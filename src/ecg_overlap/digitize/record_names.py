"""Which record a picture becomes, so that none is ever written over another's, nor over an input.

A record's JSON file says of which picture it is (`PictureSource`). A name is free for a picture if
the folder has no file of that name, or that picture's own record. The name of a picture's record
is its file's; where that is not free, or another picture of the command has it, a digest of where
the picture lies is added. So names depend neither on the order of the pictures nor on when they
are read.
"""

import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from data_gen.errors import InputError
from data_gen.formats.files import sha256
from data_gen.whole_file import whole_file
from ecg_overlap.digitize.documents import Picture
from ecg_overlap.digitize.record_files import ENDS

# What the commands write of all records, in the folder of the results: no record's name there.
OF_ALL = re.compile(r"summary|index(-\d+)?", re.IGNORECASE)
# Latin letters that are not one with an accent, for Unicode.
NO_ACCENT = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "Æ": "Ae",
        "œ": "oe",
        "Œ": "Oe",
        "ø": "o",
        "Ø": "O",
        "ł": "l",
        "Ł": "L",
        "đ": "d",
        "Đ": "D",
        "ı": "i",
    }
)
LONGEST = 200  # letters: file systems take 255 bytes, of which the files' ends need 33
DIGITS = 6  # of the digest: of 1,000 pictures of one name, two share it once in 30 times
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class PictureSource:
    """Of which picture a record is.

    Args:
        path: The file, from the folder of the record.
        page: Which of its pages, from 1.
        box_px: (x, y, width, height) of the part that is the record's; None: all of it.
        sha256: Of the file, in hex.
        size: Of the file, bytes.
        mtime_ns: When the file was changed.
    """

    path: str
    page: int
    box_px: Box | None
    sha256: str
    size: int
    mtime_ns: int

    def facts(self) -> dict[str, Any]:
        """As values that JSON can hold."""
        return asdict(self)


def source_of(picture: Picture, folder: Path, box_px: Box | None = None) -> PictureSource:
    """What a record in `folder` says of its picture; the file is read.

    Raises:
        InputError: It cannot be read.
    """
    try:
        facts = picture.path.stat()
        digest = _digest(picture.path)
    except OSError as error:
        raise InputError(picture, f"cannot be read ({error.strerror})", "check its path") from error
    place = _place(picture.path, folder)
    return PictureSource(place, picture.page, box_px, digest, facts.st_size, facts.st_mtime_ns)


def _digest(path: Path) -> str:
    """SHA-256 of a file; a document is read once for all its pages."""
    facts = path.stat()
    return _digest_as_it_is(path, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=16)
def _digest_as_it_is(path: Path, size: int, mtime_ns: int) -> str:
    return sha256(path)


def record_name(name: str) -> str:
    """A name that WFDB allows, and to which the ends of a record's files can be added.

    Letters lose their accents; what is no letter of the Latin alphabet then becomes a line.

    Example:
        >>> record_name("scan 3 (V1)"), record_name("Müller_Großmann")
        ('scan_3__V1_', 'Muller_Grossmann')
    """
    letters = unicodedata.normalize("NFKD", name.translate(NO_ACCENT))
    allowed = "".join(
        c if c.isascii() and (c.isalnum() or c in "-_") else "_"
        for c in letters
        if not unicodedata.combining(c)
    )
    return allowed[:LONGEST] or "lead"


class RecordNames:
    """Records for the pictures of one command.

    Args:
        out: The folder of the results.
        files: All files of the command, each with the subfolder of `out` that its records go to.
        box_px: The part of each picture that is read; None: all of it.
    """

    def __init__(self, out: Path, files: Mapping[Path, Path], box_px: Box | None = None) -> None:
        self._out, self._files, self._box_px = out, files, box_px
        self._inputs = {os.path.realpath(path) for path in files}
        sharing: dict[str, list[Path]] = {}
        for path, folder in files.items():
            sharing.setdefault(_key(folder / record_name(path.stem)), []).append(path)
        self._holders = {key: self._holder(paths) for key, paths in sharing.items()}

    def of(self, picture: Picture) -> Path:
        """Folder and name of a picture's record, without the files' ends."""
        folder = self._out / self._files[picture.path]
        plain = record_name(picture.stem)
        inner = self._files[picture.path]
        holds = self._holders[_key(inner / record_name(picture.path.stem))] == picture.path
        if picture.page > 1:  # NAME-2 is the document's, unless a file is called so
            holds = holds and _key(inner / plain) not in self._holders
        holds = holds and not (inner == Path() and OF_ALL.fullmatch(plain))
        if holds and self._is_free(folder / plain, picture):
            return folder / plain
        place = f"{_place(picture.path, folder)}#{picture.page}#{self._box_px}"
        digest = hashlib.sha256(os.fsencode(place)).hexdigest()[:DIGITS]
        return folder / f"{plain}_{digest}"

    def _holder(self, paths: list[Path]) -> Path:
        """Who of the pictures of one name has it: whose it is already, else the first by path."""
        first = min(paths)
        if len(paths) == 1:
            return first
        record = self._out / self._files[first] / record_name(first.stem)
        return next((p for p in sorted(paths) if self._owns(record, Picture(p))), first)

    def _owns(self, record: Path, picture: Picture) -> bool:
        owner = read_facts(record).get("source")
        if not isinstance(owner, dict):
            return False
        part = (owner.get("page"), owner.get("box_px"))
        if part != (picture.page, None if self._box_px is None else list(self._box_px)):
            return False
        if owner.get("path") == _place(picture.path, record.parent):
            return True
        try:  # it may have been moved, with the same content
            return bool(owner.get("sha256") == _digest(picture.path))
        except OSError:  # which is said where it is read
            return False

    def _is_free(self, record: Path, picture: Picture) -> bool:
        files = [file for file in files_of(record) if file.exists()]
        if any(os.path.realpath(file) in self._inputs for file in files):
            return False
        return not files or self._owns(record, picture)


def files_of(record: Path) -> list[Path]:
    """All files that a record may have."""
    return [record.with_name(record.name + end) for end in ENDS]


def read_facts(record: Path) -> dict[str, Any]:
    """What a record's JSON file says; nothing where it is not there or not ours."""
    try:
        facts = json.loads(record.with_name(record.name + ".json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


def claim(record: Path, source: PictureSource) -> None:
    """Say whose the record is before any of its files is written.

    The same file says `"complete": true` once all of them are there.
    """
    write_facts(record, {"complete": False, "source": source.facts()})


def write_facts(record: Path, facts: Mapping[str, Any]) -> Path:
    """A record's JSON file."""
    path = record.with_name(record.name + ".json")
    text = json.dumps(facts, indent=2, allow_nan=False)
    with whole_file(path) as made:
        made.write_text(text + "\n", encoding="utf-8")
    return path


def _place(path: Path, folder: Path) -> str:
    """Where a file is, seen from a folder."""
    there, here = os.path.realpath(path), os.path.realpath(folder)
    try:
        return Path(os.path.relpath(there, here)).as_posix()
    except ValueError:  # another drive
        return Path(there).as_posix()


def _key(record: Path) -> str:
    """The same for names that some file systems take for one."""
    return record.as_posix().casefold()
