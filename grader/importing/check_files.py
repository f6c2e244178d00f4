"""Turns tests that stood in a notebook into a file of checks and code for the box."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable, Mapping
from itertools import chain

import msgspec

from grader.checking.cells.syntax_trees import imported_as, one_by_one
from grader.importing.drafts import Cell, Test, is_students, trees
from grader.importing.old_modules import for_checks, installed
from grader.importing.source_code import (
    IMPORTS,
    all_module_names,
    bound,
    functions,
    module_names,
    needed,
    parses,
    plain_python,
    top_module,
)
from grader.importing.star_imports import with_pylab, with_stars, without_stars
from grader.notebooks.definitions import tree_of

OURS = frozenset(("expect", "recordable"))  # in lines that a reader wrote
ROUNDED = frozenset(("round", "int", "float", "sum", "min", "max", "len", "abs"))
LOOKS = frozenset(("globals", "locals", "eval", "exec", "get_ipython"))
# Names under which a test asks for the time, with or without their module ahead.
CLOCKS = frozenset(
    ("time", "perf_counter", "process_time", "monotonic", "timeit", "repeat", "default_timer")
)
FINDERS = frozenset(("unittest.main", "doctest.testmod", "main"))
IN_BOX_HEAD = '"""The notebook\'s tests, which run in the box: their code is in in_box/."""\n'
CHECKS_HEAD = '''\
"""The notebook's tests, as checks. `defined` brings what the finished notebook holds under a name.

In place of `assert f(2) == 4` you may write `expect("f(2)", f(2))`, with `expect` as a second \
argument: it
needs no expected number, since `grader record` takes the reference's, and says more in the report.
"""
'''


class TestScope(msgspec.Struct, frozen=True):
    """What a test may use beside what students define: imports, and functions that the author
    provides whole.
    """

    imports: dict[str, str]  # name -> statement
    helpers: dict[str, str]  # name -> definition
    students: frozenset[str] = frozenset()  # names that cells of students define
    cells: frozenset[str] = frozenset()  # names that any cell of the notebook defines
    tasks: frozenset[str] = frozenset()  # names that cells of students alone import

    def statements(self, names: Iterable[str]) -> list[str]:
        """Return the import statements that give those of the names that are imported."""
        return [self.imports[name] for name in sorted(self.imports.keys() & names)]

    def helpers_for(self, wanted: set[str], above: frozenset[str] = frozenset()) -> dict[str, str]:
        """Return the helpers that names ask for, each behind those that it needs itself."""
        found: dict[str, str] = {}
        for name in sorted(wanted & self.helpers.keys() - above):
            text = self.helpers[name]
            found |= self.helpers_for(needed(text), above | {name}) | {name: text}
        return found


def surroundings(
    cells: list[Cell], tests: list[Test], files: Mapping[str, bytes] | None = None
) -> TestScope:
    """Return what cells and tests offer to every test.

    files: those beside the notebook, by path. A function that needs nothing of the notebook is
    copied into the check that calls it: in the notebook, a student could put another in its place.
    """
    imports: dict[str, str] = {}
    starred: dict[str, str] = {}
    assigned: set[str] = set()
    every: set[str] = set()
    tasks: set[str] = set()
    provided: set[str] = set()
    students: dict[str, str] = {}
    authors: dict[str, str] = {}
    for test in tests:
        if parses(test.code):
            authors |= functions(tree_of(test.code), test.code)
    for cell, tree in trees(cells):
        imported = _imports(tree)
        imports |= imported
        (tasks if is_students(cell) else provided).update(imported)
        brought = with_stars(tree, files or {}) | with_pylab(cell["source"])
        is_test = any(test.code and test.code in cell["source"] for test in tests)
        starred = brought | starred if is_test else starred | brought
        names = bound(tree.body)
        every |= names
        if is_students(cell):
            students |= functions(tree, cell["source"])
            assigned |= names
        else:
            authors |= functions(tree, cell["source"])
    for name in students:
        authors.pop(name, None)
    for name in starred.keys() - every - authors.keys():
        imports[name] = starred[name]
    _drop_dependent(authors, imports)
    alone = frozenset(tasks - provided)
    return TestScope(imports, authors, frozenset(assigned), frozenset(every), alone)


def by_name(tests: list[Test], files: Mapping[str, bytes]) -> list[Test]:
    """Return tests whose own imports with a star say the names that one of the tests needs."""
    wanted: set[str] = set()
    for test in tests:
        wanted |= needed(test.code) if parses(test.code) else set()
    return [
        msgspec.structs.replace(test, code=without_stars(test.code, wanted, files))
        for test in tests
    ]


def _imports(tree: ast.Module) -> dict[str, str]:
    """Return the import statements of code, by the name that each gives."""
    found = {}
    for node in chain.from_iterable(map(one_by_one, tree.body)):
        if isinstance(node, IMPORTS):
            found[imported_as(node.names[0])] = ast.unparse(node)
    return found


def _drop_dependent(helpers: dict[str, str], imports: dict[str, str]) -> None:
    """Take out the functions that need something besides each other and imports."""
    before = -1
    while before != len(helpers):
        before = len(helpers)
        offered = imports.keys() | helpers.keys()
        for name, code in [*helpers.items()]:
            if needed(code) - offered:
                del helpers[name]


def uncarried(test: Test, around: TestScope) -> str:
    """Return why a test can't become a check and what to do, or nothing."""
    if not parses(test.code):
        return "it is more than Python (a magic command?)"
    tree = tree_of(test.code)
    why = _unfit(tree) or _changes_modules(tree, around)
    if why:
        return why
    if test.by_number and gives_points(tree):
        return "its last line gives a part of the points"
    wanted = needed(test.code, around.students) - OURS
    helpers = around.helpers_for(wanted)
    if not wanted - around.imports.keys() - helpers.keys():
        return "it asks for nothing that the notebook defines"
    imports = tree_of("\n".join(_imported(test, around)))
    modules = {*all_module_names(imports), *all_module_names(tree)}
    for name in sorted(map(top_module, modules)):
        if not installed(name):
            return f"it needs `{name}`, which is not installed here"
    try:
        compile(_check(test, around), "check", "exec")
    except SyntaxError as error:
        return f"it can't stand in a function ({error.msg})"
    return ""


def _unfit(tree: ast.Module) -> str:
    """Return why code can't be a check, whatever the notebook defines, or nothing."""
    if all(isinstance(node, IMPORTS) for node in tree.body):
        return "it tests nothing"
    why = ""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in FINDERS:
            return "it looks for tests among what stands in the notebook"
        if isinstance(node, ast.Call) and _asks_for_names(node):
            return "it looks at the names that the notebook has"
        if isinstance(node, ast.Call) and _asks_for_time(node):
            return "it measures time, and calls from the grader's process take longer"
        if isinstance(node, ast.Delete):
            why = "it deletes names of the notebook"
    return why


def _asks_for_names(call: ast.Call) -> bool:
    """Return whether a call asks what names there are where it stands."""
    asked = ast.unparse(call.func)
    return asked in LOOKS or (asked in ("dir", "vars") and not (call.args or call.keywords))


def _asks_for_time(call: ast.Call) -> bool:
    """Return whether a call asks for the time, or times something."""
    module, _, name = ast.unparse(call.func).rpartition(".")
    return name in CLOCKS and module in ("", "time", "timeit") and (module or name) != "repeat"


def _changes_modules(tree: ast.Module, around: TestScope) -> str:
    """Return that a test puts something of its own in a module, which must not be the grader's own;
    nothing if it does not.
    """
    modules = {*around.imports}
    for node in ast.walk(tree):
        if isinstance(node, IMPORTS):
            modules.update(map(imported_as, node.names))
    for node in ast.walk(tree):
        changes = isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)
        if changes and ast.unparse(node).partition(".")[0] in modules:
            return f"it puts something of its own in the place of `{ast.unparse(node)}`"
    return ""


def gives_points(tree: ast.Module) -> bool:
    """Return whether a test ends with a value that may be a number of points, as nbgrader reads
    it.
    """
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        return False
    shown = last.value
    if isinstance(shown, ast.Constant):
        return isinstance(shown.value, int | float) and not isinstance(shown.value, bool)
    if isinstance(shown, ast.Call):
        return ast.unparse(shown.func) in ROUNDED
    return not isinstance(shown, ast.Compare | ast.BoolOp | ast.JoinedStr)


def in_box_source(test: Test, around: TestScope, earlier: list[Test]) -> str:
    """Return the code of a check that runs in the box: what it needs of the author's goes ahead of
    the test.

    Imports and functions of the author's are repeated, since a student could put others in their
    place; what only tests before it define is taken from there.
    """
    head: list[str] = []
    code = test.code.strip("\n")
    given = set(around.tasks & _only_named(code))  # to import it is what students are asked to do
    if test.cumulative:
        code = "\n".join([*filter(None, map(_done_before, earlier)), code])
    for _ in range(len(earlier) + 2):
        wanted = _wanted("\n".join([*head, code]), around) - given
        helpers = around.helpers_for(wanted)
        imports = around.statements(wanted) + around.statements(_needed_by(helpers))
        left = wanted - around.imports.keys() - helpers.keys() - around.cells
        more = [*dict.fromkeys(map(_safely, imports)), *helpers.values()]
        more += chain.from_iterable(_defining(name, earlier) for name in sorted(left))
        given |= wanted
        if not more:
            break
        head = [*more, *head]
    return "\n".join([*dict.fromkeys(head), code]) + "\n"


def _only_named(code: str) -> set[str]:
    """Return the names that code reads and takes nothing of, as in `assert np`."""
    if not parses(code):
        return set()
    named: set[str] = set()
    used: set[str] = set()
    for node in ast.walk(tree_of(code)):
        whole = node.value if isinstance(node, ast.Attribute) else None
        whole = node.func if isinstance(node, ast.Call) else whole
        if isinstance(whole, ast.Name):
            used.add(whole.id)
        if isinstance(node, ast.Name):
            named.add(node.id)
    return named - used


def _safely(statement: str) -> str:
    """Return an author's import as it is repeated: one that can't be had here may fail, as it does
    in the notebook.
    """
    if all(map(installed, module_names(tree_of(statement).body[0]))):
        return statement
    return f"try:\n    {statement}\nexcept ImportError:\n    pass"


def _done_before(test: Test) -> str:
    """Return an earlier test's code as it goes ahead of another: what it raises there is no matter
    here.
    """
    if not parses(test.code) or "recordable(" in test.code:
        return ""
    body = tree_of(test.code).body
    handler = ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [ast.Pass()])
    whole = ast.Try(body=body or [ast.Pass()], handlers=[handler], orelse=[], finalbody=[])
    return ast.unparse(ast.fix_missing_locations(ast.Module([whole], [])))


def _wanted(code: str, around: TestScope) -> set[str]:
    """Return the names that code reads, of one with magics as far as its plain lines tell."""
    for text in (code, plain_python(code)):
        if parses(text):
            return needed(text, around.students)
    return set()


def _needed_by(helpers: dict[str, str]) -> set[str]:
    return set(chain.from_iterable(map(needed, helpers.values())))


def _defining(name: str, earlier: list[Test]) -> list[str]:
    """Return the statements that define a name in the last of the tests that do."""
    for test in reversed(earlier):
        found = []
        for node in tree_of(test.code).body if parses(test.code) else []:
            if name in bound([node]):
                found.append(ast.unparse(node))
        if found:
            return found
    return []


def checks_file(tests: list[Test], around: TestScope) -> str:
    """Return the file of checks."""
    imports: set[str] = set()
    texts = []
    for test in tests:
        if test.in_box:
            texts.append(_runs_in_box(test))
        else:
            imports.update(_imported(test, around))
            texts.append(_check(test, around))
    checks = "".join(map("\n\n{}".format, texts))
    if all(test.in_box for test in tests):
        return IN_BOX_HEAD + checks
    tools = "cell_test, defined" + (", recordable" if "recordable(" in checks else "")
    head = [
        CHECKS_HEAD,
        *sorted(imports),
        f"from grader.checking.api.cell_tests import {tools}\n",
    ]
    return for_checks("\n".join(head) + checks)


# --- checks ---------------------------------------------------------------------------------------


def in_box_check(id_: str, sentence: str) -> str:
    """Return a check whose code runs in the box."""
    return f'def test_{id_}(in_box):\n    """{one_line(sentence)}"""\n    in_box()\n'


def one_line(sentence: str) -> str:
    """Return a sentence as it can stand in a check's docstring."""
    return " ".join(sentence.split()).replace("\\", "").replace('"', "'")


def _sentence(test: Test, docstring: str | None) -> str:
    """Return what a report calls a check."""
    return test.sentence or docstring or f"{test.id.replace('_', ' ').capitalize()}."


def _runs_in_box(test: Test) -> str:
    docstring = ast.get_docstring(tree_of(test.code)) if parses(test.code) else None
    return in_box_check(test.id, _sentence(test, docstring))


def _check(test: Test, around: TestScope) -> str:
    """Return a check: names of the notebook are asked for at its beginning, and the test's code
    follows.
    """
    text = test.code.strip("\n")
    tree = tree_of(text)
    wanted = needed(test.code, around.students)
    helpers = around.helpers_for(wanted)
    free = (wanted | _needed_by(helpers)) - helpers.keys() - around.imports.keys()
    told = ast.get_docstring(tree)
    code = text.split("\n")[tree.body[0].end_lineno if told else 0 :]
    asked = [f'{name} = defined(notebook, "{name}")' for name in sorted(free - OURS)]
    head = "\n".join([f'"""{one_line(_sentence(test, told))}"""', *asked])
    rest = [*helpers.values(), "\n".join(code).strip("\n")]
    space = "\n\n" if "def " in "\n".join(rest) else "\n"
    body = space.join([head, *rest]).rstrip()
    fixtures = "notebook, expect" if "expect" in free else "notebook"
    return f"@cell_test\ndef test_{test.id}({fixtures}):\n{textwrap.indent(body, '    ')}\n"


def _imported(test: Test, around: TestScope) -> list[str]:
    """Return the import statements of the notebook that a test needs."""
    wanted = needed(test.code, around.students)
    return around.statements(wanted | _needed_by(around.helpers_for(wanted)))
