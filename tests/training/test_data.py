"""Examples depend on seed and index alone; the stream goes on where it was, split over ranks."""

from itertools import islice

import numpy as np
import pytest
import torch
from configured import as_configured

from data_gen.calibration import Calibration
from data_gen.errors import InputError
from data_gen.sample import LeadSample
from ecg_overlap.augment import Augmentation
from ecg_overlap.data import (
    DrawnExamples,
    ExampleMaker,
    Repeat,
    StreamSampler,
    collate,
)
from ecg_overlap.inputs import ROW, InputSpec


class Dots:
    """A source whose pictures tell which index, seed and split were asked for."""

    def sample(self, index: int, *, seed: int = 0, split: str = "train") -> LeadSample:
        rng = np.random.default_rng([seed, index, len(split)])
        height, width = 60 + 6 * (index % 5), 200 + 10 * (index % 3)
        signal = rng.normal(size=500).astype(np.float32)
        return LeadSample(
            image=rng.integers(0, 256, (height, width, 3), dtype=np.uint8),
            target_mask=rng.integers(0, 256, (height, width), dtype=np.uint8),
            other_mask=np.zeros((height, width), np.uint8),
            signal_mv=signal,
            polyline_px=np.column_stack([np.linspace(2, width - 3, 500), 30 - signal]).astype("f4"),
            fs_hz=500.0,
            calibration=Calibration(12.0, 12.0, mm_per_mv=1 / 12, baseline_px=30.0),
        )


SPEC = InputSpec(px_per_mm=6.0)
LeadDataModule = as_configured("data", "drawn")
OverlapTraces = as_configured("aug", "overlap", "transforms", 0)


def examples(window_px: int | None = 64) -> DrawnExamples:
    make = ExampleMaker(
        SPEC, Augmentation([OverlapTraces(p=1.0)]), window_px=window_px, scale_jitter=0.05
    )
    return DrawnExamples(Dots(), make, seed=5, split="train", length=100)


def test_an_example_is_the_same_whoever_draws_it_and_when() -> None:
    first = examples()[7]
    other = examples()
    _ = other[3]
    again = other[7]
    assert torch.equal(first["image"], again["image"])
    assert torch.equal(first["mask"], again["mask"])
    assert torch.equal(first["centre"].nan_to_num(-1), again["centre"].nan_to_num(-1))


def test_examples_differ_by_index() -> None:
    assert not torch.equal(examples()[0]["image"][:, :32, :32], examples()[5]["image"][:, :32, :32])


def test_a_picture_comes_at_the_networks_scale_and_in_its_window() -> None:
    make = ExampleMaker(SPEC, window_px=64)
    example = make(Dots().sample(0), np.random.default_rng(0), lambda: Dots().sample(1))
    # 60 × 200 px at 12 px/mm are 30 × 100 at 6, of which 64 columns are kept.
    assert example["image"].shape == (6, 30, 64)
    assert example["mask"].shape == (2, 30, 64)
    assert example["mask"].min() >= 0 and example["mask"].max() <= 1


def test_a_sample_without_masks_cannot_be_trained_on() -> None:
    bare = LeadSample(image=np.zeros((40, 40, 3), np.uint8), record_id="r1")
    with pytest.raises(InputError, match="r1"):
        ExampleMaker(SPEC)(bare, np.random.default_rng(0), lambda: bare)


def test_a_batch_is_padded_to_its_largest_picture_with_paper_outside_the_crop() -> None:
    drawn = examples(window_px=None)
    batch = collate([drawn[0], drawn[4]], 32)
    assert batch["image"].shape[2] % 32 == 0 and batch["image"].shape[3] % 32 == 0
    rows, columns = drawn[0]["image"].shape[1:]
    torch.testing.assert_close(batch["image"][0, :, :rows, :columns], drawn[0]["image"])
    assert batch["image"][0, :, rows:].abs().sum() == 0
    assert batch["index"].tolist() == [0, 4]
    assert batch["centre"].shape == (2, batch["image"].shape[3])
    assert batch["centre"][0, columns:].isnan().all()  # no trace in the padding


def test_the_prompt_is_given_as_often_as_asked_for_and_about_right() -> None:
    make = ExampleMaker(SPEC, window_px=None, prompted=0.5, prompt_error_mm=0.25)
    rows = []
    sample = Dots().sample(0)
    for seed in range(60):
        prompt = make(sample, np.random.default_rng(seed), lambda: sample)["image"][ROW]
        if prompt.any():
            rows.append(int(prompt[:, 0].argmax()))
    assert 20 < len(rows) < 40
    # The baseline's row 30 is row 14.75 at half the scale; 0.25 mm are 1.5 px there.
    assert abs(np.mean(rows) - 14.75) < 1.0 and 0.7 < np.std(rows) < 2.5


def test_a_share_of_prompts_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match=r"data\.prompted"):
        ExampleMaker(SPEC, prompted=3)


def test_the_stream_goes_on_from_the_samples_seen() -> None:
    seen = {"n": 0}
    stream = StreamSampler(lambda: seen["n"], 6)
    assert list(stream) == [0, 1, 2, 3, 4, 5]
    seen["n"] = 6
    assert list(stream) == [6, 7, 8, 9, 10, 11]


def test_ranks_share_the_stream_without_overlap() -> None:
    ranks = [StreamSampler(lambda: 10, 4, rank=r, world_size=2) for r in (0, 1)]
    first, second = (list(r) for r in ranks)
    assert first == [10, 12, 14, 16] and second == [11, 13, 15, 17]


def test_overfitting_repeats_the_first_samples() -> None:
    sampler = Repeat(StreamSampler(lambda: 0, 100), 3)
    assert list(islice(sampler, 7)) == [0, 1, 2, 0, 1, 2, 0]


def test_overfitting_is_judged_on_the_samples_that_are_learnt() -> None:
    data = LeadDataModule(Dots(), SPEC, n_distinct=3, scale_jitter=0.0, window_px=64)
    assert len(data.val_set) == 3
    assert torch.equal(data.val_set[2]["image"], data.train_set[2]["image"])


def test_validation_must_not_be_the_start_of_the_training_stream() -> None:
    with pytest.raises(InputError, match="val_seed"):
        LeadDataModule(Dots(), SPEC, seed=4, val_seed=4)


@pytest.mark.parametrize("workers", [0, 2])
def test_worker_count_changes_nothing(workers: int) -> None:
    def batches(n: int) -> list[torch.Tensor]:
        data = LeadDataModule(
            Dots(),
            SPEC,
            Augmentation([OverlapTraces(p=0.5)]),
            batch_size=2,
            samples_per_epoch=6,
            num_workers=n,
            window_px=64,
        )
        return [batch["image"] for batch in data.train_dataloader()]

    for one, other in zip(batches(0), batches(workers), strict=True):
        assert torch.equal(one, other)
