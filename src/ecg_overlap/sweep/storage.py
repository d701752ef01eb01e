"""Where a study is stored: a database or a journal file; both keep each trial's heartbeat."""

import random
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import optuna
import sqlalchemy.exc
from optuna.distributions import distribution_to_json
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages import RetryHeartbeatStaleTrialCallback as Retry
from optuna.storages._heartbeat import BaseHeartbeat
from optuna.storages.journal import JournalFileBackend
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from data_gen.errors import InputError
from ecg_overlap.sweep.space import Space

OnStale = Callable[[Study, FrozenTrial], None]
SILENT_BEATS = 3  # heartbeats that a trial may miss before it counts as dead
REMEDY = "give sqlite:///FILE.db, FILE.journal, or the URL of a database that can be reached"


class HeartbeatJournal(JournalStorage, BaseHeartbeat):
    """A journal file that keeps the heartbeats of running trials, as Optuna's databases do.

    Each trial has a file beside the journal, which is touched at every heartbeat. Its age is
    measured against a file touched just now, so that the machines' clocks need not agree.

    Args:
        path: The journal file.
        interval_s: Between two heartbeats.
        on_stale: Called with a trial that was marked as failed because its process died.
    """

    def __init__(self, path: Path, interval_s: int, on_stale: OnStale) -> None:
        self._beats = path.with_name(path.name + ".beats")
        self._beats.mkdir(parents=True, exist_ok=True)
        super().__init__(JournalFileBackend(str(path)))
        self._interval_s, self._on_stale = interval_s, on_stale

    def record_heartbeat(self, trial_id: int) -> None:
        (self._beats / str(trial_id)).touch()

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:
        probe = self._beats / "now"
        probe.touch()
        oldest = probe.stat().st_mtime - SILENT_BEATS * self._interval_s
        running = self.get_all_trials(study_id, deepcopy=False, states=(TrialState.RUNNING,))
        beats = {trial._trial_id: self._beats / str(trial._trial_id) for trial in running}
        return [
            id_ for id_, beat in beats.items() if beat.exists() and beat.stat().st_mtime < oldest
        ]

    def get_heartbeat_interval(self) -> int:
        return self._interval_s

    def get_heartbeat_stale_trial_callback(self) -> OnStale:
        return self._on_stale


def open_storage(where: str, *, heartbeat_s: int = 20, retries: int = 3) -> BaseStorage:
    """The storage, created if need be.

    Args:
        where: `FILE.journal`, or the URL of a database as SQLAlchemy reads it.
        heartbeat_s: Seconds between two heartbeats of a running trial.
        retries: How often a trial is repeated after its process died.

    Raises:
        InputError: It is neither, or cannot be reached.
    """
    if heartbeat_s < 1:
        raise InputError(f"heartbeat_s={heartbeat_s}", "is no interval", "give 1 second or more")
    on_stale = _retry(retries)
    try:
        if where.endswith(".journal") and "://" not in where:
            return HeartbeatJournal(Path(where), heartbeat_s, on_stale)
        return _database(where, heartbeat_s, on_stale)
    except (sqlalchemy.exc.SQLAlchemyError, ImportError, OSError) as error:
        words = " ".join(str(error).partition("(Background")[0].partition("[SQL")[0].split())
        raise InputError(f"storage={where}", words.rstrip("."), REMEDY) from error


def _database(url: str, heartbeat_s: int, on_stale: OnStale, attempts: int = 5) -> RDBStorage:
    # SQLite lets one process write at a time; the others wait for it this many seconds.
    waiting = {"connect_args": {"timeout": 60}} if url.startswith("sqlite:") else {}
    for attempt in range(attempts):
        try:
            with _quiet():
                return RDBStorage(
                    url,
                    engine_kwargs=waiting,
                    heartbeat_interval=heartbeat_s,
                    grace_period=SILENT_BEATS * heartbeat_s,
                    heartbeat_stale_trial_callback=on_stale,
                )
        except (sqlalchemy.exc.OperationalError, sqlalchemy.exc.IntegrityError):
            # Processes that start together all create the tables; all but one must try again.
            if attempt == attempts - 1:
                raise
            time.sleep(random.uniform(0.1, 0.4))  # no result depends on it
    raise AssertionError


def _retry(times: int | None) -> OnStale:
    with _quiet():
        return Retry(times, inherit_intermediate_values=True)


def fail_dead(study: Study) -> None:
    """Mark running trials whose process died as failed, and queue their parameters again."""
    with _quiet():
        optuna.storages.fail_stale_trials(study)


def queue_again(study: Study, trial: FrozenTrial) -> None:
    """Queue the parameters of a trial that was interrupted before it had a score."""
    _retry(None)(study, trial)


def history(trial: FrozenTrial) -> list[int]:
    """Numbers of the trials that this one repeats, the earliest first."""
    with _quiet():
        return Retry.retry_history(trial)


def open_study(
    storage: BaseStorage,
    name: str,
    *,
    space: Space,
    metric: str,
    direction: str,
    sampler: optuna.samplers.BaseSampler | None = None,
    pruner: optuna.pruners.BasePruner | None = None,
) -> Study:
    """The study of this name, created if need be.

    Raises:
        InputError: It was created with another space, metric or direction.
    """
    if direction.upper() not in StudyDirection.__members__:
        raise InputError(f"direction={direction}", "is none", "choose maximize or minimize")
    study = optuna.create_study(
        storage=storage,
        study_name=name,
        sampler=sampler,
        pruner=pruner,
        direction=StudyDirection[direction.upper()],
        load_if_exists=True,
    )
    wanted: dict[str, object] = {
        "metric": metric,
        "space": {key: distribution_to_json(value) for key, value in space.items()},
    }
    found = study.user_attrs
    differ = [key for key, value in wanted.items() if found.get(key, value) != value]
    if study.direction.name.lower() != direction:
        differ.append("direction")
    if differ:
        raise InputError(
            f"study_name={name}",
            f"was begun with another {' and '.join(differ)}",
            "choose another study_name, or take back the change",
        )
    for key, value in wanted.items():
        study.set_user_attr(key, value)
    return study


class _quiet(warnings.catch_warnings):  # noqa: N801
    """Hides Optuna's warnings that heartbeats are experimental; pyproject bounds its version."""

    def __enter__(self) -> None:
        super().__enter__()
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
