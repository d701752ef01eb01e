"""Scores of several results, side by side against severity."""

from dataclasses import replace
from pathlib import Path

import pytest

from data_gen.errors import InputError
from ecg_overlap.evaluation.by_severity import by_severity, figure, main, table
from ecg_overlap.evaluation.results import MethodInfo, Results, Score, TestSetInfo, write


def results_of(means: dict[str, float], *, method: str = "classical", sha: str = "a") -> Results:
    """Results of one method on one set, SNR by subset."""
    scores = tuple(
        Score(method, "shards", subset, "snr_db", "aligned", 9, mean, mean, (mean - 1, mean + 1))
        for subset, mean in means.items()
    )
    return Results(
        created="2026-01-01T00:00:00+00:00",
        command="python eval.py",
        git="",
        versions={},
        device="CPU",
        test_sets={"shards": TestSetInfo(9, "shards", sha)},
        methods={method: MethodInfo("baseline")},
        scores=(
            Score(method, "shards", "all", "failure_rate", "none", 9, 0.0, 0.0, (0.0, 0.0)),
            *scores,
        ),
    )


LOW, HIGH = {"all": 12.0, "contact:(0,5]": 20.0}, {"all": 8.0, "contact:(0,5]": 10.0}


def test_one_run_keeps_its_interval_and_repetitions_show_their_range() -> None:
    one = by_severity([("a", results_of(LOW))], methods=["classical"])
    assert list(one) == ["classical"]
    assert (one["classical"]["all"].low, one["classical"]["all"].high) == (11.0, 13.0)
    runs = [("a", results_of(LOW)), ("a", results_of(HIGH)), ("b", results_of(HIGH))]
    lines = by_severity(runs, methods=["classical"])
    point = lines["a"]["contact:(0,5]"]
    assert (point.mean, point.low, point.high) == (15.0, 10.0, 20.0)
    assert (lines["b"]["contact:(0,5]"].low, lines["b"]["contact:(0,5]"].high) == (9.0, 11.0)


def test_the_table_has_a_column_per_subset_and_the_figure_a_line_per_run() -> None:
    lines = by_severity([("a", results_of(LOW)), ("b", results_of(HIGH))], methods=["classical"])
    shown = table(lines, "snr_db")
    assert shown.columns == ("", "all (n = 9)", "≤ 5 % (n = 9)")
    assert [row.cells[:2] for row in shown.rows] == [
        ("a", "12.0\t11.0 … 13.0"),
        ("b", "8.0\t7.0 … 9.0"),
    ]
    svg = figure(lines, "snr_db")
    assert svg.startswith("<svg")
    assert all(f">{text}</text>" in svg for text in ("a", "b", "SNR, dB"))


def test_methods_of_several_labels_are_named_by_both() -> None:
    runs = [("a", results_of(LOW)), ("b", results_of(HIGH, method="viterbi"))]
    lines = by_severity(runs, methods=["classical", "viterbi"])
    assert list(lines) == ["a, classical", "b, viterbi"]


def test_other_sets_or_nothing_found_are_said() -> None:
    with pytest.raises(InputError, match="are of different test sets"):
        by_severity(
            [("a", results_of(LOW)), ("b", results_of(LOW, sha="b"))], methods=["classical"]
        )
    two = replace(results_of(LOW), test_sets={name: TestSetInfo(9, "shards", "a") for name in "ab"})
    with pytest.raises(InputError, match="results of ours: hold 2 test sets"):
        by_severity([("ours", two)], methods=["classical"])
    with pytest.raises(InputError, match="none has snr_db of fortune"):
        by_severity([("a", results_of(LOW))], methods=["fortune"])


def test_the_command_writes_the_figure_and_names_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(results_of(LOW), tmp_path)
    out = tmp_path / "new" / "figure.svg"
    assert main([f"ours={file}", "--method", "classical", "--out", str(out)]) == 0
    svg = out.read_text()
    # A file of its own is in no page whose colour it could take.
    assert svg.startswith("<svg") and "currentColor" not in svg
    assert "| classical | 12.0 (11.0 … 13.0) |" in capsys.readouterr().out
    assert main([str(file), "--method", "classical"]) == 1
    assert "has no label; give LABEL=FILE" in capsys.readouterr().err
