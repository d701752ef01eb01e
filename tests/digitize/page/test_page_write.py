"""A page's files: read back, they are the page."""

import csv
import json
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import wfdb
from made_pages import FS_HZ, PAGE, PX_PER_MM, QUALITY, made_page, with_qualities

from data_gen.errors import InputError
from data_gen.sample import LEADS
from ecg_overlap.digitize.page import overlay
from ecg_overlap.digitize.page.facts import description, row_of
from ecg_overlap.digitize.page.overlay import LEAD_RGB, draw_overlay, draw_thumbnail, zero_rows_px
from ecg_overlap.digitize.page.page_signal import PageSignal
from ecg_overlap.digitize.page.write_page import write_page
from ecg_overlap.digitize.record_files import ENDS
from ecg_overlap.digitize.record_names import PictureSource

SOURCE = PictureSource("../in/90036.png", 1, None, "ab" * 32, 1234, 5678)
IMAGE = PAGE.stage_images["image"]


def write(folder: Path, page: PageSignal = PAGE, **options: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {"image": IMAGE, "source": SOURCE, "options": {"overlay": True}}
    return write_page(page, folder / "90036", **asked | options)


def test_wfdb_gives_the_twelve_leads_back_each_at_its_time(tmp_path: Path) -> None:
    write(tmp_path)
    record = wfdb.rdrecord(str(tmp_path / "90036"))
    assert tuple(record.sig_name) == LEADS and record.fs == FS_HZ
    assert set(record.units) == {"mV"} and record.sig_len == 2500
    truth = PAGE.signal_mv
    assert np.array_equal(np.isnan(record.p_signal), np.isnan(truth))
    assert np.nanmax(np.abs(record.p_signal - truth)) <= 0.001
    # V1 stands in the third column: from 5 s to 7.5 s, but for its gap.
    seen = np.flatnonzero(~np.isnan(record.p_signal[:, LEADS.index("V1")]))
    assert (seen[0], seen[-1], len(seen)) == (1250, 1874, 625 - 10)
    # II is printed twice: the record has the rhythm strip.
    assert np.isfinite(record.p_signal[:, LEADS.index("II")]).sum() == 2490


def test_a_lead_that_is_not_printed_is_missing_everywhere(tmp_path: Path) -> None:
    strips = tuple(strip for strip in PAGE.strips if strip.lead_name != "V6")
    write(tmp_path, replace(PAGE, strips=strips))
    record = wfdb.rdrecord(str(tmp_path / "90036"))
    assert record.sig_name[-1] == "V6" and np.isnan(record.p_signal[:, -1]).all()


def test_csv_has_time_and_twelve_columns_empty_where_nothing_is(tmp_path: Path) -> None:
    write(tmp_path)
    rows = list(csv.reader((tmp_path / "90036.csv").open()))
    assert rows[0] == ["time_s", *LEADS] and len(rows) == 2501
    assert rows[1][0] == "0.000000" and rows[251][0] == "1.000000"
    values = np.array([[float(cell or "nan") for cell in row[1:]] for row in rows[1:]])
    assert np.array_equal(np.isnan(values), np.isnan(PAGE.signal_mv))
    assert np.nanmax(np.abs(values - PAGE.signal_mv)) <= 0.00001


def test_json_tells_all_that_was_found_and_from_what(tmp_path: Path) -> None:
    nothing_known = replace(PAGE, unexplained=np.nan, grid_confidence=np.nan)
    write(tmp_path, nothing_known, options={"layout": None})
    facts = json.loads((tmp_path / "90036.json").read_text())
    assert facts["complete"] is True and facts["kind"] == "page"
    assert facts["source"]["sha256"] == "ab" * 32 and facts["options"] == {"layout": None}
    assert (facts["layout"], facts["layout_from"]) == ("3x4+1R", "read")
    assert facts["scale"]["gain_from"] == "assumed" and facts["scale"]["grid_confidence"] is None
    assert facts["unexplained"] is None and facts["flags"] == ["gain_assumed"]
    assert facts["consistency"][0] == {
        "law": "I + III = II", "leads": ["I", "II", "III"],
        "start_s": 0.0, "stop_s": 2.5, "rmse_mv": 0.021, "snr_db": 18.4,
    }  # fmt: skip
    strip = facts["strips"][2]
    assert (strip["lead_name"], strip["row"], strip["column"], strip["start_s"]) == ("V1", 0, 2, 5)
    assert len(strip["box_px"]) == 4 and strip["calibration"]["px_per_mm_x"] == PX_PER_MM
    used = [s for s in facts["strips"] if s["lead_name"] == "II" and s["in_record"]]
    assert [s["rhythm"] for s in used] == [True]
    row = row_of("a.png", "a", "ok", facts)
    assert (row.names, row.leads, row.consistency_db) == ("12 read, 1 assumed", 12, 14.2)
    assert row.consistency_law == "aVR + aVL + aVF = 0"


def test_a_page_is_as_good_as_its_worst_lead_and_tells_the_mean(tmp_path: Path) -> None:
    facts = write(tmp_path, with_qualities(PAGE, V3=0.31, aVL=0.7))
    kept = json.loads((tmp_path / "90036.json").read_text())
    assert kept["quality"] == facts["quality"]
    mean = (10 * QUALITY + 0.31 + 0.7) / 12  # of twelve leads; II, printed twice, counts once
    assert facts["quality"] == {"least": 0.31, "lead": "V3", "mean": pytest.approx(mean)}
    (strip,) = (strip for strip in kept["strips"] if strip["lead_name"] == "V3")
    assert strip["quality"] == 0.31
    assert strip["evidence"] == {"confidence": 0.9, "law_db": None}
    row = row_of("a.png", "a", "ok", facts)
    assert (row.quality, row.quality_lead, row.mean_quality) == (0.31, "V3", round(mean, 3))
    shown = (tmp_path / "90036.html").read_text()
    assert shown.count('<td class="number failed">0.31</td>') == 1
    assert shown.count('<td class="number">0.94</td>') == len(PAGE.strips) - 2


def test_of_a_lead_that_is_printed_twice_the_one_in_the_record_counts() -> None:
    (short,) = (s for s in PAGE.strips if s.lead_name == "II" and not s.rhythm)
    worse = replace(short, signal=replace(short.signal, quality=0.1))
    strips = tuple(worse if s is short else s for s in PAGE.strips)
    assert replace(PAGE, strips=strips).quality == QUALITY


def test_a_page_without_a_stated_quality_has_empty_cells(tmp_path: Path) -> None:
    unstated = with_qualities(PAGE, **dict.fromkeys(LEADS, np.nan))
    assert np.isnan(unstated.quality) and unstated.worst is None
    facts = write(tmp_path, unstated)
    row = row_of("a.png", "a", "ok", facts)
    assert (row.quality, row.quality_lead, row.mean_quality) == (None, None, None)


def test_a_doubtful_lead_has_its_quality_behind_its_name() -> None:
    good, low = (draw_overlay(page, IMAGE) for page in (PAGE, with_qualities(PAGE, V3=0.31)))
    y, x = np.nonzero((good != low).any(axis=-1))
    (strip,) = (strip for strip in PAGE.strips if strip.lead_name == "V3")
    left, _, right, bottom = (2 * edge for edge in strip.box_px)
    assert len(x) > 100
    assert left < x.min() and x.max() < right and y.max() < bottom


def test_facts_without_a_residual_have_an_empty_cell() -> None:
    row = row_of("a.png", "a", "ok", description(replace(PAGE, consistency=())))
    assert row.consistency_db is None and row.consistency_law == ""


def test_a_records_files_are_these_and_end_with_the_json(tmp_path: Path) -> None:
    write(tmp_path / "new")
    files = sorted((tmp_path / "new").iterdir())
    assert {file.name for file in files} == {f"90036{end}" for end in ENDS}
    assert max(files, key=lambda file: file.stat().st_mtime_ns).name == "90036.json"


def test_before_all_files_are_there_the_json_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ecg_overlap.digitize.page.write_page.write_html", fail)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path)
    facts = json.loads((tmp_path / "90036.json").read_text())
    assert facts == {"complete": False, "source": SOURCE.facts()}


@pytest.mark.skipif(os.name != "posix", reason="no umask elsewhere")
def test_every_file_is_as_readable_as_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write(tmp_path / "o")
    finally:
        os.umask(before)
    assert {stat.S_IMODE(f.stat().st_mode) for f in (tmp_path / "o").iterdir()} == {0o600}


def test_what_wfdb_cannot_hold_is_refused_and_leaves_no_header(tmp_path: Path) -> None:
    strip = PAGE.strips[0]
    signal = replace(strip.signal, signal_mv=np.full(625, 3e6))
    with pytest.raises(InputError, match="--px-per-mm"):
        write(tmp_path, replace(PAGE, strips=(replace(strip, signal=signal),)))
    assert not (tmp_path / "90036.hea").exists()


def test_the_overlay_draws_each_lead_in_its_colour_and_the_rest_in_red(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(overlay, "LINE_MM", 0.75)  # broad, so that pixels have the full colour
    shown = draw_overlay(PAGE, IMAGE).astype(int)
    assert shown.shape[:2] == (2 * IMAGE.shape[0], 2 * IMAGE.shape[1])
    for strip in PAGE.strips:
        at = (strip.signal.path_px[200:400] + 0.5) * 2 - 0.5
        x, y = np.rint(at[np.isfinite(at).all(axis=1)]).astype(int).T
        near = np.stack([shown[y + dy, x] for dy in (-1, 0, 1)])
        distance = np.abs(near - np.array(LEAD_RGB[strip.lead_name])).sum(axis=-1).min(axis=0)
        assert np.mean(distance < 20) > 0.9, strip.lead_name
    text = cv2.resize(PAGE.stage_images["unexplained"], None, fx=2, fy=2) > 250
    assert text.sum() > 100 and (shown[text][:, 0] - shown[text][:, 1]).min() > 150


def test_no_two_leads_share_a_colour_and_none_is_red() -> None:
    colours = np.array([LEAD_RGB[name] for name in LEADS], float)
    apart = np.linalg.norm(colours[:, None] - colours[None], axis=2) + 1e3 * np.eye(12)
    assert apart.min() > 30
    assert all(r < max(g, b) + 80 for r, g, b in LEAD_RGB.values())


def test_zero_rows_follow_the_path() -> None:
    strip = PAGE.strips[5]
    rows = zero_rows_px(PAGE, strip)
    assert np.nanmax(np.abs(rows - strip.signal.calibration.baseline_px)) < 1e-6


def test_paths_of_a_turned_page_are_drawn_on_the_turned_picture() -> None:
    turned = np.rot90(IMAGE)  # as it was given; the reader turned it by 90° clockwise
    page = replace(PAGE, turned_deg=90, stage_images={})
    upright = replace(PAGE, stage_images={})
    assert np.array_equal(draw_overlay(page, turned), draw_overlay(upright, IMAGE))


def test_a_fine_picture_is_shrunk_for_the_overlay_and_the_thumbnail() -> None:
    page = replace(PAGE, px_per_mm=(16.0, 16.0), stage_images={})
    assert draw_overlay(page, IMAGE).shape[1] == IMAGE.shape[1] // 2
    assert draw_thumbnail(page, IMAGE).shape[1] == 320


@pytest.mark.parametrize("layout", ["6x2", "12x1", "3x4+3R"])
def test_pages_of_other_layouts_are_written(tmp_path: Path, layout: str) -> None:
    page = made_page(layout)
    write(tmp_path, page, image=page.stage_images["image"])
    record = wfdb.rdrecord(str(tmp_path / "90036"))
    assert np.array_equal(np.isnan(record.p_signal), np.isnan(page.signal_mv))


def test_a_lead_that_is_seen_late_in_its_stretch_is_drawn_with_its_name() -> None:
    first = PAGE.strips[0]
    path = first.signal.path_px.copy()
    path[: len(path) // 4] = np.nan
    late = replace(first, signal=replace(first.signal, path_px=path))
    shown = draw_overlay(replace(PAGE, strips=(late, *PAGE.strips[1:])), IMAGE)
    without = draw_overlay(replace(PAGE, strips=PAGE.strips[1:]), IMAGE)
    assert (shown != without).any()
