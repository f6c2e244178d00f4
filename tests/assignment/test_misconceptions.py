"""Misconceptions on disk: read, put into the reference, and told in one sentence where they don't
fit.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.assignment.misconceptions import Misconception, SourceChange, apply, load_all
from grader.errors import AssignmentError

CODE = '''"""A module."""


def double(x):
    y = x + x
    return y


class Model:
    def double(self, x):
        if x:
            y = x + x
            z = y

        return y
'''
WHOLE = """
name = "Three times"
hint = \"\"\"
How often does x stand
in the sum?
\"\"\"
fails = ["double"]

[[changes]]
file = "code.py"
function = "double"
old = "x + x"
new = "x + x + x"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes misconceptions by id."""

    def write(**texts: str) -> Path:
        for id_, text in texts.items():
            (tmp_path / f"{id_}.toml").write_text(text, encoding="utf-8")
        return tmp_path

    return write


def changed(*changes: tuple[str, str, str], file: str = "code.py", code: str = CODE) -> str:
    """Return the code with changes, each of a function, an old and a new text."""
    made = tuple(
        SourceChange(file=file, function=function, old=old, new=new)
        for function, old, new in changes
    )
    misconception = Misconception(
        id="some", name="Some", hint="Look.", fails=("double",), changes=made
    )
    return apply(misconception, {"code.py": code.encode(), "other.py": b""})[file].decode()


def test_folder_is_read_in_order_with_the_hint_as_one_line(folder: Callable[..., Path]) -> None:
    found = load_all(folder(second=WHOLE, first=WHOLE.replace("Three", "3")))
    assert [(one.id, one.name) for one in found] == [
        ("first", "3 times"),
        ("second", "Three times"),
    ]
    assert found[0].hint == "How often does x stand in the sum?"
    assert (found[0].group, found[0].share, found[0].fails) == ("", 0.0, ("double",))


def test_no_folder_holds_none(tmp_path: Path) -> None:
    assert load_all(tmp_path / "nothing") == ()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('name = "Three times"', 'nam = "Three times"', r"some\.toml: .*unknown key `nam`"),
        ('name = "Three times"', "", r"some\.toml: it lacks `name`"),
        ('name = "Three times"', 'name = " "', r"some\.toml: `name` is empty"),
        ('name = "Three times"', "name = 3", r"some\.toml: .*`name`"),
        ('["double"]', "[]", r"`fails` is empty"),
        ('new = "x + x + x"', 'new = "x + x"', r"`changes\[0\]` changes nothing"),
        ('old = "x + x"', 'old = ""', r"`changes\[0\]\.old` is empty"),
        ('fails = ["double"]', 'fails = ["double"]\nshare = 1.5', r"`share` is 1\.5"),
        ("[[changes]]", "[[changes", r"some\.toml: "),
    ],
)
def test_broken_file_is_told_with_its_key(
    folder: Callable[..., Path], old: str, new: str, says: str
) -> None:
    assert WHOLE.count(old) == 1
    with pytest.raises(AssignmentError, match=says):
        load_all(folder(some=WHOLE.replace(old, new)))


def test_group_has_one_hint(folder: Callable[..., Path]) -> None:
    one = 'group = "g"\n' + WHOLE
    assert len(load_all(folder(one=one, two=one))) == 2
    with pytest.raises(
        AssignmentError, match=r"two\.toml: `hint` differs from the one in one\.toml"
    ):
        load_all(folder(one=one, two=one.replace("How often", "How many times")))


def test_change_is_made_in_its_function_alone() -> None:
    assert changed(("double", "x + x", "3 * x")) == CODE.replace("x + x", "3 * x", 1)
    assert changed(("Model.double", "x + x", "3 * x")) == "3 * x".join(CODE.rsplit("x + x", 1))


def test_lines_are_indented_as_the_first_one_stands() -> None:
    new = changed(("Model.double", "y = x + x\nz = y", "y = x\n\nif y:\n    y += x"))
    assert new == CODE.replace(
        "            y = x + x\n            z = y\n",
        "            y = x\n\n            if y:\n                y += x\n",
    )


def test_changes_are_made_one_after_another() -> None:
    assert "y = 4 * x\n    return y" in changed(
        ("double", "x + x", "3 * x"), ("double", "3 * x", "4 * x")
    )


def test_what_is_not_changed_stays_as_it_is() -> None:
    misconception = Misconception(
        id="some", name="Some", hint="Look.", fails=("double",),
        changes=(SourceChange(file="code.py", function="double", old="x + x", new="x"),),
    )  # fmt: skip
    files = {"code.py": CODE.encode(), "other.py": b"\xff"}
    made = apply(misconception, files)
    assert made["other.py"] == b"\xff"
    assert files["code.py"] == CODE.encode()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("double", "x - x", "x"), r"`some`: code\.py: `double` does not have this text:\nx - x"),
        (("double", "y", "z"), r"`double` has 2 times, not once, this text"),
        (("Model.dobule", "x", "y"), r"no function `Model\.dobule`: did you mean `Model\.double`"),
        (("Model.double", "y = x + x\n    z = y", "y"), r"does not have this text"),
        (("double", "x + x", "x +"), r"with `double` changed, is not Python"),
    ],
)
def test_change_that_does_not_fit_is_told(change: tuple[str, str, str], says: str) -> None:
    with pytest.raises(AssignmentError, match=says):
        changed(change)


def test_file_that_is_none_of_the_references_is_told() -> None:
    with pytest.raises(
        AssignmentError, match=r"none\.py is not among the reference's files: code\.py, other\.py"
    ):
        changed(("double", "x + x", "x"), file="none.py")


def test_cell_of_a_notebook_is_changed() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["def double(x) is meant"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n"]},
        {"cell_type": "code", "source": CODE.splitlines(keepends=True)},
    ]
    change = SourceChange(file="Book.ipynb", function="double", old="x + x", new="x")
    misconception = Misconception(
        id="some", name="Some", hint="Look.", fails=("double",), changes=(change,)
    )
    made = json.loads(
        apply(misconception, {"Book.ipynb": json.dumps({"cells": cells}).encode()})["Book.ipynb"]
    )
    assert made["cells"][:2] == cells[:2]
    assert "".join(made["cells"][2]["source"]) == CODE.replace("x + x", "x", 1)
