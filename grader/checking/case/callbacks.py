"""Functions of a check that are handed into the box: called from there, run here.

Theory of operation. The box gets a number in place of the function. Calling it sends the arguments
out; the function runs in the trusted process with what the student's code chose as arguments,
decoded and bounded like everything from a box; its result goes back. So a call costs a message each
way. Calls, nesting and time are bounded: a submission that goes beyond a bound fails, and its box
ends. A number counts for its own case alone.

A function that is found under a name in the standard library or in NumPy goes by that name and is
called in the box.
"""

from __future__ import annotations

import builtins
import itertools
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np

from grader.errors import (
    AssignmentError,
    GraderError,
    LimitExceeded,
    StudentException,
    SubmissionFailed,
)
from grader.sandbox.untrusted import Untrusted
from grader.sandbox.wire import Encoder, Frame, WireError
from grader.sandbox.wire_types import Parts

MOST_NESTED = 8  # calls within one another
MOST_BYTES = 64 << 20  # of the arguments of one call
NAMED_IN = sys.stdlib_module_names | {"numpy", "scipy"}  # libraries whose functions go by name


class Callbacks:
    """The functions that one case has handed in, by number, and how often they may be called."""

    # never used twice, so that a number of an earlier case is unknown
    _numbers = itertools.count(1)

    def __init__(self, most: int) -> None:
        self._most = most
        self._functions: dict[int, Callable[..., Any]] = {}
        self._calls = 0
        self._nested = 0

    def handed_in(self, function: Callable[..., Any]) -> Parts:
        """Return what stands for a function in the box: its name in a library, or a number."""
        name = _name_in_library(function)
        if name is not None:
            return Parts("named", [*name])
        if isinstance(function, type):
            raise AssignmentError(
                f"a check passes its own class `{function.__name__}`, which can't go into the box"
            )
        number = next((one for one, known in self._functions.items() if known is function), 0)
        if not number:
            number = next(self._numbers)
            self._functions[number] = function
        return Parts("callback", [number, str(getattr(function, "__name__", "function"))[:100]])

    def answer(
        self, frame: Frame, what: str, seconds: float, encoder: Encoder, decoder: Untrusted
    ) -> Frame:
        """Call the function that a box asks for and return the message with its result or its
        exception.

        ``what``: the student's function that is being called, for messages. Raises `LimitExceeded`
        beyond the bounds and `WireError` for a call that no honest box sends.
        """
        number = frame.body.get("function")
        function = self._functions.get(number) if type(number) is int else None
        if function is None:
            raise WireError("it called a function of another case")
        self._calls += 1
        if self._calls > self._most:
            raise LimitExceeded(
                f"{what} called the functions that it was given more than {self._most} times"
            )
        if self._nested >= MOST_NESTED:
            raise LimitExceeded(
                f"{what} called a function that it was given from within itself {MOST_NESTED} times"
            )
        args, kwargs = _arguments(frame, decoder)
        self._nested += 1
        try:
            with _within(seconds, what):
                value = function(*args, **kwargs)
                return Frame(
                    {"op": "called", "ok": True, "value": encoder.encode(value)},
                    tuple(encoder.blobs),
                )
        # of another function of the student's, which the author's called
        except StudentException as error:
            return _raised(error.kinds[0] if error.kinds else "RuntimeError", error)
        except (GraderError, SubmissionFailed):
            raise
        except WireError as error:
            raise AssignmentError(
                f"a function that {what} was given returned too much: {error}"
            ) from error
        except Exception as error:
            return _raised(type(error).__name__, error)
        finally:
            self._nested -= 1


def _arguments(frame: Frame, decoder: Untrusted) -> tuple[tuple[Any, ...], dict[str, Any]]:
    args = decoder.decode(frame.body.get("args"))
    kwargs = decoder.decode(frame.body.get("kwargs"))
    if type(args) is not tuple or type(kwargs) is not dict:
        raise WireError("arguments that are none")
    return args, kwargs


def _raised(kind: str, error: Exception) -> Frame:
    return Frame({"op": "called", "ok": False, "type": kind, "message": str(error)[:500]})


def _name_in_library(function: Any) -> tuple[str, str] | None:
    """Return the module and the name under which a function of a library is found, None for any
    other.
    """
    module, name = getattr(function, "__module__", None), getattr(function, "__name__", None)
    if isinstance(function, np.ufunc):
        module = "numpy"
    if (
        not isinstance(module, str)
        or not isinstance(name, str)
        or module.partition(".")[0] not in NAMED_IN
    ):
        return None
    found = getattr(sys.modules.get(module), name, None)
    return (module, name) if found is function and module != "__main__" else None


@contextmanager
def _within(seconds: float, what: str) -> Iterator[None]:
    """Raise `LimitExceeded` in a function that runs longer than that, if it can be interrupted
    here.
    """
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise LimitExceeded(
            f"{what} was still running after its time limit, in a function that it was given"
        )

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def stands_for(value: Any, callbacks: Callbacks) -> Parts:
    """Return what the box gets for a check's function or generator, which is not plain data."""
    if isinstance(value, np.random.Generator):
        return Parts("generator", [type(value.bit_generator).__name__, value.bit_generator.state])
    if isinstance(value, np.random.RandomState):
        return Parts("generator", ["RandomState", value.get_state(legacy=False)])
    if isinstance(value, random.Random):
        return Parts("generator", ["Random", value.getstate()])
    if callable(value):
        return callbacks.handed_in(value)
    raise AssignmentError(
        f"a check passes a {type(value).__name__}, which can't cross the border into the box: pass"
        " plain data or a function, or make the object in the box with a function of"
        " `checks/box.py`"
    )


def exception_parts(error: BaseException) -> Parts:
    """Return what stands in the box for an exception: the built-in type that it is of, and its
    message.
    """
    names = [
        kind.__name__
        for kind in type(error).__mro__
        if getattr(builtins, kind.__name__, None) is kind
    ]
    return Parts("exception", [names[0], str(error)[:500]])
