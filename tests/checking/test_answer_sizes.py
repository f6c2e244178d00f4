"""An answer is held against the size of the reference's before a check sees it; a larger one stays
in the box.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_remote import LIMITS, LiarSandbox

from grader.assignment.expectations import CallShape, CaseRecord, Expectations, Provenance
from grader.checking.api.expect import Expect
from grader.checking.api.held_values import Mode
from grader.checking.api.value import Value
from grader.checking.case.call_log import SPARE, SPARE_QUIET, TIMES, TIMES_QUIET, CallLog
from grader.checking.case.callbacks import MOST_BYTES
from grader.checking.case.case import Case
from grader.checking.run.remote import PRINTED_CHARACTERS, Remote
from grader.errors import AssignmentError, SubmissionFailed, WrongReturn
from grader.model import Tolerance
from grader.sandbox.box import Staging
from grader.sandbox.wire import RETURNED_DEPTH, Encoder, Frame
from grader.text import MOST_SEARCHED, without_numbers

ONE = CallShape("f", False, 1, 1000)
LARGEST = TIMES * 1000 + SPARE


def told(value: Any, log: CallLog, *, fetch: bool = False, printed: str = "") -> str:
    """Return the sentence of a call that answers so, or of a fetch; nothing for what comes in."""
    encoder = Encoder()
    data = encoder.encode(value)
    body = {
        "ok": True,
        "printed": printed,
        **({"value": data} if fetch else {"container": "", "values": [data]}),
    }
    box = LiarSandbox(Frame(body, tuple(encoder.blobs)))
    with Remote(box, Staging({}, {}), LIMITS, hide_numbers=True) as remote:
        function = Value(Case(remote, log), [["name", "f"]], "f")
        try:
            function.fetch() if fetch else function()
        except SubmissionFailed as failure:
            return str(failure)
    return ""


def test_an_answer_may_be_a_few_times_as_large_as_the_references() -> None:
    assert told(np.zeros(LARGEST // 8 - 2), CallLog([ONE], [])) == ""


@pytest.mark.parametrize("dtype", [np.int8, np.float64, np.bool_])
def test_a_larger_one_is_told_by_its_shape(dtype: Any) -> None:
    said = told(np.zeros((1, LARGEST // 8), dtype), CallLog([ONE], []))
    assert said.startswith("`f` returned far more than is expected: an array of shape (1, 8692), ")
    assert said.endswith(". Look at the shape of what it returns")


def test_a_longer_text_and_a_longer_list_are_told_too() -> None:
    for value in ("x" * LARGEST, [1] * LARGEST):
        assert told(value, CallLog([ONE], []), fetch=True).startswith(
            "`f` returned far more than is expected: a cont"
        )


def test_what_does_not_fit_the_largest_frame_is_not_read() -> None:
    said = told(np.zeros(4 << 20, np.int8), CallLog([ONE], []))
    assert said.startswith("`f` disturbed the connection to the grader: arrays of 41944")


def test_what_the_reference_kept_in_the_box_may_come_at_once() -> None:
    handle = CallShape("f", False, 1, 8)
    assert told(np.zeros(50_000), CallLog([handle], [100_000])) == ""
    assert told([1.0] * 50_000, CallLog([CallShape("f", False, 1, 400_000)], []), fetch=True) == ""


@pytest.mark.parametrize(
    "log",
    [
        CallLog(None),
        CallLog([ONE]),
        CallLog([CallShape("g", False, 1, 8)], []),
        CallLog([ONE, ONE], None),
    ],
    ids=["recording", "older file", "not called by the reference", "older file too"],
)
def test_without_a_recorded_size_the_wires_own_bound_holds(log: CallLog) -> None:
    assert log.most("f") is None
    assert told(np.zeros(LARGEST), log) == ""


def test_calls_that_are_not_noted_may_be_of_larger_inputs() -> None:
    log = CallLog([ONE], [])
    with log.paused():
        assert log.most("f") == TIMES_QUIET * 1000 + SPARE_QUIET
    assert log.most("f") == LARGEST


def test_a_function_that_is_called_within_an_authors_function_alone_has_a_bound() -> None:
    log = CallLog([CallShape("g", False, 1, 8)], [])
    with log.paused():
        assert log.most("f") == MOST_BYTES
        assert "far more than is expected" in told(np.zeros(MOST_BYTES // 8, np.int8), log)


def test_a_honest_worker_is_told_how_much_may_come() -> None:
    assert Encoder(most=100).encode([1.0] * 9)
    with pytest.raises(Exception, match="a container of many values"):
        Encoder(most=100).encode([1.0] * 20)


@pytest.mark.parametrize(
    "said", ["an array of shape (3,), int8; x = 0.25", "an array of shape (0.25,), f8", "x"]
)
def test_only_a_shape_is_told_of_what_stays_in_the_box(said: str) -> None:
    error = {"type": "MoreThanExpected", "message": said}
    with (
        Remote(
            LiarSandbox(Frame({"ok": False, "error": error})),
            Staging({}, {}),
            LIMITS,
            hide_numbers=True,
        ) as remote,
        pytest.raises(
            WrongReturn, match="more than is expected: a container of many values, or a long text"
        ),
    ):
        Value(Case(remote, CallLog([ONE], [])), [["name", "f"]], "f")()


def test_sizes_are_recorded(tmp_path: Path) -> None:
    provenance = Provenance(2, "7", "", "", {})
    record = CaseRecord({}, [ONE], [5, 6])
    Expectations(provenance, {("f", "all"): record}).write(tmp_path / "a.h5")
    read = Expectations.read(tmp_path / "a.h5").cases["f", "all"]
    assert (read.calls, read.fetched) == ([ONE], [5, 6])


def test_a_file_without_sizes_can_still_be_read(tmp_path: Path) -> None:
    import h5py

    Expectations(Provenance(2, "7", "", "", {}), {("f", "all"): CaseRecord({}, [ONE])}).write(
        tmp_path / "a.h5"
    )
    with h5py.File(tmp_path / "a.h5", "a") as file:
        group = file["f"]["=all"]
        del group.attrs["fetched"]
        group.attrs["calls"] = '[["f",false,1]]'
    read = Expectations.read(tmp_path / "a.h5").cases["f", "all"]
    assert (read.calls, read.fetched) == ([CallShape("f", False, 1)], None)
    assert CallLog(read.calls, read.fetched).most("f") is None


def test_what_is_printed_is_kept_up_to_a_bound_over_all_calls() -> None:
    answer = Frame({"ok": True, "container": "", "values": [1], "printed": "x" * 20_000})
    with Remote(LiarSandbox(answer), Staging({}, {}), LIMITS, hide_numbers=False) as remote:
        function = Value(Case(remote, CallLog([])), [["name", "f"]], "f")
        for _ in range(10):
            function()
        assert len(remote.printed) <= PRINTED_CHARACTERS + 20_100


def test_text_in_which_numbers_are_sought_is_cut_first() -> None:
    assert len(without_numbers("a" * 100_000)) == MOST_SEARCHED + 2


def test_no_more_is_made_of_many_values_than_the_verdict() -> None:
    record = CaseRecord({"a": ([1.0, 2.0], Tolerance()), "b": ([1.0], Tolerance())})
    expect = Expect(record, Mode.COMPARE)
    expect("a", [1.0, 2.5])
    expect("b", [1.0] * 5000)
    assert [one.ok for one in expect.comparisons] == [True, False, False]
    assert expect.got.keys() == {"a"}


def test_an_object_that_the_check_goes_through_is_a_wrong_return() -> None:
    reference = {"ref": [1, "dict", 2]}
    answer = Frame({"ok": True, "container": "", "values": [reference]})
    with Remote(LiarSandbox(answer), Staging({}, {}), LIMITS, hide_numbers=False) as remote:
        with pytest.raises(
            WrongReturn, match="`f` returned an object, expected values that can be gone through"
        ):
            [*Value(Case(remote, CallLog([ONE], [])), [["name", "f"]], "f")()]
        with pytest.raises(
            AssignmentError, match=r"a check goes through `f`.* write `student.builtins.list"
        ):
            [*Value(Case(remote, CallLog(None)), [["name", "f"]], "f")()]


def test_calls_that_are_not_noted_return_as_many_values_as_those_that_are() -> None:
    log = CallLog([CallShape("f", True, 2, 100)], [])
    with log.paused():
        assert told(1.5, log) == "`f` returned a single value, expected 2 values"


def test_a_value_that_was_let_in_can_be_handed_on() -> None:
    deep: Any = 1
    for _ in range(RETURNED_DEPTH):
        deep = [deep]
    assert told(deep, CallLog([]), fetch=True) == ""
    assert Encoder().encode(([[deep]],))
    assert "nested too deep" in told([deep], CallLog([]), fetch=True)


def test_what_can_not_be_handed_on_for_its_size_is_the_submissions_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("grader.sandbox.wire.MAX_NODES", 10)
    with Remote(LiarSandbox(), Staging({}, {}), LIMITS, hide_numbers=False) as remote:
        for log, kind in ((CallLog([ONE], []), WrongReturn), (CallLog(None), AssignmentError)):
            with pytest.raises(kind, match="more than 10 values"):
                Value(Case(remote, log), [["name", "f"]], "f")([1] * 20)
