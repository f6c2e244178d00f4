"""The lines that repeat a case's calls in a plain Python session. Pure.

They are for the public seed alone, since they show the inputs. A case has no such lines if its
inputs can't be written in a few lines, or if its check passes a function.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from grader.checking.api.value import Value
from grader.checking.case.call_log import Call
from grader.checking.case.case import Case

MOST_ENTRIES = 400  # of an array that is written out
MOST_CHARACTERS = 12_000  # of all lines
MOST_CALLS = 6


class _Unwritable(Exception):
    """Something that has no short literal."""


def lines_again(case: Case) -> str:
    """Return the lines that make the inputs of a case's calls and call the student's functions, or
    nothing.
    """
    calls = case.log.all_calls()
    if not calls or len(calls) > MOST_CALLS or case.log.items:
        return ""
    try:
        lines = [*_lines(calls, case.origins, case.files)]
    except _Unwritable:
        return ""
    text = "\n".join(lines)
    return text if len(text) <= MOST_CHARACTERS else ""


def _lines(
    calls: Sequence[Call],
    origins: Mapping[int, tuple[int, int | None]],
    files: Mapping[str, bytes],
) -> list[str]:
    imports: set[str] = set()
    body: list[str] = []
    for file, content in files.items():
        if len(content) > MOST_CHARACTERS:
            raise _Unwritable
        imports.add("from pathlib import Path")
        body.append(f"Path({file!r}).write_bytes({content!r})")
    for number, call in enumerate(calls, start=1):
        given = [_literal(value, origins) for value in call.args]
        for name, value in call.kwargs.items():
            given.append(f"{name}={_literal(value, origins)}")
        function = _name(call.path, origins)
        if call.path and call.path[0][0] == "module":
            imports.add(f"from {call.path[0][1]} import {call.path[1][1]}")
        line = f"result_{number} = {function}({', '.join(given)})"
        if "np." in line:
            imports.add("import numpy as np")
        if call.stdin:
            answers = ", ".join(map(repr, call.stdin.splitlines()))
            body.append(f"# answer its input() with {answers}")
        body += [line, f"print(result_{number})"]
    return [*sorted(imports), "", *body]


def _name(path: Sequence[Sequence[Any]], origins: Mapping[int, tuple[int, int | None]]) -> str:
    """Return how what a path leads to is written after the imports and the calls before."""
    if not path:
        raise _Unwritable
    (kind, key), *rest = path
    if kind == "module":
        name, rest = str(rest[0][1]), rest[1:]
    elif kind == "handle":
        if key not in origins:
            raise _Unwritable
        number, place = origins[key]
        name = f"result_{number + 1}" if place is None else f"result_{number + 1}[{place}]"
    else:
        name = f"{key}"
    for step, inner in rest:
        name += f".{inner}" if step == "attr" else f"[{_literal(inner, origins)}]"
    return name


def _literal(value: Any, origins: Mapping[int, tuple[int, int | None]]) -> str:
    """Return a value as Python reads it."""
    if isinstance(value, Value):
        return _name(value._path, origins)
    if value is None or type(value) in (bool, int, str, bytes):
        return repr(value)
    if type(value) is float:
        return repr(value) if np.isfinite(value) else f'float("{value}")'
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        return f"np.{value.dtype.name}({_literal(value.item(), origins)})"
    if isinstance(value, np.ndarray):
        return _array(value, origins)
    if type(value) in (list, tuple, set):
        inner = ", ".join(_literal(item, origins) for item in value)
        if type(value) is set:
            return "{" + inner + "}" if value else "set()"
        return f"[{inner}]" if type(value) is list else f"({inner}{',' if len(value) == 1 else ''})"
    if type(value) is dict:
        pairs = []
        for key, item in value.items():
            pairs.append(f"{_literal(key, origins)}: {_literal(item, origins)}")
        return "{" + ", ".join(pairs) + "}"
    raise _Unwritable


def _array(value: np.ndarray, origins: Mapping[int, tuple[int, int | None]]) -> str:
    is_plain = type(value) is np.ndarray and value.dtype.kind in "biufU"
    if not is_plain or value.size > MOST_ENTRIES:
        raise _Unwritable
    dtype = value.dtype.name
    if not value.size:
        return f"np.zeros({value.shape}, dtype={dtype!r})"
    literal = _literal(value.tolist(), origins)
    if dtype in ("float64", "int64", "bool") or value.dtype.kind == "U":
        return f"np.array({literal})"
    return f"np.array({literal}, dtype={dtype!r})"
