"""`expect`: records what the reference answers, or holds a submission's answer against it. One code
path for both.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, nullcontext
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from grader.assignment.expectations import CaseRecord
from grader.checking.api import cell_outputs, figures
from grader.checking.api.changed_arguments import UNTOUCHED, can_change
from grader.checking.api.numerical_gradients import NUMERICAL, gradients
from grader.checking.api.value import fetched, name_of
from grader.checking.case.call_answer import PRINTED_CHARACTERS
from grader.checking.case.case import Case
from grader.checking.judge import judgements, plots
from grader.checking.judge.compare import compare
from grader.checking.judge.got import Got
from grader.checking.judge.up_to import WORDS, UpTo
from grader.checking.judge.values.conversions import in_kind
from grader.errors import AssignmentError
from grader.model import Comparison, Tolerance
from grader.sandbox.wire_types import taken_apart

if TYPE_CHECKING:  # hypothesis: only where a check asks for it
    from hypothesis.strategies import SearchStrategy
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


class Expect:
    """Called with a name and a value: ``expect("next_h", next_h)``.

    Comparisons are gathered: a case goes on after the first that fails, so that a report can say of
    every value whether it is right. A check that needs a value to be right before it goes on looks
    at the returned boolean.
    """

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

    def __call__(
        self,
        name: str,
        value: Any,
        *,
        rtol: float | None = None,
        atol: float | None = None,
        scaled: float | None = None,
        axes: tuple[str, ...] = (),
        gradient: bool = False,
        where: np.ndarray | None = None,
        floats: bool = False,
        kind: Literal["alike", "exact"] = "alike",
        up_to: UpTo | None = None,
    ) -> bool:
        """Record a value, or compare it with the recorded one; returns whether it is right.

        ``rtol`` and ``atol`` are those of `numpy.allclose`: relative to each expected entry, and
        absolute. ``scaled`` is relative to the largest expected entry. If neither of the first two
        is given, ``rtol`` is 1e-4 and ``scaled`` is 1e-5, and differences below 1e-10 are taken for
        rounding (`Tolerance`). ``axes`` names an array's axes for the report, such as ``("N batch",
        "T time", "H hidden")``; a ``gradient`` that is wrong is also drawn against the right one.
        ``where``, a boolean array, leaves out the entries at which it is False. Integers that are
        equal to the expected floats are right, unless ``floats`` asks for the type, too. So are a
        list, a tuple and an array of the same values, unless ``kind`` is "exact". If a
        call has changed a list, dict or array, the changed value is compared. NaN is right if the
        reference has it in the same place. ``up_to`` says what is free: "sign" (of a vector, or of
        each column of a matrix), "permutation" (the names of clusters if the value is a vector of
        integers, else the order of rows), or a function that is called with each of the two values
        and returns what is to be compared.

        Example:
            scores = student.scale(x, 2.0)
            expect("scores", scores, rtol=1e-6, where=x > 0)
        """
        if kind not in ("alike", "exact"):
            raise AssignmentError(f'kind is {kind!r}: it has to be "alike" or "exact"')
        exact = kind == "exact"
        if exact and self._of_another_kind(name, value):
            return False
        value = judgements.without_addresses(fetched(self._after(name, value)))
        if where is not None:
            value = judgements.masked(name, value, where)
        got, tolerance = Got(value, axes), _tolerance(rtol, atol, scaled)
        if up_to is not None:
            return self._up_to(name, got, tolerance, up_to)
        how = partial(compare, axes=axes, gradient=gradient, floats=floats, exact=exact)
        return self._hold(
            name, got, tolerance, lambda expected, allowed: how(name, expected, value, allowed)
        )

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

    def unordered(
        self,
        name: str,
        value: Any,
        *,
        rtol: float | None = None,
        atol: float | None = None,
        scaled: float | None = None,
    ) -> bool:
        """Record a list, tuple or array whose order is free, or compare it: the same items, each as
        often.

        Example:
            expect.unordered("parts", student.split(x))
        """
        value = judgements.without_addresses(fetched(self._after(name, value)))
        return self._up_to(name, Got(value, ()), _tolerance(rtol, atol, scaled), "order")

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

    def one_of(
        self,
        name: str,
        value: Any,
        others: Sequence[Any],
        *,
        rtol: float | None = None,
        atol: float | None = None,
        scaled: float | None = None,
        axes: tuple[str, ...] = (),
    ) -> bool:
        """Accept what the reference answers, and each of ``others`` as well: answers that are right
        too.

        Example:
            root = student.root(4.0)
            expect.one_of("root", root, [-2.0])
        """
        value = fetched(value)
        return self._hold(
            name,
            Got(value, axes),
            _tolerance(rtol, atol, scaled),
            lambda expected, tolerance: judgements.closest(
                name, [expected, *others], value, tolerance, axes
            ),
        )

    def printed(
        self, name: str = "printed text", *, cell: str = "", rtol: float = judgements.PRINTED_RTOL
    ) -> bool:
        """Record what the calls of this case have printed so far, or compare it: line by line, word
        by word.

        ``cell``: what that cell of the check's notebook printed instead. Spaces and empty lines at
        the ends don't count. Fractional numbers may be off by ``rtol``, or by what the reference's
        rounding leaves open.

        Example:
            student.greet("world")
            expect.printed()
        """
        own = "" if self._case is None else self._case.printed
        text = str(
            judgements.without_addresses(cell_outputs.printed(self._cell(cell)) if cell else own)
        )
        return self._hold(
            name,
            Got(text, ()),
            Tolerance(),
            lambda expected, _: (
                judgements.printed_text(name, str(expected), text, rtol, shown=self._scene.shown),
            ),
        )

    def picture(self, cell: str, *, at_least: int = 1) -> bool:
        """Expect that a cell of the check's notebook displays one or more pictures. Nothing is
        recorded.

        Example:
            expect.picture("plot-losses")
        """
        name = f"pictures of cell `{cell}`"
        self._once(name)
        count = cell_outputs.pictures(self._cell(cell))
        message = (
            f"the cell `{cell}` displays {count or 'no'} picture{'s' if count > 1 else ''},"
            f" expected {at_least}"
        )
        return self._add(Comparison(name, count >= at_least, "" if count >= at_least else message))

    def plot(
        self,
        name: str,
        figure: Any = None,
        *,
        parts: Collection[str] = plots.USUAL,
        rtol: float | None = None,
        atol: float | None = None,
        scaled: float | None = None,
    ) -> bool:
        """Record what a figure shows, or hold that it shows as much: titles, labels, a legend,
        lines, images.

        ``figure``: what a function that plots has returned (a figure, axes, None for the current
        figure), or a notebook's figure such as ``notebook["fig"]``. ``parts``: those of
        `plots.PARTS` that must be there if the reference has them; with "data" among them the
        points of its lines too, each in some line, and with "points" those of its scatter
        diagrams, in any order. Words are not compared, and more than the reference shows is right.
        All figures are closed afterwards.

        Example:
            expect.plot("losses", student.plot_losses(x), parts=["labels", "lines", "data"])
        """
        assert self._case is not None
        plots.check_parts(name, parts)
        with self._quiet():
            got = figures.shown_in(figure, self._case)
            figures.close_all(self._case)
        if self._mode is Mode.RECORD and got is None:
            raise AssignmentError(f"`{name}`: the reference draws no figure")
        return self._hold(
            name,
            Got(got, ()),
            _tolerance(rtol, atol, scaled),
            lambda expected, tolerance: plots.judged(name, expected, got, tolerance, parts),
        )

    def raises(
        self,
        error: type[BaseException] | str,
        function: Callable[..., Any],
        *args: Any,
        **kwargs: Any,
    ) -> bool:
        """Call a function of the student's, which should raise ``error``: a type, or the name of
        one of yours.

        Example:
            expect.raises(ValueError, student.root, -1.0)
        """
        wanted = error if isinstance(error, str) else error.__name__
        name = f"{wanted} of {name_of(function)}"
        count = sum(seen.split(" (")[0] == name for seen in self._seen)
        name = f"{name} ({count + 1})" if count else name
        self._once(name)
        return self._add(judgements.raised(name, error, lambda: function(*args, **kwargs)))

    def not_modified(self, name: str = "arguments") -> bool:
        """Hold that no call of this case has changed an array, list or dict that it was given.
        Nothing is recorded.

        Example:
            y = student.scale(x, 3.0)
            expect.not_modified()
        """
        self._once(name)
        return self._add(
            judgements.unmodified(name, [] if self._case is None else self._case.changed)
        )

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
        scaled: float | None = None,
    ) -> bool:
        """Hold gradients against numerical ones, which are taken of the reference while recording.

        ``got``: for each of ``inputs`` its gradient of ``sum(upstream * function(*inputs))``, or
        None for an input that has none; ``upstream`` is 1 throughout if none is given. While
        recording, ``function`` is called twice for each entry of the inputs: keep them small. A
        submission's own function is not called: code that makes up a gradient could also make up
        the slopes that agree with it.

        Example:
            expect.gradient("dx", lambda x: student.square(x), [x], [student.square_gradient(x)])
        """
        names = [None if one is None else f"{name}[{index}]" for index, one in enumerate(got)]
        if len(inputs) == 1:
            names = [name]
        given = [fetched(one) for one in got]
        tolerance = _tolerance(rtol, atol, scaled, NUMERICAL)
        slopes: dict[str, np.ndarray] = {}
        if self._mode is Mode.RECORD:
            with self._quiet():
                weights = np.ones(()) if upstream is None else upstream
                slopes = gradients(function, inputs, weights, names)
        right = True
        for key, value in zip(names, given, strict=True):
            if key is not None:
                right &= self._slope(key, value, slopes.get(key), tolerance)
        return right

    def _slope(self, name: str, value: Any, slope: np.ndarray | None, tolerance: Tolerance) -> bool:
        """Hold one gradient; ``slope`` is the reference's while recording, else None."""
        if slope is not None:  # the reference's own gradient has to agree with it
            self.comparisons.extend(compare(name, slope, value, tolerance, gradient=True))
        return self._hold(
            name,
            Got(value if slope is None else slope, ()),
            tolerance,
            lambda expected, allowed: compare(name, expected, value, allowed, gradient=True),
        )

    def quality(
        self,
        name: str,
        value: Any,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        near: Any = None,
        standard_error: Any = None,
        sigmas: float = 5.0,
        what: str = "",
    ) -> bool:
        """Hold a number against bounds that the author states: a loss, an accuracy, a share.
        Nothing is recorded.

        ``near`` and ``standard_error`` are for estimates by random numbers, which may be off either
        way by ``sigmas`` standard errors; these may be arrays of one shape. ``what`` says in words
        what the number is, for the message.

        Example:
            got = student.accuracy(x)
            expect.quality("accuracy", got, at_least=0.9, what="the share of points that are right")
        """
        self._once(name)
        if near is not None or standard_error is not None:
            if (
                near is None
                or standard_error is None
                or at_least is not None
                or at_most is not None
            ):
                raise AssignmentError(
                    f"`{name}`: give `near` together with `standard_error`, and no other bound"
                )
            return self._add(
                judgements.estimated(name, fetched(value), near, standard_error, sigmas, what)
            )
        return self._add(judgements.bounded(name, fetched(value), at_least, at_most, what))

    def property(
        self,
        name: str,
        holds: Callable[..., object],
        /,
        *,
        examples: int = 50,
        **inputs: SearchStrategy[Any],
    ) -> bool:
        """Check a property of every input on ``examples`` of them; nothing is recorded.

        ``inputs``: a strategy for each argument of ``holds``, from `grader.checking.inputs` or
        hypothesis itself. ``holds`` asserts, or returns whether it is true. What is drawn depends
        on the seed, the check and the case. The message shows the smallest input that fails:
        the input itself in practice, its shapes alone if inputs are hidden.

        Example:
            from grader.checking.inputs import floats

            def even(x):
                same = np.array_equal(student.square(-x), student.square(x))
                assert same, "x and -x have the same square"

            expect.property("the square is even", even, x=floats("N", "D"))
        """
        from grader.checking.judge.properties import Draws, falsify, held

        self._once(name)
        tries = itertools.count()

        def tried(**drawn: Any) -> object:
            # the first is noted like any call
            with self._quiet() if next(tries) else nullcontext():
                return holds(**drawn)

        draws = Draws(f"{self._scene.seed}/{name}", examples, strict=self._mode is Mode.RECORD)
        failure = falsify(tried, inputs, draws)
        return self._add(held(name, failure, shown=self._scene.shown))

    def that(self, name: str, ok: bool, message: str) -> bool:
        """Hold any condition; ``message`` is the sentence that the student reads if it does not
        hold.

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


def _tolerance(
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
