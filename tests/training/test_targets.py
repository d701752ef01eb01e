"""The centre line a coordinate head learns: the polyline, read at the output's own columns."""

import numpy as np
import pytest

from data_gen import make_sample
from data_gen.errors import InputError
from data_gen.sample import LeadSample
from ecg_overlap.targets import baseline_row, centre_line, trace_points


def test_the_line_is_read_at_the_middle_of_each_output_column() -> None:
    points = np.array([[0.0, 0.0], [10.0, 10.0]])
    # Two columns per pixel: centres at -0.25, 0.25, 0.75, …; the trace begins at 0.
    found = centre_line(points, (20, 4), 2)
    np.testing.assert_allclose(found, [np.nan, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.25])


def test_there_is_no_line_beyond_the_trace_or_outside_the_picture() -> None:
    x = np.arange(2.0, 9.0)
    found = centre_line(np.column_stack([x, 3 * x]), (20, 12), 1)
    assert np.isnan(found[:2]).all() and np.isnan(found[9:]).all()
    np.testing.assert_allclose(found[2:7], [6, 9, 12, 15, 18])
    assert np.isnan(found[7:9]).all()  # rows 21 and 24 of 20


def test_missing_samples_leave_a_gap() -> None:
    x = np.concatenate([np.arange(10.0), np.arange(20.0, 30.0)])
    found = centre_line(np.column_stack([x, np.full(20, 5.0)]), (10, 30), 1)
    assert np.isfinite(found[:9]).all() and np.isnan(found[9:20]).all()


def test_a_mirrored_trace_is_as_good() -> None:
    x = np.arange(10.0)
    points = np.column_stack([x, x])
    np.testing.assert_array_equal(
        centre_line(points, (20, 10), 2), centre_line(points[::-1], (20, 10), 2)
    )


@pytest.mark.parametrize("config", ["clean", "overlap", "scan"])
def test_the_line_runs_in_the_primarys_ink(config: str) -> None:
    sample = make_sample(3, config=config)
    assert sample.target_mask is not None
    found = centre_line(trace_points(sample)[0], sample.image.shape[:2], 1)
    seen = np.flatnonzero(np.isfinite(found))
    assert len(seen) > 0.5 * len(found)
    inked = sample.target_mask[np.rint(found[seen]).astype(int).clip(0), seen] >= 128
    assert inked.mean() > 0.95


def test_the_baseline_is_where_0_mv_is() -> None:
    sample = make_sample(2, config="clean")
    assert sample.calibration is not None
    row = baseline_row(trace_points(sample)[1], sample.image.shape[1])
    assert row == pytest.approx(sample.calibration.baseline_px, abs=0.2)


def test_a_picture_beside_its_trace_has_no_baseline() -> None:
    assert baseline_row(np.array([[-5.0, 3.0], [400.0, 3.0]]), 100) is None


def test_a_sample_without_a_polyline_is_named() -> None:
    bare = LeadSample(image=np.zeros((40, 40, 3), np.uint8), record_id="r9")
    with pytest.raises(InputError, match="r9"):
        trace_points(bare)
