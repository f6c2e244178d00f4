"""What graders do: each action is checked against what its page has shown, and written in one piece
or not at all."""

from __future__ import annotations

import math
import random
import secrets
from collections.abc import Callable, Iterable
from itertools import filterfalse, repeat
from typing import Any, TypeVar

import msgspec

from grader.classroom.marks.decisions import (
    CHECK_OF,
    DECISION,
    ITEM,
    REQUEST,
    SCALE,
    SECOND,
    SHARE,
    SPLIT,
    Change,
    Decision,
    Item,
    RegradeRequest,
    Scale,
    decoded,
    key_of,
)
from grader.desk.desk import Desk
from grader.desk.pages.list_page import DRAWN
from grader.desk.snapshot import Part, StudentWork
from grader.desk.view import Group, View
from grader.desk.web.bodies import (
    ActionResult,
    Ask,
    Decide,
    Draw,
    EditItem,
    Nothing,
    RequestAnswer,
    SetScale,
    Share,
    Split,
)
from grader.errors import Outdated, UsageError
from grader.text import clean

TEXT_LIMIT = 2_000  # characters of an item
COMMENT_LIMIT = 10_000
MOST_ITEMS = 100  # of one part
MOST_POINTS = 1_000_000.0

B = TypeVar("B", bound=msgspec.Struct)


def decide(desk: Desk, who: str, body: Decide) -> ActionResult:
    """Change a decision for all students of a group."""
    view = desk.view()
    part = part_of(view, body.part)
    group = group_of(view, part, body.group)
    if body.second:
        return _second(desk, view, who, body, group)
    _must_be_seen(desk, group, body.version)
    changes = []
    now = _changed(view, group.decision, body, part)
    for work in group.works:
        value = _as_written(now, work, who)
        changes.append(_change(desk, DECISION, key_of(part.id, work.student), value))
    desk.journal.write(who, _what(body, view, part), changes)
    return ActionResult()


def _as_written(now: Decision | None, work: StudentWork, who: str) -> bytes | None:
    """Return a decision as the journal has it: of the work that was seen, by the one who made
    it.
    """
    if now is None:
        return None
    return msgspec.json.encode(msgspec.structs.replace(now, seen=work.seen, who=who))


def _change(desk: Desk, kind: str, key: str, value: bytes | None) -> Change:
    """Return a change of a record, whatever its present version is."""
    return Change(kind=kind, key=key, value=value, version=desk.journal.record(kind, key).version)


def _must_be_seen(desk: Desk, group: Group, version: int) -> None:
    """Raise `Outdated` if anything about a group was written after the version that a page has
    shown.
    """
    if group.version != version:
        raise Outdated(desk.journal.author(group.version), DECISION, group.part.title)


def _changed(view: View, before: Decision | None, body: Decide, part: Part) -> Decision | None:
    """Return a decision as it is after the action; None for none."""
    if body.clear:
        return None
    now = before or Decision(done=False)
    if body.bare:
        now = Decision(comment=now.comment)
    if body.item:
        item = view.book.items.get(body.item)
        if item is None or item.part != part.id:
            raise UsageError("this item is no longer in the rubric: look at it again")
        chosen = [id_ for id_ in now.items if id_ != body.item]
        if body.item not in now.items:
            chosen.append(body.item)
        now = msgspec.structs.replace(now, items=tuple(chosen), done=True)
    if body.add is not None:
        now = msgspec.structs.replace(now, add=bounded(body.add), done=True)
    if body.comment is not None:
        comment = clean(body.comment.strip(), COMMENT_LIMIT)
        now = msgspec.structs.replace(now, comment=comment)
    if body.done is not None:
        now = msgspec.structs.replace(now, done=body.done)
    if not (now.done or now.comment):
        return None
    if part.id.startswith(CHECK_OF) and not (now.items or now.add or now.comment):
        return None
    return now


def _what(body: Decide, view: View, part: Part) -> str:
    """Return an action in a few words, for the journal."""
    if body.clear:
        return f"{part.title}: taken back"
    if body.item:
        return f"{part.title}: item {view.book.items[body.item].text[:60]!r}"
    if body.comment is not None:
        return f"{part.title}: comment"
    if body.add is not None:
        return f"{part.title}: {body.add:+g} points"
    return f"{part.title}: graded" if body.done is not False else f"{part.title}: not graded"


def _second(desk: Desk, view: View, who: str, body: Decide, group: Group) -> ActionResult:
    """Write a second reading, which changes no mark."""
    part = group.part
    key = key_of(part.id, group.token, who)
    record = desk.journal.record(SECOND, key)
    if record.version != body.version:
        raise Outdated(who, SECOND, part.title)
    before = decoded(record.value, Decision) if record.value else None
    now = _changed(view, before, body, part)
    value = _as_written(now, group.works[0], who)
    change = Change(kind=SECOND, key=key, value=value, version=record.version)
    desk.journal.write(who, f"second reading of {part.title}", [change])
    return ActionResult()


def edit_item(desk: Desk, who: str, body: EditItem) -> ActionResult:
    """Make, change or remove an item: it acts on everybody who has it."""
    view = desk.view()
    part = part_of(view, body.part)
    id_ = body.item or secrets.token_hex(6)
    present = view.book.items.get(id_)
    if body.item and (present is None or present.part != part.id):
        raise UsageError("this item is no longer in the rubric: look at it again")
    if body.remove:
        change = Change(kind=ITEM, key=id_, value=None, version=body.version)
        desk.journal.write(who, f"{part.title}: item removed", [change])
        return ActionResult()
    text = clean(" ".join(body.text.split()), TEXT_LIMIT)
    if not text:
        raise UsageError("an item needs a text: the student reads it")
    own = view.items(part)
    if present is None and len(own) >= MOST_ITEMS:
        raise UsageError(f"a rubric holds at most {MOST_ITEMS} items")
    behind = max((item.order for _, item in own), default=0.0) + 1.0
    order = present.order if present is not None else behind
    item = Item(part=part.id, text=text, points=bounded(body.points), order=order)
    what = f"{part.title}: item {text[:60]!r}, {item.points:+g}"
    change = Change(kind=ITEM, key=id_, value=msgspec.json.encode(item), version=body.version)
    desk.journal.write(who, what, [change])
    return ActionResult(item=id_)


def set_scale(desk: Desk, who: str, body: SetScale) -> ActionResult:
    """Say how items become points."""
    part = part_of(desk.view(), body.part)
    floor = None if body.floor is None else bounded(body.floor)
    ceiling = None if body.ceiling is None else bounded(body.ceiling)
    if floor is not None and ceiling is not None and floor > ceiling:
        raise UsageError(f"the least, {floor:g}, is more than the most, {ceiling:g}")
    scale = Scale(from_full=body.from_full, floor=floor, ceiling=ceiling)
    change = Change(kind=SCALE, key=part.id, value=msgspec.json.encode(scale), version=body.version)
    desk.journal.write(who, f"{part.title}: how points are counted", [change])
    return ActionResult()


def split(desk: Desk, who: str, body: Split) -> ActionResult:
    """Take students out of a group, or put them back."""
    view = desk.view()
    part = part_of(view, body.part)
    group = group_of(view, part, body.group)
    _must_be_seen(desk, group, body.version)
    wanted = group.students
    if body.student:
        student = view.snapshot.student_tokens.get(body.student)
        name = student.entry.student if student is not None else None
        wanted = [name] if name in wanted else []
    if not wanted:
        raise UsageError("this student is not in the group: look at it again")
    value = None if body.join else msgspec.json.encode(True)
    changes = [_change(desk, SPLIT, key_of(part.id, name), value) for name in wanted]
    desk.journal.write(who, f"{part.title}: {'put back' if body.join else 'taken out'}", changes)
    return ActionResult()


def share(desk: Desk, who: str, body: Share) -> ActionResult:
    """Share a part out."""
    part = part_of(desk.view(), body.part)
    given = filter(None, map(str.strip, body.graders[:50]))
    names = tuple(map(clean, given, repeat(60)))
    unknown = list(filterfalse(desk.graders.__contains__, names))
    if unknown:
        known = ", ".join(desk.graders)
        raise UsageError(f"{unknown[0]!r} is not a grader at this desk: there are {known}")
    value = msgspec.json.encode(names) if names else None
    change = Change(kind=SHARE, key=key_of(part.id), value=value, version=body.version)
    desk.journal.write(who, f"{part.title}: shared out", [change])
    return ActionResult()


def ask(desk: Desk, who: str, body: Ask) -> ActionResult:
    """Write down a request; a later one of the same student for the same part takes its place."""
    view = desk.view()
    part = part_of(view, body.part)
    student = view.snapshot.student_tokens.get(body.student)
    text = clean(body.text.strip(), COMMENT_LIMIT)
    if student is None or student.entry.student not in part.works:
        raise UsageError("this student has nothing there that could be graded again")
    if not text:
        raise UsageError("write down what the student asks for")
    add_requests(desk, who, [(part, student.entry.student, text)])
    return ActionResult()


def add_requests(desk: Desk, who: str, wanted: Iterable[tuple[Part, str, str]]) -> None:
    """Write requests: part, student and text of each."""
    changes = {}
    for part, student, text in wanted:
        key, value = key_of(part.id, student), msgspec.json.encode(RegradeRequest(text=text))
        changes[key] = _change(desk, REQUEST, key, value)
    desk.journal.write(who, "requests for a regrade", list(changes.values()))


def answer(desk: Desk, who: str, body: RequestAnswer) -> ActionResult:
    """Decide on a request: points are given by the decision itself."""
    view = desk.view()
    part = part_of(view, body.part)
    student = view.snapshot.student_tokens.get(body.student)
    key = key_of(part.id, student.entry.student) if student is not None else ""
    request = view.requests.get((part.id, student.entry.student)) if student is not None else None
    if request is None:
        raise UsageError("there is no such request: look at it again")
    state = "granted" if body.granted else "declined"
    now = msgspec.structs.replace(
        request, state=state, reply=clean(body.reply.strip(), COMMENT_LIMIT)
    )
    change = Change(kind=REQUEST, key=key, value=msgspec.json.encode(now), version=body.version)
    desk.journal.write(who, f"{part.title}: request {state}", [change])
    return ActionResult()


def draw(desk: Desk, who: str, body: Draw) -> ActionResult:
    """Draw graded groups for a second reading."""
    view = desk.view()
    part = part_of(view, body.part)
    graded = [group.token for group in view.groups(part) if group.points is not None]
    if not graded:
        raise UsageError("no answer to this question is graded yet: a second reading needs a first")
    chosen = random.SystemRandom().sample(graded, min(max(body.count, 1), len(graded)))
    change = _change(desk, SECOND, key_of(part.id, DRAWN), msgspec.json.encode(chosen))
    desk.journal.write(who, f"{part.title}: {len(chosen)} drawn for a second reading", [change])
    return ActionResult()


def undo(desk: Desk, who: str, body: Nothing) -> ActionResult:
    """Take back the last thing that this grader did."""
    line = desk.journal.undo(who)
    if line is None:
        return ActionResult(message="There is nothing of yours to undo.")
    return ActionResult(
        message=f"Undone: {line.what}.", undone=_page_of(desk.view(), line.kind, line.key)
    )


def _page_of(view: View, kind: str, key: str) -> str:
    """Return the page on which a record is seen, if there is one."""
    if kind not in (DECISION, SPLIT):
        return ""
    part_id, student = msgspec.json.decode(key, type=tuple[str, str])
    part = view.snapshot.part_ids.get(part_id)
    return view.page_of(part, student) if part is not None else ""


def part_of(view: View, token: str) -> Part:
    """Return a part by its token; raise `UsageError` if there is none."""
    part = view.snapshot.part_tokens.get(token)
    if part is None:
        raise UsageError("there is no such question in this class: go back to the overview")
    return part


def group_of(view: View, part: Part, token: str) -> Group:
    """Return a group by its token likewise."""
    group = view.group(part, token)
    if group is None:
        raise UsageError("these answers are no longer one group: go back to the question")
    return group


def bounded(points: float) -> float:
    """Return points that can be given; raise `UsageError` for others."""
    if not math.isfinite(points) or abs(points) > MOST_POINTS:
        raise UsageError(f"{points:g} can't be given as points: give a number")
    return round(points, 4)


ACTIONS: dict[str, tuple[type[msgspec.Struct], Callable[[Desk, str, Any], ActionResult]]] = {
    "decide": (Decide, decide),
    "item": (EditItem, edit_item),
    "scale": (SetScale, set_scale),
    "split": (Split, split),
    "share": (Share, share),
    "ask": (Ask, ask),
    "answer": (RequestAnswer, answer),
    "draw": (Draw, draw),
    "undo": (Nothing, undo),
}


def act(desk: Desk, who: str, name: str, body: bytes) -> ActionResult:
    """Do an action by its name; raise `UsageError` for one that is not right, `Outdated` for one
    that comes late.
    """
    found = ACTIONS.get(name)
    if found is None:
        raise UsageError("there is no such action")
    type_, do = found
    try:
        asked = msgspec.json.decode(body, type=type_)
    except msgspec.MsgspecError as error:
        raise UsageError(f"the request can't be read: {error}") from error
    with desk.lock:
        return do(desk, who, asked)
