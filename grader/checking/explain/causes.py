"""Explains why a check failed. A known mistake costs points once, in however many checks it
appears.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from grader.checking.api.expect import Expect
from grader.checking.api.held_values import Mode
from grader.checking.case.call_log import Call
from grader.checking.case.case import Case
from grader.checking.explain.diagnosis import (
    KnownMistakes,
    Mistake,
    diagnose,
    explaining,
    fitting,
    hints,
    resembles,
    sparing,
)
from grader.checking.explain.evidence import ORDINALS, Evidence, failing
from grader.checking.explain.exception_rules import RETURNED
from grader.checking.run.plan import Plan
from grader.checking.run.substitution import Built
from grader.checking.run.verdicts import CheckOutcome
from grader.errors import StudentException, WrongReturn
from grader.model import CaseResult, Status


class Causes:
    """Looks into the cases of failing checks, if a run compares at all."""

    def __init__(self, plan: Plan, built: Built, checks: Mapping[str, CheckOutcome]) -> None:
        self._plan = plan
        self._built = built
        self._checks = checks  # those that have begun, by their ids
        # of each check that is not done yet, case by case: of the run, and of the last one that
        # its case had, which may be a second run
        self._evidence: dict[str, list[Evidence]] = {}
        self._last: dict[str, list[Evidence]] = {}

    def note(self, check: str, first: Evidence, last: Evidence) -> None:
        """Keep what a case that has ended was given and what was got from it.

        last: of a second run, if there was one, in which earlier functions were right
        """
        if self._plan.mode is Mode.COMPARE:
            self._evidence.setdefault(check, []).append(first)
            self._last.setdefault(check, []).append(last)

    def diagnose(self, outcome: CheckOutcome) -> None:
        """Look for the mistake of a check; a failed check that it builds on must show it, too.

        Raises `AssignmentError` if the known mistakes' answers can't be read.
        """
        told, last = self._evidence.pop(outcome.id, []), self._last.pop(outcome.id, [])
        if not outcome.failed or len(told) < len(outcome.cases):
            return
        known = self._plan.known()
        fits = self._possible(outcome.id, fitting(outcome.id, told, known), known)
        outcome.fits = hints(fits.values())
        before, passed = self._related(outcome.id)
        below = self._built.below(outcome.id)
        shown = [other.fits for other in before if other.id in below]
        if shown:
            named = frozenset[str]().union(*shown)
            fits = {id_: one for id_, one in fits.items() if one.hint in named}
        partly: tuple[Mistake, ...] = ()
        if not before:
            partly = explaining(outcome.id, told, known)
        elif not fits:
            # What was given to a check by one that failed may look like a part of a mistake, so
            # only what it did with right functions in their place is looked at.
            fits, partly = self._own(outcome, last, known)
        outcome.mistake = diagnose(told, sparing(fits, passed, known).values(), partly)
        outcome.attempted = bool(outcome.mistake.name) or resembles(told)
        if not outcome.mistake.name and outcome.id not in outcome.roots:
            outcome.mistake = Mistake("", "")  # the earlier check has the hint
        if outcome.mistake.name:
            cases = costing_once(outcome, before)
            outcome.repeats, outcome.cases = cases != outcome.cases, cases

    def _related(self, check: str) -> tuple[list[CheckOutcome], list[str]]:
        """Return the failed checks that a check builds on, or that judge the same function; and
        which of these checks have passed.
        """
        related = {*self._built.below(check), *self._built.same(check)}
        failed, passed = [], []
        for other in self._checks.values():
            if other.id not in related:
                continue
            if other.passed:
                passed.append(other.id)
            elif other.failed and other.shows:
                failed.append(other)
        return failed, passed

    def _possible(
        self, check: str, fits: dict[str, Mistake], known: KnownMistakes | None
    ) -> dict[str, Mistake]:
        """Return those of some mistakes that would not have failed an earlier check that has
        passed.
        """
        below = self._built.begun_below(check, self._checks)
        passed = [one.id for one in below if one.passed]
        return fits if known is None else known.not_failing(fits, passed)

    def _own(
        self, outcome: CheckOutcome, last: list[Evidence], known: KnownMistakes | None
    ) -> tuple[dict[str, Mistake], tuple[Mistake, ...]]:
        """Return the mistakes that a check shows besides the earlier ones: those that fit, and
        those that explain a part.
        """
        if not failing(last):
            return {}, ()
        fits = fitting(outcome.id, last, known)
        outcome.fits |= hints(fits.values())
        return fits, () if fits else explaining(outcome.id, last, known)


def evidence(
    id_: str, passed: bool, case: Case, expect: Expect, error: BaseException | None
) -> Evidence:
    """Return what a run of a case shows."""
    called: list[str] = []
    inputs: list[Any] = []
    for call in case.log.all_calls():
        called += _called(call)
        inputs += [*call.args, *call.kwargs.values()]
    return Evidence(
        case=id_,
        got=dict(expect.got),
        record=expect.record,
        passed=passed,
        inputs=[*inputs, *case.log.items.values()],
        called=[*called, *map("`{}`".format, case.log.items)],
        raised=_advice(error),
    )


def _advice(error: BaseException | None) -> str:
    """Return what is to be said of what ended a case, or nothing."""
    if isinstance(error, WrongReturn):
        return RETURNED
    return error.hint if isinstance(error, StudentException) else ""


def _called(call: Call) -> Iterator[str]:
    """Yield what the arguments of a call are called in a sentence."""
    for number in range(len(call.args)):
        ordinal = ORDINALS[number] if number < len(ORDINALS) else f"{number + 1}th"
        yield f"the {ordinal} argument of `{call.function}`"
    for name in call.kwargs:
        yield f"the argument `{name}` of `{call.function}`"


def costing_once(outcome: CheckOutcome, before: Iterable[CheckOutcome]) -> list[CaseResult]:
    """Return a check's cases, which follow from an earlier check if that shows the same known
    mistake.

    An earlier check may show a mistake without naming it, since its numbers are those of another
    one as well.
    before: failed checks that this one builds on, or that judge the same function
    """
    for other in before:
        if outcome.mistake.hint in other.fits:
            break
    else:
        return outcome.cases
    cases = []
    for case in outcome.cases:
        if case.status is Status.FAIL and not case.follows:
            case = msgspec.structs.replace(case, follows=other.roots)
        cases.append(case)
    return cases
