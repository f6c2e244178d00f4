"""Refuses an assignment whose answers a box could read, such as one among Python's packages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from grader.assignment.spec import SPEC_NAME, Assignment
from grader.errors import AssignmentError
from grader.sandbox import readable_paths

MOST = 20_000  # files and folders in an assignment
FOLDERS = ("checks", "expectations", "misconceptions", "stand-ins")


def refuse_readable(assignment: Assignment) -> None:
    """Raise `AssignmentError` if a submission could read checks, answers or the reference.

    A handout is not checked: students have all of it.
    """
    if assignment.spec.handout_of:
        return
    provided = readable_paths.readable(sorted(set(assignment.links.values())))
    installed = readable_paths.runnable(assignment.spec.withheld).run
    for secret in secrets(assignment):
        real = Path(os.path.realpath(secret))
        shown = f"{secret}" if real == secret else f"{secret} (really {real})"
        if place := _within(real, [*installed, *readable_paths.own_code()]):
            raise AssignmentError(
                f"{shown} lies within {place}, which every submission may read, since Python and "
                "its packages need it: move the assignment to a folder of its own"
            )
        if place := _within(real, provided):
            raise AssignmentError(
                f"{shown} lies within {place}, which `provided` lays beside every submission: "
                "provide a folder that holds nothing but what students may see"
            )


def secrets(assignment: Assignment) -> Iterator[Path]:
    """Yield the paths that no submission may read: folders and files, and the links in them."""
    tops = list(map(assignment.folder.joinpath, (SPEC_NAME, *FOLDERS)))
    reference = assignment.reference
    if reference is not None:
        tops += map(reference.joinpath, assignment.spec.student_paths)
        if not assignment.folder.is_relative_to(reference):  # else it holds more than answers
            tops.append(reference)
        for book in assignment.spec.notebooks:
            if not (reference / book.path).is_file():
                tops.append(assignment.folder / book.source)
    for top in tops:
        if top.exists():
            yield top
            yield from _links(top)


def _links(top: Path) -> Iterator[Path]:
    """Yield the links below a folder, whose targets may be elsewhere."""
    seen = 0
    for folder, inner, files in os.walk(top):
        for name in (*inner, *files):
            seen += 1
            path = Path(folder, name)
            if path.is_symlink():
                yield path
        if seen > MOST:
            raise AssignmentError(f"{top} holds more than {MOST} files: that is not an assignment")


def _within(path: Path, places: list[str]) -> str:
    """Return the first of these folders that holds a path or is that path, or nothing."""
    return next(filter(path.is_relative_to, places), "")
