"""The report's section on error against overlap severity: a plot with intervals, and a table."""

from ecg_overlap.evaluation.by_severity import Lines, figure, line_of, subsets_in
from ecg_overlap.evaluation.document import Figure, Row, Section, Table
from ecg_overlap.evaluation.results import Results
from ecg_overlap.evaluation.wording import SUBSET_WORDS, in_order, mean_text
from ecg_overlap.metrics.severity import CONTACT_BINS

TEXT = (
    "Contact is the fraction of the primary trace's columns in which another trace's ink touches "
    "it (gap of at most 1 px), exact from the drawing. A set that has the primary's mask alone is "
    "shown by intrusion instead: the fraction of columns with other ink anywhere in them, an "
    "estimate that counts lead names too."
)


def severity(results: Results) -> Section | None:
    """Error against contact (or intrusion, where contact is not known), per test set."""
    blocks: list[Figure | Table] = []
    for test_set in results.test_sets:
        for measure in ("contact", "intrusion"):
            lines = _lines(results, test_set, measure)
            if len(subsets_in(lines)) > 1:
                caption = f"`{test_set}`: mean SNR with its 95 % interval, by {measure}."
                blocks.append(Figure(caption, figure(lines, "snr_db")))
                blocks.append(_table(results, test_set, measure, lines))
                break
    return Section("Error against overlap severity", (TEXT,), tuple(blocks)) if blocks else None


def _lines(results: Results, test_set: str, measure: str) -> Lines:
    bins = [f"{measure}:{name}" for name in CONTACT_BINS]
    names = in_order(results, "model", "baseline") or in_order(results)
    lines = {name: line_of([results], test_set, name, "snr_db", bins) for name in names}
    return {name: line for name, line in lines.items() if line}


def _table(results: Results, test_set: str, measure: str, lines: Lines) -> Table:
    bins = subsets_in(lines)
    rows = [
        Row(
            (
                method,
                *(
                    mean_text(results.score(method, test_set, m, alignment="aligned", subset=name))
                    for name in bins
                    for m in ("pearson_r", "mse_mv2")
                ),
            )
        )
        for method in lines
    ]
    return Table(
        f"`{test_set}`: mean ρ and MSE in mV², aligned, by {measure}.",
        ("Method", *("ρ", "MSE") * len(bins)),
        tuple(rows),
        spans=(("", 1), *((SUBSET_WORDS[name], 2) for name in bins)),
    )
