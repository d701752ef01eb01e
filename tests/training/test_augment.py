"""Augmentations change what they say, leave the primary's mask alone, and repeat by seed."""

from pathlib import Path

import albumentations as A
import hydra
import numpy as np
import pytest
from configured import as_configured
from omegaconf import OmegaConf

from data_gen.calibration import Calibration
from data_gen.errors import InputError
from data_gen.render import draw_stroke
from data_gen.sample import LeadSample
from ecg_overlap.augment import (
    AddVerticalLines,
    Augmentation,
    OverlaySignal,
    column_centres,
)

HEIGHT, WIDTH, PX_PER_MM = 120, 200, 6.0
NOWHERE = np.empty((0, 2))  # no points
CONF = Path(__file__).parents[2] / "conf" / "aug"
OverlapTraces = as_configured("aug", "overlap", "transforms", 0)


def coverage_of(points: np.ndarray) -> np.ndarray:
    """What a pen of 3 px leaves along (x, y) points."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    draw_stroke(mask, points, width_px=3.0)
    return mask


def drawn(row: float = 60.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """White paper with one level black trace, its mask, and no intruder."""
    points = np.column_stack([np.arange(WIDTH), np.full(WIDTH, row)])
    mask = coverage_of(points)
    image = np.repeat((255 - mask)[..., None], 3, axis=2)
    return image, mask, np.zeros_like(mask)


def donor() -> LeadSample:
    """Another lead: a sine of 1 mV at 1 Hz, grey paper."""
    signal = np.sin(2 * np.pi * np.arange(1000) / 500).astype(np.float32)
    return LeadSample(
        image=np.full((50, 80, 3), 77, np.uint8),
        signal_mv=signal,
        fs_hz=500.0,
        calibration=Calibration(8.0, 8.0),
    )


def augmented(transform: A.BasicTransform, seed: int = 0) -> list[np.ndarray]:
    chain = Augmentation([transform])
    rng = np.random.default_rng(seed)
    return chain(drawn(), NOWHERE, px_per_mm=PX_PER_MM, donor=donor, rng=rng)[0]


def test_the_same_generator_state_gives_the_same_augmentation() -> None:
    transform = OverlapTraces(p=0.7)
    first, second = augmented(transform, 3), augmented(transform, 3)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_different_states_give_different_augmentations() -> None:
    pictures = {augmented(OverlapTraces(p=1), seed)[0].tobytes() for seed in range(5)}
    assert len(pictures) == 5


def test_transforms_draw_apart_from_one_another() -> None:
    chain = Augmentation([A.HorizontalFlip(p=0.5), A.VerticalFlip(p=0.5)])
    points = np.array([[10.0, 20.0]])
    seen = set()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        _, moved = chain(drawn(), points, px_per_mm=6, donor=donor, rng=rng)
        seen.add(tuple((moved != points)[0].tolist()))
    assert len(seen) == 4  # neither, one, the other, both


def test_an_intruder_only_darkens_and_is_in_the_other_mask() -> None:
    before, target_before, _ = drawn()
    image, target, other = augmented(OverlapTraces(p=1, twin=0.0))
    assert (image <= before).all()
    np.testing.assert_array_equal(target, target_before)
    assert (other >= 128).any()
    darkened = (before.astype(int) - image).max(axis=2) > 100
    assert (other[darkened] >= 100).all()  # nothing dark that the mask does not know


def test_a_twin_runs_beside_the_primary_within_a_few_pens() -> None:
    _, _, other = augmented(OverlapTraces(p=1, twin=1.0, pen_mm=(0.5, 0.5)))
    gap = np.abs(column_centres(other) - 60.0)
    # 1–4 pens of 0.5 mm at 6 px/mm, and a pixel for drawing.
    assert np.nanmin(gap) > 2 and np.nanmax(gap) < 13


def test_the_papers_overlay_is_a_pasted_strip_and_the_truth_stays() -> None:
    image, target, other = augmented(OverlaySignal(strip_px=30, p=1))
    pasted = (image == 77).all(axis=2)
    assert pasted.all(axis=1).sum() == 30  # whole rows, with their own background
    np.testing.assert_array_equal(target, drawn()[1])
    assert not other.any()


def test_the_papers_vertical_lines_are_black_and_three_wide() -> None:
    image, target, _ = augmented(AddVerticalLines(n_lines=1, width_px=3, p=1))
    assert ((image == 0).all(axis=(0, 2))).sum() == 3
    np.testing.assert_array_equal(target, drawn()[1])


def test_flips_move_all_three_pictures_alike() -> None:
    image, target, other = drawn(row=20.0)
    other = np.roll(target, 40, axis=0)
    chain = Augmentation([A.VerticalFlip(p=1)])
    rng = np.random.default_rng(0)
    flipped, _ = chain((image, target, other), NOWHERE, px_per_mm=6, donor=donor, rng=rng)
    for before, after in zip((image, target, other), flipped, strict=True):
        np.testing.assert_array_equal(after, before[::-1])


@pytest.mark.parametrize(
    "moves",
    [
        [A.HorizontalFlip(p=1)],
        [A.VerticalFlip(p=1), A.HorizontalFlip(p=1)],
        [A.Rotate(limit=(5, 5), border_mode=0, fill=255, p=1)],
    ],
)
def test_the_ink_stays_under_its_points(moves: list[A.BasicTransform]) -> None:
    x = np.arange(WIDTH)
    line = np.column_stack([x, 60 + 20 * np.sin(x / 15)])
    mask = coverage_of(line)
    image = np.repeat((255 - mask)[..., None], 3, axis=2)
    rng = np.random.default_rng(0)
    (_, moved, _), points = Augmentation(moves)(
        (image, mask, np.zeros_like(mask)), line, px_per_mm=6, donor=donor, rng=rng
    )
    at = np.rint(points).astype(int)
    seen = (at >= 0).all(axis=1) & (at[:, 0] < WIDTH) & (at[:, 1] < HEIGHT)
    assert seen.sum() > 150
    assert (moved[at[seen, 1], at[seen, 0]] >= 128).mean() > 0.97


def contact_of(other: np.ndarray, target: np.ndarray) -> float:
    """Columns of the primary that another trace touches, counted pixel by pixel."""
    near = np.zeros(other.shape, bool)
    for step in (-1, 0, 1):
        near |= np.roll(other >= 128, step, axis=0)
    touched = (near & (target >= 128)).any(axis=0)
    return float(touched.sum() / (target >= 128).any(axis=0).sum())


def test_the_severity_asked_for_is_met_on_average() -> None:
    found = {}
    for asked in (0.0, 0.05, 0.15):
        # A sine that is tangent to a level trace touches it for up to a fifth of the time.
        near = {"gain": (0.3, 0.5), "offset_mm": (3.0, 18.0)}  # weak ones, which must come near
        transform = OverlapTraces(p=1, twin=0, contact=(asked, asked), **near)
        several = [augmented(transform, seed) for seed in range(12)]
        found[asked] = np.mean([contact_of(other, target) for _, target, other in several])
    assert all(abs(mean - asked) < 0.03 for asked, mean in found.items()), found


def test_the_severity_grows_with_the_index_until_the_ramp_ends() -> None:
    transform = OverlapTraces(p=1, twin=0, contact=(0.0, 0.4), ramp=1000)
    chain = Augmentation([transform])

    def mean_contact(index: int) -> float:
        found = []
        for seed in range(20):
            rng = np.random.default_rng(seed)
            (_, target, other), _ = chain(
                drawn(), NOWHERE, px_per_mm=PX_PER_MM, donor=donor, rng=rng, index=index
            )
            found.append(contact_of(other, target))
        return float(np.mean(found))

    start, middle, end = mean_contact(0), mean_contact(499), mean_contact(999)
    assert start < 0.03 < middle < end
    assert mean_contact(5000) == end


def test_a_picture_without_ink_gets_no_twin_and_no_error() -> None:
    blank = np.full((40, 60, 3), 255, np.uint8)
    none = np.zeros((40, 60), np.uint8)
    chain = Augmentation([OverlapTraces(p=1)])
    rng = np.random.default_rng(0)
    out, _ = chain((blank, none, none), NOWHERE, px_per_mm=6, donor=donor, rng=rng)
    np.testing.assert_array_equal(out[0], blank)


@pytest.mark.parametrize("name", sorted(p.stem for p in CONF.glob("*.yaml")))
def test_every_option_of_the_aug_group_runs(name: str) -> None:
    chain = hydra.utils.instantiate(OmegaConf.load(CONF / f"{name}.yaml"), _convert_="all")
    for seed in range(6):
        rng = np.random.default_rng(seed)
        changed, _ = chain(drawn(), NOWHERE, px_per_mm=6.0, donor=donor, rng=rng)
        image, target, other = changed
        assert image.dtype == target.dtype == other.dtype == np.uint8
        assert image.shape[:2] == target.shape == other.shape


@pytest.mark.parametrize(
    "dials",
    [{"contact": (0.2, 1.5)}, {"contact": (0.4, 0.1)}, {"twin": 2}, {"pen_mm": float("nan")}],
)
def test_an_impossible_dial_is_named(dials: dict[str, object]) -> None:
    with pytest.raises(InputError, match=rf"OverlapTraces\.{next(iter(dials))}"):
        OverlapTraces(**dials)
