import json
import os
from pathlib import Path

import pytest
from hand_made import HandMade, Killed, hand_page, lead_sample, same

from data_gen.errors import InputError
from data_gen.formats import EcgImageKit, LeadCrops, Shards
from data_gen.write_set import SetPlan, write_command, write_set

PLAN = SetPlan(n=10, samples_per_shard=3, dials={"pen_mm": [0.2, 0.4]})


def write(out: Path, plan: SetPlan = PLAN, source: HandMade | None = None, **options) -> int:
    return write_set(source or HandMade(), out, plan, progress=False, **options)


def content(root: Path) -> dict[str, bytes]:
    """Every file of a set; the data card without the folder's own name."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes().replace(str(root).encode(), b"OUT")
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, bytes]:
    root = tmp_path_factory.mktemp("whole")
    assert write(root) == 0
    return content(root)


class TestTheSameBytes:
    def test_with_one_worker_and_with_four(self, tmp_path, whole):
        write(tmp_path, jobs=4)
        assert content(tmp_path) == whole

    @pytest.mark.parametrize("form", ["shards", "lead_crops", "ecg_image_kit", "pages"])
    def test_in_every_format_with_fewer_parts_than_workers(self, tmp_path, form):
        plan = SetPlan(n=5, samples_per_shard=4, format=form)
        for name, jobs in (("one", 1), ("three", 3)):
            write(tmp_path / name, plan, jobs=jobs)
        assert content(tmp_path / "one") == content(tmp_path / "three")

    def test_few_samples_are_shared_by_all_processes(self, tmp_path):
        met = tmp_path / "met"
        met.mkdir()
        plan = SetPlan(n=4, samples_per_shard=250)
        write(tmp_path / "set", plan, source=HandMade(meet_in=met), jobs=2)
        others = {path.name for path in met.iterdir()} - {str(os.getpid())}
        assert len(others) == 2  # this one draws the data card's picture

    def test_the_bar_moves_by_samples(self, tmp_path, capsys):
        plan = SetPlan(n=8, samples_per_shard=250)
        with pytest.raises(Killed):
            write_set(HandMade(stop_at=5), tmp_path, plan)
        assert " 5/8 " in capsys.readouterr().err.splitlines()[-1]

    @pytest.mark.parametrize("sample", [0, 4, 9])
    def test_after_a_kill_and_a_second_run(self, tmp_path, whole, sample):
        with pytest.raises(Killed):
            write(tmp_path, source=HandMade(stop_at=sample))
        assert not (tmp_path / "manifest.json").exists()
        assert write(tmp_path) == 0
        assert content(tmp_path) == whole

    def test_after_a_worker_is_killed_and_a_second_run(self, tmp_path, whole):
        with pytest.raises(InputError, match=r"a worker process died.*fewer jobs"):
            write(tmp_path, source=HandMade(die_at=4), jobs=2)
        assert not (tmp_path / "manifest.json").exists()
        assert write(tmp_path) == 0
        assert content(tmp_path) == whole

    def test_half_a_small_file_left_by_a_kill_is_swept_away(self, tmp_path, whole):
        write(tmp_path, shard=1)
        (tmp_path / "parts" / "part-000002.json.0123.part").write_text("{")
        write(tmp_path)
        assert content(tmp_path) == whole

    def test_what_is_whole_is_not_drawn_again(self, tmp_path, whole):
        write(tmp_path)
        # Its shard is there: a source that stops at sample 4 is not asked for it.
        assert write(tmp_path, source=HandMade(stop_at=4)) == 0
        assert content(tmp_path) == whole

    def test_as_shards_of_many_jobs_in_any_order(self, tmp_path, whole):
        left = [write(tmp_path, shard=shard) for shard in (2, 0, 3, 1)]
        assert left == [3, 2, 1, 0]
        assert content(tmp_path) == whole

    def test_sample_i_is_sample_i_whatever_the_size_of_a_shard(self, tmp_path, whole):
        write(tmp_path, SetPlan(n=10, samples_per_shard=7))
        assert all(same(one, lead_sample(i)) for i, one in enumerate(Shards(tmp_path)))


class TestTheManifest:
    def test_counts_what_is_in_the_set(self, tmp_path):
        write(tmp_path)
        manifest = json.loads((tmp_path / "manifest.json").read_text())
        assert manifest["n"] == 10
        assert [part["n"] for part in manifest["parts"]] == [3, 3, 3, 1]
        assert manifest["dials"] == {"pen_mm": [0.2, 0.4]}
        assert set(manifest["versions"]) >= {"ecg-overlap", "numpy"}
        # Contacts 0, 4, 8, 12, 16, 20, 24, 28, 32, 36 %
        assert manifest["severity"] == {
            "0": 1,
            "(0,5]": 1,
            "(5,15]": 2,
            "(15,30]": 4,
            ">30": 2,
        }
        assert manifest["leads"]["II"] == 1

    def test_the_card_says_how_to_read_and_to_write_the_set(self, tmp_path):
        write(tmp_path, command="python generate.py n=10")
        card = (tmp_path / "README.md").read_text()
        assert "python generate.py n=10" in card
        assert f'Shards("{tmp_path.as_posix()}")[0]' in card
        assert "| (15,30] | 4 |" in card
        assert (tmp_path / "sample.png").stat().st_size > 0

    def test_the_command_leaves_out_what_does_not_change_the_set(self):
        told = write_command(["out=data/a b", "shard=3", "jobs=4", "page=scan"])
        assert told == "ecg-overlap generate 'out=data/a b' page=scan"


class TestOtherFormats:
    def test_lead_crops(self, tmp_path):
        write(tmp_path, SetPlan(n=5, samples_per_shard=2, format="lead_crops"))
        crops = LeadCrops(tmp_path)
        assert len(crops) == 5
        assert crops.names[2] == "2_3by4_lead_2"
        assert crops[2].calibration == lead_sample(2).calibration

    def test_pages_of_ecg_image_kit(self, tmp_path):
        write(tmp_path, SetPlan(n=2, samples_per_shard=1, format="ecg_image_kit"))
        kit = EcgImageKit(tmp_path)
        assert [path.name for path in kit.pages] == ["00000-0.json", "00001-0.json"]
        assert len(kit) == 2 * len(hand_page().traces)
        manifest = json.loads((tmp_path / "manifest.json").read_text())
        assert manifest["leads"] == {"I": 2, "V1": 2, "II": 4, "aVL": 2}
        assert sum(manifest["severity"].values()) == 10  # each trace, in a bin by its contact
        assert "not known" not in manifest["severity"]


class TestBadInput:
    def test_a_shard_that_is_not_there(self, tmp_path):
        with pytest.raises(InputError, match=r"the set has 4 shards.*range\(0,4\)"):
            write(tmp_path, shard=4)

    @pytest.mark.parametrize(
        ("options", "match"),
        [
            ({"n": 0}, "n: is 0"),
            ({"n": "many"}, "n: is many"),
            ({"n": 1, "samples_per_shard": -1}, "samples_per_shard"),
            ({"n": 1, "format": "zip"}, "choose one of shards"),
            ({"n": 1, "split": "dev"}, "choose one of train"),
            ({"n": 1, "seed": -1}, "seed"),
        ],
    )
    def test_an_impossible_plan(self, options, match):
        with pytest.raises(InputError, match=match):
            SetPlan(**options)

    def test_no_jobs(self, tmp_path):
        with pytest.raises(InputError, match="jobs: is 0"):
            write(tmp_path, jobs=0)

    def test_a_folder_with_another_set_is_left_alone(self, tmp_path):
        write(tmp_path)
        before = content(tmp_path)
        other = SetPlan(n=10, samples_per_shard=3, seed=1, dials={})
        with pytest.raises(InputError, match="another dials, seed"):
            write(tmp_path, other)
        assert content(tmp_path) == before

    def test_a_folder_with_something_else_is_left_alone(self, tmp_path):
        (tmp_path / "thesis.txt").write_text("…")
        with pytest.raises(InputError, match="holds no set of ours"):
            write(tmp_path)
        assert content(tmp_path).keys() == {"thesis.txt"}

    def test_a_damaged_note_costs_its_part_only(self, tmp_path):
        write(tmp_path)
        before = content(tmp_path)
        (tmp_path / "parts" / "part-000001.json").write_text("{")
        assert write(tmp_path) == 0
        assert content(tmp_path) == before

    @pytest.mark.parametrize("inside", ["", "set"])
    def test_a_place_where_nothing_can_be_written(self, tmp_path, inside):
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(InputError, match=r"file.*choose another out="):
            write(tmp_path / "file" / inside)
        assert content(tmp_path).keys() == {"file"}

    def test_a_damaged_plan(self, tmp_path):
        (tmp_path / "plan.json").write_text("[]")
        with pytest.raises(InputError, match=r"plan\.json: is no plan"):
            write(tmp_path)
