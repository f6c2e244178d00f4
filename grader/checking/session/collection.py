"""What pytest collected from an assignment's checks: held against the spec, and put into order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import pytest

from grader.assignment.spec import Assignment
from grader.errors import AssignmentError, GraderError

ONLY_CASE = "all"  # the name of the case of a check that has but one


class Collection:
    """The cases of the checks that are wanted; ``problem`` is the first fault of the assignment."""

    def __init__(self, assignment: Assignment) -> None:
        self.problem: GraderError | None = None
        self.left: Counter[str] = Counter()  # cases to be run, of a check and of a notebook
        self._assignment = assignment

    def fails(self, text: str) -> None:
        """Note a fault of the assignment, unless there was one before."""
        if self.problem is None:
            self.problem = AssignmentError(text)

    def notebook_of(self, id_: str) -> str:
        """Return the path of a check's notebook, or nothing."""
        check = self._assignment.check(id_)
        return check.notebook if check is not None else ""

    def arranged(self, items: Sequence[pytest.Item], only: frozenset[str]) -> list[pytest.Item]:
        """Return the cases that are wanted, in the order in which they are run.

        only: ids of checks; empty: all
        """
        spec = self._assignment.spec
        order = {check.id: index for index, check in enumerate(spec.checks)}
        found = {check_id(item) for item in items}
        self._must_have_points(found, order)
        if not only:
            self._must_have_tests(found, order)
        wanted = only or frozenset(order)
        kept = [item for item in items if check_id(item) in wanted and check_id(item) in order]
        # Notebooks run beside the other checks, so those that wait for one come last.
        kept.sort(key=lambda item: (bool(self.notebook_of(check_id(item))), order[check_id(item)]))
        self._check_weights(kept)
        for item in kept:
            self.left.update({check_id(item), self.notebook_of(check_id(item))})
        return kept

    def _must_have_points(self, found: set[str], order: Iterable[str]) -> None:
        """Refuse a test that is no check of the spec."""
        for id_ in sorted(found.difference(order)):
            self.fails(
                f"the test `test_{id_}` has no [[checks]] entry with points in assignment.toml"
            )

    def _must_have_tests(self, found: set[str], order: Iterable[str]) -> None:
        """Refuse a check without a test."""
        for id_ in order:
            if id_ not in found:
                self.fails(
                    f"the check `{id_}` of assignment.toml has no test `test_{id_}` in "
                    f"{self._assignment.checks_folder}"
                )

    def _check_weights(self, items: Sequence[pytest.Item]) -> None:
        """Refuse a weight of a case that no check has."""
        for check in self._assignment.spec.checks:
            if not check.weights:
                continue
            cases = [case_id(item) for item in items if check_id(item) == check.id]
            for case in check.weights:
                if cases and case not in cases:
                    self.fails(
                        f"`{check.id}` has a weight for the case {case!r}, but its cases are"
                        f" {', '.join(cases)}"
                    )


def check_id(item: pytest.Item) -> str:
    """Return the id of the check that an item is a case of."""
    return str(getattr(item, "originalname", item.name)).removeprefix("test_")


def case_id(item: pytest.Item) -> str:
    """Return the name of a case within its check."""
    callspec = getattr(item, "callspec", None)
    return str(callspec.id) if callspec is not None else ONLY_CASE
