"""A class in which every notebook has another trouble: no row is 0 that should not be, and each
trouble is told.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grader.classroom.run import worker
from grader.report import notebook_cells
from grader.report.markup import snippets

BASICS = Path(__file__).resolve().parents[2] / "examples" / "numpy-basics"
FULL, ANSWERS = 18, 4
Cell = dict[str, Any]
RIGHT: list[Cell] = json.loads((BASICS / "numpy_basics.ipynb").read_bytes())["cells"]


def code(source: str, id: str = "mine", **metadata: Any) -> Cell:  # noqa: A002
    return {
        "cell_type": "code", "id": id, "source": source, "metadata": metadata, "outputs": [], "execution_count": None,
    }  # fmt: skip


def text(source: str, id: str = "words") -> Cell:  # noqa: A002
    return {"cell_type": "markdown", "id": id, "source": source, "metadata": {}}


def fresh() -> list[Cell]:
    return json.loads(json.dumps(RIGHT))


def at(cells: list[Cell], id: str) -> int:  # noqa: A002
    return [cell["id"] for cell in cells].index(id)


def plus(*more: Cell) -> list[Cell]:
    return [*fresh(), *more]


def changed(task: str, source: str) -> list[Cell]:
    cells = fresh()
    cells[at(cells, task)]["source"] = source
    return cells


def bare() -> list[Cell]:
    return [{**cell, "id": f"n{place}", "metadata": {}} for place, cell in enumerate(fresh())]


def stub_and_own(*, above: bool) -> list[Cell]:
    cells = fresh()
    place = at(cells, "evens")
    mine = code("".join(cells[place]["source"]))
    cells[place]["source"] = "def evens(n):\n    raise NotImplementedError('evens')"
    cells.insert(place if above else len(cells), mine)
    return cells


def answered_below() -> list[Cell]:
    cells = changed("copies-answer", "*Write your answer here.*")
    cells.insert(at(cells, "copies-answer") + 1, text("A view shares memory, a copy does not."))
    return cells


# name -> cells, points of programs, what the row's note must say
ROWS: dict[str, tuple[list[Cell], float, str]] = {
    f"raises{number:02}": (plus(code(source)), FULL, said)
    for number, (source, said) in enumerate(
        {
            "1 / 0": "ZeroDivisionError",
            "def broken(:": "SyntaxError",
            "a note to myself in words": "SyntaxError",
            "import google.colab": "No module named 'google'",
            "from ipywidgets import interact": "No module named 'ipywidgets'",
            "from public_tests import *": "No module named 'public_tests'",
            "import cs231n_of_mine.layers": "No module named 'cs231n_of_mine'",
            "%%sql\nSELECT 1": "Cell magic `%%sql` not found",
            "input('name? ')": "EOFError",
            "assert evens(2)[0] == 1, 'my test'": "my test",
            "raise KeyboardInterrupt": "KeyboardInterrupt",
            "exit()": "SystemExit",
            "raise SystemExit(1)": "SystemExit",
            "import os\nos._exit(3)": "exit code 3",
            "import ctypes\nctypes.string_at(0)": "segmentation fault",
            "import os\nos.abort()": "an abort",
            "open('/content/drive/data.csv')": "FileNotFoundError",
            "np.int(3)": "AttributeError",
            "undefined_name": "NameError",
            "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:9')": "without a network",
            "import multiprocessing\nmultiprocessing.Pool(2)": "without the shared semaphores",
            "x = [1, 2\n": "SyntaxError",
            "evens('three')": "TypeError",
            "import torchvision_of_mine": "No module named",
            "evens = evens(3)": "was bound to something else",
            "raise RecursionError('deep')": "RecursionError",
        }.items()
    )
}
ROWS |= {
    "quiet-tag": (plus(code("1 / 0", tags=["raises-exception"])), FULL, ""),
    "quiet-widget": (plus(code("%matplotlib widget\nimport matplotlib.pyplot as plt")), FULL, ""),
    "quiet-magic": (plus(code("%load_ext nb_black")), FULL, ""),
    "ids-gone": (bare(), FULL, ""),
    "stub-below": (stub_and_own(above=True), FULL, "was left as it was handed out"),
    "stub-above": (stub_and_own(above=False), FULL, "was left as it was handed out"),
    "answer-below": (answered_below(), FULL, "found outside its cell"),
    "task-typo": (changed("distances", "def distances(a, b:"), FULL - 4, "SyntaxError"),
    "task-crash": (changed("evens", "1 / 0"), FULL - 2, "ZeroDivisionError"),
    "task-stub": (changed("summary", "def summary(x):\n    pass"), FULL - 2, ""),
    "task-empty": (changed("one-hot", ""), FULL - 4, ""),
    "task-endless": (
        changed("evens", "def evens(n):\n    import os\n    os._exit(1)"),
        FULL - 2,
        "exit code 1",
    ),
}


@pytest.mark.usefixtures("few_examples")
def test_every_trouble_costs_itself_and_is_told(
    tmp_path: Path, command: Callable[..., Any]
) -> None:
    for name, (cells, _, _) in ROWS.items():
        tree = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / "numpy_basics.ipynb").write_text(json.dumps(tree))
    (tmp_path / "class" / "renamed").mkdir()
    right = (BASICS / "numpy_basics.ipynb").read_bytes()
    (tmp_path / "class" / "renamed" / "Homework (final).ipynb").write_bytes(right)
    (tmp_path / "class" / "renamed" / "note.txt").write_text("hello")
    (tmp_path / "class" / "webpage").mkdir()
    (tmp_path / "class" / "webpage" / "numpy_basics.ipynb").write_text(
        "<!DOCTYPE html><html></html>"
    )
    out = tmp_path / "out"
    done = command("batch", tmp_path / "class", "--assignment", BASICS, "--out", out)
    assert done.code == 1, done.err
    with (out / "gradebook.csv").open(newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert len(rows) == len(ROWS) + 2
    for name, (_, points, said) in ROWS.items():
        row = rows[name]
        programs = float(row["points"]) - float(row["numpy_basics/copies-answer"] or 0)
        programs -= float(row["numpy_basics/rules-answer"] or 0)
        assert (programs, said in row["notes"]) == (points, True), (name, row)
    assert float(rows["renamed"]["points"]) == FULL
    assert "a web page" in rows["webpage"]["notes"]


@pytest.mark.usefixtures("few_examples")
def test_the_author_s_cells_are_converted_once_for_a_class_and_a_student_s_once_for_both_pages(
    tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebook_cells, "_CELLS", {})
    worker._prepare.cache_clear()
    counted: Counter[str] = Counter()
    convert = snippets.pygmentized

    def counting(source: str) -> str:
        counted[source] += 1
        return convert(source)

    monkeypatch.setattr(snippets, "pygmentized", counting)
    for name in ("ann", "ben", "cem"):
        tree = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}}
        cells = plus(code(f"mine = '{name}'"))
        (tmp_path / "class" / name).mkdir(parents=True)
        path = tmp_path / "class" / name / "numpy_basics.ipynb"
        path.write_text(json.dumps({**tree, "cells": cells}))
    out = tmp_path / "out"
    options = ("--assignment", BASICS, "--out", out)
    assert command("batch", tmp_path / "class", *options).code == 0
    sources = ["".join(cell["source"]) for cell in RIGHT if cell["id"].startswith("try-")]
    assert [counted[source] for source in sources] == [1] * len(sources)
    assert [counted[f"mine = '{name}'"] for name in ("ann", "ben", "cem")] == [1, 1, 1]
