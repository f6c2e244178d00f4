"""The calls of a case: written down while recording, held against the reference's while grading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from grader.assignment.expectations import CallShape
from grader.checking.case.callbacks import MOST_BYTES
from grader.errors import WrongReturn

# How large a value may be beside the largest that the reference returned in the same place.
TIMES, SPARE = 4, 1 << 16
TIMES_QUIET, SPARE_QUIET = 16, 1 << 20  # of calls that are not noted, whose inputs may be larger


class Call(NamedTuple):
    """One call of a case: the function's name and what it was given."""

    function: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    path: Any = ()  # what leads to the function in the box
    stdin: str | None = None  # what `input` is given


class CallLog:
    """What the calls of a case return: written down while recording, held against the reference's
    while grading.
    """

    def __init__(self, expected: list[CallShape] | None, fetched: list[int] | None = None) -> None:
        self.made: list[CallShape] = []
        self.fetched: list[int] = []
        self.calls: list[Call] = []
        self.begun: Call | None = None  # the last call that was made, which may not have returned
        self.items: dict[Any, Any] = {}  # what was set in objects that stay in the box, by key
        # answers of another kind than the reference's, and which
        self.converted: list[tuple[Any, str]] = []
        self._expected = expected  # None while recording
        self._fetched = fetched
        self._quiet = False

    def all_calls(self) -> list[Call]:
        """Return the calls that were noted and, if the last call raised, that one too."""
        if self.begun is None or (self.calls and self.calls[-1] is self.begun):
            return self.calls[:]
        return [*self.calls, self.begun]

    def most(self, function: str | None) -> int | None:
        """Return how large what a function returns may be, or what is fetched for None; None if
        nobody knows.

        What the reference keeps in the box until it is fetched, a submission may return at once,
        and the other way. No size is known of a function that the reference called only within an
        author's function: then the bound of that function's arguments holds.
        """
        if self._expected is None or self._fetched is None:
            return None
        sizes = [call.size for call in self._expected if function in (call.function, None)]
        if function is not None and not sizes:  # the reference did not get to this call
            return MOST_BYTES if self._quiet else None
        times, spare = (TIMES_QUIET, SPARE_QUIET) if self._quiet else (TIMES, SPARE)
        return times * max(sizes + self._fetched, default=0) + spare

    def note_fetched(self, size: int) -> None:
        """Note the size of what was fetched."""
        if not self._quiet:
            self.fetched.append(size)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Note no calls for a while: those of numerical differentiation would be thousands."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    def add(self, call: Call, shape: CallShape) -> None:
        """Note one call, or raise `WrongReturn` if the reference returned another number of values.

        In place of None anything may come: if the check compares it, it is wrong there.
        """
        if self._quiet:
            wants = [want for want in self._expected or () if want.function == shape.function]
            if wants and not any(_are_alike(shape, want) for want in wants):
                raise WrongReturn(_another_form(shape, wants[0]))
            return
        index = len(self.made)
        self.made.append(shape)
        self.calls.append(call)
        if self._expected is None or index >= len(self._expected):
            return
        want = self._expected[index]
        if want.function == shape.function and not _are_alike(shape, want):
            raise WrongReturn(_another_form(shape, want))

    def wanted(self, function: str) -> CallShape | None:
        """Return the form of what the reference's function returned in this place, None if nobody
        knows.
        """
        if self._expected is None:
            return None
        if self._quiet:
            return next((one for one in self._expected if one.function == function), None)
        index = len(self.made)
        want = self._expected[index] if index < len(self._expected) else None
        return want if want is not None and want.function == function else None

    @property
    def recording(self) -> bool:
        """Return whether nothing is known of what is right: what goes wrong is then the author's
        matter.
        """
        return self._expected is None


def _are_alike(shape: CallShape, want: CallShape) -> bool:
    return want.nothing or (shape.sequence, shape.count) == (want.sequence, want.count)


def _another_form(shape: CallShape, want: CallShape) -> str:
    got = "None" if shape.nothing else _count(shape)
    if shape.sequence and not want.sequence:
        got = f"a list or tuple of {shape.count}"
    return f"`{shape.function}` returned {got}, expected {_count(want)}"


def _count(shape: CallShape) -> str:
    if not shape.sequence:
        return "a single value"
    return f"{shape.count} value{'' if shape.count == 1 else 's'}"
