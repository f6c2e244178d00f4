"""Explains why a check failed. A known mistake costs points once, in however many checks it
appears.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from grader.checking.api.case import Case
from grader.checking.api.expect import Expect, Mode
from grader.checking.explain.diagnosis import diagnose, explaining, fitting, resembles, sparing
from grader.checking.explain.evidence import Evidence
from grader.checking.run.plan import Plan
from grader.checking.run.substitution import Built
from grader.checking.run.verdicts import CheckOutcome
from grader.errors import StudentException
from grader.model import CaseResult, Status


class Causes:
    """Looks into the cases of failing checks; where nothing is compared, there is nothing to look
    into.
    """

    def __init__(self, plan: Plan, built: Built, checks: Mapping[str, CheckOutcome]) -> None:
        self._plan = plan
        self._built = built
        self._checks = checks  # those that have begun, by their ids
        # of each check that is not done yet, case by case
        self._evidence: dict[str, list[Evidence]] = {}

    def note(
        self,
        check: str,
        result: CaseResult,
        case: Case,
        expect: Expect,
        error: BaseException | None,
    ) -> None:
        """Keep what a case that has ended was given and what was got from it."""
        if self._plan.mode is not Mode.COMPARE or result.status not in (Status.PASS, Status.FAIL):
            return
        calls = list(case.log.calls)
        if case.log.begun is not None and not (calls and calls[-1] is case.log.begun):
            calls.append(case.log.begun)  # it raised
        given = [one for call in calls for one in (*call.args, *call.kwargs.values())]
        evidence = Evidence(
            case=result.id,
            got=dict(expect.got),
            record=expect.record,
            passed=result.status is Status.PASS,
            inputs=[*given, *case.log.items.values()],
            raised=error.hint if isinstance(error, StudentException) else "",
        )
        self._evidence.setdefault(check, []).append(evidence)

    def diagnose(self, outcome: CheckOutcome) -> None:
        """Look for the mistake of a check; a failed check that it builds on must show it, too.

        Raises `AssignmentError` if the known mistakes' answers can't be read.
        """
        told = self._evidence.pop(outcome.id, [])
        if not outcome.failed or len(told) < len(outcome.cases):
            return
        known = self._plan.known()
        fits = fitting(outcome.id, told, known)
        outcome.fits = frozenset(mistake.hint for mistake in fits.values())
        below, same = set(self._built.below(outcome.id)), set(self._built.same(outcome.id))
        others = [other for other in self._checks.values() if other.id in below | same]
        before = [other for other in others if other.failed and other.shows]
        hints = [other.fits for other in before if other.id in below]
        if hints:
            fits = {
                id_: one
                for id_, one in fits.items()
                if any(one.hint in known_as for known_as in hints)
            }
        passed = [other.id for other in others if other.passed]
        # What was given to a check by one that failed may look like a part of a mistake, so nothing
        # is said of it.
        partly = () if before else explaining(outcome.id, told, known)
        outcome.mistake = diagnose(told, sparing(fits, passed, known).values(), partly)
        outcome.attempted = bool(outcome.mistake.name) or resembles(told)
        if outcome.mistake.name:
            cases = costing_once(outcome, before)
            outcome.repeats, outcome.cases = cases != outcome.cases, cases


def costing_once(outcome: CheckOutcome, before: Iterable[CheckOutcome]) -> list[CaseResult]:
    """Return a check's cases, which follow from an earlier check if that shows the same known
    mistake.

    An earlier check may show a mistake without naming it, since its numbers are those of another
    one as well.
    before: failed checks that this one builds on, or that judge the same function
    """
    for other in before:
        if outcome.mistake.hint in other.fits:
            return [
                msgspec.structs.replace(case, follows=other.roots)
                if case.status is Status.FAIL and not case.follows
                else case
                for case in outcome.cases
            ]
    return outcome.cases
