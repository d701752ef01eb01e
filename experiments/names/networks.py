"""The two networks: where words stand that may be names, and which name a word is."""

import torch
from torch import nn


class Where(nn.Module):
    """A page at 4 px/mm (n, 2, H, W) to (n, 5, H/4, W/4).

    Of each place: the logit of a name's centre, its (x, y) from the place's own centre, in
    places, and the logarithms of the name's height and width over 2.5 mm.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_block(2, 16, 5, stride=2),
            *_block(16, width, 3, stride=2),
            *_block(width, width, 3),
            *_block(width, width, 3, dilation=2),
            *_block(width, width, 3, dilation=4),
            nn.Conv2d(width, 5, 1),
        )
        nn.init.constant_(self.layers[-1].bias, 0.0)
        self.layers[-1].bias.data[0] = -4.0

    def forward(self, pages: torch.Tensor) -> torch.Tensor:
        return self.layers(pages)


class Which(nn.Module):
    """Words (n, 2, 32, 80) to the logits of the twelve names and of none (n, 13)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_block(2, 16, 5, stride=2),
            *_block(16, 32, 3), nn.MaxPool2d(2),
            *_block(32, 40, 3), nn.MaxPool2d(2),
            nn.Flatten(), nn.Dropout(0.2), nn.Linear(40 * 4 * 10, 13),
        )  # fmt: skip

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        return self.layers(words)


def _block(
    inside: int, outside: int, size: int, *, stride: int = 1, dilation: int = 1
) -> list[nn.Module]:
    pad = dilation * (size // 2)
    conv = nn.Conv2d(inside, outside, size, stride, pad, dilation=dilation, bias=False)
    return [conv, nn.BatchNorm2d(outside), nn.ReLU(inplace=True)]


def folded(network: nn.Module) -> nn.Sequential:
    """The network's layers, their normalisation within the convolutions."""
    layers: list[nn.Module] = []
    for layer in network.eval().layers:
        if isinstance(layer, nn.BatchNorm2d):
            layers[-1] = nn.utils.fusion.fuse_conv_bn_eval(layers[-1], layer)
        elif not isinstance(layer, nn.Dropout):
            layers.append(layer)
    return nn.Sequential(*layers)
