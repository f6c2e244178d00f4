"""`student`: stands for the submission in a check. Calling it crosses into the box; plain data
comes back.

What is plain (arrays, numbers, text) comes back as itself; what is not (a cache, a model) stays in
the box and is held by a `Value`, which can be called, indexed, read and handed to the next call.
"""

from __future__ import annotations

import builtins
import difflib
import functools
import itertools
import operator
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, NamedTuple, NoReturn

import numpy as np

from grader.assignment.expectations import CallShape
from grader.assignment.spec import BOX_MODULE, Assignment
from grader.checking.api.callbacks import MOST_BYTES, Callbacks, exception_parts, stands_for
from grader.checking.api.case_files import Files
from grader.checking.api.changed_arguments import path_to
from grader.checking.api.handles import Unseen
from grader.checking.explain.exception_hints import typed
from grader.checking.judge.compare import as_array
from grader.checking.judge.value_kinds import describe
from grader.checking.run.remote import Remote, Request, far_more
from grader.errors import AssignmentError, StudentException, WorkerDied, WrongReturn
from grader.sandbox.untrusted import Untrusted
from grader.sandbox.wire import (
    Encoder,
    Frame,
    MoreThanExpected,
    Ref,
    TooLarge,
    WireError,
    footprint,
)
from grader.sandbox.wire_types import Parts
from grader.text import clean, without_numbers

PRINTED_CHARACTERS = 20_100  # of one call
# How large a value may be beside the largest that the reference returned in the same place.
TIMES, SPARE = 4, 1 << 16
TIMES_QUIET, SPARE_QUIET = 16, 1 << 20  # of calls that are not noted, whose inputs may be larger
MOST_INPUT = 1_000_000  # characters of what `input` is given
RANGE_SIZE = 4 * 8  # of an empty range, as `Decoder.size` counts
# Whose functions a check may call in the box, by name.
LIBRARIES = {"builtins": builtins, "operator": operator, "itertools": itertools}


@dataclass(frozen=True)
class _Handed:
    """What goes into the box as these parts."""

    parts: Parts


class Call(NamedTuple):
    """One call of a case: the function's name and what it was given."""

    function: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    path: Any = ()  # what leads to the function in the box


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

    def most(self, function: str | None) -> int | None:
        """Return how large what a function returns may be, or what is fetched for None; None if
        nobody knows.

        What the reference keeps in the box until it is fetched, a submission may return at once,
        and the other way.
        """
        if self._expected is None or self._fetched is None:
            return None
        sizes = [call.size for call in self._expected if function in (call.function, None)]
        if function is not None and not sizes:  # the reference did not get to this call
            return None
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

    def add(self, call: Call, shape: CallShape, *, nothing: bool = False) -> None:
        """Note one call, or raise `WrongReturn` where the reference returned another number of
        values.

        ``nothing`` says that the single value that came is None.
        """
        if self._quiet:
            wants = [want for want in self._expected or () if want.function == shape.function]
            if wants and (shape.sequence, shape.count) not in [
                (want.sequence, want.count) for want in wants
            ]:
                raise WrongReturn(_another_form(shape, wants[0], nothing=nothing))
            return
        index = len(self.made)
        self.made.append(shape)
        self.calls.append(call)
        if self._expected is None or index >= len(self._expected):
            return
        want = self._expected[index]
        if want.function == shape.function and (want.sequence, want.count) != (
            shape.sequence,
            shape.count,
        ):
            raise WrongReturn(_another_form(shape, want, nothing=nothing))

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


def _another_form(shape: CallShape, want: CallShape, *, nothing: bool) -> str:
    got = "None" if nothing else _count(shape)
    if shape.sequence and not want.sequence:
        got = f"a list or tuple of {shape.count}"
    return f"`{shape.function}` returned {got}, expected {_count(want)}"


def _count(shape: CallShape) -> str:
    if not shape.sequence:
        return "a single value"
    return f"{shape.count} value{'' if shape.count == 1 else 's'}"


class Case:
    """What belongs to the case at hand: the worker, the log of calls, and notes for the report."""

    def __init__(self, remote: Remote, log: CallLog) -> None:
        self.remote = remote
        self.log = log
        self.notes: list[str] = []
        # function and argument, where a call changed what it was given
        self.changed: list[tuple[str, str]] = []
        self._came: weakref.WeakValueDictionary[int, np.ndarray] = weakref.WeakValueDictionary()
        self._became: list[tuple[Any, Value]] = []  # what was given, and what a call made of it
        self.asked_after: list[Any] = []  # arguments of which the check asks what became of them
        self.printed = ""  # by the calls, imports left out
        self.folder = ""  # of the check's own, which the box can't see
        self.callbacks = Callbacks()
        # handle -> the call that returned it, and its place
        self.origins: dict[int, tuple[int, int | None]] = {}
        self._remote_calls_back()
        # the function that was called last, if it is still a stub that returns constants
        self.stub = ""

    def _remote_calls_back(self) -> None:
        """Let the box call the functions that this case hands in."""

        def answered(frame: Frame, what: str, seconds: float) -> Frame:
            held = functools.partial(_held_by, self, what.strip("`"))
            decoder = Untrusted(frame.blobs, held, MOST_BYTES, self.remote.budget)
            with self.log.paused():
                return self.callbacks.answer(frame, what, seconds, encoder_of(self), decoder)

        self.remote.called_back, self.remote.callback_bytes = answered, 0

    def changed_to(self, argument: Any, value: Value) -> None:
        """Keep what a call made of an argument."""
        self._became = [pair for pair in self._became if pair[0] is not argument]
        self._became.append((argument, value))

    def came(self, values: list[Any]) -> None:
        """Note the arrays that came out of the box."""
        self._came.update({id(one): one for one in values if isinstance(one, np.ndarray)})

    def is_own(self, value: Any) -> bool:
        """Return whether a value is the check's own, not an array that a call has returned."""
        return self._came.get(id(value)) is not value

    def after(self, value: Any) -> Any:
        """Return what calls made of an argument, or of a part of one; a value that no call changed
        as it is.
        """
        for argument, held in reversed(self._became):
            path = path_to(value, argument)
            if path is not None:
                for key in path:
                    held = held[key]
                return held.brought()
        return value

    def was_given(self, value: Any) -> bool:
        """Return whether a value is an argument of a call of this case, or a part of one."""
        given = [one for call in self.log.calls for one in (*call.args, *call.kwargs.values())]
        return any(path_to(value, one) is not None for one in given)

    def note(self, text: str) -> None:
        """Keep a remark for the report, once."""
        if text not in self.notes:
            self.notes = [*self.notes, text]


class Value(Unseen):
    """Something in the box, named by a path from a module, a notebook's namespace or a handle."""

    def __init__(self, case: Case, path: list[list[Any]], name: str, module: str = "") -> None:
        self._case = case
        self._path = path
        self._name = name
        self._module = module

    def __getattr__(self, name: str) -> Value:
        if name.startswith("__"):  # NumPy, copy and pickle ask for these; the box is not asked
            raise AttributeError(
                f"`{self._name}` stays in the box: ask it for `{name}` by name, as in"
                " `student.operator.add(a, b)`"
            )
        return Value(
            self._case, [*self._path, ["attr", name]], f"{self._name}.{name}", self._module
        )

    def __getitem__(self, key: Any) -> Value:
        return Value(
            self._case, [*self._path, ["item", key]], f"{self._name}[{key!r}]", self._module
        )

    def __setitem__(self, key: Any, value: Any) -> None:
        """Set an item of what is in the box; where an object there refuses it, the next call says
        so.
        """
        self._set(["item", key], f"{self._name}[{key!r}]", value)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute of what is in the box; names with an underscore in front are this
        handle's own.
        """
        if name.startswith("_"):
            super().__setattr__(name, value)
        else:
            self._set(["attr", name], f"{self._name}.{name}", value)

    def __delitem__(self, key: Any) -> None:
        """Delete an item of what is in the box."""
        self._delete(["item", key], f"{self._name}[{key!r}]")

    def __delattr__(self, name: str) -> None:
        """Delete an attribute of what is in the box."""
        self._delete(["attr", name], f"{self._name}.{name}")

    def _set(self, step: list[Any], name: str, value: Any) -> None:
        encoder = self._encoder()
        body = {"op": "set", "target": _encoded([*self._path, step], encoder)}
        with self._handing_on():
            body["value"] = encoder.encode(value)
        request = Request(f"setting `{name}`", body, tuple(encoder.blobs))
        if self._module:  # which may have to be imported first
            self._case.remote.call_in(self._module, *request)
        else:
            self._case.remote.hold(request)
        self._case.log.items[step[1]] = value

    def _delete(self, step: list[Any], name: str) -> None:
        encoder = self._encoder()
        body = {"op": "delete", "target": _encoded([*self._path, step], encoder)}
        request = Request(f"deleting `{name}`", body, tuple(encoder.blobs))
        _asked(lambda: self._case.remote.call_in(self._module, *request))

    def __enter__(self) -> Any:
        """Enter a context manager that is in the box; what it gives is brought over as far as it is
        plain data.
        """
        return self._ask("__enter__")

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        """Leave it, with the exception that the check's own block raised, if one did."""
        if error is None:
            return self._truth(self._ask("__exit__", None, None, None))
        parts = exception_parts(error)
        kind = getattr(builtins, parts.items[0])
        return self._truth(self._ask("__exit__", kind, _Handed(parts), None))

    def _truth(self, value: Any) -> bool:
        """Return whether what `__exit__` answered is true, where that can be said of it."""
        try:
            return bool(value)
        except Exception:  # an array, or an object whose truth raises
            raise WrongReturn(
                f"`{self._name}.__exit__` returned {describe(value)}, expected a boolean or None"
            ) from None

    def _ask(self, method: str, *args: Any) -> Any:
        """Call a method of Python's own in the box, and fetch what it returns; it is no call of the
        submission's.
        """
        path = [*self._path, ["attr", method]]
        return Asked(self._case, "", f"{self._name}.{method}", path)(*args)

    def __str__(self) -> str:
        """Return the text that `str` gives in the box."""
        text = Asked(self._case, "builtins", "str")(self)
        if not isinstance(text, str):
            raise WrongReturn(f"`{self._name}` gives {describe(text)} as its text")
        return text

    def _refuse(self, doing: str, instead: str) -> NoReturn:
        # what the reference returned there allows it
        if self._returned_by_call and not self._case.log.recording:
            wanted = "values that can be gone through" if doing.startswith("goes") else "plain data"
            raise WrongReturn(f"`{self._name}` returned an object, expected {wanted}")
        raise AssignmentError(
            f"a check {doing.format(f'`{self._name}`')}, which stays in the box: "
            f"write {instead}, or `.fetch()` it if it is plain data"
        )

    @property
    def _returned_by_call(self) -> bool:
        return len(self._path) == 1 and self._path[0][0] == "handle"

    def __call__(self, *args: Any, stdin: str | None = None, **kwargs: Any) -> Any:
        """Call it in the box with fresh copies of the arguments.

        ``stdin``: text that `input` and standard input give meanwhile, line by line.
        Returns a tuple if the student's function returned a tuple or list, else the one value.
        """
        paths = filter(_is_path, (*args, *kwargs.values())) if self._case.folder else ()
        if any(self._case.folder in str(path) for path in paths):
            raise AssignmentError(
                f"a check hands a path in `tmp_path` to `{self._name}`, and the box can't see it"
            )
        call = self._case.log.begun = Call(self._name, args, kwargs, self._path)
        encoder = self._encoder()
        with self._handing_on():
            given = {"args": encoder.encode(args), "kwargs": encoder.encode(kwargs)}
        body = {
            "op": "call",
            "target": _encoded(self._path, encoder),
            **given,
            "most": self._case.log.most(self._name),
        }
        if stdin is not None:
            body["stdin"] = _input_text(stdin)
        want = self._case.log.wanted(self._name)
        if want is not None and not want.sequence:
            body["single"] = True
        reply = _asked(lambda: self._sent(body, tuple(encoder.blobs), call))
        return self._returned(reply.body, reply.blobs, call)

    def _sent(self, body: dict[str, Any], blobs: tuple[bytes, ...], call: Call) -> Frame:
        """Return the reply to a call, and keep what the call printed and changed if it raised."""
        try:
            return self._case.remote.call_in(self._module, f"`{self._name}`", body, blobs)
        except StudentException as error:
            self._note_changes(error.reply, call)
            self._note_printed(error.reply)
            raise

    def _note_printed(self, body: Mapping[str, Any]) -> None:
        told = body.get("printed")
        self._case.printed += clean(told, PRINTED_CHARACTERS) if isinstance(told, str) else ""

    def fetch(self) -> Any:
        """Return the value itself as plain data; what is not plain in a container of it stays in
        the box.

        Raises a sentence that names the type where the value itself is not plain.
        """
        value = self.brought()
        if isinstance(value, Ref) and self._case.log.recording:
            raise AssignmentError(
                f"`{self._name}` can't be fetched, since it is {describe(value)}: ask for what"
                " Python does in the box by name, such as `student.builtins.list(...)`,"
                " `.str(...)` or `student.operator.eq(...)`"
            )
        if isinstance(value, Ref):
            raise WrongReturn(f"`{self._name}` gives {describe(value)}, expected plain data")
        return self._with_handles(value)

    def _with_handles(self, value: Any) -> Any:
        """Return fetched data with a `Value` for everything in it that stays in the box."""
        if isinstance(value, Ref):
            return self._held(value)
        if type(value) in (list, tuple):
            return type(value)(map(self._with_handles, value))
        return (
            {key: self._with_handles(item) for key, item in value.items()}
            if type(value) is dict
            else value
        )

    def brought(self) -> Any:
        """Return the value as `fetch` does, with a `Ref` for what is not plain."""
        encoder = self._encoder()
        most = self._case.log.most(None)
        body = {"op": "fetch", "target": _encoded(self._path, encoder), "most": most}
        frame = self._case.remote.call_in(
            self._module, f"`{self._name}`", body, tuple(encoder.blobs)
        )
        decoder = Untrusted(frame.blobs, _nameless, most, self._case.remote.budget)
        value = self._trusting(lambda: decoder.decode(frame.body.get("value")))
        self._case.log.note_fetched(decoder.size)
        return value

    def _returned(self, body: Mapping[str, Any], blobs: tuple[bytes, ...], call: Call) -> Any:
        def decode() -> list[Any]:
            values = body.get("values")
            if not isinstance(values, list) or not isinstance(body.get("container"), str):
                raise WireError("a reply without values")
            if not body["container"] and len(values) != 1:
                raise WireError("a single value that is none")
            return [decoder.decode(value) for value in values]

        function = self._name
        decoder = Untrusted(
            blobs, self._held, self._case.log.most(function), self._case.remote.budget
        )
        values = self._trusting(decode)
        self._note_changes(body, call)
        self._note_printed(body)
        self._case.stub = function if body.get("stub") is True else ""
        values, sequence = self._in_form(values, bool(body["container"]), body.get("whole"))
        stays = not sequence and isinstance(values[0], Value)
        shape = CallShape(function, sequence, len(values), decoder.size, stays)
        self._note_origins(values, sequence)
        self._case.log.add(call, shape, nothing=not sequence and values[0] is None)
        self._case.came(values)
        answer = tuple(values) if sequence else values[0]
        if sequence != bool(body["container"]):
            got = "an array" if sequence else "a list or tuple"
            self._case.log.converted.append(
                (answer, f"`{function}` returned {got}, expected the other kind")
            )
        return answer

    def _note_origins(self, values: list[Any], sequence: bool) -> None:
        """Keep which call returned what stays in the box."""
        number = len(self._case.log.calls)
        for place, value in enumerate(values):
            if isinstance(value, Value):
                self._case.origins[int(value._path[0][1])] = number, place if sequence else None

    def _note_changes(self, body: Mapping[str, Any], call: Call) -> None:
        """Keep which arguments a call says that it has changed, and what became of them."""
        modified, became = body.get("modified"), body.get("became")
        names = {**{str(place): one for place, one in enumerate(call.args, 1)}, **call.kwargs}
        decoder = Untrusted((), self._held, None, self._case.remote.budget)
        for name, argument in names.items():
            if not isinstance(modified, list) or name not in modified:
                continue
            if isinstance(argument, np.ndarray):
                self._case.note(f"`{call.function}` changed its argument {name} in place")
            self._case.changed.append((call.function, name))
            if isinstance(became, dict) and name in became:
                held = self._trusting(functools.partial(decoder.decode, became[name]))
                if isinstance(held, Value):
                    self._case.changed_to(argument, held)

    def _in_form(self, values: list[Any], sequence: bool, whole: Any) -> tuple[list[Any], bool]:
        """Return what came in the form that is expected, if a list or tuple came for an array or
        the other way.
        """
        want = self._case.log.wanted(self._name)
        if want is None or want.sequence == sequence:
            return values, sequence
        if want.sequence:
            array = values[0]
            if isinstance(array, range):
                return ([*array], True) if len(array) == want.count else (values, sequence)
            fits = isinstance(array, np.ndarray) and array.ndim > 0 and len(array) == want.count
            return ([*array], True) if fits else (values, sequence)
        if want.held:  # a list in place of a generator, or of another object: it stays as well
            return [self._trusting(lambda: Untrusted((), self._held).decode(whole))], False
        if len(values) == 1 and isinstance(values[0], np.ndarray):  # in a tuple for no reason
            return values, sequence
        if any(isinstance(value, Value) for value in values):
            held = self._trusting(lambda: Untrusted((), self._held).decode(whole))
            values_in = held.brought() if isinstance(held, Value) else values
        else:
            values_in = values
        if want.size == RANGE_SIZE + 8 * len(values) and all(
            type(value) is int for value in values
        ):
            return [values], False
        array = as_array(values_in)
        array = as_array(values_in, text=True) if array is None else array
        fits = array is not None and 8 + footprint(array.shape, array.dtype) == want.size
        return ([array], False) if fits else (values, sequence)

    def _kept(self) -> Ref:
        """Return a new handle of what the path leads to."""
        encoder = self._encoder()
        body = {"op": "keep", "target": _encoded(self._path, encoder)}
        frame = self._case.remote.call_in(
            self._module, f"`{self._name}`", body, tuple(encoder.blobs)
        )
        ref = self._trusting(lambda: Untrusted((), None).decode(frame.body.get("value")))
        if not isinstance(ref, Ref):
            raise WorkerDied(f"`{self._name}` sent something unreadable: no handle")
        return Ref(ref.handle, "")

    def _held(self, ref: Ref) -> Value:
        return _held_by(self._case, self._name, ref)

    def _encoder(self) -> Encoder:
        return encoder_of(self._case)

    @contextmanager
    def _handing_on(self) -> Iterator[None]:
        """Let it be the submission's failure if a check can't hand on what came of it, as it could
        the reference's.
        """
        try:
            yield
        except TooLarge as error:
            if self._case.log.recording:
                raise AssignmentError(
                    f"a check hands on more to `{self._name}` than can be sent: {error}"
                ) from error
            raise WrongReturn(
                f"`{self._name}` can't be given what was returned before: {error}"
            ) from error

    def _trusting(self, decode: Any) -> Any:
        try:
            return decode()
        except MoreThanExpected as error:
            raise WrongReturn(far_more(f"`{self._name}`", str(error))) from None
        except TooLarge as error:
            raise WrongReturn(f"`{self._name}` returned more than fits: {error}") from None
        except WireError as error:
            raise WorkerDied(f"`{self._name}` sent something unreadable: {error}") from None


class Student:
    """The submission, as a check sees it: its functions and classes by their names."""

    def __init__(self, assignment: Assignment, case: Case) -> None:
        self._modules = assignment.modules
        self._has_box = assignment.box_path is not None
        self._case = case

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        module = self._modules.get(name)
        if module is None and name in LIBRARIES:
            return Library(self._case, name)
        if module is None and name == "after":
            return self._after
        if module is None and name == "box":
            if not self._has_box:
                raise AssignmentError(
                    "a check uses `student.box`, and there is no `checks/box.py` with its functions"
                )
            return Helpers(self._case)
        if module is None and name == "files":
            return Files(self._case.remote, recording=self._case.log.recording)
        if module is None:
            close = difflib.get_close_matches(name, self._modules, n=1)
            hint = f": did you mean `{close[0]}`?" if close else ""
            raise AssignmentError(
                f"a check calls `student.{name}`, which no file of assignment.toml `provides`{hint}"
            )
        return Value(self._case, [["module", module], ["attr", name]], name, module)

    def _after(self, argument: Any) -> Any:
        """Return what the calls of this case made of an argument: `student.after(items)`."""
        self._case.asked_after.append(argument)
        return self._case.after(argument)


class Library:
    """A library of Python's in the box, whose functions are called by name:
    `student.builtins.len(queue)`.
    """

    def __init__(self, case: Case, library: str) -> None:
        self._case = case
        self._library = library

    def __getattr__(self, name: str) -> Asked:
        if name.startswith("__") or not hasattr(LIBRARIES[self._library], name):
            raise AttributeError(f"Python's `{self._library}` has no `{name}`")
        return Asked(self._case, self._library, name)


class Helpers:
    """The author's helper module in the box: `student.box.as_list(letters)` calls its function
    `as_list`.

    What it answers is a student's word, since the student's code may change anything in the box.
    """

    def __init__(self, case: Case) -> None:
        self._case = case

    def __getattr__(self, name: str) -> Asked:
        if name.startswith("__"):
            raise AttributeError(name)
        return Asked(
            self._case, BOX_MODULE, name, [["module", BOX_MODULE], ["attr", name]], f"box.{name}"
        )


class Asked(Value):
    """A function of Python's own that is called in the box. It answers with data; it is no call of
    the submission's.
    """

    def __init__(
        self,
        case: Case,
        library: str,
        name: str,
        path: list[list[Any]] | None = None,
        called: str = "",
    ) -> None:
        super().__init__(case, path or [["module", library], ["attr", name]], called or name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it with what is in the box, and fetch what it returns as far as it is plain data."""
        encoder, most = self._encoder(), self._case.log.most(None)
        with self._handing_on():
            given = {"args": encoder.encode(args), "kwargs": encoder.encode(kwargs)}
        body = {"op": "ask_for", "target": _encoded(self._path, encoder), **given, "most": most}
        frame = _asked(
            lambda: self._case.remote.request(f"`{self._name}`", body, tuple(encoder.blobs))
        )
        decoder = Untrusted(frame.blobs, self._held, most, self._case.remote.budget)
        value = self._trusting(lambda: decoder.decode(frame.body.get("value")))
        self._case.log.note_fetched(decoder.size)
        return value


def _input_text(text: Any) -> str:
    if not isinstance(text, str) or len(text) > MOST_INPUT:
        raise AssignmentError(f"`stdin` has to be text of at most {MOST_INPUT} characters")
    return text


def _is_path(value: Any) -> bool:
    return isinstance(value, str | PurePath)


def _asked(send: Callable[[], Frame]) -> Frame:
    """Return a reply; what the student's code raised is of the built-in type of that name, too, for
    `pytest.raises`.
    """
    try:
        return send()
    except StudentException as error:
        found = typed(error)
        raise (error if isinstance(found, StopIteration | StopAsyncIteration) else found) from None


def _nameless(ref: Ref) -> Ref:
    """Return what stays in the box with a type's name that tells no hidden input."""
    return ref._replace(type=without_numbers(ref.type))


def fetched(value: Any) -> Any:
    """Return a value with everything that was held in the box brought over, what stands in
    containers too.
    """
    if isinstance(value, Value):
        return value.brought()
    if type(value) in (tuple, list):
        return type(value)(map(fetched, value))
    return {key: fetched(item) for key, item in value.items()} if type(value) is dict else value


def name_of(function: Any) -> str:
    """Return what a function is called: the student's name for what is in the box."""
    return (
        function._name
        if isinstance(function, Value)
        else str(getattr(function, "__name__", "the call"))
    )


def encoder_of(case: Case) -> Encoder:
    """Return an encoder of what a check hands in; a `Value` stands for itself, by its handle or one
    made for it.
    """

    def reference(value: Any) -> Ref | Parts:
        if isinstance(value, Value) and value._returned_by_call:
            return Ref(int(value._path[0][1]), "")
        if isinstance(value, _Handed):
            return value.parts
        if isinstance(value, Value):
            return value._kept()
        found = stands_for(value, case.callbacks)
        if found.kind == "callback":
            case.remote.callback_bytes = MOST_BYTES
        return found

    return Encoder(reference)


def _held_by(case: Case, name: str, ref: Ref) -> Value:
    return Value(case, [["handle", ref.handle]], name)


def _encoded(path: list[list[Any]], encoder: Encoder) -> list[list[Any]]:
    return [[kind, encoder.encode(key)] if kind == "item" else [kind, key] for kind, key in path]
