"""Statements that end the process: they are looked for in boxes that have seen nothing, and what
these say is believed within bounds.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_remote import LIMITS, LiarBox, LiarSandbox
from toy import Graders

from grader.assignment.expectations import SCHEMA, Expectations, Provenance
from grader.assignment.spec import Assignment, load
from grader.authoring.record import record
from grader.checking.api.held_values import Mode
from grader.checking.run.boxes import Boxes
from grader.checking.run.fatal_search import FatalSearch
from grader.checking.run.fatal_statements import (
    MOST_LEFT_OUT,
    FatalStatements,
    Place,
    place_told,
)
from grader.checking.run.plan import Plan
from grader.checking.run.remote import Remote
from grader.errors import AssignmentError, SubmissionFailed, WorkerDied
from grader.sandbox.box import Box, Exit, Sandbox, Staging
from grader.sandbox.wire import Frame, WireError

OWN = ("work.py",)
TEXT = st.text("work.py", max_size=8)
LIES = {
    "a reply without an outcome": [Frame({"ok": "pass"})],
    "a list for a reply": [Frame({"op": "place", "file": "work.py", "number": 0})],
    "a place out of turn": [Frame({"op": "place", "file": "work.py", "number": 0})] * 3,
    "silence": [],
}


def saying(number: int, file: str = "work.py") -> Frame:
    return Frame({"op": "place", "file": file, "number": number})


class DyingBox(LiarBox):
    """A box that is gone when it is to import a module; if it is to say where it is, it does."""

    def __init__(self, asked: list[dict[str, Any]], places: list[Frame], code: int | None) -> None:
        self._asked, self._places, self._code = asked, places, code
        super().__init__([])

    def _serve(self) -> None:
        with contextlib.suppress(WireError), contextlib.closing(self._far):
            stage = self._far.receive(20).body
            self._asked.append(stage)
            self._far.send(Frame({"ok": True}), 20)
            self._asked.append(self._far.receive(20).body)
            if stage.get("says_places") and self._places:
                self._far.send(self._places[0], 20)
                del self._places[: len(self._places) > 1]

    def kill(self) -> Exit:
        super().kill()
        return Exit(self._code)


class DyingSandbox(LiarSandbox):
    """Opens boxes that die at one place after the other, and then at the last."""

    def __init__(self, *places: Frame, code: int | None = 0) -> None:
        super().__init__()
        self._places, self._code = [*places], code
        self.opened = 0
        self.asked: list[dict[str, Any]] = []

    def open(self, notebook: bool = False) -> Box:
        self.opened += 1
        return DyingBox(self.asked, self._places, self._code)


def searching(sandbox: Sandbox) -> Remote:
    """Return a box of a submission that looks for what ends it."""
    remote = Remote(sandbox, Staging({}, {}), LIMITS, hide_numbers=False)

    def opened(seconds: float) -> Remote:
        other = Remote(sandbox, Staging({}, {}), LIMITS, hide_numbers=False)
        other.fatal = remote.fatal
        return other

    remote.search = FatalSearch(remote.fatal, ["work"], OWN, LIMITS.import_seconds, opened)
    return remote


# --- what begins a search -------------------------------------------------------------------------


@pytest.mark.parametrize("code", [None, -9], ids=["still there", "killed from outside"])
def test_box_that_did_not_end_by_itself_is_not_looked_into(code: int | None) -> None:
    sandbox = DyingSandbox(saying(0), code=code)
    with searching(sandbox) as remote, pytest.raises(WorkerDied):
        remote.import_module("work")
    assert (sandbox.opened, remote.fatal.found) == (1, [])


@pytest.mark.parametrize("answers", LIES.values(), ids=LIES)
def test_broken_protocol_and_a_limit_begin_no_search(answers: list[Frame]) -> None:
    opened = []

    class Lying(LiarSandbox):
        def open(self, notebook: bool = False) -> Box:
            opened.append(notebook)
            return super().open(notebook)

    remote = searching(Lying(*answers))
    object.__setattr__(remote, "limits", type(LIMITS)(call_seconds=0.1, import_seconds=0.1))
    with remote, pytest.raises(SubmissionFailed):
        remote.import_module("work")
    assert (len(opened), remote.fatal.found) == (1, [])


def test_boxes_of_a_search_are_given_an_import_and_nothing_else() -> None:
    sandbox = DyingSandbox(saying(1))
    with searching(sandbox) as remote, pytest.raises(WorkerDied):
        remote.import_module("work")
    stages, requests = sandbox.asked[::2], sandbox.asked[1::2]
    assert [bool(stage.get("says_places")) for stage in stages[:3]] == [False, False, True]
    assert stages[0] == stages[1]  # the second can't know that there was a first
    assert stages[0].keys() == {"op", "links", "files", "notebook"}
    for request in requests[1:4]:
        (reset, _), (fetch, _) = request["steps"]
        assert (reset["op"], fetch["op"]) == ("reset", "fetch")


SAYS = """
import json, os, stat, struct, time
def wires():
    for number in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                yield number
        except OSError:
            pass
"""
FAULTS = {
    "bytes that are no frame, then an exit": "for one in wires(): os.write(one, b'x' * 99)\nos._exit(0)",
    "a place out of turn, then an exit": (
        "body = json.dumps({'op': 'place', 'file': 'work.py', 'number': 0}).encode()\n"
        "for one in wires(): os.write(one, struct.pack('!II', len(body), 0) + body)\nos._exit(0)"
    ),
    "a closed channel": "for one in [*wires()]: os.close(one)\ntime.sleep(600)",
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_real_box_that_breaks_the_protocol_while_importing_loses_its_module(
    fault: str, tmp_path: Path, graders: Graders
) -> None:
    assignment = assignment_of(tmp_path / "assignment")
    record(assignment, reseed=False, again=False, progress=lambda line: None)
    folder = tmp_path / "handed_in"
    built_files(folder, RIGHT | {"work.py": f"{SAYS}{fault}\n{RIGHT['work.py']}"})
    report = graders(assignment.folder).grade(folder).report
    assert [check.status.value for check in report.checks] == ["fail", "fail"]
    assert not report.notes  # that tell of statements left out


# --- what a box may name --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("places", "most", "found"),
    [
        ([], 3, 0),
        ([saying(1)], 5, 1),
        ([saying(number) for number in range(20)], MOST_LEFT_OUT + 4, MOST_LEFT_OUT),
        ([saying(0, "")], 3, 0),
        ([saying(0, "given.py")], 3, 0),
        ([Frame({"op": "place", "file": "work.py", "number": "0"})], 3, 0),
    ],
    ids=["no place", "the same", "one after the other", "the end", "not its own", "text"],
)
def test_box_that_dies_again_and_again_is_not_opened_for_ever(
    places: list[Frame], most: int, found: int
) -> None:
    sandbox = DyingSandbox(*places)
    with searching(sandbox) as remote:
        for _ in range(2):  # the second one opens no box
            with pytest.raises(WorkerDied, match="importing `work` ended its process"):
                remote.import_module("work")
        assert sandbox.opened <= most
        assert len(remote.fatal.found) == found


@given(
    st.dictionaries(
        st.sampled_from(["file", "number"]),
        st.none() | st.booleans() | st.integers() | TEXT | st.lists(st.integers()),
    )
)
def test_any_place_is_a_statement_or_none(body: dict[str, Any]) -> None:
    told = place_told(body)
    assert told is None or (told.file == body["file"] and told.number == body["number"])


@given(
    st.none()
    | TEXT
    | st.dictionaries(
        st.sampled_from(["file", "number", "line"]),
        st.none() | st.integers() | st.just("work.py") | st.lists(st.integers()),
    )
)
def test_any_cause_is_a_sentence_or_none(told: Any) -> None:
    fatal = FatalStatements()
    fatal.add(Place("work.py", 0), "an abort (SIGABRT)")
    said = fatal.sentence(told)
    assert not said or said.startswith("importing `work` ended its process: an abort (SIGABRT) (")


# --- what a search can't be used for --------------------------------------------------------------

SPEC = """
schema = 1
name = "b"
title = "B"
reference = "right"
[[questions]]
id = "q1"
title = "Q"
[[files]]
path = "work.py"
provides = ["twice"]
[[files]]
path = "other.py"
provides = ["thrice"]
[[checks]]
id = "twice"
question = "q1"
points = 1
[[checks]]
id = "thrice"
question = "q1"
points = 1
"""
RIGHT = {
    "work.py": "def twice(x):\n    return 2 * x, [x]\n",
    "other.py": "def thrice(y, cache):\n    return y + cache[0]\n",
}
CHECKS = '''"""Checks."""


def test_twice(student, expect):
    """Twice."""
    expect("twice", student.twice(21)[0])


def test_thrice(student, expect):
    """Thrice."""
    expect("thrice", student.thrice(*student.twice(7)))
'''


def built(folder: Path, files: dict[str, str]) -> Assignment:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return load(folder)


def assignment_of(folder: Path, **right: str) -> Assignment:
    right = {f"right/{name}": text for name, text in (RIGHT | right).items()}
    return built(folder, {"assignment.toml": SPEC, "checks/test_work.py": CHECKS, **right})


def boxes_of(folder: Path, sandbox: Sandbox, mode: Mode = Mode.COMPARE) -> Boxes:
    files = {name: text.encode() for name, text in RIGHT.items()}
    stored = Expectations(Provenance(SCHEMA, "7", "", "", {}))
    return Boxes(Plan(assignment_of(folder), sandbox, files, stored, mode))


def test_box_of_a_second_run_begins_no_search_and_leaves_out_what_was_found(tmp_path: Path) -> None:
    sandbox = DyingSandbox(saying(0))
    boxes = boxes_of(tmp_path, sandbox)
    place = Place("work.py", 1)
    with contextlib.closing(boxes):
        boxes.functions.fatal.add(place, "exit code 0")
        remote = boxes.second(None, lambda frame: frame)
        with pytest.raises(WorkerDied):
            remote.import_module("work")
        assert sandbox.opened == 1
        assert sandbox.asked[0]["left_out"] == [list(place)]
        assert boxes.functions.fatal.found == [place]


def test_reference_that_ends_its_process_is_not_recorded(tmp_path: Path) -> None:
    ends = "import os\nos._exit(0)\n"
    assignment = assignment_of(tmp_path, **{"work.py": ends + RIGHT["work.py"]})
    with pytest.raises(AssignmentError, match="ended its process"):
        record(assignment, reseed=False, again=False, progress=lambda line: None)


SEES = """
import os, sys
SEEN = getattr(sys, "seen", None)
if SEEN == 21:
    os._exit(0)
"""


def test_box_that_has_seen_an_input_can_tell_a_later_one_nothing_by_dying(
    tmp_path: Path, graders: Graders
) -> None:
    """The second module ends the process only where the first has been called: a fresh box shows
    nothing, so no statement is left out, and the check fails as it always did.
    """
    assignment = assignment_of(tmp_path / "assignment")
    record(assignment, reseed=False, again=False, progress=lambda line: None)
    told = "def twice(x):\n    import sys\n    sys.seen = sys.seen if hasattr(sys, 'seen') else x\n"
    work = {"work.py": f"{told}    return 2 * x, [x]\n", "other.py": SEES + RIGHT["other.py"]}
    folder = tmp_path / "handed_in"
    built_files(folder, work)
    report = graders(assignment.folder).grade(folder).report
    assert [check.status.value for check in report.checks] == ["pass", "fail"]
    assert "importing `other` ended its process: exit code 0" in report.checks[1].message
    assert not report.notes


def test_case_whose_values_are_lost_with_an_import_is_run_again(
    tmp_path: Path, graders: Graders
) -> None:
    """The second module ends the process in the middle of a case, and what the first has returned
    stays in the box.
    """
    assignment = assignment_of(tmp_path / "assignment")
    record(assignment, reseed=False, again=False, progress=lambda line: None)
    folder = tmp_path / "handed_in"
    built_files(folder, RIGHT | {"other.py": f"import os\nos._exit(0)\n{RIGHT['other.py']}"})
    report = graders(assignment.folder).grade(folder).report
    assert report.score == 2, [check.message for check in report.checks]
    (note,) = report.notes
    assert note.startswith("other.py, line 2: `os._exit(0)` ended the process.")


def built_files(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)


def test_check_in_the_box_beside_files_runs_without_what_ends_its_process(
    tmp_path: Path, graders: Graders
) -> None:
    """The check imports the module itself, in a process of its own."""
    spec = 'schema = 1\nname = "b"\ntitle = "B"\nreference = "right"\n[[questions]]\nid = "q1"\ntitle = "Q"\n'
    spec += '[[files]]\npath = "work.py"\nprovides = ["twice"]\n'
    spec += '[[checks]]\nid = "twice"\nquestion = "q1"\npoints = 1\nin_box = true\n'
    assignment = built(
        tmp_path / "assignment",
        {
            "assignment.toml": spec,
            "right/work.py": RIGHT["work.py"],
            "checks/in_box/twice.py": "from work import twice\nassert twice(21)[0] == 42\n",
            "checks/test_work.py": '"""Checks."""\n\n\ndef test_twice(in_box):\n'
            '    """Twice."""\n    in_box()\n',
        },
    )
    built_files(tmp_path / "handed_in", {"work.py": f"import os\nos._exit(0)\n{RIGHT['work.py']}"})
    record(assignment, reseed=False, again=False, progress=lambda line: None)
    report = graders(assignment.folder).grade(tmp_path / "handed_in").report
    assert report.score == 1, [check.message for check in report.checks]
    (note,) = report.notes
    assert "`os._exit(0)` ended the process" in note
