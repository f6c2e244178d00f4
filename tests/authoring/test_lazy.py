"""Lazy solutions: what each answers, and that the audit names the checks which pay for it."""

from __future__ import annotations

import datetime
import json
from collections import namedtuple
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.assignment.spec import Assignment, load
from grader.authoring.audit import lazy_solutions
from grader.authoring.audit.findings import Audit
from grader.authoring.audit.lazy_answers import KINDS, lazily
from grader.authoring.audit.run_audit import AuditOptions, audit
from grader.authoring.record import record

Pair = namedtuple("Pair", "first second")


def answer(kind: str, right: Any, *given: Any) -> Any:
    return lazily(lambda *args: right, kind)(*given)


@pytest.mark.parametrize(
    ("kind", "right", "given", "expected"),
    [
        ("zero", np.array([2.0, 3.0]), (), [0.0, 0.0]),
        ("one", np.array([[2, 3]]), (), [[1, 1]]),
        ("usual", np.array([1, 2, 2, 2, 0, 1, 2, 2, 2, 2]), (), [2] * 10),
        ("usual", np.array([1, 1]), (), [0, 0]),  # of two entries it would be the answer itself
        ("usual", np.full(10, 7), (), [0] * 10),  # so it would if all are the same
        ("counted", np.array([2.0, 3.0, 9.0]), (), [0.0, 1.0, 2.0]),
        ("counted", np.array([2, 0, 1, 0]), (), [0, 1, 2, 0]),
        ("sorted", np.array([2, 0, 1, 0, 1, 2]), (), [0, 0, 1, 1, 2, 2]),
        ("first", np.ones(2), (np.array([5.0, 6.0]), np.array([7.0, 8.0])), [5.0, 6.0]),
        ("last", np.ones(2), (np.array([5.0, 6.0]), np.array([7.0, 8.0])), [7.0, 8.0]),
        ("first", np.ones(3), (np.array([5.0, 6.0]),), [5.0, 6.0, 5.0]),
        ("empty", np.ones((2, 3)), (), np.empty((0, 0))),
    ],
)
def test_an_array_is_filled_without_work(
    kind: str, right: np.ndarray, given: tuple[Any, ...], expected: Any
) -> None:
    got = answer(kind, right, *given)
    assert got.dtype == right.dtype
    np.testing.assert_array_equal(got, np.asarray(expected))


def test_a_hashed_answer_depends_on_the_inputs_alone() -> None:
    one, same, other = (answer("hashed", np.ones(4), np.full(2, x)) for x in (1.0, 1.0, 2.0))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_what_is_built_of_arrays_keeps_its_build() -> None:
    right = Pair({"W": np.ones(2)}, [np.ones(1), 3.0])
    got = answer("zero", right)
    assert type(got) is Pair
    assert got.first["W"].tolist() == [0.0, 0.0]
    assert got.second[1] == 0.0
    assert type(got.second[1]) is float


@pytest.mark.parametrize(
    ("right", "lazy"),
    [
        ({"a": {1, 2}}, {"a": {0}}),
        (frozenset("ab"), frozenset({""})),
        (Fraction(1, 3), 0),
        (Decimal("1.5"), 0),
        (1 + 2j, 0),
        (datetime.date(2025, 1, 2), datetime.date.min),
        (datetime.timedelta(days=2), datetime.timedelta()),
        (b"ab", b""),
    ],
)
def test_what_is_no_array_is_without_work_as_well(right: Any, lazy: Any) -> None:
    assert answer("zero", right) == lazy


def test_a_generator_and_a_table_are_filled_without_work() -> None:
    pd = pytest.importorskip("pandas")
    assert list(answer("zero", (number for number in (1, 2)))) == [0, 0]
    table = pd.DataFrame({"a": [1.5, 2.0], "b": ["x", "y"]})
    assert answer("zero", table).to_dict("list") == {"a": [0.0, 0.0], "b": ["", ""]}
    assert answer("first", table, table[:1]).equals(table[:1])


def test_a_function_that_writes_files_does_no_work(tmp_path: Path) -> None:
    def save() -> None:
        (tmp_path / "a.txt").write_text("done")
        with open(tmp_path / "b.txt", "w") as file:  # noqa: PTH123 - the other way to write
            file.write("done")

    lazily(save, "zero")()
    assert not list(tmp_path.iterdir())


def test_a_function_that_changes_its_arguments_or_prints_does_neither(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def double(x: np.ndarray) -> None:
        x *= 2
        print("doubled")

    x = np.ones(2)
    lazily(double, "zero")(x)
    assert x.tolist() == [1.0, 1.0]
    assert capsys.readouterr().out == ""


def test_a_lazy_exception_is_raised() -> None:
    with pytest.raises(ValueError, match="no"):
        answer("raises", 1.0)


SPEC = """
schema = 1
name = "lazy"
title = "Something lazy"
reference = "reference"
questions = [{ id = "q", title = "All" }]
files = [{ path = "code.py", provides = ["labels", "Net"] }]
checks = [
  { id = "labels", question = "q", points = 1 },
  { id = "net", question = "q", points = 1LAZY },
]
"""
REFERENCE = '''"""The reference."""

from __future__ import annotations

import numpy as np


def labels(x):
    ### BEGIN SOLUTION
    return (x > 0).astype(int)
    ### END SOLUTION


class Net:
    def __init__(self, w):
        self.w = w

    def given(self, x):
        return x

    def double(self, x):
        ### BEGIN SOLUTION
        return 2 * self.given(x)
        ### END SOLUTION
'''
CHECKS = """
import numpy as np
import pytest


def test_labels(student, expect, rng):
    \"\"\"Labels of ordered points.\"\"\"
    x = np.sort(rng.standard_normal(20)) if ORDERED else rng.standard_normal(20)
    found = student.labels(np.concatenate([-np.abs(x), np.abs(x)]) if ORDERED else x)
    expect("labels", found)


@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_net(student, expect, rng, scale):
    \"\"\"The double.\"\"\"
    expect("double", student.Net(1.0).double(scale * rng.standard_normal(3)))
"""


def test_operators_are_made_lazy_and_what_makes_an_object_is_not(tmp_path: Path) -> None:
    assignment = written(tmp_path, ordered=False, allowed="")
    text = "class Net:\n"
    for name in ("__init__", "__len__", "size"):
        text += f"    def {name}(self):\n        ### BEGIN SOLUTION\n        return 1\n"
        text += "        ### END SOLUTION\n"
    found = dict(lazy_solutions.functions(assignment, {"code.py": text.encode()}))
    assert found == {"code.py": ("Net.__len__", "Net.size")}


def written(folder: Path, *, ordered: bool, allowed: str) -> Assignment:
    """Return the assignment, not recorded yet."""
    for name, text in {
        "assignment.toml": SPEC.replace("LAZY", allowed),
        "checks/test_all.py": CHECKS.replace("ORDERED", str(ordered)),
        "reference/code.py": REFERENCE,
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return load(folder)


def audited(folder: Path, *, ordered: bool, allowed: str) -> Audit:
    assignment = written(folder, ordered=ordered, allowed=allowed)
    record(assignment, reseed=False, again=False, progress=lambda line: None)
    return audit(assignment, AuditOptions(isolation="auto", workers=1, parts=("lazy",)))


def test_checks_that_pay_for_no_work_are_named_with_what_earned_it(tmp_path: Path) -> None:
    found = audited(tmp_path, ordered=True, allowed="")
    paid = {(one.id, check): one.won[check] for one in found.lazy for check in one.allowed}
    assert paid[f"labels: {KINDS['sorted']}", "labels"] == 1
    assert paid[f"Net.double: {KINDS['zero']}", "net"] == 0.5
    assert not found.good
    assert any(line.startswith("`labels` gives up to 100% of its points") for line in found.advice)
    assert any("`lazy_share = 0.5`" in line for line in found.advice)


def test_a_share_that_the_author_allows_is_no_finding(tmp_path: Path) -> None:
    found = audited(tmp_path, ordered=False, allowed=", lazy_share = 0.5")
    assert found.good, found.advice
    assert {one.function for one in found.lazy} == {"", "labels", "Net.double"}


def test_functions_of_a_notebook_are_lazy_in_the_cell_that_defines_them() -> None:
    cells = ["import numpy as np", "def one(x):\n    return x + 1", "def two(x):\n    return x"]
    notebook = {"cells": [{"cell_type": "code", "source": source} for source in cells]}
    data = lazy_solutions.made("Work.ipynb", json.dumps(notebook).encode(), ("one",), "zero")
    sources = [cell["source"] for cell in json.loads(data)["cells"]]
    assert sources[::2] == cells[::2]
    names: dict[str, Any] = {}
    exec(sources[1], names)
    assert names["one"](41.0) == 0.0
