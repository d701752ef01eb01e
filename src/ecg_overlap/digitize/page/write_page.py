"""A digitized page as files: WFDB, CSV, JSON, an overlay, and a page to look at."""

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.formats.files import png_bytes
from data_gen.sample import LEADS
from data_gen.whole_file import whole_file
from ecg_overlap.digitize.lead_signal import FLAGS
from ecg_overlap.digitize.page.facts import description, names_from
from ecg_overlap.digitize.page.html import write_html
from ecg_overlap.digitize.page.overlay import draw_overlay, draw_thumbnail
from ecg_overlap.digitize.page.page_signal import PAGE_FLAGS, PageSignal
from ecg_overlap.digitize.page.paper_svg import draw_paper
from ecg_overlap.digitize.quality import LOW_QUALITY
from ecg_overlap.digitize.record_files import OVERLAY, THUMBNAIL
from ecg_overlap.digitize.record_names import PictureSource, claim, write_facts
from ecg_overlap.digitize.wfdb_record import write_record

JPEG_QUALITY = 80
PNG_LEVEL = 3
INDEX = "index.html"


def write_page(
    page: PageSignal,
    record: Path,
    *,
    image: NDArray[np.uint8],
    source: PictureSource,
    options: Mapping[str, Any],
    overlay: bool = True,
    index: str = INDEX,
) -> dict[str, Any]:
    """Write all the files of one page; the JSON file, last, says that they are complete.

    Args:
        page: What `digitize_page` returned.
        record: Folder and name of the record; the folder is made if it is not there.
        image: What was digitized, uint8 (H, W, 3), RGB.
        source: Of which picture it is.
        options: How it was asked for, for the JSON file.
        overlay: Whether the overlay is drawn.
        index: The way from the record's folder to the index of all pages.

    Returns:
        What the JSON file says.

    Raises:
        InputError: A signal is infinite or over ±1,000,000 mV, or a file cannot be written.
    """
    facts = description(page)
    try:
        record.parent.mkdir(parents=True, exist_ok=True)
        claim(record, source)
        write_csv(page, _file(record, ".csv"))
        write_record(page.signal_mv, page.fs_hz, LEADS, record)
        drawn = draw_overlay(page, image) if overlay else None
        if drawn is not None:
            with whole_file(_file(record, OVERLAY)) as made:
                made.write_bytes(png_bytes(drawn, compression=PNG_LEVEL))
        small = draw_thumbnail(page, image)
        _write_jpeg(small, _file(record, THUMBNAIL))
        values = {
            "record": record.name,
            "picture": Path(source.path).name,
            "page": source.page,
            "facts": facts,
            "names": names_from(facts["strips"]),
            "flag_texts": FLAGS | PAGE_FLAGS,
            "low_quality": LOW_QUALITY,
            "overlay": None if drawn is None else (record.name + OVERLAY, drawn.shape[:2]),
            "paper": draw_paper(page),
            "files": [record.name + end for end in (".csv", ".hea", ".dat", ".json")],
            "index": index,
        }
        write_html("page.html.j2", values, _file(record, ".html"))
        facts = {
            "complete": True,
            "source": source.facts(),
            "options": dict(options),
            "thumbnail_px": list(small.shape[1::-1]),
        } | facts
        write_facts(record, facts)
    except OSError as error:
        raise InputError(
            record.parent, f"cannot be written ({error.strerror})", "choose another --out"
        ) from error
    return facts


def write_csv(page: PageSignal, path: Path) -> Path:
    """time_s and the twelve leads in mV; an empty cell where nothing was printed."""

    def cells(k: int, values: list[float]) -> list[str]:
        return [f"{k / page.fs_hz:.6f}", *(f"{v:.5f}" if math.isfinite(v) else "" for v in values)]

    with whole_file(path) as made, made.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("time_s", *LEADS))
        rows.writerows(cells(k, values) for k, values in enumerate(page.signal_mv.tolist()))
    return path


def _write_jpeg(image: NDArray[np.uint8], path: Path) -> None:
    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    ok, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quality)
    if not ok:
        raise InputError(path, "OpenCV could not encode the picture", "report this")
    with whole_file(path) as made:
        made.write_bytes(data.tobytes())


def _file(record: Path, end: str) -> Path:
    return record.with_name(record.name + end)
