"""What of a `results.json` is kept: fewer scores, the same file in all else."""

from dataclasses import replace
from pathlib import Path

import pytest
from small_results import results_of

from ecg_overlap.evaluation.kept import kept, main
from ecg_overlap.evaluation.results import Results, Score, read, write


def score(metric: str, alignment: str, mean: float) -> Score:
    return Score("classical", "clean", "all", metric, alignment, 3, mean, mean, (mean, mean))


def results() -> Results:
    return results_of(
        score("failure_rate", "none", 0.0),
        score("snr_db", "aligned", 12.3456789),
        score("snr_db", "raw", 3.0),
        score("qt_ms_error", "aligned", 5.0),
    )


def test_scores_that_studies_are_judged_by_stay_and_are_rounded() -> None:
    small = kept(results())
    assert [(s.metric, s.alignment) for s in small.scores] == [
        ("failure_rate", "none"),
        ("snr_db", "aligned"),
    ]
    assert small.scores[1].mean == 12.346
    assert replace(small, scores=(), per_sample="") == replace(results(), scores=(), per_sample="")


def test_a_file_is_shrunk_where_it_is(tmp_path: Path) -> None:
    file = write(results(), tmp_path)
    assert main([str(file)]) == 0
    assert read(file) == kept(results())


def test_what_is_no_results_file_is_left_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "other.json"
    file.write_text("{}")
    assert main([str(file)]) == 1
    assert str(file) in capsys.readouterr().err and file.read_text() == "{}"
