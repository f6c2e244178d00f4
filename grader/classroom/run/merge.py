"""Puts the results of shards together into one folder, which then is as if one run had graded the
whole class.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from itertools import chain
from operator import attrgetter
from pathlib import Path

import msgspec

from grader.classroom.download.students import Entry, natural
from grader.classroom.marks.decisions import NAME as DECISIONS
from grader.classroom.marks.decisions import Journal
from grader.classroom.marks.overrides import NAME as OVERRIDES
from grader.classroom.run import output_folder
from grader.classroom.run.result_store import LOG, Store
from grader.classroom.run.results import ClassFile, Row
from grader.errors import UsageError
from grader.files import replacing


def merge(shards: Sequence[Path], out: Path) -> ClassFile:
    """Copy each student's newest complete result and return the class; raise `UsageError` if
    shards don't fit.

    Run again with more shards, or killed in between, it goes on: results that are there already are
    not copied.
    """
    sources = list(map(Store, shards))
    classes = list(map(Store.read_class, sources))
    first = classes[0]
    _verify(shards, classes)
    if out.resolve() in map(Path.resolve, shards):
        raise UsageError(f"{out} is one of the shards: name another folder by --out")
    target = Store(out)
    output_folder.verify(target, first.name)
    with target.locked():
        entries = _entries(classes)
        for entry in entries:
            _take(target, sources, entry)
        _logs(sources, out)
        for store in sources:
            if (store.out / OVERRIDES).is_file() and not (out / OVERRIDES).exists():
                shutil.copyfile(store.out / OVERRIDES, out / OVERRIDES)
        _decisions(sources, out)
        parts = sorted(set(chain.from_iterable(map(attrgetter("shards"), classes))))
        whole = parts == list(range(1, first.of + 1))
        merged = msgspec.structs.replace(
            first,
            entries=tuple(entries),
            seconds=max(map(attrgetter("seconds"), classes)),
            shards=(1,) if whole else tuple(parts),
            of=1 if whole else first.of,
        )
        target.write_class(merged)
    return merged


_assignment_of = attrgetter("name", "version", "checks")


def _verify(paths: Sequence[Path], classes: Sequence[ClassFile]) -> None:
    """Raise `UsageError` if these were not graded with the same assignment, or are not parts of
    one class.
    """
    first, seen = classes[0], dict[int, Path]()
    for path, class_ in zip(paths, classes, strict=True):
        if _assignment_of(class_) != _assignment_of(first):
            raise UsageError(
                f"{path} is of another assignment, or of another version of it, than {paths[0]}"
            )
        if class_.grader != first.grader:
            raise UsageError(
                f"{path} was graded by grader {class_.grader or 'of an older version'}, and"
                f" {paths[0]} by {first.grader or 'an older version'}: grade both by the same, with"
                " the same command again"
            )
        if class_.assignment != first.assignment:
            raise UsageError(
                f"{path} was graded with other checks, files or expectations than {paths[0]}: "
                "grade both with the same assignment, by the same command again"
            )
        if class_.of != first.of:
            raise UsageError(
                f"{path} holds {class_.part}, and {paths[0]} {first.part}: they were cut"
                " differently"
            )
        for number in class_.shards if class_.of > 1 else ():
            if number in seen:
                raise UsageError(
                    f"{seen[number]} and {path} are both shard {number} of {class_.of}: give each"
                    " once"
                )
            seen[number] = path


def _entries(classes: Sequence[ClassFile]) -> list[Entry]:
    """Return everybody, once; if shards overlap, the one that knows of a hand-in counts."""
    found: dict[str, Entry] = {}
    folders: dict[str, str] = {}
    for class_ in classes:
        for entry in class_.entries:
            if entry.student not in found or found[entry.student].missing:
                found[entry.student] = entry
            if folders.setdefault(entry.folder, entry.student) != entry.student:
                raise UsageError(
                    f"{entry.student!r} and {folders[entry.folder]!r} share the folder"
                    f" {entry.folder!r}: the shards were not cut from one class"
                )
    return sorted(found.values(), key=lambda entry: (natural(entry.student), entry.student))


def _take(target: Store, sources: Sequence[Store], entry: Entry) -> None:
    """Copy the newest complete result, or the newest of all."""
    newest: tuple[Store, Row] | None = None
    for source in sources:
        row = source.row(entry.folder, entry.student)
        if row is None or source.damaged(entry.folder, row):
            continue
        if newest is None or _age(row) >= _age(newest[1]):  # of the same age, the last shard's
            newest = source, row
    if newest is None or target.row(entry.folder, entry.student) == newest[1]:
        return
    source, row = newest
    files = {}
    for name in sorted(source.written(entry.folder)):
        files[name] = (source.out / entry.folder / name).read_bytes()
    target.write(entry.folder, files, row)


def _age(row: Row) -> tuple[bool, str]:
    return row.complete, row.started


def _decisions(sources: Sequence[Store], out: Path) -> None:
    """Write what people decided on the shards into one journal, unless there is one: then the desk
    works there.
    """
    paths = list(filter(Path.is_file, (store.out / DECISIONS for store in sources)))
    if not paths or (out / DECISIONS).exists():
        return
    with replacing(out / DECISIONS) as part:
        part.unlink()
        with contextlib.closing(Journal(part, create=True)) as into:
            for path in paths:
                with contextlib.closing(Journal(path)) as journal:
                    into.take(journal)


def _logs(sources: Sequence[Store], out: Path) -> None:
    """Write the shards' logs as one."""
    lines: dict[bytes, None] = {}
    for store in sources:
        if (store.out / LOG).is_file():
            lines |= dict.fromkeys((store.out / LOG).read_bytes().splitlines())
    (out / LOG).write_bytes(b"\n".join([*sorted(lines), b""]))
