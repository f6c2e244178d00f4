"""Follow-through: what is right given an earlier mistake is worth its points, so that one mistake costs once.

An assignment's ``follow_through.py`` (never handed out: it says how the parts make the whole) holds recipes. Each says
for a check what its values should be, given what the student's own earlier functions answer:

    @recipe("backward", after=("step", "forward"))
    def own_gradient(student, attempt, own):
        inputs, upstream = attempt.calls[0].args, attempt.calls[1].args[0]
        names = ("dx", "dW", "db")
        own.values(gradients(lambda *at: student.forward(*at)[0], inputs, upstream, names))

A recipe is asked only where its check failed and one of the checks in ``after`` failed before it. Its case is credited
only if every value that was wrong agrees with the recipe's, and most of the recipe's values say something: an array of
one number throughout, or of nothing but numbers that the function was given, could be had without doing anything. A
forward pass that ignores its inputs follows through to nothing.

Two checks may run the same code of the student's, which would be paid for twice. ``SAME_CODE = {"later": "earlier"}``
says so: where both show the same known mistake in all their numbers, the later one costs nothing.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from grader.assignment.spec import FOLLOW_THROUGH, Assignment
from grader.checking.compare import compare
from grader.checking.expect import Expect, Got
from grader.checking.numerical import NUMERICAL, STEP, gradients
from grader.checking.student import Call, CallLog, Student
from grader.checking.verdict import CheckOutcome
from grader.errors import AssignmentError, SubmissionFailed
from grader.model import CaseResult, Comparison, Status, Tolerance

NOTHING = 1e-6  # what varies by no more could be had without doing anything
SAME_CODE = "SAME_CODE"  # of follow_through.py: checks, each with an earlier one that runs the same code

__all__ = ["Attempt", "Own", "Recipe", "follows", "gradients", "load", "recipe"]


class Attempt(NamedTuple):
    """What the failing case did: its calls with their arguments, what it set, and what it got, by name."""

    calls: Sequence[Call]
    items: Mapping[Any, Any]  # set in objects that stay in the box (a model's parameters), by key
    got: Mapping[str, Got]


class Own:
    """Gathers what the values should be, given the student's own parts, and compares."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self.found: list[Comparison] = []
        self.names: set[str] = set()
        self._says: dict[str, bool] = {}  # of each value that is held, whether it says something

    def value(self, name: str, expected: Any, tolerance: Tolerance = NUMERICAL) -> None:
        """Hold the value that the check got under a name against what the student's own parts give."""
        self.names.add(name)
        if name not in self._attempt.got:
            self.found.append(Comparison(name, False))
            return
        self._compare(name, expected, self._attempt.got[name].value, tolerance)

    def values(self, expected: Mapping[str, Any], tolerance: Tolerance = NUMERICAL) -> None:
        """Hold several values at once."""
        for name, value in expected.items():
            self.value(name, value, tolerance)

    def one_of(self, choices: Iterable[Mapping[str, Any]]) -> None:
        """Hold several values at once against the first of a few choices that they agree with, if they do with any."""
        for expected in choices:
            trial = Own(self._attempt)
            trial.values(expected)
            if all(comparison.ok for comparison in trial.found):
                self.values(expected)
                return
        raise ValueError("none of the choices is what was got")

    def accept(self, name: str) -> None:
        """Let a value be wrong that can't be computed from the parts, such as the outcome of a training run."""
        self.names.add(name)

    def slopes(self, name: str, loss: Callable[[str, np.ndarray], float], at: Mapping[str, np.ndarray]) -> None:
        """Hold a dict of gradients against the slopes of the student's own loss, along a few directions.

        ``loss(key, array)`` is the loss with the parameter ``key`` replaced; ``at`` holds the parameters. Directions in
        place of single entries: a wrong gradient agrees along three random ones only by a miracle.
        """
        self.names.add(name)
        gradients = self._attempt.got[name].value if name in self._attempt.got else None
        rng = np.random.default_rng(0)
        for key, array in at.items():
            gradient = gradients.get(key) if isinstance(gradients, dict) else None
            if not isinstance(gradient, np.ndarray) or gradient.shape != array.shape or gradient.dtype.kind != "f":
                self.found.append(Comparison(f"{name}[{key}]", False))
                continue
            directions = rng.standard_normal((3, *array.shape))
            expected = [(loss(key, array + STEP * d) - loss(key, array - STEP * d)) / (2 * STEP) for d in directions]
            got = [float((gradient * d).sum()) for d in directions]
            self._compare(f"{name}[{key}]", np.array(expected), np.array(got), NUMERICAL)

    def _compare(self, name: str, expected: Any, got: Any, tolerance: Tolerance) -> None:
        items = expected.values() if isinstance(expected, dict) else [expected]
        given = [one for call in self._attempt.calls[:1] for one in call.args if isinstance(one, np.ndarray)]
        whole = name.split("[")[0]
        self._says[whole] = self._says.get(whole, False) or any(says_something(item, given) for item in items)
        self.found.extend(compare(name, expected, got, tolerance))

    def agrees(self, wrong: set[str]) -> bool:
        """Return whether all that was wrong is explained, by values most of which say something."""
        most = sum(self._says.values()) * 2 > len(self._says)
        return bool(self.found) and most and wrong <= self.names and all(c.ok for c in self.found)


def says_something(value: Any, given: Sequence[np.ndarray]) -> bool:
    """Return whether a value is more than could be had for nothing: one number throughout, or numbers handed on."""
    array = np.asarray(value)
    if array.dtype.kind != "f" or array.size == 1:
        return bool(np.any(array))
    handed_on = any(np.isin(array, one).all() for one in given)
    return bool(np.isfinite(array).all() and np.ptp(array) > NOTHING and not handed_on)


class Recipe(NamedTuple):
    """One way in which a check may follow from earlier mistakes."""

    check: str
    after: tuple[str, ...]
    single: bool  # whether it is asked only where the earlier failures all go back to one mistake
    function: Callable[[Student, Attempt, Own], None] | None  # None: both run the same code of the student's


def recipe(check: str, *, after: Sequence[str], single: bool = False) -> Callable[[Any], Any]:
    """Mark a function of ``follow_through.py`` as a recipe for a check that failed after one of others."""

    def mark(function: Any) -> Any:
        function.recipes = [*getattr(function, "recipes", []), (check, tuple(after), single)]
        return function

    return mark


def load(assignment: Assignment) -> tuple[Recipe, ...]:
    """Return the recipes of an assignment, in the order of its file; none where it has no such file."""
    path = assignment.folder / FOLLOW_THROUGH
    if not path.is_file():
        return ()
    module = _import(path)
    functions = sorted(
        (value for value in vars(module).values() if hasattr(value, "recipes")), key=lambda f: f.__code__.co_firstlineno
    )
    recipes = tuple(
        Recipe(check, after, single, function) for function in functions for check, after, single in function.recipes
    )
    same = getattr(module, SAME_CODE, {})
    recipes += tuple(Recipe(check, (earlier,), False, None) for check, earlier in same.items())
    known = {check.id for check in assignment.spec.checks}
    for one in recipes:
        for id_ in (one.check, *one.after):
            if id_ not in known:
                what = SAME_CODE if one.function is None else f"the recipe `{one.function.__name__}`"
                raise AssignmentError(f"{path}: {what} names {id_!r}, which is no check")
    return recipes


def _import(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("grader_follow_through", path)
    if spec is None or spec.loader is None:
        raise AssignmentError(f"{path} can't be imported")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise AssignmentError(f"{path} can't be imported: {type(error).__name__}: {error}") from error
    return module


def follows(
    recipes: Sequence[Recipe],
    failed: Mapping[str, tuple[str, ...]],
    student: Student,
    log: CallLog,
    expect: Expect,
) -> tuple[str, ...]:
    """Return the failed checks that a case's wrong values follow from; nothing where they don't.

    ``recipes`` are those of the case's check. ``failed`` names the checks that failed before it, each with those that
    its failure goes back to: itself, or others that it follows from.
    """
    wrong = {comparison.name.split("[")[0] for comparison in expect.comparisons if not comparison.ok}
    attempt = Attempt(tuple(log.calls), dict(log.items), dict(expect.got))
    for one in recipes:
        roots = tuple(dict.fromkeys(root for id_ in one.after for root in failed.get(id_, ())))
        if one.function is None or not roots or (one.single and len(roots) != 1):
            continue
        own = Own(attempt)
        try:
            one.function(student, attempt, own)
        except (SubmissionFailed, ArithmeticError, ValueError, TypeError, IndexError, KeyError, AttributeError):
            continue  # the student's own parts don't fit together: nothing follows from them
        if own.agrees(wrong):
            return roots
    return ()


def costing_once(outcome: CheckOutcome, recipes: Sequence[Recipe], failed: Sequence[CheckOutcome]) -> list[CaseResult]:
    """Return a check's cases, following from a failed one that runs the same code and shows the same known mistake."""
    same = {id_ for one in recipes if one.function is None for id_ in one.after}
    for other in failed:
        if other.id in same and other.mistake.name and other.mistake.hint == outcome.mistake.hint:
            return [
                msgspec.structs.replace(case, follows=other.roots)
                if case.status is Status.FAIL and not case.follows
                else case
                for case in outcome.cases
            ]
    return outcome.cases
