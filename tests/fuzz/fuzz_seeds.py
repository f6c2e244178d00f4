"""Writes the seeds of the kept corpus: ``python tests/fuzz/fuzz_seeds.py``. What fuzzers found
stands beside them.
"""

from __future__ import annotations

import gzip
import io
import json
import lzma
import tarfile
import warnings
import zipfile
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import nbformat
import numpy as np
import pandas as pd
from fuzz_pages import BETWEEN, NEXT, RECORDED
from fuzz_targets import ARCHIVE_NAMES, LAYERS, NOTEBOOK, RNN
from kept import keep
from scipy.sparse import coo_array

from grader.sandbox import wire
from grader.sandbox.wire import Encoder, Frame, Ref
from grader.sandbox.wire_types import Member

ARRAYS = [
    np.arange(6.0).reshape(2, 3), np.asfortranarray(np.ones((2, 2), dtype="<f4")), np.array([[1, -2]], dtype=">i2"),
    np.array(True), np.zeros((0, 3)), np.array([1 + 2j]), np.array(["a", "bc"]), np.array([b"x", b""]),
    np.array(7, dtype=np.uint8), np.float16(np.ones(3)), np.array("", dtype="<U0"),
]  # fmt: skip
VALUES: list[Any] = [
    None, True, -1, 1.5, float("nan"), "text", (1, "a", None), [1, [2, [3]]], {"a": 1, 2: (3,)}, Ref(3, "dict", 2),
    np.float32, np.float64(0.5), ARRAYS[0], {"x": ARRAYS[0], "y": [ARRAYS[3], ARRAYS[6]]}, {1, 2.5}, frozenset({"a"}),
    range(2, 9, 3), b"bytes", 2**100, Fraction(1, 3), Decimal("1.50"), date(2024, 2, 29), time(3, 4),
    datetime(2024, 2, 29, 1, tzinfo=UTC), timedelta(3, 4, 5), Member("Color", "RED", "work"), {(1, None): {2: {3}}},
    np.array(["2024-01-01", "NaT"], "M8[D]"), np.timedelta64(5, "s"), np.array([(1, "x")], [("a", "i8"), ("b", "U2")]),
    np.ma.masked_array([1.0, 2.0], [True, False]), pd.Series([1.5, None], name="s"), pd.RangeIndex(9),
    pd.DataFrame({"a": ["x", None], "b": pd.Categorical(["u", "v"]), "c": pd.date_range("2024", periods=2, tz="UTC")}),
    pd.Series([1], pd.MultiIndex.from_tuples([(1, "a")])), coo_array(np.eye(2)),
]  # fmt: skip
# Values at the ends of what their kinds can hold, or without anything in them.
FAR: list[Any] = [
    datetime.max.replace(tzinfo=timezone(timedelta(hours=-23))), {datetime.min.replace(tzinfo=timezone.max): 1},
    Fraction(10**600, 7), Decimal("1e999"), Decimal("-inf"), 10**5000, timedelta.max, date.max, range(10**18, 10**18 + 3),
    np.zeros(3, [("a", "f8"), ("b", "f8")]), np.zeros((2, 3), [("a", "M8[s]")]), np.array(["a", "b", "c"]),
    np.array([2**63 - 1], "m8[as]"), np.datetime64(2**63 - 1, "Y"), np.full((2, 3), np.datetime64("NaT")),
    np.ma.masked_array(np.ones((2, 3)), True), np.full((2, 3), 2**63, np.uint64), np.full((2, 3), np.longdouble("1e4000")),
    {float("nan"), 1}, frozenset(), {Fraction(1, 2): 1, Decimal("NaN"): 2}, pd.Series([1, 2], [float("nan")] * 2),
    pd.DataFrame([[1, 2]], columns=["a", "a"]), pd.DataFrame(index=range(9)), pd.Series([{}, [], 10**400]),
    coo_array((np.ones(2), ([0, 0], [1, 1])), shape=(2, 2)), coo_array((2, 2)),
    np.array([1, 2], "m8[M]"), [np.timedelta64(1, "D"), np.timedelta64(1, "M")], np.array([2**62, 1], "M8[Y]"),
]  # fmt: skip
LIES = [
    "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': '<M8[s]', 'fortran_order': False, 'shape': ()}",
    "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}", "{'descr': '<f8'}", "(" * 500,
    "{'descr': '|S0', 'fortran_order': False, 'shape': (99999999999,)}",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 4611686018427387904)}",
    "{'descr': '<f8', 'fortran_order': 1, 'shape': (True,)}",
    "{'descr': '(2,)<f8', 'fortran_order': True, 'shape': (1,)}",
]  # fmt: skip


def value_of(value: Any) -> tuple[Any, tuple[bytes, ...]]:
    """Return a value as JSON data, and its blobs."""
    encoder = Encoder()
    body = encoder.encode(value)
    return body, tuple(encoder.blobs)


def npy(header: str, body: bytes, version: bytes = b"\x01\x00") -> bytes:
    """Return npy bytes with a header of one's own choice."""
    text = header.encode("latin-1") + b"\n"
    return (
        b"\x93NUMPY"
        + version
        + len(text).to_bytes(2 if version[0] == 1 else 4, "little")
        + text
        + body
    )


def returned(*values: Any, **more: Any) -> bytes:
    """Return the reply of a call that returned these values."""
    encoder = Encoder()
    body = {
        "ok": True,
        "container": "tuple",
        "values": [encoder.encode(value) for value in values],
        "modified": ["1"],
    }
    return wire.pack(Frame({**body, "seconds": 0.1, "printed": "", **more}, tuple(encoder.blobs)))


def failed(**error: Any) -> bytes:
    """Return the reply of a call that raised."""
    return wire.pack(Frame({"ok": False, "printed": "before\n", "error": error}))


def replies() -> list[bytes]:
    """Return replies, each behind the byte that says what was asked."""
    frame = {"file": "pack/toy.py", "line": 3, "name": "center", "text": "return x"}
    message = {"op": "message", "type": "stream", "content": {"name": "stdout", "text": "x"}}
    kinds = ["ValueError", "Exception"]
    raised = failed(type="ValueError", kinds=kinds, message="x is \x1b[31m 1.5", frames=[frame] * 2)
    whole, _ = value_of(3)
    return [
        b"\0" + returned(ARRAYS[0], Ref(1, "dict", 2), 1.5),
        b"\0" + returned(1, printed="told\n" * 3),
        b"\0"
        + wire.pack(
            Frame({"op": "callback", "function": 1, "args": {"tuple": [1]}, "kwargs": {"dict": []}})
        )
        + returned(1),
        b"\x80" + raised,
        b"\1" + wire.pack(Frame({"ok": True, "value": whole})),
        b"\1"
        + wire.pack(Frame({"ok": True, "value": {"array": 0}}, (wire.encode_array(ARRAYS[1]),))),
        b"\2" + wire.pack(Frame({"ok": True, "printed": ""})),
        b"\3" + returned((1, 2)),
        b"\0"
        + failed(type="NotImplementedError", kinds=["NotImplementedError"], message="", frames=[]),
        b"\0" + failed(type="SystemExit", message="1", frames=[frame]),
        b"\0" + failed(type="TooLarge", message="too much", frames=[]),
        b"\x40" + wire.pack(Frame(message)) * 2 + wire.pack(Frame({"ok": True, "status": "ok"})),
        b"\0",
    ]


def spoken() -> list[bytes]:
    """Return what boxes say on the way to a page, each behind the byte that says what was asked."""
    values = [value for value in RECORDED.values() if not isinstance(value, dict | list | tuple)]
    strange: list[Any] = [
        float("nan"), float("-inf"), np.float16(np.inf), np.longdouble("1e4000"), np.complex64(complex("nan+infj")),
        np.zeros((2, 3, 0)), np.zeros((0, 1 << 20)), np.array(["\ud800", "x"]), np.array([b"\xff"]), "\ud800\x1b[2J",
        "\u202e" * 50, np.full((2, 3), 2**63 - 1), np.zeros((1,) * 20), np.array(["", ""], "<U0"), (1 << 63) - 1,
        np.array([1e308, -1e308, 5e-324]), np.uint64(2**64 - 1), np.int8(-128), np.float32, Ref(1, "\ud800<b>", 3),
    ]  # fmt: skip
    fetched: list[Any] = [
        RECORDED["dict"], RECORDED["pair"], RECORDED["list"], {1: 2, "a": np.ones(2), (1, 2.5): None},
        {"a": {"b": {}}, "\udfff": 1}, [float("nan"), [[[[]]]]], {"dict": [1, {"x": (1,)}]}, {float("nan"): 1},
    ]  # fmt: skip
    bodies = [(value, *value_of(value)) for value in fetched]
    displays = [
        {"application/json": {"a": float("nan"), "b": [1e999, 10**30], "\ud800": None}, "text/plain": "x"},
        {"application/vnd.plotly.v1+json": {"data": [{"y": [float("inf")]}]}}, {"text/html": "<b onload=x>\ud800</b>"},
        {"text/latex": "$\\frac{1}{2}$"}, {"text/markdown": "# a\n" * 5 + "$x$ \ud800"}, {"image/png": "iVBOR"},
        {"image/svg+xml": "<svg><script>1</script></svg>", "text/plain": ["a"]}, {"text/plain": "\x1b[31m\r\b" * 3},
    ]  # fmt: skip
    messages = [
        {"type": "display_data", "content": {"data": data, "metadata": {"x": float("nan")}}}
        for data in displays
    ] + [
        {"type": "stream", "content": {"name": "stdout", "text": "\ud800 x\n\x1b[2J"}},
        {
            "type": "execute_result",
            "content": {"data": displays[0], "metadata": {}, "execution_count": 10**20},
        },
        {
            "type": "error",
            "content": {"ename": "\ud800", "evalue": "1", "traceback": ["\x1b[0;31mx\ud800"]},
        },
        {"type": "clear_output", "content": {"wait": True}},
        {
            "type": "update_display_data",
            "content": {"data": {}, "metadata": {}, "transient": {"display_id": "\ud800"}},
        },
    ]
    done = {"ok": True, "status": "ok", "execution_count": 1}
    fails = {
        "ok": True,
        "status": "error",
        "ename": "E\ud800",
        "evalue": "\ud800",
        "traceback": ["x"],
    }
    raised = {"type": "E\ud800", "message": "\ud800 \x1b 1.25"}
    return [
        *(b"\2" + replied(value) for value in [*values, *strange]),
        *(b"\0" + replied(value, value) for value in (RECORDED["floats"], RECORDED["number"])),
        *(b"\1" + said({"ok": True, "value": body}, *blobs) for _, body, blobs in bodies),
        b"\x82"
        + said(
            {"ok": False, "error": {**raised, "kinds": ["E\ud800"], "frames": [{"file": "\ud800"}]}}
        ),
        *(b"\x40" + NEXT.join((said({"op": "message", **one}), said(done))) for one in messages),
        b"\x40" + NEXT.join((said({"op": "message", **messages[10]}), said(fails))),
        *(b"\2" + replied(VALUES[first : first + 3]) for first in range(0, len(VALUES), 3)),
        *(b"\2" + replied(FAR[first : first + 3]) for first in range(0, len(FAR), 3)),
    ]


def said(body: dict[str, Any], *blobs: bytes) -> bytes:
    """Return a frame as the fuzzer has it: a JSON text and blobs."""
    return BETWEEN.join((json.dumps(body).encode(), *blobs))


def replied(*values: Any) -> bytes:
    """Return the reply of a call that returned one value, or several."""
    encoder = Encoder()
    told = {
        "values": [encoder.encode(value) for value in values],
        "modified": [],
        "printed": "a 1.5\nb",
    }
    return said(
        {"ok": True, "container": "tuple" if len(values) > 1 else "", **told}, *encoder.blobs
    )


FILES = {
    LAYERS: b"# layers\n",
    RNN: b"# rnn\n",
    NOTEBOOK: b"{}",
    "cs231n/__init__.py": b"# changed\n",
}
STRANGE = {
    "__MACOSX/._x": b"",
    "hw/cs231n/rnn_layers (1).py": b"# 1\n",
    "hw/smith_12_345_rnn.py": b"",
    "b.zip": b"PK",
}
LONG = {"é" * 60 + "/" + LAYERS: b"x" * 600}


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = compression
            archive.writestr(info, content)
    return buffer.getvalue()


def tarred(files: dict[str, bytes], form: int = tarfile.USTAR_FORMAT, *kinds: bytes) -> bytes:
    """Return a tar archive, with an entry of each of the kinds behind its files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for kind in kinds:
            info = tarfile.TarInfo("x")
            info.type, info.linkname = kind, "/etc/passwd"
            info.pax_headers = {"comment": "c", "size": "0"}
            archive.addfile(info)
    return buffer.getvalue().rstrip(b"\0") + bytes(1024) if not kinds else buffer.getvalue()[:4096]


def archives() -> list[bytes]:
    """Return files, each behind the byte that picks its name."""
    whole, odd = tarred(FILES), tarred(LONG, tarfile.PAX_FORMAT)
    padded = whole + bytes(-len(whole) % 512)
    made = [
        ("a.zip", zipped(FILES)), ("a.zip", zipped({**FILES, **STRANGE}, zipfile.ZIP_STORED)), ("a.zip", zipped(LONG)),
        ("a.zip", zipped(FILES, zipfile.ZIP_BZIP2)), ("a.zip", b"PK\x05\x06" + bytes(18)),
        ("a.zip", zipped(FILES)[:-9]), ("a.tar", padded), ("a.tgz", gzip.compress(padded)), ("a", gzip.compress(odd)),
        ("a.tgz", gzip.compress(padded[:700]) + gzip.compress(padded[700:]) + bytes(600)),
        ("a.tar.xz", lzma.compress(padded)), ("a.tgz", gzip.compress(padded)[:-20]), ("a", b"Rar!\x1a\x07"),
        ("rnn_layers.py", FILES[LAYERS]), (NOTEBOOK, b"{}"),
    ]  # fmt: skip
    return [bytes([ARCHIVE_NAMES.index(name)]) + data for name, data in made]


LISTS = [
    "\n".join(FILES), "hw/\n" + "\n".join(f"hw/{name}" for name in FILES), "\n".join({**FILES, **STRANGE}),
    "../x\nrnn.py", "/etc/x", "a\\b", "C:x", "rnn.py\nRNN.py", "café\ncafe\u0301", "a\na/b", "a/" * 9 + "b", "x" * 151,
    "./a//rnn.py\n.git/x\nold/rnn.py\nnew/rnn.py", "a\x1b[2J", "Copy of rnn_layers - Copy (2).py.txt\ntest_x.py",
    "rnn.py\u202e",
]  # fmt: skip


def notebook_seeds() -> list[bytes]:
    """Return notebooks: of every format, and such as are none."""
    cells = [
        nbformat.v4.new_code_cell("import os", id="set-up"),
        nbformat.v4.new_code_cell("x = 1", id="copy", metadata={"grader": {"id": "answer"}}),
        nbformat.v4.new_markdown_cell("more", id="more"),
    ]
    four = nbformat.v4.new_notebook(cells=cells)
    three = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": [
        {"cell_type": "code", "language": "python", "input": "1", "outputs": [{"output_type": "pyout", "text": "1"}]},
        {"cell_type": "heading", "level": 1, "source": "T"},
    ]}]}  # fmt: skip
    two = {"nbformat": 2, "worksheets": [{"cells": [{"cell_type": "code", "input": "1"}]}]}
    broken = [
        {"nbformat": 4, "cells": [{"cell_type": [], "source": {}, "metadata": []}, 1]},
        {"nbformat": 9},
        [],
    ]
    return [
        json.dumps(one).encode()
        for one in (four, three, two, {"nbformat": 1, "cells": []}, *broken)
    ] + [b"{", b""]


def seeds() -> dict[str, list[bytes]]:
    """Return the seeds of every target."""
    coded = [value_of(value) for value in VALUES]
    return {
        "frames": [wire.pack(Frame({"v": body, "n": 1}, blobs)) for body, blobs in coded]
        + [wire.pack(Frame({"a": 1})) * 3, b"\xff" * 8, b"\0\0\0\2\0\0\0\0[]", b"\0\0\0\2\0\0\0\1" + b"\xff" * 8],
        "values": [BETWEEN.join((json.dumps(body).encode(), *blobs)) for body, blobs in coded]
        + [b'{"array": 1}', b'{"dict": [[{"list": []}, 1]]}', b'{"float": "1e9"}', b'{"ref": [1, "x"]}', b'{"list": 1}']
        + [b'{"scalar": 0}' + BETWEEN + wire.encode_array(ARRAYS[0]), b"9" * 40, b'{"list": [' * 40 + b"]}" * 40, b"{"],
        "arrays": [wire.encode_array(array) for array in ARRAYS]
        + [npy(header, bytes(16)) for header in LIES]
        + [npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", bytes(16), bytes((n, 0))) for n in (2, 3)],
        "replies": replies(),
        "pages": spoken(),
        "archives": archives(),
        "tars": [
            tarred(FILES), tarred(LONG, tarfile.PAX_FORMAT, tarfile.SYMTYPE), tarred(LONG, tarfile.GNU_FORMAT),
            tarred({RNN: b"x"}, tarfile.PAX_FORMAT, tarfile.GNUTYPE_SPARSE),
            tarred({}, tarfile.PAX_FORMAT, tarfile.XGLTYPE),
        ],
        "names": [text.encode() for text in LISTS],
        "notebooks": notebook_seeds(),
    }  # fmt: skip


def main() -> None:
    """Write them all."""
    warnings.simplefilter("ignore")
    for target, made in seeds().items():
        keep(target, {f"seed-{number:02}": data for number, data in enumerate(made)})


if __name__ == "__main__":
    main()
