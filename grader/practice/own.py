"""Whose work it is: a student's own runs without a sandbox on their machine, somebody else's never
does.
"""

from __future__ import annotations

from pathlib import Path

from grader.assignment.spec import SPEC_NAME, Assignment, load
from grader.errors import UsageError

FOLDER = "assignment"  # of a handout, which holds the checks


def find(start: Path) -> Path:
    """Return the folder of the assignment that a folder belongs to: its own, or that of a folder
    above it.
    """
    for folder in (start, *start.parents):
        for candidate in (folder / FOLDER, folder):
            if (candidate / SPEC_NAME).is_file():
                return candidate
    raise UsageError(
        f"no assignment was found in {start} or above it: go to the folder of the handout, "
        f"which has `{FOLDER}/{SPEC_NAME}`"
    )


def work_folder(assignment: Assignment) -> Path:
    """Return the folder of the student's files: that of the handout, or an author's reference
    solution.
    """
    if assignment.spec.handout_of:
        return assignment.folder.parent
    return assignment.reference or assignment.folder.parent


def own_work(folder: Path, named: Path | None = None) -> tuple[Assignment, Path]:
    """Return the assignment of a student's folder, and that folder.

    named: the assignment's folder, if it is named. Raises `UsageError` if the work may be somebody
    else's: it would run without a sandbox.
    """
    assignment = load(named or find(folder.resolve()))
    own = work_folder(assignment)
    inside = folder.resolve() == assignment.folder or folder.resolve() in (own, *own.parents)
    place = own if folder == Path() or inside else folder.resolve()
    if not is_own(assignment, place):
        raise UsageError(
            f"{place} may be the work of somebody else, and this runs it without a sandbox: use"
            " `grader check`"
        )
    return assignment, place


def is_own(assignment: Assignment, submission: Path) -> bool:
    """Return whether a submission is the user's own: a handout's files are, and an author's
    reference solution.
    """
    if assignment.spec.handout_of:
        return submission.resolve() == assignment.folder.parent
    return assignment.reference is not None and submission.resolve() == assignment.reference
