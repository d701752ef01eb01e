"""Sets of pages: drawn by layout, the kit's, and scans of known records."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import wfdb
from page_oracle import read_by_truth

from data_gen import presets
from data_gen.errors import InputError
from data_gen.formats.kit_page import write_page
from data_gen.sample import LEADS
from data_gen.write_set import SetPlan, write_set
from ecg_overlap.evaluation.evaluate import evaluate
from ecg_overlap.evaluation.methods import build_method
from ecg_overlap.evaluation.page_scoring import page_sha256
from ecg_overlap.evaluation.page_sets import DrawnPages, drawn_pages, pages
from ecg_overlap.evaluation.pages import beside_truth, true_page

COARSE = (75.0, 75.0)


def drawn(weights: dict[str, float], n: int = 2) -> DrawnPages:
    signals = presets.load_part("signals", "simulate")
    return drawn_pages("clean", signals, n=n, seed=4, weights=weights, dpi=COARSE)


def test_layouts_come_by_their_weights_and_by_the_index_alone() -> None:
    one = drawn({"3x4": 1.0, "6x2": 1.0, "12x1": 0.0}, n=9)
    layouts = [one.page(index).layout for index in (8, 5, 2, 1)]
    assert set(layouts) == {"3x4", "6x2"}
    assert [one.page(index).layout for index in (1, 2, 5, 8)] == layouts[::-1]


def test_twelve_rows_find_room() -> None:
    image = drawn({"12x1": 1.0}).page(0).image
    assert image.shape[0] > 12 * 15 * COARSE[0] / 25.4


def test_a_drawn_page_knows_where_everything_is() -> None:
    truth = drawn({"3x4+1R": 1.0}).page(0)
    page = beside_truth(truth, read_by_truth(truth))
    assert all(lead.named for lead in page.leads)
    assert min(lead.aligned().snr_db for lead in page.leads) > 60


def test_a_lead_that_is_printed_upside_down_is_scored_upright() -> None:
    drawn_page = drawn({"6x2 (Cabrera)": 1.0}).drawn(0)
    upside_down = next(t for t in drawn_page.traces if t.lead_name == "-aVR")
    avr = true_page(drawn_page).leads[3]
    assert avr.lead_name == "aVR"
    assert avr.signal_mv.tolist() == (-upside_down.signal_mv).tolist()


def test_the_kit_has_no_leads_upside_down(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="upside down"):
        write_page(drawn({"6x2 (Cabrera)": 1.0}).drawn(0), tmp_path, "00000")


def test_the_identity_tells_sets_apart() -> None:
    known = {drawn({"3x4": 1.0}).identity(), drawn({"6x2": 1.0}).identity()}
    known.add(drawn({"3x4": 1.0}, n=3).identity())
    assert len(known) == 3
    assert drawn({"3x4": 1.0}).identity() in known


def test_pages_of_the_kit_have_our_layout(tmp_path: Path) -> None:
    for index, layout in enumerate(("6x2+1R", "3x4+3R")):
        page = drawn({layout: 1.0}).drawn(index)
        write_page(page, tmp_path, f"{index:05d}")
    found = pages(tmp_path)
    assert [found.page(k).layout for k in range(2)] == ["6x2+1R", "3x4+3R"]
    assert found.sample_id(1) == "pages/00001-0"
    lead = found.page(0).leads[6]
    assert (lead.lead_name, lead.record_s) == ("V1", 5.0)
    assert len(pages(tmp_path, n=1)) == 1


def test_pages_of_shards_keep_their_truths(tmp_path: Path) -> None:
    one = drawn({"3x4+2R": 1.0})
    plan = SetPlan(n=2, format="pages", seed=one.seed, split=one.split)
    write_set(one.generators["3x4+2R"], tmp_path, plan, progress=False)
    found = pages(tmp_path, n=1)
    truth, expected = found.page(0), one.page(1)
    assert (found.sample_id(0), truth.layout) == ("pages/00001", "3x4+2R")
    assert [t.contact for t in truth.traces] == [t.contact for t in expected.traces]
    assert page_sha256(truth) == page_sha256(expected)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Two pictures and a record of 12 s, of which 10 s were printed."""
    cv2.imwrite(str(tmp_path / "a.png"), np.tile(np.uint8([0, 255]), (20, 20)))
    cv2.imwrite(str(tmp_path / "b.png"), np.tile(np.uint8([0, 255]), (20, 20)))
    signal = np.outer(np.arange(1200) / 1200, np.arange(1, 13))
    wfdb.wrsamp(
        "7_lr", fs=100, units=["mV"] * 12, sig_name=list(LEADS), p_signal=signal,
        fmt=["32"] * 12, write_dir=str(tmp_path),
    )  # fmt: skip
    (tmp_path / "mapping.csv").write_text(
        'image,record,layout\na.png,7,"6x2, 25 mm/s"\nb.png,7,\n', encoding="utf-8"
    )
    return tmp_path


def test_scans_are_printed_from_their_low_resolution_records(scans: Path) -> None:
    found = pages(scans)
    assert [found.page(k).layout for k in range(2)] == ["6x2", "3x4+1R"]
    six, _ = (found.page(k) for k in range(2))
    v1 = six.leads[6]
    assert (v1.lead_name, v1.record_s, len(v1.signal_mv)) == ("V1", 5.0, 500)
    assert v1.signal_mv[0] == pytest.approx(7 * 500 / 1200, abs=1e-3)


def test_a_mapping_without_its_columns_is_refused(scans: Path) -> None:
    (scans / "mapping.csv").write_text("picture,record\na.png,7\n", encoding="utf-8")
    with pytest.raises(InputError, match="image or record"):
        pages(scans)


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ("3x4+1R (Cabrera)", "3x4+1R (Cabrera)"),
        ("6x2 (Cabrera), 25 mm/s", "6x2 (Cabrera)"),
        ("3x4+1R (rhythm II), 10 mm/mV", "3x4+1R"),
        (" 12x1", "12x1"),
    ],
)
def test_a_mapping_may_say_more_than_the_layout(scans: Path, text: str, layout: str) -> None:
    (scans / "mapping.csv").write_text(f'image,record,layout\na.png,7,"{text}"\n')
    assert pages(scans).page(0).layout == layout


@pytest.mark.parametrize("text", ["3x4+9R", "3x44", "single", "as usual"])
def test_a_layout_that_names_no_leads_is_refused_before_a_page_is_read(
    scans: Path, text: str
) -> None:
    (scans / "mapping.csv").write_text(f"image,record,layout\na.png,7,{text}\n")
    with pytest.raises(InputError, match=r"mapping\.csv: layout"):
        pages(scans)


def test_a_mapping_in_another_encoding_is_refused(scans: Path) -> None:
    (scans / "mapping.csv").write_bytes("image,record\nä.png,7\n".encode("latin-1"))
    with pytest.raises(InputError, match="UTF-8"):
        pages(scans)


def test_a_worker_passes_the_refusal_of_a_page_on(scans: Path, tmp_path: Path) -> None:
    (scans / "7_lr.hea").unlink()
    out = tmp_path / "out"
    with pytest.raises(InputError, match="no record 7"):
        evaluate([build_method("classical")], [pages(scans)], out=out, jobs=2, progress=False)


def test_a_scan_without_its_record_is_refused(scans: Path) -> None:
    (scans / "7_lr.hea").unlink()
    with pytest.raises(InputError, match="no record 7"):
        pages(scans).page(0)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no page"):
        pages(tmp_path)
