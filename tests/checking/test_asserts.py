"""Assertions about what stays in the box: it is gone through from here, and never asked whether it
is right.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from toy import Graders

from grader.assignment.spec import Assignment, load
from grader.authoring.record import record
from grader.checking.api import cell_tests
from grader.cli import run
from grader.grading.grade import Grader, Options, grade

REFERENCE = {
    "count": "def count():\n    n = 0\n    while True:\n        yield n\n        n = n + 1",
    "primes": "def primes():\n    return {2, 3, 5}",
    "pairs": "def pairs():\n    return [{1, 2}, {3}]",
    "box": "class Box:\n    size = 3\n    def __len__(self):\n        return 3\n    def __getitem__(self, key):\n"
    "        return key * 2\nbox = Box()",
    "flag": "def flag():\n    return True",
    "swap": "def swap(items):\n    return items[::-1] if isinstance(items, list) else None",
    "fixed": "fixed = (1, 'b')",
    "fails": "def fails(key):\n    return {}[key]",
}
TESTS = {
    "count": "c = count()\nassert [next(c), next(c), next(c)] == [0, 1, 2]",
    "primes": "assert primes() == {2, 3, 5}",
    "pairs": "assert pairs() == [{1, 2}, {3}]",
    "box": "assert len(box) == 3\nassert box[4] == 8\nassert box.size == 3",
    "flag": "assert flag()",
    "swap": "assert swap([1, 2]) == [2, 1]\nassert swap(swap([1, 2])) == [1, 2]",
    "fixed": "assert fixed == (1, 'b')\nassert isinstance(fixed, tuple)\nassert fixed in {fixed: 1}",
    "fails": "try:\n    fails('a')\nexcept KeyError:\n    pass\nelse:\n    raise AssertionError('no KeyError')",
}
SAYS_YES = """class Yes:
    def __eq__(self, other):
        return True
    def __bool__(self):
        return True
    __hash__ = None
"""


@pytest.fixture(scope="module")
def assignment(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    folder = tmp_path_factory.mktemp("asserts")
    cells = []
    for name, code in REFERENCE.items():
        for source, markup in (
            (code, {"solution": True}),
            (TESTS[name], {"grade": True, "points": 1}),
        ):
            told = {
                "nbgrader": {"grade_id": name if "solution" in markup else f"test_{name}"} | markup
            }
            cells.append({"cell_type": "code", "metadata": told, "source": source, "outputs": []})
    path = folder / "n.ipynb"
    path.write_text(
        json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 2})
    )
    assert run(["new", str(folder / "made"), "--from-notebook", str(path), "--quiet"]) == 0
    record(load(folder / "made"), reseed=False, again=False, progress=lambda line: None)
    return load(folder / "made")


@pytest.fixture(scope="module")
def grader(assignment: Assignment, graders: Graders) -> Grader:
    return graders(assignment.folder)


def verdict(grader: Grader, folder: Path, name: str, code: str) -> tuple[str, str]:
    """Grade the reference with the code of one cell replaced; return the status and message of its
    check.
    """
    notebook = json.loads((grader.assignment.folder / "n.ipynb").read_text())
    (cell,) = [cell for cell in notebook["cells"] if cell["id"] == name]
    cell["source"] = code
    (folder / "n.ipynb").write_text(json.dumps(notebook))
    checks = grader.grade(folder).report.checks
    (check,) = [check for check in checks if check.id == name]
    return check.status.value, check.message


def test_every_kind_of_value_is_carried_over(assignment: Assignment, tmp_path: Path) -> None:
    assert [check.id for check in assignment.spec.checks] == list(REFERENCE)
    report = grade(assignment, assignment.folder, Options(isolation="none")).report
    assert (report.score, report.max_score) == (8, 8), [check.message for check in report.checks]


@pytest.mark.parametrize(
    ("name", "code", "why"),
    [
        ("count", "def count():\n    yield 0", "`count` raised StopIteration"),
        ("count", "def count():\n    return 0", "raised TypeError"),
        (
            "primes",
            "def primes():\n    return [2, 3, 5]",
            "`primes() == {2, 3, 5}` does not hold",
        ),
        ("primes", "def primes():\n    return {2, 3}", "`primes() == {2, 3, 5}` does not hold"),
        (
            "pairs",
            "def pairs():\n    return [{1, 2}, {4}]",
            "`pairs() == [{1, 2}, {3}]` does not hold",
        ),
        (
            "box",
            "class Box:\n    def __len__(self):\n        return 4\nbox = Box()",
            "`len(box) == 3` does not hold",
        ),
        ("box", "box = object()", "`box` raised AttributeError"),
        ("flag", "def flag():\n    return 0", "`flag()` does not hold"),
        ("swap", "def swap(items):\n    return tuple(items)", "does not hold"),
        ("fails", "def fails(key):\n    raise IndexError(key)", "`fails` raised IndexError"),
        ("fails", "def fails(key):\n    return key", "no KeyError"),
    ],
)
def test_wrong_values_fail_with_a_sentence(
    grader: Grader, tmp_path: Path, name: str, code: str, why: str
) -> None:
    status, message = verdict(grader, tmp_path, name, code)
    assert status == "fail", message
    assert why in message


@pytest.mark.parametrize("name", ["primes", "pairs", "flag", "swap"])
def test_an_object_that_is_equal_to_all_is_wrong(grader: Grader, tmp_path: Path, name: str) -> None:
    head = REFERENCE[name].split("\n")[0]
    status, message = verdict(grader, tmp_path, name, f"{SAYS_YES}\n{head}\n    return Yes()")
    assert status == "fail", message


def test_a_tuple_is_as_good_as_a_list(grader: Grader, tmp_path: Path) -> None:
    assert verdict(grader, tmp_path, "pairs", "def pairs():\n    return ({1, 2}, {3})")[0] == "pass"


def test_what_has_no_end_is_given_up(
    grader: Grader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cell_tests, "MOST_ITEMS", 20)
    endless = (
        "class Endless(set):\n    def __iter__(self):\n        while True:\n            yield 1\n"
    )
    lying = f"{endless}Endless.__name__ = 'set'\nEndless.__module__ = 'builtins'\ndef primes():\n    return Endless()"
    status, message = verdict(grader, tmp_path, "primes", lying)
    assert status == "fail"
    # whichever of the two limits a machine meets first
    given_up = "`primes` was still running after the limit of", "`primes` hit a limit: memory"
    assert message.startswith(given_up)


@pytest.mark.parametrize(
    ("value", "recorded"),
    [
        ({3, 1}, (1, 3)), ([1, (2, [3])], (1, (2, (3,)))), (int, "int"), ({1: [2]}, {"1": (2,)}), ("a", "a"),
    ],
)  # fmt: skip
def test_values_are_made_recordable(value: object, recorded: object) -> None:
    assert cell_tests.recordable(value) == recorded
