"""What a box tells of exceptions, turned into sentences."""

from __future__ import annotations

from typing import Any

from grader.checking.run.box_accounts import BoxAccounts, listed, texts


def passed_over(**error: Any) -> str:
    """Return what is said of a line that was passed over when its module was loaded."""
    told = {"file": "work.py", "line": 3, "text": "f()", "error": error}
    found = BoxAccounts(hide_numbers=False).passed_over(told)
    assert found is not None
    assert found[0] == ("work.py", 3)
    return found[1]


def test_a_line_that_was_interrupted_did_not_end_in_time() -> None:
    said = passed_over(type="TimeUp", kinds=["TimeUp", "KeyboardInterrupt"], interrupted=True)
    assert "`f()` did not end in the time of an import" in said


def test_an_exception_of_the_students_own_with_that_name_was_raised() -> None:
    said = passed_over(type="TimeUp", kinds=["TimeUp", "Exception"], message="of my own")
    assert "`f()` raised TimeUp: of my own" in said


def test_what_has_another_form_than_expected_is_left_out() -> None:
    assert BoxAccounts(hide_numbers=False).passed_over("work.py") is None
    assert (listed("abc"), listed([1, 2, 3], 2)) == ([], [1, 2])
    assert texts(["a", 1, None, "b"]) == ["a", "b"]
