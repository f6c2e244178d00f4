"""What crosses the border: every kind of value, out of the box, into it, recorded and compared.

All kinds are cases of one assignment, which is recorded once and graded three times.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import pytest
from toy import Graded, Toy, build

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


def value(kind):
    return VALUES[kind]()


def take(x):
    return type(x).__name__, repr(x)


def change(items):
    items.add(3)


"""

CHECKS = """
import datetime, decimal, fractions
import numpy as np
import pytest


@pytest.mark.parametrize("kind", {judged})
def test_judged(student, expect, kind):
    \"\"\"Values out of the box.\"\"\"
    expect("v", student.value(kind))


@pytest.mark.parametrize("kind", {same})
def test_same(student, expect, kind):
    \"\"\"Values that may be of another kind.\"\"\"
    expect("v", student.value(kind))


@pytest.mark.parametrize("x", [{into}], ids=str)
def test_into(student, expect, x):
    \"\"\"Values into the box.\"\"\"
    name, text = student.take(x)
    assert name == type(x).__name__
    if not isinstance(x, set | frozenset):  # whose order depends on the process
        assert text == repr(x)


def test_enum(student):
    \"\"\"A member of an enum goes back into the box.\"\"\"
    assert student.take(student.value("a member of an enum"))[1] == "<Color.RED: 1>"


def test_set(student):
    \"\"\"A set from the box is a set.\"\"\"
    found = student.value("a small set")
    assert isinstance(found, set)
    assert found == {{1, 2.5}} and {{1, 2.5}} == found and set(found) == {{1, 2.5}}
    assert sorted(found | {{0}}) == [0, 1, 2.5]
    assert found.issubset({{1, 2.5, 3}})
    assert student.take(found)[0] == "set"
    assert 1.0 in found
    assert len(found - {{1}}) == 1


def test_changed(student, expect):
    \"\"\"A set that a call changed.\"\"\"
    items = {{1, 2}}
    student.change(items)
    expect("items", items)
"""

# What is right, and what is wrong beside it.
PAIRS = {
    "a big integer": ("2**100", "2**100 + 1"),
    "a complex number": ("1 + 2j", "1 - 2j"),
    "a fraction": ("fractions.Fraction(1, 3)", "1 / 3"),
    "a decimal": ("decimal.Decimal('1.50')", "decimal.Decimal('1.51')"),
    "a small set": ("{1, 2.5}", "{1, 2.5, 3}"),
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
    "days for months": ("np.array([1, 2], 'm8[D]')", "np.array([1, 2], 'm8[M]')"),
    "a year for a day": ("np.timedelta64(1, 'D')", "np.timedelta64(1, 'Y')"),
    "days and months in a list": (
        "[np.timedelta64(1, 'D')]",
        "[np.timedelta64(1, 'D'), np.timedelta64(1, 'M')]",
    ),
    "dates in a list that no unit holds": (
        "np.array(['2024-01-01', '2024-01-02'], 'M8[ns]')",
        "[np.datetime64(2**62, 'Y'), np.datetime64(1, 'ns')]",
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


# What is recorded, and what is right as well.
SAME = {
    "a list for a range": ("range(3)", "[0, 1, 2]"),
    "a range for a list": ("[0, 1, 2]", "range(3)"),
    "an int for a whole float": ("{1: 2.0}", "{1: 2}"),
    "an array of text for a list": ("['a', 'b']", "np.array(['a', 'b'])"),
    "a tuple for an array of text": ("np.array(['a', 'b'])", "('a', 'b')"),
    "a frozenset within the tolerance": ("{0.1 + 0.2}", "frozenset({0.3})"),
    "NumPy's date": ("datetime.date(2024, 1, 1)", "np.datetime64('2024-01-01')"),
    "a fraction for a float": ("1.5", "fractions.Fraction(3, 2)"),
    "the keys of a dict": ("['a', 'b']", "{'a': 1, 'b': 2}.keys()"),
    "a deque": ("[1, 2]", "collections.deque([1, 2])"),
}
LIBRARIES = {
    "scipy.sparse": ("x.eye_array(3)", "x.eye_array(3, k=1)"),
    "torch": ("x.arange(3.0)", "x.arange(4.0)"),
}
PANDAS = importlib.util.find_spec("pandas") is not None
JUDGED = {**PAIRS, **TABLES} if PANDAS else PAIRS
INTO = [right for right, _ in PAIRS.values() if "Color" not in right]


def module(values: Mapping[str, str], head: str = "") -> str:
    """Return a submission whose function `value` gives these, each by the name of its kind."""
    made = "".join(f"    {name!r}: lambda: {code},\n" for name, code in values.items())
    return f"{head}\n{REFERENCE}VALUES = {{\n{made}}}\n"


def recorded(folder: Path, checks: str, reference: str, *ids: str) -> Toy:
    spec = SPEC
    for id_ in ids:
        spec += f'\n[[checks]]\nid = "{id_}"\nquestion = "q"\npoints = 1\n'
    made = build(folder / "a", spec=spec, checks=checks, reference=reference)
    record.record(made, reseed=False, again=False, progress=lambda line: None)
    return Toy(made, folder / "submissions")


class Border:
    """The assignment with all kinds, and what came of a right and a wrong submission and of one
    whose values are right in another kind.
    """

    def __init__(self, folder: Path) -> None:
        head = "import pandas as pd" if PANDAS else ""
        both = {**JUDGED, **SAME}
        right = {name: right for name, (right, _) in both.items()}
        checks = CHECKS.format(judged=list(JUDGED), same=list(SAME), into=", ".join(INTO))
        ids = ("judged", "same", "into", "enum", "set", "changed")
        toy = recorded(folder, checks, module(right, head), *ids)
        self.right = toy.grade(module(right, head))
        other = {name: other for name, (_, other) in both.items()}
        wrong = module(other, head).replace("items.add(3)", "pass")
        self.wrong = toy.grade(wrong)


@pytest.fixture(scope="module")
def border(tmp_path_factory: pytest.TempPathFactory) -> Border:
    return Border(tmp_path_factory.mktemp("border"))


def status(graded: Graded, check: str, case: str) -> str:
    return next(one.status for one in graded[check].cases if one.id == case)


@pytest.mark.parametrize("kind", JUDGED)
def test_every_kind_comes_out_and_is_judged(border: Border, kind: str) -> None:
    assert status(border.right, "judged", kind) == "pass"
    wrong = next(one for one in border.wrong["judged"].cases if one.id == kind)
    assert wrong.status == "fail"
    assert wrong.message.startswith("`v")


@pytest.mark.parametrize("kind", SAME)
def test_what_is_the_same_in_another_kind_is_right(border: Border, kind: str) -> None:
    assert status(border.right, "same", kind) == "pass"
    assert status(border.wrong, "same", kind) == "pass"


def test_every_kind_goes_into_the_box_as_it_is(border: Border) -> None:
    cases = border.right["into"].cases
    assert len(cases) == len(INTO)
    assert {one.status for one in cases} == {"pass"}


def test_a_member_of_an_enum_goes_back_into_the_box(border: Border) -> None:
    assert border.right["enum"].status == "pass"
    assert border.wrong["enum"].status == "fail"


def test_a_set_from_the_box_is_a_set_for_whoever_asks(border: Border) -> None:
    assert border.right["set"].status == "pass"
    assert border.wrong["set"].status == "fail"


def test_a_set_that_a_call_changed_is_judged(border: Border) -> None:
    assert border.right["changed"].status == "pass"
    assert border.wrong["changed"].status == "fail"


@pytest.mark.parametrize("name", LIBRARIES)
def test_tensors_come_as_arrays_and_sparse_matrices_as_themselves(
    tmp_path: Path, name: str
) -> None:
    pytest.importorskip(name)
    right, wrong = LIBRARIES[name]
    head = f"import {name} as x"
    checks = 'def test_c(student, expect):\n    """C."""\n    expect("v", student.value("x"))\n'
    toy = recorded(tmp_path, checks, module({"x": right}, head), "c")
    assert toy.grade(module({"x": right}, head)).report.score == 1
    assert toy.grade(module({"x": wrong}, head))["c"].status == "fail"
