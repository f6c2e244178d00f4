"""An author's test as it is sent to run beside a student's objects: watched, with what must come
out false around it.

Pure. `watched` rewrites the code so that it says what it compares, which statements it has passed
and what number it ends with; `must_be_false` makes, for the functions that the test asks, the
questions whose answer is no.
"""

from __future__ import annotations

import ast
import math
import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from grader.checking.cells.points_by_number import PointsRule, counted
from grader.checking.cells.trusted_comparisons import (
    VALUES,
    Cutter,
    ValueComparison,
    bound,
    imports_of,
    literals_under_names,
    must_hold,
    unrolled,
    with_names,
)
from grader.errors import AssignmentError
from grader.notebooks.definitions import tree_of

# What functions must not say yes to, by the last part of their names; `{f}` is the function as the
# test names it.
NUMBERS, LISTS = "{f}(0.0, 1.0)", "{f}([0], [1])"
SAME = "{f}([2], [2])"  # and to this they must not say no
ASKED = {
    **dict.fromkeys(("allclose", "isclose"), f"assert {NUMBERS}"),
    **dict.fromkeys(("array_equal", "array_equiv"), f"assert {LISTS}"),
    **dict.fromkeys(
        (
            "assert_allclose",
            "assert_almost_equal",
            "assert_equal",
            "assert_approx_equal",
            "assert_array_almost_equal",
            "assertAlmostEqual",
            "assertEqual",
            "assertEquals",
            "eq_",
            "assertCountEqual",
            "assert_equals",
        ),
        NUMBERS,
    ),
    **dict.fromkeys(("assert_array_equal", "assertListEqual", "assertSequenceEqual"), LISTS),
    **dict.fromkeys(("assert_array_less", "assertLess", "assertLessEqual"), "{f}(1, 0)"),
    **dict.fromkeys(("assertGreater", "assertGreaterEqual"), "{f}(0, 1)"),
    **dict.fromkeys(("assertTrue", "assert_true", "assert_", "ok_"), "{f}(False)"),
    **dict.fromkeys(("assertFalse", "assert_false"), "{f}(True)"),
    **dict.fromkeys(("assertIn", "assert_in"), "{f}(0, [])"),
    **dict.fromkeys(
        ("assertRaises", "raises", "assert_raises"), "with {f}(ZeroDivisionError):\n    pass"
    ),
    **dict.fromkeys(
        ("assertRaisesRegex", "assert_raises_regex"), "with {f}(ZeroDivisionError, 'x'):\n    pass"
    ),
    **dict.fromkeys(("assertNotEqual", "assertNotAlmostEqual"), "{f}(1.0, 1.0)"),
    **dict.fromkeys(("assertRegex", "assertMultiLineEqual"), "{f}('a', 'b')"),
    "assertNotRegex": "{f}('a', 'a')",
    "assertNotIn": "{f}(0, [0])",
    "assertIs": "{f}([], [])",
    "assertIsNot": "{f}(None, None)",
    "assertIsNone": "{f}(0)",
    "assertIsNotNone": "{f}(None)",
    "assertTupleEqual": "{f}((0,), (1,))",
    "assertSetEqual": "{f}({{0}}, {{1}})",
    "assertNotIsInstance": "{f}(0, int)",
    "fail": "{f}('')",
    "assertDictEqual": "{f}({{0: 0}}, {{0: 1}})",
    "assertIsInstance": "{f}(0, str)",
    "assert_frame_equal": "import pandas\n{f}(pandas.DataFrame([0]), pandas.DataFrame([1]))",
    "assert_series_equal": "import pandas\n{f}(pandas.Series([0]), pandas.Series([1]))",
    "assert_index_equal": "import pandas\n{f}(pandas.Index([0]), pandas.Index([1]))",
    "issubclass": "assert {f}(int, str)",
    "hasattr": "assert {f}(0, 'no_such_attribute')",
    "callable": "assert {f}(0)",
    "all": "assert {f}([False])",
    "any": "assert {f}([False])",
    "len": "assert {f}([0]) == 2",
    "abs": "assert {f}([-2][0]) == 0",
    "round": "assert {f}(1.6) == 0",
    "sum": "assert {f}([1]) == 0",
    "sorted": "assert {f}([2, 1]) == []",
    "set": "assert {f}([1]) == {f}([])",
    "type": "assert {f}([0]) == {f}(0)",
    "str": "assert {f}(0) == ''",
}
ALWAYS = (
    "assert [0][0] == 1",
    "assert [0] == [1]",
    "assert ['a'][0] in ['b']",
    "assert [1][0] != 1",
    "assert [1][0] < 0",
)
KINDS = frozenset(
    (
        "len",
        "type",
        "str",
        "set",
        "sorted",
        "hasattr",
        "callable",
        "issubclass",
        "assertRaises",
        "raises",
        "assert_raises",
        "assertRaisesRegex",
        "assert_raises_regex",
        "fail",
    )
)  # they compare nothing
# Packages whose functions must not be a student's while a test uses them, by their usual names.
WATCHED = {
    **{"np": "numpy", "numpy": "numpy", "nt": "numpy", "npt": "numpy"},
    **{"pd": "pandas", "pandas": "pandas"},
    **{
        name: name for name in ("nose", "unittest", "pytest", "hashlib", "math", "contextlib", "io")
    },
}
ANYTHING = frozenset(("object", "Any"))  # classes to which everything belongs
_TIMING = re.compile(r"\A\s*%%(?:time|timeit|capture)\b[^\n]*\n")
_NAMES = (ast.Name, ast.Attribute)
REPEATING = (
    *(ast.For, ast.AsyncFor, ast.While, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)


class WatchedCode(NamedTuple):
    """One piece of code: what is sent, and how it is known that all of it was passed."""

    code: str
    literals: tuple[str, ...]
    marks: tuple[int, ...]
    comparisons: tuple[Compared, ...] = ()
    told: tuple[str, ...] = ()  # what stands in messages, which is not sent
    tally: PointsRule | None = None  # how its points add up, if it ends with their number


class Compared(NamedTuple):
    """A comparison that the trusted side makes, and the box for values that aren't plain."""

    decided: ValueComparison
    code: str
    literals: tuple[str, ...]


class Program(NamedTuple):
    """All that is sent for one test: its pieces in an order of chance, and which of them is the
    test itself.
    """

    guard: str  # the name that the pieces know their guards by
    pieces: tuple[WatchedCode, ...]
    test: int
    questions: tuple[str, ...]  # the code of each piece as an author reads it
    true: frozenset[int]  # the questions whose answer is yes
    builtins: tuple[str, ...]  # built-in names that the test means
    statements: tuple[str, ...]  # of the test, as an author reads them
    theirs: tuple[str, ...]  # modules of the student's
    modules: tuple[str, ...]  # those of them that the test imports
    libraries: tuple[str, ...]  # packages that the test builds on

    def body(self, seconds: float) -> dict[str, Any]:
        """Return the request; the pieces are sent one by one, as the box asks for them."""
        return {
            "op": "probe",
            "guard": self.guard,
            "builtins": list(self.builtins),
            "seconds": seconds,
            "theirs": list(self.theirs),
            "modules": list(self.modules),
            "libraries": list(self.libraries),
        }


def program(
    source: str, theirs: frozenset[str], builtin: frozenset[str], modules: tuple[str, ...] = ()
) -> Program:
    """Return what is sent for a test.

    theirs: names that the author's own notebook defines, which may be those of builtins; modules:
    those of the student's. Raises `AssignmentError` for code that can't be read.
    """
    text = plain(source)
    tree = parsed(text, source)
    guard = f"_{secrets.token_hex(8)}"
    asked = list(dict.fromkeys([*ALWAYS, *must_be_false(tree, guard)]))
    asked_true = list(dict.fromkeys(must_be_true(tree)))
    cutter = Cutter(imports_of(tree), theirs)
    written_out = unrolled(tree, cutter)
    order = secrets.SystemRandom()
    pieces = _questions(asked, asked_true, guard)
    before = order.randint(1, len(pieces) - 1)
    pieces.insert(before, (source, False, _piece(written_out, guard, cutter)))
    # What the test itself may have brought about is asked for behind it, too.
    pieces += _questions(asked, asked_true, guard)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return Program(
        guard=guard,
        pieces=tuple(piece for _, _, piece in pieces),
        test=before,
        questions=tuple(question for question, _, _ in pieces),
        true=frozenset(index for index, (_, true, _) in enumerate(pieces) if true),
        builtins=tuple(sorted(used & builtin - theirs)),
        statements=tuple(_first_line(node) for node in written_out.body),
        theirs=modules,
        modules=tuple(sorted(_imports(tree) & {*modules})),
        libraries=tuple(sorted(_libraries(tree))),
    )


def _questions(
    false: list[str], true: list[str], guard: str
) -> list[tuple[str, bool, WatchedCode]]:
    """Return questions in an order of chance, with numbers of chance, and whether each is true."""
    order = secrets.SystemRandom()
    asked = [(question, False) for question in false] + [(question, True) for question in true]
    made = []
    for question, is_true in order.sample(asked, len(asked)):
        drawn = _drawn(question)
        made.append((drawn, is_true, _piece(parsed(drawn, drawn), guard)))
    return made


def _drawn(question: str) -> str:
    """Return a question about other numbers, which differ as its own do."""
    first = secrets.randbelow(900) + 100
    second = first + 1 + secrets.randbelow(900)
    drawn = question.replace(NUMBERS[3:], f"({first}.5, {second}.5)")
    return drawn.replace(LISTS[3:], f"([{first}], [{second}])").replace(
        SAME[3:], f"([{first}], [{first}])"
    )


def _libraries(tree: ast.Module) -> set[str]:
    """Return the packages by which a test may tell right from wrong: those of `WATCHED` that it
    names.
    """
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    packages = {WATCHED[name] for name in names & WATCHED.keys()}
    return packages | ({"_pytest"} if "pytest" in packages else set())


def _imports(tree: ast.Module) -> set[str]:
    """Return the modules that a test imports at its top level."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def plain(source: str) -> str:
    """Return a cell's code as plain Python: IPython's own lines become calls, a clock around the
    cell is taken off.
    """
    text = _TIMING.sub("", source)
    try:
        tree_of(text)
    except SyntaxError:
        from IPython.core.inputtransformer2 import TransformerManager  # only for magics

        made: str = TransformerManager().transform_cell(text)
        return made
    return text


def parsed(text: str, source: str) -> ast.Module:
    """Return a syntax tree; raise `AssignmentError` if there is none."""
    try:
        return tree_of(text)
    except (SyntaxError, ValueError) as error:
        first = source.strip().partition("\n")[0]
        raise AssignmentError(
            f"a test in the box that begins with {first!r} can't be read: {error}"
        ) from None


def must_be_false(tree: ast.Module, guard: str) -> Iterator[str]:
    """Yield code that must fail, for each function by which a test tells right from wrong."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, _NAMES):
            continue
        function = ast.unparse(node.func)
        last = function.rpartition(".")[2]
        if last == "isinstance" and len(node.args) == 2:
            names = {inner.id for inner in ast.walk(node.args[1]) if isinstance(inner, ast.Name)}
            if not names & ANYTHING:
                yield f"assert {function}({guard}.other, {ast.unparse(node.args[1])})"
        elif last in ASKED:
            yield ASKED[last].format(f=function)


def must_be_true(tree: ast.Module) -> Iterator[str]:
    """Yield code that must hold, for the functions of NumPy by which a test tells right from
    wrong.
    """
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, _NAMES):
            continue
        function = ast.unparse(node.func)
        last = function.rpartition(".")[2]
        if last in ("allclose", "array_equal", "array_equiv"):
            yield "assert " + SAME.format(f=function)
        elif last in ("assert_allclose", "assert_array_equal", "assert_array_almost_equal"):
            yield SAME.format(f=function)


# --- the rewritten code ---------------------------------------------------------------------------


def _piece(tree: ast.Module, guard: str, cutter: Cutter | None = None) -> WatchedCode:
    """Return code that tells its guard what it passes and compares.

    cutter: takes the comparisons apart that the trusted side makes
    """
    if cutter is None:
        return _rewritten(tree, guard, None)
    text = ast.unparse(tree)
    cutter.known = literals_under_names(tree, cutter)
    while True:
        piece = _rewritten(ast.parse(text), guard, cutter)
        read = {
            node.id
            for node in ast.walk(ast.parse(piece.code))
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        }
        left = read & cutter.known.keys()
        if not left:
            return piece
        # what the box needs of them, for instance as an argument, stays a variable there
        for name in left:
            del cutter.known[name]


def _rewritten(tree: ast.Module, guard: str, cutter: Cutter | None) -> WatchedCode:
    held = dict[int, tuple[bool, bool]]()
    if cutter is not None:
        held = {id(node): (True, required) for node, required in must_hold(tree)}
    rewriter = _Rewriter(guard, cutter, held)
    body: list[ast.stmt] = []
    marks: list[int] = []
    for index, node in enumerate(tree.body):
        if cutter is None or bound(node) not in cutter.known:
            made = rewriter.visit(node)
            if index == len(tree.body) - 1 and isinstance(made, ast.Expr):
                made = ast.Expr(rewriter.call("ended", made.value))
            body.append(made)
        if not (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
            marks.append(secrets.randbelow(1 << 31))
            body.append(ast.Expr(rewriter.call("mark", ast.Constant(marks[-1]))))
    whole = ast.Module(body=body, type_ignores=[])
    count = None if cutter is None else counted(whole, rewriter.call, guard)
    ast.fix_missing_locations(whole)
    return WatchedCode(
        ast.unparse(whole),
        tuple(rewriter.literals),
        tuple(marks),
        tuple(rewriter.comparisons),
        tuple(rewriter.told),
        count,
    )


class _Rewriter(ast.NodeTransformer):
    """Puts calls of the guard around what is compared; literals that are compared with go to its
    table.
    """

    def __init__(
        self,
        guard: str,
        cutter: Cutter | None = None,
        held: Mapping[int, tuple[bool, bool]] | None = None,
    ) -> None:
        self.guard = guard
        self.literals: list[str] = []
        self.comparisons: list[Compared] = []
        self.told: list[str] = []
        self._cutter = cutter
        self._held = held or {}
        self._compared = 0
        self._repeats = 0  # loops and functions that the node at hand stands in

    def visit(self, node: ast.AST) -> Any:
        """Visit a node and know whether it may be run more than once."""
        repeats = isinstance(node, REPEATING)
        self._repeats += repeats
        made = super().visit(node)
        self._repeats -= repeats
        return made

    def call(self, name: str, *args: ast.expr) -> ast.expr:
        """Return a call of the guard."""
        function = ast.Attribute(ast.Name(self.guard, ast.Load()), name, ast.Load())
        return ast.Call(function, list(args), [])

    def _sent_out(self, node: ast.expr) -> ast.expr | None:
        """Return the call that lets the trusted side compare, None for what it can't compare."""
        cut = None if self._cutter is None else self._cutter.cut(node)
        if cut is None:
            return None
        inner = _Rewriter(self.guard)
        held = self._held.get(id(node), (False, False))
        decided = ValueComparison(ast.unparse(cut.rest), cut.modules, *held, once=not self._repeats)
        code = ast.unparse(ast.fix_missing_locations(inner.visit(_parsed_again(cut.rest))))
        self.comparisons.append(Compared(decided, code, tuple(inner.literals)))
        number = ast.Constant(len(self.comparisons) - 1)
        made = self.call("decided", number, *(self.visit(value) for value in cut.values))
        if cut.receiver and isinstance(made, ast.Call):
            made.keywords = [ast.keyword(cut.receiver, ast.Name(cut.receiver, ast.Load()))]
        return made

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        node.test = self.visit(node.test)
        if node.msg is not None and self._cutter is not None:
            node.msg = self._message(node.msg)
        return node

    def _message(self, node: ast.expr) -> ast.expr:
        """Return a message whose literals stay on the trusted side."""
        if isinstance(node, ast.JoinedStr):
            node.values = [self._message(part) for part in node.values]
            return node
        value = node.value if isinstance(node, ast.FormattedValue) else node
        assert self._cutter is not None
        if not isinstance(value, ast.expr) or not self._cutter.is_literal(value):
            return node
        if isinstance(node, ast.FormattedValue) and (node.format_spec or node.conversion > 0):
            return node
        try:
            told = ast.literal_eval(with_names(_parsed_again(value), self._cutter.known))
        except ValueError:
            return node
        self.told.append(str(told))
        return ast.Constant(f"{self.guard}:{len(self.told) - 1};")

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        if (sent := self._sent_out(node)) is not None:
            return sent
        self._compared += 1
        self.generic_visit(node)
        self._compared -= 1
        if len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            name = "equal" if isinstance(node.ops[0], ast.Eq) else "unequal"
            return self.call(name, node.left, node.comparators[0])
        if not all(isinstance(op, ast.Is | ast.IsNot) for op in node.ops):
            node.left = self.call("looked_at", node.left)
            node.comparators = [self.call("looked_at", one) for one in node.comparators]
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if (sent := self._sent_out(node)) is not None:
            return sent
        named = ast.unparse(node.func).rpartition(".")[2] if isinstance(node.func, _NAMES) else ""
        asks = named in ASKED and named not in KINDS
        self._compared += asks
        self.generic_visit(node)
        self._compared -= asks
        if named == "isinstance" and node.args:
            node.args[0] = self.call("own_class", node.args[0])
        if asks:
            node.args = [
                one if isinstance(one, ast.Starred) else self.call("looked_at", one)
                for one in node.args
            ]
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if self._compared:  # a difference that is compared with a bound
            node.left, node.right = (
                self.call("looked_at", node.left),
                self.call("looked_at", node.right),
            )
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load):
            node.value = self.call("of", node.value, ast.Constant(node.attr))
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if not self._compared or isinstance(node.value, bool | type(None) | type(...)):
            return node
        if isinstance(node.value, float) and not math.isfinite(node.value):
            return node
        self.literals.append(repr(node.value))
        return self.call("literal", ast.Constant(len(self.literals) - 1))

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        of_values = isinstance(node.value, ast.Name) and node.value.id == VALUES
        return node if of_values else self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return node

    def visit_MatchValue(self, node: ast.MatchValue) -> ast.AST:
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.body = [self.visit(one) for one in node.body]  # and not its decorators and annotations
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.body = [self.visit(one) for one in node.body]
        return node


def _parsed_again(node: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(node), mode="eval").body


def _first_line(node: ast.stmt) -> str:
    text = ast.unparse(node)
    return text.partition("\n")[0]
