"""A network's rows, column by column, become one path: sub-pixel, without jumps, with its ends."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from data_gen.errors import InputError
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.network import ColumnReading
from ecg_overlap.digitize.paths.coordinate import cheapest_rows, coordinate

ROWS, COLUMNS = 60, 80


def reading(
    *traces: tuple[np.ndarray, np.ndarray | float],
    presence: np.ndarray | None = None,
    px_per_row: float = 1.0,
) -> ColumnReading:
    """A distribution of Gaussian bumps: (rows (COLUMNS,), weight) each."""
    at = np.arange(ROWS)[:, None]
    rows = sum(w * np.exp(-((at - row) ** 2) / 2) for row, w in traces) + 1e-9
    return ColumnReading(
        mask=np.zeros((ROWS, COLUMNS), np.float32),
        rows=(rows / rows.sum(axis=0)).astype(np.float32),
        presence=np.ones(COLUMNS, np.float32) if presence is None else presence.astype(np.float32),
        x_px=np.arange(COLUMNS) / 2 - 0.25,
        y_px=(np.arange(ROWS) + 0.5) * px_per_row - 0.5,
    )


def level(row: float) -> np.ndarray:
    return np.full(COLUMNS, row)


def test_the_path_is_found_between_the_rows() -> None:
    path = coordinate(reading((level(20.4), 1.0)))
    assert np.allclose(path.y_px, 20.4, atol=0.02)


def test_the_path_is_given_in_the_pictures_pixels() -> None:
    path = coordinate(reading((level(20.0), 1.0), px_per_row=2.0))
    assert np.allclose(path.y_px, 40.5, atol=0.02)
    assert path.x_px[1] - path.x_px[0] == 0.5  # two columns a pixel


def test_two_traces_give_the_likelier_one_not_their_mean() -> None:
    path = coordinate(reading((level(20.4), 0.6), (level(45.0), 0.4)))
    assert np.allclose(path.y_px, 20.4, atol=0.05)
    assert np.allclose(path.confidence, 0.6, atol=0.05)


def test_a_stretch_in_which_the_other_trace_is_likelier_is_not_followed() -> None:
    doubt = np.full(COLUMNS, 0.7)
    doubt[30:38] = 0.3
    path = coordinate(reading((level(20.0), doubt), (level(50.0), 1 - doubt)))
    assert np.allclose(path.y_px, 20.0, atol=0.1)
    assert path.confidence[34] < path.confidence[10]  # but it is told


def test_a_climb_that_the_columns_are_sure_of_is_followed() -> None:
    rows = level(45.0)
    rows[40:44] = [35, 20, 20, 35]  # an R wave two pixels wide
    path = coordinate(reading((rows, 1.0)))
    assert np.allclose(path.y_px, rows, atol=0.1)


def test_the_ends_are_where_the_presence_crosses_one_half() -> None:
    presence = np.zeros(COLUMNS)
    presence[10:70] = 1.0
    presence[9] = 0.0
    path = coordinate(reading((level(20.0), 1.0), presence=presence))
    # Halfway between columns 9 and 10, and between 69 and 70, at two columns per pixel.
    assert path.start_px == pytest.approx((9.5) / 2 - 0.25)
    assert path.end_px == pytest.approx((69.5) / 2 - 0.25)
    assert np.isnan(path.y_px[:10]).all() and np.isfinite(path.y_px[10:70]).all()


def test_a_picture_without_a_trace_gives_no_point() -> None:
    path = coordinate(reading((level(20.0), 1.0), presence=np.zeros(COLUMNS)))
    assert np.isnan(path.y_px).all() and np.isnan(path.start_px)


def test_the_search_finds_the_cheapest_of_all_paths() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        cost, step = rng.random((5, 4)), float(rng.uniform(0.05, 0.5))

        def price(path: tuple[int, ...], cost: np.ndarray = cost, step: float = step) -> float:
            climb = np.abs(np.diff(path)).sum()
            return float(cost[np.arange(5), list(path)].sum() + step * climb)

        best = min(itertools.product(range(4), repeat=5), key=price)
        assert price(tuple(cheapest_rows(cost, step))) == pytest.approx(price(best))


class Sure:
    """A network that has seen where the trace runs."""

    def __call__(
        self, image: np.ndarray, *, px_per_mm: float, row_px: float | None = None
    ) -> np.ndarray:
        return np.zeros(image.shape[:2], np.float32)

    def columns(
        self, image: np.ndarray, *, px_per_mm: float, row_px: float | None = None
    ) -> ColumnReading:
        # 0 mV, or the row that is told, with 1 mV for half a second.
        rows = level(30.0 if row_px is None else row_px)
        rows[20:40] -= 10
        return replace(reading((rows, 1.0)), mask=self(image, px_per_mm=px_per_mm))


def test_a_lead_is_digitized_by_a_coordinate_network() -> None:
    image = np.full((ROWS, COLUMNS // 2, 3), 255, np.uint8)
    lead = digitize_lead(image, px_per_mm=1.0, fs_hz=50.0, network=Sure(), method="unet_coord")
    assert lead.method == "unet_coord" and not lead.baseline_known
    assert np.ptp(lead.signal_mv) == pytest.approx(1.0, abs=0.02)  # 10 px at 1 px/mm, 10 mm/mV


def test_the_row_that_is_told_reaches_the_network() -> None:
    image = np.full((ROWS, COLUMNS // 2, 3), 255, np.uint8)
    lead = digitize_lead(
        image, px_per_mm=1.0, fs_hz=50.0, network=Sure(), method="unet_coord", row_px=40.0
    )
    assert lead.baseline_known
    assert lead.signal_mv[0] == pytest.approx(0.0, abs=0.02)


def test_a_network_without_a_coordinate_head_is_refused() -> None:
    image = np.full((ROWS, COLUMNS, 3), 255, np.uint8)

    def masks_only(
        image: np.ndarray, *, px_per_mm: float, row_px: float | None = None
    ) -> np.ndarray:
        return np.zeros(image.shape[:2], np.float32)

    with pytest.raises(InputError, match="unet_coord"):
        digitize_lead(image, px_per_mm=1.0, network=masks_only, method="unet_coord")


def test_a_mask_cannot_be_read_by_rows() -> None:
    image = np.full((60, 200, 3), 255, np.uint8)
    mask = np.zeros((60, 200), np.uint8)
    with pytest.raises(InputError, match="no mask"):
        digitize_lead(image, px_per_mm=8.0, mask=mask, method="unet_coord")
