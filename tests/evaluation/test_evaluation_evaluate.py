"""A whole evaluation: the same rows however it is run, resumed after a kill, nothing dropped."""

import json
import math
from dataclasses import replace
from pathlib import Path

import cv2
import pandas as pd
import pytest
from tiny_set import TinySet, method, nine_tenths, sample_of

from data_gen.errors import InputError
from data_gen.sample import LeadSample
from ecg_overlap.evaluation import choices, pictures
from ecg_overlap.evaluation import results as files
from ecg_overlap.evaluation.evaluate import evaluate
from ecg_overlap.evaluation.methods import Method, Outcome
from ecg_overlap.evaluation.results import Results
from ecg_overlap.evaluation.works import CHUNK, Work, plan, seconds_left

METHODS = [method("perfect"), method("nine_tenths"), method("refuse"), method("broken")]
TIMES = ["time_ms", "score_ms", "load_ms"]


def run(out: Path, methods: list[Method] = METHODS, n: int = 4, **options: object) -> Results:
    settings = {"n_costly": 1, "progress": False} | options
    return evaluate(methods, [TinySet(n)], out=out, **settings)  # type: ignore[arg-type]


def table(out: Path) -> pd.DataFrame:
    return pd.read_parquet(out / "per_sample.parquet")


def test_every_sample_and_method_has_its_row(tmp_path: Path) -> None:
    found = run(tmp_path)
    rows = table(tmp_path)
    assert list(zip(rows["index"], rows["method"], strict=True)) == [
        (i, m.name) for i in range(4) for m in METHODS
    ]
    assert files.read(tmp_path) == found
    assert not (tmp_path / "partial").exists()


def test_a_failing_method_is_counted_and_never_dropped(tmp_path: Path) -> None:
    found = run(tmp_path)
    for name, rate in (("perfect", 0.0), ("refuse", 1.0), ("broken", 1.0)):
        score = found.score(name, "tiny", "failure_rate", alignment="none")
        assert score is not None
        assert (score.n, score.mean) == (4, rate)
    snr = found.score("broken", "tiny", "snr_db", alignment="aligned")
    assert snr is not None
    assert (snr.n, snr.mean) == (4, 0.0)
    assert any("defect" in note for note in found.notes)


def test_scores_are_those_known_by_hand(tmp_path: Path) -> None:
    found = run(tmp_path)
    snr = found.score("nine_tenths", "tiny", "snr_db", alignment="aligned")
    assert snr is not None
    assert snr.mean == pytest.approx(20.0, abs=0.01)
    assert snr.ci95 == pytest.approx((20.0, 20.0), abs=0.01)
    by_contact = [
        found.score("perfect", "tiny", "iou", alignment="none", subset=f"contact:{name}")
        for name in ("0", "(0,5]", "(5,15]", "(15,30]")
    ]
    assert [score.n if score else 0 for score in by_contact] == [1, 0, 1, 2]


def test_workers_give_the_same_table_and_pictures_as_one_process(tmp_path: Path) -> None:
    one, two = run(tmp_path / "1", n=CHUNK + 3), run(tmp_path / "2", n=CHUNK + 3, jobs=2)
    pd.testing.assert_frame_equal(
        table(tmp_path / "1").drop(columns=TIMES), table(tmp_path / "2").drop(columns=TIMES)
    )
    assert one.scores == two.scores
    assert one.test_sets == two.test_sets
    drawn = [
        {path.name: path.read_bytes() for path in (tmp_path / jobs / "pictures").iterdir()}
        for jobs in ("1", "2")
    ]
    assert len(drawn[0]) > 1
    assert drawn[0] == drawn[1]


def test_networks_run_beside_the_workers_in_this_process(tmp_path: Path) -> None:
    here: list[int] = []

    def network(sample: LeadSample) -> Outcome:
        here.append(1)  # a closure: it could not be sent to a worker
        return nine_tenths(sample)

    model = Method("unet", "model", network, checkpoint="best.ckpt", params=12)
    found = run(tmp_path, [method("perfect"), model], jobs=2)
    assert len(here) >= 4
    assert found.methods["unet"].params == 12
    assert len(table(tmp_path)) == 8


class Killed(TinySet):
    """Pulls the plug at the sample after the first chunk, as often as the list says."""

    plugs: list[int] = []  # noqa: RUF012  (shared on purpose)
    opened: list[int] = []  # noqa: RUF012

    def sample(self, index: int) -> LeadSample:
        if index == CHUNK and self.plugs:
            self.plugs.pop()
            raise KeyboardInterrupt
        self.opened.append(index)
        return super().sample(index)


def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    Killed.plugs[:], Killed.opened[:] = [1], []
    with pytest.raises(KeyboardInterrupt):
        evaluate(METHODS, [Killed(CHUNK + 2)], out=tmp_path, progress=False, n_costly=1)
    assert not (tmp_path / "results.json").exists()
    assert Killed.opened == list(range(CHUNK))
    Killed.opened.clear()
    evaluate(METHODS, [Killed(CHUNK + 2)], out=tmp_path, progress=False, n_costly=1)
    assert Killed.opened[:2] == [CHUNK, CHUNK + 1]  # then those that are drawn
    run(tmp_path / "whole", n=CHUNK + 2)
    pd.testing.assert_frame_equal(
        table(tmp_path).drop(columns=TIMES), table(tmp_path / "whole").drop(columns=TIMES)
    )


def test_another_question_starts_anew(tmp_path: Path) -> None:
    Killed.plugs[:], Killed.opened[:] = [1], []
    with pytest.raises(KeyboardInterrupt):
        evaluate(METHODS, [Killed(CHUNK + 2)], out=tmp_path, progress=False, n_costly=1)
    Killed.opened.clear()
    evaluate(METHODS[:1], [Killed(CHUNK + 2)], out=tmp_path, progress=False, n_costly=1)
    assert Killed.opened[0] == 0
    assert set(table(tmp_path)["method"]) == {"perfect"}


def test_the_hash_of_a_set_is_that_of_its_samples(tmp_path: Path) -> None:
    same = run(tmp_path / "a", METHODS[:1]).test_sets["tiny"].sha256
    again = run(tmp_path / "b", METHODS[1:2]).test_sets["tiny"].sha256
    more = run(tmp_path / "c", METHODS[:1], n=5).test_sets["tiny"].sha256
    assert same == again
    assert same != more
    assert len(same) == 64


def test_what_a_set_lacks_is_noted(tmp_path: Path) -> None:
    class NoTruth(TinySet):
        def sample(self, index: int) -> LeadSample:
            sample = sample_of(index)
            if index == 0:
                return replace(
                    sample, target_mask=None, other_mask=None, signal_mv=None, polyline_px=None
                )
            return sample

    found = evaluate(METHODS[:1], [NoTruth(3)], out=tmp_path, progress=False)
    assert "1 of 3 have no mask" in found.test_sets["tiny"].note
    assert "1 of 3 have no signal" in found.test_sets["tiny"].note
    snr = found.score("perfect", "tiny", "snr_db", alignment="aligned")
    failed = found.score("perfect", "tiny", "failure_rate", alignment="none")
    assert snr is not None
    assert failed is not None
    assert (snr.n, failed.n) == (2, 3)


def test_an_oracle_without_its_truth_is_noted_not_run(tmp_path: Path) -> None:
    oracle = Method("stroke@mask", "oracle", nine_tenths, needs=("other",))

    class Blind(TinySet):
        def sample(self, index: int) -> LeadSample:
            return replace(super().sample(index), calibration=None)

    needy = replace(oracle, needs=("calibration",))
    found = evaluate([*METHODS[:1], needy], [Blind(2)], out=tmp_path, progress=False)
    assert any("stroke@mask" in note for note in found.notes)
    with pytest.raises(InputError, match="no method could be tried"):
        evaluate([needy], [Blind(2)], out=tmp_path / "alone", progress=False)


def test_pictures_show_worst_median_and_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for rank, count in {"worst": 4, "median": 1, "best": 2}.items():
        monkeypatch.setitem(choices.COUNTS, rank, count)
    monkeypatch.setattr(choices, "SHARES", {"worst": 2, "median": 2, "best": 2})
    run(tmp_path, METHODS[:2], n=9)
    entries = json.loads((tmp_path / "pictures" / "index.json").read_text())
    assert [entry["rank"] for entry in entries] == ["worst"] * 4 + ["median"] + ["best"] * 2
    assert len({entry["file"] for entry in entries}) == 7
    picture = cv2.imread(str(tmp_path / "pictures" / entries[0]["file"]))
    assert picture is not None
    assert picture.shape[1] > 900
    assert {entry["method"] for entry in entries} == {"perfect"}  # the better of the two


def test_the_mask_of_a_refused_sample_is_shown_as_missed() -> None:
    sample = TinySet().sample(0)
    shown = pictures._mask_picture(sample, Outcome(None, reason="too dark"))
    assert sample.target_mask is not None
    inked = shown[sample.target_mask >= 128]
    assert len(inked) and (inked == (46, 134, 193)).all()


def test_names_given_twice_or_none_at_all(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="perfect named twice"):
        evaluate([METHODS[0]] * 2, [TinySet()], out=tmp_path)
    with pytest.raises(InputError, match="tiny named twice"):
        evaluate(METHODS, [TinySet(), TinySet()], out=tmp_path)
    with pytest.raises(InputError, match="methods: nothing"):
        evaluate([], [TinySet()], out=tmp_path)
    with pytest.raises(InputError, match="test sets: nothing"):
        evaluate(METHODS, [], out=tmp_path)
    with pytest.raises(InputError, match="tiny: is empty"):
        evaluate(METHODS, [TinySet(0)], out=tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(InputError, match="choose another out"):
        run(tmp_path / "taken")


def test_of_few_samples_a_part_is_drawn_of_each_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choices, "COUNTS", {"worst": 10, "median": 3, "best": 3})

    def chosen(n: int) -> dict[str, list[int]]:
        return {rank: list(at) for rank, at in choices._ranks(n).items()}

    assert chosen(8) == {"worst": [0, 1], "median": [3], "best": [7]}
    assert [len(at) for at in chosen(12).values()] == [3, 2, 2]
    assert chosen(50)["worst"] == list(range(10)) and chosen(50)["best"] == [49, 48, 47]
    assert chosen(1) == {"worst": [0], "median": [], "best": []}


def test_each_sets_first_sample_is_done_first_and_tells_how_long_the_rest_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = [TinySet(9, name="a"), TinySet(3, name="b")]
    works = plan(METHODS, sets)
    assert [(work.test_set, work.indices) for work in works] == [
        (0, (0,)), (1, (0,)), (0, tuple(range(1, 8))), (0, (8,)), (1, (1, 2)),
    ]  # fmt: skip
    evaluate(METHODS, sets, out=tmp_path, n_costly=1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("2 test sets of 3 to 9 samples × 4 methods; the first of each")
    assert lines[1] == "about 1 min to go, by the first of each set"


@pytest.mark.parametrize(("jobs", "left_s"), [(1, 2 * 0.61 + 3 * 0.21), (2, 3 * 0.21)])
def test_what_is_left_is_told_by_what_was_done(jobs: int, left_s: float) -> None:
    row = {"load_ms": 10.0, "score_ms": 100.0, "index": 0}
    rows = pd.DataFrame(
        [
            row | {"test_set": "a", "sample_id": "a/0", "method": "perfect", "time_ms": 500.0},
            row | {"test_set": "a", "sample_id": "a/0", "method": "net", "time_ms": 100.0},
        ]
    )
    methods = [method("perfect"), replace(method("refuse"), name="net", in_workers=False)]
    works = [Work("", 0, (1, 2), True), Work("", 0, (1, 2, 3), False)]
    found = seconds_left(rows, works, methods, [TinySet(9, name="a")], jobs=jobs)
    assert found == pytest.approx(left_s)  # with two, networks' 0.63 s are beside 1.22 s / 2
    assert math.isnan(seconds_left(rows[:0], works, methods, [TinySet(9, name="a")], jobs=jobs))
