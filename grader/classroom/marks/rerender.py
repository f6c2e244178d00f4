"""Writes gradebook and pages anew after decisions of people: nothing is graded again.

Theory of operation. A result's row bears the digest of the rules that its pages were made with,
what people gave among them. A page whose rules have changed is rendered again from what was kept,
by the same function as in a class's run. The class's folder is locked meanwhile, so that
``grader batch`` can't run at the same time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from grader.classroom.download.students import Entry
from grader.classroom.marks import class_summary, decided, overrides
from grader.classroom.marks.course_marks import Rules
from grader.classroom.marks.decisions import NAME
from grader.classroom.run import worker
from grader.classroom.run.cache_keys import digest_of
from grader.classroom.run.result_store import Store
from grader.classroom.run.results import ClassFile, Row, SubmissionOutcome


class RerenderedPages(msgspec.Struct, frozen=True):
    """What was written."""

    pages: int
    damaged: tuple[str, ...] = ()  # students whose result must be graded again
    failed: tuple[str, ...] = ()  # students whose page could not be rendered, each with the reason


def write_all(
    store: Store, overrides_path: Path, tell: Callable[[int, int], None]
) -> RerenderedPages:
    """Write the pages that are behind, then gradebook and class page.

    Raises `UsageError` if another run is at work in the folder.
    tell: is called with the pages that are done, and all that are to be done
    """
    with store.locked():
        written = pages(store, overrides_path, tell)
        class_summary.write(store, overrides_path)
    return written


def refreshed(out: Path, overrides_path: Path | None) -> RerenderedPages:
    """Write the students' pages that are behind, before they are given away; nothing if nobody sat
    at the desk.
    """
    store = Store(out)
    if not (out / NAME).is_file() or not behind(store, overrides_path or out / overrides.NAME):
        return RerenderedPages(0)
    with store.locked():
        return pages(store, overrides_path or out / overrides.NAME, lambda done, of: None)


def behind(store: Store, overrides_path: Path) -> list[tuple[Entry, Row, Rules]]:
    """Return the results whose pages were made with other rules than those of now."""
    class_ = store.read_class()
    changes, book = overrides.read(overrides_path), decided.book(store.out)
    found = []
    for entry in class_.entries:
        row = None if entry.missing or entry.asked else store.row(entry.folder, entry.student)
        if row is None or row.outcome is not SubmissionOutcome.GRADED:
            continue
        own = book.of(entry.student, class_)
        rules = overrides.rules_of(entry, class_.late, changes, class_.inline, own)
        if row.rules != digest_of(rules):
            found.append((entry, row, rules))
    return found


def pages(store: Store, overrides_path: Path, tell: Callable[[int, int], None]) -> RerenderedPages:
    """Render again what is behind. The folder is held by the caller."""
    class_ = store.read_class()
    todo = behind(store, overrides_path)
    done, damaged, failed = 0, [], []
    for number, (entry, row, rules) in enumerate(todo, start=1):
        if store.must_be_graded_again(row, store.damaged(entry.folder, row)):
            damaged.append(entry.student)
        elif fault := _page(store, class_, entry, row, rules):
            failed.append(f"{entry.student}: {fault}")
        else:
            done += 1
        tell(number, len(todo))
    return RerenderedPages(done, tuple(damaged), tuple(failed))


def _page(store: Store, class_: ClassFile, entry: Entry, row: Row, rules: Rules) -> str:
    """Render one student's result again; return why not, if it could not be."""
    task = worker.Task(
        digest=class_.assignment,
        isolation=row.isolation,
        title=entry.titled,
        earlier=store.kept(entry.folder),
        inline=class_.inline,
        rules=rules,
    )
    done = msgspec.msgpack.decode(worker.grade(msgspec.msgpack.encode(task)), type=worker.Done)
    if done.fault or done.cannot:
        return (done.fault or done.cannot).strip().splitlines()[-1]
    fresh = msgspec.structs.replace(
        row, rules=digest_of(rules), answered=done.answered, texts=done.texts
    )
    store.write(entry.folder, done.files, fresh)
    return ""
