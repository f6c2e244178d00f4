"""Mistakes that authors make are met with a sentence: those that no other file's tests hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from toy import CHECKS, REFERENCE, build

from grader.assignment.spec import Assignment, load
from grader.authoring import record
from grader.authoring.handout import contents, leak_check
from grader.authoring.handout.wheel import wheel_name
from grader.authoring.strip import Block
from grader.errors import AssignmentError

IN_ORDER = 'DRAWS = np.random.default_rng(0)\n\ncases = pytest.mark.parametrize("sizes"'


def recorded(assignment: Assignment) -> None:
    record.record(assignment, reseed=False, progress=lambda line: None)


def test_a_check_that_uses_what_another_left_behind_is_told_of_the_order(tmp_path: Path) -> None:
    checks = CHECKS.replace('cases = pytest.mark.parametrize("sizes"', IN_ORDER)
    shared = checks.replace("rng.integers(0, 5, size=20)", "DRAWS.integers(0, 5, size=20)").replace(
        "student.Tally(2)", "student.Tally(DRAWS.integers(9))"
    )
    assert shared.count("DRAWS.") == 2
    with pytest.raises(
        AssignmentError,
        match=r"a check depends on the order: .*`\w+` of \w+ \(all\) is not what it was",
    ):
        recorded(build(tmp_path, checks=shared))
    assert not (tmp_path / "expectations").exists() or not list(
        (tmp_path / "expectations").iterdir()
    )


def test_a_check_that_fails_in_another_order_is_told_of_the_order(tmp_path: Path) -> None:
    checks = CHECKS.replace(
        'cases = pytest.mark.parametrize("sizes"',
        'KEPT = []\n\ncases = pytest.mark.parametrize("sizes"',
    )
    kept = (
        checks.replace("counts = ", "")
        .replace('    expect("counts",', '    KEPT.append(1)\n    expect("counts",')
        .replace('    expect("numbers",', '    assert KEPT == [1]\n    expect("numbers",')
    )
    with pytest.raises(
        AssignmentError, match=r"a check depends on the order: .*the reference fails `noise`"
    ):
        recorded(build(tmp_path, checks=kept))


def test_a_check_that_draws_without_a_seed_is_told_so(tmp_path: Path) -> None:
    checks = CHECKS.replace(
        "y, _ = student.center(rng.", "y, _ = student.center(np.random.default_rng()."
    )
    assert checks != CHECKS
    with pytest.raises(
        AssignmentError, match=r"not reproducible: `y` of center .*seed every random draw"
    ):
        recorded(build(tmp_path, checks=checks))


def test_a_misspelt_reference_is_told_with_the_place_where_it_should_be(tmp_path: Path) -> None:
    folder = build(tmp_path).folder
    spec = folder / "assignment.toml"
    spec.write_text(spec.read_text().replace('reference = "reference"', 'reference = "refrence"'))
    with pytest.raises(
        AssignmentError, match=r"the reference lacks pack/toy\.py: it should stand at .*refrence"
    ):
        recorded(load(folder))


@pytest.mark.parametrize("command", [recorded, contents.build], ids=["record", "handout"])
def test_a_solution_in_a_cell_that_is_not_the_students_is_named(
    tmp_path: Path, command: Callable[[Assignment], object]
) -> None:
    assignment = build(tmp_path, reference=REFERENCE)
    path = assignment.folder / "notebooks" / "Toy.ipynb"
    notebook = nbformat.read(path, as_version=4)
    source = "### BEGIN SOLUTION\nanswer = 42\n### END SOLUTION"
    notebook.cells.append(nbformat.v4.new_code_cell(source, id="the-answer"))
    nbformat.write(notebook, path)
    with pytest.raises(AssignmentError) as caught:
        command(load(assignment.folder))
    said = str(caught.value)
    assert (
        f"notebooks/Toy.ipynb, cell {len(notebook.cells)} (`the-answer`) holds a solution" in said
    )
    assert '`"grader": {"role": "student"}`' in said


def test_a_short_line_that_stands_in_the_graders_own_code_is_no_leak() -> None:
    """The wheel is another's work of many thousand lines: `while True:` stands in it, whatever the
    assignment.
    """
    block = Block(
        "", "    ", ("    while True:", "        total = total + weights[index] * values[index]")
    )
    told = "while True:\n    total = total + weights[index] * values[index]\n"
    wheel = f"week/wheels/{wheel_name()}/grader/x.py"
    assert [
        leak.text for leak in leak_check.leaks([block], {wheel: "while True:\n    pass\n"})
    ] == []
    assert [leak.line for leak in leak_check.leaks([block], {wheel: told})] == [2]
    assert [leak.line for leak in leak_check.leaks([block], {"week/x.py": told})] == [2, 1]
