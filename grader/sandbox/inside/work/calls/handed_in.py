"""What a check hands into the box beside plain data: functions, generators of random numbers,
exceptions, input.

A function of the check's runs on the other side. The one that stands for it here sends its
arguments, and serves what the other side asks meanwhile until the result comes.
"""

from __future__ import annotations

import builtins
import importlib
import io
import random
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from grader.sandbox.wire import MAX_DEPTH, Decoder, Encoder, Frame, WireError
from grader.sandbox.wire_types import Member

if TYPE_CHECKING:
    from grader.sandbox.inside.work.worker import Worker

KINDS = frozenset({"callback", "named", "generator", "exception"})
MORE_INPUT = "input() was called more often than there are lines to read"


class HandedIn:
    """The functions of the check at hand, and the calls of them."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._thread = threading.get_ident()
        self._case = 0
        # how many calls of the student's functions are under way, one within another
        self.calling = 0

    def new_case(self) -> None:
        """Let the functions of the case before be called no more."""
        self._case += 1

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Let the check's functions be called within."""
        self.calling += 1
        try:
            yield
        finally:
            self.calling -= 1

    def value(self, kind: str, items: list[Any]) -> Any:
        """Return what a check has handed in."""
        if kind == "callback":
            return self._function(int(items[0]), str(items[1]))
        if kind == "named":
            return getattr(importlib.import_module(items[0]), items[1])
        if kind == "exception":
            return exception(items[0], items[1])
        return generator(items[0], items[1])

    def _function(self, number: int, name: str) -> Callable[..., Any]:
        case = self._case

        def handed_in(*args: Any, **kwargs: Any) -> Any:
            if case != self._case or not self.calling:
                raise RuntimeError(
                    f"the function `{name}` can only be called while the check that gave it is"
                    " running"
                )
            if threading.get_ident() != self._thread:
                raise RuntimeError(f"the function `{name}` can't be called from another thread")
            return self._call(number, args, kwargs)

        handed_in.__name__ = handed_in.__qualname__ = name
        return handed_in

    def _call(self, number: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        encoder = Encoder(self._worker.keep, deepest=MAX_DEPTH - 8)
        body = {
            "op": "callback",
            "function": number,
            "args": encoder.encode(args),
            "kwargs": encoder.encode(kwargs),
        }
        channel = self._worker.channel
        channel.send(Frame(body, tuple(encoder.blobs)))
        while (frame := channel.receive()).body.get("op") != "called":
            channel.send(self._worker.perform(frame))
        if not frame.body["ok"]:
            raise exception(frame.body["type"], frame.body["message"])
        return self._worker.decoder(frame.blobs).decode(frame.body["value"])


def exception(kind: str, message: str) -> Exception:
    """Return an exception of the built-in type of that name, or a `RuntimeError` that names it."""
    found = getattr(builtins, kind, None)
    if isinstance(found, type) and issubclass(found, Exception):
        try:
            return found(message)
        except TypeError:  # of those that want more than a message, such as UnicodeDecodeError
            pass
    return RuntimeError(f"{kind}: {message}")


def generator(kind: str, state: Any) -> Any:
    """Return a generator of random numbers in the state of the check's own."""
    if kind == "Random":
        python = random.Random()  # noqa: S311 - a student's dice, not a secret
        python.setstate(state)
        return python
    if kind == "RandomState":
        legacy = np.random.RandomState()
        legacy.set_state(state)
        return legacy
    bits = getattr(np.random, kind)()
    bits.state = state
    return np.random.Generator(bits)


@contextmanager
def reading(text: str | None) -> Iterator[None]:
    """Let `input` and what reads standard input read a text; as it was if there is none."""
    if text is None:
        yield
        return
    lines = io.StringIO(text)

    def answered(prompt: object = "", /) -> str:
        sys.stdout.write(str(prompt))
        line = lines.readline()
        if not line:
            raise EOFError(MORE_INPUT)
        return line.removesuffix("\n")

    before = sys.stdin, builtins.input
    sys.stdin, builtins.input = lines, answered
    try:
        yield
    finally:
        sys.stdin, builtins.input = before


class AsGiven(Decoder):
    """A decoder that knows what a check hands in; ``handed_in`` makes it."""

    handed_in: HandedIn | None = None

    def _compound(self, kind: str, body: Any, depth: int) -> Any:
        if kind not in KINDS:
            return super()._compound(kind, body, depth)
        if self.handed_in is None or not isinstance(body, list):
            raise WireError("what a check hands in can't be taken here")
        return self.handed_in.value(kind, [self.decode(item, depth + 1) for item in body])


class AsWritten(AsGiven):
    """Decodes a value as Python makes it from a literal: text that looks like a name is interned.

    So `cell_type is "rnn"` holds for honest code in the box if it holds in a plain process. A
    complex number of Python's stays one. What a handle stands for is the student's own object and
    stays as it is.
    """

    def text(self, data: str) -> str:
        """Return a text; keys of dicts and keywords come through here, too."""
        return sys.intern(data) if data.isascii() and data.replace("_", "a").isalnum() else data

    def number(self, parts: list[Any]) -> complex:
        """Return a complex number of Python's own."""
        return complex(super().number(parts))

    def made(self, kind: str, items: list[Any]) -> Any:
        """Return a value that was taken apart; a member of an enum is the student's own."""
        value = super().made(kind, items)
        return own_member(value) if isinstance(value, Member) else value


def own_member(member: Member) -> Any:
    """Return the member of an enum in the student's modules that another side knows by name."""
    found: Any = imported(member.module)
    for name in [*member.type.split("."), member.name]:
        found = getattr(found, name)
    return found


def imported(name: str) -> Any:
    """Return a module; random numbers that its import draws are not missing from the case that
    needs it first.
    """
    if name in sys.modules:
        return sys.modules[name]
    states = random.getstate(), np.random.get_state()
    try:
        return importlib.import_module(name)
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
