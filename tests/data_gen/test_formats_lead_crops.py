import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hand_made import beats_mv, crop_of_extent, ink_on_paper, lead_sample
from hypothesis import given, settings
from hypothesis import strategies as st

from data_gen.errors import InputError
from data_gen.formats import LeadCrops
from data_gen.formats.files import read_picture
from data_gen.formats.lead_crop_scale import clean_mask, fit_baseline, implied_calibration
from data_gen.formats.lead_crops import crop_name, write_lead_crop
from data_gen.sample import LeadSample

PUBLISHED = Path(__file__).parents[2].parent / "shared" / "data" / "lead_crop_format"


def store(
    root: Path,
    name: str,
    signal: np.ndarray | None = None,
    *,
    mask: np.ndarray | None = None,
    suffix: str = ".png",
    bmp: bool = False,
) -> None:
    """One crop as the published set stores it."""
    drawn = beats_mv(250, 100.0) if signal is None else signal
    _, own, _ = crop_of_extent(drawn)
    for kind in ("image", "mask-bmp" if bmp else "mask-png", "signal-json"):
        (root / kind / name).parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(root / "image" / f"{name}{suffix}"), ink_on_paper(own)[..., ::-1])
    if mask is not None:
        kind = f"mask-bmp/{name}.bmp" if bmp else f"mask-png/{name}.png"
        cv2.imwrite(str(root / kind), mask)
    if signal is not None:
        (root / "signal-json" / f"{name}.json").write_text(json.dumps(signal.tolist()))


class TestScale:
    def test_the_width_implies_the_published_78_px_per_big_box(self):
        # (1003 − 30) px over 2.49 s, 0.2 s a box
        assert implied_calibration(1003, 250).px_per_mm_x * 5 == pytest.approx(973 / 12.45)

    def test_time_zero_stands_15_px_from_the_edge_and_the_last_sample_too(self):
        calibration = implied_calibration(1003, 250)
        assert calibration.x_px([0, 2.49]) == pytest.approx([15, 1003 - 15])

    @pytest.mark.parametrize(("width", "n"), [(30, 250), (1003, 1)])
    def test_a_crop_that_implies_no_scale_is_refused(self, width, n):
        with pytest.raises(InputError, match="implies no scale"):
            implied_calibration(width, n)

    @settings(max_examples=20, deadline=None)
    @given(st.floats(0.1, 2.0), st.floats(0.0, 1.0), st.floats(-6.0, 6.0))
    def test_the_baseline_is_found_from_the_mask(self, gain_mv, shift_s, moved_px):
        signal = beats_mv(250, 100.0, gain_mv=gain_mv, shift_s=shift_s)
        _, mask, truth = crop_of_extent(signal)
        moved = cv2.warpAffine(
            mask, np.array([[1, 0, 0], [0, 1, moved_px]]), mask.shape[::-1], borderValue=0
        )
        found, residual = fit_baseline(moved, signal, implied_calibration(1003, 250))
        assert found == pytest.approx(truth.baseline_px + moved_px, abs=0.3)
        assert residual < 1.0

    def test_an_empty_mask_has_no_baseline(self):
        found, _ = fit_baseline(
            np.zeros((9, 100), np.uint8), beats_mv(50, 100.0), implied_calibration(100, 50)
        )
        assert np.isnan(found)


class TestMask:
    def test_the_threshold_is_above_100(self):
        stored = np.array([[0, 100, 101, 255]], np.uint8)
        assert clean_mask(stored).tolist() == [[0, 0, 255, 255]]

    def test_a_bmp_of_zeros_and_ones_is_scaled(self):
        assert clean_mask(np.array([[0, 1]], np.uint8)).tolist() == [[0, 255]]

    def test_white_beyond_the_drawing_is_no_trace(self):
        stored = np.zeros((40, 60), np.uint8)
        stored[:9] = 250  # outside the drawing, along the whole upper edge
        stored[9:20, 30:33] = 255  # the trace, which touches it
        cleaned = clean_mask(stored)
        assert cleaned[:9].sum() == 0
        assert np.array_equal(cleaned[9:20, 30:33], np.full((11, 3), 255))

    def test_a_wide_trace_at_the_edge_stays(self):
        stored = np.zeros((20, 100), np.uint8)
        stored[:5, 15:85] = 255
        assert np.array_equal(clean_mask(stored), stored)


class TestReading:
    def test_a_crop_knows_what_the_layout_tells(self, tmp_path):
        signal = beats_mv(250, 100.0)
        polyline, mask, truth = crop_of_extent(signal)
        store(tmp_path, "7_3by4_lead_9", signal, mask=mask)
        (sample,) = LeadCrops(tmp_path)
        assert (sample.record_id, sample.lead_name, sample.fs_hz) == ("7", "V4", 100.0)
        assert sample.meta["layout"] == "3by4"
        assert sample.calibration.baseline_px == pytest.approx(truth.baseline_px, abs=0.2)
        assert np.abs(sample.polyline_px - polyline).max() < 0.3
        assert np.array_equal(sample.signal_mv, signal)
        assert sample.severity is None
        assert sample.other_mask is None

    def test_leads_of_a_record_come_in_their_order(self, tmp_path):
        for k in (10, 2, 0):
            store(tmp_path, f"7_3by4_lead_{k}")
        assert LeadCrops(tmp_path).names == (
            "7_3by4_lead_0",
            "7_3by4_lead_2",
            "7_3by4_lead_10",
        )

    @pytest.mark.parametrize("suffix", [".png", ".bmp", ".jpg"])
    def test_every_kind_of_picture_is_read_as_rgb(self, tmp_path, suffix):
        store(tmp_path, "1_3by1_lead_0", suffix=suffix)
        image = LeadCrops(tmp_path)[0].image
        assert np.abs(image[0, 0].astype(int) - (255, 237, 237)).max() <= 3

    def test_masks_as_bmp_of_zeros_and_ones(self, tmp_path):
        signal = beats_mv(250, 100.0)
        _, mask, _ = crop_of_extent(signal)
        store(tmp_path, "1_3by1_lead_0", signal, mask=(mask > 100).astype(np.uint8), bmp=True)
        assert np.array_equal(LeadCrops(tmp_path)[0].target_mask > 0, mask > 100)

    def test_what_is_missing_is_none(self, tmp_path):
        store(tmp_path, "1_3by1_lead_0")
        sample = LeadCrops(tmp_path)[0]
        assert sample.target_mask is None
        assert sample.signal_mv is None
        assert sample.calibration is None

    def test_without_a_mask_the_crop_s_extent_tells_the_baseline(self, tmp_path):
        signal = beats_mv(250, 100.0)
        store(tmp_path, "1_3by1_lead_0", signal)
        sample = LeadCrops(tmp_path)[0]
        _, _, truth = crop_of_extent(signal)
        assert sample.meta["baseline_from"] == "extent"
        assert sample.calibration.baseline_px == pytest.approx(truth.baseline_px, abs=0.01)

    @pytest.mark.parametrize("folder", ["with-overlap", "test/without-overlap", "val"])
    def test_subfolders_above_image_are_found_and_named(self, tmp_path, folder):
        store(tmp_path / folder, "3_3by4_lead_1")
        crops = LeadCrops(tmp_path)
        assert crops.names == (f"{folder}/3_3by4_lead_1",)
        meta = crops[0].meta
        assert (meta["split"] or "") + (meta["subset"] or "") == folder.replace("/", "")

    def test_subfolders_below_image_are_found_and_named(self, tmp_path):
        signal = beats_mv(250, 100.0)
        _, mask, _ = crop_of_extent(signal)
        store(tmp_path, "train/3_3by4_lead_1", signal, mask=mask)
        sample = LeadCrops(tmp_path)[0]
        assert sample.meta["split"] == "train"
        assert sample.target_mask is not None

    def test_the_folder_image_itself_may_be_given(self, tmp_path):
        store(tmp_path, "3_3by4_lead_1")
        assert LeadCrops(tmp_path / "image").names == ("3_3by4_lead_1",)

    @pytest.mark.parametrize("swapped", [False, True])
    def test_the_identities_tell_avr_from_avl_whatever_the_index(self, tmp_path, swapped):
        i, ii = beats_mv(250, 100.0), beats_mv(250, 100.0, gain_mv=0.4, shift_s=0.1)
        avr, avl = -(i + ii) / 2, i - ii / 2
        leads = {0: i, 1: ii, 3: avl if swapped else avr, 4: avr if swapped else avl}
        for k, signal in leads.items():
            store(tmp_path, f"5_3by4_lead_{k}", signal)
        names = [sample.lead_name for sample in LeadCrops(tmp_path)]
        assert names == ["I", "II", *(("aVL", "aVR") if swapped else ("aVR", "aVL"))]

    def test_a_name_of_another_kind_is_a_record_without_lead(self, tmp_path):
        store(tmp_path, "real crop 3")
        sample = LeadCrops(tmp_path)[0]
        assert (sample.record_id, sample.lead_name) == ("real crop 3", None)

    def test_missing_samples_stay_missing(self, tmp_path):
        store(tmp_path, "1_3by4_lead_0", beats_mv(250, 100.0))
        path = tmp_path / "signal-json" / "1_3by4_lead_0.json"
        values = json.loads(path.read_text())
        path.write_text(json.dumps([None, *values[1:]]))
        assert np.isnan(LeadCrops(tmp_path)[0].signal_mv).tolist() == [True] + [False] * 249


class TestBadInput:
    def test_no_folder(self, tmp_path):
        with pytest.raises(InputError, match="is no folder"):
            LeadCrops(tmp_path / "nothing")

    def test_no_crop(self, tmp_path):
        with pytest.raises(InputError, match="holds no crop"):
            LeadCrops(tmp_path)

    @pytest.mark.parametrize("content", ["{", '{"a": 1}', '["x"]', "[1]", "3"])
    def test_a_damaged_signal_names_its_file(self, tmp_path, content):
        store(tmp_path, "1_3by4_lead_0", beats_mv(250, 100.0))
        (tmp_path / "signal-json" / "1_3by4_lead_0.json").write_text(content)
        with pytest.raises(InputError, match=r"1_3by4_lead_0\.json"):
            LeadCrops(tmp_path)[0]

    def test_a_damaged_picture_names_its_file(self, tmp_path):
        store(tmp_path, "1_3by4_lead_0")
        path = tmp_path / "image" / "1_3by4_lead_0.png"
        path.write_bytes(path.read_bytes()[:40])
        with pytest.raises(InputError, match=r"1_3by4_lead_0\.png"):
            LeadCrops(tmp_path)[0]

    def test_a_mask_of_another_size_is_refused(self, tmp_path):
        store(tmp_path, "1_3by4_lead_0", mask=np.zeros((5, 5), np.uint8))
        with pytest.raises(InputError, match="replace the mask"):
            LeadCrops(tmp_path)[0]


class TestWriting:
    def write(self, sample: LeadSample, root: Path) -> LeadSample:
        write_lead_crop(sample, root, crop_name(sample, 3))
        return LeadCrops(root)[0]

    def test_the_layout_of_the_original(self, tmp_path):
        sample = lead_sample(3)
        assert set(write_lead_crop(sample, tmp_path, crop_name(sample, 3))) == {
            "image/3_3by4_lead_3.png",
            "mask-png/3_3by4_lead_3.png",
            "signal-json/3_3by4_lead_3.json",
            "truth-json/3_3by4_lead_3.json",
        }
        mask = cv2.imread(str(tmp_path / "mask-png/3_3by4_lead_3.png"), cv2.IMREAD_UNCHANGED)
        assert mask.shape == sample.image.shape  # three channels, as published
        assert isinstance(
            json.loads((tmp_path / "signal-json/3_3by4_lead_3.json").read_text()), list
        )

    def test_what_is_read_is_what_was_written(self, tmp_path):
        sample = lead_sample(3)
        back = self.write(sample, tmp_path)
        assert np.array_equal(back.image, sample.image)
        assert np.array_equal(back.target_mask, np.where(sample.target_mask > 100, 255, 0))
        assert back.calibration == sample.calibration
        assert back.severity == sample.severity
        assert (back.lead_name, back.record_id, back.meta) == (
            sample.lead_name,
            sample.record_id,
            sample.meta,
        )
        assert np.abs(back.polyline_px - sample.polyline_px).max() < 1e-3
        assert np.abs(back.signal_mv - sample.signal_mv).max() < 1e-6

    def test_a_reader_of_the_original_finds_the_same_scale(self, tmp_path):
        # Without our truth-json the crop is one of theirs.
        sample = lead_sample(3)
        self.write(sample, tmp_path)
        (tmp_path / "truth-json" / "3_3by4_lead_3.json").unlink()
        back = LeadCrops(tmp_path)[0]
        assert back.calibration.px_per_mm_x == pytest.approx(sample.calibration.px_per_mm_x)
        assert back.calibration.baseline_px == pytest.approx(
            sample.calibration.baseline_px, abs=0.5
        )

    def test_500_hz_becomes_100_hz_on_the_drawn_curve(self, tmp_path):
        sample = lead_sample(3, n=201, fs_hz=500.0)
        back = self.write(sample, tmp_path)
        assert back.fs_hz == 100.0
        assert len(back.signal_mv) == 41  # 0 … 0.4 s
        assert np.abs(back.signal_mv - sample.signal_mv[::5]).max() < 1e-6
        assert np.abs(back.polyline_px - sample.polyline_px[::5]).max() < 1e-3

    def test_a_lead_without_name_cannot_be_written(self):
        blank = LeadSample(np.zeros((2, 2, 3), np.uint8))
        with pytest.raises(InputError, match="sample 4"):
            crop_name(blank, 4)

    def test_nothing_half_written_is_left(self, tmp_path):
        self.write(lead_sample(0), tmp_path)
        assert not list(tmp_path.rglob("*.part"))


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="needs ../shared/data/lead_crop_format")
class TestThePublishedCrops:
    def test_the_drawn_signal_lies_on_its_mask(self):
        crops = LeadCrops(PUBLISHED)
        assert len(crops) == 45
        for name in crops.names[::4]:
            sample = crops[crops.names.index(name)]
            x, y = np.rint(sample.polyline_px).astype(int).T
            assert (sample.target_mask[y, x] > 0).mean() > 0.99, name
            assert sample.meta["baseline_residual_px"] < 0.3, name

    def test_each_lead_is_what_its_picture_is_labelled(self):
        crops = LeadCrops(PUBLISHED)
        by_name = {s.lead_name: s.signal_mv for s in crops if s.record_id == "7"}
        assert np.abs(by_name["aVR"] + (by_name["I"] + by_name["II"]) / 2).max() < 0.01
        assert len(by_name) == 12

    def test_what_we_write_is_read_alike(self, tmp_path):
        sample = LeadCrops(PUBLISHED)[3]
        write_lead_crop(sample, tmp_path, crop_name(sample, 7))
        back = LeadCrops(tmp_path)[0]
        published = read_picture(PUBLISHED / "image" / "7_3by4_lead_0.png")
        assert np.array_equal(back.image, published)
        assert np.array_equal(back.target_mask, sample.target_mask)
        assert np.abs(back.signal_mv - sample.signal_mv).max() < 1e-6
        assert back.calibration == sample.calibration
