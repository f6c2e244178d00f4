"""From a download to a class: every hand-in given to a student, the last of several, and who handed in nothing."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from grader.classroom.entries import Entry, Found, natural, safe_folder, tidy
from grader.classroom.lms import recognise
from grader.classroom.roster import Member, Roster
from grader.classroom.trees import Tree
from grader.errors import UsageError

NOT_ON_ROSTER = "not on the roster"
NAMED = 5  # files that are named where more were not used


class Class(msgspec.Struct, frozen=True):
    """A class as a download and a roster give it."""

    layout: str  # 'canvas', 'moodle', 'blackboard', 'gradescope', 'github', 'nbgrader' or 'folders'
    entries: tuple[Entry, ...]  # in the order of the students' ids


def read(tree: Tree, roster: Roster | None, assignment: str, reserved: Iterable[str] = ()) -> Class:
    """Return the class; no student's folder is named as one of ``reserved``.

    Raises `UsageError` where nothing in the download can be a submission.
    """
    layout, _, found = recognise(tree, assignment)
    handed_in = [one for one in found if one.paths]
    if not handed_in and roster is None:
        raise UsageError(f"{tree.name} holds no submissions: it is empty")
    by_student: dict[str, list[Found]] = {}
    members: dict[str, Member | None] = {}
    for one in found:
        member = roster.find((one.lms_id, *one.aliases), one.name or one.lms_id, one.email) if roster else None
        student = member.student if member else tidy(one.lms_id) or "unnamed"
        by_student.setdefault(student, []).append(one)
        members[student] = member
    for member in roster.members if roster else ():
        by_student.setdefault(member.student, [])
        members[member.student] = member
    entries: list[Entry] = []
    taken = set(reserved)
    for student in sorted(by_student, key=lambda id_: (natural(id_), id_)):
        folder = safe_folder(student, taken)
        taken.add(folder)
        entries.append(_entry(student, folder, members[student], by_student[student], roster is not None))
    return Class(layout, tuple(entries))


def _entry(student: str, folder: str, member: Member | None, found: list[Found], has_roster: bool) -> Entry:
    """Return a student's row: of several hand-ins the last, by time, then by the LMS's own number, then by name."""
    there = sorted((one for one in found if one.paths), key=_order)
    handed_in = [one for one in there if not one.doubtful] or there
    last = handed_in[-1] if handed_in else found[-1] if found else Found(lms_id="")
    notes, look = [], list(last.look)
    if len(handed_in) > 1:
        notes.append(f"handed in {len(handed_in)} times, the last counts: {_name(last.paths[0])}")
    unused = [*last.beside, *(path for one in there if one not in handed_in for path in one.paths)]
    if unused:
        more = f" and {len(unused) - NAMED} more" if len(unused) > NAMED else ""
        notes.append(f"handed in beside it and not used: {', '.join(map(_name, unused[:NAMED]))}{more}")
    accounts = dict.fromkeys(tidy(one.lms_id, 60) for one in handed_in)
    if len(accounts) > 1:
        look.append(f"handed in under different names or ids, look whose it is: {', '.join(accounts)}")
    if has_roster and member is None:
        look.append(NOT_ON_ROSTER)
    return Entry(
        student=student,
        folder=folder,
        name=(member.name if member else "") or tidy(last.name),
        email=(member.email if member else "") or tidy(last.email),
        lms_id=tidy(last.lms_id),
        paths=last.paths,
        late=last.late,
        submitted=last.submitted,
        late_days=member.late_days if member else None,
        notes=tuple(notes),
        look=tuple(look),
        sis=member.sis if member else None,
        on_roster=member is not None or not has_roster,
    )


def _name(path: str) -> str:
    return tidy(path.rpartition("/")[2], 80)


def _order(found: Found) -> tuple[object, ...]:
    return (found.submitted_seconds, found.order, natural(found.paths[0]))
