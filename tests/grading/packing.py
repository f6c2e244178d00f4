"""A small world for the intake: the flagship's names, and archives written down as a table of names
and contents.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from grader.errors import SubmissionError
from grader.grading.intake.submitted_files import IntakeLimits, Wanted
from grader.grading.intake.take import Taken, take

LAYERS, RNN = "cs231n/rnn_layers.py", "cs231n/classifiers/rnn.py"
NOTEBOOK = "RNN_Captioning.ipynb"
PROVIDED = {
    "cs231n/layers.py": b"def affine():\n    pass\n",
    "cs231n/__init__.py": b"",
    "cs231n/classifiers/__init__.py": b"",
}
HONEST = {LAYERS: b"# layers\n", RNN: b"# rnn\n", NOTEBOOK: b"{}"}
SMALL = IntakeLimits(
    max_bytes=4 << 20,
    max_kept_bytes=2 << 20,
    max_file_bytes=1 << 20,
    max_entries=50,
    max_depth=8,
    max_name=200,
)
WANTED = Wanted(
    files=(LAYERS, RNN),
    notebooks=(NOTEBOOK,),
    provided=frozenset(PROVIDED),
    digests={path: hashlib.sha256(content).hexdigest() for path, content in PROVIDED.items()},
    limits=SMALL,
)


def zipped(files: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip archive of the files; a name may repeat where the mapping's keys only look
    alike.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def member(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0
) -> tarfile.TarInfo:
    """Return the header of a tar entry."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


def tarred(
    files: Mapping[str, bytes],
    *others: tarfile.TarInfo,
    mode: str = "w",
    form: int = tarfile.PAX_FORMAT,
) -> bytes:
    """Return a tar archive of the files, and of entries without content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=form) as archive:
        for name, content in files.items():
            archive.addfile(member(name, size=len(content)), io.BytesIO(content))
        for other in others:
            archive.addfile(other)
    return buffer.getvalue()


def intake(
    folder: Path,
    given: bytes | Mapping[str, bytes],
    name: str = "student.zip",
    limits: IntakeLimits = SMALL,
) -> Taken:
    """Take in bytes under a file name, or a tree of files as a folder."""
    path = folder / name
    if isinstance(given, bytes):
        path.write_bytes(given)
    else:
        plant(path, given)
    return take(path, msgspec.structs.replace(WANTED, limits=limits))


def refusal(
    folder: Path,
    given: bytes | Mapping[str, bytes],
    name: str = "student.zip",
    limits: IntakeLimits = SMALL,
) -> str:
    """Take in what must be refused, and return the sentence."""
    with pytest.raises(SubmissionError) as caught:
        intake(folder, given, name, limits)
    sentence = str(caught.value)
    assert sentence.startswith(f"`{name}` can't be taken in: ")
    assert sentence.endswith(".")
    assert len(sentence) < 700
    return sentence


def plant(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write the files below the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder
