"""Time limits beside the reference's time. No test waits for a clock but for one that is slow by
far on purpose.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from toy import Toy, build

from grader.assignment.expectations import Expectations
from grader.authoring import record
from grader.checking.run import timing
from grader.checking.run.timing import ClockedRemote, in_time
from grader.errors import LimitExceeded
from grader.limits import Limits
from grader.sandbox.box import Staging
from grader.sandbox.plain import PlainSandbox

SPEC = """
schema = 1
name = "pace"
title = "Pace"
reference = "reference"
questions = [{ id = "q1", title = "Functions" }]
files = [{ path = "pack/toy.py", provides = ["count", "center"] }]
provided = { pack = "pack" }
checks = [{ id = "count", question = "q1", points = 1, times_reference = 2 }]
"""
CHECKS = '''"""A check."""

import time



def test_count(student, expect):
    """Counts."""
    time.sleep(SLEEP)
    expect("counts", student.count([0, 1, 1], 3))
'''
SLOW = "import time\n\n\ndef count(ids, n):\n    time.sleep(1.6)\n    return np.bincount(ids, minlength=n)"


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    folder = tmp_path_factory.mktemp("pace")
    assignment = build(folder / "assignment", spec=SPEC, checks=CHECKS.replace("SLEEP", "0"))
    record.record(assignment, reseed=False, again=False, progress=lambda line: None)
    return Toy(assignment, folder / "submissions")


def with_reference_time(toy: Toy, seconds: float) -> None:
    """Let the expectations say that the reference took so long."""
    path = toy.assignment.expectations_path("hidden")
    stored = Expectations.read(path)
    for case in stored.cases.values():
        case.call_seconds = seconds
    stored.write(path)


def test_a_slow_solution_fails_and_is_told_how_slow(toy: Toy) -> None:
    with_reference_time(toy, 0.001)
    (case,) = toy.change(SLOW)["count"].cases
    assert case.status == "fail"
    assert re.fullmatch(
        r"the calls took [\d.]+ s, and 1\.0 s are allowed: the least limit", case.message
    )
    assert [value.name for value in case.values if not value.ok] == ["time"]


def test_as_slow_as_the_reference_is_right(toy: Toy) -> None:
    with_reference_time(toy, 1000.0)
    assert toy.change(SLOW).passed == {"count"}


def test_what_is_no_check_of_time_is_never_slow(toy: Toy, tmp_path: Path) -> None:
    spec = SPEC.replace(", times_reference = 2", "")
    assignment = build(tmp_path / "assignment", spec=spec, checks=CHECKS.replace("SLEEP", "0"))
    record.record(assignment, reseed=False, again=False, progress=lambda line: None)
    (case,) = Toy(assignment, tmp_path).change(SLOW)["count"].cases
    assert (case.status, [value.name for value in case.values]) == ("pass", ["counts"])


def test_the_checks_own_time_does_not_count(tmp_path: Path) -> None:
    assignment = build(tmp_path / "assignment", spec=SPEC, checks=CHECKS.replace("SLEEP", "1.6"))
    stored = record.run_reference(assignment, "1").cases["count", "all"]
    assert 0 < stored.call_seconds <= stored.seconds - 1.6


def test_the_recorded_time_makes_nothing_stale(toy: Toy) -> None:
    with_reference_time(toy, 123.0)
    stored = Expectations.read(toy.assignment.expectations_path("hidden"))
    assert stored.cases["count", "all"].call_seconds == 123.0
    assert list(record.check(toy.assignment, lambda line: None)) == []


@pytest.mark.parametrize(
    ("took", "reference", "said"),
    [
        (0.9, 0.0, ""),
        (9.9, 1.0, ""),
        (
            10.1,
            1.0,
            "the calls took 10.1 s, and 10.0 s are allowed: 10 times what the reference took (1 s)",
        ),
        (1.1, 0.01, "the calls took 1.1 s, and 1.0 s are allowed: the least limit"),
    ],
)
def test_the_limit_is_a_multiple_but_never_short(took: float, reference: float, said: str) -> None:
    comparison = in_time(took, reference, 10)
    assert (comparison.ok, comparison.message) == (not said, said)


def test_calls_alone_are_on_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever comes of them, and whatever the other side says."""
    ticks = iter(range(100))
    monkeypatch.setattr(timing.time, "perf_counter", lambda: float(next(ticks)))
    monkeypatch.setattr(timing.Remote, "__init__", lambda self: setattr(self, "limits", Limits()))
    monkeypatch.setattr(
        timing.Remote, "request", lambda self, what, body, blobs, **options: 1 / body["divisor"]
    )
    remote = ClockedRemote()  # type: ignore[call-arg]
    remote.request("importing", {"op": "fetch", "divisor": 1})
    assert remote.seconds == 0
    remote.request("`f`", {"op": "call", "divisor": 1}, seconds=3.0)
    with pytest.raises(ZeroDivisionError):
        remote.request("`f`", {"op": "call", "divisor": 0})
    assert remote.seconds == 2


def test_all_calls_together_have_a_limit() -> None:
    remote = ClockedRemote(
        PlainSandbox(), Staging({}, {}), Limits(cpu_seconds=3), hide_numbers=False
    )
    remote.seconds = 6.1
    with pytest.raises(LimitExceeded, match="`f` was not called any more"):
        remote.request("`f`", {"op": "call"})


def test_asking_for_what_follows_has_a_limit_of_its_own() -> None:
    remote = ClockedRemote(PlainSandbox(), Staging({}, {}), Limits(), hide_numbers=False)
    with remote.hurried(0.0), pytest.raises(LimitExceeded, match="`f` was not called any more"):
        remote.request("`f`", {"op": "call"})
