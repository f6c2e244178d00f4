"""The wire: what can be encoded comes back the same, and nothing that arrives does harm."""

from __future__ import annotations

import contextlib
import io
import json
import math
import struct
import tracemalloc
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader.sandbox import wire
from grader.sandbox.wire import Decoder, Encoder, Frame, Ref, WireClosed, WireError

dtypes = st.one_of(
    hnp.boolean_dtypes(), hnp.integer_dtypes(), hnp.unsigned_integer_dtypes(), hnp.floating_dtypes(),
    hnp.complex_number_dtypes(), hnp.unicode_string_dtypes(max_len=4), hnp.byte_string_dtypes(max_len=4),
)  # fmt: skip
arrays = hnp.arrays(dtypes, hnp.array_shapes(min_dims=0, min_side=0, max_side=4))
scalars = hnp.arrays(dtypes, ()).map(lambda array: array[()])
numbers = st.integers(-wire.MAX_INT, wire.MAX_INT - 1) | st.floats()
leaves = st.none() | st.booleans() | numbers | st.text(max_size=8) | arrays | scalars
keys = st.text(max_size=4) | st.integers(-9, 9) | st.tuples(st.integers(0, 3), st.text(max_size=2))
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(keys, inner),
    max_leaves=12,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["array", "scalar", "float", "ref", "dtype", "tuple", "list", "dict", "x"]
            ),
            inner,
            max_size=2,
        )
    ),
    max_leaves=15,
)


def crossed(value: Any) -> Any:
    """Return a value as it comes out at the other end."""
    encoder = Encoder()
    data = encoder.encode(value)
    frame = unpacked(wire.pack(Frame({"value": data}, tuple(encoder.blobs))))
    return Decoder(frame.blobs).decode(frame.body["value"])


def unpacked(data: bytes) -> Frame:
    """Read a frame from bytes that end."""
    stream = io.BytesIO(data)

    def read(count: int) -> bytes:
        piece = stream.read(count)
        if len(piece) < count:
            raise WireClosed("the bytes ended")
        return piece

    return wire.unpack(read)


def same(a: Any, b: Any) -> bool:
    """Return whether two values are alike in type, dtype, shape, order and content."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray | np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(map(same, a.values(), b.values()))
    return bool(a == b) or (isinstance(a, float) and math.isnan(a) and math.isnan(b))


# --- what goes out comes in ---


@given(values)
def test_plain_values_come_back_the_same(value: Any) -> None:
    assert same(crossed(value), value)


def test_a_complex_number_comes_as_numpys() -> None:
    assert same(crossed(1 - 2j), np.complex128(1 - 2j))


@pytest.mark.parametrize("body", [[1.0], [1.0, 2.0, 3.0], [1, 2], ["a", 1.0], [[1.0], 2.0], 3])
def test_complex_number_of_other_parts_is_refused(body: object) -> None:
    with pytest.raises(WireError):
        Decoder(()).decode({"complex": body})


@given(arrays)
def test_arrays_come_back_writable_and_own_their_memory(array: np.ndarray) -> None:
    back = crossed(array)
    assert back.flags.writeable
    assert back.flags.owndata


def test_fortran_order_is_kept() -> None:
    back = crossed(np.asfortranarray(np.arange(12.0).reshape(3, 4)))
    assert back.flags.f_contiguous
    assert not back.flags.c_contiguous


def test_strided_view_comes_back_equal() -> None:
    view = np.arange(24.0).reshape(4, 6)[::-2, 1::2]
    assert np.array_equal(crossed(view), view)


def test_dtype_class_crosses() -> None:
    assert crossed(np.float32) is np.float32


class Loud(np.ndarray):
    """An array whose class would have a say in every operation."""


@pytest.mark.parametrize(
    "value",
    [
        np.array([None, 1], dtype=object),
        np.zeros(2, dtype=[("a", "O")]),
        np.zeros(3).view(Loud),
        np.zeros(3, "M8[D]").view(Loud),
        np.ma.masked_array([None]),
        type("Liar", (str,), {})("text"),
        1 << (1 << 21),
        range(1 << 40),
        Decimal("1e999999"),
        Fraction(1, 1 << 20000),
        (item for item in ()),
        object,
    ],
    ids=lambda value: type(value).__name__,
)
def test_all_else_needs_a_handle(value: Any) -> None:
    with pytest.raises(WireError, match="can't cross"):
        Encoder().encode(value)
    assert Encoder(lambda _: Ref(7, "thing", 2)).encode(value) == {"ref": [7, "thing", 2]}


def test_kinds_of_containers_cross_as_the_plain_ones() -> None:
    assert Encoder().encode(type("Sub", (dict,), {})(a=1)) == {"dict": [["a", 1]]}
    assert Encoder().encode(type("Sub", (tuple,), {})((1, 2))) == {"tuple": [1, 2]}
    assert Encoder().encode(type("Sub", (list,), {})([1])) == {"list": [1]}


def test_reference_is_resolved_by_the_receiver() -> None:
    data = Encoder().encode((Ref(3, "model"), 1))
    assert Decoder((), lambda ref: f"#{ref.handle}").decode(data) == ("#3", 1)


# --- what must not come in ---


@given(st.binary(max_size=400))
@example(struct.pack("!II", 2, 0) + b"[]")
@example(struct.pack("!II", 3, 0) + b"\xff{}")
def test_any_bytes_are_a_frame_or_an_error(data: bytes) -> None:
    with contextlib.suppress(WireError):
        assert isinstance(unpacked(data).body, dict)


@given(json_values, st.lists(st.binary(max_size=60), max_size=2))
def test_any_json_is_a_value_or_an_error(data: Any, blobs: list[bytes]) -> None:
    with contextlib.suppress(WireError):
        Decoder(tuple(blobs)).decode(data)


def npy(header: str, body: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    """Return npy bytes with a header of one's own choice."""
    text = header.encode("latin-1") + b"\n"
    return (
        b"\x93NUMPY"
        + version
        + struct.pack("<H" if version[0] == 1 else "<I", len(text))
        + text
        + body
    )


headers = st.builds(
    "{{'descr': {!r}, 'fortran_order': {!r}, 'shape': {!r}}}".format,
    st.sampled_from(
        [
            "<f8",
            "|O",
            "|b1",
            "<U0",
            "|S0",
            "<M8[s]",
            "|V8",
            ">i2",
            "<f16",
            "<U999999999",
            "(2,)<f8",
            "x",
            3,
        ]
    )
    | st.just([("a", "<f8")]),
    st.booleans() | st.none(),
    st.lists(
        st.integers(-2, 1 << 70) | st.integers(0, 3) | st.booleans() | st.floats(), max_size=40
    ).map(tuple)
    | st.integers(),
)


@given(headers, st.binary(max_size=64), st.sampled_from([b"\x01\x00", b"\x02\x00", b"\x03\x00"]))
@example("{'descr': '|S0', 'fortran_order': False, 'shape': (99999999999,)}", b"", b"\x01\x00")
@example(
    "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 4611686018427387904)}", b"", b"\x01\x00"
)
@example("(" * 2000, b"", b"\x01\x00")
def test_any_npy_header_is_an_array_or_an_error(header: str, body: bytes, version: bytes) -> None:
    with contextlib.suppress(WireError):
        array = wire.decode_array(npy(header, body, version))
        assert array.dtype.kind in wire.PLAIN_KINDS
        # NumPy gives empty text a character all the same
        assert array.nbytes <= max(len(body), 4 * wire.MAX_NODES)


@pytest.mark.parametrize("shape", [(1,) * 33, (2, -2), (1, -1)])
def test_impossible_shapes_are_refused(shape: tuple[int, ...]) -> None:
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
    with pytest.raises(WireError, match="an array with"):
        wire.decode_array(npy(header, bytes(8)))


def test_a_header_of_python_2_is_refused_and_content_like_it_crosses() -> None:
    for shape in ("(1L,)", "(1 L,)"):
        header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
        with pytest.raises(WireError, match="a broken header"):
            wire.decode_array(npy(header, bytes(8)))
    texts = np.array([b"5L", b"\n5L"])
    assert (wire.decode_array(wire.encode_array(texts)) == texts).all()


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan, 0.1, -0.0])
def test_every_float_comes_back(number: float) -> None:
    assert repr(crossed(number)) == repr(number)


def test_pickled_array_is_refused() -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"x": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(WireError, match="may not cross"):
        wire.decode_array(buffer.getvalue())


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (struct.pack("!II", wire.MAX_JSON + 1, 0), "more than the"),
        (struct.pack("!II", 2, wire.MAX_BLOBS + 1), "more than the"),
        (struct.pack("!IIQ", 2, 1, wire.MAX_BYTES + 1), "more than the"),
        (struct.pack("!IIQQ", 2, 2, 1 << 63, 1 << 63), "more than the"),
        (struct.pack("!II", 6, 0) + b'["ok"]', "not a JSON object"),
        (struct.pack("!II", 5000, 0) + b"[" * 5000, "not JSON"),
        (struct.pack("!II", 200_000, 0) + b'{"a":' * 40_000, "not JSON"),
        (struct.pack("!II", 6006, 0) + b'{"a":' + b"9" * 6000 + b"}", "not JSON"),
        (struct.pack("!II", 4, 0) + b"\xff\xfe\x00\x00", "not JSON"),
    ],
)
def test_lies_about_frames_are_refused(data: bytes, why: str) -> None:
    with pytest.raises(WireError, match=why):
        unpacked(data)


def test_huge_claims_allocate_nothing() -> None:
    claims = [
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000)}"),
        npy("{'descr': '|S2000000000', 'fortran_order': False, 'shape': (4,)}"),
        npy("{'descr': '|S0', 'fortran_order': False, 'shape': (2000000000,)}"),
    ]
    tracemalloc.start()
    for claim in claims:
        with pytest.raises(WireError):
            wire.decode_array(claim)
    with pytest.raises(WireError):
        unpacked(struct.pack("!IIQ", 2, 1, 1 << 62))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


@pytest.mark.parametrize(
    "data",
    [
        {"array": 0},
        {"array": -1},
        {"array": True},
        {"array": "0"},
        {"scalar": None},
        {"float": "1e999"},
        {"float": ["nan"]},
        {"ref": [1, "x"]},
        {"ref": ["1", "x", 0]},
        {"dtype": "|O"},
        {"dtype": "os.system"},
        {"dtype": "<f3"},
        {"dict": [[1]]},
        {"dict": [[{"list": []}, 1]]},
        {"tuple": "abc"},
        {"bag": [1]},
        {"tuple": [], "list": []},
        {},
        [],
        1 << 63,
    ],
    ids=json.dumps,
)
def test_malformed_values_are_refused(data: Any) -> None:
    with pytest.raises(WireError):
        Decoder(()).decode(data)


def test_text_of_what_is_no_character_is_refused() -> None:
    beyond = npy(
        "{'descr': '<U1', 'fortran_order': False, 'shape': ()}", struct.pack("<I", 0x110000)
    )
    for kind in ("array", "scalar"):
        with pytest.raises(WireError, match="text"):
            Decoder((beyond,)).decode({kind: 0})
    last = npy("{'descr': '>U1', 'fortran_order': False, 'shape': ()}", struct.pack(">I", 0x10FFFF))
    assert Decoder((last,)).decode({"scalar": 0}) == "\U0010ffff"


def test_array_that_is_named_again_and_again_counts_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blob = wire.encode_array(np.zeros(100))
    monkeypatch.setattr(wire, "MAX_BYTES", 3 * len(blob))
    assert len(Decoder((blob,)).decode({"list": [{"array": 0}] * 3})) == 3
    with pytest.raises(WireError, match="more than the"):
        Decoder((blob,)).decode({"list": [{"array": 0}] * 4})


def test_scalar_with_a_shape_is_refused() -> None:
    with pytest.raises(WireError, match="shape"):
        Decoder((wire.encode_array(np.zeros(3)),)).decode({"scalar": 0})


def test_depth_is_bounded_on_both_sides() -> None:
    nested: Any = 1
    for _ in range(wire.MAX_DEPTH):
        nested = [nested]
    assert same(crossed(nested), nested)
    with pytest.raises(WireError):
        Encoder().encode([nested])
    with pytest.raises(WireError, match="too deep"):
        Decoder(()).decode({"list": [Encoder().encode(nested)]})


def test_number_of_values_is_bounded_on_both_sides() -> None:
    with pytest.raises(WireError, match="values"):
        Encoder().encode([0] * (wire.MAX_NODES + 1))
    with pytest.raises(WireError, match="too large"):
        Decoder(()).decode({"list": [0] * (wire.MAX_NODES + 1)})


def test_array_beyond_the_cap_is_not_even_copied() -> None:
    endless = np.broadcast_to(np.float64(1), (1 << 16, 1 << 16))  # 32 GB, all of it one number
    with pytest.raises(WireError, match="more than the"):
        Encoder().encode(endless)


def test_message_beyond_the_cap_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_BYTES", 1000)
    with pytest.raises(WireError, match="larger"):
        wire.pack(Frame({}, (b"x" * 600, b"y" * 600)))
