"""The inner wall: what a child does to itself before the first byte of a student's is read.

Theory of operation. The child is a fork of the warm zygote, with one thread and one descriptor, its
wire. It gives up its user where it can (as root: to a user of this box's own, so that the kernel's
limit on processes binds and boxes can't signal each other), its capabilities and any way to new
privileges; then Landlock leaves it the files that Python needs, the assignment's provided files and
its own scratch folder; then seccomp leaves it the calls of `syscalls`. Each step is irreversible
and inherited by all that it starts. If a step fails, it raises, the child ends, and the box is
never handed out: there is no half wall.

The order is forced: rules are opened while files can still be read, the user is changed before
Landlock (whose call needs no privilege once `no_new_privs` is set), and seccomp comes last because
it forbids the calls that came before.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import landlockpy

from grader.sandbox.inside.walls import syscalls

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_SECUREBITS, PR_SET_NO_NEW_PRIVS = (
    1,
    4,
    24,
    28,
    38,
)
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
NOROOT_LOCKED = 0b1111  # SECBIT_NOROOT, SECBIT_NO_SETUID_FIXUP, both locked
CAPABILITY_VERSION_3 = 0x20080522
# CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID: root that lacks one of them (a stripped
# container) can't look after a box of another user, and does as an ordinary user does.
NEEDED = 0b1110_1011

HIGH_USERS = 0x70000000  # above the ranges of people, services and containers, below 2**31
BLOCK = 1 << 11  # user ids that one sandbox with process ids of its own has to itself
# of address space beyond twice the memory allowed: a backstop only, the warden measures
ADDRESS_MARGIN_MB = 4096
# tasks that the kernel allows beyond the limit, so that the warden sees and names the excess
TASK_MARGIN = 256

_FS = landlockpy.AccessFS
READ = _FS.READ_FILE | _FS.READ_DIR
RUN = READ | _FS.EXECUTE
REMOVE = _FS.REMOVE_DIR | _FS.REMOVE_FILE
MAKE = _FS.MAKE_DIR | _FS.MAKE_REG | _FS.MAKE_SYM
# Without EXECUTE: what a student writes is not run. Without sockets, FIFOs and devices.
WRITE = READ | _FS.WRITE_FILE | _FS.TRUNCATE | REMOVE | MAKE | _FS.REFER
FILE_RIGHTS = _FS.EXECUTE | _FS.WRITE_FILE | _FS.READ_FILE | _FS.TRUNCATE
DEVICES = dict.fromkeys(("/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"), READ)
DEVICES["/dev/null"] = READ | _FS.WRITE_FILE

_libc = ctypes.CDLL(None, use_errno=True)


class Unsuitable(Exception):
    """No wall works on this machine; ``remedy`` says what would help."""

    def __init__(self, sentence: str, remedy: str) -> None:
        super().__init__(sentence)
        self.remedy = remedy


class WallPlan(NamedTuple):
    """What every wall of one sandbox shares."""

    run: tuple[str, ...]  # folders and files of Python and of the system: read and executed
    read: tuple[str, ...]  # the assignment's provided files
    limits: dict[str, float]
    filter: bytes  # of seccomp, compiled
    tasks: int  # of this user, beyond those in sight
    # where this sandbox's own block of user ids begins; 0 where process ids alone make them unique
    users: int


def prctl(option: int, *arguments: int) -> int:
    """Call prctl(2); raise `OSError` where it fails."""
    padded = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    result = int(_libc.prctl(option, *padded))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")
    return result


def pick_user(pid: int, block: int = 0) -> int | None:
    """Return an unprivileged user id that no other box of this machine has, or None where it can't
    be changed.

    It is made from the process id, which is unique among running processes. In a process namespace,
    the sandbox's own block of numbers makes it unique.
    """
    if os.geteuid() != 0 or effective_capabilities() & NEEDED != NEEDED:
        return None
    number = block + pid % BLOCK if block else pid
    ranges = [
        tuple(map(int, line.split()))
        for line in Path("/proc/self/uid_map").read_text().splitlines()
    ]
    for first, _, count in ranges:
        if first <= HIGH_USERS and first + count >= HIGH_USERS + (1 << 28):
            return HIGH_USERS + number
    # a container's 65,536: clear of its people, its services and nobody
    for first, _, count in ranges:
        if first <= 10_000 and first + count >= 65_000:
            return 10_000 + number % 50_000
    return None


def is_kernels_root() -> bool:
    """Tell whether this process's user is the kernel's own root, for whom the limit on processes is
    not kept.
    """
    first, outside, _ = map(int, Path("/proc/self/uid_map").read_text().split()[:3])
    return os.getuid() == 0 and (first, outside) == (0, 0)


def effective_capabilities() -> int:
    """Return the capabilities that this process can use, a bit each."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1], 16) for line in lines if line.startswith("CapEff"))


def build(plan: WallPlan, scratch: str, user: int | None, tasks: int, parent: int) -> None:
    """Put the calling process, a child of ``parent``, behind the wall; ``tasks`` of its user are
    none of the box's.
    """
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise RuntimeError(
            f"{threads} threads where only one may be: Landlock binds threads, not processes"
        )
    limit_resources(plan.limits, plan.tasks + tasks if user is None else 0)
    rules = ruleset(plan, scratch)
    drop_privileges(user)
    die_with(parent)  # only now: a change of user forgets it
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    rules.restrict(landlockpy.RestrictFlag.LOG_SAME_EXEC_OFF)
    rules.close()
    syscalls.load(plan.filter)


def ruleset(plan: WallPlan, scratch: str) -> Any:
    """Return the Landlock rules: all that this kernel can handle is denied but for these few
    grants.
    """
    scope = landlockpy.Scope.ABSTRACT_UNIX_SOCKET | landlockpy.Scope.SIGNAL
    rules = landlockpy.Ruleset(scoped=scope)
    allow(rules, plan.run, RUN)
    allow(rules, plan.read, READ)
    for device, access in DEVICES.items():
        allow(rules, (device,), access)
    rules.allow_path(scratch, WRITE)
    return rules


def allow(rules: Any, paths: Iterable[str], access: Any) -> None:
    """Grant access to those of the paths that exist."""
    for path in paths:
        if os.path.exists(path):
            rules.allow_path(path, access if os.path.isdir(path) else access & FILE_RIGHTS)


def confine(run: Iterable[str], listed: Iterable[str], read: Iterable[str], base: str) -> None:
    """Leave the zygote, and all that it forks, nothing to read but what boxes may and what it needs
    itself.

    ``run`` may name a thousand entries of folders where something is withheld. Landlock keeps what
    each of its layers keeps, so a box's own layer need name only the folders.
    """
    rules = landlockpy.Ruleset(handled_fs=RUN | _FS.REFER)
    allow(rules, run, RUN)
    allow(rules, listed, _FS.READ_DIR)
    allow(rules, (*read, *DEVICES, "/proc"), READ)
    rules.allow_path(base, READ | _FS.REFER)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    rules.restrict(landlockpy.RestrictFlag.LOG_SAME_EXEC_OFF)
    rules.close()


def limit_resources(limits: dict[str, float], others: int) -> None:
    """Set the kernel's own limits: exact per process; what counts over the whole tree is the
    warden's.
    """
    megabyte = 1 << 20
    seconds = int(limits["cpu_seconds"])
    wanted = {
        resource.RLIMIT_CPU: (seconds, seconds + 2),
        resource.RLIMIT_FSIZE: int(limits["file_mb"]) * megabyte,
        resource.RLIMIT_NOFILE: int(limits["open_files"]),
        resource.RLIMIT_NPROC: others + int(limits["processes"]) + TASK_MARGIN,
        resource.RLIMIT_AS: (2 * int(limits["memory_mb"]) + ADDRESS_MARGIN_MB) * megabyte,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_SIGPENDING: 256 + others,
        resource.RLIMIT_RTPRIO: 0,
    }
    for kind, value in wanted.items():
        soft, hard = value if isinstance(value, tuple) else (value, value)
        ceiling = resource.getrlimit(kind)[1]
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)
        resource.setrlimit(kind, (soft, hard))


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


def drop_privileges(user: int | None) -> None:
    """Become ``user`` where that can be, and give up every capability, for good."""
    if os.geteuid() == 0:
        for capability in range(64):
            if _libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) != 0:
                break
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
        # root of a small user namespace: an exec must not bring the capabilities back
        if user is None:
            # a second lock where allowed: no_new_privs keeps them away too
            with contextlib.suppress(OSError):
                prctl(PR_SET_SECUREBITS, NOROOT_LOCKED)
        else:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            # for the warden, which looks at the box with that user's eyes
            prctl(PR_SET_DUMPABLE, 1)
    header = _Header(CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    if _libc.capset(ctypes.byref(header), ctypes.byref(nothing)) != 0:
        raise OSError(ctypes.get_errno(), "the capabilities can't be dropped")
    if user is not None and os.getresuid() != (user, user, user):
        raise RuntimeError("the user could not be changed")


def die_with(parent: int) -> None:
    """Have the kernel end this process when its parent ends."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
