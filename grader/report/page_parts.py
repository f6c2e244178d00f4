"""The parts of a report's page, as the template reads them. Pure data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from grader.model import CaseResult, CheckResult, Comparison, Question
from grader.report import labels, notebook_cells
from grader.report.markup import snippets
from grader.report.markup.conversion_clock import ConversionClock

if TYPE_CHECKING:
    from grader.report.pictures import Picture


@dataclass(frozen=True)
class ShownCase:
    """A case that did not pass: what was wrong in it."""

    result: CaseResult
    verdict: labels.ShownVerdict
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
    verdict: labels.ShownVerdict
    anchor: str
    open: bool  # only where the mistake itself may lie: what builds on it stays folded
    hidden: bool
    headline: str
    # title and anchor of checks that it builds on and that did not pass
    waits_for: Sequence[tuple[str, str]]
    same_as: tuple[str, str] | None  # id and anchor of the check that tells of the same error
    cases: Sequence[ShownCase]
    more_cases: Sequence[str]  # ids of cases that did not pass either and are not shown
    passed: Sequence[str]
    notes: Sequence[str]
    snippets: Sequence[snippets.Snippet]
    output: str
    stopped_in: notebook_cells.Cell | None  # the cell that stopped what it needs
    notebook: notebook_cells.ShownNotebook | None


@dataclass(frozen=True)
class QuestionGroup:
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
class ReportPage:
    """Everything that the template needs beyond the report itself."""

    groups: Sequence[QuestionGroup]
    counts: Sequence[tuple[labels.ShownVerdict, int]]
    first: Check | None  # what to fix first
    place: str  # the file and line where that is to be done
    behind: str  # how many other checks hang on it
    untouched: bool  # nothing is implemented yet
    unfinished: bool
    share: float  # of the points, 0 to 100
    started: str
    notebooks: Sequence[notebook_cells.ShownNotebook]
    seed: str  # what an instructor should know of it
    by_hand: Sequence[Given]  # what people gave


@dataclass(frozen=True)
class Material:
    """What a page shows beside its report, and the seconds that converting it may take."""

    notebooks: Mapping[str, notebook_cells.ShownNotebook]
    sources: Mapping[str, str]
    clock: ConversionClock
