"""What is made ahead of need, or in a shorter way: boxes and arrays are as they would be without."""

from __future__ import annotations

import io

import numpy as np
import pytest

from grader.limits import Limits
from grader.sandbox import wire
from grader.sandbox.ladder import open_sandbox
from grader.sandbox.wire import Encoder, Frame


def asked(sandbox: object, *, notebook: bool) -> object:
    """Return what `get_ipython()` says in a fresh box."""
    with sandbox.open(notebook) as box:
        if notebook:
            code = "import IPython; shell = IPython.get_ipython()"
            box.channel.send(
                Frame({"op": "execute", "code": code, "room": [0, 0]}),
                10,
            )
            while (reply := box.channel.receive(30)).body.get("op") == "message":
                pass
            assert reply.body["status"] == "ok"
        encoder = Encoder()
        target = [["module", "IPython"], ["attr", "get_ipython"]]
        call = {
            "op": "call",
            "target": target,
            "args": encoder.encode(()),
            "kwargs": encoder.encode({}),
        }
        box.channel.send(Frame(call), 10)
        return box.channel.receive(30).body["values"][0]


def test_the_shell_made_ahead_is_not_there_where_no_notebook_runs() -> None:
    with open_sandbox("auto", Limits(), []) as sandbox:
        assert asked(sandbox, notebook=True) is not None  # and so the zygote has loaded everything
        assert asked(sandbox, notebook=False) is None


ARRAYS = {
    "no axis": np.array(3.0), "one axis": np.arange(3), "two axes": np.ones((3, 4)), "none in it": np.zeros((0, 3)),
    "Fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "every second": np.arange(5)[::2],
    "big end": np.ones(2, ">i4"),
    "truth": np.array([True, False]), "complex": np.ones((2, 1), np.complex64), "text": np.array(["a", "bc"]),
    "32 axes": np.ones((1,) * 32, np.int8),
}  # fmt: skip


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS.keys())
def test_arrays_are_written_as_numpy_writes_them(array: np.ndarray) -> None:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=False)
    assert wire.encode_array(array) == buffer.getvalue()
    back = wire.decode_array(buffer.getvalue())
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert np.array_equal(back, array)


def test_a_header_that_only_looks_usual_is_refused() -> None:
    data = bytearray(wire.encode_array(np.ones((3, 4))))
    data[8] += 64  # claims a longer header than there is
    with pytest.raises(wire.WireError):
        wire.decode_array(bytes(data))
