"""Turns tests that stood in a notebook into a file of checks, and a spec that gives them their
points.
"""

from __future__ import annotations

import ast
import builtins
import importlib.util
import symtable
import textwrap
from collections.abc import Iterable
from itertools import chain
from typing import Any

import msgspec
import tomli_w

from grader.importing.drafts import Cell, Test, is_students, plain_python, trees
from grader.importing.old_modules import OLD, for_checks
from grader.notebooks.definitions import tree_of

BUILTINS = frozenset(dir(builtins))
OURS = frozenset(("expect", "recordable"))  # in lines that a reader wrote


class TestScope(msgspec.Struct, frozen=True):
    """What a test may use beside what students define: imports, and functions that the author
    provides whole.
    """

    imports: dict[str, str]  # name -> statement
    helpers: dict[str, str]  # name -> definition
    students: frozenset[str] = frozenset()  # names that cells of students define
    cells: frozenset[str] = frozenset()  # names that any cell of the notebook defines


def surroundings(cells: list[Cell], tests: list[Test]) -> TestScope:
    """Return what cells and tests offer to every test.

    A function that needs nothing of the notebook is copied into the check that calls it: in the
    notebook, a student could put another in its place.
    """
    imports = _imports(cells)
    students: set[str] = set()
    assigned: set[str] = set()
    every: set[str] = set()
    for cell, tree in trees(cells):
        every.update(bound(tree.body))
        if is_students(cell):
            students.update(_functions(tree, ""))
            assigned.update(bound(tree.body))
    found: dict[str, str] = {}
    for test in tests:
        found |= _functions(tree_of(test.code), test.code) if _parses(test.code) else {}
    for cell, tree in trees(cells):
        if not is_students(cell):
            found |= _functions(tree, cell["source"])
    helpers = {name: code for name, code in found.items() if name not in students}
    while True:
        offered = {**imports, **helpers}
        dependent = [name for name, code in helpers.items() if needed(code) - offered.keys()]
        if not dependent:
            return TestScope(imports, helpers, frozenset(assigned), frozenset(every))
        for name in dependent:
            del helpers[name]


def bound(body: Iterable[ast.stmt]) -> set[str]:
    """Return the names that statements bind, those within loops and conditions included."""
    names: set[str] = set()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        else:
            inner = (one for one in ast.walk(node) if isinstance(one, ast.Name))
            names |= {one.id for one in inner if isinstance(one.ctx, ast.Store)}
    return names


def needed(code: str, theirs: frozenset[str] = frozenset()) -> set[str]:
    """Return the names that code reads and does not define itself; builtins only if they are among
    ``theirs``.
    """
    top = symtable.symtable(code, "cell", "exec")
    own = {
        symbol.get_name()
        for symbol in top.get_symbols()
        if symbol.is_assigned() or symbol.is_imported()
    }

    def read(table: symtable.SymbolTable) -> set[str]:
        free = {symbol for symbol in table.get_symbols() if symbol.is_referenced()}
        names = {symbol.get_name() for symbol in free if table is top or symbol.is_global()}
        return names.union(*map(read, table.get_children()))

    return read(top) - own - (BUILTINS - theirs)


def uncarried(test: Test, around: TestScope) -> str:
    """Return why a test can't become a check and what to do, or nothing."""
    if not _parses(test.code):
        return "it is more than Python (a magic command?)"
    tree = tree_of(test.code)
    if not any(not isinstance(node, ast.Import | ast.ImportFrom) for node in tree.body):
        return "it tests nothing"
    if _looks_for_tests(tree):
        return "it looks for tests among what stands in the notebook"
    if any(isinstance(node, ast.Delete) for node in ast.walk(tree)):
        return "it deletes names of the notebook"
    if test.by_number and gives_points(tree):
        return "its last line gives a part of the points"
    wanted = needed(test.code, around.students) - OURS
    helpers = _helpers(wanted, around)
    if not wanted - around.imports.keys() - helpers.keys():
        return "it asks for nothing that the notebook defines"
    statements = "\n".join({around.imports[name] for name in _imported(test, around)})
    for name in sorted(_modules(tree_of(statements)) | _modules(tree)):
        if not installed(name):
            return f"it needs `{name}`, which is not installed here"
    try:
        compile(_check(test, around), "check", "exec")
    except SyntaxError as error:
        return f"it can't stand in a function ({error.msg})"
    return ""


def _looks_for_tests(tree: ast.Module) -> bool:
    """Return whether a test calls what collects the tests of the notebook itself."""
    called = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return any(name in ("unittest.main", "doctest.testmod", "main") for name in called)


def gives_points(tree: ast.Module) -> bool:
    """Return whether a test ends with a value that may be a number of points, as nbgrader reads
    it.
    """
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr) or isinstance(
        last.value, ast.Compare | ast.BoolOp | ast.JoinedStr
    ):
        return False
    if isinstance(last.value, ast.Constant):
        return isinstance(last.value.value, int | float) and not isinstance(last.value.value, bool)
    if isinstance(last.value, ast.Call):
        return ast.unparse(last.value.func) in (
            "round",
            "int",
            "float",
            "sum",
            "min",
            "max",
            "len",
            "abs",
        )
    return True


def in_box_source(test: Test, around: TestScope, earlier: list[Test]) -> str:
    """Return the code of a check that runs in the box: what it needs of the author's goes ahead of
    the test.

    Imports and functions of the author's are repeated, since a student could put others in their
    place; what only tests before it define is taken from there.
    """
    head: list[str] = []
    given: set[str] = set()
    code = test.code.strip("\n")
    if test.cumulative:
        code = "\n".join([*filter(None, map(_done_before, earlier)), code])
    for _ in range(len(earlier) + 2):
        wanted = _wanted("\n".join([*head, code]), around) - given
        imports = [around.imports[name] for name in sorted(wanted & around.imports.keys())]
        helpers = _helpers(wanted, around)
        imports += [around.imports[name] for name in sorted(_free(helpers) & around.imports.keys())]
        left = wanted - around.imports.keys() - helpers.keys() - around.cells
        defining = [] if not left else list(_defining(left, earlier))
        more = [*dict.fromkeys(map(_safely, imports)), *helpers.values(), *defining]
        given |= wanted
        if not more:
            break
        head = [*more, *head]
    return "\n".join([*dict.fromkeys(head), code]) + "\n"


def _safely(statement: str) -> str:
    """Return an author's import as it is repeated: one that can't be had here may fail, as it does
    in the notebook.
    """
    node = tree_of(statement).body[0]
    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    if all(map(installed, names)):
        return statement
    return f"try:\n    {statement}\nexcept ImportError:\n    pass"


def _done_before(test: Test) -> str:
    """Return an earlier test's code as it goes ahead of another: what it raises there is no matter
    here.
    """
    if not _parses(test.code) or "recordable(" in test.code:
        return ""
    body = tree_of(test.code).body
    handler = ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [ast.Pass()])
    whole = ast.Try(body=body or [ast.Pass()], handlers=[handler], orelse=[], finalbody=[])
    return ast.unparse(ast.fix_missing_locations(ast.Module([whole], [])))


def _wanted(code: str, around: TestScope) -> set[str]:
    """Return the names that code reads, of one with magics as far as its plain lines tell."""
    for text in (code, plain_python(code)):
        if _parses(text):
            return needed(text, around.students)
    return set()


def _free(helpers: dict[str, str]) -> set[str]:
    return set(chain.from_iterable(map(needed, helpers.values())))


def _defining(names: set[str], earlier: list[Test]) -> Iterable[str]:
    """Yield the statements of the last test before that defines each of the names."""
    for name in sorted(names):
        for test in reversed(earlier):
            tree = tree_of(test.code) if _parses(test.code) else None
            found = [node for node in (tree.body if tree else []) if name in bound([node])]
            if found:
                yield from map(ast.unparse, found)
                break


def checks_file(tests: list[Test], around: TestScope) -> str:
    """Return the file of checks."""
    inside = [test for test in tests if not test.in_box]
    names = chain.from_iterable(_imported(test, around) for test in inside)
    imports = sorted({around.imports[name] for name in names})
    texts = [_runs_in_box(test) if test.in_box else _check(test, around) for test in tests]
    if not inside:
        return (
            '"""The notebook\'s tests, which run in the box: their code is in in_box/."""\n'
            + "".join(f"\n\n{text}" for text in texts)
        )
    tools = [
        "cell_test",
        "defined",
        *(["recordable"] if any("recordable(" in text for text in texts) else []),
    ]
    head = [
        (
            '"""The notebook\'s tests, as checks. `defined` brings what the finished notebook holds'
            " under a name."
        ),
        "",
        (
            'In place of `assert f(2) == 4` you may write `expect("f(2)", f(2))`, with `expect` as'
            " a second argument: it"
        ),
        (
            "needs no expected number, since `grader record` takes the reference's, and says more"
            " in the report."
        ),
        '"""\n',
        *imports,
        f"from grader.checking.api.cell_tests import {', '.join(tools)}",
    ]
    return for_checks("\n".join(head) + "\n" + "".join(f"\n\n{text}" for text in texts))


def spec(
    books: list[tuple[str, list[Test], dict[str, str]]], provided: list[str], name: str, title: str
) -> str:
    """Return ``assignment.toml``; each of ``books`` is a notebook's file name, its tests and its
    questions.
    """
    listed: dict[str, str] = {}
    checks: list[dict[str, Any]] = []
    for notebook, tests, questions in books:
        asked = {test.question for test in tests}
        listed |= {id_: told for id_, told in questions.items() if id_ in asked}
        checks += [_check_entry(test, notebook) for test in tests]
    table: dict[str, Any] = {
        "schema": 1,
        "name": name,
        "title": title,
        "reference": ".",
        "questions": [
            {"id": id_, "title": told} for id_, told in (listed or {"q1": title}).items()
        ],
        "notebooks": [
            {"path": path, "source": path, "required": len(books) == 1} for path, _, _ in books
        ],
        "checks": checks,
        "limits": {"cell_seconds": 120, "notebook_seconds": 900, "cpu_seconds": 900},
    }
    if provided:
        table["provided"] = {path: path for path in provided}
    made_of = ", ".join(path for path, _, _ in books)
    head = f"# Made of {made_of} by `grader new`. Every key is explained in docs/spec.md.\n"
    return head + tomli_w.dumps(table)


def _check_entry(test: Test, notebook: str) -> dict[str, Any]:
    points = int(test.points) if test.points == int(test.points) else test.points
    check: dict[str, Any] = {
        "id": test.id,
        "question": test.question,
        "points": points,
        "notebook": notebook,
    }
    if test.hidden:
        check["visibility"] = "hidden"
    if test.in_box:
        check |= {"in_box": True} | ({"after": test.after} if test.in_place and test.after else {})
    if test.reference_points is not None:
        check["reference_points"] = test.reference_points
    if test.untouched:
        check["may_pass_untouched"] = True
    said = {"when_passed": test.when_passed, "when_failed": test.when_failed}
    check |= {key: " ".join(words.split()) for key, words in said.items() if words}
    return check


# --- checks ---------------------------------------------------------------------------------------


def _sentence(test: Test, docstring: str | None) -> str:
    """Return what a report calls a check."""
    sentence = " ".join(
        (test.sentence or docstring or f"{test.id.replace('_', ' ').capitalize()}.").split()
    )
    return sentence.replace("\\", "").replace('"', "'")


def _runs_in_box(test: Test) -> str:
    """Return a check whose code runs in the box."""
    docstring = ast.get_docstring(tree_of(test.code)) if _parses(test.code) else None
    return f'def test_{test.id}(in_box):\n    """{_sentence(test, docstring)}"""\n    in_box()\n'


def _check(test: Test, around: TestScope) -> str:
    """Return a check: names of the notebook are asked for at its beginning, and the test's code
    follows.
    """
    text = test.code.strip("\n")
    tree = tree_of(text)
    wanted = needed(test.code, around.students)
    helpers = _helpers(wanted, around)
    free = wanted.union(*map(needed, helpers.values())) - helpers.keys() - around.imports.keys()
    names = sorted(free - OURS)
    told = ast.get_docstring(tree)
    code = text.split("\n")[tree.body[0].end_lineno if told else 0 :]
    sentence = _sentence(test, told)
    asked = [f'{name} = defined(notebook, "{name}")' for name in names]
    blocks = [
        "\n".join([f'"""{sentence}"""', *asked]),
        *helpers.values(),
        "\n".join(code).strip("\n"),
    ]
    body = ("\n\n" if any("def " in block for block in blocks[1:]) else "\n").join(blocks).rstrip()
    fixtures = "notebook, expect" if "expect" in free else "notebook"
    return f"@cell_test\ndef test_{test.id}({fixtures}):\n{textwrap.indent(body, '    ')}\n"


def _helpers(
    wanted: set[str], around: TestScope, above: frozenset[str] = frozenset()
) -> dict[str, str]:
    """Return the helpers that names ask for, and those that they need themselves ahead of them."""
    found: dict[str, str] = {}
    for name in sorted(wanted & around.helpers.keys() - above):
        inner = needed(around.helpers[name])
        found |= _helpers(inner, around, above | {name}) | {name: around.helpers[name]}
    return found


def _imported(test: Test, around: TestScope) -> set[str]:
    """Return the names that a test needs of the notebook's imports."""
    wanted = needed(test.code, around.students)
    every = wanted.union(*map(needed, _helpers(wanted, around).values()))
    return every & around.imports.keys()


# --- code -----------------------------------------------------------------------------------------


def _imports(cells: list[Cell]) -> dict[str, str]:
    """Return the import statements of the code cells, by the name that each gives."""
    found = {}
    for _, tree in trees(cells):
        for node in tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                for alias in node.names:
                    single = type(node)(**{**dict(ast.iter_fields(node)), "names": [alias]})
                    found[alias.asname or alias.name.split(".")[0]] = ast.unparse(single)
    return found


def _functions(tree: ast.Module, source: str) -> dict[str, str]:
    """Return the text of each function that code defines at its top level."""
    lines = source.split("\n")
    found = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            found[node.name] = "\n".join(lines[first - 1 : node.end_lineno])
    return found


def _modules(tree: ast.AST) -> set[str]:
    """Return the modules that code imports, by the first part of their names."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def installed(module: str) -> bool:
    """Return whether a module can be imported here, or is one that we bring."""
    if module in OLD:
        return True
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _parses(code: str) -> bool:
    try:
        tree_of(code)
    except SyntaxError:
        return False
    return True
