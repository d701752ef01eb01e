"""What of a `results.json` a repository keeps: `python -m ecg_overlap.evaluation.kept FILE …`.

A study's tables need a few scores of thousands; the others come again with its command.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from data_gen.errors import InputError
from ecg_overlap.evaluation.results import RESULTS_NAME, Results, Score, read, write_text, written

METRICS = (
    "failure_rate", "iou", "iou_net", "mse_mv2", "pearson_r", "snr_db", "identity_swap_rate",
    "interval_coverage", "below_8_db", "poor_r_rate",
)  # fmt: skip
ALIGNMENTS = ("none", "aligned")
DIGITS = 5  # significant ones


def kept(results: Results) -> Results:
    """The same with those scores alone that studies are judged by, rounded."""
    scores = tuple(
        _rounded(score)
        for score in results.scores
        if score.metric in METRICS and score.alignment in ALIGNMENTS
    )
    return replace(results, scores=scores, per_sample=None)


def _rounded(score: Score) -> Score:
    mean, median, low, high = (
        float(f"{value:.{DIGITS}g}") for value in (score.mean, score.median, *score.ci95)
    )
    return replace(score, mean=mean, median=median, ci95=(low, high))


def main(arguments: Sequence[str] | None = None) -> int:
    """Shrink files in place. Status 1 and one line where one is no `results.json`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a results.json")
    try:
        for file in parser.parse_args(arguments).files:
            file = file / RESULTS_NAME if file.is_dir() else file
            write_text(file, written(kept(read(file))))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
