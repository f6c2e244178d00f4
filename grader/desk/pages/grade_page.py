"""The page on which a group of equal answers is graded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter, itemgetter

from markupsafe import Markup

from grader.classroom.marks.decisions import (
    ITEM,
    REQUEST,
    SCALE,
    SECOND,
    Decision,
    Item,
    RegradeRequest,
    Scale,
    decoded,
    from_full,
    key_of,
)
from grader.classroom.run.results import CheckRow
from grader.desk.pages.list_page import drawn_groups
from grader.desk.pages.rendering import AnswerRenderer, Shown, author_text, label
from grader.desk.snapshot import GradedStudent, Part, StudentWork
from grader.desk.view import TO_DO, Group, View
from grader.report.markup.conversion_clock import ConversionClock

SUGGESTED = 30  # comments that are offered
NAMED = 60  # students of a group that are listed


@dataclass(frozen=True)
class Choice:
    """An item of the rubric, as a button."""

    id: str
    item: Item
    text: Markup
    version: int
    chosen: bool
    key: str  # the digit that chooses it, or nothing
    holders: int  # students who have it


@dataclass(frozen=True)
class GroupMember:
    """A student of a group."""

    student: GradedStudent
    label: str
    request: RegradeRequest | None
    request_version: int


@dataclass(frozen=True)
class Grading:
    """The page on which a group is graded."""

    part: Part
    group: Group
    number: int
    of: int
    previous: str
    following: str
    next_left: str  # the next group that is to be graded, or nothing
    left: int
    answer: Shown
    asked: Markup
    model: Markup
    choices: Sequence[Choice]
    decision: Decision
    comment: Markup
    version: int
    points: float | None
    members: Sequence[GroupMember]
    more_members: int
    comments: Sequence[str]
    scale: Scale
    scale_version: int
    full: bool
    checks: Sequence[CheckRow]
    checks_of: str
    second: bool
    grader: str  # whose it is, if the part is shared out


_TOKEN: Callable[[Group], str] = attrgetter("token")


def grading(
    view: View, renderer: AnswerRenderer, group: Group, who: str, names: bool, second: bool
) -> Grading:
    """Return the page of one group."""
    part = group.part
    groups = view.groups(part)
    if second:
        drawn = drawn_groups(view, part)
        groups = [other for other in groups if other.token in drawn] or [group]
    tokens = list(map(_TOKEN, groups))
    at = tokens.index(group.token) if group.token in tokens else 0
    decision, version = _decision_shown(view, group, who, second)
    left = _left(view, groups, who, second)
    scale_record = view.journal.record(SCALE, part.id)
    scale = decoded(scale_record.value, Scale) if scale_record.value else Scale()
    items = view.items(part)
    first = view.snapshot.students[group.works[0].student]
    points = view.points(part, decision) if decision is not None and decision.done else None
    is_code = part.check is None and part.inline is not None and part.inline.code
    return Grading(
        part=part,
        group=group,
        number=at + 1,
        of=len(groups),
        previous=tokens[at - 1] if at else "",
        following=tokens[at + 1] if at + 1 < len(tokens) else "",
        next_left=_next(tokens, at, left),
        left=len(left),
        answer=renderer.answer(view, part, group.works[0], ConversionClock()),
        asked=author_text(part.inline.question) if part.inline is not None else Markup(""),
        model=author_text(part.inline.model) if part.inline is not None else Markup(""),
        choices=_choices(view, items, decision, part),
        decision=decision or Decision(done=False),
        comment=author_text(decision.comment) if decision is not None else Markup(""),
        version=version,
        points=points,
        members=[_member(view, part, work, names) for work in group.works[:NAMED]],
        more_members=max(0, group.size - NAMED),
        comments=comments(view, part),
        scale=scale,
        scale_version=scale_record.version,
        full=from_full(scale, map(itemgetter(1), items)),
        checks=first.checks if is_code else (),
        checks_of=label(first, names),
        second=second,
        grader=view.grader_of(group),
    )


def _decision_shown(
    view: View, group: Group, who: str, second: bool
) -> tuple[Decision | None, int]:
    """Return the decision that a page shows, with its version: of a second reading, the reader's
    own alone.
    """
    if not second:
        return group.decision, group.version
    record = view.journal.record(SECOND, key_of(group.part.id, group.token, who))
    return (decoded(record.value, Decision) if record.value else None), record.version


def _left(view: View, groups: Sequence[Group], who: str, second: bool) -> set[str]:
    """Return the groups that this grader is still to grade: the own ones, if the part is shared
    out.
    """
    left = set()
    for group in groups:
        if second:
            record = view.journal.record(SECOND, key_of(group.part.id, group.token, who))
            waits = record.value is None
        else:
            waits = group.state in TO_DO and view.grader_of(group) in ("", who)
        if waits:
            left.add(group.token)
    return left


def _next(tokens: Sequence[str], at: int, left: set[str]) -> str:
    """Return the next token that is left, behind this one and then from the beginning."""
    return next(filter(left.__contains__, (*tokens[at + 1 :], *tokens[:at])), "")


def first_left(view: View, part: Part, who: str) -> str:
    """Return the token of the group that a grader begins with."""
    groups = view.groups(part)
    left = _left(view, groups, who, second=False)
    tokens = [*map(_TOKEN, groups), ""]
    return next(filter(left.__contains__, tokens), tokens[0])


def _choices(
    view: View, items: Sequence[tuple[str, Item]], decision: Decision | None, part: Part
) -> list[Choice]:
    holders: Counter[str] = Counter()
    for own in view.book.decisions.values():
        there = own.get(part.id)
        holders.update(there.items if there is not None else ())
    chosen = decision.items if decision is not None else ()
    found = []
    for number, (id_, item) in enumerate(items, start=1):
        found.append(
            Choice(
                id=id_,
                item=item,
                text=author_text(item.text),
                version=view.journal.record(ITEM, id_).version,
                chosen=id_ in chosen,
                key=str(number) if number <= 9 else "",
                holders=holders[id_],
            )
        )
    return found


def _member(view: View, part: Part, work: StudentWork, names: bool) -> GroupMember:
    student = view.snapshot.students[work.student]
    record = view.journal.record(REQUEST, key_of(part.id, work.student))
    return GroupMember(
        student, label(student, names), view.requests.get((part.id, work.student)), record.version
    )


def comments(view: View, part: Part) -> list[str]:
    """Return the comments that were written on a part, the commonest first."""
    counts: Counter[str] = Counter()
    for own in view.book.decisions.values():
        decision = own.get(part.id)
        if decision is not None and decision.comment:
            counts[decision.comment] += 1
    return list(map(itemgetter(0), counts.most_common(SUGGESTED)))
