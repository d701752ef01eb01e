"""The data card of a set: what is in it, how hard it is, how it was made, what it looks like."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from data_gen.sample import LEADS, LeadSample
from data_gen.severity import CONTACT_BINS, contact_bin

PICTURE = "sample.png"
UNKNOWN = "not known"

_READER = {
    "shards": "Shards",
    "lead_crops": "LeadCrops",
    "ecg_image_kit": "EcgImageKit",
    "pages": "PageShards",
}


@dataclass(frozen=True)
class Tally:
    """What a part holds, lead by lead, for the data card."""

    leads: list[str] = field(default_factory=list)
    contacts: list[float | None] = field(default_factory=list)

    def add(self, sample: LeadSample) -> None:
        self.leads.append(sample.lead_name or UNKNOWN)
        contact = math.nan if sample.severity is None else sample.severity.contact
        self.contacts.append(None if math.isnan(contact) else contact)


def severity_counts(contacts: Sequence[float | None]) -> dict[str, int]:
    """How many samples each severity bin holds, every bin named; None is a contact not known."""
    counts = Counter(UNKNOWN if contact is None else contact_bin(contact) for contact in contacts)
    return {name: counts[name] for name in CONTACT_BINS} | (
        {UNKNOWN: counts[UNKNOWN]} if counts[UNKNOWN] else {}
    )


def data_card(manifest: dict[str, Any], *, command: str, out: str) -> str:
    """The card as Markdown.

    Args:
        manifest: As `data_gen.write_set` makes it.
        command: What wrote the set.
        out: The set's folder as the reader will name it.
    """
    leads, reader = manifest["leads"], _READER[manifest["format"]]
    dials = yaml.safe_dump(manifest["dials"], sort_keys=True, allow_unicode=True)
    sections = [
        f"# {manifest['n']} samples in the format {manifest['format']}",
        f"Split {manifest['split']}, seed {manifest['seed']}. Sample i comes from "
        "`default_rng([seed, i])` alone. Files and their SHA-256: `manifest.json`.",
        f"![the first samples; the primary trace in blue]({PICTURE})",
        f'```python\nfrom data_gen.formats import {reader}\n\nsample = {reader}("{out}")[0]\n```',
        "## Severity\nContact: the fraction of the primary trace's columns in which another "
        "trace's ink touches it.\n\n" + _histogram(manifest["severity"]),
        "## Leads\n" + _table({k: leads[k] for k in (*LEADS, UNKNOWN) if k in leads}),
        f"## How it was made\n```\n{command}\n```",
        "Versions: " + ", ".join(f"{k} {v}" for k, v in sorted(manifest["versions"].items())) + ".",
        f"## Dials\n```yaml\n{dials}```",
    ]
    return "\n\n".join(sections) + "\n"


def _table(counts: dict[str, int]) -> str:
    rows = [" | ".join(map(str, row)) for row in (counts, ["---"] * len(counts), counts.values())]
    return "\n".join(f"| {row} |" for row in rows)


def _histogram(counts: dict[str, int]) -> str:
    total = max(sum(counts.values()), 1)
    rows = [
        f"| {name} | {n} | {'█' * round(40 * n / total) or '·'} |" for name, n in counts.items()
    ]
    return "\n".join(["| contact, % | samples | |", "| --- | ---: | --- |", *rows])


def sample_sheet(samples: Sequence[LeadSample], *, width_px: int = 560) -> NDArray[np.uint8]:
    """Pictures one below the other, and beside each the same with the primary trace in blue.

    Returns:
        RGB, uint8 (H, 2 · width_px + 8, 3).
    """
    return np.concatenate([_pair(sample, width_px) for sample in samples])


def _pair(sample: LeadSample, width_px: int) -> NDArray[np.uint8]:
    image = sample.image
    marked = image
    if sample.target_mask is not None:
        cover = sample.target_mask[..., None] / 255
        marked = (image * (1 - cover) + np.array([30, 90, 255]) * cover).round().astype(np.uint8)
    scale = min(1.0, width_px / image.shape[1])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    pair = [
        cv2.resize(np.ascontiguousarray(p), size, interpolation=cv2.INTER_AREA)
        for p in (image, marked)
    ]
    paper = np.full((size[1] + 8, 2 * width_px + 8, 3), 255, np.uint8)
    for column, picture in zip((0, width_px + 8), pair, strict=True):
        paper[: size[1], column : column + size[0]] = picture
    return paper
