"""The report's section on `quality`: whether the stated probabilities came true."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ecg_overlap.evaluation import plots
from ecg_overlap.evaluation.columns import column
from ecg_overlap.evaluation.document import Figure, Row, Section, Table, group
from ecg_overlap.evaluation.results import Results
from ecg_overlap.evaluation.wording import NOTHING, in_order
from ecg_overlap.metrics.reliability import GOOD_DB, POOR_DB, auc, brier, reliability

QUALITY, SNR = column("quality"), column("snr_db", "aligned")
LEAST_LEADS = 20  # of a method on a set: of fewer no curve is drawn
PER_BIN = 10  # leads, at the least
MOST_BINS = 10
TEXT = (
    f"`quality` is each lead's stated probability of {GOOD_DB:g} dB or more (`aligned`). A curve "
    "on the diagonal keeps its word; the AUC says how often the worse lead of a pair has the lower "
    f"quality, where one has less than {POOR_DB:g} ({GOOD_DB:g}) dB and the other not. Refused "
    "leads have none, and do not count. It was fitted on drawn leads of PTB-XL's fold 9.",
)


def quality(results: Results, rows: pd.DataFrame) -> Section | None:
    """A curve per test set and a table, of the methods that state a quality; None without one."""
    if QUALITY not in rows or SNR not in rows:
        return None
    stated = rows[rows[QUALITY].notna() & rows[SNR].notna()]
    lines: list[Row] = []
    figures: list[Figure] = []
    for test_set in results.test_sets:
        of_set = stated[stated["test_set"] == test_set]
        parts = {name: of_set[of_set["method"] == name] for name in in_order(results)}
        parts = {name: part for name, part in parts.items() if len(part) >= LEAST_LEADS}
        lines += group(f"`{test_set}`", [_row(name, part) for name, part in parts.items()])
        if parts:
            caption = f"`{test_set}`: share of leads of {GOOD_DB:g} dB or more, by stated quality."
            figures.append(Figure(caption, _figure(parts)))
    if not lines:
        return None
    heads = ("n", f"≥ {GOOD_DB:g} dB, %", "mean quality, %", f"AUC < {POOR_DB:g} dB")
    table = Table(
        "How well each method knows its good leads.",
        ("Method", *heads, f"AUC < {GOOD_DB:g} dB", "Brier", "of the share alone"),
        tuple(lines),
    )
    return Section("Stated quality", TEXT, (*figures, table))


def _row(name: str, part: pd.DataFrame) -> Row:
    stated, snr = part[QUALITY].to_numpy(np.float64), part[SNR].to_numpy(np.float64)
    good = snr >= GOOD_DB
    share = float(good.mean())
    return Row(
        (
            name,
            str(len(part)),
            f"{100 * share:.1f}",
            f"{100 * stated.mean():.1f}",
            _auc(stated, snr >= POOR_DB),
            _auc(stated, good),
            f"{brier(stated, good):.3f}",
            f"{share * (1 - share):.3f}",
        )
    )


def _auc(stated: np.ndarray, good: np.ndarray) -> str:
    return f"{auc(stated, good):.3f}" if good.any() and not good.all() else NOTHING


def _figure(parts: Mapping[str, pd.DataFrame]) -> str:
    curves = {}
    for name, part in parts.items():
        bins = min(MOST_BINS, len(part) // PER_BIN)
        good = part[SNR].to_numpy(np.float64) >= GOOD_DB
        found = reliability(part[QUALITY].to_numpy(np.float64), good, bins=bins)
        curves[name] = [(one.stated, one.happened) for one in found]
    return plots.reliability(curves, x_label="stated quality", y_label=f"share ≥ {GOOD_DB:g} dB")
