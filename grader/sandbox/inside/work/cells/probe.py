"""Runs an author's code where the student's objects are: in a fork of the box's process, which ends
with it.

Theory of operation. The fork is the student's process, and what it says is the student's word. It
is made hard to bend in a few lines: the code comes as plain Python, so no transformer of the shell
sees it; builtins are those of before the student's first cell; tracing is off; the fork has no
stream that anybody reads. Its questions go to the trusted side through the process that it was
forked from. The trusted side sends one piece of code at a time, the test among questions whose
answer it knows. It makes the comparisons itself if the values are plain data (`Guards.decided`), so
what they are compared with is never here. Whoever patches this module on purpose can still lie: see
docs/security.md.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import io
import os
import random
import socket
import sys
import time
from collections.abc import Callable
from inspect import CO_COROUTINE
from types import ModuleType
from typing import Any

import numpy as np

from grader.sandbox.inside.work.alarm import TimeUp, ends_after
from grader.sandbox.inside.work.calls.handed_in import exception
from grader.sandbox.inside.work.process.replaced import foreign, in_libraries, instead
from grader.sandbox.wire import Channel, Decoder, Encoder, Frame, WireError, WireTimeout

MOST_BYTES = 4 << 20  # of the arrays of one message of a fork's
MOST_SIZE = 1 << 20  # of the values that the trusted side compares
MOST_ITEMS = 1_000  # of a container whose items are looked at
GRACE_SECONDS = 2.0
TEXT_CAP = 500
PLAIN = frozenset(
    (bool, int, float, complex, str, bytes, bytearray, type(None), range, slice, type(...))
)
ORDERED = ("__sub__", "__rsub__", "__lt__", "__gt__", "__le__", "__ge__", "__abs__")
NUMBERS = range(-20, 200)  # an honest number equals one of them at most
MOST_DEPTH = 12  # of containers within a value that the trusted side compares
CONTAINERS = (list, tuple, set, frozenset, dict)
MAIN = frozenset(("__main__",))  # where a notebook's cells are run

# Kept from before any code of a student's runs.
_BUILTINS = dict(vars(builtins))
_fork = getattr(os, "fork", None)
_exit, _waitpid, _monotonic, _socketpair = os._exit, os.waitpid, time.monotonic, socket.socketpair
_AWAITS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_import_module = importlib.import_module
_random = random.SystemRandom().random
_exec, _compile, _eval, _settrace, _setprofile = exec, compile, eval, sys.settrace, sys.setprofile


class Other:
    """What equals nothing and belongs to no class that a test asks about."""

    __hash__ = None  # type: ignore[assignment]  # it is not even hashable


class Guards:
    """What a piece of code calls about itself: marks that it passes, values that it compares, what
    it ends with.
    """

    def __init__(
        self,
        literals: list[str],
        theirs: frozenset[str] = MAIN,
        ask: Callable[[Frame], Frame] | None = None,
        namespace: dict[str, Any] | None = None,
    ) -> None:
        self.other = Other()
        self._theirs = theirs
        self.marks: list[int] = []
        self.liars: list[str] = []
        self.value: float | None = None
        self._literals = _made(literals)
        self._ask = ask
        self._namespace = namespace

    def literal(self, index: int) -> Any:
        """Return a literal of the piece of code that is run."""
        return self._literals[index]

    def decided(self, index: int, /, *values: Any, **names: Any) -> Any:
        """Return what the trusted side says of a comparison, or raise what the comparison raises.

        What isn't plain data is compared here. names: those that the comparison needs for it.
        """
        assert self._ask is not None
        reply = self._ask(_question(index, values))
        body = reply.body
        if body.get("raises"):
            raise exception(str(body["raises"]), str(body.get("message", "")))
        if "value" in body:
            return Decoder(reply.blobs).decode(body["value"])
        kept, self._literals = self._literals, _made(body["literals"])
        code = _compile(body["code"], "<test>", "eval", dont_inherit=True)
        try:
            value = _eval(code, self._namespace, {"_values": values, **names})
        except BaseException:
            self._noted(index, False)
            raise
        finally:
            self._literals = kept
        self._noted(index, value is None or _holds(value))
        return value

    def _noted(self, index: int, holds: bool) -> None:
        """Say what came of a comparison that was made here."""
        assert self._ask is not None
        self._ask(Frame({"op": "probed", "want": "noted", "index": index, "holds": holds}))

    def of(self, owner: Any, name: str) -> Any:
        """Return what an attribute is read of, and note it if students have put their own in its
        library's place.
        """
        library = _library(owner)
        if library not in self._theirs:
            module = type(owner) is ModuleType
            listed = [getattr(owner, "__dict__", {})]
            listed += [] if module else [vars(kind) for kind in type(owner).__mro__]
            found = next((one[name] for one in listed if name in one), None)
            if self._is_students(found) or (
                module and (foreign(found, self._theirs) or instead(found, name))
            ):
                self._note(f"`{name[:80]}` of `{library[:80]}` was replaced")
        return owner

    def mark(self, number: int) -> None:
        """Note that a statement has been passed."""
        self.marks.append(number)

    def added(self, index: int) -> None:
        """Say that a line which adds to the points was passed."""
        assert self._ask is not None
        self._ask(Frame({"op": "probed", "want": "added", "index": index}))

    def ended(self, value: Any) -> None:
        """Note the number that the last line shows, if it is one."""
        if type(value) is float or (type(value) is int and abs(value) < 1 << 53):
            self.value = float(value)

    def looked_at(self, value: Any) -> Any:
        """Return a value as it is, and note it if it would equal anything."""
        kind = type(value)
        if kind in PLAIN or (kind is np.ndarray and not value.dtype.hasobject):
            return value
        if kind in CONTAINERS:
            items = value.values() if kind is dict else value
            for _, item in zip(range(MOST_ITEMS), items, strict=False):
                if type(item) not in PLAIN and type(item) not in CONTAINERS:
                    self._question(item)
        else:
            self._question(value)
        return value

    def own_class(self, value: Any) -> Any:
        """Return a value as it is, and note it if it names another class as its own."""
        kind = type(value)
        if kind.__module__ in self._theirs and value.__class__ is not kind:
            self._lies(value, "it says that it is of another class")
        return value

    def equal(self, left: Any, right: Any) -> Any:
        """Return whether two values are equal, as ``==`` says."""
        self._pair(left, right)
        return left == right

    def unequal(self, left: Any, right: Any) -> Any:
        """Return whether two values differ, as ``!=`` says."""
        self._pair(left, right)
        return left != right

    def _pair(self, left: Any, right: Any) -> None:
        for one, other in ((left, right), (right, left)):
            self.looked_at(one)
            if not self._is_students(getattr(type(one), "__eq__", None)):
                continue
            for wrong in _changed(other):
                # both are bound now, in this turn of the loop
                if _true(lambda one=one, wrong=wrong: one == wrong):  # type: ignore[misc]
                    self._lies(one, "it equals another value too")

    def _question(self, value: Any) -> None:
        """Ask a value what must come out false."""
        kind = type(value)
        if _true(lambda: value == Other()):
            self._lies(value, "it equals everything")
        for name in ("__array_function__", "__array_ufunc__", "__array__"):
            if self._is_students(getattr(kind, name, None)):
                self._lies(value, f"it answers for NumPy by its own `{name}`")
        if isinstance(value, int | float) and self._is_students(kind.__eq__) and _equals(value) > 1:
            self._lies(value, "it equals several numbers")
        if any(self._is_students(getattr(kind, name, None)) for name in ORDERED):
            if _same_distance(value):
                self._lies(value, "it is as far from one number as from another")
            asked: tuple[Callable[[], Any], ...] = (
                lambda: value < Other(),
                lambda: value > Other(),
                lambda: value <= Other(),
                lambda: value >= Other(),
            )
            if any(map(_true, asked)) or any(
                map(_number, (lambda: value - Other(), lambda: Other() - value))
            ):
                self._lies(value, "it can be compared with everything")

    def _is_students(self, method: Any) -> bool:
        """Return whether a method was written in the notebook or in a student's module."""
        return getattr(method, "__globals__", {}).get("__name__") in self._theirs

    def _lies(self, value: Any, why: str) -> None:
        self._note(f"an object of the type `{type(value).__name__[:80]}`: {why}")

    def _note(self, told: str) -> None:
        if told not in self.liars and len(self.liars) < 10:
            self.liars.append(told)


def _library(owner: Any) -> str:
    """Return the module that an object's attributes are of: a class's own, of others their
    class's.
    """
    if type(owner) is ModuleType:
        return owner.__name__
    kind = owner if isinstance(owner, type) else type(owner)
    return str(type.__getattribute__(kind, "__module__"))


def _made(literals: list[str]) -> list[Any]:
    return [_eval(_compile(text, "<literal>", "eval"), {"__builtins__": {}}) for text in literals]


def _question(index: int, values: tuple[Any, ...]) -> Frame:
    """Return the message that asks the trusted side for a comparison; it leaves out values that
    are no plain data.
    """
    body = {"op": "probed", "want": "decide", "index": index}
    encoder = Encoder(most=MOST_SIZE, deepest=MOST_DEPTH)
    try:
        if all(_is_plain(value, MOST_DEPTH) for value in values):
            return Frame({**body, "values": encoder.encode([*values])}, tuple(encoder.blobs))
    except WireError:
        pass
    return Frame(body)


def _is_plain(value: Any, depth: int) -> bool:
    """Return whether a value is plain data through and through, none of a student's classes."""
    kind = type(value)
    if kind in CONTAINERS:
        items = [*value.keys(), *value.values()] if kind is dict else value
        return depth > 0 and all(_is_plain(item, depth - 1) for item in items)
    if kind is np.ndarray:
        return not value.dtype.hasobject
    return kind in PLAIN or (isinstance(value, np.generic) and kind.__module__ == "numpy")


def _holds(outcome: Any) -> bool:
    try:
        return bool(outcome)
    except BaseException:
        return False


def _true(asked: Callable[[], Any]) -> bool:
    """Return whether what must be false comes out true; arrays count if they have entries, all of
    them true.
    """
    try:
        answer = asked()
        if hasattr(answer, "size") and hasattr(answer, "all"):
            while hasattr(answer, "all") and getattr(answer, "ndim", None):
                if not answer.size:
                    return False
                answer = answer.all()
        return bool(answer)
    except BaseException:
        return False


def _equals(value: Any) -> int:
    """Return how many of some whole numbers a value equals."""
    found = 0
    for number in NUMBERS:
        found += _true(lambda number=number: value == number)  # type: ignore[misc]  # bound now
    return found


def _same_distance(value: Any) -> bool:
    """Return whether differences from two numbers, or their sizes, are the same."""
    return _true(lambda: abs(value - 2) == abs(value - (1 << 40))) or _true(
        lambda: abs(value - 0.5) == abs(value - 3e17)
    )


def _number(asked: Callable[[], Any]) -> bool:
    try:
        return isinstance(asked(), int | float | np.ndarray)
    except BaseException:
        return False


def _changed(value: Any) -> list[Any]:
    """Return other values of the same kind, none if there is none to be made."""
    if type(value) in (int, float, complex):
        return [value + 1, value - 1, value * 2 + 17, value + 1000 * _random()]
    if type(value) is str:
        return [f"{value}?", value[1:], f"{value[:-1]}{_random()}"]
    if type(value) in (list, tuple):
        return [value + type(value)(["?"]), value[1:]]
    if type(value) is dict:
        return [{**value, "?": "?"}]
    return [not value] if type(value) is bool else []


# --- the fork -------------------------------------------------------------------------------------


def _handed_on(fork: Channel, trusted: Channel, seconds: float) -> dict[str, Any]:
    """Hand the questions of a fork on, and the answers back, until it ends; return how it ended."""
    deadline = _monotonic() + seconds
    while True:
        try:
            frame = fork.receive(max(0.0, deadline - _monotonic()), MOST_BYTES)
        except WireTimeout:
            return {"late": True}
        except WireError:
            return {}
        if frame.body.get("op") != "probed":
            return {"done": True}
        trusted.send(frame)
        reply = trusted.receive()
        try:
            fork.send(reply, GRACE_SECONDS)
        except WireError:
            return {}


def _reap(pid: int) -> None:
    """Wait a little for a fork's end; what goes on is ended with the box."""
    deadline = _monotonic() + 1.0
    while _monotonic() < deadline:
        try:
            if _waitpid(pid, os.WNOHANG)[0] == pid:
                return
        except ChildProcessError:
            return
        time.sleep(0.001)


class WithoutKernel:
    """Stands where a notebook's kernel would, in a box that has the student's files and runs no
    notebook.
    """

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self.stdout, self.stderr = sys.stdout, sys.stderr
        self.namespace: dict[str, Any] = {"__name__": "__main__"}


class _Nobody:
    """Takes the messages of a fork's shell."""

    def send(self, *_: object) -> None:
        """Drop a message."""


class _Unread(io.StringIO):
    """Standard output and error of a fork."""


def _answer(kernel: Any, body: dict[str, Any], asked: Channel) -> None:
    """Run the pieces, one by one as they come, and send what came of each."""
    channel, kernel._channel = kernel._channel, _Nobody()
    channel.close()
    sys.stdout = sys.stderr = _Unread()
    namespace = kernel.namespace
    theirs = MAIN | set(body["theirs"])

    def ask(frame: Frame) -> Frame:
        asked.send(frame)
        return asked.receive()

    with ends_after(float(body["seconds"])):
        for module in body["modules"]:
            _imported(module)
        vars(builtins).update(_BUILTINS)
        namespace["__builtins__"] = builtins
        namespace["__name__"] = "__main__"  # which a test may ask for, and a student's cell change
        for name in body["builtins"]:
            namespace.pop(name, None)
        libraries = frozenset(body["libraries"])
        result: dict[str, Any] = {"liars": _replaced(libraries, theirs)}
        while True:
            piece = ask(Frame({"op": "probed", "want": "next", "result": result})).body
            if not piece.get("code"):
                break
            guards = Guards(piece["literals"], theirs, ask, namespace)
            result = _ran(piece, namespace, body["guard"], guards)
            if piece.get("last"):
                result["liars"] += _replaced(libraries, theirs)
    asked.send(Frame({"op": "ended"}))


def _replaced(libraries: frozenset[str], theirs: frozenset[str]) -> list[str]:
    return [f"`{name[:160]}` was replaced" for name in in_libraries(libraries, theirs)]


def _imported(module: str) -> None:
    """Import a student's module ahead of the test, which raises by itself what is raised here."""
    try:
        _import_module(module)
    except BaseException:
        return


def _ran(
    piece: dict[str, Any], namespace: dict[str, Any], guard: str, guards: Guards
) -> dict[str, Any]:
    """Run one piece and return what came of it."""
    _settrace(None)
    _setprofile(None)
    namespace[guard] = guards
    told: dict[str, Any] = {"raised": None}
    try:
        _perform(piece["code"], namespace)
    except BaseException as error:
        told = {"raised": _said(error)}
    traced = sys.gettrace() is not None
    return told | {
        "marks": guards.marks,
        "liars": guards.liars,
        "value": guards.value,
        "traced": traced,
    }


def _perform(code: str, namespace: dict[str, Any]) -> None:
    """Run code that may `await` at its top level, as a cell may."""
    compiled = _compile(code, "<test>", "exec", _AWAITS, dont_inherit=True)
    if not compiled.co_flags & CO_COROUTINE:
        _exec(compiled, namespace)
        return
    import asyncio  # only for what awaits

    asyncio.set_event_loop(loop := asyncio.new_event_loop())
    loop.run_until_complete(_eval(compiled, namespace))


def _said(error: BaseException) -> dict[str, Any]:
    """Tell an exception as plain text."""
    try:
        message = str(error)[:TEXT_CAP]
    except BaseException:
        message = ""
    kinds = [kind.__name__[:80] for kind in type(error).__mro__ if issubclass(kind, BaseException)]
    name = getattr(error, "name", "") if isinstance(error, NameError) else ""
    return {
        "kinds": kinds[:20],
        "interrupted": isinstance(error, TimeUp),
        "message": message,
        "missing": name if isinstance(name, str) else "",
    }


def _putting_back() -> Callable[[], None]:
    """Return what puts the functions of this module back that student code may have replaced."""
    space, of_class, put = globals(), Guards, setattr
    own = {name: value for name, value in space.items() if callable(value)}
    methods = {name: value for name, value in vars(Guards).items() if callable(value)}

    def put_back() -> None:
        space.update(own)
        for name, value in methods.items():
            put(of_class, name, value)

    return put_back


def probe(
    kernel: Any,
    body: dict[str, Any],
    _put_back: Callable[[], None] = _putting_back(),  # noqa: B008 - before student code runs
) -> dict[str, Any]:
    """Run pieces of code in a fork of this process and return what it says of them; ``{}`` if it
    says nothing.
    """
    if _fork is None:
        raise OSError("this system can't fork: checks in the box can't be run here")
    _put_back()
    kernel.stdout.flush()
    kernel.stderr.flush()
    ours, theirs = map(Channel, _socketpair())
    pid = _fork()
    if pid == 0:
        try:
            ours.close()
            _answer(kernel, body, theirs)
        finally:
            _exit(0)
    theirs.close()
    told = _handed_on(ours, kernel._channel, float(body["seconds"]) + GRACE_SECONDS)
    ours.close()
    _reap(pid)
    return told
