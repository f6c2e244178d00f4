"""The trusted side of stand-ins: what is replaced for which check, and what is answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from toy import SPEC, build

from grader.assignment.spec import Assignment
from grader.checking.run.substitution import (
    ARGUMENTS,
    BYTES,
    STEPS,
    Built,
    Reference,
    ReferenceAnswers,
    Substitution,
)
from grader.checking.run.verdicts import CheckOutcome
from grader.errors import StudentException
from grader.model import CaseResult, Status
from grader.sandbox.wire import Frame

PASS, FAIL = CaseResult("a", Status.PASS), CaseResult("b", Status.FAIL, "off")
JUDGED = {
    "center": frozenset({"center"}),
    "center_backward": frozenset({"center_backward"}),
    "tally": frozenset({"Tally.add"}),
    "notebook": frozenset({"Tally.add", "center_backward"}),
}
REQUIRES = {"tally": '["center_backward"]', "notebook": '["center_backward", "tally"]'}


@pytest.fixture(scope="module")
def assignment(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    spec = SPEC
    for id_, requires in REQUIRES.items():
        spec = spec.replace(f'id = "{id_}"\n', f'id = "{id_}"\nrequires = {requires}\n')
    return build(tmp_path_factory.mktemp("toy"), spec=spec)


def replaced(assignment: Assignment, check: str, **cases: CaseResult) -> Substitution | None:
    """What is replaced for a check when these have ended so, and all others have passed."""
    outcomes = {id_: CheckOutcome(id_, id_, [cases.get(id_, PASS)]) for id_ in JUDGED}
    return Built(assignment, JUDGED).substitution(check, outcomes)


def test_what_a_check_builds_on_is_all_that_its_requirements_build_on(
    assignment: Assignment,
) -> None:
    built = Built(assignment, JUDGED)
    assert built.below("center") == ()
    assert built.below("tally") == ("center", "center_backward")


def test_the_functions_of_failed_checks_are_replaced_and_those_of_others_watched(
    assignment: Assignment,
) -> None:
    what = replaced(assignment, "tally", center=FAIL)
    assert what is not None
    assert (what.roots, what.replaced) == (("center",), {"center"})
    assert what.watched == {"center_backward"}


def test_nothing_is_replaced_when_nothing_before_has_failed(assignment: Assignment) -> None:
    assert replaced(assignment, "tally", tally=FAIL) is None
    assert replaced(assignment, "center", center_backward=FAIL) is None


def test_what_follows_from_an_earlier_mistake_keeps_its_own_function(
    assignment: Assignment,
) -> None:
    follows = CaseResult("b", Status.FAIL, "off", follows=("center",))
    what = replaced(assignment, "tally", center=FAIL, center_backward=follows)
    assert what is not None
    assert what.replaced == {"center"}


def test_what_repeats_a_known_mistake_is_replaced_and_named_by_where_it_cost(
    assignment: Assignment,
) -> None:
    follows = CaseResult("b", Status.FAIL, "off", follows=("center",))
    outcomes = {"center_backward": CheckOutcome("center_backward", "", [follows], repeats=True)}
    what = Built(assignment, JUDGED).substitution("tally", outcomes)
    assert what is not None
    assert (what.roots, what.replaced) == (("center",), {"center_backward"})


def test_our_own_fault_replaces_nothing(assignment: Assignment) -> None:
    assert replaced(assignment, "tally", center=CaseResult("b", Status.ERROR)) is None


def test_the_function_that_a_check_judges_is_never_replaced(assignment: Assignment) -> None:
    outcomes = {"center": CheckOutcome("center", "", [FAIL])}
    built = Built(
        assignment, {"center": frozenset({"center"}), "center_backward": frozenset({"center"})}
    )
    assert built.substitution("center_backward", outcomes) is None


def test_a_notebook_has_its_functions_replaced_while_most_of_them_are_right(
    assignment: Assignment,
) -> None:
    what = replaced(assignment, "notebook", tally=FAIL)
    assert what is not None
    assert (what.replaced, what.watched) == ({"Tally.add"}, {"center", "center_backward", "Tally"})
    assert replaced(assignment, "notebook", center=FAIL, tally=FAIL) is None


def test_a_notebook_keeps_one_of_the_functions_that_it_judges(assignment: Assignment) -> None:
    assert replaced(assignment, "notebook", center_backward=FAIL) is not None
    assert replaced(assignment, "notebook", center_backward=FAIL, tally=FAIL) is None


class Told(Reference):
    """A reference that keeps what it is asked."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []

    def begin(self) -> None:
        """Keep what is there."""

    def answer(
        self, steps: list[dict[str, Any]], blobs: tuple[bytes, ...], seconds: float
    ) -> Frame:
        self.steps += steps
        if steps[-1]["args"] == [{"value": "wrong"}]:
            raise StudentException("the reference raised")
        return Frame({"ok": True})


WHAT = Substitution(("center",), frozenset({"center"}), frozenset({"count"}), stubs=False)
STEP = {
    "number": 3,
    "function": "center",
    "args": [{"value": 1}, {"made": [2, 1]}],
    "kwargs": [["n", {"value": 2}]],
}


def answered(*steps: Any, blobs: tuple[bytes, ...] = (), most: int = 10) -> bool:
    """Whether a question is answered, and not refused."""
    stand_ins = ReferenceAnswers(Told(), WHAT, most)
    stand_ins.begin(60)
    return stand_ins(Frame({"op": "ask", "steps": list(steps)}, blobs)).body["ok"] is True


def test_a_question_for_a_replaced_function_is_answered() -> None:
    assert answered(STEP)
    assert answered({**STEP, "number": 2, "function": "count"}, STEP)


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [
            {**STEP, "function": "count"}
        ],  # watched alone: what it makes may be handed on, and is not told
        [{**STEP, "function": "center_backward"}],
        [{**STEP, "function": "center_backward"}, STEP],
        [STEP, STEP],
        [{**STEP, "function": "center.__globals__"}],
        [{**STEP, "function": ["center"]}],
        [{**STEP, "number": -1}],
        [{**STEP, "number": True}],
        [{**STEP, "args": [{"made": [1]}]}],
        [{**STEP, "args": [{"made": [1, "__class__"]}]}],
        [{**STEP, "args": [{"value": 1, "made": [1, 1]}]}],
        [{**STEP, "args": [1]}],
        [{**STEP, "args": {}}],
        [{**STEP, "args": [{"value": 1}] * (ARGUMENTS + 1)}],
        [{**STEP, "kwargs": [["n"]]}],
        [{**STEP, "kwargs": [[1, {"value": 2}]]}],
        [{**STEP, "state": [[1, 2]]}],
        ["step"],
        [{**STEP, "function": "count"}] * STEPS + [STEP],
    ],
)
def test_any_other_question_is_refused(steps: list[Any]) -> None:
    assert not answered(*steps)


def test_nothing_but_what_is_known_goes_on_to_the_reference() -> None:
    reference = Told()
    stand_ins = ReferenceAnswers(reference, WHAT, 10)
    stand_ins.begin(60)
    stand_ins(Frame({"op": "ask", "steps": [{**STEP, "module": "os", "more": 1}]}))
    assert reference.steps == [{**STEP, "state": []}]


def test_a_question_of_too_many_bytes_is_refused() -> None:
    assert not answered(STEP, blobs=(bytes(BYTES + 1),))


def test_questions_are_counted_and_have_a_time(tmp_path: Path) -> None:
    stand_ins = ReferenceAnswers(Told(), WHAT, 2)
    stand_ins.begin(60)
    question = Frame({"op": "ask", "steps": [STEP]})
    assert [stand_ins(question).body["ok"] for _ in range(3)] == [True, True, False]
    stand_ins.begin(0)
    assert stand_ins(question).body["ok"] is False


def test_what_the_reference_raises_is_not_told() -> None:
    stand_ins = ReferenceAnswers(Told(), WHAT, 10)
    stand_ins.begin(60)
    step = {**STEP, "args": [{"value": "wrong"}]}
    assert stand_ins(Frame({"op": "ask", "steps": [step]})) == Frame({"ok": False})
