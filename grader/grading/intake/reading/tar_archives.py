"""Archives, recognised by their first bytes, and tar read as a stream; theory in `intake_budget`.

Tar is read header by header here and not with `tarfile.open`: that reads a header's extensions
whole before their length can be checked. Decompressed data comes in pieces, and each is counted
before the next is made.
"""

from __future__ import annotations

import bz2
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol

from grader.grading.intake.reading.entry_names import as_written, shown
from grader.grading.intake.reading.intake_budget import CHUNK, Collector
from grader.grading.intake.reading.zip_archives import read_zip
from grader.grading.intake.submitted_files import MIB, Kind

_BLOCK = tarfile.BLOCKSIZE
_XZ_MEMORY = 128 * MIB  # `xz -9` needs 65 MiB; the header may ask for 4 GiB
# a long name or a set of pax records: a real one takes a few hundred bytes
_MAX_EXTENSION = 64 * 1024
_CUT_OFF = "the archive is cut off; upload it again"
_DAMAGED = "the archive is damaged; pack it again and upload it again"

_KINDS = {
    tarfile.REGTYPE: Kind.FILE,
    tarfile.AREGTYPE: Kind.FILE,
    tarfile.CONTTYPE: Kind.FILE,
    tarfile.DIRTYPE: Kind.FOLDER,
    tarfile.SYMTYPE: Kind.SYMLINK,
    tarfile.LNKTYPE: Kind.HARDLINK,
    tarfile.CHRTYPE: Kind.DEVICE,
    tarfile.BLKTYPE: Kind.DEVICE,
    tarfile.FIFOTYPE: Kind.FIFO,
}
_PAX = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gunzip:
    """zlib with the interface of bz2 and lzma."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max(max_length, 0))


_MAGIC: dict[bytes, Callable[[], _Decompressor]] = {
    b"\x1f\x8b": _Gunzip,
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ\0": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY),
}
_UNREAD = {
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
}


def read_archive(file: BinaryIO, collector: Collector) -> None:
    """Read every entry of an archive into the collector, whatever its name.

    Raises SubmissionError if it is not an archive, is damaged, or holds a forbidden entry.
    """
    head = file.read(_BLOCK)
    file.seek(0)
    if not head:
        raise collector.refusal("it is an empty file; upload it again")
    for magic, name in _UNREAD.items():
        if head.startswith(magic):
            raise collector.refusal(f"it is {name}, which is not read; hand in a .zip or a .tar.gz")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        read_zip(file, collector)
        return
    for magic, decompressor in _MAGIC.items():
        if head.startswith(magic):
            _read_tar(_Stream(_unpacked(file, decompressor, collector), collector), collector)
            return
    if head[257:262] == b"ustar" or collector.source.lower().endswith(".tar"):
        _read_tar(_Stream(_counted(file, collector), collector), collector)
        return
    raise collector.refusal(
        "it is not an archive of a known kind; hand in a folder, a .zip or a .tar.gz, or the one"
        " file"
    )


def _counted(file: BinaryIO, collector: Collector) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        collector.grow(len(chunk))
        yield chunk


def _unpacked(
    file: BinaryIO, new: Callable[[], _Decompressor], collector: Collector
) -> Iterator[bytes]:
    """Yield what the streams in the file unpack to, at most a chunk at a time."""
    decompressor, data, streams, ended = new(), b"", 0, False
    while True:
        if decompressor.eof:
            # Zeros fill up tape blocks; anything else that follows must be a stream of the same
            # kind.
            data = decompressor.unused_data.lstrip(b"\0")
            while not data and (more := file.read(CHUNK)):
                data = more.lstrip(b"\0")
            if not data:
                return
            streams += 1
            if streams > collector.limits.max_entries:
                raise collector.refusal("it is made of too many compressed streams; pack it again")
            decompressor = new()
        elif decompressor.needs_input and not data:
            data = file.read(CHUNK)
            ended = not data
        given, data = data, b""
        try:
            out = decompressor.decompress(given, CHUNK)
        except lzma.LZMAError as e:
            raise collector.refusal(
                _DAMAGED if "emory" not in str(e) else "unpacking it takes too much memory"
            ) from e
        except (zlib.error, OSError, ValueError, EOFError) as e:
            raise collector.refusal(_DAMAGED) from e
        if out:
            collector.grow(len(out))
            yield out
        elif ended and not decompressor.eof:
            raise collector.refusal(_CUT_OFF)


class _Stream:
    """Bytes that come in chunks and are read by number."""

    def __init__(self, chunks: Iterator[bytes], collector: Collector) -> None:
        self._chunks = chunks
        self._rest = b""
        self._collector = collector

    def pieces(self, size: int) -> Iterator[bytes]:
        """Yield exactly ``size`` bytes in pieces, or raise: the archive is cut off."""
        while size > 0:
            if not self._rest:
                self._rest = next(self._chunks, b"")
                if not self._rest:
                    raise self._collector.refusal(_CUT_OFF)
            piece, self._rest = self._rest[:size], self._rest[size:]
            size -= len(piece)
            yield piece

    def exactly(self, size: int) -> bytes:
        """Return exactly ``size`` bytes, which must be few."""
        return b"".join(self.pieces(size))

    def drain(self) -> None:
        """Read to the end, so that every checksum on the way is verified."""
        self._rest = b""
        for _ in self._chunks:
            pass


class _Extensions:
    """What extension headers say about the member that follows them."""

    def __init__(self) -> None:
        self.name: str | None = None
        self.size: int | None = None


def _read_tar(stream: _Stream, collector: Collector) -> None:
    headers, extensions = 0, _Extensions()
    while any(block := stream.exactly(_BLOCK)):
        headers += 1
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except (tarfile.TarError, ValueError) as e:
            raise collector.refusal(
                _DAMAGED if headers > 1 else "it does not hold a tar archive"
            ) from e
        # an entry may have three extensions before it
        if headers > 4 * collector.limits.max_entries:
            raise collector.refusal(_DAMAGED)
        size = info.size if extensions.size is None else extensions.size
        if size < 0:
            raise collector.refusal(_DAMAGED)
        if info.type in (
            tarfile.GNUTYPE_LONGNAME,
            tarfile.GNUTYPE_LONGLINK,
            tarfile.XGLTYPE,
            *_PAX,
        ):
            _extend(extensions, info.type, _extension(stream, info.size, collector), collector)
            continue
        _member(stream, info, size, extensions.name or info.name, collector)
        extensions = _Extensions()
    if not headers:
        raise collector.refusal("it is empty; hand in the files that you were asked for")
    stream.drain()


def _member(
    stream: _Stream, info: tarfile.TarInfo, size: int, name: str, collector: Collector
) -> None:
    if info.type == tarfile.GNUTYPE_SPARSE:
        raise collector.refusal(
            f"{shown(name)} is stored as a sparse file; pack it without that option"
        )
    kind = _KINDS.get(info.type, Kind.OTHER)
    path = collector.admit(as_written(name, name.encode("utf-8", "surrogateescape")), kind)
    # as tar reads them: no other kind has bytes of its own
    size = size if kind in (Kind.FILE, Kind.OTHER) else 0
    content = stream.pieces(size)
    if path is not None:
        collector.absorb(path, content)
    for _ in content:
        pass
    stream.exactly(-size % _BLOCK)


def _extension(stream: _Stream, size: int, collector: Collector) -> bytes:
    if not 0 <= size <= _MAX_EXTENSION:
        raise collector.refusal(
            "a name in it is too long, or its headers are damaged; pack it again"
        )
    data = stream.exactly(size)
    stream.exactly(-size % _BLOCK)
    return data


def _extend(extensions: _Extensions, kind: bytes, data: bytes, collector: Collector) -> None:
    if kind == tarfile.GNUTYPE_LONGNAME:
        extensions.name = data.rstrip(b"\0").decode("utf-8", "surrogateescape")
    if kind not in (*_PAX, tarfile.XGLTYPE):
        return
    records = _records(data, collector)
    if any(key.startswith(b"GNU.sparse") for key in records):
        raise collector.refusal(
            "it holds a file that is stored as a sparse one; pack it without that option"
        )
    if kind == tarfile.XGLTYPE:
        if records.keys() & {b"path", b"size", b"linkpath"}:
            raise collector.refusal(_DAMAGED)
        return
    if b"path" in records:
        extensions.name = records[b"path"].decode("utf-8", "surrogateescape")
    if b"size" in records:
        digits = records[b"size"]
        if not (digits.isdigit() and len(digits) <= 18):
            raise collector.refusal(_DAMAGED)
        extensions.size = int(digits)


def _records(data: bytes, collector: Collector) -> dict[bytes, bytes]:
    """Parse pax records: ``LENGTH KEY=VALUE\\n``, where the length counts its own digits."""
    records: dict[bytes, bytes] = {}
    while data and data[0]:
        digits, space, _ = data[:12].partition(b" ")
        length = int(digits) if digits.isdigit() else 0
        record = data[len(digits) + 1 : length]
        key, equals, value = record.partition(b"=")
        if not (space and equals and length <= len(data) and value.endswith(b"\n")):
            raise collector.refusal(_DAMAGED)
        records[key] = value[:-1]
        data = data[length:]
    return records
