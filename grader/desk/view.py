"""Class and decisions at one moment: all that one page shows is of the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import chain, repeat
from operator import attrgetter

from grader.classroom.marks.decided import ClassDecisions
from grader.classroom.marks.decisions import (
    CHECK_OF,
    ITEM,
    REQUEST,
    SCALE,
    SHARE,
    Decision,
    Item,
    Journal,
    JournalRow,
    RegradeRequest,
    Scale,
    decoded,
    key_of,
    names_of,
)
from grader.desk import snapshot
from grader.desk.given import GivenMarks
from grader.desk.snapshot import Part, Snapshot, StudentWork


class GroupState(StrEnum):
    """What is to be done about a group of equal answers."""

    WAITING = "waits"
    CHANGED = "changed since"  # graded for an earlier text
    PARTLY = "partly graded"
    GRADED = "graded"
    PLAIN = "as checked"  # of a check: nobody has changed its points


TO_DO = (GroupState.WAITING, GroupState.CHANGED, GroupState.PARTLY)


@dataclass(frozen=True)
class Group:
    """Students whose answers to one part are equal, and what was decided on them."""

    token: str
    part: Part
    works: Sequence[StudentWork]
    state: GroupState
    decision: Decision | None  # the last one
    version: int  # of all that concerns it: a decision names the one that it was made on
    points: float | None  # that the decision gives
    mixed: bool = False  # its members were given different things
    request: bool = False  # a student of it asked for a regrade that is open
    split: bool = False  # it was taken out of a larger one

    @property
    def size(self) -> int:
        """The number of students."""
        return len(self.works)

    @property
    def students(self) -> list[str]:
        """The students' ids."""
        return [work.student for work in self.works]


class View:
    """The class and its decisions at one moment, and what follows from them."""

    def __init__(self, class_: Snapshot, journal: Journal, given: GivenMarks, last: int) -> None:
        self.snapshot = class_
        self.journal = journal
        self.given = given
        self.last = last
        self.book = ClassDecisions(
            journal.values(ITEM, Item), journal.values(SCALE, Scale), given.decisions
        )
        self.kept: dict[object, object] = {}  # what is dear to work out; ended with any change
        self.lines: dict[
            str, object
        ] = {}  # of the gradebook, by student, while the rubric is as it is
        self._groups: dict[str, list[Group]] = {}
        self._bases: dict[str, float] = {}

    def after(self, lines: Sequence[JournalRow], last: int) -> View:
        """Return the view after later rows of the journal; parts that they don't concern stay as
        they are.
        """
        fresh = View(self.snapshot, self.journal, self.given.after(lines), last)
        if {ITEM, SCALE}.isdisjoint(map(attrgetter("kind"), lines)):
            fresh.lines = self.lines
        touched = set(chain.from_iterable(map(self._touched, lines, repeat(fresh))))
        for part, groups in self._groups.items():
            if part not in touched:
                fresh._groups[part] = groups
        return fresh

    def _touched(self, line: JournalRow, fresh: View) -> Sequence[str]:
        """Return the parts whose groups a row of the journal changes."""
        if line.kind == ITEM:
            items = (self.book.items.get(line.key), fresh.book.items.get(line.key))
            return [item.part for item in items if item is not None]
        return [line.key] if line.kind == SCALE else names_of(line.key)[:1]

    @cached_property
    def requests(self) -> dict[tuple[str, str], RegradeRequest]:
        """Requests for a regrade, by part and student."""
        found = {}
        for key, request in self.journal.values(REQUEST, RegradeRequest).items():
            part, student = names_of(key)
            found[part, student] = request
        return found

    def shared(self, part: Part) -> tuple[str, ...]:
        """Return the graders who share a part; none means everybody."""
        record = self.journal.record(SHARE, key_of(part.id))
        return decoded(record.value, tuple[str, ...]) if record.value else ()

    def grader_of(self, group: Group) -> str:
        """Return the grader to whom a group was given, if the part is shared out."""
        names = self.shared(group.part)
        return names[int(group.token, 16) % len(names)] if names else ""

    def items(self, part: Part) -> list[tuple[str, Item]]:
        """Return a part's rubric in its order, each item with its id."""
        own = [(key, item) for key, item in self.book.items.items() if item.part == part.id]
        return sorted(own, key=lambda pair: (pair[1].order, pair[0]))

    def decision(self, part: Part, student: str) -> Decision | None:
        """Return what was decided on one student's part."""
        return self.given.decisions.get(student, {}).get(part.id)

    def points(self, part: Part, decision: Decision) -> float:
        """Return the points that a decision gives; of a check, what it adds."""
        if part.id not in self._bases:
            self._bases[part.id] = self.book.base(part.id, part.points)
        return self.book.decided(part.id, decision, part.points, self._bases[part.id]).points

    def groups(self, part: Part) -> list[Group]:
        """Return the groups of a part, similar ones next to each other."""
        if part.id not in self._groups:
            self._groups[part.id] = self._grouped(part)
        return self._groups[part.id]

    def group(self, part: Part, token: str) -> Group | None:
        """Return a group by its token."""
        for group in self.groups(part):
            if group.token == token:
                return group
        return None

    def page_of(self, part: Part, student: str) -> str:
        """Return the address of the page on which a student's part is graded, if there is one."""
        for group in self.groups(part):
            if student in group.students:
                return f"/q/{part.token}/{group.token}"
        return ""

    def _grouped(self, part: Part) -> list[Group]:
        splits = self.given.splits.get(part.id, {})
        members: dict[str, list[StudentWork]] = {}
        apart: dict[str, list[StudentWork]] = {}
        versions: dict[str, int] = {}
        for work in part.works.values():
            split, version = splits.get(work.student, (False, 0))
            (apart if split else members).setdefault(work.group, []).append(work)
            versions[work.group] = max(version, versions.get(work.group, 0))
        found = []
        for key in part.order:
            own = members.get(key, [])
            if own:
                found.append(self._group(part, snapshot.token(part.id, key), own, versions[key]))
            for work in apart.get(key, ()):
                token = snapshot.token(part.id, key, work.student)
                found.append(self._group(part, token, [work], versions[key], split=True))
        return found

    def _group(
        self, part: Part, token: str, works: list[StudentWork], version: int, *, split: bool = False
    ) -> Group:
        latest, latest_version = None, 0
        standing: list[Decision] = []
        earlier = asked = False
        versions = self.given.versions.get(part.id, {})
        for work in works:
            own = versions.get(work.student, 0)
            version = max(version, own)
            asked = asked or self._asked(part, work.student)
            decision = self.decision(part, work.student)
            if decision is None:
                continue
            if own >= latest_version:
                latest, latest_version = decision, own
            if decision.seen != work.seen:
                earlier = True
            elif decision.done:
                standing.append(decision)
        given = set(map(attrgetter("items", "add", "comment"), standing))
        return Group(
            token=token,
            part=part,
            works=works,
            state=_state(part, len(standing), len(works), earlier=earlier),
            decision=latest,
            version=version,
            points=self.points(part, latest) if latest is not None and latest.done else None,
            mixed=len(given) > 1,
            request=asked,
            split=split,
        )

    def _asked(self, part: Part, student: str) -> bool:
        request = self.requests.get((part.id, student))
        return request is not None and request.state == "open"


def _state(part: Part, done: int, size: int, *, earlier: bool) -> GroupState:
    if part.id.startswith(CHECK_OF):
        if earlier:
            return GroupState.CHANGED
        if done:
            return GroupState.GRADED if done == size else GroupState.PARTLY
        return GroupState.PLAIN
    if done == size:
        return GroupState.GRADED
    if done:
        return GroupState.PARTLY
    return GroupState.CHANGED if earlier else GroupState.WAITING
