"""What this machine offers. Imports nothing of this package."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60  # cgroup v1 writes a huge number if there is no limit


def cores() -> int:
    """Return how many cores this process may use; in a container they may be few."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def slowdown() -> float:
    """Return how many times as long as on a quiet machine work takes now, from 1 to 4: how many
    processes wanted a core in the last minute, for each core.
    """
    if sys.platform == "win32":  # which counts no load
        return 1.0
    return min(4.0, max(1.0, os.getloadavg()[0] / cores()))


def memory_mb() -> int | None:
    """Return how many MiB of memory this process may use, by the machine and its cgroups.

    None: the system does not say
    """
    if sys.platform == "win32":
        return None
    try:
        found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    except (ValueError, OSError):
        return None
    for folder in _own_cgroups():
        for name in ("memory.max", "memory.high", "memory.limit_in_bytes"):
            value = _text(folder / name).strip()
            if value.isdecimal() and int(value) < _UNLIMITED:
                found.append(int(value))
    return min(found) >> 20


def oom_kills() -> int:
    """Return how many processes the kernel has killed so far because memory was used up."""
    counts = [_counted(Path("/proc/vmstat"), "oom_kill")]
    for folder in _own_cgroups():
        counts.append(_counted(folder / "memory.events", "oom_kill"))
        counts.append(_counted(folder / "memory.oom_control", "oom_kill"))
    return sum(counts)


def _own_cgroups() -> Iterator[Path]:
    """Yield the folders of this process's cgroups that may limit memory, and their parents."""
    for line in _text(Path("/proc/self/cgroup")).splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "memory" not in controllers.split(","):
            continue
        root = _CGROUPS / "memory" if controllers else _CGROUPS
        own = root / path.lstrip("/")
        for folder in (own, *own.parents):
            if folder.is_relative_to(root):
                yield folder


def _counted(path: Path, key: str) -> int:
    for line in _text(path).splitlines():
        name, _, value = line.partition(" ")
        if name == key and value.strip().isdecimal():
            return int(value)
    return 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
