"""Puts the results of shards together into one folder, which then is as if one run had graded the whole class."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from grader.classroom.entries import Entry, natural
from grader.classroom.overrides import NAME as OVERRIDES
from grader.classroom.rows import ClassFile, Row
from grader.classroom.store import LOG, ROW, Store
from grader.errors import UsageError


def merge(shards: Sequence[Path], out: Path) -> ClassFile:
    """Copy each student's newest complete result and return the class; raise `UsageError` where shards don't fit.

    Run again with more shards, or killed in between, it goes on: results that are there already are not copied.
    """
    sources = [Store(path) for path in shards]
    classes = [store.read_class() for store in sources]
    first = classes[0]
    for path, class_ in zip(shards, classes, strict=True):
        if (class_.name, class_.version, class_.checks) != (first.name, first.version, first.checks):
            raise UsageError(f"{path} is of another assignment, or of another version of it, than {shards[0]}")
    target = Store(out)
    with target.locked():
        entries = _entries(classes)
        for entry in entries:
            _take(target, sources, entry)
        _logs(sources, out)
        for store in sources:
            if (store.out / OVERRIDES).is_file() and not (out / OVERRIDES).exists():
                shutil.copyfile(store.out / OVERRIDES, out / OVERRIDES)
        merged = msgspec.structs.replace(
            first, entries=tuple(entries), seconds=max(class_.seconds for class_ in classes)
        )
        target.write_class(merged)
    return merged


def _entries(classes: Sequence[ClassFile]) -> list[Entry]:
    """Return everybody, once; where shards overlap, the one that knows of a hand-in counts."""
    found: dict[str, Entry] = {}
    folders: dict[str, str] = {}
    for class_ in classes:
        for entry in class_.entries:
            if entry.student not in found or found[entry.student].missing:
                found[entry.student] = entry
            if folders.setdefault(entry.folder, entry.student) != entry.student:
                raise UsageError(
                    f"{entry.student!r} and {folders[entry.folder]!r} share the folder {entry.folder!r}: "
                    "the shards were not cut from one class"
                )
    return sorted(found.values(), key=lambda entry: (natural(entry.student), entry.student))


def _take(target: Store, sources: Sequence[Store], entry: Entry) -> None:
    """Copy the newest complete result, or the newest of all."""
    rows = [(row.complete, row.started, number, row) for number, row in _rows(sources, entry)]
    if not rows:
        return
    *_, number, row = max(rows, key=lambda found: found[:3])
    if target.row(entry.folder, entry.student) == row:
        return
    base = sources[number].out / entry.folder
    files = {
        path.relative_to(base).as_posix(): path.read_bytes()
        for path in sorted(base.rglob("*"))
        if path.is_file() and path != base / ROW
    }
    target.write(entry.folder, files, row)


def _rows(sources: Sequence[Store], entry: Entry) -> list[tuple[int, Row]]:
    found = [(number, store.row(entry.folder, entry.student)) for number, store in enumerate(sources)]
    return [(number, row) for number, row in found if row is not None]


def _logs(sources: Sequence[Store], out: Path) -> None:
    """Write the shards' logs as one."""
    lines: dict[bytes, None] = {}
    for store in sources:
        if (store.out / LOG).is_file():
            lines |= dict.fromkeys((store.out / LOG).read_bytes().splitlines())
    (out / LOG).write_bytes(b"".join(line + b"\n" for line in sorted(lines)))
