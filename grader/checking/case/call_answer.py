"""What a call returned: decoded, noted, and brought into the form that is expected."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from grader.assignment.expectations import CallShape
from grader.checking.api.handles import Unseen
from grader.checking.case.call_log import Call
from grader.checking.case.case import Case
from grader.checking.judge.values.conversions import as_array
from grader.checking.run.box_accounts import far_more
from grader.errors import WorkerDied, WrongReturn
from grader.sandbox.untrusted import Untrusted
from grader.sandbox.wire import Frame, MoreThanExpected, Ref, TooLarge, WireError, footprint
from grader.text import clean

if TYPE_CHECKING:  # which imports this module
    from grader.checking.api.value import Value

PRINTED_CHARACTERS = 20_100  # of one call
RANGE_SIZE = 4 * 8  # of an empty range, as `Decoder.size` counts


class CallAnswer:
    """Reads the reply to one call; ``held`` makes a handle of what stays in the box."""

    def __init__(self, case: Case, call: Call, held: Callable[[Ref], Any]) -> None:
        self._case = case
        self._call = call
        self._function = call.function
        self._held = held

    def of(self, reply: Frame) -> Any:
        """Return the values of a reply: a tuple if the function returned several, else the one."""
        body = reply.body

        def decode() -> list[Any]:
            values = body.get("values")
            if not isinstance(values, list) or not isinstance(body.get("container"), str):
                raise WireError("a reply without values")
            if not body["container"] and len(values) != 1:
                raise WireError("a single value that is none")
            return [decoder.decode(value) for value in values]

        function = self._function
        most = self._case.log.most(function)
        decoder = Untrusted(reply.blobs, self._held, most, self._case.remote.budget)
        values = trusting(function, decode)
        self.note_effects(body)
        self._case.stub = function if body.get("stub") is True else ""
        values, sequence = self._in_form(values, bool(body["container"]), body.get("whole"))
        stays = not sequence and _stays_in_box(values[0])
        nothing = not sequence and values[0] is None
        shape = CallShape(function, sequence, len(values), decoder.size, stays, nothing)
        self._note_origins(values, sequence)
        self._case.log.add(self._call, shape)
        self._case.came(values)
        answer = tuple(values) if sequence else values[0]
        if sequence != bool(body["container"]):
            got = "an array" if sequence else "a list or tuple"
            self._case.log.converted.append(
                (answer, f"`{function}` returned {got}, expected the other kind")
            )
        return answer

    def note_effects(self, body: Mapping[str, Any]) -> None:
        """Keep what the call changed and printed."""
        self._note_changes(body)
        printed = body.get("printed")
        if isinstance(printed, str):
            self._case.printed += clean(printed, PRINTED_CHARACTERS)

    def _note_origins(self, values: list[Any], sequence: bool) -> None:
        """Keep which call returned what stays in the box."""
        number = len(self._case.log.calls)
        for place, value in enumerate(values):
            if _stays_in_box(value):
                self._case.origins[value._handle] = number, place if sequence else None

    def _note_changes(self, body: Mapping[str, Any]) -> None:
        """Keep which arguments a call says that it has changed, and what became of them."""
        modified, became = body.get("modified"), body.get("became")
        names = dict(self._call.kwargs)
        for place, argument in enumerate(self._call.args, 1):
            names[str(place)] = argument
        decoder = Untrusted((), self._held, None, self._case.remote.budget)
        for name, argument in names.items():
            if not isinstance(modified, list) or name not in modified:
                continue
            if isinstance(argument, np.ndarray):
                self._case.note(f"`{self._call.function}` changed its argument {name} in place")
            self._case.changed.append((self._call.function, name))
            if isinstance(became, dict) and name in became:
                held = trusting(self._function, functools.partial(decoder.decode, became[name]))
                if _stays_in_box(held):
                    self._case.changed_to(argument, held)

    def _in_form(self, values: list[Any], sequence: bool, whole: Any) -> tuple[list[Any], bool]:
        """Return what came in the form that is expected, if a list or tuple came for an array or
        the other way.
        """
        want = self._case.log.wanted(self._function)
        if want is None or want.sequence == sequence:
            return values, sequence
        if want.sequence:
            items = _items(values[0], want.count)
            return (values, sequence) if items is None else (items, True)
        if want.held:  # a list in place of a generator, or of another object: it stays as well
            return [self._whole(whole)], False
        if len(values) == 1 and isinstance(values[0], np.ndarray):  # in a tuple for no reason
            return values, sequence
        whole_numbers = all(type(value) is int for value in values)
        if whole_numbers and want.size == RANGE_SIZE + 8 * len(values):
            return [values], False
        array = _one_array(self._brought(values, whole))
        if array is None or 8 + footprint(array.shape, array.dtype) != want.size:
            return values, sequence
        return [array], False

    def _whole(self, whole: Any) -> Any:
        """Return a handle of the list or tuple that was returned."""
        return trusting(self._function, lambda: Untrusted((), self._held).decode(whole))

    def _brought(self, values: list[Any], whole: Any) -> Any:
        """Return the values as plain data; a list that stays in the box is fetched as a whole."""
        if not any(_stays_in_box(value) for value in values):
            return values
        held = self._whole(whole)
        return held.brought() if _stays_in_box(held) else values


def _stays_in_box(value: object) -> TypeGuard[Value]:
    return isinstance(value, Unseen)


def _items(value: Any, count: int) -> list[Any] | None:
    """Return the items of an array or range of ``count`` items, None of anything else."""
    if isinstance(value, range):
        return [*value] if len(value) == count else None
    fits = isinstance(value, np.ndarray) and value.ndim > 0 and len(value) == count
    return [*value] if fits else None


def _one_array(values: Any) -> np.ndarray | None:
    """Return a list's values as an array of numbers or text, None if they are neither."""
    array = as_array(values)
    return as_array(values, text=True) if array is None else array


def trusting(name: str, decode: Callable[[], Any]) -> Any:
    """Return what is decoded; what can't be decoded is the submission's failure, not ours."""
    try:
        return decode()
    except MoreThanExpected as error:
        raise WrongReturn(far_more(f"`{name}`", str(error))) from None
    except TooLarge as error:
        raise WrongReturn(f"`{name}` returned more than fits: {error}") from None
    except WireError as error:
        raise WorkerDied(f"`{name}` sent something unreadable: {error}") from None
