"""What this machine offers. Imports nothing of this package."""

from __future__ import annotations

import os


def cores() -> int:
    """Return how many cores this process may use: not all of the machine's, in a container for one."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
