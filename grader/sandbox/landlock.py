"""The tier `landlock`: the inner wall alone, from pip packages, without privileges.

Theory of operation. The zygote is an ordinary subprocess; each box walls itself in before it reads
a student's byte, see `grader.sandbox.inside.walls.wall`. What keeps a box of the grader's own user
from the grader: Landlock denies it every file, trace and (from Linux 6.12) signal beyond its own
processes, and seccomp every call that Landlock does not cover.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

from grader.model import Tier
from grader.sandbox.warm import WarmSandbox


class LandlockSandbox(WarmSandbox):
    """Boxes behind the inner wall."""

    tier = Tier.LANDLOCK

    def make_base(self) -> Path:
        """Make the folder of the scratch folders; root's boxes run as other users, who must reach
        their own in it.
        """
        folder = Path(tempfile.mkdtemp(prefix="grader-")).resolve()
        folder.chmod(0o711)
        return folder

    def remove_base(self) -> None:
        """Remove that folder; the zygote has done so unless it was killed."""
        shutil.rmtree(self.base, ignore_errors=True)

    def command(self, python: list[str]) -> list[str]:
        """Return the bare command."""
        return python

    def finish(self, groups: list[int]) -> None:
        """Kill the process groups that have lost their zygote and wardens."""
        deadline = time.monotonic() + 1.0
        while groups and time.monotonic() < deadline:
            for group in list(groups):
                try:
                    os.killpg(group, signal.SIGKILL)
                except (ProcessLookupError, PermissionError):
                    groups.remove(group)
            time.sleep(0.005)
