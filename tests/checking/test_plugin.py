"""The plugin: checks that are broken are the grader's fault, never a mark, and authors are told
what to mend.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from toy import CHECKS, REFERENCE, SPEC, Toy, build

from grader.assignment.expectations import SCHEMA, Expectations, Provenance
from grader.authoring.record import record
from grader.checking.api.held_values import Mode
from grader.checking.explain.causes import Causes
from grader.checking.run.boxes import Boxes
from grader.checking.run.plan import Outcome, Plan
from grader.checking.run.verdicts import CheckOutcome
from grader.checking.session import run_checks as session
from grader.checking.session.case_runs import CaseRuns
from grader.checking.session.run_checks import KeptChecks, run_checks
from grader.errors import AssignmentError, GraderFault
from grader.model import CaseResult
from grader.sandbox.plain import PlainSandbox


def run(
    folder: Path, checks: str, mode: Mode = Mode.COMPARE, *, spec: str = SPEC, **plan: object
) -> dict[str, list[CaseResult]]:
    """Run checks against the toy's reference, with nothing recorded, and return the cases."""
    assignment = build(folder, checks=checks, spec=spec)
    stored = Expectations(Provenance(SCHEMA, "7", "", "", {}))
    with PlainSandbox() as sandbox:
        files = {"pack/toy.py": REFERENCE.encode()}
        outcome = run_checks(Plan(assignment, sandbox, files, stored, mode, **plan))
    return {id_: list(check.cases) for id_, check in outcome.checks.items()}


def with_count(body: str) -> str:
    """Return the toy's checks with another body of `test_count`."""
    own = '    expect("counts", student.count(rng.integers(0, 5, size=20), 5))'
    assert own in CHECKS
    return CHECKS.replace(own, "\n".join(f"    {line}" for line in body.splitlines()))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "1 / 0",
            "the check itself failed: ZeroDivisionError: division by zero (test_toy.py, line 25)",
        ),
        (
            "student.cuont(3)",
            "`student.cuont`, which no file of assignment.toml `provides`: did you mean `count`?",
        ),
        ("expect('nothing', 1)", "no expectation of `nothing` was recorded: run `grader record`"),
        (
            "a, b = student.Tally(1).state",
            "a check goes through `Tally.state`, which stays in the box: write `st",
        ),
        (
            "student.count(object(), 5)",
            "a check passes a object, which can't cross the border into the box",
        ),
        ("student.Tally(1).state == 1", "write `student.operator.eq(...)`, or `.fetch()` it"),
        ("raise SystemExit(0)", "the check itself failed: SystemExit"),
        ("pytest.skip('later')", "the check itself failed: Skipped"),
    ],
)
def test_broken_check_is_an_error_and_no_mark(tmp_path: Path, body: str, message: str) -> None:
    (case,) = run(tmp_path, with_count(body), only=frozenset({"count"}))["count"]
    assert case.status == "error"
    assert message in case.message


def test_failed_assertion_of_a_check_is_a_mark(tmp_path: Path) -> None:
    (case,) = run(
        tmp_path, with_count("assert False, 'should be sorted'"), only=frozenset({"count"})
    )["count"]
    assert (case.status, case.message) == ("fail", "should be sorted")


def test_what_a_check_does_with_a_wrong_value_is_no_error(tmp_path: Path) -> None:
    body = "expect.that('sorted', False, 'it is not sorted')\n1 / 0"
    (case,) = run(tmp_path, with_count(body), only=frozenset({"count"}))["count"]
    assert (case.status, case.message) == ("fail", "it is not sorted")


@pytest.mark.parametrize(
    ("checks", "message"),
    [
        (CHECKS.replace("import pytest", "import pytset"), "can't be collected"),
        (
            CHECKS.replace("test_count", "test_counts"),
            "the test `test_counts` has no \\[\\[checks\\]\\] entry",
        ),
        (
            CHECKS.replace("def test_count(student", "def not_a_test(student"),
            "`count` of assignment.toml has no test",
        ),
        ("x = 1", "has no test `test_center`"),
    ],
)
def test_checks_that_do_not_fit_the_spec_are_refused(
    tmp_path: Path, checks: str, message: str
) -> None:
    with pytest.raises(AssignmentError, match=message):
        run(tmp_path, checks)


def test_unknown_fixture_is_an_error_of_its_check(tmp_path: Path) -> None:
    checks = CHECKS.replace("def test_count(student,", "def test_count(studnet, student,")
    (case,) = run(tmp_path, checks, only=frozenset({"count"}))["count"]
    assert case.status == "error"
    assert case.message == "the check itself failed: there is no fixture `studnet`"


def test_what_check_files_share_stands_in_a_conftest(tmp_path: Path) -> None:
    first, second = (tmp_path / name for name in ("first", "second"))
    for folder, most in ((first, 3), (second, 9)):
        conftest = folder / "checks" / "conftest.py"
        conftest.parent.mkdir(parents=True)
        conftest.write_text(f"import pytest\n\n\n@pytest.fixture\ndef most():\n    return {most}\n")
    checks = with_count("expect.that('at most', most == 3, f'it is {most}')")
    checks = checks.replace("test_count(", "test_count(most, ")
    cases = [
        run(folder, checks, only=frozenset({"count"}))["count"][0] for folder in (first, second)
    ]
    assert [(case.status.value, case.message) for case in cases] == [
        ("pass", ""),
        ("fail", "it is 9"),
    ]


def test_a_fixture_of_the_authors_own_takes_the_place_of_ours(tmp_path: Path) -> None:
    own = "@pytest.fixture\ndef rng(rng):\n    return rng.integers(5, 6)\n\n\n"
    checks = with_count("expect.that('own', rng == 5, f'it is {rng}')")
    checks = checks.replace("def test_count(", f"{own}def test_count(")
    (case,) = run(tmp_path, checks, only=frozenset({"count"}))["count"]
    assert (case.status, case.message) == ("pass", "")


def test_a_fixture_draws_from_the_generator_of_its_case(tmp_path: Path) -> None:
    own = "@pytest.fixture\ndef first(rng):\n    return rng.random()\n\n\n"
    checks = with_count("expect.that('draws', first != rng.random(), 'the same number twice')")
    checks = checks.replace("def test_count(", f"{own}def test_count(first, ")
    (case,) = run(tmp_path, checks, only=frozenset({"count"}))["count"]
    assert (case.status, case.message) == ("pass", "")


def test_a_failure_that_can_not_be_explained_keeps_its_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explain(causes: Causes, outcome: CheckOutcome) -> None:
        raise OverflowError("of a value that nobody thought of")

    monkeypatch.setattr(Causes, "diagnose", explain)
    (case,) = run(tmp_path, with_count("assert False"), only=frozenset({"count"}))["count"]
    assert case.status == "fail"
    assert case.notes[-1] == "the grader failed to look for the cause of this: OverflowError"


@pytest.mark.usefixtures("real_starts")
def test_box_that_can_not_be_made_is_our_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.sandbox.plain.sys.executable", "/bin/false")
    (case,) = run(tmp_path, CHECKS, only=frozenset({"count"}))["count"]
    assert case.status == "error"
    assert "a box could not be made ready" in case.message


def test_seed_check_and_case_give_the_numbers(tmp_path: Path) -> None:
    seen: dict[str, list[str]] = {"a": [], "b": []}
    for name in seen:
        cases = run(
            tmp_path / name, with_count("expect('drawn', rng.standard_normal(2))"), Mode.RECORD
        )
        seen[name] = [case.id for case in cases["center"]]
    assert seen["a"] == seen["b"] == ["N=4", "N=1", "D=1"]


def test_users_own_pytest_settings_have_no_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k no_such_test")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    assert set(run(tmp_path / "a", CHECKS, Mode.RECORD)) == {
        *("center", "center_backward", "count", "noise", "tally", "notebook")
    }


def test_weight_of_a_case_that_no_check_has_is_refused(tmp_path: Path) -> None:
    spec = SPEC.replace('id = "center"', 'id = "center"\nweights = { "N=4" = 2, "N=3" = 2 }')
    with pytest.raises(
        AssignmentError,
        match=r"`center` has a weight for the case 'N=3', but its cases are N=4, N=1, D=1",
    ):
        run(tmp_path, CHECKS, spec=spec)


STUB = "def center(x):\n    raise NotImplementedError"


def test_stub_that_needs_a_stub_is_skipped(toy: Toy) -> None:
    graded = toy.change(f"{STUB}\ndef center_backward(dy, cache):\n    raise NotImplementedError")
    assert (graded["center"].status, graded["center_backward"].status) == ("fail", "skip")
    assert graded["center_backward"].message == "`center`, which this needs, is not implemented yet"
    assert graded.report.score == 5


def test_what_needs_a_wrong_function_and_is_right_all_the_same_passes(toy: Toy) -> None:
    assert toy.change("def center(x):\n    return x, x.shape")["center_backward"].status == "pass"


def test_a_checks_first_sentence_is_its_line_in_the_report(toy: Toy) -> None:
    assert toy.grade()["count"].title == "How often each id occurs."


def test_a_warning_of_a_check_shows_no_line_of_ours(tmp_path: Path) -> None:
    warns = with_count(
        "import warnings\nwarnings.warn('x = reference(y)')\nexpect.quality('q', 1, at_least=0)"
    )
    # pytest turns a warning that comes out into an error
    assert run(tmp_path, warns)["count"][0].status == "pass"


def test_checks_that_are_not_there_are_told(tmp_path: Path) -> None:
    assignment = build(tmp_path)
    shutil.rmtree(assignment.checks_folder)
    stored = Expectations(Provenance(SCHEMA, "7", "", "", {}))
    with (
        PlainSandbox() as sandbox,
        pytest.raises(
            AssignmentError,
            match=r"checks does not exist: the checks lie there, in files named test_\*\.py",
        ),
    ):
        run_checks(Plan(assignment, sandbox, {}, stored))


def test_what_a_check_cannot_go_on_with_is_the_submissions_matter(tmp_path: Path) -> None:
    toy = Toy(
        build(
            tmp_path / "toy",
            checks=with_count("expect('sum', student.count(np.arange(3), 5) @ np.ones(5))"),
        ),
        tmp_path,
    )
    record(toy.assignment, reseed=False, again=False, progress=lambda line: None)
    graded = toy.grade(f"{REFERENCE}\n\ndef count(ids, n):\n    return None\n", "count")
    assert (graded["count"].status, graded["count"].points) == ("fail", 0)
    graded = toy.grade(f"{REFERENCE}\n\ndef count(ids, n):\n    return np.ones(4)\n", "count")
    assert graded["count"].message == (
        "`count` returned something that the check can't go on with: ValueError"
    )


@pytest.mark.parametrize(("failures", "ends"), [(session.PARSED_AGAIN, False), (99, True)])
def test_checks_that_python_failed_to_parse_beside_another_thread_are_collected_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failures: int, ends: bool
) -> None:
    collected = session._run
    tried: list[int] = []

    def failing(plan: Plan, boxes: Boxes, kept: KeptChecks) -> Outcome:
        tried.append(1)
        if len(tried) <= failures:
            raise AssignmentError(f"test_toy.py can't be collected:\nE {session.PARSED_AT_ONCE}")
        return collected(plan, boxes, kept)

    monkeypatch.setattr(session, "_run", failing)
    if ends:
        with pytest.raises(AssignmentError, match="can't be collected"):
            run(tmp_path, CHECKS)
    else:
        assert set(run(tmp_path, CHECKS))
    assert len(tried) == session.PARSED_AGAIN + 1


@pytest.mark.parametrize(("failures", "ends"), [(1, False), (2, True)])
def test_a_session_in_which_pytest_itself_fails_is_tried_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failures: int, ends: bool
) -> None:
    finish = CaseRuns.finish
    tried: list[int] = []

    def failing(self: CaseRuns, item: pytest.Item, seconds: float) -> None:
        tried.append(1)
        if len(tried) <= failures:
            raise RuntimeError("of pytest's")
        finish(self, item, seconds)

    monkeypatch.setattr(CaseRuns, "finish", failing)
    if ends:
        with pytest.raises(GraderFault, match="pytest failed"):
            run(tmp_path, CHECKS)
        assert len(tried) == 2
    else:
        cases = run(tmp_path, CHECKS)
        assert set(cases) == {"center", "center_backward", "count", "noise", "tally", "notebook"}
        assert all(cases.values())


def test_checks_that_are_broken_are_collected_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def failing(plan: Plan, boxes: Boxes, kept: KeptChecks) -> Outcome:
        tried.append(1)
        raise AssignmentError("test_toy.py can't be collected:\nE SyntaxError: invalid syntax")

    monkeypatch.setattr(session, "_run", failing)
    with pytest.raises(AssignmentError, match="invalid syntax"):
        run(tmp_path, CHECKS)
    assert tried == [1]


def test_a_case_that_asks_for_nothing_of_pytests_is_called_without_its_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One with an author's fixture, or with a mark that pytest looks at, goes through them."""
    called: list[str] = []
    run_directly = CaseRuns._run_directly

    def noted(self: CaseRuns, item: pytest.Function) -> None:
        called.append(item.name)
        run_directly(self, item)

    monkeypatch.setattr(CaseRuns, "_run_directly", noted)
    head = CHECKS.replace(
        "def test_count(", "@pytest.mark.skipif(False, reason='no')\ndef test_count("
    )
    fixture = "\n\n@pytest.fixture\ndef two():\n    return 2\n\n\n"
    checks = head.replace("def test_tally(student, ", "def test_tally(student, two, ")
    assert checks != head != CHECKS
    found = run(tmp_path, f"import pytest\n{fixture}{checks}")
    assert {name.partition("[")[0] for name in called} == {
        f"test_{id_}" for id_ in found.keys() - {"count", "tally"}
    }
    assert all(found.values())
