"""Makes the zip that a student hands in: his files and nothing else, with a word on what is missing or unfinished."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

import msgspec

from grader.assignment.spec import Assignment
from grader.authoring.wheel import pack
from grader.errors import SubmissionError


class Packed(msgspec.Struct, frozen=True):
    """A submission's zip and what is to be said about it."""

    archive: bytes
    files: Mapping[str, int]  # path -> bytes
    remarks: tuple[str, ...]


def pack_submission(assignment: Assignment, folder: Path) -> Packed:
    """Collect the files that the spec names as the student's; raise `SubmissionError` where one is missing."""
    files: dict[str, bytes] = {}
    missing = []
    for path in [file.path for file in assignment.spec.files] + [book.path for book in assignment.spec.notebooks]:
        try:
            files[path] = (folder / path).read_bytes()
        except FileNotFoundError:
            missing.append(path)
        except OSError as error:
            raise SubmissionError(f"{path} can't be read: {error.strerror}") from error
    if missing:
        raise SubmissionError(f"not complete: {', '.join(missing)} should lie in {folder}, but does not")
    remarks = [remark for path, data in files.items() if path.endswith(".py") for remark in _remarks(path, data)]
    return Packed(pack(files), {path: len(data) for path, data in files.items()}, tuple(remarks))


def _remarks(path: str, data: bytes) -> list[str]:
    """Return what a student would want to know before he hands a file in."""
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        place = f", line {line}" if line else ""
        return [f"{path}{place}: Python can't read this file ({getattr(error, 'msg', error)})"]
    unfinished = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and _is_stub(node)]
    return [f"{path}: still to be written: {', '.join(unfinished)}"] if unfinished else []


def _is_stub(function: ast.FunctionDef) -> bool:
    last = function.body[-1]
    raised = last.exc if isinstance(last, ast.Raise) else None
    name = raised.func if isinstance(raised, ast.Call) else raised
    return isinstance(name, ast.Name) and name.id == "NotImplementedError"
