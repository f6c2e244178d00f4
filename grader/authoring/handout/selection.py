"""Chooses which checks of an assignment are handed out, and the files that these need."""

from __future__ import annotations

import ast
import itertools
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec

from grader.assignment.expectations import Expectations
from grader.assignment.schema import NotebookSpec, Spec
from grader.assignment.spec import Assignment
from grader.authoring.record import reference_digest
from grader.authoring.strip import decode
from grader.checking.explain.diagnosis import KnownMistakes
from grader.errors import AssignmentError
from grader.model import Visibility


def chosen_spec(assignment: Assignment, questions: tuple[str, ...]) -> Spec:
    """Return the spec without hidden checks.

    questions: ids or names of the only questions to keep; all are kept if it is empty
    """
    spec = assignment.spec
    kept = {}
    ids: dict[str, str] = {}
    for question in spec.questions:
        ids |= {question.name: question.id, question.id: question.id}
        if not questions or question.id in questions or question.name in questions:
            kept[question.id] = question
    for asked in questions:
        if asked not in ids:
            known = ", ".join(dict.fromkeys(ids.values()))
            raise AssignmentError(f"there is no question {asked!r} (there are: {known})")
    checks = {}
    for check in spec.checks:
        if check.question in kept and check.visibility is Visibility.VISIBLE:
            checks[check.id] = check
    if questions and not checks:
        raise AssignmentError("a handout of no check: every check that was asked for is hidden")
    for check in checks.values():
        requires = tuple(filter(checks.__contains__, check.requires))
        checks[check.id] = msgspec.structs.replace(check, requires=requires)
    return msgspec.structs.replace(
        spec,
        questions=tuple(kept.values()),
        checks=tuple(checks.values()),
        notebooks=_notebooks(spec, {check.notebook for check in checks.values()}, bool(questions)),
    )


def _notebooks(spec: Spec, needed: set[str], partial: bool) -> tuple[NotebookSpec, ...]:
    """Return the notebooks to hand out: a partial handout leaves out those of other checks."""
    if not partial:
        return spec.notebooks
    others = {check.notebook for check in spec.checks} - needed
    return tuple(filter(lambda book: book.path not in others, spec.notebooks))


# --- checks ---------------------------------------------------------------------------------------


def check_files(assignment: Assignment, spec: Spec) -> dict[str, bytes]:
    """Return the check files by their paths in the assignment, reduced to the spec's tests.

    A ``conftest.py``, whose fixtures they share, is kept.
    """
    kept = set(spec.check_ids)
    dropped = sorted(set(assignment.spec.check_ids) - kept)
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
        for id_ in dropped:
            if re.search(rf"\btest_{id_}\b", text):
                raise AssignmentError(
                    f"{name} still mentions the check `{id_}` after its test was removed: make"
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
    tests: list[ast.stmt] = []
    removed: list[ast.stmt] = []
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            tests.append(node)
            if node.name.removeprefix("test_") not in kept:
                removed.append(node)
    if not removed:
        return text
    found = True
    while found:
        unused = _names_used(removed) - _names_used(node for node in body if node not in removed)
        found = False
        for node in body:
            if node not in removed and node not in tests and set() < _defines(node) <= unused:
                removed.append(node)
                found = True
    lines = text.split("\n")
    for node in reversed(body):
        if node in removed:
            del lines[_start(node, lines) : node.end_lineno]
    return "\n".join(lines).rstrip("\n") + "\n"


def _defines(node: ast.stmt) -> set[str]:
    """Return the names that a statement defines for the rest of the file."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.split(".")[0] for alias in node.names}
    names = set()
    if isinstance(node, ast.Assign | ast.AnnAssign):
        for name in ast.walk(node):
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                names.add(name.id)
    return names


def _names_used(nodes: Iterable[ast.stmt]) -> set[str]:
    """Return the names that statements read; a parameter may name a fixture."""
    names = set()
    for inner in itertools.chain.from_iterable(map(ast.walk, nodes)):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load):
            names.add(inner.id)
        elif isinstance(inner, ast.arg):
            names.add(inner.arg)
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            names.add(inner.value)  # pytest.mark.usefixtures("name")
    return names


def _start(node: ast.stmt, lines: list[str]) -> int:
    """Return the index of a statement's first line, including decorators and comment."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    first: int = (decorators[0] if decorators else node).lineno - 1
    while first and lines[first - 1].startswith("#"):
        first -= 1
    while first and not lines[first - 1].strip():
        first -= 1
    return first


# --- expectations ---------------------------------------------------------------------------------


def public_expectations(assignment: Assignment, spec: Spec) -> bytes:
    """Return the file of the public seed's expectations, reduced to the spec's checks.

    Raises `AssignmentError` if it is stale.
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
    kept = spec.check_ids
    cases = {key: record for key, record in stored.cases.items() if key[0] in kept}
    if len(cases) == len(stored.cases):
        return path.read_bytes()
    with tempfile.TemporaryDirectory(prefix="grader-handout-") as folder:
        reduced = Path(folder) / path.name
        Expectations(stored.provenance, cases).write(reduced)
        return reduced.read_bytes()


def public_mistakes(assignment: Assignment, spec: Spec) -> dict[str, bytes]:
    """Return the known mistakes' answers to the public seed as digests, for the spec's checks."""
    path = assignment.mistakes_path("public")
    known = KnownMistakes.read(path)
    if known is None or known.assignment != assignment.digest:
        raise AssignmentError(f"{path} is missing or stale: run `grader record`")
    kept = known.of_checks(set(spec.check_ids))
    return {f"expectations/{path.name}": kept.to_bytes()} if kept.mistakes else {}


# --- names ----------------------------------------------------------------------------------------


def functions_in_use(spec: Spec, texts: list[str]) -> dict[str, tuple[str, ...]]:
    """Return, for each file, the student's functions that some texts mention."""
    words = set(re.findall(r"\w+", "\n".join(texts)))
    used = {}
    for file in spec.files:
        used[file.path] = tuple(filter(words.__contains__, file.provides))
    return used
