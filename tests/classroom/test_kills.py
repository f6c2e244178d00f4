"""SIGKILL of the coordinator, a worker or a box at random moments, then the same command again:
nothing is lost.
"""

from __future__ import annotations

import json
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import bulk
import mini
import psutil
import pytest

from grader.assignment.spec import Assignment
from grader.classroom.marks import gradebook

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
KINDS = [kind for kind in mini.KINDS if not mini.KINDS[kind].refused]
FEW = KINDS[::3]  # where one kill or one signal is the matter, not what is graded


@pytest.fixture
def kinds() -> list[str]:
    """The kinds of submissions of the class."""
    return FEW


@pytest.fixture
def command(assignment: Assignment, tmp_path: Path, kinds: list[str]) -> list[str]:
    for number, kind in enumerate(kinds):
        mini.write(tmp_path / "submissions" / f"s{number:02}", mini.KINDS[kind].files)
    fixed = ["--assignment", assignment.folder, "--isolation", "none", "--workers", "2"]
    return [
        sys.executable,
        "-m",
        "grader",
        "batch",
        str(tmp_path / "submissions"),
        *map(str, fixed),
    ]


def start(command: list[str], out: Path) -> subprocess.Popen[bytes]:
    """Start the command in a process group of its own."""
    return subprocess.Popen(
        [*command, "--out", str(out)], cwd=Path(__file__).resolve().parents[2], start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def family(process: subprocess.Popen[bytes]) -> dict[str, list[psutil.Process]]:
    """Return the coordinator, its workers and their boxes, by their command lines."""
    found: dict[str, list[psutil.Process]] = {
        "coordinator": [psutil.Process(process.pid)],
        "worker": [],
        "box": [],
    }
    for child in found["coordinator"][0].children(recursive=True):
        try:
            line = " ".join(child.cmdline())
        except psutil.Error:
            continue
        if "spawn_main" in line:
            found["worker"].append(child)
        elif "sandbox.inside.work.worker" in line:
            found["box"].append(child)
    return found


def logged(out: Path) -> Iterator[dict]:
    for line in (out / "log.jsonl").read_text().splitlines():
        yield json.loads(line)


@pytest.mark.parametrize("kinds", [KINDS], ids=["every kind"])
def test_any_process_may_be_killed_at_any_moment(
    command: list[str], tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    undisturbed, out = tmp_path / "undisturbed", tmp_path / "out"
    assert start(command, undisturbed).wait(300) == 1
    chance, kills = random.Random(2016), 0
    wanted, victims = pytestconfig.getoption("--kills", 6), Counter()
    process = start(command, out)
    while kills < wanted:
        time.sleep(chance.uniform(0.2, 1.6))
        kind = chance.choice(("coordinator", "worker", "box"))
        # it got through: begin anew, so that there is something to disturb
        if process.poll() is not None:
            process = start(command, out if process.returncode < 0 else tmp_path / f"out-{kills}")
            out = out if process.args[-1] == str(out) else Path(process.args[-1])
            continue
        try:
            found = family(process)[kind]
            if not found:
                continue
            os.kill(chance.choice(found).pid, signal.SIGKILL)
        except (psutil.Error, ProcessLookupError):
            continue
        kills += 1
        victims[kind] += 1
        if kind == "coordinator":
            process.wait(30)
            process = start(command, out)
    process.wait(300)
    # whose worker died twice is the grader's fault in one run, and graded in the next
    for _ in range(3):
        if start(command, out).wait(300) == 1:
            break
    assert (out / "gradebook.csv").read_bytes() == (undisturbed / "gradebook.csv").read_bytes(), (
        victims
    )
    graded = Counter(line["student"] for line in logged(out) if line.get("outcome") == "graded")
    assert set(graded.values()) == {1}, "what was complete was graded again"
    assert len(graded) == len(KINDS)


def test_workers_end_with_their_coordinator(command: list[str], tmp_path: Path) -> None:
    process = start(command, tmp_path / "out")
    workers: list[psutil.Process] = []
    while not workers and process.poll() is None:
        workers = family(process)["worker"]
    os.kill(process.pid, signal.SIGKILL)
    process.wait(30)
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert workers
    assert not alive


def test_interrupted_it_ends_at_once_and_says_how_to_go_on(
    command: list[str], tmp_path: Path
) -> None:
    # the class is not over before it is interrupted, however busy the machine is
    for number in range(10):
        mini.write(
            tmp_path / "submissions" / f"t{number}",
            {"mini.py": f"import time\ntime.sleep(4)\n{mini.RIGHT}"},
        )
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path / "out")], cwd=Path(__file__).resolve().parents[2], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    said = ""
    while "] s" not in said:
        said += process.stdout.readline()
    workers = family(process)["worker"]
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: every process gets it
    said += process.communicate(timeout=30)[0]
    assert process.returncode == 130
    assert "run the same command again" in said
    assert not psutil.wait_procs(workers, timeout=10)[1]


def test_terminated_it_ends_as_interrupted_and_leaves_nothing_behind(
    command: list[str], tmp_path: Path
) -> None:
    (tmp_path / "tmp").mkdir()
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path / "out")], cwd=Path(__file__).resolve().parents[2], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "TMPDIR": str(tmp_path / "tmp")},
    )  # fmt: skip
    assert process.stdout is not None
    said = ""
    while "] s" not in said:
        said += process.stdout.readline()
    workers = family(process)["worker"]
    os.killpg(process.pid, signal.SIGTERM)  # as a batch system does: every process gets it
    said += process.communicate(timeout=30)[0]
    assert process.returncode == 143
    assert "run the same command again" in said
    assert "leaked" not in said
    assert not psutil.wait_procs(workers, timeout=10)[1]
    assert list((tmp_path / "tmp").iterdir()) == []
    # no box's end at the signal was taken for a student's
    assert start(command, tmp_path / "out").wait(300) == 1
    double = {row["id"]: row["double"] for row in bulk.read(tmp_path / "out" / "gradebook.csv")}
    assert double == {
        f"s{n:02}": gradebook.number(mini.KINDS[kind].double) for n, kind in enumerate(FEW)
    }


@pytest.mark.parametrize("stdout", ["| head -2", ">&-", ">/dev/full"])
def test_grading_goes_on_to_its_end_where_nobody_reads_of_it(
    assignment: Assignment, tmp_path: Path, stdout: str
) -> None:
    for student in ("s1", "s2", "s3"):
        mini.write(tmp_path / "submissions" / student, mini.KINDS["right"].files)
    places = (
        tmp_path / "submissions",
        "--assignment",
        assignment.folder,
        "--out",
        tmp_path / "out",
    )
    line = shlex.join(
        [sys.executable, "-m", "grader", "batch", *map(str, places), "--isolation", "none"]
    )
    done = subprocess.run(
        ["bash", "-c", f"{line} {stdout}; exit ${{PIPESTATUS[0]}}"], cwd=Path(__file__).resolve().parents[2],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert len((tmp_path / "out" / "gradebook.csv").read_text().splitlines()) == 4


def test_a_second_run_in_the_same_folder_is_refused(
    command: list[str], tmp_path: Path, cli: Callable
) -> None:
    process = start(command, tmp_path / "out")
    while not (tmp_path / "out" / "class.json").is_file():
        time.sleep(0.02)
    second = cli(*command[3:], "--out", tmp_path / "out")
    assert second.code == 2
    assert "another run is at work" in second.err
    assert process.wait(300) == 1
