"""Which samples of an evaluation are worth a look: each set's worst, some usual, its best."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ecg_overlap.evaluation.columns import column
from ecg_overlap.evaluation.page_pictures import one_row_a_page, page_caption
from ecg_overlap.evaluation.ranking import RANKED_BY, leading
from ecg_overlap.evaluation.results import PAGES, Results
from ecg_overlap.evaluation.wording import number

COUNTS = {"worst": 10, "median": 3, "best": 3}
SHARES = {"worst": 5, "median": 10, "best": 10}  # samples to one of a rank: few are not all drawn


@dataclass(frozen=True)
class Choice:
    """A sample that is to be drawn, and why."""

    test_set: str
    method: str
    rank: str
    index: int
    caption: str


def choose(rows: pd.DataFrame, results: Results) -> Iterator[Choice]:
    """The worst, median and best samples of each set's leading method.

    By SNR where there are signals (a page by the mean of its leads), else by IoU, else the first
    of the set as "unscored".
    """
    for test_set in results.test_sets:
        method = leading(results, test_set)
        own = rows[(rows["test_set"] == test_set) & (rows["method"] == method)]
        caption_of = _caption
        if results.test_sets[test_set].kind == PAGES:
            own, caption_of = one_row_a_page(own), page_caption
        keys = (column(*key) for key in RANKED_BY)
        by = next((key for key in keys if key in own and own[key].notna().any()), None)
        if by is None:
            for row in own.head(COUNTS["worst"]).to_dict("records"):
                caption = f"`{row['sample_id']}`"
                yield Choice(test_set, method, "unscored", int(row["index"]), caption)
            continue
        ranked = own[own[by].notna()].sort_values(by, kind="stable").to_dict("records")
        for rank, at in _ranks(len(ranked)).items():
            for row in (ranked[i] for i in at):
                caption = caption_of({str(key): value for key, value in row.items()})
                yield Choice(test_set, method, rank, int(row["index"]), caption)


def _ranks(n: int) -> dict[str, range]:
    """Which of n ranked samples (worst first) are drawn, none twice."""
    most = {rank: min(count, -(-n // SHARES[rank])) for rank, count in COUNTS.items()}
    worst = range(most["worst"])
    best = range(max(n - most["best"], len(worst)), n)
    middle = max((n - most["median"]) // 2, len(worst))
    median = range(middle, min(middle + most["median"], best.start))
    return {"worst": worst, "median": median, "best": best[::-1]}


def _caption(row: dict[str, object]) -> str:
    parts = [f"`{row['sample_id']}`"]
    lead = row.get("lead")
    if lead:
        parts.append(f"lead {lead}")
    for metric, alignment in (("snr_db", "aligned"), ("pearson_r", "aligned"), ("iou", "none")):
        value = row.get(column(metric, alignment))
        if isinstance(value, float) and not np.isnan(value):
            unit = " dB" if metric == "snr_db" else ""
            word = {"snr_db": "SNR", "pearson_r": "ρ", "iou": "IoU"}[metric]
            parts.append(f"{word} {number(value, metric)}{unit}")
    for name in ("intrusion", "contact"):
        value = row.get(name)
        if isinstance(value, float) and not np.isnan(value):
            parts.append(f"{name} {100 * value:.0f} %")
    if row["failed"]:
        parts.append(f"**failed**: {row['reason']}")
    return ", ".join(parts)
