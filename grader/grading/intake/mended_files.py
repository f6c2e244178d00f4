"""Brings what was taken into the form that everything else reads: notebooks as JSON of the current
format, modules in an encoding that Python accepts.

A file that needs nothing stays as it is, byte by byte. What was done is noted; if a part of a file
may be lost, a person is asked to look.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import msgspec

from grader.grading.intake.candidates import TemplateFile, best_reading, work_in
from grader.grading.intake.reading.entry_names import shown
from grader.grading.intake.submitted_files import Wanted
from grader.grading.intake.take import Taken
from grader.notebooks.definitions import parsed
from grader.notebooks.encodings import elsewhere, python_text, side_by_place, sides
from grader.notebooks.recovery import UnreadableNotebook


@dataclass(frozen=True)
class _Mended:
    data: bytes
    notes: tuple[str, ...] = ()  # each continues the file's name
    look: tuple[str, ...] = ()


def mended(taken: Taken, wanted: Wanted) -> Taken:
    """Return what was taken, its files in a form that can be read, with notes on what was done."""
    notes: list[str] = []
    look: list[str] = []
    groups: list[dict[str, bytes]] = []
    for group in (taken.files, taken.more):
        made: dict[str, bytes] = {}
        for path, data in group.items():
            file = _mended(path, data, wanted.drafts.get(path, TemplateFile()))
            made[path] = file.data
            notes += [f"{shown(path)}: {said}." for said in (*file.look, *file.notes)]
            look += [f"{shown(path)}: {said}" for said in file.look]
        groups.append(made)
    return msgspec.structs.replace(
        taken,
        files=groups[0],
        more=groups[1],
        notes=(*taken.notes, *notes),
        look=(*taken.look, *look),
    )


def _mended(path: str, data: bytes, draft: TemplateFile) -> _Mended:
    if path.endswith(".ipynb"):
        return _notebook(data, draft)
    return _module(data, draft) if path.endswith(".py") else _Mended(data)


def _notebook(data: bytes, draft: TemplateFile) -> _Mended:
    """Return a notebook's file; what can't be read is told by whoever runs it."""
    try:
        found = best_reading(data, draft)
        made = data if found.as_saved else json.dumps(found.tree).encode()
    except (UnreadableNotebook, RecursionError):
        return _Mended(data)
    return _Mended(made, found.notes, found.look)


def _module(data: bytes, draft: TemplateFile) -> _Mended:
    """Return a module's file: in UTF-8 if Python does not accept its encoding, and one side of a
    conflict of Git's.
    """
    read = python_text(data)
    notes = () if read is None else (f"it was saved {read[1]}, and read as such",)
    text = data.decode("utf-8", "replace") if read is None else read[0]
    both = sides(text) if "<<<<<<< " in text and parsed(text) is None else None
    if both is None:
        return _Mended(data if read is None else text.encode(), notes)
    which = int(work_in(both[1], draft) > work_in(both[0], draft))
    if parsed(both[which]) is None and parsed(both[1 - which]) is not None:
        which = 1 - which
    taken, turned = side_by_place(text, which, lambda mixed: _functions(mixed, draft))
    said = f"the {('first', 'second')[which]} of both versions was taken{elsewhere(turned)}"
    return _Mended(taken.encode(), notes, (f"it holds a conflict of Git's (`<<<<<<<`): {said}",))


def _functions(text: str, draft: TemplateFile) -> int:
    """Return how many of the functions that are asked for are written in a module that can be
    read; below 0 if it can't.
    """
    return -1 if parsed(text) is None else work_in(text, draft).written
