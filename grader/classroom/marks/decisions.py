"""What people decide on a class: kept in an append-only journal, and merged with the verdicts of
programs.

Theory of operation. ``desk.sqlite3`` in the class's folder holds two tables. ``journal`` has a
row for each change: who, when, what, the value before and the value after. Rows are only added;
triggers refuse anything else. ``records`` holds the present values, each with the number of the
journal's row that wrote it, its version. Both are written in one transaction, which is on the
disk when it returns: a process that is killed loses nothing that it has confirmed. A write names
the version that its author has seen; if another write came between, it is refused, and nothing is
written. Undo is a write like any other, of the earlier values.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import TypeVar

import msgspec

from grader.errors import GraderFault, Outdated, UsageError

NAME = "desk.sqlite3"
SCHEMA = 1
APPLICATION = 0x67726472  # marks the file as ours
BUSY_SECONDS = 10.0

_TABLES = """
CREATE TABLE IF NOT EXISTS journal (
    seq INTEGER PRIMARY KEY,
    action INTEGER NOT NULL,  -- the first row of those that one action wrote
    time TEXT NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    before BLOB,
    after BLOB,
    version INTEGER NOT NULL,  -- of the value before
    undoes INTEGER  -- the action that this one takes back
);
CREATE TABLE IF NOT EXISTS records (
    kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB, version INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS journal_action ON journal (action);
CREATE TRIGGER IF NOT EXISTS journal_keeps BEFORE UPDATE ON journal BEGIN
    SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER IF NOT EXISTS journal_stays BEFORE DELETE ON journal BEGIN
    SELECT RAISE(ABORT, 'the journal only grows'); END;
"""

T = TypeVar("T")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A new value of a record; None removes it. ``version`` is the one that its author has seen, 0
    for none.
    """

    kind: str
    key: str
    value: bytes | None
    version: int


class Record(msgspec.Struct, frozen=True):
    """A present value and the number of the journal's row that wrote it."""

    value: bytes | None
    version: int


class JournalRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the journal."""

    seq: int
    action: int
    time: str
    who: str
    what: str
    kind: str
    key: str
    before: bytes | None
    after: bytes | None
    version: int
    undoes: int | None = None


class Journal:
    """The store, open. Threads may share it."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Open the file; raise `UsageError` if it is not there, or is not one of ours."""
        self.path = path
        self._lock = threading.RLock()
        try:
            self._base = _opened(path, create=create)
            self._records = self._read()
        except sqlite3.Error as error:
            raise UsageError(
                f"{path} can't be read as the desk's journal ({error}): lay back a copy of it"
            ) from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._base.close()

    def _read(self) -> dict[str, dict[str, Record]]:
        found: dict[str, dict[str, Record]] = {}
        for kind, key, value, version in self._base.execute(
            "SELECT kind, key, value, version FROM records"
        ):
            found.setdefault(kind, {})[key] = Record(value, version)
        return found

    # --- present values -------------------------------------------------------------------------

    def record(self, kind: str, key: str) -> Record:
        """Return a record; one that was never written has no value and version 0."""
        return self._records.get(kind, {}).get(key, Record(None, 0))

    def records(self, kind: str) -> dict[str, Record]:
        """Return all records of a kind that have a value, by their keys."""
        with self._lock:
            own = self._records.get(kind, {})
            return {key: record for key, record in own.items() if record.value is not None}

    def values(self, kind: str, type_: type[T]) -> dict[str, T]:
        """Return the values of a kind, decoded."""
        found = {}
        for key, record in self.records(kind).items():
            if record.value:
                found[key] = decoded(record.value, type_)
        return found

    @property
    def last(self) -> int:
        """The number of the last row."""
        with self._lock:
            row = self._base.execute("SELECT max(seq) FROM journal").fetchone()
        return row[0] or 0

    def every_record(self, kind: str) -> dict[str, Record]:
        """Return all records of a kind by their keys, with those that have no value any more."""
        with self._lock:
            return dict(self._records.get(kind, {}))

    # --- writing --------------------------------------------------------------------------------

    def write(
        self, who: str, what: str, changes: Sequence[Change], *, undoes: int | None = None
    ) -> int:
        """Write changes, all or none, and return the action's number.

        Raises `Outdated` if a record has another version than its change says.
        """
        if not changes:
            return 0
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._lock:
            for change in changes:
                present = self.record(change.kind, change.key)
                if present.version != change.version:
                    raise Outdated(self.author(present.version), change.kind, change.key)
            try:
                written = self._commit((time, who, what, undoes), changes)
            except sqlite3.Error as error:
                self._base.rollback()
                raise GraderFault(f"nothing was written to {self.path}: {error}") from error
            for seq, change in written:
                self._records.setdefault(change.kind, {})[change.key] = Record(change.value, seq)
        return written[0][0]

    def _commit(
        self, head: tuple[str, str, str, int | None], changes: Sequence[Change]
    ) -> list[tuple[int, Change]]:
        """Write the rows in one transaction."""
        time, who, what, undoes = head
        written: list[tuple[int, Change]] = []
        base = self._base
        base.execute("BEGIN IMMEDIATE")
        action = (base.execute("SELECT max(seq) FROM journal").fetchone()[0] or 0) + 1
        for seq, change in enumerate(changes, start=action):
            before = self.record(change.kind, change.key)
            base.execute(
                "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    seq,
                    action,
                    time,
                    who,
                    what,
                    change.kind,
                    change.key,
                    before.value,
                    change.value,
                    before.version,
                    undoes,
                ),
            )
            base.execute(
                "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)",
                (change.kind, change.key, change.value, seq),
            )
            written.append((seq, change))
        base.commit()
        return written

    def take(self, other: Journal) -> None:
        """Write the actions of another journal behind those of this one, with their authors and
        times.

        A record that both hold keeps the value of this one: items of the assignment, for example.
        """
        known = {kind: set(own) for kind, own in self._records.items()}
        actions: dict[int, list[JournalRow]] = {}
        for line in other.all_lines():
            if line.key not in known.get(line.kind, ()):
                actions.setdefault(line.action, []).append(line)
        numbers: dict[int, int] = {}
        for number, lines in actions.items():
            first = lines[0]
            undoes = numbers.get(first.undoes) if first.undoes is not None else None
            changes = [
                Change(kind=line.kind, key=line.key, value=line.after, version=0) for line in lines
            ]
            written = self._commit((first.time, first.who, first.what, undoes), changes)
            numbers[number] = written[0][0]
            for seq, change in written:
                self._records.setdefault(change.kind, {})[change.key] = Record(change.value, seq)

    def undo(self, who: str) -> JournalRow | None:
        """Take back a person's last action that is still valid; return its first row, or None.

        Raises `Outdated` if somebody has changed the same record since.
        """
        with self._lock:
            found = self._base.execute(
                "SELECT max(action) FROM journal WHERE who = ? AND undoes IS NULL "
                "AND action NOT IN (SELECT undoes FROM journal WHERE undoes IS NOT NULL)",
                (who,),
            ).fetchone()[0]
            if found is None:
                return None
            lines = self._lines("WHERE action = ? ORDER BY seq", (found,))
            changes = [self._taken_back(line) for line in lines]
            self.write(who, f"undo: {lines[0].what}", changes, undoes=found)
            return lines[0]

    def _taken_back(self, line: JournalRow) -> Change:
        """Return the change that takes a row back; raise `Outdated` if its value is gone."""
        present = self.record(line.kind, line.key).version
        if self._stands_for(line.kind, line.key, present) != line.seq:
            raise Outdated(self.author(present), line.kind, line.key)
        return Change(kind=line.kind, key=line.key, value=line.before, version=present)

    def _stands_for(self, kind: str, key: str, version: int) -> int:
        """Return the row whose value a version holds: an undo brings back the row before the one it
        takes back.
        """
        while version:
            row = self._base.execute(
                "SELECT undone.version FROM journal undo "
                "JOIN journal undone ON undone.action = undo.undoes AND undone.kind = undo.kind "
                "AND undone.key = undo.key WHERE undo.seq = ?",
                (version,),
            ).fetchone()
            if row is None:
                return version
            version = row[0]
        return 0

    # --- the past -------------------------------------------------------------------------------

    def author(self, version: int) -> str:
        """Return who wrote a version; nothing if there is none."""
        with self._lock:
            row = self._base.execute("SELECT who FROM journal WHERE seq = ?", (version,)).fetchone()
        return row[0] if row else ""

    def lines(self, *, before: int | None = None, limit: int = 200) -> list[JournalRow]:
        """Return rows of the journal, the last one first; ``before`` is the number of a row."""
        where, values = ("WHERE seq < ?", (before, limit)) if before else ("", (limit,))
        return self._lines(f"{where} ORDER BY seq DESC LIMIT ?", values)

    def since(self, seq: int) -> list[JournalRow]:
        """Return the rows that were written after a row."""
        return self._lines("WHERE seq > ? ORDER BY seq", (seq,))

    def all_lines(self) -> list[JournalRow]:
        """Return the whole journal, from its beginning."""
        return self._lines("ORDER BY seq", ())

    def _lines(self, rest: str, values: tuple[object, ...]) -> list[JournalRow]:
        names = ", ".join(JournalRow.__struct_fields__)
        with self._lock:
            query = f"SELECT {names} FROM journal {rest}"  # noqa: S608 - all of it is ours
            rows = self._base.execute(query, values).fetchall()
        return [
            msgspec.convert(dict(zip(JournalRow.__struct_fields__, row, strict=True)), JournalRow)
            for row in rows
        ]

    # --- settings -------------------------------------------------------------------------------

    def setting(self, name: str) -> bytes | None:
        """Return a setting, which is not a decision and stands in no journal."""
        with self._lock:
            row = self._base.execute(
                "SELECT value FROM settings WHERE name = ?", (name,)
            ).fetchone()
        return row[0] if row else None

    def set(self, name: str, value: bytes) -> None:
        """Write a setting."""
        with self._lock:
            self._base.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))
            self._base.commit()


def _opened(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open the file and see whether it is one of ours; make it if that is asked for."""
    fresh = not path.exists()
    if fresh and not create:
        raise UsageError(f"{path} does not exist: no decisions were made at a desk")
    if fresh:
        path.touch(mode=0o600)  # it holds the desk's key
    base = sqlite3.connect(
        path, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None
    )
    try:
        _verified(base, path)
    except BaseException:
        base.close()
        raise
    return base


def _verified(base: sqlite3.Connection, path: Path) -> None:
    """Make the tables of a new file; raise `UsageError` for a file that is not one of ours."""
    # A rollback journal: the file alone is whole at any time, and works in network folders too.
    base.execute("PRAGMA journal_mode = DELETE")
    base.execute("PRAGMA synchronous = FULL")
    if base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        base.executescript(
            f"BEGIN IMMEDIATE; {_TABLES} PRAGMA application_id = {APPLICATION}; "
            f"PRAGMA user_version = {SCHEMA}; COMMIT;"
        )
    if base.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        raise UsageError(f"{path} is a database of another program: move it away")
    found = base.execute("PRAGMA user_version").fetchone()[0]
    if found != SCHEMA:
        raise UsageError(
            f"{path} has schema {found}, this grader reads {SCHEMA}: use the grader that wrote it"
        )


# --- what is decided ----------------------------------------------------------------------------


class Item(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An item of a rubric: its text is what the student reads, its points are added or, below 0,
    taken away.
    """

    part: str
    text: str
    points: float
    order: float = 0.0


class Scale(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How items become points; None means: by what the items and the part say."""

    from_full: bool | None = None  # whether points are taken away from the maximum, or added to 0
    floor: float | None = None
    ceiling: float | None = None


class Decision(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What one person gave for one part of one student's work."""

    items: tuple[str, ...] = ()  # ids
    add: float = 0.0  # of this student alone
    comment: str = ""  # Markdown, which the student reads
    done: bool = True  # whether it is graded: a comment alone does not make it so
    seen: str = ""  # digest of the answer, or of the check's result, that was read
    who: str = ""


class RegradeRequest(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A student's request that a part be graded again."""

    text: str
    state: str = "open"  # or "granted", "declined"
    reply: str = ""


ITEM, SCALE, DECISION, REQUEST, SPLIT, SHARE, SECOND = (
    "item",
    "scale",
    "decision",
    "request",
    "split",
    "share",
    "second",
)
ANSWER_OF, CHECK_OF = "answer:", "check:"


def key_of(*names: str) -> str:
    """Return the key of a record: names of any kind as one text."""
    return msgspec.json.encode(names).decode()


def names_of(key: str) -> tuple[str, ...]:
    """Return the names that a key was made of."""
    return msgspec.json.decode(key, type=tuple[str, ...])


def decoded(value: bytes | None, type_: type[T]) -> T:
    """Return a record's value; raise `GraderFault` if it is not of that type."""
    try:
        return msgspec.json.decode(value or b"null", type=type_)
    except msgspec.MsgspecError as error:
        raise GraderFault(f"a record of the desk is damaged: {error}") from error


def item_id(part: str, text: str) -> str:
    """Return the id of an item that the assignment brings: the same in each class."""
    return hashlib.sha256(key_of(part, text).encode()).hexdigest()[:12]


def seen_answer(text: str, pictures: Iterable[str]) -> str:
    """Return the digest of an answer, by which a decision knows whether it was this one."""
    whole = hashlib.sha256(text.encode("utf-8", "replace"))
    for picture in pictures:
        whole.update(b"\0" + picture.encode("utf-8", "replace"))
    return whole.hexdigest()[:16]


def seen_check(points: float, max_points: float, status: str, fingerprint: str) -> str:
    """Return the digest of a check's result likewise."""
    return hashlib.sha256(
        key_of(f"{points:g}", f"{max_points:g}", status, fingerprint).encode()
    ).hexdigest()[:16]


def from_full(scale: Scale, items: Iterable[Item]) -> bool:
    """Tell whether points are taken away from the maximum, as is said or as all items do."""
    if scale.from_full is not None:
        return scale.from_full
    points = filter(None, map(attrgetter("points"), items))
    return max(points, default=0.0) < 0


def total(scale: Scale, base: float, given: Iterable[float], most: float) -> float:
    """Return the points: what stands at the beginning, what is given, held between floor and
    ceiling.
    """
    points = base + sum(given)
    ceiling = scale.ceiling if scale.ceiling is not None else (most or None)
    if ceiling is not None:
        points = min(points, ceiling)
    return round(max(points, scale.floor or 0.0), 4)
