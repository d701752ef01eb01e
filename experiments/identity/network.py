"""The network that is asked whether two traces are who they are: how like one lead each is."""

from torch import Tensor, nn
from torch.nn import functional

DILATIONS = (1, 2, 4, 8, 16, 32, 64, 1, 8)
AROUND = 13  # samples at 8 ms: what is asked of reaches 50 ms beyond the stretch
PER_VOTE = 30.0  # samples of which the votes make a logit


class Likeness(nn.Module):
    """(b, 4, n) layers of one trace beside another → (b,): how much it is one lead, as a logit."""

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        self.stem = nn.Conv1d(4, channels, 7, 2, 3)
        self.norms = nn.ModuleList(nn.GroupNorm(4, channels) for _ in DILATIONS)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(channels, channels, 5, padding=2 * d, dilation=d) for d in DILATIONS
        )
        self.vote = nn.Conv1d(channels, 1, 1)

    def forward(self, seen: Tensor) -> Tensor:
        asked = functional.max_pool1d(seen[:, 3:4], 2, 2, ceil_mode=True)
        asked = functional.max_pool1d(asked, AROUND, 1, AROUND // 2)
        x = self.stem(seen)
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            x = x + functional.relu(convolution(norm(x)))
        return (self.vote(x) * asked).sum(dim=(1, 2)) / PER_VOTE


class Changed(nn.Module):
    """(b, 2, 2, 4, n) questions (`stretches.question`) → (b,): the logit of having been changed."""

    def __init__(self, likeness: Likeness) -> None:
        super().__init__()
        self.likeness = likeness

    def forward(self, seen: Tensor) -> Tensor:
        like = self.likeness(seen.flatten(0, 2)).reshape(-1, 2, 2).sum(dim=2)
        return like[:, 1] - like[:, 0]
