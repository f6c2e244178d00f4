"""All of these tests once more, as an ordinary user: there, no change of user stands between a box
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
# the outer one is the same for every user once it stands
INNER_WALL = ("test_limits.py", "test_endings.py")


def open_own_folders() -> None:
    """Let others through to an environment that lies in the checkout: tox closes its folder to
    them.
    """
    checkout = HERE.parents[1]
    for folder in Path(sys.prefix).parents:
        if folder.is_relative_to(checkout):
            folder.chmod(folder.stat().st_mode | 0o055)


@pytest.mark.skipif(os.getuid() != 0, reason="it is root who can become somebody else")
@pytest.mark.parametrize(
    "name",
    [
        "test_walls.py",
        "test_limits.py",
        "test_endings.py",
        "test_ladder.py",
        "test_syscalls.py",
        "test_without_a_home.py",
    ],
)
def test_as_an_ordinary_user(name: str) -> None:
    open_own_folders()
    with tempfile.TemporaryDirectory(prefix="as-user-") as home:
        os.chown(home, int(USER), int(USER))
        environment = {**os.environ, "HOME": home, "PYTHONDONTWRITEBYTECODE": "1"}
        command = [
            sys.executable, str(HERE / "as_user.py"), USER, str(HERE.parents[1]), "--",
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp", f"{home}/base",
            str(HERE / name), *(["-k", "not bubblewrap"] if name in INNER_WALL else []),
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
