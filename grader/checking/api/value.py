"""What a check holds of things that stay in the box: a `Value` can be called, indexed, read and
handed to the next call.
"""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, NoReturn

from grader.checking.api.handles import Unseen
from grader.checking.case.call_answer import CallAnswer, trusting
from grader.checking.case.call_log import Call
from grader.checking.case.callbacks import MOST_BYTES, exception_parts, stands_for
from grader.checking.case.case import Case
from grader.checking.explain.exception_hints import typed
from grader.checking.judge.values.value_kinds import describe
from grader.checking.run.remote import Request
from grader.errors import AssignmentError, StudentException, WorkerDied, WrongReturn
from grader.sandbox.untrusted import Untrusted
from grader.sandbox.wire import (
    Encoder,
    Frame,
    Ref,
    TooLarge,
)
from grader.sandbox.wire_types import Parts
from grader.text import without_numbers

NAMES = ("__name__", "__qualname__")  # attributes that a check may read as any other
MOST_INPUT = 1_000_000  # characters of what `input` is given


@dataclass(frozen=True)
class _Handed:
    """What goes into the box as these parts."""

    parts: Parts


class _Docstring:
    """A class's docstring if the class is asked; the student's if a handle is asked."""

    def __init__(self, own: str | None) -> None:
        self._own = own

    def __get__(self, value: Value | None, kind: type) -> Value | str | None:
        return self._own if value is None else value._attribute("__doc__")


class Value(Unseen):
    """Something in the box, named by a path from a module, a notebook's namespace or a handle."""

    __doc__ = _Docstring(__doc__)  # type: ignore[assignment]

    def __init__(self, case: Case, path: list[list[Any]], name: str, module: str = "") -> None:
        self._case = case
        self._path = path
        self._name = name
        self._module = module

    def __getattr__(self, name: str) -> Value:
        if name.startswith("__") and name not in NAMES:
            # NumPy, copy and pickle ask for these; the box is not asked
            raise AttributeError(
                f'`{self._name}` stays in the box: write `student.builtins.getattr(..., "{name}")`'
            )
        return self._attribute(name)

    def _attribute(self, name: str) -> Value:
        path = [*self._path, ["attr", name]]
        return Value(self._case, path, f"{self._name}.{name}", self._module)

    def __getitem__(self, key: Any) -> Value:
        return Value(self._case, [*self._path, ["item", key]], self._item(key), self._module)

    def _item(self, key: Any) -> str:
        """Return what an item is called."""
        return f"{self._name}[{key._name if isinstance(key, Value) else repr(key)}]"

    def __setitem__(self, key: Any, value: Any) -> None:
        """Set an item of what is in the box; where an object there refuses it, the next call says
        so.
        """
        self._set(["item", key], self._item(key), value)

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
        self._delete(["item", key], self._item(key))

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
        """Return whether the answer of `__exit__` is true, if it has a truth."""
        try:
            return bool(value)
        except Exception:  # an array, or an object whose truth raises
            raise WrongReturn(
                f"`{self._name}.__exit__` returned {describe(value)}, expected a boolean or None"
            ) from None

    def _ask(self, method: str, *args: Any) -> Any:
        """Call a method of Python's own in the box, and fetch its result; the log leaves it out."""
        path = [*self._path, ["attr", method]]
        return BoxFunction(self._case, "", f"{self._name}.{method}", path)(*args)

    def __str__(self) -> str:
        """Return the text that `str` gives in the box."""
        text = BoxFunction(self._case, "builtins", "str")(self)
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

    @property
    def _handle(self) -> int:
        """Return the number by which the box knows what a call returned."""
        return int(self._path[0][1])

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
        call = self._case.log.begun = Call(self._name, args, kwargs, self._path, stdin)
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
        answer = CallAnswer(self._case, call, self._held)
        return answer.of(_asked(lambda: self._sent(body, tuple(encoder.blobs), answer)))

    def _sent(self, body: dict[str, Any], blobs: tuple[bytes, ...], answer: CallAnswer) -> Frame:
        """Return the reply to a call, and keep what the call printed and changed if it raised."""
        try:
            return self._case.remote.call_in(self._module, f"`{self._name}`", body, blobs)
        except StudentException as error:
            answer.note_effects(error.reply)
            raise

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
        if type(value) is dict:
            return {key: self._with_handles(item) for key, item in value.items()}
        return value

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

    def _trusting(self, decode: Callable[[], Any]) -> Any:
        return trusting(self._name, decode)


class BoxFunction(Value):
    """A function of Python's own that is called in the box and answers with data. Its calls are not
    logged as the submission's.
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
    """Return a value after fetching every part of it that is still in the box, also parts within
    containers.
    """
    if isinstance(value, Value):
        return value.brought()
    if type(value) in (tuple, list):
        return type(value)(map(fetched, value))
    if type(value) is dict:
        return {key: fetched(item) for key, item in value.items()}
    return value


def name_of(function: Any) -> str:
    """Return what a function is called: the student's name for what is in the box."""
    if isinstance(function, Value):
        return function._name
    return str(getattr(function, "__name__", "the call"))


def encoder_of(case: Case) -> Encoder:
    """Return an encoder of what a check hands in; a `Value` stands for itself, by its handle or one
    made for it.
    """

    def reference(value: Any) -> Ref | Parts:
        if isinstance(value, Value) and value._returned_by_call:
            return Ref(value._handle, "")
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


def let_call_back(case: Case) -> None:
    """Let the box call the functions that a case hands in."""

    def answered(frame: Frame, what: str, seconds: float) -> Frame:
        held = functools.partial(_held_by, case, what.strip("`"))
        decoder = Untrusted(frame.blobs, held, MOST_BYTES, case.remote.budget)
        with case.log.paused():
            return case.callbacks.answer(frame, what, seconds, encoder_of(case), decoder)

    case.remote.called_back, case.remote.callback_bytes = answered, 0
