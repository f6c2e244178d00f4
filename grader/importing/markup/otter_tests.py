"""Otter's test cells, read as code for checks, and the points of a question's tests.

Such a cell is one of three: code whose last line shows something that must stay so, assertions, or
a function that asserts about what it is given, called by the names of its parameters.
"""

from __future__ import annotations

import ast
import re
import textwrap
from itertools import filterfalse
from typing import Any

import msgspec

from grader.importing.drafts import Cell, expected, shared
from grader.importing.markup.otter_comments import without_ignored
from grader.importing.source_code import plain_python, unguarded
from grader.notebooks.definitions import tree_of

_CONFIG = re.compile(
    r"\A\s*(\"\"\"|''')\s*#\s*BEGIN TEST CONFIG\s*\n(.*?)^\1;?\s*#\s*END TEST CONFIG[ \t]*\n?",
    re.M | re.S,
)
_HEAD = re.compile(r"\A\s*#+[ \t]*(hidden)?[ \t]*(?:test)?[ \t]*#*[ \t]*(?:\n|\Z)", re.IGNORECASE)
_EXPECTS = re.compile(r"\brecordable\(|\bexpect\.printed\(")
_PRINTED, _TEXT = "printed_values", "printed_text"
UNKNOWN = "(not kept)"
_YES_OR_NO = (ast.Compare, ast.BoolOp)


class TestCell(msgspec.Struct):
    """What a test cell says."""

    code: str
    hidden: bool
    points: float | None
    sentence: str = ""
    notes: list[str] = []
    box_code: str = ""  # the same test for the box: what was shown must be shown again
    when_passed: str = ""  # the author's words for who passes, and for who does not
    when_failed: str = ""


def read_test(cell: Cell, *, cleared: bool = False) -> TestCell:
    """Read a test cell: its configuration, and its code as a check can have it.

    cleared: whether the notebook keeps no outputs, so that a value in the last line is what the
    solution shows
    """
    import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own

    source, told = cell["source"], {}
    notes: list[str] = []
    found = _CONFIG.match(source)
    if found:
        try:
            read = yaml.safe_load(found[2])
            told = read if isinstance(read, dict) else {}
        except yaml.YAMLError:
            notes.append("its configuration can't be read, so its points are the question's")
        source = source[found.end() :]
    head = _HEAD.match(source)
    if head:
        source = source[head.end() :]
    hidden = bool(told.get("hidden") or (head and head[1]))
    points = told.get("points")
    code = unguarded(without_ignored(source).strip("\n"))
    shown, printed = _shown(cell), _printed(cell)
    box_code = _shown_again(code, shown) if shown else ""
    if not box_code and printed:
        box_code = _printed_again(code, printed)
    try:
        code, sentence = _checked(code, shown or (UNKNOWN if cleared else ""), printed)
    except SyntaxError:
        sentence = ""
    return TestCell(
        code,
        hidden,
        float(points) if isinstance(points, int | float) else None,
        sentence,
        notes,
        box_code if _EXPECTS.search(code) else "",
        str(told.get("success_message") or ""),
        str(told.get("failure_message") or ""),
    )


def resolved(question: Any, tests: list[float | None]) -> list[float]:
    """Return the points of each test, given the question's points and what tests say of themselves.

    A question's are shared by the tests that say nothing, and ``{each: n}`` is n for each test in
    all; a list gives to each. Otherwise it has 1 if no test says of points above 0.
    """
    if isinstance(question, dict):
        each = question.get("each")
        question = float(1 if each is None else each) * len(tests)
    if isinstance(question, list):
        given = list(map(float, question[: len(tests)]))
        return given + [0.0] * (len(tests) - len(given))
    said = [points for points in tests if points is not None]
    silent = len(tests) - len(said)
    whole = float(question or 0) if question is not None else float(not sum(said))
    left = max(whole - sum(said), 0.0)
    shares = iter(shared(left, silent) if left else [0.0] * silent)
    return [next(shares) if points is None else points for points in tests]


# --- code -----------------------------------------------------------------------------------------


def _checked(code: str, shown: str, printed: str) -> tuple[str, str]:
    """Return code in which what was shown is asserted or expected, and a sentence of its own if it
    has one.

    shown: the value of the last line as text
    printed: the text that the cell printed
    """
    tree = tree_of(plain_python(code))
    last = tree.body[-1] if tree.body else None
    calls: list[str] = []
    told = ""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
            told = told if calls else ast.get_docstring(node) or ""
            given = map(_given, node.args.args)
            calls.append(f"{node.name}({', '.join(given)})")
    if calls and not any(isinstance(node, ast.Expr | ast.Assert) for node in tree.body[1:]):
        return "\n".join([code, "", *calls]), told
    prints = list(filter(_prints, ast.walk(tree))) if printed else []
    if prints and prints != [last]:
        return _collected(tree), ""
    called = _called(tree)
    said = "\nexpect.printed()" if printed and called and "print" not in called else ""
    if not isinstance(last, ast.Expr):
        return code + said, ""
    lines = code.split("\n")
    begin = lines[last.lineno - 1].encode()[: last.col_offset].decode()
    before = "\n".join([*lines[: last.lineno - 1], begin]).rstrip(" ;\n")
    return (before + "\n" if before.strip() else "") + _held(last.value, shown) + said, ""


def _prints(node: ast.AST) -> bool:
    """Return whether a statement prints something that is not the same for everybody."""
    shown = node.value if isinstance(node, ast.Expr) else None
    if not isinstance(shown, ast.Call) or ast.unparse(shown.func) != "print":
        return False
    return not all(map(_is_constant, shown.args))


def _called(tree: ast.Module) -> set[str]:
    """Return what code calls."""
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def _collected(tree: ast.Module) -> str:
    """Return code that expects what it printed, as a list of what each `print` was given."""
    code = ast.unparse(_Collecting().visit(tree))
    return "\n".join([f"{_PRINTED} = []", code, expected(_PRINTED)])


class _Collecting(ast.NodeTransformer):
    """Turns each `print` into a line that keeps what it is given."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if not _prints(node) or not isinstance(node.value, ast.Call):
            return node
        given = ast.unparse(ast.Tuple(node.value.args, ast.Load()))
        return tree_of(f"{_PRINTED}.append({given})").body[0]


def _given(parameter: ast.arg) -> str:
    """Return what a test function gets: what the notebook has under the parameter's name, or all of
    it as `env`.
    """
    return "globals()" if parameter.arg == "env" else parameter.arg


def _shown_again(code: str, output: str) -> str:
    """Return code that asserts that its last line shows the output that the notebook keeps,
    compared as doctest does.
    """
    try:
        tree = tree_of(plain_python(code))
    except SyntaxError:
        return ""
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        return ""
    wanted = " ".join(output.split())
    test = f'assert " ".join(repr({ast.unparse(last.value)}).split()) == {wanted!r}'
    return "\n".join([*map(ast.unparse, tree.body[:-1]), test])


def _printed_again(code: str, output: str) -> str:
    """Return code that asserts that it prints the text that the notebook keeps, compared as doctest
    does.
    """
    head = ["import contextlib", "import io", f"{_TEXT} = io.StringIO()"]
    head.append(f"with contextlib.redirect_stdout({_TEXT}):")
    wanted = " ".join(output.split())
    test = f'assert " ".join({_TEXT}.getvalue().split()) == {wanted!r}'
    return "\n".join([*head, textwrap.indent(plain_python(code), "    "), test])


def _held(shown: ast.expr, output: str) -> str:
    """Return a statement that asserts the value of a cell's last line."""
    text = ast.unparse(shown)
    if isinstance(shown, _YES_OR_NO) or output in ("True", "False"):
        return f"assert not ({text})" if output == "False" else f"assert {text}"
    if isinstance(shown, ast.Call) and ast.unparse(shown.func) == "print":
        asked = dict.fromkeys(map(ast.unparse, filterfalse(_is_constant, shown.args)))
        return "\n".join(map(expected, asked)) or text
    nothing = output == UNKNOWN and _is_constant(shown)
    return expected(text) if output and not nothing else text


def _is_constant(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant)


def _printed(cell: Cell) -> str:
    """Return the text that the notebook keeps of what the cell printed."""
    text = ""
    for output in cell.get("outputs") or ():
        if isinstance(output, dict) and output.get("name") == "stdout":
            text += "".join(output.get("text", ""))
    return text.strip()


def _shown(cell: Cell) -> str:
    """Return the text that the notebook keeps of the cell's last value."""
    for output in cell.get("outputs") or ():
        if isinstance(output, dict) and output.get("output_type") == "execute_result":
            text = output.get("data", {}).get("text/plain", "")
            return "".join(text).strip()
    return ""
