"""The report's sections on scores: headline, severity, differences, oracles, where errors fall."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from data_gen.sample import LEADS
from ecg_overlap.digitize.lead_signal import INTERVAL_LEVEL
from ecg_overlap.evaluation.aggregate import subsets_of
from ecg_overlap.evaluation.columns import column
from ecg_overlap.evaluation.document import Row, Section, Table, group
from ecg_overlap.evaluation.ranking import LEAST_TOLD, answered, leaders, ranked
from ecg_overlap.evaluation.results import PAGES, Results, Score
from ecg_overlap.evaluation.wording import (
    NOTHING,
    SUBSET_WORDS,
    in_order,
    mean_text,
    number,
)
from ecg_overlap.metrics.bootstrap import paired_difference

# arXiv 2506.10617, as printed there; unit and alignment of its MSE are not stated.
QUOTED = (
    ("the paper's U-Net system", "0.0010", "0.9644", "0.0029", "0.9641", "0.87"),
    ("the paper's baseline", "0.0015", "0.9366", "0.0178", "0.8676", NOTHING),
)
# Metric, alignment, subset and heading of each column.
Columns = tuple[tuple[str, str, str, str], ...]
BY_OVERLAP: Columns = tuple(
    (metric, "aligned", subset, heading)
    for subset in ("clean", "overlap")
    for metric, heading in (("mse_mv2", "MSE"), ("pearson_r", "ρ"), ("snr_db", "SNR"))
)
HEADLINE_COLUMNS: Columns = (
    *BY_OVERLAP,
    ("iou_micro", "none", "all", "IoU"),
    ("failure_rate", "none", "all", "failed, %"),
)
ORACLE_COLUMNS: Columns = (
    *(column for column in BY_OVERLAP if column[0] != "mse_mv2"),
    ("failure_rate", "none", "all", "failed, %"),
)
WHERE_COLUMNS: Columns = (
    ("rmse_mv", "aligned", "inside", "RMSE inside, mV"),
    ("rmse_mv", "aligned", "outside", "outside, mV"),
    ("identity_swap_rate", "none", "overlap", "swaps, %"),
    ("coverage", "none", "all", "recovered, %"),
    ("grid_drift_px", "none", "all", "grid drift, px"),
    ("interval_coverage", "aligned", "all", "in bars, %"),
    ("iou", "none", "all", "IoU per image"),
    ("iou_net", "none", "all", "at net's size"),
)
OTHER_COLUMNS: Columns = (
    ("challenge2024_snr_db", "none", "all", "Challenge 2024, dB"),
    ("kaggle2025_snr_db", "none", "all", "Kaggle 2025, dB"),
    ("rmse_mv", "aligned", "all", "RMSE, mV"),
    ("rmse_mv", "offset", "all", "RMSE offset, mV"),
    ("rmse_mv", "raw", "all", "RMSE raw, mV"),
    ("r_peak_f1", "none", "all", "R-peak F1"),
    ("r_peak_error_s", "none", "all", "R-peak error, s"),
)


def headline(results: Results) -> Section:
    """The paper's own numbers, and beneath them what every method reaches on every set."""
    quoted = [
        Row((name, mse_clean, r_clean, NOTHING, mse_overlap, r_overlap, NOTHING, iou, NOTHING))
        for name, mse_clean, r_clean, mse_overlap, r_overlap, iou in QUOTED
    ]
    words = "Quoted from arXiv 2506.10617 (other pictures; its MSE's unit is not stated)"
    rows = group(words, quoted)
    names = in_order(results, "model", "baseline")
    for test_set, info in results.test_sets.items():
        if info.kind == PAGES:  # their leads are not parted by overlap; they have a table below
            continue
        heading = f"Measured here on `{test_set}`: {_counts(results, test_set)}"
        rows += group(heading, _rows(results, test_set, names, HEADLINE_COLUMNS))
    table = Table(
        "MSE in mV², Pearson's ρ and SNR in dB, means over leads, `aligned`: best lag within "
        "±0.2 s, means removed. A lead that a method refuses counts as a flat line (ρ 0, 0 dB). "
        "IoU over all pixels of all images. Small: 95 % interval.",
        ("Method", *(heading for *_, heading in HEADLINE_COLUMNS)),
        tuple(rows),
        spans=(("", 1), ("non-overlapping leads", 3), ("overlapping leads", 3), ("", 2)),
    )
    return Section("In one table", tuple(_sentences(results)), (table,))


def _scores(results: Results, test_set: str, method: str, columns: Columns) -> list[Score | None]:
    return [
        results.score(method, test_set, metric, alignment=alignment, subset=subset)
        for metric, alignment, subset, _ in columns
    ]


def _rows(results: Results, test_set: str, names: list[str], columns: Columns) -> list[Row]:
    """The means of each method that has any of the scores; the SNR's with its interval."""
    return [
        Row((name, *(mean_text(s, interval=bool(s and s.metric == "snr_db")) for s in scores)))
        for name in names
        if any(scores := _scores(results, test_set, name, columns))
    ]


def _counts(results: Results, test_set: str) -> str:
    """How many leads the set has, clean and overlapping, as words."""
    parts = []
    for subset in ("clean", "overlap"):
        found = [s.n for s in results.scores if s.test_set == test_set and s.subset == subset]
        if found:
            parts.append(f"{max(found)} {SUBSET_WORDS[subset]}")
    return " and ".join(parts) + " leads" if parts else f"{results.test_sets[test_set].n} leads"


def _sentences(results: Results) -> Iterable[str]:
    """What the table says, in a sentence per test set; none is best whose interval is shared."""
    for test_set in results.test_sets:
        for subset in ("overlap", "all"):
            scores = ranked(results, test_set, subset=subset)
            if scores:
                break
        else:
            continue
        words = SUBSET_WORDS[subset].replace("all", "")
        where = " ".join(f"On the {scores[0].n} {words} leads of `{test_set}`,".split())
        scores = answered(results, scores)
        if not scores:
            yield f"{where} every method failed on all."
            continue
        first, rest = scores[: leaders(scores)], scores[leaders(scores) :]
        if scores[0].n < LEAST_TOLD:
            text = f"too few to tell which method is best, mean SNR is: {_with_means(scores)}"
        elif len(first) == 1:
            text = (
                f"**{first[0].method}** recovers the signal best: "
                f"{number(first[0].mean, 'snr_db')} dB SNR on average, "
                f"{number(first[0].median, 'snr_db')} dB in the median"
            )
        else:
            text = (
                f"no method is told to be best: {_with_means(first)} have the highest mean SNR, "
                "and their intervals overlap"
            )
        if rest:
            after = rest[: leaders(rest)]
            text += f"; next {'is' if len(after) == 1 else 'are'} {_with_means(after)}"
        yield f"{where} {text}."


def _with_means(scores: Sequence[Score]) -> str:
    """The methods, each with its mean, as a list in words."""
    each = [f"{score.method} ({number(score.mean, 'snr_db')} dB)" for score in scores]
    return " and ".join(filter(None, (", ".join(each[:-1]), each[-1])))


def where_errors_are(results: Results) -> Section | None:
    """Error where another trace touches against error elsewhere, swaps and grid drift."""
    caption = (
        "Means. RMSE aligned, over the samples in contact and over the others; columns in which "
        "the output follows another trace; part of the lead recovered; error of the found grid "
        "over the lead's length; samples whose truth lies within the method's own error bars "
        f"({100 * INTERVAL_LEVEL:.0f} % is meant)."
    )
    table = table_of(results, WHERE_COLUMNS, caption)
    return Section("Where the errors are", (), (table,)) if table else None


def other_scores(results: Results) -> Section | None:
    """The scores of the competitions, raw errors, and R peaks."""
    costly = results.settings.get("n_costly")
    part = "all leads" if results.settings.get("full") else f"{costly} leads of each set"
    caption = (
        "Means. Challenge 2024: at 100 Hz. Kaggle 2025: each lead as an image of its own; ratios "
        "are averaged, not decibels. Raw: nothing moved, only for methods that are given the row "
        "of 0 mV. R peaks: matched within ± 50 ms. Challenge and R peaks are measured on "
        f"{part}."
    )
    table = table_of(results, OTHER_COLUMNS, caption)
    return Section("Other scores", (), (table,)) if table else None


def table_of(
    results: Results, columns: Columns, caption: str, *, test_sets: Iterable[str] | None = None
) -> Table | None:
    """Means per set and method; columns without a score are left out."""
    names = in_order(results)
    chosen = tuple(results.test_sets if test_sets is None else test_sets)
    used = tuple(
        column
        for column in columns
        if any(any(_scores(results, t, n, (column,))) for t in chosen for n in names)
    )
    rows = [
        row
        for test_set in chosen
        for row in group(f"`{test_set}`", _rows(results, test_set, names, used))
    ]
    return Table(caption, ("Method", *(c[3] for c in used)), tuple(rows)) if rows else None


def oracles(results: Results) -> Section | None:
    """What a method would reach if one of its stages were replaced by the truth."""
    names = in_order(results, "oracle")
    rows = [
        row
        for test_set in results.test_sets
        for row in group(f"`{test_set}`", _rows(results, test_set, names, ORACLE_COLUMNS))
    ]
    if not rows:
        return None
    table = Table(
        "Mean ρ and SNR in dB, aligned. `DECODER@mask`: true mask, grid found; `@mask@grid`: true "
        "mask and true calibration; `METHOD@grid`: true calibration; `METHOD@row`: true baseline "
        "row given.",
        ("Oracle", *(heading for *_, heading in ORACLE_COLUMNS)),
        tuple(rows),
        spans=(("", 1), ("non-overlapping", 2), ("overlapping", 2), ("", 1)),
    )
    text = "With one stage replaced by its truth, what is left is the other stages' error."
    return Section("Stage oracles", (text,), (table,))


def differences(results: Results, rows: pd.DataFrame) -> Section | None:
    """The best method against every other, on the very same samples."""
    name = column("snr_db", "aligned")
    if name not in rows or len(in_order(results, "model", "baseline")) < 2:
        return None
    lines: list[Row] = []
    for test_set in results.test_sets:
        part = rows[rows["test_set"] == test_set]
        for subset in ("clean", "overlap"):
            scores = ranked(results, test_set, subset=subset)
            if len(scores) < 2:
                continue
            best, *others = (score.method for score in scores)
            words = f"`{test_set}`, {SUBSET_WORDS[subset]}: **{best}** minus"
            lines += group(words, [_difference(part, best, o, subset, name) for o in others])
    if not lines:
        return None
    table = Table(
        "SNR in dB, aligned, sample by sample.",
        ("Other method", "n", "mean difference", "better in, %"),
        tuple(lines),
    )
    return Section("Method against method", (), (table,))


def _difference(part: pd.DataFrame, a: str, b: str, subset: str, name: str) -> Row:
    both = []
    for method in (a, b):
        own = part[part["method"] == method]
        both.append(own[subsets_of(own)[subset]].set_index("sample_id"))
    first, second = both[0], both[1].reindex(both[0].index)
    found = paired_difference(
        first[name].to_numpy(np.float64),
        second[name].to_numpy(np.float64),
        first["record_id"].to_numpy(object),
        rng=np.random.default_rng(0),
    )
    if found is None:
        return Row((b, "0", NOTHING, NOTHING))
    low, high = (number(bound, "snr_db") for bound in found.ci95)
    value = f"{number(found.mean, 'snr_db')}\t{low} … {high}"
    return Row((b, str(found.n), value, f"{100 * found.better:.0f}"))


def groups(results: Results, rows: pd.DataFrame, *, by: str, title: str) -> Section | None:
    """Scores per value of a column of the table, e.g. per lead or per layout."""
    name = column("snr_db", "aligned")
    if name not in rows or by not in rows or rows[by].nunique() < 2:
        return None
    names = in_order(results, "model", "baseline") or in_order(results)
    lines: list[Row] = []
    for test_set in results.test_sets:
        part = rows[(rows["test_set"] == test_set) & rows["method"].isin(names)]
        part = part[part[name].notna() & part[by].notna()]
        found = []
        for value, members in sorted(part.groupby(by), key=lambda item: _place(str(item[0]))):
            means = members.groupby("method")[name].mean()
            count = members["sample_id"].nunique()
            cells = [number(float(means.get(m, np.nan)), "snr_db") for m in names]
            found.append(Row((str(value), str(count), *cells)))
        lines += group(f"`{test_set}`", found)
    table = Table("Mean SNR in dB, aligned.", (by.capitalize(), "n", *names), tuple(lines))
    return Section(title, (), (table,)) if lines else None


def _place(name: str) -> tuple[int, str]:
    """Leads in their usual order, whatever else by name."""
    return (LEADS.index(name) if name in LEADS else len(LEADS), name)
