"""Questions that are put to a student's process beside a test: for the functions by which the test
tells right from wrong, code that must fail, and code that must hold. Pure.
"""

from __future__ import annotations

import ast
import secrets
from collections.abc import Iterator

from grader.checking.cells.syntax_trees import imported_as, named_calls, names_in, one_by_one

# What functions must not say yes to, by the last part of their names; `{f}` is the function as the
# test names it.
NUMBERS, LISTS = "{f}(0.0, 1.0)", "{f}([0], [1])"
SAME = "{f}([2], [2])"  # and to this they must not say no
TRIED = "try:\n    {}\nexcept ImportError:\n    ...\n"  # a test may know another way
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
ANYTHING = frozenset(("object", "Any"))  # classes to which everything belongs


def must_be_false(tree: ast.Module, guard: str) -> Iterator[str]:
    """Yield code that must fail, for each function by which a test tells right from wrong."""
    for node, function in named_calls(tree):
        last = function.rpartition(".")[2]
        if last == "isinstance" and len(node.args) == 2:
            if not names_in(node.args[1]) & ANYTHING:
                classes = ast.unparse(node.args[1])
                yield f"assert {function}({guard}.other, {classes})"
        elif last in ASKED:
            yield _importing(tree, function) + ASKED[last].format(f=function)


def must_be_true(tree: ast.Module) -> Iterator[str]:
    """Yield code that must hold, for the functions of NumPy by which a test tells right from
    wrong.
    """
    for _, function in named_calls(tree):
        last = function.rpartition(".")[2]
        if last in ("allclose", "array_equal", "array_equiv"):
            yield _importing(tree, function) + "assert " + SAME.format(f=function)
        elif last in ("assert_allclose", "assert_array_equal", "assert_array_almost_equal"):
            yield _importing(tree, function) + SAME.format(f=function)


def _importing(tree: ast.Module, function: str) -> str:
    """Return the lines by which a test imports a function that it names: a question may be asked
    before the test has run.
    """
    root = function.partition(".")[0]
    lines: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias, one in zip(node.names, one_by_one(node), strict=True):
                if imported_as(alias) in (root, "*"):
                    lines[TRIED.format(ast.unparse(one))] = None
    return "".join(lines)


def in_words(question: str) -> str:
    """Return what a question asks, without its imports, in one line."""
    asked = question.rpartition(TRIED.rpartition("\n    ")[2])[2]
    lines = [line for line in asked.split("\n") if not line.startswith("import ")]
    return " ".join(lines).removeprefix("assert ")


def drawn(question: str) -> str:
    """Return a question about other numbers, which differ as its own do."""
    first = secrets.randbelow(900) + 100
    second = first + 1 + secrets.randbelow(900)
    drawn = question.replace(NUMBERS[3:], f"({first}.5, {second}.5)")
    return drawn.replace(LISTS[3:], f"([{first}], [{second}])").replace(
        SAME[3:], f"([{first}], [{first}])"
    )
