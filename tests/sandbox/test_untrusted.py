"""What comes from a box: counted by what it takes before it is taken, and never work that the
sender chooses.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from measures import height

import grader
from grader.sandbox import untrusted, wire
from grader.sandbox.untrusted import Budget, FrozenItems, Items, Pairs, Untrusted
from grader.sandbox.wire import Encoder, Frame, MoreThanExpected, Ref, TooLarge, WireError

PACKAGE = Path(grader.__file__).parent
MB = 1 << 20


def npy(descr: str, shape: tuple[int, ...], body: bytes = b"") -> bytes:
    """Return npy bytes whose header says what one likes."""
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


def peak(what: Any) -> int:
    """Return the bytes that a call takes at its height; it may raise a `WireError`."""

    def tried() -> None:
        with contextlib.suppress(WireError):
            what()

    return height(tried)


# --- memory ---


@pytest.mark.parametrize("descr", ["<U0", "|S0"])
def test_text_without_characters_is_counted_by_what_it_takes(descr: str) -> None:
    blob = npy(descr, (60 * MB,))
    data = {"list": [{"array": 0}] * 1000}
    limit = 100 * MB

    def decoded() -> None:
        Untrusted((blob,), budget=Budget(limit)).decode(data)

    assert peak(decoded) < limit + MB
    with pytest.raises(TooLarge):
        decoded()


def test_more_text_without_characters_than_fits_is_not_taken_at_all() -> None:
    blob = npy("<U0", (wire.MAX_BYTES // 4 + 1,))
    with pytest.raises(WireError, match="more than the"):
        wire.decode_array(blob)
    assert peak(lambda: wire.decode_array(blob)) < MB


@pytest.mark.parametrize("shape", [(0, 1 << 40), (1 << 40, 0), (1 << 20, 0, 1 << 20)])
def test_an_empty_array_whose_sum_would_be_huge_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(WireError, match="more than the"):
        wire.decode_array(npy("<f8", shape))


def test_an_empty_array_of_a_usual_shape_comes_in() -> None:
    assert wire.decode_array(npy("<f8", (0, 512))).shape == (0, 512)


@pytest.mark.parametrize(
    "text",
    [b"[" + many + b"1]" for many in (
        b"[]," * 5_000_000, b"{}," * 5_000_000, b'"",' * 5_000_000, b'"a",' * 3_000_000,
        b'{"":0},' * 2_000_000, b"[," * 1_500_000 + b'"' + b'\\"' * 5_000_000,
    )],
    ids=["lists", "dicts", "empty text", "text", "keys", "text that does not end"],
)  # fmt: skip
def test_a_message_of_empty_containers_is_refused_before_it_is_read(text: bytes) -> None:
    assert peak(lambda: wire.parse(text)) < 64 * MB
    with pytest.raises(WireError, match="when it is read"):
        wire.parse(text)


def test_what_could_not_be_read_is_not_sent() -> None:
    frame = Frame({"values": [[0]] * (wire.MAX_PARSED // 64)})
    with pytest.raises(TooLarge, match="larger than the wire allows"):
        wire.pack(frame)


@pytest.mark.parametrize(
    "value",
    [1.5, "ab", None, [1.5, 2.5], (1.5, 2.5), {"key": 1.5}],
    ids=["numbers", "text", "nothing", "lists", "tuples", "dicts"],
)
def test_as_many_values_as_a_frame_may_have_can_be_read(value: Any) -> None:
    encoder = wire.Encoder()
    nodes = wire.MAX_NODES // (3 if isinstance(value, list | tuple | dict) else 1)
    body = {"value": encoder.encode([value] * (nodes - 10))}
    assert wire.unpack(io.BytesIO(wire.pack(Frame(body))).read).body == body


@pytest.mark.parametrize(
    "text",
    [
        b'"\\u0041' + b"\\n" * 4_000_000, b'"' + b"\\u0041" * 1_300_000,
        b'"' + b"\\ud800" * 1_300_000, b'"' + b"\\ud800ab" * 1_000_000,
    ],
    ids=["lines", "escapes", "halves", "halves and others"],
)  # fmt: skip
def test_escapes_of_a_long_text_take_no_memory_each(text: bytes) -> None:
    assert peak(lambda: wire.parse(b"[" + text + b'"]')) < 5 * len(text)


def test_marks_within_text_are_none() -> None:
    text = '[{,:"' * (wire.MAX_PARSED // 300) + "\\"
    assert wire.parse(json.dumps([text]).encode()) == [text]


def test_values_are_counted_as_long_as_they_live() -> None:
    budget = Budget(4 * MB)
    blob = wire.encode_array(np.zeros(MB // 8))
    for _ in range(20):  # each is gone before the next comes
        Untrusted((blob,), budget=budget).decode({"array": 0})
    # views keep what they view
    kept = [Untrusted((blob,), budget=budget).decode({"array": 0})[:1] for _ in range(3)]
    with pytest.raises(TooLarge, match="4 MB together"):
        kept += [Untrusted((blob,), budget=budget).decode({"array": 0}) for _ in range(2)]
    kept.clear()
    assert budget.held < MB


def test_values_that_are_no_arrays_are_counted_for_a_case() -> None:
    budget = Budget(MB)
    data = {"list": ["x" * 1000] * 100}
    for _ in range(6):
        Untrusted((), budget=budget).decode(data)
    with pytest.raises(TooLarge):
        Untrusted((), budget=Budget(1000)).decode(data)
    held = budget.held
    assert held > 600_000
    budget.new_case()
    assert len(Untrusted((), budget=budget).decode(data)) == 100


def test_what_is_larger_than_expected_is_not_taken() -> None:
    blob = wire.encode_array(np.zeros(10 * MB, dtype=np.int8))
    assert peak(lambda: Untrusted((blob,), most=MB).decode({"array": 0})) < MB
    with pytest.raises(MoreThanExpected, match=r"shape \(10485760,\), int8"):
        Untrusted((blob,), most=MB).decode({"array": 0})
    for data in ("x" * (2 * MB), {"list": [1] * MB}):
        with pytest.raises(MoreThanExpected):
            Untrusted((), most=MB).decode(data)


@pytest.mark.parametrize(
    "value",
    [np.zeros((3, 4), np.int8), "text", [1, 2.5, None], {"a": np.ones(3)}, (np.float32(1), "é")],
    ids=repr,
)
def test_both_sides_count_the_same_size(value: Any) -> None:
    encoder = Encoder()
    data = encoder.encode(value)
    decoder = Untrusted(tuple(encoder.blobs))
    decoder.decode(data)
    assert Encoder(most=decoder.size).encode(value)
    with pytest.raises(MoreThanExpected):
        Encoder(most=decoder.size - 1).encode(value)


def test_a_frame_may_have_no_more_bytes_than_are_expected() -> None:
    head = struct.pack("!II", 2, 1) + struct.pack("!Q", 2000)

    def read(count: int) -> bytes:
        nonlocal head
        taken, head = head[:count], head[count:]
        return taken

    with pytest.raises(WireError, match="2000 bytes are more than the 1000"):
        wire.unpack(read, 1000)


# --- keys ---


def test_text_makes_a_dict_and_other_keys_make_pairs() -> None:
    assert type(Untrusted(()).decode({"dict": [["a", 1]]})) is dict
    assert type(Untrusted(()).decode({"dict": [["a", 1], [2, 1]]})) is Pairs


class Counted(int):
    """A whole number that counts what it is asked."""

    asked = 0

    def __eq__(self, other: object) -> bool:
        Counted.asked += 1
        return int(self) == other

    def __hash__(self) -> int:
        Counted.asked += 1
        return 1


def test_no_hash_and_no_equality_of_a_key_is_asked_for() -> None:
    pairs = Pairs([((Counted(number), 0.5), number) for number in range(1000)])
    assert len(pairs) == 1000
    assert pairs[(Counted(7), 0.5)] == 7
    assert pairs == Pairs([((Counted(number), 0.5), number) for number in range(1000)])
    assert Counted.asked == 0


def test_pairs_find_what_a_dict_finds() -> None:
    nan = float("nan")
    keys: list[Any] = [
        0, 1, -5, 2**62, 1.5, 1e300, float("inf"), nan, None, "1", "a", (1, "a"), ((), (1.0,)), 1j, True, 2.0, 0.0,
        -0.0, np.int64(9), np.float32(0.5), np.longdouble(2.5), np.str_("b"), np.bytes_(b"c"), np.complex64(3),
        np.bool_(False),
    ]  # fmt: skip
    random.Random(1).shuffle(keys)
    pairs, real = Pairs([(key, str(key)) for key in keys]), {key: str(key) for key in keys}
    assert len(pairs) == len(real)
    for key in keys:
        assert pairs[key] == (real[key] if key == key else "nan")
    for other in (4, 2.5j, "c", (1,), b"d", [1]):
        assert other not in pairs
    assert pairs.get(77, "none") == "none"
    assert pairs != {"a": 1}
    assert Pairs([(1, 2)]) == {1.0: 2}


def test_pairs_are_a_dict_for_whoever_asks() -> None:
    pairs = Untrusted(()).decode({"dict": [[2, "b"], [1, {"list": []}]]})
    real = {2: "b", 1: []}
    assert isinstance(pairs, dict)
    assert pairs == real == pairs.copy() == pairs | {2: "b"}
    assert (pairs != real) is False
    assert ([*pairs], [*reversed(pairs)], len(pairs), bool(pairs)) == ([2, 1], [1, 2], 2, True)
    assert (dict(pairs), {**pairs}, sorted(pairs), repr(pairs)) == (real, real, [1, 2], repr(real))
    assert json.dumps(pairs) == json.dumps(real)
    assert Encoder().encode(pairs) == Encoder().encode(real)
    pairs[3] = "c"
    assert pairs.pop(2) == "b"
    assert [*pairs.items()] == [(1, []), (3, "c")]


def test_a_key_that_no_dict_has_is_refused() -> None:
    for key in ({"list": []}, {"dict": []}, {"dict": [[1, 2]]}, {"tuple": [{"list": []}]}):
        with pytest.raises(WireError, match="not hashable"):
            Untrusted(()).decode({"dict": [[key, 1]]})


def test_a_reference_can_be_a_key() -> None:
    found = Untrusted(()).decode({"dict": [[{"ref": [3, "x", -1]}, 1]]})
    assert found[Ref(3, "x")] == 1


def test_only_what_is_our_own_is_decoded_without_bounds() -> None:
    uses = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and "Decoder" in [alias.name for alias in node.names]
    }
    assert {use for use in uses if not use.startswith("sandbox/inside/")} == {
        "sandbox/untrusted.py"
    }


# --- text and numbers that can't be written ---


def test_half_a_character_becomes_the_one_for_what_cannot_be_read() -> None:
    text = rb'{"\ud800": "\udfff x \ud83d\ude00 \\ud800 \ud83d", "a": "\u00e9"}'
    assert wire.parse(text) == {"\ufffd": "\ufffd x \U0001f600 \\ud800 \ufffd", "a": "é"}


def test_half_a_character_in_an_array_becomes_it_too() -> None:
    for order in "<>":
        blob = npy(f"{order}U2", (2, 1), struct.pack(f"{order}4I", 0xD800, 65, 0xDFFF, 0x1F600))
        assert wire.decode_array(blob).tolist() == [["\ufffdA"], ["\ufffd\U0001f600"]]


def test_numbers_that_are_no_json_become_none_or_a_float() -> None:
    text = b"[NaN, Infinity, -Infinity, 1e999, 1.5, 9223372036854775807, 9223372036854775808, -9223372036854775808]"
    assert wire.parse(text) == [None, None, None, None, 1.5, 2**63 - 1, 2.0**63, -(2**63)]
    assert wire.parse(b"[1" + b"0" * 400 + b"]") == [None]
    with pytest.raises(WireError):  # Python reads no number as long as that
        wire.parse(b"1" * 5000)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "latin-1"])
def test_a_message_is_utf_8(encoding: str) -> None:
    with pytest.raises(WireError):
        wire.parse('"é"'.encode(encoding))


def test_the_limits_are_no_smaller_than_what_may_be_sent() -> None:
    assert untrusted.LIVE_BYTES >= wire.MAX_BYTES + wire.MAX_NODES * untrusted.VALUE_BYTES


# --- dicts and sets that ask no hash of a student's ---


def test_a_dict_of_any_keys_is_used_as_a_dict_is() -> None:
    given = Pairs([(1, "a"), ((0, 1), "b")])
    assert isinstance(given, dict)
    assert (given[1], given[(0, 1)], list(given), len(given)) == ("a", "b", [1, (0, 1)], 2)
    assert 1 in given
    assert [] not in given
    given[None] = "c"
    del given[1]
    assert given == {(0, 1): "b", None: "c"}
    assert given != {(0, 1): "b", None: "d"}
    assert given != [(0, 1), None]
    assert list(reversed(given)) == [None, (0, 1)]
    assert given.copy() | {2: "d"} == {(0, 1): "b", None: "c", 2: "d"}
    assert repr(given) == "{(0, 1): 'b', None: 'c'}"
    with pytest.raises(KeyError):
        given[1]
    with pytest.raises(TypeError):
        hash(given)


@pytest.mark.parametrize(("kind", "plain"), [(Items, set), (FrozenItems, frozenset)])
def test_a_set_of_any_items_is_used_as_a_set_is(kind: Any, plain: type) -> None:
    given = kind([1, 2.5, (3, "a")])
    assert isinstance(given, plain)
    assert given == {1, 2.5, (3, "a")}
    assert given != {1, 2.5}
    assert given != [1, 2.5, (3, "a")]
    assert given.union([4], [5]) == {1, 2.5, (3, "a"), 4, 5}
    assert given.intersection([1, 9]) == {1}
    assert given.difference([1, 9]) == {2.5, (3, "a")}
    assert given.symmetric_difference([1, 9]) == {2.5, (3, "a"), 9}
    assert given.issuperset([1])
    assert not given.issubset([1])
    assert given.copy() == given
    assert kind([1]).copy() == {1}
    assert repr(kind([])) == f"{plain.__name__}()"
    assert repr(kind([1])) == repr(plain([1]))


def test_a_frozenset_has_a_hash_and_a_set_has_none() -> None:
    assert hash(FrozenItems([1, "a"])) == hash(FrozenItems(["a", 1]))
    with pytest.raises(TypeError):
        hash(Items([1]))
