import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import wfdb
from hand_made import hand_page

from data_gen.errors import InputError
from data_gen.formats import EcgImageKit
from data_gen.formats.ecg_image_kit import lead_samples
from data_gen.formats.kit_page import write_page

KIT = Path(__file__).parents[2].parent / "shared" / "data" / "ecg_image_kit"


@pytest.fixture
def written(tmp_path: Path) -> Path:
    write_page(hand_page(), tmp_path, "00012")
    return tmp_path


def change(root: Path, **values: object) -> None:
    """Sets values in the page's JSON."""
    path = root / "00012-0.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


class TestWriting:
    def test_the_kit_s_files(self, written):
        assert sorted(path.name for path in written.iterdir()) == [
            "00012-0.json",
            "00012-0.png",
            "00012.dat",
            "00012.hea",
        ]

    def test_the_kit_s_schema(self, written):
        notes = json.loads((written / "00012-0.json").read_text())
        assert (notes["width"], notes["height"]) == (900, 420)
        assert notes["x_grid"] == notes["y_grid"] == 30.0  # 5 mm of 6 px
        assert notes["resolution"] == pytest.approx(152.4)
        lead = notes["leads"][1]
        assert (lead["lead_name"], lead["start_sample"], lead["end_sample"]) == ("V1", 250, 500)
        assert set(lead["lead_bounding_box"]) == {"0", "1", "2", "3"}
        # [y, x], from the picture's outer edge: the first sample stands at 40 + 1 s · 150 px/s
        assert lead["plotted_pixels"][0][1] == pytest.approx(190 + 0.5)

    def test_the_record_holds_what_the_page_shows_and_nan_elsewhere(self, written):
        record = wfdb.rdrecord(str(written / "00012"))
        assert record.sig_name == ["I", "II", "aVL", "V1"]
        assert record.fs == 250
        page = hand_page()
        assert np.abs(record.p_signal[:250, 0] - page.traces[0].signal_mv).max() < 6e-4
        assert np.isnan(record.p_signal[250:, 0]).all()
        assert np.isfinite(record.p_signal[:, 1]).all()  # II: the rhythm row shows all of it

    def test_equal_pages_give_equal_bytes(self, tmp_path):
        assert write_page(hand_page(), tmp_path / "a", "x") == write_page(
            hand_page(), tmp_path / "b", "x"
        )

    def test_traces_of_two_rates_cannot_share_a_record(self, tmp_path):
        page = hand_page()
        mixed = replace(page, traces=(page.traces[0], replace(page.traces[1], fs_hz=100.0)))
        with pytest.raises(InputError, match="2 sampling rates"):
            write_page(mixed, tmp_path, "x")

    def test_a_page_of_two_gains_is_refused(self, tmp_path):
        page = hand_page()
        first = page.traces[0]
        half = replace(first, calibration=replace(first.calibration, mm_per_mv=5.0))
        with pytest.raises(InputError, match="two gains"):
            write_page(replace(page, traces=(half, *page.traces[1:])), tmp_path, "x")

    def test_an_amplitude_beyond_the_record_s_range(self, tmp_path):
        page = hand_page()
        huge = replace(page.traces[0], signal_mv=page.traces[0].signal_mv * 100)
        with pytest.raises(InputError, match="beyond 32 mV"):
            write_page(replace(page, traces=(huge,)), tmp_path, "x")


class TestReading:
    def test_what_was_written(self, written):
        page, truth = EcgImageKit(written).page(0), hand_page()
        assert np.array_equal(page.image, truth.image)
        for ours, theirs in zip(page.traces, truth.traces, strict=True):
            assert (ours.lead_name, ours.row, ours.start_s, ours.fs_hz) == (
                theirs.lead_name,
                theirs.row,
                theirs.start_s,
                theirs.fs_hz,
            )
            assert np.abs(ours.polyline_px - theirs.polyline_px).max() < 1e-3
            assert np.abs(ours.signal_mv - theirs.signal_mv).max() <= 0.5e-3 + 1e-6
            assert ours.calibration.baseline_px == pytest.approx(
                theirs.calibration.baseline_px, abs=0.03
            )
            assert ours.calibration.t0_px == pytest.approx(theirs.calibration.t0_px, abs=1e-3)

    def test_speed_and_gain_of_our_pages(self, tmp_path):
        page = hand_page()
        slow = [replace(t, calibration=replace(t.calibration, mm_per_mv=5.0)) for t in page.traces]
        write_page(replace(page, traces=tuple(slow)), tmp_path, "x")
        assert EcgImageKit(tmp_path).page(0).traces[0].calibration.mm_per_mv == 5.0

    def test_one_sample_for_every_lead_of_every_page(self, written):
        write_page(hand_page(3), written, "00013")
        kit = EcgImageKit(written)
        assert len(kit) == 10
        assert [sample.lead_name for sample in kit] == ["I", "V1", "II", "aVL", "II"] * 2
        assert kit[7].record_id == "00013"
        with pytest.raises(IndexError):
            kit[10]

    def test_a_sample_is_cut_by_the_kit_s_box_and_some_paper(self, written):
        sample, trace = EcgImageKit(written)[1], hand_page().traces[1]
        x, y = np.rint(sample.polyline_px).astype(int).T
        assert (sample.image[y, x].mean(axis=1) < 100).mean() > 0.95
        extent = np.ptp(trace.polyline_px, axis=0)
        spare = np.array(sample.image.shape[1::-1]) - extent
        assert spare == pytest.approx([2 * 12 + 1] * 2, abs=2.5)  # 2 mm of 6 px on each side
        t = np.arange(250) / 250
        assert np.abs(sample.calibration.x_px(t) - sample.polyline_px[:, 0]).max() < 0.01
        assert sample.target_mask is None

    def test_our_own_page_keeps_its_masks(self):
        sample = lead_samples(hand_page())[0]
        x, y = np.rint(sample.polyline_px).astype(int).T
        assert (sample.target_mask[y, x] > 100).mean() > 0.95

    def test_values_with_units_as_another_version_writes_them(self, written):
        notes = json.loads((written / "00012-0.json").read_text())
        keys = ("width", "height", "x_grid", "y_grid", "resolution")
        change(written, **{k: {"val": notes[k], "unit": "px"} for k in keys})
        page = EcgImageKit(written).page(0)
        assert page.dpi == pytest.approx(152.4)
        assert page.traces[0].calibration.px_per_mm_x == 6.0

    def test_padding_that_the_annotations_do_not_know_of(self, written):
        picture = cv2.imread(str(written / "00012-0.png"))
        padded = cv2.copyMakeBorder(picture, 50, 50, 50, 50, cv2.BORDER_CONSTANT, value=[255] * 3)
        cv2.imwrite(str(written / "00012-0.png"), padded)
        page = EcgImageKit(written).page(0)
        moved = page.traces[0].polyline_px - hand_page().traces[0].polyline_px
        assert moved == pytest.approx(np.full_like(moved, 50.0), abs=1e-3)

    def test_a_cropped_page_is_refused_since_its_annotations_are_wrong(self, written):
        # The kit crops and enlarges again to the old size, and leaves the annotations.
        picture = cv2.imread(str(written / "00012-0.png"))
        cropped = cv2.resize(picture[20:-20, 40:-40], picture.shape[1::-1])
        cv2.imwrite(str(written / "00012-0.png"), cropped)
        with pytest.raises(InputError, match=r"do not lie on its ink.*-c 0"):
            EcgImageKit(written).page(0)
        assert len(EcgImageKit(written, check_ink=False).page(0).traces) == 5


class TestBadInput:
    def test_no_folder_and_no_page(self, tmp_path):
        with pytest.raises(InputError, match="is no folder"):
            EcgImageKit(tmp_path / "nothing")
        with pytest.raises(InputError, match="--store_config 2"):
            EcgImageKit(tmp_path)

    def test_no_record(self, written):
        (written / "00012.hea").unlink()
        with pytest.raises(InputError, match="no WFDB record"):
            EcgImageKit(written).page(0)

    def test_a_cut_record(self, written):
        (written / "00012.dat").write_bytes(b"\x00\x00")
        with pytest.raises(InputError, match="00012"):
            EcgImageKit(written).page(0)

    @pytest.mark.parametrize(
        ("values", "match"),
        [
            ({"leads": []}, "no leads"),
            ({"leads": [{"plotted_pixels": [[1, 2]]}]}, "annotations are damaged"),
            ({"x_grid": "wide"}, "annotations are damaged"),
            ({"x_grid": 0}, "no scale"),
            ({"width": 1000}, "annotates 1000×420 px"),
        ],
    )
    def test_damaged_annotations(self, written, values, match):
        change(written, **values)
        with pytest.raises(InputError, match=match):
            EcgImageKit(written).page(0)


@pytest.mark.skipif(not KIT.is_dir(), reason="needs ../shared/data/ecg_image_kit")
class TestTheKitsOwnPages:
    def test_are_read_and_lie_on_their_ink(self):
        kit = EcgImageKit(KIT)
        page = kit.page(0)
        assert len(kit) == 3 * 13
        assert [t.lead_name for t in page.traces if t.row == 0] == ["I", "aVR", "V1", "V4"]
        assert page.traces[-1].row == 3
        assert len(page.traces[-1].signal_mv) == 5000

    def test_plotted_pixels_agree_with_the_record_to_a_hundredth(self):
        for trace in EcgImageKit(KIT).page(2).traces:
            drawn_mv = trace.calibration.signal_mv(trace.polyline_px[:, 1])
            assert np.abs(drawn_mv - trace.signal_mv).max() < 2e-4

    def test_the_centre_of_the_ink_is_where_the_points_say(self):
        # Over all leads: the kit's pen snaps to whole pixels, so one lead alone may be off.
        page = EcgImageKit(KIT).page(2)
        dark = 255.0 - page.image.mean(axis=2)
        offsets = []
        for trace in page.traces:
            flat = np.abs(np.gradient(trace.polyline_px[:, 1])) < 0.02
            x, y = np.rint(trace.polyline_px[flat]).astype(int).T
            rows = np.arange(-4, 5)
            ink = np.clip(dark[y + rows[:, None], x] - 120, 0, None)
            offset = rows @ ink / ink.sum(axis=0) + y - trace.polyline_px[flat, 1]
            offsets.append(np.median(offset))
        assert abs(np.mean(offsets)) < 0.15
