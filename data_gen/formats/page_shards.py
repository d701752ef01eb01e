"""Whole pages in tar shards, with every trace's mask, polyline and signal.

Every page is a run of members of one key, its number:

    00000012.facts.json    record, layout, resolution, meta; of each trace its lead, row, start,
                           sampling frequency and calibration
    00000012.image.png
    00000012.trace-00.mask.png  00000012.trace-00.polyline.npy  00000012.trace-00.signal.npy  …
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from data_gen.calibration import Calibration
from data_gen.errors import InputError
from data_gen.formats.files import array_from, json_bytes, npy_bytes, picture_from, png_bytes
from data_gen.formats.tars import RESUME, Tars
from data_gen.sample import Page, PageTrace

FORMAT = "pages"


def members(page: Page) -> dict[str, bytes]:
    """The files that hold a page: {"image.png": bytes, ...}."""
    facts = {
        "record_id": page.record_id,
        "layout": page.layout,
        "dpi": page.dpi,
        "meta": page.meta,
        "traces": [
            {
                "lead_name": trace.lead_name,
                "row": trace.row,
                "start_s": trace.start_s,
                "fs_hz": trace.fs_hz,
                "calibration": asdict(trace.calibration),
            }
            for trace in page.traces
        ],
    }
    content = {"facts.json": json_bytes(facts), "image.png": png_bytes(page.image)}
    for k, trace in enumerate(page.traces):
        if trace.mask is not None:
            content[f"{_trace(k)}.mask.png"] = png_bytes(trace.mask)
        content[f"{_trace(k)}.polyline.npy"] = npy_bytes(trace.polyline_px)
        content[f"{_trace(k)}.signal.npy"] = npy_bytes(trace.signal_mv)
    return content


def _trace(k: int) -> str:
    return f"trace-{k:02d}"


def from_members(content: Mapping[str, bytes], where: object) -> Page:
    """The page that `members` stored.

    Raises:
        InputError: A member is missing or damaged.
    """
    try:
        facts: dict[str, Any] = json.loads(content["facts.json"])
        traces = [_read(content, k, stored, where) for k, stored in enumerate(facts["traces"])]
        image = picture_from(content["image.png"], where)
        return Page(
            image, tuple(traces), facts["record_id"], facts["layout"], facts["dpi"], facts["meta"]
        )
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(where, f"a damaged page ({error!r})", RESUME) from None


def _read(content: Mapping[str, bytes], k: int, stored: dict[str, Any], where: object) -> PageTrace:
    mask = content.get(f"{_trace(k)}.mask.png")
    polyline, signal = (
        array_from(content[f"{_trace(k)}.{name}.npy"], f"{where}, {_trace(k)}.{name}")
        for name in ("polyline", "signal")
    )
    return PageTrace(
        stored["lead_name"],
        stored["row"],
        stored["start_s"],
        signal,
        stored["fs_hz"],
        polyline,
        None if mask is None else picture_from(mask, where, gray=True),
        Calibration(**stored["calibration"]),
    )


class PageShards(Tars[Page]):
    """A folder of pages in shards, by number or one after the other; cheap to pickle and to hold.

    Args:
        root: The folder, which holds `manifest.json`.
        check: Compare each shard's SHA-256 when it is first opened.

    Raises:
        InputError: There is no manifest, it is damaged, or a shard that it names is missing.

    Example:
        pages = PageShards("data/pages")
        len(pages), pages[12].traces[0].mask.shape
    """

    def __init__(self, root: str | Path, *, check: bool = True) -> None:
        super().__init__(root, form=FORMAT, read=from_members, check=check)
