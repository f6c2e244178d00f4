"""What the fuzzers and the kept corpus are run through: a stranger's bytes in; a value or one of
our own errors out.

A target returns what came of the bytes, in a word, and lets every other exception pass: that is a
finding. Beyond that it asserts what must hold of whatever was let through.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import lzma
import socket
import tarfile
import tempfile
import unicodedata
import warnings
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from fuzz_once import SECONDS, OnceSandbox
from fuzz_pages import BETWEEN, pages

from grader.checking.api.value import Value
from grader.checking.case.call_log import CallLog
from grader.checking.case.case import Case
from grader.checking.judge.compare import compare
from grader.checking.judge.judgements import check_recordable
from grader.checking.run.remote import Remote
from grader.errors import AssignmentError, SubmissionError, SubmissionFailed
from grader.grading.intake.submitted_files import IntakeLimits, Wanted
from grader.grading.intake.take import Taken, take
from grader.limits import Limits
from grader.model import Tolerance
from grader.notebooks.format import UnreadableNotebook, parse
from grader.notebooks.restore import restore
from grader.sandbox import wire
from grader.sandbox.box import Staging
from grader.sandbox.untrusted import Untrusted
from grader.sandbox.wire import Channel, Decoder, Encoder, Frame, Ref, WireError
from grader.sandbox.wire_tables import library
from grader.sandbox.wire_types import Member

PLAIN = (
    bool
    | int
    | float
    | str
    | bytes
    | range
    | Fraction
    | Decimal
    | date
    | time
    | timedelta
    | Member
    | np.generic
    | Ref
)

LAYERS, RNN, NOTEBOOK = "cs231n/rnn_layers.py", "cs231n/classifiers/rnn.py", "RNN_Captioning.ipynb"
SMALL = IntakeLimits(
    max_bytes=1 << 20, max_kept_bytes=1 << 19, max_file_bytes=1 << 18, max_entries=40, max_depth=6, max_name=150,
    ratio_floor=1 << 17,
)  # fmt: skip
WANTED = Wanted(
    files=(LAYERS, RNN),
    notebooks=(NOTEBOOK,),
    provided=frozenset(
        {"cs231n/layers.py", "cs231n/__init__.py", "cs231n/classifiers/__init__.py"}
    ),
    digests={"cs231n/__init__.py": "0" * 64},
    limits=SMALL,
)
ARCHIVE_NAMES = (
    "a.zip",
    "a.tar",
    "a.tgz",
    "a.tar.xz",
    "a.tar.bz2",
    "rnn_layers.py",
    "RNN_Captioning.ipynb",
    "a",
)
PROVIDED = nbformat.v4.new_notebook(
    cells=[
        nbformat.v4.new_markdown_cell("# Title", id="title"),
        nbformat.v4.new_code_cell("import numpy as np", id="set-up"),
        nbformat.v4.new_code_cell("...", id="answer", metadata={"grader": {"role": "student"}}),
    ]
)


def harmless(text: str, longest: int) -> bool:
    """Tell whether a sentence is of one line, not endless, and without a character that acts
    instead of being read.
    """
    return len(text) < longest and not any(
        unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp") for sign in text
    )


def spoken(error: Exception, longest: int) -> str:
    """Return the name of one of our own errors; fail where its sentence can't be shown."""
    assert harmless(str(error).replace("\n", " ").replace("\t", " "), longest), error
    return type(error).__name__


# --- the wire -------------------------------------------------------------------------------------


def frames(data: bytes) -> str:
    """Frames one after the other, as a channel receives them, and every value in them."""
    ours, theirs = socket.socketpair()
    channel, count = Channel(ours), 0
    with ours:
        with theirs:
            theirs.sendall(data[: 1 << 16])
        try:
            while True:
                frame = channel.receive(SECONDS)
                count += 1
                for value in frame.body.values():
                    with contextlib.suppress(WireError):
                        plain(Decoder(frame.blobs).decode(value))
        except WireError as error:
            return f"{count} frames, {type(error).__name__}"


def values(data: bytes) -> str:
    """One value: its JSON text, and the blobs that it refers to."""
    text, *blobs = data.split(BETWEEN)
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return "no JSON"
    try:
        value = Decoder(tuple(blobs)).decode(body)
    except WireError:
        return "refused"
    plain(value)
    held = Untrusted(tuple(blobs)).decode(body)
    plain(held)
    with contextlib.suppress(AssignmentError):  # that it is of no kind that can be expected
        check_recordable("v", value)
        compared = compare("v", value, held, Tolerance())
        assert all(one.ok for one in compared), compared
    encoder = Encoder(lambda other: Ref(1, type(other).__name__))
    body = encoder.encode(value)
    assert repr(in_order(Decoder(tuple(encoder.blobs)).decode(body))) == repr(in_order(value))
    return "a value"


def in_order(value: Any) -> Any:
    """Return a value with lists for the sets in it, whose own order may be any."""
    if isinstance(value, set | frozenset):
        return [type(value), sorted(repr(in_order(item)) for item in value)]
    if isinstance(value, tuple | list) and not isinstance(value, Ref):
        return [type(value), *map(in_order, value)]
    if isinstance(value, dict):
        return [[in_order(key), in_order(item)] for key, item in value.items()]
    return value


def plain(value: Any) -> None:
    """Fail unless a decoded value is plain data throughout."""
    if isinstance(value, tuple | list) and not isinstance(value, Ref):
        for item in value:
            plain(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            plain(key)
            plain(item)
    elif isinstance(value, set | frozenset):
        for item in value:
            plain(item)
    elif isinstance(value, np.ma.MaskedArray):
        plain(value.data)
        plain(value.mask)
    elif isinstance(value, np.ndarray):
        assert type(value) is np.ndarray
        assert value.dtype.kind in wire.PLAIN_KINDS + "mMV"
        assert not value.dtype.hasobject
        assert value.flags.owndata or value.base is not None
        assert value.flags.writeable
    elif isinstance(value, type):
        assert issubclass(value, np.generic)
    else:
        assert value is None or isinstance(value, PLAIN) or library(value) in ("pandas", "scipy")


def arrays(data: bytes) -> str:
    """The bytes of one array; what is taken is what NumPy itself reads in them."""
    try:
        array = wire.decode_array(data)
    except WireError:
        return "refused"
    plain(array)
    theirs = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False, max_header_size=1 << 16)
    assert array.shape == theirs.shape
    if theirs.dtype.itemsize:  # NumPy gives empty text a character where it makes an array of it
        assert (array.dtype, array.tobytes()) == (theirs.dtype, whole(theirs).tobytes())
    again = wire.decode_array(wire.encode_array(array))
    assert (array.dtype, array.shape, array.tobytes()) == (
        again.dtype,
        again.shape,
        again.tobytes(),
    )
    return "an array"


def whole(array: np.ndarray) -> np.ndarray:
    """Return an array with the halves of characters in its text replaced."""
    if array.dtype.kind != "U":
        return array
    codes = array.reshape(-1, order="A").view(f"{array.dtype.byteorder}u4")
    mended = np.where((codes >= 0xD800) & (codes < 0xE000), 0xFFFD, codes).astype(codes.dtype)
    return mended.view(array.dtype).reshape(array.shape, order="F" if array.flags.fnc else "C")


USES: tuple[Callable[[Value], Any], ...] = (
    lambda value: value(np.ones(2), key=1.5),
    lambda value: value.part[0].fetch(),
    lambda value: value.__setitem__("w", np.zeros(3)),
    lambda value: value(np.ones(2))[0],
)


def replies(data: bytes) -> str:
    """What a box says in reply to a call, a fetch or an assignment, from its first byte to its
    last.
    """
    if not data:
        return "nothing"
    use = USES[data[0] % len(USES)]
    limits = Limits(call_seconds=SECONDS, import_seconds=SECONDS)
    messages: list[Frame] = []
    with Remote(
        OnceSandbox(data[1:]), Staging({}, {}), limits, hide_numbers=bool(data[0] & 128)
    ) as remote:
        try:
            if data[0] & 64:
                remote.request("the cell", {"op": "execute", "code": ""}, message=messages.append)
            else:
                use(Value(Case(remote, CallLog([])), [["name", "f"]], "f"))
        except SubmissionFailed as failure:
            return spoken(failure, 2000)
    return "a value"


# --- the intake -----------------------------------------------------------------------------------


def outcome(name: str, data: bytes) -> Taken | str:
    """Hand in a file; return what was taken, or the sentence that refuses it."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        try:
            taken = take(path, WANTED)
        except SubmissionError as error:
            sentence = str(error)
            assert sentence.startswith(f"`{name}` can't be taken in: "), sentence
            assert sentence.endswith("."), sentence
            assert harmless(sentence, 1500), sentence
            return sentence
    assert set(taken.files) | set(taken.missing) == set(WANTED.paths)
    assert not set(taken.files) & set(taken.missing)
    assert all(len(content) <= SMALL.max_file_bytes for content in taken.files.values())
    assert all(harmless(note, 2500) for note in taken.notes), taken.notes
    return taken


def archives(data: bytes) -> str:
    """Any file, under a name that its first byte picks."""
    if not data:
        return "nothing"
    return said(outcome(ARCHIVE_NAMES[data[0] % len(ARCHIVE_NAMES)], data[1:]))


def tars(data: bytes) -> str:
    """A tar whose headers' checksums are put right, so that more than the checksum is tried;
    compressed or not.
    """
    repaired = bytearray(data[: len(data) // 512 * 512])
    for start in range(0, len(repaired), 512):
        block = repaired[start : start + 512]
        if block[257:262] == b"ustar":
            repaired[start + 148 : start + 156] = b"%06o\0 " % tarfile.calc_chksums(bytes(block))[0]
    whole = bytes(repaired)
    plain_tar = outcome("a.tar", whole)
    for packed in (gzip.compress(whole, 1), lzma.compress(whole)) if whole else ():
        same(plain_tar, outcome("a.tar", packed))
    return said(plain_tar)


def said(result: Taken | str) -> str:
    """Return what became of an archive, in a word."""
    return "refused" if isinstance(result, str) else "taken"


def same(one: Taken | str, other: Taken | str) -> None:
    """Fail unless two archives of the same entries have the same fate; the words of a refusal may
    differ.
    """
    assert said(one) == said(other), (one, other)
    if isinstance(one, Taken) and isinstance(other, Taken):
        assert (one.files, one.notes, one.digest) == (other.files, other.notes, other.digest)


def names(data: bytes) -> str:
    """A list of entries, a name a line, packed as zip and as tar: both have the same fate."""
    entries = list(listing(data))
    with warnings.catch_warnings(), io.BytesIO() as buffer:
        warnings.simplefilter("ignore")  # of doubled names
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in entries:
                archive.writestr(zipfile.ZipInfo(name), content)
        as_zip = outcome("a.zip", buffer.getvalue())
    with io.BytesIO() as buffer:
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for name, content in entries:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                info.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
                tar.addfile(info, io.BytesIO(content))
        as_tar = outcome("a.tar", buffer.getvalue())
    same(as_zip, as_tar)
    return said(as_zip)


def listing(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents: whole lines of UTF-8 without NUL, which neither format can hold."""
    for number, line in enumerate(data.split(b"\n")[: 2 * SMALL.max_entries]):
        name = line.decode("utf-8", "ignore").replace("\0", "")
        if name:
            yield name, b"" if name.endswith("/") else b"# %d\n" % number


def notebooks(data: bytes) -> str:
    """A submitted notebook: what is read is put together with the author's cells into a sound one."""
    try:
        submitted = parse(data)
    except UnreadableNotebook as error:
        return spoken(error, 200)
    for keep_extra in (False, True):
        made, notes = restore(PROVIDED, submitted, keep_extra=keep_extra)
        nbformat.validate(made)
        sources = {cell.id: cell.source for cell in made.cells}
        assert all(sources[cell.id] == cell.source for cell in PROVIDED.cells[:2])
        assert all(harmless(note, 200) for note in notes)
        nbformat.writes(made)
    return "a notebook"


TARGETS: dict[str, Callable[[bytes], str]] = {
    target.__name__: target
    for target in (frames, values, arrays, replies, pages, archives, tars, names, notebooks)
}
