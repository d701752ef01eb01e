"""A weighted mixture of signal sources."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from data_gen.dials import as_number
from data_gen.errors import InputError
from data_gen.sample import Record

if TYPE_CHECKING:
    from data_gen.signals import SignalSource


@dataclass(frozen=True, init=False)
class Mix:
    """Draws each record from one of several sources.

    Args:
        weights: How often each is drawn from, relative to the others.
        sources: By name, keyword by keyword: Hydra would turn sources inside a mapping into
            configurations.
        held_back: Names of the sources that validation and test records are drawn from; none:
            all. The others serve training alone.

    Raises:
        InputError: No source, a source without weight or the other way round, weights that
            are negative or all 0, or a held-back name that is no source with a weight.

    Example:
        >>> from data_gen.signals import Simulate
        >>> mix = Mix(weights={"a": 3, "b": 1}, a=Simulate(), b=Simulate(fs_hz=250))
        >>> mix.draw(np.random.default_rng(0)).fs_hz
        500.0
    """

    weights: Mapping[str, float]
    sources: Mapping[str, "SignalSource"]
    held_back: tuple[str, ...]

    def __init__(
        self,
        *,
        weights: Mapping[str, float],
        held_back: Sequence[str] = (),
        **sources: "SignalSource",
    ) -> None:
        if not sources or set(sources) != set(weights):
            raise InputError(
                "mix",
                f"the sources are {sorted(sources)}, the weights of {sorted(weights)}",
                "give each source one weight",
            )
        for name, weight in weights.items():
            as_number(f"mix.weights.{name}", weight, lowest=0, highest=1e9)
        if not sum(weights.values()):
            raise InputError("mix", "all weights are 0", "give one source a weight")
        for name in held_back:
            if not weights.get(name):
                remedy = f"choose of {sorted(n for n in weights if weights[n])}"
                raise InputError("mix.held_back", f"no source {name!r} with a weight", remedy)
        object.__setattr__(self, "weights", dict(weights))
        object.__setattr__(self, "sources", sources)
        object.__setattr__(self, "held_back", tuple(held_back))

    def draw(self, rng: np.random.Generator, *, split: str = "train") -> Record:
        """A record of the split from a source drawn by weight."""
        names = self._names(split)
        weights = np.array([self.weights[name] for name in names], np.float64)
        name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
        return self.sources[name].draw(rng, split=split)

    def record_ids(self, split: str) -> tuple[str, ...]:
        """Every record of a split that a file-backed source among these may draw."""
        ids: list[str] = []
        for name in self._names(split):
            if (of_source := getattr(self.sources[name], "record_ids", None)) is not None:
                ids.extend(of_source(split))
        return tuple(ids)

    def _names(self, split: str) -> list[str]:
        return list(self.sources if split == "train" or not self.held_back else self.held_back)
