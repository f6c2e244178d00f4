"""Zip archives, read entry by entry; see `intake_budget` for the theory of operation.

`zipfile` reads only the central directory here. It believes that directory's sizes, so one archive
can have two contents. Here each entry's own header must agree with the directory, no two entries
may share bytes, and an entry must unpack to exactly the declared number of bytes, which are counted
while they come.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from grader.grading.intake.reading.entry_names import as_written, shown
from grader.grading.intake.reading.intake_budget import CHUNK, Collector
from grader.grading.intake.submitted_files import MIB, Kind

_LOCAL = struct.Struct("<4s5H3L2H")
_ENCRYPTED = 0x1 | 0x40 | 0x2000  # the entry, strongly; the directory itself
_IN_DIRECTORY = b"PK\1\2"  # an entry's header in the central directory begins so
_SIZES_FOLLOW = 0x8
_UTF8 = 0x800
_ZIP64 = 0xFFFFFFFF
_DAMAGED = "the archive is cut off or damaged; pack it again and upload it again"
_FORMATS = {
    stat.S_IFLNK: Kind.SYMLINK,
    stat.S_IFCHR: Kind.DEVICE,
    stat.S_IFBLK: Kind.DEVICE,
    stat.S_IFIFO: Kind.FIFO,
    stat.S_IFSOCK: Kind.SOCKET,
    stat.S_IFDIR: Kind.FOLDER,
    stat.S_IFREG: Kind.FILE,
    0: Kind.FILE,  # made by a system without such bits
}


class _Guarded(io.BufferedIOBase):
    """A file that refuses to return a directory that is larger than allowed, or has more entries.

    `zipfile` reads the directory at once, and makes objects of its entries then.
    """

    def __init__(self, file: BinaryIO, limit: int, collector: Collector) -> None:
        self._file, self._limit, self._collector = file, limit, collector
        self.failed: OSError | None = None  # which `zipfile` takes for a bad archive

    def read(self, size: int | None = -1, /) -> bytes:
        limit = self._limit + 1
        try:
            data = self._file.read(min(limit, size) if size is not None and size >= 0 else limit)
        except OSError as error:
            self.failed = error
            raise
        if len(data) > self._limit:
            raise self._collector.refusal(
                "its directory is too large; hand in only the files that you were asked for"
            )
        most = self._collector.limits.max_entries
        if data.startswith(_IN_DIRECTORY) and data.count(_IN_DIRECTORY) > most:
            raise self._collector.too_many()
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def read_zip(file: BinaryIO, collector: Collector) -> None:
    """Read every entry of a zip archive into the collector; raise SubmissionError for a bad one."""
    infos, end = _directory(file, collector)
    if not infos:
        raise collector.refusal("it is empty; hand in the files that you were asked for")
    if sum(info.file_size for info in infos) > collector.limits.max_bytes:
        raise collector.too_large()
    collector.expect(len(infos))
    position = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        entry = _name(info)
        path = collector.admit(entry, _kind(info, entry))
        if info.flag_bits & _ENCRYPTED:
            name = shown(info.filename)
            raise collector.refusal(f"the entry {name} is encrypted; pack it without a password")
        if info.header_offset < position:
            name = shown(info.filename)
            raise collector.refusal(
                f"the entry {name} shares its bytes with another, as in a zip bomb; pack it again"
            )
        if info.header_offset >= end:
            raise collector.refusal(_DAMAGED)
        position = _to_content(file, info, collector)
        if position > end:
            raise collector.refusal(_DAMAGED)
        if path is not None:
            collector.absorb(path, _content(file, info, collector))


def _directory(file: BinaryIO, collector: Collector) -> tuple[list[zipfile.ZipInfo], int]:
    """Return the entries and where the central directory starts."""
    limit = max(MIB, 256 * collector.limits.max_entries)  # an entry takes 46 bytes and its name
    faults = (
        zipfile.BadZipFile,
        NotImplementedError,
        ValueError,
        OSError,
        struct.error,
        ArithmeticError,
        LookupError,
    )
    guarded = _Guarded(file, limit, collector)
    try:
        with zipfile.ZipFile(guarded) as archive:
            return archive.infolist(), int(archive.start_dir)
    except faults as e:
        if guarded.failed is not None:  # the machine's matter, and not the archive's
            raise guarded.failed from e
        raise collector.refusal(_DAMAGED) from e


def _name(info: zipfile.ZipInfo) -> str:
    # zipfile cuts a name at a NUL, and on Windows turns backslashes; the original tells.
    name = info.orig_filename
    if "\0" in name:
        return name
    if "\\" in name:
        if not info.flag_bits & _UTF8:
            name = as_written(name, name.encode("cp437", "replace"))
        # .NET and PowerShell wrote backslashes between folders for years. As slashes they meet the
        # same rules: a name that leads out is still refused.
        return name.replace("\\", "/")
    return info.filename


def _kind(info: zipfile.ZipInfo, name: str) -> Kind:
    kind = _FORMATS.get(stat.S_IFMT(info.external_attr >> 16), Kind.OTHER)
    return Kind.FOLDER if name.endswith("/") and kind is Kind.FILE else kind


def _to_content(file: BinaryIO, info: zipfile.ZipInfo, collector: Collector) -> int:
    """Go to the entry's first byte and return the end of its last; check its header first."""
    lies = collector.refusal(
        f"the two headers of the entry {shown(info.filename)} disagree; pack it again"
    )
    file.seek(info.header_offset)  # between 0 and the directory: the caller has looked
    header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size:
        raise collector.refusal(_DAMAGED)
    magic, _, flags, method, _, _, crc, packed, unpacked, name_length, extra_length = _LOCAL.unpack(
        header
    )
    if magic != b"PK\x03\x04":
        raise collector.refusal(_DAMAGED)
    try:
        name = file.read(name_length).decode("utf-8" if flags & _UTF8 else "cp437")
    except UnicodeDecodeError as e:
        raise lies from e
    if name != info.orig_filename or method != info.compress_type or flags & _ENCRYPTED:
        raise lies
    if not flags & _SIZES_FOLLOW:
        declared = ((crc, info.CRC), (packed, info.compress_size), (unpacked, info.file_size))
        for here, there in declared:
            if here not in (there, _ZIP64):
                raise lies
    start = int(info.header_offset) + _LOCAL.size + int(name_length) + int(extra_length)
    file.seek(start)
    return start + info.compress_size


def _content(file: BinaryIO, info: zipfile.ZipInfo, collector: Collector) -> Iterator[bytes]:
    """Yield what the entry unpacks to: exactly the declared size, with the declared checksum."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise collector.refusal(
            f"the entry {shown(info.filename)} is compressed by a method that is not read; "
            "make an ordinary .zip"
        )
    pieces = _packed(file, info.compress_size, collector)
    if info.compress_type == zipfile.ZIP_DEFLATED:
        pieces = _inflated(pieces, info, collector)
    size = crc = 0
    for piece in pieces:
        size += len(piece)
        if size > info.file_size:
            raise collector.refusal(
                f"the entry {shown(info.filename)} unpacks to more than it declares; pack it again"
            )
        collector.grow(len(piece))
        crc = zlib.crc32(piece, crc)
        yield piece
    if size != info.file_size or crc != info.CRC:
        raise collector.refusal(
            f"the entry {shown(info.filename)} is damaged; pack it again and upload it again"
        )


def _packed(file: BinaryIO, size: int, collector: Collector) -> Iterator[bytes]:
    while size > 0:
        piece = file.read(min(size, CHUNK))
        if not piece:
            raise collector.refusal(_DAMAGED)
        size -= len(piece)
        yield piece


def _inflated(
    pieces: Iterator[bytes], info: zipfile.ZipInfo, collector: Collector
) -> Iterator[bytes]:
    inflate = zlib.decompressobj(wbits=-15)
    damaged = collector.refusal(
        f"the entry {shown(info.filename)} is damaged; pack it again and upload it again"
    )
    try:
        for piece in pieces:
            if inflate.eof:
                raise damaged  # bytes behind the end of the content
            out = inflate.decompress(piece, CHUNK)
            yield out
            while inflate.unconsumed_tail or len(out) == CHUNK:
                out = inflate.decompress(inflate.unconsumed_tail, CHUNK)
                yield out
    except zlib.error as e:
        raise damaged from e
    if not inflate.eof or inflate.unused_data:
        raise damaged
