"""Makes a wheel of this very package, so that a handout needs nothing published. The same files
give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import tomllib
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import grader
from grader.errors import UsageError
from grader.zips import zipped

TAG = "py3-none-any"
# Rooms for authors and instructors. A student's installation does without them.
ABOVE_THE_LINE = ("authoring", "classroom", "desk", "importing")
AUTHORS = "authoring/templates/new"


def wheel_name() -> str:
    """Return the file name of this version's wheel."""
    return f"grader-{grader.__version__}-{TAG}.whl"


def build_wheel(*, whole: bool = False) -> bytes:
    """Return a wheel of the running package: its files, its dependencies and its command.

    whole: with the rooms that only authors and instructors use
    """
    package = Path(grader.__file__).parent
    files = {
        f"grader/{path.relative_to(package).as_posix()}": path.read_bytes()
        for path in package.rglob("*")
        if path.is_file() and not _stays(path.relative_to(package), whole=whole)
    }
    info = f"grader-{grader.__version__}.dist-info"
    files[f"{info}/METADATA"] = _metadata().encode()
    files[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: grader\nRoot-Is-Purelib: true\nTag: {TAG}\n".encode()
    )
    files[f"{info}/entry_points.txt"] = b"[console_scripts]\ngrader = grader.__main__:main\n"
    files[f"{info}/RECORD"] = _record(files, f"{info}/RECORD").encode()
    return zipped(files)


def _stays(path: Path, *, whole: bool) -> bool:
    """Return whether a file of the package is left out.

    Left out are files that came about by using the package or editing it. What `grader new` begins
    with has solutions, and a handout is searched for those of its own assignment.
    """
    if path.is_relative_to(AUTHORS):
        return True
    if not whole and path.parts[0] in ABOVE_THE_LINE:
        return True
    litter = any(part.startswith((".", "#")) or part == "__pycache__" for part in path.parts)
    return litter or path.name.endswith("~")


class _Needs(NamedTuple):
    """What pip is told besides name and version."""

    python: str
    summary: str
    packages: list[str]


def _metadata() -> str:
    """Return core metadata: what pip needs, and nothing that depends on the tool that built this
    installation.
    """
    needs = _needs()
    lines = ["Metadata-Version: 2.1", "Name: grader", f"Version: {grader.__version__}"]
    lines += [f"Requires-Python: {needs.python}", f"Summary: {needs.summary}"]
    lines += [
        f"Requires-Dist: {package}"
        for package in sorted(need.replace(" ;", ";") for need in needs.packages)
    ]
    return "\n".join(lines) + "\n"


def _needs() -> _Needs:
    """Read pyproject.toml in a checkout, whose installation may be of an earlier day; elsewhere ask
    what pip knows.
    """
    checkout = Path(grader.__file__).parents[1] / "pyproject.toml"
    if checkout.is_file():
        project = tomllib.loads(checkout.read_text(encoding="utf-8")).get("project", {})
        if project.get("name") == "grader":
            return _Needs(
                project["requires-python"], project["description"], project["dependencies"]
            )
    try:
        told = metadata.metadata("grader")
    except metadata.PackageNotFoundError:
        raise UsageError(
            "a handout needs an installed grader, to know what it depends on: pip install ."
        ) from None
    packages = [need for need in told.get_all("Requires-Dist") or [] if "extra ==" not in need]
    return _Needs(told["Requires-Python"], told["Summary"], packages)


def _record(files: Mapping[str, bytes], own: str) -> str:
    lines = []
    for name, data in sorted(files.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(data)}")
    return "\n".join([*lines, f"{own},,"]) + "\n"
