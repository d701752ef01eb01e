"""A gray grid nearly as dark as the pen: ink on its lines alone is no trace, by any method."""

import numpy as np
import pytest
from drawn import PX_PER_MM, beats, drawn
from numpy.typing import NDArray

from ecg_overlap import weights
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.network import Network
from ecg_overlap.onnx_network import load_ink, load_onnx

TRUTH = drawn(beats(3.3), pad_px=44.3)  # a big box of paper round the trace
LEVELS = (120, 70)  # gray of the thin and of the thick lines; the pen has 15
MOST_MM = 2.0  # that a path may lie beside the trace


def on_gray_grid(*, blur: bool) -> NDArray[np.uint8]:
    height, width = TRUTH.mask.shape
    paper = np.full((height, width), 245.0)
    for step, level in zip((1, 5), LEVELS, strict=True):
        pitch = step * PX_PER_MM
        paper[:, np.arange(3, width, pitch).astype(int)] = level
        paper[np.arange(5, height, pitch).astype(int)] = level
    share = TRUTH.mask / 255.0
    shown = paper * (1 - share) + 15 * share
    if blur:
        shown = (shown + np.roll(shown, 1, 0) + np.roll(shown, 1, 1)) / 3
    shown += np.random.default_rng(0).normal(0, 4, shown.shape)
    return np.repeat(shown.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def longest_beside_mm(path_px: NDArray[np.float64]) -> float:
    """The longest stretch of a path that is over half a millimetre off the trace, or past it."""
    x, y = path_px[np.isfinite(path_px).all(axis=1)].T
    true_x, true_y = TRUTH.polyline_px.T
    columns = np.arange(int(x.min()), int(x.max()) + 1)
    rows = np.interp(columns, x, y)
    near = np.abs(true_x[:, None] - columns) <= 0.5 * PX_PER_MM  # a steep stroke is beside itself
    off = np.abs(true_y[:, None] - rows)
    beside = np.where(near, off, np.inf).min(axis=0) > 0.5 * PX_PER_MM
    runs = "".join("x" if b else " " for b in beside).split()
    return max(map(len, runs), default=0) / PX_PER_MM


@pytest.mark.parametrize("blur", [False, True], ids=["sharp", "blurred"])
@pytest.mark.parametrize("method", ["classical", "unet+stroke", "ink+stroke"])
def test_no_path_goes_along_a_line_of_the_grid(method: str, blur: bool) -> None:
    if not (weights.PACKAGED.is_file() and weights.PACKAGED_INK.is_file()):
        pytest.skip("no weights in this checkout")
    load = {"unet+stroke": load_onnx, "ink+stroke": load_ink}.get(method)
    network: Network | None = None if load is None else load()
    lead = digitize_lead(on_gray_grid(blur=blur), method=method, network=network)
    assert lead.coverage > 0.9
    assert longest_beside_mm(lead.path_px) < MOST_MM


def test_a_path_along_a_line_is_seen_as_one() -> None:
    x = TRUTH.polyline_px[:, 0]
    astray = np.stack([x, np.full(len(x), 5.0)], axis=1)
    assert longest_beside_mm(astray) > 10
    assert longest_beside_mm(TRUTH.polyline_px) == 0
