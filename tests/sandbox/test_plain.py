"""The tier `none`: a subprocess that is told nothing, ended with all its children, and gone without
a trace.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from grader.model import Tier
from grader.sandbox.box import Box, Exit
from grader.sandbox.plain import PlainSandbox, clean_environment
from grader.sandbox.wire import Frame, WireClosed, WireTimeout

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="asks /proc and sends signals")


@pytest.fixture
def sandbox() -> Iterator[PlainSandbox]:
    with PlainSandbox() as opened:
        yield opened


@pytest.fixture
def run(sandbox: PlainSandbox) -> Callable[..., tuple[Box, Any]]:
    """Return a function that evaluates a Python expression in a fresh box: the box, and the reply's
    body.
    """

    def evaluate(expression: str, seconds: float = 20) -> tuple[Box, Any]:
        box = sandbox.open()
        body = {"op": "stage", "links": [], "files": [["m.py", 0]]}
        source = f"import os, signal, subprocess, sys, time\ndef f():\n    return {expression}\n"
        box.channel.send(Frame(body, (source.encode(),)), 10)
        assert box.channel.receive(seconds).body["ok"]
        target = [["module", "m"], ["attr", "f"]]
        empty = {"args": {"tuple": []}, "kwargs": {"dict": []}}
        box.channel.send(Frame({"op": "call", "target": target, **empty}), 10)
        return box, box.channel.receive(seconds).body

    return evaluate


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_worker_answers(run: Callable) -> None:
    assert run("6 * 7")[1]["values"] == [42]


def test_environment_is_the_few_names_that_it_needs(
    run: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADER_TOKEN", "secret")
    monkeypatch.setenv("PYTHONSTARTUP", "/nowhere")
    names = set(run("' '.join(os.environ)")[1]["values"][0].split())
    assert "PATH" in names
    assert names - set(clean_environment(Path())) <= {"PWD", "LC_CTYPE"}
    assert not {name for name in names if "TOKEN" in name or name.startswith("PYTHON")}


def test_standard_streams_lead_nowhere(run: Callable) -> None:
    links = run("' '.join(os.readlink(f'/proc/self/fd/{n}') for n in (0, 1, 2))")[1]["values"][0]
    assert links == " ".join(["/dev/null"] * 3)


def test_worker_does_not_see_the_callers_folder(run: Callable) -> None:
    assert run("sys.path[0] == os.getcwd() and '' not in sys.path")[1]["values"] == [True]


def test_two_boxes_have_folders_of_their_own(run: Callable) -> None:
    (_, first), (_, second) = run("os.getcwd()"), run("os.getcwd()")
    assert first["values"] != second["values"]


def test_killing_ends_children_and_removes_the_folder(run: Callable) -> None:
    box, told = run("(os.getpid(), subprocess.Popen(['sleep', '600']).pid, os.getcwd())")
    worker, child, folder = told["values"]
    assert alive(worker)
    assert alive(child)
    box.kill()
    assert not alive(worker)
    assert wait_until(lambda: not alive(child))
    assert not Path(folder).exists()


def test_a_box_is_killed_once_whoever_kills_it(sandbox: PlainSandbox) -> None:
    box, both = sandbox.open(), threading.Barrier(2)

    def kill() -> Exit:
        both.wait()
        return box.kill()

    with ThreadPoolExecutor(2) as pool:
        first, second = [kill.result() for kill in [pool.submit(kill) for _ in range(2)]]
    assert first is second


def test_leaving_the_sandbox_ends_every_box() -> None:
    with PlainSandbox() as sandbox:
        pids = [sandbox.open()._process.pid for _ in range(2)]
        assert all(map(alive, pids))
    assert not any(map(alive, pids))


@pytest.mark.parametrize(
    ("expression", "code"),
    [("os._exit(3)", 3), ("os.abort()", -signal.SIGABRT), ("os.kill(os.getpid(), 9)", -9)],
)
def test_death_is_told_with_its_code(
    sandbox: PlainSandbox, run: Callable, expression: str, code: int
) -> None:
    with pytest.raises(WireClosed):
        run(expression)
    (box,) = sandbox._boxes
    assert box.kill().code == code
    assert box.kill().code == code  # however often it is asked


def test_child_that_holds_the_pipe_open_does_not_stop_the_clock(
    sandbox: PlainSandbox, run: Callable
) -> None:
    orphan = "subprocess.Popen(['sleep', '600'], pass_fds=[int(sys.argv[1])]) and os._exit(0)"
    with pytest.raises(WireTimeout):
        run(orphan, seconds=1.0)
    with ThreadPoolExecutor(1) as apart:
        apart.submit(sandbox.close).result(timeout=300)  # not until the child has slept


def test_tier_is_named() -> None:
    assert PlainSandbox.tier is Tier.NONE


def wait_until(condition: Callable[[], bool]) -> bool:
    """Return whether a condition comes true; init takes a moment to collect orphans."""
    deadline = time.monotonic() + 20
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
