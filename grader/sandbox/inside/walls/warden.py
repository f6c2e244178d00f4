"""The warden: stands between the zygote and one box, watches what the box uses, and ends it, all of
it.

Theory of operation. The trusted side holds one end of the warden's control connection and its word
is law; the box has no descriptor of it, may not signal, trace or look at the warden (another user,
or Landlock's scopes), and is not asked for anything. When the box's first process ends, a limit is
passed, the trusted side asks, or the trusted side is gone, the warden kills the box and reports
once, when nothing of it is left.

Nothing escapes that: the box is one process group, which its processes can't leave (seccomp), and a
signal to a group is atomic against fork. Orphans are adopted by the warden as the nearest
subreaper, so `waitpid` saying that there is no child any more proves that there is no descendant.
The group's number is the warden's own process id, so the zygote can end the box even where the
warden itself was killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import socket
import time
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple, NoReturn

from grader.sandbox.inside.walls import process_tree, scratch, wall

TICK = 0.05  # seconds between two looks
GRACE = 0.05  # for a process that is just ending by itself: its own exit code is reported then
# for one that has begun to end, when the machine has too little memory or time: the kernel's kill
# must not look like the student's own end
ENDING = 5.0
SWEEP = 10.0  # the longest that killed processes may take to vanish
START = 20.0  # the longest that a child may take to put itself behind the wall
SHARE = 10  # a look at the disk is followed by a pause of this many times its length
PR_SET_CHILD_SUBREAPER = 36
NICENESS = 5  # of a box, so that whoever looks after it gets to run beside a crowd of its processes
WALL = 0x40000000  # wait for children of every kind, those of an unusual clone(2) too


class Use(NamedTuple):
    """The numbers of the warden when it begins: the zygote's own share of each process."""

    virtual: int
    resident: int


class Warden:
    """Watches one box from its first process to its last."""

    def __init__(self, control: socket.socket, plan: wall.WallPlan, base: str) -> None:
        self.control = control
        self.plan = plan
        self.user = wall.pick_user(os.getpid(), plan.users)
        self.folder = scratch.make(base, self.user)
        self.device = os.stat(self.folder).st_dev
        self.socket_bytes = process_tree.socket_buffer()
        self.child = 0
        self.status: int | None = None
        self.limit = ""
        self.next_disk = 0.0

    def run(self, wire: socket.socket, serve: Callable[[socket.socket, str], None]) -> None:
        """Start the box, say that it stands, watch it to its end, and report that.

        A box that was still there when it had to go has no exit code: that this warden killed it
        says nothing of it.
        """
        alone = False
        try:
            failure = self.start(wire, serve)
            wire.close()
            self.tell({"failed": failure} if failure else {"ready": os.getpid()})
            if not failure:
                self.watch()
                alone = self.status is not None
        finally:
            left = self.sweep()
            scratch.remove(self.folder)
        code = os.waitstatus_to_exitcode(self.status) if alone and self.status is not None else None
        if code == -signal.SIGXCPU and not self.limit:
            self.limit = self.cpu_sentence()
        self.tell({"code": code, "limit": self.limit, "left": left})

    # --- start ------------------------------------------------------------------------------------

    def start(self, wire: socket.socket, serve: Callable[[socket.socket, str], None]) -> str:
        """Fork the box's first process; return why it could not put itself behind the wall, or
        nothing.
        """
        home = os.getpgrp()
        wall.prctl(PR_SET_CHILD_SUBREAPER, 1)
        tasks = process_tree.tasks_of(os.getuid()) if self.user is None else 0
        warden = os.getpid()
        base = process_tree.look(warden)
        self.base = Use(base.virtual, base.resident) if base else Use(0, 0)
        # the group is named after the warden, which leaves it as soon as the child is in it
        os.setpgid(0, 0)
        reading, writing = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            os.close(reading)
            self.control.close()
            self.become_box(wire, writing, (warden, tasks), serve)
        os.setpgid(0, home)
        os.close(writing)
        try:
            if not select.select([reading], [], [], START)[0]:
                return "the box did not start in time"
            answer = os.read(reading, 4096).decode(errors="replace")
        finally:
            os.close(reading)
        return "" if answer == "ok" else answer or "the box ended before it stood"

    def become_box(
        self,
        wire: socket.socket,
        report: int,
        outside: tuple[int, int],
        serve: Callable[[socket.socket, str], None],
    ) -> NoReturn:
        """In the child: raise the wall and serve; never return."""
        code = 1
        warden, tasks = outside
        try:
            # the kernel's own killer takes this one first
            with open("/proc/self/oom_score_adj", "w") as file:
                file.write("1000")
            os.nice(NICENESS)
            resource.setrlimit(resource.RLIMIT_NICE, (0, 0))  # and there is no way back
            os.chdir(self.folder)
            close_all_but(wire.fileno(), report)
            wall.build(self.plan, self.folder, self.user, tasks, warden)
            os.write(report, b"ok")
            os.close(report)
            report = -1
            serve(wire, self.folder)
            code = 0
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        except BaseException as error:
            if report >= 0:
                os.write(report, f"{type(error).__name__}: {error}"[:4000].encode(errors="replace"))
        finally:
            os._exit(code & 0xFF)

    # --- watch ------------------------------------------------------------------------------------

    def watch(self) -> None:
        """Return when the box has ended, passed a limit, or has to go."""
        events = select.poll()
        events.register(self.control, select.POLLIN | select.POLLHUP)
        with contextlib.suppress(OSError):  # without pidfds an end is noticed at the next tick
            events.register(os.pidfd_open(self.child), select.POLLIN)
        while not self.ended():
            if any(number == self.control.fileno() for number, _ in events.poll(TICK * 1000)):
                self.wait_for_end(GRACE)
                if not self.ended() and process_tree.is_ending(self.child):
                    self.wait_for_end(ENDING)
                self.limit = "" if self.ended() else self.look()
                return
            self.limit = self.look()
            if self.limit:
                self.ended()
                return

    def wait_for_end(self, seconds: float) -> None:
        """Give a process that is just ending the time to do so."""
        deadline = time.monotonic() + seconds
        while not self.ended() and time.monotonic() < deadline:
            time.sleep(0.001)

    def ended(self) -> bool:
        """Bury what has died; tell whether the box's first process is among the dead."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG | WALL)
                if pid == self.child:
                    self.status = status
                if pid == 0:
                    break
        return self.status is not None

    def look(self) -> str:
        """Return what `excess` finds, seen with the eyes of the box's user.

        Root in a container may not look into another user's processes (CAP_SYS_PTRACE), their user
        may; and nothing that a box puts in the way of a look can make use of root's rights. The box
        can't signal the warden meanwhile: that goes by the real user.
        """
        if self.user is None:
            return self.excess()
        os.setegid(self.user)
        os.seteuid(self.user)
        try:
            return self.excess()
        finally:
            os.seteuid(0)
            os.setegid(0)

    def excess(self) -> str:
        """Return the sentence of the limit that the box is over, or nothing."""
        limits = self.plan.limits
        processes = process_tree.below(os.getpid(), int(limits["processes"]))
        if sum(process.tasks for process in processes) > limits["processes"]:
            return f"processes: more than {int(limits['processes'])} processes and threads at once"
        if self.cpu(processes) > limits["cpu_seconds"]:
            return self.cpu_sentence()
        if self.too_much_memory(processes):
            return f"memory: more than {int(limits['memory_mb'])} MB, summed over all processes"
        return self.disk(processes)

    def cpu(self, processes: list[process_tree.Process]) -> float:
        """Return the CPU time of the living and the dead, in seconds."""
        dead = resource.getrusage(resource.RUSAGE_CHILDREN)
        return dead.ru_utime + dead.ru_stime + sum(process.cpu_seconds for process in processes)

    def cpu_sentence(self) -> str:
        """Return the sentence of the limit on CPU time."""
        return (
            f"CPU time: more than {int(self.plan.limits['cpu_seconds'])} seconds, summed over all"
            " processes"
        )

    def growth(self, processes: list[process_tree.Process]) -> int:
        """Return by how many bytes of address space the tree exceeds as many copies of the
        zygote.
        """
        return sum(max(0, process.virtual - self.base.virtual) for process in processes)

    def too_much_memory(self, processes: list[process_tree.Process]) -> bool:
        """Tell whether the tree uses more memory than allowed."""
        allowed = int(self.plan.limits["memory_mb"]) << 20
        # The zygote's pages count once while they are shared, and in each process that has written
        # to them.
        kernel = process_tree.buffers(processes, self.socket_bytes)
        bound = self.growth(processes) + max(1, len(processes)) * self.base.resident + kernel
        return bound > allowed and process_tree.memory(processes, self.device) + kernel > allowed

    def disk(self, processes: list[process_tree.Process]) -> str:
        """Return the sentence of the limit on files that the box is over, or nothing."""
        begin = time.monotonic()
        if begin < self.next_disk:
            return ""
        contents = scratch.measure(self.folder)
        if contents.odd:
            return f"files: {contents.odd}"
        if contents.entries > scratch.MAX_ENTRIES:
            return f"files: more than {scratch.MAX_ENTRIES} files and folders"
        allowed = int(self.plan.limits["scratch_mb"]) << 20
        hidden: dict[int, int] = {}
        for process in processes:
            hidden.update(process_tree.unlinked(process.pid, self.device))
        total = contents.size + sum(hidden.values())
        if total + self.growth(processes) > allowed:
            held: dict[tuple[str, str], int] = {}
            for process in processes:
                for key, size in process_tree.nameless(process.pid, self.device).disk.items():
                    if int(key[1]) not in hidden:
                        held[key] = max(held.get(key, 0), size)
            total += sum(held.values())
        now = time.monotonic()
        self.next_disk = now + SHARE * (now - begin)
        return (
            f"disk: more than {int(self.plan.limits['scratch_mb'])} MB of files"
            if total > allowed
            else ""
        )

    # --- end --------------------------------------------------------------------------------------

    def sweep(self) -> int:
        """Kill until nothing is left below the warden; return how many could not be ended in
        time.
        """
        deadline = time.monotonic() + SWEEP
        pause = 0.0005
        while time.monotonic() < deadline:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(os.getpid(), signal.SIGKILL)
            # nobody can have left the group; this is the second lock
            for pid in process_tree.children(os.getpid()):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            self.ended()
            try:
                if os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT | WALL) is None:
                    time.sleep(pause)
                    pause = min(2 * pause, 0.02)
            except ChildProcessError:
                return 0
        return len(process_tree.below(os.getpid()))

    def tell(self, message: dict[str, object]) -> None:
        """Send a message to the trusted side, if it is still there."""
        with contextlib.suppress(OSError):
            self.control.send(json.dumps(message).encode())


def close_all_but(*kept: int) -> None:
    """Close every descriptor but these and the standard streams, which lead nowhere."""
    edges = [2, *sorted(kept), 1 << 20]
    for below, above in pairwise(edges):
        os.closerange(below + 1, above)
