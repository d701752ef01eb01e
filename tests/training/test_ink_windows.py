"""Windows for the network that sees ink: what they show, and that their index alone decides it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from train_process import ROOT

from data_gen.errors import InputError
from data_gen.presets import load_part
from data_gen.sample import DrawnTrace
from ecg_overlap import load_model
from ecg_overlap.ink_windows import (
    InkDataModule,
    InkWindows,
    Kind,
    LayeredPictures,
    Layers,
    cut_window,
)
from ecg_overlap.training import build, train

KINDS = (Kind("mixed"), Kind("scan", whole=True), Kind("photo"))


def windows(kinds: Sequence[Kind] = KINDS, *, per_picture: int = 2) -> InkWindows:
    return InkWindows(
        LayeredPictures(load_part("signals", "simulate"), kinds),
        size_px=(64, 128),
        px_per_mm=8.0,
        per_picture=per_picture,
        scale_jitter=0.1,
        seed=5,
        split="train",
        length=100,
    )


def picture(height: int = 100, width: int = 200, px_per_mm: float = 8.0) -> Layers:
    """White paper; ink in one row, grid in one column, a mark in one corner."""
    image = np.full((height, width, 3), 255, np.uint8)
    ink, grid, marks = np.zeros((3, height, width), np.uint8)
    ink[30], grid[:, 40], marks[-5:, -5:] = 255, 255, 255
    image[ink > 0] = 0
    return Layers(image, (ink, grid, marks), px_per_mm)


def cut(of: Layers, size_px: tuple[int, int], *, seed: int = 0, jitter: float = 0.0) -> Any:
    rng = np.random.default_rng(seed)
    return cut_window(
        of, size_px, px_per_mm=8.0, scale_jitter=jitter, rng=rng, offsets=bool(of.traces)
    )


def test_a_window_is_the_same_whoever_cuts_it_and_when() -> None:
    first, other = windows(), windows()
    later = first[7]
    _ = other[0], other[11]
    assert torch.equal(later["image"], other[7]["image"])
    assert torch.equal(later["mask"], other[7]["mask"])
    assert not torch.equal(later["image"], first[8]["image"])


def test_windows_that_follow_each_other_are_of_different_pictures() -> None:
    cutter, asked = windows(per_picture=2), []
    drawn = cutter.pictures.picture
    cutter.pictures.picture = lambda index, **of: (  # type: ignore[method-assign]
        asked.append(index) or drawn(index, **of)  # type: ignore[func-returns-value]
    )
    for index in range(9):
        cutter[index]
    # Three kinds, two windows of each: 0 1 2 0 1 2, and then 3 4 5. Each is drawn once.
    assert asked == [0, 1, 2, 3, 4, 5]


def test_a_windows_masks_lie_where_its_picture_shows_them() -> None:
    whole = cut(picture(), (100, 200))
    assert whole["image"].shape == (6, 100, 200) and whole["mask"].shape == (3, 100, 200)
    dark = whole["image"][0] > 0.5
    assert torch.equal(dark, whole["mask"][0] > 0.5)
    assert torch.equal(whole["mask"][1].nonzero()[:, 1].unique(), torch.tensor([40]))
    assert whole["mask"][2].sum() == 25


def test_a_small_picture_is_padded_with_what_is_outside_of_it() -> None:
    padded = cut(picture(50, 80), (64, 128))
    assert padded["image"].shape == (6, 64, 128)
    inside = padded["image"][3]
    assert inside[:50, :80].all() and not inside[50:].any() and not inside[:, 80:].any()
    assert not padded["mask"][:, 50:].any()


def test_a_window_comes_at_the_networks_scale() -> None:
    # 16 px/mm shrink to 8: a line of 1 px in 2 covers half of one.
    found = cut(picture(200, 400, px_per_mm=16.0), (64, 128), seed=3)
    assert found["mask"][0].max() == pytest.approx(0.5, abs=0.01)
    assert found["image"][3].all()  # 128 × 256 px of the picture fill it


def test_windows_with_ink_are_preferred() -> None:
    with_ink = [bool(cut(picture(800), (64, 128), seed=k)["mask"][0].any()) for k in range(200)]
    # A window of 64 rows at random holds row 30 in 31 of 737 places: 4 %.
    assert np.mean(with_ink) > 0.08


def test_a_windows_offsets_are_from_each_traces_own_level() -> None:
    """A level line and a peak of 8 mm on another, at twice the network's scale."""
    blank = picture(320, 400, px_per_mm=16.0)
    level, peaked = np.zeros((2, 320, 400), np.uint8)
    level[98:102], peaked[238:242] = 255, 255
    peaked[112:240, 196:204] = 255
    x = np.arange(400.0)
    lines = [np.stack([x, np.full(400, y)], axis=1) for y in (99.5, 239.5)]
    lines[1][196:204, 1] = 112
    traces = tuple(DrawnTrace(m, p) for m, p in zip((level, peaked), lines, strict=True))
    offsets = cut(replace(blank, traces=traces), (160, 200))["offsets_mm"]
    assert offsets.shape == (2, 80, 100)  # in blocks of 2 × 2 of the network's pixels
    assert offsets[0, 24, 10] == pytest.approx(0, abs=0.15)  # 98 … 101 px of 320
    assert offsets[0, 40, 50] == pytest.approx(-(239.5 - 161.5) / 16, abs=0.15)
    assert offsets[:, 10].isnan().all() and offsets[1].isnan().all()


def test_offsets_are_there_where_a_network_asks_for_them() -> None:
    kinds = (Kind("mixed"), Kind("scan", whole=True))
    signals = load_part("signals", "simulate")
    plain, asked = LayeredPictures(signals, kinds), LayeredPictures(signals, kinds, traces=True)
    for index in range(2):
        without, layers = (p.picture(index, seed=1, split="train") for p in (plain, asked))
        assert not without.traces and len(layers.traces) >= 1
        together = np.maximum.reduce([trace.mask for trace in layers.traces])
        assert (np.abs(together.astype(int) - layers.masks[0]) > 64).mean() < 0.002
    assert "offsets_mm" not in windows()[0]


def test_offsets_of_a_window_of_odd_size_are_not_stretched() -> None:
    trace = np.zeros((159, 201), np.uint8)
    trace[76:84] = 255  # about row 79.5, its level
    line = np.stack([np.arange(201.0), np.full(201, 79.5)], axis=1)
    layers = replace(picture(159, 201), traces=(DrawnTrace(trace, line),))
    offsets = cut(layers, (160, 208))["offsets_mm"][0]
    owned = offsets[:, 50][offsets[:, 50].isfinite()]
    assert owned.tolist() == pytest.approx([-0.375, -0.125, 0.125, 0.375], abs=1e-3)


def test_ink_of_two_traces_has_both_their_offsets() -> None:
    both = np.zeros((320, 400), np.uint8)
    both[150:154] = 255
    x = np.arange(400.0)
    away = [np.stack([x, np.full(400, y)], axis=1) for y in (151.5, 247.5)]
    traces = tuple(DrawnTrace(both, line) for line in away)
    offsets = cut(replace(picture(320, 400, px_per_mm=16.0), traces=traces), (160, 200))
    found = sorted(float(mm) for mm in offsets["offsets_mm"][:, 37, 20])
    assert found == pytest.approx([-6, 0], abs=0.15)


def test_a_level_is_where_a_trace_is_most_of_two_seconds() -> None:
    """It follows a sloping paper, and no peak; beyond the trace's ends it stays as it is there."""
    x = np.arange(100.0, 900.0)
    y = 300 + 0.05 * x
    y[400:440] -= 120
    layers = picture(400, 1000)
    trace = DrawnTrace(layers.masks[0], np.stack([x, y], axis=1))
    (level,) = replace(layers, traces=(trace,)).levels_px
    np.testing.assert_allclose(level[300:700], 300 + 0.05 * np.arange(300, 700), atol=2.5)
    assert level[0] == level[99] and level[950] == level[-1]


def test_a_whole_page_has_letters_beside_its_traces() -> None:
    values = {"page": {"header": 1.0, "lead_names": "above", "pulse": "left"}}
    page = LayeredPictures(
        load_part("signals", "simulate"), [Kind("clean", whole=True, values=values)]
    ).picture(0, seed=1, split="train")
    ink, grid, marks = page.masks
    assert page.image.shape[:2] == ink.shape == grid.shape == marks.shape
    assert (marks > 200).sum() > 1000 and (ink > 200).sum() > 1000


def test_a_kind_that_no_record_can_give_says_so() -> None:
    values = {"overlap": {"contact": [0.99, 1.0], "tolerance": 0.001, "tries": 1, "above": 0}}
    pictures = LayeredPictures(load_part("signals", "simulate"), [Kind("clean", values=values)])
    with pytest.raises(InputError, match="no sample reached"):
        pictures.picture(0, seed=0, split="train")


def composed(run: Path, *overrides: str) -> DictConfig:
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return compose("train", ["debug=fast_ink", f"run_dir={run}", *overrides])


GROUPS = ("data=ink_windows", "model=ink", "loss=ink", "aug=none", "scheduler=warm_up_cool_down")


def test_the_network_is_trained_and_its_checkpoint_loads(tmp_path: Path) -> None:
    scores = train(composed(tmp_path, *GROUPS, "callbacks.checkpoint.monitor=val/iou_ink"))
    assert {"val/iou_ink", "val/iou_grid", "val/iou_marks"} < set(scores)
    network = load_model(tmp_path / "checkpoints" / "last.ckpt")
    assert network.model.input_spec.masks == ("ink", "grid", "marks")


def test_overfitting_is_judged_on_the_windows_that_are_learnt(tmp_path: Path) -> None:
    overrides = ("data.n_distinct=3", "data.scale_jitter=0", "data.samples_per_epoch=6")
    _, data, _ = build(composed(tmp_path, *GROUPS, *overrides))

    def of(batch: dict[str, torch.Tensor]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        return zip(batch["index"], batch["image"], strict=True)

    assert isinstance(data, InkDataModule) and len(data.val_set) == 3
    learnt = {int(k): image for b in data.train_dataloader() for k, image in of(b)}
    judged = {int(k): image for b in data.val_dataloader() for k, image in of(b)}
    assert learnt.keys() == judged.keys() == {0, 1, 2}
    assert all(torch.equal(learnt[k], judged[k]) for k in learnt)


def test_the_experiment_runs(tmp_path: Path) -> None:
    cfg = composed(tmp_path, "experiment=ink")
    if not (ROOT / cfg.signals.ptbxl.root).is_dir():
        pytest.skip(f"needs the records of {cfg.signals.ptbxl.root}")
    train(cfg)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("data=ink_windows",), "take model=ink"),
        ((*GROUPS[:3], "aug=overlap"), "give aug=none"),
        ((*GROUPS, "data.kinds=[{pages: scan}]"), "data.kinds"),
        ((*GROUPS, "data.kinds=[{page: scna}]"), "page=scna"),
        ((*GROUPS, "seed=3", "data.val_seed=3"), "data.val_seed"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(
    overrides: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    small = ["debug=fast_ink"] if "model=ink" in overrides else []
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        cfg = compose("train", [*small, f"run_dir={tmp_path}", *overrides])
    with pytest.raises(InputError, match=said):
        train(cfg)
