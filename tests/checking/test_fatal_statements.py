"""Statements that end the process: what a box says of them is believed within bounds."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_remote import LIMITS, LiarBox, LiarSandbox
from toy import Graders

from grader.assignment.spec import load
from grader.authoring.record import record
from grader.checking.run.fatal_statements import (
    MOST_LEFT_OUT,
    FatalStatements,
    Place,
    place_told,
)
from grader.checking.run.remote import Remote
from grader.errors import WorkerDied
from grader.sandbox.box import Box, Staging
from grader.sandbox.wire import Frame, WireError


def saying(number: int) -> Frame:
    return Frame({"op": "place", "file": "work.py", "number": number})


class DyingBox(LiarBox):
    """A box that says where it is when it is to import a module, and is gone."""

    def _serve(self) -> None:
        with contextlib.suppress(WireError), contextlib.closing(self._far):
            for answers in [[Frame({"ok": True})], self._answers]:
                self._far.receive(20)
                for answer in answers:
                    self._far.send(answer, 20)


class DyingSandbox(LiarSandbox):
    """Opens boxes that die at one place after the other, and then at the last."""

    def __init__(self, *places: Frame) -> None:
        super().__init__()
        self._places = list(places)
        self.opened = 0

    def open(self, notebook: bool = False) -> Box:
        at = min(self.opened, len(self._places) - 1)
        self.opened += 1
        return DyingBox(self._places[at : at + 1])


@pytest.mark.parametrize(
    ("places", "most"),
    [
        ([], 2),
        ([saying(1)], 3),
        ([saying(number) for number in range(20)], MOST_LEFT_OUT + 2),
        ([Frame({"op": "place", "file": "", "number": 0})], 2),
        ([Frame({"op": "place", "file": "work.py", "number": "0"})], 2),
    ],
    ids=["no place", "the same", "one after the other", "the end", "text for a number"],
)
def test_box_that_dies_again_and_again_is_not_opened_for_ever(
    places: list[Frame], most: int
) -> None:
    sandbox = DyingSandbox(*places)
    with Remote(sandbox, Staging({}, {}), LIMITS, hide_numbers=False) as remote:
        for _ in range(2):  # the second one opens no box
            with pytest.raises(WorkerDied, match="importing `work` ended its process"):
                remote.import_module("work")
        assert sandbox.opened <= most
        assert len(remote.fatal.found) <= MOST_LEFT_OUT


@given(
    st.dictionaries(
        st.sampled_from(["file", "number"]),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers()),
    )
)
def test_any_place_is_a_statement_or_none(body: dict[str, Any]) -> None:
    told = place_told(body)
    assert told is None or (told.file == body["file"] and told.number == body["number"])


def test_first_end_is_looked_into_and_few_statements_are_left_out() -> None:
    fatal = FatalStatements()
    assert fatal.ended(None, 0)
    for number in range(MOST_LEFT_OUT):
        assert fatal.ended(Place("work.py", number), number)
        assert not fatal.ended(Place("work.py", number), number + 1)
    assert not fatal.ended(Place("work.py", MOST_LEFT_OUT), MOST_LEFT_OUT)
    assert not fatal.ended(None, MOST_LEFT_OUT)
    assert len(fatal.found) == MOST_LEFT_OUT


def test_box_that_left_out_nothing_yet_may_come_further() -> None:
    fatal = FatalStatements()
    fatal.ended(None, 0)
    at = Place("work.py", 3)
    assert fatal.ended(at, 0)
    assert fatal.ended(at, 0)  # another box, begun before
    assert fatal.found == [at]


def test_check_in_the_box_beside_files_runs_without_what_ends_its_process(
    tmp_path: Path, graders: Graders
) -> None:
    """The check imports the module itself, in a process of its own."""
    spec = 'schema = 1\nname = "b"\ntitle = "B"\nreference = "right"\n[[questions]]\nid = "q1"\ntitle = "Q"\n'
    spec += '[[files]]\npath = "work.py"\nprovides = ["twice"]\n'
    spec += '[[checks]]\nid = "twice"\nquestion = "q1"\npoints = 1\nin_box = true\n'
    folder, handed_in = tmp_path / "assignment", tmp_path / "handed_in"
    right = "def twice(x):\n    return 2 * x\n"
    files = {
        "assignment/assignment.toml": spec,
        "assignment/right/work.py": right,
        "assignment/checks/in_box/twice.py": "from work import twice\nassert twice(21) == 42\n",
        "assignment/checks/test_work.py": '"""Checks."""\n\n\ndef test_twice(in_box):\n'
        '    """Twice."""\n    in_box()\n',
        "handed_in/work.py": f"import os\nos._exit(0)\n{right}",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    record(load(folder), reseed=False, again=False, progress=lambda line: None)
    report = graders(folder).grade(handed_in).report
    assert report.score == 1, [check.message for check in report.checks]
    (note,) = report.notes
    assert "`os._exit(0)` ended the process" in note
