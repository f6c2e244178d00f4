"""Chooses what of an assignment is handed out: all visible checks, or those of some questions, and
what they need.
"""

from __future__ import annotations

import ast
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from grader.assignment.expectations import Expectations
from grader.assignment.schema import Spec
from grader.assignment.spec import Assignment
from grader.authoring.record import reference_digest
from grader.authoring.strip import decode
from grader.checking.explain.diagnosis import KnownMistakes
from grader.errors import AssignmentError
from grader.model import Visibility


def chosen_spec(assignment: Assignment, questions: tuple[str, ...]) -> Spec:
    """Return the spec without hidden checks, and with some questions only, where some are asked for
    by id or name.
    """
    spec = assignment.spec
    kept = [
        question
        for question in spec.questions
        if not questions or {question.id, question.name} & {*questions}
    ]
    for asked in questions:
        if not any(asked in (question.id, question.name) for question in spec.questions):
            known = ", ".join(question.id for question in spec.questions)
            raise AssignmentError(f"there is no question {asked!r} (there are: {known})")
    ids = {question.id for question in kept}
    checks = [
        check
        for check in spec.checks
        if check.question in ids and check.visibility is Visibility.VISIBLE
    ]
    if questions and not checks:
        raise AssignmentError("a handout of no check: every check that was asked for is hidden")
    left = {check.id for check in checks}
    read = {check.notebook for check in checks}
    judged = {check.notebook for check in spec.checks} if questions else set()
    return msgspec.structs.replace(
        spec,
        questions=tuple(kept),
        checks=tuple(
            msgspec.structs.replace(
                check, requires=tuple(id_ for id_ in check.requires if id_ in left)
            )
            for check in checks
        ),
        notebooks=tuple(
            book for book in spec.notebooks if book.path in read or book.path not in judged
        ),
    )


# --- checks ---------------------------------------------------------------------------------------


def check_files(assignment: Assignment, spec: Spec) -> dict[str, bytes]:
    """Return the check files, by their paths in the assignment, with those tests only that the spec
    names.

    What they share, the fixtures of a ``conftest.py``, goes along.
    """
    kept = {check.id for check in spec.checks}
    dropped = {check.id for check in assignment.spec.checks} - kept
    files = {}
    for path in sorted(assignment.checks_folder.rglob("*.py")):
        name = path.relative_to(assignment.folder).as_posix()
        if path.parent.name == "in_box":
            if path.stem in kept:
                files[name] = path.read_bytes()
            continue
        text = decode(path.read_bytes(), name)
        try:
            text = without_tests(text, kept)
        except SyntaxError as error:
            raise AssignmentError(f"{name}, line {error.lineno}: {error.msg}") from None
        for id_ in sorted(dropped):
            if re.search(rf"\btest_{id_}\b", text):
                raise AssignmentError(
                    f"{name} still speaks of the check `{id_}` when its test is left out: make"
                    f" `test_{id_}` a function at the top level of the file, and don't mention it"
                    " elsewhere"
                )
        if "def test_" in text or path.name == "conftest.py" or path == assignment.box_path:
            files[name] = text.encode()
    if assignment.spec.box and assignment.box_path is not None:
        files[assignment.spec.box] = assignment.box_path.read_bytes()
    return files


def without_tests(text: str, kept: set[str]) -> str:
    """Return a check file without the tests that are not kept, and without what only those used."""
    body = ast.parse(text).body
    tests = [
        node for node in body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    gone: set[ast.stmt] = {node for node in tests if node.name.removeprefix("test_") not in kept}
    if not gone:
        return text
    while True:
        used = {name for node in body if node not in gone for name in _names_used(node)}
        missed = {name for node in gone for name in _names_used(node)} - used
        orphans = {
            node
            for node in body
            if node not in gone.union(tests) and _defines(node) and _defines(node) <= missed
        }
        if not orphans:
            break
        gone |= orphans
    lines = text.split("\n")
    for node in reversed(body):
        if node in gone:
            del lines[_start(node, lines) : node.end_lineno]
    return "\n".join(lines).rstrip("\n") + "\n"


def _defines(node: ast.stmt) -> set[str]:
    """Return the names that a statement defines for the rest of the file."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return {
            name.id
            for name in ast.walk(node)
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
        }
    return set()


def _names_used(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement reads, those of fixtures among its parameters included."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load):
            yield inner.id
        elif isinstance(inner, ast.arg):
            yield inner.arg
        elif (
            isinstance(inner, ast.Constant)
            and isinstance(inner.value, str)
            and inner.value.isidentifier()
        ):
            yield inner.value  # pytest.mark.usefixtures("name")


def _start(node: ast.stmt, lines: list[str]) -> int:
    """Return the index of a statement's first line: its decorators, its comment, and the blank
    lines before it.
    """
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    first: int = min([node.lineno, *(decorator.lineno for decorator in decorators)]) - 1
    while first and lines[first - 1].startswith("#"):
        first -= 1
    while first and not lines[first - 1].strip():
        first -= 1
    return first


# --- expectations ---------------------------------------------------------------------------------


def public_expectations(assignment: Assignment, spec: Spec) -> bytes:
    """Return the file of the public seed's expectations, of the spec's checks alone; refuse a stale
    one.
    """
    path = assignment.expectations_path("public")
    stored = Expectations.read(path)
    if (
        stored.provenance.assignment != assignment.digest
        or stored.provenance.reference != reference_digest(assignment)
    ):
        raise AssignmentError(
            f"{path} is stale: the assignment or its reference has changed; run `grader record`"
        )
    kept = {check.id for check in spec.checks}
    cases = {key: record for key, record in stored.cases.items() if key[0] in kept}
    if len(cases) == len(stored.cases):
        return path.read_bytes()
    with tempfile.TemporaryDirectory(prefix="grader-handout-") as folder:
        reduced = Path(folder) / path.name
        Expectations(stored.provenance, cases).write(reduced)
        return reduced.read_bytes()


def public_mistakes(assignment: Assignment, spec: Spec) -> dict[str, bytes]:
    """Return the file of what known mistakes answer to the public seed, as digests, of the spec's
    checks alone.
    """
    path = assignment.mistakes_path("public")
    known = KnownMistakes.read(path)
    if known is None or known.assignment != assignment.digest:
        raise AssignmentError(f"{path} is missing or stale: run `grader record`")
    kept = known.of_checks({check.id for check in spec.checks})
    return {f"expectations/{path.name}": kept.to_bytes()} if kept.mistakes else {}


# --- names ----------------------------------------------------------------------------------------


def functions_in_use(spec: Spec, texts: list[str]) -> dict[str, tuple[str, ...]]:
    """Return, by file, the student's functions that some texts speak of: those that a partial
    handout is about.
    """
    words = set(re.findall(r"\w+", "\n".join(texts)))
    return {
        file.path: tuple(name for name in file.provides if name in words) for file in spec.files
    }
