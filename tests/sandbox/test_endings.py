"""How boxes end: by themselves, by force, with or without the processes around them; nothing is
ever left.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from trials import SECONDS, SMALL, Trial, call, is_zombie, members

from grader.errors import GraderFault
from grader.sandbox.box import Box, Exit, Sandbox
from grader.sandbox.inside.walls import process_tree
from grader.sandbox.ladder import open_sandbox
from grader.sandbox.warm import WarmBox, WarmSandbox
from grader.sandbox.wire import WireClosed, WireError, WireTimeout

HONEST = "def attack(x=1):\n    return x + 1\n"
DAEMON = """
import os, time
def attack():
    for _ in range(2):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                open("daemon", "w").close()
                time.sleep(600)
            os._exit(0)
    while not os.path.exists("daemon"):
        time.sleep(0.01)
    BODY
"""


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("os._exit(0)", 0),
        ("os._exit(7)", 7),
        ("os.abort()", -signal.SIGABRT),
        ("ctypes.string_at(0)", -signal.SIGSEGV),
        ("os.kill(os.getpid(), 15)", -signal.SIGTERM),
        ("os.closerange(0, 64); os._exit(3)", 3),
    ],
)
def test_a_box_that_ends_by_itself_tells_how(body: str, code: int, trial: Trial) -> None:
    outcome = trial.run(f"import ctypes, os\ndef attack():\n    {body}\n")
    assert outcome.closed
    assert outcome.exit == Exit(code)
    assert trial.run(HONEST, 2).value == 3


SIGKILL = (
    "os.kill(os.getpid(), 9)",
    "os.kill(0, 9)",
    "os.kill(-os.getpgrp(), 9)",
    "os.kill(-1, 9)",
    "signal.pthread_kill(threading.get_ident(), 9)",
    "resource.setrlimit(resource.RLIMIT_CPU, (1, 1))",
    "resource.prlimit(0, resource.RLIMIT_CPU, (1, 1))",
)


def test_a_box_cant_end_as_if_it_had_been_killed_from_outside(trial: Trial) -> None:
    tries = "".join(
        f"    try:\n        {one}\n    except (OSError, ValueError):\n        refused += 1\n"
        for one in SIGKILL
    )
    child = (
        "    child = os.fork()\n    if not child:\n        time.sleep(600)\n"
        "    os.kill(child, 9)\n    assert os.waitpid(child, 0)[1] == 9\n"
    )
    imports = "import os, resource, signal, threading, time\n"
    outcome = trial.run(
        f"{imports}def attack():\n    refused = 0\n{tries}{child}    return refused\n"
    )
    assert outcome.value == len(SIGKILL)


def test_a_box_that_is_ended_says_so(sandbox: Sandbox) -> None:
    with sandbox.open() as box:
        assert call(box, HONEST, 1).value == 2
        assert box.kill() == Exit(0)
        assert box.kill() == Exit(0)


@pytest.mark.parametrize(
    "body",
    [
        "time.sleep(600)",
        "os.kill(os.getpid(), 19)",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); os.closerange(0, 64); time.sleep(600)",
        "while True: pass",
    ],
    ids=["sleeping", "stopped", "deaf and without its wire", "busy"],
)
def test_a_box_that_does_not_answer_is_ended(
    body: str, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trials.SECONDS", 0.4)
    with trial.sandbox.open() as box:
        try:
            ended = call(box, f"import os, signal, time\ndef attack():\n    {body}\n").closed
        except WireTimeout:
            ended = True
        assert ended
        assert box.kill().code in (-signal.SIGKILL, None)
        assert not members_of(box)
    monkeypatch.undo()
    assert trial.run(HONEST, 1).value == 2


def members_of(box: object) -> list[int]:
    """Return what lives of a box, where its group's number means something outside."""
    assert isinstance(box, WarmBox)
    return members(box.group) if box._sandbox.tier == "landlock" else []


@pytest.mark.parametrize("body", ["return 1", "os._exit(0)"], ids=["it goes on", "it ends"])
def test_daemons_end_with_their_box(body: str, trial: Trial) -> None:
    outcome = trial.run(DAEMON.replace("BODY", body))
    assert outcome.value == 1 or outcome.closed


def test_a_daemon_does_not_hold_the_wire_open(trial: Trial) -> None:
    """The first process ends; what it left is swept at once, so the wire closes long before any
    deadline.
    """
    outcome = trial.run(DAEMON.replace("BODY", "os._exit(5)"))
    assert outcome.closed
    assert outcome.exit.code == 5


@pytest.mark.parametrize(
    "garbage", ["b'x' * 100", "b'\\xff' * 100", "b'\\0' * 8", "bytes(1 << 20)"]
)
def test_a_garbled_wire_is_an_error_of_the_wire(garbage: str, sandbox: Sandbox) -> None:
    code = f"import os, time\ndef attack():\n    os.write(3, {garbage})\n    os._exit(0)\n"
    code = code.replace("os.write(3", "os.write(wire()") + (
        "def wire():\n    import stat\n"
        "    return next(n for n in range(3, 64) if is_socket(n))\n"
        "def is_socket(n):\n    import stat\n    try:\n        return stat.S_ISSOCK(os.fstat(n).st_mode)\n"
        "    except OSError:\n        return False\n"
    )
    with sandbox.open() as box, pytest.raises(WireError):
        call_or_close(box, code)


def call_or_close(box: Box, code: str) -> None:
    """Call; raise `WireClosed` where the wire closed without an answer."""
    if call(box, code).closed:
        raise WireClosed("closed")


def test_boxes_are_opened_from_many_threads(sandbox: Sandbox) -> None:
    def use(number: int) -> int:
        with sandbox.open() as box:
            return int(call(box, HONEST, number).value)

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(use, range(24))) == list(range(1, 25))


def test_a_box_may_be_ended_from_another_thread(sandbox: Sandbox) -> None:
    with sandbox.open() as box:
        ended: list[Exit] = []
        thread = threading.Thread(target=lambda: (time.sleep(0.2), ended.append(box.kill())))
        thread.start()
        with pytest.raises((WireClosed, WireTimeout)):
            box.channel.receive(20)
        thread.join()
        assert len(ended) == 1


def test_a_sandbox_outlives_the_thread_that_opened_it(sandbox: Sandbox) -> None:
    opened: list[Sandbox] = []
    thread = threading.Thread(target=lambda: opened.append(type(sandbox)(SMALL, [], False)))  # type: ignore[call-arg]
    thread.start()
    thread.join()
    with opened[0] as another, another.open() as box:
        assert call(box, HONEST, 1).value == 2


def zygote(sandbox: WarmSandbox) -> int:
    """Return the zygote's process id as seen from outside: with bwrap, it is the grandchild of what
    was started.
    """
    assert sandbox._process is not None
    pid = sandbox._process.pid
    if sandbox.tier == "bubblewrap":
        for _ in range(2):
            (pid,) = process_tree.children(pid)
    return pid


def wardens(sandbox: WarmSandbox) -> list[int]:
    """Return the wardens' process ids as seen from outside."""
    return process_tree.children(zygote(sandbox))


@pytest.fixture
def own(sandbox: Sandbox) -> WarmSandbox:
    """A sandbox that a test may break."""
    opened = type(sandbox)(SMALL, [], False)  # type: ignore[call-arg]
    assert isinstance(opened, WarmSandbox)
    return opened


def test_a_box_ends_though_its_warden_was_killed(own: WarmSandbox) -> None:
    with own, own.open() as box:
        call(box, DAEMON.replace("BODY", "return 1"))
        (warden,) = wardens(own)
        below = [process.pid for process in process_tree.below(warden)]
        assert len(below) >= 3
        os.kill(warden, signal.SIGKILL)
        assert "did not report" in box.kill().fault
        assert all(is_zombie(pid) for pid in below)
        with own.open() as another:
            assert call(another, HONEST, 1).value == 2


def test_a_box_ends_though_its_warden_is_stopped(
    own: WarmSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.sandbox.warm.KILL_SECONDS", 1.0)
    with own, own.open() as box:
        call(box, DAEMON.replace("BODY", "return 1"))
        (warden,) = wardens(own)
        below = [process.pid for process in process_tree.below(warden)]
        os.kill(warden, signal.SIGSTOP)
        assert "did not report" in box.kill().fault
        assert all(is_zombie(pid) for pid in below)


def test_boxes_end_though_the_zygote_was_killed(own: WarmSandbox) -> None:
    with own, own.open() as box:
        call(box, DAEMON.replace("BODY", "return 1"))
        (warden,) = wardens(own)
        below = [process.pid for process in process_tree.below(warden)]
        os.kill(zygote(own), signal.SIGKILL)
        box.kill()
        assert all(is_zombie(pid) for pid in below)
        with own.open() as another:
            assert call(another, HONEST, 1).value == 2


def test_a_stopped_zygote_is_replaced(own: WarmSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.sandbox.warm.KILL_SECONDS", 0.5)
    monkeypatch.setattr("grader.sandbox.warm.OPEN_SECONDS", 0.5)
    with own:
        stopped = zygote(own)
        os.kill(stopped, signal.SIGSTOP)
        with pytest.raises(GraderFault):
            own._open(False)
        assert is_zombie(stopped)
        monkeypatch.undo()
        with own.open() as box:
            assert call(box, HONEST, 1).value == 2


def test_a_zygote_that_cannot_be_replaced_is_a_fault(
    own: WarmSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with own:
        os.kill(zygote(own), signal.SIGKILL)
        monkeypatch.setattr(own, "command", lambda python: ["/nowhere"])
        with pytest.raises(GraderFault, match="can't be started again"):
            own.open()


def test_closing_a_sandbox_ends_its_boxes(own: WarmSandbox) -> None:
    boxes = [own.open() for _ in range(3)]
    for box in boxes:
        call(box, DAEMON.replace("BODY", "return 1"))
    assert own._process is not None
    below = [process.pid for process in process_tree.below(own._process.pid)]
    own.close()
    assert all(is_zombie(pid) for pid in below)
    assert not own.base.exists()


def test_nothing_survives_the_grader(sandbox: Sandbox, tmp_path: Path) -> None:
    """The trusted process is killed in the middle of a call, and has no chance to tidy up."""
    script = tmp_path / "grader_that_dies.py"
    script.write_text(
        "import sys, time\n"
        f"sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[2])]!r}\n"
        "from trials import SMALL, call\n"
        "from grader.sandbox.inside.walls import process_tree as tree\n"
        "from grader.sandbox.ladder import open_sandbox\n"
        "import os\n"
        "if __name__ == '__main__':\n"
        f"    sandbox = open_sandbox({str(sandbox.tier)!r}, SMALL, [], False)\n"
        "    box = sandbox.open()\n"
        f"    call(box, {DAEMON.replace('BODY', 'return 1')!r})\n"
        "    print(sandbox.base, *(process.pid for process in tree.below(os.getpid())), flush=True)\n"
        "    time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    base, *pids = process.stdout.readline().split()
    assert len(pids) >= 5
    process.kill()
    process.wait()
    deadline = time.monotonic() + SECONDS
    while not all(is_zombie(int(pid)) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [pid for pid in pids if not is_zombie(int(pid))] == []
    process.stdout.close()
    assert not Path(base).exists()


def test_the_tiers_answer_alike() -> None:
    answers = []
    for tier in ("bubblewrap", "landlock", "none"):
        with open_sandbox(tier, SMALL, [], False) as opened, opened.open() as box:
            answers.append(call(box, HONEST, 41).value)
            answers.append(
                call(box, "def attack(): raise ValueError('x')\n".replace("hostile", "other")).error
            )
    assert answers[:2] == answers[2:4] == answers[4:]
