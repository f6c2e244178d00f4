"""A value that crossed into the box is, for all that honest code can see, the value that a cell
would have written.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from grader.sandbox.plain import PlainSandbox
from grader.sandbox.wire import Encoder, Frame

# Tells what code can observe of a value: type, content, order, flags, and whether `is` holds of
# what is written here.
OBSERVER = """
import numpy as np

WRITTEN = (None, True, False, "rnn", "lstm", "W_x2", "x", "", "1st", -5, 0, 1, 255, 256, (), np.float32, np.int64)


def see(value, *rest, keyword="default", **others):
    seen = [told(value), told(rest), told(keyword), [(told(key), told(item)) for key, item in others.items()]]
    if type(value) is dict:
        value["added"] = 1
    if type(value) is np.ndarray and value.size:
        value[(0,) * value.ndim] = 0
    return repr(seen)


def told(value):
    if isinstance(value, np.ndarray):
        flags = value.flags
        kept = flags.owndata, flags.writeable, flags.aligned, flags.c_contiguous, flags.f_contiguous
        return type(value), value.dtype.str, value.shape, value.strides, kept, value.tolist()
    if isinstance(value, (list, tuple)):
        return type(value), [told(item) for item in value], is_written(value)
    if isinstance(value, dict):
        return type(value), [(told(key), told(item)) for key, item in value.items()]
    return type(value), repr(value), is_written(value)


def is_written(value):
    return [index for index, literal in enumerate(WRITTEN) if value is literal]
"""
CALLS = {
    "text that looks like a name": 'see("rnn")',
    "text of one letter, and none": 'see("x", "", "é", "1st", "W_x2")',
    "text that is not a name": 'see("a b", "<NULL>", "naïve", "two words")',
    "text in containers": 'see(["rnn", ("lstm", {"rnn": "lstm"})])',
    "keys of a dict, in its order": 'see({"W_x2": 1, "rnn": 2, "a b": 3, 5: "x"})',
    "keywords": 'see(1, keyword="rnn", x="lstm", W_x2=3)',
    "a default that is left alone": "see(1, 2)",
    "nothing, and truth": "see(None, True, False, [None, True])",
    "integers": "see(-6, -5, 0, 1, 255, 256, 257, 2**62)",
    "floats": 'see(0.0, -0.0, 1.0, 0.1, 1e-320, float("inf"), float("nan"))',
    "complex numbers": "see(1j, 0j, complex(-0.0, 2))",
    "NumPy's numbers": "see(np.int64(3), np.int8(-1), np.float32(0.1), np.float64(1), np.bool_(True), np.complex64(1))",
    "empty containers": "see((), [], {}, ((), []))",
    "an array": "see(np.array([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]))",
    "an array of one number": "see(np.zeros(()), np.ones((1, 1)))",
    "an empty array": "see(np.zeros((0, 3)), np.zeros((2, 0)))",
    "an array in Fortran's order": 'see(np.asarray([[1.0, 2.0], [3.0, 4.0]], order="F"))',
    "arrays of other numbers": 'see(np.arange(3), np.ones(2, bool), np.ones(2, "f4"), np.ones(2, ">i2"))',
    "an array of complex numbers": "see(np.ones(1, complex))",
    "arrays of text": 'see(np.array(["a", "bc"]), np.array([b"x"]))',
    "arrays in containers": "see({'rnn': [np.arange(3), (np.zeros(2),)]})",
    "types of numbers": "see(np.float32, np.int64)",
}  # fmt: skip


@pytest.fixture(scope="module")
def boxed() -> Iterator[Any]:
    """Return a function that calls the observer across the wire."""
    with PlainSandbox() as sandbox:
        box = sandbox.open()
        box.channel.send(
            Frame({"op": "stage", "links": [], "files": [["m.py", 0]]}, (OBSERVER.encode(),)), 10
        )
        assert box.channel.receive(20).body["ok"]

        def see(*args: Any, **kwargs: Any) -> str:
            encoder = Encoder()
            body = {"op": "call", "target": [["module", "m"], ["attr", "see"]]}
            body |= {"args": encoder.encode(args), "kwargs": encoder.encode(kwargs)}
            box.channel.send(Frame(body, tuple(encoder.blobs)), 10)
            reply = box.channel.receive(20).body
            assert reply["ok"], reply
            return str(reply["values"][0])

        yield see


@pytest.fixture(scope="module")
def plain() -> dict[str, str]:
    """What the observer sees in a plain process, in which every call is written out."""
    program = OBSERVER + "".join(f"\nprint({call})" for call in CALLS.values())
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    return dict(zip(CALLS, done.stdout.splitlines(), strict=True))


@pytest.mark.parametrize("name", CALLS)
def test_crossed_value_looks_as_if_it_were_written_in_a_cell(
    boxed: Any, plain: dict[str, str], name: str
) -> None:
    assert eval(CALLS[name], {"np": np, "see": boxed}) == plain[name]
