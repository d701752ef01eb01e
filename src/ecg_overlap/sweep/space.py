"""The search space: overrides of `train.py` and the values that each may take."""

from collections.abc import Mapping
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import Trial

from data_gen.errors import InputError

Space = dict[str, BaseDistribution]
Value = None | bool | int | float | str
FORMS = "write {float: [low, high]}, {int: [low, high]} or {choice: [...]}"


def parse_space(tree: Mapping[str, Any]) -> Space:
    """Distributions by override.

    Args:
        tree: For each override of `train.py` one of `{float: [low, high], log: bool, step: float}`,
            `{int: [low, high], log: bool, step: int}`, `{choice: [values]}`.

    Raises:
        InputError: The space is empty or a line of it is none of these.

    Example:
        >>> parse_space({"optimizer.lr": {"float": [1e-4, 1e-2], "log": True}})
        {'optimizer.lr': FloatDistribution(high=0.01, log=True, low=0.0001, step=None)}
    """
    if not tree:
        raise InputError("hparams_search.space", "is empty", "name what is to be searched")
    return {key: _distribution(key, node) for key, node in tree.items()}


def _distribution(key: str, node: Any) -> BaseDistribution:
    where = f"hparams_search.space: {key}"
    try:
        match node:
            case {"float": [low, high], **more}:
                return FloatDistribution(float(low), float(high), **_options(more))
            case {"int": [low, high], **more}:
                return IntDistribution(int(low), int(high), **_options(more))
            case {"choice": [_, *_] as values, **more} if not more:
                return CategoricalDistribution([_choice(value) for value in values])
    except (TypeError, ValueError) as error:
        raise InputError(where, " ".join(str(error).split()).rstrip("."), FORMS) from error
    raise InputError(where, f"{node} is no distribution", FORMS)


def _options(more: Mapping[Any, Any]) -> dict[str, Any]:
    unknown = more.keys() - {"log", "step"}
    if unknown:
        raise ValueError(f"unknown option {', '.join(map(str, unknown))}")
    return {str(name): value for name, value in more.items()}


def _choice(value: Any) -> Value:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(f"write the choice {value} as text, in quotes")


def suggest(trial: Trial, space: Space) -> list[str]:
    """The trial's overrides, `key=value`, drawn by the study's sampler."""
    return [override(key, _suggested(trial, key, d)) for key, d in space.items()]


def _suggested(trial: Trial, key: str, distribution: BaseDistribution) -> Value:
    match distribution:
        case FloatDistribution(low=low, high=high, step=step, log=log):
            return trial.suggest_float(key, low, high, step=step, log=log)
        case IntDistribution(low=low, high=high, step=step, log=log):
            return trial.suggest_int(key, low, high, step=step, log=log)
        case CategoricalDistribution(choices=choices):
            return trial.suggest_categorical(key, choices)
    raise AssertionError(distribution)


def override(key: str, value: Value) -> str:
    """`key=value` as Hydra reads it.

    Example:
        >>> override("test", None), override("trainer.deterministic", True)
        ('test=null', 'trainer.deterministic=true')
    """
    if value is None:
        return f"{key}=null"
    return f"{key}={str(value).lower() if isinstance(value, bool) else value}"


def corners(space: Space) -> list[list[str]]:
    """Override lists in which every choice and every end of a range occurs once."""
    ends = {key: _ends(distribution) for key, distribution in space.items()}
    first = [override(key, values[0]) for key, values in ends.items()]
    lists = [first]
    for index, (key, values) in enumerate(ends.items()):
        lists += [[*first[:index], override(key, v), *first[index + 1 :]] for v in values[1:]]
    return lists


def _ends(distribution: BaseDistribution) -> list[Value]:
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return [distribution.low, distribution.high]
