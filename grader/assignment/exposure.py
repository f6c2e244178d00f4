"""Refuses an assignment whose answers lie where a box may read: in Python's packages, for one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from grader.assignment.spec import SPEC_NAME, Assignment
from grader.errors import AssignmentError

MOST = 20_000  # files of an assignment that are looked at
FOLDERS = ("checks", "expectations", "misconceptions", "stand-ins")


def refuse_readable(assignment: Assignment) -> None:
    """Raise `AssignmentError` if a submission could read checks, answers or the reference.

    A handout is left alone: its reader has all of it.
    """
    if assignment.spec.handout_of:
        return
    from grader.sandbox import readable_paths  # of sandboxes, which students' machines may not have

    provided = readable_paths.readable(sorted(set(assignment.links.values())))
    installed = readable_paths.runnable(assignment.spec.withheld).run
    for secret in secrets(assignment):
        real = Path(os.path.realpath(secret))
        shown = f"{secret}" if real == secret else f"{secret} (in truth {real})"
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
    """Yield what no submission may read: folders, then each link within them."""
    tops = [assignment.folder / name for name in (SPEC_NAME, *FOLDERS)]
    reference = assignment.reference
    if reference is not None:
        spec = assignment.spec
        own = [reference / file.path for file in spec.files]
        own += [reference / book.path for book in spec.notebooks]
        if not assignment.folder.is_relative_to(reference):  # else it is no folder of answers alone
            own.append(reference)
        tops += own
        for book in spec.notebooks:
            if not (reference / book.path).is_file():
                tops.append(assignment.folder / book.source)
    for top in tops:
        if top.exists():
            yield top
            yield from _links(top)


def _links(top: Path) -> Iterator[Path]:
    """Yield the links below a folder: what they lead to may lie elsewhere."""
    seen = 0
    for folder, inner, files in os.walk(top):
        for name in (*inner, *files):
            seen += 1
            path = Path(folder, name)
            if path.is_symlink():
                yield path
        if seen > MOST:
            raise AssignmentError(f"{top} holds more than {MOST} files: that is no assignment")


def _within(path: Path, places: list[str]) -> str:
    """Return the first of these places that a path is or lies beneath, or nothing."""
    return next((place for place in places if path.is_relative_to(place)), "")
