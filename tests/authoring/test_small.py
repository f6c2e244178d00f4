"""An assignment of three functions in a notebook is at most 60 lines of its author's, solution
included.
"""

from __future__ import annotations

import nbformat
import pytest

from grader.assignment.spec import Assignment, load
from grader.authoring import record
from grader.authoring.audit import run_audit
from grader.authoring.handout import contents, leak_check
from grader.grading.grade import Options, grade

SPEC = """\
schema = 1
name = "small"
title = "Three functions"
reference = "."
questions = [{ id = "q1", title = "Functions" }]
notebooks = [{ path = "small.ipynb", source = "small.ipynb", required = true }]
checks = [
  { id = "double", question = "q1", points = 1, notebook = "small.ipynb" },
  { id = "column_sums", question = "q1", points = 2, notebook = "small.ipynb" },
  { id = "greet", question = "q1", points = 1, notebook = "small.ipynb" },
]
"""
CHECKS = '''\
def test_double(notebook, expect, rng):
    """Twice the array."""
    expect("y", notebook["double"](rng.standard_normal((3, 2))))


def test_column_sums(notebook, expect, rng):
    """The sum of each column."""
    expect("sums", notebook["column_sums"](rng.standard_normal((4, 3))))


def test_greet(notebook, expect):
    """A greeting with the name in it."""
    expect("text", notebook["greet"]("Ada"))
'''
CELLS = {
    "double": '''\
def double(x):
    """Return twice x."""
    ### BEGIN SOLUTION Task 1
    return 2 * x
    ### END SOLUTION
''',
    "column-sums": '''\
def column_sums(x):
    """Return the sum of each column of x (N, D): shape (D,)."""
    ### BEGIN SOLUTION Task 2
    return x.sum(axis=0)
    ### END SOLUTION
''',
    "greet": '''\
def greet(name):
    """Return 'Hello', a space and the name."""
    ### BEGIN SOLUTION Task 3
    return "Hello " + name
    ### END SOLUTION
''',
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    folder = tmp_path_factory.mktemp("small") / "small"
    (folder / "checks").mkdir(parents=True)
    (folder / "assignment.toml").write_text(SPEC)
    (folder / "checks" / "test_functions.py").write_text(CHECKS)
    role = {"grader": {"role": "student"}}
    cells = [
        nbformat.v4.new_code_cell(source, id=id_, metadata=role) for id_, source in CELLS.items()
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "small.ipynb")
    record.record(load(folder), reseed=False, again=False, progress=lambda line: None)
    return load(folder)


def test_it_is_small() -> None:
    assert sum(text.count("\n") for text in (SPEC, CHECKS, *CELLS.values())) <= 60


def test_it_is_graded(small: Assignment) -> None:
    report = grade(small, small.folder, Options(isolation="none")).report
    assert (report.score, report.max_score) == (4, 4)


def test_it_is_handed_out(small: Assignment) -> None:
    leak_check.prove(contents.build(small), small)


def test_it_is_audited(small: Assignment) -> None:
    found = run_audit.audit(
        small,
        run_audit.AuditOptions(isolation="auto", parts=("misconceptions", "mutants"), workers=1),
    )
    assert found.mutants
    assert [mutant.diff for mutant in found.mutants if mutant.state.value == "survived"] == []
