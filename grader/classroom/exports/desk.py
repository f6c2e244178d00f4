"""What the desk holds, as files to keep: every decision as CSV, and the rubric as TOML for the next
class."""

from __future__ import annotations

import csv
import io

import msgspec
import tomli_w

from grader.classroom.marks.decisions import (
    ANSWER_OF,
    CHECK_OF,
    DECISION,
    ITEM,
    REQUEST,
    SCALE,
    SECOND,
    SHARE,
    SPLIT,
    Decision,
    Item,
    Journal,
    JournalRow,
    names_of,
)
from grader.classroom.marks.gradebook import text

COLUMNS = (
    "seq",
    "action",
    "time",
    "who",
    "what",
    "kind",
    "part",
    "student",
    "before",
    "after",
    "undoes",
)
NAMED = {DECISION: 2, REQUEST: 2, SPLIT: 2, SECOND: 3, SHARE: 1}  # names in the keys of a kind


def decisions_csv(journal: Journal) -> bytes:
    """Return the whole journal: a row for each record that was written, with what stood there
    before.
    """
    items = _all_items(journal)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in journal.all_lines():
        part, student = _named(line, items)
        before = _told(line.kind, line.before, items)
        after = _told(line.kind, line.after, items)
        undoes = "" if line.undoes is None else str(line.undoes)
        head = [str(line.seq), str(line.action), line.time]
        rest = map(text, (line.who, line.what, line.kind, part, student, before, after, undoes))
        writer.writerow([*head, *rest])
    return buffer.getvalue().encode("utf-8", "replace")


def _named(line: JournalRow, items: dict[str, Item]) -> tuple[str, str]:
    """Return the part and the student that a row is about."""
    if line.kind in NAMED:
        names = names_of(line.key)
        return _part(names[0]), names[1] if len(names) > 1 else ""
    if line.kind == ITEM:
        return _part(items[line.key].part) if line.key in items else "", ""
    return _part(line.key) if line.kind == SCALE else "", ""


def _part(id_: str) -> str:
    return id_.removeprefix(ANSWER_OF).removeprefix(CHECK_OF)


def _all_items(journal: Journal) -> dict[str, Item]:
    """Return every item that there ever was, as it was last."""
    found = {}
    for line in journal.all_lines():
        if line.kind == ITEM and line.after is not None:
            found[line.key] = msgspec.json.decode(line.after, type=Item)
    return found


def _told(kind: str, value: bytes | None, items: dict[str, Item]) -> str:
    """Return a value as a cell: of a decision, the texts of its items in the place of their ids."""
    if value is None:
        return ""
    if kind not in (DECISION, SECOND):
        return value.decode("utf-8", "replace")
    try:
        decision = msgspec.json.decode(value, type=Decision)
    except msgspec.MsgspecError:
        return value.decode("utf-8", "replace")
    parts = []
    for item in filter(None, map(items.get, decision.items)):
        parts.append(f"{item.text} ({item.points:+g})")
    if decision.add:
        parts.append(f"{decision.add:+g}")
    if decision.comment:
        parts.append(decision.comment)
    return "; ".join(parts) or ("graded, no item" if decision.done else "")


def rubric_toml(journal: Journal) -> bytes:
    """Return the rubric as tables of an ``assignment.toml``, for the next class."""
    items = sorted(
        journal.values(ITEM, Item).items(), key=lambda pair: (pair[1].part, pair[1].order, pair[0])
    )
    tables = []
    for _, item in items:
        tables.append({"part": _part(item.part), "text": item.text, "points": item.points})
    head = "# Tables for assignment.toml: what graders gave and took points for.\n"
    return (head + (tomli_w.dumps({"rubric": tables}) if tables else "")).encode()
