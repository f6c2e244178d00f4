"""What is written of the whole class once its submissions are settled: gradebook, class page, the list of to-dos."""

from __future__ import annotations

from pathlib import Path

from grader.classroom import gradebook, overrides
from grader.classroom.store import GRADEBOOK, INDEX, TODO, Store
from grader.files import write_atomically


def write(store: Store, overrides_path: Path) -> dict[str, Path]:
    """Write the pages and the gradebook; return where they are."""
    from grader.classroom import page

    class_ = store.read_class()
    changes = overrides.read(overrides_path)
    rows = list(gradebook.lines(store, class_, changes))
    written = {
        "gradebook": write_atomically(store.out / GRADEBOOK, gradebook.render(class_, rows)),
        "class page": write_atomically(store.out / INDEX, page.render(class_, rows).encode("utf-8", "replace")),
    }
    if any(line.marks is not None and line.marks.waiting for line in rows):
        written["answers to be read"] = write_todo(store, overrides_path)[0]
    return written


def write_todo(store: Store, overrides_path: Path) -> tuple[Path, list[str]]:
    """Write the page of what waits for a person; return its path and a line for each."""
    from grader.classroom import todo

    class_ = store.read_class()
    rows = list(gradebook.lines(store, class_, overrides.read(overrides_path)))
    data = todo.render(class_, rows, store.answers).encode("utf-8", "replace")
    return write_atomically(store.out / TODO, data), todo.waiting(rows)
