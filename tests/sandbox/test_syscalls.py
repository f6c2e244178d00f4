"""The filter of system calls by itself, as it must hold where Landlock is older and closes less."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = str(Path(__file__).parents[2])

SCRIPT = """
import base64, errno, fcntl, json, os, signal, sys
sys.path.append({root!r})
from grader.sandbox.inside.walls import syscalls, wall

compiled = syscalls.program(own_signals_only={own})
wall.prctl(wall.PR_SET_NO_NEW_PRIVS, 1)
child = os.fork()
if child == 0:
    wall.prctl(wall.PR_SET_PDEATHSIG, signal.SIGKILL)
    os.closerange(0, 3)
    signal.pause()
syscalls.load(compiled)
told = {{}}
def attempt(name, function):
    try:
        function()
        told[name] = "done"
    except OSError as error:
        told[name] = errno.errorcode[error.errno]
attempt("itself", lambda: os.kill(os.getpid(), 0))
attempt("its child", lambda: os.kill(child, 0))
attempt("its parent", lambda: os.kill(os.getppid(), 0))
attempt("everybody", lambda: os.kill(-1, 0))
attempt("its thread", lambda: signal.pthread_kill(__import__("threading").get_ident(), 0))
attempt("owner", lambda: fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid()))
attempt("its signal", lambda: fcntl.fcntl(0, fcntl.F_SETSIG, 9))
attempt("cut", lambda: os.open({file!r}, os.O_RDONLY | os.O_TRUNC))
attempt("truncate", lambda: os.truncate({file!r}, 0))
attempt("write", lambda: os.close(os.open({file!r}, os.O_WRONLY)))
attempt("read", lambda: os.close(os.open({file!r}, os.O_RDONLY)))
attempt("socketpair", lambda: __import__("socket").socketpair())
attempt("socket", lambda: __import__("socket").socket())
attempt("unknown", lambda: signal.pidfd_send_signal(0, 0))
print(json.dumps(told), flush=True)
os._exit(0)
"""


def told(file: Path, own: bool) -> dict[str, str]:
    """Return what a process behind the filter was told."""
    script = SCRIPT.format(root=ROOT, own=own, file=str(file))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return dict(json.loads(done.stdout))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with something in it."""
    path = tmp_path / "file"
    path.write_text("kept")
    return path


def test_signals_go_to_the_own_process_alone_where_landlock_does_not_scope_them(file: Path) -> None:
    answers = told(file, own=True)
    assert answers["itself"] == answers["its thread"] == "done"
    assert {answers[name] for name in ("its child", "its parent", "everybody")} <= {
        "EPERM",
        "ENOSYS",
    }


def test_signals_are_landlocks_matter_where_it_scopes_them(file: Path) -> None:
    assert told(file, own=False)["its child"] == "done"


def test_a_file_is_not_emptied_without_being_opened_to_write(file: Path) -> None:
    answers = told(file, own=False)
    assert {answers["cut"], answers["truncate"]} <= {"EPERM", "ENOSYS"}
    assert answers["read"] == answers["write"] == "done"
    assert file.read_text() == "kept"


def test_what_is_on_no_list_is_refused(file: Path) -> None:
    answers = told(file, own=False)
    refused = {answers[name] for name in ("owner", "its signal", "socket", "unknown")}
    assert refused <= {"EPERM", "ENOSYS"}
    assert answers["socketpair"] == "done"
