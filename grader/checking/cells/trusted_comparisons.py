"""Comparisons of a test in the box that the trusted side decides.

Theory of operation. What a test compares with never enters the box: a `Cutter` takes a comparison
apart into what the box computes (its values) and the rest, which holds the author's literals. The
box sends the values, as plain data; `ValueComparison.decide` evaluates the rest here, by this
process's own NumPy. So a patched function, a frame or the garbage collector of the student's
process reveals nothing. Values that aren't plain data, such as an object of the student's own
class, are compared in the box: only then are the literals sent there, after the values were
computed.

The values are hostile data. The code is the author's, of the few kinds of expressions that a
`Cutter` takes apart, none of which makes more of its values than the bound `MOST_PAIRS` allows.
"""

from __future__ import annotations

import importlib
import math
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from grader.checking.cells.comparison_cuts import VALUES
from grader.checking.cells.nose import tools
from grader.checking.judge.values.empty_values import guarded
from grader.sandbox.untrusted import Budget, Untrusted
from grader.sandbox.wire import Ref, WireError

MOST_BYTES = 4 << 20  # of the values of one comparison
MOST_PAIRS = 10_000_000  # entries that two values may be compared in, each with each
OLD = "grader.checking.cells."  # where an old module stands that can't be installed


class ValueComparison(NamedTuple):
    """One comparison: its code over the values, and what its outcome means."""

    code: str
    modules: Mapping[str, str]  # name in the code -> what it is imported from
    must_hold: bool = False  # the test fails if it comes out false once
    required: bool = False  # and it is made whenever the test passes
    once: bool = False  # it stands in no loop and no function

    def decide(self, data: Any, blobs: tuple[bytes, ...]) -> Any:
        """Return what comes of the values that a box sent, or `NotImplemented` if they are too many
        to be compared here; raise whatever the comparison raises.
        """
        decoder = Untrusted(blobs, _no_handle, budget=Budget(MOST_BYTES))
        values = decoder.decode(data)
        if type(values) is not list:
            raise WireError("values that are none")
        if not _can_be_paired(values):
            return NotImplemented
        names = {name: _found(path) for name, path in self.modules.items()}
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # the author's code
            return eval(self.code, {VALUES: guarded(values), **names})  # noqa: S307


def _no_handle(ref: Ref) -> Any:
    raise WireError("an object of the box's in place of plain data")


def _found(path: str) -> Any:
    """Return a module, a function of a module, or an object that has unittest's assertions."""
    if path == "unittest":
        return tools.Plain()
    if path.partition(".")[0] == "nose":
        path = f"{OLD}{path}"
    try:
        return importlib.import_module(path)
    except ImportError:
        module, _, name = path.rpartition(".")
        return getattr(importlib.import_module(module), name)


def _can_be_paired(values: list[Any]) -> bool:
    """Return whether comparing each entry of one value with each of another is within bounds."""
    shapes: set[tuple[int, ...]] = set()  # arrays of one shape are compared entry by entry
    sizes = [1, 1]
    for value in values:
        if not isinstance(value, np.ndarray):
            sizes.append(_entries(value))
        elif value.ndim:
            shapes.add(value.shape)
    *_, second, first = sorted([*sizes, *map(math.prod, shapes)])
    return first * second <= MOST_PAIRS


def _entries(value: Any) -> int:
    """Return how many values a value of plain data holds; what it is nested in is bounded."""
    if isinstance(value, Mapping):
        return sum(map(_entries, value.values()), 1)
    if isinstance(value, list | tuple):
        return sum(map(_entries, value), 1)
    return value.size if isinstance(value, np.ndarray) else 1
