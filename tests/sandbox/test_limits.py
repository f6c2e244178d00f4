"""What a box may use: each limit is kept, and named."""

from __future__ import annotations

import os
from collections.abc import Iterator

import msgspec
import pytest
from trials import SMALL, Trial, not_here

from grader.errors import IsolationError
from grader.sandbox.inside.walls.warden import NICENESS
from grader.sandbox.ladder import open_sandbox

USE = """
import ctypes, mmap, os, resource, signal, sys, threading, time
def touch(megabytes):
    block = mmap.mmap(-1, megabytes << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for place in range(0, megabytes << 20, 4096):
        block[place] = 1
    return block
def wait():
    time.sleep(60)
def child(work):
    if os.fork() == 0:
        try:
            work()
        finally:
            os._exit(0)
def attack():
"""


BRIEF = msgspec.structs.replace(SMALL, cpu_seconds=2)


@pytest.fixture(scope="module", params=["bubblewrap", "landlock"])
def brief(request: pytest.FixtureRequest) -> Iterator[Trial]:
    """Boxes with two seconds of CPU time: the others have more, so that no busy machine makes it
    the first limit.
    """
    try:
        opened = open_sandbox(request.param, BRIEF, [], notebooks=False)
    except IsolationError as error:
        not_here(f"{request.param}: {error}")
    with opened:
        yield Trial(opened)


def hostile(body: str) -> str:
    """Return a module whose ``attack`` has this body."""
    return USE + "".join(f"    {line}\n" for line in body.strip().splitlines())


def test_memory_in_one_process(trial: Trial) -> None:
    outcome = trial.run(hostile("block = touch(400)\nwait()"))
    assert outcome.closed
    assert outcome.exit.limit == "memory: more than 256 MB, summed over all processes"


def test_memory_in_many_processes_that_each_stay_under(trial: Trial) -> None:
    outcome = trial.run(
        hostile("for _ in range(5):\n    child(lambda: (touch(80), wait()))\nwait()")
    )
    assert outcome.exit.limit == "memory: more than 256 MB, summed over all processes"


def test_shared_memory_that_is_touched_and_dropped(trial: Trial) -> None:
    outcome = trial.run(
        hostile("""
blocks = []
for _ in range(10):
    block = mmap.mmap(-1, 64 << 20)
    for place in range(0, 64 << 20, 4096):
        block[place] = 1
    block.madvise(mmap.MADV_DONTNEED)
    blocks.append(block)
wait()
""")
    )
    assert outcome.exit.limit == "memory: more than 256 MB, summed over all processes"


def test_shared_pages_count_once(trial: Trial) -> None:
    outcome = trial.run(
        hostile(
            "block = touch(120)\nfor _ in range(4):\n    child(lambda: time.sleep(1))\ntime.sleep(0.5)\nreturn 1"
        )
    )
    assert outcome.value == 1
    assert outcome.exit.limit == ""


def test_more_memory_than_there_is_address_space(trial: Trial) -> None:
    outcome = trial.run(hostile("return len(bytearray(1 << 40))"))
    assert outcome.error.startswith("MemoryError")


@pytest.mark.parametrize(
    "body",
    [
        "while True:\n    os.fork()",
        "while True:\n    try:\n        os.fork()\n    except OSError:\n        pass",
        "def bomb():\n    os.setsid()\n    while True:\n        child(bomb)\nbomb()",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nfor _ in range(1000):\n    child(wait)\nwait()",
    ],
    ids=["endless", "stubborn", "in sessions of their own", "many that wait"],
)
def test_a_fork_bomb(body: str, trial: Trial) -> None:
    outcome = trial.run(hostile(body))
    assert outcome.exit.limit == "processes: more than 8 processes and threads at once"


def test_a_thread_bomb(trial: Trial) -> None:
    outcome = trial.run(
        hostile(
            "for _ in range(20):\n    threading.Thread(target=wait, daemon=True).start()\nwait()"
        )
    )
    assert outcome.exit.limit == "processes: more than 8 processes and threads at once"


def test_the_kernel_caps_what_the_warden_is_too_slow_to_see(trial: Trial) -> None:
    outcome = trial.run(
        hostile("""
count = 0
try:
    while count < 2000:
        if os.fork() == 0:
            time.sleep(60)
        count += 1
except BlockingIOError:
    pass
wait()
""")
    )
    assert outcome.exit.limit == "processes: more than 8 processes and threads at once"


def test_a_box_steps_back_behind_its_warden_for_good(trial: Trial) -> None:
    outcome = trial.run(
        hostile("""
told = [os.nice(0)]
for forward in (lambda: resource.setrlimit(resource.RLIMIT_NICE, (40, 40)), lambda: os.nice(-1)):
    try:
        forward()
    except (OSError, ValueError):
        told.append("refused")
return repr([*told, os.nice(0)])
""")
    )
    nice = os.nice(0) + NICENESS
    assert outcome.value == repr([nice, "refused", "refused", nice])


def test_some_processes_and_threads_are_fine(trial: Trial) -> None:
    outcome = trial.run(
        hostile("""
for _ in range(3):
    child(lambda: time.sleep(0.3))
threads = [threading.Thread(target=time.sleep, args=(0.3,)) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
return 1
""")
    )
    assert outcome.value == 1


@pytest.mark.parametrize(
    "body",
    ["while True: pass", "signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass"],
    ids=["plain", "ignoring the warning"],
)
def test_cpu_time_of_one_process(body: str, brief: Trial) -> None:
    outcome = brief.run(hostile(body))
    assert outcome.exit.limit == "CPU time: more than 2 seconds, summed over all processes"


def test_cpu_time_of_many_processes(brief: Trial) -> None:
    body = """
def burn():
    while time.process_time() < 0.8:
        pass
for _ in range(20):
    child(burn)
    os.wait()
return 1
"""
    outcome = brief.run(hostile(body))
    assert outcome.exit.limit == "CPU time: more than 2 seconds, summed over all processes"


def test_one_file_too_large(trial: Trial) -> None:
    outcome = trial.run(hostile("open('large', 'wb').write(bytes(5 << 20))"))
    assert outcome.error.startswith("OSError: [Errno 27]")


@pytest.mark.parametrize(
    "body",
    [
        "for n in range(20):\n    open(str(n), 'wb').write(bytes(1 << 20))\nwait()",
        "kept = []\nfor n in range(20):\n    kept.append(open('x', 'wb'))\n    kept[-1].write(bytes(1 << 20))\n"
        "    kept[-1].flush()\n    os.unlink('x')\nwait()",
        "kept = []\nfor n in range(20):\n    file = open('x', 'w+b')\n    file.write(bytes(1 << 20))\n"
        "    file.flush()\n"
        "    kept.append(mmap.mmap(file.fileno(), 1 << 20))\n    file.close()\n    os.unlink('x')\nwait()",
        "os.makedirs('a/b/c')\nfor n in range(20):\n    open(f'a/b/c/{n}', 'wb').write(bytes(1 << 20))\nwait()",
    ],
    ids=["in sight", "unlinked but open", "unlinked but mapped", "in folders"],
)
def test_the_disk(body: str, trial: Trial) -> None:
    outcome = trial.run(hostile(body))
    assert outcome.exit.limit == "disk: more than 8 MB of files"


def test_more_files_than_there_may_be(trial: Trial) -> None:
    # It makes some more than it may have, and waits: else a warden that a busy machine holds up
    # meets the CPU time first.
    outcome = trial.run(hostile("for n in range(11000):\n    open(str(n), 'w').close()\nwait()"))
    assert outcome.exit.limit == "files: more than 10000 files and folders"


def test_folders_without_bottom(trial: Trial) -> None:
    outcome = trial.run(
        hostile("for n in range(3000):\n    os.mkdir('d' * 100)\n    os.chdir('d' * 100)\nwait()")
    )
    assert outcome.exit.limit == "files: folders nested deeper than 48"


def test_a_folder_that_hides_what_it_holds(trial: Trial) -> None:
    outcome = trial.run(
        hostile(
            "os.mkdir('hidden', 0o300)\n"
            "for n in range(20):\n    open(f'hidden/{n}', 'wb').write(bytes(1 << 20))\nwait()"
        )
    )
    assert outcome.exit.limit in (
        "disk: more than 8 MB of files",
        "files: a folder that can't be read",
    )


def test_open_files(trial: Trial) -> None:
    outcome = trial.run(hostile("kept = [open('x', 'w') for _ in range(100)]"))
    assert outcome.error.startswith("OSError: [Errno 24]")


def test_a_stack_without_end(trial: Trial) -> None:
    code = "import sys\nsys.setrecursionlimit(1 << 30)\ndef attack():\n    def f(x):\n        return [f(x)][0]\n"
    outcome = trial.run(code + "    return sorted([1, 2], key=lambda x: f(x))\n")
    assert outcome.closed or outcome.error
