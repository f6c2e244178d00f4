"""``overrides.toml``: what the instructor changes by hand. It is read afresh each time and never
written to.

due = 2026-05-03T23:59:00+02:00     # in the place of the spec's own

[[adjust]] student = "1001" check = "forward"                   # or: answer =
"Work/question-answer"; neither: the whole points = 6                          # or: add = 2 reason
= "the transposed weights were announced as allowed"    # the student reads it, and a `comment` note
= "see the forum, 4 May"       # nobody but you

[[who]]                             # the answer to a row `who is this?`
hand_in = "Jane Doe_103_assignsubmission_file"
student = "1001"
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

import msgspec

from grader.assignment.schema import LateSpec
from grader.classroom.download.students import Entry
from grader.classroom.marks import course_marks
from grader.classroom.marks.course_marks import Adjustment, Decided, Inline, Rules
from grader.errors import UsageError

NAME = "overrides.toml"


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[[who]]``: whose a hand-in is that nobody was graded for, by the word of an instructor."""

    hand_in: str  # the name of its file or folder in the download
    student: str


class Overrides(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    due: datetime | None = None
    adjust: tuple[Adjustment, ...] = ()
    who: tuple[Said, ...] = ()

    @property
    def answers(self) -> dict[str, str]:
        """Whose each hand-in is that was asked about."""
        return {said.hand_in: said.student for said in self.who}

    def of(self, student: str) -> tuple[Adjustment, ...]:
        """Return one student's adjustments, in the file's order."""
        return tuple(change for change in self.adjust if change.student == student)


def read(path: Path) -> Overrides:
    """Read the file, if there is one; raise `UsageError` with what is wrong and where."""
    if not path.is_file():
        return Overrides()
    try:
        overrides = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Overrides)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise UsageError(f"{path}: {error}") from error
    if overrides.due is not None and overrides.due.tzinfo is None:
        raise UsageError(
            f"{path}: `due` needs an offset from UTC, such as 2026-05-01T23:59:00+02:00"
        )
    for number, change in enumerate(overrides.adjust, start=1):
        if fault := _fault(change):
            raise UsageError(f"{path}: [[adjust]] number {number}, of {change.student!r}: {fault}")
    return overrides


def verify(overrides: Overrides, path: Path, names: dict[str, Collection[str]]) -> None:
    """Raise `UsageError` if an adjustment names what is not there: ``names`` maps 'student',
    'check', 'answer'.
    """
    for change in overrides.adjust:
        for key in ("student", "check", "answer"):
            value = getattr(change, key)
            if value and value not in names[key]:
                close = difflib.get_close_matches(value, list(names[key]), n=1)
                hint = f": did you mean {close[0]!r}?" if close else ""
                raise UsageError(f"{path}: there is no {key} {value!r}{hint}")


def rules_of(
    entry: Entry,
    late: LateSpec | None,
    changes: Overrides,
    inline: tuple[Inline, ...],
    decided: tuple[Decided, ...] = (),
) -> Rules:
    """Return the rules of one student's mark: the spec's, the roster's, the instructor's own, and
    the desk's.
    """
    if late is not None and changes.due is not None:
        late = msgspec.structs.replace(late, due=changes.due)
    days, note = course_marks.late_days(late, entry.submitted, entry.late)
    if entry.late_days is not None:
        days, note = entry.late_days, ""
    return Rules(
        late=late,
        late_days=days,
        adjustments=changes.of(entry.student),
        inline=inline,
        notes=entry.notes,
        private=(*entry.look, note) if note else entry.look,
        decided=decided,
    )


def _fault(change: Adjustment) -> str:
    given = [name for name in ("points", "add", "late_days") if getattr(change, name) is not None]
    if not change.reason.strip():
        return "give it a `reason`: the student reads it (a `note` is for you alone)"
    if len(given) > 1:
        return f"it has both `{given[0]}` and `{given[1]}`"
    if not given and not change.comment:
        return "it changes nothing: give it `points`, `add`, `late_days` or a `comment`"
    if change.check and change.answer:
        return "it has both `check` and `answer`"
    if change.late_days is not None and (change.check or change.answer):
        return "`late_days` is of the whole, not of a check"
    if change.late_days is not None and change.late_days < 0:
        return "`late_days` is negative"
    return ""
