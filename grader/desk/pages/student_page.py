"""One student's work, and the requests for a regrade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from grader.classroom.marks.decisions import (
    CHECK_OF,
    REQUEST,
    Decision,
    RegradeRequest,
    key_of,
)
from grader.desk.pages.rendering import AnswerRenderer, Shown, author_text, label
from grader.desk.snapshot import GradedStudent, Part
from grader.desk.view import GroupState, View
from grader.report.markup.conversion_clock import ConversionClock


@dataclass(frozen=True)
class RequestRow:
    """A request on the page of all requests."""

    part: Part
    student: GradedStudent
    label: str
    request: RegradeRequest
    version: int
    page: str


def requests(view: View, names: bool) -> list[RequestRow]:
    """Return the requests, those that are open first."""
    found = []
    for (part_id, student_id), request in view.requests.items():
        part, student = view.snapshot.part_ids.get(part_id), view.snapshot.students.get(student_id)
        if part is None or student is None:
            continue
        record = view.journal.record(REQUEST, key_of(part_id, student_id))
        found.append(
            RequestRow(
                part,
                student,
                label(student, names),
                request,
                record.version,
                view.page_of(part, student_id),
            )
        )
    return sorted(found, key=lambda asked: (asked.request.state != "open", asked.version))


@dataclass(frozen=True)
class Neighbours:
    """The tokens of the students before and after one; empty if there is none."""

    previous: str
    following: str


def neighbours(view: View, student: GradedStudent, names: bool) -> Neighbours:
    """Return the neighbours of a student among those with a result.

    The class's order is that of the names, so hidden names stand in the order of their tokens.
    """
    tokens = [one.token for one in view.snapshot.students.values() if one.row or one is student]
    if not names:
        tokens.sort()
    at = tokens.index(student.token)
    following = tokens[at + 1] if at + 1 < len(tokens) else ""
    return Neighbours(tokens[at - 1] if at else "", following)


@dataclass(frozen=True)
class StudentPart:
    """One part on a student's page."""

    part: Part
    answer: Shown | None
    decision: Decision | None
    comment: Markup
    items: Sequence[tuple[Markup, float]]
    points: float | None
    page: str
    state: str


def student_parts(
    view: View, renderer: AnswerRenderer, student: GradedStudent
) -> list[StudentPart]:
    """Return what a student wrote and was given, part by part."""
    found = []
    clock = ConversionClock()
    for part in view.snapshot.parts:
        work = part.works.get(student.entry.student)
        decision = view.decision(part, student.entry.student)
        if part.id.startswith(CHECK_OF) and decision is None:
            continue
        state = GroupState.WAITING if work is not None else "nothing written"
        if decision is not None and work is not None:
            stands = decision.seen == work.seen and decision.done
            state = GroupState.GRADED if stands else GroupState.CHANGED
        given = view.book.chosen(decision) if decision is not None else ()
        done = decision is not None and decision.done
        found.append(
            StudentPart(
                part=part,
                answer=renderer.answer(view, part, work, clock) if work is not None else None,
                decision=decision,
                comment=author_text(decision.comment) if decision is not None else Markup(""),
                items=[(author_text(item.text), item.points) for item in given],
                points=view.points(part, decision) if decision and done else None,
                page=view.page_of(part, student.entry.student) if work is not None else "",
                state=str(state),
            )
        )
    return found


def next_left(parts: Sequence[StudentPart]) -> str:
    """Return the page of the first part that is left to grade; nothing if none is."""
    waits = (str(GroupState.WAITING), str(GroupState.CHANGED))
    for one in parts:
        if one.state in waits and one.page:
            return one.page
    return ""
