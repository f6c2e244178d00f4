"""What the trusted process does with a value takes memory and steps in proportion to it, whatever
the value is.

Steps are counted as calls of functions, and memory as what is allocated at the height; no test here
looks at a clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from measures import height, steps
from test_remote import LIMITS, LiarSandbox

from grader.assignment.expectations import CallShape, CaseRecord
from grader.checking.api.cell_tests import MOST_IN_SET, recordable
from grader.checking.api.expect import Expect
from grader.checking.api.held_values import Mode, weight
from grader.checking.api.numerical_gradients import gradients
from grader.checking.api.value import fetched
from grader.checking.case.call_log import Call, CallLog
from grader.checking.cells.cell_runs import Clock
from grader.checking.cells.kernel_client import WireKernelClient
from grader.checking.explain.diagnosis import correlation, diagnose, resembles
from grader.checking.explain.evidence import Evidence
from grader.checking.explain.fingerprints import fingerprint
from grader.checking.explain.sum_symptoms import summed
from grader.checking.explain.symptoms import Pair, observe
from grader.checking.judge.compare import compare, describe
from grader.checking.judge.got import Got
from grader.checking.judge.judgements import PRINTED_SPARE, printed_text
from grader.checking.judge.up_to import MOST_LEFT, reordered
from grader.checking.run.remote import Remote
from grader.errors import SubmissionFailed, WrongReturn
from grader.limits import Limits
from grader.model import Tolerance
from grader.sandbox import wire
from grader.sandbox.box import Staging
from grader.sandbox.untrusted import Untrusted
from grader.sandbox.wire import Frame, WireError
from grader.sandbox.wire_outputs import MAX_UPDATES, MESSAGE_BYTES, MOST_UNASKED
from grader.text import clean, without_numbers

ENTRIES = 1 << 12
RIGHT = np.random.default_rng(1).standard_normal((8, 8, 8, 8))
HOSTILE: dict[str, Any] = {
    "another shape": np.zeros(ENTRIES), "another order": RIGHT.transpose(3, 1, 2, 0), "bytes": RIGHT.astype(np.int8),
    "not a number": np.full_like(RIGHT, np.nan), "long doubles": RIGHT.astype(np.longdouble), "flags": RIGHT > 0,
    "complex": RIGHT.astype(np.complex256), "thirty-two axes": RIGHT.reshape((2,) * 12 + (1,) * 20),
    "one off": RIGHT + 1, "a row": np.zeros((1, ENTRIES)), "text": np.full(ENTRIES, "x"), "scaled": RIGHT * 3,
    "beyond": RIGHT * 1e307,
}  # fmt: skip


WALKS: dict[str, Callable[[Any], Any]] = {
    "compare": lambda value: compare("y", RIGHT, value, Tolerance(), ("N", "T"), gradient=True),
    "observe": lambda value: observe(
        Pair("y", RIGHT, value, Tolerance(), ("N batch", "T time"), {"N": 8, "T": 8})
    ),
    "fingerprint": lambda value: fingerprint("y", value),
    "correlation": lambda value: correlation(RIGHT, value),
    "expect": lambda value: Expect(CaseRecord({"y": (RIGHT, Tolerance())}), Mode.COMPARE)(
        "y", value
    ),
    "diagnose": lambda value: [resembles([evidence(value)]), diagnose([evidence(value)], [])],
}


def evidence(value: Any) -> Evidence:
    """Return a case of a value that should be another."""
    return Evidence("one", {"y": Got(value, ())}, CaseRecord({"y": (RIGHT, Tolerance())}))


@pytest.mark.parametrize("walk", WALKS)
def test_an_array_takes_memory_in_proportion_to_what_is_expected(walk: str) -> None:
    WALKS[walk](RIGHT)  # what is loaded and cached at first
    for name, value in HOSTILE.items():
        assert height(lambda value=value: WALKS[walk](value)) < 24 * RIGHT.nbytes, name


@pytest.mark.parametrize("walk", WALKS)
def test_an_array_takes_few_steps(walk: str) -> None:
    WALKS[walk](RIGHT)
    for name, value in HOSTILE.items():
        assert steps(lambda value=value: WALKS[walk](value)) < 4000, name


def pairs(count: int) -> dict[str, Any]:
    """Return a dict on the wire whose keys a dict would compare with one another."""
    return {"dict": [[{"tuple": [n << 40, 0.5 * n]}, n] for n in range(count)]}


def test_a_sum_of_many_arguments_takes_few_steps_and_little_memory() -> None:
    side = 64
    inputs = [np.random.default_rng(number).standard_normal((side, side)) for number in range(9)]
    called = [f"input {number}" for number in range(9)]
    for parts in (2, 9):  # the products of nine are more than are looked at
        given = inputs[:parts]
        right = np.tanh(sum(given))
        record = CaseRecord({"y": (right, Tolerance())})

        def walk(right: Any = right, given: Any = given, record: Any = record) -> Any:
            got = {"y": Got(-right, ())}
            return summed([Evidence("one", got, record, False, given, "", called)], direct=False)

        walk()
        assert steps(walk) < 4000
        assert height(walk) < 24 * (len(given) + 1) * side**2 * 8


KEYED: dict[str, Callable[[Any], Any]] = {
    "decode": lambda data: Untrusted(()).decode(data),
    "compare": lambda data: compare("y", {"a": 1.0}, Untrusted(()).decode(data), Tolerance()),
    "fingerprint": lambda data: fingerprint("y", Untrusted(()).decode(data)),
    "equal": lambda data: Untrusted(()).decode(data) == Untrusted(()).decode(data),
    "fetched": lambda data: fetched(Untrusted(()).decode(data)),
    "recordable": lambda data: recordable(Untrusted(()).decode(data)),
    "weight": lambda data: weight(Untrusted(()).decode(data)),
    "describe": lambda data: describe(Untrusted(()).decode(data)),
}


@pytest.mark.parametrize("walk", KEYED)
def test_a_dict_takes_steps_in_proportion_to_its_keys(walk: str) -> None:
    few, many = (steps(lambda count=count: KEYED[walk](pairs(count))) for count in (100, 1000))
    assert many < 11 * few


@pytest.mark.parametrize("walk", KEYED)
def test_a_dict_takes_memory_in_proportion_to_its_keys(walk: str) -> None:
    data = pairs(500)
    assert height(lambda: KEYED[walk](data)) < 500 * 4000


def test_a_table_takes_steps_in_proportion_to_its_columns() -> None:
    def compared(count: int) -> int:
        names = [f"c{number}" for number in range(count)]
        right, got = (
            pd.DataFrame([[1.0] * count], columns=columns) for columns in (names, names[::-1])
        )
        return steps(lambda: compare("t", right, got, Tolerance()))

    compared(10)
    assert compared(400) < 11 * compared(40)


@pytest.mark.parametrize("wrong", [["same"], ["one", "other"]], ids=["equal", "different"])
def test_items_in_a_free_order_take_steps_in_proportion_to_their_number(wrong: list[str]) -> None:
    def ordered(count: int) -> int:
        want = [f"right {number}" for number in range(count)]
        have = [f"{wrong[number % len(wrong)]}" for number in range(count)]
        return steps(lambda: reordered(want, have, Tolerance()))

    assert ordered(10 * MOST_LEFT) < 6 * ordered(2 * MOST_LEFT)


def test_a_set_of_an_iterators_items_is_bounded() -> None:
    assert MOST_IN_SET**2 <= 10**8  # comparisons, should all items have one hash


def test_printed_text_that_is_far_too_long_is_not_taken_apart() -> None:
    text = "x " * (4 << 20)
    assert height(lambda: printed_text("text", "a b", text)) < 100_000
    found = printed_text("text", "a b", text)
    assert (
        found.message
        == "`text` has 8388608 characters, far more than is expected: is something printed in a loop?"
    )
    assert printed_text("text", "a b", "a b" + " " * (PRINTED_SPARE - 3)).ok


@pytest.mark.parametrize(
    "text",
    ["\x1b]" * 200_000, "\x1b[" + "0" * 400_000, "a1" * 200_000, "\ud800" * 400_000, "+" * 400_000],
)
def test_text_is_cut_before_it_is_looked_through(text: str) -> None:
    assert height(lambda: without_numbers(clean(text, 500))) < 100_000
    assert len(without_numbers(clean(text, 500))) <= 502


@pytest.mark.parametrize(
    "value", [b'{"a":0}', b"{}", b"[]", b"[0]", b'{"tuple":[1.5,2.5]}', b'"ab"', b"1e300", b"-1"]
)
def test_a_frame_takes_memory_in_proportion_to_its_marks(value: bytes) -> None:
    worst = b"[" + b",".join([value] * 25_000) + b"]"
    assert height(lambda: wire.parse(worst)) < wire._weight(worst) + 16 * len(worst)


def test_many_calls_are_compared_with_what_was_recorded_one_by_one() -> None:
    def noted(count: int) -> None:
        log = CallLog([CallShape("f", False, 1, 8)] * 3, [])
        for _ in range(count):
            log.most("f")
            log.add(Call("f", (), {}), CallShape("f", False, 1, 8))

    assert steps(lambda: noted(1000)) < 11 * steps(lambda: noted(100))


@pytest.mark.parametrize(
    ("value", "upstream"),
    [
        (np.array(["x"]), np.ones(())), ({"a": 1}, np.ones(())), ([[1.0], [1.0, 2.0]], np.ones(())),
        (None, np.ones(())), (np.ones(2), np.ones((2, 3))), (1.0, (np.ones(()),)),
        ((1.0, 2.0), (np.ones(()),)), (1j, np.ones(())),
    ],
    ids=["text", "dict", "ragged", "nothing", "shape", "one for a tuple", "too many", "complex"],
)  # fmt: skip
def test_what_can_not_be_differentiated_is_a_wrong_return(value: Any, upstream: Any) -> None:
    with pytest.raises(WrongReturn, match="a function"):
        gradients(lambda x: value, [np.ones(1)], upstream, ["x"])


def taken(*messages: dict[str, Any], output_mb: float = 1.0) -> list[dict[str, Any]]:
    """Return what a notebook's client takes of a kernel's messages."""

    async def client() -> list[dict[str, Any]]:
        box = LiarSandbox()
        with Remote(box, Staging({}, {}), LIMITS, hide_numbers=False) as remote:
            kernel = WireKernelClient(remote, Clock(Limits(output_mb=output_mb)))
            for message in messages:
                kernel._message("cell-1", Frame({"op": "message", **message}))
            await asyncio.sleep(0)
            return [
                kernel.iopub_channel.queue.get_nowait()
                for _ in range(kernel.iopub_channel.queue.qsize())
            ]

    return asyncio.run(client())


def shown(data: dict[str, Any], kind: str = "display_data", **more: Any) -> dict[str, Any]:
    """Return a message that displays something."""
    return {"type": kind, "content": {"data": data, "metadata": {}, **more}}


def test_empty_messages_take_up_the_room_of_outputs_too() -> None:
    assert len(taken(*[shown({})] * 10_000)) <= (1 << 20) / 512 + 1


def test_updates_of_displays_are_counted() -> None:
    update = shown({}, "update_display_data", transient={"display_id": "a"})
    assert len(taken(*[update] * 1000)) == MAX_UPDATES


@pytest.mark.parametrize(
    "message",
    [
        shown({"text/plain": "x" * (1 << 20)}),
        shown({"text/plain": "x" * (1 << 20)}, "comm_open"),
        {"type": "stream", "content": "x" * (1 << 20)},
        {"type": ["x" * (1 << 20)]},
    ],
    ids=["beyond the room", "not served", "no form", "no kind"],
)
def test_messages_that_are_not_kept_are_bounded_too(message: dict[str, Any]) -> None:
    most = MOST_UNASKED >> 20
    assert len(taken(*[message] * (most - 1), output_mb=0.1)) <= 1
    with pytest.raises(WireError, match="without end that nobody keeps"):
        taken(*[message] * (most + 1), output_mb=0.1)


def test_small_messages_that_are_not_kept_are_bounded_too() -> None:
    with pytest.raises(WireError, match="without end that nobody keeps"):
        taken(*[{"type": "comm_open", "content": {}}] * (MOST_UNASKED // MESSAGE_BYTES))


@pytest.mark.parametrize("kind", ["message", "place"])
def test_what_a_box_says_before_its_reply_is_bounded(kind: str) -> None:
    said = Frame({"op": kind, "file": "x" * (1 << 20), "number": 1})
    box = LiarSandbox(*[said] * ((MOST_UNASKED >> 20) + 1), Frame({"ok": True}))
    with Remote(box, Staging({}, {}), LIMITS, hide_numbers=False) as remote:
        remote.says_places = True
        with pytest.raises(SubmissionFailed, match="without end that nobody keeps"):
            remote.request("the call", {"op": "call"})
        box.answers = box.answers[-2:]  # one more, from the next box
        with pytest.raises(SubmissionFailed, match="without end that nobody keeps"):
            remote.request("the call", {"op": "call"})


@pytest.mark.parametrize(
    "message",
    [
        shown({"applica>tion/json": {}}), shown({"text/xjson": 1}), shown({"text/plain": 1}),
        shown({"text/plain": "x"}, "execute_result", execution_count=-1),
        shown({"text/plain": "x"}, "execute_result", execution_count=True),
        shown({"application/json": [[[[]]] * 2] * 2, "a": [1]}),
    ],
    ids=["no form", "no application", "a number for text", "negative", "a boolean", "a list for text"],
)  # fmt: skip
def test_a_message_that_no_notebook_can_hold_is_dropped(message: dict[str, Any]) -> None:
    assert taken(message) == []


@pytest.mark.parametrize("kind", ["comm_open", "comm_msg", "comm_close", "input_request", "status"])
def test_a_comm_is_not_served(kind: str) -> None:
    """Nothing of it reaches what would answer, or the notebook."""
    content = {"comm_id": "x", "target_name": "jupyter.widget", "data": {}, "metadata": {}}
    body = {"op": "message", "type": kind, "content": content}
    assert taken({**shown({"text/plain": "x"}), **body}) == []


def test_a_message_that_a_notebook_can_hold_is_taken() -> None:
    data = {
        "application/vnd.plotly.v1+json": {"y": [None]},
        "application/json": [1],
        "text/plain": "x",
    }
    assert len(taken(shown(data), shown(data, "execute_result", execution_count=1))) == 2
