"""Files that were saved oddly are taken as they are: the same points, with a note."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from grader.errors import SubmissionTooLarge
from grader.grading.intake import text_notebooks
from grader.grading.intake.candidates import TemplateFile
from grader.grading.intake.submitted_files import IntakeLimits, Wanted
from grader.grading.intake.take import Taken, take
from grader.grading.intake.text_notebooks import take_in
from grader.notebooks.encodings import python_text, side_by_place, sides

CODE = "# coding of an é\ndef f(x):\n    return 'ü' + x\n"
WANTED = Wanted(
    files=("a/mod.py",),
    notebooks=("Work.ipynb",),
    drafts={
        "a/mod.py": TemplateFile(frozenset({"f"})),
        "Work.ipynb": TemplateFile(frozenset({"g"})),
    },
)


def taken(tmp_path: Path, **files: bytes) -> tuple[dict[str, bytes], str, str]:
    folder = tmp_path / "handin"
    folder.mkdir()
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    found = take_in(folder, WANTED)
    return dict(found.files), " ".join(found.notes), " ".join(found.look)


@pytest.mark.parametrize("limits", [IntakeLimits(max_entries=2), IntakeLimits(max_bytes=5)])
def test_what_is_too_large_is_not_read_again_for_a_notebook_in_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: IntakeLimits
) -> None:
    readings: list[Path] = []

    def counted(path: Path, wanted: Wanted) -> Taken:
        readings.append(path)
        return take(path, wanted)

    monkeypatch.setattr(text_notebooks, "take", counted)
    for name in ("mod.py", "notes.txt", "Work.md"):
        (tmp_path / name).write_text(CODE)
    with pytest.raises(SubmissionTooLarge):
        take_in(tmp_path, msgspec.structs.replace(WANTED, limits=limits))
    assert readings == [tmp_path]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (CODE.encode(), ""),
        (b"\xef\xbb\xbf" + CODE.encode(), ""),
        (CODE.replace("\n", "\r\n").encode(), ""),
        (CODE.replace("\n", "\r").encode(), ""),
        (("# -*- coding: latin-1 -*-\n" + CODE).encode("latin-1"), ""),
        (CODE.encode("utf-16"), "in UTF-16"),
        (CODE.encode("utf-16-le"), "in UTF-16"),
        (CODE.encode("utf-32"), "in UTF-32"),
        (CODE.encode("latin-1"), "in an older encoding"),
        (("# coding: ascii\n" + CODE).encode(), "its coding line does not say"),
        (("# coding: no-such\n" + CODE).encode(), "its coding line does not say"),
        (CODE.encode() + b"\0" * 100, "bytes of zero"),
    ],
)
def test_a_module_is_read_in_whatever_encoding(tmp_path: Path, data: bytes, said: str) -> None:
    files, notes, look = taken(tmp_path, **{"a/mod.py": data})
    space: dict[str, object] = {}
    exec(compile(files["a/mod.py"], "mod", "exec"), space)
    assert space["f"]("x") == "üx"
    assert said in notes
    assert bool(said) == (files["a/mod.py"] != data)
    assert not look


def test_of_a_modules_conflict_the_side_with_the_work_counts(tmp_path: Path) -> None:
    data = (
        b"import os\n<<<<<<< HEAD\ndef f(x):\n    raise NotImplementedError\n=======\n"
        b"def f(x):\n    return x\n>>>>>>> mine\n"
    )
    files, _, look = taken(tmp_path, **{"a/mod.py": data})
    assert files["a/mod.py"] == b"import os\ndef f(x):\n    return x\n"
    assert "the second of both versions" in look


def test_of_a_conflict_each_function_counts_that_one_side_has(tmp_path: Path) -> None:
    def conflict(name: str, ours: str, theirs: str) -> str:
        return f"<<<<<<< HEAD\ndef {name}(x):\n    {ours}\n=======\ndef {name}(x):\n    {theirs}\n>>>>>>> b\n"

    stub = "raise NotImplementedError"
    text = conflict("f", "return x", stub) + conflict("g", stub, "return 2 * x")
    places, count = side_by_place(text, 0, lambda mixed: -mixed.count(stub))
    assert places == "def f(x):\n    return x\ndef g(x):\n    return 2 * x\n"
    assert count == 1
    assert side_by_place(text, 0, lambda mixed: 0) == (sides(text)[0], 0)  # type: ignore[index]
    same = conflict("f", "return x", "return x + 1")
    files, _, look = taken(tmp_path, **{"a/mod.py": same.encode()})
    assert files["a/mod.py"] == b"def f(x):\n    return x\n"
    assert "the first of both versions was taken" in look
    assert "place" not in look


def test_marks_in_a_modules_text_are_no_conflict(tmp_path: Path) -> None:
    data = b'"""\n<<<<<<< a\n=======\n>>>>>>> b\n"""\n'
    assert taken(tmp_path, **{"a/mod.py": data})[0]["a/mod.py"] == data


def test_a_script_in_the_notebooks_place_counts_and_a_module_is_none(tmp_path: Path) -> None:
    script = b"# In[1]:\n\n\ndef g(x):\n    return x\n"
    files, notes, look = taken(tmp_path, **{"a/mod.py": CODE.encode(), "hw final.py": script})
    assert [cell["source"] for cell in json.loads(files["Work.ipynb"])["cells"]] == [
        "def g(x):\n    return x"
    ]
    assert "written as text" in notes
    assert not look
    assert files["a/mod.py"] == CODE.encode()


def test_a_script_without_marks_counts_if_it_defines_what_is_asked(tmp_path: Path) -> None:
    files, _, look = taken(tmp_path, **{"Work.py": b"# My answer.\n\ndef g(x):\n    return x\n"})
    kinds = [cell["cell_type"] for cell in json.loads(files["Work.ipynb"])["cells"]]
    assert kinds == ["markdown", "code"]
    assert "a script" in look


def test_a_script_that_defines_something_else_is_no_notebook(tmp_path: Path) -> None:
    files, _, _ = taken(
        tmp_path, **{"a/mod.py": CODE.encode(), "Work.py": b"def h(x):\n    return x\n"}
    )
    assert [*files] == ["a/mod.py"]


def test_a_damaged_copy_counts_if_it_holds_the_work(tmp_path: Path) -> None:
    def book(source: str) -> str:
        cell = {"cell_type": "code", "metadata": {}, "source": source, "outputs": []}
        return json.dumps({"nbformat": 4, "cells": [cell, cell]})

    files, _, look = taken(
        tmp_path,
        **{
            "Work.ipynb": book("def g(x):\n    raise NotImplementedError").encode(),
            "Work (1).ipynb": book("def g(x):\n    return x")[:-30].encode("utf-16"),
        },
    )
    assert "return x" in files["Work.ipynb"].decode()
    assert "cut off" in look


def test_a_codec_that_takes_long_is_left_to_the_box() -> None:
    """A decoder of these names takes time that grows with the square of the length."""
    for name in ("punycode", "idna", "utf_7", "unicode_escape", "big5", "hz"):
        assert python_text(b"# coding: " + name.encode() + b"\n" + b"abc-" * 2_000_000) is None
