"""Which printed name belongs to which place of a page."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from data_gen.sample import LEADS
from ecg_overlap.digitize.names.seen import NAMES, NameSeen
from ecg_overlap.digitize.page.naming import (
    Word,
    at_places,
    log_odds,
    readings_of,
    was_read,
)

PX_PER_MM = 5.0
WIDTH_PX = 1000
ROWS_MM = (30.0, 55.0, 80.0)
COLUMNS_MM = np.array([(10.0, 72.5), (72.5, 135.0), (135.0, 197.5)])


def likely(name: str, probability: float = 0.9) -> NDArray[np.float64]:
    """A name's probability (13,); what is left is that of no name."""
    found = np.zeros(len(NAMES))
    found[NAMES.index(name)] = probability
    found[-1] += 1 - probability
    return found


def seen(name: str, x_mm: float, y_mm: float, probability: float = 0.9) -> NameSeen:
    return NameSeen(x_mm * PX_PER_MM, y_mm * PX_PER_MM, 20.0, 12.0, likely(name, probability))


def words(*names: NameSeen, drift_mm: float = 0.0) -> list[tuple[str, int]]:
    """Which name stands by which row; all rows fall by `drift_mm` over the page."""
    rows = np.array(ROWS_MM)[:, None] + np.linspace(0, drift_mm, WIDTH_PX)
    found = readings_of(names, rows * PX_PER_MM, px_per_mm=PX_PER_MM)[0]
    return [(NAMES[int(word.probability.argmax())], word.row) for word in found]


@pytest.mark.parametrize("offset_mm", [-14.0, -8.0, 0.0, 6.0, 11.0])
def test_names_stand_all_as_far_above_or_below_their_rows(offset_mm: float) -> None:
    beside = [seen(name, 14, row + offset_mm) for name, row in zip(LEADS, ROWS_MM, strict=False)]
    assert words(*beside) == [("I", 0), ("II", 1), ("III", 2)]


def test_of_two_rows_a_name_is_of_the_nearer() -> None:
    """Names 8 mm below their rows are 17 mm above the next: half as likely by nothing but that."""
    assert words(seen("I", 14, 38), seen("II", 14, 63)) == [("I", 0), ("II", 1)]


def test_the_most_names_tell_how_far_all_are() -> None:
    """Four names 8 mm above their rows; one that stands 7 mm below a row is a word of the page."""
    above = [seen(name, 14, row - 8) for name, row in zip(LEADS, ROWS_MM, strict=False)]
    assert words(*above, seen("V6", 80, 37)) == [("I", 0), ("II", 1), ("III", 2)]


def test_a_word_that_is_no_name_does_not_tell_how_far_names_are() -> None:
    no_names = [seen("I", x, 33, 0.02) for x in range(20, 180, 8)]
    found = words(seen("I", 14, 22), seen("II", 14, 47), *no_names)
    assert found == [("I", 0), ("II", 1)]


def test_a_row_is_where_it_runs_at_the_name() -> None:
    """Over the page it falls by 20 mm, nearly to where the next began."""
    right = [seen(name, 190, row + 11) for name, row in zip(LEADS, ROWS_MM, strict=False)]
    left = [seen(name, 10, row - 7) for name, row in zip(LEADS[3:], ROWS_MM, strict=False)]
    expected = [*zip(LEADS[:3], range(3), strict=True), *zip(LEADS[3:6], range(3), strict=True)]
    assert words(*right, *left, drift_mm=20.0) == expected


def test_names_half_way_between_rows_are_read_both_ways() -> None:
    """12.5 mm above their rows, and as far below those before: all but the first row's."""
    between = [seen(name, 14, row - 12.5) for name, row in zip(LEADS, ROWS_MM, strict=False)]
    rows = np.repeat(np.array(ROWS_MM)[:, None] * PX_PER_MM, WIDTH_PX, axis=1)
    readings = readings_of(between, rows, px_per_mm=PX_PER_MM)
    of_rows = [
        [(NAMES[int(word.probability.argmax())], word.row) for word in words] for words in readings
    ]
    assert sorted(of_rows) == [
        [("I", 0), ("II", 1), ("III", 2)],
        [("II", 0), ("III", 1)],
    ]


def test_names_near_their_rows_are_read_one_way() -> None:
    above = [seen(name, 14, row - 6) for name, row in zip(LEADS, ROWS_MM, strict=False)]
    rows = np.repeat(np.array(ROWS_MM)[:, None] * PX_PER_MM, WIDTH_PX, axis=1)
    assert len(readings_of(above, rows, px_per_mm=PX_PER_MM)) == 1


def test_a_page_without_names_has_no_words() -> None:
    assert words() == []


def named_at(*of: tuple[str, float, int, float]) -> NDArray[np.float64]:
    """Names at (x in mm, row), with their probabilities, at their places (3, 3, 13)."""
    return at_places(
        [Word(x, row, likely(name, probability)) for name, x, row, probability in of], COLUMNS_MM, 3
    )


@pytest.mark.parametrize(
    ("x_mm", "column"), [(6.0, 0), (14.0, 0), (70.0, 1), (84.0, 1), (136.0, 2)]
)
def test_a_name_is_of_the_column_that_begins_there(x_mm: float, column: int) -> None:
    places = named_at(("V2", x_mm, 1, 0.9))
    assert np.argwhere(np.isfinite(places).all(axis=2)).tolist() == [[1, column]]
    assert NAMES[int(places[1, column].argmax())] == "V2"


@pytest.mark.parametrize("x_mm", [4.0, 25.0, 60.0, 190.0])
def test_a_word_away_from_where_columns_begin_names_none(x_mm: float) -> None:
    assert np.isnan(named_at(("V2", x_mm, 1, 0.9))).all()


def test_a_lead_that_has_its_row_to_itself_may_be_named_anywhere_along_it() -> None:
    places = at_places([Word(150.0, 0, likely("V2"))], np.array([(10.0, 197.5)]), 1)
    assert NAMES[int(places[0, 0].argmax())] == "V2"


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_words_at_a_place_the_likelier_name_counts(order: int) -> None:
    both = [("V2", 14.0, 1, 0.6), ("aVL", 16.0, 1, 0.95)][::order]
    assert NAMES[int(named_at(*both)[1, 0].argmax())] == "aVL"


def test_without_evidence_nothing_is_said() -> None:
    odds = log_odds(named_at(("V2", 14.0, 1, 0.9)))
    assert odds.shape == (3, 3, 12)
    assert (odds[0] == 0).all()
    assert (odds[1, 1:] == 0).all()


def test_a_name_speaks_for_its_lead_and_against_the_others() -> None:
    odds = dict(zip(LEADS, log_odds(named_at(("V2", 14.0, 1, 0.9)))[1, 0], strict=True))
    # 0.9 of 0.9 over a prior of 1/12, and what is left, against a tenth: by hand.
    assert odds.pop("V2") == pytest.approx(math.log((0.9 * 0.9 * 12 + 0.01 + 0.01) / 0.11))
    assert max(odds.values()) == min(odds.values()) == pytest.approx(math.log(0.02 / 0.11))


def test_a_word_that_is_surely_none_says_next_to_nothing() -> None:
    odds = log_odds(named_at(("V2", 14.0, 1, 0.0)))[1, 0]
    assert odds.tolist() == pytest.approx([0.0] * 12, abs=1e-9)


def test_a_name_is_read_from_one_half_on() -> None:
    places = named_at(("V2", 14.0, 1, 0.5), ("V3", 75.0, 1, 0.49))
    assert was_read(places, 1, 0, "V2")
    assert not was_read(places, 1, 0, "V3")
    assert not was_read(places, 1, 1, "V3")
    assert not was_read(places, 0, 0, "V2")  # there is no word
