"""Runs a study: processes share its budget, and a trial whose process died is repeated."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from optuna.exceptions import TrialPruned, UpdateFinishedTrialError
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from data_gen.errors import InputError
from ecg_overlap.sweep.storage import SILENT_BEATS, fail_dead, history, queue_again

Objective = Callable[[Trial], float]
OnEnd = Callable[[Study, FrozenTrial], None]
REASON, SURPLUS = "reason", "surplus"


class SweepError(InputError):
    """An error that every other trial would meet too, so that the search ends."""


class TrialFailed(Exception):
    """A trial failed. The reason is stored with it, and the search goes on."""


class Interrupted(KeyboardInterrupt):
    """The process was asked to stop; its trial is queued again.

    Args:
        status: Exit status of the process.
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def counted(study: Study) -> list[FrozenTrial]:
    """The trials that use up the budget, in order: neither repeated by a later one nor surplus."""
    trials = [t for t in study.get_trials(deepcopy=False) if not t.user_attrs.get(SURPLUS)]
    retried = {number for trial in trials for number in history(trial)}
    return [trial for trial in trials if trial.number not in retried]


def in_state(study: Study, state: TrialState) -> list[FrozenTrial]:
    """The study's trials in this state."""
    return study.get_trials(deepcopy=False, states=(state,))


def conduct(
    study: Study,
    objective: Objective,
    *,
    n_trials: int,
    heartbeat_s: int,
    on_end: OnEnd = lambda study, trial: None,
) -> None:
    """Run trials until the study has `n_trials`; other processes may run some of them.

    Args:
        study: Of `open_study`.
        objective: Score of a trial. What it raises fails that trial alone, unless it is a
            `SweepError`.
        n_trials: Of the whole study, those of other processes and earlier runs included.
        heartbeat_s: Seconds between two heartbeats, as given to `open_storage`.
        on_end: Called after each trial that ended here.

    Raises:
        Interrupted: On SIGINT, or where the objective ended the process by `sys.exit`.
        SweepError: The objective's.
    """
    attempt = _Attempt(objective, n_trials)
    patience = SILENT_BEATS + 2  # heartbeats after which a dead trial must have been noticed
    while True:
        fail_dead(study)
        if in_state(study, TrialState.WAITING) or len(counted(study)) < n_trials:
            _run_one(study, attempt, on_end)
            patience = SILENT_BEATS + 2
        elif in_state(study, TrialState.RUNNING) and patience > 0:
            # Other processes run them, or have died meanwhile, which shows in a few heartbeats.
            time.sleep(heartbeat_s)
            patience -= 1
        else:
            return


def _run_one(study: Study, attempt: "_Attempt", on_end: OnEnd) -> None:
    try:
        study.optimize(
            attempt, n_trials=1, catch=(TrialFailed,), callbacks=[on_end], gc_after_trial=True
        )
    except Interrupted:
        assert attempt.number is not None
        queue_again(study, study.get_trials()[attempt.number])
        raise
    except SweepError:
        raise
    except (ValueError, UpdateFinishedTrialError):
        # This process was suspended for so long that another took its trial for dead.
        if attempt.number is None or not study.get_trials()[attempt.number].state.is_finished():
            raise
        print(f"trial {attempt.number}: was silent for too long and is tried again elsewhere")


@dataclass
class _Attempt:
    """The objective as Optuna calls it: an error is stored with the trial."""

    objective: Objective
    n_trials: int
    number: int | None = None

    def __call__(self, trial: Trial) -> float:
        self.number = trial.number
        trial.set_user_attr(REASON, "")  # a repeated trial inherits the earlier one's
        if _one_too_many(trial, self.n_trials):
            trial.set_user_attr(SURPLUS, True)
            raise TrialFailed
        try:
            return self.objective(trial)
        except (TrialPruned, UpdateFinishedTrialError, SweepError):
            raise
        except (KeyboardInterrupt, SystemExit) as stop:
            trial.set_user_attr(REASON, "interrupted")
            code = stop.code if isinstance(stop, SystemExit) else None
            raise Interrupted(code if isinstance(code, int) else 130) from None
        except Exception as error:
            trial.set_user_attr(REASON, reason_of(error))
            # Without its cause, whose stack frames would keep the network in memory.
            raise TrialFailed from None


def _one_too_many(trial: Trial, n_trials: int) -> bool:
    """Whether the budget was used up by trials of lower numbers, begun at the same time."""
    first_tries = {min([t.number, *history(t)]) for t in counted(trial.study)}
    before = sum(number < trial.number for number in first_tries)
    return trial.number in first_tries and before >= n_trials


def reason_of(error: Exception) -> str:
    """Why a trial failed, in a line."""
    if isinstance(error, InputError):
        return str(error)
    line = next(iter(str(error).splitlines()), "")
    if isinstance(error, MemoryError) or "out of memory" in line:
        return f"out of memory; lower data.batch_size or data.window_px ({line})".replace(" ()", "")
    return f"{type(error).__name__}: {line}".rstrip(": ")


def ending(trial: FrozenTrial, study: Study) -> str:
    """How a trial that did not complete ended, in words; empty for one that did."""
    if trial.state == TrialState.COMPLETE:
        return ""
    if trial.state != TrialState.FAIL:
        return trial.state.name.lower()
    again = [t.number for t in study.get_trials(deepcopy=False) if trial.number in history(t)]
    reason = trial.user_attrs.get(REASON) or "its process died"
    return f"{reason}; tried again as trial {min(again)}" if again else str(reason)
