"""The assertions of `nose.tools`: unittest's, in small letters, and a few short ones."""

from __future__ import annotations

import functools
import re
import unittest
from collections.abc import Callable
from typing import Any


class Plain(unittest.TestCase):
    """Unittest's assertions without its listings of what differs, which take long for long ones."""

    def _getAssertEqualityFunc(self, first: Any, second: Any) -> Any:
        return self._baseAssertEqual  # type: ignore[attr-defined]  # of the standard library

    def assertSequenceEqual(
        self, first: Any, second: Any, msg: Any = None, seq_type: Any = None
    ) -> None:
        """Compare two sequences of a type."""
        for one in (first, second) if seq_type is not None else ():
            _must_be(one, seq_type, msg)
        self._baseAssertEqual(first, second, msg)  # type: ignore[attr-defined]

    def assertDictEqual(self, first: Any, second: Any, msg: Any = None) -> None:
        """Compare two dicts."""
        _must_be(first, dict, msg)
        _must_be(second, dict, msg)
        self._baseAssertEqual(first, second, msg)  # type: ignore[attr-defined]

    def assertSetEqual(self, first: Any, second: Any, msg: Any = None) -> None:
        """Compare two sets."""
        self._baseAssertEqual(first, second, msg)  # type: ignore[attr-defined]

    def assertMultiLineEqual(self, first: Any, second: Any, msg: Any = None) -> None:
        """Compare two texts."""
        _must_be(first, str, msg)
        _must_be(second, str, msg)
        self._baseAssertEqual(first, second, msg)  # type: ignore[attr-defined]


def _must_be(value: Any, kind: type, msg: Any) -> None:
    if not isinstance(value, kind):
        raise AssertionError(msg or f"{value!r} is not an instance of {kind.__name__}")


_CASE = Plain()
_OLD = {"assertEquals": "assertEqual", "assertNotEquals": "assertNotEqual"}
_OLD |= {"assertAlmostEquals": "assertAlmostEqual", "assertItemsEqual": "assertCountEqual"}
_OLD |= {"assertRaisesRegexp": "assertRaisesRegex", "assertRegexpMatches": "assertRegex"}


def _in_small_letters(name: str) -> str:
    return re.sub(r"([A-Z])", lambda found: f"_{found[1].lower()}", name)


_NAMES = [name for name in dir(_CASE) if re.fullmatch(r"assert[A-Z]\w+", name)]
for _name, _now in [*zip(_NAMES, _NAMES, strict=True), *_OLD.items()]:
    globals()[_in_small_letters(_name)] = getattr(_CASE, _now)


def ok_(expr: Any, msg: str | None = None) -> None:
    """Raise `AssertionError` unless an expression is true."""
    if not expr:
        raise AssertionError(msg)


def eq_(a: Any, b: Any, msg: str | None = None) -> None:
    """Raise `AssertionError` unless two values are equal."""
    if not a == b:
        raise AssertionError(msg or f"{a!r} != {b!r}")


def raises(*kinds: type[BaseException]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator for a test that passes if it raises one of the exceptions."""
    names = " or ".join(kind.__name__ for kind in kinds)

    def decorate(test: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(test)
        def wrapped(*args: Any, **kwargs: Any) -> None:
            try:
                test(*args, **kwargs)
            except kinds:
                return
            raise AssertionError(f"{test.__name__}() did not raise {names}")

        return wrapped

    return decorate


def timed(limit: float) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that leaves a test as it is: calls have time limits of their own."""
    return lambda test: test


def istest(test: Any) -> Any:
    """Return a test as it is."""
    return test


nottest = istest


def with_setup(setup: Any = None, teardown: Any = None) -> Callable[[Any], Any]:
    """Return a decorator that runs one function before a test and another behind it."""

    def decorate(test: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(test)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if setup is not None:
                setup()
            try:
                return test(*args, **kwargs)
            finally:
                if teardown is not None:
                    teardown()

        return wrapped

    return decorate
