"""`expect`: records what the reference answers, or holds a submission's answer against it. One code
path for both.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from grader.checking.api import cell_outputs, figures
from grader.checking.api.held_values import HeldValues, Mode, tolerance_of
from grader.checking.api.numerical_gradients import NUMERICAL, gradients
from grader.checking.api.value import fetched, name_of
from grader.checking.judge import judgements, plots
from grader.checking.judge.compare import compare
from grader.checking.judge.got import Got
from grader.checking.judge.up_to import UpTo
from grader.errors import AssignmentError
from grader.model import Comparison, Tolerance

if TYPE_CHECKING:  # hypothesis: only where a check asks for it
    from hypothesis.strategies import SearchStrategy


class Expect(HeldValues):
    """Called with a name and a value: ``expect("next_h", next_h)``.

    Comparisons are gathered: a case goes on after the first that fails, so that a report can say of
    every value whether it is right. A check that needs a value to be right before it goes on looks
    at the returned boolean.
    """

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
        got, tolerance = Got(value, axes), tolerance_of(rtol, atol, scaled)
        if up_to is not None:
            return self._up_to(name, got, tolerance, up_to)
        how = partial(compare, axes=axes, gradient=gradient, floats=floats, exact=exact)
        return self._hold(
            name, got, tolerance, lambda expected, allowed: how(name, expected, value, allowed)
        )

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
        return self._up_to(name, Got(value, ()), tolerance_of(rtol, atol, scaled), "order")

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
            tolerance_of(rtol, atol, scaled),
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
            tolerance_of(rtol, atol, scaled),
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
        tolerance = tolerance_of(rtol, atol, scaled, NUMERICAL)
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
