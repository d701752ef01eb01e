"""Averaged weights (EMA): what is validated, kept as the best, tested and shipped."""

from collections.abc import Callable, Sequence
from typing import Any

from pytorch_lightning.callbacks import WeightAveraging
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn


class AveragedWeights(WeightAveraging):
    """An exponential moving average of the weights after every optimizer step.

    Lightning's callback does the work: it swaps the average in for validation and stores it as
    the checkpoint's `state_dict`, beside the weights that training goes on with. Its own EMA
    has the full decay from the first step. Decay 0.999 averages over about 1,000 steps, too many
    for a run of 900 steps; here the number of steps grows with the run.

    In the list of callbacks it must stand after those that score or draw at the end of a
    validation, because that is where it swaps the average out again.

    Args:
        decay: Of the average, per step, once the run is long enough.
    """

    def __init__(self, decay: float) -> None:
        super().__init__(multi_avg_fn=warmed_up_average(decay))
        self.decay = decay


def warmed_up_average(
    decay: float,
) -> Callable[[Sequence[Tensor], Sequence[Tensor], Tensor], None]:
    """The update of an average whose decay after n updates is min(decay, (1 + n) / (10 + n)).

    Source of the formula: `tf.train.ExponentialMovingAverage(num_updates=…)`, TensorFlow 1.
    """

    def update(average: Sequence[Tensor], current: Sequence[Tensor], n_averaged: Tensor) -> None:
        n = int(n_averaged)
        ema: Any = get_ema_multi_avg_fn  # it has no types
        ema(min(decay, (1 + n) / (10 + n)))(average, current, n_averaged)

    return update
