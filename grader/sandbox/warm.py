"""The trusted side of the warm tiers: starts a zygote, asks it for boxes, and ends them.

Theory of operation. What is heard from the zygote and its wardens is our own code speaking, outside
the boxes; still no wait is without a deadline, because a box may starve the machine. A box is ended
through its warden; where that does not answer, through the zygote; where that does not answer
either, the zygote is killed, and with it all of its boxes. Sandboxes are used from several threads
at once: one lock guards the zygote's connection, one each box's end. NumPy, which the wire needs,
is imported once the zygote has been started: each loads its own at the same time.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

import msgspec

from grader.errors import GraderFault
from grader.limits import Limits
from grader.sandbox import readable_paths
from grader.sandbox.box import Box, Exit, Sandbox
from grader.sandbox.zygote_settings import StartFailed, ZygoteSettings, environment, filter_program

Launched = Callable[[], None]

START_SECONDS = 60.0  # for the zygote to load what every box needs
# for a box to open; a notebook's box waits until the zygote has loaded IPython and matplotlib
OPEN_SECONDS = 30.0
KILL_SECONDS = 12.0  # for a warden to end its box; a little more than it allows itself
DEATH_SECONDS = 1.0  # for a zygote that has closed its connection to be gone altogether
# This very package is the one to be imported, whatever else is installed; the standard library
# still goes first.
BOOT = """
import sys
first = next((n for n, entry in enumerate(sys.path) if entry.endswith("-packages")), len(sys.path))
sys.path[first:first] = sys.argv[2:]
from grader.sandbox.inside.walls.zygote import main
main()
"""


class WarmBox(Box):
    """A box of a warm sandbox."""

    def __init__(self, sandbox: WarmSandbox, wire: socket.socket, control: socket.socket) -> None:
        from grader.sandbox.wire import Channel

        self.channel = Channel(wire)
        self.group = 0  # the box's process group, which is its warden's process id
        self._sandbox = sandbox
        self._control = control
        self._lock = threading.Lock()
        self._exit: Exit | None = None

    def wait_until_ready(self) -> None:
        """Return when the wall stands; raise `GraderFault` where it does not."""
        answer = receive(self._control, OPEN_SECONDS)
        if answer is None or "ready" not in answer:
            self.kill()
            raise GraderFault(
                "no box could be opened:"
                f" {(answer or {}).get('failed', 'the zygote does not answer')}"
            )
        self.group = answer["ready"]

    def kill(self) -> Exit:
        """End the box through its warden, or by harder means where that does not answer."""
        with self._lock:
            if self._exit is None:
                self._exit = self._end()
                self._sandbox.forget(self)
            return self._exit

    def _end(self) -> Exit:
        self.channel.close()
        with contextlib.suppress(OSError):  # a warden whose box ended earlier has reported and gone
            self._control.send(b'{"op":"kill"}')
        answer = receive(self._control, KILL_SECONDS)
        self._control.close()
        if answer is not None and "code" in answer and not answer["left"]:
            return Exit(answer["code"], answer["limit"])
        self._sandbox.end_by_force(self.group)
        return Exit(
            fault="the process that watched over the submission's did not report how that ended"
        )


class WarmSandbox(Sandbox):
    """Opens boxes by forking a zygote, which the tiers start in their own ways."""

    def __init__(
        self,
        limits: Limits,
        readable: Sequence[Path],
        notebooks: bool = True,
        withheld: Sequence[str] = (),
        launched: Launched = lambda: None,
    ) -> None:
        self.limits = limits
        self.read = readable_paths.readable(readable)
        self.granted = readable_paths.runnable(withheld)
        self.withheld = list(withheld)
        self.notebooks = notebooks
        self._launched = launched
        self._closed = False
        self._lock = threading.Lock()
        self._boxes: set[WarmBox] = set()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None
        self.base = self.make_base()
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    @abstractmethod
    def finish(self, groups: list[int]) -> None:
        """When the zygote has ended: end the boxes whose wardens do not answer, by their process
        groups, and wait.
        """

    @abstractmethod
    def make_base(self) -> Path:
        """Return the folder of the scratch folders, as the zygote sees it."""

    @abstractmethod
    def command(self, python: list[str]) -> list[str]:
        """Return the command that starts the zygote, given the one that would start it bare."""

    def remove_base(self) -> None:
        """Remove that folder, should it be there still."""

    def started(self, pid: int) -> None:
        """Take note of what is needed to see the end of the command that was started."""

    @property
    def outside_tasks(self) -> int:
        """How many tasks of the zygote's user it can't see, though they count towards that user's
        limit.
        """
        return 0

    @property
    def user_block(self) -> int:
        """Where the sandbox's own block of user ids begins, for a zygote whose process ids are not
        unique.
        """
        return 0

    # --- the zygote -------------------------------------------------------------------------------

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control = ours
        with theirs, tempfile.TemporaryFile() as complaints:
            process = self._launch(theirs, complaints)
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
                # worked out while Python starts in there
                settings = msgspec.json.encode(self._settings())
                # settings may be longer than the pipe: who writes them waits for their reader
                self._launched()
                pipe.write(settings)
            theirs.close()
            answer = receive(ours, START_SECONDS) or {}
            if "ready" in answer:
                self.started(process.pid)
                return
            complaints.seek(0)
            words = complaints.read().decode(errors="replace").strip().splitlines()
            last = words[-1] if words else "the zygote gave no sign"
            raise StartFailed(answer.get("failed") or last, answer.get("remedy", ""))

    def _launch(self, control: socket.socket, complaints: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start the zygote, which speaks over ``control``.

        Started by a thread that lives as long as the zygote: bwrap's --die-with-parent means this
        thread.
        """
        python = [sys.executable, "-I", "-X", "utf8", "-c", BOOT, str(control.fileno())]
        command = self.command([*python, *readable_paths.import_path()])
        launched: SimpleQueue[subprocess.Popen[bytes] | OSError] = SimpleQueue()

        def keep() -> None:
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=complaints,
                    env=environment(self.base),
                    pass_fds=[control.fileno()],
                    start_new_session=True,
                    cwd="/",
                )
            except OSError as error:
                launched.put(error)
                return
            self._process = process  # at once, so that it is ended whatever interrupts us here
            launched.put(process)
            process.wait()

        self._keeper = threading.Thread(target=keep, name="zygote-keeper", daemon=True)
        self._keeper.start()
        started = launched.get()
        if isinstance(started, OSError):
            raise StartFailed(str(started))
        return started

    def _settings(self) -> ZygoteSettings:
        return ZygoteSettings(
            base=str(self.base),
            roots=self.granted.roots,
            run=self.granted.run,
            listed=self.granted.listed,
            read=self.read,
            own=readable_paths.own_code(),
            withheld=self.withheld,
            limits=self.limits,
            filter=filter_program(),
            notebooks=self.notebooks,
            tasks=self.outside_tasks,
            users=self.user_block,
        )

    def _ask(self, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
        assert self._control is not None
        socket.send_fds(self._control, [json.dumps(message).encode()], list(descriptors))

    # --- boxes ------------------------------------------------------------------------------------

    def open(self, notebook: bool = False) -> Box:
        """Fork a fresh box; raise `GraderFault` where none can be had, even from a zygote started
        anew.
        """
        try:
            return self._open(notebook)
        except GraderFault:
            if not self._zygote_has_died():
                raise
        self._start_again()
        return self._open(notebook)

    def _open(self, notebook: bool) -> Box:
        wire, far_wire = socket.socketpair()
        control, far_control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        box = WarmBox(self, wire, control)
        with far_wire, far_control, self._lock:
            try:
                self._ask(
                    {"op": "open", "notebook": notebook}, [far_wire.fileno(), far_control.fileno()]
                )
            except OSError as error:
                wire.close()
                control.close()
                raise GraderFault("the process that opens boxes has ended") from error
            self._boxes.add(box)
        box.wait_until_ready()
        return box

    def _zygote_has_died(self) -> bool:
        """Tell whether the zygote, not the box, is what failed: the kernel may have killed it for
        want of memory.
        """
        if self._closed or self._process is None:
            return False
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(DEATH_SECONDS)
            return True
        return False

    def _start_again(self) -> None:
        with self._lock:
            if self._process is None or self._process.poll() is None or self._closed:
                return  # another thread was faster
            self.finish([])
            assert self._control is not None
            self._control.close()
            try:
                self._start()
            except StartFailed as error:
                raise GraderFault(
                    f"the process that opens boxes has ended and can't be started again: {error}"
                ) from error

    def forget(self, box: WarmBox) -> None:
        """Take a box that has ended off the list."""
        with self._lock:
            self._boxes.discard(box)

    def end_by_force(self, group: int) -> None:
        """End a box whose warden does not answer: through the zygote, or else with it."""
        with self._lock:
            with contextlib.suppress(OSError):
                self._ask({"op": "end", "box": group})
                deadline = time.monotonic() + KILL_SECONDS
                while (answer := receive(self._control, deadline - time.monotonic())) is not None:
                    if answer.get("ended") == group:
                        return
            self._kill_zygote()

    def _kill_zygote(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(KILL_SECONDS)
        self.finish([box.group for box in self._boxes if box.group])

    def close(self) -> None:
        """End every box, then the zygote, and remove the scratch folders."""
        for box in list(self._boxes):
            box.kill()
        with self._lock:
            self._closed = True
            if self._control is not None:
                self._control.close()  # the zygote ends by itself when it sees this
            if self._process is not None:
                try:
                    self._process.wait(KILL_SECONDS)
                    self.finish([])
                except subprocess.TimeoutExpired:
                    self._kill_zygote()
        if self._keeper is not None:
            self._keeper.join(KILL_SECONDS)
        self.remove_base()


def receive(control: socket.socket | None, seconds: float) -> dict[str, Any] | None:
    """Return the next message, or None where none comes in time or the connection is closed."""
    if control is None or seconds <= 0:
        return None
    try:
        control.settimeout(seconds)
        try:
            data = control.recv(1 << 16)
        # the far end left without reading our last words; its own are still to be read
        except ConnectionResetError:
            data = control.recv(1 << 16)
        return json.loads(data) if data else None
    except (OSError, ValueError):
        return None
