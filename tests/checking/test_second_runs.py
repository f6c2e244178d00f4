"""Second runs: what is right with right functions in the place of earlier ones has its points, and
nothing else.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from toy import CHECKS, REFERENCE, SPEC, Graded, Graders, Toy, build

from grader.authoring.record import record

RAISES = "def center(x):\n    raise NameError('mean')"
STUB = "def center(x):\n    raise NotImplementedError"
WRONG = "def center(x):\n    return 2 * x, x.shape"
VALUES = CHECKS.replace(
    '    expect("dx", student.center_backward(rng.standard_normal(sizes), cache))',
    '    dy = rng.standard_normal(sizes)\n    expect("dx", student.center_backward(dy, cache))\n'
    '    expect("twice", student.center_backward(2 * dy, cache))',
)
USES = """
def center_backward(dy, cache):
    return center(dy)[0]
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, graders: Graders) -> Toy:
    """A toy whose second check has two values, and whose class is judged after the rest."""
    spec = SPEC.replace('id = "tally"\n', 'id = "tally"\nrequires = ["count"]\n')
    spec = spec.replace(
        'id = "notebook"\n', 'id = "notebook"\nrequires = ["center", "count", "noise", "tally"]\n'
    )
    assignment = build(tmp_path_factory.mktemp("toy") / "assignment", spec=spec, checks=VALUES)
    record(assignment, reseed=False, again=False, progress=lambda line: None)
    return Toy(assignment, tmp_path_factory.mktemp("submissions"), graders)


def backward(graded: Graded) -> tuple[str, float, bool]:
    check = graded["center_backward"]
    return check.status.value, check.points, check.follow_through


@pytest.mark.parametrize(
    "center", [RAISES, STUB, WRONG.replace("x.shape", "None[0]"), "del center"]
)
def test_what_is_right_after_a_function_that_raises_has_its_points(own: Toy, center: str) -> None:
    graded = own.change(center, "center", "center_backward")
    assert graded["center"].points == 0
    assert backward(graded) == ("fail", 3, True)
    told = "right, given the mistake in `center`: it has cost its points there, and none here"
    assert graded["center_backward"].message == told


def test_a_function_that_calls_a_wrong_one_is_right_with_a_right_one(own: Toy) -> None:
    assert backward(own.change(WRONG + USES, "center", "center_backward")) == ("fail", 3, True)


def test_a_copy_of_the_mistake_costs_again(own: Toy) -> None:
    assert backward(own.change(WRONG + USES.replace("center(dy)[0]", "2 * dy"))) == (
        "fail",
        0,
        False,
    )


def test_a_function_that_is_not_there_earns_nothing(own: Toy) -> None:
    for body in (
        "raise NotImplementedError",
        "raise NameError('dx')",
        "return center_backward(dy, cache)",
    ):
        graded = own.change(
            f"{RAISES}\ndef center_backward(dy, cache):\n    {body}", "center", "center_backward"
        )
        assert graded["center_backward"].points == 0


def test_values_share_the_points_of_a_case(own: Toy) -> None:
    second = "seen.append(1)\n    return (dy - dy.mean(0)) * (len(seen) % 2)"
    half = f"def center_backward(dy, cache, seen=[]):\n    {second}"
    graded = own.change(half, "center", "center_backward")
    shares = {
        case.id: case.share for case in graded["center_backward"].cases if case.status == "fail"
    }
    assert shares == {
        "N=4": 0.5,
        "D=1": 0.5,
    }  # with one row all is zero, which the other passes as well
    assert backward(graded) == ("fail", 2, False)


def test_a_case_that_raises_says_nothing_of_the_others(own: Toy) -> None:
    squeezed = "def center_backward(dy, cache):\n    n, d = dy.squeeze().shape\n    return dy - dy.mean(axis=0)"
    assert backward(own.change(f"{WRONG}\n{squeezed}", "center", "center_backward")) == (
        "fail",
        1,
        False,
    )


def test_nothing_of_a_second_run_is_shown(own: Toy) -> None:
    leaks = "    print('LEAK', y)\n    raise ValueError(f'LEAK {y}')"
    tells = f"def center_backward(dy, cache):\n    y, _ = center(dy)\n{leaks}"
    graded = own.change(f"{RAISES}\n{tells}", "center", "center_backward")
    assert graded["center_backward"].points == 0
    assert all("NameError: mean" in case.message for case in graded["center_backward"].cases)
    told = repr(
        [
            (case.message, case.trace, case.output, case.notes)
            for case in graded["center_backward"].cases
        ]
    )
    assert "LEAK" not in told


def test_what_a_second_run_hands_on_is_not_there_in_the_next(own: Toy, tmp_path: Path) -> None:
    kept = "KEPT = []\ndef center(x):\n    return (KEPT[0] if KEPT else x), x.shape"
    carries = "def center_backward(dy, cache):\n    KEPT.append(center(dy)[0])\n    return dy\n"
    counts = "def count(ids, n):\n    return np.array([len(KEPT)])"
    graded = own.change(f"{kept}\n{carries}\n{counts}", "center", "center_backward", "count")
    assert (graded["center"].points, graded["count"].points) == (0, 0)


def test_the_function_under_check_can_not_be_asked_for(own: Toy) -> None:
    asks = """
def center_backward(dy, cache):
    import gc
    from grader.sandbox.inside.work.second_runs.stand_ins import StandIns
    for one in gc.get_objects():
        if isinstance(one, StandIns):
            return one._answer("center_backward", (dy, dy.shape), {}, False)[1][0][0]
    return dy
"""
    assert backward(own.change(f"{RAISES}\n{asks}", "center", "center_backward")) == (
        "fail",
        0,
        False,
    )


def test_a_second_run_that_never_ends_is_ended(own: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.checking.run.second_runs.SECONDS", 1.0)
    waits = "def center_backward(dy, cache):\n    center(dy)\n    while True: pass"
    graded = own.change(f"{RAISES}\n{waits}", "center", "center_backward", "count")
    assert graded["center_backward"].points == 0
    assert all("NameError: mean" in case.message for case in graded["center_backward"].cases)
    assert graded["count"].status == "pass"


def test_questions_have_a_bound(own: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.checking.run.second_runs.CALLS", 5)
    many = "def center_backward(dy, cache):\n    return [center(dy)[0] for _ in range(6)][-1]"
    assert (
        own.change(f"{WRONG}\n{many}", "center", "center_backward")["center_backward"].points == 0
    )


def test_arguments_that_would_fill_the_memory_cost_us_nothing(own: Toy) -> None:
    large = "def center_backward(dy, cache):\n    return center(np.broadcast_to(dy[:1, :1], (1 << 15, 1 << 15)))[0]"
    assert (
        own.change(f"{WRONG}\n{large}", "center", "center_backward")["center_backward"].points == 0
    )


def test_a_notebook_is_run_again_with_right_functions(own: Toy) -> None:
    graded = own.change(RAISES, "center", "count", "noise", "tally", "notebook")
    assert (graded["notebook"].points, graded["notebook"].follow_through) == (3, True)
    assert "NameError" in str(graded.notebooks)  # what is kept is the first run


def test_a_notebook_that_is_mostly_not_the_students_own_work_earns_nothing(own: Toy) -> None:
    noise = "def noise(n):\n    raise NameError('randn')"
    graded = own.change(f"{RAISES}\n{noise}", "center", "count", "noise", "tally", "notebook")
    assert graded["notebook"].points == 0


def test_without_a_reference_nothing_is_run_twice(tmp_path: Path) -> None:
    toy = Toy(build(tmp_path / "toy"), tmp_path)
    record(toy.assignment, reseed=False, again=False, progress=lambda line: None)
    (toy.assignment.folder / "reference/pack/toy.py").unlink()
    graded = toy.grade(f"{REFERENCE}\n{STUB}", "center", "center_backward")
    assert (graded["center_backward"].status, graded["center_backward"].points) == ("skip", 0)


PRINTING = """
schema = 1
name = "printing"
title = "Printing"
reference = "reference"
questions = [{ id = "q", title = "Q" }]
files = [{ path = "pack/toy.py", provides = ["line", "lines"] }]
checks = [
  { id = "line", question = "q", points = 1 },
  { id = "lines", question = "q", points = 1, requires = ["line"] },
]
"""
PRINTED = """
def test_line(student, expect):
    \"\"\"Prints a line.\"\"\"
    student.line("a")
    expect.printed()


def test_lines(student, expect):
    \"\"\"Prints some lines.\"\"\"
    student.lines(2)
    expect.printed()
"""
PRINTS = """
def line(text):
    print("-", text)


def lines(n):
    for number in range(n):
        line(number)
"""


def test_a_stand_in_prints_what_the_reference_prints(tmp_path: Path) -> None:
    folder = tmp_path / "assignment"
    assignment = build(folder, spec=PRINTING, checks=PRINTED, reference=PRINTS)
    record(assignment, reseed=False, again=False, progress=lambda line: None)
    graded = Toy(assignment, tmp_path / "submissions").grade(PRINTS.replace("-", "+"))
    assert (graded["line"].points, graded["lines"].points) == (0, 1)
