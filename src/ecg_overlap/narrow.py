"""Narrow pictures on a CPU: computed in float32 where bfloat16 is not safe.

With AMX, torch 2.14.1 reads uninitialised memory in bfloat16 in 3 × 3 convolutions of stride 2 with
128 or more input channels whose input is one or two columns wide: NaN, or wrong numbers. It was
never seen from 3 columns on, nor in float32. So no map may be narrower than that in bfloat16,
and the deepest map of a picture is 1 / `multiple` of its width.
"""

import warnings

import torch
from torch import Tensor

from data_gen.errors import InputError
from ecg_overlap.contract import Model

LEAST_COLUMNS = 3


def outputs_of(model: Model, channels: Tensor) -> dict[str, Tensor]:
    """The model's outputs, in float32 where bfloat16 on a CPU could misread memory.

    Args:
        model: Any model.
        channels: (B, 6, H, W).

    Raises:
        InputError: The model's own weights are bfloat16, so that float32 is no way out.
    """
    least_px = LEAST_COLUMNS * model.input_spec.multiple
    if channels.shape[-1] >= least_px or channels.device.type != "cpu":
        return model(channels)
    if channels.dtype == torch.bfloat16:
        raise InputError(
            "bfloat16 on a CPU",
            f"pictures narrower than {least_px} px may give NaN",
            "give trainer.precision=bf16-mixed or 32-true",
        )
    if not (torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16):
        return model(channels)
    warnings.warn(
        f"pictures narrower than {least_px} px are computed in float32: in bfloat16 a CPU may "
        "misread memory",
        stacklevel=2,  # Python shows one warning once
    )
    with torch.autocast("cpu", enabled=False):
        return model(channels)
