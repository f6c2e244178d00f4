"""The warm process of `plain_forks`: `python -c` with this text, and a descriptor as its argument."""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import socket
import sys
import tempfile
from typing import Any, NoReturn

from grader.sandbox.inside.walls.zygote import HEAVY, KERNEL, settle
from grader.sandbox.inside.work import worker


def serve() -> None:
    """Load what a box may need, then fork until the tests' process has ended."""
    control = socket.socket(fileno=int(sys.argv.pop()))
    control.set_inheritable(False)
    sys.dont_write_bytecode = True
    gc.disable()
    for name in HEAVY:
        importlib.import_module(name)
    sys.modules[KERNEL].prepare()
    settle()
    events = select.poll()
    events.register(control, select.POLLIN | select.POLLHUP)
    running: dict[int, tuple[int, socket.socket]] = {}  # pidfd -> process, and who asks about it
    while True:
        for number, _ in events.poll():
            if number in running:
                pid, status = running.pop(number)
                events.unregister(number)
                os.close(number)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                with status, contextlib.suppress(OSError):
                    status.send(str(code).encode())
                continue
            data, numbers, _, _ = socket.recv_fds(control, 1 << 16, 2)
            if not data:
                os._exit(0)
            asked = json.loads(data)
            status = socket.socket(fileno=numbers[1])
            pid = os.fork()
            if pid == 0:
                for held in (control, status, *(one for _, one in running.values())):
                    held.close()
                for pidfd in running:
                    os.close(pidfd)
                be_a_worker(numbers[0], asked)
            os.close(numbers[0])
            pidfd = os.pidfd_open(pid)
            running[pidfd] = pid, status
            events.register(pidfd, select.POLLIN)
            status.send(str(pid).encode())


def be_a_worker(wire: int, asked: dict[str, Any]) -> NoReturn:
    """In the fork: be what a new Python would be that runs the worker."""
    os.setsid()
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    tempfile.tempdir = None
    gc.enable()
    if not asked["notebook"]:
        sys.modules[KERNEL].put_away()
    sys.argv[:] = ["-c", str(wire)]
    sys.path_importer_cache.clear()
    run, leave, code = worker.main, os._exit, 1
    names = sys.modules["__main__"].__dict__
    for name in OWN & names.keys():  # code may ask what the main program has
        del names[name]
    try:
        run()
        code = 0
    finally:
        leave(code)


OWN = globals().keys() - {"__name__", "__doc__", "__package__", "__loader__", "__spec__", "__builtins__", "__annotations__"}  # fmt: skip

if __name__ == "__main__":
    serve()
