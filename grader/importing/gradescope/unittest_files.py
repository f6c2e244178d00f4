"""Reads unittest and pytest files of a Gradescope autograder: each test becomes code that stands by
itself.

Nothing is run. A test's body stands at the top level of its code, behind what it needs of its file
and behind what its class prepares, so that a check in the box can see that each of its statements
was passed. The decorators of `gradescope_utils` are read as `JSONTestRunner` reads them.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Iterable, Iterator
from itertools import filterfalse
from operator import attrgetter
from typing import Any

import msgspec

from grader.checking.cells.syntax_trees import one_by_one
from grader.importing.source_code import (
    FUNCTIONS,
    Function,
    bound,
    is_named_test,
    is_test_case,
    needed,
    top_module,
)
from grader.notebooks.definitions import tree_of

PREPARED = ("setUpClass", "setup_class", "setUp", "setup_method", "setup")
CLEARED = ("tearDown", "teardown_method", "tearDownClass")
HIDDEN = ("hidden", "after_due_date", "after_published")
_OWN = ("gradescope_utils", "timeout_decorator", "subprocess32")
FIXTURES = {  # of pytest's, with the statements that stand for them
    "tmp_path": "import pathlib, tempfile\ntmp_path = pathlib.Path(tempfile.mkdtemp())",
    "monkeypatch": "import pytest\nmonkeypatch = pytest.MonkeyPatch()",
    "capsys": (
        "import collections, io, sys\n"
        "class _Printed:\n"
        "    def __init__(self):\n"
        "        sys.stdout, sys.stderr = io.StringIO(), io.StringIO()\n"
        "    def readouterr(self):\n"
        "        found = [sys.stdout.getvalue(), sys.stderr.getvalue()]\n"
        "        self.__init__()\n"
        "        return collections.namedtuple('CaptureResult', ['out', 'err'])(*found)\n"
        "capsys = _Printed()"
    ),
}
FILES = (
    "def check_submitted_files(paths, base='.'):\n"
    "    import os\n"
    "    return [path for path in paths if not os.path.isfile(os.path.join(base, path))]"
)
ELSEWHERE = ("/autograder/submission", "/autograder/source")  # where Gradescope keeps the files


class FoundTest(msgspec.Struct, frozen=True, kw_only=True):
    """A test as its file has it."""

    name: str  # of the function, with a number behind it if it has several cases
    group: str  # the class, or the file
    title: str  # of the group
    sentence: str
    code: str
    points: float | None = None  # None: nothing is said
    visibility: str = ""
    number: str = ""
    hides_errors: bool = False
    partial: bool = False  # whether its last line is a number of points
    leaderboard: str = ""
    skipped: bool = False
    notes: tuple[str, ...] = ()


def read_tests(source: str, stem: str) -> Iterator[FoundTest]:
    """Yield the tests of a file, in its order; raise `SyntaxError` if it is not Python."""
    tree = tree_of(source)
    file = _File(tree)
    doc = (ast.get_docstring(tree) or "").partition("\n")[0]
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and _holds_tests(node):
            for test in file.methods(node):
                told = (ast.get_docstring(node) or "").partition("\n")[0]
                yield from file.tests(test, node, node.name, told or _words(node.name))
        elif is_named_test(node):
            yield from file.tests(node, None, stem, doc or _words(stem))


def _holds_tests(node: ast.ClassDef) -> bool:
    return is_test_case(node) or any(map(is_named_test, node.body))


def _words(name: str) -> str:
    text = "".join(f" {letter}" if letter.isupper() else letter for letter in name)
    return " ".join(text.replace("_", " ").split()).removeprefix("Test ").removeprefix("test ")


class _File:
    """The statements of a file at its top level, and what tests need of them."""

    def __init__(self, tree: ast.Module) -> None:
        self.body: list[ast.stmt] = []
        self.classes: dict[str, ast.ClassDef] = {}
        self.fixtures: dict[str, Function] = {}
        for node in tree.body:
            if not _is_left_out(node):
                self.body += one_by_one(_rewritten(node))
        for node in self.body:
            if isinstance(node, ast.ClassDef):
                self.classes[node.name] = node
            elif isinstance(node, FUNCTIONS) and _is_fixture(node):
                self.fixtures[node.name] = node

    def methods(self, node: ast.ClassDef) -> Iterator[Function]:
        """Yield a class's tests, those of its base classes in the file included, as unittest orders
        them.
        """
        every: dict[str, Function] = {}
        for one in self._family(node):
            for inner in filter(is_named_test, one.body):
                every.setdefault(inner.name, inner)
        yield from every.values()

    def _family(self, node: ast.ClassDef) -> Iterator[ast.ClassDef]:
        yield node
        for base in node.bases:
            if isinstance(base, ast.Name) and base.id in self.classes:
                yield from self._family(self.classes[base.id])

    def tests(
        self,
        test: Function,
        owner: ast.ClassDef | None,
        group: str,
        title: str,
    ) -> Iterator[FoundTest]:
        """Yield a test, once for each set of its parameters."""
        told = _Told.of(test)
        cases = told.cases or [[]]
        sentence = (ast.get_docstring(test) or "").strip().partition("\n")[0] or _words(test.name)
        for index, given in enumerate(cases, start=1):
            several = len(cases) > 1
            yield FoundTest(
                name=f"{test.name}_{index}" if several else test.name,
                group=group,
                title=title,
                sentence=f"{sentence} ({index})" if several else sentence,
                code=self._code(test, owner, told, given),
                points=told.points,
                visibility=told.visibility,
                number=told.number,
                hides_errors=bool(told.message),
                partial=told.partial,
                leaderboard=told.leaderboard,
                skipped=told.skipped,
                notes=tuple(told.notes),
            )

    def _code(
        self,
        test: Function,
        owner: ast.ClassDef | None,
        told: _Told,
        given: list[ast.stmt],
    ) -> str:
        """Return the code of a test that needs nothing around it."""
        bare = _rewritten(copy.deepcopy(test))
        assert isinstance(bare, FUNCTIONS)
        bare.decorator_list = told.kept
        prepared: list[ast.stmt] = []
        cleared: list[ast.stmt] = []
        asked = _parameters(bare)
        if owner is not None:
            prepared, cleared = self._prepared(owner, asked[0] if asked else "self")
            asked = asked[1:]
        bound_here = bound(given)
        prepared += [*given, *self._fixtures(filterfalse(bound_here.__contains__, asked))]
        body = bare.body[1:] if ast.get_docstring(bare) is not None else bare.body
        flat = body or [ast.Pass()]
        if told.kept or any(map(_returns, flat)) or not _compiles(flat):
            known = bound_here | self.fixtures.keys() | FIXTURES.keys() | {"set_score"}
            handed = filter(known.__contains__, asked)
            flat = [bare, _statement(_call(bare, handed, owner))]
        whole = [*prepared, *_guarded(flat, told), *cleared]
        if told.partial:
            whole.append(_statement(f"(_given or [{told.points!r}])[-1]"))
        return ast.unparse(ast.fix_missing_locations(ast.Module(self._with_head(whole), [])))

    def _prepared(self, owner: ast.ClassDef, me: str) -> tuple[list[ast.stmt], list[ast.stmt]]:
        """Return the statements that make an object of a test's class, and those behind the
        test.
        """
        names: set[str] = set()
        for one in self._family(owner):
            names.update(node.name for node in one.body if isinstance(node, FUNCTIONS))
        before = [f"{me} = {owner.name}()"]
        if "setUpModule" in bound(self.body):
            before.insert(0, "setUpModule()")
        before += map(f"{me}.{{}}()".format, filter(names.__contains__, PREPARED))
        behind = map(f"{me}.{{}}()".format, filter(names.__contains__, CLEARED))
        return list(map(_statement, before)), list(map(_statement, behind))

    def _fixtures(self, names: Iterable[str]) -> list[ast.stmt]:
        """Return the statements that give a test its fixtures."""
        made: list[ast.stmt] = []
        for name in names:
            if name in FIXTURES:
                made += tree_of(FIXTURES[name]).body
            elif name in self.fixtures:
                node = self.fixtures[name]
                inner = _parameters(node)
                made += self._fixtures(inner)
                call = _call_text(name, [], inner)
                yields = any(isinstance(one, ast.Yield) for one in ast.walk(node))
                made.append(_statement(f"{name} = next({call})" if yields else f"{name} = {call}"))
        return made

    def _with_head(self, code: list[ast.stmt]) -> list[ast.stmt]:
        """Return statements with what they need of the file ahead of them."""
        kept: list[ast.stmt] = []
        wanted = _needed(code)
        for _ in range(len(self.body) + 1):
            kept = [_without_tests(node) for node in self.body if _is_kept(node, wanted)]
            more = wanted | _needed(kept)
            if more == wanted:
                break
            wanted = more
        return [*kept, *code]


class _Told(msgspec.Struct):
    """What the decorators of a test say."""

    points: float | None = None
    visibility: str = ""
    number: str = ""
    message: str = ""  # what is said in place of an error
    partial: bool = False
    leaderboard: str = ""
    skipped: bool = False
    notes: list[str] = []
    cases: list[list[ast.stmt]] = []
    kept: list[ast.expr] = []  # decorators that act on the test, such as `mock.patch`

    @classmethod
    def of(cls, test: Function) -> _Told:
        """Return what a test's decorators say."""
        told = cls()
        for decorator in test.decorator_list:
            call = decorator if isinstance(decorator, ast.Call) else None
            name = ast.unparse(call.func if call is not None else decorator)
            if not told._take(name.rpartition(".")[2], name, call):
                told.kept.append(decorator)
        told.partial = told.partial or "set_score" in _parameters(test, test.args.kwonlyargs)
        if isinstance(test, ast.AsyncFunctionDef):
            told.skipped = True
            told.notes.append("it is a coroutine")
        return told

    def _take(self, last: str, name: str, call: ast.Call | None) -> bool:
        """Note what a decorator says; return whether it is one that says something of a test."""
        value = _value(call.args[0]) if call is not None and call.args else None
        if call is not None and not call.args and call.keywords:
            value = _value(call.keywords[0].value)
        if last in ("weight", "points", "partial_credit") and isinstance(value, int | float):
            self.points = float(value)
            self.partial = self.partial or last == "partial_credit"
        elif last == "number":
            self.number = str(value)
        elif last == "visibility":
            self.visibility = str(value)
        elif last == "hide_errors":
            self.message = str(value or "Test failed")
        elif last == "leaderboard":
            self.leaderboard = str(value)
        elif last in ("skip", "skipIf", "skipUnless", "skipif", "expectedFailure", "xfail"):
            self.skipped = True
            self.notes.append(f"it bears `@{name}`")
        elif last == "parametrize" and call is not None:
            self._parametrized(call)
        elif last in ("timeout", "tags"):
            more = "; `limits` in assignment.toml bound every call" if last == "timeout" else ""
            self.notes.append(f"its `@{name}` is left out{more}")
        else:
            return False
        return True

    def _parametrized(self, call: ast.Call) -> None:
        names = _value(call.args[0]) if call.args else None
        listed = list(map(str.strip, names.split(","))) if isinstance(names, str) else names
        rows = call.args[1] if len(call.args) > 1 else None
        if not isinstance(listed, list | tuple) or not isinstance(rows, ast.List | ast.Tuple):
            self.skipped = True
            self.notes.append("its parameters are not written out")
            return
        before = self.cases or [[]]
        self.cases = []
        for row in rows.elts:
            assigned = _assigned(listed, row)
            self.cases += [[assigned, *other] for other in before]


def _assigned(names: Collection[str], row: ast.expr) -> ast.stmt:
    """Return the statement that gives parameters the values of a row."""
    if isinstance(row, ast.Call) and ast.unparse(row.func).endswith("param"):
        row = row.args[0] if len(names) == 1 else ast.Tuple([*row.args], ast.Load())
    return _statement(f"{', '.join(names)} = {ast.unparse(row)}")


def _value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)


# --- statements -----------------------------------------------------------------------------------


def _statement(text: str) -> ast.stmt:
    return tree_of(text).body[0]


def _guarded(body: list[ast.stmt], told: _Told) -> list[ast.stmt]:
    """Return a test's body as its decorators want it: another message, or points by number."""
    if told.message:
        ours = tree_of(
            "try:\n    pass\nexcept NotImplementedError:\n    raise\n"
            f"except Exception:\n    raise AssertionError({told.message!r}) from None"
        ).body[0]
        assert isinstance(ours, ast.Try)
        ours.body = body
        body = [ours]
    if told.partial:
        text = (
            "_given = []\nset_score = _given.append\n"
            "kwargs = {'set_score': set_score}\n"
            "try:\n    pass\nexcept Exception:\n    if not _given:\n        raise"
        )
        made = tree_of(text).body
        assert isinstance(made[-1], ast.Try)
        made[-1].body = body
        body = made
    return body


def _parameters(function: Function, more: Iterable[ast.arg] = ()) -> list[str]:
    """Return the names of a function's parameters."""
    return [one.arg for one in (*function.args.args, *more)]


def _call(test: Function, asked: Iterable[str], owner: ast.ClassDef | None) -> str:
    """Return the call of a test that can't stand at the top level."""
    return _call_text(test.name, _parameters(test)[:1] if owner is not None else [], asked)


def _call_text(name: str, first: Iterable[str], asked: Iterable[str]) -> str:
    """Return a call that hands on what stands under the names of its parameters."""
    return f"{name}({', '.join([*first, *map('{0}={0}'.format, asked)])})"


def _returns(node: ast.AST) -> bool:
    """Return whether a statement returns from the function that it stands in."""
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        return False
    return isinstance(node, ast.Return) or any(map(_returns, _inner_statements(node)))


def _inner_statements(node: ast.AST) -> Iterator[ast.stmt]:
    for one in ast.iter_child_nodes(node):
        if isinstance(one, ast.stmt):
            yield one
        elif isinstance(one, ast.ExceptHandler):
            yield from one.body


def _compiles(body: list[ast.stmt]) -> bool:
    try:
        compile(ast.unparse(ast.Module(body, [])), "test", "exec")
    except SyntaxError:
        return False
    return True


def _is_left_out(node: ast.stmt) -> bool:
    """Return whether a statement of a file is no part of its tests: a text, a start, what speaks to
    Gradescope.
    """
    if isinstance(node, ast.Expr):
        text = ast.unparse(node)
        return isinstance(node.value, ast.Constant) or text.startswith(
            ("sys.path", "unittest.main")
        )
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)


def _is_fixture(node: Function) -> bool:
    return any("fixture" in ast.unparse(decorator) for decorator in node.decorator_list)


def _is_kept(node: ast.stmt, wanted: set[str]) -> bool:
    """Return whether a statement goes ahead of a test: it gives a name that is wanted, or acts by
    itself.
    """
    names = bound([node]) - {"*"}
    return bool(names & wanted) if names else not isinstance(node, ast.Pass)


def _without_tests(node: ast.stmt) -> ast.stmt:
    """Return a class without its tests, and a fixture without its decorator."""
    if isinstance(node, FUNCTIONS) and _is_fixture(node):
        bare = copy.deepcopy(node)
        bare.decorator_list = []
        return bare
    if not isinstance(node, ast.ClassDef) or not _holds_tests(node):
        return node
    made = copy.deepcopy(node)
    made.body = list(filterfalse(is_named_test, made.body)) or [ast.Pass()]
    return made


def _needed(body: list[ast.stmt]) -> set[str]:
    """Return the names that statements read from their file."""
    module = ast.fix_missing_locations(ast.Module(copy.deepcopy(body), []))
    names = needed(ast.unparse(module))
    for node in ast.walk(module):
        if isinstance(node, ast.Name):
            names.add(node.id)
    return names


class _Paths(ast.NodeTransformer):
    """Turns Gradescope's folders into those of the box, and its library into a few lines."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, str):
            for start in ELSEWHERE:
                if node.value.rstrip("/") == start:
                    return ast.Constant(".")
                if node.value.startswith(f"{start}/"):
                    return ast.Constant(node.value.removeprefix(f"{start}/"))
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        if top_module(node.module or "") not in _OWN:
            return node
        if "check_submitted_files" in map(attrgetter("name"), node.names):
            return ast.copy_location(_statement(FILES), node)
        return ast.Pass()

    def visit_Import(self, node: ast.Import) -> ast.AST:
        node.names = [one for one in node.names if top_module(one.name) not in _OWN]
        return node if node.names else ast.Pass()


def _rewritten(node: ast.stmt) -> ast.stmt:
    made = _Paths().visit(node)
    assert isinstance(made, ast.stmt)
    return made
