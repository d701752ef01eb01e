"""results.json says what was written, and nothing that contradicts itself gets in or out."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from small_results import results_of

from data_gen.errors import InputError
from ecg_overlap.evaluation import results as files
from ecg_overlap.evaluation.results import MethodInfo, Score
from ecg_overlap.evaluation.wording import results_table

SNR = Score("classical", "clean", "all", "snr_db", "aligned", 3, 21.04, 20.0, (19.0, 23.0))
FAILED = Score("classical", "clean", "all", "failure_rate", "none", 4, 0.25, 0.0, (0.0, 0.5))


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    given = results_of(SNR, FAILED)
    files.write(given, tmp_path / "new")
    assert files.read(tmp_path / "new") == given
    assert files.read(tmp_path / "new" / "results.json") == given
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["results.json"]


def test_the_file_is_json_in_the_documented_schema(tmp_path: Path) -> None:
    raw = json.loads(files.write(results_of(SNR, FAILED), tmp_path).read_text())
    assert raw["test_sets"] == {"clean": {"n": 4, "kind": "preset", "sha256": "00ff", "note": ""}}
    assert raw["methods"] == {
        "classical": {
            "kind": "baseline",
            "checkpoint": None,
            "params": None,
            "weights_sha256": None,
        }
    }
    assert raw["scores"][0] == {
        "method": "classical",
        "test_set": "clean",
        "subset": "all",
        "metric": "snr_db",
        "alignment": "aligned",
        "n": 3,
        "mean": 21.04,
        "median": 20.0,
        "ci95": [19.0, 23.0],
    }


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ((SNR,), "no failure_rate"),
        ((SNR, SNR, FAILED), "twice"),
        ((replace(SNR, n=0), FAILED), r"scores\.0\.n: .*greater than 0"),
        ((replace(SNR, mean=float("nan")), FAILED), r"scores\.0\.mean: .*finite"),
        ((replace(SNR, ci95=(0.0, float("inf"))), FAILED), r"scores\.0\.ci95\.1: .*finite"),
        ((replace(SNR, subset="dirty"), FAILED), r"scores\.0\.subset: .*contact"),
        ((replace(SNR, alignment="shifted"), FAILED), r"scores\.0\.alignment: .*raw"),
        ((replace(SNR, method="other"), FAILED), "method not listed"),
        ((replace(SNR, test_set="other"), FAILED), "test set not listed"),
    ],
)
def test_contradictions_are_refused(wrong: tuple[Score, ...], says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=says):
        files.write(results_of(*wrong), tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_unknown_kind_of_method_is_refused(tmp_path: Path) -> None:
    given = replace(results_of(FAILED), methods={"classical": MethodInfo("magic")})
    with pytest.raises(InputError, match=r"methods\.classical\.kind: .*model\|baseline\|oracle"):
        files.write(given, tmp_path)


def test_a_field_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    file = files.write(results_of(SNR, FAILED), tmp_path)
    file.write_text(file.read_text().replace('"n": 3', '"n": 3, "p": 0.05'))
    with pytest.raises(InputError, match=r"scores\.0\.p"):
        files.read(file)


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[2] / "experiments").rglob("results*.json")), ids=str
)
def test_the_studies_results_are_still_read(path: Path) -> None:
    assert files.read(path).scores


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"scores": 1}', '{"scores": [{"mean": 1}]}'])
def test_what_is_not_our_file_is_an_error_in_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(InputError, match=r"results\.json") as error:
        files.read(tmp_path)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        files.read(tmp_path)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    given = replace(results_of(FAILED), per_sample="per_sample.parquet")
    with pytest.raises(InputError, match=r"per_sample\.parquet"):
        files.read_per_sample(tmp_path, given)


def test_a_folder_that_cannot_be_written_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(InputError, match="cannot be written"):
        files.write(results_of(FAILED), tmp_path / "taken")


def test_a_score_is_found_by_all_its_names() -> None:
    given = results_of(SNR, FAILED)
    assert given.score("classical", "clean", "snr_db", alignment="aligned") is SNR
    assert given.score("classical", "clean", "snr_db", alignment="raw") is None
    assert given.score("classical", "clean", "snr_db", alignment="aligned", subset="clean") is None


def test_the_terminal_shows_mean_interval_and_failures() -> None:
    head, columns, line = results_table(results_of(SNR, FAILED)).splitlines()
    assert head == "clean (preset, 4 leads)"
    assert columns.split()[:2] == ["method", "n"]
    assert line.split() == [
        "classical",
        "4",
        "·",
        "·",
        "21.0",
        "(19.0",
        "…",
        "23.0)",
        *"··",
        "25.0",
    ]


def test_names_must_be_there_and_unique() -> None:
    assert files.unique(["a", "b"], where="methods") == ("a", "b")
    with pytest.raises(InputError, match="a named twice"):
        files.unique(["a", "b", "a"], where="methods")
    with pytest.raises(InputError, match="nothing is named"):
        files.unique([], where="methods")
