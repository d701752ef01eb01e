"""Samples in tar shards, as WebDataset reads them: written byte for byte alike, and checked.

Every sample is a run of members of one key, its number:

    00000012.facts.json    lead, record, calibration, severity, meta
    00000012.image.png     00000012.target.png    00000012.other.png
    00000012.polyline.npy  00000012.signal.npy

What a sample does not have has no member. `manifest.json` beside the shards names them with
their SHA-256 (`data_gen.write_set` writes it last, so that it stands for a whole set).
"""

import io
import itertools
import json
import tarfile
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from data_gen.errors import InputError
from data_gen.formats.facts import facts, from_facts
from data_gen.formats.files import (
    json_bytes,
    npy_bytes,
    picture_from,
    png_bytes,
    read_json,
    sha256,
)
from data_gen.sample import LeadSample
from data_gen.whole_file import whole_file

MANIFEST = "manifest.json"
_RESUME = "run generate.py with the same options again: it writes what is missing or damaged"


def shard_name(part: int) -> str:
    """The file name of a shard."""
    return f"shard-{part:06d}.tar"


def members(sample: LeadSample) -> dict[str, bytes]:
    """The files that hold a sample: {"image.png": bytes, ...}."""
    content = {"facts.json": json_bytes(facts(sample)), "image.png": png_bytes(sample.image)}
    for name, mask in (("target.png", sample.target_mask), ("other.png", sample.other_mask)):
        if mask is not None:
            content[name] = png_bytes(mask)
    for name, array in (("polyline.npy", sample.polyline_px), ("signal.npy", sample.signal_mv)):
        if array is not None:
            content[name] = npy_bytes(array)
    return content


def from_members(content: Mapping[str, bytes], where: object) -> LeadSample:
    """The sample that `members` stored.

    Raises:
        InputError: A member is missing or damaged.
    """
    try:
        known: dict[str, Any] = from_facts(json.loads(content["facts.json"]), where)
        known["image"] = picture_from(content["image.png"], where)
        for name, field in (("target.png", "target_mask"), ("other.png", "other_mask")):
            if name in content:
                known[field] = picture_from(content[name], where, gray=True)
        for name, field in (("polyline.npy", "polyline_px"), ("signal.npy", "signal_mv")):
            if name in content:
                known[field] = np.load(io.BytesIO(content[name]), allow_pickle=False)
    except (KeyError, ValueError, EOFError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(where, f"a damaged sample ({error!r})", _RESUME) from None
    return LeadSample(**known)


def write_shard(samples: Iterable[tuple[int, LeadSample]], path: Path) -> str:
    """Writes numbered samples as one tar; equal samples give equal bytes.

    Returns:
        SHA-256 of the shard.
    """
    with whole_file(path) as part:
        with tarfile.open(part, "w", format=tarfile.USTAR_FORMAT) as tar:
            for index, sample in samples:
                for name, content in sorted(members(sample).items()):
                    # A fresh TarInfo has no time, owner or group that could differ.
                    info = tarfile.TarInfo(f"{index:08d}.{name}")
                    info.size = len(content)
                    tar.addfile(info, io.BytesIO(content))
        return sha256(part)


class Shards:
    """A folder of shards, by number or one after the other; cheap to pickle and to hold.

    Args:
        root: The folder, which holds `manifest.json`.
        check: Compare each shard's SHA-256 when it is first opened.

    Raises:
        InputError: There is no manifest, it is damaged, or a shard that it names is missing.

    Example:
        samples = Shards("data/overlap")
        len(samples), samples[12].image.shape
    """

    def __init__(self, root: str | Path, *, check: bool = True) -> None:
        self.root, self.check = Path(root), check
        self.manifest = read_manifest(self.root)
        self._names: list[str] = []
        counts = [0]
        for part in self.manifest["parts"]:
            (name,) = part["files"]
            if not (self.root / name).is_file():
                raise InputError(self.root / name, "is missing", _RESUME)
            self._names.append(name)
            counts.append(part["n"])
        self._ends = list(itertools.accumulate(counts))
        self._places: dict[int, list[dict[str, tuple[int, int]]]] = {}

    def __len__(self) -> int:
        return self._ends[-1]

    def __iter__(self) -> Iterator[LeadSample]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: int) -> LeadSample:
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
        return from_members(content, f"{path}, sample {index}")

    def _open(self, shard: int) -> list[dict[str, tuple[int, int]]]:
        """Where each sample's members lie in a shard: offset and size in bytes."""
        path = self.root / self._names[shard]
        part = self.manifest["parts"][shard]
        if self.check and sha256(path) != part["files"][path.name]:
            raise InputError(path, "is damaged: its SHA-256 is not the manifest's", _RESUME)
        places: dict[str, dict[str, tuple[int, int]]] = {}
        try:
            with tarfile.open(path, "r:") as tar:
                for member in tar:
                    key, _, name = member.name.partition(".")
                    places.setdefault(key, {})[name] = (member.offset_data, member.size)
        except tarfile.TarError as error:
            raise InputError(path, f"is no whole tar file ({error})", _RESUME) from None
        if len(places) != part["n"]:
            raise InputError(path, f"holds {len(places)} samples instead of {part['n']}", _RESUME)
        return list(places.values())


def read_manifest(root: Path) -> dict[str, Any]:
    """The manifest of a set of shards.

    Raises:
        InputError: It is missing or damaged, or the set has another format.
    """
    path = root / MANIFEST
    if not path.is_file():
        if (root / "plan.json").is_file():
            raise InputError(root, f"the set is not finished: it has no {MANIFEST}", _RESUME)
        raise InputError(root, f"holds no {MANIFEST}", "give a folder that generate.py wrote")
    manifest = read_json(path)
    try:
        form = manifest["format"]
        whole = sum(part["n"] for part in manifest["parts"]) == manifest["n"] > 0
        whole &= all(isinstance(part["files"], dict) for part in manifest["parts"])
        whole &= form != "shards" or all(len(part["files"]) == 1 for part in manifest["parts"])
    except (KeyError, TypeError) as error:
        raise InputError(path, f"is damaged ({error!r})", f"remove it, then {_RESUME}") from None
    if not whole:
        raise InputError(path, "is damaged: its counts disagree", f"remove it, then {_RESUME}")
    if form != "shards":
        raise InputError(path, f"is of a set in the format {form}", f"read it with {form}'s reader")
    return dict(manifest)


def stream_shards(url: str) -> Iterator[LeadSample]:
    """The samples behind a URL, one after the other, through the package webdataset.

    Args:
        url: As webdataset takes it: `https://…/shard-{000000..000003}.tar`, `pipe:…`, a path.

    Raises:
        InputError: webdataset is not installed, or a sample is damaged.
    """
    try:
        import webdataset
    except ImportError:
        raise InputError(
            url, "reading over URLs needs webdataset", "pip install 'ecg-overlap[shards]'"
        ) from None
    for content in webdataset.WebDataset(url, shardshuffle=False):
        yield from_members(content, f"{url}, sample {content.get('__key__')}")
