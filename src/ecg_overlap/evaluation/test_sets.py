"""Frozen test sets: samples by index, known before anything is scored, each with its hash."""

import hashlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from data_gen.errors import InputError
from data_gen.formats.ecg_image_kit import EcgImageKit
from data_gen.formats.lead_crops import LeadCrops
from data_gen.formats.shards import Shards, stream_shards
from data_gen.generate import LeadGenerator
from data_gen.sample import LeadSample


class TestSet(Protocol):
    """What the evaluation needs of a test set; picklable, so that workers can open it."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def note(self) -> str: ...
    def __len__(self) -> int: ...
    def sample(self, index: int) -> LeadSample: ...
    def sample_id(self, index: int) -> str: ...
    def identity(self) -> str:
        """A text that changes when the samples do, at no more cost than listing files."""


@dataclass(frozen=True)
class GeneratorSet:
    """Generated samples 0 … n − 1 of one seed, from held-back records.

    Args:
        name: In the results.
        generator: Draws them, e.g. `data_gen.presets.load("overlap")`.
        n: How many.
        seed: Of the generator.
        note: What a reader must know of it.
    """

    name: str
    generator: LeadGenerator
    n: int
    seed: int = 0
    note: str = ""

    kind = "preset"

    def __post_init__(self) -> None:
        if self.n < 1:
            raise InputError(f"test set {self.name}", f"n = {self.n} samples", "give n ≥ 1")

    def __len__(self) -> int:
        return self.n

    def sample(self, index: int) -> LeadSample:
        return self.generator.sample(index, seed=self.seed, split="test")

    def sample_id(self, index: int) -> str:
        return f"{self.name}/{index:05d}"

    def identity(self) -> str:
        drawn_by = self.generator
        dials = (drawn_by.signals, drawn_by.look, drawn_by.overlap, drawn_by.crop)
        return repr((dials, self.n, self.seed))


@dataclass(frozen=True)
class FolderSet:
    """Samples that lie on disk in one of the formats that `data_gen.formats` reads.

    Args:
        name: In the results.
        kind: "crops", "shards" or "eik".
        root: Folder (or, for shards, address).
        samples: The opened reader: `len`, index → LeadSample.
        chosen: Which of them, in order.
        note: What a reader must know of it.
    """

    name: str
    kind: str
    root: str
    samples: Any
    chosen: tuple[int, ...]
    note: str = ""

    def __len__(self) -> int:
        return len(self.chosen)

    def sample(self, index: int) -> LeadSample:
        sample: LeadSample = self.samples[self.chosen[index]]
        return sample

    def sample_id(self, index: int) -> str:
        names = getattr(self.samples, "names", None)
        at = self.chosen[index]
        return f"{self.name}/{names[at] if names else f'{at:05d}'}"

    def identity(self) -> str:
        return json.dumps([self.kind, self.root, self.chosen, list(listing(Path(self.root)))])


def listing(root: Path) -> Iterator[tuple[str, int, int]]:
    """Name, size and time of every file below a folder; nothing for an address."""
    for path in sorted(root.rglob("*")) if root.is_dir() else ():
        if path.is_file():
            facts = path.stat()
            yield path.relative_to(root).as_posix(), facts.st_size, facts.st_mtime_ns


def crops(root: str | Path, *, name: str = "crops", n: int | None = None) -> FolderSet:
    """A folder in the lead-crop format (arXiv 2506.06315), masks and signals optional.

    Args:
        root: The folder.
        name: In the results.
        n: Only so many, at even distances over the whole.

    Raises:
        InputError: No such folder, no crop in it, or n < 1.
    """
    reader = LeadCrops(root)
    return FolderSet(name, "crops", str(root), reader, spread(len(reader), n, where=name))


def eik(root: str | Path, *, name: str = "eik", n: int | None = None) -> FolderSet:
    """Pages that ecg-image-kit drew, cut into leads by the kit's own boxes; without masks.

    Args:
        root: The kit's output folder.
        name: In the results.
        n: Only so many leads, at even distances over the whole.

    Raises:
        InputError: No such folder, no page in it, a page that cannot be used, or n < 1.
    """
    reader = EcgImageKit(root)
    return FolderSet(name, "eik", str(root), reader, spread(len(reader), n, where=name))


def shards(address: str, *, name: str = "shards", n: int | None = None) -> FolderSet:
    """A set that `generate.py` wrote: a folder, or the address of WebDataset shards.

    An address is read once from its start and held in memory: give n for a large one.

    Args:
        address: Folder, or URL pattern as WebDataset takes it.
        name: In the results.
        n: Only so many: of a folder at even distances, of an address the first.

    Raises:
        InputError: No such set, nothing in it, or n < 1.
    """
    if "://" in address:
        held = list(itertools.islice(stream_shards(address), n))
        return FolderSet(name, "shards", address, held, spread(len(held), n, where=name))
    reader = Shards(address)
    return FolderSet(name, "shards", address, reader, spread(len(reader), n, where=name))


def spread(total: int, n: int | None, *, where: str) -> tuple[int, ...]:
    """N of `total` indices at even distances, in order; all where n is None or larger.

    Raises:
        InputError: There is nothing to choose from, or n < 1.

    Example:
        >>> spread(10, 3, where="crops")
        (1, 5, 8)
    """
    if total < 1:
        raise InputError(f"test set {where}", "is empty", "give a set with samples")
    if n is not None and n < 1:
        raise InputError(f"test set {where}", f"n = {n} samples", "give n ≥ 1")
    if n is None or n >= total:
        return tuple(range(total))
    return tuple(int((i + 0.5) * total / n) for i in range(n))


def sample_sha256(sample: LeadSample) -> str:
    """Hash of what a method sees and what it is scored against: arrays with their shapes."""
    digest = hashlib.sha256()
    for array in (
        sample.image,
        sample.target_mask,
        sample.other_mask,
        sample.polyline_px,
        sample.signal_mv,
    ):
        digest.update(b"none" if array is None else repr((array.shape, array.dtype.str)).encode())
        if array is not None:
            digest.update(array.tobytes())
    digest.update(repr((sample.fs_hz, sample.calibration)).encode())
    return digest.hexdigest()
