"""Cells that check a student's work: grading passes them over, and nothing else."""

from __future__ import annotations

import json

import pytest
from toy import notebook

from grader.assignment.schema import CheckSpec, QuestionSpec, Spec
from grader.authoring.handout.check_cells import with_check_cells
from grader.notebooks.cells import is_check
from grader.notebooks.restore import restore

CHECKS = [
    'from grader.notebook import check\n\ncheck("double")',
    "# a remark\nfrom grader.notebook import check\ncheck('a', 'b')\ncheck()",
    "%load_ext grader.notebook\n%check double[N=1]",
    "%check",
]
OTHERS = [
    "",
    "# a remark alone",
    "from grader.notebook import check\nanswer = 3",
    'check("double"); answer = 3',
    "check(answer := 3)",
    "%check double; answer = 3",
    "from grader.notebook import check as double",
    "checked = 1",
]


@pytest.mark.parametrize("source", CHECKS)
def test_a_cell_that_checks_is_passed_over_and_not_mentioned(source: str) -> None:
    author = notebook()
    theirs = notebook([("one", "code", "", source)])
    theirs.cells = [*author.cells, *theirs.cells]
    assert is_check(source)
    for keep_extra in (True, False):
        made, notes = restore(author, theirs, keep_extra=keep_extra)
        assert [cell.source for cell in made.cells] == [cell.source for cell in author.cells]
        assert notes == []


@pytest.mark.parametrize("source", OTHERS)
def test_a_cell_that_does_anything_else_is_a_students_own(source: str) -> None:
    assert not is_check(source)


def test_a_handouts_notebook_has_a_cell_behind_each_task() -> None:
    checks = (
        CheckSpec(id="center", question="q1", points=1),
        CheckSpec(id="double", question="q1", points=1, notebook="Toy.ipynb"),
        CheckSpec(id="whole", question="q1", points=1, notebook="Toy.ipynb"),
        CheckSpec(id="elsewhere", question="q1", points=1, notebook="Other.ipynb"),
    )
    spec = Spec(
        schema=1,
        name="toy",
        title="Toy",
        questions=(QuestionSpec(id="q1", title="Q"),),
        checks=checks,
    )
    text = json.dumps(notebook())
    judged = {"center": "center", "double": "double", "whole": "answer"}
    made = json.loads(with_check_cells(text, "Toy.ipynb", spec, judged))["cells"]
    sources = ["".join(cell["source"]).split("\n")[-1] for cell in made]
    assert sources[2:4] == ["    return 2 * x", 'check("double")']
    assert "".join(made[-1]["source"]).split("\n")[-2:] == ['check("center")', 'check("whole")']
    assert "elsewhere" not in text + "".join(sources)
