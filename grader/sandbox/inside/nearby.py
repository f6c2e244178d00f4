"""What in the box comes near to a name that is not there: a variable, an attribute, a module of the student's tree.

It runs in the student's process and may touch their objects, so every error here is caught, and what is found is
told as text like all else.
"""

from __future__ import annotations

import builtins
import contextlib
import difflib
import linecache
import os
import re
from pathlib import Path
from types import TracebackType

CUTOFF = 0.8  # likeness of names of several letters, from 0 to 1
SHORT = 3  # letters below which only another case is near
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
    return ""


def close_to(name: str, names: list[str]) -> str:
    """Return the one of some names that differs from a name by a letter or two, or only in its case."""
    usable = [one for one in names[:MOST] if one != name and not one.startswith("__")]
    for one in usable:
        if one.lower() == name.lower():
            return one
    if len(name) < SHORT:
        return ""
    found = difflib.get_close_matches(name, usable, n=1, cutoff=CUTOFF)
    return found[0] if found else ""


def visible(trace: TracebackType | None) -> list[str]:
    """Return the names that the innermost frame could have used."""
    if trace is None:
        return []
    while trace.tb_next is not None:
        trace = trace.tb_next
    return [*trace.tb_frame.f_locals, *trace.tb_frame.f_globals, *dir(builtins)]


def asked_for(error: ModuleNotFoundError) -> str:
    """Return the whole name of the module that an import asked for; the error has only the missing part of it."""
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
    """Return the module of the tree that ends as another one does: `cs.layers` for `layers` or `other.layers`."""
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
