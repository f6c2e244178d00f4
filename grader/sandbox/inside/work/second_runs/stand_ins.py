"""Stand-ins: functions that take the place of a student's and ask the trusted side, and what
answers them.

Theory of operation. `StandIns` lives in a box with student code, so it decides nothing: it asks,
and the other side answers for the functions that it allows and no others. `Answers`, in the file
beside this one, lives in a second box, which holds the reference and no student code; what it is
asked for comes from a student's process, so any argument may be hostile, and the walls and limits
of that box are what bounds it.

A value that only the functions themselves understand (a cache) is known by identity. The box with
student code tells by which call it was made and with which arguments; the reference makes its own
from the same arguments.
"""

from __future__ import annotations

import functools
import importlib
import operator
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from grader.sandbox.inside.work.second_runs.kept_calls import (
    DEPTH,
    ENTRIES,
    ITSELF,
    Shelf,
    is_opaque,
    parts_of,
    size_of,
)
from grader.sandbox.inside.work.second_runs.own_caches import NotComputed, run_to_the_end
from grader.sandbox.wire import Decoder, Encoder, Frame

Ask = Callable[[dict[str, Any], tuple[bytes, ...]], Frame]

_NUMBER = operator.itemgetter("number")


class OwnCall(NamedTuple):
    """A call of the student's own function, in whose place a stand-in answers."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Called(NamedTuple):
    """One call that made something: from it the reference makes its own."""

    function: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Placed(NamedTuple):
    """A function in the place of which another one stands."""

    original: Any
    placed: Any
    answers: bool  # or it only watches


class Kept:
    """Stands for what only the reference's functions understand, and what can't cross as data."""


class StandIns:
    """Puts stand-ins in the place of functions in the student's modules or in a notebook's
    namespace, and answers for them by asking.

    own_caches: whether a stand-in hands out the cache that the student's own function makes, with
        the right outputs in the place of its wrong ones; else, and when that function raises, it
        hands out the reference's
    """

    def __init__(self, ask: Ask, root: Path, namespace: dict[str, Any]) -> None:
        self.own_caches = True
        self._ask = ask
        self._root = root
        self._namespace = namespace  # of a notebook's cells
        # by module and name: what stands in a function's place, or watches it
        self._held: dict[tuple[str, str], Placed] = {}
        self._places: tuple[Sequence[Sequence[str]], Sequence[Sequence[str]]] = ((), ())
        self._lock = threading.RLock()
        self._count = 0
        # id -> the object, the call that made it, its index
        self._made: dict[int, tuple[Any, int, int]] = {}
        self._calls = Shelf()  # by number: the call, and the ids of what it made
        self._told: set[int] = set()  # numbers of calls that the other side knows

    def forget(self) -> None:
        """Begin a new case: nothing that an earlier one made is known any more."""
        self._made.clear()
        self._calls.clear()
        self._told.clear()

    def install(self, replaced: Sequence[Sequence[str]], watched: Sequence[Sequence[str]]) -> None:
        """Replace functions, each given as (module, name), and watch what others make.

        A module that can't be imported is left alone: whoever imports it next learns why. What was
        watched may be replaced later.
        """
        self._places = (replaced, watched)
        changes: list[tuple[Any, str, Any, Any]] = []
        for answers, places in ((True, replaced), (False, watched)):
            for module_name, name in places:
                try:
                    owner, last = self._owner(module_name, name)
                except BaseException:  # noqa: S112 - a student's module may raise anything
                    continue
                original = now = getattr(owner, last, None)
                held = self._held.get((module_name, name))
                if held is not None and held.placed is now:
                    if held.answers or not answers:
                        continue
                    original = held.original
                placed = self._placed(name, original, answers=answers)
                self._held[module_name, name] = Placed(original, placed, answers)
                changes.append((owner, last, now, placed))
        for owner, name, now, placed in changes:
            if placed is not now:
                setattr(owner, name, placed)
                if now is not None:
                    self._rebind(now, placed)

    def renew(self) -> None:
        """Do the same for what has been defined since."""
        self.install(*self._places)

    def _placed(self, name: str, original: Any, *, answers: bool) -> Any:
        """Return what is to stand in a function's place; a class stays where it is."""
        if answers:
            return self._stand_in(name, original)
        if isinstance(original, type):
            self._watch(name, original)
            return original
        return self._watched(name, original) if callable(original) else original

    def _owner(self, module_name: str, name: str) -> tuple[Any, str]:
        """Return the module or class that holds a function, and its name there; raises whatever the
        module raises. A class that is not there is made: it has what is replaced alone.
        """
        module: Any = importlib.import_module(module_name)
        *within, last = name.split(".")
        owner = module
        for part in within:
            held = getattr(owner, part, None)
            if not isinstance(held, type):
                held = type(part, (), {"__init__": _takes_anything, "__module__": module_name})
                setattr(owner, part, held)
            owner = held
        return owner, last

    def _rebind(self, original: Any, replacement: Any) -> None:
        """Let every other name of the student's modules, or of the notebook, that is bound to a
        function be bound to its replacement.
        """
        namespaces = [self._namespace]
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and Path(file).is_relative_to(self._root):
                namespaces.append(vars(module))
        for namespace in namespaces:
            for name, value in list(namespace.items()):
                if value is original:
                    namespace[name] = replacement
                elif type(value) in (dict, list):
                    _replace_in(value, original, replacement)

    # --- what takes a function's place ------------------------------------------------------------

    def _stand_in(self, name: str, original: Any) -> Callable[..., Any]:
        method = "." in name

        def stand_in(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                number, values, container = self._answer(name, args, kwargs, method)
                if self.own_caches and not method and callable(original):
                    own = OwnCall(original, args, kwargs)
                    values = _with_own_caches(values, container, own)
                results = [value for value, _ in values]
                self._remember(number, Called(name, (), {}), results, told=True)
            if not container:
                return results[0]
            return tuple(results) if container == "tuple" else results

        return functools.wraps(original)(stand_in) if callable(original) else stand_in

    def _watched(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def watched(*args: Any, **kwargs: Any) -> Any:
            before = Called(name, *_copies(args, kwargs))
            result = original(*args, **kwargs)
            with self._lock:
                self._count += 1
                self._remember(self._count, before, parts_of(result)[1])
            return result

        return watched

    def _watch(self, name: str, made_of: type) -> None:
        """Remember with which arguments the objects of a class are made.

        If a method of the class is replaced, the student's own constructor may raise: the
        reference makes the object that is asked for.
        """
        original = getattr(made_of, "__init__")  # noqa: B009 - mypy takes it for an instance's

        @functools.wraps(original)
        def constructor(made: Any, *args: Any, **kwargs: Any) -> None:
            with self._lock:
                self._count += 1
                number = self._count
                self._made[id(made)] = (made, number, ITSELF)
                kept = (Called(name, args, kwargs), [id(made)])
                for _, ids in self._calls.put_object(number, kept):
                    self._made.pop(ids[0], None)
            try:
                original(made, *args, **kwargs)
            except Exception:
                if not any(replaced.startswith(f"{name}.") for _, replaced in self._places[0]):
                    raise

        setattr(made_of, "__init__", constructor)  # noqa: B010

    def _remember(
        self, number: int, call: Called, results: list[Any], *, told: bool = False
    ) -> None:
        """Keep what a call made, as far as nothing but identity tells what it is: no arrays, no
        numbers.
        """
        kept = []
        for index, value in enumerate(results):
            if is_opaque(value):
                self._made[id(value)] = (value, number, index)
                kept.append(id(value))
        size = sum(map(size_of, (*call.args, *call.kwargs.values(), *results)))
        for _, ids in self._calls.put(number, (call, kept), size):
            for one in ids:
                self._made.pop(one, None)
        if told:
            self._told.add(number)

    # --- asking -----------------------------------------------------------------------------------

    def _answer(
        self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], method: bool
    ) -> tuple[int, list[tuple[Any, bool]], str]:
        """Ask for a call's results; return its number, each result and whether it is opaque, and
        their container.
        """
        self._count += 1
        number, encoder, steps = self._count, Encoder(), list[dict[str, Any]]()
        step: dict[str, Any] = {"number": number, "function": name}
        if method:
            step["state"] = _state(args[0], encoder)
        step |= self._items(args, kwargs, encoder, steps)
        reply = self._ask({"op": "ask", "steps": [*steps, step]}, tuple(encoder.blobs))
        if reply.body.get("ok") is not True:
            raise RuntimeError(f"no answer was to be had for `{name}`")
        self._told.update(map(_NUMBER, steps))
        sys.stdout.write(str(reply.body.get("printed", "")))
        decoder = Decoder(reply.blobs, lambda ref: Kept())
        values = [(decoder.decode(value), bool(opaque)) for value, opaque in reply.body["values"]]
        return number, values, reply.body["container"]

    def _items(
        self,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        encoder: Encoder,
        steps: list[dict[str, Any]],
    ) -> dict[str, Any]:
        item = functools.partial(self._item, encoder=encoder, steps=steps)
        return {
            "args": list(map(item, args)),
            "kwargs": [[name, item(value)] for name, value in kwargs.items()],
        }

    def _item(self, value: Any, encoder: Encoder, steps: list[dict[str, Any]]) -> dict[str, Any]:
        """Return an argument as data, or as a reference to the call that made it."""
        made = self._made.get(id(value))
        if made is None or made[0] is not value:
            return {"value": encoder.encode(value)}
        _, number, index = made
        if number not in self._told and number not in map(_NUMBER, steps):
            call, _ = self._calls.get(number)
            before: dict[str, Any] = {"number": number, "function": call.function}
            before |= self._items(call.args, call.kwargs, encoder, steps)
            steps.append(before)
        return {"made": [number, index]}


# --- values ---------------------------------------------------------------------------------------


def _takes_anything(made: object, *args: Any, **kwargs: Any) -> None:
    """Construct an object of a class that a student has not written."""


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


def _copies(
    args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a call with copies of its arrays."""
    return tuple(map(_copied, args)), dict(zip(kwargs, map(_copied, kwargs.values()), strict=True))


def _state(made: Any, encoder: Encoder) -> list[list[Any]]:
    """Return the arrays that an object holds by itself or in dicts and lists: its parameters."""
    return [
        [name, encoder.encode(value)] for name, value in vars(made).items() if _of_arrays(value)
    ]


def _of_arrays(value: Any) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return bool(value) and all(isinstance(item, np.ndarray) for item in value)
    return isinstance(value, np.ndarray)


def _replace_in(held: Any, original: Any, replacement: Any) -> None:
    """Replace a function in a dict or a list, and in the tuples and lists right within it."""
    entries = list(held.items()) if isinstance(held, dict) else list(enumerate(held))
    for key, value in entries:
        if value is original:
            held[key] = replacement
        elif type(value) in (tuple, list) and any(item is original for item in value):
            held[key] = type(value)(replacement if item is original else item for item in value)


def _patched(value: Any, outputs: list[tuple[np.ndarray, np.ndarray]], depth: int = 0) -> Any:
    """Return a cache in which each output that stands there is the right one."""
    if isinstance(value, np.ndarray):
        for own, right in outputs:
            if value is own or (value.shape == own.shape and np.array_equal(value, own)):
                return right
        return value
    if depth >= DEPTH:
        return value
    if type(value) is dict and len(value) <= ENTRIES:
        return {key: _patched(item, outputs, depth + 1) for key, item in value.items()}
    if type(value) in (tuple, list) and len(value) <= ENTRIES:
        return type(value)(_patched(item, outputs, depth + 1) for item in value)
    return value


def _with_own_caches(
    values: list[tuple[Any, bool]], container: str, call: OwnCall
) -> list[tuple[Any, bool]]:
    """Return the right results, but for what is opaque, which is the student's own."""
    own = _own_results(values, container, call)
    if own is None:
        return values
    pairs: list[tuple[Any, Any, bool]] = []  # right, the student's own, whether it is opaque
    outputs: list[tuple[np.ndarray, np.ndarray]] = []
    for (right, told), mine in zip(values, own, strict=True):
        opaque = told or is_opaque(mine)
        pairs.append((right, mine, opaque))
        if not opaque and isinstance(mine, np.ndarray) and isinstance(right, np.ndarray):
            outputs.append((mine, right))
    return [(_patched(mine, outputs) if opaque else right, opaque) for right, mine, opaque in pairs]


def _own_results(values: list[tuple[Any, bool]], container: str, call: OwnCall) -> list[Any] | None:
    """Return what the student's own function returns, as far as it gets; None if that does not
    tell a cache.
    """
    right = [NotComputed if told else value for value, told in values]

    def own(function: Callable[..., Any]) -> list[Any] | None:
        args, kwargs = _copies(call.args, call.kwargs)
        own_container, parts = parts_of(function(*args, **kwargs))
        fits = bool(container) == bool(own_container)
        return parts if fits and len(parts) == len(values) else None

    parts: list[Any] | None = None
    try:
        parts = own(call.function)
    except KeyboardInterrupt:
        raise
    except NotImplementedError:
        return None
    except BaseException:
        parts = None
    if parts is not None or not any(map(operator.itemgetter(1), values)):
        return parts
    try:
        parts = own(lambda *given, **named: run_to_the_end(call.function, right, given, named))
    except KeyboardInterrupt:
        raise
    except BaseException:
        return None
    if parts is None:
        return None
    for index, part in enumerate(parts):
        if part is NotComputed:
            if right[index] is NotComputed:
                return None
            parts[index] = right[index]
    return parts
