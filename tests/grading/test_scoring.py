"""Points: cases share a check's points, checks add up to questions, and an error of ours is never a
mark.
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.assignment.schema import CheckSpec, QuestionSpec, Spec
from grader.checking.explain.diagnosis import Mistake
from grader.grading.scoring import questions, rescored, score_check, total
from grader.model import CaseResult, CheckResult, Status

NONE = Mistake("", "", 0.0)


def scored(
    *cases: CaseResult,
    points: float = 6,
    mistake: Mistake = NONE,
    weights: dict[str, float] | None = None,
) -> CheckResult:
    """Score a check of these cases."""
    check = SimpleNamespace(
        title="t", cases=list(cases), mistake=mistake, functions=(), reference_seconds=0.0
    )
    return score_check(
        CheckSpec(id="c", question="q", points=points, requires=("b",), weights=weights), check
    )


def case(status: Status, message: str = "", id_: str = "x", **more: object) -> CaseResult:
    return CaseResult(id_, status, message, seconds=0.5, **more)


PASS, FAIL, SKIP = case(Status.PASS), case(Status.FAIL, "off"), case(Status.SKIP, "not yet")
ERROR = case(Status.ERROR, "our fault")


@pytest.mark.parametrize(
    ("cases", "status", "points"),
    [
        ([PASS, PASS, PASS], "pass", 6),
        ([PASS, FAIL, PASS], "fail", 4),
        ([FAIL, FAIL, FAIL], "fail", 0),
        ([SKIP, SKIP], "skip", 0),
        ([PASS, SKIP], "fail", 3),
        ([PASS, ERROR, PASS], "error", 0),
        ([FAIL, ERROR], "error", 0),
        ([], "error", 0),
    ],
)
def test_cases_share_the_points(cases: list[CaseResult], status: str, points: float) -> None:
    result = scored(*cases)
    assert (result.status, result.points, result.max_points) == (status, points, 6)


def test_case_that_follows_from_an_earlier_mistake_has_its_points() -> None:
    result = scored(PASS, case(Status.FAIL, "off", follows=("rnn_step_forward",)))
    assert (result.status, result.points, result.follow_through) == ("fail", 6, True)
    told = "right, given the mistake in `rnn_step_forward`: it has cost its points there, and none here"
    assert result.message == told


def test_case_has_points_for_the_values_that_are_right() -> None:
    result = scored(PASS, case(Status.FAIL, "off", share=0.8))
    assert (result.status, result.points, result.follow_through) == ("fail", 5.4, False)


def test_known_mistake_keeps_a_share_of_what_is_not_earned_by_values() -> None:
    assert scored(case(Status.FAIL, "off", share=0.5), mistake=Mistake("m", "h", 0.5)).points == 4.5


def test_known_mistake_may_keep_a_share() -> None:
    result = scored(PASS, FAIL, mistake=Mistake("gates swapped", "look at the order", 0.5))
    assert (result.points, result.mistake, result.hint) == (
        4.5,
        "gates swapped",
        "look at the order",
    )


@pytest.mark.parametrize(
    ("passed", "points"), [("a", 3.0), ("b", 1.5), ("c", 1.5), ("ab", 4.5), ("", 0.0), ("abc", 6.0)]
)
def test_weighted_cases_have_their_parts_of_the_points(passed: str, points: float) -> None:
    cases = [case(Status.PASS if id_ in passed else Status.FAIL, "off", id_) for id_ in "abc"]
    assert scored(*cases, weights={"a": 2.0}).points == points


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        ([PASS], ""),
        ([FAIL], "off"),
        ([FAIL, FAIL], "off"),
        ([PASS, FAIL, case(Status.FAIL, "else")], "2 of 3 cases fail; x: off"),
        (
            [case(Status.FAIL, "a", "N=1"), case(Status.FAIL, "b", "N=2")],
            "all 2 cases fail; N=1: a",
        ),
        ([FAIL, ERROR], "all 2 cases fail; x: our fault"),
        ([SKIP, FAIL], "all 2 cases fail; x: off"),
        ([], "no case of this check was run"),
    ],
)
def test_message_is_that_of_the_first_case_that_decides(
    cases: list[CaseResult], message: str
) -> None:
    assert scored(*cases).message == message


def test_time_is_the_sum_over_cases() -> None:
    assert scored(PASS, FAIL).seconds == 1.0


@given(st.lists(st.sampled_from([PASS, FAIL, SKIP, ERROR])), st.floats(0.01, 1000))
def test_points_stay_between_nothing_and_all(cases: list[CaseResult], points: float) -> None:
    result = scored(*cases, points=points)
    assert 0 <= result.points <= points + 0.005
    assert (result.status is Status.PASS) == (bool(cases) and set(cases) == {PASS})


@given(st.lists(st.sampled_from([0.1, 0.2, 0.7, 1.15, 3.0]), max_size=60))
def test_total_has_no_dust_of_binary_fractions(points: list[float]) -> None:
    assert abs(total(points) - sum(points)) < 1e-9
    assert len(f"{total(points)!r}".partition(".")[2]) <= 2


def test_a_check_of_an_earlier_grading_keeps_its_share_of_other_points() -> None:
    spec = CheckSpec(id="c", question="other", points=9, requires=("b",))
    partly = rescored(spec, scored(PASS, FAIL))
    assert (partly.points, partly.max_points, partly.question) == (4.5, 9, "other")
    assert rescored(spec, scored(PASS)).points == 9
    same = CheckSpec(id="c", question="q", points=6)
    assert rescored(same, scored(PASS, FAIL)).points == 3


def test_questions_are_summed_in_the_order_of_the_spec() -> None:
    spec = Spec(
        schema=1, name="n", title="t", checks=(),
        questions=tuple(QuestionSpec(id=id_, title=id_.upper()) for id_ in ("q2", "q1", "empty")),
    )  # fmt: skip
    checks = []
    for question, got in (("q1", PASS), ("q2", FAIL), ("q1", FAIL)):
        check = SimpleNamespace(
            title="t", cases=[got], mistake=NONE, functions=(), reference_seconds=0.0
        )
        checks.append(score_check(CheckSpec(id="c", question=question, points=2.1), check))
    sums = questions(spec, checks)
    assert [
        (question.id, question.title, question.points, question.max_points) for question in sums
    ] == [
        ("q2", "Q2", 0, 2.1),
        ("q1", "Q1", 2.1, 4.2),
    ]


def test_a_right_answer_has_its_points_to_the_eighth() -> None:
    assert scored(case(Status.PASS), case(Status.PASS), points=0.125).points == 0.125


def test_the_authors_own_words_stand_ahead_of_what_was_found() -> None:
    spec = CheckSpec(id="c", question="q", points=1, when_passed="Well done.", when_failed="Hm.")
    told = {}
    for one in (PASS, FAIL, SKIP, ERROR):
        check = SimpleNamespace(
            title="t", cases=[one], mistake=NONE, functions=(), reference_seconds=0.0
        )
        told[one.status.value] = score_check(spec, check).message
    assert told == {
        "pass": "Well done.",
        "fail": "Hm.\noff",
        "skip": "not yet",
        "error": "our fault",
    }
