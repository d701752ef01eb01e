"""The report holds every trial, with reasons, and the best one with the command that repeats it."""

import re
import shlex
from html.parser import HTMLParser
from pathlib import Path

import optuna
import pytest
import worker
import yaml
from optuna.exceptions import TrialPruned
from optuna.study import Study
from optuna.trial import Trial

from data_gen.errors import InputError
from ecg_overlap.sweep.best import best_trial, rerun_command, write_best
from ecg_overlap.sweep.report import write_report
from ecg_overlap.sweep.storage import open_study
from ecg_overlap.sweep.study import conduct

VOID = {"meta", "br", "img", "path", "use", "rect", "line"}


class Balance(HTMLParser):
    """Fails where a tag is closed that was not opened last."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass


def objective(trial: Trial) -> float:
    score = worker.score(trial)
    trial.set_user_attr("overrides", ["test=null", "a=b c", f"x={trial.params['x']}", "kind=a"])
    if trial.number == 2:
        raise InputError("train/loss", "is nan <bad>", "lower optimizer.lr")
    for epoch in range(2):
        trial.report(score - 1 + epoch, epoch)
    if trial.number == 3:
        raise TrialPruned
    return score


@pytest.fixture(scope="module")
def study() -> Study:
    study = open_study(
        optuna.storages.InMemoryStorage(),
        "s",
        space=worker.SPACE,
        metric="score",
        direction="maximize",
        sampler=optuna.samplers.RandomSampler(seed=0),
    )
    conduct(study, objective, n_trials=8, heartbeat_s=1)
    return study


def test_the_page_is_whole_holds_all_trials_and_needs_nothing_beside_it(
    study: Study, tmp_path: Path
) -> None:
    page = write_report(study, tmp_path).read_text()
    balance = Balance()
    balance.feed(page)
    assert not balance.open
    assert not re.search(r'(src|href)="(https?:|[\w./]+\.(js|css|png))', page)
    body = page[page.index("<h2>Trials") :]
    assert len(re.findall("<tr><td", body)) == 8
    assert "failed: train/loss: is nan &lt;bad&gt;; lower optimizer.lr" in body
    assert ">pruned<" in body
    best = study.best_trial
    assert f"Trial {best.number}: <strong>score " in page
    assert f"{best.params['x']:.4g}" in page
    assert page.count("<svg") == 4  # history, curves, importances, parallel coordinates


def test_a_study_without_a_completed_trial_has_a_report_too(tmp_path: Path) -> None:
    study = open_study(
        optuna.storages.InMemoryStorage(),
        "s",
        space=worker.SPACE,
        metric="score",
        direction="minimize",
    )
    assert "No trial has completed yet" in write_report(study, tmp_path).read_text()

    def failing(trial: Trial) -> float:
        raise InputError("a", "b", "c")

    conduct(study, failing, n_trials=1, heartbeat_s=1)
    assert "failed: a: b; c" in write_report(study, tmp_path).read_text()


def test_the_best_trial_can_be_run_again_with_its_test(study: Study, tmp_path: Path) -> None:
    best = best_trial(study)
    assert best is not None and best.value == max(
        t.value for t in study.get_trials() if t.state.name == "COMPLETE"
    )
    path = write_best(study, best, tmp_path)
    facts = yaml.safe_load(path.read_text())
    assert facts["trial"] == best.number and facts["score"] == best.value
    assert facts["overrides"] == ["a=b c", f"x={best.params['x']}", "kind=a"]
    line = path.read_text().splitlines()[0].removeprefix("# ")
    assert line == rerun_command(best)
    assert shlex.split(line) == ["ecg-overlap", "train", *facts["overrides"]]


def test_trials_that_began_otherwise_are_told_apart(study: Study, tmp_path: Path) -> None:
    def other(trial: Trial) -> float:
        score = worker.score(trial)
        trial.set_user_attr("overrides", ["debug=fast", "kind=a", "x=0.1"])
        return score

    assert "not started alike" not in write_report(study, tmp_path).read_text()
    conduct(study, other, n_trials=9, heartbeat_s=1)
    assert "not started alike" in write_report(study, tmp_path).read_text()
