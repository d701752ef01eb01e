"""The schedule of the learning rate holds for any budget."""

import pytest
import torch

from ecg_overlap.task import one_cycle


@pytest.mark.parametrize("steps", [1, 2, 9, 10, 11, 20, 900])
def test_the_learning_rate_rises_to_its_peak_and_falls_in_any_number_of_steps(steps: int) -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    schedule = one_cycle(optimizer, max_lr=0.1, steps=steps, warmup=0.1)
    rates = [schedule.get_last_lr()[0]]
    for _ in range(steps - 1):
        optimizer.step()
        schedule.step()
        rates.append(schedule.get_last_lr()[0])
    assert max(rates) <= 0.1 + 1e-9
    if steps >= 20:
        assert max(rates) > 0.099 and rates[-1] < 0.001
