"""What the pages show, worked out beforehand: templates decide nothing."""

from __future__ import annotations

import contextlib
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from grader.classroom.marks.decisions import (
    CHECK_OF,
    DECISION,
    ITEM,
    REQUEST,
    SCALE,
    SECOND,
    SHARE,
    Decision,
    Item,
    Request,
    Scale,
    decoded,
    from_full,
    key_of,
)
from grader.classroom.marks.written_answers import Written
from grader.classroom.run.results import CheckRow
from grader.desk.actions import DRAWN
from grader.desk.desk import Desk
from grader.desk.snapshot import Part, Student, Work
from grader.desk.view import TO_DO, Group, State, View
from grader.notebooks.cells import first_line
from grader.report.markup import sanitise
from grader.report.markup.conversion_clock import Clock, patient
from grader.report.pictures import picture_uri

SHOWN = 25  # groups on a page of a list
KEPT = 400  # answers that stay converted
KEPT_SIZE = 40_000  # characters of markup of one that stays
SUGGESTED = 30  # comments that are offered
NAMED = 60  # students of a group that are listed


@dataclass(frozen=True)
class Shown:
    """An answer, harmless."""

    body: Markup
    pictures: Sequence[str] = ()  # data URIs
    elsewhere: bool = False


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
class Member:
    """A student of a group."""

    student: Student
    label: str
    request: Request | None
    request_version: int


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
    asked: str = ""  # the first line of what is asked


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
    members: Sequence[Member]
    more_members: int
    comments: Sequence[str]
    scale: Scale
    scale_version: int
    full: bool
    checks: Sequence[CheckRow]
    checks_of: str
    second: bool
    grader: str  # whose it is, if the part is shared out


class Renderer:
    """Turns answers into markup, and keeps some of it: a page is asked for again after each
    decision.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._kept: OrderedDict[str, Shown] = OrderedDict()

    def answer(self, view: View, part: Part, work: Work, clock: Clock) -> Shown:
        """Return what one student wrote."""
        if part.inline is None:
            return Shown(sanitise.preformatted(work.text))
        key = f"{part.id}\0{work.seen}"
        with contextlib.suppress(KeyError):
            return self._kept[key]
        student = view.snapshot.students[work.student]
        written = self.desk.store.answers(student.entry.folder).get(part.inline.id)
        shown = _shown(written, clock)
        size = len(shown.body) + sum(map(len, shown.pictures))
        if size <= KEPT_SIZE and clock.apart > 0:
            self._kept[key] = shown
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return shown


def _shown(written: Written | None, clock: Clock) -> Shown:
    if written is None:
        return Shown(Markup("<p>This answer is no longer there: the class was graded again.</p>"))
    pictures = [uri for uri in map(picture_uri, written.pictures.values()) if uri]
    return Shown(sanitise.markdown(written.text, clock), pictures, written.elsewhere)


def author_text(text: str) -> Markup:
    """Return a text of the author's or a grader's."""
    return sanitise.markdown(text, patient()) if text.strip() else Markup("")


def label(student: Student, names: bool) -> str:
    """Return what a student is called on a page."""
    if not names:
        return student.code
    entry = student.entry
    return f"{entry.student} {entry.name}".strip() if entry.name != entry.student else entry.student


# --- the overview -------------------------------------------------------------------------------


def overview(view: View) -> list[PartLine]:
    """Return a line for each question and check."""
    return [_part_line(view, part) for part in view.snapshot.parts]


def _part_line(view: View, part: Part) -> PartLine:
    left = groups_left = changed = 0
    graders: Counter[str] = Counter()
    points: list[float] = []
    groups = view.groups(part)
    for group in groups:
        if group.state in TO_DO:
            left += group.size
            groups_left += 1
        changed += group.size if group.state is State.CHANGED else 0
        if group.decision is not None and group.decision.done:
            graders[group.decision.who] += group.size
        if group.points is not None and group.state is State.GRADED:
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
        asked=first_line(part.inline.question) if part.inline is not None else "",
    )


# --- a list -------------------------------------------------------------------------------------


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


def listing(view: View, renderer: Renderer, part: Part, filters: Filters, names: bool) -> Listing:
    """Return a page of the groups of a part, those that wait first."""
    from grader.desk.grouping import folded

    groups = view.groups(part)
    wanted = folded(filters.text)
    kept = [group for group in groups if _fits(view, group, filters, wanted)]
    kept.sort(key=lambda group: group.state not in TO_DO)
    pages = max(1, -(-len(kept) // SHOWN))
    page = min(max(filters.page, 1), pages)
    clock = Clock()
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
        sections=sorted({student.entry.section for student in students if student.entry.section}),
        line=_part_line(view, part),
        drawn=len(twice),
        read_twice=twice,
    )


def _fits(view: View, group: Group, filters: Filters, wanted: str) -> bool:
    """Tell whether a list shows a group."""
    from grader.desk.grouping import folded

    states = {
        "left": group.state in TO_DO,
        "graded": group.state is State.GRADED,
        "changed": group.state is State.CHANGED,
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
        students = view.snapshot.students
        if not any(students[work.student].entry.section == filters.section for work in group.works):
            return False
    return not wanted or wanted in folded(group.works[0].text)


# --- grading ------------------------------------------------------------------------------------


def grading(
    view: View, renderer: Renderer, group: Group, who: str, names: bool, second: bool
) -> Grading:
    """Return the page of one group."""
    part = group.part
    groups = view.groups(part)
    if second:
        drawn = drawn_groups(view, part)
        groups = [other for other in groups if other.token in drawn] or [group]
    tokens = [other.token for other in groups]
    at = tokens.index(group.token) if group.token in tokens else 0
    decision, version = _decision_shown(view, group, who, second)
    left = _left(view, groups, who, second)
    scale_record = view.journal.record(SCALE, part.id)
    scale = decoded(scale_record.value, Scale) if scale_record.value else Scale()
    items = view.items(part)
    first = view.snapshot.students[group.works[0].student]
    points = view.points(part, decision) if decision is not None and decision.done else None
    return Grading(
        part=part,
        group=group,
        number=at + 1,
        of=len(groups),
        previous=tokens[at - 1] if at else "",
        following=tokens[at + 1] if at + 1 < len(tokens) else "",
        next_left=_next(tokens, at, left),
        left=len(left),
        answer=renderer.answer(view, part, group.works[0], Clock()),
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
        full=from_full(scale, [item for _, item in items]),
        checks=first.checks
        if part.check is None and part.inline is not None and part.inline.code
        else (),
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
    return next((token for token in (*tokens[at + 1 :], *tokens[:at]) if token in left), "")


def first_left(view: View, part: Part, who: str) -> str:
    """Return the token of the group that a grader begins with."""
    groups = view.groups(part)
    left = _left(view, groups, who, second=False)
    tokens = [group.token for group in groups]
    return next((token for token in tokens if token in left), tokens[0] if tokens else "")


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


def _member(view: View, part: Part, work: Work, names: bool) -> Member:
    student = view.snapshot.students[work.student]
    record = view.journal.record(REQUEST, key_of(part.id, work.student))
    return Member(
        student, label(student, names), view.requests.get((part.id, work.student)), record.version
    )


def comments(view: View, part: Part) -> list[str]:
    """Return the comments that were written on a part, the commonest first."""
    counts: Counter[str] = Counter()
    for own in view.book.decisions.values():
        decision = own.get(part.id)
        if decision is not None and decision.comment:
            counts[decision.comment] += 1
    return [text for text, _ in counts.most_common(SUGGESTED)]


# --- a second reading ---------------------------------------------------------------------------


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
    from grader.classroom.marks.decisions import names_of

    names = names_of(key)
    return (names[0], names[1], names[2]) if len(names) == 3 else None


# --- requests, one student ----------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """A request on the page of all requests."""

    part: Part
    student: Student
    label: str
    request: Request
    version: int
    page: str


def requests(view: View, names: bool) -> list[Asked]:
    """Return the requests, those that are open first."""
    found = []
    for (part_id, student_id), request in view.requests.items():
        part, student = view.snapshot.part_ids.get(part_id), view.snapshot.students.get(student_id)
        if part is None or student is None:
            continue
        record = view.journal.record(REQUEST, key_of(part_id, student_id))
        found.append(
            Asked(
                part,
                student,
                label(student, names),
                request,
                record.version,
                page_of(view, part, student_id),
            )
        )
    return sorted(found, key=lambda asked: (asked.request.state != "open", asked.version))


def page_of(view: View, part: Part, student: str) -> str:
    """Return the address of the page on which a student's part is graded; nothing if there is none."""
    for group in view.groups(part):
        if any(work.student == student for work in group.works):
            return f"/q/{part.token}/{group.token}"
    return ""


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


def student_parts(view: View, renderer: Renderer, student: Student) -> list[StudentPart]:
    """Return what a student wrote and was given, part by part."""
    found = []
    clock = Clock()
    for part in view.snapshot.parts:
        work = part.works.get(student.entry.student)
        decision = view.decision(part, student.entry.student)
        if part.id.startswith(CHECK_OF) and decision is None:
            continue
        state = State.WAITING if work is not None else "nothing written"
        if decision is not None and work is not None:
            state = State.GRADED if decision.seen == work.seen and decision.done else State.CHANGED
        given = (
            [view.book.items[id_] for id_ in decision.items if id_ in view.book.items]
            if decision
            else []
        )
        found.append(
            StudentPart(
                part=part,
                answer=renderer.answer(view, part, work, clock) if work is not None else None,
                decision=decision,
                comment=author_text(decision.comment) if decision is not None else Markup(""),
                items=[(author_text(item.text), item.points) for item in given],
                points=view.points(part, decision)
                if decision is not None and decision.done
                else None,
                page=page_of(view, part, student.entry.student) if work is not None else "",
                state=str(state),
            )
        )
    return found


def decisions_on(view: View) -> int:
    """Return how many decisions there are."""
    return len(view.journal.records(DECISION))
