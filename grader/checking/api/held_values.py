"""What the methods of `expect` share: while recording a value is written down, while grading it is
held against what was written down.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from grader.assignment.expectations import CaseRecord
from grader.checking.api.changed_arguments import UNTOUCHED, can_change
from grader.checking.case.call_answer import PRINTED_CHARACTERS
from grader.checking.case.case import Case
from grader.checking.judge import judgements
from grader.checking.judge.got import Got
from grader.checking.judge.up_to import WORDS, UpTo
from grader.checking.judge.values.conversions import in_kind
from grader.errors import AssignmentError
from grader.model import Comparison, Tolerance
from grader.sandbox.wire_types import taken_apart

if TYPE_CHECKING:
    from nbformat import NotebookNode

HEAVY = 1 << 20  # weight that an answer may always have
VALUE_WEIGHT = 256  # of a value that is not an array: a diagnosis looks at each by itself


class Mode(Enum):
    """What the checks are run for."""

    COMPARE = "compare"  # grade a submission
    RECORD = "record"  # write down what the reference answers; anything odd is an error
    OBSERVE = "observe"  # write down what a known mistake answers, odd or not


class Scene(NamedTuple):
    """What is around a case: the seed of what it draws, whether that may be shown, and its finished
    notebook.
    """

    seed: str = ""
    shown: bool = True
    notebook: Callable[[str], list[NotebookNode]] | None = None
    show_expected: bool = False  # whether the report shows the expected values of what is wrong


class HeldValues:
    """The values of one case, recorded or held against the recorded ones."""

    def __init__(
        self, record: CaseRecord, mode: Mode, case: Case | None = None, scene: Scene | None = None
    ) -> None:
        self.record = record  # what was recorded, or is being recorded, of the case
        self._mode = mode
        self._case = case  # whose calls `not_modified` and `printed` are about
        self._scene = scene or Scene()
        self._seen: set[str] = set()
        self.got: dict[str, Got] = {}
        # names of values that calls have made of their arguments
        self.of_arguments: set[str] = set()
        self.comparisons: list[Comparison] = []

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
                judgements.check_recordable(name, got.value)
                self._note_nan(name, got.value)
            self.record.values[name] = (got.value, tolerance)
            return True
        if name not in self.record.values:
            raise AssignmentError(f"no expectation of `{name}` was recorded: run `grader record`")
        found = judged(*self.record.values[name])
        if self._scene.show_expected:
            found = judgements.with_values(found, self.record.values[name][0], got.value)
        self.got[name] = got._replace(value=in_kind(self.record.values[name][0], got.value))
        if weight(got.value) > HEAVY + 16 * weight(self.record.values[name][0]):
            del self.got[name]  # so that no more is made of it than the verdict
        self.comparisons.extend(found)
        return all(comparison.ok for comparison in found)

    def _note_nan(self, name: str, value: Any) -> None:
        count = judgements.count_nan(value)
        if count and self._case is not None:
            self._case.note(f"`{name}` holds NaN {count} times, {judgements.NAN}")

    def _cell(self, cell: str) -> list[NotebookNode]:
        if self._scene.notebook is None:
            raise AssignmentError(
                f"a check asks for the cell {cell!r}, but its [[checks]] entry names no `notebook`"
            )
        return self._scene.notebook(cell)

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """Let the many calls of a while be neither noted nor what the case has printed; the report
        shows some of it.
        """
        if self._case is None:
            yield
            return
        printed, told = self._case.printed, len(self._case.remote.printed)
        try:
            with self._case.log.paused():
                yield
        finally:
            self._case.printed = printed
            self._case.remote.printed = self._case.remote.printed[: told + PRINTED_CHARACTERS]

    def _add(self, comparison: Comparison) -> bool:
        self.comparisons.append(comparison)
        return comparison.ok

    def _once(self, name: str) -> None:
        if name in self._seen:
            raise AssignmentError(
                f"a check expects `{name}` twice in one case: give each value a name of its own"
            )
        self._seen.add(name)

    def _up_to(self, name: str, got: Got, tolerance: Tolerance, up_to: UpTo) -> bool:
        """Hold a value of which something is free."""
        if not callable(up_to) and up_to not in WORDS:
            raise AssignmentError(
                f'up_to is {up_to!r}: it has to be "sign", "permutation" or a function'
            )
        if callable(up_to) and self._mode is Mode.RECORD:
            up_to(got.value)  # what is wrong with it, an author sees at once
        nearest = got

        def judged(expected: Any, allowed: Tolerance) -> tuple[Comparison, ...]:
            nonlocal nearest
            found, nearest = judgements.up_to(name, expected, got, allowed, up_to)
            return found

        right = self._hold(name, got, tolerance, judged)
        if name in self.got:
            self.got[name] = nearest
        return right

    def _of_another_kind(self, name: str, value: Any) -> bool:
        """Fail a value that was given the form of the reference's when it came."""
        converted = [] if self._case is None else self._case.log.converted
        for one, said in converted:
            if one is value:
                self._once(name)
                self._add(Comparison(name, False, f"{said}: its kind matters here"))
                return True
        return False

    def _after(self, name: str, value: Any) -> Any:
        """Return what became of a value that calls of this case were given; another value as it
        is.
        """
        if self._case is None or not can_change(value) or not self._case.is_own(value):
            return value
        became = self._case.after(value)
        if became is not value:
            self.of_arguments.add(name)
        elif self._mode is Mode.RECORD and self._case.was_given(value):
            if not any(asked is value for asked in self._case.asked_after):
                self._case.note(f"`{name}` {UNTOUCHED}")
        elif self._mode is Mode.COMPARE and self._case.was_given(value):
            self.of_arguments.add(name)
        return became


def weight(value: Any) -> int:
    """Return the bytes of the arrays in a value, and `VALUE_WEIGHT` for each value in it that is
    none.
    """
    if isinstance(value, Mapping):
        return VALUE_WEIGHT + sum(map(weight, value.values()))
    if isinstance(value, list | tuple | AbstractSet):
        return VALUE_WEIGHT + sum(map(weight, value))
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    parts = taken_apart(value)
    return VALUE_WEIGHT if parts is None else VALUE_WEIGHT + sum(map(weight, parts.items))


def tolerance_of(
    rtol: float | None,
    atol: float | None,
    scaled: float | None = None,
    default: Tolerance | None = None,
) -> Tolerance:
    """Return NumPy's tolerance if an author gives one of its two numbers, the usual scaled one
    otherwise.
    """
    usual = default or Tolerance()
    for name, given in (("rtol", rtol), ("atol", atol), ("scaled", scaled)):
        if given is not None and not (isinstance(given, int | float) and 0 <= given < math.inf):
            raise AssignmentError(f"{name} is {given!r}: it has to be a number, zero or more")
    own = rtol is not None or atol is not None
    return Tolerance(
        usual.rtol if rtol is None else rtol,
        usual.atol if atol is None else atol,
        scaled if scaled is not None else 0.0 if own else usual.scaled,
    )
