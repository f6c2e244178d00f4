"""What this machine offers. Imports nothing of this package."""

from __future__ import annotations

import gc
import os

COLLECT_AFTER = 50_000  # objects that were made since the last look for garbage: imports make many, which all stay


def cores() -> int:
    """Return how many cores this process may use: not all of the machine's, in a container for one."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def collect_seldom() -> None:
    """Let Python look for garbage less often than it does by itself: nearly all that grading makes is freed at once."""
    gc.set_threshold(COLLECT_AFTER)


def keep_what_is_there() -> None:
    """Leave what has been made so far out of all later looks for garbage: it stays as long as the process."""
    gc.collect()
    gc.freeze()
