"""Which files are meant by names, folders and globs, and which in them are not read."""

import glob
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from data_gen.errors import InputError
from ecg_overlap.digitize.documents import SUFFIXES
from ecg_overlap.digitize.read_image import HEIC
from ecg_overlap.digitize.record_files import PICTURES, RESULTS


@dataclass
class Listing:
    """What was found.

    Args:
        files: Each once, in the order given, those of a folder by name; with each, the subfolder
            of the given folder in which it lies ("." where it lies in none).
        not_read: How many files of each suffix were passed over in folders.
        subfolders: How many folders were not entered.
    """

    files: dict[Path, Path] = field(default_factory=dict)
    not_read: Counter[str] = field(default_factory=Counter)
    subfolders: int = 0
    _seen: set[str] = field(default_factory=set)

    def add(self, path: Path, folder: Path = Path()) -> None:
        """A file, unless it is there already, however its name was typed."""
        name = os.path.abspath(path)  # noqa: PTH100 (links of two names are two pictures)
        if name not in self._seen:
            self._seen.add(name)
            self.files[path] = folder

    def left_out(self) -> str:
        """A line about what was not read; empty where all was.

        Example:
            >>> Listing(not_read=Counter({".docx": 2, "": 1}), subfolders=3).left_out()
            'not read: 2 .docx, 1 without a suffix, 3 subfolders (--recursive reads them)'
        """
        parts = [_passed_over(suffix, count) for suffix, count in sorted(self.not_read.items())]
        parts = parts[1:] + parts[:1] if "" in self.not_read else parts
        if self.subfolders:
            plural = "s" if self.subfolders > 1 else ""
            parts.append(f"{self.subfolders} subfolder{plural} (--recursive reads them)")
        return f"not read: {', '.join(parts)}" if parts else ""


def _passed_over(suffix: str, count: int) -> str:
    remedy = " (pip install 'ecg-overlap[heic]' reads them)" if suffix in HEIC else ""
    return f"{count} {suffix or 'without a suffix'}{remedy}"


def list_files(
    patterns: Iterable[str], *, recursive: bool = False, besides: Path | None = None
) -> Listing:
    """The files that names, folders and globs stand for.

    Args:
        patterns: As typed. A file is taken whatever its suffix, and also if it is not there, so
            that it gets a line of its own.
        recursive: Whether the folders in folders are entered.
        besides: A folder that is not entered, as the results go there.

    Raises:
        InputError: A folder cannot be read.
    """
    found = Listing()
    for pattern in patterns:
        path = Path(pattern)
        if path.is_dir():
            _add_folder(found, path, recursive=recursive, besides=besides)
        elif path.exists() or not glob.has_magic(pattern):
            found.add(path)
        else:
            hits = glob.glob(pattern, recursive=True)  # noqa: PTH207 (Path.glob takes no absolute pattern)
            for hit in sorted(map(Path, hits)):
                if _is_read(hit):
                    found.add(hit)
    return found


def _add_folder(found: Listing, top: Path, *, recursive: bool, besides: Path | None) -> None:
    for folder, inner, names in _walk(top):
        for name in sorted(names):
            path = folder / name
            if name.startswith(".") or _is_ours(path):
                continue
            if _is_read(path):
                found.add(path, folder.relative_to(top))
            elif not _is_result(path):
                found.not_read[path.suffix.lower()] += 1
        entered = [
            name
            for name in sorted(inner)
            if not name.startswith(".") and not _is_same(folder / name, besides)
        ]
        if not recursive:
            found.subfolders += len(entered)
            return
        inner[:] = entered


def _walk(top: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    def refuse(error: OSError) -> None:
        raise InputError(error.filename, f"cannot be read ({error.strerror})", "check its rights")

    for folder, inner, names in os.walk(top, onerror=refuse):
        yield Path(folder), inner, names


def _is_read(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _is_ours(path: Path) -> bool:
    """Whether a picture is one that we drew beside a record of ours."""
    for end in PICTURES:
        if path.name.endswith(end):
            return path.with_name(path.name.removesuffix(end) + ".json").is_file()
    return False


def _is_result(path: Path) -> bool:
    """Whether it is a file of a record of ours, which nobody expects to be read."""
    return path.suffix in RESULTS and path.with_suffix(".json").is_file()


def _is_same(path: Path, other: Path | None) -> bool:
    return other is not None and other.exists() and path.samefile(other)
