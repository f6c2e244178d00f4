"""Waits for futures so that an interrupt can't leave a lock of theirs held. Imports nothing of this
package.

`concurrent.futures.wait` takes the locks of all futures in Python code. If Ctrl-C raises in there,
a lock stays taken, the executor's own thread waits for it, and the process never ends. So while
futures are waited for here, a signal is only noted, and raises what it would have raised when the
next finished task is asked for.
"""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Self

ENDING = (signal.SIGINT, signal.SIGTERM)


class FinishedTasks:
    """The futures that have finished, in that order. A context manager."""

    def __init__(self) -> None:
        self._arrived: queue.SimpleQueue[Future[Any] | int] = queue.SimpleQueue()
        self._handlers: dict[int, Callable[..., Any]] = {}  # from before
        self._noted = 0  # the number of a signal that has not raised yet

    def add(self, future: Future[Any]) -> None:
        """Wait for one more."""
        future.add_done_callback(self._arrived.put)

    def get(self, seconds: float | None = None) -> list[Future[Any]]:
        """Return what has finished since the last time: one future at least, or none if that takes
        longer than so many seconds. Raises what a signal would have raised since.
        """
        found: list[Future[Any]] = []
        try:
            arrived = self._arrived.get(timeout=seconds)
            while True:
                if isinstance(arrived, int):
                    self._raise()
                else:
                    found.append(arrived)
                arrived = self._arrived.get_nowait()
        except queue.Empty:
            return found

    def _note(self, number: int, frame: object) -> None:
        if self._noted:  # whoever asks twice does not want to wait
            self._raise()
        self._noted = number
        self._arrived.put(number)

    def _raise(self) -> None:
        number, self._noted = self._noted, 0
        if number:
            self._handlers[number](number, None)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # no other one is interrupted
            for number in ENDING:
                before = signal.getsignal(number)
                if callable(before):
                    self._handlers[number] = before
                    signal.signal(number, self._note)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        for number, before in self._handlers.items():
            signal.signal(number, before)
        if kind is None:
            self._raise()
