"""The trusted end of a box: whatever a box answers becomes a value or a mark, never a fault of
ours.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.checking.api.value import Value
from grader.checking.case.call_log import CallLog
from grader.checking.case.case import Case
from grader.checking.run.remote import Remote
from grader.errors import GraderFault, SubmissionFailed
from grader.limits import Limits
from grader.model import Tier
from grader.sandbox.box import Box, Exit, Sandbox, Staging
from grader.sandbox.wire import Channel, Frame, WireError, encode_array

LIMITS = Limits(call_seconds=2.0, import_seconds=2.0)


class LiarBox(Box):
    """A box that answers every request with the frames that it was given."""

    def __init__(self, answers: list[Frame], *, dead: bool = False) -> None:
        ours, theirs = socket.socketpair()
        self.channel, self._far = Channel(ours), Channel(theirs)
        self._answers, self._dead = answers, dead
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(WireError), contextlib.closing(self._far):
            staging = not self._dead
            while staging or self._answers:
                staging = self._far.receive(20).body["op"] == "stage"
                for answer in [Frame({"ok": True})] if staging else self._answers:
                    self._far.send(answer, 20)

    def kill(self) -> Exit:
        self.channel.close()
        self._thread.join()
        return Exit(None)


class LiarSandbox(Sandbox):
    """Opens boxes that lie."""

    tier = Tier.NONE

    def __init__(self, *answers: Frame) -> None:
        self.answers = list(answers)

    def open(self, notebook: bool = False) -> Box:
        return LiarBox(self.answers)

    def close(self) -> None:
        """Nothing is left open."""


def remote_to(*answers: Frame) -> Remote:
    return Remote(LiarSandbox(*answers), Staging({}, {}), LIMITS, hide_numbers=False)


def asked(answer: Frame, use: Callable[[Value], Any]) -> Any:
    """Use a value of a box that answers so; a mark is returned as its sentence."""
    with remote_to(answer) as remote:
        try:
            return use(Value(Case(remote, CallLog([])), [["name", "f"]], "f"))
        except SubmissionFailed as failure:
            return str(failure)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["array", "ref", "tuple", "type", "file", "line"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "ok": st.booleans() | json_values,
        "container": st.sampled_from(["", "tuple", "list"]) | json_values,
        "values": st.lists(json_values, max_size=3) | json_values,
        "value": json_values,
        "modified": st.lists(json_values, max_size=2) | json_values,
        "printed": json_values,
        "error": st.fixed_dictionaries(
            {},
            optional={
                "type": json_values,
                "kinds": st.lists(json_values, max_size=2) | json_values,
                "message": json_values,
                "frames": st.lists(json_values, max_size=2) | json_values,
            },
        )
        | json_values,
    },
)


@given(bodies)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_any_answer_is_a_value_or_a_mark(body: dict[str, Any]) -> None:
    asked(Frame(body), lambda value: value(np.ones(2)))
    asked(Frame(body), lambda value: value.fetch())


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "`f` disturbed the connection to the grader: a reply without an outcome"),
        ({"ok": 1}, "`f` disturbed the connection to the grader: a reply without an outcome"),
        ({"ok": True}, "`f` sent something unreadable: a reply without values"),
        ({"ok": True, "container": "", "values": []}, "`f` sent something unreadable"),
        (
            {"ok": True, "container": "", "values": [{"array": 0}]},
            "a reference to an array that did not come",
        ),
        (
            {"ok": True, "container": "x", "values": [[[]]]},
            "`f` sent something unreadable: a value of no known kind",
        ),
        ({"ok": False}, "`f` raised an exception"),
        (
            {"ok": False, "error": {"type": "A\x1b[31mB", "message": "red\x1b[0m"}},
            "`f` raised AB: red",
        ),
        ({"ok": False, "error": {"type": "x" * 500, "message": "y" * 5000}}, "y …"),
        ({"ok": False, "error": {"kinds": ["NotImplementedError"]}}, "`f` is not implemented yet"),
    ],
)
def test_lie_is_told_in_a_sentence(body: dict[str, Any], sentence: str) -> None:
    answer = asked(Frame(body), lambda value: value())
    assert sentence in answer
    assert len(answer) < 1000


def test_deeply_nested_words_of_the_far_end_are_no_fault_of_ours() -> None:
    deep: Any = "x"
    for _ in range(900):
        deep = [deep]
    error = {
        "type": deep,
        "message": deep,
        "frames": [{"file": deep, "name": deep, "text": deep}],
        "kinds": deep,
    }
    body = {"ok": False, "error": error, "printed": deep, "modified": deep}
    assert asked(Frame(body), lambda value: value()) == "`f` raised an exception (?, line 0)"


def test_messages_before_the_reply_are_passed_over() -> None:
    message = Frame({"op": "message", "type": "stream", "content": {}})
    answer = Frame(
        {"ok": True, "container": "", "values": [{"array": 0}]}, (encode_array(np.arange(3.0)),)
    )
    with remote_to(message, message, answer) as remote:
        assert Value(Case(remote, CallLog([])), [["name", "f"]], "f")().tolist() == [0, 1, 2]


def test_messages_without_end_hit_the_limit() -> None:
    with remote_to(*[Frame({"op": "message"})] * 50) as remote:
        value = Value(Case(remote, CallLog([])), [["name", "f"]], "f")
        with pytest.raises(
            SubmissionFailed, match="`f` was still running after the limit of 2 seconds"
        ):
            value()


def test_silent_end_is_a_death() -> None:
    with (
        remote_to() as remote,
        pytest.raises(SubmissionFailed, match="`f` ended its process: it is gone"),
    ):
        Value(Case(remote, CallLog([])), [["name", "f"]], "f")()


def test_fresh_box_serves_the_next_call() -> None:
    sandbox = LiarSandbox(Frame({"nonsense": 1}))
    with Remote(sandbox, Staging({}, {}), LIMITS, hide_numbers=False) as remote:
        value = Value(Case(remote, CallLog([])), [["name", "f"]], "f")
        with pytest.raises(SubmissionFailed):
            value()
        sandbox.answers = [Frame({"ok": True, "container": "", "values": [7]})]
        assert value() == 7


def test_hidden_inputs_are_kept_out_of_messages() -> None:
    body = {"ok": False, "error": {"type": "ValueError", "message": "x was [0.49671 -1.5e-3] at 3"}}
    remote = Remote(LiarSandbox(Frame(body)), Staging({}, {}), LIMITS, hide_numbers=True)
    with remote, pytest.raises(SubmissionFailed) as caught:
        Value(Case(remote, CallLog([])), [["name", "f"]], "f")()
    assert str(caught.value) == "`f` raised ValueError: x was [# #] at 3"


class DeadSandbox(LiarSandbox):
    """Its boxes are dead from the start."""

    def open(self, notebook: bool = False) -> Box:
        return LiarBox([], dead=True)


def test_box_that_never_comes_to_life_is_a_fault_of_ours() -> None:
    with Remote(DeadSandbox(), Staging({}, {}), LIMITS, hide_numbers=False) as remote:
        value = Value(Case(remote, CallLog([])), [["name", "f"]], "f")
        with pytest.raises(GraderFault, match="a box could not be made ready"):
            value()
