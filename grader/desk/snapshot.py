"""The class as the desk holds it: parts, students, and what each student wrote, found by opaque
names.

Theory of operation. A request names parts, groups and students by tokens, which are digests. They
are looked up in the tables of a snapshot; a name that is not there is not found. So nothing of a
request reaches a path: folders come from ``class.json`` alone. Of an answer only its digests and
its beginning are held in memory; the text is read when it is shown. What students wrote stays as
it is here, and is cleaned when it is rendered.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import msgspec

from grader.classroom.download.students import Entry
from grader.classroom.marks.course_marks import Inline
from grader.classroom.marks.decisions import ANSWER_OF, CHECK_OF
from grader.classroom.marks.written_answers import WrittenAnswer
from grader.classroom.run.result_store import CLASS, Store
from grader.classroom.run.results import CheckHead, CheckRow, ClassFile, Row, SubmissionOutcome
from grader.desk import grouping
from grader.model import Status

SEARCHED = 2_000  # characters of an answer that are searched


@dataclass(frozen=True)
class GradedStudent:
    """One student with a result."""

    token: str
    entry: Entry
    row: Row | None
    outcome: SubmissionOutcome

    @property
    def checks(self) -> Sequence[CheckRow]:
        """The results of the checks."""
        return self.row.checks if self.row is not None else ()

    @property
    def code(self) -> str:
        """What the student is called while names are hidden."""
        return f"Student {self.token[:4].upper()}"


@dataclass(frozen=True)
class StudentWork:
    """What one student has for one part."""

    student: str
    seen: str  # digest of exactly this
    group: str  # key of those that are equal to it
    text: str = ""  # its beginning, to be searched
    empty: bool = False


@dataclass(frozen=True)
class Part:
    """What is graded at the desk: an answer, or the results of a check."""

    id: str
    token: str
    title: str
    points: float
    inline: Inline | None = None
    check: CheckHead | None = None
    works: Mapping[str, StudentWork] = field(default_factory=dict)  # by student
    empty: int = 0  # students who handed in and wrote nothing here

    @cached_property
    def order(self) -> Sequence[str]:
        """The keys of the groups, similar ones next to each other."""
        first: dict[str, str] = {}
        sizes: Counter[str] = Counter()
        for work in self.works.values():
            first.setdefault(work.group, work.text)
            sizes[work.group] += 1
        places = grouping.order(list(first.values()), list(sizes.values()))
        return list(map(list(first).__getitem__, places))


@dataclass(frozen=True)
class Snapshot:
    """The class at one moment."""

    class_: ClassFile
    stamp: tuple[int, int]  # of class.json
    students: Mapping[str, GradedStudent]  # by id
    parts: Sequence[Part]

    @cached_property
    def student_tokens(self) -> Mapping[str, GradedStudent]:
        return {student.token: student for student in self.students.values()}

    @cached_property
    def part_tokens(self) -> Mapping[str, Part]:
        return {part.token: part for part in self.parts}

    @cached_property
    def part_ids(self) -> Mapping[str, Part]:
        return {part.id: part for part in self.parts}

    @cached_property
    def folders(self) -> Mapping[str, GradedStudent]:
        """Students by the names of their folders, for the links of the class page."""
        return {student.entry.folder: student for student in self.students.values()}


def token(*names: str) -> str:
    """Return the opaque name of a part, a student or a group."""
    return hashlib.sha256("\0".join(names).encode("utf-8", "replace")).hexdigest()[:16]


def stamp(store: Store) -> tuple[int, int]:
    """Return what changes when the class is graded again."""
    try:
        found = (store.out / CLASS).stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


def take(store: Store) -> Snapshot:
    """Read the class; raise `UsageError` if there is none."""
    now = stamp(store)
    class_ = store.read_class()
    students: dict[str, GradedStudent] = {}
    works: dict[str, dict[str, StudentWork]] = {}
    empty: dict[str, int] = {}
    for entry in class_.entries:
        row = None if entry.missing or entry.asked else store.row(entry.folder, entry.student)
        students[entry.student] = GradedStudent(
            token=token("student", entry.student),
            entry=entry,
            row=_kept_row(store, entry, row),
            outcome=row.outcome if row is not None else _without(entry),
        )
        if row is None or row.outcome is not SubmissionOutcome.GRADED:
            continue
        _take_work(class_, store, entry, row, works, empty)
    parts = [_answer_part(inline, works, empty) for inline in class_.inline]
    parts += [_check_part(check, works) for check in class_.checks]
    return Snapshot(class_, now, students, parts)


def _kept_row(store: Store, entry: Entry, row: Row | None) -> Row | None:
    """Return a row as it stays in memory: with digests of answers, without those of files."""
    if row is None:
        return None
    return msgspec.structs.replace(row, files={}, texts=store.texts(entry.folder, row))


def _without(entry: Entry) -> SubmissionOutcome:
    if entry.asked:
        return SubmissionOutcome.ASKED
    return SubmissionOutcome.MISSING if entry.missing else SubmissionOutcome.WAITING


def _take_work(
    class_: ClassFile,
    store: Store,
    entry: Entry,
    row: Row,
    works: dict[str, dict[str, StudentWork]],
    empty: dict[str, int],
) -> None:
    """Put what one student has into the tables."""
    answers = store.answers(entry.folder) if class_.inline else {}
    for inline in class_.inline:
        part, answer = f"{ANSWER_OF}{inline.id}", answers.get(inline.id)
        if answer is None:
            empty[part] = empty.get(part, 0) + 1
            continue
        works.setdefault(part, {})[entry.student] = answer_work(entry.student, answer)
    for check in row.checks:
        own = works.setdefault(f"{CHECK_OF}{check.id}", {})
        own[entry.student] = check_work(entry.student, check)


def answer_work(student: str, answer: WrittenAnswer) -> StudentWork:
    """Return an answer as the tables hold it."""
    pictures = list(map(answer.pictures.__getitem__, sorted(answer.pictures)))
    return StudentWork(
        student=student,
        seen=answer.seen,
        group=grouping.group_key(answer.text, pictures),
        text=answer.text[:SEARCHED],
    )


def check_work(student: str, check: CheckRow) -> StudentWork:
    """Return a check's result as the tables hold it: equal ones have the same wrong numbers, or the
    same message.
    """
    same = check.fingerprint or check.mistake or check.headline
    if check.status is Status.PASS:
        same = ""
    text = check.mistake or check.headline or check.status.value
    return StudentWork(
        student=student,
        seen=check.seen,
        group=token(check.status.value, f"{check.points:g}", same),
        text=text,
    )


def _answer_part(
    inline: Inline, works: Mapping[str, dict[str, StudentWork]], empty: Mapping[str, int]
) -> Part:
    id_ = f"{ANSWER_OF}{inline.id}"
    return Part(
        id=id_,
        token=token("part", id_),
        title=inline.title or inline.id,
        points=inline.points,
        inline=inline,
        works=works.get(id_, {}),
        empty=empty.get(id_, 0),
    )


def _check_part(check: CheckHead, works: Mapping[str, dict[str, StudentWork]]) -> Part:
    id_ = f"{CHECK_OF}{check.id}"
    return Part(
        id=id_,
        token=token("part", id_),
        title=check.id,
        points=check.points,
        check=check,
        works=works.get(id_, {}),
    )
