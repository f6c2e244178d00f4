"""Makes the zip that a student hands in: their files only, with remarks on unfinished work."""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from grader.assignment.spec import Assignment
from grader.errors import SubmissionError
from grader.grading.grade import wanted
from grader.grading.intake.candidates import listed_cells
from grader.grading.intake.take import MOST_OWN_MODULES, OWN_MODULE_BYTES, take
from grader.notebooks.advice import remarks as notebook_remarks
from grader.notebooks.recovery import UnreadableNotebook, recovered
from grader.sandbox.inside.work.files.mending import mended
from grader.zips import zipped

_NOT_TAKEN = (
    f"it has the name of a module of Python's own or more than {OWN_MODULE_BYTES >> 20} MB, or"
    f" there are more than {MOST_OWN_MODULES}"
)


class Packed(msgspec.Struct, frozen=True):
    """A submission's zip and the remarks about it."""

    archive: bytes
    files: Mapping[str, int]  # path -> bytes
    remarks: tuple[str, ...]


def pack_submission(assignment: Assignment, folder: Path) -> Packed:
    """Collect the files that the spec names as the student's.

    Raises `SubmissionError` if one is missing, or if grading would not take the zip.
    """
    files: dict[str, bytes] = {}
    missing = []
    for path in assignment.spec.student_paths:
        try:
            files[path] = (folder / path).read_bytes()
        except FileNotFoundError:
            missing.append(path)
        except OSError as error:
            raise SubmissionError(f"{path} can't be read: {error.strerror}") from error
    if missing:
        names = ", ".join(missing)
        raise SubmissionError(f"not complete: {names} should be in {folder.resolve()}, but is not")
    offered = _own_modules(assignment, folder)
    own = _taken_too(assignment, files, offered)
    provides: dict[str, tuple[str, ...]] = {}
    for file in assignment.spec.files:
        provides[file.path] = file.provides
    remarks: list[str] = []
    sizes: dict[str, int] = {}
    for path, data in {**files, **own}.items():
        sizes[path] = len(data)
        remarks += _remarks(path, data, provides.get(path, ()))
    for book in assignment.spec.notebooks:
        author = listed_cells((assignment.folder / book.source).read_bytes())
        for said in notebook_remarks(author, listed_cells(files[book.path])):
            remarks.append(f"{book.path}: {said}")
    for path in offered.keys() - own.keys():
        remarks.append(f"{path}: left out, since {_NOT_TAKEN}")
    return Packed(zipped({**files, **own}), sizes, tuple(remarks))


def _own_modules(assignment: Assignment, folder: Path) -> dict[str, bytes]:
    """Return the modules of a folder that the spec allows beside the files that it names."""
    found: dict[str, bytes] = {}
    for pattern in assignment.spec.own_modules:
        for path in sorted(folder.glob(pattern))[:MOST_OWN_MODULES]:
            name = path.relative_to(folder).as_posix()
            if path.is_file() and name not in {
                *assignment.spec.student_paths,
                *assignment.provided,
            }:
                found[name] = path.read_bytes()
    return found


def _taken_too(
    assignment: Assignment, files: Mapping[str, bytes], offered: Mapping[str, bytes]
) -> Mapping[str, bytes]:
    """Return which of the modules offered grading takes; raise unless it takes all the files."""
    with tempfile.TemporaryDirectory(prefix="grader-submit-") as folder:
        path = Path(folder) / f"{assignment.spec.name}-submission.zip"
        path.write_bytes(zipped({**files, **offered}))
        taken = take(path, wanted(assignment))
    assert taken.files == files
    return taken.more


# --- remarks --------------------------------------------------------------------------------------


def _remarks(path: str, data: bytes, provides: tuple[str, ...]) -> Iterator[str]:
    """Yield what a student should know before they hand a file in."""
    if path.endswith(".py"):
        yield from _code_remarks(path, data, provides)
    elif path.endswith(".ipynb"):
        try:
            found = recovered(data)
        except UnreadableNotebook as error:
            yield f"{path}: {error}"
        else:
            for said in (*found.look, *found.notes):
                yield f"{path}: {said}"


def _code_remarks(path: str, data: bytes, provides: tuple[str, ...]) -> Iterator[str]:
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError):
        text, unreadable = mended(data.decode("utf-8", "replace"), path)
        for name, error in unreadable:
            what = f"`{name}`, which fails for that" if name else "this"
            yield f"{path}, line {error.lineno}: Python can't read {what} ({error.msg})"
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError) as error:
            yield f"{path}: Python can't read this file ({getattr(error, 'msg', error)})"
            return
    names = [name for name in _stubs(tree, "") if not provides or name.split(".")[0] in provides]
    if names:
        yield f"{path}: still to be written: {', '.join(names)}"


def _stubs(node: ast.AST, prefix: str) -> Iterator[str]:
    """Yield the functions that still end in `NotImplementedError`, methods as ``Class.method``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if not isinstance(child, ast.ClassDef) and _ends_unwritten(child):
                yield f"{prefix}{child.name}"
            yield from _stubs(child, f"{prefix}{child.name}.")


def _ends_unwritten(node: ast.AST) -> bool:
    """Return whether a body ends by raising `NotImplementedError`."""
    body = getattr(node, "body", None)
    last = body[-1] if isinstance(body, list) and body else None
    raised = last.exc if isinstance(last, ast.Raise) else None
    name = raised.func if isinstance(raised, ast.Call) else raised
    return isinstance(name, ast.Name) and name.id == "NotImplementedError"
