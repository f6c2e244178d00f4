"""Why a check failed: it follows from an earlier check's mistake, or it shows a mistake that is known."""

from __future__ import annotations

import time
from collections.abc import Mapping

from grader.checking.diagnosis import diagnose, explaining, fitting, resembles, sparing
from grader.checking.evidence import Evidence
from grader.checking.expect import Expect, Mode
from grader.checking.follow import Recipe, costing_once, follows
from grader.checking.pace import ClockedRemote
from grader.checking.plan import Plan
from grader.checking.student import CallLog, Case, Student
from grader.checking.verdict import CheckOutcome
from grader.errors import StudentException
from grader.model import CaseResult, Status

PATIENCE = 60.0  # seconds that all asking for what follows from what may take


class Causes:
    """Looks into the cases of failing checks; where nothing is compared, there is nothing to look into."""

    def __init__(self, plan: Plan, functions: ClockedRemote, checks: Mapping[str, CheckOutcome]) -> None:
        self._plan = plan
        self._functions = functions
        self._checks = checks  # those that have begun, by their ids
        self._patience = PATIENCE
        self._evidence: dict[str, list[Evidence]] = {}  # of each check that is not done yet, case by case

    def follows(self, check: str, case: Case, expect: Expect) -> tuple[str, ...]:
        """Ask, while a case's objects are still there, which earlier mistakes what is wrong in it follows from."""
        own = self._recipes(check)
        if self._plan.mode is not Mode.COMPARE or not own or all(comparison.ok for comparison in expect.comparisons):
            return ()
        values = [one for one in expect.comparisons if one.name.split("[")[0] in expect.got]
        # Nothing follows from what was no attempt, unless what stands here is right for the most part.
        most = 2 * sum(value.ok for value in values) > len(values)
        failed = {
            other.id: tuple(root for root in other.roots if most or self._checks[root].attempted)
            for other in self._checks.values()
            if other.failed
        }
        student = Student(self._plan.assignment, Case(self._functions, CallLog(None)))
        start = time.perf_counter()
        with self._functions.hurried(self._patience):
            roots = follows(own, failed, student, case.log, expect)
        self._patience -= time.perf_counter() - start
        return roots

    def note(self, check: str, result: CaseResult, case: Case, expect: Expect, error: BaseException | None) -> None:
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
        """Look for the mistake that a check shows; where one that it builds on failed too, it must show it as well.

        Raises `AssignmentError` where what known mistakes answer can't be read.
        """
        told = self._evidence.pop(outcome.id, [])
        if not outcome.failed or len(told) < len(outcome.cases):
            return
        known = self._plan.known()
        fits = fitting(outcome.id, told, known)
        outcome.fits = frozenset(mistake.hint for mistake in fits.values())
        check, own = self._plan.assignment.check(outcome.id), self._recipes(outcome.id)
        builds_on = {*(check.requires if check is not None else ()), *(id_ for one in own for id_ in one.after)}
        others = [other for other in self._checks.values() if other.id in builds_on]
        before = [other for other in others if other.failed and other.shows]
        if before:
            fits = {id_: one for id_, one in fits.items() if any(one.hint in other.fits for other in before)}
        passed = [other.id for other in others if other.passed]
        # What was given to a check by one that failed may look like a part of a mistake, so nothing is said of it.
        partly = () if before else explaining(outcome.id, told, known)
        outcome.mistake = diagnose(told, sparing(fits, passed, known).values(), partly)
        outcome.attempted = bool(outcome.mistake.name) or resembles(told)
        if outcome.mistake.name:
            outcome.cases = costing_once(outcome, own, before)

    def _recipes(self, check: str) -> list[Recipe]:
        return [one for one in self._plan.recipes if one.check == check]
