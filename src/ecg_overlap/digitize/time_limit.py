"""How long the reading of a picture may take."""

import ctypes
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

AGAIN_S = 1.0  # it is said again so often: Python drops what is raised in a destructor


class TimeIsUp(BaseException):
    """No `Exception`: what tries another way after a failure must not try one after this."""


@contextmanager
def time_limit(limit_s: float | None) -> Iterator[None]:
    """Ends the block after a time; a call into C is finished first.

    Raises:
        TimeIsUp: The time is up.
    """
    if limit_s is None:
        yield
        return
    main = threading.current_thread() is threading.main_thread()
    by_timer = main and hasattr(signal, "setitimer")
    with _by_timer(limit_s) if by_timer else _by_another_thread(limit_s):
        yield


@contextmanager
def _by_timer(limit_s: float) -> Iterator[None]:
    """In the main thread, on systems that have timers; it ends waiting too."""
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


@contextmanager
def _by_another_thread(limit_s: float) -> Iterator[None]:
    """In any thread, as of a cluster's workers: signals are the main thread's alone."""
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
    here = ctypes.c_ulong(threading.get_ident())
    ended, one_of_two = threading.Event(), threading.Lock()

    def watch() -> None:
        wait_s = limit_s
        while not ended.wait(wait_s):
            with one_of_two:
                if not ended.is_set():
                    raise_in(here, ctypes.py_object(TimeIsUp))
            wait_s = AGAIN_S

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        while not ended.is_set():
            try:
                with one_of_two:
                    ended.set()
                    raise_in(here, None)  # one that was said and has not come yet never does
            except TimeIsUp:  # it came here, after the block: too late to count
                continue
