"""The zygote: a warm process that forks boxes. ``python -I -c "… main()" FD``, its settings as JSON
on standard input.

Theory of operation. The zygote is trusted but holds nothing worth stealing: it was started by exec
with a clean environment and one descriptor, and it knows only paths, limits and the modules it has
loaded. It never reads a byte of a student's. It starts no thread, since Landlock and seccomp bind
threads: it refuses to serve if a library did.

One connection (packets, JSON, descriptors beside it) leads to the trusted side. ``open`` brings the
box's wire and the warden's control connection; the zygote forks a warden for them, which forks the
box, so the box shares with earlier ones only what the zygote had loaded. The zygote serves while it
is still loading: calls to functions need NumPy alone, a notebook waits for the rest. Where a warden
itself is killed, the zygote ends its box.
"""

from __future__ import annotations

import base64
import contextlib
import gc
import importlib
import json
import mimetypes
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any, NamedTuple

from grader.sandbox.inside.walls import mounts, process_tree, scratch, wall, warden
from grader.sandbox.inside.work.process.surroundings import Libraries
from grader.sandbox.inside.work.worker import Worker
from grader.sandbox.wire import Channel

KERNEL = "grader.sandbox.inside.work.cells.kernel"
# Loaded one by one while nothing else is to be done; a box that needs one earlier loads it itself,
# more slowly.
HEAVY = (
    "numpy.random",
    "h5py",
    "matplotlib.font_manager",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_agg",
    "matplotlib_inline.backend_inline",
    "IPython.core.interactiveshell",
    KERNEL,
)
ORDINARY = "Grade as an ordinary user."
CLOSED = "Make it readable (chmod -R go+rX), or grade as an ordinary user."
PAUSE = 0.25  # seconds between two looks after the wardens
FAREWELL = 15.0  # seconds that wardens have to end their boxes when the trusted side is gone
PR_SET_CHILD_SUBREAPER = 36


def lies_in(path: str, folders: Sequence[str]) -> bool:
    """Return whether a path lies in one of some folders."""
    return any(Path(path).is_relative_to(folder) for folder in folders)


class BoxRequest(NamedTuple):
    """A box to be opened: its wire, its warden's control connection, and whether it will run a
    notebook.
    """

    wire: socket.socket
    control: socket.socket
    notebook: bool


class NotHere(MetaPathFinder):
    """Tells of a withheld package as of one that is not installed; that it can't be read is
    Landlock's doing.
    """

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        """Raise `ModuleNotFoundError` for a package that is withheld."""
        if fullname.partition(".")[0] in self._names:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


class Zygote:
    """Forks boxes on request until the trusted side closes the connection."""

    def __init__(self, control: socket.socket, settings: dict[str, Any]) -> None:
        self.control = control
        self.base: str = settings["base"]
        if not os.path.exists(f"/proc/self/task/{os.getpid()}/children"):
            raise wall.Unsuitable(
                "/proc does not list children (CONFIG_PROC_CHILDREN)",
                "Use a distribution's kernel.",
            )
        roots, read = settings["roots"], settings["read"]
        user = wall.pick_user(os.getpid())
        if user is None and wall.is_kernels_root():
            raise wall.Unsuitable(
                "root may not change to another user here, and no limit binds root", ORDINARY
            )
        if user is not None:
            mounts.open_up([*roots, *read, self.base])
            closed = mounts.unreadable([*roots, *loaded_files(), *mounts.everything(read)], user)
            if closed:
                raise wall.Unsuitable(
                    f"{closed} is open to root alone, and submissions run as another user", CLOSED
                )
        self.plan = wall.WallPlan(
            run=tuple(roots),
            read=tuple(read),
            limits=settings["limits"],
            filter=base64.b64decode(settings["filter"]),
            tasks=settings["tasks"],
            users=settings["users"],
        )
        self.heavy = deque(HEAVY) if settings["notebooks"] else deque()
        self.withheld = frozenset(settings["withheld"])
        # A box looks for modules neither where this package was found nor in anything else that is
        # not granted.
        self.path = [entry for entry in sys.path if lies_in(entry, roots)]
        own = (*read, *settings["own"], os.environ.get("MPLCONFIGDIR", self.base))
        wall.confine(settings["run"], settings["listed"], own, self.base)
        self.waiting: list[BoxRequest] = []
        self.wardens: set[int] = set()
        self.lacking = ""  # why no notebook can be run
        self.open = True

    def serve(self) -> None:
        """Fork, load and bury, in this order of urgency."""
        events = select.poll()
        events.register(self.control, select.POLLIN | select.POLLHUP)
        while self.open:
            busy = bool(self.heavy)
            pause = 0 if busy else PAUSE * 1000 if self.wardens else None
            if events.poll(pause):
                self.receive()
            elif busy:
                self.load_next()
            self.fork_what_can_be()
            self.bury()
        deadline = time.monotonic() + FAREWELL
        while self.wardens and time.monotonic() < deadline:
            time.sleep(0.01)
            self.bury()
        for pid in list(self.wardens):
            self.end(pid)
        with contextlib.suppress(OSError):  # where the trusted side died, nobody else tidies up
            scratch.remove(os.path.join(self.base, scratch.FONTS))
            os.rmdir(self.base)

    def receive(self) -> None:
        """Take one request."""
        data, numbers, _, _ = socket.recv_fds(self.control, 1 << 16, 2)
        if not data:
            self.open = False
            return
        message = json.loads(data)
        if message["op"] == "open":
            wire, control = (socket.socket(fileno=number) for number in numbers)
            self.waiting.append(BoxRequest(wire, control, message["notebook"]))
            if (
                message["notebook"]
                and not self.heavy
                and not self.lacking
                and KERNEL not in sys.modules
            ):
                self.heavy.extend(HEAVY)
        elif message["op"] == "end":
            self.end(message["box"])
            self.control.send(json.dumps({"ended": message["box"]}).encode())

    def load_next(self) -> None:
        """Load one more module; without one of them no notebook is run, for what it lacked would be
        no student's fault.

        Of a package that can't be loaded nothing is kept: who imports it again would find half of
        it done.
        """
        name = self.heavy.popleft()
        before = frozenset(sys.modules)
        try:
            module = importlib.import_module(name)
            if name == KERNEL:
                module.prepare()
        except Exception as error:
            for half in sys.modules.keys() - before:
                del sys.modules[half]
            if name.partition(".")[0] not in self.withheld:
                self.lacking = (
                    self.lacking or f"{name} can't be loaded ({type(error).__name__}: {error})"
                )
        if not self.heavy:
            settle()

    def fork_what_can_be(self) -> None:
        """Fork a warden for each request whose modules are loaded."""
        waiting, self.waiting = self.waiting, []
        for request in waiting:
            if request.notebook and self.heavy:
                self.waiting.append(request)
                continue
            if request.notebook and self.lacking:
                with contextlib.suppress(OSError):
                    request.control.send(json.dumps({"failed": self.lacking}).encode())
            else:
                pid = os.fork()
                if pid == 0:
                    self.become_warden(request)
                self.wardens.add(pid)
            request.wire.close()
            request.control.close()

    def become_warden(self, request: BoxRequest) -> None:
        """In the child: watch over one box and exit."""
        code = 1
        try:
            self.control.close()
            for other in self.waiting:
                other.wire.close()
                other.control.close()
            self.waiting.clear()
            if KERNEL in sys.modules and not request.notebook:
                sys.modules[KERNEL].put_away()
            warden.Warden(request.control, self.plan, self.base).run(request.wire, self.serve_box)
            code = 0
        except BaseException as error:
            with contextlib.suppress(OSError):
                request.control.send(
                    json.dumps({"failed": f"{type(error).__name__}: {error}"}).encode()
                )
        finally:
            os._exit(code)

    def bury(self) -> None:
        """Take note of the wardens that have ended; end the box of one that could not do it
        itself.
        """
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                if pid in self.wardens:
                    self.wardens.remove(pid)
                    if status != 0:
                        self.finish(pid)

    def end(self, pid: int) -> None:
        """End a box whose warden does not answer."""
        if pid in self.wardens:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            self.wardens.remove(pid)
            self.finish(pid)

    def finish(self, pid: int) -> None:
        """Kill what a dead warden left, and remove its scratch folder."""
        deadline = time.monotonic() + warden.SWEEP
        while time.monotonic() < deadline:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            orphans = [
                orphan
                for orphan in process_tree.children(os.getpid())
                if orphan not in self.wardens
            ]
            if not orphans:
                break
            for orphan in orphans:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(orphan, os.WNOHANG)
            time.sleep(0.002)
        with contextlib.suppress(OSError):
            for folder in scratch.places(self.base, pid):
                scratch.remove(folder)

    def serve_box(self, wire: socket.socket, folder: str) -> None:
        """In the box, behind the wall: be a worker in the scratch folder."""
        for name in ("HOME", "TMPDIR", "MPLCONFIGDIR", "XDG_CACHE_HOME", "IPYTHONDIR"):
            os.environ[name] = folder
        tempfile.tempdir = None
        gc.enable()
        sys.argv[:] = [""]
        sys.path[:] = self.path
        sys.path_importer_cache.clear()
        sys.meta_path.insert(0, NotHere(self.withheld))
        Worker(Channel(wire), Path(folder)).serve()


def own_fonts(temporary: str) -> None:
    """Copy matplotlib's list of fonts to where it may be written, which matplotlib asks for.

    On the tier `bubblewrap` the folder that all sandboxes of a user share is bound read-only.
    """
    shared = os.environ.get("MPLCONFIGDIR", "")
    if os.path.isdir(shared) and not os.access(shared, os.W_OK):
        folder = os.path.join(temporary, scratch.FONTS)
        shutil.copytree(shared, folder, dirs_exist_ok=True)
        os.environ["MPLCONFIGDIR"] = folder


def loaded_files() -> list[str]:
    """Return the files of the modules loaded from outside this package: what a box will read
    again.
    """
    found: list[str] = []
    for name, module in sys.modules.items():
        file = None if name.startswith("grader") else getattr(module, "__file__", None)
        if file:
            found.append(file)
    return found


def settle() -> None:
    """Make what is loaded cheap to fork: no collector is to touch its pages, and so copy them.

    The libraries are looked at here, so that no box needs to.
    """
    Libraries.of_this_process().look()
    gc.freeze()


def main() -> None:
    """Load what every box needs, then serve."""
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    settings = json.load(sys.stdin)
    gc.disable()  # loading makes much and leaves little: boxes alone collect
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.close(null)
    try:
        os.chdir("/")
        if os.getpgrp() != os.getpid():
            os.setsid()
        wall.prctl(PR_SET_CHILD_SUBREAPER, 1)
        sys.dont_write_bytecode = True
        mimetypes.init()
        own_fonts(tempfile.gettempdir())
        zygote = Zygote(control, settings)
        settle()
    except BaseException as error:
        remedy = error.remedy if isinstance(error, wall.Unsuitable) else ""
        control.send(
            json.dumps({"failed": f"{error}" or type(error).__name__, "remedy": remedy}).encode()
        )
        raise
    control.send(json.dumps({"ready": os.getpid()}).encode())
    zygote.serve()
    os._exit(0)  # nothing is left to be done, and taking hundreds of modules down is slow
