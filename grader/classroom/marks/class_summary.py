"""What is written of the whole class once its submissions are settled: gradebook, class page, the
list of to-dos.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from pathlib import Path

import msgspec

from grader.classroom.marks import gradebook, overrides
from grader.classroom.run.result_store import GRADEBOOK, INDEX, TODO, Store
from grader.files import write_atomically
from grader.text import first_of

NAMED = 12  # folders that are named


class ClassFiles(msgspec.Struct, frozen=True):
    """The pages and the gradebook, and what whoever reads them should know."""

    files: Mapping[str, Path]
    remarks: Sequence[str]
    lines: Sequence[gradebook.Line]


def write(store: Store, overrides_path: Path) -> ClassFiles:
    """Write the pages and the gradebook."""
    from grader.classroom.marks import class_page

    class_ = store.read_class()
    changes = overrides.read(overrides_path)
    rows = list(gradebook.lines(store, class_, changes))
    left_over = store.left_over(class_)
    written = {
        "gradebook": write_atomically(store.out / GRADEBOOK, gradebook.render(class_, rows)),
        "class page": write_atomically(
            store.out / INDEX, class_page.render(class_, rows, left_over).encode("utf-8", "replace")
        ),
    }
    if any(map(attrgetter("waiting"), rows)):
        written["answers to be read"] = write_todo(store, overrides_path)[0]
    return ClassFiles(written, _remarks(rows, left_over), rows)


def _remarks(rows: Sequence[gradebook.Line], left_over: Sequence[str]) -> list[str]:
    remarks = []
    if mixed := sum(map(attrgetter("mixed"), rows)):
        remarks.append(
            f"of {mixed} students some verdicts are of an earlier assignment: `grader batch`"
            " without --regrade grades them anew"
        )
    if left_over:
        remarks.append(
            "not in the class any more, and their folders are still there; delete those that"
            f" nobody needs: {first_of(left_over, NAMED)}"
        )
    return remarks


def write_todo(store: Store, overrides_path: Path) -> tuple[Path, list[str]]:
    """Write the page of what waits for a person; return its path and a line for each."""
    from grader.classroom.marks import manual_grading

    class_ = store.read_class()
    rows = list(gradebook.lines(store, class_, overrides.read(overrides_path)))
    data = manual_grading.render(class_, rows, store.answers).encode("utf-8", "replace")
    return write_atomically(store.out / TODO, data), manual_grading.waiting(rows)
