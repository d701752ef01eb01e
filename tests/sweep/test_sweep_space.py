"""The search space: what may be written, and what of it becomes an override."""

from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from data_gen.errors import InputError
from ecg_overlap.sweep.space import corners, override, parse_space, suggest


def test_each_form_is_read() -> None:
    space = parse_space(
        {
            "optimizer.lr": {"float": ["1e-4", 1e-2], "log": True},
            "data.batch_size": {"int": [4, 16], "step": 4},
            "aug": {"choice": ["none", "basic"]},
        }
    )
    assert space == {
        "optimizer.lr": FloatDistribution(1e-4, 1e-2, log=True),
        "data.batch_size": IntDistribution(4, 16, step=4),
        "aug": CategoricalDistribution(["none", "basic"]),
    }


@pytest.mark.parametrize(
    ("node", "what"),
    [
        (3, "3 is no distribution"),
        ({"float": [1]}, "is no distribution"),
        ({"choice": []}, "is no distribution"),
        ({"float": [2, 1]}, "low"),
        ({"float": [0, 1], "log": True}, "low"),
        ({"float": ["a", 1]}, "could not convert"),
        ({"int": [0, 1], "lag": True}, "unknown option lag"),
        ({"choice": [[96, 64]]}, "as text, in quotes"),
    ],
)
def test_anything_else_is_one_line_that_names_the_key_and_the_forms(node: Any, what: str) -> None:
    with pytest.raises(InputError) as error:
        parse_space({"optimizer.lr": node})
    line = str(error.value)
    assert line.startswith("hparams_search.space: optimizer.lr: ") and what in line
    assert "{choice: [...]}" in line and "\n" not in line


def test_an_empty_space_is_refused() -> None:
    with pytest.raises(InputError, match="is empty"):
        parse_space({})


def test_a_trial_draws_every_key_and_hydra_reads_the_overrides() -> None:
    space = parse_space(
        {
            "a": {"choice": [None]},
            "b": {"choice": [True]},
            "c": {"choice": ["[96,64]"]},
            "d": {"float": [0.5, 0.5]},
            "e": {"int": [3, 3]},
        }
    )
    trial = optuna.create_study().ask()
    assert suggest(trial, space) == ["a=null", "b=true", "c=[96,64]", "d=0.5", "e=3"]


def test_corners_hold_every_choice_and_both_ends_of_a_range() -> None:
    space = parse_space({"a": {"choice": ["x", "y", "z"]}, "b": {"int": [1, 9]}})
    assert corners(space) == [
        ["a=x", "b=1"],
        ["a=y", "b=1"],
        ["a=z", "b=1"],
        ["a=x", "b=9"],
    ]


def test_a_float_keeps_all_its_digits() -> None:
    assert float(override("lr", 0.1 + 0.2).partition("=")[2]) == 0.1 + 0.2
