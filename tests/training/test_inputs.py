"""Pictures reach the network at its own scale, padded with blank paper, their end marked."""

import numpy as np
import pytest

from data_gen.errors import InputError
from ecg_overlap import inputs


def test_a_picture_is_resized_to_the_networks_scale() -> None:
    spec = inputs.InputSpec(px_per_mm=6.0)
    # 100 mm × 20 mm at 12 px/mm.
    assert spec.size_of(240, 1200, 12.0) == (120, 600)


def test_the_papers_network_squashes_every_picture_to_one_size() -> None:
    spec = inputs.InputSpec(px_per_mm=None, size_px=(96, 960))
    assert spec.size_of(240, 1200, 12.0) == (96, 960)


def test_a_scale_and_a_size_exclude_each_other() -> None:
    with pytest.raises(InputError, match="not both"):
        inputs.InputSpec(px_per_mm=6.0, size_px=(96, 960))


def test_black_is_one_white_is_zero_and_one_channel_marks_the_crop() -> None:
    image = np.full((2, 3, 3), 255, np.uint8)
    image[0, 0] = 0
    channels = inputs.stack(image, 4, 5)
    assert channels.shape == (6, 4, 5)
    assert channels[:3, 0, 0].tolist() == [1, 1, 1]
    assert channels[:3].sum() == 3  # paper and padding are both blank …
    assert channels[3].sum() == 6  # … and told apart by this channel
    assert channels[3, :2, :3].all()


def test_the_height_in_the_crop_runs_from_edge_to_edge() -> None:
    channels = inputs.stack(np.full((5, 3, 3), 255, np.uint8), 8, 8)
    assert channels[4, :6, 0].tolist() == [-1, -0.5, 0, 0.5, 1, 0]


def test_a_row_that_is_known_is_a_ridge_and_else_there_is_nothing() -> None:
    image = np.full((300, 3, 3), 255, np.uint8)
    assert not inputs.stack(image, 320, 8)[inputs.ROW].any()
    prompt = inputs.stack(image, 320, 8, row_px=100.0)[inputs.ROW]
    assert prompt[100, 0] == 1 and prompt[99, 2] == prompt[101, 2] < 1
    assert prompt[100 - inputs.ROW_REACH_PX, 0] == 0 and not prompt[300:].any()


def test_points_go_where_their_pixels_go() -> None:
    image = np.zeros((40, 80), np.uint8)
    image[20:24, 40:44] = 255  # centred on (41.5, 21.5)
    small = inputs.resize(image, (20, 20))
    rows, columns = np.nonzero(small > 127)
    found = inputs.resize_points(np.array([[41.5, 21.5]]), (40, 80), (20, 20))
    np.testing.assert_allclose(found, [[columns.mean(), rows.mean()]])


@pytest.mark.parametrize(("length", "up"), [(1, 32), (32, 32), (33, 64)])
def test_sides_are_rounded_up_to_the_encoders_stride(length: int, up: int) -> None:
    assert inputs.round_up(length, 32) == up
