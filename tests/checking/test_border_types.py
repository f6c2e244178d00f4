"""What crosses the border: every kind of value, out of the box, into it, recorded and compared."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from toy import Toy, build

from grader.authoring import record

SPEC = """
schema = 1
name = "types"
title = "Types"
reference = "reference"

[[questions]]
id = "q"
title = "Q"

[[files]]
path = "pack/toy.py"
provides = ["value", "take", "Color", "change"]
"""

REFERENCE = """
import collections, datetime, decimal, enum, fractions
import numpy as np


class Color(enum.Enum):
    RED = 1
    BLUE = 2


def value(wrong=False):
    return {right}


def take(x):
    return type(x).__name__, repr(x)


def change(items):
    items.add(3)
"""

# What is right, and what is wrong beside it.
PAIRS = {
    "a big integer": ("2**100", "2**100 + 1"),
    "a complex number": ("1 + 2j", "1 - 2j"),
    "a fraction": ("fractions.Fraction(1, 3)", "1 / 3"),
    "a decimal": ("decimal.Decimal('1.50')", "decimal.Decimal('1.51')"),
    "a set": ("{1, 2.5, (3, 'a')}", "{1, 2.5}"),
    "a frozenset": ("frozenset({'a', 'b'})", "frozenset({'a', 'c'})"),
    "a range": ("range(2, 9, 3)", "range(2, 8, 2)"),
    "bytes": ("b'ab'", "b'ac'"),
    "a date": ("datetime.date(2024, 2, 29)", "datetime.date(2024, 3, 1)"),
    "a time of day": ("datetime.time(3, 4)", "datetime.time(3, 5)"),
    "a moment": ("datetime.datetime(2024, 2, 29, 3)", "datetime.datetime(2024, 2, 29, 4)"),
    "a duration": ("datetime.timedelta(3, 4)", "datetime.timedelta(3, 5)"),
    "a member of an enum": ("Color.RED", "Color.BLUE"),
    "a dict of numbers": ("{1: 2, (0, 1): 3, None: 4}", "{1: 2, (0, 1): 3, None: 5}"),
    "a dict with a key too many": ("{1: 2}", "{1: 2, 3: 4}"),
    "an array of text": ("np.array(['a', 'bc'])", "np.array(['a', 'bd'])"),
    "an array of bytes": ("np.array([b'a', b'bc'])", "np.array([b'a', b'bd'])"),
    "dates of NumPy's": (
        "np.array(['2024-01-01', 'NaT'], 'M8[D]')",
        "np.array(['2024-01-01', '2024-01-02'], 'M8[D]')",
    ),
    "records": (
        "np.array([(1, 2.0)], [('a', int), ('b', float)])",
        "np.array([(1, 3.0)], [('a', int), ('b', float)])",
    ),
    "a masked array": (
        "np.ma.masked_array([1, 2], [True, False])",
        "np.ma.masked_array([1, 2], [False, True])",
    ),
    "sets within others": ("[{1}, {'a': {2}}]", "[{1}, {'a': {3}}]"),
    "dates in a list": ("[datetime.date(2024, 1, 1)]", "[datetime.date(2024, 1, 2)]"),
    "NaN": ("np.array([1.0, np.nan])", "np.array([1.0, 2.0])"),
}
TABLES = {
    "a table": (
        "pd.DataFrame({'a': [1.0, 2], 'b': ['x', None]})",
        "pd.DataFrame({'a': [1.0, 3], 'b': ['x', None]})",
    ),
    "a column": ("pd.Series([1.0, None], name='s')", "pd.Series([1.0, None], name='t')"),
    "an index": ("pd.Index(['a', 'b'], name='n')", "pd.Index(['a', 'c'], name='n')"),
    "two levels": (
        "pd.DataFrame({'k': ['a', 'b'], 'l': [1, 2], 'v': [3, 4]}).groupby(['k', 'l']).sum()",
        "pd.DataFrame({'k': ['a', 'b'], 'l': [1, 3], 'v': [3, 4]}).groupby(['k', 'l']).sum()",
    ),
    "categories": (
        "pd.Series(['u', 'v'], dtype='category')",
        "pd.Series(['u', 'u'], dtype='category')",
    ),
    "moments": (
        "pd.Series(pd.date_range('2024-01-01', periods=2, tz='Europe/Berlin'))",
        "pd.Series(pd.date_range('2024-01-02', periods=2, tz='Europe/Berlin'))",
    ),
}


def recorded(folder: Path, right: str, body: str, head: str = "") -> tuple[Toy, str]:
    """Return an assignment whose reference returns a value, recorded with a check of this body, and
    its code.
    """
    checks = f"import datetime, decimal, fractions\nimport numpy as np\n{head}\n\n"
    checks += 'def test_c(student, expect):\n    """C."""\n'
    spec = f'{SPEC}\n[[checks]]\nid = "c"\nquestion = "q"\npoints = 1\n'
    reference = f"{head}\n{REFERENCE.replace('{right}', right)}"
    made = build(
        folder / "a", spec=spec, checks=checks + textwrap.indent(body, "    "), reference=reference
    )
    record.record(made, reseed=False, progress=lambda line: None)
    return Toy(made, folder / "submissions"), reference


@pytest.mark.parametrize("name", [*PAIRS, *TABLES])
def test_every_kind_comes_out_and_is_judged(tmp_path: Path, name: str) -> None:
    if name in TABLES:
        pytest.importorskip("pandas")
    right, wrong = {**PAIRS, **TABLES}[name]
    head = "import pandas as pd" if name in TABLES else ""
    toy, reference = recorded(tmp_path, right, 'expect("v", student.value())\n', head)
    assert toy.grade(reference).report.score == 1
    graded = toy.grade(reference.replace(f"return {right}", f"return {wrong}"))
    assert graded["c"].status == "fail"
    assert graded["c"].message.startswith("`v")


@pytest.mark.parametrize(
    ("right", "also"),
    [
        ("range(3)", "[0, 1, 2]"),
        ("[0, 1, 2]", "range(3)"),
        ("{1: 2.0}", "{1: 2}"),
        ("['a', 'b']", "np.array(['a', 'b'])"),
        ("np.array(['a', 'b'])", "('a', 'b')"),
        ("{0.1 + 0.2}", "frozenset({0.3})"),
        ("datetime.date(2024, 1, 1)", "np.datetime64('2024-01-01')"),
        ("1.5", "fractions.Fraction(3, 2)"),
        ("['a', 'b']", "{'a': 1, 'b': 2}.keys()"),
        ("[1, 2]", "collections.deque([1, 2])"),
    ],
)
def test_what_is_the_same_in_another_kind_is_right(tmp_path: Path, right: str, also: str) -> None:
    toy, reference = recorded(tmp_path, right, 'expect("v", student.value())\n')
    assert toy.grade(reference.replace(f"return {right}", f"return {also}")).report.score == 1


@pytest.mark.parametrize("value", [right for right, _ in PAIRS.values() if "Color" not in right])
def test_every_kind_goes_into_the_box_as_it_is(tmp_path: Path, value: str) -> None:
    body = f"x = {value}\nname, text = student.take(x)\nassert (name, text) == (type(x).__name__, repr(x)), text\n"
    if value.startswith(("{1, 2.5", "frozenset")):  # whose order depends on the process
        body = f'x = {value}\nexpect.that("x", student.take(x)[0] == type(x).__name__, "no set")\n'
    recorded(tmp_path, "None", body)


def test_a_member_of_an_enum_goes_back_into_the_box(tmp_path: Path) -> None:
    recorded(tmp_path, "Color.RED", 'assert student.take(student.value())[1] == "<Color.RED: 1>"\n')


def test_a_set_from_the_box_is_a_set_for_whoever_asks(tmp_path: Path) -> None:
    body = (
        "found = student.value()\nassert isinstance(found, set) and found == {1, 2.5} and {1, 2.5} == found\n"
        "assert sorted(found | {0}) == [0, 1, 2.5] and found.issubset({1, 2.5, 3}) and set(found) == {1, 2.5}\n"
        "assert student.take(found)[0] == 'set' and 1.0 in found and len(found - {1}) == 1\n"
    )
    recorded(tmp_path, "{1, 2.5}", body)


def test_a_set_that_a_call_changed_is_judged(tmp_path: Path) -> None:
    toy, reference = recorded(
        tmp_path, "None", 'items = {1, 2}\nstudent.change(items)\nexpect("items", items)\n'
    )
    assert toy.grade(reference).report.score == 1
    assert toy.grade(reference.replace("items.add(3)", "pass")).report.score == 0


@pytest.mark.parametrize("name", ["torch", "scipy.sparse"])
def test_tensors_come_as_arrays_and_sparse_matrices_as_themselves(
    tmp_path: Path, name: str
) -> None:
    pytest.importorskip(name)
    right, wrong = (
        ("x.arange(3.0)", "x.arange(4.0)")
        if name == "torch"
        else ("x.eye_array(3)", "x.eye_array(3, k=1)")
    )
    toy, reference = recorded(
        tmp_path, right, 'expect("v", student.value())\n', f"import {name} as x"
    )
    assert toy.grade(reference).report.score == 1
    assert toy.grade(reference.replace(f"return {right}", f"return {wrong}"))["c"].status == "fail"
