"""What a student's report on the hidden seed says of the size of errors, and who chooses."""

from __future__ import annotations

import msgspec
import pytest
from toy import build

from grader.assignment.spec import load
from grader.authoring.record import record
from grader.grading.grade import Options, grade
from grader.model import Comparison, ErrorMap, Report, Scatter
from grader.report.audience import Audience, view
from grader.report.pictures import heat_map

from . import samples

FINE = ErrorMap(((0, 1, 2), (3, 4, 0)), ("T time", "H hidden"), (2, 3))
SPREAD = Scatter(((1, 0), (0, 1)))


def seen(coarse: bool, audience: Audience) -> tuple[ErrorMap | None, Scatter | None]:
    """Return what an audience sees of one wrong value."""
    report = samples.mixed()
    check = next(check for check in report.checks if check.cases and check.visibility == "visible")
    (case, *others) = check.cases
    value = Comparison("h", False, error_map=FINE, scatter=SPREAD)
    case = msgspec.structs.replace(case, values=(value,))
    check = msgspec.structs.replace(check, cases=(case, *others))
    shown = view(msgspec.structs.replace(report, checks=(check,), coarse=coarse), audience)
    found = shown.checks[0].cases[0].values[0]
    return found.error_map, found.scatter


def test_a_student_sees_whether_an_entry_is_off_and_not_how_far() -> None:
    coarse, scatter = seen(True, Audience.STUDENT)
    assert coarse is not None
    assert (coarse.classes, scatter) == (((0, 1, 1), (1, 1, 0)), None)


@pytest.mark.parametrize(
    ("coarse", "audience"),
    [(True, Audience.INSTRUCTOR), (False, Audience.STUDENT), (False, Audience.INSTRUCTOR)],
)
def test_the_instructor_sees_all_and_so_does_a_student_in_practice(
    coarse: bool, audience: Audience
) -> None:
    assert seen(coarse, audience) == (FINE, SPREAD)


def test_the_legend_of_a_coarse_map_has_two_words() -> None:
    coarse, _ = seen(True, Audience.STUDENT)
    assert coarse is not None
    assert heat_map(coarse, "h").legend == ((0, "within tolerance"), (1, "off"))


@pytest.mark.parametrize(("line", "expected"), [("", True), ('error_maps = "fine"\n', False)])
def test_the_author_chooses_for_the_hidden_seed(
    line: str, expected: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("coarse")
    build(folder / "assignment")
    spec = folder / "assignment" / "assignment.toml"
    spec.write_text(spec.read_text().replace('title = "A toy"\n', f'title = "A toy"\n{line}'))
    assignment = load(folder / "assignment")
    record(assignment, reseed=False, progress=lambda told: None)
    only = Options(isolation="none", only=frozenset({"count"}))
    hidden: Report = grade(assignment, assignment.folder / "reference", only).report
    assert (hidden.seed, hidden.coarse) == ("hidden", expected)
    assignment.expectations_path("hidden").unlink()
    public = grade(assignment, assignment.folder / "reference", only).report
    assert (public.seed, public.coarse) == ("public", False)
