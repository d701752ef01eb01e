"""Pictures of pages as they were read, to be looked at beside their scores."""

from pathlib import Path

import cv2
import pandas as pd
from PIL import Image

from ecg_overlap.digitize.page.overlay import draw_overlay
from ecg_overlap.evaluation.columns import column
from ecg_overlap.evaluation.methods import Method
from ecg_overlap.evaluation.page_scoring import read
from ecg_overlap.evaluation.pages import TruePage
from ecg_overlap.evaluation.wording import number

WIDTH_PX = 1100
N_COLOURS = 128
_SNR, _NAMED, _LAYOUT = column("snr_db", "aligned"), column("name_accuracy"), "layout_accuracy"


def one_row_a_page(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each page of a method's rows by lead: the means over its leads, as they come."""
    numbers = rows.select_dtypes("number").groupby(rows["index"], sort=False).mean()
    first = rows.drop_duplicates("index").set_index("index")
    by_page = rows.groupby("index", sort=False)
    numbers["sample_id"] = first["sample_id"].str.rpartition(":")[0]
    numbers["layout"] = first["layout"]
    numbers["reason"] = first["reason"]
    numbers["n_leads"] = by_page.size()
    numbers["n_failed"] = by_page["failed"].sum()
    numbers["least_db"] = by_page[_SNR].min()
    return numbers.drop(columns="index", errors="ignore").reset_index()


def page_caption(row: dict[str, object]) -> str:
    """What is to be known of a page beneath its picture."""
    mean, least, named, layout = (
        float(str(row[k])) for k in (_SNR, "least_db", _NAMED, column(_LAYOUT))
    )
    parts = [
        f"`{row['sample_id']}`",
        f"{row['layout']} {'found' if layout == 1 else '**not found**'}",
        f"{100 * named:.0f} % of the names right",
        f"SNR {number(mean, 'snr_db')} dB, worst lead {number(least, 'snr_db')} dB",
    ]
    if row["n_failed"]:
        why = f": {row['reason']}" if row["n_failed"] == row["n_leads"] else ""
        parts.append(f"**{row['n_failed']} leads failed**{why}")
    return ", ".join(parts)


def draw_page(truth: TruePage, method: Method, path: Path) -> None:
    """The page and on it what the method reads, if anything, as a PNG of few colours."""
    found, _ = read(method, truth)
    shown = truth.image if found is None else draw_overlay(found, truth.image)
    height = round(shown.shape[0] * WIDTH_PX / shown.shape[1])
    small = cv2.resize(shown, (WIDTH_PX, height), interpolation=cv2.INTER_AREA)
    Image.fromarray(small).quantize(N_COLOURS).save(path, format="PNG", optimize=True)
