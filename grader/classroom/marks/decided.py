"""The desk's decisions as the marks of a class take them: rubric items resolved to their texts and
points."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from pathlib import Path

import msgspec

from grader.classroom.marks import decisions
from grader.classroom.marks.course_marks import Decided
from grader.classroom.marks.decisions import (
    ANSWER_OF,
    CHECK_OF,
    DECISION,
    ITEM,
    NAME,
    SCALE,
    Decision,
    Item,
    Journal,
    Scale,
    names_of,
)
from grader.classroom.run.results import ClassFile
from grader.model import GivenItem


class ClassDecisions(msgspec.Struct, frozen=True):
    """All decisions on a class, by student and part."""

    items: Mapping[str, Item] = {}
    scales: Mapping[str, Scale] = {}
    decisions: Mapping[str, Mapping[str, Decision]] = {}  # student -> part -> decision

    def of(self, student: str, class_: ClassFile) -> tuple[Decided, ...]:
        """Return what was given to one student, in the assignment's order."""
        own = self.decisions.get(student)
        if not own:
            return ()
        most = {f"{ANSWER_OF}{inline.id}": inline.points for inline in class_.inline}
        for check in class_.checks:
            most[f"{CHECK_OF}{check.id}"] = 0.0
        found = []
        for part, points in most.items():
            decision = own.get(part)
            if decision is not None and (decision.done or decision.comment):
                found.append(self.decided(part, decision, points))
        return tuple(found)

    def decided(
        self, part: str, decision: Decision, most: float, base: float | None = None
    ) -> Decided:
        """Return a decision with its points and the texts of its items.

        base: what an answer begins with, if that is known already
        """
        given = [GivenItem(item.text, item.points) for item in self.chosen(decision)]
        points = [*map(attrgetter("points"), given), decision.add]
        if part.startswith(CHECK_OF):
            answer, check, whole = "", part.removeprefix(CHECK_OF), round(sum(points), 4)
        else:
            answer, check = part.removeprefix(ANSWER_OF), ""
            begin = self.base(part, most) if base is None else base
            whole = decisions.total(self.scales.get(part, Scale()), begin, points, most)
        return Decided(
            answer=answer,
            check=check,
            points=whole,
            done=decision.done,
            items=tuple(given),
            add=decision.add,
            comment=decision.comment,
            seen=decision.seen,
            who=decision.who,
        )

    def chosen(self, decision: Decision) -> list[Item]:
        """Return the items of a decision that are still in the rubric."""
        return list(filter(None, map(self.items.get, decision.items)))

    def base(self, part: str, most: float) -> float:
        """Return the points that an answer begins with, before anything is given or taken."""
        own = [item for item in self.items.values() if item.part == part]
        return most if decisions.from_full(self.scales.get(part, Scale()), own) else 0.0


def book_of(journal: Journal) -> ClassDecisions:
    """Return the decisions that a journal holds now."""
    found: dict[str, dict[str, Decision]] = {}
    for key, decision in journal.values(DECISION, Decision).items():
        part, student = names_of(key)
        found.setdefault(student, {})[part] = decision
    return ClassDecisions(journal.values(ITEM, Item), journal.values(SCALE, Scale), found)


def book(out: Path) -> ClassDecisions:
    """Return the decisions on the class in a folder; none if nobody has sat at a desk."""
    path = out / NAME
    if not path.is_file():
        return ClassDecisions()
    journal = Journal(path)
    try:
        return book_of(journal)
    finally:
        journal.close()
