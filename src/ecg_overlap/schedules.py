"""How the learning rate goes over a run: `scheduler=NAME`."""

import math
from functools import partial

import torch
from torch.optim.lr_scheduler import LambdaLR, OneCycleLR

from data_gen.dials import as_number


def one_cycle(
    optimizer: torch.optim.Optimizer, *, max_lr: float, steps: int, warmup: float
) -> OneCycleLR:
    """A rise over the fraction `warmup` of the steps, and a fall over the rest.

    Raises:
        InputError: There is no step.
    """
    as_number("trainer.max_steps", steps, lowest=1, highest=1e9)
    # OneCycleLR divides by the length of the rise less one step: exactly one step must not be.
    rise = 1.5 / steps if abs(warmup * steps - 1) < 1e-6 else warmup
    return OneCycleLR(optimizer, max_lr=max_lr, total_steps=steps, pct_start=min(rise, 1.0))


def warm_up_cool_down(
    optimizer: torch.optim.Optimizer, *, steps: int, warm_up_steps: int, cool_down_steps: int
) -> LambdaLR:
    """A rise to the optimizer's learning rate, a constant stretch, and a fall to 0 at the end.

    Until the fall begins, nothing depends on how long the run is to be: a run that was stopped
    there goes on as if it had been meant to be longer, or is cooled down earlier.

    Args:
        optimizer: Its learning rate is the constant one.
        steps: Of the whole run.
        warm_up_steps: In which the rate rises linearly.
        cool_down_steps: The last ones, in which it falls by half a cosine.

    Raises:
        InputError: A negative number of steps.
    """
    as_number("scheduler.warm_up_steps", warm_up_steps, lowest=0, highest=1e9)
    as_number("scheduler.cool_down_steps", cool_down_steps, lowest=0, highest=1e9)
    return LambdaLR(
        optimizer,
        partial(_factor, steps=steps, warm_up=warm_up_steps, cool_down=cool_down_steps),
    )


def _factor(step: int, *, steps: int, warm_up: int, cool_down: int) -> float:
    """Of the constant rate, before optimizer step `step`, counted from 0."""
    rise = min((step + 1) / (warm_up + 1), 1.0)
    left = min(max(steps - step, 0) / max(cool_down, 1), 1.0)
    return rise * 0.5 * (1 - math.cos(math.pi * left))
