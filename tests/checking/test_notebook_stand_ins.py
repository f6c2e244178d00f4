"""One mistake costs once in a notebook, too: functions of its cells that build on a wrong one are
run again with a right one in its place.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.assignment.spec import load
from grader.authoring.record import record
from grader.checking.run.substitution import Substitution
from grader.grading.grade import Graded, Grader, Options

SPEC = """
schema = 1
name = "chain"
title = "A chain of functions"
reference = "."

[[questions]]
id = "q"
title = "Steps and sequences"

[[notebooks]]
path = "chain.ipynb"
source = "chain.ipynb"
required = true

[[checks]]
id = "step"
question = "q"
points = 3
notebook = "chain.ipynb"

[[checks]]
id = "walk"
question = "q"
points = 1
notebook = "chain.ipynb"
requires = ["step"]

[[checks]]
id = "step_back"
question = "q"
points = 1
notebook = "chain.ipynb"
requires = ["step"]

[[checks]]
id = "walk_back"
question = "q"
points = 1
notebook = "chain.ipynb"
requires = ["walk", "step_back"]

[[checks]]
id = "line"
question = "q"
points = 1
notebook = "chain.ipynb"

[[checks]]
id = "trend"
question = "q"
points = 1
notebook = "chain.ipynb"
requires = ["line"]

[[checks]]
id = "result"
question = "q"
points = 1
notebook = "chain.ipynb"
requires = ["walk"]
"""
CHECKS = '''
import numpy as np
import pytest


@pytest.mark.parametrize("n", [2, 5])
def test_step(notebook, expect, rng, n):
    """One step."""
    out, cache = notebook["step"](rng.standard_normal((n, 3)), rng.standard_normal((3, 3)))
    expect("out", out)


@pytest.mark.parametrize("n", [2, 5])
def test_walk(notebook, expect, rng, n):
    """Several steps."""
    out, caches = notebook["walk"](rng.standard_normal((n, 3)), rng.standard_normal((3, 3)), 3)
    expect("out", out)


def test_step_back(notebook, expect, rng):
    """The gradients of one step."""
    out, cache = notebook["step"](rng.standard_normal((2, 3)), rng.standard_normal((3, 3)))
    dx, dW = notebook["step_back"](rng.standard_normal((2, 3)), cache)
    expect("dx", dx)
    expect("dW", dW)


def test_walk_back(notebook, expect, rng):
    """The gradients of several steps."""
    out, caches = notebook["walk"](rng.standard_normal((2, 3)), rng.standard_normal((3, 3)), 3)
    expect("dx", notebook["walk_back"](rng.standard_normal((2, 3)), caches))


def test_line(notebook, expect, rng):
    """A class of the notebook's."""
    line = notebook["Line"](2.0)
    expect("y", line.at(rng.standard_normal(4)))


def test_trend(notebook, expect, rng):
    """A function that uses the class."""
    expect("y", notebook["trend"](rng.standard_normal(4)))


def test_result(notebook, expect):
    """What a cell has made."""
    expect("result", notebook["result"].fetch())
'''
CELLS = {
    "setup": "import numpy as np\nscale = 0.5",
    "step": """def step(x, W):
    out = np.tanh(x @ W * scale)
    return out, (x, W, out)""",
    "walk": """def walk(x, W, T):
    caches = []
    for t in range(T):
        x, cache = step(x, W)
        caches.append(cache)
    return x, caches""",
    "step_back": """def step_back(dout, cache):
    x, W, out = cache
    dz = dout * (1 - out**2) * scale
    return dz @ W.T, x.T @ dz""",
    "walk_back": """def walk_back(dout, caches):
    for cache in reversed(caches):
        dout, dW = step_back(dout, cache)
    return dout""",
    "line": """class Line:
    def __init__(self, slope):
        self.slope = slope

    def at(self, x):
        return self.slope * x""",
    "trend": "def trend(x):\n    return Line(3.0).at(x) + 1",
    "result": "start = np.full((2, 3), 0.3)\nresult = walk(start, np.eye(3), 2)[0] + 1",
}
TASKS = set(CELLS) - {"setup"}
WRONG = {
    "step": CELLS["step"].replace("np.tanh(x @ W * scale)", "np.sin(x @ W * scale)"),
    "step_back": CELLS["step_back"].replace("(1 - out**2)", "(1 + out**2)"),
    "walk": CELLS["walk"].replace("range(T)", "range(T + 1)"),
    "walk_back": CELLS["walk_back"].replace("reversed(caches)", "caches[:1]"),
    "line": CELLS["line"].replace("self.slope * x", "self.slope + x"),
    "trend": CELLS["trend"].replace("+ 1", "- 1"),
    "result": CELLS["result"].replace("+ 1", "- 1"),
}
# If `step` is wrong, most of what the cell with the result builds on is: it is not run again.
COSTS = {name: {name} for name in WRONG} | {"step": {"step", "result"}}
Give = Callable[..., Graded]


def notebook(cells: dict[str, str]) -> str:
    made: list[dict[str, Any]] = []
    for name, source in cells.items():
        role = {"grader": {"role": "student"}} if name in TASKS else {}
        made.append(
            {
                "cell_type": "code", "id": name, "source": source, "metadata": role,
                "outputs": [], "execution_count": None,
            }
        )  # fmt: skip
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps({"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})


def write(folder: Path, spec: str) -> None:
    (folder / "checks").mkdir()
    (folder / "assignment.toml").write_text(spec)
    (folder / "checks" / "test_chain.py").write_text(CHECKS)
    (folder / "chain.ipynb").write_text(notebook(CELLS))


@pytest.fixture(scope="module")
def give(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Give]:
    """Hand in the reference's notebook with other sources of some of its cells."""
    folder = tmp_path_factory.mktemp("chain")
    write(folder, SPEC)
    record(load(folder), reseed=True, progress=lambda line: None, again=False)
    handin = tmp_path_factory.mktemp("handin")
    with contextlib.ExitStack() as stack:
        graders: dict[int, Grader] = {}

        def handed_in(changes: dict[str, str], boxes: int = 8) -> Graded:
            (handin / "chain.ipynb").write_text(notebook(CELLS | changes))
            if boxes not in graders:
                options = Options(isolation="auto", boxes=boxes)
                graders[boxes] = stack.enter_context(Grader(load(folder), options))
            return graders[boxes].grade(handin)

        yield handed_in


def lost(graded: Graded) -> set[str]:
    return {check.id for check in graded.report.checks if check.points < check.max_points}


def test_the_reference_has_all(give: Give) -> None:
    assert lost(give({})) == set()


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_function_costs_its_own_points(give: Give, name: str) -> None:
    assert lost(give({name: WRONG[name]})) == COSTS[name]


@pytest.mark.parametrize(
    "source",
    [
        "def {name}(*args):\n    raise NotImplementedError",
        "def {name}(*args):\n    # TODO\n    pass",
        "def {name}(*args):\n    return 1 / 0",
        "def {name}(*args:\n    pass",
        "",
    ],
    ids=["stub", "untouched", "raises", "no Python", "not there"],
)
@pytest.mark.parametrize("name", ["step", "walk", "step_back", "line"])
def test_a_function_that_gives_nothing_costs_its_own_points(
    give: Give, name: str, source: str
) -> None:
    assert lost(give({name: source.format(name=name)})) == COSTS[name]


def test_several_wrong_ones_cost_their_own_points_each(give: Give) -> None:
    assert lost(give(WRONG)) == set(WRONG)
    two = {name: WRONG[name] for name in ("step", "step_back")}
    assert lost(give(two)) == {*two, "result"}


def test_a_class_that_is_graded_in_one_box_each_has_the_same_points(give: Give) -> None:
    for name in ("step", "walk", "line"):
        assert lost(give({name: WRONG[name]}, boxes=1)) == COSTS[name]


def test_a_name_that_is_bound_elsewhere_is_answered_too(give: Give) -> None:
    again = "one = step\n" + CELLS["walk"].replace("step(x, W)", "one(x, W)")
    assert lost(give({"step": WRONG["step"], "walk": again})) == COSTS["step"]


def test_own_cache_of_another_form_is_kept(give: Give) -> None:
    """A step whose outputs are wrong and whose cache only its own backward pass understands."""
    step = WRONG["step"].replace("(x, W, out)", "{'x': x, 'W': W, 'out': out}")
    back = CELLS["step_back"].replace("x, W, out = cache", "x, W, out = cache.values()")
    assert lost(give({"step": step, "step_back": back})) == COSTS["step"]


def test_a_box_is_used_again_only_if_all_that_it_answered_may_be_answered() -> None:
    """What a student's code has asked in a box, it may remember."""

    def what(*replaced: str) -> Substitution:
        return Substitution((), frozenset(replaced), frozenset(), False, frozenset(replaced), True)

    assert what("step", "walk").allows(what("step"))
    assert not what("step").allows(what("step", "walk"))
    assert not what("walk").allows(what("step"))


def test_recording_says_which_function_is_called_and_not_required(tmp_path: Path) -> None:
    write(tmp_path, SPEC.replace('requires = ["step"]\n', "", 1))
    lines: list[str] = []
    record(load(tmp_path), reseed=True, progress=lines.append, again=False)
    (line,) = [line for line in lines if "calls" in line]
    assert line.startswith("warning: `walk`: the reference's `walk` calls `step`")
    assert "add 'step' to its `requires`" in line


def test_the_function_under_check_can_not_be_asked_for(give: Give) -> None:
    asks = """def walk(x, W, T):
    import gc
    from grader.sandbox.inside.work.second_runs.stand_ins import StandIns
    for one in gc.get_objects():
        if isinstance(one, StandIns):
            values = one._answer("walk", (x, W, T), {}, False)[1]
            return values[0][0], []
    return x, []"""
    graded = give({"step": WRONG["step"], "walk": asks})
    assert {"step", "walk"} <= lost(graded)
    (walk,) = [check for check in graded.report.checks if check.id == "walk"]
    assert walk.points == 0
