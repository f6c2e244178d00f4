"""`expect`: records what the reference answers, or holds a submission's answer against it. One code path for both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from enum import Enum
from typing import Any, NamedTuple

import numpy as np

from grader.assignment.expectations import CaseRecord
from grader.checking import judge
from grader.checking.compare import compare, describe
from grader.checking.numerical import NUMERICAL, gradients
from grader.checking.student import Case, fetched, name_of
from grader.errors import AssignmentError
from grader.model import Comparison, Tolerance


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

    def __init__(self, record: CaseRecord, mode: Mode, case: Case | None = None) -> None:
        self._record = record
        self._mode = mode
        self._case = case  # whose calls `not_modified` and `printed` are about
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
        gradient: bool = False,
        where: np.ndarray | None = None,
    ) -> bool:
        """Record a value, or compare it with the recorded one; returns whether it is right.

        ``rtol`` is relative to each expected entry, ``atol`` to the largest of them (`Tolerance`). ``axes`` names an
        array's axes for the report, such as ``("N batch", "T time", "H hidden")``; a ``gradient`` that is wrong is
        also drawn against the right one. ``where``, a boolean array, leaves out the entries at which it is False.

        Example:
            scores = student.scale(x, 2.0)
            expect("scores", scores, rtol=1e-6, where=x > 0)
        """
        value = fetched(value)
        if where is not None:
            value = judge.masked(name, value, where)
        return self._hold(
            name,
            Got(value, axes),
            _tolerance(rtol, atol),
            lambda expected, tolerance: compare(name, expected, value, tolerance, axes, gradient=gradient),
        )

    def one_of(
        self,
        name: str,
        value: Any,
        others: Sequence[Any],
        *,
        rtol: float | None = None,
        atol: float | None = None,
        axes: tuple[str, ...] = (),
    ) -> bool:
        """Accept what the reference answers, and each of ``others`` as well: answers that are right too.

        Example:
            root = student.root(4.0)
            expect.one_of("root", root, [-2.0])
        """
        value = fetched(value)
        return self._hold(
            name,
            Got(value, axes),
            _tolerance(rtol, atol),
            lambda expected, tolerance: judge.closest(name, [expected, *others], value, tolerance, axes),
        )

    def printed(self, name: str = "printed text") -> bool:
        """Record what the calls of this case have printed so far, or compare it: line by line, word by word.

        Spaces between words and empty lines at the ends don't count, and numbers may be off by rounding.

        Example:
            student.greet("Ada")
            expect.printed()
        """
        text = "" if self._case is None else self._case.printed
        return self._hold(
            name, Got(text, ()), Tolerance(), lambda expected, _: (judge.printed_text(name, str(expected), text),)
        )

    def raises(self, error: type[BaseException] | str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
        """Call a function of the student's, which should raise ``error``: a type, or the name of one of yours.

        Example:
            expect.raises(ValueError, student.root, -1.0)
        """
        wanted = error if isinstance(error, str) else error.__name__
        name = f"{wanted} of {name_of(function)}"
        count = sum(seen.split(" (")[0] == name for seen in self._seen)
        name = f"{name} ({count + 1})" if count else name
        self._once(name)
        return self._add(judge.raised(name, error, lambda: function(*args, **kwargs)))

    def not_modified(self, name: str = "arguments") -> bool:
        """Hold that no call of this case has changed an array that it was given. Nothing is recorded.

        Example:
            y = student.scale(x, 3.0)
            expect.not_modified()
        """
        self._once(name)
        return self._add(judge.unmodified(name, [] if self._case is None else self._case.changed))

    def gradient(
        self,
        name: str,
        function: Callable[..., Any],
        inputs: Sequence[Any],
        got: Any,
        *,
        upstream: np.ndarray | Sequence[np.ndarray] | None = None,
        rtol: float | None = None,
        atol: float | None = None,
    ) -> bool:
        """Hold gradients against numerical ones of ``function``, which may be the student's own. Nothing is recorded.

        ``got``: for each of ``inputs`` its gradient of ``sum(upstream * function(*inputs))``, or None for an input
        that has none; ``upstream`` is 1 throughout where none is given. The function is called twice for each entry of
        the inputs: keep them small.

        Example:
            expect.gradient("dx", lambda x: student.square(x), [x], [student.square_gradient(x)])
        """
        names = [None if one is None else f"{name}[{index}]" for index, one in enumerate(got)]
        if len(inputs) == 1:
            names = [name]
        given = [fetched(one) for one in got]
        tolerance = _tolerance(rtol, atol, NUMERICAL)
        for one in filter(None, names):
            self._once(one)
        with nullcontext() if self._case is None else self._case.log.paused():
            slopes = gradients(function, inputs, np.ones(()) if upstream is None else upstream, names)
        found = [
            comparison
            for key, value in zip(names, given, strict=True)
            if key is not None
            for comparison in compare(key, slopes[key], value, tolerance, gradient=True)
        ]
        self.comparisons.extend(found)
        return all(comparison.ok for comparison in found)

    def quality(
        self, name: str, value: Any, *, at_least: float | None = None, at_most: float | None = None, what: str = ""
    ) -> bool:
        """Hold a number against bounds that the author states: a loss, an accuracy, a share. Nothing is recorded.

        ``what`` says in words what the number is, for the message.

        Example:
            expect.quality("accuracy", student.accuracy(x), at_least=0.9, what="the share of points that are right")
        """
        self._once(name)
        return self._add(judge.bounded(name, fetched(value), at_least, at_most, what))

    def that(self, name: str, ok: bool, message: str) -> bool:
        """Hold any condition; ``message`` is the sentence that the student reads where it does not hold.

        Example:
            parts = student.split(x)
            expect.that("parts", len(parts) == 2, "`split` should return two parts")
        """
        self._once(name)
        return self._add(Comparison(name, bool(ok), "" if ok else message))

    def _hold(
        self,
        name: str,
        got: Got,
        tolerance: Tolerance,
        judged: Callable[[Any, Tolerance], tuple[Comparison, ...]],
    ) -> bool:
        """Record what was got, or let it be judged by what was recorded and its tolerance."""
        self._once(name)
        self.got[name] = got
        if self._mode is not Mode.COMPARE:
            if self._mode is Mode.RECORD:
                _check_recordable(name, got.value)
            self._record.values[name] = (got.value, tolerance)
            return True
        if name not in self._record.values:
            raise AssignmentError(f"no expectation of `{name}` was recorded: run `grader record`")
        found = judged(*self._record.values[name])
        self.comparisons.extend(found)
        return all(comparison.ok for comparison in found)

    def _add(self, comparison: Comparison) -> bool:
        self.comparisons.append(comparison)
        return comparison.ok

    def _once(self, name: str) -> None:
        if name in self._seen:
            raise AssignmentError(f"a check expects `{name}` twice in one case: give each value a name of its own")
        self._seen.add(name)


def _tolerance(rtol: float | None, atol: float | None, default: Tolerance | None = None) -> Tolerance:
    usual = default or Tolerance()
    return Tolerance(usual.rtol if rtol is None else rtol, usual.atol if atol is None else atol)


def _check_recordable(name: str, value: Any) -> None:
    """Refuse to record what could never be compared, or could not be kept as it is."""
    if type(value) in (dict, list, tuple):  # and not a `Ref`, which is a tuple too
        for key in value if isinstance(value, dict) else ():
            if not isinstance(key, str):
                raise AssignmentError(f"`{name}` has the key {key!r}: the keys of an expected dict must be text")
        for item in value.values() if isinstance(value, dict) else value:
            _check_recordable(name, item)
    elif value is not None and not isinstance(value, str):
        plain = isinstance(value, np.ndarray | np.generic | bool | int | float)
        if not plain or np.asarray(value).dtype.kind not in "biufc":
            raise AssignmentError(
                f"`{name}` is {describe(value)} and can't be recorded: "
                "expect arrays of numbers, numbers, text or containers of them"
            )
        if np.isnan(value).any():
            raise AssignmentError(f"`{name}` holds NaN: an expectation must be a number")
