"""What the template of a report shows, computed here: the template decides nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain
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
    sums,
)
from grader.report import labels, notebook_cells
from grader.report.audience import Audience
from grader.report.markup import sanitise, snippets
from grader.report.markup.conversion_clock import ConversionClock, Converted, patient
from grader.report.page_parts import Check, Given, Material, QuestionGroup, ReportPage, ShownCase
from grader.text import clean, quoted

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from grader.report.pictures import Picture

OUTPUT_LIMIT = 3_000  # characters of what one check printed
CASES_OF_A_CHECK = 12
PICTURES_OF_A_CHECK = 3
PICTURES = 24  # on the page
VALUES_OF_A_CASE = 24


def build(
    report: Report,
    audience: Audience,
    notebooks: Mapping[str, NotebookNode],
    sources: Mapping[str, str],
    known: Converted | None = None,
) -> ReportPage:
    """Return the page of a report that was cut to its audience before."""
    clock = ConversionClock(known={} if known is None else known)
    budget = notebook_cells.PageBudget(clock=clock)
    shown_notebooks: dict[str, notebook_cells.ShownNotebook] = {}
    for number, (name, node) in enumerate(notebooks.items(), start=1):
        shown_notebooks[name] = notebook_cells.build(name, number, node, budget)
    first = labels.first_to_fix(report)
    checks = _checks(report, first, Material(shown_notebooks, sources, budget.clock))
    verdicts = Counter(check.verdict for check in checks.values())
    return ReportPage(
        groups=_groups(report, checks),
        counts=[(verdict, verdicts[verdict]) for verdict in labels.ORDER if verdicts[verdict]],
        first=checks[first.id] if first else None,
        place=_place(first, sources) if first else "",
        behind=labels.behind(report, first) if first else "",
        untouched=first is not None and report.score == 0 and all(map(_untouched, report.checks)),
        unfinished=labels.unfinished(report),
        share=_percent(report.score, report.max_score),
        started=re.sub(r"^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d).*$", r"\1 \2 UTC", report.started),
        notebooks=list(shown_notebooks.values()),
        seed=labels.public_seed(report, audience),
        by_hand=list(map(_given, report.by_hand)),
    )


def _percent(score: float, most: float) -> float:
    return max(0.0, min(100.0, 100 * score / most)) if most else 0.0


def _given(given: HandGraded) -> Given:
    """Return what a person gave; graders' texts are cleaned as students' are."""
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
    """Return all checks; each error is shown in full once.

    That is at the check to fix first, or else at the first check that it stops.
    """
    others: dict[str, CheckResult] = {}
    anchors: dict[str, str] = {}
    for number, result in enumerate(report.checks, start=1):
        others[result.id] = result
        anchors[result.id] = _anchor(result.id, number)
    told = {labels.cause(first): first.id} if first is not None else {}
    left = PICTURES
    checks: dict[str, Check] = {}
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


def _groups(report: Report, checks: Mapping[str, Check]) -> list[QuestionGroup]:
    """Return the questions with their checks; checks of an unknown question come last."""
    by_question: dict[str, list[Check]] = {}
    for check in checks.values():
        by_question.setdefault(check.result.question, []).append(check)
    groups: list[QuestionGroup] = []
    for question in report.questions:
        groups.append(QuestionGroup(question, by_question.pop(question.id, [])))
    lost = list(chain.from_iterable(by_question.values()))
    if lost:
        points = sums(check.result for check in lost)
        groups.append(QuestionGroup(Question("", "Other checks", *points), lost))
    return groups


def _check(
    check: CheckResult,
    others: Mapping[str, CheckResult],
    anchors: Mapping[str, str],
    material: Material,
    pictures: int,
) -> Check:
    """Return one check of the page."""
    bad = check.not_passed
    stub = _unimplemented(check)
    verdict = labels.verdict(check)
    waits_for = _waits_for(check, others, anchors)
    stopper = _stopping_cell(check)
    ran = material.notebooks.get(check.notebook) if check.notebook else None
    told = verdict.kind in ("fail", "error") and bool(check.message or check.cases)
    return Check(
        result=check,
        verdict=verdict,
        anchor=anchors[check.id],
        open=told and not stub and not waits_for,
        hidden=check.visibility is Visibility.HIDDEN,
        headline=_headline(check, verdict),
        waits_for=waits_for,
        same_as=None,
        cases=[] if stub else _cases(check, verdict, pictures),
        more_cases=[] if stub else [case.id for case in bad[CASES_OF_A_CHECK:]],
        passed=[case.id for case in check.cases if case.status is Status.PASS],
        notes=_unique(chain.from_iterable(case.notes for case in check.cases)),
        snippets=_snippets(check, material) if bad and not stub else [],
        output=_printed(check),
        notebook=ran,
        stopped_in=ran.at(stopper) if ran is not None and stopper else None,
    )


def _cases(check: CheckResult, verdict: labels.ShownVerdict, pictures: int) -> list[ShownCase]:
    """Return the first cases that did not pass, with at most so many pictures."""
    left = min(pictures, PICTURES_OF_A_CHECK) if verdict is not labels.FOLLOWS else 0
    cases: list[ShownCase] = []
    for case in check.not_passed[:CASES_OF_A_CHECK]:
        cases.append(_case(case, check, left))
        left -= _drawn(cases[-1])
    return cases


def _headline(check: CheckResult, verdict: labels.ShownVerdict) -> str:
    """Return what a check's heading says of it beside its verdict."""
    if check.status is Status.PASS:
        return ""
    causes = _unique(chain.from_iterable(case.follows for case in check.not_passed))
    if verdict is labels.FOLLOWS and causes:
        return f"right, given the mistake in {quoted(causes)}"
    return labels.first_line(check.message)


def _waits_for(
    check: CheckResult, others: Mapping[str, CheckResult], anchors: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return title and anchor of the failed checks that a failed one builds on."""
    found: list[tuple[str, str]] = []
    for name in check.requires if check.status is not Status.PASS else ():
        other = others.get(name)
        if other is not None and other.status is not Status.PASS:
            found.append((other.title or other.id, anchors[other.id]))
    return found


def _snippets(check: CheckResult, material: Material) -> list[snippets.Snippet]:
    """Return the functions that a failed check judges, marked along its first exception."""
    frames = next((case.frames for case in check.not_passed if case.frames), ())
    functions = check.functions or (check.id,)
    return snippets.snippets(material.sources, functions, frames, material.clock)


def _case(case: CaseResult, check: CheckResult, pictures: int) -> ShownCase:
    """Return a case that did not pass, for the page."""
    wrong: list[Comparison] = []
    right: list[str] = []
    for value in case.values:
        if value.ok:
            right.append(value.name)
        else:
            wrong.append(value)
    return ShownCase(
        result=case,
        verdict=labels.case_verdict(case),
        wrong=wrong[:VALUES_OF_A_CASE],
        right=right[:VALUES_OF_A_CASE],
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


def _drawn(case: ShownCase) -> int:
    """Return how many pictures a case has."""
    return sum(bool(picture.uri) for picture in case.pictures)


def _printed(check: CheckResult) -> str:
    """Return what a check's cases printed, each text once."""
    printed = _unique(case.output.rstrip("\n") for case in check.cases)
    return clean("\n".join(printed), OUTPUT_LIMIT)


def _unimplemented(check: CheckResult) -> bool:
    """Return whether a check failed or was skipped because functions are not written yet."""
    if check.status not in (Status.FAIL, Status.SKIP) or not check.not_passed:
        return False
    return all(case.unimplemented for case in check.not_passed)


def _stopping_cell(check: CheckResult) -> str:
    """Return the notebook's cell, in words, that stopped what a check needs, or nothing."""
    for case in check.cases:
        if case.stopped_by:
            return case.stopped_by
    return ""


def _place(check: CheckResult, sources: Mapping[str, str]) -> str:
    """Return the file and line of the first function that a check judges, or nothing.

    If a cell of a notebook stopped what the check needs, it is that cell.
    """
    if cell := _stopping_cell(check):
        return f"{check.notebook}, {cell}"
    for name in check.functions or (check.id,):
        if found := snippets.place(sources, name):
            return f"{found[0]}, line {found[1]}"
    return ""


def _untouched(check: CheckResult) -> bool:
    """Return whether a check found only unwritten functions, or was skipped."""
    return check.status is Status.SKIP or _unimplemented(check)


def _unique(texts: Iterable[str]) -> list[str]:
    """Return the texts that are not blank, each once, in order."""
    return list(dict.fromkeys(filter(str.strip, texts)))


def _anchor(id: str, number: int) -> str:  # noqa: A002 - the word that the report uses
    """Return a check's anchor on the page."""
    return f"check-{id}" if re.fullmatch(r"[\w-]{1,80}", id, re.ASCII) else f"check-{number}"
