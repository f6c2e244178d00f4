"""Lets a test cell's own code stand in a check, as `grader new --from-notebook` writes it.

    @cell_test
    def test_squares(notebook):
        squares = defined(notebook, "squares")
        assert squares(3) == [1, 4, 9]

Such code was written to stand beside the student's. Here it runs in the grader's process: what
comes over the border as a tuple equals lists too, a set is a set again, an iterator is gone through
step by step, and what the student's code raises is of the built-in type by name. What stays in the
box is never asked whether it equals something: its owner could say yes to all.
"""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from grader.checking.api.notebook import Notebook
from grader.checking.api.student import Student
from grader.checking.api.value import Value, fetched
from grader.checking.explain.exception_hints import typed
from grader.checking.judge.values.empty_values import AsArray, guarded, plain
from grader.errors import GraderError, StudentException, WrongReturn
from grader.sandbox.wire import Ref
from grader.text import clean

MOST_ITEMS = 100_000  # of an iterator or set: a student's may have no end
# of a set: whoever chooses its items chooses how long it takes to make, up to the square of that
MOST_IN_SET = 10_000
AMBIGUOUS = "truth value of an array"  # as NumPy says it
MOST_TEXT = 500  # characters of what an assertion says


class _Either(AsArray):
    """A sequence of the student's: equal to lists and to tuples."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, list | tuple):
            return NotImplemented
        return [*self] == [*other]  # type: ignore[misc]  # iterable

    def __ne__(self, other: object) -> bool:
        return not self == other


class Several(_Either, list[Any]):
    """A list, or what a function returned, which crosses the border without saying whether it was a
    tuple.
    """


class Fixed(_Either, tuple[Any, ...]):
    """A tuple that a cell defined."""

    __hash__ = tuple.__hash__  # which `__eq__` above would take away


class Held:
    """Something of the student's that stays in the box: called, read, indexed, measured and gone
    through from here.
    """

    def __init__(self, value: Value) -> None:
        self._value = value

    def __repr__(self) -> str:
        return f"<what `{self._value._name}` is in the box>"

    def __getattr__(self, name: str) -> Any:
        return _plain(getattr(self._value, name))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            answer = self._value(
                *map(_sent, args), **{name: _sent(value) for name, value in kwargs.items()}
            )
            return _brought([*answer] if isinstance(answer, tuple) else answer, None)
        except StudentException as error:
            raise typed(error) from None

    def __getitem__(self, key: Any) -> Any:
        return self._special("__getitem__", key)

    def __len__(self) -> int:
        size = self._special("__len__")
        if not isinstance(size, int) or size < 0:
            raise WrongReturn(f"`{self._value._name}` has no length")
        return size

    def __iter__(self) -> Iterator[Any]:
        steps = self._special("__iter__")
        for count in range(MOST_ITEMS + 1):
            if count == MOST_ITEMS:
                raise WrongReturn(f"`{self._value._name}` gives more than {MOST_ITEMS} items")
            try:
                yield next(steps)
            except StopIteration:
                return

    def __next__(self) -> Any:
        return self._special("__next__")

    def __bool__(self) -> bool:
        raise WrongReturn(f"`{self._value._name}` gives something that is neither True nor False")

    def _special(self, name: str, *args: Any) -> Any:
        """Call a special method in the box; `Value` does not do so by itself."""
        value = self._value
        return Held(Value(value._case, [*value._path, ["attr", name]], value._name, value._module))(
            *args
        )


def defined(notebook: Notebook, name: str) -> Any:
    """Return what the notebook's cells defined under a name; raise the student's failure where
    there is nothing.

    Example:
        squares = defined(notebook, "squares")
    """
    return _plain(notebook[name])


def written(student: Student, name: str) -> Any:
    """Return what the student's files define under a name; raise the student's failure if there is
    nothing.

    Example:
        squares = written(student, "squares")
    """
    return _plain(getattr(student, name))


def recordable(value: Any) -> Any:
    """Return a value as `expect` takes it: tuples for sequences, sorted items for sets, text for
    keys and types.

    Example:
        expect("squares(3)", recordable(squares(3)))
    """
    if isinstance(value, set | frozenset):
        items = [*map(recordable, value)]
        try:
            return tuple(sorted(items, key=lambda item: (str(type(item)), item)))
        except TypeError:  # complex numbers, for instance, have no order
            return tuple(sorted(items, key=repr))
    if isinstance(value, list | tuple) and not isinstance(value, Ref):
        return tuple(map(recordable, value))
    if isinstance(value, Mapping):
        return {str(key): recordable(item) for key, item in value.items()}
    return value.__name__ if isinstance(value, type) else plain(value)


def cell_test(check: Callable[..., None]) -> Callable[..., None]:
    """Let what a cell's code raises about the student's values be the student's failure, with the
    line at fault.

    Example:
        @cell_test
        def test_total(notebook):
            assert defined(notebook, "total") == 100
    """

    @functools.wraps(check)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            # a cell may print for its reader, and unittest to standard error; here is no reader
            nowhere = io.StringIO()
            with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
                check(*args, **kwargs)
        except GraderError:
            raise
        except AssertionError as error:
            said = clean(str(error), MOST_TEXT).partition("\n")[0]
            if not said or said.startswith("assert "):  # nothing, or what pytest made of it
                line = traceback.extract_tb(error.__traceback__)[-1].line or ""
                told = line.startswith("assert ")
                said = (
                    f"`{line.removeprefix('assert ')}` does not hold"
                    if told
                    else "an assertion does not hold"
                )
            raise WrongReturn(said) from error
        except Exception as error:
            line = traceback.extract_tb(error.__traceback__)[-1].line or ""
            if AMBIGUOUS in str(error) and line.startswith("assert "):  # one truth for each entry
                said = f"`{line.removeprefix('assert ')}` does not hold"
                raise WrongReturn(said) from error
            raise WrongReturn(
                f"`{line}` raised {type(error).__name__}: {clean(str(error), MOST_TEXT)}"
            ) from error

    return wrapped


def _plain(answer: Any) -> Any:
    """Return an answer as plain data as far as it is, and `Held` where it stays in the box."""
    return (
        _brought(fetched(answer), answer) if isinstance(answer, Value) else _brought(answer, None)
    )


def _brought(got: Any, source: Value | None) -> Any:
    if isinstance(got, Value):
        return _plain(got)
    if isinstance(got, Ref) and source is not None:
        held = Held(source)
        return _set(held, got) if got.type in ("set", "frozenset") else held
    if isinstance(got, list | tuple) and not isinstance(got, Ref):
        kind = Several if isinstance(got, list) else Fixed
        return kind(_brought(item, _within(source, item)) for item in got)
    return guarded(got)


def _within(source: Value | None, item: Any) -> Value | None:
    """Return the source of a container's item; an item that stays in the box has its own handle."""
    if source is None or not isinstance(item, Ref):
        return source
    return Value(source._case, [["handle", item.handle]], source._name)


def _sent(value: Any) -> Any:
    """Return an argument as the student's code should get it: a list as a list, what it gave us as
    itself.
    """
    if isinstance(value, list | tuple) and not isinstance(value, Ref):
        return [*map(_sent, value)] if isinstance(value, list) else tuple(map(_sent, value))
    return value._value if isinstance(value, Held) else plain(value)


def _set(held: Held, ref: Ref) -> Any:
    """Return a set with its items brought over one by one; one that holds what can't be brought
    over stays there.
    """
    items = [*itertools.islice(held, MOST_IN_SET + 1)] if ref.size <= MOST_IN_SET else []
    if len(items) > MOST_IN_SET or ref.size > MOST_IN_SET:
        raise WrongReturn(f"`{held._value._name}` gives a set of more than {MOST_IN_SET} items")
    try:
        return set(items)
    except TypeError:  # an item that can't be hashed on this side
        return held
