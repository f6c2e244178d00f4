"""What a cell's code defines and what of it is still to be written, found without running it."""

from __future__ import annotations

import ast

import pytest

from grader.notebooks.definitions import LONGEST, MAGIC, definitions, is_untouched, stubs


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def f(x):\n    y = x\n    return y", {"f"}),
        ("class C:\n    z = 1\n    def m(self): pass", {"C"}),
        ("a, (b, *c) = 1, (2, 3)\nd: int = 4\ne += 1", {"a", "b", "c", "d", "e"}),
        (
            "for i in range(3):\n    last = i\nwith open('x') as file:\n    pass",
            {"i", "last", "file"},
        ),
        ("if True:\n    import math\n    half = 0.5", {"half"}),
        ("squares = [n * n for n in range(3)]\nf = lambda k: k", {"squares", "f"}),
        ("(m := 5)", {"m"}),
        ("%matplotlib inline\n!ls\nx = 1", {"x"}),
        ("np.array?\nx = 1", {"x"}),
        ("async def f(): ...", {"f"}),
        ("print('nothing')", set()),
        ("", set()),
    ],
)
def test_names_that_a_cell_binds(source: str, names: set[str]) -> None:
    assert definitions(source) == names


@pytest.mark.parametrize(
    "source", ["def f(x):\n    return (x\n\ny = 2", "def f(x) return x\ny = 2"]
)
def test_names_of_a_cell_with_a_syntax_error_are_read_off_its_lines(source: str) -> None:
    assert definitions(source) == {"f", "y"}


def test_a_cell_that_is_too_long_to_be_parsed_is_read_line_by_line() -> None:
    assert definitions("def f():\n    pass\n" + "#" * LONGEST) == {"f"}


def test_code_that_no_parser_can_take_raises_nothing() -> None:
    assert definitions("x = " + "(" * 20_000) == {"x"}
    assert definitions("x = " + "-" * 40_000 + "1") == {"x"}


@pytest.mark.parametrize(
    "body",
    [
        "raise NotImplementedError",
        "raise NotImplementedError('f')",
        "pass",
        "...",
        '"""Only words."""',
        "return None",
        "return",
        "return None, None",
        "a = None\n    b, c = None, None\n    pass\n    return a, b, c",
        "n, d = x.shape\n    raise NotImplementedError('f')",
    ],
)
def test_a_body_that_does_nothing_is_a_stub(body: str) -> None:
    source = f"def f(x):\n    {body}"
    assert stubs(source) == {"f"}
    assert is_untouched(source)


@pytest.mark.parametrize(
    "body",
    [
        "return x",
        "return 0",
        "x[:] = 0",
        "print(x)",
        "if x:\n        return x\n    raise NotImplementedError('a negative x')",
        "total = None\n    total = 3\n    return total",
    ],
)
def test_a_body_that_does_something_is_none(body: str) -> None:
    assert stubs(f"def f(x):\n    {body}") == set()


def test_a_cell_that_raises_itself_leaves_all_its_names_unwritten() -> None:
    assert stubs("total = 0\nraise NotImplementedError('total')") == {"total"}


def test_a_name_that_is_set_to_nothing_is_unwritten() -> None:
    assert stubs("a = None\nb = ...\nc = 3") == {"a", "b"}


def test_a_class_is_unwritten_if_all_its_methods_are() -> None:
    method = "    def {}(self):\n        {}\n"
    empty = (
        "class C:\n" + method.format("a", "pass") + method.format("b", "raise NotImplementedError")
    )
    assert stubs(empty) == {"C"}
    assert stubs(empty + method.format("c", "return 1")) == set()


def test_blank_lines_are_looked_at_once() -> None:
    """A pattern that runs over line ends looks at each of them from each line's start."""
    match = MAGIC.match("\n" * 1000)
    assert match is None
    assert MAGIC.sub("x", "\n" * 40_000) == "\n" * 40_000


def test_two_threads_that_parse_at_once_cost_no_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.11 keeps one counter of depth for all threads, and raises if another has moved it."""
    really, failures = ast.parse, iter([SystemError("AST constructor recursion depth mismatch")])

    def parse(source: str) -> ast.Module:
        for failure in failures:
            raise failure
        return really(source)

    monkeypatch.setattr(ast, "parse", parse)
    assert definitions("if True:\n    half = 0.5") == {"half"}
