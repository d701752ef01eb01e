"""One definition of the leading method, for the pictures, the plots and the sentences."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ecg_overlap.evaluation.choices import choose
from ecg_overlap.evaluation.ranking import leading, ranked
from ecg_overlap.evaluation.results import MethodInfo, Results, Score, TestSetInfo
from ecg_overlap.evaluation.sections_samples import clinical
from ecg_overlap.evaluation.sections_scores import headline

Key = tuple[str, str, str, str, str]  # method, test set, subset, metric, alignment


def results_of(kinds: dict[str, str], means: dict[Key, float]) -> Results:
    sets = dict.fromkeys(key[1] for key in means)
    return Results(
        created="2026-01-01T00:00:00+00:00",
        command="",
        git="",
        versions={},
        device="CPU",
        test_sets={name: TestSetInfo(9, "preset", "a") for name in sets},
        methods={name: MethodInfo(kind) for name, kind in kinds.items()},
        scores=tuple(
            Score(*key, n=9, mean=mean, median=mean, ci95=(mean, mean))
            for key, mean in means.items()
        ),
    )


def snr(method: str, subset: str = "all", alignment: str = "aligned", test_set: str = "a") -> Key:
    return method, test_set, subset, "snr_db", alignment


# Over all subsets and alignments together "careless" would lead, by 16 against 15 dB.
TWO = results_of(
    {"careless": "baseline", "careful": "baseline"},
    {
        snr("careless"): 10.0,
        snr("careless", "clean"): 19.0,
        snr("careless", alignment="offset"): 19.0,
        snr("careful"): 20.0,
        snr("careful", "clean"): 20.0,
        snr("careful", alignment="offset"): 5.0,
    },
)


def test_the_leading_method_has_the_highest_aligned_snr_over_all_leads() -> None:
    assert leading(TWO, "a") == "careful"
    assert [score.method for score in ranked(TWO, "a")] == ["careful", "careless"]


def test_pictures_and_clinical_plots_show_the_same_method() -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "test_set": "a",
            "method": ["careless"] * 3 + ["careful"] * 3,
            "index": [0, 1, 2] * 2,
            "sample_id": ["a/0", "a/1", "a/2"] * 2,
            "failed": False,
            "snr_db@aligned": [10.0] * 3 + [20.0] * 3,
            "true:qt_ms": rng.normal(400, 10, 6),
            "found:qt_ms": rng.normal(400, 10, 6),
        }
    )
    assert {choice.method for choice in choose(rows, TWO)} == {"careful"}
    section = clinical(TWO, rows)
    assert section is not None
    assert section.blocks[1].caption == "QT, ms: careful, n = 3"  # type: ignore[union-attr]


def test_a_model_leads_before_a_better_baseline_and_that_before_an_oracle() -> None:
    kinds = {"oracle": "oracle", "baseline": "baseline", "poor": "model", "good": "model"}
    means = {snr("oracle"): 40.0, snr("baseline"): 30.0, snr("poor"): 5.0, snr("good"): 9.0}
    assert leading(results_of(kinds, means), "a") == "good"
    without = {key: mean for key, mean in means.items() if kinds[key[0]] != "model"}
    assert leading(results_of(kinds, without), "a") == "baseline"


def test_several_sets_are_averaged() -> None:
    means = {
        snr("one", test_set="a"): 10.0,
        snr("two", test_set="a"): 12.0,
        snr("one", test_set="b"): 20.0,
        snr("two", test_set="b"): 4.0,
    }
    found = results_of({"one": "model", "two": "model"}, means)
    assert [leading(found, *sets) for sets in ("a", "b", "ab")] == ["two", "one", "one"]


@pytest.mark.parametrize(("metric", "first"), [("iou", "two"), ("failure_rate", "one")])
def test_without_signals_it_leads_by_iou_and_without_any_by_name(metric: str, first: str) -> None:
    means = {("one", "a", "all", metric, "none"): 0.1, ("two", "a", "all", metric, "none"): 0.2}
    assert leading(results_of({"one": "model", "two": "model"}, means), "a") == first


def said(
    intervals: dict[str, tuple[float, float, float]], failed: dict[str, float], *, n: int = 12
) -> str:
    """The report's sentence on a set, by mean and interval of each method, and what it refused."""
    scores = [
        Score(*snr(name), n=n, mean=mean, median=mean, ci95=(low, high))
        for name, (low, mean, high) in intervals.items()
    ]
    scores += [
        Score(name, "a", "all", "failure_rate", "none", n, rate, rate, (rate, rate))
        for name, rate in failed.items()
    ]
    found = results_of(dict.fromkeys(intervals, "baseline"), {snr("x"): 0.0})
    (sentence,) = headline(replace(found, scores=tuple(scores))).text
    return sentence


def test_the_report_names_a_winner_only_where_no_interval_overlaps_its_own() -> None:
    apart = {"one": (19.0, 20.0, 21.0), "two": (9.0, 10.0, 11.0), "three": (8.0, 9.0, 10.0)}
    assert said(apart, {}) == (
        "On the 12 leads of `a`, **one** recovers the signal best: 20.0 dB SNR on average, 20.0 dB "
        "in the median; next are two (10.0 dB) and three (9.0 dB)."
    )
    assert said(apart | {"two": (18.0, 18.5, 19.0)}, {}) == (
        "On the 12 leads of `a`, no method is told to be best: one (20.0 dB) and two (18.5 dB) "
        "have the highest mean SNR, and their intervals overlap; next is three (9.0 dB)."
    )


def test_a_method_that_failed_on_all_is_no_runner_up() -> None:
    one = {"one": (19.0, 20.0, 21.0), "none": (0.0, 0.0, 0.0)}
    assert "next" not in said(one, {"one": 0.1, "none": 1.0})
    assert said(one, {"one": 1.0, "none": 1.0}).endswith("`a`, every method failed on all.")


def test_of_few_leads_no_winner_is_named() -> None:
    apart = {"one": (19.0, 20.0, 21.0), "two": (9.0, 10.0, 11.0)}
    assert said(apart, {}, n=9) == (
        "On the 9 leads of `a`, too few to tell which method is best, mean SNR is: one (20.0 dB) "
        "and two (10.0 dB)."
    )
