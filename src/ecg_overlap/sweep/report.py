"""The study as one HTML page: the best trial, what mattered, and every trial with its reason."""

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import optuna
from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from ecg_overlap.evaluation.document import Figure, Row, Section, Table, to_html
from ecg_overlap.evaluation.results import write_text
from ecg_overlap.evaluation.wording import NOTHING, number
from ecg_overlap.sweep import plots
from ecg_overlap.sweep.best import best_trial, rerun_command
from ecg_overlap.sweep.study import SURPLUS, counted, ending

ENOUGH_FOR_IMPORTANCE = 4  # completed trials; fewer explain nothing


def write_report(study: Study, folder: Path) -> Path:
    """Write `index.html`, which needs nothing beside it, from the study's storage alone.

    Returns:
        Its path.
    """
    trials = [t for t in study.get_trials(deepcopy=False) if not t.user_attrs.get(SURPLUS)]
    metric = str(study.user_attrs.get("metric", "score"))
    space = {
        key: json_to_distribution(text) for key, text in study.user_attrs.get("space", {}).items()
    }
    sections = [
        _best(study, metric, space),
        _course(study, trials, metric),
        _settings(study, metric, space),
        _trials(study, trials, metric, space),
    ]
    done = sum(t.state.is_finished() for t in counted(study))
    larger = study.direction == StudyDirection.MAXIMIZE
    subtitle = f"{done} trials ended; {'larger' if larger else 'smaller'} {metric} is better"
    page = to_html(f"Search {study.study_name}", subtitle, [s for s in sections if s is not None])
    return write_text(folder / "index.html", page)


def _best(study: Study, metric: str, space: Mapping[str, BaseDistribution]) -> Section:
    best = best_trial(study)
    if best is None:
        return Section("Best trial", ("No trial has completed yet.",))
    assert best.value is not None
    rows = [Row((f"`{key}`", _text(best.params.get(key)))) for key in space]
    facts = Table(
        f"Trial {best.number}: **{metric} {number(best.value, metric)}**",
        ("setting", "value"),
        tuple(rows),
        text_columns=2,
    )
    again = f"To run it again, and test it: `{rerun_command(best)}`"
    folder = best.user_attrs.get("folder")
    kept = f"Its configuration, log and checkpoints are in `{folder}`." if folder else ""
    return Section("Best trial", tuple(text for text in (again, kept) if text), (facts,))


def _course(study: Study, trials: Sequence[FrozenTrial], metric: str) -> Section | None:
    if not any(trial.intermediate_values or trial.value is not None for trial in trials):
        return None
    best = best_trial(study)
    blocks = [
        Figure(
            "Score of each trial; a tick at the foot is a trial that failed.",
            plots.history(trials, metric=metric, sign=_sign(study)),
        )
    ]
    if any(len(trial.intermediate_values) > 1 for trial in trials):
        drawn = plots.curves(trials, metric=metric, best=best.number if best else None)
        blocks.append(Figure("Validations of each trial; crosses end pruned ones.", drawn))
    return Section("Course", (), tuple(blocks))


def _settings(study: Study, metric: str, space: Mapping[str, BaseDistribution]) -> Section | None:
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    done = [trial for trial in done if space.keys() <= trial.params.keys()]
    best = best_trial(study)
    if len(done) < 2 or best is None:
        return None
    drawn = plots.parallel(done, space, metric=metric, best=best.number, sign=_sign(study))
    parallel = Figure("Settings and score of every completed trial; the best one in red.", drawn)
    shares = _importances(study) if len(done) >= ENOUGH_FOR_IMPORTANCE else {}
    if not shares:
        text = f"Importances need {ENOUGH_FOR_IMPORTANCE} completed trials of differing scores."
        return Section("Settings", (text,), (parallel,))
    caption = (
        "Share of the spread in the score that each setting explains (PED-ANOVA, Watanabe et al. "
        f"2023), over {len(done)} completed trials; few trials give a rough figure."
    )
    return Section("Settings", (), (Figure(caption, plots.importances(shares)), parallel))


def _importances(study: Study) -> dict[str, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of settings that had one value in all trials
        shares = optuna.importance.get_param_importances(study)
    return shares if sum(shares.values()) > 0 else {}


def _trials(
    study: Study,
    trials: Sequence[FrozenTrial],
    metric: str,
    space: Mapping[str, BaseDistribution],
) -> Section:
    best = best_trial(study)
    rows = []
    for trial in trials:
        state = trial.state.name.lower()
        if trial.state == TrialState.FAIL:
            state = f"failed: {ending(trial, study)}"
        name = str(trial.number)
        if best is not None and trial.number == best.number:
            name, state = f"**{name}**", "**best**"
        settings = (_text(trial.params.get(key)) for key in space)
        rows.append(Row((name, state, _score(trial, metric), _minutes(trial), *settings)))
    columns = ("trial", "state", metric, "min", *space)
    caption = "Every trial; a pruned one with its last score."
    table = Table(caption, columns, tuple(rows), text_columns=2)
    return Section("Trials", _mixed(trials), (table,))


def _mixed(trials: Sequence[FrozenTrial]) -> tuple[str, ...]:
    """A warning where trials of one study were started with different overrides."""
    bases = {_base(trial) for trial in trials if "overrides" in trial.user_attrs}
    if len(bases) < 2:
        return ()
    listed = "; ".join(f"`{' '.join(json.loads(base))}`" for base in sorted(bases))
    return (f"**The trials were not started alike**, so that scores may not compare: {listed}.",)


def _base(trial: FrozenTrial) -> str:
    own = len(trial.params)
    return json.dumps(trial.user_attrs["overrides"][: -own or None])


def _score(trial: FrozenTrial, metric: str) -> str:
    return NOTHING if trial.value is None else number(trial.value, metric)


def _minutes(trial: FrozenTrial) -> str:
    return NOTHING if trial.duration is None else f"{trial.duration.total_seconds() / 60:.1f}"


def _text(value: object) -> str:
    if value is None:
        return NOTHING
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _sign(study: Study) -> int:
    return 1 if study.direction == StudyDirection.MAXIMIZE else -1
