"""A small U-Net that sees the strokes of all traces, whosever they are, and what is no trace."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from data_gen.dials import as_number
from data_gen.errors import InputError
from ecg_overlap.digitize.ink.offsets import OFFSETS_MM
from ecg_overlap.inputs import InputSpec

FOLD = 2  # blocks of 2 × 2 pixels enter as channels, and leave as such
COLOURS = 3  # of the input's channels: seeing ink is a local question, and the crop is none
LAYERS = ("ink", "grid", "marks")  # the mask's channels, in their order


class InkNet(nn.Module):
    """From a picture's colours to three amodal masks: traces' ink, printed grid, other marks.

    Skips are added and not concatenated, and a level is decoded by one convolution: at equal time
    on a CPU the network then sees four times as many windows as a plain U-Net at full resolution
    (`experiments/ink`).

    Args:
        channels: Of each level, the finest first; each next level has half the resolution.
        px_per_mm: Scale of the pictures.
        offsets: Whether it also says whose the ink is, by each pixel's offset from its own
            trace's level (`digitize/ink/offsets.py`).
        separable: Whether each 3 × 3 convolution is one by channel and then one of 1 × 1: twice
            the width at the same cost.

    Raises:
        InputError: Fewer than two levels.

    Example:
        >>> import torch
        >>> net = InkNet(channels=[8, 16], px_per_mm=8.0).eval()
        >>> tuple(net(torch.zeros(1, 6, 16, 32))["mask"].shape)
        (1, 3, 16, 32)
    """

    def __init__(
        self,
        *,
        channels: Sequence[int],
        px_per_mm: float,
        offsets: bool = False,
        separable: bool = False,
    ) -> None:
        super().__init__()
        if len(channels) < 2:
            raise InputError(
                "model.channels", f"{list(channels)} are no levels", "give two or more"
            )
        for width in channels:
            as_number("model.channels", width, lowest=1, highest=1024)
        self.spec: dict[str, Any] = {"channels": list(channels), "px_per_mm": px_per_mm}
        if offsets:  # files of networks without them do not name it
            self.spec["offsets"] = True
        if separable:
            self.spec["separable"] = True
        self.input_spec = InputSpec(
            px_per_mm=px_per_mm,
            multiple=FOLD * 2 ** (len(channels) - 1),
            masks=LAYERS,
            offsets=offsets,
        )
        local = _separated if separable else _convolved
        narrower, wider = channels[:-1], channels[1:]
        self.first = _twice(local, COLOURS * FOLD**2, channels[0])
        self.down = nn.ModuleList(_twice(local, a, b) for a, b in zip(narrower, wider, strict=True))
        self.up = nn.ModuleList(_convolved(b, a, 1) for a, b in zip(narrower, wider, strict=True))
        self.join = nn.ModuleList(local(a, a, 3) for a in narrower)
        self.last = nn.Conv2d(channels[0], len(LAYERS) * FOLD**2, 1)
        self.offsets = None
        if offsets:
            self.offsets = nn.Sequential(
                local(channels[0], channels[0], 3),
                nn.Conv2d(channels[0], len(OFFSETS_MM), 1),
            )
        self.to(memory_format=torch.channels_last)

    def forward(self, channels: Tensor) -> dict[str, Tensor]:
        """Logits `mask` (B, 3, H, W) of `LAYERS`, of channels (B, 6, H, W).

        With offsets, also `offsets`: logits (B, len(OFFSETS_MM), H / FOLD, W / FOLD).
        """
        seen = nn.functional.pixel_unshuffle(channels[:, :COLOURS], FOLD)
        found = self.first(seen.contiguous(memory_format=torch.channels_last))
        passed = []
        for down in self.down:
            passed.append(found)
            found = down(nn.functional.max_pool2d(found, 2))
        for up, join in zip(reversed(self.up), reversed(self.join), strict=True):
            coarse = nn.functional.interpolate(up(found), scale_factor=2, mode="nearest")
            found = join(passed.pop() + coarse)
        outputs = {"mask": nn.functional.pixel_shuffle(self.last(found), FOLD)}
        if self.offsets is not None:
            outputs["offsets"] = self.offsets(found)
        return outputs


def _convolved(before: int, after: int, side: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, side, padding=side // 2, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )


def _separated(before: int, after: int, side: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, before, side, padding=side // 2, groups=before, bias=False),
        nn.BatchNorm2d(before),
        *_convolved(before, after, 1),
    )


def _twice(local: Callable[..., nn.Sequential], before: int, after: int) -> nn.Sequential:
    return nn.Sequential(local(before, after, 3), local(after, after, 3))
