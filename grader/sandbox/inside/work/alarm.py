"""Ends a student's work in time from within its own process, so that what it has defined stays.

The trusted side keeps its own deadline, a little later, and ends the process if this does not work:
code may catch the exception, cancel the timer, or stay in a library's call that never returns to
Python.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

AGAIN_SECONDS = 0.5  # between two attempts, for code that catches everything


class TimeUp(KeyboardInterrupt):
    """The time of a cell or call is over."""


@contextmanager
def ends_after(seconds: float) -> Iterator[None]:
    """Raise `TimeUp` in what runs within, if it runs longer than that."""
    if (
        sys.platform == "win32"
        or threading.current_thread() is not threading.main_thread()
        or seconds <= 0
    ):
        yield
        return
    over = False

    def ring(number: int, frame: FrameType | None) -> None:
        if not over:
            raise TimeUp(f"the limit of {seconds:g} seconds has passed")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_SECONDS)
    try:
        yield
    finally:
        over = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
