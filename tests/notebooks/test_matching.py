"""Which submitted cell is which of the author's: ids, text, names, lines and places; none is
believed alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from grader.notebooks.cells import in_words
from grader.notebooks.definitions import additions
from grader.notebooks.matching import Matching, match

TASK = "def evens(n):\n    raise NotImplementedError('Task 1: evens')"
SOLVED = "def evens(n):\n    return list(range(0, 2 * n, 2))"
SETUP = "import numpy as np\nrng = np.random.default_rng(0)"
QUESTION = "**Question.** Why is a slice cheaper than a copy?"


def cell(source: str, id: str = "", kind: str = "code", role: str = "") -> dict[str, Any]:  # noqa: A002
    made: dict[str, Any] = {"cell_type": kind, "source": source, "metadata": {}}
    if id:
        made["id"] = id
    if role:
        made["metadata"] = {"grader": {"role": role}}
    return made


AUTHOR = [
    cell("# Title of the week", "title", "markdown"),
    cell(SETUP, "set-up"),
    cell(TASK, "evens", role="student"),
    cell("print(evens(5), 'are even')", "try"),
    cell(QUESTION, "question", "markdown"),
    cell("*Write your answer here.*", "answer", "markdown", "student"),
]


def found(submitted: Iterable[dict[str, Any]]) -> dict[str, int]:
    """Return the submitted cell's place for each of the author's that was found."""
    matching: Matching = match(AUTHOR, [*submitted])
    return {matching.author[ours].key: theirs for ours, theirs in sorted(matching.found.items())}


def without_ids(*changes: tuple[int, dict[str, Any]]) -> list[dict[str, Any]]:
    cells = [{**one, "metadata": {}, "id": f"x{number}"} for number, one in enumerate(AUTHOR)]
    for place, change in changes:
        cells[place] = {**cells[place], **change}
    return cells


EVERY = {"title": 0, "set-up": 1, "evens": 2, "try": 3, "question": 4, "answer": 5}


def test_ids_match() -> None:
    assert found(AUTHOR) == EVERY


def test_untouched_cells_without_ids_match_by_their_text() -> None:
    assert found(without_ids()) == EVERY


def test_a_solved_task_without_id_matches_by_the_names_that_it_defines() -> None:
    assert found(without_ids((2, {"source": SOLVED}))) == EVERY


def test_a_provided_cell_that_was_edited_matches_by_its_lines() -> None:
    assert found(without_ids((1, {"source": SETUP + "\nprint('ready')"}))) == EVERY


def test_an_answer_without_id_matches_by_its_place_behind_the_question() -> None:
    assert found(without_ids((5, {"source": "A slice shares its memory."}))) == EVERY


def test_ids_in_the_metadata_count_as_colab_keeps_them() -> None:
    cells = [{**one, "metadata": {"id": one["id"]}, "id": ""} for one in AUTHOR]
    cells[2]["source"] = SOLVED
    assert found(cells) == EVERY


def test_an_id_that_names_another_cell_of_an_older_edition_is_not_believed() -> None:
    older = [{**one} for one in AUTHOR]
    older[1]["id"], older[3]["id"] = "try", "set-up"
    assert found(older) == EVERY


def test_a_copy_with_its_originals_metadata_does_not_take_its_place() -> None:
    copied = [{**one, "metadata": {"grader": {"id": one["id"]}}} for one in AUTHOR]
    twin = {**copied[2], "id": "b7", "source": "print('try')"}
    assert found([*copied[:2], twin, *copied[2:]])["evens"] == 3


def test_of_two_definitions_without_ids_the_written_one_is_the_task() -> None:
    cells = without_ids((2, {"source": "def evens(n):\n    pass"}))
    assert found([*cells, cell(SOLVED)])["evens"] == 6


def test_text_turned_into_code_keeps_its_place_by_its_id() -> None:
    turned = [{**one} for one in AUTHOR]
    turned[5] = {**turned[5], "cell_type": "code", "source": "# a slice shares memory"}
    assert found(turned) == EVERY


def test_a_notebook_of_something_else_matches_nothing() -> None:
    assert found([cell("x = 1"), cell("# Other", kind="markdown")]) == {}


def test_work_grows_with_the_length_of_both_notebooks_alone() -> None:
    hostile = [cell(f"{SETUP}\nprint(evens(5), 'are even')\n{number}") for number in range(2000)]
    matching = match(AUTHOR, hostile)
    assert len(matching.found) <= len(AUTHOR)


def test_a_cell_is_named_by_its_number_in_jupyter_and_its_first_line() -> None:
    assert in_words(3, "\n\nx = `1`\ny = 2") == "cell [3] (`x = '1'`)"
    assert in_words(0, "import numpy") == "the assignment's cell `import numpy`"


def test_a_provided_cell_in_which_a_task_was_written_is_the_students_own() -> None:
    demo = "print(evens(5), 'are even')"
    written = without_ids((3, cell(f"{SOLVED}\n\n{demo}")))
    assert "try" not in found(written)
    twice = without_ids((2, cell(SOLVED)), (3, cell(f"{SOLVED}\n\n{demo}")))
    assert found(twice)["try"] == 3


def test_imports_and_functions_added_to_a_provided_cell_are_kept() -> None:
    changed = f"{SETUP}\nimport math\nrng = None\n\ndef half(x):\n    return x / 2"
    assert additions(changed, SETUP) == "import math\ndef half(x):\n    return x / 2"
    assert additions(SETUP, SETUP) == ""
    assert additions("import math\n1 +", SETUP) == ""
