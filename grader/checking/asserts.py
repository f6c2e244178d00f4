"""Lets plain assertions about a notebook's names stand in a check, as `grader new --from-notebook` writes them.

    squares = function(notebook, "squares")
    assert squares(3) == [1, 4, 9]

What a function returns crosses the border as a tuple where it was a list; and what it raises, as the student's failure.
Here both are what such assertions look for: a sequence equal to lists and tuples, an exception of the type by name.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

from grader.checking.notebook import Notebook
from grader.checking.student import fetched
from grader.errors import StudentException


class Several(tuple[Any, ...]):
    """A list or a tuple of the student's: equal to either."""

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, list | tuple) else NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = tuple.__hash__


def function(notebook: Notebook, name: str) -> Callable[..., Any]:
    """Return a function of the notebook that raises what the student's code raised, as far as that is built in."""
    called = notebook[name]

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return _plain(called(*args, **kwargs))
        except StudentException as error:
            raise _typed(error) from None

    return call


def value(notebook: Notebook, name: str) -> Any:
    """Return a value that the notebook's cells defined."""
    return _plain(notebook[name])


def _plain(answer: Any) -> Any:
    answer = fetched(answer)
    return Several(map(_plain, answer)) if isinstance(answer, list | tuple) else answer


def _typed(error: StudentException) -> StudentException:
    """Return the error as one that is also of the built-in type that the student's code raised."""
    for kind in error.kinds:
        found = getattr(builtins, kind, None)
        if isinstance(found, type) and issubclass(found, Exception) and found is not Exception:
            try:
                both: type[StudentException] = type(kind, (StudentException, found), {})
                return both(str(error), error.trace, error.frames, error.kinds)
            except TypeError:  # a type that asks for arguments of its own, such as UnicodeDecodeError
                break
    return error
