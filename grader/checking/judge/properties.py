"""Looks for an input for which a property does not hold, and makes it small. Pure, but for the
property's own calls.

What is drawn depends on the seed alone: the reference has been through the same inputs when it was
recorded. So what goes wrong in the property itself, on the first input that fails, is owed to what
the submission answered.
"""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any, NamedTuple
from unittest import mock

import hypothesis
import numpy as np
from hypothesis import Phase, Verbosity
from hypothesis import strategies as st
from hypothesis.errors import (
    Flaky,
    HypothesisException,
    InvalidArgument,
    NoSuchExample,
    Unsatisfiable,
)
from hypothesis.internal.conjecture.providers import HypothesisProvider

from grader.checking.judge.values.value_kinds import describe
from grader.errors import AssignmentError, GraderError, StudentException, WrongReturn
from grader.model import Comparison
from grader.text import clean, without_numbers

SHRINKS = 300  # inputs that are tried to find a smaller one
SHRINK_SECONDS = 5.0
WHY_CHARACTERS = 1000  # of why a property does not hold
SHOWN_ENTRIES = 24  # of an array in a message


class Failure(NamedTuple):
    """An input for which a property does not hold, and in which way."""

    inputs: Mapping[str, Any]
    # only failures of one kind are made smaller: another may be due to what is too small for the
    # check
    kind: str
    why: str


class Draws(NamedTuple):
    """What is drawn, and how strictly a property is taken."""

    seed: str
    examples: int
    strict: bool  # whether an exception of the property's own is raised, as it is while recording


class _End(BaseException):
    """Ends a search: with an error that is not the property's, or since enough was tried."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class _Search:
    """Tries a property on one input after the other, and keeps the smallest that fails."""

    def __init__(self, holds: Callable[..., object], *, strict: bool) -> None:
        self._holds = holds
        self._strict = strict
        self._left = SHRINKS
        self._since = 0.0
        self.found: Failure | None = None

    def fails(self, inputs: Mapping[str, Any]) -> bool:
        """Return whether the property fails for these inputs, in the way in which it failed
        first.
        """
        if self.found is not None:
            self._left -= 1
            if self._left < 0 or time.monotonic() - self._since > SHRINK_SECONDS:
                raise _End
        failure = self._try(inputs)
        if failure is None or (self.found is not None and failure.kind != self.found.kind):
            return False
        if self.found is None:
            self._since = time.monotonic()
        if self.found is None or _extent(inputs) <= _extent(self.found.inputs):
            self.found = failure
        return True

    def _try(self, inputs: Mapping[str, Any]) -> Failure | None:
        kept = copy.deepcopy(dict(inputs))
        try:
            answer = self._holds(**inputs)
        except HypothesisException:  # `assume` of an input that the property is not about
            raise
        except (StudentException, WrongReturn) as error:
            # nothing of the student's was called
            if isinstance(error, StudentException) and not error.kinds:
                raise _End(error) from error
            return Failure(
                kept, f"{type(error).__name__} {getattr(error, 'kinds', ())[:1]}", str(error)
            )
        except GraderError as error:  # a stub, a death, a limit, or our own fault
            raise _End(error) from error
        except AssertionError as error:
            said = next(filter(str.strip, str(error).splitlines()), "")
            return Failure(kept, "assertion", said)
        except Exception as error:
            if self._strict:
                raise _End(error) from error
            return Failure(
                kept,
                type(error).__name__,
                f"what it is held by ends in {type(error).__name__}: {error}",
            )
        if answer is not None and not isinstance(answer, bool | np.bool_):
            raise _End(
                AssignmentError(
                    f"a property returned {describe(answer)}: let it assert or return a boolean"
                )
            )
        return None if answer is None or answer else Failure(kept, "untrue", "")


def falsify(
    holds: Callable[..., object], inputs: Mapping[str, st.SearchStrategy[Any]], draws: Draws
) -> Failure | None:
    """Return the smallest input found for which ``holds(**input)`` is false or raises, or None.

    Raises what ends a case as well, such as a stub or a limit, and `AssignmentError` if nothing can
    be drawn.
    """
    search = _Search(holds, strict=draws.strict)
    settings = hypothesis.settings(
        max_examples=draws.examples,
        database=None,
        deadline=None,
        derandomize=False,
        verbosity=Verbosity.quiet,
        phases=(Phase.generate, Phase.shrink),
        backend="hypothesis",
        print_blob=False,
    )
    strategy = st.fixed_dictionaries(dict(inputs))
    random = Random(draws.seed)  # noqa: S311 - no secret is made of it
    try:
        with _by_the_seed_alone():
            hypothesis.find(strategy, search.fails, settings=settings, random=random)
    # flaky: the submission draws numbers of its own, and was wrong at least once
    except (NoSuchExample, Flaky):
        pass
    except (InvalidArgument, Unsatisfiable) as error:
        raise AssignmentError(f"the inputs of a property can't be drawn: {error}") from error
    except _End as end:
        if end.error is not None and search.found is None:
            raise end.error from None
    return search.found


@contextlib.contextmanager
def _by_the_seed_alone() -> Iterator[None]:
    """Keep hypothesis from mixing in constants of whatever modules are loaded, and from caching
    them in a folder.
    """
    with mock.patch.object(
        HypothesisProvider, "_maybe_draw_constant", return_value=None, create=True
    ):
        yield


def held(name: str, failure: Failure | None, *, shown: bool) -> Comparison:
    """Say whether a property holds; show the input that fails, or its shapes alone."""
    if failure is None:
        return Comparison(name, True)
    # in which an author may have put what came of the submission
    why = clean(failure.why, WHY_CHARACTERS)
    why = why if shown else without_numbers(why)
    say = _shown if shown else describe
    told = "; ".join(f"{key}: {say(value)}" for key, value in failure.inputs.items())
    return Comparison(
        name, False, f"`{name}` does not hold{f': {why}' if why else ''}; for instance with {told}"
    )


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size > SHOWN_ENTRIES:
        return describe(value)
    if isinstance(value, np.ndarray):
        return " ".join(np.array2string(value, separator=", ").split())
    text = repr(value)
    return text if len(text) <= 10 * SHOWN_ENTRIES else describe(value)


def _extent(inputs: Mapping[str, Any]) -> tuple[int, int, float]:
    """Return how large inputs are: their entries, those that are not zero, and their sum."""
    entries, filled, total = 0, 0, 0.0
    for value in inputs.values():
        if isinstance(value, np.ndarray | bool | int | float):
            array = np.asarray(value)
            entries += array.size
            filled += int(np.count_nonzero(array))
            total += float(np.abs(array.astype(np.float64)).sum())
    return entries, filled, total
