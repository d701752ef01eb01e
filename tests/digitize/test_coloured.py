"""Traces in colour: on a grid of another colour, and of the same."""

import numpy as np
import pytest
from drawn import beats, drawn, snr_db
from numpy.typing import NDArray

from ecg_overlap.digitize.grid import Illumination, find_grid
from ecg_overlap.digitize.ink.coloured import may_be_coloured, with_black_ink, with_black_strokes
from ecg_overlap.digitize.lead import digitize_lead

TRUTH = drawn()
BLUE, RED = (30, 60, 220), (200, 30, 30)


def in_colour(colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    """The lead of `TRUTH` on its red grid, in a colour; a black word beside it."""
    share = TRUTH.mask[..., None] / 255.0
    bare = np.full_like(TRUTH.image, 255)
    for step, line in ((8, (255, 225, 225)), (40, (205, 121, 106))):
        bare[::step] = bare[:, ::step] = line
    image = np.rint(bare * (1 - share) + np.array(colour) * share).astype(np.uint8)
    image[-22:-6, 20:26] = image[-22:-6, 34:40] = image[-16:-12, 20:40] = 0
    return image


@pytest.mark.parametrize("colour", [BLUE, RED, (160, 20, 160)])
def test_a_coloured_trace_is_read(colour: tuple[int, int, int]) -> None:
    lead = digitize_lead(in_colour(colour))
    n = min(len(lead.signal_mv), len(TRUTH.signal_mv))
    seen = np.isfinite(lead.signal_mv[:n])
    assert seen.mean() > 0.95
    assert snr_db(TRUTH.signal_mv[:n][seen], lead.signal_mv[:n][seen]) > 15
    assert "path_invented" not in lead.flags


@pytest.mark.parametrize("colour", [BLUE, RED])
def test_its_ink_turns_black_and_the_grid_keeps_its_colour(colour: tuple[int, int, int]) -> None:
    light = Illumination(in_colour(colour))
    black = with_black_ink(light, px_per_mm=8.0, grid=find_grid(light.image)).image
    core = (TRUTH.mask == 255)[:, 30:-30]
    assert np.median(black[:, 30:-30][core].max(axis=1)) < 40
    free = TRUTH.mask == 0
    free[-24:] = False
    change = np.abs(black.astype(int) - light.image).max(axis=2)
    assert np.percentile(change[free], 95) < 30


def test_a_black_trace_is_left_as_it_is() -> None:
    light = Illumination(TRUTH.image)
    assert not may_be_coloured(light)
    assert with_black_ink(light, px_per_mm=8.0, grid=None) is light
    assert with_black_strokes(light) is light


def test_a_pale_trace_on_a_strong_grid_is_no_coloured_one() -> None:
    """The grid takes away more light than the trace; its colour is not the trace's."""
    share = 0.45 * drawn(beats()).mask[..., None] / 255.0
    image = np.full_like(TRUTH.image, 255)
    image[::40] = image[:, ::40] = image[1::40] = image[:, 1::40] = (230, 60, 60)
    image = np.rint(image * (1 - share)).astype(np.uint8)
    light = Illumination(image)
    grid = find_grid(image, near_px_per_mm=8.0)
    assert with_black_ink(light, px_per_mm=8.0, grid=grid) is light
