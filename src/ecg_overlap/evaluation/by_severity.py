"""Error against severity out of several results: `python -m ecg_overlap.evaluation.by_severity …`.

Each file is given as LABEL=FILE. Files of one label are repetitions of a training: their means
are averaged, and the range of them is shown instead of the interval of one.
"""

import argparse
import itertools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_gen.errors import InputError
from ecg_overlap.evaluation import plots
from ecg_overlap.evaluation.document import Row, Table
from ecg_overlap.evaluation.results import Results, Score, read, write_text
from ecg_overlap.evaluation.wording import NOTHING, SUBSET_WORDS, number, wording
from ecg_overlap.metrics.severity import CONTACT_BINS

SUBSETS = ("all", *(f"contact:{name}" for name in CONTACT_BINS))
ALIGNED = ("snr_db", "pearson_r", "mse_mv2", "rmse_mv", "mae_mv", "interval_coverage")
# An SVG that stands in a page as a picture inherits no colour: this one is read on both grounds.
GREY = "#768390"


@dataclass(frozen=True)
class Point:
    """The mean of one line in one subset, and how sure it is.

    Args:
        n: Leads.
        mean: Over them, and over the repetitions.
        low: Of the 95 % interval; of several repetitions, the least of their means.
        high: Likewise.
    """

    n: int
    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, scores: Sequence[Score]) -> "Point":
        means = [score.mean for score in scores]
        low, high = scores[0].ci95 if len(scores) == 1 else (min(means), max(means))
        return cls(scores[0].n, sum(means) / len(means), low, high)


Lines = dict[str, dict[str, Point]]


def by_severity(
    runs: Sequence[tuple[str, Results]], *, methods: Sequence[str], metric: str = "snr_db"
) -> Lines:
    """One line per label and method, one point per subset that has a score.

    Args:
        runs: Label and results of each; all have evaluated the same one test set.
        methods: Whose scores.
        metric: Of `results.json`; signals' are taken `aligned`.

    Returns:
        Points by line and by subset: "all" and each "contact:<bin>".

    Raises:
        InputError: Nothing given, other sets or several, or a method or metric that none has.
    """
    _same_set(runs)
    alignment = "aligned" if metric in ALIGNED else "none"
    found: dict[tuple[str, str], dict[str, list[Score]]] = {}
    for label, results in runs:
        (test_set,) = results.test_sets
        for method in methods:
            for subset in SUBSETS:
                score = results.score(method, test_set, metric, alignment=alignment, subset=subset)
                if score is not None:
                    line = found.setdefault((label, method), {})
                    line.setdefault(subset, []).append(score)
    if not found:
        raise InputError(
            "results", f"none has {metric} of {', '.join(methods)}", "name what eval.py scored"
        )
    several = [len({label for label, _ in runs}) > 1, len(methods) > 1]
    return {
        ", ".join(itertools.compress(key, several)) or key[1]: {
            subset: Point.of(scores) for subset, scores in line.items()
        }
        for key, line in found.items()
    }


def _same_set(runs: Sequence[tuple[str, Results]]) -> None:
    for label, results in runs:
        if len(results.test_sets) != 1:
            raise InputError(
                f"results of {label}",
                f"hold {len(results.test_sets)} test sets",
                "evaluate one alone: eval.py shards=… or crops=…",
            )
    if len({info.sha256 for _, results in runs for info in results.test_sets.values()}) > 1:
        raise InputError("results", "are of different test sets", "evaluate all on the same one")


def table(lines: Mapping[str, Mapping[str, Point]], metric: str) -> Table:
    """The lines as a table: means, with interval or range, by subset."""
    subsets = [name for name in SUBSETS if any(name in line for line in lines.values())]
    heads = [f"{SUBSET_WORDS[name]} (n = {_n(lines, name)})" for name in subsets]
    rows = [
        Row((name, *(_text(line.get(subset), metric) for subset in subsets)))
        for name, line in lines.items()
    ]
    caption = f"{wording(metric).label}, by the part of the trace's columns in contact."
    return Table(caption, ("", *heads), tuple(rows))


def _n(lines: Mapping[str, Mapping[str, Point]], subset: str) -> int:
    return max(line[subset].n for line in lines.values() if subset in line)


def _text(point: Point | None, metric: str) -> str:
    if point is None:
        return NOTHING
    return (
        f"{number(point.mean, metric)}\t{number(point.low, metric)} … {number(point.high, metric)}"
    )


def figure(lines: Mapping[str, Mapping[str, Point]], metric: str) -> str:
    """The lines against contact, as the text of an SVG file."""
    subsets = [name for name in SUBSETS[1:] if any(name in line for line in lines.values())]
    svg = plots.intervals(
        [f"{SUBSET_WORDS[name]}\nn = {_n(lines, name)}" for name in subsets],
        {
            name: [
                (line[s].mean, line[s].low, line[s].high) if s in line else None for s in subsets
            ]
            for name, line in lines.items()
        },
        x_label="contact: part of the trace's columns that another trace touches",
        y_label=wording(metric).label,
    )
    return svg.replace("currentColor", GREY)


def main(arguments: list[str] | None = None) -> int:
    """The command line; prints the table as Markdown and returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m ecg_overlap.evaluation.by_severity")
    parser.add_argument(
        "runs", nargs="+", metavar="LABEL=FILE", help="a results.json, under a name"
    )
    parser.add_argument("--method", action="append", required=True, help="again for each further")
    parser.add_argument("--metric", default="snr_db", help="as in results.json (snr_db)")
    parser.add_argument("--out", type=Path, help="write the figure here, as SVG")
    given = parser.parse_args(arguments)
    try:
        lines = by_severity(
            [_run(text) for text in given.runs], methods=given.method, metric=given.metric
        )
        if given.out is not None:
            write_text(given.out, figure(lines, given.metric))
        sys.stdout.write(f"{table(lines, given.metric).markdown()}\n")
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _run(text: str) -> tuple[str, Results]:
    label, found, path = text.partition("=")
    if not found:
        raise InputError(text, "has no label", "give LABEL=FILE")
    return label, read(Path(path))


if __name__ == "__main__":
    sys.exit(main())
