"""Two traces changed over wherever they then are more like two leads.

Where two strokes touch, the ink hardly tells which goes on as which: drawn either way they give it
as well. Two T waves that make a lens do so in every beat, so other beats do not tell either. The
signals do: a lead that takes another's T wave, or the tip of its QRS complex, is not like a lead.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ecg_overlap.digitize.identity.network import changed_logits
from ecg_overlap.digitize.identity.stretches import (
    PER_MM,
    BoolArray,
    FloatArray,
    alike,
    beats_of,
    changed_over,
    question,
    stretches_of,
    within,
)
from ecg_overlap.digitize.paths.path import Path
from ecg_overlap.digitize.traces.joint import Traces

# Logit from which two are changed over. In training 30 % of the questions are about a change, in
# readings fewer, and the likeliest of many is taken: so more than 0. Of 3, 4 and 5, chosen on 434
# leads of fold 9 (experiments/identity).
SURE = 4.0
MOST_ROUNDS = 12  # changes of a picture at the most (a guess)
TOUCH_PENS = 1.5  # centre lines that near have no paper between them, to a fraction of a pixel
AROUND = 1250  # samples that are seen of a stretch by itself: as many as in training
LEAST_SAMPLES = 20  # 2 mm: a shorter picture has no stretch
MOST_MM = 750.0  # 30 s: the time that a longer picture takes grows with its square
# Of a stretch (a guess): where a trace from beyond the edge has no ink, nothing was changed.
IN_SIGHT = 0.5


@dataclass(frozen=True)
class _Change:
    """Two traces and where they would change places."""

    logit: float
    pair: tuple[int, int]
    there: BoolArray


def settled(traces: Traces, paths: Sequence[Path]) -> tuple[Traces, list[Path]]:
    """The paths, two of them changed over wherever that is likelier.

    Args:
        traces: Of the picture.
        paths: Of each of them, those of traces from beyond the edges last, drawn together.

    Returns:
        The traces, changed over in the same columns, and the paths of those in the picture.
    """
    found = list(paths)
    n, (height, width) = len(traces.rows_px), traces.cover.shape
    x_px = np.arange(0, width - 1, traces.px_per_mm / PER_MM)
    if n and LEAST_SAMPLES <= len(x_px) <= MOST_MM * PER_MM:
        rows = np.stack([_rows_at(path, x_px) for path in found]).clip(0, height - 1)
        # The levels of traces from beyond an edge are not known: there they are at the edge.
        levels = np.array([*traces.rows_px, 0, height - 1])
        touch_mm = TOUCH_PENS * traces.pen_px / traces.px_per_mm
        seen = _Seen(-rows / traces.px_per_mm, -levels / traces.px_per_mm, n, touch_mm)
        for change in _changes(seen):
            found = _changed(found, change, x_px)
            traces = _changed_ink(traces, change, x_px)
    return traces, [path.in_sight(height) for path in found[:n]]


def _rows_at(path: Path, x_px: FloatArray) -> FloatArray:
    """The path's rows at these columns; NaN where it was not seen."""
    if len(path.x_px) < 2:
        return np.full(len(x_px), np.nan)
    return np.interp(x_px, path.x_px, path.y_px, left=np.nan, right=np.nan)


@dataclass(frozen=True)
class _Seen:
    """The traces of a picture.

    Args:
        heights_mm: (K + 2, n), `PER_MM` of them to a mm, upward; those from beyond its edges last.
        levels_mm: (K + 2,), to which each returns.
        n_rows: K.
        touch_mm: So near each other two of them touch.
    """

    heights_mm: FloatArray
    levels_mm: FloatArray
    n_rows: int
    touch_mm: float

    def pairs(self) -> list[tuple[int, int]]:
        """Any two of them, but for the last two."""
        return [
            pair for pair in combinations(range(len(self.heights_mm)), 2) if pair[0] < self.n_rows
        ]

    def beats(self) -> NDArray[np.int64]:
        """Where their beats are."""
        over = self.heights_mm - self.levels_mm[:, None]
        return beats_of(np.nan_to_num(over[: self.n_rows]))

    def changed(self, change: _Change) -> "_Seen":
        """The same after a change."""
        a, b = change.pair
        heights = self.heights_mm.copy()
        heights[[a, b]] = changed_over(heights[a], heights[b], change.there)
        return replace(self, heights_mm=heights)

    def likeliest(self, pair: tuple[int, int], beats: NDArray[np.int64]) -> _Change | None:
        """The likeliest change of two traces, in one stretch or in all that are alike."""
        one, other = self.heights_mm[list(pair)]
        levels = float(self.levels_mm[pair[0]]), float(self.levels_mm[pair[1]])
        found = stretches_of(one, other, touch_mm=self.touch_mm)
        if pair[1] >= self.n_rows:
            inside = np.abs(other - levels[1]) > self.touch_mm
            found = [each for each in found if inside[each.first : each.stop].mean() > IN_SIGHT]
        if not found:
            return None
        one = np.where(np.isfinite(one), one, levels[0])
        other = np.where(np.isfinite(other), other, levels[1])
        group = alike(found, beats)
        together = [within(found, group == g, len(one)) for g in range(group.max() + 1)]
        # Of stretches that are alike, some may have been read rightly.
        several = np.bincount(group)[group] > 1
        each = np.arange(len(found))
        alone = [within(found, each == i, len(one)) for i in np.flatnonzero(several)]
        logits = np.concatenate(
            [
                changed_logits(question(one, other, levels, there) for there in together),
                changed_logits(question(one, other, levels, there, AROUND) for there in alone),
            ]
        )
        best = int(np.argmax(np.nan_to_num(logits, nan=-np.inf)))
        there = [*together, *alone][best]
        # What lies before both begin goes with their first sample, and likewise at the end.
        both = np.flatnonzero(np.isfinite(self.heights_mm[list(pair)]).all(axis=0))
        there[: both[0]], there[both[-1] :] = there[both[0]], there[both[-1]]
        return _Change(float(logits[best]), pair, there)


def _changes(seen: _Seen) -> list[_Change]:
    """What is changed over, in this order."""
    made: list[_Change] = []
    known: dict[tuple[int, int], _Change | None] = {}
    for _ in range(MOST_ROUNDS):
        beats = seen.beats()
        known |= {pair: seen.likeliest(pair, beats) for pair in seen.pairs() if pair not in known}
        possible = [change for change in known.values() if change is not None]
        best = max(possible, key=lambda change: change.logit, default=None)
        if best is None or not best.logit >= SURE:  # NaN is not sure
            break
        seen = seen.changed(best)
        made.append(best)
        known = {pair: was for pair, was in known.items() if not set(pair) & set(best.pair)}
    return made


def _changed(paths: Sequence[Path], change: _Change, x_px: FloatArray) -> list[Path]:
    """The paths after a change, whose samples are at these columns."""
    found = list(paths)
    for mine, its in (change.pair, change.pair[::-1]):
        found[mine] = _joined(paths[mine], paths[its], change, x_px)
    return found


def _there(change: _Change, at_px: FloatArray, x_px: FloatArray) -> BoolArray:
    """Whether columns are among those of a change, whose samples are at `x_px`."""
    nearest = np.floor(at_px / (x_px[1] - x_px[0])).astype(int)
    found: BoolArray = change.there[nearest.clip(0, len(x_px) - 1)]
    return found


def _changed_ink(traces: Traces, change: _Change, x_px: FloatArray) -> Traces:
    """The traces after a change: which ink is whose, and a network's maps of them."""
    width = traces.where.shape[1]
    columns = np.flatnonzero(_there(change, np.arange(width, dtype=np.float64), x_px))
    pair, swapped = np.array(change.pair)[:, None], np.array(change.pair[::-1])[:, None]
    where, own, maps = traces.where.copy(), traces.own.copy(), traces.maps
    where[pair, columns] = traces.where[swapped, columns]
    own[pair, columns] = traces.own[swapped, columns]
    if maps is not None and max(change.pair) < len(maps):
        maps = maps.copy()
        for mine, its in (change.pair, change.pair[::-1]):
            maps[mine][:, columns] = traces.maps[its][:, columns]  # type: ignore[index]
    return replace(traces, where=where, own=own, maps=maps)


def _joined(path: Path, other: Path, change: _Change, x_px: FloatArray) -> Path:
    """A path that is the other one at some columns."""
    stays = ~_there(change, path.x_px, x_px)
    comes = _there(change, other.x_px, x_px)
    x = np.concatenate([path.x_px[stays], other.x_px[comes]])
    order = np.argsort(x, kind="stable")

    def merged(mine: FloatArray, its: FloatArray) -> FloatArray:
        return np.concatenate([mine[stays], its[comes]])[order]

    # A trace from beyond the edge has a row there, but was not seen.
    its_y = np.where(np.isfinite(other.sigma_px), other.y_px, np.nan)
    doubtful = [
        path.doubtful_px[~_there(change, path.doubtful_px, x_px)],
        other.doubtful_px[_there(change, other.doubtful_px, x_px)],
    ]
    return replace(
        path,
        x_px=x[order],
        y_px=merged(path.y_px, its_y),
        sigma_px=merged(path.sigma_px, other.sigma_px),
        confidence=merged(path.confidence, other.confidence),
        start_px=other.start_px if change.there[0] else path.start_px,
        end_px=other.end_px if change.there[-1] else path.end_px,
        doubtful_px=np.sort(np.concatenate(doubtful)),
    )
