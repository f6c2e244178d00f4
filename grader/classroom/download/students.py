"""What a download holds of one student, before anything in it was opened."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection
from datetime import datetime

import msgspec

from grader.text import clean

NAME_LIMIT = 200


class LmsHandIn(msgspec.Struct, frozen=True, kw_only=True):
    """One hand-in as the LMS names it."""

    lms_id: str  # as the LMS writes it: a user id, a participant, a login, or the name of a folder
    name: str = ""
    email: str = ""
    aliases: tuple[str, ...] = ()  # what else a roster may know the student by
    internal: bool = False  # `lms_id` is the LMS's own number, and no id of the course
    anonymous: bool = False  # the LMS hides whose it is
    paths: tuple[str, ...] = ()  # in the tree
    # of each path what the student called the file, if the LMS renamed it
    files: tuple[str, ...] = ()
    asked: str = ""  # why its names can't be read with certainty
    may_be: tuple[str, ...] = ()  # then: names or ids of all whose it may be, as far as it is known
    called: str = ""  # how people name it, if the last part of its path does not say whose it is
    beside: tuple[str, ...] = ()  # names of the same student's that are not used
    # neither folder, archive nor code: it counts only if there is nothing else
    doubtful: bool = False
    look: tuple[str, ...] = ()  # why a person should look at it
    late: bool = False  # by the LMS's own mark
    submitted: str = ""  # ISO 8601 with an offset, if the LMS says it
    order: tuple[int, ...] = ()  # among hand-ins of one student: the greatest counts

    @property
    def submitted_seconds(self) -> float:
        """The time of the hand-in as a number; if it is not known, before all others."""
        return datetime.fromisoformat(self.submitted).timestamp() if self.submitted else 0.0


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One student of the class: a row of the gradebook."""

    student: str  # the id that the gradebook uses
    folder: str  # the name of the student's folder in the output
    name: str = ""
    email: str = ""
    lms_id: str = ""
    paths: tuple[str, ...] = ()  # empty: nothing was handed in
    # of each path what the student called the file, if the LMS renamed it
    files: tuple[str, ...] = ()
    asked: str = ""  # why nobody is graded for it: a person is to say whose it is
    shared: str = ""  # of a group's hand-in, the student of the group whose folder holds the result
    late: bool = False
    submitted: str = ""
    late_days: int | None = None  # if the roster says so
    notes: tuple[str, ...] = ()  # of how it was handed in, which the student may read
    look: tuple[str, ...] = ()  # why a person should look at it: for the instructor alone
    on_roster: bool = True
    sis: str | None = None  # Canvas's SIS id, if the roster has a column for it
    section: str = ""  # of the course, if the roster says so

    @property
    def titled(self) -> str:
        """The submission's name in reports."""
        named = bool(self.name) and self.name != self.student
        return f"{self.name} ({self.student})" if named else self.student

    @property
    def missing(self) -> bool:
        """Whether nothing was handed in."""
        return not self.paths and not self.asked


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts 'a2' before 'a10'."""
    return tuple(map(_natural_part, re.split(r"(\d{1,18})", text)))


def _natural_part(part: str) -> tuple[int, int, str]:
    return (1, int(part), "") if part.isdecimal() else (0, 0, part.casefold())


def ends(name: str, sign: str = "-") -> list[str]:
    """Return what stands behind each of the signs in a name, the longest first."""
    found = []
    _, middle, rest = name.partition(sign)
    while middle:
        found.append(rest)
        _, middle, rest = rest.partition(sign)
    return found


def tidy(text: str, limit: int = NAME_LIMIT) -> str:
    """Return a stranger's name as one line that can be shown."""
    return " ".join(clean(text, limit).split())


def safe_folder(student: str, taken: Collection[str] = ()) -> str:
    """Return a folder's name for a student, whatever the id is: plain characters, never a dot in
    front, never taken.

    taken: the names that are taken, case folded
    """
    plain = unicodedata.normalize("NFKD", student).encode("ascii", "ignore").decode()
    name = re.sub(
        r"[^A-Za-z0-9@+=_-]+|(?<![A-Za-z0-9])\.+|\.+(?![A-Za-z0-9])",
        "_",
        re.sub(r"[^\w.@+=-]+", "_", plain),
    )
    name = name.strip("_.")[:60].strip("_.") or "student"
    if name.split(".")[0].upper() in _WINDOWS:
        name = f"_{name}"
    if name != student:  # so that it depends on this student alone
        name = f"{name}-{hashlib.sha256(student.encode('utf-8', 'replace')).hexdigest()[:8]}"
    number, unique = 1, name
    while unique.casefold() in taken:
        number += 1
        unique = f"{name}_{number}"
    return unique


_NUMBERED = (*map("COM{}".format, range(1, 10)), *map("LPT{}".format, range(1, 10)))
_WINDOWS = {"CON", "PRN", "AUX", "NUL", *_NUMBERED}
