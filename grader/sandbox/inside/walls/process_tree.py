"""Measures a tree of processes through ``/proc``: tasks, CPU time, memory, and files that have no
name any more.

Theory of operation. The processes measured are hostile and keep changing while they are read;
whatever vanishes is skipped. Cheap upper bounds come first, and the dear exact numbers only where a
bound is over the limit. Memory is a sum of proportional set sizes, so that the zygote's pages count
once however often they are shared. Shared anonymous memory stays allocated when it is no longer
resident in any process, so it counts by its size; so do unlinked files.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
PIPE, SOCKET = 1 << 16, 212_992  # bytes that the kernel keeps for each by default
_EXITING = 0x4  # PF_EXITING among the kernel's flags of a task
MAX_SEEN = 4096  # tasks looked at: far beyond any limit


class Process(NamedTuple):
    """One process at one moment."""

    pid: int
    tasks: int
    cpu_seconds: float  # its own and of the children that it has waited for
    virtual: int  # bytes of address space
    resident: int  # bytes


class Nameless(NamedTuple):
    """What is held by mappings of deleted files, in bytes by (device, inode)."""

    memory: dict[tuple[str, str], int]
    disk: dict[tuple[str, str], int]


def look(pid: int) -> Process | None:
    """Return a process's numbers, or None if it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = text[text.rindex(b")") + 2 :].split()
    seconds = sum(map(int, fields[11:15])) / TICKS
    return Process(pid, int(fields[17]), seconds, int(fields[20]), int(fields[21]) * PAGE)


def is_ending(pid: int) -> bool:
    """Tell whether a process has begun to end: it runs no code of its own any more."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    flags = int(text[text.rindex(b")") + 2 :].split()[6])
    return bool(flags & _EXITING)


def children(pid: int) -> list[int]:
    """Return the children of every thread of a process."""
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_bytes().split())
    except OSError:
        pass
    return found


def below(root: int, enough: int = MAX_SEEN) -> list[Process]:
    """Return what descends from ``root``, without it; no more than shows that there are more than
    ``enough`` tasks.

    A look must stay cheap while a bomb goes off: it gets a small share of the processors then.
    """
    waiting, seen, tasks = children(root), dict[int, Process](), 0
    while waiting and tasks <= enough:
        pid = waiting.pop()
        if pid in seen:
            continue
        process = look(pid)
        if process is not None:
            seen[pid] = process
            tasks += process.tasks
            waiting += children(pid)
    return list(seen.values())


def tasks_of(user: int) -> int:
    """Return how many processes and threads a user has on this machine."""
    count = 0
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                if entry.stat(follow_symlinks=False).st_uid == user:
                    count += os.stat(f"/proc/{entry.name}/task").st_nlink - 2
            except OSError:
                continue
    return count


def proportional(process: Process) -> tuple[int, int]:
    """Return a process's share of memory in bytes: all of it, and the part that is shared
    memory.
    """
    try:
        text = Path(f"/proc/{process.pid}/smaps_rollup").read_bytes()
    except ProcessLookupError:
        return 0, 0
    # it may not be read, or this kernel has none: the larger number errs on the safe side
    except OSError:
        return process.resident, 0
    sizes = {line.split()[0]: int(line.split()[1]) * 1024 for line in text.splitlines()[1:]}
    return sizes.get(b"Pss:", process.resident), sizes.get(b"Pss_Shmem:", 0)


def nameless(pid: int, device: int) -> Nameless:
    """Return the mappings of deleted files: those on ``device`` take disk space, the others are
    memory.
    """
    found = Nameless({}, {})
    own = f"{os.major(device):02x}:{os.minor(device):02x}"
    try:
        lines = Path(f"/proc/{pid}/maps").read_text(errors="replace").splitlines()
    except OSError:
        return found
    for line in lines:
        if line.endswith(" (deleted)"):
            span, _, offset, place, inode = line.split(None, 5)[:5]
            start, end = (int(edge, 16) for edge in span.split("-"))
            held = found.disk if place == own else found.memory
            held[place, inode] = max(held.get((place, inode), 0), int(offset, 16) + end - start)
    return found


def unlinked(pid: int, device: int) -> Iterator[tuple[int, int]]:
    """Yield inode and bytes of the deleted files on ``device`` that a process holds open."""
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return
    for name in names:
        try:
            info = os.stat(f"/proc/{pid}/fd/{name}")
        except OSError:
            continue
        if info.st_nlink == 0 and info.st_dev == device and stat.S_ISREG(info.st_mode):
            yield info.st_ino, info.st_blocks * 512


def buffers(processes: list[Process], socket_bytes: int) -> int:
    """Return what the kernel may keep at most in the sockets and pipes that a tree holds open, in
    bytes.
    """
    held: dict[int, int] = {}
    for process in processes:
        try:
            names = os.listdir(f"/proc/{process.pid}/fd")
        except OSError:
            continue
        for name in names:
            try:
                info = os.stat(f"/proc/{process.pid}/fd/{name}")
            except OSError:
                continue
            if stat.S_ISSOCK(info.st_mode):
                held[info.st_ino] = socket_bytes
            elif stat.S_ISFIFO(info.st_mode):
                held[info.st_ino] = PIPE
    return sum(held.values())


def socket_buffer() -> int:
    """Return how many bytes the kernel keeps for one socket at most, where nobody may ask for
    more.
    """
    try:
        return int(Path("/proc/sys/net/core/wmem_default").read_text())
    except (OSError, ValueError):  # in a network namespace of its own the number is not shown
        return SOCKET


def memory(processes: list[Process], device: int) -> int:
    """Return the bytes of memory of a tree, each shared page counted once."""
    total = shared = 0
    held: dict[tuple[str, str], int] = {}
    for process in processes:
        whole, part = proportional(process)
        total += whole
        shared += part
        for key, size in nameless(process.pid, device).memory.items():
            held[key] = max(held.get(key, 0), size)
    return total - shared + max(shared, sum(held.values()))
