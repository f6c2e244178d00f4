"""The system calls that a box may make: an allow-list, compiled once on the trusted side and loaded
by every box.

Theory of operation. Landlock closes files, TCP and (from Linux 6.12) signals; all that it does not
know is closed here. The list allows rather than denies, because a box may run under the grader's
own user: whatever the kernel offers against processes and files of the same user (`prlimit`,
`setpriority`, leases, `chmod`, which Landlock lets pass) and whatever later kernels add must stay
shut without anybody having thought of it. What is on no list is told ENOSYS, so that libc falls
back to older calls; what a curious student may try by name is told EPERM, a plainer answer.

No descriptor can be sent (`sendmsg`): a file without a name that is on its way in a socket is held
by no process, so nobody could count it. Pairs of sockets and pipes can be made, since asyncio and
`subprocess` need them; the warden counts what the kernel may keep in them.

A box can't end itself by SIGKILL: a death by that signal with none of the limits behind it is taken
for one from outside, which is nobody's mark, and a submission must not be able to ask for that. The
first instructions of the filter refuse it (EPERM), and a limit of CPU seconds, which ends in the
same signal; a child of the box may be killed.

Three answers are a friendly lie, "done" where nothing was: a change of process group or session
(the box must stay in the one group that is killed as a whole, and `subprocess` and daemons ask for
it), a change of file modes and times (Landlock does not restrict them, so a box could lock its user
out of their own files, and `shutil.copy` asks for it), and `flock` (a lock on a shared data file
would stop other boxes from reading it).
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
import termios
from typing import Any


def names(text: str) -> tuple[str, ...]:
    """Return the words of a text."""
    return tuple(text.split())


# Calls that act on the caller itself, its memory, its clock and its threads, or on descriptors that
# it already holds.
ALLOWED = names("""
read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek _llseek close
close_range dup dup2 dup3 pipe pipe2 poll ppoll ppoll_time64 select _newselect pselect6
pselect6_time64 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd
eventfd2 timerfd_create timerfd_settime timerfd_gettime timerfd_settime64 timerfd_gettime64
signalfd signalfd4 sendfile sendfile64 copy_file_range fadvise64 fadvise64_64 readahead fsync
fdatasync sync_file_range sync_file_range2 fallocate ftruncate ftruncate64 stat stat64 fstat
fstat64 lstat lstat64 newfstatat fstatat64 statx statfs statfs64 fstatfs fstatfs64 access
faccessat faccessat2 readlink readlinkat getcwd chdir fchdir getdents getdents64 mkdir mkdirat
rmdir unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat umask getxattr
lgetxattr fgetxattr listxattr llistxattr flistxattr creat brk mmap mmap2 munmap mremap mprotect
madvise msync arch_prctl set_tls exit exit_group fork vfork execve wait4 waitid waitpid getpid
getppid gettid getpgrp getpgid getsid getuid geteuid getgid getegid getresuid getresgid getgroups
getuid32 geteuid32 getgid32 getegid32 getresuid32 getresgid32 getgroups32 getrusage getrlimit
ugetrlimit setrlimit times uname sysinfo capget getcpu getpriority ioprio_get rt_sigaction
rt_sigprocmask rt_sigreturn rt_sigpending rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64
sigreturn sigaltstack pause restart_syscall kill tgkill tkill rt_sigqueueinfo rt_tgsigqueueinfo
futex futex_time64 futex_waitv set_robust_list set_tid_address rseq membarrier sched_yield
sched_getaffinity sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min
sched_rr_get_interval sched_rr_get_interval_time64 clock_gettime clock_gettime64 clock_getres
clock_getres_time64 clock_nanosleep clock_nanosleep_time64 nanosleep gettimeofday time alarm
setitimer getitimer timer_create timer_settime timer_settime64 timer_gettime timer_gettime64
timer_delete timer_getoverrun getrandom recv recvfrom send sendto shutdown getsockopt getsockname
getpeername
""")

REFUSED = names("""
socket connect bind listen accept accept4 setsockopt sendmsg recvmsg sendmmsg recvmmsg ptrace
process_vm_readv process_vm_writev keyctl add_key request_key bpf perf_event_open mount umount2
unshare setns chroot pivot_root setuid setgid setreuid setregid setresuid setresgid setgroups
setfsuid setfsgid capset reboot swapon swapoff init_module finit_module delete_module settimeofday
clock_settime clock_adjtime adjtimex personality memfd_create shmget shmat shmctl msgget semget
mq_open truncate truncate64 chown fchown lchown fchownat mknod mknodat prlimit64 setpriority
ioprio_set sched_setaffinity sched_setparam sched_setscheduler sched_setattr prctl sethostname
setdomainname syslog io_uring_setup userfaultfd pidfd_open pidfd_getfd pidfd_send_signal execveat
""")

FAKED = names("""
setsid setpgid chmod fchmod fchmodat fchmodat2 utime utimes utimensat utimensat_time64 futimesat
flock
""")

UNSUPPORTED = names("setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr")

# prctl: names of threads and of memory areas (libc's own use). Neither dumpable nor subreaper nor
# anything else.
PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_CAPBSET_READ, PR_SET_VMA = 15, 16, 3, 23, 0x53564D41
PRCTL_COMMANDS = (PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_CAPBSET_READ, PR_SET_VMA)

# fcntl: no leases, no directory notifications, and no owner or signal: Landlock before 6.12 lets
# SIGIO reach anybody. No pipe may be made larger (1031): the warden counts each as what the kernel
# gives by itself.
FCNTL_COMMANDS = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032)  # DUPFD … SETLKW, OFD locks

IOCTL_COMMANDS = (
    termios.TCGETS,
    termios.TIOCGWINSZ,
    termios.FIONREAD,
    termios.FIONBIO,
    termios.FIOCLEX,
    termios.FIONCLEX,
)

CLONE_NEW_ANYTHING = 0x7E020000
AF_UNIX, SOCK_STREAM, SOCK_FLAGS = 1, 1, 0o2004000
WORD = 0xFFFFFFFF
# stands for the box's process id, larger than any, until `load` puts that in its place
SELF = 0x5E1FC0DE

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2

# Instructions of classic BPF: load a word, compare, test bits, jump, return.
_LOAD, _EQUAL, _BITS, _JUMP, _RETURN = 0x20, 0x15, 0x45, 0x05, 0x06
_EPERM = 0x00050000 | errno.EPERM  # SECCOMP_RET_ERRNO
_SIGKILL, _NEGATIVE, _RLIMIT_CPU = 9, 0x80000000, 0
_SIGNAL_PLACES = {"tkill": 1, "tgkill": 2, "rt_sigqueueinfo": 1, "rt_tgsigqueueinfo": 2}


def program(*, own_signals_only: bool = False) -> bytes:
    """Return the filter's BPF program; signals may go to the own process alone, where Landlock does
    not scope them.
    """
    import pyseccomp as seccomp

    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.ENOSYS))
    rules.set_attr(seccomp.Attr.ACT_BADARCH, seccomp.KILL_PROCESS)

    def add(action: int, name: str, *conditions: Any) -> None:
        # A negative number is a call that this machine's architecture or this libseccomp does not
        # know: the default answers it.
        if seccomp.resolve_syscall(seccomp.Arch.NATIVE, name) >= 0:
            rules.add_rule_exactly(action, name, *conditions)

    signals = ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")
    for name in ALLOWED:
        if own_signals_only and name in signals:
            add(seccomp.ALLOW, name, seccomp.Arg(0, seccomp.EQ, SELF))
        elif not (own_signals_only and name == "tkill"):
            add(seccomp.ALLOW, name)
    conditional(seccomp, add)
    for name in REFUSED:
        if name not in ("prctl", "prlimit64", "setpriority", "sched_setaffinity"):
            add(seccomp.ERRNO(errno.EPERM), name)
    for name in FAKED:
        add(seccomp.ERRNO(0), name)
    for name in UNSUPPORTED:
        add(seccomp.ERRNO(errno.ENOTSUP), name)
    return no_end_by_sigkill(seccomp) + export(rules)


def no_end_by_sigkill(seccomp: Any) -> bytes:
    """Return the instructions that go ahead of the filter: they refuse a signal or a limit that
    ends the box by SIGKILL, and let all else come to what follows them.
    """

    def number(name: str) -> int:
        return int(seccomp.resolve_syscall(seccomp.Arch.NATIVE, name))

    def argument(place: int, *, high: bool = False) -> tuple[int, int, int, int]:
        upper = high != (sys.byteorder == "big")
        return _LOAD, 0, 0, 16 + 8 * place + 4 * upper

    refuse, which = (_RETURN, 0, 0, _EPERM), (_LOAD, 0, 0, 0)
    found = []
    for name, place in _SIGNAL_PLACES.items():
        # of these nobody makes use to end a child
        found += [which, (_EQUAL, 0, 3, number(name))]
        found += [argument(place), (_EQUAL, 0, 1, _SIGKILL), refuse]
    found += [which, (_EQUAL, 0, 8, number("kill")), argument(1), (_EQUAL, 0, 6, _SIGKILL)]
    # itself, a group of processes, all processes
    found += [argument(0), (_EQUAL, 3, 0, SELF), (_BITS, 2, 0, _NEGATIVE), (_EQUAL, 1, 0, 0)]
    found += [(_JUMP, 0, 0, 1), refuse]
    if number("setrlimit") >= 0:
        found += [which, (_EQUAL, 0, 3, number("setrlimit"))]
        found += [argument(0), (_EQUAL, 0, 1, _RLIMIT_CPU), refuse]
    found += [which, (_EQUAL, 0, 7, number("prlimit64")), argument(1), (_EQUAL, 0, 5, _RLIMIT_CPU)]
    # asked for, not set: the new limit is not an address
    found += [argument(2), (_EQUAL, 0, 2, 0), argument(2, high=True), (_EQUAL, 1, 0, 0), refuse]
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in found)


def conditional(seccomp: Any, add: Any) -> None:
    """Add the calls that are allowed with some arguments only; comparing all 64 bits errs on the
    refusing side.
    """
    allow, refuse, arg = seccomp.ALLOW, seccomp.ERRNO(errno.EPERM), seccomp.Arg
    equal, masked, other = seccomp.EQ, seccomp.MASKED_EQ, seccomp.NE
    add(allow, "clone", arg(0, masked, CLONE_NEW_ANYTHING, 0))
    stream = arg(1, masked, WORD & ~SOCK_FLAGS, SOCK_STREAM)
    add(allow, "socketpair", arg(0, equal, AF_UNIX), stream)  # asyncio wakes itself through one
    for command in PRCTL_COMMANDS:
        add(allow, "prctl", arg(0, equal, command))
    for command in FCNTL_COMMANDS:
        add(allow, "fcntl", arg(1, equal, command))
        add(allow, "fcntl64", arg(1, equal, command))
    for command in IOCTL_COMMANDS:
        add(allow, "ioctl", arg(1, equal, command))
    # Another process of the same user, the grader for one, could be given a limit that ends it, or
    # be starved.
    for name, position in (("prlimit64", 0), ("sched_setaffinity", 0), ("setpriority", 1)):
        add(refuse, name, arg(position, other, 0))
    add(allow, "prlimit64", arg(0, equal, 0))
    add(allow, "sched_setaffinity", arg(0, equal, 0))
    add(allow, "setpriority", arg(0, equal, 0), arg(1, equal, 0))
    # Before Linux 6.2, Landlock lets a file that may only be read be emptied by opening it so.
    mode, cut = os.O_ACCMODE, os.O_TRUNC
    for name, position in (("open", 1), ("openat", 2)):
        add(allow, name, arg(position, masked, cut, 0))
        add(allow, name, arg(position, masked, mode | cut, os.O_WRONLY | cut))
        add(allow, name, arg(position, masked, mode | cut, os.O_RDWR | cut))


def export(rules: Any) -> bytes:
    """Return a filter as the kernel's own program."""
    with open(os.memfd_create("filter"), "w+b") as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


_INSTRUCTION = struct.Struct("=HBBI")  # struct sock_filter


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def load(compiled: bytes) -> None:
    """Bind the calling thread, which must be the only one, and all that come after it."""
    me = os.getpid()
    instructions = [
        (*code, me if value == SELF else value)
        for *code, value in _INSTRUCTION.iter_unpack(compiled)
    ]
    buffer = b"".join(_INSTRUCTION.pack(*instruction) for instruction in instructions)
    holder = _Program(len(instructions), ctypes.cast(ctypes.c_char_p(buffer), ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(holder), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp refused the filter")
