"""Each attempt of `attacks` on each tier: none may go through, and each must where there is no
wall.
"""

from __future__ import annotations

import fcntl
import os
import platform
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attacks
import pyseccomp
import pytest
from trials import SMALL, Trial, call

from grader.sandbox.box import Sandbox
from grader.sandbox.warm import WarmBox

EVERY = {
    f"{verb} {name}": body
    for verb, table in {
        "read": attacks.READING,
        "write": attacks.WRITING,
        "connect": attacks.CONNECTING,
        "signal": attacks.SIGNALLING,
        "meddle:": attacks.MEDDLING,
        "may": attacks.PRIVILEGES,
    }.items()
    for name, body in table.items()
}
PROVABLE = {
    name: body for name, body in EVERY.items() if name.split(" ", 1)[1] not in attacks.WITHOUT_PROOF
}


@pytest.fixture
def world(offered: dict[str, Any], tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What is offered, the numbers of system calls, and files that stand in for an instructor's."""
    folder = Path(offered["canary"]).parent
    other = folder / "other"
    other.write_text("other")
    provided = tmp_path / "provided.txt"
    provided.write_text("provided")
    numbers = {
        name: pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name) for name in attacks.CALLS
    }
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(str(folder / "datagrams"))
        yield {
            **offered, "numbers": numbers, "provided": str(provided), "unix_datagram": str(folder / "datagrams"),
            "neighbour": os.getpid(),
        }  # fmt: skip
    (folder / "datagrams").unlink()
    for name in ("other", "new", "made"):
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
    Path(offered["canary"]).chmod(0o666)
    Path(offered["canary"]).write_text("canary")


@pytest.mark.parametrize("name", EVERY)
def test_no_attempt_goes_through(
    name: str, trial: Trial, world: dict[str, Any], provided: Path
) -> None:
    canary = Path(world["canary"])
    before = state(canary, provided)
    outcome = trial.run(attacks.source(EVERY[name]), {**world, "provided": str(provided)})
    assert outcome.value is False, outcome.error
    assert state(canary, provided) == before


def state(canary: Path, provided: Path) -> list[object]:
    """Return all that an attempt may have changed of two files and of the folder of the first."""
    infos = [path.stat() for path in (canary, provided)]
    listing = sorted(path.name for path in canary.parent.iterdir())
    return [
        *((info.st_mode, info.st_mtime) for info in infos),
        canary.read_text(),
        provided.read_text(),
        listing,
    ]


@pytest.mark.parametrize("name", PROVABLE)
def test_every_attempt_goes_through_where_there_is_no_wall(
    name: str, open_field: Trial, world: dict[str, Any]
) -> None:
    outcome = open_field.run(attacks.source(PROVABLE[name]), world)
    assert outcome.value is True, outcome.error


def test_a_box_cannot_signal_its_neighbour(sandbox: Sandbox) -> None:
    code = """
import os, time
def attack(what):
    if what == "who":
        return [os.getpid(), os.getuid()]
    try:
        os.kill(what, 9)
    except OSError as error:
        return type(error).__name__
    return "killed"
"""
    with sandbox.open() as neighbour, sandbox.open() as hostile:
        assert isinstance(neighbour, WarmBox)
        # Containers stay in their box: the neighbour's number comes as text.
        asked = call(neighbour, code.replace("[os.getpid(), os.getuid()]", "os.getpid()"), "who")
        told = call(hostile, code, asked.value)
        assert told.value in ("PermissionError", "ProcessLookupError")
        assert (
            call(neighbour, code.replace("[os.getpid(), os.getuid()]", "os.getpid()"), "who").value
            == asked.value
        )


def test_a_box_cannot_see_its_neighbours_files(sandbox: Sandbox) -> None:
    write = (
        "import os\ndef attack():\n    open('answer', 'w').write('42')\n    return os.getcwd()\n"
    )
    read = """
import os
def attack(folder):
    found = []
    for path in (folder + '/answer', folder, os.path.dirname(folder)):
        try:
            found.append(os.listdir(path) if os.path.isdir(path) else open(path).read())
        except OSError:
            pass
    return str(found)
"""
    with sandbox.open() as neighbour, sandbox.open() as hostile:
        folder = call(neighbour, write).value
        assert call(hostile, read, folder).value == "[]"


def test_a_box_cannot_guess_where_its_neighbours_files_are(sandbox: Sandbox) -> None:
    where = (
        "import os\ndef attack():\n    open('big', 'w').write('x' * 99)\n    return os.getcwd()\n"
    )
    with sandbox.open() as neighbour, sandbox.open() as other:
        first, second = (Path(call(box, where).value) for box in (neighbour, other))
    assert first.parent == second.parent
    chances = [path.name.rpartition("-")[2] for path in (first, second)]
    assert all(len(chance) == 16 for chance in chances)
    assert chances[0] != chances[1]


def test_code_that_is_mapped_from_scratch_is_behind_the_same_wall(trial: Trial) -> None:
    """It can be mapped, on either tier; what it may do is what Python may."""
    code = """
import ctypes, os, shutil
def attack():
    shutil.copyfile(LIBC, "libc.so")
    libc = ctypes.CDLL(os.path.abspath("libc.so"), use_errno=True)
    return [libc.socket(2, 1, 0), libc.kill(os.getppid(), 0), libc.unshare(0x10000000)] == [-1] * 3
"""
    libc = next(
        line.split()[-1]
        for line in Path("/proc/self/maps").read_text().splitlines()
        if Path(line.split()[-1]).name.startswith("libc.so") or "/libc-" in line
    )
    outcome = trial.run(code.replace("LIBC", repr(libc)))
    assert outcome.value is True, outcome.error


def test_nothing_of_an_earlier_box_is_seen(trial: Trial) -> None:
    mark = """
import builtins, os, sys, tempfile
import numpy as np
def attack():
    found = [name for name in ("mark",) if hasattr(np, name) or hasattr(builtins, name)]
    found += [path for path in ("mark.txt", tempfile.gettempdir() + "/mark.txt") if os.path.exists(path)]
    found += [name for name in os.environ if name == "MARK"]
    np.mark = builtins.mark = True
    np.dot = None
    os.environ["MARK"] = "1"
    for path in ("mark.txt", tempfile.gettempdir() + "/mark.txt"):
        open(path, "w").write("mark")
    return str(found)
"""
    assert trial.run(mark).value == "[]"
    assert trial.run(mark).value == "[]"


def test_a_box_holds_no_descriptor_but_its_wire(trial: Trial) -> None:
    code = """
import os, stat
def attack():
    kinds = []
    for number in range(0, 64):
        try:
            mode = os.fstat(number).st_mode
        except OSError:
            continue
        kinds.append("socket" if stat.S_ISSOCK(mode) else "device" if stat.S_ISCHR(mode) else "other")
    return " ".join(kinds)
"""
    assert trial.run(code).value == "device device device socket"


def test_a_box_is_told_nothing_of_the_grader(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    code = """
import os, sys
def attack():
    return str([dict(os.environ), sys.argv, sys.orig_argv, [str(path) for path in sys.path], list(sys.modules)])
"""
    told = trial.run(code).value
    repository = str(Path(__file__).parents[2])
    assert "SECRET" not in told
    for word in ("'grader.model'", "'grader.errors'", "'grader.checking", "'pytest'", "'msgspec'"):
        assert word not in told
    assert all(entry != repository for entry in eval(told)[3])


def test_secrets_of_the_environment_stay_outside(
    monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    monkeypatch.setenv("GRADER_SECRET", "hidden")
    code = "import os\ndef attack():\n    return str(dict(os.environ))\n"
    with type(sandbox)(SMALL, [], False) as another, another.open() as box:  # type: ignore[call-arg]
        told = call(box, code).value
    assert "hidden" not in told
    assert "OPENBLAS_NUM_THREADS" in told


def test_a_provided_file_is_read_and_not_written(trial: Trial, provided: Path) -> None:
    code = """
def attack():
    text = open("place/data.txt").read()
    try:
        open("place/data.txt", "w")
    except OSError:
        return text
    return "written"
"""
    assert trial.run(code, links={"place/data.txt": provided}).value == "provided"
    assert provided.read_text() == "provided"


def test_a_provided_file_stays_free_of_locks(trial: Trial, provided: Path) -> None:
    code = f"""
import fcntl
def attack():
    global file
    file = open({str(provided)!r})
    fcntl.flock(file, fcntl.LOCK_EX)
    return "locked"
"""
    with trial.sandbox.open() as box:
        assert call(box, code).value == "locked"
        with provided.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


def test_honest_habits_work(trial: Trial) -> None:
    code = """
import asyncio, json, multiprocessing, os, shutil, subprocess, sys, tempfile, threading
import numpy as np
def attack():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.npy")
        np.save(path, np.arange(5))
        shutil.copy(path, "copy.npy")
        shutil.move("copy.npy", os.path.join(folder, "moved.npy"))
        assert np.load(os.path.join(folder, "moved.npy")).sum() == 10
    asyncio.run(asyncio.sleep(0))
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    assert subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True).stdout == b"42\\n"
    import matplotlib.pyplot as plt
    plt.plot([1, 2])
    plt.savefig("plot.png")
    import h5py
    with h5py.File("x.h5", "w") as file:
        file["a"] = np.arange(3)
    assert os.path.expanduser("~") == os.getcwd()
    return float(np.linalg.norm(np.ones((30, 30))))
"""
    outcome = trial.run(code)
    assert outcome.value == 30.0, outcome.error


@pytest.mark.skipif(
    platform.machine() != "x86_64", reason="this is about that machine's second set of system calls"
)
def test_calls_of_another_architecture_end_the_box(trial: Trial, open_field: Trial) -> None:
    code = """
import ctypes, mmap, os
def attack():
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(bytes.fromhex("b814000000" "cd80" "c3"))  # mov eax, 20 (getpid); int 0x80; ret
    call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    return call() == os.getpid()
"""
    outcome = trial.run(code)
    assert outcome.closed
    assert outcome.exit.code == -signal.SIGSYS
    assert open_field.run(code).value is True


@pytest.mark.skipif(os.getuid() != 0, reason="root alone runs boxes as another user")
def test_each_of_roots_boxes_is_a_user_of_its_own(sandbox: Sandbox) -> None:
    code = "import os\ndef attack():\n    return str([os.getresuid(), os.getresgid(), os.getgroups()])\n"
    with sandbox.open() as first, sandbox.open() as second:
        told = [eval(call(box, code).value) for box in (first, second)]
    (users, groups, others), (users_of_second, _, _) = told
    assert len(set(users + groups)) == 1
    assert users[0] >= 10_000
    assert others == []
    assert users != users_of_second
