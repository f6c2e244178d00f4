"""`expect`: records what the reference answers, or holds a submission's answer against it. One code path for both."""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple

import numpy as np

from grader.assignment.expectations import CaseRecord
from grader.checking.compare import compare, describe
from grader.checking.student import fetched
from grader.errors import AssignmentError
from grader.model import Comparison, Tolerance
from grader.sandbox.wire import Ref


class Mode(Enum):
    """What the checks are run for."""

    COMPARE = "compare"  # grade a submission
    RECORD = "record"  # write down what the reference answers; anything odd is an error
    OBSERVE = "observe"  # write down what a known mistake answers, odd or not


class Got(NamedTuple):
    """What came of the submission under a name, and the names of its axes."""

    value: Any
    axes: tuple[str, ...]


class Expect:
    """Called with a name and a value: ``expect("next_h", next_h)``.

    Comparisons are gathered: a case goes on after the first that fails, so that a report can say of every value
    whether it is right. A check that needs a value to be right before it goes on looks at the returned boolean.
    """

    def __init__(self, record: CaseRecord, mode: Mode) -> None:
        self._record = record
        self._mode = mode
        self._seen: set[str] = set()
        self.got: dict[str, Got] = {}
        self.comparisons: list[Comparison] = []

    def expected(self, name: str) -> tuple[Any, Tolerance]:
        """Return what was recorded under a name."""
        return self._record.values[name]

    def __call__(
        self,
        name: str,
        value: Any,
        *,
        rtol: float | None = None,
        atol: float | None = None,
        axes: tuple[str, ...] = (),
    ) -> bool:
        """Record a value, or compare it with the recorded one; returns whether it is right.

        ``rtol`` is relative to each expected entry, ``atol`` to the largest of them (`Tolerance`). ``axes`` names an
        array's axes for the report, such as ``("N batch", "T time", "H hidden")``.
        """
        self._once(name)
        default = Tolerance()
        tolerance = Tolerance(default.rtol if rtol is None else rtol, default.atol if atol is None else atol)
        value = fetched(value)
        self.got[name] = Got(value, axes)
        if self._mode is not Mode.COMPARE:
            if self._mode is Mode.RECORD:
                _check_recordable(name, value)
            self._record.values[name] = (value, tolerance)
            return True
        if name not in self._record.values:
            raise AssignmentError(f"no expectation of `{name}` was recorded: run `grader record`")
        expected, tolerance = self._record.values[name]
        found = compare(name, expected, value, tolerance, axes)
        self.comparisons.extend(found)
        return all(comparison.ok for comparison in found)

    def quality(
        self, name: str, value: Any, *, at_least: float | None = None, at_most: float | None = None, what: str = ""
    ) -> bool:
        """Hold a number against bounds that the author states: a loss, an accuracy, a share. Nothing is recorded.

        ``what`` says in words what the number is, for the message.
        """
        self._once(name)
        value = fetched(value)
        bounds = [
            f"{word} {bound:g}" for word, bound in (("at least", at_least), ("at most", at_most)) if bound is not None
        ]
        expected = f"a number of {' and '.join(bounds)}"
        subject = f"`{name}` ({what})" if what else f"`{name}`"
        number = _number(value)
        if number is None:
            return self._add(
                Comparison(name, False, f"{subject} is {describe(value)}, expected {expected}", describe(value))
            )
        ok = (at_least is None or number >= at_least) and (at_most is None or number <= at_most)
        return self._add(
            Comparison(name, ok, "" if ok else f"{subject} is {number:.3g}, expected {expected}", "a number", expected)
        )

    def that(self, name: str, ok: bool, message: str) -> bool:
        """Hold any condition; ``message`` is the sentence that the student reads where it does not hold."""
        self._once(name)
        return self._add(Comparison(name, bool(ok), "" if ok else message))

    def _add(self, comparison: Comparison) -> bool:
        self.comparisons.append(comparison)
        return comparison.ok

    def _once(self, name: str) -> None:
        if name in self._seen:
            raise AssignmentError(f"a check expects `{name}` twice in one case: give each value a name of its own")
        self._seen.add(name)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.generic | np.ndarray):
        return None
    array = np.asarray(value)
    if array.shape != () or array.dtype.kind not in "iuf":
        return None
    return float(array)


def _check_recordable(name: str, value: Any) -> None:
    """Refuse to record what could never be compared."""
    if isinstance(value, Ref):
        raise AssignmentError(
            f"`{name}` is a {value.type} and can't be recorded: expect arrays, numbers, text or containers of them"
        )
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    for item in items:
        _check_recordable(name, item)
    if isinstance(value, np.ndarray | float) and np.asarray(value).dtype.kind == "f" and np.isnan(value).any():
        raise AssignmentError(f"`{name}` holds NaN: an expectation must be a number")
