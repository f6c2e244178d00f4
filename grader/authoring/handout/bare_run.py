"""Runs a handout's own checks in a fresh environment, as a student does who has nothing installed.

It needs a package index, as the students' own tox does, and takes a minute or more.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from grader.errors import AssignmentError

SECONDS = 1800  # of each step
SHOWN_LINES = 15


def prove(archive: bytes, name: str, requires: Sequence[str]) -> None:
    """Unpack a handout, install what it brings and requires, and run its checks on the stubs.

    Raises `AssignmentError` with the last lines of a step's output if the packages can't be
    installed, or if the checks do not come to a verdict. That the stubs fail is expected.
    """
    with tempfile.TemporaryDirectory(prefix="grader-bare-") as folder:
        root = Path(folder)
        zipfile.ZipFile(io.BytesIO(archive)).extractall(root)
        handout, venv = root / name, root / "venv"
        python = venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        wheels = [str(path) for path in sorted((handout / "wheels").glob("*.whl"))]
        _run([sys.executable, "-m", "venv", str(venv)], root, "making an environment", (0,))
        _run(
            [str(python), "-m", "pip", "install", "--quiet", *wheels, *requires],
            root,
            "installing packages",
            (0,),
        )
        check = [
            "-m",
            "grader",
            "check",
            ".",
            "--assignment",
            "assignment",
            "--isolation",
            "none",
            "--out",
            "report",
        ]
        _run([str(python), *check], handout, "running the handout's checks", (0, 1))


def _run(command: Sequence[str], folder: Path, doing: str, codes: Sequence[int]) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise AssignmentError(
            f"the handout in a bare environment: {doing} took more than {SECONDS} seconds"
        ) from None
    if done.returncode not in codes:
        lines = (done.stdout + done.stderr).strip().splitlines()[-SHOWN_LINES:]
        told = "\n".join(lines)
        raise AssignmentError(
            f"the handout in a bare environment: {doing} ended with {done.returncode}:\n{told}"
        )
