"""What the template shows, worked out beforehand: the template itself decides nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from markupsafe import Markup

from grader.model import (
    CaseResult,
    CheckResult,
    Comparison,
    HandGraded,
    Question,
    Report,
    Status,
    Visibility,
)
from grader.report import labels, notebook_cells
from grader.report.audience import Audience
from grader.report.markup import sanitise, snippets
from grader.report.markup.conversion_clock import Clock, patient
from grader.text import clean

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from grader.report.pictures import Picture

OUTPUT_LIMIT = 3_000  # characters of what one check printed
CASES_OF_A_CHECK = 12
PICTURES_OF_A_CHECK = 3
PICTURES = 24  # on the page
VALUES_OF_A_CASE = 24


@dataclass(frozen=True)
class Case:
    """A case that did not pass: what was wrong in it."""

    result: CaseResult
    verdict: labels.Verdict
    wrong: Sequence[Comparison]
    right: Sequence[str]  # names of the values that were right
    more: int  # wrong values beyond those that are shown
    pictures: Sequence[Picture]
    message: str  # empty where the check says the same

    @property
    def empty(self) -> bool:
        """Whether the check has said all that there is to say."""
        return not (
            self.wrong
            or self.right
            or self.pictures
            or self.message
            or self.result.trace
            or self.result.follows
        )


@dataclass(frozen=True)
class Check:
    """A check as it stands on the page."""

    result: CheckResult
    verdict: labels.Verdict
    anchor: str
    open: bool  # only where the mistake itself may lie: what builds on it stays folded
    hidden: bool
    headline: str
    # title and anchor of checks that it builds on and that did not pass
    waits_for: Sequence[tuple[str, str]]
    same_as: tuple[str, str] | None  # id and anchor of the check that tells of the same error
    cases: Sequence[Case]
    more_cases: Sequence[str]  # ids of cases that did not pass either and are not shown
    passed: Sequence[str]
    notes: Sequence[str]
    snippets: Sequence[snippets.Snippet]
    output: str
    stopped_in: notebook_cells.Cell | None  # the cell that stopped what it needs
    notebook: notebook_cells.Notebook | None


@dataclass(frozen=True)
class Group:
    """A question with its checks."""

    question: Question
    checks: Sequence[Check]


@dataclass(frozen=True)
class Given:
    """What a person gave for one part, drawn."""

    title: str
    points: str
    items: Sequence[tuple[str, Markup]]  # points and text
    comment: Markup


@dataclass(frozen=True)
class Page:
    """Everything that the template needs beyond the report itself."""

    groups: Sequence[Group]
    counts: Sequence[tuple[labels.Verdict, int]]
    first: Check | None  # what to fix first
    place: str  # the file and line where that is to be done
    behind: str  # how many other checks hang on it
    untouched: bool  # nothing is implemented yet
    unfinished: bool
    share: float  # of the points, 0 to 100
    started: str
    notebooks: Sequence[notebook_cells.Notebook]
    seed: str  # what an instructor should know of it
    by_hand: Sequence[Given]  # what people gave


@dataclass(frozen=True)
class Material:
    """What a page shows beside its report, and the seconds that converting it may take."""

    notebooks: Mapping[str, notebook_cells.Notebook]
    sources: Mapping[str, str]
    clock: Clock


def build(
    report: Report,
    audience: Audience,
    notebooks: Mapping[str, NotebookNode],
    sources: Mapping[str, str],
) -> Page:
    """Work out the page of a report that has been cut to its audience already."""
    budget = notebook_cells.Budget()
    shown_notebooks = {
        name: notebook_cells.build(name, number, node, budget)
        for number, (name, node) in enumerate(notebooks.items(), start=1)
    }
    first = labels.first_to_fix(report)
    checks = _checks(report, first, Material(shown_notebooks, sources, budget.clock))
    verdicts = Counter(check.verdict for check in checks.values())
    return Page(
        groups=_groups(report, checks),
        counts=[(verdict, verdicts[verdict]) for verdict in labels.ORDER if verdicts[verdict]],
        first=checks[first.id] if first else None,
        place=_place(first, sources) if first else "",
        behind=labels.behind(report, first) if first else "",
        untouched=first is not None and report.score == 0 and all(map(_untouched, report.checks)),
        unfinished=labels.unfinished(report),
        share=(
            max(0.0, min(100.0, 100 * report.score / report.max_score)) if report.max_score else 0.0
        ),
        started=re.sub(r"^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d).*$", r"\1 \2 UTC", report.started),
        notebooks=list(shown_notebooks.values()),
        seed=labels.public_seed(report, audience),
        by_hand=[_given(given) for given in report.by_hand],
    )


def _given(given: HandGraded) -> Given:
    """Work out what a person gave. The texts are graders', and are cleaned as students' are."""
    points = f"{given.points:+g}"
    if not given.check:
        points = labels.points(given.points)
        points += f" / {labels.points(given.max_points)}" if given.max_points else ""
    items = [(f"{item.points:+g}", sanitise.markdown(item.text, patient())) for item in given.items]
    comment = sanitise.markdown(given.comment, patient()) if given.comment else Markup("")
    return Given(given.title, points, items, comment)


def _checks(
    report: Report,
    first: CheckResult | None,
    material: Material,
) -> dict[str, Check]:
    """Work out all checks: each error is told at length once, where it is to be fixed or else where
    it comes first.
    """
    others = {check.id: check for check in report.checks}
    anchors = {
        check.id: _anchor(check.id, number) for number, check in enumerate(report.checks, start=1)
    }
    told = {labels.cause(first): first.id} if first is not None else {}
    left = PICTURES
    checks = {}
    for result in report.checks:
        built = _check(result, others, anchors, material, left)
        left -= sum(map(_drawn, built.cases))
        cause = labels.cause(result)
        teller = told.setdefault(cause, result.id)
        if result is first:
            built = replace(built, open=not _unimplemented(result))
        elif cause is not None and teller != result.id and not _unimplemented(result):
            built = replace(built, open=False, same_as=(teller, anchors[teller]), snippets=())
        checks[result.id] = built
    return checks


def _groups(report: Report, checks: Mapping[str, Check]) -> list[Group]:
    """Return the questions with their checks; a check of no known question is not lost."""
    groups = [
        Group(
            question, [check for check in checks.values() if check.result.question == question.id]
        )
        for question in report.questions
    ]
    known = {question.id for question in report.questions}
    lost = [check for check in checks.values() if check.result.question not in known]
    if lost:
        points = (
            sum(check.result.points for check in lost),
            sum(check.result.max_points for check in lost),
        )
        groups.append(Group(Question("", "Other checks", *points), lost))
    return groups


def _check(
    check: CheckResult,
    others: Mapping[str, CheckResult],
    anchors: Mapping[str, str],
    material: Material,
    pictures: int,
) -> Check:
    """Work out one check."""
    bad = [case for case in check.cases if case.status is not Status.PASS]
    stub = _unimplemented(check)
    verdict = labels.verdict(check)
    budget = min(pictures, PICTURES_OF_A_CHECK) if verdict is not labels.FOLLOWS else 0
    cases: list[Case] = []
    for case in bad[:CASES_OF_A_CHECK]:
        cases.append(_case(case, check, budget))
        budget -= _drawn(cases[-1])
    frames = next((case.frames for case in bad if case.frames), ())
    functions = check.functions or (check.id,)
    ran = material.notebooks.get(check.notebook) if check.notebook else None
    stopper = next((case.stopped_by for case in bad if case.stopped_by), "")
    headline = labels.first_line(check.message) if check.status is not Status.PASS else ""
    if verdict is labels.FOLLOWS:
        causes = ", ".join(
            f"`{id_}`" for id_ in _unique(id_ for case in bad for id_ in case.follows)
        )
        headline = f"right, given the mistake in {causes}" if causes else headline
    waits_for = [
        (other.title or other.id, anchors[other.id])
        for other in (others[name] for name in check.requires if name in others)
        if other.status is not Status.PASS and check.status is not Status.PASS
    ]
    shown: list[snippets.Snippet] = []
    if bad and not stub:
        shown = snippets.snippets(material.sources, functions, frames, material.clock)
    told = verdict.kind in ("fail", "error") and bool(check.message or check.cases)
    return Check(
        result=check,
        verdict=verdict,
        anchor=anchors[check.id],
        open=told and not stub and not waits_for,
        hidden=check.visibility is Visibility.HIDDEN,
        headline=headline,
        waits_for=waits_for,
        same_as=None,
        cases=[] if stub else cases,
        more_cases=[] if stub else [case.id for case in bad[CASES_OF_A_CHECK:]],
        passed=[case.id for case in check.cases if case.status is Status.PASS],
        notes=_unique(note for case in check.cases for note in case.notes),
        snippets=shown,
        output=_printed(check),
        notebook=ran,
        stopped_in=ran.at(stopper) if ran is not None and stopper else None,
    )


def _case(case: CaseResult, check: CheckResult, pictures: int) -> Case:
    """Work out one case that did not pass."""
    wrong = [value for value in case.values if not value.ok]
    return Case(
        result=case,
        verdict=labels.case_verdict(case),
        wrong=wrong[:VALUES_OF_A_CASE],
        right=[value.name for value in case.values if value.ok][:VALUES_OF_A_CASE],
        more=max(0, len(wrong) - VALUES_OF_A_CASE),
        pictures=_pictures(wrong, pictures),
        message="" if case.message.strip() in check.message else case.message,
    )


def _pictures(values: Iterable[Comparison], limit: int) -> list[Picture]:
    """Return the pictures of the values that have any."""
    from grader.report import pictures

    made: list[Picture] = []
    for value in values:
        if value.scatter is not None and len(made) < limit:
            made.append(pictures.scatter(value.scatter, clean(value.name, 60)))
        if value.error_map is not None and len(made) < limit:
            made.append(pictures.heat_map(value.error_map, clean(value.name, 60)))
    return made


def _drawn(case: Case) -> int:
    """Return how many pictures a case takes."""
    return sum(bool(picture.uri) for picture in case.pictures)


def _printed(check: CheckResult) -> str:
    """Return what a check's cases printed, each kind of text once."""
    return clean("\n".join(_unique(case.output.rstrip("\n") for case in check.cases)), OUTPUT_LIMIT)


def _unimplemented(check: CheckResult) -> bool:
    """Tell whether a check failed, or was left out, for want of a function that is not written
    yet.
    """
    bad = [case for case in check.cases if case.status is not Status.PASS]
    return (
        check.status in (Status.FAIL, Status.SKIP)
        and bool(bad)
        and all(case.unimplemented for case in bad)
    )


def _place(check: CheckResult, sources: Mapping[str, str]) -> str:
    """Return the file and line of the first function that a check judges, or nothing if none is
    found.

    If a cell of a notebook stopped what the check needs, it is that cell.
    """
    cell = next((case.stopped_by for case in check.cases if case.stopped_by), "")
    if cell:
        return f"{check.notebook}, {cell}"
    found = (snippets.place(sources, name) for name in check.functions or (check.id,))
    return next((f"{file}, line {line}" for file, line in filter(None, found)), "")


def _untouched(check: CheckResult) -> bool:
    """Tell whether a check found nothing but unwritten functions, or was left out for want of
    them.
    """
    return check.status is Status.SKIP or _unimplemented(check)


def _unique(texts: Iterable[str]) -> list[str]:
    """Return the texts that say something, each once, in order."""
    return list(dict.fromkeys(text for text in texts if text.strip()))


def _anchor(id: str, number: int) -> str:  # noqa: A002 - the word that the report uses
    """Return a check's anchor on the page."""
    return f"check-{id}" if re.fullmatch(r"[\w-]{1,80}", id, re.ASCII) else f"check-{number}"
