"""Plots and what a notebook's cells show: held against the reference's, of which more is right and
less is not.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from toy import Graded, Graders, Toy, build, notebook

from grader.assignment.expectations import CaseRecord
from grader.authoring.record import record
from grader.checking.api import figures
from grader.checking.api.expect import Expect
from grader.checking.api.held_values import Mode
from grader.checking.case.call_log import CallLog
from grader.checking.case.case import Case
from grader.checking.judge import plots
from grader.checking.run.remote import Remote
from grader.errors import AssignmentError
from grader.limits import Limits
from grader.model import Tolerance
from grader.sandbox.box import Staging
from grader.sandbox.plain import PlainSandbox

CODE = '''
import matplotlib.pyplot as plt
import numpy as np

X = np.arange(4.0)


def full():
    """Two axes, with all that is looked at."""
    figure, (left, right) = plt.subplots(1, 2)
    left.plot(X, X**2, label="square")
    left.plot(X, X, label="same")
    left.set_title("a title", loc="left")
    left.set_xlabel("x")
    left.set_ylabel("y")
    left.legend()
    right.imshow(np.eye(3))
    return figure, (left, right)


def one(title="t", lines=1, order=1):
    figure, axes = plt.subplots()
    for number in range(lines)[::order]:
        axes.plot(X, X + number)
    axes.set_title(title)
    return axes


def above():
    figure = one(" ").figure
    figure.suptitle("over all")
    figure.supxlabel("x")
    figure.supylabel("y")
    figure.legend(["a"])
    return figure


def line():
    return plt.plot(X, X)


def current():
    plt.scatter(X, X)


def points(order=1):
    plt.scatter([*X[::order], np.nan], [*X[::order] ** 2, 1.0])


def area():
    plt.fill_between(X, X)


def empty_legend():
    plt.plot(X, X)
    plt.gca().legend([])


def bars():
    plt.bar(X, X)


def empty():
    plt.figure()
    plt.axes()


def nothing():
    pass


def number():
    return 3.0


class Odd:
    def __getattr__(self, name):
        return lambda *args, **kwargs: name


def odd():
    return Odd()


class Longer:
    def get_figure(self):
        return 5


def no_figure():
    return Longer()
'''


@pytest.fixture(scope="module")
def remote() -> Any:
    """A worker that has the functions above."""
    staging = Staging({}, {"drawn.py": CODE.encode()})
    with (
        PlainSandbox() as sandbox,
        Remote(sandbox, staging, Limits(call_seconds=60), hide_numbers=False) as remote,
    ):
        yield remote


class Drawing:
    """Calls the functions in a case of its own, and tells what they draw."""

    def __init__(self, remote: Remote) -> None:
        self.case = Case(remote, CallLog(None))

    def told(self, function: str, *args: Any) -> list[plots.Axes] | None:
        from grader.checking.api.value import Value

        path = [["module", "drawn"], ["attr", function]]
        drawn = figures.shown_in(Value(self.case, path, function, "drawn")(*args), self.case)
        figures.close_all(self.case)
        return drawn


@pytest.fixture
def drawing(remote: Remote) -> Drawing:
    return Drawing(remote)


def sentences(want: Any, have: Any, *parts: str) -> list[str]:
    found = plots.judged("p", want, have, Tolerance(), parts or plots.USUAL)
    return [one.message for one in found if not one.ok]


def test_what_a_figure_shows_is_told(drawing: Drawing) -> None:
    left, right = drawing.told("full") or []
    data = left.pop("data")
    assert left == {
        "title": True,
        "x label": True,
        "y label": True,
        "legend": True,
        "lines": 2,
        "images": 0,
        "others": 0,
        "points": [],
    }
    assert [xy.tolist() for xy in data] == [
        [[0, 0], [1, 1], [2, 4], [3, 9]],
        [[0, 0], [1, 1], [2, 2], [3, 3]],
    ]
    assert right == {
        "title": False, "x label": False, "y label": False, "legend": False, "lines": 0, "images": 1, "others": 0,
        "data": [], "points": [],
    }  # fmt: skip


def test_words_above_all_axes_count(drawing: Drawing) -> None:
    (axes,) = drawing.told("above") or []
    assert all(axes[key] for key in ("title", "x label", "y label", "legend"))


@pytest.mark.parametrize(
    ("function", "others"), [("line", 0), ("current", 1), ("bars", 4), ("empty", 0)]
)
def test_a_figure_is_found_whatever_was_returned(
    drawing: Drawing, function: str, others: int
) -> None:
    (axes,) = drawing.told(function) or []
    assert (axes["others"], axes["lines"]) == (others, int(function == "line"))


@pytest.mark.parametrize("function", ["nothing", "number", "no_figure"])
def test_what_is_no_figure_is_none(drawing: Drawing, function: str) -> None:
    assert drawing.told(function) is None
    assert sentences([{}], None) == ["`p`: there is no figure"]


def test_lies_about_a_figure_are_data(drawing: Drawing) -> None:
    assert drawing.told("odd") in (None, [])


def test_a_closed_figure_is_nobody_elses(drawing: Drawing) -> None:
    assert drawing.told("current")
    assert drawing.told("nothing") is None


def test_what_is_lacking_is_said(drawing: Drawing) -> None:
    full, empty = drawing.told("full"), drawing.told("empty")
    left, bare = (full or [])[:1], empty
    assert sentences(left, bare) == [
        "`p` lacks a title; `p` lacks a label of its x axis; `p` lacks a label of its y axis; `p` lacks a legend; "
        "`p` has 0 lines, expected 2; `p` is empty"
    ]
    assert sentences(left, bare, "legend") == ["`p` lacks a legend; `p` is empty"]
    assert sentences(full, bare) == ["`p` has 1 axes, expected 2"]
    assert sentences(full, [left[0], (bare or [])[0]]) == [
        "`p, axes 2` has 0 images, expected 1; `p, axes 2` is empty"
    ]
    assert sentences(bare, bare) == []


def test_more_than_the_reference_shows_is_right(drawing: Drawing) -> None:
    full, bare = drawing.told("full"), drawing.told("empty")
    assert sentences(bare, full) == []
    assert sentences(drawing.told("one"), drawing.told("one", "other words", 3), *plots.PARTS) == []


def test_lines_are_looked_for_in_any_order(drawing: Drawing) -> None:
    two, turned = drawing.told("one", "t", 2), drawing.told("one", "t", 2, -1)
    assert sentences(two, turned, "data") == []
    (said,) = sentences(drawing.told("full"), [*(two or []), *(two or [])], "data", "lines")[:1]
    assert said.startswith(
        "`p, axes 1, line 1` has the right shape (4, 2), but 2 of 8 entries are off"
    )
    assert sentences(two, drawing.told("current"), "data") == [
        "`p, line 1` is not drawn",
        "`p, line 2` is not drawn",
    ]


def test_a_legend_without_entries_is_none(drawing: Drawing) -> None:
    assert (drawing.told("empty_legend") or [])[0]["legend"] is False


def test_a_line_that_is_drawn_backwards_is_the_same(drawing: Drawing) -> None:
    there = drawing.told("line")
    back = [{**axes, "data": [xy[::-1] for xy in axes["data"]]} for axes in there or []]
    assert sentences(there, back, "data") == []


def test_points_of_scatter_diagrams_are_looked_for_in_any_order(drawing: Drawing) -> None:
    some, turned = drawing.told("points"), drawing.told("points", -1)
    assert [xy.tolist() for xy in (some or [])[0]["points"]] == [[[0, 0], [1, 1], [2, 4], [3, 9]]]
    assert sentences(some, turned, "points") == []
    assert sentences(some, drawing.told("current"), "points")[0].startswith(
        "`p, points` has the right shape (4, 2), but 2 of 8 entries are off"
    )
    lacks = ["`p` is empty", "`p, points` are not drawn"]
    assert sentences(some, drawing.told("empty"), "points") == lacks
    (area,) = drawing.told("area") or []
    assert (area["points"], area["others"]) == ([], 1)


def test_a_misspelt_part_is_the_authors_mistake(drawing: Drawing) -> None:
    expect = Expect(CaseRecord(), Mode.COMPARE, drawing.case)
    with pytest.raises(
        AssignmentError, match="asked for 'lable': the parts of a plot are title, labels"
    ):
        expect.plot("p", parts=["lable"])


def test_a_reference_that_draws_nothing_is_refused(drawing: Drawing) -> None:
    with pytest.raises(AssignmentError, match="the reference draws no figure"):
        Expect(CaseRecord(), Mode.RECORD, drawing.case).plot("p")


# --- in a notebook --------------------------------------------------------------------------------

SPEC = """
schema = 1
name = "plots"
title = "Plots"
reference = "reference"
questions = [{ id = "q1", title = "Plots" }]
notebooks = [{ path = "Toy.ipynb", source = "notebooks/Toy.ipynb" }]
checks = [
  { id = "picture", question = "q1", points = 1, notebook = "Toy.ipynb" },
  { id = "figure", question = "q1", points = 1, notebook = "Toy.ipynb" },
  { id = "told", question = "q1", points = 1, notebook = "Toy.ipynb" },
]
"""
CHECKS = f'''"""Checks of a notebook's cells."""


def test_picture(expect):
    {inspect.cleandoc(inspect.getdoc(Expect.picture).partition("Example:")[2])}


def test_figure(notebook, expect):
    expect.plot("figure", notebook["fig"], parts=["labels", "data"])


def test_told(expect):
    expect.printed(cell="tell")
'''
CELLS = {
    "set-up": ("provided", "%matplotlib inline\nimport sys\nimport matplotlib.pyplot as plt"),
    "plot-losses": (
        "student",
        "fig, ax = plt.subplots()\nax.plot([3.0, 2.0, 1.5])\nax.set_xlabel('step')\nax.set_ylabel('loss');",
    ),
    "tell": ("student", "print('loss =', 1.5)\nprint('beside', file=sys.stderr)\nprint('end')"),
}


def cells(**change: str) -> nbformat.NotebookNode:
    """Return the notebook, with the sources of some cells changed."""
    told = {id_.replace("-", "_"): source for id_, (_, source) in CELLS.items()} | change
    return notebook(
        (id_, "code", role, told[id_.replace("-", "_")]) for id_, (role, _) in CELLS.items()
    )


@pytest.fixture(scope="module")
def plotted(tmp_path_factory: pytest.TempPathFactory, graders: Graders) -> Toy:
    folder = tmp_path_factory.mktemp("plots")
    assignment = build(folder / "assignment", spec=SPEC, checks=CHECKS)
    (assignment.folder / "notebooks" / "Toy.ipynb").write_text(json.dumps(cells()))
    record(assignment, reseed=False, again=False, progress=lambda line: None)
    return Toy(assignment, folder / "submissions", graders)


def graded(toy: Toy, **change: str) -> Graded:
    return toy.grade("", "picture", "figure", "told", notebook=cells(**change))


def test_right_cells_pass(plotted: Toy) -> None:
    other = "fig, ax = plt.subplots()\nax.plot([3.0, 2.0, 1.5], 'o')\nax.plot([1, 2])\nax.set(xlabel='n', ylabel='L');"
    result = graded(plotted, plot_losses=other, tell="print('loss=1.50001')\nprint(' end')")
    assert result.passed == {"picture", "figure", "told"}


def test_wrong_cells_fail(plotted: Toy) -> None:
    result = graded(plotted, plot_losses="fig = None", tell="print('loss = 1.6')\nprint('end')")
    assert {check.id: check.message for check in result.report.checks} == {
        "picture": "the cell `plot-losses` displays no picture, expected 1",
        "figure": "`figure`: there is no figure",
        "told": "`printed text` differs from what is expected, first in line 1",
    }


def test_a_notebook_that_stops_fails_with_its_reason(plotted: Toy) -> None:
    result = graded(plotted, tell="raise KeyError('k')")
    failed = [check for check in result.report.checks if not check.points]
    assert failed
    assert all("(`raise KeyError('k')`) raised KeyError" in check.message for check in failed)


def test_a_misspelt_cell_is_the_authors_mistake(tmp_path: Path) -> None:
    assignment = build(tmp_path, spec=SPEC, checks=CHECKS.replace('cell="tell"', 'cell="tel"'))
    (assignment.folder / "notebooks" / "Toy.ipynb").write_text(json.dumps(cells()))
    said = r"the cell 'tel', which the notebook does not have \(set-up, plot-losses, tell\)"
    with pytest.raises(AssignmentError, match=said):
        record(assignment, reseed=False, again=False, progress=lambda line: None)


def test_a_check_of_no_notebook_has_no_cells() -> None:
    with pytest.raises(AssignmentError, match="names no `notebook`"):
        Expect(CaseRecord(), Mode.RECORD).picture("plot")
