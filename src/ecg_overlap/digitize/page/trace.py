"""All traces of a page at once, and what of its ink is no row after all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.ink.coverage import Coverage
from ecg_overlap.digitize.ink.letters import LetterBox
from ecg_overlap.digitize.page.trace_ink import ink_of_traces
from ecg_overlap.digitize.paths.path import Path, contested
from ecg_overlap.digitize.paths.stroke import stroke
from ecg_overlap.digitize.paths.together import redrawn
from ecg_overlap.digitize.traces.costs import COSTS
from ecg_overlap.digitize.traces.drifting import (
    LEAST_OF_BEST,
    NARROW_MM,
    DriftingRow,
    drifting_rows,
)
from ecg_overlap.digitize.traces.joint import Traces, trace_all
from ecg_overlap.digitize.traces.runs import LEVEL_STROKES

# Of the usual row's share of columns in which its trace has ink that no other trace has.
LEAST_ALONE = 0.85
# Two rests of a grid's lines stand at their usual place in 0.72 and 0.76 of their columns, with two
# thirds and half of the usual row's level ink; rows of ten drawn scans do in 0.57 at the most.
STRAIGHT, STRAIGHT_MM, LESS_LEVEL = 0.65, 0.25, 0.8
LEAST_LENGTH = 0.6  # of the usual row's length
LEAST_LEFT = 0.5  # of a row's ink: what stays unexplained may be one
MOST_ROWS = 24  # twice as many as any page has: what has more is text, and takes minutes to trace
# From one lead's last QRS complex to the next one's: 3 mV at 10 mm/mV.
COSTS_OF_PAGE = replace(COSTS, most_jump_mm=30.0)
BEYOND_MM = 3.0  # a row reaches so far beyond where most rows end, at the most


@dataclass(frozen=True)
class PageTraces:
    """The traces of a page.

    Args:
        rows: Of the page, from the top.
        traces: All of them, and the ink.
        paths: The pen's centre line of each, on straight paper.
    """

    rows: tuple[DriftingRow, ...]
    traces: Traces
    paths: tuple[Path, ...]

    def blank(self) -> NDArray[np.bool_]:
        """In which columns each row's trace leads over blank paper, bool (K, W)."""
        return np.asarray(self.traces.where[: len(self.rows)] < 0)

    def steep(self) -> NDArray[np.bool_]:
        """In which columns each row's stroke is taller than a level one, bool (K, W)."""
        runs, where = self.traces.runs, self.traces.where[: len(self.rows)]
        height = runs.bottom_px - runs.top_px
        tall = height >= LEVEL_STROKES * self.traces.pen_px
        found: NDArray[np.bool_] = (where >= 0) & tall[where.clip(0)]
        return found


def trace_page(
    cover: Coverage,
    *,
    px_per_mm: float,
    inside: NDArray[np.bool_] | None = None,
    letters: Sequence[LetterBox] = (),
) -> PageTraces:
    """Find the rows of a page and trace them all at once.

    A row of which the trace mostly runs in other traces' ink, or over blank paper, was none: what
    was left of grid lines looked like one. It is given up, and the rest is traced again. So are all
    where the ink that stays unexplained is a row's (`_missed`).

    Args:
        cover: float32 (H, W), 0–1: the page's ink.
        px_per_mm: Its scale.
        inside: bool (H, W): where the picture is; None: everywhere.
        letters: Where words are printed.

    Raises:
        DigitizeError: There is no row of traces, or there are more than of any ECG.
    """
    rows = within_common_ends(
        drifting_rows(ink_of_traces(cover, px_per_mm=px_per_mm), px_per_mm=px_per_mm), px_per_mm
    )
    if len(rows) > MOST_ROWS:
        raise DigitizeError(
            "rows",
            f"{len(rows)} rows of ink are no ECG's",
            "check that it is an ECG, and px_per_mm",
        )
    all_seen = False
    while rows:
        expected = np.stack([row.expected_px for row in rows])
        traces = trace_all(
            cover,
            expected,
            px_per_mm=px_per_mm,
            inside=inside,
            letters=letters,
            costs=COSTS_OF_PAGE,
        )
        broken = [k for k, row in enumerate(rows) if _is_broken_line(traces, k, row, rows)]
        if broken:
            kept = [row for k, row in enumerate(rows) if k not in broken]
            rows = within_common_ends(kept, px_per_mm)
            continue
        alone = [_alone(traces, k, row) for k, row in enumerate(rows)]
        worst = int(np.argmin(alone))
        if alone[worst] < LEAST_ALONE * float(np.median(alone)):
            rows = within_common_ends([*rows[:worst], *rows[worst + 1 :]], px_per_mm)
            continue
        missed = [] if all_seen else _missed(traces, rows)
        all_seen = True  # those that are given up now are not found again
        if not missed:
            return drawn(traces, rows)
        rows = sorted([*rows, *missed], key=lambda row: float(row.y_px.mean()))
    raise DigitizeError(
        "rows", "no row of traces was found on the page", "check that it is an ECG, upright"
    )


def drawn(traces: Traces, rows: Sequence[DriftingRow]) -> PageTraces:
    """A page's traces with the pen's path of each, drawn together where they meet."""
    paths = redrawn(traces, [stroke(traces.ink(k)) for k in range(len(rows))])
    found = [contested(path, traces.shared(k)) for k, path in enumerate(paths)]
    return PageTraces(tuple(rows), traces, tuple(found))


def _alone(traces: Traces, k: int, row: DriftingRow) -> float:
    """The share of a row's columns in which its trace has ink of its own."""
    own = (traces.where[k] >= 0) & ~traces.shared(k)
    return float(own[row.first : row.stop].mean())


def _is_broken_line(traces: Traces, k: int, row: DriftingRow, rows: Sequence[DriftingRow]) -> bool:
    """Whether a row is what is left of a grid's line: in one place, and yet less level than traces.

    A heart at rest is so too, but not broken.
    """
    if row.share >= LESS_LEVEL * float(np.median([one.share for one in rows])):
        return False
    columns = np.flatnonzero(traces.where[k, row.first : row.stop] >= 0) + row.first
    if not len(columns):
        return False
    y_px = traces.own[k, columns].mean(axis=1)
    near = np.abs(y_px - np.median(y_px)) <= STRAIGHT_MM * traces.px_per_mm
    return bool(near.mean() >= STRAIGHT)


def _missed(traces: Traces, rows: Sequence[DriftingRow]) -> list[DriftingRow]:
    """The rows of the ink that no trace explains, as long and as clear as rows are.

    A row that drifts by centimetres is hard to see among others, and easy without them.
    """
    left = ink_of_traces(traces.unclaimed(), px_per_mm=traces.px_per_mm)
    if left.sum() < LEAST_LEFT * traces.cover.sum() / len(rows):
        return []
    usual = float(np.median([row.stop - row.first for row in rows]))
    clear = LEAST_OF_BEST * max(row.share for row in rows)
    ends = (min(row.first for row in rows), max(row.stop for row in rows))
    found = drifting_rows(left, px_per_mm=traces.px_per_mm, window_mm=NARROW_MM)
    cut = [row.between(*ends) for row in found if row.share >= clear]
    return [row for row in cut if row.stop - row.first >= LEAST_LENGTH * usual]


def within_common_ends(rows: list[DriftingRow], px_per_mm: float) -> list[DriftingRow]:
    """The rows without what reaches beyond the ends of most, and without much shorter ones.

    Such are the rests of lines, a page's edge, a desk.
    """
    if not rows:
        return rows
    beyond = round(BEYOND_MM * px_per_mm)
    first = round(float(np.median([row.first for row in rows]))) - beyond
    stop = round(float(np.median([row.stop for row in rows]))) + beyond
    cut = [row.between(first, stop) for row in rows]
    usual = float(np.median([row.stop - row.first for row in cut]))
    return [row for row in cut if row.stop - row.first >= max(LEAST_LENGTH * usual, 1)]
