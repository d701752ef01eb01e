"""The visible chain from page to file: what it changes, what it never touches, its dials."""

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from data_gen.distort import LEVELS, Distorted, Distortion, distort
from data_gen.errors import InputError

PX_PER_MM = 8.0
GEOMETRY = ("rotation", "perspective", "curl", "feed", "crease", "wrinkle")
PHOTOMETRY = tuple(effect for effect in LEVELS if effect not in GEOMETRY)
# What adds or takes ink of its own, so that ink and trace no longer agree column by column.
INK = ("scribble", "gap", "fax")


def _page() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Image, mask, polyline: one dark trace on a pink grid, 160 × 320 px."""
    image = np.full((160, 320, 3), 255, np.uint8)
    image[::8] = image[:, ::8] = (255, 225, 225)
    image[::40] = image[:, ::40] = (235, 160, 160)
    x = np.linspace(20, 300, 561)
    y = 80 - 20 * np.sin(x / 20)
    line = np.stack([x, y], axis=-1).astype(np.float32)
    mask = np.zeros((160, 320), np.uint8)
    cv2.polylines(mask, [np.round(line * 16).astype(np.int32)], False, 255, 4, cv2.LINE_AA, 4)
    ink = 1 - mask[..., None] / 255 * (1 - 25 / 255)
    return (image * ink).astype(np.uint8), mask, line


def _run(dials: Distortion, seed: int = 0) -> Distorted:
    image, mask, line = _page()
    rng = np.random.default_rng(seed)
    return distort(image, [mask], [line], dials=dials, px_per_mm=PX_PER_MM, rng=rng)


def test_by_default_nothing_happens() -> None:
    image, mask, line = _page()
    done = _run(Distortion())
    np.testing.assert_array_equal(done.image, image)
    np.testing.assert_array_equal(done.masks[0], mask)
    np.testing.assert_array_equal(done.polylines[0], line)


@pytest.mark.parametrize("effect", LEVELS)
def test_every_effect_changes_the_image_and_its_input_never(effect: str) -> None:
    image, mask, line = _page()
    before = image.copy(), mask.copy(), line.copy()
    for dials in LEVELS[effect].values():
        # What has a place may miss the page once; not in five draws.
        pictures = [
            distort(
                image, [mask], [line], dials=dials, px_per_mm=PX_PER_MM,
                rng=np.random.default_rng(seed),
            ).image
            for seed in range(5)
        ]  # fmt: skip
        assert any((picture != image).any() for picture in pictures)
        assert all(picture.shape == image.shape for picture in pictures)
        assert all(picture.dtype == np.uint8 for picture in pictures)
    for given, kept in zip((image, mask, line), before, strict=True):
        np.testing.assert_array_equal(given, kept)


@pytest.mark.parametrize("effect", PHOTOMETRY)
def test_photometry_never_touches_the_truth(effect: str) -> None:
    _, mask, line = _page()
    done = _run(LEVELS[effect]["high"])
    np.testing.assert_array_equal(done.masks[0], mask)
    np.testing.assert_array_equal(done.polylines[0], line)


@pytest.mark.parametrize("effect", [e for e in PHOTOMETRY if e not in INK])
def test_photometry_leaves_the_ink_under_the_polyline(effect: str) -> None:
    """No blur, rescan or compression shifts the picture: the darkest ink stays on the trace."""
    done = _run(LEVELS[effect]["mid"], seed=3)
    gray = done.image.astype(float).mean(axis=2)
    _, _, line = _page()
    columns = np.arange(30, 290)
    near = np.round(np.interp(columns, line[:, 0], line[:, 1])).astype(int)
    rows = near + np.arange(-9, 10)[:, None]
    part = gray[rows, columns]
    dark = np.clip(part.max(axis=0) * 0.6 - part, 0, None)
    centroid = (dark * rows).sum(axis=0) / dark.sum(axis=0)
    errors = centroid - np.interp(columns, line[:, 0], line[:, 1])
    assert abs(errors.mean()) < 0.12
    assert np.quantile(np.abs(errors), 0.95) < 0.5


def test_a_fax_is_black_and_white_and_not_shifted() -> None:
    """At 3.85 px/mm a pixel is 2 px wide, so single columns are off by one; their mean is not."""
    done = _run(Distortion(fax_p=1.0, fax_px_per_mm=[3.85, 3.85], fax_threshold_frac=[0.6, 0.6]))
    assert set(np.unique(done.image)) == {0, 255}
    _, mask, line = _page()
    columns, rows = np.arange(30, 290), np.arange(160)[:, None]
    expected = np.interp(columns, line[:, 0], line[:, 1])
    ink = (done.image[:, columns, 0] == 0) & (np.abs(rows - expected) < 7)
    centroid = (ink * rows).sum(axis=0) / ink.sum(axis=0)
    assert abs((centroid - expected).mean()) < 0.25
    # Across: the picture agrees with the mask better than with one that moved by 2 px.
    wrong = [
        np.sum(np.roll(mask > 127, by, axis=1) != (done.image[..., 0] == 0)) for by in (-2, 0, 2)
    ]
    assert wrong[1] == min(wrong)


def test_a_gap_is_white_in_the_image_and_whole_in_the_mask() -> None:
    image, mask, _ = _page()
    done = _run(Distortion(gap_p=1.0, gap_count=[5, 5], gap_mm=[1.5, 1.5]))
    gone = (image[..., 0] < 60) & (done.image[..., 0] > 200)
    assert gone.sum() > 100
    assert (done.masks[0][gone] > 200).all()
    np.testing.assert_array_equal(done.masks[0], mask)


def test_a_paling_grid_keeps_the_ink() -> None:
    image, mask, _ = _page()
    done = _run(Distortion(grid_fade_p=1.0, grid_fade_frac=[1.0, 1.0]))
    assert (done.image[mask == 0] >= 250).all()  # the grid was 160–225
    core = mask == 255
    np.testing.assert_allclose(done.image[core].astype(int), image[core], atol=3)


def test_fading_pales_the_trace_and_nothing_else() -> None:
    image, mask, _ = _page()
    done = _run(LEVELS["fading"]["high"])
    np.testing.assert_array_equal(done.image[mask == 0], image[mask == 0])
    assert done.image[mask == 255].mean() > image[mask == 255].mean() + 60


def test_noise_has_the_variance_of_its_dials() -> None:
    """Of read 6 and shot 8 at level 128: √(36 + 64 · 128/255) = 8.26 gray levels."""
    gray = np.full((256, 256, 3), 128, np.uint8)
    dials = Distortion(noise_p=1.0, noise_levels=[6, 6], shot_levels=[8, 8])
    done = distort(gray, [], [], dials=dials, px_per_mm=8.0, rng=np.random.default_rng(0))
    noise = done.image.astype(float) - 128
    assert noise.std() == pytest.approx(8.26, rel=0.02)
    assert abs(noise.mean()) < 0.2
    neighbours = np.corrcoef(noise[:, 1:, 0].ravel(), noise[:, :-1, 0].ravel())[0, 1]
    assert abs(neighbours) < 0.02


def test_exposure_multiplies_every_level() -> None:
    """200 · 0.75 = 150."""
    gray = np.full((40, 60, 3), 200, np.uint8)
    dials = Distortion(exposure_p=1.0, exposure_gain=[0.75, 0.75])
    done = distort(gray, [], [], dials=dials, px_per_mm=8.0, rng=np.random.default_rng(0))
    assert np.unique(done.image).tolist() == [150]


def test_a_warm_light_takes_blue_and_a_cold_one_red() -> None:
    warm = _run(Distortion(temperature_p=1.0, temperature_k=[5000, 5000])).image.mean(axis=(0, 1))
    cold = _run(Distortion(temperature_p=1.0, temperature_k=[9000, 9000])).image.mean(axis=(0, 1))
    assert warm[2] < warm[0] - 15
    assert cold[0] < cold[2] + 5 < warm[0]


def test_gray_has_one_level_a_pixel() -> None:
    image = _run(LEVELS["gray"]["low"]).image
    assert (image == image[..., :1]).all()


def test_lower_quality_is_further_from_the_original() -> None:
    image, _, _ = _page()
    errors = [
        np.abs(_run(dials).image.astype(int) - image).mean() for dials in LEVELS["jpeg"].values()
    ]
    assert errors == sorted(errors)
    assert errors[0] > 0


def test_the_same_generator_gives_the_same_bytes_whatever_the_threads() -> None:
    dials = Distortion(**{f"{effect}_p": 1.0 for effect in LEVELS if effect != "fax"})
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        one = _run(dials, seed=7)
        cv2.setNumThreads(4)
        four = _run(dials, seed=7)
    finally:
        cv2.setNumThreads(threads)
    np.testing.assert_array_equal(one.image, four.image)
    np.testing.assert_array_equal(one.masks[0], four.masks[0])
    np.testing.assert_array_equal(one.polylines[0], four.polylines[0])
    assert (one.image != _run(dials, seed=8).image).any()


def test_a_probability_is_the_share_of_pictures() -> None:
    """Of 400 pictures at p 0.3, 120 ± 9.2 (one standard deviation) are gray."""
    small = np.full((8, 8, 3), (200, 100, 50), np.uint8)
    dials, rng = Distortion(gray_p=0.3), np.random.default_rng(0)
    gray = 0
    for _ in range(400):
        picture = distort(small, [], [], dials=dials, px_per_mm=8.0, rng=rng).image
        gray += int(picture[0, 0, 0] == picture[0, 0, 2])
    assert 85 < gray < 155


@pytest.mark.parametrize("shape", [(1, 1), (3, 700), (40, 9)])
def test_any_size_of_picture_survives_every_effect(shape: tuple[int, int]) -> None:
    image, mask = np.full((*shape, 3), 230, np.uint8), np.full(shape, 90, np.uint8)
    line = np.zeros((2, 2), np.float32)
    for effect in LEVELS:
        done = distort(
            image, [mask], [line], dials=LEVELS[effect]["high"], px_per_mm=8.0,
            rng=np.random.default_rng(0),
        )  # fmt: skip
        assert done.image.shape == (*shape, 3)
        assert done.masks[0].shape == shape


@pytest.mark.parametrize(
    ("dials", "named"),
    [
        ({"rotation_p": 1.5}, "rotation_p"),
        ({"blur_p": float("nan")}, "blur_p"),
        ({"defocus_p": float("nan")}, "defocus_p"),
        ({"defocus_p": "often"}, "defocus_p"),
        ({"defocus_p": True}, "defocus_p"),
        ({"rotation_deg": [3, -3]}, "rotation_deg"),
        ({"rotation_deg": [0, float("nan")]}, "rotation_deg"),
        ({"rotation_deg": "3"}, "rotation_deg"),
        ({"rotation_deg": [1, 2, 3]}, "rotation_deg"),
        ({"jpeg_quality": [0, 50]}, "jpeg_quality"),
        ({"crease_count": [1, 2.5]}, "crease_count"),
        ({"rescan_px_per_mm": [0, 4]}, "rescan_px_per_mm"),
    ],
)
def test_a_bad_dial_is_named(dials: dict[str, object], named: str) -> None:
    with pytest.raises(InputError, match=f"distortion.{named}"):
        Distortion(**dials)  # type: ignore[arg-type]


@pytest.mark.parametrize("page", ["scan", "fax", "photo"])
def test_the_shipped_pages_have_known_dials(page: str) -> None:
    file = Path(__file__).parents[2] / "conf" / "page" / f"{page}.yaml"
    block = yaml.safe_load(file.read_text(encoding="utf-8"))["distortion"]
    assert block.pop("_target_") == "data_gen.distort.Distortion"
    dials = Distortion(**block)
    assert not dials.is_none
    for seed in range(4):
        done = _run(dials, seed)
        assert done.masks[0].any()  # the trace is still on the picture


def test_dials_survive_a_worker_process() -> None:
    dials = Distortion(rotation_p=0.5, rotation_deg=[-1, 1])
    assert pickle.loads(pickle.dumps(dials)) == dials


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"image": np.zeros((8, 8), np.uint8)}, "image"),
        ({"masks": [np.zeros((8, 9), np.uint8)]}, "mask 0"),
        ({"polylines": [np.zeros(4, np.float32)]}, "polyline 0"),
        ({"px_per_mm": 0.0}, "px_per_mm"),
        ({"px_per_mm": float("nan")}, "px_per_mm"),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, object], named: str) -> None:
    asked: dict[str, object] = {
        "image": np.zeros((8, 8, 3), np.uint8),
        "masks": [],
        "polylines": [],
        "px_per_mm": 8.0,
    }
    with pytest.raises(InputError, match=named):
        distort(**(asked | change), dials=Distortion(), rng=np.random.default_rng(0))  # type: ignore[arg-type]
