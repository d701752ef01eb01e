"""Which lead's name is printed at which place of a page."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_gen.sample import LEADS
from ecg_overlap.digitize.names.seen import NameSeen

FloatArray = NDArray[np.float64]

ABOVE_MM, BELOW_MM = 16.0, 12.0  # a name stands so far above or below its row at the most
STEP_MM, NEAR_MM = 0.5, 3.0  # … all names about as far, but for a drift of the trace
AS_GOOD = 0.5  # of the names that the likeliest distance has: another may be meant
FARTHER = 0.02  # per mm: rows are evenly apart, so the nearer of two explanations is the likelier
BEFORE_MM, BEHIND_MM = 5.0, 14.0  # its middle, of where its column begins
PRINTED = 0.9  # probability that a word at a lead's place is that lead's name
BLIND = 0.01  # probability that the reading says nothing of the word
READ = 0.5  # probability from which a name counts as read


@dataclass(frozen=True)
class Word:
    """A word that may be a name, in mm.

    Args:
        x_mm: Its middle.
        row: Of the page, whose name it would be.
        probability: float64 (13,), of each of `LEADS` and of none.
    """

    x_mm: float
    row: int
    probability: FloatArray


def readings_of(
    names: Sequence[NameSeen], rows_px: FloatArray, *, px_per_mm: float
) -> list[list[Word]]:
    """The words that stand by the rows of a page, all about as far above or below them.

    Half-way between rows, names above and names below look alike, but for the first and the last
    row: so there may be more than one reading, the likeliest first. The layout tells.

    Args:
        names: As they were seen.
        rows_px: float64 (K, W): where each row's trace returns to.
        px_per_mm: The page's scale.
    """
    if not names:
        return [[]]
    x = np.array([name.x_px for name in names])
    y = np.array([name.y_px for name in names])
    is_name = np.array([1 - name.probability[-1] for name in names])
    at = np.rint(x).astype(int).clip(0, rows_px.shape[1] - 1)
    below_mm = (y[None] - rows_px[:, at]) / px_per_mm  # (K, names)

    def fit(offset_mm: float) -> float:
        near = np.abs(below_mm - offset_mm).min(axis=0) <= NEAR_MM
        return float((is_name * near).sum()) * (1 - FARTHER * abs(offset_mm))

    def by_rows(offset_mm: float) -> list[Word]:
        off = np.abs(below_mm - offset_mm)
        return [
            Word(float(x[i] / px_per_mm), int(off[:, i].argmin()), names[i].probability)
            for i in range(len(names))
            if off[:, i].min() <= NEAR_MM
        ]

    above, below = np.arange(-ABOVE_MM, 0, STEP_MM), np.arange(0, BELOW_MM + STEP_MM, STEP_MM)
    offsets = sorted((max(side.tolist(), key=fit) for side in (above, below)), key=fit)[::-1]
    likely = [offset for offset in offsets if fit(offset) >= AS_GOOD * fit(offsets[0])]
    return [by_rows(offset) for offset in likely]


def at_places(words: Sequence[Word], columns_mm: FloatArray, n_rows: int) -> FloatArray:
    """The probabilities of the likeliest name at each place, float64 (K, C, 13); NaN without one.

    Args:
        words: Of the page.
        columns_mm: float64 (C, 2): where its columns begin and end.
        n_rows: How many rows it has.
    """
    found = np.full((n_rows, len(columns_mm), len(LEADS) + 1), np.nan)
    for word in words:
        behind = word.x_mm - columns_mm[:, 0]
        column = int(np.abs(behind).argmin())
        # The name of a lead that has its row to itself may stand anywhere along it.
        most = BEHIND_MM if len(columns_mm) > 1 else columns_mm[0, 1] - columns_mm[0, 0]
        if not -BEFORE_MM <= behind[column] <= most:
            continue
        here = found[word.row, column]
        if len(columns_mm) == 1 and _other_names(word, words):
            found[word.row, column] = np.eye(len(here))[-1]
            continue
        if np.isnan(here[0]) or word.probability[-1] < here[-1]:
            found[word.row, column] = word.probability
    return found


def _other_names(word: Word, words: Sequence[Word]) -> bool:
    """Whether another lead's name stands on the row too: then it is not one lead's."""
    lead = word.probability[:-1].argmax()
    return any(
        other.row == word.row
        and other.probability[-1] < 1 - READ
        and other.probability[:-1].argmax() != lead
        for other in words
    )


def log_odds(places: FloatArray) -> FloatArray:
    """How much likelier it is that each lead stands at a place than not, nats, (K, C, 12).

    0 where no name can be read.
    """
    of_lead, of_none = places[..., :-1], places[..., -1:]
    prior = 1 / len(LEADS)
    likely = PRINTED * of_lead / prior + (1 - PRINTED) * of_none + BLIND
    odds = np.log(likely / (1 - PRINTED + BLIND))
    return np.asarray(np.nan_to_num(odds, nan=0.0))


def was_read(places: FloatArray, row: int, column: int, lead: str) -> bool:
    """Whether a lead's own name was read at a place."""
    probability = places[row, column]
    return bool(probability[LEADS.index(lead)] >= READ)
