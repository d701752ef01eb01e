"""The study's plots, in the style of the evaluation's report."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState

from ecg_overlap.evaluation.plots import COLOURS, INK, canvas, svg_text

BEST, OTHER, PRUNED = COLOURS[0], COLOURS[1], COLOURS[5]


def history(trials: Sequence[FrozenTrial], *, metric: str, sign: int) -> str:
    """Scores in the order of the trials, and the best so far.

    Args:
        trials: In their order.
        metric: Label of the scores.
        sign: +1 where larger is better, −1 where smaller is.

    Returns:
        SVG text.
    """
    figure, axes = canvas(9.2, 3.2)
    done = [t for t in trials if t.state == TrialState.COMPLETE]
    cut = [t for t in trials if t.state == TrialState.PRUNED and t.value is not None]
    failed = [t for t in trials if t.state == TrialState.FAIL]
    numbers, scores = [t.number for t in done], np.array([t.value for t in done], float)
    axes.plot(numbers, scores, "o", color=OTHER, markersize=5, label="complete")
    if done:
        best = sign * np.maximum.accumulate(sign * scores)
        axes.step(numbers, best, where="post", color=BEST, linewidth=1.4, label="best so far")
    if cut:
        where = [t.number for t in cut], [t.value or 0.0 for t in cut]
        axes.plot(*where, "x", color=PRUNED, markersize=5, label="pruned, last score")
    for index, trial in enumerate(failed):
        label = "failed" if index == 0 else None
        axes.axvline(trial.number, ymax=0.04, color=INK, linewidth=2, label=label)
    axes.set_xlabel("trial")
    axes.set_ylabel(metric)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, labelcolor=INK)
    return svg_text(figure)


def curves(trials: Sequence[FrozenTrial], *, metric: str, best: int | None) -> str:
    """The scores of each trial's validations by epoch; the best trial's stands out."""
    figure, axes = canvas(9.2, 3.2)
    for trial in trials:
        if not trial.intermediate_values:
            continue
        epochs = sorted(trial.intermediate_values)
        scores = [trial.intermediate_values[epoch] for epoch in epochs]
        is_best, is_cut = trial.number == best, trial.state == TrialState.PRUNED
        axes.plot(
            [epoch + 1 for epoch in epochs],
            scores,
            marker="x" if is_cut else ".",
            markevery=[-1] if is_cut else None,
            color=BEST if is_best else PRUNED if is_cut else OTHER,
            linewidth=2.0 if is_best else 0.9,
            alpha=1.0 if is_best else 0.6,
            zorder=3 if is_best else 2,
        )
    axes.set_xlabel("epoch")
    axes.set_ylabel(metric)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return svg_text(figure)


def importances(shares: Mapping[str, float]) -> str:
    """Bars of how much of the score's spread each setting explains; shares add up to 1."""
    figure, axes = canvas(9.2, 0.7 + 0.32 * len(shares))
    rows = np.arange(len(shares))[::-1]
    axes.barh(rows, list(shares.values()), height=0.6, color=OTHER)
    for row, share in zip(rows, shares.values(), strict=True):
        axes.text(share + 0.01, row, f"{share:.0%}", va="center", color=INK, fontsize=8)
    axes.set_yticks(rows, list(shares))
    axes.set_xlim(0, 1.08)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.grid(visible=False)
    return svg_text(figure)


def parallel(
    trials: Sequence[FrozenTrial],
    space: Mapping[str, BaseDistribution],
    *,
    metric: str,
    best: int | None,
    sign: int,
) -> str:
    """One line per completed trial through its settings to its score; good ones are dark.

    Args:
        trials: Completed ones.
        space: Distribution of each setting.
        metric: Label of the last axis.
        best: Number of the best trial.
        sign: +1 where larger is better, −1 where smaller is.
    """
    figure, axes = canvas(9.2, 3.6)
    scores = np.array([trial.value for trial in trials], float)
    low, high = float(scores.min()), float(scores.max())
    order = np.argsort(sign * scores)
    for rank, index in enumerate(order):
        trial = trials[index]
        heights = [_height(trial.params[key], space[key]) for key in space]
        heights.append(0.5 if high == low else (float(scores[index]) - low) / (high - low))
        is_best = trial.number == best
        axes.plot(
            heights,
            color=BEST if is_best else OTHER,
            linewidth=2.2 if is_best else 1.0,
            alpha=1.0 if is_best else 0.15 + 0.65 * rank / max(len(order) - 1, 1),
        )
    for column, distribution in enumerate(space.values()):
        _axis(axes, column, _marks(distribution))
    _axis(axes, len(space), [(0.0, f"{low:.4g}"), (1.0, f"{high:.4g}")])
    axes.set_xticks(range(len(space) + 1), [*(_short(key) for key in space), metric])
    axes.set_xlim(-0.25, len(space) + 0.25)
    axes.set_ylim(-0.06, 1.06)
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    return svg_text(figure)


def _axis(axes: Axes, column: int, marks: Sequence[tuple[float, str]]) -> None:
    axes.axvline(column, ymin=0.05, ymax=0.95, color=INK, linewidth=0.8, zorder=1)
    for height, text in marks:
        axes.text(column + 0.03, height + 0.01, text, fontsize=7.5, color=INK, zorder=4)


def _height(value: object, distribution: BaseDistribution) -> float:
    """Where a value stands on its axis, 0 to 1."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices.index(value) / max(len(distribution.choices) - 1, 1)
    low, high, scaled = (_scaled(v, distribution) for v in (*_range(distribution), value))
    return 0.5 if high == low else (scaled - low) / (high - low)


def _range(distribution: BaseDistribution) -> tuple[float, float]:
    low: float = distribution.low  # type: ignore[attr-defined]
    high: float = distribution.high  # type: ignore[attr-defined]
    return low, high


def _scaled(value: object, distribution: BaseDistribution) -> float:
    number = float(value)  # type: ignore[arg-type]
    return math.log(number) if getattr(distribution, "log", False) else number


def _marks(distribution: BaseDistribution) -> list[tuple[float, str]]:
    if isinstance(distribution, CategoricalDistribution):
        return [(_height(choice, distribution), str(choice)) for choice in distribution.choices]
    low, high = _range(distribution)
    return [(0.0, f"{low:.4g}"), (1.0, f"{high:.4g}")]


def _short(key: str) -> str:
    """A long override on two lines."""
    return key.replace(".", ".\n", 1) if len(key) > 12 else key
