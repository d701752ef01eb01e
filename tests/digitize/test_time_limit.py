"""How long a picture may take, in the main thread and in another."""

import threading
import time
from collections.abc import Callable

import pytest

from ecg_overlap.digitize.time_limit import TimeIsUp, time_limit


def works(for_s: float) -> None:
    ends = time.monotonic() + for_s
    while time.monotonic() < ends:
        pass


def here(block: Callable[[], str]) -> str:
    return block()


def in_a_thread(block: Callable[[], str]) -> str:
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(block()))
    thread.start()
    thread.join(timeout=30)
    return found[0]


def limited(limit_s: float, takes_s: float) -> str:
    try:
        with time_limit(limit_s):
            works(takes_s)
    except TimeIsUp:
        return "given up"
    works(1.2)  # nothing is raised any more
    return "done"


@pytest.mark.parametrize("where", [here, in_a_thread])
def test_what_takes_longer_is_given_up_and_nothing_else(
    where: Callable[[Callable[[], str]], str],
) -> None:
    assert where(lambda: limited(0.2, 60)) == "given up"
    assert where(lambda: limited(1.0, 0.1)) == "done"


class Swallows:
    """What is raised as it is thrown away is dropped by Python."""

    def __del__(self) -> None:
        works(1.0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("where", [here, in_a_thread])
def test_it_is_said_again_where_it_was_dropped(
    where: Callable[[Callable[[], str]], str],
) -> None:
    def block() -> str:
        try:
            with time_limit(0.3):
                Swallows()
                works(60)
        except TimeIsUp:
            return "given up"
        return "done"

    assert where(block) == "given up"
