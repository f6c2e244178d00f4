"""Time limits beside the reference: how long a submission's own functions took, by the trusted
side's clock.

The time of its calls alone is looked at: starting a box, importing a module and what the check
itself computes are left out on both sides. What the box says of its time is not asked for.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from grader.checking.run.remote import Remote
from grader.errors import LimitExceeded
from grader.model import Comparison
from grader.sandbox.wire import Frame

PATIENCE = 2  # times the limit of CPU seconds: what all calls of a submission may take by the clock
GRACE_SECONDS = 2.0  # for a call to end after it was interrupted
LEAST_SECONDS = 1.0  # a limit is never shorter: the noise of a busy machine is no slow solution


class ClockedRemote(Remote):
    """A worker whose calls are timed."""

    seconds = 0.0  # of all calls so far
    _notebook = False
    _deadline = math.inf

    def request(
        self, what: str, body: dict[str, Any], blobs: tuple[bytes, ...] = (), **options: Any
    ) -> Frame:
        """Send a request as `Remote` does; that of a call is timed, whatever comes of it."""
        if body.get("op") != "call":
            return super().request(what, body, blobs, **options)
        start = time.perf_counter()
        left = min(self._deadline - start, PATIENCE * self.limits.cpu_seconds - self.seconds)
        if left <= 0:
            raise LimitExceeded(
                f"{what} was not called any more: the calls before it took all the time that"
                " there is"
            )
        seconds = options["seconds"] = min(options.get("seconds") or self.limits.call_seconds, left)
        # what its cells defined would be lost with the process: it is asked to end by itself first
        if self._notebook:
            body, options["grace"] = {**body, "seconds": seconds}, GRACE_SECONDS
        try:
            return super().request(what, body, blobs, **options)
        finally:
            self.seconds += time.perf_counter() - start

    @contextmanager
    def hurried(self, seconds: float) -> Iterator[None]:
        """Let all calls of a while take no longer than that together."""
        self._deadline = time.perf_counter() + seconds
        try:
            yield
        finally:
            self._deadline = math.inf


def in_time(took: float, reference: float, times: float) -> Comparison:
    """Hold the seconds of a case's calls against ``times`` those of the reference, or the least
    limit there is.
    """
    limit = max(times * reference, LEAST_SECONDS)
    if took <= limit:
        return Comparison("time", True)
    why = (
        f"{times:g} times what the reference took ({reference:.2g} s)"
        if limit > LEAST_SECONDS
        else "the least limit"
    )
    return Comparison(
        "time", False, f"the calls took {took:.1f} s, and {limit:.1f} s are allowed: {why}"
    )
