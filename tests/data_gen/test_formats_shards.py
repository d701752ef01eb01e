import io
import json
import sys
import tarfile
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hand_made import HandMade, lead_sample, same

from data_gen.errors import InputError
from data_gen.formats import Shards, stream_shards
from data_gen.formats.shards import from_members, members, write_shard
from data_gen.sample import LeadSample, Severity
from data_gen.write_set import SetPlan, write_set


@pytest.fixture
def written(tmp_path: Path) -> Path:
    write_set(HandMade(), tmp_path, SetPlan(n=7, samples_per_shard=3), progress=False)
    return tmp_path


class TestASample:
    def test_survives_whole(self):
        sample = lead_sample(5)
        assert same(from_members(members(sample), "here"), sample)

    def test_what_it_does_not_have_stays_none(self):
        sample = LeadSample(np.zeros((3, 4, 3), np.uint8), lead_name="II")
        assert set(members(sample)) == {"facts.json", "image.png"}
        assert same(from_members(members(sample), "here"), sample)

    def test_missing_samples_stay_nan(self):
        sample = lead_sample(1)
        signal, points = sample.signal_mv.copy(), sample.polyline_px.copy()
        signal[3], points[3] = np.nan, np.nan
        sample = replace(sample, signal_mv=signal, polyline_px=points)
        assert same(from_members(members(sample), "here"), sample)

    def test_contact_not_known_and_no_neighbour_survive_json(self):
        sample = replace(lead_sample(1), severity=Severity(0.1, float("nan"), 0, 0, float("inf")))
        content = members(sample)
        assert b"NaN" not in content["facts.json"]
        assert b"Infinity" not in content["facts.json"]
        severity = from_members(content, "here").severity
        assert np.isnan(severity.contact)
        assert severity.smallest_gap_px == float("inf")

    @pytest.mark.parametrize("name", ["facts.json", "image.png", "target.png", "signal.npy"])
    def test_a_damaged_member_is_named_by_its_place(self, name):
        content = members(lead_sample(1)) | {name: b"?"}
        with pytest.raises(InputError, match="shard 3, sample 12"):
            from_members(content, "shard 3, sample 12")

    def test_an_array_that_claims_more_than_is_there_costs_no_memory(self):
        content = members(lead_sample(1))
        lie = io.BytesIO()
        facts = {"descr": "<f8", "fortran_order": False, "shape": (10**10,)}
        np.lib.format.write_array_header_1_0(lie, facts)
        with pytest.raises(InputError, match=r"here, signal\.npy: is no array \(80000000000 bytes"):
            from_members(content | {"signal.npy": lie.getvalue() + b"12345678"}, "here")

    def test_an_array_of_objects_is_not_unpickled(self):
        pickled = io.BytesIO()
        np.save(pickled, np.array([print, None]), allow_pickle=True)
        with pytest.raises(InputError, match=r"signal\.npy"):
            from_members(members(lead_sample(1)) | {"signal.npy": pickled.getvalue()}, "here")

    def test_a_picture_of_more_pixels_than_any_is_one_line(self):
        content = members(lead_sample(1))
        png = bytearray(content["image.png"])
        png[16:24] = (60_000).to_bytes(4, "big") * 2
        png[29:33] = zlib.crc32(png[12:29]).to_bytes(4, "big")
        with pytest.raises(InputError, match="no picture"):
            from_members(content | {"image.png": bytes(png)}, "here")


class TestAShard:
    def test_is_a_tar_that_webdataset_reads(self, tmp_path):
        write_shard(enumerate([lead_sample(0)], start=12), tmp_path / "a.tar")
        with tarfile.open(tmp_path / "a.tar") as tar:
            assert tar.getnames() == [
                "00000012.facts.json",
                "00000012.image.png",
                "00000012.other.png",
                "00000012.polyline.npy",
                "00000012.signal.npy",
                "00000012.target.png",
            ]
            assert {(m.mtime, m.uid, m.gid, m.uname, m.mode) for m in tar} == {(0, 0, 0, "", 0o644)}

    def test_streams_through_webdataset(self, written):
        pytest.importorskip("webdataset")
        url = (written / "shard-{000000..000002}.tar").as_posix()
        streamed = list(stream_shards(url))
        assert len(streamed) == 7
        assert all(same(one, lead_sample(i)) for i, one in enumerate(streamed))

    def test_without_webdataset_the_remedy_is_said(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "webdataset", None)
        with pytest.raises(InputError, match=r"ecg-overlap\[shards\]"):
            next(stream_shards("https://example.org/shard-000000.tar"))


class TestASet:
    def test_samples_come_by_number_and_in_turn(self, written):
        samples = Shards(written)
        assert len(samples) == 7
        assert same(samples[5], lead_sample(5))
        assert same(samples[-1], lead_sample(6))
        assert all(same(one, lead_sample(i)) for i, one in enumerate(samples))
        with pytest.raises(IndexError):
            samples[7]

    def test_an_unfinished_set_says_how_to_finish(self, written):
        (written / "manifest.json").unlink()
        with pytest.raises(InputError, match=r"not finished.*run generate\.py"):
            Shards(written)

    def test_a_folder_of_something_else(self, tmp_path):
        with pytest.raises(InputError, match=r"holds no manifest\.json"):
            Shards(tmp_path)

    @pytest.mark.parametrize(
        "damage",
        [
            "{",
            "[]",
            "{}",
            '{"parts": [{"n": 1, "files": {}}], "n": 1, "format": "shards"}',
            '{"parts": [{"n": 1, "files": {"a": "", "b": ""}}], "n": 1, "format": "shards"}',
            '{"parts": [{"n": 1, "files": ["a"]}], "n": 1, "format": "shards"}',
            '{"parts": [], "n": 0, "format": "shards"}',
        ],
    )
    def test_a_damaged_manifest_is_named(self, written, damage):
        (written / "manifest.json").write_text(damage)
        with pytest.raises(InputError, match=r"manifest\.json"):
            Shards(written)

    def test_a_manifest_that_leaves_its_folder(self, written):
        (written / "shard-000001.tar").rename(written.parent / "outside.tar")
        text = (written / "manifest.json").read_text()
        (written / "manifest.json").write_text(text.replace("shard-000001", "../outside"))
        with pytest.raises(InputError, match=r"names \.\./outside\.tar, outside of its folder"):
            Shards(written)

    def test_a_manifest_of_brackets_alone(self, written):
        (written / "manifest.json").write_text("[" * 100_000)
        with pytest.raises(InputError, match=r"manifest\.json.*no JSON"):
            Shards(written)

    def test_a_manifest_whose_counts_disagree(self, written):
        manifest = json.loads((written / "manifest.json").read_text())
        (written / "manifest.json").write_text(json.dumps(manifest | {"n": 8}))
        with pytest.raises(InputError, match="counts disagree"):
            Shards(written)

    def test_a_missing_shard_is_named(self, written):
        (written / "shard-000001.tar").unlink()
        with pytest.raises(InputError, match=r"shard-000001\.tar.*missing"):
            Shards(written)

    def test_one_changed_byte_is_found_and_its_shard_named(self, written):
        path = written / "shard-000001.tar"
        content = bytearray(path.read_bytes())
        content[5000] ^= 1
        path.write_bytes(content)
        samples = Shards(written)
        assert same(samples[0], lead_sample(0))  # the others are whole
        with pytest.raises(InputError, match=r"shard-000001\.tar: is damaged"):
            samples[3]

    def test_a_cut_shard_is_found_even_unchecked(self, written):
        path = written / "shard-000001.tar"
        path.write_bytes(path.read_bytes()[:700])
        with pytest.raises(InputError, match=r"shard-000001\.tar"):
            Shards(written, check=False)[3]

    def test_writing_again_repairs_what_is_damaged(self, written):
        path = written / "shard-000001.tar"
        whole = path.read_bytes()
        path.write_bytes(whole[:700])
        write_set(HandMade(), written, SetPlan(n=7, samples_per_shard=3), progress=False)
        assert path.read_bytes() == whole

    def test_of_another_format_is_refused(self, tmp_path):
        write_set(HandMade(), tmp_path, SetPlan(n=1, format="lead_crops"), progress=False)
        with pytest.raises(InputError, match="format lead_crops"):
            Shards(tmp_path)
