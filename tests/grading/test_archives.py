"""What an archive may not be or hold: each refusal from a real archive, and our own errors alone
from any bytes.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import lzma
import stat
import struct
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from packing import (
    HONEST,
    LAYERS,
    RNN,
    SMALL,
    WANTED,
    intake,
    member,
    plant,
    refusal,
    tarred,
    zipped,
)

from grader.errors import SubmissionError
from grader.grading.intake.reading import zip_archives
from grader.grading.intake.reading.intake_budget import Collector
from grader.grading.intake.reading.tar_archives import read_archive
from grader.grading.intake.take import take

HEAD = struct.Struct("<4s5H3L2H")
ZEROS = bytes(32 << 20)


def entry(name: str, kind: int, content: bytes = b"target") -> bytes:
    """Return a zip of the honest files and of an entry of another kind."""
    buffer = io.BytesIO(zipped(HONEST))
    with zipfile.ZipFile(buffer, "a") as archive:
        info = zipfile.ZipInfo(name)
        info.create_system, info.external_attr = 3, (kind | 0o644) << 16
        archive.writestr(info, content)
    return buffer.getvalue()


def with_patched(data: bytes, old: bytes, new: bytes, count: int = -1) -> bytes:
    """Return the bytes with a part replaced that must be there."""
    assert old in data
    return data.replace(old, new, count)


# --- Kinds of entries.


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (stat.S_IFLNK, "a symbolic link"),
        (stat.S_IFIFO, "a named pipe"),
        (stat.S_IFCHR, "a device"),
        (stat.S_IFBLK, "a device"),
        (stat.S_IFSOCK, "a socket"),
    ],
)
def test_what_is_no_file_in_a_zip_is_left_out_unless_it_is_graded(
    tmp_path: Path, kind: int, word: str
) -> None:
    taken = intake(tmp_path, entry("data/x", kind))
    assert taken.files == HONEST
    assert any(note.startswith(f"`data/x` is {word}") for note in taken.notes)
    assert f"is {word}" in refusal(tmp_path, entry(f"other/{LAYERS}", kind))


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (tarfile.SYMTYPE, "a symbolic link"),
        (tarfile.LNKTYPE, "a hard link"),
        (tarfile.FIFOTYPE, "a named pipe"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.BLKTYPE, "a device"),
        (b"V", "of a kind that is neither file nor folder"),
    ],
)
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_what_is_no_file_in_a_tar_is_left_out(
    tmp_path: Path, form: int, kind: bytes, word: str
) -> None:
    given = tarred(HONEST, member("data/x", kind, "/etc/passwd"), form=form)
    taken = intake(tmp_path, given, "student.tar")
    assert taken.files == HONEST
    assert any(note.startswith(f"`data/x` is {word}") for note in taken.notes)


def test_a_wanted_file_that_is_a_link_is_refused(tmp_path: Path) -> None:
    assert f"the entry `{LAYERS}` is a symbolic link" in refusal(
        tmp_path,
        tarred({RNN: b""}, member(LAYERS, tarfile.SYMTYPE, "/solutions/rnn_layers.py")),
        "student.tar",
    )


def test_links_of_tools_are_passed_over(tmp_path: Path) -> None:
    links = [
        member(name, tarfile.SYMTYPE, "/usr/bin/python3")
        for name in (".venv/bin/python", "a/node_modules/x")
    ]
    assert intake(tmp_path, tarred(HONEST, *links), "student.tar").files == HONEST
    assert intake(tmp_path, entry(".venv/bin/python", stat.S_IFLNK)).files == HONEST


# --- Names.


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("/etc/cron.d/x", "has an absolute name"),
        ("../x.py", "leads out of the archive"),
        ("a/../../x.py", "leads out of the archive"),
        ("a/..", "leads out of the archive"),
        ("__MACOSX/../../x.py", "leads out of the archive"),
        ("C:/x.py", "has a drive letter"),
        ("c:x.py", "has a drive letter"),
        ("a\nb.py", "holds a control character"),
        ("a\x1b[2Jb.py", "holds a control character"),
    ],
)
def test_a_name_that_no_honest_archive_holds_is_refused(
    tmp_path: Path, name: str, fault: str
) -> None:
    assert fault in refusal(tmp_path, zipped({**HONEST, name: b"x"}))
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        assert fault in refusal(tmp_path, tarred({**HONEST, name: b"x"}, form=form), "student.tar")


@pytest.mark.parametrize(
    ("name", "trouble"),
    [
        ("a/" * 12 + "x.py", "lies more than 8 folders deep"),
        ("x" * 201, "has a path of more than 200 characters"),
    ],
)
def test_a_path_that_is_too_long_is_left_out(tmp_path: Path, name: str, trouble: str) -> None:
    files = {**HONEST, name: b"x"}
    for data, archive in ((zipped(files), "a.zip"), (tarred(files), "a.tar")):
        taken = intake(tmp_path, data, archive)
        assert taken.files == HONEST
        assert any(trouble in note for note in taken.notes)


def test_backslashes_in_a_zip_are_between_folders_and_lead_nowhere_else(tmp_path: Path) -> None:
    """As .NET and PowerShell packed for years."""
    given = {f"hw 1\\{name}".replace("/", "\\"): content for name, content in HONEST.items()}
    taken = intake(tmp_path, zipped({"hw 1\\": b"", **given}))
    assert taken.files == HONEST
    for name in ("..\\x.py", "a\\..\\..\\x.py", "\\x.py", "C:\\x.py"):
        assert "name" in refusal(tmp_path, zipped({**HONEST, name: b"x"}))
    assert "has a backslash" in refusal(tmp_path, tarred({**HONEST, "a\\x": b""}), "student.tar")


def test_a_name_of_a_japanese_system_holds_no_backslash(tmp_path: Path) -> None:
    folder = "\u30bd\u8868"  # both letters end with 0x5C in cp932
    plain = zipped(
        {f"{len(folder.encode('cp932')) * 'x'}/{name}": content for name, content in HONEST.items()}
    )
    given = with_patched(plain, b"xxxx/", folder.encode("cp932") + b"/")
    taken = intake(tmp_path, given)
    assert taken.files == HONEST
    assert taken.notes == (f"The assignment was found in the folder `{folder}`.",)


def test_an_absolute_folder_is_refused_too(tmp_path: Path) -> None:
    assert "absolute" in refusal(
        tmp_path, tarred(HONEST, member("/etc", tarfile.DIRTYPE)), "student.tar"
    )


def test_a_nul_in_a_zips_name_is_refused(tmp_path: Path) -> None:
    given = with_patched(zipped({**HONEST, "rnn.py#.txt": b"x"}), b"rnn.py#.txt", b"rnn.py\0.txt")
    assert "has a NUL character" in refusal(tmp_path, given)


def test_a_nul_in_a_pax_name_is_refused(tmp_path: Path) -> None:
    given = with_patched(tarred({"é" * 60 + "#.txt": b"x"}), "é#.txt".encode(), "é\0.txt".encode())
    assert "has a NUL character" in refusal(tmp_path, given, "student.tar")


def test_an_entry_without_a_name_is_refused(tmp_path: Path) -> None:
    data = with_patched(zipped({"~~~": b"x"}), b"~~~", b"\0~~")
    assert "has a NUL character" in refusal(tmp_path, data)
    assert "has no name" in refusal(tmp_path, crafted(b"x", 1, zlib.crc32(b"x"), name=b""))


def test_dots_and_doubled_slashes_in_names_are_harmless(tmp_path: Path) -> None:
    given = tarred(
        {f"./a3//{name}": content for name, content in HONEST.items()},
        member("./", tarfile.DIRTYPE),
    )
    assert intake(tmp_path, given, "student.tar").files == HONEST


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("README.md", "readme.md"),
        ("cs231n/a.py", "CS231N/A.py"),
        ("caf\N{LATIN SMALL LETTER E WITH ACUTE}.txt", "cafe\N{COMBINING ACUTE ACCENT}.txt"),
        ("STRASSE.txt", "stra\N{LATIN SMALL LETTER SHARP S}e.txt"),
    ],
)
def test_of_names_that_differ_only_in_case_or_unicode_form_the_second_is_left_out(
    tmp_path: Path, one: str, other: str
) -> None:
    given = {**HONEST, one: b"1", other: b"2"}
    for data, archive in ((zipped(given), "student.zip"), (tarred(given), "student.tar")):
        taken = intake(tmp_path, data, archive)
        assert taken.files == HONEST
        assert any("only in case or in Unicode form" in note for note in taken.notes)


def test_of_graded_names_that_differ_only_in_case_the_exact_one_counts(tmp_path: Path) -> None:
    taken = intake(tmp_path, zipped({"cs231n/RNN_layers.py": b"2", **HONEST}))
    assert taken.files == HONEST
    assert any("`cs231n/RNN_layers.py` is another copy" in note for note in taken.notes)


def test_collisions_among_litter_are_harmless(tmp_path: Path) -> None:
    refs = {".git/refs/heads/Fix": b"", ".git/refs/heads/fix": b""}
    assert intake(tmp_path, zipped({**HONEST, **refs})).files == HONEST


def test_two_entries_of_one_name_are_refused(tmp_path: Path) -> None:
    given = with_patched(zipped({LAYERS: b"one", "cs231n/rnn_layers.pq": b"two"}), b".pq", b".py")
    assert f"`{LAYERS}` is one of two entries of this name" in refusal(tmp_path, given)
    twice = io.BytesIO()
    with tarfile.open(fileobj=twice, mode="w") as archive:
        for content in (b"one", b"two"):
            archive.addfile(member(LAYERS, size=3), io.BytesIO(content))
    assert f"`{LAYERS}` is one of two entries of this name" in refusal(
        tmp_path, twice.getvalue(), "student.tar"
    )


def test_a_name_that_is_both_file_and_folder_is_refused(tmp_path: Path) -> None:
    assert "both a file and a folder" in refusal(tmp_path, zipped({"cs231n": b"x", LAYERS: b"y"}))


def test_a_folder_that_is_listed_twice_is_harmless(tmp_path: Path) -> None:
    given = tarred(HONEST, member("cs231n/", tarfile.DIRTYPE), member("cs231n", tarfile.DIRTYPE))
    assert intake(tmp_path, given, "student.tar").files == HONEST


# --- Broken and foreign archives.


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped({LAYERS: b"x"}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert f"the entry `{LAYERS}` is encrypted" in refusal(tmp_path, bytes(data))


@pytest.mark.parametrize(
    ("magic", "word"),
    [
        (b"Rar!\x1a\x07\x01\0", "a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        (b"\x28\xb5\x2f\xfd", "Zstandard"),
    ],
)
def test_foreign_archives_are_named(tmp_path: Path, magic: bytes, word: str) -> None:
    sentence = refusal(tmp_path, magic + bytes(600))
    assert word in sentence
    assert "hand in a .zip or a .tar.gz" in sentence


@pytest.mark.parametrize(
    "content", [b"<html>not found</html>", b"\0" * 600, b"MZ" + zipped(HONEST)]
)
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    assert "it is not an archive of a known kind" in refusal(tmp_path, content)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert "empty file" in refusal(tmp_path, b"")


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.zip", zipped({})), ("a.tar", tarred({})), ("a.tgz", tarred({}, mode="w:gz"))],
    # a tgz holds the time, and every process must give the test the same name
    ids=["zip", "tar", "tgz"],
)
def test_an_empty_archive_is_refused(tmp_path: Path, name: str, data: bytes) -> None:
    assert "it is empty" in refusal(tmp_path, data, name)


def test_an_archive_of_litter_alone_holds_nothing(tmp_path: Path) -> None:
    assert "it holds no files" in refusal(tmp_path, zipped({"__MACOSX/._x": b"", ".DS_Store": b""}))


NOISE = {
    **HONEST,
    "noise.bin": b"".join(
        zlib.crc32(bytes([n % 251, n // 251])).to_bytes(4, "big") for n in range(5000)
    ),
}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.zip", zipped(NOISE)),
        ("a.tar", tarred(NOISE)),
        ("a.tar.gz", tarred(NOISE, mode="w:gz")),
        ("a.tar.xz", tarred(NOISE, mode="w:xz")),
        ("a.tar.bz2", tarred(NOISE, mode="w:bz2")),
    ],
)
@pytest.mark.parametrize("part", [0.05, 0.3, 0.6, 0.9])
def test_a_cut_off_archive_is_refused(tmp_path: Path, name: str, data: bytes, part: float) -> None:
    end = (
        int(len(data) * part)
        if name != "a.tar" or part < 0.9
        else len(tarred(NOISE)) // 10240 * 10240 - 10240
    )
    assert "cut off" in refusal(tmp_path, data[:end], name)


def test_a_tar_that_ends_between_two_members_is_cut_off(tmp_path: Path) -> None:
    data = tarred({LAYERS: b"x" * 512}, form=tarfile.USTAR_FORMAT)[:1024]
    assert "cut off" in refusal(tmp_path, data, "student.tar")


def test_a_compressed_file_that_is_no_tar_is_refused(tmp_path: Path) -> None:
    sentence = refusal(
        tmp_path, gzip.compress(b"def rnn_step_forward(): ...\n" * 40), "rnn_layers.py.gz"
    )
    assert "does not hold a tar archive" in sentence


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tar.xz", "a.tar.bz2"])
def test_a_damaged_stream_is_refused(tmp_path: Path, name: str) -> None:
    data = bytearray(tarred(NOISE, mode=f"w:{name.rpartition('.')[2]}"))
    data[len(data) // 2] ^= 0xFF
    assert "damaged" in refusal(tmp_path, bytes(data), name)


def test_a_stream_with_foreign_bytes_behind_it_is_refused(tmp_path: Path) -> None:
    assert "damaged" in refusal(tmp_path, tarred(HONEST, mode="w:gz") + b"payload", "a.tgz")


def test_streams_that_follow_one_another_and_padding_are_read(tmp_path: Path) -> None:
    data = tarred(HONEST)
    halves = gzip.compress(data[:700]) + gzip.compress(data[700:]) + bytes(1024)
    assert intake(tmp_path, halves, "a.tgz").files == HONEST
    assert (
        intake(tmp_path, lzma.compress(data[:700]) + lzma.compress(data[700:]), "a.tar.xz").files
        == HONEST
    )


def test_a_damaged_file_in_a_zip_is_refused(tmp_path: Path) -> None:
    data = with_patched(zipped({LAYERS: b"needle" * 9}, compression=0), b"needle", b"noodle", 1)
    assert f"the entry `{LAYERS}` is damaged" in refusal(tmp_path, data)
    deflated = bytearray(zipped(NOISE))
    deflated[len(deflated) // 2] ^= 0xFF
    assert "`noise.bin` is damaged" in refusal(tmp_path, bytes(deflated))


def test_a_method_that_is_not_read_is_named(tmp_path: Path) -> None:
    sentence = refusal(tmp_path, zipped(HONEST, compression=zipfile.ZIP_LZMA))
    assert "method that is not read; make an ordinary .zip" in sentence


# --- Archives that lie.


def local_header(data: bytes, **changes: int | bytes) -> bytes:
    """Return the zip with fields of its first local header changed."""
    names = (
        "magic",
        "version",
        "flags",
        "method",
        "time",
        "date",
        "crc",
        "packed",
        "unpacked",
        "name",
        "extra",
    )
    fields = dict(zip(names, HEAD.unpack_from(data), strict=True)) | changes
    return HEAD.pack(*fields.values()) + data[HEAD.size :]


@pytest.mark.parametrize(
    "changes",
    [{"crc": 1}, {"packed": 3}, {"unpacked": 10}, {"method": 8}, {"flags": 1}],
    ids=lambda changes: next(iter(changes)),
)
def test_a_zip_whose_two_headers_disagree_is_refused(
    tmp_path: Path, changes: dict[str, int]
) -> None:
    data = local_header(zipped({LAYERS: b"x" * 50}, compression=0), **changes)
    assert f"the two headers of the entry `{LAYERS}` disagree" in refusal(tmp_path, data)


def test_a_zip_whose_local_name_is_another_is_refused(tmp_path: Path) -> None:
    data = with_patched(zipped({LAYERS: b"x"}), b"rnn_layers.py", b"rnn_payers.py", 1)
    assert "disagree" in refusal(tmp_path, data)


def crafted(
    content: bytes, declared: int, crc: int, name: bytes = LAYERS.encode(), behind: bytes = b""
) -> bytes:
    """Return a zip of one deflated file whose headers both declare a size and a checksum of the
    caller's choice.
    """
    compress = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = compress.compress(content) + compress.flush() + behind
    local = (
        HEAD.pack(b"PK\x03\x04", 20, 0, 8, 0, 33, crc, len(packed), declared, len(name), 0)
        + name
        + packed
    )
    central = struct.pack(
        "<4s6H3L5H2L",
        b"PK\x01\x02",
        20,
        20,
        0,
        8,
        0,
        33,
        crc,
        len(packed),
        declared,
        len(name),
        0,
        0,
        0,
        0,
        0,
        0,
    )
    end = struct.pack(
        "<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(central) + len(name), len(local), 0
    )
    return local + central + name + end


def test_a_file_that_is_longer_than_its_headers_say_is_refused(tmp_path: Path) -> None:
    content = b"the start has the declared checksum, " + bytes(1 << 20)
    assert "unpacks to more than it declares" in refusal(
        tmp_path, crafted(content, 10, zlib.crc32(content[:10]))
    )


def test_a_file_that_is_shorter_than_its_headers_say_is_refused(tmp_path: Path) -> None:
    assert "is damaged" in refusal(tmp_path, crafted(b"short", 500, zlib.crc32(b"short")))


def test_bytes_behind_a_files_content_are_refused(tmp_path: Path) -> None:
    for behind in (b"x", bytes(100_000)):
        assert "is damaged" in refusal(
            tmp_path, crafted(b"sound", 5, zlib.crc32(b"sound"), behind=behind)
        )


def test_a_content_without_an_end_is_refused(tmp_path: Path) -> None:
    data = bytearray(crafted(b"", 0, 0))
    start = HEAD.size + len(LAYERS)
    # an empty block that is not the last one, and a part of the next
    data[start : start + 2] = b"\x02\x00"
    assert "is damaged" in refusal(tmp_path, bytes(data))


def test_the_crafted_zip_itself_is_sound(tmp_path: Path) -> None:
    assert intake(tmp_path, crafted(b"sound", 5, zlib.crc32(b"sound"))).files == {LAYERS: b"sound"}


def test_entries_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    data = zipped({"a.bin": b"kernel" * 100})
    directory = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    record = data[directory:end]
    copies = b"".join(with_patched(record, b"a.bin", b"%c.bin" % letter) for letter in b"abc")
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 3, 3, len(copies), directory, 0)
    assert "shares its bytes with another" in refusal(tmp_path, data[:directory] + copies + tail)


def test_an_entry_that_reaches_into_the_next_is_refused(tmp_path: Path) -> None:
    # The first entry is stored and declares the second one's header as a part of its content, as
    # overlap bombs do.
    data = bytearray(zipped({"a.bin": b"A" * 40, "b.bin": b"B" * 40}, compression=0))
    longer = 60
    crc = zlib.crc32(bytes(data[HEAD.size + 5 : HEAD.size + 5 + longer]))
    struct.pack_into("<3L", data, 14, crc, longer, longer)
    struct.pack_into("<3L", data, data.index(b"PK\x01\x02") + 16, crc, longer, longer)
    assert "`b.bin` shares its bytes with another" in refusal(tmp_path, bytes(data))


def test_a_header_beyond_the_end_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped({LAYERS: b"x"}))
    struct.pack_into("<L", data, data.index(b"PK\x01\x02") + 42, 0x7FFFFFFF)
    assert "cut off or damaged" in refusal(tmp_path, bytes(data))


def test_a_zip64_offset_beyond_every_file_is_refused(tmp_path: Path) -> None:
    data = zipped({LAYERS: b"x"})
    start, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    record = bytearray(data[start:end])
    extra = struct.pack("<HHQ", 1, 8, (1 << 64) - 1)
    struct.pack_into("<H", record, 30, len(extra))
    struct.pack_into("<L", record, 42, 0xFFFFFFFF)
    central = bytes(record) + extra
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(central), start, 0)
    assert "cut off or damaged" in refusal(tmp_path, data[:start] + central + tail)


def test_a_directory_too_large_for_the_entries_allowed_is_not_read(tmp_path: Path) -> None:
    data = zipped({f"{number:06}": b"" for number in range(25_000)})
    assert "its directory is too large" in refusal(tmp_path, data)


def test_sparse_files_are_refused(tmp_path: Path) -> None:
    assert "sparse file" in refusal(
        tmp_path, tarred({}, member("x", tarfile.GNUTYPE_SPARSE)), "a.tar"
    )
    info = member("x")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.realsize": "1099511627776"}
    assert "sparse" in refusal(tmp_path, tarred({}, info), "a.tar")


def test_a_pax_size_decides_where_the_next_member_starts(tmp_path: Path) -> None:
    info = member(LAYERS, size=5)
    info.pax_headers = {"size": "5"}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info, io.BytesIO(b"12345"))
        archive.addfile(member(RNN, size=1), io.BytesIO(b"r"))
    assert intake(tmp_path, buffer.getvalue(), "a.tar").files == {LAYERS: b"12345", RNN: b"r"}


@pytest.mark.parametrize(
    "kind", [tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE]
)
def test_a_header_extension_of_a_gigabyte_is_refused_before_it_is_read(
    tmp_path: Path, kind: bytes
) -> None:
    header = member("././@LongLink", kind, size=1 << 30).tobuf(tarfile.GNU_FORMAT)
    assert "name in it is too long" in refusal(tmp_path, header, "a.tar")


@pytest.mark.parametrize(
    "records",
    [b"99 path=x\n", b"9 path=xyz", b"x path=y\n", b"7 size=\n", b"12 size=-500\n", b"0 \n"],
)
def test_malformed_pax_records_are_refused(tmp_path: Path, records: bytes) -> None:
    header = member("pax", tarfile.XHDTYPE, size=len(records)).tobuf(tarfile.USTAR_FORMAT)
    data = header + records.ljust(512, b"\0") + tarred(HONEST)
    assert "damaged" in refusal(tmp_path, data, "a.tar")


def test_a_negative_size_is_refused(tmp_path: Path) -> None:
    block = bytearray(member("x", size=0).tobuf(tarfile.GNU_FORMAT))
    block[124:136] = b"\xff" * 11 + b"\x00"
    block[148:156] = b"%06o\0 " % tarfile.calc_chksums(bytes(block))[0]
    assert "damaged" in refusal(tmp_path, bytes(block) + tarred(HONEST), "a.tar")


# --- Bombs: refused early, and in little memory.


def peak_of(action: Callable[[], object]) -> int:
    """Return the most memory in bytes that Python held during the action."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


BOMBS = {
    "bomb.zip": zipped({**HONEST, "zeros.bin": ZEROS}),
    "wanted.zip": zipped({LAYERS: ZEROS}),
    "bomb.tar.gz": tarred({**HONEST, "zeros.bin": ZEROS}, mode="w:gz"),
    "bomb.tar.bz2": tarred({**HONEST, "zeros.bin": ZEROS}, mode="w:bz2"),
    "bomb.tar.xz": tarred({LAYERS: ZEROS}, mode="w:xz"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_by_its_ratio_in_little_memory(tmp_path: Path, name: str) -> None:
    roomy = msgspec.structs.replace(SMALL, max_bytes=1 << 30)
    sentences: list[str] = []
    peak = peak_of(lambda: sentences.append(refusal(tmp_path, BOMBS[name], name, roomy)))
    assert "more than 200 times its size" in sentences[0]
    assert peak < 30 << 20  # xz's own dictionary is 8 MiB


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_by_its_bytes_in_little_memory(tmp_path: Path, name: str) -> None:
    sentences: list[str] = []
    peak = peak_of(lambda: sentences.append(refusal(tmp_path, BOMBS[name], name)))
    assert "it holds more than 4 MiB" in sentences[0]
    assert peak < 30 << 20


def test_a_zip_of_too_many_entries_is_refused_before_they_are_read(tmp_path: Path) -> None:
    archive = zipped(dict.fromkeys(map(str, range(15_000)), b""))
    sentences: list[str] = []
    peak = peak_of(lambda: sentences.append(refusal(tmp_path, archive)))
    assert "it has more than 50 entries" in sentences[0]
    assert peak < 6 << 20  # the directory takes 0.8 MB, and what `zipfile` makes of it 15 MB


def test_an_xz_that_asks_for_gigabytes_of_dictionary_is_refused(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]
    data = bytearray(lzma.compress(tarred(HONEST), filters=filters))
    # the filter's id and the size of its property, which is the dictionary's size
    header = data.index(b"\x21\x01", 12)
    data[header + 2] = 39  # 3 GiB
    size = (data[12] + 1) * 4
    struct.pack_into("<L", data, 12 + size - 4, zlib.crc32(bytes(data[12 : 12 + size - 4])))
    assert "takes too much memory" in refusal(tmp_path, bytes(data), "a.tar.xz")


def test_nested_bombs_are_never_opened(tmp_path: Path) -> None:
    inner = zipped({f"{number}.zip": BOMBS["bomb.zip"] for number in range(16)})
    taken = intake(tmp_path, zipped({**HONEST, "inner.zip": inner}))
    assert taken.notes == ("Archives within a submission are not opened: `inner.zip`.",)


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    many = {f"f{number}": b"" for number in range(51)}
    assert "more than 50 entries" in refusal(tmp_path, zipped(many))
    assert "more than 50 entries" in refusal(tmp_path, tarred(many), "a.tar")
    assert "damaged" in refusal(tmp_path, member("x", tarfile.XGLTYPE).tobuf() * 300, "a.tar")
    assert "too many compressed streams" in refusal(tmp_path, gzip.compress(b"") * 60, "a.tgz")


def test_a_wanted_file_that_is_too_long_is_refused_by_name(tmp_path: Path) -> None:
    long = b"".join(
        zlib.crc32(number.to_bytes(4, "big")).to_bytes(4, "big") for number in range(300_000)
    )
    assert f"`{LAYERS}` is longer than 1 MiB" in refusal(tmp_path, zipped({**HONEST, LAYERS: long}))


def test_copies_of_one_content_are_held_once(tmp_path: Path) -> None:
    content = b"".join(
        zlib.crc32(number.to_bytes(4, "big")).to_bytes(4, "big") for number in range(50_000)
    )
    limits = msgspec.structs.replace(SMALL, max_bytes=64 << 20)
    copies = {f"d{number}/rnn_layers.py": content for number in range(40)}
    assert intake(tmp_path, zipped({**copies, LAYERS: content}), limits=limits).files == {
        LAYERS: content
    }


# --- Whatever the bytes: our own errors alone.

SEEDS = [
    zipped(NOISE),
    zipped(HONEST, compression=0),
    tarred(NOISE),
    tarred({"é" * 60 + name: content for name, content in HONEST.items()}),
    tarred({"é" * 60 + name: content for name, content in HONEST.items()}, form=tarfile.GNU_FORMAT),
    tarred(HONEST, mode="w:gz"),
    tarred(HONEST, mode="w:xz"),
    tarred(HONEST, mode="w:bz2"),
    crafted(b"x", 1, 0),
    b"PK\x05\x06" + bytes(18),
]
edits = st.lists(
    st.tuples(
        st.floats(0, 1), st.sampled_from(["set", "cut", "copy", "insert"]), st.binary(max_size=8)
    ),
    max_size=6,
)


def mutated(data: bytes, changes: list[tuple[float, str, bytes]]) -> bytes:
    """Return the bytes with each change made at a part of their length."""
    for part, how, new in changes:
        at = int(part * len(data))
        match how:
            case "set":
                data = data[:at] + new + data[at + len(new) :]
            case "cut":
                data = data[:at]
            case "copy":
                data = data[:at] + data[at // 2 :]
            case "insert":
                data = data[:at] + new + data[at:]
    return data


def read_whatever(data: bytes) -> None:
    with contextlib.suppress(SubmissionError):
        read_archive(io.BytesIO(data), Collector("a.tar", WANTED, packed=len(data)))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SEEDS), edits)
@example(SEEDS[9], [])
def test_only_our_own_errors_come_out_of_a_mutated_archive(
    seed: bytes, changes: list[tuple[float, str, bytes]]
) -> None:
    read_whatever(mutated(seed, changes))


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([b"", b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0"]),
    st.binary(max_size=2000),
)
def test_only_our_own_errors_come_out_of_arbitrary_bytes(magic: bytes, data: bytes) -> None:
    read_whatever(magic + data)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 511),
    st.integers(0, 255),
    st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
def test_only_our_own_errors_come_out_of_a_header_with_a_sound_checksum(
    at: int, value: int, form: int
) -> None:
    data = bytearray(tarred({"é" * 60 + LAYERS: b"x" * 600}, form=form))
    data[at] = value
    data[148:156] = b"%06o\0 " % tarfile.calc_chksums(bytes(data[:512]))[0]
    read_whatever(bytes(data))


names = st.text(st.sampled_from("ab/.\\:\n~(1)-_ \u202eéE\u0301rn.py"), min_size=1, max_size=30)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    files=st.dictionaries(
        names | st.sampled_from([LAYERS, RNN, "rnn (1).py", "old/rnn.py"]), st.binary(max_size=3)
    )
)
def test_whatever_is_taken_has_the_specs_names_and_the_archives_bytes(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped(files))
    try:
        taken = take(path, WANTED)
    except SubmissionError:
        return
    assert set(taken.files) <= set(WANTED.paths)
    assert set(taken.missing) == set(WANTED.paths) - set(taken.files)
    assert set(taken.files.values()) <= set(files.values())
    assert all(note.isprintable() and len(note) < 1500 for note in taken.notes)


def test_nothing_is_written_anywhere(tmp_path: Path) -> None:
    plant(tmp_path, {"a.zip": zipped({**HONEST, "x/y.txt": b"z"})})
    take(tmp_path / "a.zip", WANTED)
    assert [path.name for path in tmp_path.rglob("*")] == ["a.zip"]


# --- Ends, and what stands behind them.


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_zeros_behind_the_end_of_a_tar_are_a_tapes_filling(tmp_path: Path, mode: str) -> None:
    assert (
        intake(tmp_path, tarred(HONEST, mode=mode) + bytes(200_000), "student.tar").files == HONEST
    )


def test_files_of_tools_are_passed_over_in_a_tar(tmp_path: Path) -> None:
    given = tarred({".venv/bin/activate": b"x" * 700, **HONEST, "__pycache__/a.pyc": b"y"})
    assert intake(tmp_path, given, "student.tar").files == HONEST


def header(key: str, value: str, *, of_all: bool = False) -> bytes:
    """Return a tar with an extension header: of one member, or of all that follow it."""
    buffer = io.BytesIO()
    pax = {key: value}
    with tarfile.open(
        fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers=pax if of_all else {}
    ) as archive:
        info = member(LAYERS, size=1)
        info.pax_headers = {} if of_all else pax
        archive.addfile(info, io.BytesIO(b"x"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "given",
    [
        header("path", "other.py", of_all=True),
        header("size", "5", of_all=True),
        header("size", "1x"),
        header("size", "1" * 19),
    ],
)
def test_extension_headers_that_mislead_are_refused(tmp_path: Path, given: bytes) -> None:
    assert "damaged" in refusal(tmp_path, given, "student.tar")


def test_extension_headers_that_say_what_is_so_are_read(tmp_path: Path) -> None:
    for data in (
        header("comment", "made by hand", of_all=True),
        header("size", "1"),
        header("mtime", "1.5"),
    ):
        assert intake(tmp_path, data, "student.tar").files == {LAYERS: b"x"}


class Unseekable(io.RawIOBase):
    """Takes what is written, as a pipe does."""

    def __init__(self) -> None:
        super().__init__()
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += bytes(data)
        return len(data)


def test_a_zip_whose_sizes_follow_the_content_is_read(tmp_path: Path) -> None:
    stream = Unseekable()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in HONEST.items():
            archive.writestr(name, content)
    assert intake(tmp_path, stream.data).files == HONEST


def test_a_name_that_is_not_what_its_header_says_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped({LAYERS: b"x"}))
    data[6:8] = struct.pack("<H", 0x800)  # the name is UTF-8,
    data[30:32] = b"\xff\xfe"  # which this is not
    assert "the two headers of the entry" in refusal(tmp_path, bytes(data))


def test_content_that_would_reach_into_the_directory_is_refused(tmp_path: Path) -> None:
    data = zipped({LAYERS: b"x" * 10}, compression=0)
    sizes = struct.pack("<LL", 10, 10)
    assert "damaged" in refusal(tmp_path, with_patched(data, sizes, struct.pack("<LL", 99, 10)))


def test_content_that_does_not_unpack_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped({LAYERS: b"the same words, " * 50}))
    start = 30 + len(LAYERS)
    data[start : start + 4] = b"\xff" * 4
    assert f"the entry `{LAYERS}` is damaged" in refusal(tmp_path, bytes(data))


@pytest.mark.parametrize("left", [10, 60])
def test_a_zip_that_is_cut_off_while_it_is_read_is_refused(
    monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    file = io.BytesIO(zipped({LAYERS: b"x" * 100}, compression=0))
    whole = zip_archives._directory

    def then_cut(*arguments: Any) -> Any:
        found = whole(*arguments)
        file.truncate(left)
        return found

    monkeypatch.setattr(zip_archives, "_directory", then_cut)
    with pytest.raises(SubmissionError, match="damaged"):
        zip_archives.read_zip(file, Collector("a.zip", WANTED, packed=1000))
