"""A worker that ends, stops or garbles its words at any byte of the protocol: a clear verdict in
time, never our fault.

What a real worker sends for a small honest grading is recorded once and replayed with a fault at
each byte of headers and JSON, and at samples of the arrays' bytes, to the very client that grades.
Of the ways to garble it, one third strikes at each byte.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from replayed import SECONDS, Fault, Recording, RecordingSandbox, ReplayingSandbox
from toy import Toy, notebook

from grader.assignment.schema import NotebookSpec
from grader.checking.api.notebook import NotebookRun
from grader.checking.api.value import Value
from grader.checking.case.call_log import CallLog
from grader.checking.case.case import Case
from grader.checking.run.remote import Remote
from grader.errors import GraderFault, LimitExceeded, SubmissionFailed, WorkerDied
from grader.limits import Limits
from grader.sandbox.box import Sandbox, Staging

PATIENT = Limits(call_seconds=60, import_seconds=60, cell_seconds=60, notebook_seconds=60)
HASTY = Limits(call_seconds=0.1, import_seconds=0.2, cell_seconds=0.1, notebook_seconds=0.5)
WORK = """
import numpy as np
def shifted(x, by=1.0):
    print("shifting")
    return x + by, {"by": by}
def undone(x, cache):
    x -= cache["by"]
    return x
def broken(x):
    return x["no such key"]
class Tally:
    def __init__(self):
        self.state = {"w": np.zeros(2)}
"""
SPOILS: dict[str, Callable[[bytes], bytes]] = {
    "a bit": lambda rest: bytes([rest[0] ^ 1]) + rest[1:],
    "the highest bit": lambda rest: bytes([rest[0] ^ 128]) + rest[1:],
    "a digit": lambda rest: b"7" + rest[1:],
    "a byte more": lambda rest: b"0" + rest,
    "a byte less": lambda rest: rest[1:],
    "nothing but 255": lambda rest: b"\xff" * 64,
}
AT_ONCE = 32  # replays that wait for their deadlines beside one another
X = np.arange(6.0).reshape(2, 3)


class Work:
    """What a check does with a submission, in steps that stand each for itself."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def named(self, name: str) -> Value:
        return Value(
            Case(self._remote, CallLog([])), [["module", "work"], ["attr", name]], name, "work"
        )

    def forward_and_back(self) -> Any:
        """Arrays and what stays in the box, an import, a print, an argument that is changed in
        place.
        """
        y, cache = self.named("shifted")(X)
        return y, self.named("undone")(np.ones(3), cache)

    def exception(self) -> Any:
        """A traceback."""
        return self.named("broken")(X)

    def an_object(self) -> Any:
        """What is set in an object that stays in the box, and fetched from it."""
        tally = self.named("Tally")()
        tally.state["w"] = np.arange(2.0)
        return tally.state.fetch()

    def keyword(self) -> Any:
        """The first call once more, another way."""
        return self.named("shifted")(X, by=2)[0]


STEPS = (Work.forward_and_back, Work.exception, Work.an_object, Work.keyword)


def outcomes(sandbox: Sandbox, limits: Limits) -> list[Any]:
    """Do the steps; return what came of each, a value or one of our own errors. All else is raised."""
    found: list[Any] = []
    with Remote(
        sandbox, Staging({}, {"work.py": WORK.encode()}), limits, hide_numbers=False
    ) as remote:
        for step in STEPS:
            try:
                remote.reset(7)
                found.append(step(Work(remote)))
            except SubmissionFailed as error:
                found.append(error)
            except GraderFault as error:
                return [*found, error]
    return found


def at_every(spots: list[int], run: Callable[[int], None]) -> None:
    """Run something for each spot, many beside one another; fail where one fails, or does not end."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for spot, future in [(spot, pool.submit(run, spot)) for spot in spots]:
            try:
                future.result(SECONDS)
            except BaseException as error:
                error.add_note(f"with the fault at byte {spot}")
                raise


@pytest.fixture(scope="module")
def recorded() -> tuple[Recording, list[str]]:
    """What a worker answered to the steps, and what came of them."""
    sandbox = RecordingSandbox()
    honest = list(map(repr, outcomes(sandbox, PATIENT)))
    assert "`broken` raised IndexError" in honest[1]
    assert "array([0., 1.])" in honest[2]
    return sandbox.recording, honest


def test_without_a_fault_a_replay_is_as_good_as_the_worker(
    recorded: tuple[Recording, list[str]],
) -> None:
    recording, honest = recorded
    assert list(map(repr, outcomes(ReplayingSandbox(recording), PATIENT))) == honest
    assert len(recording.spots()) > 1000


FAULTS = {
    "cut": lambda spot: Fault(spot, "cut"),
    "still": lambda spot: Fault(spot, "still"),
    **{
        name: lambda spot, spoil=spoil: Fault(spot, "garbled", spoil)
        for name, spoil in SPOILS.items()
    },
}


def lost(found: list[Any], honest: list[str]) -> list[Any]:
    """Return what did not come out as it should have."""
    return [one for one, right in zip(found, honest, strict=True) if repr(one) != right]


@pytest.mark.parametrize("kind", FAULTS)
def test_before_the_students_code_has_run_a_fault_is_ours(
    kind: str, recorded: tuple[Recording, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, _ = recorded
    monkeypatch.setattr("grader.checking.run.remote.STAGE_SECONDS", 0.1)

    def run(spot: int) -> None:
        found = outcomes(ReplayingSandbox(recording, FAULTS[kind](spot)), HASTY)
        assert kind not in ("cut", "still") or [type(one) for one in found] == [GraderFault]

    at_every(list(range(recording.staged)), run)


def test_a_worker_that_ends_at_any_byte_costs_the_step_at_hand(
    recorded: tuple[Recording, list[str]],
) -> None:
    recording, honest = recorded

    def run(spot: int) -> None:
        gone = lost(outcomes(ReplayingSandbox(recording, Fault(spot, "cut")), PATIENT), honest)
        assert all(type(one) is WorkerDied and "killed (SIGKILL)" in str(one) for one in gone)
        # An import that was killed from outside is tried again; between two cases, an end costs
        # nothing.
        assert len(gone) <= 1

    at_every(recording.spots(), run)


def test_a_worker_that_stops_at_any_byte_is_over_its_time(
    recorded: tuple[Recording, list[str]],
) -> None:
    recording, honest = recorded

    def run(spot: int) -> None:
        gone = lost(outcomes(ReplayingSandbox(recording, Fault(spot, "still")), HASTY), honest)
        assert gone
        assert {type(one) for one in gone} == {LimitExceeded}

    at_every(recording.spots(), run)


@pytest.mark.parametrize("spoil", SPOILS)
def test_a_worker_that_is_garbled_at_any_byte_gives_values_or_marks(
    spoil: str, recorded: tuple[Recording, list[str]]
) -> None:
    recording, honest = recorded

    def run(spot: int) -> None:
        found = outcomes(ReplayingSandbox(recording, FAULTS[spoil](spot)), HASTY)
        assert len(found) == len(honest)
        assert not any(isinstance(one, GraderFault) for one in found)

    at_every(recording.spots()[list(SPOILS).index(spoil) % 3 :: 3], run)


# --- notebooks ------------------------------------------------------------------------------------

CELLS = (
    ("first", "code", "provided", "x = 1\nprint('told')\nx"),
    (
        "second",
        "code",
        "provided",
        "from IPython.display import display\ndisplay({'text/html': '<b>x</b>'}, raw=True)",
    ),
)


def run_notebook(sandbox: Sandbox, limits: Limits) -> str:
    """Run a notebook; return what it printed, or the one of our own errors that stopped it, as
    text.
    """
    remote = Remote(sandbox, Staging({}, {}), limits, hide_numbers=False, notebook=True)
    run = NotebookRun(
        NotebookSpec(path="a.ipynb", source="a.ipynb"), notebook(CELLS), None, remote, limits
    )
    with remote, ThreadPoolExecutor(1) as pool:
        run.start(pool)
        failure = run.failure()
        return repr(failure or [cell.outputs for cell in run.executed.cells])


@pytest.fixture(scope="module")
def recorded_notebook() -> tuple[Recording, str]:
    """What a kernel answered to the cells, and what came of them."""
    sandbox = RecordingSandbox()
    honest = run_notebook(sandbox, PATIENT)
    assert "told" in honest
    assert "<b>x</b>" in honest
    assert run_notebook(ReplayingSandbox(sandbox.recording), PATIENT) == honest
    return sandbox.recording, honest


@pytest.mark.parametrize("kind", FAULTS)
def test_a_notebooks_kernel_may_fail_at_any_byte(
    kind: str, recorded_notebook: tuple[Recording, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel that is gone is taken for one that was killed from outside: all cells run once more."""
    monkeypatch.setattr("grader.checking.cells.kernel_client.GRACE_SECONDS", 0.1)
    recording, honest = recorded_notebook
    limits = PATIENT if kind == "cut" else HASTY

    def run(spot: int) -> None:
        found = run_notebook(ReplayingSandbox(recording, FAULTS[kind](spot)), limits)
        assert kind != "cut" or found == honest, found
        assert not found.startswith("GraderFault"), found

    at_every(recording.spots()[::3], run)


# --- a whole grading ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["cut", "still", "a byte less"])
def test_a_whole_grading_goes_on(kind: str, toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = RecordingSandbox()
    monkeypatch.setattr("grader.grading.startup.open_sandbox", lambda *_, **__: recorder)
    toy = toy.plain  # another test may have left a sandbox open
    assert set(toy.grade().statuses.values()) == {"pass"}
    recording = recorder.recording
    spots = [spot for spot in recording.spots() if spot >= recording.imported]
    hasty = toy.hasty  # what the box says is a recording: no machine is too slow for that
    for spot in (spots[0], spots[len(spots) // 2], spots[-1]):
        faulty = ReplayingSandbox(recording, FAULTS[kind](spot))
        monkeypatch.setattr(
            "grader.grading.startup.open_sandbox", lambda *_, faulty=faulty, **__: faulty
        )
        graded = hasty.grade()
        assert "error" not in graded.statuses.values(), spot
        assert graded.passed, spot


# --- real boxes -----------------------------------------------------------------------------------

FIRST = """
import os, signal, stat
def is_socket(number):
    try:
        return stat.S_ISSOCK(os.fstat(number).st_mode)
    except OSError:
        return False
def say(data):
    os.write(next(number for number in range(3, 64) if is_socket(number)), data)
def end():
    os.kill(os.getpid(), signal.SIGNAL)
"""
PLACES = {
    "while it is imported": "end()",
    "while it is called": "def f():\n    end()",
    "in the header of its answer": "def f():\n    say(bytes(3))\n    end()",
    "in the text of its answer": "def f():\n    say(bytes((0, 0, 0, 99, 0, 0, 0, 0)) + b'{')\n    end()",
    "in an array of its answer": "def f():\n    say(bytes((0, 0, 0, 2, 0, 0, 0, 1)) + bytes(7) + b'\\t{}x')\n    end()",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("name", "failure", "limits"),
    [("SIGABRT", WorkerDied, PATIENT), ("SIGSTOP", LimitExceeded, HASTY)],
)
def test_a_real_box_is_killed_or_stopped(
    name: str, failure: type[Exception], limits: Limits, place: str, sandbox: Sandbox
) -> None:
    def call(code: str, limits: Limits) -> Any:
        staging = Staging({}, {"work.py": code.encode()})
        with Remote(sandbox, staging, limits, hide_numbers=False) as remote:
            return Value(
                Case(remote, CallLog([])), [["module", "work"], ["attr", "f"]], "f", "work"
            )()

    with pytest.raises(failure):
        call(f"{FIRST.replace('SIGNAL', name)}\n{PLACES[place]}\n", limits)
    assert call("def f(): return 7\n", PATIENT) == 7
