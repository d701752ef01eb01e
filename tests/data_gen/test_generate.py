"""Samples and pages: what is true of them, and that nothing but (seed, index) decides them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_gen.calibration import Calibration
from data_gen.crop import CropDials
from data_gen.distort import Distortion
from data_gen.errors import InputError
from data_gen.generate import LeadGenerator, fit_calibration
from data_gen.overlap import OverlapDials
from data_gen.sample import LEADS, LeadSample, Record
from data_gen.scene import streams_of
from data_gen.severity import severity
from data_gen.streams import parted
from data_gen.style import PageDials

GEOMETRY = Distortion(rotation_p=1, perspective_p=1, curl_p=1, feed_p=1, crease_p=1, wrinkle_p=1)
SCAN = replace(GEOMETRY, noise_p=1.0, jpeg_p=1.0, fading_p=1.0, tint_p=1.0, gap_p=1.0)

PEN = {"pen_thin": 0.5, "pen_pale": 0.5, "pen_waver": 0.3}


class Beats:
    """Twelve leads of triangular beats and a slow wave: cheap, and each lead unlike the others."""

    def __init__(self, *, missing: bool = False, fs_hz: float = 250.0) -> None:
        self.missing, self.fs_hz = missing, fs_hz

    def draw(self, rng: np.random.Generator, *, split: str = "train") -> Record:
        t = np.arange(int(10 * self.fs_hz)) / self.fs_hz
        beat = np.maximum(0, 1 - np.abs((t % 0.8) - 0.3) / 0.04)[:, None]
        gains, phases = rng.normal(0.3, 1.0, (2, 12))
        signal = gains * beat + 0.15 * np.sin(2 * np.pi * t[:, None] / 1.7 + phases)
        if self.missing:
            signal[(t % 2.5 > 1.0) & (t % 2.5 < 1.3)] = np.nan
        return Record(signal.astype(np.float32), self.fs_hz, LEADS, f"beats-{gains[0]:.6f}")


def generator(crop: str = "window", **dials: Any) -> LeadGenerator:
    page: dict[str, Any] = {"layout": ["3x4+1R", "6x2", "12x1"], "dpi": 150, "paper": "roll"}
    overlap: dict[str, Any] = {"row_pitch_mm": [8, 14]}
    for name, value in dials.items():
        (overlap if name in OverlapDials.__dataclass_fields__ else page)[name] = value
    source = page.pop("source", Beats())
    return LeadGenerator(source, PageDials(**page), OverlapDials(**overlap), CropDials(kind=crop))


def same(a: LeadSample, b: LeadSample) -> bool:
    return (
        np.array_equal(a.image, b.image)
        and np.array_equal(a.target_mask, b.target_mask)
        and np.array_equal(a.other_mask, b.other_mask)
        and np.array_equal(a.polyline_px, b.polyline_px, equal_nan=True)
        and a.meta == b.meta
    )


def off_ink_px(sample: LeadSample) -> float:
    """The farthest that a point of the polyline in the picture lies from the middle of ink.

    The ink's middle is found where the trace runs level, as the centroid of its coverage in
    that column: there a vertical distance is the distance.
    """
    x, y = sample.polyline_px.T.astype(float)
    slope = np.abs(np.gradient(y) / np.gradient(x))
    height, width = sample.target_mask.shape
    level = np.convolve(slope, np.ones(15), "same") < 15 * 0.2
    level &= (x > 8) & (x < width - 8) & (y > 8) & (y < height - 8)
    worst = 0.0
    for px, py in zip(x[level], y[level], strict=True):
        column = round(px)
        rows = np.arange(max(0, round(py) - 6), min(height, round(py) + 7))
        ink = sample.target_mask[rows, column].astype(float)
        assert ink.sum() > 0
        at_column = np.interp(column, x, y)
        worst = max(worst, abs((ink * rows).sum() / ink.sum() - at_column))
    return worst


@pytest.mark.parametrize("distortion", [Distortion(), GEOMETRY, SCAN])
@pytest.mark.parametrize("crop", ["extent", "box", "window"])
@pytest.mark.parametrize("pen", [{}, PEN])
def test_the_ink_lies_under_the_polyline(
    crop: str, distortion: Distortion, pen: dict[str, Any]
) -> None:
    made = generator(crop, distortion=distortion, ink="black", **pen)
    for index in range(4):
        assert off_ink_px(made.sample(index)) < 0.5


@pytest.mark.parametrize("distortion", [Distortion(), GEOMETRY])
def test_every_sample_of_the_polyline_in_the_picture_is_inked(distortion: Distortion) -> None:
    made = generator(distortion=distortion, source=Beats(missing=True), **PEN)
    for index in range(4):
        sample = made.sample(index)
        height, width = sample.target_mask.shape
        xy = sample.polyline_px
        xy = xy[np.isfinite(xy).all(axis=1)]
        x, y = np.rint(xy).astype(int).T
        seen = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        assert seen.any() and (sample.target_mask[y[seen], x[seen]] > 60).all()


@pytest.mark.parametrize("crop", ["extent", "box", "window"])
@pytest.mark.parametrize("pen", [{}, PEN])
def test_intruders_do_not_touch_the_targets_coverage(crop: str, pen: dict[str, Any]) -> None:
    for index in range(4):
        among, alone = (generator(crop, above=n, below=n, **pen).sample(index) for n in (None, 0))
        assert np.array_equal(among.target_mask, alone.target_mask)
        assert np.array_equal(among.polyline_px, alone.polyline_px)
        assert (among.image.astype(int) <= alone.image.astype(int) + 3).mean() > 0.9


def test_ink_is_seen_wherever_a_mask_says_so() -> None:
    sample = generator(grid="none", lead_names="none", pulse="none", ink="black").sample(1)
    coverage = np.maximum(sample.target_mask, sample.other_mask)
    assert np.abs(sample.image[..., 0].astype(int) - (255 - coverage.astype(int))).max() <= 1


def test_missing_samples_are_nan_in_the_polyline_and_bare_in_the_mask() -> None:
    sample = generator("extent", layout="3x4", source=Beats(missing=True)).sample(0)
    missing = np.isnan(sample.signal_mv)
    assert missing.sum() == pytest.approx(75, abs=1)  # 0.3 s at 250 Hz
    assert np.array_equal(missing, np.isnan(sample.polyline_px[:, 1]))
    gap = np.flatnonzero(missing)
    x = sample.calibration.x_px(gap[[5, -6]] / sample.fs_hz).astype(int)
    assert not sample.target_mask[:, x[0] : x[1]].any()


@pytest.mark.parametrize("crop", ["extent", "box", "window"])
def test_the_calibration_turns_the_polyline_back_into_the_signal(crop: str) -> None:
    for index in range(5):
        sample = generator(crop).sample(index)
        cal = sample.calibration
        time_s = np.arange(len(sample.signal_mv)) / sample.fs_hz
        assert np.allclose(cal.time_s(sample.polyline_px[:, 0]), time_s, atol=1e-4)
        assert np.allclose(cal.signal_mv(sample.polyline_px[:, 1]), sample.signal_mv, atol=1e-4)


def test_after_a_distortion_the_calibration_is_the_one_that_fits_best() -> None:
    for index in range(5):
        sample = generator("extent", distortion=GEOMETRY).sample(index)
        cal, time_s = sample.calibration, np.arange(len(sample.signal_mv)) / sample.fs_hz
        error = sample.polyline_px[:, 0] - cal.x_px(time_s)
        assert abs(error.mean()) < 1e-2 and abs(np.polyfit(time_s, error, 1)[0]) < 1e-2
        assert abs((sample.polyline_px[:, 1] - cal.y_px(sample.signal_mv)).mean()) < 1e-2
        assert cal.px_per_mm_x == pytest.approx(150 / 25.4, rel=0.1)
        assert cal.px_per_mm_y == pytest.approx(150 / 25.4, rel=0.15)


@given(
    scale=st.tuples(st.floats(2, 20), st.floats(2, 20)),
    origin=st.tuples(st.floats(-50, 50), st.floats(-50, 50)),
    tilt=st.floats(-0.1, 0.1),
)
@settings(max_examples=40, deadline=None)
def test_a_fit_finds_scale_and_origin_in_spite_of_a_tilt(
    scale: tuple[float, float], origin: tuple[float, float], tilt: float
) -> None:
    true = Calibration(*scale, t0_px=origin[0], baseline_px=origin[1])
    time_s = np.arange(500) / 100
    signal = np.sin(time_s * 7).astype(np.float32)
    x, y = true.x_px(time_s), true.y_px(signal)
    line = np.column_stack((x, y + tilt * (x - x.mean())))
    found = fit_calibration(line, signal, fs_hz=100, nominal=Calibration(9, 9))
    assert found.px_per_mm_x == pytest.approx(scale[0], rel=1e-6)
    assert found.px_per_mm_y == pytest.approx(scale[1], rel=1e-4)
    assert found.baseline_px == pytest.approx(origin[1], abs=1e-3)


def test_a_flat_line_keeps_its_nominal_gain() -> None:
    line = np.column_stack((np.arange(50.0), np.full(50, 7.0)))
    nominal = Calibration(8, 8, t0_px=1, baseline_px=1)
    found = fit_calibration(line, np.zeros(50, np.float32), fs_hz=100, nominal=nominal)
    assert (found.px_per_mm_y, found.baseline_px) == (8, 7)


@pytest.mark.parametrize("crop", ["extent", "window"])
@pytest.mark.parametrize("asked", [{"contact": 0.15}, {"contact": 0.3}, {"intrusion": 0.5}])
def test_a_batch_has_the_severity_that_was_asked(crop: str, asked: dict[str, float]) -> None:
    made = generator(crop, distortion=Distortion(), **asked)
    name, value = next(iter(asked.items()))
    found = [getattr(made.sample(index).severity, name) for index in range(12)]
    assert np.mean(found) == pytest.approx(value, abs=0.05)


def test_a_range_of_severities_is_asked_for_evenly() -> None:
    made = generator(contact=[0.0, 0.4], distortion=Distortion())
    found = np.array([made.sample(index).severity.contact for index in range(24)])
    assert found.min() < 0.1 and found.max() > 0.3
    assert found.mean() == pytest.approx(0.2, abs=0.07)


def test_a_severity_may_be_asked_for_in_a_part_of_the_samples() -> None:
    dials = {"distortion": Distortion(), "row_pitch_mm": [30, 40]}  # where nothing touches
    mixed, far = generator(contact=0.3, severity_p=0.5, **dials), generator(**dials)
    found = [mixed.sample(index) for index in range(16)]
    asked = [s.severity.contact > 0.2 for s in found]
    assert 3 <= sum(asked) <= 13
    free = asked.index(False)
    np.testing.assert_array_equal(found[free].image, far.sample(free).image)


def test_severity_is_that_of_the_final_masks() -> None:
    sample = generator(distortion=GEOMETRY).sample(2)
    again = severity(sample.target_mask, sample.other_mask)
    assert sample.severity.contact == again.contact
    assert sample.severity.intrusion == again.intrusion


def test_a_severity_that_is_not_to_be_had_is_an_error_that_names_it() -> None:
    with pytest.raises(InputError, match=r"no sample reached contact 0\.9 in 3 tries"):
        generator(layout="single", contact=0.9, tries=3).sample(0)


def test_rows_that_leave_the_paper_are_an_error_that_says_what_fits() -> None:
    with pytest.raises(InputError, match=r"12 rows at 20 mm leave a4 paper; keep its low end"):
        generator(layout="12x1", paper="a4", row_pitch_mm=[20, 30]).sample(0)


def test_a_sample_depends_on_nothing_that_was_drawn_before() -> None:
    made = generator(distortion=SCAN, header=0.5)
    in_order = [made.sample(i, seed=3) for i in range(4)]
    backwards = [generator(distortion=SCAN, header=0.5).sample(i, seed=3) for i in (3, 2, 1, 0)]
    assert all(same(a, b) for a, b in zip(in_order, backwards[::-1], strict=True))


def test_seeds_indices_and_splits_share_no_draw() -> None:
    made = generator()
    seen = {
        made.sample(i, seed=seed, split=split).record_id
        for i in range(4)
        for seed in range(3)
        for split in ("train", "val", "test")
    }
    assert len(seen) == 4 * 3 * 3


def test_a_dial_of_one_thing_moves_nothing_else() -> None:
    plain = generator("extent").sample(0)
    other = generator("extent", row_pitch_mm=[20, 30], footer=1.0, grid="none").sample(0)
    assert np.array_equal(plain.target_mask, other.target_mask)


def test_a_training_sample_comes_from_its_seed_and_index_alone() -> None:
    """The rule that other programs may rely on: NumPy's default_rng([seed, index])."""
    drawn = streams_of(7, 3, "train")
    same_rng = parted(np.random.default_rng([3, 7]), 6)
    for name, rng in zip(vars(drawn), same_rng, strict=True):
        assert np.array_equal(getattr(drawn, name).random(5), rng.random(5))
    firsts = {
        streams_of(7, 3, split, attempt).signals.random()
        for split in ("train", "val", "test")
        for attempt in range(3)
    }
    assert len(firsts) == 9


@pytest.mark.parametrize(
    ("index", "seed", "split", "named"),
    [
        (0, 0, "holdout", "split holdout"),
        (-1, 0, "train", "negative"),
        (0, 2**32, "train", "too large"),
    ],
)
def test_what_is_no_sample_is_refused(index: int, seed: int, split: str, named: str) -> None:
    with pytest.raises(InputError, match=named):
        generator().sample(index, seed=seed, split=split)


@pytest.mark.parametrize("crop", ["extent", "box", "window"])
def test_a_missing_stretch_stays_a_stretch_on_a_scan(crop: str) -> None:
    """Every sample keeps its x through the warp, so none is dropped and times stay true."""
    made = generator(crop, layout="3x4", distortion=SCAN, source=Beats(missing=True))
    for index in range(4):
        sample = made.sample(index)
        x, y = sample.polyline_px.T
        missing = np.isnan(sample.signal_mv)
        assert missing.sum() > 60 and np.array_equal(missing, np.isnan(y))
        assert np.isfinite(x).all()
        time_s = np.arange(len(x)) / sample.fs_hz
        assert np.abs(sample.calibration.time_s(x) - time_s).max() < 0.05
        middle = int(np.median(np.flatnonzero(missing)[:75]))
        assert not sample.target_mask[:, round(float(x[middle]))].any()


def test_a_photo_of_a_crop_shows_paper_up_to_its_edges() -> None:
    """As much is drawn as the warp brings into the picture: no corner is bare."""
    distortion = Distortion(
        rotation_p=1, rotation_deg=[8, 8], perspective_p=1, perspective_frac=[0.1, 0.1]
    )
    made = generator(distortion=distortion, grid="gray", row_pitch_mm=40)
    for index in range(4):
        gray = made.sample(index).image[..., 0].astype(int)
        for corner in (gray[:60, :60], gray[:60, -60:], gray[-60:, :60], gray[-60:, -60:]):
            assert (corner < 245).mean() > 0.05  # the grid runs through it


def test_a_page_on_a_desk_is_whole_and_the_desk_is_seen_round_it() -> None:
    distortion = Distortion(desk_p=1, desk_mm=[10, 10], rotation_p=1, rotation_deg=[3, 3])
    page = generator(layout="3x4", paper="a4", distortion=distortion).page(0)
    around = round(10 * 150 / 25.4)
    assert page.image.shape == (1240 + 2 * around, 1754 + 2 * around, 3)
    desk = page.image[0, 0]
    assert (page.image[[0, 0, -1, -1], [0, -1, 0, -1]] == desk).all()
    height, width = page.image.shape[:2]
    assert (page.image[height // 2, width // 2] != desk).any()
    for trace in page.traces:
        x, y = np.rint(trace.polyline_px[5:-5]).astype(int).T
        assert (trace.mask[y, x] > 60).all()


@pytest.mark.parametrize("distortion", [Distortion(), GEOMETRY])
def test_a_page_carries_every_trace_with_its_own_mask(distortion: Distortion) -> None:
    page = generator(layout="3x4+1R", paper="a4", distortion=distortion).page(0)
    assert page.image.shape == (1240, 1754, 3)  # 210 × 297 mm at 150 dpi
    assert [t.lead_name for t in page.traces][-4:] == ["aVF", "V3", "V6", "II"]
    for trace in page.traces:
        x, y = np.rint(trace.polyline_px[5:-5]).astype(int).T
        assert (trace.mask[y, x] > 60).all()
        back = trace.calibration.time_s(trace.polyline_px[:, 0])
        assert np.abs(back - np.arange(len(back)) / trace.fs_hz).max() < 0.1
    names = [t["lead_name"] for t in page.meta["texts"] if t["lead_name"]]
    assert sorted(names) == sorted(t.lead_name for t in page.traces)


def test_a_print_at_another_rate_keeps_the_signal() -> None:
    slow = generator("extent", layout="3x4", fs_hz=100).sample(0)
    fast = generator("extent", layout="3x4").sample(0)
    assert (slow.fs_hz, fast.fs_hz) == (100, 250)
    at = np.arange(10, 240)
    smooth = np.interp(at / 100, np.arange(len(fast.signal_mv)) / 250, fast.signal_mv)
    assert np.abs(slow.signal_mv[at] - smooth).max() < 0.15
    assert np.corrcoef(slow.signal_mv[at], smooth)[0, 1] > 0.99


@pytest.mark.parametrize("crop", ["box", "window"])
def test_asking_for_layers_changes_nothing_else(crop: str) -> None:
    draw = generator(crop, header=1.0, separator="bar", distortion=SCAN)
    plain, layered = draw.sample(3, seed=2), draw.sample(3, seed=2, layers=True)
    assert same(plain, layered)
    assert plain.grid_mask is None and plain.marks_mask is None
    assert layered.grid_mask is not None and layered.grid_mask.max() > 0
    assert not plain.traces and layered.traces[0].polyline_px.shape[1] == 2
    assert layered.target_mask is not None and layered.other_mask is not None
    own, *others = (trace.mask for trace in layered.traces)
    assert np.array_equal(own, layered.target_mask)
    together = np.maximum.reduce(others) if others else np.zeros_like(own)
    differ = np.abs(together.astype(int) - layered.other_mask)  # each was resampled by itself
    assert differ.sum() <= 0.02 * layered.other_mask.sum(dtype=int)
    page, with_layers = draw.page(3, seed=2), draw.page(3, seed=2, layers=True)
    assert np.array_equal(page.image, with_layers.image) and page.grid_mask is None
    assert with_layers.marks_mask is not None and with_layers.marks_mask.max() == 255


def _light(image: np.ndarray) -> np.ndarray:
    return image.min(axis=2).astype(int)


@pytest.mark.parametrize("grid", ["standard", "dotted", "paper", "gray", "strong", "faint"])
def test_where_a_clean_page_is_not_white_a_mask_says_why(grid: str) -> None:
    page = generator(grid=grid, header=1.0, separator="dotted").page(1, seed=4, layers=True)
    assert page.grid_mask is not None and page.marks_mask is not None
    ink = np.maximum.reduce([t.mask for t in page.traces if t.mask is not None])
    covered = np.maximum(np.maximum(ink, page.grid_mask), page.marks_mask)
    assert not (covered[_light(page.image) < 250] == 0).any()
    # And what no mask covers is white.
    assert (_light(page.image)[covered == 0] == 255).all()


def test_paper_without_a_grid_has_none() -> None:
    page = generator(grid="none").page(0, layers=True)
    assert page.grid_mask is not None and not page.grid_mask.any()


def test_traces_are_no_marks() -> None:
    draw = generator(lead_names="none", pulse="none", separator="none")
    page = draw.page(0, layers=True)
    assert page.marks_mask is not None and not page.marks_mask.any()


def test_layers_move_with_the_page() -> None:
    """Under a turn and a curl, what is dark is still ink, grid or a mark."""
    turned = Distortion(rotation_p=1, rotation_deg=[3, 3], curl_p=1)
    page = generator(header=1.0, distortion=turned).page(2, seed=1, layers=True)
    assert page.grid_mask is not None and page.marks_mask is not None
    ink = np.maximum.reduce([t.mask for t in page.traces if t.mask is not None])
    covered = np.maximum(np.maximum(ink, page.grid_mask), page.marks_mask)
    assert (covered[_light(page.image) < 200] > 0).mean() > 0.999


def test_notes_by_hand_are_marks() -> None:
    plain = {"lead_names": "none", "pulse": "none", "separator": "none", "grid": "none"}
    draw = generator(**plain, distortion=Distortion(scribble_p=1, scribble_count=[3, 3]))
    page = draw.page(1, layers=True)
    assert page.marks_mask is not None
    ink = np.maximum.reduce([t.mask for t in page.traces if t.mask is not None])
    noted = (_light(page.image) < 200) & (ink == 0)
    assert noted.sum() > 100 and (page.marks_mask[noted] > 0).all()
