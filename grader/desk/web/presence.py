"""Who looks at what at this moment: kept in memory, and forgotten after some seconds without a
sign.
"""

from __future__ import annotations

import threading
import time

FORGOTTEN = 12.0  # seconds after the last sign
MOST = 1_000  # places that are remembered


class Presence:
    """Which group each grader is looking at."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], tuple[str, float]] = {}

    def note(self, who: str, window: str, place: str) -> None:
        """Remember that a grader's window shows a place, which may be nothing."""
        now = time.monotonic()
        with self._lock:
            for key in [key for key, (_, then) in self._seen.items() if now - then > FORGOTTEN]:
                del self._seen[key]
            if len(self._seen) < MOST:
                self._seen[who, window] = (place, now)

    def others(self, window: str, place: str) -> list[str]:
        """Return who else looks at a place: other graders, or the same in another window."""
        now = time.monotonic()
        with self._lock:
            found = set()
            for (who, other), (where, then) in self._seen.items():
                if other != window and where == place and now - then <= FORGOTTEN:
                    found.add(who)
        return sorted(found)
