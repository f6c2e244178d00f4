"""A student's own work, checked again and again in one warm process with the public seed and the
public checks.

Theory of operation. What runs here is the grading of `grader.grading`, so sentences and points are
those of `grader check`. The files are read from the disk at each check. The worker is a plain
process (the tier `none`): the code is the student's own, on their own machine. Hidden checks and
the hidden seed are never read, also in an author's folder.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Self

import msgspec

from grader.assignment.spec import Assignment, load
from grader.errors import AssignmentError, UsageError
from grader.grading.grade import Graded, Grader, Options
from grader.grading.intake.take import Taken
from grader.model import CheckResult, Tier, Visibility
from grader.practice.own import find, work_folder
from grader.practice.warm import OpenSandbox, ReserveSandbox
from grader.sandbox.box import Sandbox


def public_checks(assignment: Assignment) -> tuple[str, ...]:
    """Return the ids of the checks that students have."""
    checks = assignment.spec.checks
    return tuple(check.id for check in checks if check.visibility is Visibility.VISIBLE)


def files_here(assignment: Assignment, folder: Path) -> dict[str, bytes]:
    """Return the student's files and notebooks as they lie in a folder now."""
    found = {}
    for name in assignment.spec.student_paths:
        path = folder / name
        if path.is_file():
            found[name] = path.read_bytes()
    return found


class Session:
    """Checks of one folder. A context manager: leaving it ends every worker."""

    def __init__(self, assignment: Assignment, folder: Path | None = None) -> None:
        self.assignment = assignment
        self.folder = folder or work_folder(assignment)
        self.known = public_checks(assignment)
        self._sandbox = ReserveSandbox()
        options = Options(isolation=Tier.NONE, seed="public")
        self._grader = Grader(assignment, options, OpenSandbox(self._sandbox))
        self._preparing: threading.Thread | None = None

    @classmethod
    def at(cls, start: Path) -> Session:
        """Return the session of the assignment that a folder belongs to."""
        return cls(load(find(start)))

    def __enter__(self) -> Self:
        self._grader.__enter__()
        self.prepare()
        return self

    def __exit__(self, *_: object) -> None:
        self._ready()
        self._sandbox.close()

    def must_know(self, ids: Collection[str]) -> None:
        """Raise `UsageError` if one of these is not the id of a public check."""
        for id_ in ids:
            if id_ not in self.known:
                raise UsageError(
                    f"there is no check `{id_}`; the checks are: {', '.join(self.known) or 'none'}"
                )

    def check(
        self,
        ids: Collection[str],
        live: Mapping[str, Sandbox] | None = None,
        on_check: Callable[[CheckResult], None] = lambda check: None,
    ) -> Graded:
        """Run checks on the files as they are now.

        live: for a notebook whose kernel is to be judged in place of its file, the sandbox whose
        box is that kernel
        """
        self.must_know(ids)
        if not ids:
            raise AssignmentError(f"{self.assignment.folder} has no check that can be run here")
        self._ready()
        self._grader.options = msgspec.structs.replace(
            self._grader.options, only=frozenset(ids), live=dict(live or {}), on_check=on_check
        )
        try:
            return self._grader.grade_taken(self._taken())
        finally:
            self.prepare()

    def prepare(self) -> None:
        """Start the next worker, beside whatever this process does."""
        if self._preparing is None:
            self._preparing = threading.Thread(target=self._sandbox.prepare, daemon=True)
            self._preparing.start()

    def _ready(self) -> None:
        if self._preparing is not None:
            self._preparing.join()
            self._preparing = None

    def _taken(self) -> Taken:
        files = files_here(self.assignment, self.folder)
        return Taken(self.folder.name, files, missing=(), notes=(), digest="")
