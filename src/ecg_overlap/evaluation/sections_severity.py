"""The report's section on error against overlap severity: plots with intervals, and tables."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ecg_overlap.evaluation import plots
from ecg_overlap.evaluation.aggregate import Draws
from ecg_overlap.evaluation.columns import column
from ecg_overlap.evaluation.document import Figure, Row, Section, Table
from ecg_overlap.evaluation.results import Results
from ecg_overlap.evaluation.wording import NOTHING, in_order, number
from ecg_overlap.metrics.bootstrap import CEILING_DB
from ecg_overlap.metrics.severity import CONTACT_BINS, contact_bin

BIN_WORDS = dict(zip(CONTACT_BINS, ("0", "0–5 %", "5–15 %", "15–30 %", "> 30 %"), strict=True))
TEXT = (
    "Contact is the fraction of the primary trace's columns in which another trace's ink touches "
    "it (gap of at most 1 px), exact from the drawing. A set that has the primary's mask alone is "
    "shown by intrusion instead: the fraction of columns with other ink anywhere in them, an "
    "estimate that counts lead names too."
)
SNR, RHO, MSE = (column(name, "aligned") for name in ("snr_db", "pearson_r", "mse_mv2"))


@dataclass(frozen=True)
class Binned:
    """The rows of one test set by severity bin.

    Args:
        test_set: Name of the set.
        measure: "contact" or "intrusion".
        bins: Those of `CONTACT_BINS` that hold a sample, in order.
        rows: The set's rows with their bin in a column "bin".
    """

    test_set: str
    measure: str
    bins: tuple[str, ...]
    rows: pd.DataFrame

    def cell(self, method: str, name: str) -> pd.DataFrame:
        chosen = (self.rows["method"] == method) & (self.rows["bin"] == name)
        return self.rows[chosen & self.rows[SNR].notna()]


def severity(results: Results, rows: pd.DataFrame) -> Section | None:
    """Error against contact (or intrusion, where contact is not known), per test set."""
    names = in_order(results, "model", "baseline") or in_order(results)
    blocks: list[Figure | Table] = []
    for test_set in results.test_sets:
        found = _binned(test_set, rows)
        if found is not None:
            tried = [name for name in names if (found.rows["method"] == name).any()]
            blocks += [_plot(found, tried), _table(found, tried)]
    return Section("Error against overlap severity", (TEXT,), tuple(blocks)) if blocks else None


def _binned(test_set: str, rows: pd.DataFrame) -> Binned | None:
    part = rows[rows["test_set"] == test_set]
    for measure in ("contact", "intrusion"):
        known = part[part[measure].notna()]
        if SNR not in known or known.empty:
            continue
        binned = known.assign(bin=[contact_bin(value) for value in known[measure]])
        bins = tuple(name for name in CONTACT_BINS if (binned["bin"] == name).any())
        if len(bins) > 1:
            return Binned(test_set, measure, bins, binned)
    return None


def _plot(found: Binned, names: list[str]) -> Figure:
    def point(method: str, name: str) -> tuple[float, float, float] | None:
        cell = found.cell(method, name)
        if cell.empty:
            return None
        values = cell[SNR].to_numpy(np.float64).clip(max=CEILING_DB)
        draws = Draws.of(cell["record_id"].to_numpy(object), np.random.default_rng(0))
        return float(values.mean()), *draws.mean_interval(values)

    labels = [f"{BIN_WORDS[name]}\nn = {_n(found, name)}" for name in found.bins]
    svg = plots.intervals(
        labels,
        {method: [point(method, name) for name in found.bins] for method in names},
        x_label=f"{found.measure}: part of the trace's columns",
        y_label="SNR aligned, dB",
    )
    caption = f"`{found.test_set}`: mean SNR with its 95 % interval, by {found.measure}."
    return Figure(caption, svg)


def _n(found: Binned, name: str) -> int:
    return int(found.rows.loc[found.rows["bin"] == name, "sample_id"].nunique())


def _table(found: Binned, names: list[str]) -> Table:
    def text(cell: pd.DataFrame, name: str, metric: str) -> str:
        mean: Callable[[], float] = cell[name].mean
        return NOTHING if cell.empty else number(float(mean()), metric)

    rows = []
    for method in names:
        cells = [found.cell(method, name) for name in found.bins]
        texts = [
            part
            for cell in cells
            for part in (text(cell, RHO, "pearson_r"), text(cell, MSE, "mse_mv2"))
        ]
        rows.append(Row((method, *texts)))
    return Table(
        f"`{found.test_set}`: mean ρ and MSE in mV², aligned, by {found.measure}.",
        ("Method", *("ρ", "MSE") * len(found.bins)),
        tuple(rows),
        spans=(("", 1), *((BIN_WORDS[name], 2) for name in found.bins)),
    )
