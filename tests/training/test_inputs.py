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


def test_black_is_one_white_is_zero_and_one_plane_marks_the_crop() -> None:
    image = np.full((2, 3, 3), 255, np.uint8)
    image[0, 0] = 0
    planes = inputs.stack(image, 4, 5)
    assert planes.shape == (5, 4, 5)
    assert planes[:3, 0, 0].tolist() == [1, 1, 1]
    assert planes[:3].sum() == 3  # paper and padding are both blank …
    assert planes[3].sum() == 6  # … and told apart by this plane
    assert planes[3, :2, :3].all()


def test_the_height_in_the_crop_runs_from_edge_to_edge() -> None:
    planes = inputs.stack(np.full((5, 3, 3), 255, np.uint8), 8, 8)
    assert planes[4, :6, 0].tolist() == [-1, -0.5, 0, 0.5, 1, 0]


@pytest.mark.parametrize(("length", "up"), [(1, 32), (32, 32), (33, 64)])
def test_sides_are_rounded_up_to_the_encoders_stride(length: int, up: int) -> None:
    assert inputs.round_up(length, 32) == up
