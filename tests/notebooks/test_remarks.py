"""What a student is told of a notebook before the deadline, from the file alone."""

from __future__ import annotations

from typing import Any

import pytest

from grader.notebooks.advice import remarks

ERROR = {
    "output_type": "error",
    "ename": "NameError",
    "evalue": "name 'y' is not defined",
    "traceback": [],
}


def cell(source: str, id: str, kind: str = "code", role: str = "", **more: Any) -> dict[str, Any]:  # noqa: A002
    return {
        "cell_type": kind,
        "source": source,
        "id": id,
        "metadata": {"grader": {"role": role}},
        **more,
    }


TASK = cell("def half(x):\n    raise NotImplementedError('half')", "half", role="student")
TOTAL = cell("raise NotImplementedError('total')", "total", role="student")
ASKED = cell("**Q 2** Why halve?\nIn a sentence.", "asked", "markdown")
ANSWER = cell("*Write your answer here.*", "answer", "markdown", "student")
AUTHOR = [cell("import numpy as np", "set-up"), TASK, TOTAL, ASKED, ANSWER]
DONE = [
    AUTHOR[0],
    {**TASK, "source": "def half(x):\n    return x / 2"},
    {**TOTAL, "source": "total = 3"},
    ASKED,
    {**ANSWER, "source": "Why not?"},
]


def said(*cells: dict[str, Any]) -> list[str]:
    return list(remarks(AUTHOR, cells))


def test_finished_work_has_none() -> None:
    assert said(*DONE) == []


def test_an_untouched_handout_says_what_is_to_be_done() -> None:
    assert said(*AUTHOR) == [
        "still to be written: half, cell [3] (`raise NotImplementedError('total')`)",
        "not answered yet: Q 2 Why halve?",
    ]


@pytest.mark.parametrize(
    ("mine", "remark"),
    [
        (
            cell("def half(x) return x", "m"),
            "cell [4] (`def half(x) return x`) can't be read as Python: it will not run",
        ),
        (
            cell("y", "m", outputs=[ERROR]),
            "cell [4] (`y`) raised NameError: name 'y' is not defined when it was last run",
        ),
        (
            cell("def half(x):\n    return 0", "m"),
            "`half` is defined in 2 cells: the last one counts, cell [4] (`def half(x):`)",
        ),
    ],
)
def test_what_is_wrong_with_a_cell_is_said_with_its_place(
    mine: dict[str, Any], remark: str
) -> None:
    assert said(*DONE, mine) == [remark]


def test_a_cell_that_is_meant_to_raise_is_not_mentioned() -> None:
    tagged = {**cell("1 / 0", "m", outputs=[ERROR]), "metadata": {"tags": ["raises-exception"]}}
    assert said(*DONE, tagged) == []


def test_cells_that_were_not_run_from_top_to_bottom_are_mentioned() -> None:
    ran = [
        {**one, "execution_count": count} for one, count in zip(DONE[:3], (3, 1, 2), strict=True)
    ]
    (remark,) = said(*ran, *DONE[3:])
    assert "were not run from top to bottom" in remark
