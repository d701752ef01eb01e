"""One of many pictures is read: what goes wrong with it is a reason, and costs no other."""

import sys
import traceback
from collections.abc import Callable
from typing import TypeVar

from data_gen.errors import InputError
from ecg_overlap.digitize.documents import Picture
from ecg_overlap.digitize.option_names import as_typed
from ecg_overlap.digitize.time_limit import TimeIsUp, time_limit

Result = TypeVar("Result")


class Failed(Exception):
    """A picture was not read; its text says which, why, and what helps, in one line."""


def attempt(read: Callable[[], Result], picture: Picture, timeout_s: float | None) -> Result:
    """What `read` returns of a picture.

    Args:
        read: Reads and writes it.
        picture: Which.
        timeout_s: What it may take; None: as long as it takes.

    Raises:
        Failed: Whatever went wrong; a defect of ours is printed in full as well.
    """
    try:
        with time_limit(timeout_s):
            return read()
    except TimeIsUp:
        reason = f"took longer than {timeout_s:g} s; give a longer --timeout, or reduce it"
    except InputError as error:
        reason = as_typed(error)
    except MemoryError:
        reason = "takes more memory than there is; give fewer --jobs, or reduce it"
    except Exception as error:  # a defect of ours must not cost the other pictures
        traceback.print_exc(file=sys.stderr)
        reason = f"a defect of ours ({type(error).__name__}: {error}); report it"
        reason = " ".join(reason.split())
    raise Failed(reason if str(picture.path) in reason else f"{picture.where}: {reason}")
