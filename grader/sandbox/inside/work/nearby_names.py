"""What in the box comes near to a name that is not there: a variable, an attribute, a module of the
student's tree.

It runs in the student's process and may touch their objects, so every error here is caught, and
what is found is told as text like all else.
"""

from __future__ import annotations

import builtins
import contextlib
import linecache
import os
import re
from pathlib import Path
from types import TracebackType

SHORT = 4  # letters below which only another case is near: dWx is not dWh
LONG = 7  # letters from which on two of them may differ
FAR = 2
LONGEST = 60
MOST = 2000  # names and files that are looked at
DEEPEST = 6  # folders within folders: a link may lead round in a circle
_IMPORTED = re.compile(r"\s*(?:from|import)\s+([\w.]+)")


def nearest(error: BaseException, root: Path) -> str:
    """Return the name that a missing one was probably meant to be, or nothing."""
    with contextlib.suppress(BaseException):
        if isinstance(error, ModuleNotFoundError):
            return module_near(asked_for(error), root)
        if isinstance(error, NameError) and not isinstance(error, UnboundLocalError):
            return close_to(str(error.name or ""), visible(error.__traceback__))
        if isinstance(error, AttributeError) and isinstance(error.name, str):
            return close_to(error.name, dir(error.obj))
        if isinstance(error, KeyError) and len(error.args) == 1 and type(error.args[0]) is str:
            return close_to(error.args[0], keys_near(error.__traceback__))
    return ""


def close_to(name: str, names: list[str]) -> str:
    """Return the one of some names that differs from a name by a letter or two, or only in its
    case.
    """
    if len(name) > LONGEST:
        return ""
    near = []
    for one in names[:MOST]:
        if one == name or one.startswith("__") or abs(len(one) - len(name)) > FAR:
            continue
        if one.lower() == name.lower():
            return one
        other_letters = sorted(one) != sorted(name)  # the same letters are nearer
        near.append((distance(name, one), other_letters, one))
    allowed = 0 if len(name) < SHORT else 1 if len(name) < LONG else FAR
    best, _, found = min(near, default=(FAR + 1, True, ""))
    return found if best <= allowed else ""


def distance(one: str, other: str) -> int:
    """Return how many letters have to be put in, left out or replaced, or two neighbours exchanged,
    to make one name of another.
    """
    before, above = list[int](), list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        line = [row]
        for column, candidate in enumerate(other, start=1):
            steps = min(above[column] + 1, line[-1] + 1, above[column - 1] + (letter != candidate))
            turned = one[row - 2 : row] == other[column - 2 : column][::-1]
            if row > 1 and column > 1 and turned:
                steps = min(steps, before[column - 2] + 1)
            line.append(steps)
        before, above = above, line
    return above[-1]


def visible(trace: TracebackType | None) -> list[str]:
    """Return the names that the innermost frame could have used."""
    if trace is None:
        return []
    frame = innermost(trace).tb_frame
    return [*frame.f_locals, *frame.f_globals, *dir(builtins)]


def keys_near(trace: TracebackType | None) -> list[str]:
    """Return the keys of the dicts that the innermost frame has, by itself or in its objects."""
    if trace is None:
        return []
    held = list(innermost(trace).tb_frame.f_locals.values())
    for value in held[:MOST]:
        held += list(getattr(value, "__dict__", {}).values())
    keys = []
    for value in held:
        if type(value) is dict:
            keys += [key for key in value if type(key) is str]
    return keys


def innermost(trace: TracebackType) -> TracebackType:
    """Return the end of a traceback: where it was raised."""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace


def asked_for(error: ModuleNotFoundError) -> str:
    """Return the whole name of the module that an import asked for; the error has only the missing
    part of it.
    """
    trace = error.__traceback__
    name = error.name or ""
    while trace is not None:
        line = linecache.getline(trace.tb_frame.f_code.co_filename, trace.tb_lineno)
        found = _IMPORTED.match(line)
        if found and found[1].split(".")[0] == name.split(".")[0]:
            return found[1]
        trace = trace.tb_next
    return name


def module_near(name: str, root: Path) -> str:
    """Return the module of the tree that ends as another one does: `cs.layers` for `layers` or
    `other.layers`.
    """
    tail = name.rpartition(".")[2]
    looked = 0
    for folder, inner, files in os.walk(root, followlinks=True):  # provided folders are links
        inner[:] = sorted(inner) if folder.count(os.sep) - str(root).count(os.sep) < DEEPEST else []
        looked += len(files)
        if f"{tail}.py" in files:
            return ".".join((*Path(folder).relative_to(root).parts, tail))
        if looked > MOST:
            break
    return ""
