"""Workers for tests that are not about processes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from grader.classroom.run import worker


class Here:
    """Workers that do each task at once, in this process."""

    capacity = 1

    def __init__(self, *_: object) -> None:
        pass

    def submit(self, fn: Callable[[bytes], bytes], message: bytes) -> Future[bytes]:
        future: Future[bytes] = Future()
        future.set_result(fn(message))
        return future

    def shutdown(self, **_: object) -> None:
        worker.close()

    abort = shutdown
