"""The kernel of a notebook as a box: what it holds now is asked for and called, and stays as it is.

Theory of operation. Nothing is isolated here: the kernel is the student's own. If the system can
fork, a copy of the kernel's process answers (`Copy`), and whatever the functions change is lost
with the copy. Otherwise the kernel itself answers in its main thread (`InPlace`): arguments are
copies, the random generators and the streams are put back, and what a function changes outside its
arguments stays changed, as after a call in a cell.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import signal
import socket
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from grader.sandbox.inside.work.worker import Worker
from grader.sandbox.wire import Channel, Frame

NO_FORK = "this system can't copy a process"


class KernelState:
    """A kernel's namespace and streams, as the code that runs a check in the box needs them."""

    def __init__(self, channel: Channel, namespace: dict[str, Any]) -> None:
        self.namespace = namespace
        self.stdout, self.stderr = io.StringIO(), io.StringIO()
        self._channel = channel


class LiveWorker(Worker):
    """Answers for a namespace that is there already; no file is laid down."""

    def __init__(self, channel: Channel, namespace: dict[str, Any]) -> None:
        super().__init__(channel, Path.cwd())
        self.namespace = namespace

    def do_stage(self, frame: Frame) -> Frame:
        """Do nothing: the notebook has run."""
        return Frame({"ok": True})

    def do_probe(self, frame: Frame) -> Frame:
        """Run an author's code beside the kernel's objects, in a fork of this process."""
        from grader.sandbox.inside.work.cells.probe import probe

        return Frame(
            {"ok": True, "told": probe(KernelState(self.channel, self.namespace), frame.body)}
        )


class Copy:
    """A fork of the kernel that answers until its connection is closed. A context manager."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        if sys.platform == "win32":
            raise NotImplementedError(NO_FORK)
        self._namespace = namespace
        self._ours, theirs = socket.socketpair()
        sys.stdout.flush()
        sys.stderr.flush()
        with theirs, warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # a kernel has threads; the copy uses none
            self._pid = os.fork()
            if self._pid == 0:
                self._answer(theirs)

    def _answer(self, sock: socket.socket) -> None:
        """Serve in the copy, which ends here whatever happens."""
        if sys.platform == "win32":
            raise NotImplementedError(NO_FORK)
        try:
            os.setsid()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            self._ours.close()
            LiveWorker(Channel(sock), self._namespace).serve()
        finally:
            os._exit(0)

    def hand_over(self, control: socket.socket) -> None:
        """Give the connection to the process at the other end of a socket."""
        if sys.platform == "win32":
            raise NotImplementedError(NO_FORK)
        socket.send_fds(control, [b"!"], [self._ours.fileno()])
        self._ours.close()

    def wait(self) -> None:
        """Return at once: the copy answers beside this process."""

    def close(self) -> None:
        """End the copy."""
        if sys.platform == "win32":
            raise NotImplementedError(NO_FORK)
        self._ours.close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self._pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)


class InPlace:
    """The kernel itself, which answers while a check runs."""

    def __init__(self, namespace: dict[str, Any], other: int) -> None:
        self._namespace = namespace
        self._other = other  # the id of the process that asks
        self._ours, self._theirs = socket.socketpair()

    def hand_over(self, control: socket.socket) -> None:
        """Give the connection to the process at the other end of a socket."""
        if sys.platform == "win32":
            shared = self._ours.share(self._other)
            control.sendall(len(shared).to_bytes(4, "big") + shared)
        else:
            socket.send_fds(control, [b"!"], [self._ours.fileno()])
        self._ours.close()

    def wait(self) -> None:
        """Answer until the other side has no more questions."""
        with _put_back(), contextlib.suppress(OSError):
            LiveWorker(Channel(self._theirs), self._namespace).serve()

    def close(self) -> None:
        """End the connection."""
        self._ours.close()
        self._theirs.close()


@contextlib.contextmanager
def _put_back() -> Iterator[None]:
    """Put back what answering changes in this process: streams, random generators, path and
    environment.
    """
    streams = sys.stdout, sys.stderr
    states = random.getstate(), np.random.get_state()
    path, environment = [*sys.path], dict(os.environ)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        random.setstate(states[0])
        np.random.set_state(states[1])
        sys.path[:] = path
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)


def can_fork() -> bool:
    """Return whether a copy of this process can be made."""
    return hasattr(os, "fork") and sys.platform != "win32"


def receive(control: socket.socket) -> socket.socket:
    """Return the connection that a kernel hands over."""
    if sys.platform == "win32":
        size = int.from_bytes(_exactly(control, 4), "big")
        return socket.fromshare(_exactly(control, size))
    _, descriptors, _, _ = socket.recv_fds(control, 1, 1)
    if not descriptors:
        raise OSError("the kernel handed no connection over")
    return socket.socket(fileno=descriptors[0])


def _exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        if not piece:
            raise OSError("the kernel ended the connection")
        data += piece
    return data
