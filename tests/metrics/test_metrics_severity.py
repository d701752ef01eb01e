import math
from pathlib import Path

import numpy as np
import pytest

from data_gen.errors import InputError
from data_gen.formats.lead_crops import LeadCrops
from ecg_overlap.metrics.severity import (
    contact_bin,
    contact_columns,
    estimated_intrusion,
    samples_in_contact,
    subsets,
)

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "lead_crop_format"


def band(top, bottom, *, height=40, columns=slice(0, 20), width=20):
    mask = np.zeros((height, width), np.uint8)
    mask[top : bottom + 1, columns] = 255
    return mask


@pytest.mark.parametrize(
    ("contact", "label"),
    [
        (0.0, "0"),
        (1e-9, "(0,5]"),
        (0.05, "(0,5]"),
        (0.0501, "(5,15]"),
        (0.15, "(5,15]"),
        (0.30, "(15,30]"),
        (0.3001, ">30"),
        (1.0, ">30"),
    ],
)
def test_bins_are_open_below_and_closed_above(contact, label):
    assert contact_bin(contact) == label


@pytest.mark.parametrize("contact", [-0.1, 1.1, 15, math.nan])
def test_a_contact_is_a_fraction(contact):
    with pytest.raises(InputError, match="fraction"):
        contact_bin(contact)


def test_subsets_follow_intrusion_and_contact():
    nan = math.nan
    found = subsets(
        np.array([0.0, 0.0019, 0.002, 0.5, 0.5, 0.0, 0.2, nan]),
        np.array([0.0, 0.0, 0.05, 0.0501, 0.31, nan, nan, nan]),
    )
    assert {name: np.flatnonzero(mask).tolist() for name, mask in found.items()} == {
        "all": [0, 1, 2, 3, 4, 5, 6, 7],
        "clean": [0, 1, 5],
        "overlap": [2, 3, 4, 6],
        "contact:0": [0, 1],
        "contact:(0,5]": [2],
        "contact:(5,15]": [3],
        "contact:>30": [4],
        # Binned by intrusion only where the contact is not known.
        "intrusion:0": [5],
        "intrusion:(15,30]": [6],
    }


@pytest.mark.parametrize(("intrusion", "contact"), [(90.0, 0.1), (0.1, -0.1)])
def test_intrusion_and_contact_are_fractions(intrusion, contact):
    with pytest.raises(InputError, match="fraction"):
        subsets(np.array([intrusion]), np.array([contact]))


@pytest.mark.parametrize(
    ("other_top", "touches"),
    [(15, True), (16, True), (17, True), (18, False)],
    ids=["shared row", "gap 0", "gap 1", "gap 2"],
)
def test_contact_is_a_gap_of_at_most_one_pixel(other_top, touches):
    target = band(11, 15)
    below = contact_columns(target, band(other_top, other_top + 4, columns=slice(3, 8)))
    assert below[3:8].all() == touches
    assert not below[:3].any()
    assert not below[8:].any()
    # The same from above.
    flipped = contact_columns(target[::-1], band(other_top, other_top + 4)[::-1])
    assert flipped.all() == touches


def test_contact_is_the_same_for_coverage_probabilities_and_bool():
    target, other = band(11, 15), band(17, 20, columns=slice(3, 8))
    columns = contact_columns(target, other)
    assert columns.sum() == 5
    np.testing.assert_array_equal(contact_columns(target > 0, other / 255), columns)


def test_masks_of_two_images_are_an_error():
    with pytest.raises(InputError, match="one image"):
        contact_columns(band(1, 2), band(1, 2, width=30))


def test_a_sample_belongs_to_the_column_whose_pixel_it_lies_in():
    columns = np.array([False, True, False, True])
    x_px = [-0.6, 0.4, 0.5, 1.49, 1.5, 3.4, 3.5, 99, np.nan]
    expected = [False, False, True, True, False, True, False, False, False]
    np.testing.assert_array_equal(samples_in_contact(columns, x_px), expected)


def picture(*masks):
    image = np.full((*masks[0].shape, 3), 255, np.uint8)
    for mask in masks:
        image[mask > 0] = 0
    return image


def test_estimated_intrusion_counts_columns_with_more_than_3_px_of_stray_ink():
    target = band(5, 8)
    four = band(25, 28, columns=slice(0, 5))  # 4 px: intrudes in 5 of 20 columns
    three = band(25, 27, columns=slice(10, 15))  # 3 px: does not
    assert estimated_intrusion(picture(target, four, three), target) == 5 / 20


def test_ink_within_4_px_of_the_mask_is_the_traces_own():
    target = band(5, 8)
    # Rows 9–12 are within 4 px, 13–15 are only three more.
    assert estimated_intrusion(picture(target, band(9, 15)), target) == 0
    assert estimated_intrusion(picture(target, band(9, 16)), target) == 1


def test_only_dark_ink_and_only_the_primarys_columns_count():
    target = band(5, 8, columns=slice(0, 10))
    image = picture(target, band(25, 28, columns=slice(10, 20)))
    assert estimated_intrusion(image, target) == 0
    image[25:29, :5] = (100, 100, 100)
    assert estimated_intrusion(image, target) == 0
    image[25:29, :5] = (99, 99, 99)
    assert estimated_intrusion(image, target) == 5 / 10


def test_masks_without_a_trace_are_an_error():
    blank = np.full((40, 20, 3), 255, np.uint8)
    with pytest.raises(InputError, match="no trace"):
        estimated_intrusion(blank, np.zeros((40, 20), np.uint8))
    with pytest.raises(InputError, match="its own mask"):
        estimated_intrusion(blank, np.zeros((41, 20), np.uint8))


def test_real_crops_separate_into_clean_and_overlapping():
    if not DATA.is_dir():
        pytest.skip(f"{DATA} is not here")

    def estimate(name):
        crop = crops[crops.names.index(name)]
        return estimated_intrusion(crop.image, crop.target_mask)

    crops = LeadCrops(DATA)
    # Looked at: the first stands alone, through the second two neighbours run.
    assert estimate("10_3by1_lead_0") == 0
    assert estimate("7_3by4_lead_7") > 0.9
