"""The overview, and the page with all answers to one question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from markupsafe import Markup

from grader.classroom.marks.decisions import (
    SECOND,
    SHARE,
    Decision,
    decoded,
    key_of,
    names_of,
)
from grader.desk.grouping import folded
from grader.desk.pages.rendering import AnswerRenderer, Shown, author_text, label
from grader.desk.snapshot import Part
from grader.desk.view import TO_DO, Group, GroupState, View
from grader.notebooks.cells import first_line
from grader.report.markup.conversion_clock import ConversionClock

DRAWN = "drawn"  # the key of those whose second reading is asked for
SHOWN = 25  # groups on a page of a list


@dataclass(frozen=True)
class PartLine:
    """A question on the overview."""

    part: Part
    students: int
    left: int  # students that wait
    groups: int
    groups_left: int
    changed: int
    graders: Sequence[tuple[str, int]]  # who graded how many students
    shared: Sequence[str]
    share_version: int
    mean: float | None
    asked: Markup  # the first line of what is asked


def overview(view: View) -> list[PartLine]:
    """Return a line for each question and check."""
    return [part_line(view, part) for part in view.snapshot.parts]


def part_line(view: View, part: Part) -> PartLine:
    left = groups_left = changed = 0
    graders: Counter[str] = Counter()
    points: list[float] = []
    groups = view.groups(part)
    for group in groups:
        if group.state in TO_DO:
            left += group.size
            groups_left += 1
        changed += group.size if group.state is GroupState.CHANGED else 0
        if group.decision is not None and group.decision.done:
            graders[group.decision.who] += group.size
        if group.points is not None and group.state is GroupState.GRADED:
            points += [group.points] * group.size
    record = view.journal.record(SHARE, key_of(part.id))
    return PartLine(
        part=part,
        students=len(part.works),
        left=left,
        groups=len(groups),
        groups_left=groups_left,
        changed=changed,
        graders=graders.most_common(),
        shared=view.shared(part),
        share_version=record.version,
        mean=sum(points) / len(points) if points else None,
        asked=author_text(first_line(part.inline.question) if part.inline is not None else ""),
    )


@dataclass(frozen=True)
class Filters:
    """What a list shows."""

    state: str = ""  # "left", "graded", "changed", "requests", "mixed"
    grader: str = ""
    score: str = ""  # the points given
    section: str = ""
    text: str = ""  # is searched for
    page: int = 1


@dataclass(frozen=True)
class Listed:
    """A group on a list."""

    group: Group
    answer: Shown
    label: str
    grader: str


@dataclass(frozen=True)
class Listing:
    """A page of a list."""

    rows: Sequence[Listed]
    found: int
    filters: Filters
    pages: int
    graders: Sequence[str]
    scores: Sequence[float]
    sections: Sequence[str]
    line: PartLine
    drawn: int = 0
    read_twice: Sequence[TwiceRead] = field(default_factory=tuple)


@dataclass(frozen=True)
class TwiceRead:
    """A group that was drawn for a second reading."""

    group: Group
    second: Sequence[tuple[str, float]]  # who, and the points
    apart: float | None


def listing(
    view: View, renderer: AnswerRenderer, part: Part, filters: Filters, names: bool
) -> Listing:
    """Return a page of the groups of a part, those that wait first."""
    groups = view.groups(part)
    wanted = folded(filters.text)
    kept = [group for group in groups if _fits(view, group, filters, wanted)]
    kept.sort(key=lambda group: group.state not in TO_DO)
    pages = max(1, -(-len(kept) // SHOWN))
    page = min(max(filters.page, 1), pages)
    clock = ConversionClock()
    rows = []
    for group in kept[(page - 1) * SHOWN : page * SHOWN]:
        first = view.snapshot.students[group.works[0].student]
        named = label(first, names) if group.size == 1 else f"{group.size} students"
        rows.append(
            Listed(
                group,
                renderer.answer(view, part, group.works[0], clock),
                named,
                view.grader_of(group),
            )
        )
    twice = twice_read(view, part)
    whole = {group.decision.who for group in groups if group.decision is not None}
    students = view.snapshot.students.values()
    return Listing(
        rows=rows,
        found=len(kept),
        filters=filters,
        pages=pages,
        graders=sorted(whole | set(view.shared(part))),
        scores=sorted({group.points for group in groups if group.points is not None}),
        sections=sorted(set(map(attrgetter("entry.section"), students)) - {""}),
        line=part_line(view, part),
        drawn=len(twice),
        read_twice=twice,
    )


def _fits(view: View, group: Group, filters: Filters, wanted: str) -> bool:
    """Tell whether a list shows a group."""
    states = {
        "left": group.state in TO_DO,
        "graded": group.state is GroupState.GRADED,
        "changed": group.state is GroupState.CHANGED,
        "requests": group.request,
        "mixed": group.mixed,
    }
    if not states.get(filters.state, True):
        return False
    if filters.grader:
        own = view.grader_of(group) or (group.decision.who if group.decision is not None else "")
        if own != filters.grader:
            return False
    if filters.score and (group.points is None or f"{group.points:g}" != filters.score):
        return False
    if filters.section:
        students = map(view.snapshot.students.__getitem__, group.students)
        if filters.section not in map(attrgetter("entry.section"), students):
            return False
    return not wanted or wanted in folded(group.works[0].text)


def drawn_groups(view: View, part: Part) -> set[str]:
    """Return the groups that were drawn for a second reading."""
    record = view.journal.record(SECOND, key_of(part.id, DRAWN))
    return set(decoded(record.value, tuple[str, ...])) if record.value else set()


def twice_read(view: View, part: Part) -> list[TwiceRead]:
    """Return the groups that were drawn, with what each reader gave."""
    drawn = drawn_groups(view, part)
    second: dict[str, list[tuple[str, float]]] = {}
    for key, record in view.journal.records(SECOND).items() if drawn else ():
        names = _three(key)
        if names is not None and names[0] == part.id and record.value:
            decision = decoded(record.value, Decision)
            second.setdefault(names[1], []).append((names[2], view.points(part, decision)))
    found = []
    for group in view.groups(part) if drawn else ():
        if group.token in drawn:
            given = second.get(group.token, [])
            apart = None
            if given and group.points is not None:
                apart = max(abs(points - group.points) for _, points in given)
            found.append(TwiceRead(group, sorted(given), apart))
    return found


def _three(key: str) -> tuple[str, str, str] | None:
    names = names_of(key)
    return (names[0], names[1], names[2]) if len(names) == 3 else None
