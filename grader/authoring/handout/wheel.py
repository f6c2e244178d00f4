"""Makes a wheel of this very package, so that a handout needs nothing published. The same files
give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import io
import tomllib
import zipfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import grader
from grader.assignment.problems import leads_out
from grader.errors import AssignmentError, UsageError

# the earliest time that a zip can hold: a wheel should not depend on when it was made
EPOCH = (1980, 1, 1, 0, 0, 0)
TAG = "py3-none-any"
AUTHORS = "authoring/templates/new"


def wheel_name() -> str:
    """Return the file name of this version's wheel."""
    return f"grader-{grader.__version__}-{TAG}.whl"


def build_wheel() -> bytes:
    """Return a wheel of the running package: its files, its dependencies and its command."""
    package = Path(grader.__file__).parent
    files = {
        f"grader/{path.relative_to(package).as_posix()}": path.read_bytes()
        for path in package.rglob("*")
        if path.is_file() and not _stays(path.relative_to(package))
    }
    info = f"grader-{grader.__version__}.dist-info"
    files[f"{info}/METADATA"] = _metadata().encode()
    files[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: grader\nRoot-Is-Purelib: true\nTag: {TAG}\n".encode()
    )
    files[f"{info}/entry_points.txt"] = b"[console_scripts]\ngrader = grader.__main__:main\n"
    files[f"{info}/RECORD"] = _record(files, f"{info}/RECORD").encode()
    return pack(files)


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of files in a fixed order with a fixed time; stored, since compressors differ
    between machines.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(files.items()):
            must_stay_within(name)
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o100644 << 16
            entry.create_system = 3
            archive.writestr(entry, data)
    return buffer.getvalue()


def must_stay_within(name: str) -> None:
    """Raise `AssignmentError` for a name that leads out of what it is unpacked or written to."""
    if leads_out(name):
        raise AssignmentError(
            f"the name {name!r} leads out of the folder that it is written to: nothing is written"
        )


def _stays(path: Path) -> bool:
    """Return whether a file stays out: it came about by using the package or editing it, or it is
    for authors alone.

    What `grader new` begins with has solutions, and a handout is searched for those of its own
    assignment.
    """
    if path.is_relative_to(AUTHORS):
        return True
    return any(
        part.startswith((".", "#")) or part == "__pycache__" for part in path.parts
    ) or path.name.endswith("~")


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
