"""`check` in a notebook: the part of the report that is about one check, at once, where the work is
done.

Functions in files are judged as they are on disk; what cells define is judged as it is in the
kernel now, saved or not. Another process runs the checks (`grader.practice.helper`), and a copy of
the kernel answers for it (`grader.practice.kernel`), so the kernel is the same afterwards. Nothing
is raised into the notebook: what goes wrong is a sentence in the output. While a notebook is
graded, all of this does nothing.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

from grader.limits import THREADS
from grader.practice.messages import KernelAnswer, Order, framed, read
from grader.sandbox.wire import Channel, WireError

WORKER = "grader.sandbox.inside.work.worker"  # runs the notebook while it is graded
COPY = "grader.practice.kernel"  # makes a worker of a kernel, which is not graded then
START = "from grader.practice.helper import main; main()"
MOST_NAMES = 5_000


class Connection:
    """The process that checks for this kernel, started in the folder that the kernel is in."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.folder = Path.cwd()
        ours, theirs = socket.socketpair()
        self.control, their_control = socket.socketpair()
        self.channel = Channel(ours)
        environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
        command = [sys.executable, "-X", "utf8", "-c", START]
        with theirs, their_control:
            if sys.platform == "win32":
                self._process = subprocess.Popen(
                    command,
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                assert self._process.stdin is not None
                with self._process.stdin as pipe:
                    pipe.write(theirs.share(self._process.pid))
                    pipe.write(their_control.share(self._process.pid))
            else:
                numbers = [theirs.fileno(), their_control.fileno()]
                self._process = subprocess.Popen(
                    [*command, *map(str, numbers)],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=numbers,
                    start_new_session=True,
                )
        self._end = weakref.finalize(self, self._process.terminate)

    @property
    def usable(self) -> bool:
        """Whether the process is there, was started by this very process, and in the folder that
        this is in.
        """
        here = self.pid == os.getpid() and self.folder == Path.cwd()
        return here and self._process.poll() is None and not self.channel.is_closed()

    @property
    def process_id(self) -> int:
        """The id of the process that checks."""
        return self._process.pid

    def close(self) -> None:
        """End the process."""
        self.channel.close()
        self.control.close()
        if self.pid == os.getpid():
            self._end()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(2.0)


class Checker:
    """Checks for one kernel."""

    def __init__(self) -> None:
        self._connection: Connection | None = None

    def connect(self) -> Connection:
        """Return the process that checks, started if it is not there."""
        if self._connection is not None and not self._connection.usable:
            self._connection.close()
            self._connection = None
        if self._connection is None:
            self._connection = Connection()
        return self._connection

    def disconnect(self) -> None:
        """End the process that checks."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def answer(self, names: tuple[str, ...], namespace: dict[str, Any]) -> KernelAnswer:
        """Return what is to be shown of some checks, or of all."""
        try:
            return self._asked(names, namespace)
        except KeyboardInterrupt:
            self.disconnect()
            return _sentence("the check was interrupted")
        except (OSError, WireError) as error:
            self.disconnect()
            return _sentence(f"the process that checks has ended ({error}); run the cell again")

    def _asked(self, names: tuple[str, ...], namespace: dict[str, Any]) -> KernelAnswer:
        connection = self.connect()
        defined = [name for name in namespace if isinstance(name, str) and not name.startswith("_")]
        order = Order(names, notebook_file(namespace), tuple(defined[:MOST_NAMES]))
        connection.channel.send(framed(order))
        answer = read(connection.channel.receive(), KernelAnswer)
        if not answer.live:
            return answer
        with contextlib.closing(_kernel(namespace, connection.process_id)) as kernel:
            kernel.hand_over(connection.control)
            kernel.wait()
            return read(connection.channel.receive(), KernelAnswer)


def _kernel(namespace: dict[str, Any], other: int) -> Any:
    """Return what answers for this kernel."""
    from grader.practice import kernel

    return kernel.Copy(namespace) if kernel.can_fork() else kernel.InPlace(namespace, other)


def notebook_file(namespace: dict[str, Any]) -> str:
    """Return the path of the notebook that this kernel belongs to, if Jupyter or VS Code says
    so.
    """
    told = namespace.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME", "")
    return told if isinstance(told, str) and told.endswith(".ipynb") else ""


def _sentence(text: str) -> KernelAnswer:
    return KernelAnswer(text=f"grader: {text}")


def in_a_box() -> bool:
    """Return whether this notebook is being graded, when a check says nothing."""
    return WORKER in sys.modules and COPY not in sys.modules


def checker_of(shell: Any) -> Checker:
    """Return the one checker of a kernel."""
    checker = getattr(shell, "grader_checker", None)
    if not isinstance(checker, Checker):
        checker = Checker()
        if shell is not None:
            shell.grader_checker = checker
    return checker


def check(name: str = "", *names: str) -> None:
    """Check your work and show what comes of it.

    name: the id of a check, such as "softmax", or of one of its cases, "softmax[one row]"; without
    a name all checks are run
    """
    if in_a_box():
        return
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    shell = get_ipython()
    namespace = shell.user_ns if shell is not None else vars(sys.modules["__main__"])
    wanted = tuple(filter(None, (name, *names)))
    answer = checker_of(shell).answer(wanted, namespace)
    bundle = {"text/plain": answer.text}
    if answer.html:
        bundle["text/html"] = answer.html
    if shell is None:
        print(answer.text)  # noqa: T201 - a plain Python has no other way to show it
    else:
        display(bundle, raw=True)


def magic(line: str) -> None:
    """`%check NAME`: check your work, one check or without a name all of them."""
    check(line.strip().strip("\"'"))


def load_ipython_extension(shell: Any) -> None:
    """Define `%check`; called by `%load_ext grader.notebook`."""
    shell.register_magic_function(magic, magic_kind="line", magic_name="check")
    if not in_a_box():
        with contextlib.suppress(OSError):
            checker_of(shell).connect()  # it loads beside what the student does next


def unload_ipython_extension(shell: Any) -> None:
    """End the process that checks; called by `%unload_ext grader.notebook`."""
    checker_of(shell).disconnect()
