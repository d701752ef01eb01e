"""The whole way from a picture to a signal, its truths, its refusals."""

import os
import subprocess
import sys

import numpy as np
import pytest
from drawn import beats, drawn, snr_db
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from data_gen import make_sample
from data_gen.calibration import Calibration
from data_gen.errors import InputError
from data_gen.render import draw_stroke
from ecg_overlap.digitize import stages
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid import Grid
from ecg_overlap.digitize.grid.model import GridSource
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.lead_signal import FLAGS
from ecg_overlap.digitize.network import ColumnReading
from ecg_overlap.digitize.plans import METHODS, Needs, plan_for
from ecg_overlap.metrics.segmentation import count

TRUTH = drawn()


class TrueNetwork:
    """Answers with the true mask, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, float | None]] = []

    def __call__(
        self, image: NDArray[np.uint8], *, px_per_mm: float, row_px: float | None = None
    ) -> NDArray[np.float32]:
        self.asked.append((px_per_mm, row_px))
        return TRUTH.mask.astype(np.float32) / 255

    def columns(
        self, image: NDArray[np.uint8], *, px_per_mm: float, row_px: float | None = None
    ) -> ColumnReading:
        mask = self(image, px_per_mm=px_per_mm, row_px=row_px)
        height, width = mask.shape
        ink = mask.sum(axis=0)
        rows = mask / np.maximum(ink, 1e-6)
        x_px, y_px = np.arange(float(width)), np.arange(float(height))
        return ColumnReading(mask, rows, (ink > 0).astype(np.float32), x_px, y_px)


def score(signal_mv: NDArray[np.float64]) -> float:
    n = min(len(signal_mv), len(TRUTH.signal_mv))
    seen = np.isfinite(signal_mv[:n])
    return snr_db(TRUTH.signal_mv[:n][seen], signal_mv[:n][seen])


def test_a_drawn_lead_comes_back_in_millivolts_without_any_help() -> None:
    lead = digitize_lead(TRUTH.image)
    assert lead.method == "classical"
    assert lead.calibration.px_per_mm_x == pytest.approx(8, rel=2e-3)
    assert score(lead.signal_mv) > 20
    assert set(lead.flags) <= set(FLAGS)


def test_truths_replace_their_stages() -> None:
    by_mask = digitize_lead(TRUTH.image, method="stroke@mask", mask=TRUTH.mask)
    by_both = digitize_lead(
        TRUTH.image, method="stroke@mask@grid", mask=TRUTH.mask, calibration=TRUTH.calibration
    )
    by_grid = digitize_lead(TRUTH.image, method="classical@grid", calibration=TRUTH.calibration)
    assert score(by_both.signal_mv) > 25
    assert by_both.baseline_known and by_grid.baseline_known and not by_mask.baseline_known
    assert by_both.calibration == TRUTH.calibration


def test_known_row_is_the_zero() -> None:
    lead = digitize_lead(
        TRUTH.image, method="classical@row", row_px=TRUTH.calibration.baseline_px, px_per_mm=8.0
    )
    assert lead.baseline_known and "baseline_unknown" not in lead.flags
    assert np.nanmean(lead.signal_mv) == pytest.approx(TRUTH.signal_mv.mean(), abs=0.02)


def test_gain_and_speed_scale_the_result() -> None:
    plain = digitize_lead(TRUTH.image, px_per_mm=8.0)
    half = digitize_lead(TRUTH.image, px_per_mm=8.0, mm_per_mv=20, mm_per_s=50)
    assert len(half.signal_mv) == pytest.approx(len(plain.signal_mv) / 2, abs=1)
    assert np.nanmax(half.signal_mv) == pytest.approx(np.nanmax(plain.signal_mv) / 2, abs=0.03)


@pytest.mark.parametrize(
    "method",
    [m for m, p in METHODS.items() if p.network not in (None, Needs.INK, Needs.BOTH)],
)
def test_a_network_is_asked_with_the_scale(method: str) -> None:
    network = TrueNetwork()
    lead = digitize_lead(TRUTH.image, method=method, network=network, px_per_mm=8.0, row_px=90.0)
    assert network.asked == [(8.0, 90.0)]
    assert score(lead.signal_mv) > 5


def test_ink_of_another_trace_that_touches_is_cut_off_by_a_sure_network() -> None:
    mask = np.zeros((100, 400), np.uint8)
    draw_stroke(mask, np.array([(10, 70), (390, 70)]), width_px=3)
    spike = np.zeros_like(mask)
    draw_stroke(spike, np.array([(200, 70), (200, 5)]), width_px=3)
    image = np.repeat(255 - np.maximum(mask, spike)[..., None], 3, axis=2)

    def network(image: NDArray, *, px_per_mm: float, row_px: float | None = None) -> NDArray:
        return mask.astype(np.float32) / 255

    lead = digitize_lead(image, px_per_mm=8.0, network=network)
    assert np.nanmax(lead.signal_mv) < 0.1
    assert np.nanmax(digitize_lead(image, px_per_mm=8.0).signal_mv) > 0.5


def test_default_takes_the_network_where_there_is_one() -> None:
    network = TrueNetwork()
    digitize_lead(TRUTH.image, network=network, px_per_mm=8.0)
    assert len(network.asked) == 1


@pytest.mark.parametrize("method", [m for m, p in METHODS.items() if p.network is None])
def test_every_classical_method_runs(method: str) -> None:
    lead = digitize_lead(TRUTH.image, method=method, px_per_mm=8.0)
    assert lead.coverage > 0.5


def test_a_tilted_grid_turns_the_path_back() -> None:
    # 1° over 600 px is 10 px: a level trace must come back level, and stand in the picture.
    slope = np.tan(np.deg2rad(1.0))
    mask = np.zeros((80, 660), np.uint8)
    draw_stroke(mask, np.array([(20, 30), (640, 30 + 620 * slope)]), width_px=2.8)
    image = np.full((*mask.shape, 3), 255, np.uint8) - mask[..., None]
    with pytest.MonkeyPatch.context() as patch:
        grid = Grid(
            px_per_mm_x=8.0,
            px_per_mm_y=8.0,
            angle_deg=1.0,
            confidence=0.9,
            phase_x_px=0.0,
            phase_y_px=0.0,
            source=GridSource.FIVE_TO_ONE,
        )
        patch.setattr(stages, "find_grid", lambda *_, **__: grid)
        lead = digitize_lead(image, mask=mask)
    assert np.ptp(lead.signal_mv) < 0.01
    rows = 30 + (lead.path_px[:, 0] - 20) * slope
    assert np.abs(lead.path_px[:, 1] - rows).max() < 0.4
    assert len(lead.signal_mv) == pytest.approx(620 / np.cos(np.deg2rad(1)) / 200 * 500, abs=3)


def test_trace_that_leaves_the_crop_is_flagged() -> None:
    lead = digitize_lead(TRUTH.image[40:], px_per_mm=8.0, mask=TRUTH.mask[40:])
    assert "trace_leaves_crop" in lead.flags


def test_short_trace_is_flagged() -> None:
    mask = TRUTH.mask.copy()
    mask[:, 200:] = 0
    assert "trace_short" in digitize_lead(TRUTH.image, px_per_mm=8.0, mask=mask).flags


def test_stage_pictures_on_request() -> None:
    assert digitize_lead(TRUTH.image, px_per_mm=8.0).stage_images == {}
    stages = digitize_lead(TRUTH.image, px_per_mm=8.0, stages=True).stage_images
    assert stages["mask"].shape == TRUTH.mask.shape and stages["mask"].dtype == np.uint8


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"px_per_mm": np.nan}, "px_per_mm: nan is no scale"),
        ({"px_per_mm": -1.0}, "px_per_mm: -1.0 is no scale"),
        ({"px_per_mm": 0.5}, "px_per_mm: 0.5 makes a pen's line 0.4 px wide at most; give 1"),
        ({"px_per_mm": 5000.0}, "px_per_mm: 5000 makes the picture 0.1.* mm long; check it"),
        ({"row_px": 99999.0}, "row_px: 99999 is no row of a lead in a picture of .* rows; give"),
        ({"row_px": np.nan}, "row_px: nan is no row"),
        ({"mm_per_s": 0.0}, ".*mm_per_s"),
    ],
)
def test_a_number_that_cannot_be_is_one_line(options: dict[str, float], line: str) -> None:
    with pytest.raises(InputError, match=f"^{line}") as refused:
        digitize_lead(TRUTH.image, **options)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("method", "missing"),
    [("stroke@mask", "mask"), ("classical@grid", "calibration"), ("classical@row", "row_px"),
     ("unet+stroke", "network")],
)  # fmt: skip
def test_a_method_says_what_it_needs(method: str, missing: str) -> None:
    with pytest.raises(InputError, match=missing):
        digitize_lead(TRUTH.image, method=method, px_per_mm=8.0)


@pytest.mark.parametrize(
    "method", ["", "spline", "classical@mask", "stroke@pen", "stroke@mask@mask", "stroke"]
)
def test_unknown_method_lists_the_choices(method: str) -> None:
    with pytest.raises(InputError, match="fortune_fixed"):
        plan_for(method)


def test_mask_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="mask"):
        digitize_lead(TRUTH.image, px_per_mm=8.0, mask=TRUTH.mask[:-1])


@pytest.mark.parametrize(
    "image",
    [np.zeros((5, 5, 3), np.uint8), np.zeros((50, 50), np.uint8), np.zeros((50, 50, 4), np.uint8),
     np.zeros((50, 50, 3), np.float32), np.zeros((1, 1, 3), np.uint8)],
)  # fmt: skip
def test_what_is_no_picture_is_refused(image: NDArray) -> None:
    with pytest.raises(InputError):
        digitize_lead(image)


def test_blank_paper_is_refused() -> None:
    with pytest.raises(DigitizeError):
        digitize_lead(np.full((200, 600, 3), 255, np.uint8))


def test_paper_without_a_trace_is_refused() -> None:
    paper = drawn(grid=True).image
    paper[:] = np.where(paper.min(axis=2, keepdims=True) < 120, 255, paper)
    with pytest.raises(DigitizeError):
        digitize_lead(paper, px_per_mm=8.0, mask=np.zeros(paper.shape[:2], np.uint8))


def test_no_grid_asks_for_the_scale() -> None:
    with pytest.raises(DigitizeError, match="px"):
        digitize_lead(drawn(grid=False).image)


def test_no_grid_but_a_given_scale_is_enough() -> None:
    assert score(digitize_lead(drawn(grid=False).image, px_per_mm=8.0).signal_mv) > 20


def test_without_a_grid_a_calibration_pulse_is_the_scale() -> None:
    # 0.2 s × 1 mV of pulse, then the lead.
    pulse = np.concatenate([np.zeros(40), np.ones(100), np.zeros(60)])
    lead = digitize_lead(drawn(np.concatenate([pulse, beats()]), grid=False).image)
    assert "scale_from_pulse" in lead.flags
    assert lead.calibration.px_per_mm_y == pytest.approx(8, rel=0.03)


@pytest.mark.parametrize("px_per_mm", [0.0, -1.0, float("nan")])
def test_no_scale_is_refused(px_per_mm: float) -> None:
    with pytest.raises(InputError):
        digitize_lead(TRUTH.image, px_per_mm=px_per_mm)


def fuzzed(seed: int) -> NDArray[np.uint8]:
    """Pictures of every kind: noise, stripes, blots, drawn leads that were damaged."""
    rng = np.random.default_rng(seed)
    height, width = (int(v) for v in rng.integers(1, 160, 2))
    kind = rng.integers(0, 5)
    if kind == 0:
        return rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
    image = np.full((height, width, 3), rng.integers(0, 256), np.uint8)
    if kind == 1:
        image[:: int(rng.integers(1, 20))] = rng.integers(0, 256, 3)
        image[:, :: int(rng.integers(1, 20))] = rng.integers(0, 256, 3)
    elif kind == 2:
        for _ in range(int(rng.integers(1, 6))):
            y, x = rng.integers(0, height), rng.integers(0, width)
            image[y : y + int(rng.integers(1, 30)), x : x + int(rng.integers(1, 80))] = 0
    elif kind == 3:
        lead = drawn(beats(0.9) * rng.uniform(0, 3), px_per_mm=float(rng.uniform(3, 9))).image
        y, x = rng.integers(0, lead.shape[0]), rng.integers(0, lead.shape[1])
        image = lead[y:, x:] if rng.random() < 0.5 else lead[: y + 1, : x + 1]
    return np.ascontiguousarray(image)


@given(seed=st.integers(0, 1_000_000), scale=st.sampled_from([None, 0.5, 8.0]))
@settings(max_examples=int(os.environ.get("FUZZ_EXAMPLES", "40")), deadline=None)
def test_any_picture_gives_a_signal_or_a_reason(seed: int, scale: float | None) -> None:
    method = ("classical", "viterbi", "fortune", "fortune_fixed")[seed % 4]
    try:
        lead = digitize_lead(fuzzed(seed), px_per_mm=scale, method=method)
    except InputError:
        return
    seen = np.isfinite(lead.signal_mv)
    assert len(lead.signal_mv) == len(lead.confidence) == len(lead.interval_mv)
    assert ((lead.confidence >= 0) & (lead.confidence <= 1)).all()
    assert (lead.confidence[~seen] == 0).all()
    assert (lead.interval_mv[seen] >= 0).all()
    assert set(lead.flags) <= set(FLAGS)


@pytest.mark.parametrize("module", ["ecg_overlap.digitize.lead", "ecg_overlap.cli"])
def test_importing_the_digitizer_needs_nothing_that_takes_seconds(module: str) -> None:
    slow = {
        "torch",
        "pytorch_lightning",
        "hydra",
        "pandas",
        "matplotlib",
        "scipy.signal",
        "scipy.stats",
    }
    code = f"import sys, {module}; print(*{slow} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []


def test_unknown_attribute_of_the_package() -> None:
    import ecg_overlap

    with pytest.raises(AttributeError, match="nothing_here"):
        ecg_overlap.nothing_here  # noqa: B018


def test_calibration_given_without_a_method_is_taken() -> None:
    scale = Calibration(8, 8, t0_px=20.3, baseline_px=100)
    assert digitize_lead(TRUTH.image, calibration=scale, mask=TRUTH.mask).calibration == scale


def test_the_redrawn_path_is_the_mask_that_a_network_method_took() -> None:
    truth = TRUTH.mask

    def network(image: NDArray, *, px_per_mm: float, row_px: float | None = None) -> NDArray:
        return truth.astype(np.float32) / 255

    lead = digitize_lead(TRUTH.image, px_per_mm=8.0, network=network, stages=True)
    taken = lead.stage_images["mask"] >= 128
    inked = truth >= 128
    assert (taken & inked).sum() / (taken | inked).sum() > 0.8


def test_the_mask_of_all_traces_method_is_the_primary_alone() -> None:
    sample = make_sample(1, config="overlap")
    lead = digitize_lead(sample.image, method="classical", stages=True)
    assert lead.stage_images["mask"].shape == sample.target_mask.shape
    assert count(lead.stage_images["mask"], sample.target_mask).iou > 0.9
