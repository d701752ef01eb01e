"""Two leads that change places where they met: simultaneous leads tell, as drawn for it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from data_gen.render import draw_stroke
from ecg_overlap.digitize.page.columns import Place
from ecg_overlap.digitize.page.layouts import Arrangement, Fit, Rows
from ecg_overlap.digitize.page.strips import PER_MM, row_signals
from ecg_overlap.digitize.page.swaps import Swap, after_swaps, swaps_by_laws
from ecg_overlap.digitize.page.trace import PageTraces, trace_page

PX_PER_MM = 6.0
WIDTH_MM, HEIGHT_MM = 140.0, 100.0
ROWS_MM = (20.0, 40.0, 60.0)  # of II, III and I
ORDER = Arrangement("3x1", (("II",), ("III",), ("I",)))
FIRST_MM, LAST_MM = 10.0, 130.0
MEET_MM, MEET_HIGH_MM = (
    70.0,
    10.3,
)  # where II falls by so much and III rises, and both are in one run

Signals = NDArray[np.float64]
X_MM = np.arange(FIRST_MM, LAST_MM, 0.1)


def leads_mm(high_mm: float) -> Signals:
    """II, III and I = II - III, (3, n) in mm; II and III come near each other once."""
    two, three = 2.0 * np.sin(X_MM / 2.9 + 1.0), 2.5 * np.sin(X_MM / 1.7)
    near = high_mm * np.exp(-(((X_MM - MEET_MM) / 1.5) ** 2))
    calm = 1 - np.exp(-(((X_MM - MEET_MM) / 4) ** 2))
    two, three = two * calm - near, three * calm + near
    return np.stack([two, three, two - three])


def page(high_mm: float) -> tuple[PageTraces, Fit]:
    """Three rows of which the first two meet if they are high enough."""
    canvas = np.zeros((round(HEIGHT_MM * PX_PER_MM), round(WIDTH_MM * PX_PER_MM)), np.uint8)
    for row, lead in zip(ROWS_MM, leads_mm(high_mm), strict=True):
        draw_stroke(canvas, np.stack([X_MM, row - lead], axis=1) * PX_PER_MM, width_px=2.4)
    traced = trace_page(canvas.astype(np.float32) / 255, px_per_mm=PX_PER_MM)
    place = Place(FIRST_MM, LAST_MM - FIRST_MM)
    return traced, Fit(ORDER, place, 0.0, 0.0, 0.0, time_goes_on=True)


def seen(traced: PageTraces) -> Rows:
    width = traced.traces.cover.shape[1]
    heights = row_signals(traced.paths, width, px_per_mm=PX_PER_MM)
    return Rows(heights / 10, np.ones_like(heights), PER_MM)


def swaps_of(traced: PageTraces, fit: Fit) -> list[Swap]:
    return swaps_by_laws(traced, seen(traced), fit, px_per_mm=PX_PER_MM)


def error_mm(traced: PageTraces) -> Signals:
    """How far each row's path is off its lead, mm (RMS, its mean aside), (3,)."""
    heights = row_signals(traced.paths, traced.traces.cover.shape[1], px_per_mm=PX_PER_MM)
    at = np.arange(heights.shape[1]) / PER_MM
    # Away from where they meet, and from their ends.
    known = (at > FIRST_MM + 2) & (at < LAST_MM - 2) & (np.abs(at - MEET_MM) > 4)
    truth = np.stack([np.interp(at, X_MM, lead) for lead in leads_mm(MEET_HIGH_MM)])
    off = (heights - truth)[:, known]
    return np.asarray((off - off.mean(axis=1, keepdims=True)).std(axis=1))


@pytest.fixture(scope="module")
def right() -> tuple[PageTraces, Fit]:
    return page(MEET_HIGH_MM)


def test_leads_that_obey_stay_as_they_are(right: tuple[PageTraces, Fit]) -> None:
    assert error_mm(right[0]).max() < 0.3
    assert swaps_of(*right) == []


@pytest.mark.parametrize("before", [True, False])
def test_leads_that_obey_only_after_a_swap_are_swapped(
    right: tuple[PageTraces, Fit], before: bool
) -> None:
    traced, fit = right
    where = traced.traces.where
    together = np.flatnonzero((where[0] == where[1]) & (where[0] >= 0))
    first, stop = int(together[0]), int(together[-1]) + 1
    wrong = Swap((0, 1), 0, first) if before else Swap((0, 1), stop, where.shape[1])
    swapped = after_swaps(traced, [wrong])
    assert error_mm(swapped)[:2].min() > 5
    found = swaps_of(swapped, fit)
    assert len(found) == 1
    assert error_mm(after_swaps(swapped, found)).max() < 0.3


def test_rows_that_never_meet_do_not_change_places() -> None:
    traced, fit = page(5.0)
    assert swaps_of(after_swaps(traced, [Swap((0, 1), 0, 400)]), fit) == []
