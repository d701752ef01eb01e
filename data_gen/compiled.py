"""Functions compiled by numba: kept on the disk where that can be, said when it takes a while.

Numba compiles a function anew for each whole number that it can see in a call from another one.
`int(…)` hides it, where compiling takes long. A line of array arithmetic takes seconds to compile,
a loop a fraction of one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from numba import njit
from numba.core import event
from numba.core.dispatcher import Dispatcher

__all__ = ["njit", "told_of_compiling"]

_enable_caching = Dispatcher.enable_caching


def _cached_where_possible(self: Dispatcher) -> None:
    """Numba's own, but no error where neither the package nor HOME can be written.

    A hardened container is so: there each process compiles for itself. Numba has no switch for it.
    """
    try:
        _enable_caching(self)
    except RuntimeError:
        return


Dispatcher.enable_caching = _cached_where_possible  # type: ignore[method-assign]


class _Once(event.Listener):
    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell: Callable[[], None] | None = tell

    def on_start(self, event: event.Event) -> None:
        tell, self._tell = self._tell, None
        if tell is not None:
            tell()

    def on_end(self, event: event.Event) -> None:
        """Nothing: more functions may follow."""


@contextmanager
def told_of_compiling(tell: Callable[[], None]) -> Iterator[None]:
    """Calls `tell` once, when a function is compiled in this process and not read from the disk."""
    listener = _Once(tell)
    event.register("numba:compile", listener)
    try:
        yield
    finally:
        event.unregister("numba:compile", listener)
