"""The tier `none`: a plain subprocess with timeouts, for code that its user trusts, on any system.

Theory of operation. Nothing here stops hostile code: it runs with the user's own rights. What still
holds is what the process border gives: no expectation, seed or verdict is in the worker's memory,
arguments, environment or descriptors, and every wait has a deadline. Reports of this tier say
'practice, not sandboxed'.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from grader.limits import THREADS
from grader.model import Tier
from grader.sandbox.box import Box, Exit, Sandbox
from grader.sandbox.zygote_settings import font_cache

# What a worker needs of the caller's environment to start Python and to find its caches, and
# nothing else.
KEPT = (
    "PATH",
    "HOME",
    "USERPROFILE",
    "LOCALAPPDATA",
    "APPDATA",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "TMPDIR",
    "LANG",
    "LC_ALL",
)


def clean_environment(folder: Path) -> dict[str, str]:
    """Return the environment of a worker: the few kept variables, one BLAS thread, a headless
    matplotlib.

    What libraries write down for themselves goes into the worker's own folder: a user may have no
    home.
    """
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    caches = {"MPLCONFIGDIR": str(font_cache() or folder), "IPYTHONDIR": str(folder)}
    return {**kept, **dict.fromkeys(THREADS, "1"), **caches, "MPLBACKEND": "agg"}


class PlainBox(Box):
    """A worker in a process group of its own, in a temporary folder of its own."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="grader-")).resolve()
        self._lock = threading.Lock()
        self._exit: Exit | None = None
        ours, theirs = socket.socketpair()
        from grader.sandbox.wire import Channel

        self.channel = Channel(ours)
        with theirs:
            self._process = self._start(theirs)

    def _start(self, wire: socket.socket) -> subprocess.Popen[bytes]:
        """Start the worker, which speaks over ``wire``."""
        command = [
            sys.executable,
            "-I",
            "-X",
            "utf8",
            "-c",
            "from grader.sandbox.inside.work.worker import main; main()",
        ]
        if sys.platform == "win32":
            process = subprocess.Popen(
                command,
                cwd=self._folder,
                env=clean_environment(self._folder),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            assert process.stdin is not None
            with process.stdin as pipe:
                pipe.write(wire.share(process.pid))
            return process
        return subprocess.Popen(
            [*command, str(wire.fileno())],
            cwd=self._folder,
            env=clean_environment(self._folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[wire.fileno()],
            start_new_session=True,
        )

    def kill(self) -> Exit:
        """End the worker and its process group, and remove its folder."""
        with self._lock:  # once it has ended, its process id may belong to somebody else
            if self._exit is None:
                self._exit = self._end()
            return self._exit

    def _end(self) -> Exit:
        # A worker that is just ending by itself keeps its own exit code.
        code: int | None = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self._process.wait(0.05)
        self.channel.close()
        if sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        if code is None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
        return Exit(code)


class PlainSandbox(Sandbox):
    """Opens plain subprocesses."""

    tier = Tier.NONE

    def __init__(self) -> None:
        self._boxes: list[PlainBox] = []

    def open(self, notebook: bool = False) -> Box:
        """Start a fresh worker in an empty temporary folder."""
        box = PlainBox()
        self._boxes.append(box)
        return box

    def close(self) -> None:
        """End every worker that is still there."""
        for box in self._boxes:
            box.kill()
        self._boxes.clear()
