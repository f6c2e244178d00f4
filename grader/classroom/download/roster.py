"""The roster: a CSV of the class, read leniently, by which names and LMS ids become the course's
own ids.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Sequence
from itertools import filterfalse, repeat
from operator import itemgetter
from pathlib import Path

import msgspec

from grader.classroom.download.students import tidy
from grader.errors import UsageError

_ID = (
    "id",
    "sid",
    "student id",
    "student_id",
    "sis user id",
    "id number",
    "identifier",
    "number",
    "username",
    "login",
)
_NAME = ("name", "full name", "student name", "full_name")
_FIRST = ("first name", "first_name", "firstname", "given name")
_LAST = ("last name", "last_name", "lastname", "surname", "family name")
_EMAIL = ("email", "email address", "e-mail", "mail")
_SIS = ("sis user id", "sis id", "sis_user_id", "sis_id")
_GROUP = ("group", "group name", "group_name", "groups", "team", "team name")
_ALIAS = re.compile(
    r"(?:^|["
    r" _-])(?:id|ids|sid|login|username|user|email|e-mail|mail|identifier|participant|number)(?:["
    r" _-]|$)"
)
_LMS_COLUMNS = {  # how a column is called that holds an LMS's own numbers
    "moodle": re.compile(r"moodle|participant"),
    "canvas": re.compile(r"canvas"),
    "brightspace": re.compile(r"brightspace|d2l"),
    "": re.compile(r"(?:^|[ _])lms(?:[ _]|$)"),
}


class RosterMember(msgspec.Struct, frozen=True):
    """One student of the roster."""

    student: str
    name: str
    email: str = ""
    aliases: tuple[str, ...] = ()
    late_days: int | None = None
    sis: str | None = None  # Canvas's SIS id; None: there is no such column
    lms_ids: tuple[tuple[str, str], ...] = ()  # layout, or nothing for any; the LMS's own number
    group: str = ""
    section: str = ""


class Roster:
    """The members, by any id that the CSV holds, by an LMS's own number, or by name: each may mean
    several.
    """

    def __init__(self, members: list[RosterMember]) -> None:
        self.members = members
        self._by_id: dict[str, set[str]] = {}
        self._by_name: dict[str, set[str]] = {}
        self._by_lms: dict[tuple[str, str], set[str]] = {}
        self._members: dict[str, RosterMember] = {}
        self._groups: dict[str, list[str]] = {}
        for member in members:
            self._members[member.student] = member
            for alias in filter(None, (member.student, member.email, *member.aliases)):
                self._by_id.setdefault(_fold(alias), set()).add(member.student)
            for key in name_keys(member.name):
                self._by_name.setdefault(key, set()).add(member.student)
            for layout, number in member.lms_ids:
                self._by_lms.setdefault((layout, _fold(number)), set()).add(member.student)
            if member.group:
                self._groups.setdefault(_letters(member.group), []).append(member.student)

    def member(self, student: str) -> RosterMember:
        """Return a member by the id that the gradebook uses."""
        return self._members[student]

    def has(self, student: str) -> bool:
        """Tell whether a member has this as the id that the gradebook uses."""
        return student in self._members

    def with_id(self, id_: str) -> frozenset[str]:
        """Return the students of whom this is an id of the course."""
        return frozenset(self._by_id.get(_fold(id_), ())) if id_ else frozenset()

    def knows(self, layout: str) -> bool:
        """Tell whether the roster has a column of this LMS's own numbers."""
        return any(own in (layout, "") for own, _ in self._by_lms)

    def with_lms_id(self, layout: str, number: str) -> frozenset[str]:
        """Return the students of whom this is the LMS's own number."""
        folded = _fold(number)
        own = self._by_lms.get((layout, folded), set())
        return frozenset(own | self._by_lms.get(("", folded), set()))

    def has_any(self, name: str) -> bool:
        """Tell whether a student or a group is called so."""
        return bool(self.with_id(name) or self.named(name) or self.group(name))

    def group(self, name: str) -> tuple[str, ...]:
        """Return the students of a group, however its name is written."""
        return tuple(self._groups.get(_letters(name), ())) if name else ()

    def all_groups(self) -> list[tuple[str, ...]]:
        """Return the students of each group."""
        return list(map(tuple, self._groups.values()))

    def named(self, name: str) -> frozenset[str]:
        """Return the students who may be written so."""
        found: set[str] = set()
        for key in name_keys(name):
            found |= self._by_name.get(key, set())
        return frozenset(found)


def name_keys(name: str) -> list[str]:
    """Return what a name may be compared by: its letters as they stand, and with the last or the
    first name in front.

    'Jane Doe' and 'Doe, Jane' and Canvas's 'doejane' share a key.
    """
    if not name.strip():
        return []
    if "," in name:
        last, _, first = name.partition(",")
        forms = [f"{last} {first}", f"{first} {last}"]
    else:
        words = name.split()
        forms = [name, " ".join([words[-1], *words[:-1]]), " ".join([*words[1:], words[0]])]
    return list(dict.fromkeys(filter(None, map(_letters, forms))))


def agree(one: str, other: str) -> bool:
    """Tell whether two names may be one person's: the same, or one with further names than the
    other.
    """
    if set(name_keys(one)) & set(name_keys(other)):
        return True
    few, many = sorted((_words(one), _words(other)), key=len)
    if len(few) > 1:
        return few <= many
    (slug,) = few or {""}  # Canvas writes a name as one word
    return bool(slug) and len(many) > 1 and _made_of(slug, sorted(many)[:8]) > 1


def _made_of(slug: str, words: Sequence[str]) -> int:
    """Return of how many of the words a slug is put together; 0 if it is not."""
    if not slug:
        return 0
    most = 0
    for index, word in enumerate(words):
        if slug == word:
            most = max(most, 1)
        elif slug.startswith(word):
            rest = _made_of(slug[len(word) :], [*words[:index], *words[index + 1 :]])
            most = max(most, rest + 1 if rest else 0)
    return most


def _words(name: str) -> set[str]:
    return set(map(_letters, name.split())) - {""}


def _letters(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(filter(str.isalnum, decomposed))


def _fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


class _Columns(msgspec.Struct, frozen=True, kw_only=True):
    """Where the roster's columns stand."""

    id: int | None
    name: int | None
    first: int | None
    last: int | None
    email: int | None
    sis: int | None
    late: int | None
    aliases: tuple[int, ...]
    lms: tuple[tuple[str, int], ...]  # layout, or nothing for any
    identifier: int | None  # Moodle's worksheet: `Participant 17`
    group: int | None
    section: int | None


def read(path: Path) -> Roster:
    """Read a roster: a header row, then a student a row. Raises `UsageError` with the row where it
    can't be used.
    """
    rows = _rows(path)
    columns = _columns(list(map(_fold, rows[0])))
    if columns.id is None and columns.email is None:
        raise UsageError(
            f"the roster {path} has no column `id` (its first row is: {', '.join(rows[0][:8])})"
        )
    members: dict[str, RosterMember] = {}
    for number, row in enumerate(rows[1:], start=2):
        if not "".join(row).strip():
            continue
        member = _member(row, columns)
        if not member.student:
            continue  # Canvas's gradebook has rows that are nobody, such as `Points Possible`
        if member.student in members:
            raise UsageError(f"the roster {path} names {member.student!r} twice (row {number})")
        members[member.student] = member
    if not members:
        raise UsageError(f"the roster {path} has a header row and no students below it")
    return Roster(list(members.values()))


def _rows(path: Path) -> list[list[str]]:
    try:
        text = _decoded(path.read_bytes())
    except OSError as error:
        raise UsageError(f"the roster {path} can't be read: {error.strerror}") from error
    try:
        first = text.partition("\n")[0]
        dialect: type[csv.Dialect] = csv.Sniffer().sniff(first, delimiters=",;\t")
    except csv.Error:
        dialect = csv.excel
    rows = list(csv.reader(io.StringIO(text, newline=""), dialect))
    if not rows:
        raise UsageError(f"the roster {path} is empty")
    return rows


def _columns(header: list[str]) -> _Columns:
    def place(names: Sequence[str]) -> int | None:
        for name in names:
            if name in header:
                return header.index(name)
        return None

    lms: list[tuple[str, int]] = []
    for layout, pattern in _LMS_COLUMNS.items():
        lms += zip(repeat(layout), _places(header, pattern))
    if "id" in header and "section" in header and {"sis user id", "sis login id"} & set(header):
        lms.append(("canvas", header.index("id")))  # Canvas's own export, whose `ID` is its own
    if "identifier" in header:
        lms.append(("moodle", header.index("identifier")))
    id_, name, student = place(_ID), place(_NAME), place(("student",))
    if name is None and (id_ is not None or place(_FIRST) is None):
        name = student
    elif id_ is None:  # `student, name`: the first is the id
        id_ = student
    taken = set(map(itemgetter(1), lms))
    aliases = filterfalse(taken.__contains__, _places(header, _ALIAS))
    return _Columns(
        id=id_,
        name=name,
        first=place(_FIRST),
        last=place(_LAST),
        email=place(_EMAIL),
        sis=place(_SIS),
        late=place(("late_days",)),
        aliases=tuple(aliases),
        lms=tuple(lms),
        identifier=place(("identifier",)),
        group=place(_GROUP),
        section=place(("section", "sections", "tutorial", "lab")),
    )


def _places(header: list[str], pattern: re.Pattern[str]) -> list[int]:
    """Return where columns stand whose names match."""
    return [index for index, name in enumerate(header) if pattern.search(name)]


def _decoded(data: bytes) -> str:
    """Return the text as spreadsheets write it: UTF-8, Excel's 'Unicode text', or an old Western
    file.
    """
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _member(row: list[str], columns: _Columns) -> RosterMember:
    def cell(index: int | None) -> str:
        return row[index].strip() if index is not None and index < len(row) else ""

    name = cell(columns.name) or f"{cell(columns.first)} {cell(columns.last)}".strip()
    days = cell(columns.late)
    numbers = []
    for layout, index in columns.lms:
        value = cell(index)
        if columns.identifier != index or value.startswith("Participant "):
            number = value.removeprefix("Participant ").strip()
            if number:
                numbers.append((layout, number))
    return RosterMember(
        student=cell(columns.id) or cell(columns.email),
        name=tidy(name),
        email=cell(columns.email),
        aliases=tuple(dict.fromkeys(filter(None, map(cell, columns.aliases)))),
        sis=cell(columns.sis) if columns.sis is not None else None,
        late_days=int(days) if days.isdecimal() and len(days) < 5 else None,
        lms_ids=tuple(numbers),
        group=cell(columns.group),
        section=tidy(cell(columns.section)),
    )
