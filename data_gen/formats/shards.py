"""Samples in tar shards, as WebDataset reads them: written byte for byte alike, and checked.

Every sample is a run of members of one key, its number:

    00000012.facts.json    lead, record, calibration, severity, meta
    00000012.image.png     00000012.target.png    00000012.other.png
    00000012.polyline.npy  00000012.signal.npy

What a sample does not have has no member.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from data_gen.errors import InputError
from data_gen.formats.facts import facts, from_facts
from data_gen.formats.files import (
    array_from,
    json_bytes,
    npy_bytes,
    picture_from,
    png_bytes,
)
from data_gen.formats.tars import RESUME, Tars, write_tar
from data_gen.sample import LeadSample


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
                known[field] = array_from(content[name], f"{where}, {name}")
    except (KeyError, ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(where, f"a damaged sample ({error!r})", RESUME) from None
    return LeadSample(**known)


def write_shard(samples: Iterable[tuple[int, LeadSample]], path: Path) -> str:
    """Writes numbered samples as one tar; equal samples give equal bytes.

    Returns:
        SHA-256 of the shard.
    """
    return write_tar(((index, members(sample)) for index, sample in samples), path)


class Shards(Tars[LeadSample]):
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
        super().__init__(root, form="shards", read=from_members, check=check)


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
