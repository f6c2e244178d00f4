"""The tier `bubblewrap`: the warm zygote and all boxes inside Debian's ``bwrap``, each box behind
the inner wall too.

Theory of operation. Two walls, so that a hole in one is not a hole in both. The outer one gives the
zygote namespaces of its own: no network, no process of the host to see or to signal, a root of
empty tmpfs in which only what Python needs and the provided files are bound, read-only, and a
capped tmpfs for the scratch folders. When bwrap dies, its process namespace dies with it, whatever
is in it.

An ordinary user's bwrap takes a user namespace. Root's does not need one, and is better off
without: with a namespace of a single user every box would be the kernel's user 0, whom no limit on
processes binds. Instead the zygote keeps the few capabilities with which it turns each box into a
user of its own.
"""

from __future__ import annotations

import os
import select
import shutil
from collections.abc import Iterable
from pathlib import Path

from grader.model import Tier
from grader.sandbox import readable_paths
from grader.sandbox.inside.walls.process_tree import children, tasks_of
from grader.sandbox.inside.walls.wall import BLOCK
from grader.sandbox.warm import KILL_SECONDS, WarmSandbox
from grader.sandbox.zygote_settings import StartFailed, font_cache

BOXES = Path("/boxes")  # the scratch folders, inside
# inside: it exists because programs expect it, and boxes can't write there
TEMPORARY = "/tmp"  # noqa: S108
ROOMS = 4  # scratch folders that may be full at once before the tmpfs is
NAMESPACES = (
    "--unshare-pid",
    "--unshare-net",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
)
# To become a box's user, to make and remove that user's files, and to end that user's processes.
ROOT_KEEPS = ("SETUID", "SETGID", "SETPCAP", "CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL")


class BubblewrapSandbox(WarmSandbox):
    """Boxes behind both walls."""

    tier = Tier.BUBBLEWRAP

    _first = -1  # a descriptor of the first process inside

    def make_base(self) -> Path:
        """Return where the scratch folders will be, inside."""
        return BOXES

    @property
    def outside_tasks(self) -> int:
        """How many tasks of the zygote's user it can't see."""
        return 0 if os.getuid() == 0 else tasks_of(os.getuid())

    @property
    def user_block(self) -> int:
        """Return one of 65,536 blocks, by chance: boxes that share a user would share its limit on
        processes.
        """
        return (1 << 27) + int.from_bytes(os.urandom(2)) * BLOCK

    def command(self, python: list[str]) -> list[str]:
        """Return the zygote's command, inside bwrap."""
        bwrap = shutil.which("bwrap")
        if bwrap is None:
            raise StartFailed("bwrap is not installed", "apt-get install bubblewrap.")
        fonts = font_cache()
        cache = [str(fonts)] if fonts else []
        paths = (*self.granted.roots, *self.read, *readable_paths.own_code())
        command = [bwrap, *self._privileges(), "--die-with-parent", "--new-session"]
        command += [
            "--size",
            str(8 << 20),
            "--tmpfs",
            TEMPORARY,
            "--proc",
            "/proc",
            "--dev",
            "/dev",
        ]
        # bwrap would make the folders above as closed as they are outside, and root's boxes run as
        # another user.
        for folder in _folders_above((*paths, *cache)):
            command += ["--perms", "0755", "--dir", folder]
        for path in paths:
            command += ["--ro-bind-try", path, path]
        for path in self.granted.hidden:
            command += mask(Path(path))
        for path in cache:
            command += ["--ro-bind-try", path, path]
        size = (ROOMS * self.limits.scratch_mb + 16) << 20
        command += ["--perms", "0711", "--size", str(size), "--tmpfs", str(BOXES)]
        return [*command, "--remount-ro", "/", "--chdir", "/", "--", *python]

    def _privileges(self) -> list[str]:
        if os.getuid() != 0:
            return ["--unshare-all", "--cap-drop", "ALL"]
        privileges = [*NAMESPACES, "--cap-drop", "ALL"]
        for name in ROOT_KEEPS:
            privileges += ["--cap-add", f"CAP_{name}"]
        return privileges

    def started(self, pid: int) -> None:
        """Keep hold of the first process inside: it ends last, when its process namespace is
        empty.
        """
        inner = children(pid)
        self._first = os.pidfd_open(inner[0]) if inner else -1

    def finish(self, groups: list[int]) -> None:
        """Wait until the namespace is empty, which the end of bwrap brings about but does not wait
        for.
        """
        if self._first >= 0:
            select.select([self._first], [], [], KILL_SECONDS)
            os.close(self._first)
            self._first = -1


def mask(path: Path) -> tuple[str, ...]:
    """Return the options that cover withheld packages with something empty."""
    return (
        ("--size", str(1 << 12), "--tmpfs", str(path))
        if path.is_dir()
        else ("--ro-bind", "/dev/null", str(path))
    )


def _folders_above(paths: Iterable[str]) -> list[str]:
    """Return the folders that the paths lie in, the outermost first, without the root."""
    folders: set[str] = set()
    for path in paths:
        folders.update(map(str, Path(path).parents))
    return sorted(folders - {"/"})
