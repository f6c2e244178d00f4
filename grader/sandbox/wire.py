"""The wire between the trusted process and a box: length-prefixed frames of JSON and raw npy, and
nothing else.

Theory of operation. The far end is run by a student, who may have replaced every function there,
this module included. So nothing that arrives is believed: a frame's sizes are checked against caps
before a byte of it is stored, JSON can only become plain data that can be written as JSON again, an
array's bytes must be exactly as long as its header says and of a numeric dtype, and no pickle is
ever read. What a value takes in memory may be far more than it takes on the wire: it is counted
before it is taken. What does not fit raises `WireError`, and the caller ends the box. If the other
side stays silent, the deadline ends the wait. A lie inside well-formed data is a wrong answer,
which is the checks' matter.

A frame is ``!II`` (length of the JSON text, number of blobs), the blobs' lengths as ``!Q`` each,
the JSON text, the blobs. A value inside the JSON is a scalar itself or an object with one key that
names its kind, see `encode`. Values of other types than scalars,
arrays, lists, tuples and dicts are taken apart into these, see `wire_types`.
"""

from __future__ import annotations

import ast
import contextlib
import io
import itertools
import json
import math
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.lib import format as npy

from grader.sandbox import wire_types
from grader.sandbox.wire_json import MAX_INT, SURROGATES, load

MAX_JSON = 16 << 20  # bytes of JSON text in one frame
MAX_BLOBS = 4096
MAX_BYTES = 256 << 20  # bytes of all arrays in one frame
MAX_DEPTH = 32  # nesting of containers
RETURNED_DEPTH = 24  # of what a box returns: a check that hands it on may put more around it
MAX_NODES = 500_000  # values in one frame
MAX_PARSED = 72 << 20  # bytes that a frame's JSON takes when it is read, by its marks
# what a container takes, or a value that stands behind a mark
_WEIGHTS = {b"{": 200, b"[": 64, b",": 32, b":": 24}
_HEAVIEST = max(_WEIGHTS.values())
_MOST_STRINGS = 50_000  # of a heavy text, to be looked through for marks that are none
OBJECT_BYTES = 128  # what an array takes beside its numbers
MANY = "a container of many values, or a long text"
LAST_CHARACTER = 0x10FFFF
# NumPy dtype kinds that cross as npy; dates and records are taken apart, objects don't cross
PLAIN_KINDS = "biufcUS"
APART_DEPTH = 4  # of containers within a value that is taken apart

READ_AHEAD = 1 << 16  # bytes asked for at once

_HEAD = struct.Struct("!II")
_BEFORE_HEADER = 10  # bytes: the magic, the version and the header's length
# The header that NumPy writes for arrays of numbers; any other goes through NumPy's own parser,
# which takes far longer.
_USUAL_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00(..)\{'descr': '([<>|][biufc]\d{1,2})', 'fortran_order': (True|False), "
    rb"'shape': \(((?:\d{1,18}, ){1,31}\d{1,18}|\d{1,18},|)\), \} {0,70}\n",
    re.DOTALL,
)
_MOST_HEADER = 4096  # bytes

# a string of a JSON text; one that does not end goes on to the end, so that none is looked at twice
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)


class WireError(Exception):
    """The other side sent something that is not a frame of this protocol, or larger than
    allowed.
    """


class WireClosed(WireError):
    """The other side closed the connection."""


class TooLarge(WireError):
    """A value that is meant to be sent is larger than allowed."""


class MoreThanExpected(TooLarge):
    """A value is far larger than the right one; the message says what it is."""


class WireTimeout(WireError):
    """The deadline passed before a whole frame had come."""


class Ref(NamedTuple):
    """Something that stays in the box: the handle it is kept under and the name of its type."""

    handle: int
    type: str
    size: int = -1  # its length, where it has one


class Frame(NamedTuple):
    """One message: plain JSON data and the blobs that it refers to by number."""

    body: dict[str, Any]
    blobs: tuple[bytes, ...] = ()


# --- frames ---------------------------------------------------------------------------------------


def pack(frame: Frame) -> bytes:
    """Return the bytes of a frame."""
    text = json.dumps(frame.body, separators=(",", ":")).encode("utf-8", "surrogatepass")
    if (
        len(text) > MAX_JSON
        or not _can_be_read(text)
        or len(frame.blobs) > MAX_BLOBS
        or sum(map(len, frame.blobs)) > MAX_BYTES
    ):
        raise TooLarge("the message is larger than the wire allows")
    sizes = struct.pack(f"!{len(frame.blobs)}Q", *map(len, frame.blobs))
    return b"".join((_HEAD.pack(len(text), len(frame.blobs)), sizes, text, *frame.blobs))


def unpack(read: Callable[[int], bytes], most: int = MAX_BYTES) -> Frame:
    """Read one frame through ``read(n)``, which returns exactly n bytes or raises `WireError`.

    ``most``: bytes that its arrays may have.
    """
    text_size, count = _HEAD.unpack(read(_HEAD.size))
    if text_size > MAX_JSON:
        raise WireError(f"a message of {text_size} bytes is more than the {MAX_JSON} allowed")
    if count > MAX_BLOBS:
        raise WireError(f"a message with {count} arrays is more than the {MAX_BLOBS} allowed")
    sizes = struct.unpack(f"!{count}Q", read(8 * count))
    if sum(sizes) > min(most, MAX_BYTES):
        raise WireError(
            f"arrays of {sum(sizes)} bytes are more than the {min(most, MAX_BYTES)} allowed"
        )
    body = parse(read(text_size))
    if not isinstance(body, dict):
        raise WireError("a message that is not a JSON object")
    return Frame(body, tuple(read(size) for size in sizes))


def parse(text: bytes) -> Any:
    """Return the data of a JSON text, such as every writer of JSON and of UTF-8 takes; raise
    `WireError` otherwise.

    NaN and the infinities, which are no JSON, become None, a whole number beyond 64 bits a float,
    and half a character the one that stands for what can't be read. What the text would take in
    memory is bounded by its marks first.
    """
    if not _can_be_read(text):
        raise WireError(f"a message that takes more than {MAX_PARSED} bytes when it is read")
    try:
        return load(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise WireError("a message that is not JSON") from error


def _can_be_read(text: bytes) -> bool:
    """Return whether a JSON text takes no more than is allowed when it is read."""
    if len(text) * _HEAVIEST <= MAX_PARSED or (weight := _weight(text)) <= MAX_PARSED:
        return True
    strings = itertools.islice(_TEXT.finditer(text), _MOST_STRINGS)
    return weight - sum(_weight(string[0]) for string in strings) <= MAX_PARSED


def _weight(text: bytes) -> int:
    """Return about what the values of a JSON text take in memory; marks within its strings are
    counted too.
    """
    return sum(weight * text.count(mark) for mark, weight in _WEIGHTS.items())


class Channel:
    """A connected stream socket that carries frames, with a deadline on every wait."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._ahead = bytearray()  # received, but not asked for yet: small frames come in one piece
        # a student's thread may print while another call is answered
        self._sending = threading.Lock()

    def send(self, frame: Frame, seconds: float | None = None) -> None:
        """Send one frame within ``seconds``."""
        data = pack(frame)
        with self._sending:
            self._sock.settimeout(seconds)
            try:
                self._sock.sendall(data)
            except TimeoutError as error:
                raise WireTimeout("the other side does not read") from error
            except OSError as error:
                raise WireClosed("the connection is closed") from error

    def receive(self, seconds: float | None = None, most: int = MAX_BYTES) -> Frame:
        """Receive one whole frame within ``seconds``; a slow trickle of bytes does not extend the
        time.

        ``most``: bytes that its arrays may have.
        """
        deadline = None if seconds is None else time.monotonic() + seconds

        def read(count: int) -> bytes:
            while len(self._ahead) < count:
                if deadline is not None:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        raise WireTimeout("no answer within the time limit")
                    self._sock.settimeout(left)
                else:
                    self._sock.settimeout(None)
                try:
                    chunk = self._sock.recv(min(max(count - len(self._ahead), READ_AHEAD), 1 << 20))
                except TimeoutError as error:
                    raise WireTimeout("no answer within the time limit") from error
                except OSError as error:
                    raise WireClosed("the connection is closed") from error
                if not chunk:
                    raise WireClosed("the connection is closed")
                self._ahead += chunk
            data = bytes(self._ahead[:count])
            del self._ahead[:count]
            return data

        return unpack(read, most)

    def is_closed(self) -> bool:
        """Tell whether the other side has closed the connection, with nothing left of what it
        sent.
        """
        try:
            self._sock.settimeout(0)
            return not self._ahead and not self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def hang_up(self) -> None:
        """Let whatever waits for this connection, in another thread too, find it closed."""
        with contextlib.suppress(OSError):  # the other side was faster
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket; closing twice does no harm."""
        self._sock.close()


# --- values ---------------------------------------------------------------------------------------


def encode_array(array: np.ndarray) -> bytes:
    """Return an array as npy bytes, version 1.0 to 3.0, never pickled. Order (C or Fortran) is
    kept.
    """
    if array.dtype.kind in "biufc" and (array.flags.c_contiguous or array.flags.f_contiguous):
        return _usual_header(array) + array.tobytes("A")
    buffer = io.BytesIO()
    npy.write_array(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def decode_array(
    data: bytes,
    most: int = MAX_BYTES,
    foresee: Callable[[tuple[int, ...], np.dtype[Any]], None] | None = None,
) -> np.ndarray:
    """Return the array of npy bytes, writable and owning its memory; raise `WireError` for anything
    else.

    Before anything is allocated, the header's shape and dtype are checked against the number of
    bytes, and the array's size in memory against ``most``. ``foresee`` is called with shape and
    dtype, and may raise.
    """
    shape, fortran, dtype, start = _checked_header(data)
    body = memoryview(data)[start:]
    count = math.prod(shape)
    if dtype.itemsize * count != len(body):
        raise WireError("an array whose bytes do not fit its shape")
    size = memory(shape, dtype)
    if size > most:
        raise WireError(f"arrays of {size} bytes are more than the {most} allowed")
    if foresee is not None:
        foresee(shape, dtype)
    order: Literal["F", "C"] = "F" if fortran else "C"
    try:
        if not body:
            return np.zeros(shape, dtype, order)
        array = (
            np.frombuffer(body, dtype=dtype, count=count)
            .reshape(shape, order=order)
            .copy(order="K")
        )
    except (
        ValueError,
        OverflowError,
    ) as error:  # pragma: no cover - all that is known is refused above
        raise WireError("an array with an impossible shape") from error
    if dtype.kind == "U":
        _make_text(array)
    return array


def memory(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """Return the bytes that an array takes, or that it would take if no axis were empty.

    NumPy gives text without characters one each. An array of shape (0, 10**12) takes nothing, but
    its sum over the first axis takes all of it.
    """
    return _full(shape) * max(dtype.itemsize, 4 if dtype.kind == "U" else 1)


def footprint(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """Return what an array takes once it is reckoned with: at least as many bytes as doubles would
    take.
    """
    return _full(shape) * max(dtype.itemsize, 8)


def _full(shape: tuple[int, ...]) -> int:
    """Return how many entries an array would have if no axis were empty."""
    return math.prod(shape) or math.prod(max(length, 1) for length in shape)


def _make_text(array: np.ndarray) -> None:
    """Refuse what is beyond the last character, and replace halves of characters, in place."""
    codes = array.reshape(-1, order="A").view(f"{array.dtype.byteorder}u4")
    if (codes > LAST_CHARACTER).any():
        raise WireError("an array of text that is none")
    halves = (codes >= SURROGATES.start) & (codes < SURROGATES.stop)
    if halves.any():
        codes[halves] = ord("\N{REPLACEMENT CHARACTER}")


def _checked_header(data: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Return what `_read_header` does, for an array that may cross; raise `WireError` for any
    other.
    """
    try:
        shape, fortran, dtype, start = _read_header(data)
    except Exception as error:  # NumPy's header parser may raise nearly anything on hostile bytes
        raise WireError("an array with a broken header") from error
    if (
        dtype.kind not in PLAIN_KINDS
        or dtype.hasobject
        or dtype.fields is not None
        or dtype.subdtype is not None
    ):
        raise WireError("an array of a dtype that may not cross")
    if len(shape) > MAX_DEPTH or any(not isinstance(n, int) or n < 0 for n in shape):
        raise WireError("an array with an impossible shape")
    return shape, fortran, dtype, start


def _usual_header(array: np.ndarray) -> bytes:
    """Return what NumPy would write before a contiguous array of numbers, in a tenth of its
    time.
    """
    fortran = not array.flags.c_contiguous
    text = f"{{'descr': '{array.dtype.str}', 'fortran_order': {fortran}, 'shape': {array.shape}, }}"
    size = (
        -(-(_BEFORE_HEADER + len(text) + 1) // npy.ARRAY_ALIGN) * npy.ARRAY_ALIGN - _BEFORE_HEADER
    )
    return npy.magic(1, 0) + struct.pack("<H", size) + text.ljust(size - 1).encode("ascii") + b"\n"


def _read_header(data: bytes) -> tuple[Any, bool, np.dtype[Any], int]:
    """Return shape, order, dtype, and where the numbers begin. Not yet checked; may raise
    anything.
    """
    usual = _USUAL_HEADER.match(data)
    if usual is not None and usual.end() == _BEFORE_HEADER + int.from_bytes(usual[1], "little"):
        shape = tuple(int(number) for number in usual[4].split(b",") if number)
        return shape, usual[3] == b"True", np.dtype(usual[2].decode("ascii")), usual.end()
    buffer = io.BytesIO(data)
    version = npy.read_magic(buffer)
    begin = buffer.tell()
    size = int.from_bytes(buffer.read(2 if version == (1, 0) else 4), "little")
    # NumPy warns of what it has to mend first, such as the integers of Python 2
    ast.literal_eval(buffer.read(min(size, _MOST_HEADER)).decode("latin-1"))
    buffer.seek(begin)
    reader = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
    shape, fortran, dtype = reader(buffer, max_header_size=_MOST_HEADER)
    return shape, fortran, dtype, buffer.tell()


class Encoder:
    """Turns values into JSON data plus blobs.

    ``fallback(value)`` returns what stands for a value that is not plain data: a `Ref`, or parts
    that are plain.

    ``most``: the size (see `Decoder.size`) beyond which a value is not sent, but called
    `MoreThanExpected`. ``deepest``: the nesting at which a container is not plain data either.
    """

    def __init__(
        self,
        fallback: Callable[[Any], Ref | wire_types.Parts] | None = None,
        most: int | None = None,
        deepest: int = MAX_DEPTH,
    ) -> None:
        self._deepest = deepest
        self.blobs: list[bytes] = []
        self._fallback = fallback
        self._most = math.inf if most is None else most
        self._nodes = 0
        self._bytes = 0
        self._size = 0

    def _count(self, size: int, what: Callable[[], str]) -> None:
        self._size += size
        if self._size > self._most:
            raise MoreThanExpected(what())

    def encode(self, value: Any, depth: int = 0) -> Any:
        """Return JSON data for a value; raise `WireError` if it is not plain and has no handle."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise TooLarge(f"more than {MAX_NODES} values in one message")
        kind = type(value)
        self._size += 8 + (len(value) if kind is str else 0)
        if self._size > self._most:
            raise MoreThanExpected(MANY)
        if value is None or kind is str or kind is bool:
            return value
        if kind is float:
            return value if math.isfinite(value) else {"float": str(value)}
        if kind is int and -MAX_INT <= value < MAX_INT:
            return value
        if kind is np.ndarray and value.dtype.kind in PLAIN_KINDS and len(self.blobs) < MAX_BLOBS:
            return {"array": self._blob(value)}
        return self._other(kind, value, depth)

    def _other(self, kind: type, value: Any, depth: int) -> Any:
        """Return JSON data for what is neither a plain scalar nor an array."""
        if kind is Ref:
            return {"ref": list(value)}
        if kind is type and issubclass(value, np.generic) and np.dtype(value).kind in PLAIN_KINDS:
            return {"dtype": np.dtype(value).str}
        if kind is complex:
            return {"complex": [self.encode(value.real), self.encode(value.imag)]}
        if isinstance(value, np.generic) and value.dtype.kind in PLAIN_KINDS:
            return {"scalar": self._blob(np.asarray(value))}
        # a namedtuple or defaultdict is plain too
        if isinstance(value, tuple | list | dict) and depth < self._deepest:
            return self._container(value, depth + 1)
        parts = wire_types.taken_apart(value) if depth + APART_DEPTH < self._deepest else None
        if parts is not None:
            self._count(wire_types.besides(*parts), lambda: MANY)
            return {parts.kind: [self.encode(item, depth + 1) for item in parts.items]}
        if self._fallback is not None:
            return self._in_place_of(self._fallback(value), depth)
        raise WireError(f"a value of type {kind.__name__} can't cross the border")

    def _container(self, value: Any, depth: int) -> Any:
        if isinstance(value, dict):
            pairs = []
            for key, item in value.items():
                pairs.append([self.encode(key, depth), self.encode(item, depth)])
            return {"dict": pairs}
        name = "tuple" if isinstance(value, tuple) else "list"
        return {name: [self.encode(item, depth) for item in value]}

    def _in_place_of(self, stands: Ref | wire_types.Parts, depth: int) -> Any:
        if isinstance(stands, Ref):
            return {"ref": list(stands)}
        return {stands.kind: [self.encode(item, depth + 1) for item in stands.items]}

    def _blob(self, array: np.ndarray) -> int:
        """Keep an array's bytes and return their number; what can't be sent is not copied first."""
        self._bytes += array.nbytes
        self._count(
            footprint(array.shape, array.dtype),
            lambda: f"an array of shape {array.shape}, {array.dtype}",
        )
        if self._bytes > MAX_BYTES:
            raise TooLarge(f"arrays of {self._bytes} bytes are more than the {MAX_BYTES} allowed")
        self.blobs.append(encode_array(array))
        return len(self.blobs) - 1


class Decoder:
    """The inverse of `Encoder`; ``resolve`` turns a `Ref` into what stands for it on this side.

    What comes from a box is decoded by `grader.sandbox.untrusted.Untrusted`.
    """

    def __init__(
        self, blobs: tuple[bytes, ...], resolve: Callable[[Ref], Any] | None = None
    ) -> None:
        self._blobs = blobs
        self._resolve = resolve
        self._nodes = 0
        self._bytes = 0  # an array that is named again is held again
        # of all that was decoded: 8 bytes a value, characters, and arrays as if of doubles at least
        self.size = 0

    def decode(self, data: Any, depth: int = 0) -> Any:
        """Return the value of JSON data, or raise `WireError`."""
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            raise WireError("a value that is nested too deep or too large")
        self.size += 8
        kind = type(data)
        if kind is str:
            self.size += len(data)
            return self.text(data)
        if kind is int:
            if not -MAX_INT <= data < MAX_INT:
                raise WireError("an integer of more than 64 bits")
            return data
        if kind is dict and len(data) == 1:
            ((name, body),) = data.items()
            return self._compound(name, body, depth)
        if data is None or kind is float or kind is bool:
            return data
        raise WireError("a value of no known kind")

    def text(self, data: str) -> str:
        """Return what stands for a text on this side."""
        return data

    def _compound(self, kind: str, body: Any, depth: int) -> Any:
        if kind == "array":
            return self._array(body)
        if kind == "scalar":
            array = self._array(body)
            if array.shape != ():
                raise WireError("a scalar with a shape")
            return array[()]
        if kind == "float" and body in ("nan", "inf", "-inf"):
            return float(body)
        if kind == "ref":
            return self._ref(body)
        if kind == "dtype":
            return _dtype(body)
        if not isinstance(body, list):
            raise WireError(f"a malformed {kind[:20]!r}")
        if kind == "dict":
            return self._mapping(body, depth + 1)
        if kind not in ("complex", "tuple", "list") and not wire_types.is_known(kind):
            raise WireError(f"a value of unknown kind {kind[:20]!r}")
        items = [self.decode(item, depth + 1) for item in body]
        if kind == "complex":
            return self.number(items)
        if kind in ("tuple", "list"):
            return tuple(items) if kind == "tuple" else items
        return self._put_together(kind, items)

    def _mapping(self, body: list[Any], depth: int) -> Any:
        pairs = []
        for pair in body:
            if type(pair) is not list or len(pair) != 2:
                raise WireError("a dict with an item that is no pair")
            pairs.append((self.decode(pair[0], depth), self.decode(pair[1], depth)))
        try:
            return self.mapping(pairs)
        except Exception as error:  # of keys that a stranger has chosen
            raise WireError("a dict with a key that is not hashable") from error

    def number(self, parts: list[Any]) -> complex:
        """Return a complex number of two parts."""
        if len(parts) != 2 or not all(type(part) is float for part in parts):
            raise WireError("a malformed complex number")
        return np.complex128(complex(*parts))

    def _put_together(self, kind: str, items: list[Any]) -> Any:
        """Return the value of a kind that is taken apart; what is wrong with its parts raises
        `WireError`.
        """
        try:
            size = wire_types.besides(kind, items)
            self.foreseen(size)
            self.size += size
            return (
                self.collection(kind, items)
                if kind in ("set", "frozenset")
                else self.made(kind, items)
            )
        except WireError:
            raise
        # of Python, NumPy or pandas, from parts that a stranger has chosen
        except Exception as error:
            raise WireError(f"a malformed {kind!r}") from error

    def foreseen(self, size: int) -> None:
        """Raise if a value that stands for so many bytes beside those of its parts is too large."""

    def collection(self, kind: str, items: list[Any]) -> Any:
        """Return a set or frozenset; raise `TypeError` for an item that is not hashable."""
        return wire_types.together(kind, items)

    def made(self, kind: str, items: list[Any]) -> Any:
        """Return any other value that is taken apart."""
        return wire_types.together(kind, items)

    def mapping(self, pairs: list[tuple[Any, Any]]) -> Any:
        """Return what pairs of keys and values become; raise `TypeError` for a key that is not
        hashable.
        """
        return dict(pairs)

    def _array(self, index: Any) -> np.ndarray:
        if (
            not isinstance(index, int)
            or isinstance(index, bool)
            or not 0 <= index < len(self._blobs)
        ):
            raise WireError("a reference to an array that did not come")
        array = self.taken(self._blobs[index], MAX_BYTES - self._bytes)
        self._bytes += memory(array.shape, array.dtype) + OBJECT_BYTES
        self.size += footprint(array.shape, array.dtype)
        return array

    def taken(self, blob: bytes, most: int) -> np.ndarray:
        """Return the array of a blob, which may take ``most`` bytes."""
        return decode_array(blob, most)

    def _ref(self, body: Any) -> Any:
        if (
            not isinstance(body, list)
            or len(body) != 3
            or not isinstance(body[0], int)
            or not isinstance(body[1], str)
            or not isinstance(body[2], int)
        ):
            raise WireError("a malformed reference")
        ref = Ref(body[0], body[1][:200], body[2])
        return ref if self._resolve is None else self._resolve(ref)


def _dtype(body: Any) -> Any:
    if not isinstance(body, str) or not re.fullmatch(r"[<>|=]?[biufcUS]\d{1,2}", body):
        raise WireError("a dtype that may not cross")
    try:
        return np.dtype(body).type
    except TypeError as error:
        raise WireError("a dtype that may not cross") from error
