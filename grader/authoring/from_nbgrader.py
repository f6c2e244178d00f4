"""Turns a notebook with nbgrader's markup into an assignment: solution cells, test cells, points, hidden tests.

The notebook stays its own reference. Its test cells become checks, so that they run in the grader's process and not
beside the student's code; what can't be carried over is told in sentences.
"""

from __future__ import annotations

import ast
import builtins
import json
import re
import textwrap
from collections.abc import Iterator
from typing import Any

import msgspec

from grader.authoring.strip import BEGIN, END
from grader.errors import UsageError

HIDDEN_BEGIN, HIDDEN_END = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
_ID = re.compile(r"[^A-Za-z0-9_-]+")


class Converted(msgspec.Struct, frozen=True):
    """The files of an assignment, and what of the notebook it could not take over."""

    files: dict[str, bytes]
    notes: tuple[str, ...]


class Test(msgspec.Struct, frozen=True):
    """A test cell on its way to a check."""

    id: str
    points: float
    code: str
    hidden: bool


def convert(data: bytes, stem: str, name: str, title: str) -> Converted:
    """Return an assignment made of a notebook; ``stem`` is its file's name without the ending.

    Raises `UsageError` where it is no notebook, or has no test cell with points.
    """
    try:
        notebook = json.loads(data)
        cells = [dict(cell, source="".join(cell["source"])) for cell in notebook["cells"]]
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{stem}.ipynb is not a notebook of the current format: {error!r}") from None
    notes: list[str] = []
    imports = _imports(cells)
    tests: list[Test] = []
    kept: list[dict[str, Any]] = []
    taken: set[str] = set()  # ids of cells
    named: set[str] = set()  # ids of checks
    for number, cell in enumerate(cells, start=1):
        markup = cell.get("metadata", {}).pop("nbgrader", {})
        cell["id"] = _unique(_ID.sub("-", markup.get("grade_id") or cell.get("id") or f"cell-{number}")[:60], taken)
        if markup.get("grade") and not markup.get("solution"):
            found = list(_tests(cell, markup, named))
            reason = _uncarried(found, imports) if cell["cell_type"] == "code" else "it is no code"
            if reason:
                notes.append(f"cell {number} ({cell['id']}, {markup.get('points', 0):g} points) is left out: {reason}")
            else:
                tests += found
                if not markup.get("points"):
                    notes.append(f"cell {number} ({cell['id']}) had no points: its check is worth 1")
            continue
        if markup.get("solution"):
            _to_students(cell, markup)
        kept.append(cell)
    if not tests:
        raise UsageError(f"{stem}.ipynb has no test cell of nbgrader's that could become a check. " + " ".join(notes))
    for cell in kept:
        cell["source"] = cell["source"].splitlines(keepends=True)
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    notebook |= {"cells": kept, "nbformat": 4, "nbformat_minor": 5}
    files = {
        "assignment.toml": _spec(tests, stem, name, title),
        f"{stem}.ipynb": json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n",
        "checks/test_notebook.py": _checks(tests, imports),
    }
    return Converted({path: text.encode() for path, text in files.items()}, tuple(notes))


# --- cells ----------------------------------------------------------------------------------------------------------


def _to_students(cell: dict[str, Any], markup: dict[str, Any]) -> None:
    """Give a cell to the students, with markers around the whole of it where it has none."""
    ours: dict[str, Any] = {"role": "student"}
    if markup.get("grade"):
        ours["points"] = markup.get("points", 0)
    cell.setdefault("metadata", {})["grader"] = ours
    if BEGIN not in cell["source"]:
        cell["source"] = f"{BEGIN}\n{cell['source'].rstrip()}\n{END}"


def _tests(cell: dict[str, Any], markup: dict[str, Any], named: set[str]) -> Iterator[Test]:
    """Yield a cell's tests: the visible ones, and all of them as a hidden check where some are hidden."""
    visible, hiding = [], False
    lines = cell["source"].splitlines()
    for line in lines:
        if line.strip() in (HIDDEN_BEGIN, HIDDEN_END):
            hiding = line.strip() == HIDDEN_BEGIN
        elif not hiding:
            visible.append(line)
    every = "\n".join(line for line in lines if line.strip() not in (HIDDEN_BEGIN, HIDDEN_END))
    shown = "\n".join(visible)
    id_ = _unique(re.sub(r"\W", "_", cell["id"]).removeprefix("test_").lower(), named, "_")
    parts = [Test(id_, 0, shown, False)] if _does_something(shown) else []
    if shown != every.rstrip() and HIDDEN_BEGIN in cell["source"]:
        parts.append(Test(f"{id_}_hidden" if parts else id_, 0, every, True))
    points = float(markup.get("points") or 0) or 1.0
    yield from (msgspec.structs.replace(part, points=points / len(parts)) for part in parts)


def _does_something(code: str) -> bool:
    try:
        return any(not isinstance(node, ast.Import | ast.ImportFrom) for node in ast.parse(code).body)
    except SyntaxError:
        return True


def _uncarried(tests: list[Test], imports: dict[str, str]) -> str:
    """Return why a test cell can't become a check, or nothing."""
    if not tests:
        return "it tests nothing"
    for test in tests:
        try:
            tree = ast.parse(test.code)
        except SyntaxError:
            return "it is more than Python (a magic command?)"
        used, own = _read(tree), _written(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Delete):
                return "it deletes names of the notebook, which a check can't"
        if not used - own - imports.keys() - set(dir(builtins)):
            return "it asks for nothing that the notebook defines"
    return ""


def _imports(cells: list[dict[str, Any]]) -> dict[str, str]:
    """Return the import statements of the code cells, by the name that each gives."""
    found = {}
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        plain = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in cell["source"].splitlines())
        try:
            body = ast.parse(plain).body
        except SyntaxError:
            continue
        for node in body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                for alias in node.names:
                    single = type(node)(**{**dict(ast.iter_fields(node)), "names": [alias]})
                    found[alias.asname or alias.name.split(".")[0]] = ast.unparse(single)
    return found


def _read(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def _written(tree: ast.AST) -> set[str]:
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
    return names


def _unique(id_: str, taken: set[str], joint: str = "-") -> str:
    name, count = id_ or "cell", 1
    while name in taken:
        count += 1
        name = f"{id_}{joint}{count}"
    taken.add(name)
    return name


# --- files ----------------------------------------------------------------------------------------------------------


def _checks(tests: list[Test], imports: dict[str, str]) -> str:
    """Return the file of checks."""
    needed = sorted({imports[name] for test in tests for name in _read(ast.parse(test.code)) if name in imports})
    head = ['"""The notebook\'s tests, as checks."""\n', *needed]
    head.append("from grader.checking.asserts import function, value")
    return "\n".join(head) + "\n" + "".join(f"\n\n{_check(test, imports)}" for test in tests)


def _check(test: Test, imports: dict[str, str]) -> str:
    """Return a check: names of the notebook are asked for at its beginning, and the cell's code follows."""
    tree = ast.parse(test.code)
    names = sorted(_read(tree) - _written(tree) - imports.keys() - set(dir(builtins)))
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    lines = [f'{name} = {"function" if name in called else "value"}(notebook, "{name}")' for name in names]
    told = ast.get_docstring(tree)
    code = test.code.strip("\n").split("\n")[tree.body[0].end_lineno if told else 0 :]
    sentence = " ".join((told or f"{test.id.replace('_', ' ').capitalize()}.").split())
    sentence = sentence.replace("\\", "").replace('"', "'")
    body = "\n".join([f'"""{sentence}"""', *lines, *code]).rstrip()
    return f"def test_{test.id}(notebook):\n" + textwrap.indent(body, "    ") + "\n"


def _spec(tests: list[Test], stem: str, name: str, title: str) -> str:
    import tomli_w

    checks = []
    for test in tests:
        check = {"id": test.id, "question": "q1", "points": test.points, "notebook": f"{stem}.ipynb"}
        checks.append(check | ({"visibility": "hidden"} if test.hidden else {}))
    spec = {
        "schema": 1, "name": name, "title": title, "reference": ".",
        "questions": [{"id": "q1", "title": title}],
        "notebooks": [{"path": f"{stem}.ipynb", "source": f"{stem}.ipynb", "required": True}],
        "checks": checks,
    }  # fmt: skip
    return tomli_w.dumps(spec)
