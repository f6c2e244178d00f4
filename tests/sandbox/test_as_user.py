"""What may end otherwise for an ordinary user, as one: there, no change of user stands between a box
and the grader.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
USER = "61111"
ONE_OF_EACH = "symlink or permissions or TCP or parent or trace or root"  # of attempts at a wall
# What is run of each file. The rest is the same for every user: the outer wall once it stands, how
# bwrap fails, the bytes on the wire, limits that are the kernel's for anybody.
SELECTED = {
    "test_walls.py": f"landlock or not (no_attempt or every_attempt) or {ONE_OF_EACH}",
    "test_limits.py": "not bubblewrap and (many or sessions or caps or thread_bomb or steps_back"
    " or ignoring or unlinked or hides)",
    "test_endings.py": "not (bubblewrap or garbled or thread or alike)",
    "test_ladder.py": "strongest or probe or forbidden or withheld or holds_nothing or without_limit",
    "test_syscalls.py": "",
    "test_without_a_home.py": "writable or not_there",
}


def open_own_folders() -> None:
    """Let others through to an environment that lies in the checkout: tox closes its folder to
    them.
    """
    checkout = HERE.parents[1]
    for folder in Path(sys.prefix).parents:
        if folder.is_relative_to(checkout):
            folder.chmod(folder.stat().st_mode | 0o055)


def selection() -> str:
    """Return pytest's expression for what is run of all files."""
    return " or ".join(f"{name} and ({chosen or name})" for name, chosen in SELECTED.items())


@pytest.mark.skipif(os.getuid() != 0, reason="it is root who can become somebody else")
def test_as_an_ordinary_user() -> None:
    open_own_folders()
    with tempfile.TemporaryDirectory(prefix="as-user-") as home:
        os.chown(home, int(USER), int(USER))
        environment = {**os.environ, "HOME": home, "PYTHONDONTWRITEBYTECODE": "1"}
        command = [
            sys.executable, str(HERE / "as_user.py"), USER, str(HERE.parents[1]), "--",
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp", f"{home}/base",
            *(str(HERE / name) for name in SELECTED), "-k", selection(),
        ]  # fmt: skip
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            cwd=HERE.parents[1],
        )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
