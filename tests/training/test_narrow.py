"""Under bfloat16 on a CPU no narrow map enters a convolution, whatever lies in the memory."""

import warnings
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

from data_gen.errors import InputError
from ecg_overlap.inputs import CHANNELS
from ecg_overlap.models import SegmentationModel
from ecg_overlap.narrow import LEAST_COLUMNS, outputs_of
from ecg_overlap.network import ModelNetwork

FOLD = 2
MULTIPLE = 32 * FOLD


@pytest.fixture(scope="module")
def model() -> SegmentationModel:
    """Its last two stages are convolutions of stride 2 from 128 and 256 channels."""
    torch.manual_seed(0)
    options = {"decoder_channels": [32, 16, 8, 8, 8]}
    net = SegmentationModel(encoder="resnet18", fold=FOLD, columns_per_px=1, options=options)
    return net.eval()


@pytest.fixture
def bfloat16() -> Iterator[None]:
    """Autocast as Lightning's `bf16-mixed` sets it, on a heap whose free memory holds NaN."""
    for size in (10, 12, 14, 16, 18, 20, 22):
        held = [torch.full((2**size,), torch.nan) for _ in range(8)]
        del held
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        yield


def picture(columns: int, height: int = 2 * MULTIPLE) -> torch.Tensor:
    """Random channels (1, 6, height, width) whose deepest map has this many columns."""
    generator = torch.Generator().manual_seed(columns)
    return torch.rand(1, CHANNELS, height, columns * MULTIPLE, generator=generator)


@pytest.mark.filterwarnings("ignore:pictures narrower")
@pytest.mark.parametrize("columns", [1, 2])
def test_narrower_pictures_give_what_float32_gives(
    model: SegmentationModel, columns: int, bfloat16: None
) -> None:
    found = outputs_of(model, picture(columns))
    with torch.autocast("cpu", enabled=False):
        expected = model(picture(columns))
    for name, output in expected.items():
        torch.testing.assert_close(found[name], output, rtol=0, atol=0, msg=name)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_the_narrowest_picture_in_bfloat16_is_near_float32(
    model: SegmentationModel, rows: int, bfloat16: None
) -> None:
    channels = picture(LEAST_COLUMNS, rows * MULTIPLE)
    found = outputs_of(model, channels)["mask"]
    with torch.autocast("cpu", enabled=False):
        expected = model(channels)["mask"]
    assert found.dtype == torch.bfloat16
    error = (found.float() - expected).abs().max() / expected.std()
    assert float(error) < 0.2  # bfloat16 has 8 bits; memory read by mistake is off by 1 and more


@pytest.mark.filterwarnings("ignore:pictures narrower")
def test_no_narrow_map_enters_a_convolution_in_bfloat16(
    model: SegmentationModel, bfloat16: None
) -> None:
    narrowest: list[int] = []

    def note(layer: nn.Module, arguments: tuple[torch.Tensor]) -> None:
        if torch.is_autocast_enabled("cpu"):
            narrowest.append(arguments[0].shape[-1])

    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
    hooks = [layer.register_forward_pre_hook(note) for layer in layers]
    try:
        for columns in (1, 2, LEAST_COLUMNS):
            outputs_of(model, picture(columns))
        ModelNetwork(model)(np.full((40, 30, 3), 255, np.uint8), px_per_mm=8.0)
    finally:
        for hook in hooks:
            hook.remove()
    assert min(narrowest) == LEAST_COLUMNS


def test_it_is_said_in_one_line_and_only_in_bfloat16(model: SegmentationModel) -> None:
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("error")
        outputs_of(model, picture(1))
    one_line = pytest.warns(UserWarning, match=r"^pictures narrower than 192 px .*float32[^\n]*$")
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16), one_line:
        outputs_of(model, picture(1))


def test_weights_in_bfloat16_have_no_way_out(model: SegmentationModel) -> None:
    with pytest.raises(InputError, match="bf16-mixed"):
        outputs_of(model, picture(1).bfloat16())
