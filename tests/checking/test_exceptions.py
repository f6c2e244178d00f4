"""What is said of an exception: the student's code is run in the box, and the sentence must be true
of it.
"""

from __future__ import annotations

import pytest
from toy import REFERENCE, Toy

from grader.checking.explain.exception_hints import Account, hint

PYTHON_2 = "Python 2"
RAISED = {
    "a name one letter off": ("out = x - x.mean(axis=0)\n    return outt, 0", "`outt` is not defined, but `out` is"),
    "a name in another case": ("Mean = x.mean(axis=0)\n    return x - mean, 0", "`mean` is not defined, but `Mean` is"),
    "a name of nothing": ("return x - the_average, 0", "Nothing gives `the_average` a value"),
    "a module not imported": ("return math.floor(2.5), 0", "`import math`"),
    "xrange": ("return [x for _ in xrange(3)], 0", "write `range`"),
    "iteritems": ("return [x for _ in {}.iteritems()], 0", "write `items()`"),
    "keys indexed": ("return {'a': x}.keys()[0], 0", PYTHON_2),
    "a quotient for a length": ("return np.zeros(len(x) / 2), 0", "`//`"),
    "a quotient for an index": ("return x[len(x) / 2], 0", "`//`"),
    "a slice to a quotient": ("return x[: len(x) / 2], 0", "`//`"),
    "np.int": ("return x.astype(np.int), 0", "write `int`"),
    "np.object": ("return x.astype(np.object), 0", "write `object`"),
    "np.float_": ("return np.float_(x), 0", "write `np.float64`"),
    "an attribute one letter off": ("return np.zero(3), 0", "there is `zeros`"),
    "two letters exchanged": ("return np.tahn(x), 0", "there is `tanh`"),
    "a key one letter off": ("grades = {'W_proj': 1}\n    return grades['W_porj'], 0", "there is `W_proj`"),
    "an old attribute": ("import string\n    return string.letters, 0", "`string.ascii_letters`"),
    "print to a stream": ("import sys\n    print >>sys.stderr, 'x'\n    return x, 0", PYTHON_2),
    "a cache indexed too far": ("cache = (x, 1)\n    return cache[2], 0", "taken apart into as many values"),
    "an axis of a split too far": ("return np.split(x, 1, axis=2), 0", "fewer axes"),
    "an axis too far": ("return x.sum(axis=2), 0", "fewer axes"),
    "an index too far": ("return x[len(x)], 0", "counted too far"),
    "too many indices": ("return x[0, 0, 0], 0", "fewer axes"),
    "shape taken apart": ("N, T, D = x.shape\n    return x, 0", "number of axes"),
    "a cache taken apart": ("cache = (x, 1, 2)\n    x, y = cache\n    return x, 0", "taken apart into as many values"),
    "one value taken apart": ("a, b = 1.5\n    return x, 0", "single value"),
    "None": ("return None.shape, 0", "None"),
    "None taken apart": ("a, b = print()\n    return x, 0", "None"),
    "None added": ("return x + None, 0", "None"),
    "a tuple for an array": ("return (x, x).shape, 0", "tuple or list"),
    "a list indexed by two": ("return [x, x][0, 0], 0", "tuple or list"),
    "shapes that do not fit": ("return x @ x, 0", "shapes do not fit"),
    "shapes that do not broadcast": ("return x + np.zeros((7, 5)), 0", "shapes do not fit"),
    "a slice of another shape": ("x[:, 0] = np.zeros(9)\n    return x, 0", "another shape than the place"),
    "a reshape": ("return x.reshape(-1, 7), 0", "keeps the number of entries"),
    "the truth of an array": ("return (x if x > 0 else -x), 0", "needs one answer"),
    "an array called": ("return x(0), 0", "not a function"),
    "arguments": ("return (lambda a: a)(x, x), 0", "arguments"),
    "floats added to integers": ("y = np.zeros(3, int)\n    y += 0.5\n    return y, 0", "array of integers"),
    "no end": ("return center(x), 0", "calls itself"),
    "a variable set too late": ("y = z + 1\n    z = 2\n    return y, 0", "some paths"),
    "an id beyond 8 bits": ("y = np.zeros(3, np.int8)\n    y[0] = 300\n    return y, 0", "`int8` ends at 127"),
    "nothing to stack": ("return np.stack([]), 0", "list of arrays is empty"),
    "a key that is added to": ("grads = {}\n    grads['W'] += x\n    return x, 0", "set it first"),
    "an entry of a tuple by its name": ("return (x, x).cache_h, 0", "no such name"),
    "a key": ("return {'a': x}['b'], 0", "no such key"),
    "its own assertion": ("assert False\n    return x, 0", "`assert` in your own code"),
}  # fmt: skip


def hinted(toy: Toy, code: str) -> str:
    """Return the hint of the check of `center`."""
    return toy.grade(code, "center")["center"].hint


@pytest.mark.parametrize("name", RAISED)
def test_exception_has_its_hint(toy: Toy, name: str) -> None:
    body, said = RAISED[name]
    assert said in toy.change(f"def center(x):\n    {body}", "center")["center"].hint


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('print "shape"', "Write `print(...)`, with brackets"),
        ("import torch_like", "`torch_like` is not there when your work is graded"),
        ("from given import total", "`pack.given` was taken instead"),
        ("from bag.given import total", "`pack.given` was taken instead"),
        ("import given as g", "`pack.given` was taken instead"),
        ("from given import totals", "this module is `pack.given`"),
        ("import cPickle", "belongs to Python 2"),
        ("from .given import totals", "nothing of this name"),
        ("from ...given import total", "leading dot"),
        ("x = (1", "Python can't read this line"),
        ("if True:\nx = 1", "as far in"),
        ("if True:\n    x = 1\n\ty = 2", "Tabs and spaces"),
        ("try:\n    pass\nexcept ValueError, error:\n    pass", "except"),
    ],
)
def test_line_that_can_not_be_used_has_its_hint_and_costs_nothing(
    toy: Toy, line: str, said: str
) -> None:
    graded = toy.grade(f"{REFERENCE}\n\n{line}\n", "center")
    assert graded.passed == {"center"}
    (note,) = graded.report.notes
    assert said in note


def test_import_within_a_function_has_its_hint(toy: Toy) -> None:
    body = "    from given import total\n    return x, 0"
    assert "this module is `pack.given`" in hinted(toy, f"def center(x):\n{body}\n")


def test_exception_in_some_cases_is_told_of_those(toy: Toy) -> None:
    code = "def center(x):\n    if len(x) == 1:\n        return x[1], 0\n    return x, 0"
    told = toy.change(code, "center")["center"]
    assert "counted too far" in told.hint
    assert "That holds in 1 of the" in told.hint


@pytest.mark.parametrize(
    "account",
    [
        Account((), "no account"),
        Account(("OwnError", "Exception"), "list indices must be integers or slices, not tuple"),
        Account(("NameError", "Exception"), "name '<b>' is not defined", near="<script>"),
        Account(
            ("AttributeError", "Exception"), "module 'numpy' has no attribute '<b>'", near="a b"
        ),
        Account(("ModuleNotFoundError", "ImportError"), "No module", missing="<b>", near="<i>"),
        Account(("ImportError",), "cannot import name '<b>' from 'x'"),
    ],
)
def test_nothing_is_said_of_what_has_no_known_form(account: Account) -> None:
    assert hint(account) == ""


def test_right_code_is_told_nothing(toy: Toy) -> None:
    assert {result.hint for result in toy.grade().report.checks} == {""}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("s = `x`", "repr(...)"),
        ("if x.ndim <> 2:", "`!=`"),
        ("raise ValueError, 'x'", "`raise Error(message)`"),
        ("except ValueError, e:", "`except Error as error:`"),
        ("size = 10L", "no `L`"),
        ("s = ur'abc'", "without the `u`"),
        ("f = lambda (a, b): a", "can't be a tuple"),
    ],
)
def test_syntax_of_python_2_is_named(line: str, said: str) -> None:
    told = hint(Account(("SyntaxError", "Exception"), "invalid syntax", line))
    assert PYTHON_2 in told
    assert said in told


def test_backquotes_in_prose_are_not_taken_for_python_2() -> None:
    prose = "The function `evens` works, see above"
    assert PYTHON_2 not in hint(Account(("SyntaxError", "Exception"), "invalid syntax", prose))
