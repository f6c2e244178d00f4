"""What the rooms hand to each other: a check's outcome and a submission's report. Pure data."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

REPORT_JSON = "report.json"
REPORT_SCHEMA = 1


class Status(StrEnum):
    """A verdict. ``ERROR`` is the grader's own fault and never a mark."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    ERROR = "error"
    SKIP = "skip"


class Visibility(StrEnum):
    """Whether a student may see a check's details."""

    VISIBLE = "visible"
    HIDDEN = "hidden"


class Tier(StrEnum):
    """An isolation tier, strongest first."""

    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    NONE = "none"


class ErrorMap(msgspec.Struct, frozen=True):
    """How far off each part of an array is: classes for a picture, not expected numbers.

    A class is 0 within tolerance, 1 under 1 % of the largest expected entry, 2 under 10 %, 3 above,
    4 not finite.
    """

    # rows of cells, each the worst class of the entries behind it
    classes: tuple[tuple[int, ...], ...]
    axes: tuple[str, str]  # the names of the rows' and the columns' axis, such as "T time"
    extent: tuple[int, int]  # how many entries each of the two axes has
    worst_over: str = ""  # the axes that were folded, such as "N batch"
    coarse: bool = False  # whether class 1 means every entry that is out of tolerance


class Scatter(msgspec.Struct, frozen=True):
    """A gradient against the numerical one, as counts on a square grid without a scale.

    Both axes run from the least to the greatest value of the two.
    """

    # [row: numerical, from low to high][column: got, from low to high]
    counts: tuple[tuple[int, ...], ...]


class Tolerance(msgspec.Struct, frozen=True):
    """How far a float may be off: ``rtol * |expected| + atol + scaled * max |expected|``.

    ``rtol`` and ``atol`` are NumPy's; ``scaled`` is a share of the largest expected entry, so that
    a computation in float32 fits. If ``scaled`` is not zero, differences below 1e-10 also count as
    rounding.
    """

    rtol: float = 1e-4
    atol: float = 0.0
    scaled: float = 1e-5


class Comparison(msgspec.Struct, frozen=True, omit_defaults=True):
    """One named value of a case, compared with the expected one.

    Only the field ``shown`` may hold an expected number.
    """

    name: str
    ok: bool
    message: str = ""
    got: str = ""  # type, shape and dtype in words
    expected: str = ""  # the same of the expected value
    max_relative_error: float | None = None
    max_absolute_error: float | None = None
    wrong: int = 0  # entries out of tolerance
    total: int = 0  # entries in all
    where: tuple[tuple[int, ...], ...] = ()  # the first few wrong indices
    error_map: ErrorMap | None = None
    scatter: Scatter | None = None
    # lines of what was expected and got, on the public seed alone and if the author shows them
    shown: str = ""


class CallFrame(msgspec.Struct, frozen=True):
    """A call in a student's file that an exception passed through."""

    file: str  # relative to the submission
    line: int
    function: str = ""


class CaseResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """One case of a check: a pytest item."""

    id: str
    status: Status
    message: str = ""
    seconds: float = 0.0
    values: tuple[Comparison, ...] = ()
    trace: str = ""  # the student's frames only
    output: str = ""  # what the student's code printed, capped
    notes: tuple[str, ...] = ()
    unimplemented: str = ""  # the stub that stopped the case
    # the failed checks that caused this failure; if there are any, the case earns its points
    follows: tuple[str, ...] = ()
    # the calls of `trace`, outermost first: the report marks their lines
    frames: tuple[CallFrame, ...] = ()
    weight: float = 1.0  # its part of the check's points, beside the other cases' weights
    stopped_by: str = ""  # the notebook's cell, in words, that stopped what this needs
    # the part of its points that it earns although it failed, for the values that are right
    share: float = 0.0
    again: str = ""  # lines that repeat its calls in a Python session, on the public seed alone

    @property
    def earned(self) -> float:
        """The part of its points that it has, from 0 to 1; a known mistake may add to that."""
        return 1.0 if self.status is Status.PASS or self.follows else self.share


class CheckResult(msgspec.Struct, frozen=True):
    """One check: its points are shared by its cases."""

    id: str
    question: str
    title: str
    points: float
    max_points: float
    status: Status
    visibility: Visibility
    message: str
    hint: str
    seconds: float
    cases: tuple[CaseResult, ...] = ()
    mistake: str = ""  # the known mistake that gives exactly these wrong numbers, in a few words
    follow_through: bool = False
    requires: tuple[str, ...] = ()  # ids of the checks that this one builds on
    # the student's functions that it judges, methods as `Class.method`
    functions: tuple[str, ...] = ()
    notebook: str = ""  # the notebook that it judges, by the name in `Report.notebooks`
    reference_seconds: float | None = None  # how long the reference took
    # whether it ran beside the student's objects, so that its verdict is their process's word
    in_box: bool = False

    @property
    def not_passed(self) -> list[CaseResult]:
        """The cases that failed, were skipped or could not be graded."""
        return [case for case in self.cases if case.status is not Status.PASS]


def sums(checks: Iterable[CheckResult]) -> tuple[float, float]:
    """Return the points of checks and the most that they can give, rounded to hundredths."""
    points = most = 0.0
    for check in checks:
        points += check.points
        most += check.max_points
    return round(points, 2), round(most, 2)


class Question(msgspec.Struct, frozen=True):
    """The sum over one question's checks."""

    id: str
    title: str
    points: float
    max_points: float


class GivenItem(msgspec.Struct, frozen=True):
    """An item of a rubric that a person chose for a part."""

    text: str
    points: float


class HandGraded(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a person gave for one part of a submission, and why."""

    title: str
    points: float  # of a check: what is added to the program's points
    max_points: float = 0.0
    items: tuple[GivenItem, ...] = ()
    comment: str = ""  # Markdown
    check: str = ""  # the check that was adjusted; empty for an answer


class Report(msgspec.Struct, frozen=True):
    """The results of one graded submission."""

    schema: int
    assignment: str
    title: str
    submission: str
    score: float
    max_score: float
    isolation: Tier
    seconds: float
    started: str  # ISO 8601, UTC
    questions: tuple[Question, ...]
    checks: tuple[CheckResult, ...]
    notes: tuple[str, ...] = ()  # what of the submission was taken, and what was not used
    seed: str = "public"  # "hidden" where the instructor's own seed was used
    notebooks: tuple[str, ...] = ()  # the executed notebooks, file names beside the report
    version: str = ""  # of the assignment
    # graded in a handout: by the student, with what the handout brings
    practice: bool = False
    look: tuple[str, ...] = ()  # what a person should decide
    coarse: bool = False  # whether students see of an entry only whether it is off, not how far
    by_hand: tuple[HandGraded, ...] = ()  # what people gave at the desk
