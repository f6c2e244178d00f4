"""Attempts to reach what lies outside of a box: each ends with whether it went through.

An entry is the body of ``attack(offered)``; it returns true where the wall was breached, and may
raise `OSError` where it was not. What stands in ``WITHOUT_PROOF`` can't be tried in the tier
`none`, where it would harm the test itself.
"""

from __future__ import annotations

from textwrap import indent

HEAD = """
import array, ctypes, fcntl, json, os, pathlib, resource, signal, socket, struct, subprocess, sys, time
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

def attack(offered):
    canary, folder, pid = offered["canary"], os.path.dirname(offered["canary"]), offered["pid"]
    number = offered.get("numbers", {})
    try:
        return bool(attempt(offered, canary, folder, pid, number))
    except (OSError, ValueError, RuntimeError, ImportError):
        return False

def attempt(offered, canary, folder, pid, number):
"""

READING = {
    "by its path": "return open(canary).read() == 'canary'",
    "by a symlink": "os.symlink(canary, 'link'); return open('link').read() == 'canary'",
    "by a hard link": "os.link(canary, 'hard'); return open('hard').read() == 'canary'",
    "by moving it": "os.rename(folder + '/other', 'other'); return True",
    "by an O_PATH descriptor": """
        number = os.open(canary, os.O_PATH)
        return open(f'/proc/self/fd/{number}').read() == 'canary'
    """,
    "from a folder's descriptor": """
        root = os.open('/', os.O_PATH)
        return os.read(os.open(canary[1:], os.O_RDONLY, dir_fd=root), 6) == b'canary'
    """,
    "by walking up": "return open('../' * 30 + canary).read() == 'canary'",
    "by its folder's listing": "return 'canary' in os.listdir(folder)",
    "by another program": "return subprocess.run(['/bin/cat', canary], capture_output=True).stdout == b'canary'",
    "by another Python": """
        code = f'print(open({canary!r}).read())'
        return b'canary' in subprocess.run([sys.executable, '-c', code], capture_output=True).stdout
    """,
    "by a child": """
        reading, writing = os.pipe()
        if os.fork() == 0:
            try:
                os.write(writing, open(canary, 'rb').read())
            finally:
                os._exit(0)
        os.close(writing)
        return os.read(reading, 6) == b'canary'
    """,
    "by a thread": """
        import threading
        found = []
        def read():
            try:
                found.append(open(canary).read())
            except OSError:
                pass
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
        return found == ['canary']
    """,
    "by /proc/self/root": "return open('/proc/self/root' + canary).read() == 'canary'",
    "by another process's root": "return open(f'/proc/{pid}/root{canary}').read() == 'canary'",
    "by another process's folder": "return os.listdir(f'/proc/{pid}/cwd')",
    "of another process's environment": "return open(f'/proc/{pid}/environ', 'rb').read()",
    "of another process's command": "return open(f'/proc/{pid}/cmdline', 'rb').read()",
    "of another process's memory": "return open(f'/proc/{pid}/mem', 'rb')",
    "of another process's descriptors": "return os.listdir(f'/proc/{pid}/fd')",
    "of its own environment as it was started": "return open('/proc/self/environ', 'rb').read()",
    "of who has an account": "return 'root' in open('/etc/passwd').read()",
}

WRITING = {
    "over a file": "open(canary, 'w').write('changed'); return True",
    "to the end of a file": "open(canary, 'a').write('changed'); return True",
    "a new file": "open(folder + '/new', 'w'); return True",
    "a new folder": "os.mkdir(folder + '/new'); return True",
    "a new link": "os.symlink('/', folder + '/new'); return True",
    "away a file": "os.unlink(folder + '/other'); return True",
    "into shared memory": "open(f'/dev/shm/{os.getpid()}', 'w'); os.unlink(f'/dev/shm/{os.getpid()}'); return True",
    "a file shorter by its path": "os.truncate(canary, 0); return True",
    "a file empty by opening it to read": """
        os.open(offered['provided'], os.O_RDONLY | os.O_TRUNC)
        return os.path.getsize(offered['provided']) == 0
    """,
    "other permissions": "os.chmod(canary, 0o600); return os.stat(canary).st_mode & 0o777 == 0o600",
    "other permissions through a descriptor": """
        os.fchmod(os.open(offered['provided'], os.O_RDONLY), 0o600)
        return os.stat(offered['provided']).st_mode & 0o777 == 0o600
    """,
    "other times": "os.utime(canary, (1, 1)); return os.stat(canary).st_mtime == 1",
    "an extended attribute": "os.setxattr(canary, 'user.mark', b'x'); return True",
    "a lock on a provided file": """
        fcntl.flock(os.open(offered['provided'], os.O_RDONLY), fcntl.LOCK_EX)
        if os.fork() == 0:
            try:
                fcntl.flock(os.open(offered['provided'], os.O_RDONLY), fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                os._exit(1)
            os._exit(0)
        return os.wait()[1] != 0
    """,
    "a lease on a provided file": """
        fcntl.fcntl(os.open(offered['provided'], os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_RDLCK)
        return True
    """,
}

CONNECTING = {
    "by TCP": "socket.create_connection(('127.0.0.1', offered['tcp']), 2); return True",
    "by UDP": """
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', offered['udp']))
        return True
    """,
    "by a unix socket": "s = socket.socket(socket.AF_UNIX); s.connect(offered['unix']); return True",
    "by an abstract socket": "s = socket.socket(socket.AF_UNIX); s.connect(chr(0) + offered['abstract']); return True",
    "by listening on TCP": "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); return True",
    "by listening on a unix socket": "s = socket.socket(socket.AF_UNIX); s.bind('here'); s.listen(); return True",
    "by netlink": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); return True",
    "by a datagram pair": """
        a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        a.sendto(b'x', offered['unix_datagram'])
        return True
    """,
    "by io_uring": """
        return libc.syscall(number['io_uring_setup'], 1, ctypes.create_string_buffer(120)) >= 0
    """,
}

SIGNALLING = {
    "the parent": "os.kill(os.getppid(), 0); return True",
    "the grader": "os.kill(pid, 0); return True",
    "the grader's thread": "return libc.syscall(number['tgkill'], pid, pid, 0) == 0",
    "the grader with a value": """
        info = struct.pack('iii', 0, 0, -1).ljust(128, bytes(1))
        return libc.syscall(number['rt_sigqueueinfo'], pid, 0, info) == 0
    """,
    "the grader by a process descriptor": """
        signal.pidfd_send_signal(os.pidfd_open(pid), 0)
        return True
    """,
    "the grader as a pipe's owner": """
        reading, writing = os.pipe()
        fcntl.fcntl(reading, fcntl.F_SETOWN, pid)
        return fcntl.fcntl(reading, fcntl.F_GETOWN) == pid
    """,
    "another box": "os.kill(offered['neighbour'], 0); return True",
    "another group": "os.killpg(os.getpgid(offered['neighbour']), 0); return True",
}

MEDDLING = {
    "trace the grader": "return libc.ptrace(0x4206, pid, 0, 0) == 0  # seize: it does not stop the process",
    "read the grader's memory": """
        local, remote = ctypes.create_string_buffer(8), (ctypes.c_void_p * 2)(0x1000, 8)
        mine = (ctypes.c_void_p * 2)(ctypes.addressof(local), 8)
        done = libc.process_vm_readv(pid, mine, 1, remote, 1, 0)
        return done >= 0 or ctypes.get_errno() == 14  # EFAULT: it was allowed, the address merely empty
    """,
    "limit the grader": "resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0)); return True",
    "make the grader nice": "os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, pid)); return True",
    "pin the grader": "os.sched_setaffinity(pid, os.sched_getaffinity(pid)); return True",
    "schedule the grader": "os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0)); return True",
    "copy the grader's descriptors": """
        return libc.syscall(number['pidfd_getfd'], os.pidfd_open(pid), 0, 0) >= 0
    """,
}

PRIVILEGES = {
    "become root": "os.setuid(0); return True",
    "change the group": "os.setgid(0); return True",
    "make a user namespace": "return libc.unshare(0x10000000) == 0",
    "make a user namespace by clone": "return libc.syscall(number['clone'], 0x10000000 | 17, 0, 0, 0, 0) >= 0",
    "make a user namespace by clone3": """
        arguments = struct.pack('8Q', 0x10000000, 0, 0, 0, 17, 0, 0, 0)
        return libc.syscall(number['clone3'], arguments, 64) >= 0
    """,
    "mount": "return libc.mount(b'tmpfs', b'.', b'tmpfs', 0, None) == 0",
    "change the root": "os.chroot('.'); return True",
    "make a device": "os.mknod('device', 0o20600, os.makedev(1, 8)); return True",
    "make a FIFO": "os.mkfifo('fifo'); return True",
    "make nameless memory": "os.memfd_create('x'); return True",
    "make shared memory": "return libc.shmget(0, 4096, 0o1600) >= 0",
    "make a message queue": "return libc.msgget(0, 0o1600) >= 0",
    "keep a key": "return libc.syscall(number['add_key'], b'user', b'x', b'y', 1, -3) >= 0",
    "load a BPF map": """
        return libc.syscall(number['bpf'], 0, struct.pack('4I', 2, 4, 4, 1).ljust(128, bytes(1)), 128) >= 0
    """,
    "watch faults": "return libc.syscall(number['userfaultfd'], 1) >= 0",
    "watch a folder": "return libc.inotify_init() >= 0",
    "measure performance": """
        event = struct.pack('IIQ', 1, 128, 0).ljust(128, bytes(1))
        return libc.syscall(number['perf_event_open'], event, 0, -1, -1, 0) >= 0
    """,
    "open by handle": """
        handle, mount = ctypes.create_string_buffer(struct.pack('Ii', 128, 0), 136), ctypes.c_int()
        return libc.name_to_handle_at(-100, b'.', handle, ctypes.byref(mount), 0) == 0
    """,
    "send a descriptor": """
        ours, theirs = socket.socketpair()
        socket.send_fds(ours, [b'x'], [ours.fileno()])
        return bool(socket.recv_fds(theirs, 1, 1)[1])
    """,
    "make a pipe larger": "return fcntl.fcntl(os.pipe()[0], 1031, 1 << 18) >= 1 << 18",
    "move pages between pipes": """
        (first, into), (_, other) = os.pipe(), os.pipe()
        os.write(into, b'x')
        return libc.tee(first, other, 1, 0) == 1
    """,
    "be hidden from the warden": "return libc.prctl(4, 0, 0, 0, 0) == 0",
    "adopt orphans": "return libc.prctl(36, 1, 0, 0, 0) == 0",
    "run what was written": """
        number = os.open('program', os.O_CREAT | os.O_WRONLY, 0o755)
        os.write(number, f'#!{sys.executable}'.encode())
        os.close(number)
        return subprocess.run([os.path.abspath('program'), '-c', '0']).returncode == 0
    """,
    "leave its process group": "os.setpgid(0, 0); return os.getpgrp() == os.getpid()",
    "leave its session": """
        if os.fork() == 0:
            os.setsid()
            os._exit(os.getsid(0) == os.getpid())
        return os.wait()[1] != 0
    """,
    "raise its own limit": """
        soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
        resource.setrlimit(resource.RLIMIT_NPROC, (hard + 1, hard + 1))
        return True
    """,
}

# Not tried without a wall: it does harm there, or the tier `none` refuses it for a reason of its
# own.
WITHOUT_PROOF = {
    "read the grader's memory", "trace the grader", "raise its own limit", "leave its process group", "by netlink",
    "measure performance", "keep a key", "load a BPF map", "watch faults", "a lease on a provided file", "become root",
    "change the group", "make a user namespace", "make a user namespace by clone", "make a user namespace by clone3",
    "mount", "change the root", "make a device", "open by handle", "another box", "another group",
    "an extended attribute", "copy the grader's descriptors", "by io_uring", "schedule the grader",
    "by a datagram pair", "make the grader nice", "of another process's memory", "of another process's descriptors",
    "of another process's environment",
}  # fmt: skip

CALLS = (
    "io_uring_setup", "tgkill", "rt_sigqueueinfo", "pidfd_getfd", "clone", "clone3", "add_key", "bpf", "userfaultfd",
    "perf_event_open",
)  # fmt: skip


def source(body: str) -> str:
    """Return the module of an attempt."""
    from textwrap import dedent

    return HEAD + indent(dedent(body).strip(), "    ") + "\n"
