"""What the probe tries from inside a box, staged there like a student's file. It knows nothing of
this package.

Each attempt is one that the tier promises to stop; `breaches` names those that went through. The
other side offers what is tried: a file that anybody may read, listening sockets, a process. So
"stopped" never means "was not there".
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

PTRACE_SEIZE, CLONE_NEWUSER = 0x4206, 0x10000000  # seizing does not stop a process, attaching would


def breaches(offered: dict[str, Any]) -> str:
    """Return the names of the attempts that went through, as JSON."""
    canary, pid = Path(offered["canary"]), int(offered["pid"])
    libc = ctypes.CDLL(None, use_errno=True)
    attempts: dict[str, Callable[[], Any]] = {
        "a file outside could be read": canary.read_bytes,
        "a file outside could be read through /proc": Path(f"/proc/self/root{canary}").read_bytes,
        "a file outside could be written": lambda: canary.write_text("changed"),
        "a file could be made outside": lambda: canary.with_name("made").write_text("made"),
        "a TCP connection could be made": lambda: connect(
            socket.AF_INET, ("127.0.0.1", offered["tcp"])
        ),
        "a UDP packet could be sent": lambda: send_packet(("127.0.0.1", offered["udp"])),
        "a unix socket could be reached": lambda: connect(socket.AF_UNIX, offered["unix"]),
        "an abstract socket could be reached": lambda: connect(
            socket.AF_UNIX, "\0" + offered["abstract"]
        ),
        "a process outside could be signalled": lambda: os.kill(pid, 0),
        "a process outside could be traced": lambda: demand(
            libc.ptrace(PTRACE_SEIZE, pid, 0, 0) == 0
        ),
        "a user namespace could be made": lambda: demand(libc.unshare(CLONE_NEWUSER) == 0),
    }
    return json.dumps([name for name, attempt in attempts.items() if succeeds(attempt)])


def succeeds(attempt: Callable[[], Any]) -> bool:
    """Tell whether an attempt went through."""
    try:
        attempt()
    except (OSError, RuntimeError):
        return False
    return True


def demand(condition: bool) -> None:
    """Raise `OSError` unless the condition holds."""
    if not condition:
        raise OSError("refused")


def connect(family: int, address: Any) -> None:
    """Connect a stream socket."""
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(1)
        sock.connect(address)


def send_packet(address: tuple[str, int]) -> None:
    """Send a datagram."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", address)


def works(provided: list[str]) -> str:
    """Return what an honest submission would miss here, as JSON: a short list, best empty."""
    import numpy as np

    missing = []
    Path("kept.txt").write_text("kept")
    if Path("kept.txt").read_text() != "kept":
        missing.append("files in the own folder")
    if not np.allclose(np.ones((3, 4)) @ np.ones((4, 2)), 4):
        missing.append("NumPy")
    missing += [path for path in provided if not os.access(path, os.R_OK)]
    if sys.path[0] != str(Path.cwd()):
        missing.append("its own folder on the module path")
    return json.dumps(missing)


def multiply(count: int) -> int:
    """Start processes that stay, and return how many could be started of ``count``."""
    import time

    for started in range(count):
        try:
            if os.fork() == 0:
                time.sleep(5)
                os._exit(0)
        except OSError:
            return started
    time.sleep(1)
    return count
