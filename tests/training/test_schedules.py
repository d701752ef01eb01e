"""Schedules of the learning rate hold for any budget."""

import pytest
import torch

from data_gen.errors import InputError
from ecg_overlap.schedules import one_cycle, warm_up_cool_down


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


def rates(steps: int, *, warm_up: int, cool_down: int, upto: int | None = None) -> list[float]:
    """The learning rate before each step, the constant one being 1."""
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    schedule = warm_up_cool_down(
        optimizer, steps=steps, warm_up_steps=warm_up, cool_down_steps=cool_down
    )
    seen = []
    for _ in range(steps if upto is None else upto):
        seen.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return seen


def test_the_rate_warms_up_stays_and_cools_down() -> None:
    found = rates(10, warm_up=3, cool_down=4)
    # A rise by quarters; half a cosine from 1 at 4 steps before the end to 0 at the end.
    assert found[:4] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert found[4:6] == pytest.approx([1.0, 1.0])
    assert found[6:] == pytest.approx([1.0, 0.853553, 0.5, 0.146447], abs=1e-6)


def test_until_it_cools_down_a_run_does_not_know_how_long_it_is() -> None:
    assert rates(100, warm_up=5, cool_down=20)[:80] == rates(200, warm_up=5, cool_down=20, upto=80)


def test_a_finished_run_goes_on_where_more_steps_are_given() -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    dials = {"warm_up_steps": 2, "cool_down_steps": 4}
    short = warm_up_cool_down(optimizer, steps=10, **dials)
    for _ in range(10):
        optimizer.step()
        short.step()
    assert short.get_last_lr()[0] == pytest.approx(0)
    longer = warm_up_cool_down(optimizer, steps=20, **dials)
    longer.load_state_dict(short.state_dict())
    optimizer.step()
    longer.step()
    assert longer.get_last_lr()[0] == pytest.approx(1)


@pytest.mark.parametrize("name", ["warm_up_steps", "cool_down_steps"])
def test_a_negative_number_of_steps_is_refused(name: str) -> None:
    dials = {"warm_up_steps": 1, "cool_down_steps": 1} | {name: -1}
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    with pytest.raises(InputError, match=name):
        warm_up_cool_down(optimizer, steps=10, **dials)
