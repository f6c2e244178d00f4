"""Writes the checks of a Gradescope autograder: in the grader's process if they call functions and
compare values.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Mapping

from grader.importing.check_files import in_box_check, one_line
from grader.importing.drafts import Test
from grader.importing.old_modules import installed
from grader.importing.source_code import IMPORTS, is_test_case, module_names, top_module
from grader.notebooks.definitions import tree_of

# What a test speaks of if it needs the process that the student's code runs in.
BESIDE = frozenset(
    (
        "patch",
        "mock",
        "Mock",
        "MagicMock",
        "sys",
        "os",
        "io",
        "subprocess",
        "inspect",
        "importlib",
        "runpy",
        "open",
        "input",
        "redirect_stdout",
        "redirect_stderr",
        "capsys",
        "monkeypatch",
        "builtins",
        "setattr",
        "delattr",
        "print",
        "exec",
        "eval",
        "signal",
        "threading",
        "multiprocessing",
        "doctest",
        "random",
        "globals",
        "tempfile",
        "pathlib",
    )
)
Modules = Mapping[str, frozenset[str]]


def in_process(test: Test, modules: Modules) -> str:
    """Return why a test can't run in the grader's process, or nothing."""
    tree = tree_of(test.code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Global | ast.Nonlocal | ast.AsyncFunctionDef):
            return "it binds names of its file"
        if isinstance(node, ast.Name) and node.id in BESIDE:
            return f"it uses `{node.id}`"
        if isinstance(node, ast.ClassDef) and not _is_test_class(node):
            return f"it defines the class `{node.name}`"
        if isinstance(node, IMPORTS):
            why = _why_not(node, modules)
            if why:
                return why
    try:
        compile(check_text(test, modules), "check", "exec")
    except SyntaxError as error:
        return f"it can't stand in a function ({error.msg})"
    if "written(" not in check_text(test, modules):
        return "it asks for nothing that the students' files define"
    return ""


def _is_test_class(node: ast.ClassDef) -> bool:
    return is_test_case(node) or node.name.startswith("Test")


def _why_not(node: ast.Import | ast.ImportFrom, modules: Modules) -> str:
    """Return why an import can't be had in the grader's process."""
    for name in module_names(node):
        top = top_module(name)
        if top in BESIDE:
            return f"it uses `{top}`"
        if name not in modules and not installed(top):
            return f"it needs `{top}`, which is not installed here"
        if name in modules:
            asked = {alias.name for alias in node.names}
            if isinstance(node, ast.Import) or "*" in asked:
                return f"it imports `{name}` as a whole"
            return _why_not_from(name, asked, modules)
    return ""


def _why_not_from(module: str, asked: set[str], modules: Modules) -> str:
    """Return why names of one of the students' modules can't be asked for."""
    unknown = asked - modules[module]
    defining = [name for name, defined in modules.items() if defined & asked]
    if unknown:
        taken = any(map(unknown.intersection, modules.values()))
        told = "another module's" if taken else "no function or class of it"
        return f"it imports `{min(unknown)}`, which is {told}"
    if defining[0] != module:
        return f"`{module}` and `{defining[0]}` define the same name"
    return ""


def checks_head() -> str:
    """Return what stands ahead of the checks."""
    return (
        '"""The autograder\'s tests, as checks. `written` brings what students wrote under a'
        ' name.\n\nIn place of `self.assertEqual(f(2), 4)` you may write `expect("f(2)", f(2))`,'
        " with `expect` as a second\nargument: it needs no expected number, since `grader record`"
        ' takes the reference\'s, and says more.\n"""\n\nfrom grader.checking.api.cell_tests import'
        " cell_test, written\n"
    )


def check_text(test: Test, modules: Modules) -> str:
    """Return a test as a check: what it imports of the student's is asked for by name."""
    if test.in_box:
        return in_box_check(test.id, test.sentence)
    sentence = one_line(test.sentence)
    tree = _Asks(modules).visit(tree_of(test.code))
    code = ast.unparse(ast.fix_missing_locations(tree))
    body = textwrap.indent(f'"""{sentence}"""\n{code}', "    ")
    return f"@cell_test\ndef test_{test.id}(student):\n{body}\n"


class _Asks(ast.NodeTransformer):
    """Turns imports of the student's into requests for what they wrote."""

    def __init__(self, modules: Modules) -> None:
        self._modules = modules

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | list[ast.stmt]:
        if (node.module or "") not in self._modules:
            return node
        asked: list[ast.stmt] = []
        for one in node.names:
            text = f'{one.asname or one.name} = written(student, "{one.name}")'
            asked += tree_of(text).body
        return asked
