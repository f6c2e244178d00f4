"""The roster: a CSV of the class, read leniently, by which names and LMS ids become the course's own ids."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from pathlib import Path

import msgspec

from grader.classroom.entries import tidy
from grader.errors import UsageError

_ID = ("id", "sid", "student id", "student_id", "sis user id", "id number", "identifier", "number", "username", "login")
_NAME = ("name", "full name", "student", "student name", "full_name")
_FIRST = ("first name", "first_name", "firstname", "given name")
_LAST = ("last name", "last_name", "lastname", "surname", "family name")
_EMAIL = ("email", "email address", "e-mail", "mail")
_SIS = ("sis user id", "sis id", "sis_user_id", "sis_id")
_ALIAS = re.compile(
    r"(?:^|[ _-])(?:id|ids|sid|login|username|user|email|e-mail|mail|identifier|participant|number)(?:[ _-]|$)"
)


class Member(msgspec.Struct, frozen=True):
    """One student of the roster."""

    student: str
    name: str
    email: str = ""
    aliases: tuple[str, ...] = ()
    late_days: int | None = None
    sis: str | None = None  # Canvas's SIS id; None: there is no such column


class Roster:
    """Finds members by any id that the CSV holds, or by name where that name is one student's alone."""

    def __init__(self, members: list[Member]) -> None:
        self.members = members
        self._by_alias: dict[str, set[str]] = {}
        self._by_name: dict[str, set[str]] = {}
        self._members = {member.student: member for member in members}
        for member in members:
            for alias in (member.student, member.email, *member.aliases):
                if alias:
                    self._by_alias.setdefault(_fold(alias), set()).add(member.student)
            for key in name_keys(member.name):
                self._by_name.setdefault(key, set()).add(member.student)

    def find(self, ids: tuple[str, ...], name: str, email: str = "") -> Member | None:
        """Return the member that these mean, or None where nobody or more than one is meant."""
        for id_ in (*ids, email):
            found = self._by_alias.get(_fold(id_), set()) if id_ else set()
            if len(found) == 1:
                return self._members[next(iter(found))]
        local = _fold(email.partition("@")[0]) if email else ""
        if local and len(found := self._by_alias.get(local, set())) == 1:
            return self._members[next(iter(found))]
        for key in name_keys(name):
            found = self._by_name.get(key, set())
            if len(found) == 1:
                return self._members[next(iter(found))]
        return None


def name_keys(name: str) -> list[str]:
    """Return what a name may be compared by: its letters as they stand, and with the last or the first name in front.

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
    return list(dict.fromkeys(key for form in forms if (key := _letters(form))))


def _letters(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in decomposed if character.isalnum())


def _fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def read(path: Path) -> Roster:
    """Read a roster: a header row, then a student a row. Raises `UsageError` with the row where it can't be used."""
    try:
        text = _decoded(path.read_bytes())
    except OSError as error:
        raise UsageError(f"the roster {path} can't be read: {error.strerror}") from error
    try:
        dialect: type[csv.Dialect] = csv.Sniffer().sniff(text.partition("\n")[0], delimiters=",;\t")
    except csv.Error:
        dialect = csv.excel
    rows = list(csv.reader(io.StringIO(text, newline=""), dialect))
    if not rows:
        raise UsageError(f"the roster {path} is empty")
    header = [_fold(cell) for cell in rows[0]]
    columns = {
        what: next((header.index(name) for name in names if name in header), None)
        for what, names in (
            ("id", _ID),
            ("name", _NAME),
            ("first", _FIRST),
            ("last", _LAST),
            ("email", _EMAIL),
            ("sis", _SIS),
        )
    }
    if columns["id"] is None and columns["email"] is None:
        raise UsageError(f"the roster {path} has no column `id` (its first row is: {', '.join(rows[0][:8])})")
    aliases = [index for index, name in enumerate(header) if _ALIAS.search(name)]
    late = header.index("late_days") if "late_days" in header else None
    members: dict[str, Member] = {}
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        member = _member(row, columns, aliases, late)
        if not member.student:
            continue  # Canvas's gradebook has rows that are nobody, such as `Points Possible`
        if member.student in members:
            raise UsageError(f"the roster {path} names {member.student!r} twice (row {number})")
        members[member.student] = member
    if not members:
        raise UsageError(f"the roster {path} has a header row and no students below it")
    return Roster(list(members.values()))


def _decoded(data: bytes) -> str:
    """Return the text as spreadsheets write it: UTF-8, Excel's 'Unicode text', or an old Western file."""
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _member(row: list[str], columns: dict[str, int | None], aliases: list[int], late: int | None) -> Member:
    def cell(index: int | None) -> str:
        return row[index].strip() if index is not None and index < len(row) else ""

    name = cell(columns["name"]) or f"{cell(columns['first'])} {cell(columns['last'])}".strip()
    days = cell(late)
    own = [cell(index) for index in aliases]
    own += [value.removeprefix("Participant ").strip() for value in own if value.startswith("Participant ")]
    return Member(
        student=cell(columns["id"]) or cell(columns["email"]),
        name=tidy(name),
        email=cell(columns["email"]),
        aliases=tuple(dict.fromkeys(filter(None, own))),
        sis=cell(columns["sis"]) if columns["sis"] is not None else None,
        late_days=int(days) if days.isdecimal() and len(days) < 5 else None,
    )
