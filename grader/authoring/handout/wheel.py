"""Makes a wheel of this package for the handout; the same files give the same bytes."""

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
    files = {}
    for path in package.rglob("*"):
        place = path.relative_to(package)
        if path.is_file() and not _is_left_out(place, whole=whole):
            files[f"grader/{place.as_posix()}"] = path.read_bytes()
    info = f"grader-{grader.__version__}.dist-info"
    files[f"{info}/METADATA"] = _metadata().encode()
    files[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: grader\nRoot-Is-Purelib: true\nTag: {TAG}\n".encode()
    )
    files[f"{info}/entry_points.txt"] = b"[console_scripts]\ngrader = grader.__main__:main\n"
    files[f"{info}/RECORD"] = _record(files, f"{info}/RECORD").encode()
    return zipped(files)


def _is_left_out(path: Path, *, whole: bool) -> bool:
    """Return whether the wheel leaves out a file of the package: caches, editors' files, and rooms.

    The files of `grader new` are left out too: they have solutions, and a handout is searched for
    solutions.
    """
    if path.is_relative_to(AUTHORS):
        return True
    if not whole and path.parts[0] in ABOVE_THE_LINE:
        return True
    if "__pycache__" in path.parts or path.name.endswith("~"):
        return True
    return any(part.startswith((".", "#")) for part in path.parts)


class _Needs(NamedTuple):
    """What pip reads besides name and version."""

    python: str
    summary: str
    packages: list[str]


def _metadata() -> str:
    """Return core metadata for pip; it does not depend on the tool that built this installation."""
    needs = _needs()
    lines = ["Metadata-Version: 2.1", "Name: grader", f"Version: {grader.__version__}"]
    lines += [f"Requires-Python: {needs.python}", f"Summary: {needs.summary}"]
    packages = sorted(need.replace(" ;", ";") for need in needs.packages)
    lines += map("Requires-Dist: {}".format, packages)
    return "\n".join(lines) + "\n"


def _needs() -> _Needs:
    """Return what pyproject.toml says in a checkout; elsewhere, what the installation says."""
    checkout = Path(grader.__file__).parents[1] / "pyproject.toml"
    if checkout.is_file():
        project = tomllib.loads(checkout.read_text(encoding="utf-8")).get("project", {})
        if project.get("name") == "grader":
            return _Needs(
                project["requires-python"], project["description"], project["dependencies"]
            )
    try:
        installed = metadata.metadata("grader")
    except metadata.PackageNotFoundError:
        raise UsageError(
            "a handout needs an installed grader, to know what it depends on: pip install ."
        ) from None
    needs = installed.get_all("Requires-Dist") or []
    packages = [need for need in needs if "extra ==" not in need]
    return _Needs(installed["Requires-Python"], installed["Summary"], packages)


def _record(files: Mapping[str, bytes], own: str) -> str:
    lines = []
    for name, data in sorted(files.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(data)}")
    return "\n".join([*lines, f"{own},,"]) + "\n"
