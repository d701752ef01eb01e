"""What every command does with bad input: one clear line and an exit status, no traceback."""

import os
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from data_gen.errors import InputError

Result = TypeVar("Result")
MARK = "failed.txt"


def main(hydra_main: Callable[[], object]) -> None:
    """Run an entry's `main`, with paths on the command line as they were typed."""
    sys.argv[1:] = map(with_path_quoted, sys.argv[1:])
    hydra_main()


def with_path_quoted(override: str) -> str:
    """KEY=PATH with the path in quotes, if Hydra's grammar has another meaning for its letters.

    That is where the path is there, or has a "=", and is no call, list, dictionary or quotation.

    Example:
        >>> with_path_quoted("ckpt=lr=0.1,seed=0/best.ckpt"), with_path_quoted("seed=0,1")
        ("ckpt='lr=0.1,seed=0/best.ckpt'", 'seed=0,1')
    """
    key, _, value = override.partition("=")
    plain = re.fullmatch(r"[\w./:+%@-]*", value, re.ASCII)
    if key.startswith("-") or plain or re.match(r"['\"\[{$]|\w+\(", value):
        return override
    if "=" not in value and not os.path.exists(value):  # noqa: PTH110 (Path.exists raises)
        return override
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"{key}='{escaped}'"


def run(job: Callable[[DictConfig], Result], cfg: DictConfig) -> Result:
    """Run a Hydra entry's job.

    Bad input ends the process with one line and status 1. Under `-m` the line is printed and
    the error goes on to Hydra, which marks that job as failed and runs the rest.
    """
    try:
        return job(cfg)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        if HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN:
            raise
        sys.exit(1)
    except KeyboardInterrupt:
        print("interrupted; the same command again goes on where it can", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output went away (`| head`); nothing is left to say to it.
        os._exit(1)


class MarkFailedJobs(Callback):
    """Under `-m`: a failed job leaves `failed.txt` in its folder, and the grid ends with a list.

    Hydra alone runs the other jobs too, but shows the first failure only, as a traceback. Its
    launchers may run jobs in other processes, so each job records its failure in its folder.
    """

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        if _is_grid(config):
            _mark(config).unlink(missing_ok=True)

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        if not _is_grid(config) or job_return.status != JobStatus.FAILED:
            return
        error = job_return._return_value
        text = str(error)
        if not isinstance(error, InputError):
            text = f"{type(error).__name__}: {error}"
            trace = "".join(traceback.format_exception(error))
            print(trace, file=sys.stderr)
            text += f"\n\n{trace}"
        _mark(config).write_text(f"{text}\n", encoding="utf-8")
        # It is recorded above. Told of a failure, Hydra would not start the next batch of jobs.
        job_return.status, job_return.return_value = JobStatus.COMPLETED, float("nan")

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        marks = sorted(Path(config.hydra.sweep.dir).rglob(MARK))
        for mark in marks:
            job = OmegaConf.load(mark.parent / ".hydra" / "overrides.yaml")
            own = [str(text) for text in job if text not in config.hydra.overrides.task]
            reason = mark.read_text(encoding="utf-8").splitlines()[0]
            print(f"failed: {mark.parent} ({' '.join(own)}): {reason}", file=sys.stderr)
        if marks:
            sys.exit(1)


def _is_grid(config: DictConfig) -> bool:
    return bool(config.hydra.mode == RunMode.MULTIRUN)


def _mark(config: DictConfig) -> Path:
    return Path(config.hydra.runtime.output_dir) / MARK
