"""Reads what an author keeps for the audit: equivalent mutants, and right but unusual solutions."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec

from grader.assignment.spec import Assignment
from grader.errors import AssignmentError, UsageError


class Equivalent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[[equivalent]]`` of ``equivalent_mutants.toml``: a mutant that is right too, and why."""

    function: str
    diff: str  # as the audit prints it
    reason: str

    @property
    def place(self) -> str:
        """Where the mutant is, in words."""
        return f"of `{self.function}`" if self.function else "outside of functions"

    @property
    def key(self) -> tuple[str, str]:
        """Its function and diff, by which it is matched with a mutant."""
        return key_of(self.function, self.diff)


def key_of(function: str, diff: str) -> tuple[str, str]:
    """Return a function and a diff without the spaces around its lines."""
    return function, "\n".join(map(str.strip, diff.strip().splitlines()))


def read_equivalent(path: Path) -> dict[tuple[str, str], Equivalent]:
    """Return the mutants that the author lists as equivalent, by function and diff."""
    if not path.is_file():
        return {}
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        found = msgspec.convert(raw, dict[str, tuple[Equivalent, ...]]).get("equivalent", ())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise AssignmentError(f"{path}: {error}") from error
    for one in found:
        if not one.reason.strip():
            raise AssignmentError(
                f"{path}: the mutant {one.place} has no `reason`: say why it is right"
            )
    return {one.key: one for one in found}


def right_solutions(assignment: Assignment, folder: Path | None) -> dict[str, dict[str, bytes]]:
    """Return the right but unusual solutions by name, each with the files it replaces."""
    if folder is None:
        folder = assignment.folder / "right"
        if not folder.is_dir():
            folder = assignment.folder.parent / "tests" / "right"
        if not folder.is_dir():
            return {}
    elif not folder.is_dir():
        raise UsageError(f"there is no folder {folder} with right solutions")
    asked = assignment.spec.student_paths
    found: dict[str, dict[str, bytes]] = {}
    for solution in sorted(folder.iterdir()):
        if not solution.is_dir() or solution.name.startswith(("_", ".")):
            continue
        files = {}
        for path in asked:
            if (solution / path).is_file():
                files[path] = (solution / path).read_bytes()
        if not files:
            raise UsageError(
                f"{solution} holds none of the files that students write ({', '.join(asked)})"
            )
        for pattern in assignment.spec.own_modules:
            for own in solution.glob(pattern):
                files[own.relative_to(solution).as_posix()] = own.read_bytes()
        found[solution.name] = files
    return found
