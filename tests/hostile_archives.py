"""Submissions of the corpus that can't be kept as files: archives, links, pipes, bytecode, names
that no git may hold.

Each function takes a temporary folder and the attack's own folder, and returns what is to be handed
in. What they make is the same in every run, but for the mark that names what must not be left.
"""

from __future__ import annotations

import importlib.util
import io
import json
import marshal
import os
import secrets
import shutil
import socket
import struct
import tarfile
import zipfile
from pathlib import Path

RIGHT = Path(__file__).parent / "submissions" / "honest" / "right"
EARLY = (1980, 1, 1, 0, 0, 0)
# In the name of every file that an attack tries to leave behind; of this run alone, since others
# may go on beside it.
MARK = f"left-by-a-submission-{os.getpid()}-{secrets.token_hex(4)}"
UNCHECKED_HASH = 0b01  # of PEP 552: the bytecode is believed whatever the source says


def work() -> bytes:
    """Return the right work.py."""
    return (RIGHT / "work.py").read_bytes()


def tree(folder: Path, name: str = "alice") -> Path:
    """Return a folder with the right files."""
    place = folder / name
    place.mkdir()
    (place / "work.py").write_bytes(work())
    return place


def zipped(
    folder: Path, *entries: tuple[str | zipfile.ZipInfo, bytes], name: str = "alice.zip"
) -> Path:
    """Return a zip archive of the right work.py and other entries."""
    place = folder / name
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for told, data in (("work.py", work()), *entries):
            info = told if isinstance(told, zipfile.ZipInfo) else zipfile.ZipInfo(told, EARLY)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return place


def tarred(folder: Path, *members: tarfile.TarInfo, name: str = "alice.tar.gz") -> Path:
    """Return a tar archive of the right work.py and other members without content."""
    place = folder / name
    with tarfile.open(place, "w:gz") as archive:
        info = tarfile.TarInfo("work.py")
        info.size = len(work())
        archive.addfile(info, io.BytesIO(work()))
        for member in members:
            archive.addfile(member)
    return place


def member(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    """Return the header of a tar member."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


# --- forging --------------------------------------------------------------------------------------


def stale_bytecode(folder: Path, source: Path) -> Path:
    """A wrong work.py, and right bytecode with an unchecked hash in every place where Python may
    look.
    """
    place = Path(shutil.copytree(source, folder / "alice"))
    code = marshal.dumps(compile(work(), "work.py", "exec"))
    data = importlib.util.MAGIC_NUMBER + struct.pack("<I", UNCHECKED_HASH) + bytes(8) + code
    (place / "__pycache__").mkdir()
    (place / "__pycache__" / Path(importlib.util.cache_from_source("work.py")).name).write_bytes(
        data
    )
    (place / "work.pyc").write_bytes(data)
    return place


# --- reading --------------------------------------------------------------------------------------


def link_to_the_answers(folder: Path, source: Path) -> Path:
    """A work.py that is a link to the reference, and a folder that is a link to the expectations."""
    place = folder / "alice"
    place.mkdir()
    (place / "work.py").symlink_to(RIGHT / "work.py")
    (place / "expectations").symlink_to("/")
    return place


def zip_with_a_link(folder: Path, source: Path) -> Path:
    """A zip in which work.py would be a symbolic link to the reference."""
    info = zipfile.ZipInfo("expectations", EARLY)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return zipped(folder, (info, b"/etc"))


def tar_with_a_hard_link(folder: Path, source: Path) -> Path:
    """A tar with a hard link to a file outside."""
    return tarred(folder, member("answers.h5", tarfile.LNKTYPE, "../../expectations/hidden.h5"))


# --- reaching -------------------------------------------------------------------------------------


def tar_with_a_pipe(folder: Path, source: Path) -> Path:
    """A tar with a named pipe, on which whoever unpacks and reads it would wait for ever."""
    return tarred(folder, member("Work.ipynb", tarfile.FIFOTYPE))


def tar_with_a_device(folder: Path, source: Path) -> Path:
    """A tar with a device."""
    info = member("Work.ipynb", tarfile.CHRTYPE)
    info.devmajor, info.devminor = 1, 5
    return tarred(folder, info)


def folder_with_a_pipe(folder: Path, source: Path) -> Path:
    """A folder in which the notebook is a named pipe."""
    place = tree(folder)
    os.mkfifo(place / "Work.ipynb")
    return place


def folder_with_a_socket(folder: Path, source: Path) -> Path:
    """A folder in which the notebook is a socket."""
    place = tree(folder)
    with socket.socket(socket.AF_UNIX) as sock:
        here = os.open(place, os.O_PATH)
        sock.bind(f"/proc/self/fd/{here}/Work.ipynb")
        os.close(here)
    return place


def folder_in_a_circle(folder: Path, source: Path) -> Path:
    """A folder that holds a link to itself."""
    place = tree(folder)
    (place / "again").symlink_to(place)
    return place


def zip_slip(folder: Path, source: Path) -> Path:
    """A zip whose entry leads out of the folder that it is unpacked in."""
    return zipped(folder, (f"../../../../../../tmp/{MARK}-slip", b"out"))


def zip_with_an_absolute_name(folder: Path, source: Path) -> Path:
    """A zip with an absolute name."""
    return zipped(folder, (f"/tmp/{MARK}-absolute", b"out"))


def zip_with_a_drive(folder: Path, source: Path) -> Path:
    """A zip with a name of Windows'."""
    return zipped(folder, (f"C:/{MARK}", b"out"))


def zip_with_backslashes(folder: Path, source: Path) -> Path:
    """A zip with backslashes in a name, which lead out on Windows."""
    path = zipped(folder, ("../".replace("/", "+") + MARK, b"out"))
    path.write_bytes(path.read_bytes().replace(b"..+left", b"..\\left"))
    return path


def tar_that_leads_out(folder: Path, source: Path) -> Path:
    """A tar whose member leads out."""
    return tarred(folder, member(f"../{MARK}", tarfile.REGTYPE))


def names_that_differ_in_case(folder: Path, source: Path) -> Path:
    """Two entries that are one file on a Mac or on Windows."""
    return zipped(folder, ("Work.py", b"raise SystemExit(0)\n"))


def names_that_differ_in_form(folder: Path, source: Path) -> Path:
    """Two entries whose names differ in Unicode form alone."""
    return zipped(folder, ("caf\u00e9.txt", b"1"), ("cafe\u0301.txt", b"2"))


def two_of_one_name(folder: Path, source: Path) -> Path:
    """Two entries of the very same name: which of them counts?"""
    path = zipped(folder, ("wOrK.py", b"raise SystemExit(0)\n"))
    path.write_bytes(path.read_bytes().replace(b"wOrK.py", b"work.py"))
    return path


def zip_bomb(folder: Path, source: Path) -> Path:
    """Half a gigabyte of zeros in half a megabyte."""
    place = folder / "alice.zip"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        with archive.open(zipfile.ZipInfo("Work.ipynb", EARLY), "w", force_zip64=True) as entry:
            for _ in range(64):
                entry.write(bytes(1 << 20))
        archive.writestr(zipfile.ZipInfo("work.py", EARLY), work())
    return place


def tar_bomb(folder: Path, source: Path) -> Path:
    """Zeros, compressed by xz as no honest file is."""
    place = folder / "alice.tar.xz"
    with tarfile.open(place, "w:xz", preset=1) as archive:
        info = tarfile.TarInfo("zeros.bin")
        info.size = 64 << 20
        archive.addfile(info, io.BytesIO(bytes(info.size)))
    return place


def zip_of_many_entries(folder: Path, source: Path) -> Path:
    """More entries than an assignment has files, by far."""
    # written by hand: zipfile takes seconds for so many
    stamp, count, headers, directory = (20, 0, 0, 0, 33, 0, 0, 0, 6, 0), 100_050, [], []
    for number in range(count):
        name = b"%06d" % number
        headers.append(struct.pack("<4s5H3L2H", b"PK\3\4", *stamp) + name)
        directory.append(
            struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, *stamp, 0, 0, 0, 0, 36 * number) + name
        )
    sizes = len(directory[0]) * count, 36 * count
    zip64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, *sizes)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, sum(sizes), 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, *sizes, 0)
    place = folder / "alice.zip"
    place.write_bytes(b"".join([*headers, *directory, zip64, locator, end]))
    return place


def zip_in_a_zip(folder: Path, source: Path) -> Path:
    """A zip that holds nothing but a zip."""
    inner = zipped(folder, name="inner.zip").read_bytes()
    place = folder / "alice.zip"
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr(zipfile.ZipInfo("homework.zip", EARLY), inner)
    return place


def encrypted_zip(folder: Path, source: Path) -> Path:
    """A zip that says that its entries are encrypted."""
    path = zipped(folder)
    data = bytearray(path.read_bytes())
    data[6] |= 1  # the local header's flags
    directory = data.rindex(b"PK\x01\x02")
    data[directory + 8] |= 1
    path.write_bytes(bytes(data))
    return path


def cut_off_zip(folder: Path, source: Path) -> Path:
    """A zip of which the end did not arrive."""
    path = zipped(folder)
    path.write_bytes(path.read_bytes()[:-40])
    return path


def cut_off_tar(folder: Path, source: Path) -> Path:
    """A tar of which the end did not arrive."""
    path = tarred(folder)
    path.write_bytes(path.read_bytes()[:-40])
    return path


def zip_with_two_headers(folder: Path, source: Path) -> Path:
    """A zip whose local header names another file than its directory."""
    path = zipped(folder)
    path.write_bytes(path.read_bytes().replace(b"work.py", b"evil.py", 1))
    return path


def name_with_escapes(folder: Path, source: Path) -> Path:
    """An entry whose name would act on a terminal."""
    return zipped(folder, ("\x1b]0;left\x07\x1b[2J.txt", b"1"))


def deep_zip(folder: Path, source: Path) -> Path:
    """Folders within folders, two hundred deep."""
    return zipped(folder, ("a/" * 200 + "left", b"1"))


def rar(folder: Path, source: Path) -> Path:
    """A RAR archive under the name of a zip."""
    path = folder / "alice.zip"
    path.write_bytes(b"Rar!\x1a\x07\x01\x00" + bytes(100))
    return path


def name_that_is_a_formula(folder: Path, source: Path) -> Path:
    """A submission whose name is a formula of a spreadsheet's."""
    return tree(folder, '=HYPERLINK("evil.example","full marks")')


def name_that_is_a_command(folder: Path, source: Path) -> Path:
    """A submission whose name is an option and a command of a shell's."""
    return tree(folder, f"-rf $(touch {MARK}) `id`; & .. ~")


def name_with_a_line_break(folder: Path, source: Path) -> Path:
    """A submission whose name holds line breaks, escapes and markup."""
    return tree(folder, "a\nScore: 10 \x1b[2J<b onclick=x> [red]\u202e")


def name_of_dots(folder: Path, source: Path) -> Path:
    """A submission in a folder of dots."""
    return tree(folder, "...")


def name_that_is_no_text(folder: Path, source: Path) -> Path:
    """A submission whose name is no UTF-8."""
    return tree(folder, os.fsdecode(b"\xff\xfe"))


# --- honest ---------------------------------------------------------------------------------------


def macosx_beside(folder: Path, source: Path) -> Path:
    """What a Mac's own zip makes: the work in a folder, and a double of it in __MACOSX."""
    place = folder / "alice.zip"
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr(zipfile.ZipInfo("My Homework/work.py", EARLY), work())
        archive.writestr(
            zipfile.ZipInfo("__MACOSX/My Homework/._work.py", EARLY), b"\0\x05\x16\x07"
        )
        archive.writestr(zipfile.ZipInfo("My Homework/.DS_Store", EARLY), b"\0")
    return place


def tar_of_a_folder(folder: Path, source: Path) -> Path:
    """A tar.gz of the folder."""
    tree(folder)
    with tarfile.open(folder / "alice.tgz", "w:gz") as archive:
        archive.add(folder / "alice", "alice")
    return folder / "alice.tgz"


def the_one_file(folder: Path, source: Path) -> Path:
    """The one file, without a folder."""
    (folder / "work.py").write_bytes(work())
    return folder / "work.py"


def name_of_canvas(folder: Path, source: Path) -> Path:
    """The file as Canvas names it."""
    place = folder / "alice"
    place.mkdir()
    (place / "smithalice_LATE_12345_678901_work-2.py").write_bytes(work())
    return place


def with_notebook(folder: Path, notebook: dict[str, object]) -> Path:
    """Return a folder with the right work.py and a notebook."""
    place = tree(folder)
    (place / "Work.ipynb").write_text(json.dumps(notebook))
    return place


def notebook_of_an_old_format(folder: Path, source: Path) -> Path:
    """A notebook of format 2 with forty thousand cells."""
    cells = [{"cell_type": "code", "input": "x = 1", "language": "python", "outputs": []}] * 40_000
    sheets = [{"cells": cells, "metadata": {}}]
    return with_notebook(folder, {"nbformat": 2, "metadata": {}, "worksheets": sheets})


def notebook_of_blank_lines(folder: Path, source: Path) -> Path:
    """The right notebook with cells and Markdown that take Pygments and mistune minutes."""
    notebook = json.loads((RIGHT / "Work.ipynb").read_bytes())
    for number in range(10):
        added = {"metadata": {}, "outputs": [], "execution_count": None, "id": f"added-{number}"}
        blank = {"cell_type": "code", "source": f"x = {number}\n" + " \n" * 9_000}
        table = {"cell_type": "markdown", "source": f"x{number} = " + "|a|b\n|-|-\n" * 1_900}
        notebook["cells"] += [added | blank, {"metadata": {}, "id": f"text-{number}"} | table]
    return with_notebook(folder, notebook)
