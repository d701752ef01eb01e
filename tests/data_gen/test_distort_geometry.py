"""The coordinate map: image, masks and polylines go the same way, whatever the geometry."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_gen.distort import LEVELS, Distortion, distort
from data_gen.distort.geometry import draw_warp
from data_gen.distort.warp import Ridge, Warp, warp_image, warp_mask

PX_PER_MM = 8.0
SHAPE = (200, 400)

geometries = st.fixed_dictionaries(
    {
        "rotation_deg": st.floats(-8, 8),
        "perspective_frac": st.floats(0, 0.1),
        "curl_mm": st.floats(0, 4),
        "feed_frac": st.floats(0, 0.06),
        "crease_mm": st.floats(0, 0.8),
        "wrinkle_mm": st.floats(0, 0.3),
    }
)
seeds = st.integers(0, 2**32 - 1)


def _dials(values: dict[str, float]) -> Distortion:
    effects = ("rotation", "perspective", "curl", "feed", "crease", "wrinkle")
    spans = {name: [value, value] for name, value in values.items()}
    return Distortion(**{f"{name}_p": 1.0 for name in effects}, **spans, wrinkle_frac=[0, 0])


def _warp(values: dict[str, float], seed: int, *, shape=SHAPE, px_per_mm=PX_PER_MM) -> Warp:
    rng = np.random.default_rng(seed)
    return draw_warp(shape, dials=_dials(values), px_per_mm=px_per_mm, rng=rng)


def _trace() -> tuple[np.ndarray, np.ndarray]:
    """A smooth trace 4 px wide as a polyline and its coverage; away from the borders."""
    x = np.linspace(60, 340, 561)
    y = 100 - 25 * np.sin(x / 18) * np.exp(-(((x - 200) / 90) ** 2))
    line = np.stack([x, y], axis=-1).astype(np.float32)
    mask = np.zeros(SHAPE, np.uint8)
    cv2.polylines(mask, [np.round(line * 16).astype(np.int32)], False, 255, 4, cv2.LINE_AA, 4)
    return line, mask


def _worst_px(coverage: np.ndarray, line: np.ndarray) -> float:
    """Largest distance between a column's ink centroid and the polyline."""
    columns = np.arange(int(np.nanmin(line[:, 0])) + 6, int(np.nanmax(line[:, 0])) - 5)
    columns = columns[(columns >= 0) & (columns < coverage.shape[1])]
    rows = np.arange(coverage.shape[0])[:, None]
    ink = coverage[:, columns].astype(float)
    whole = (ink[0] == 0) & (ink[-1] == 0) & (ink.sum(axis=0) > 0)
    centroid = (ink * rows).sum(axis=0) / np.maximum(ink.sum(axis=0), 1)
    expected = np.interp(columns, line[:, 0], line[:, 1])
    upright = np.abs(centroid - expected) / np.hypot(1, np.gradient(expected))
    assert whole.sum() > 100  # otherwise the comparison would say nothing
    return float(upright[whole].max())


@settings(max_examples=60, deadline=None)
@given(values=geometries, seed=seeds)
def test_the_way_back_undoes_the_way_forth(values: dict[str, float], seed: int) -> None:
    warp = _warp(values, seed)
    points = np.random.default_rng(seed).uniform((0, 0), SHAPE[::-1], (200, 2))
    np.testing.assert_allclose(warp.backward(warp.forward(points)), points, atol=2e-3)


@settings(max_examples=40, deadline=None)
@given(values=geometries, seed=seeds)
def test_ink_lies_under_the_polyline(values: dict[str, float], seed: int) -> None:
    line, mask = _trace()
    page = cv2.cvtColor(255 - mask, cv2.COLOR_GRAY2RGB)
    dials = _dials(values | {"crease_mm": 0.0})  # a visible crease would be ink of its own
    dials = Distortion(**(vars(dials) | {"crease_p": 0.0}))
    rng = np.random.default_rng(seed)
    done = distort(page, [mask], [line], dials=dials, px_per_mm=PX_PER_MM, rng=rng)
    assert _worst_px(done.masks[0], done.polylines[0]) < 0.5
    assert _worst_px(255 - done.image[..., 0], done.polylines[0]) < 0.5


@settings(max_examples=40, deadline=None)
@given(values=geometries, seed=seeds)
def test_the_mask_is_the_image_of_its_ink(values: dict[str, float], seed: int) -> None:
    _, mask = _trace()
    warp = _warp(values, seed)
    maps = warp.maps()
    page = cv2.cvtColor(255 - mask, cv2.COLOR_GRAY2RGB)
    ink = 255 - warp_image(page, maps, outside=(255.0, 255.0, 255.0))[..., 1]
    difference = np.abs(ink.astype(int) - warp_mask(mask, warp, maps))
    assert difference.max() <= 1  # of 255: the rounding of the interpolation


@pytest.mark.parametrize("px_per_mm", [3.0, 8.0, 15.7])
def test_the_map_follows_the_formula(px_per_mm: float) -> None:
    """The map that is computed on coarse cells, against the exact way back at every pixel."""
    values = {
        "rotation_deg": 2.0,
        "perspective_frac": 0.05,
        "curl_mm": 3.0,
        "feed_frac": 0.03,
        "crease_mm": 0.4,
        "wrinkle_mm": 0.1,
    }
    for seed in range(5):
        warp = _warp(values, seed, px_per_mm=px_per_mm)
        whole, part = warp.maps()
        found = whole + np.stack([part & 31, part >> 5], axis=-1) / 32  # remap's fixed point
        grid = np.stack(np.meshgrid(np.arange(SHAPE[1]), np.arange(SHAPE[0])), axis=-1)
        assert np.abs(found - warp.backward(grid.astype(float))).max() < 0.2


def test_a_known_shift_moves_the_mask_by_whole_pixels() -> None:
    """A homography that moves by (+5, −3): the pixel (x 100, y 50) goes to (105, 47)."""
    shift = np.array([[1.0, 0, 5], [0, 1, -3], [0, 0, 1]])
    warp = Warp(SHAPE, shift)
    mask = np.zeros(SHAPE, np.uint8)
    mask[50, 100] = 200
    moved = warp_mask(mask, warp, warp.maps())
    assert moved[47, 105] == 200
    assert np.count_nonzero(moved) == 1
    np.testing.assert_allclose(warp.forward(np.array([[100.0, 50.0]])), [[105.0, 47.0]])


def test_rotation_turns_counterclockwise_about_the_centre() -> None:
    """By 90° in a picture with y down, (cx + 10, cy) goes to (cx, cy − 10)."""
    dials = Distortion(rotation_p=1.0, rotation_deg=[45, 45])
    warp = draw_warp((101, 101), dials=dials, px_per_mm=8.0, rng=np.random.default_rng(0))
    step = 10 / np.sqrt(2)
    np.testing.assert_allclose(
        warp.forward(np.array([[50.0, 50.0], [60.0, 50.0]])),
        [[50.0, 50.0], [50 + step, 50 - step]],
        atol=1e-6,
    )


def test_a_bump_moves_the_point_on_its_crest_by_its_shift() -> None:
    """At the crest profile = 1, so what is seen at u = 100 is the page's point 100 + 3."""
    ridge = Ridge((1.0, 0.0), offset_px=100.0, width_px=20.0, shift_px=(3.0, 0.0), wave=False)
    warp = Warp(SHAPE, np.eye(3), (ridge,))
    np.testing.assert_allclose(warp.backward(np.array([[100.0, 40.0]])), [[103.0, 40.0]])
    np.testing.assert_allclose(warp.forward(np.array([[103.0, 40.0]])), [[100.0, 40.0]], atol=1e-3)


def test_a_missing_sample_keeps_its_x_between_its_neighbours() -> None:
    line = np.array([[np.nan, np.nan], [10, 20], [30, np.nan], [50, 60]], np.float32)
    page = np.full((*SHAPE, 3), 255, np.uint8)
    dials = LEVELS["curl"]["high"]
    rng = np.random.default_rng(1)
    done = distort(page, [], [line], dials=dials, px_per_mm=PX_PER_MM, rng=rng)
    moved = done.polylines[0]
    assert np.isnan(moved[:, 1]).tolist() == [True, False, True, False]
    assert np.isnan(moved[0, 0])
    level = done.warp.forward(np.array([[30.0, 40.0]]))  # halfway between y 20 and y 60
    assert moved[2, 0] == pytest.approx(level[0, 0], abs=1e-3)
    assert moved.dtype == np.float32


def test_a_part_of_the_picture_is_the_same_picture() -> None:
    values = dict.fromkeys(("crease_mm", "wrinkle_mm"), 0.2)
    values |= {"rotation_deg": 3.0, "perspective_frac": 0.03, "curl_mm": 2.0, "feed_frac": 0.02}
    warp = _warp(values, seed=3)
    box = slice(20, 150), slice(-10, 300)
    page = warp.seen_in(box)
    part = warp.part(page, box)
    assert part.shape == (130, 310)
    points = np.random.default_rng(0).uniform((-10, 20), (299, 149), (100, 2))
    inside = part.backward(points - (-10, 20))
    origin = np.array((page[1].start, page[0].start))
    np.testing.assert_allclose(inside + origin, warp.backward(points), atol=1e-6)
    assert (inside >= 1).all()  # all that is seen is drawn, with what the map reads beside it
    assert (inside <= (page[1].stop - origin[0] - 2, page[0].stop - origin[1] - 2)).all()
    assert [round(ridge.slope, 9) for ridge in part.ridges] == [
        round(ridge.slope, 9) for ridge in warp.ridges
    ]


def test_polylines_keep_their_order_and_length() -> None:
    lines = [np.full((n, 2), 10.0 * n, np.float32) for n in (3, 0, 5)]
    page = np.full((*SHAPE, 3), 255, np.uint8)
    rng = np.random.default_rng(2)
    done = distort(page, [], lines, dials=LEVELS["rotation"]["high"], px_per_mm=PX_PER_MM, rng=rng)
    assert [len(line) for line in done.polylines] == [3, 0, 5]
    expected = done.warp.forward(lines[2])
    np.testing.assert_allclose(done.polylines[2], expected, rtol=1e-6)


def test_the_steepest_dials_do_not_fold_the_page() -> None:
    """A bow of 200 mm would fold the page over itself: it is weakened until it does not."""
    dials = Distortion(
        curl_p=1.0, curl_mm=[200, 200], crease_p=1.0, crease_count=[9, 9], crease_mm=[50, 50]
    )
    warp = draw_warp(SHAPE, dials=dials, px_per_mm=8.0, rng=np.random.default_rng(3))
    assert sum(ridge.slope for ridge in warp.ridges) == pytest.approx(0.5)
    points = np.random.default_rng(4).uniform((0, 0), SHAPE[::-1], (100, 2))
    np.testing.assert_allclose(warp.backward(warp.forward(points)), points, atol=2e-3)


def test_the_feed_changes_the_scale_along_x_by_no_more_than_its_dial() -> None:
    dials = Distortion(feed_p=1.0, feed_frac=[0.02, 0.02])
    x = np.arange(0, 4000, 4.0)
    for seed in range(8):
        warp = draw_warp((200, 4000), dials=dials, px_per_mm=8, rng=np.random.default_rng(seed))
        seen = warp.forward(np.stack([x, np.full_like(x, 100)], axis=-1))
        stretch = np.diff(seen[:, 0]) / 4
        assert np.abs(1 / stretch - 1).max() < 0.02 + 1e-3
        assert np.abs(1 / stretch - 1).max() > 0.004  # and it does change it
        np.testing.assert_allclose(seen[:, 1], 100, atol=1e-6)


def test_beyond_the_page_lies_paper_and_no_trace() -> None:
    page = np.full((*SHAPE, 3), (250, 240, 230), np.uint8)
    mask = np.full(SHAPE, 255, np.uint8)
    rng = np.random.default_rng(5)
    done = distort(page, [mask], [], dials=LEVELS["rotation"]["high"], px_per_mm=PX_PER_MM, rng=rng)
    assert (done.image == (250, 240, 230)).all()
    assert done.masks[0][0, 0] == 0 or done.masks[0][0, -1] == 0
