"""Without a sandbox: one's own work is run and that is said, somebody else's is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from toy import Toy

WITHOUT = '''
import os, socket, sys

def pair(*_):
    """A pair of connected sockets, as Windows has it: of the loopback address."""
    with socket.socket(socket.AF_INET) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(1)
        one = socket.socket(socket.AF_INET)
        one.connect(listening.getsockname())
        return one, listening.accept()[0]

sys.modules["resource"] = sys.modules["fcntl"] = None
socket.socketpair = pair
del os.fork, os.forkpty, socket.AF_UNIX
import types
from grader.sandbox import ladder
ladder.sys = types.SimpleNamespace(platform="darwin")
from grader.cli import run
sys.exit(run(sys.argv[1:]))
'''


def without_sandbox(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)


def test_the_reference_is_graded_and_that_it_was_not_sandboxed_is_said(
    toy: Toy, tmp_path: Path
) -> None:
    folder = toy.assignment.folder
    done = without_sandbox(
        "check", folder / "reference", "--assignment", folder, "--out", tmp_path / "report"
    )
    assert done.returncode == 0, done.stderr
    assert "15 / 15" in done.stdout
    assert "practice, not sandboxed" in done.stdout
    assert "This is your own work" in " ".join(done.stdout.split())


def test_a_handouts_own_files_are_graded(handout: Path, tmp_path: Path) -> None:
    done = without_sandbox(
        "check", handout, "--assignment", handout / "assignment", "--out", tmp_path / "report"
    )
    assert done.returncode == 0, done.stderr
    assert "Not sandboxed" in done.stdout


def test_somebody_elses_work_is_refused(toy: Toy, handout: Path, tmp_path: Path) -> None:
    theirs = toy.submission()
    for folder in (toy.assignment.folder, handout / "assignment"):
        done = without_sandbox(
            "check", theirs, "--assignment", folder, "--out", tmp_path / "report"
        )
        assert done.returncode == 2
        assert "can't be isolated on this machine" in done.stderr


def test_a_command_says_which_extra_it_needs(tmp_path: Path) -> None:
    code = "import sys; sys.modules['tomli_w'] = None\nfrom grader.cli import run\nsys.exit(run(['handout']))"
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=root, timeout=60
    )
    assert done.returncode == 2
    assert 'pip install "grader[author]"' in done.stderr
