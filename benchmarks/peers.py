"""The peers, each in an environment of its own, set up from the package index."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path
from typing import NamedTuple

PACKAGES = {
    "nbgrader": ("nbgrader", "ipykernel", "numpy", "h5py", "matplotlib"),
    "otter": ("otter-grader", "ipykernel", "numpy", "h5py", "matplotlib"),
}
DISTRIBUTIONS = {"nbgrader": "nbgrader", "otter": "otter-grader"}
INSTALL_SECONDS = 1200
LINES = 6  # of pip's last words that are told


class Peer(NamedTuple):
    """A peer that can be run, or the sentence that says why not."""

    name: str
    python: str = ""
    version: str = ""
    problem: str = ""


def set_up(name: str, folder: Path) -> Peer:
    """Return a peer, installed into ``folder/name`` if it is not there from an earlier run."""
    home = folder / name
    python, done = home / "bin" / "python", home / "installed"
    try:
        if not done.is_file():
            print(
                f"installing {DISTRIBUTIONS[name]} from the package index into an environment of its own"
            )
            venv.create(home, clear=True, with_pip=True, symlinks=True)
            command = [
                str(python),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                *PACKAGES[name],
            ]
            subprocess.run(
                command, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS
            )
            done.touch()
        return Peer(name, str(python), version(str(python), DISTRIBUTIONS[name]))
    except subprocess.CalledProcessError as error:
        words = " ".join(
            line.strip() for line in (error.stderr or "").strip().splitlines()[-LINES:]
        )
        return Peer(
            name, problem=f"{DISTRIBUTIONS[name]} can't be installed, so it is left out: {words}"
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Peer(
            name, problem=f"{DISTRIBUTIONS[name]} can't be installed, so it is left out: {error}"
        )


def version(python: str, distribution: str) -> str:
    """Return the installed version of a distribution."""
    ask = f"from importlib.metadata import version; print(version({distribution!r}))"
    done = subprocess.run([python, "-I", "-c", ask], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def here() -> str:
    """Return the interpreter's version, which the peers get as well."""
    return ".".join(map(str, sys.version_info[:3]))
