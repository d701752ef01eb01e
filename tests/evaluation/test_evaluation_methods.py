"""Names become methods; an unknown name or a missing network is said in one line."""

import pickle

import numpy as np
import pytest

from data_gen.calibration import Calibration
from data_gen.errors import InputError
from data_gen.sample import LeadSample
from ecg_overlap.digitize.network import NetworkInfo
from ecg_overlap.digitize.plans import METHODS, PAGE_METHODS, Needs
from ecg_overlap.evaluation.methods import build_method


class Everything:
    """A network that sees ink wherever the picture is dark."""

    info = NetworkInfo(checkpoint="runs/best.ckpt", params=7)

    def __call__(
        self, image: np.ndarray, *, px_per_mm: float, row_px: float | None = None
    ) -> np.ndarray:
        return (image.min(axis=2) < 100).astype(np.float32)


def drawn_sample() -> LeadSample:
    """A sine in black on blank paper without any grid, 4 px a mm."""
    calibration = Calibration(4.0, 4.0, t0_px=15.0, baseline_px=60.0)
    fs_hz, n = 100.0, 200
    signal = (0.8 * np.sin(2 * np.pi * np.arange(n) / 80)).astype(np.float32)
    points = np.stack([calibration.x_px(np.arange(n) / fs_hz), calibration.y_px(signal)], axis=1)
    mask = np.zeros((120, 230), np.uint8)
    for x in range(15, 215):
        y = round(float(np.interp(x, *points.T)))
        mask[y - 1 : y + 2, x] = 255
    image = np.repeat(255 - mask[..., None], 3, axis=2)
    return LeadSample(
        image,
        target_mask=mask,
        polyline_px=points.astype(np.float32),
        signal_mv=signal,
        fs_hz=fs_hz,
        calibration=calibration,
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("viterbi", "baseline"),
        ("classical", "baseline"),
        ("centroid@mask", "oracle"),
        ("stroke@mask@grid", "oracle"),
        ("classical@grid", "oracle"),
        ("classical@row", "oracle"),
    ],
)
def test_names_of_the_design(name: str, kind: str) -> None:
    method = build_method(name)
    assert (method.name, method.kind) == (name, kind)
    assert method.in_workers
    assert pickle.loads(pickle.dumps(method)).name == name


def test_an_unknown_name_lists_the_choices() -> None:
    with pytest.raises(InputError, match=r"magic.*classical"):
        build_method("magic")
    with pytest.raises(InputError, match="choose of"):
        build_method("default")


def test_a_missing_network_is_said() -> None:
    with pytest.raises(InputError, match="no network 'unet'"):
        build_method("unet+stroke")


@pytest.mark.parametrize("key", ["unet+stroke", "unet", "unet_coord"])
def test_a_network_is_found_by_method_by_its_own_name_or_by_its_stand_in(key: str) -> None:
    method = build_method("unet+stroke", {key: Everything()})
    assert (method.kind, method.checkpoint, method.params) == ("model", "runs/best.ckpt", 7)
    assert not method.in_workers
    assert build_method("unet+stroke@grid", {key: Everything()}).kind == "oracle"


def test_pages_are_read_by_the_methods_that_the_command_reads_them_by() -> None:
    networks = {kind: Everything() for kind in Needs}
    methods = [build_method(name, networks) for name in METHODS]
    assert tuple(m.name for m in methods if m.read_page is not None) == PAGE_METHODS


def test_truths_are_handed_over_as_the_name_says() -> None:
    assert build_method("stroke@mask").needs == ("target_mask",)
    assert build_method("stroke@mask@grid").needs == ("target_mask", "calibration")
    assert build_method("classical@row").needs == ("calibration",)
    assert build_method("classical").needs == ()
    assert not build_method("stroke@mask").makes_mask
    assert not build_method("classical@grid").finds_grid
    assert build_method("classical@row").claims_zero
    assert not build_method("stroke@mask").claims_zero


def test_an_oracle_with_mask_and_grid_recovers_the_drawn_signal() -> None:
    sample = drawn_sample()
    outcome = build_method("centroid@mask@grid").digitize(sample)
    assert outcome.signal is not None
    assert sample.signal_mv is not None
    step = round(outcome.signal.fs_hz / 100.0)
    found = outcome.signal.signal_mv[::step][:200]
    # Rows are whole pixels here: 1/40 mV each.
    assert np.nanmax(np.abs(found - sample.signal_mv[: len(found)])) < 0.03


def test_a_picture_without_a_grid_is_refused_with_its_reason() -> None:
    outcome = build_method("centroid@mask").digitize(drawn_sample())
    assert outcome.signal is None
    assert "grid" in outcome.reason


def test_a_network_given_the_grid_reports_its_mask() -> None:
    sample = drawn_sample()
    outcome = build_method("unet+centroid@grid", {"unet": Everything()}).digitize(sample)
    assert outcome.signal is not None
    assert outcome.mask is not None
    np.testing.assert_array_equal(outcome.mask, sample.target_mask)
