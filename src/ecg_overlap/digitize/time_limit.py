"""How long the reading of a picture may take."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

AGAIN_S = 1.0  # it is said again so often: Python drops what is raised in a destructor


class TimeIsUp(BaseException):
    """No `Exception`: what tries another way after a failure must not try one after this."""


@contextmanager
def time_limit(limit_s: float | None) -> Iterator[None]:
    """Ends the block after a time, on systems that have timers; it must run in the main thread.

    Raises:
        TimeIsUp: The time is up.
    """
    main = threading.current_thread() is threading.main_thread()
    if limit_s is None or not main or not hasattr(signal, "setitimer"):
        yield
        return
    inside = True

    def time_is_up(number: int, frame: object) -> None:
        if inside:
            raise TimeIsUp

    before = signal.signal(signal.SIGALRM, time_is_up)
    signal.setitimer(signal.ITIMER_REAL, limit_s, AGAIN_S)
    try:
        yield
    finally:
        inside = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
