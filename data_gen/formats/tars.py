"""Numbered samples in tar files: written byte for byte alike, read by number, and checked.

Every sample is a run of members of one key, its number; `manifest.json` beside the files names
them with their SHA-256 (`data_gen.write_set` writes it last, so that it stands for a whole set).
"""

import io
import itertools
import tarfile
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from data_gen.errors import InputError
from data_gen.formats.files import read_json, sha256
from data_gen.whole_file import whole_file

Sample = TypeVar("Sample")
MANIFEST = "manifest.json"
RESUME = "run generate.py with the same options again: it writes what is missing or damaged"


def shard_name(part: int) -> str:
    """The file name of a shard."""
    return f"shard-{part:06d}.tar"


def write_tar(samples: Iterable[tuple[int, Mapping[str, bytes]]], path: Path) -> str:
    """Writes numbered samples, {name: content} each, as one tar; equal ones give equal bytes.

    Returns:
        SHA-256 of the tar.
    """
    with whole_file(path) as part:
        with tarfile.open(part, "w", format=tarfile.USTAR_FORMAT) as tar:
            for index, members in samples:
                for name, content in sorted(members.items()):
                    # A fresh TarInfo has no time, owner or group that could differ.
                    info = tarfile.TarInfo(f"{index:08d}.{name}")
                    info.size = len(content)
                    tar.addfile(info, io.BytesIO(content))
        return sha256(part)


class Tars(Generic[Sample]):
    """A folder of shards, by number or one after the other; cheap to pickle and to hold.

    Args:
        root: The folder, which holds `manifest.json`.
        form: The format that the manifest must name.
        read: From a sample's members, and where they lie, to the sample.
        check: Compare each shard's SHA-256 when it is first opened.

    Raises:
        InputError: There is no manifest, it is damaged or of another format, or a shard that it
            names is missing.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        form: str,
        read: Callable[[Mapping[str, bytes], object], Sample],
        check: bool = True,
    ) -> None:
        self.root, self.read, self.check = Path(root), read, check
        self.manifest = read_manifest(self.root, form)
        self._names: list[str] = []
        counts = [0]
        for part in self.manifest["parts"]:
            (name,) = part["files"]
            if Path(name).name != name:
                raise InputError(
                    self.root / MANIFEST, f"names {name}, outside of its folder", "do not trust it"
                )
            if not (self.root / name).is_file():
                raise InputError(self.root / name, "is missing", RESUME)
            self._names.append(name)
            counts.append(part["n"])
        self._ends = list(itertools.accumulate(counts))
        self._places: dict[int, list[dict[str, tuple[int, int]]]] = {}

    def __len__(self) -> int:
        return self._ends[-1]

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: int) -> Sample:
        """One sample.

        Raises:
            IndexError: There are fewer samples.
            InputError: Its shard is damaged.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        index %= len(self)
        shard = bisect_right(self._ends, index) - 1
        if shard not in self._places:
            self._places[shard] = self._open(shard)
        path = self.root / self._names[shard]
        content = {}
        with path.open("rb") as file:
            for name, (offset, size) in self._places[shard][index - self._ends[shard]].items():
                file.seek(offset)
                content[name] = file.read(size)
        return self.read(content, f"{path}, sample {index}")

    def _open(self, shard: int) -> list[dict[str, tuple[int, int]]]:
        """Where each sample's members lie in a shard: offset and size in bytes."""
        path = self.root / self._names[shard]
        part = self.manifest["parts"][shard]
        if self.check and sha256(path) != part["files"][path.name]:
            raise InputError(path, "is damaged: its SHA-256 is not the manifest's", RESUME)
        places: dict[str, dict[str, tuple[int, int]]] = {}
        try:
            with tarfile.open(path, "r:") as tar:
                for member in tar:
                    key, _, name = member.name.partition(".")
                    places.setdefault(key, {})[name] = (member.offset_data, member.size)
        except tarfile.TarError as error:
            raise InputError(path, f"is no whole tar file ({error})", RESUME) from None
        if len(places) != part["n"]:
            raise InputError(path, f"holds {len(places)} samples instead of {part['n']}", RESUME)
        return list(places.values())


def read_manifest(root: Path, form: str) -> dict[str, Any]:
    """The manifest of a set of shards in a format.

    Raises:
        InputError: It is missing or damaged, or the set has another format.
    """
    path = root / MANIFEST
    if not path.is_file():
        if (root / "plan.json").is_file():
            raise InputError(root, f"the set is not finished: it has no {MANIFEST}", RESUME)
        raise InputError(root, f"holds no {MANIFEST}", "give a folder that generate.py wrote")
    manifest = read_json(path)
    try:
        found = manifest["format"]
        whole = sum(part["n"] for part in manifest["parts"]) == manifest["n"] > 0
        whole &= all(isinstance(part["files"], dict) for part in manifest["parts"])
        whole &= found != form or all(len(part["files"]) == 1 for part in manifest["parts"])
    except (KeyError, TypeError) as error:
        raise InputError(path, f"is damaged ({error!r})", f"remove it, then {RESUME}") from None
    if not whole:
        raise InputError(path, "is damaged: its counts disagree", f"remove it, then {RESUME}")
    if found != form:
        raise InputError(
            path, f"is of a set in the format {found}", f"read it with {found}'s reader"
        )
    return dict(manifest)
