"""The desk itself: a class, the decisions on it, and who sits at it. Threads share one desk."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from grader.classroom.marks import decided
from grader.classroom.marks.decisions import (
    CHECK_OF,
    DECISION,
    ITEM,
    REQUEST,
    SHARE,
    SPLIT,
    Change,
    Decision,
    Item,
    Journal,
    Request,
    decoded,
    item_id,
    key_of,
    names_of,
)
from grader.classroom.run.result_store import Store
from grader.desk import snapshot
from grader.desk.presence import Presence
from grader.desk.snapshot import Part, Snapshot, Work

BROUGHT = "the assignment"  # who wrote the items that the assignment brings


class State(StrEnum):
    """What is to be done about a group of equal answers."""

    WAITING = "waits"
    CHANGED = "changed since"  # graded for an earlier text
    PARTLY = "partly graded"
    GRADED = "graded"
    PLAIN = "as checked"  # of a check: nobody has changed its points


TO_DO = (State.WAITING, State.CHANGED, State.PARTLY)


@dataclass(frozen=True)
class Group:
    """Students whose answers to one part are equal, and what was decided on them."""

    token: str
    part: Part
    works: Sequence[Work]
    state: State
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


class Desk:
    """Everything that pages show and actions change."""

    def __init__(self, store: Store, journal: Journal) -> None:
        self.store = store
        self.journal = journal
        self.lock = threading.RLock()
        self.presence = Presence()
        self._snapshot = snapshot.take(store)
        self._view: View | None = None
        self._bring_rubric()

    # --- what there is --------------------------------------------------------------------------

    @property
    def class_now(self) -> Snapshot:
        """The class, read again if it was graded since."""
        with self.lock:
            if snapshot.stamp(self.store) != self._snapshot.stamp:
                self._snapshot = snapshot.take(self.store)
                self._bring_rubric()
            return self._snapshot

    def view(self) -> View:
        """Return class and decisions as they are now."""
        with self.lock:
            class_, last = self.class_now, self.journal.last
            if self._view is None or self._view.last != last or self._view.snapshot is not class_:
                self._view = View(class_, self.journal, last)
            return self._view

    def _bring_rubric(self) -> None:
        """Write the items that the assignment brings into the journal, each once."""
        changes = []
        for item in self._snapshot.class_.rubric:
            key = item_id(item.part, item.text)
            if self.journal.record(ITEM, key).version == 0:
                changes.append(Change(kind=ITEM, key=key, value=encoded(item), version=0))
        self.journal.write(BROUGHT, "rubric of the assignment", changes)


def encoded(value: object) -> bytes:
    """Return a value as a record holds it."""
    import msgspec

    return msgspec.json.encode(value)


class View:
    """Class and decisions at one moment: all that one page shows is of the same."""

    def __init__(self, class_: Snapshot, journal: Journal, last: int) -> None:
        self.snapshot = class_
        self.journal = journal
        self.last = last
        self.book = decided.book_of(journal)
        self.splits = journal.values(SPLIT, bool)
        self._groups: dict[str, list[Group]] = {}

    @cached_property
    def requests(self) -> dict[tuple[str, str], Request]:
        """Requests for a regrade, by part and student."""
        found = {}
        for key, request in self.journal.values(REQUEST, Request).items():
            part, student = names_of(key)
            found[part, student] = request
        return found

    def shared(self, part: Part) -> tuple[str, ...]:
        """Return the graders who share a part; none means everybody."""
        record = self.journal.record(SHARE, key_of(part.id))
        return decoded(record.value, tuple[str, ...]) if record.value else ()

    def grader_of(self, group: Group) -> str:
        """Return whose a group is, if the part is shared out."""
        names = self.shared(group.part)
        return names[int(group.token, 16) % len(names)] if names else ""

    def items(self, part: Part) -> list[tuple[str, Item]]:
        """Return a part's rubric in its order, each item with its id."""
        own = [(key, item) for key, item in self.book.items.items() if item.part == part.id]
        return sorted(own, key=lambda pair: (pair[1].order, pair[0]))

    def decision(self, part: Part, student: str) -> Decision | None:
        """Return what was decided on one student's part."""
        return self.book.decisions.get(student, {}).get(part.id)

    def points(self, part: Part, decision: Decision) -> float:
        """Return the points that a decision gives; of a check, what it adds."""
        return self.book.decided(part.id, decision, part.points).points

    def groups(self, part: Part) -> list[Group]:
        """Return the groups of a part, similar ones next to each other."""
        if part.id not in self._groups:
            self._groups[part.id] = self._grouped(part)
        return self._groups[part.id]

    def group(self, part: Part, token: str) -> Group | None:
        """Return a group by its token."""
        return next((group for group in self.groups(part) if group.token == token), None)

    def _grouped(self, part: Part) -> list[Group]:
        members: dict[str, list[Work]] = {}
        apart: dict[str, list[Work]] = {}
        for work in part.works.values():
            split = self.splits.get(key_of(part.id, work.student), False)
            (apart if split else members).setdefault(work.group, []).append(work)
        found = []
        for key in part.order:
            own, alone = members.get(key, []), apart.get(key, [])
            shared_version = max(
                (self._split_version(part, work) for work in (*own, *alone)), default=0
            )
            if own:
                found.append(self._group(part, snapshot.token(part.id, key), own, shared_version))
            for work in alone:
                token = snapshot.token(part.id, key, work.student)
                found.append(self._group(part, token, [work], shared_version, split=True))
        return found

    def _split_version(self, part: Part, work: Work) -> int:
        return self.journal.record(SPLIT, key_of(part.id, work.student)).version

    def _group(
        self, part: Part, token: str, works: list[Work], version: int, *, split: bool = False
    ) -> Group:
        latest, latest_version = None, 0
        standing: list[Decision] = []
        earlier = False
        asked = False
        for work in works:
            record = self.journal.record(DECISION, key_of(part.id, work.student))
            version = max(version, record.version)
            decision = self.decision(part, work.student)
            asked = asked or self._asked(part, work.student)
            if decision is None:
                continue
            if record.version >= latest_version:
                latest, latest_version = decision, record.version
            if decision.seen != work.seen:
                earlier = True
            elif decision.done:
                standing.append(decision)
        given = {(one.items, one.add, one.comment) for one in standing}
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


def _state(part: Part, done: int, size: int, *, earlier: bool) -> State:
    if part.id.startswith(CHECK_OF):
        if earlier:
            return State.CHANGED
        return State.GRADED if done else State.PLAIN
    if done == size:
        return State.GRADED
    if done:
        return State.PARTLY
    return State.CHANGED if earlier else State.WAITING
