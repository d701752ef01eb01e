"""Training from a frozen set: the shards that `generate.py` wrote, as an endless stream."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.formats.shards import Shards
from data_gen.sample import LeadSample
from ecg_overlap.augment import Augmentation
from ecg_overlap.data import LeadDataModule, SampleSource
from ecg_overlap.inputs import InputSpec


class FrozenSamples:
    """A set of shards by the index of an endless stream: pass after pass, each in its own order.

    The order is a function of seed and index alone, so worker count, ranks and resume cannot
    change it. Shards are shuffled, and the samples within each: neighbours of the stream lie
    in one file.

    Args:
        root: Folder that `generate.py` wrote; local, as samples are read out of order.
        split: Whose records the set must hold.
        shuffle: False takes the samples as they lie.

    Raises:
        InputError: No such set, a damaged one, or one of another split.
    """

    def __init__(self, root: str | Path, *, split: str, shuffle: bool = True) -> None:
        self.shards, self.shuffle = Shards(_local(root)), shuffle
        self.sizes = np.array([part["n"] for part in self.shards.manifest["parts"]])
        if (found := self.shards.manifest["split"]) != split:
            raise InputError(
                root,
                f"a set of the split {found}, wanted {split}",
                f"write one: ecg-overlap generate split={split}",
            )

    def __len__(self) -> int:
        return len(self.shards)

    def sample(self, index: int, *, seed: int = 0, split: str = "train") -> LeadSample:
        """Sample `index` of the stream of a seed."""
        again, place = divmod(index, len(self))
        return self.shards[self._shuffled(seed, again, place) if self.shuffle else place]

    def _shuffled(self, seed: int, again: int, place: int) -> int:
        order = _order(seed, again, 0, len(self.sizes))
        ends = np.cumsum(self.sizes[order])
        nth = int(np.searchsorted(ends, place, side="right"))
        shard = int(order[nth])
        within = _order(seed, again, 1 + shard, int(self.sizes[shard]))
        first = int(self.sizes[:shard].sum())
        return first + int(within[place - (ends[nth] - self.sizes[shard])])


@lru_cache(maxsize=16)
def _order(seed: int, again: int, what: int, n: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, again, what]).permutation(n)


def _local(root: str | Path) -> Path:
    if "://" in str(root) or str(root).startswith("pipe:"):
        raise InputError(
            f"data.root={root}",
            "training reads shards out of order, and so from a local folder only",
            "fetch the set first, its manifest.json included",
        )
    return Path(root)


class ShardDataModule(LeadDataModule):
    """Training examples from shards; augmentation, windows and resume as with drawn ones.

    Args:
        source: Draws the validation set where there is no `val_root`.
        spec: What the network wants.
        augmentation: Applied in training only.
        root: Folder of a set of the split `train`.
        val_root: Folder of a set of the split `val`; its first `n_val` samples are taken.
        options: Of `LeadDataModule`.

    Raises:
        InputError: A folder that cannot be used.
    """

    def __init__(
        self,
        source: SampleSource,
        spec: InputSpec,
        augmentation: Augmentation | None = None,
        *,
        root: str | None,
        val_root: str | None,
        **options: Any,
    ) -> None:
        if root is None:
            raise InputError("data=shards", "no set was named", "give data.root=FOLDER")
        if val_root is not None:
            frozen = FrozenSamples(val_root, split="val", shuffle=False)
            options |= {"val_source": frozen, "n_val": min(options["n_val"], len(frozen))}
        train_source = FrozenSamples(root, split="train")
        super().__init__(source, spec, augmentation, train_source=train_source, **options)
