"""Workers of the tier `none` for tests that are not about how these start: forks of a warm process.

A plain worker starts Python, and loads NumPy and for a notebook IPython and matplotlib: up to a
second and a half of a core for a box. The tests open many hundreds. A fork has the same folder,
environment, streams and process group, and no walls either; tests/sandbox and all commands that run
in a process of their own start theirs as the product does.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grader.sandbox.box import Box
from grader.sandbox.plain import PlainBox, PlainSandbox, clean_environment

PYTHON = sys.executable  # which a test may put another in the place of
SECONDS = 120.0  # for a fork, of a server that may still be loading
SERVER = Path(__file__).with_name("plain_server.py")


class Forked:
    """A fork, with what `PlainBox` asks of a `subprocess.Popen`."""

    def __init__(self, status: socket.socket) -> None:
        self._status = status
        self.pid = int(self._told(SECONDS))
        self._code: int | None = None

    def _told(self, seconds: float | None) -> str:
        self._status.settimeout(seconds)
        said = self._status.recv(64).decode()
        if not said:
            raise RuntimeError("the process that forks plain workers has ended")
        return said

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code, or minus the number of the signal that ended it."""
        if self._code is None:
            try:
                self._code = int(self._told(timeout))
            except TimeoutError:
                raise subprocess.TimeoutExpired("a plain worker", timeout or 0) from None
            self._status.close()
        return self._code

    def kill(self) -> None:
        """End the process itself."""
        if self._code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, 9)


class Forks:
    """The warm process, started when the first worker is asked for."""

    def __init__(self) -> None:
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def fork(self, wire: socket.socket, folder: Path, notebook: bool) -> Forked:
        """Return a new worker that speaks over ``wire``."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        asked = {
            "folder": str(folder),
            "environment": clean_environment(folder),
            "notebook": notebook,
        }
        with theirs:
            control = self._started()
            socket.send_fds(control, [json.dumps(asked).encode()], [wire.fileno(), theirs.fileno()])
        return Forked(ours)

    def _started(self) -> socket.socket:
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self.close()
                self._control, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                python = [PYTHON, "-I", "-X", "utf8"]
                with far:
                    self._process = subprocess.Popen(
                        [*python, "-c", SERVER.read_text("utf-8"), str(far.fileno())],
                        cwd="/", env=clean_environment(Path(tempfile.gettempdir())),
                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                        pass_fds=[far.fileno()], start_new_session=True,
                    )  # fmt: skip
                atexit.unregister(self.close)
                atexit.register(self.close)
            assert self._control is not None
            return self._control

    def close(self) -> None:
        """End the warm process."""
        if self._control is not None and self._process is not None:
            self._control.close()
            self._process.wait()


FORKS = Forks()


class ForkedBox(PlainBox):
    """A plain box whose worker is a fork."""

    def __init__(self, notebook: bool) -> None:
        self._notebook = notebook
        super().__init__()

    def _start(self, wire: socket.socket) -> Any:
        return FORKS.fork(wire, self._folder, self._notebook)


def _open(sandbox: PlainSandbox, notebook: bool = False) -> Box:
    box = ForkedBox(notebook)
    sandbox._boxes.append(box)
    return box


STARTED = PlainSandbox.open  # as the product does it


def use_forks() -> None:
    """From now on, let plain sandboxes of this process open forks."""
    if sys.platform == "linux":
        PlainSandbox.open = _open  # type: ignore[method-assign]


@contextlib.contextmanager
def as_the_product_does() -> Iterator[None]:
    """Meanwhile, let plain sandboxes start a Python for each worker."""
    before, PlainSandbox.open = PlainSandbox.open, STARTED  # type: ignore[method-assign]
    try:
        yield
    finally:
        PlainSandbox.open = before  # type: ignore[method-assign]
