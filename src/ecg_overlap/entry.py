"""What every command does with bad input: one clear line and an exit status, no traceback."""

import os
import sys
from collections.abc import Callable
from typing import TypeVar

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from data_gen.errors import InputError

Result = TypeVar("Result")


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
    except BrokenPipeError:
        # The reader of our output went away (`| head`); nothing is left to say to it.
        os._exit(1)
