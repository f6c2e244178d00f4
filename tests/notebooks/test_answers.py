"""Answers in words: found in their cells, and wherever else a student wrote them."""

from __future__ import annotations

from typing import Any

import pytest

from grader.notebooks.answer_cells import PICTURES, Found, answers
from grader.notebooks.matching import match


def text(source: str, id: str = "", role: str = "", kind: str = "markdown") -> dict[str, Any]:  # noqa: A002
    metadata = {"grader": {"role": role}} if role else {}
    return {"cell_type": kind, "source": source, "id": id, "metadata": metadata}


EMPTY = "*Write your answer here.*"
FIRST, SECOND = (
    text("**1** Why is the sky blue today?", "q1"),
    text("**2** Why is grass green?", "q2"),
)
AUTHOR = [FIRST, text(EMPTY, "a1", "student"), SECOND, text(EMPTY, "a2", "student")]
MINE = "Because of how air scatters light."


def found(*cells: dict[str, Any]) -> dict[str, Found]:
    return answers(match(AUTHOR, cells))


def texts(*cells: dict[str, Any]) -> dict[str, str]:
    return {key: answer.text for key, answer in found(*cells).items()}


def test_untouched_places_hold_no_answer() -> None:
    assert found(*AUTHOR) == {}


def test_an_answer_in_its_cell() -> None:
    answer = found(FIRST, text(MINE, "a1"), *AUTHOR[2:])["a1"]
    assert (answer.text, answer.elsewhere) == (MINE, False)


@pytest.mark.parametrize("kind", ["markdown", "raw"])
def test_a_new_cell_below_answers_the_question_that_it_follows(kind: str) -> None:
    cells = [*AUTHOR[:2], text(MINE, "new", kind=kind), *AUTHOR[2:]]
    assert found(*cells)["a1"] == Found(MINE, {}, elsewhere=True)
    cells = [*AUTHOR, text(MINE, "new", kind=kind)]
    assert texts(*cells) == {"a2": MINE}


def test_a_new_cell_between_question_and_place_is_the_questions() -> None:
    assert texts(FIRST, text(MINE, "new"), *AUTHOR[1:]) == {"a1": MINE}


def test_what_was_written_into_the_questions_own_cell_is_its_answer() -> None:
    changed = {**SECOND, "source": f"{SECOND['source']}\n\n{MINE}"}
    assert texts(*AUTHOR[:2], changed, AUTHOR[3]) == {"a2": MINE}


def test_a_replaced_cell_without_metadata_is_the_answer() -> None:
    assert texts(FIRST, text(MINE), SECOND, AUTHOR[3]) == {"a1": MINE}


def test_words_in_a_code_cell_are_an_answer() -> None:
    assert texts(*AUTHOR[:2], text("# because of how air scatters", kind="code"), *AUTHOR[2:]) == {
        "a1": "# because of how air scatters"
    }
    prose = "Air scatters blue light more than red"
    assert texts(*AUTHOR[:2], text(prose, kind="code"), *AUTHOR[2:]) == {"a1": prose}


def test_code_is_no_answer() -> None:
    assert texts(*AUTHOR, text("x = 1\nprint(x)", kind="code")) == {}


def test_a_deleted_place_is_answered_by_what_stands_there() -> None:
    assert texts(FIRST, SECOND, text(MINE, "new")) == {"a2": MINE}


def test_a_cell_behind_an_answer_goes_on_with_it() -> None:
    answer = found(FIRST, text("First,", "a1"), text("then more.", "new"), *AUTHOR[2:])["a1"]
    assert (answer.text, answer.elsewhere) == ("First,\n\nthen more.", False)


def test_pasted_pictures_come_with_the_answer() -> None:
    pasted = text("See ![it](attachment:a.png)", "a1")
    pasted["attachments"] = {
        "a.png": {"image/png": "iVBORw0KGgo="},
        "b.svg": {"image/svg+xml": "<svg/>"},
    }
    assert found(FIRST, pasted, *AUTHOR[2:])["a1"].pictures == {"a.png": "iVBORw0KGgo="}


def test_pictures_are_bounded_and_their_form_is_not_believed() -> None:
    pasted = text("See", "a1")
    pasted["attachments"] = {f"{n}.png": {"image/png": "iVBOR"} for n in range(3 * PICTURES)}
    assert len(found(FIRST, pasted, *AUTHOR[2:])["a1"].pictures) == PICTURES
    for odd in (7, [], {"a": 3}, {"a": {"image/png": 7}}, {7: {"image/png": "iVBOR"}}):
        pasted["attachments"] = odd
        assert found(FIRST, pasted, *AUTHOR[2:])["a1"].pictures == {}
