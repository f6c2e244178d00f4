"""A view of the file system in which an unprivileged user can reach Python. For root alone; what it
covers is lost.

Theory of operation. A box of root's runs as another user, who can't enter a folder of mode 0700
such as ``/root``, though Python or the assignment may lie beneath it. So the zygote takes a mount
namespace of its own, lays an empty file system over the blocking folder, and binds beneath it the
few folders that are needed. Nobody else sees that, and it ends with the zygote. Where mounts are
forbidden, or files themselves are closed to others, the tier is refused with a sentence.
"""

from __future__ import annotations

import ctypes
import itertools
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from grader.sandbox.inside.walls.wall import Unsuitable

REMEDY = (
    "Install Python and the assignment where every user may go, not beneath /root, or grade as an"
    " ordinary user."
)

MOST = 5000
MS_NOSUID, MS_NODEV, MS_REC, MS_BIND, MS_PRIVATE = 2, 4, 1 << 14, 1 << 12, 1 << 18
CLONE_NEWNS = 0x00020000

_libc = ctypes.CDLL(None, use_errno=True)


def blocking(path: str) -> str | None:
    """Return the topmost folder above ``path`` that others may not pass through, or None."""
    for folder in [*reversed(Path(path).parents)]:
        if not folder.stat().st_mode & 0o001:
            return str(folder)
    return None


def open_up(paths: Iterable[str]) -> None:
    """Make each path reachable for others, its own mode allowing; raise `Unsuitable` where mounts
    are forbidden.
    """
    needed: dict[str, str] = {}
    for path in filter(os.path.exists, paths):
        if folder := blocking(path):
            needed[path] = folder
    if not needed:
        return
    path, folder = next(iter(needed.items()))
    check(_libc.unshare(CLONE_NEWNS), f"{path} lies beneath {folder}, which root alone may enter")
    mount("none", "/", MS_REC | MS_PRIVATE)
    held = {path: os.open(path, os.O_PATH) for path in needed}
    for folder in sorted(set(needed.values())):
        mount("tmpfs", folder, MS_NOSUID | MS_NODEV, "tmpfs", b"mode=0755,size=1m")
    for path, number in sorted(held.items()):
        if os.path.isdir(f"/proc/self/fd/{number}"):
            os.makedirs(path, 0o755, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
        mount(f"/proc/self/fd/{number}", path, MS_BIND | MS_REC)
        os.close(number)


def mount(source: str, target: str, flags: int, kind: str = "", options: bytes = b"") -> None:
    """Call mount(2)."""
    code = _libc.mount(
        source.encode(),
        target.encode(),
        kind.encode() or None,
        ctypes.c_ulong(flags),
        options or None,
    )
    check(code, f"{target} can't be mounted")


def check(code: int, sentence: str) -> None:
    """Raise `Unsuitable` where a call of libc failed."""
    if code != 0:
        raise Unsuitable(f"{sentence}: {os.strerror(ctypes.get_errno())}", REMEDY)


def unreadable(paths: Iterable[str], user: int) -> str:
    """Return the first of these files and folders that another user can't read, tried in a child,
    or nothing.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            first = next(itertools.filterfalse(readable, paths), "")
            os.write(writing, first.encode(errors="replace"))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return answer.decode(errors="replace")


def everything(paths: Iterable[str]) -> Iterator[str]:
    """Yield files and folders with all that lies beneath them, up to a number that takes no
    time.
    """
    for path in paths:
        yield path
        yield from islice(beneath(path), MOST)


def beneath(path: str) -> Iterator[str]:
    """Yield all files and folders beneath a folder."""
    for folder, inner, files in os.walk(path):
        for name in (*inner, *files):
            yield os.path.join(folder, name)


def readable(path: str) -> bool:
    """Tell whether this process can read a file or list a folder; what is not there is no
    obstacle.
    """
    try:
        if os.path.isdir(path):
            os.listdir(path)
            return os.access(path, os.X_OK)
        os.close(os.open(path, os.O_RDONLY))
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
