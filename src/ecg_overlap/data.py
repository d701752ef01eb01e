"""Examples drawn on the fly: sample i of seed s is the same whoever draws it, and when."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import cv2
import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from data_gen.dials import as_number, as_probability
from data_gen.errors import InputError
from data_gen.sample import LeadSample
from ecg_overlap import inputs, targets
from ecg_overlap.augment import Augmentation

AUGMENT_STREAM = (
    1_000  # keeps the augmentation's draws apart from the generator's of the same index
)
Example = dict[str, Tensor]


class SampleSource(Protocol):
    """Where samples come from; `data_gen.generate.LeadGenerator` is one."""

    def sample(self, index: int, *, seed: int = 0, split: str = "train") -> LeadSample: ...


@dataclass(frozen=True)
class ExampleMaker:
    """From a sample of the generator to what the network trains on.

    Args:
        spec: The scale or size that the network wants.
        augmentation: None for validation.
        window_px: Width of the random stretch of a crop that is kept, at the network's scale;
            None keeps all.
        max_height_px: A taller crop is cut at random to this height, which bounds memory; None
            keeps all.
        scale_jitter: The scale is drawn from 1 ± this, as a found grid is never exact.
        prompted: Fraction of the examples with a prompt: the row of the primary's baseline.
        prompt_error_mm: Standard deviation of that row's error.

    Raises:
        InputError: `prompted` is no probability, or the error is negative.
    """

    spec: inputs.InputSpec
    augmentation: Augmentation | None = None
    window_px: int | None = None
    max_height_px: int | None = None
    scale_jitter: float = 0.0
    prompted: float = 0.0
    prompt_error_mm: float = 0.0

    def __post_init__(self) -> None:
        as_probability("data.prompted", self.prompted)
        as_number("data.prompt_error_mm", self.prompt_error_mm, lowest=0, highest=100)

    def __call__(
        self,
        sample: LeadSample,
        rng: np.random.Generator,
        donor: Callable[[], LeadSample],
        index: int = 0,
    ) -> Example:
        """Input channels, masks and centre line of one sample, unpadded.

        Args:
            sample: Has masks, scale and polyline.
            rng: Decides everything that is drawn here.
            donor: Draws another sample, for the augmentations that lay one over this.
            index: The sample's place in the training stream, for those that grow with it.

        Returns:
            `image` float32 (6, H, W), `mask` float32 (2, H, W) 0–1, and `centre` float32
            (W × columns_per_px,), the primary's row in each output column, NaN where it is not.
        """
        points = targets.trace_points(sample)
        if sample.target_mask is None or sample.other_mask is None or sample.calibration is None:
            raise InputError(f"sample {sample.record_id}", "has no masks", "generate it anew")
        factor = 1 + self.scale_jitter * rng.uniform(-1, 1)
        scale = sample.calibration.px_per_mm_x * factor
        shape = sample.image.shape[:2]
        size = self.spec.size_of(shape[0], shape[1], scale)
        pictures = [
            inputs.resize(p, size) for p in (sample.image, sample.target_mask, sample.other_mask)
        ]
        points = inputs.resize_points(points, shape, size)
        px_per_mm = scale * size[0] / shape[0]
        if self.spec.size_px is None:
            pictures, points = self._cut(pictures, points, rng)
        if self.augmentation is not None:
            pictures, points = self.augmentation(
                pictures, points, px_per_mm=px_per_mm, donor=donor, rng=rng, index=index
            )
        image, target, other = pictures
        shape = image.shape[:2]
        row_px = self._row_prompt(points[1], shape[1], px_per_mm, rng)
        centre = targets.centre_line(points[0], shape, max(self.spec.columns_per_px, 1))
        return {
            "image": torch.from_numpy(inputs.stack(image, *shape, row_px=row_px)),
            "mask": torch.from_numpy(np.stack([target, other]).astype(np.float32) / 255),
            "centre": torch.from_numpy(centre),
        }

    def _cut(
        self,
        pictures: list[NDArray[np.uint8]],
        points: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> tuple[list[NDArray[np.uint8]], NDArray[np.float64]]:
        height, width = pictures[0].shape[:2]
        rows = height if self.max_height_px is None else min(height, self.max_height_px)
        columns = width if self.window_px is None else min(width, self.window_px)
        top = int(rng.integers(height - rows + 1))
        left = int(rng.integers(width - columns + 1))
        cut = [p[top : top + rows, left : left + columns] for p in pictures]
        return cut, points - (left, top)

    def _row_prompt(
        self, baseline: NDArray[np.float64], width: int, px_per_mm: float, rng: np.random.Generator
    ) -> float | None:
        given, error_mm = rng.random() < self.prompted, rng.normal() * self.prompt_error_mm
        row_px = targets.baseline_row(baseline, width)
        return row_px + error_mm * px_per_mm if given and row_px is not None else None


class Examples(Dataset[Example]):
    """Examples by index, each from its own random generator.

    Args:
        seed: Seed of the stream.
        split: Side of the records drawn from.
        length: How many; the training stream has no end and is indexed by its sampler.
    """

    def __init__(self, *, seed: int, split: str, length: int) -> None:
        self.seed, self.split, self.length = seed, split, length

    def __len__(self) -> int:
        return self.length


class DrawnExamples(Examples):
    """Examples of samples that are drawn when they are asked for.

    Args:
        source: Where samples come from.
        make: What becomes of them.
        seed: See `Examples`.
        split: See `Examples`.
        length: See `Examples`.
    """

    def __init__(
        self, source: SampleSource, make: ExampleMaker, *, seed: int, split: str, length: int
    ) -> None:
        super().__init__(seed=seed, split=split, length=length)
        self.source, self.make = source, make

    def __getitem__(self, index: int) -> Example:
        rng = np.random.default_rng([self.seed, index, AUGMENT_STREAM])

        def donor() -> LeadSample:
            other = int(rng.integers(2**31))
            return self.source.sample(other, seed=self.seed, split=self.split)

        example = self.make(self.sample(index), rng, donor, index)
        example["index"] = torch.tensor(index)
        return example

    def sample(self, index: int) -> LeadSample:
        """The sample behind example `index`, as the generator drew it."""
        return self.source.sample(index, seed=self.seed, split=self.split)


class StreamSampler(Sampler[int]):
    """Walks one endless stream of sample indices, epoch after epoch, rank beside rank.

    Args:
        position: Tells how many samples all ranks together have been trained on so far; asked
            at the start of each epoch, so that a resumed run goes on with the next sample.
        length: Samples per epoch and rank.
        rank: This process among `world_size`.
        world_size: Number of processes.
    """

    def __init__(
        self, position: Callable[[], int], length: int, *, rank: int = 0, world_size: int = 1
    ) -> None:
        self.position, self.length = position, length
        self.rank, self.world_size = rank, world_size

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[int]:
        first = self.position() + self.rank
        return iter(range(first, first + self.length * self.world_size, self.world_size))


class Repeat(Sampler[int]):
    """The same first `n_distinct` samples over and over, for overfitting on purpose."""

    def __init__(self, stream: StreamSampler, n_distinct: int) -> None:
        self.stream, self.n_distinct = stream, n_distinct

    def __len__(self) -> int:
        return len(self.stream)

    def __iter__(self) -> Iterator[int]:
        return (index % self.n_distinct for index in self.stream)


def collate(examples: list[Example], multiple: int) -> Example:
    """One batch: every picture padded with blank paper to the largest, in steps of `multiple`."""
    height, width = (
        inputs.round_up(max(e["image"].shape[axis] for e in examples), multiple) for axis in (1, 2)
    )

    def padded(name: str, length: tuple[int, ...], blank: float = 0.0) -> Tensor:
        first = examples[0][name]
        batch = first.new_full((len(examples), *first.shape[: -len(length)], *length), blank)
        for slot, example in zip(batch, examples, strict=True):
            slot[tuple(slice(n) for n in example[name].shape)] = example[name]
        return batch

    per_px = examples[0]["centre"].shape[0] // examples[0]["image"].shape[2]
    return {
        "image": padded("image", (height, width)),
        "mask": padded("mask", (height, width)),
        "centre": padded("centre", (width * per_px,), torch.nan),
        "index": torch.stack([e["index"] for e in examples]),
    }


class StreamDataModule(pl.LightningDataModule):
    """A training stream without end and a validation set, split over ranks, that can be resumed.

    Args:
        train_set: Examples by index; its length is an epoch's, per process.
        val_set: Shared by the processes.
        collate: Makes a batch of examples.
        batch_size: Per process.
        num_workers: Processes that draw samples.
        n_distinct: Train on only this many samples, over and over; None for an endless stream.
    """

    def __init__(
        self,
        train_set: Examples,
        val_set: Examples,
        collate: Callable[[list[Example]], Example],
        *,
        batch_size: int,
        num_workers: int,
        n_distinct: int | None = None,
    ) -> None:
        super().__init__()
        as_number("data.batch_size", batch_size, lowest=1, highest=2**20)
        as_number("data.num_workers", num_workers, lowest=0, highest=2**10)
        self.train_set, self.val_set, self.collate = train_set, val_set, collate
        self.batch_size, self.num_workers, self.n_distinct = batch_size, num_workers, n_distinct

    def train_dataloader(self) -> DataLoader[Example]:
        """The stream from where it stands.

        Raises:
            InputError: An epoch is shorter than one optimizer step.
        """
        rank, world_size, accumulate = self._ranks()
        step = self.batch_size * accumulate
        length = len(self.train_set) // step * step
        if length == 0:
            raise InputError(
                "data.samples_per_epoch",
                f"{len(self.train_set)} do not fill one step of {self.batch_size} × {accumulate}",
                "give more, or a smaller data.batch_size or trainer.accumulate_grad_batches",
            )
        stream = StreamSampler(self.samples_seen, length, rank=rank, world_size=world_size)
        sampler = stream if self.n_distinct is None else Repeat(stream, self.n_distinct)
        return self._loader(self.train_set, sampler)

    def val_dataloader(self) -> DataLoader[Example]:
        """This process's share of the validation set.

        Raises:
            InputError: There are more processes than samples.
        """
        rank, world_size, _ = self._ranks()
        if len(self.val_set) < world_size:
            raise InputError(
                "data.n_val",
                f"{len(self.val_set)} samples for {world_size} processes",
                "give each at least one",
            )
        return self._loader(self.val_set, range(rank, len(self.val_set), world_size))

    def samples_seen(self) -> int:
        """Samples that all ranks together have been trained on, read off the step count.

        The step count is what a checkpoint restores; a sampler's own count would run ahead of
        it by whatever the workers have prefetched.
        """
        _, world_size, accumulate = self._ranks()
        steps = 0 if self.trainer is None else self.trainer.global_step
        return steps * accumulate * self.batch_size * world_size

    def _ranks(self) -> tuple[int, int, int]:
        """This process, the number of processes, and batches per optimizer step."""
        if self.trainer is None:
            return 0, 1, 1
        trainer = self.trainer
        return trainer.global_rank, trainer.world_size, trainer.accumulate_grad_batches

    def _loader(self, examples: Examples, sampler: Sampler[int] | range) -> DataLoader[Example]:
        return DataLoader(
            examples,
            batch_size=self.batch_size,
            sampler=sampler,
            num_workers=self.num_workers,
            collate_fn=self.collate,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=_one_thread,
            # A fork of a process whose libraries hold threads can hang; it did.
            multiprocessing_context="spawn" if self.num_workers else None,
            persistent_workers=self.num_workers > 0,
        )


class LeadDataModule(StreamDataModule):
    """Training and validation examples drawn from a generator while training goes on.

    Args:
        source: Where samples come from.
        spec: What the network wants.
        augmentation: Applied in training only.
        seed: Seed of the training stream.
        val_seed: Seed of the validation set.
        train_source: Where training samples come from instead of `source`.
        val_source: Where validation samples come from instead of `source`.
        batch_size: Per process.
        samples_per_epoch: Per process; an epoch is only the stretch between two validations.
            What does not fill an optimizer step is left out.
        n_val: Size of the validation set, which the processes share.
        num_workers: Processes that draw samples; 0 draws in the training process, which on a
            CPU is the faster way, as the network keeps all cores busy.
        window_px: See `ExampleMaker`.
        max_height_px: See `ExampleMaker`.
        scale_jitter: See `ExampleMaker`.
        n_distinct: Train on only this many samples, over and over, and validate on the same;
            None for an endless stream.
        prompted: See `ExampleMaker`; validation has no prompts.
        prompt_error_mm: See `ExampleMaker`.

    Raises:
        InputError: The two seeds are equal: with simulated signals the validation set would
            be the first stretch of the training stream.
    """

    def __init__(
        self,
        source: SampleSource,
        spec: inputs.InputSpec,
        augmentation: Augmentation | None = None,
        *,
        train_source: SampleSource | None = None,
        val_source: SampleSource | None = None,
        seed: int = 0,
        val_seed: int,
        batch_size: int,
        samples_per_epoch: int,
        n_val: int,
        num_workers: int,
        window_px: int | None,
        max_height_px: int | None,
        scale_jitter: float,
        n_distinct: int | None,
        prompted: float,
        prompt_error_mm: float,
    ) -> None:
        check_seeds(seed, val_seed)
        cut = partial(ExampleMaker, spec, window_px=window_px, max_height_px=max_height_px)
        train_maker = cut(
            augmentation=augmentation,
            scale_jitter=scale_jitter,
            prompted=prompted,
            prompt_error_mm=prompt_error_mm,
        )
        train_set = DrawnExamples(
            train_source or source, train_maker, seed=seed, split="train", length=samples_per_epoch
        )
        val_set = DrawnExamples(
            val_source or source, cut(), seed=val_seed, split="val", length=n_val
        )
        if n_distinct is not None:
            # Validated on the very samples that are learnt by heart, without jitter and
            # augmentation.
            val_set = DrawnExamples(
                train_set.source, cut(), seed=seed, split="train", length=n_distinct
            )
        super().__init__(
            train_set,
            val_set,
            partial(collate, multiple=spec.multiple),
            batch_size=batch_size,
            num_workers=num_workers,
            n_distinct=n_distinct,
        )

    def val_sample(self, index: int) -> LeadSample:
        """The sample behind example `index` of the validation set, as the generator drew it."""
        assert isinstance(self.val_set, DrawnExamples)
        return self.val_set.sample(index)


def check_seeds(seed: int, val_seed: int) -> None:
    """Refuse a validation set that is a stretch of the training stream.

    Raises:
        InputError: The seeds are equal.
    """
    if seed == val_seed:
        raise InputError("data.val_seed", "equal to the training seed", "choose another seed")


def _one_thread(worker: int) -> None:
    # OpenCV's own threads would fight the other workers and the network for the cores.
    cv2.setNumThreads(1)
