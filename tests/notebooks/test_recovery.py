"""A notebook's file that was saved oddly or damaged is read as far as that is safe."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from measures import height, steps

from grader.notebooks.cells import text_of
from grader.notebooks.format import UnreadableNotebook, parse
from grader.notebooks.recovery import MAX_ITEMS, Recovered, _without_loose_commas, recovered
from grader.notebooks.text_format import script_cells

BASICS = Path(__file__).resolve().parents[2] / "examples" / "numpy-basics"
DATA = (BASICS / "numpy_basics.ipynb").read_bytes()
TREE: dict[str, Any] = json.loads(DATA)
SOURCES = [text_of(cell) for cell in TREE["cells"]]
TEXT = json.dumps(TREE, indent=1)
Tree = dict[str, Any]


def sources(found: Recovered) -> list[str]:
    return [text_of(cell) for cell in found.cells]


def changed(change: Callable[[Tree], Any]) -> bytes:
    tree = json.loads(DATA)
    made = change(tree)
    return json.dumps(tree if made is None else made).encode()


def test_a_good_notebook_stays_as_it_is() -> None:
    found = recovered(DATA)
    assert (found.as_saved, found.notes, found.look) == (True, (), ())
    assert sources(found) == SOURCES


SAME = {
    "utf-16": (TEXT.encode("utf-16"), "saved in UTF-16"),
    "utf-16 without a mark": (TEXT.encode("utf-16-le"), "saved in UTF-16"),
    "utf-16, big end first": (TEXT.encode("utf-16-be"), "saved in UTF-16"),
    "utf-32": (TEXT.encode("utf-32"), "saved in UTF-32"),
    "a mark of utf-8": (b"\xef\xbb\xbf" + DATA, ""),
    "carriage returns": (TEXT.replace("\n", "\r\n").encode(), ""),
    "nan": (TEXT.replace('"metadata": {', '"x": NaN, "metadata": {').encode(), ""),
    "trailing commas": (TEXT.replace("\n ]", ",\n ]").replace("}\n", "},\n", 1).encode(), ""),
    "format 5": (changed(lambda tree: tree.update(nbformat=5)), "format 5"),
    "no format": (changed(lambda tree: tree.pop("nbformat") and None), ""),
    "no metadata": (changed(lambda tree: tree.pop("metadata") and None), ""),
    "a list of cells": (changed(lambda tree: tree["cells"]), ""),
    "no outputs": (changed(lambda tree: [cell.pop("outputs", 0) for cell in tree["cells"]] and None), ""),
    "sources as lists": (
        changed(lambda tree: [cell.update(source="".join(cell["source"]).splitlines(True)) for cell in tree["cells"]] and None),
        "",
    ),
    "the same on both sides of a conflict": (
        TEXT.replace(
            '"nbformat_minor": 5', '"nbformat_minor":\n<<<<<<< HEAD\n5\n=======\n4\n>>>>>>> other\n'
        ).encode(),
        "",
    ),
    "python 2": (changed(lambda tree: tree.update(metadata={"kernelspec": {"name": "python2"}})), "Python 2"),
    "a cut character": (DATA + b"\n\xc3", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_what_says_the_same_is_read_whole(name: str) -> None:
    data, note = SAME[name]
    found = recovered(data)
    assert sources(found) == SOURCES
    assert not found.look
    assert note in " ".join(found.notes)
    assert [cell.source for cell in parse(data).cells] == SOURCES


def test_old_formats_are_read_cell_by_cell() -> None:
    joined = {**TREE, "cells": [dict(cell) for cell in TREE["cells"]]}
    for cell in joined["cells"]:
        cell["source"] = text_of(cell)
    node = json.loads(json.dumps(nbformat.convert(nbformat.from_dict(joined), 3)))
    assert sources(recovered(json.dumps(node).encode())) == SOURCES
    node["nbformat"] = 2
    node["worksheets"][0]["cells"][0] = {"cell_type": "heading", "level": 2, "source": "Old"}
    assert sources(recovered(json.dumps(node).encode()))[:2] == ["## Old", SOURCES[1]]


def test_text_in_an_older_encoding_is_read() -> None:
    tree = {"nbformat": 4, "cells": [{"cell_type": "markdown", "metadata": {}, "source": "é’"}]}
    data = json.dumps(tree, ensure_ascii=False).encode("cp1252")
    found = recovered(data)
    assert (sources(found), found.look) == (["é’"], ())
    assert "older encoding" in found.notes[0]


@pytest.mark.parametrize("source", [None, 3, {}, ["a", None], [["a"]]])
def test_a_cell_without_a_text_is_an_empty_one(source: object) -> None:
    tree = {"nbformat": 4, "cells": [{"cell_type": "code", "source": source, "outputs": []}]}
    assert parse(json.dumps(tree).encode()).cells[0].source == ""


@pytest.mark.parametrize("part", [0.3, 0.5, 0.7, 0.95])
def test_of_a_file_that_was_cut_off_the_whole_cells_count(part: float) -> None:
    found = recovered(TEXT[: int(len(TEXT) * part)].encode())
    assert found.cells
    assert sources(found) == SOURCES[: len(found.cells)]
    if part < 0.9:
        assert len(found.cells) < len(SOURCES)
    assert "cut off" in found.look[0]


def test_of_a_damaged_file_the_cells_behind_the_damage_count() -> None:
    at = TEXT.index('"source"', TEXT.index('"cell_type": "code"'))
    found = recovered((TEXT[:at] + "\0\0\0garbage{{" + TEXT[at + 20 :]).encode())
    assert len(found.cells) == len(SOURCES) - 1
    assert set(sources(found)) < set(SOURCES)
    assert found.look


CONFLICT = """{"nbformat": 4, "cells": [
{"cell_type": "code", "metadata": {}, "source": "a = 1"},
<<<<<<< HEAD
{"cell_type": "code", "metadata": {}, "source": "def f(): raise NotImplementedError"}
=======
{"cell_type": "code", "metadata": {}, "source": "def f(): return 1"}
>>>>>>> origin/main
]}
"""


def test_of_a_conflict_one_side_counts_and_a_person_looks() -> None:
    found = recovered(CONFLICT.encode())
    assert "NotImplementedError" in sources(found)[1]
    assert "the first of both versions" in found.look[0]
    found = recovered(CONFLICT.encode(), lambda cells: "return" in str(cells))
    assert sources(found) == ["a = 1", "def f(): return 1"]
    assert "the second of both versions" in found.look[0]
    base = CONFLICT.replace("=======", "||||||| base\n{{{ nothing\n=======")
    assert sources(recovered(base.encode())) == sources(recovered(CONFLICT.encode()))


def test_of_a_conflict_the_other_side_counts_in_the_place_where_it_has_more() -> None:
    found = recovered(CONFLICT.encode(), len, lambda cells: "return" in str(cells))
    assert sources(found)[1] == "def f(): return 1"
    assert "the first of both versions was taken, in 1 place the other one" in found.look[0]


def test_another_language_is_told() -> None:
    data = changed(lambda tree: tree.update(metadata={"kernelspec": {"language": "R"}}))
    assert "a kernel for R" in recovered(data).look[0]


NBCONVERT = """#!/usr/bin/env python
# coding: utf-8

# # Title
#
# Words.

# In[1]:


get_ipython().run_line_magic('matplotlib', 'inline')

import numpy as np


# ## A task

# In[ ]:


def f(x):
    # not a cell

    return x  # + 1

# My answer.
"""
COLAB = '''# -*- coding: utf-8 -*-
"""Homework

Automatically generated by Colab.
"""

import numpy as np

"""# A task"""

@np.vectorize
def f(x):

    return x
y = 3
z = f(y); w = z
'''


@pytest.mark.parametrize("extra", ["", "\r\n"])
def test_a_script_becomes_a_notebook_again(extra: str) -> None:
    def cells(text: str) -> list[tuple[str, str]]:
        if extra:
            text = text.replace("\n", extra)
        return [(cell["cell_type"], cell["source"].strip()) for cell in script_cells(text)]

    assert cells(NBCONVERT) == [
        ("markdown", "# Title\n\nWords."),
        ("code", "get_ipython().run_line_magic('matplotlib', 'inline')\n\nimport numpy as np"),
        ("markdown", "## A task"),
        ("code", "def f(x):\n    # not a cell\n\n    return x  # + 1"),
        ("markdown", "My answer."),
    ]
    made = cells(COLAB)
    assert [kind for kind, _ in made] == ["markdown", "code", "markdown", "code"]
    assert made[-1][1].startswith("@np.vectorize")
    assert made[-1][1].endswith("z = f(y); w = z")
    assert made[2] == ("markdown", "# A task")
    found = recovered(NBCONVERT.encode())
    assert "a script" in found.look[0]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0", "not a notebook"),
        (b"PK\x03\x04", "not a notebook"),
        (b"Dear all, here is my homework.", "begins with `Dear all,"),
        (b"<!DOCTYPE html><p>", "web page"),
        (b'{"a": 1}', "not a notebook"),
        (b"[1, 2]", "not a notebook"),
        (b'{"cells": "no"}', "not a notebook"),
        (b'{"cells": [{"cell_type": "code", "source": "x', "not a notebook"),
        (b"import numpy as np\n", "not a notebook"),
        (b"def f(:\n  pass", "not a notebook"),
    ],
)
def test_what_is_none_says_what_to_hand_in(data: bytes, said: str) -> None:
    with pytest.raises(UnreadableNotebook, match=said) as raised:
        recovered(data)
    assert "hand in" in str(raised.value)


HOSTILE = {
    "open quotes": '{"cells": ["' + '\\"' * 2_000_000,
    "blanks": '{"cells": [' + " " * 4_000_000 + "x",
    "commas": '{"cells": [' + ", " * (MAX_ITEMS // 2),
    "open cells": '{"cells": [' + '{"cell_type": [' * 400_000,
    "deep": "[" * 3_000_000,
    "conflicts": "<<<<<<< a\n=======\n>>>>>>> b\n" * 100_000,
    "script": "# In[1]:\n\n" * 90_000,
    "paragraphs": "# In[1]:\n" + "# a\n\n" * 180_000,
    "words": '{"cells": [{}] ' + "\n\n \t" * 1_000_000,
}


@pytest.mark.parametrize(
    "text",
    ['"",' * 600_000 + "]", "1,]," * 400_000, '{"a":"' + "\\n" * 900_000 + '",}', "'" * 2_000_000],
    ids=["empty text", "loose commas", "one text", "apostrophes"],
)
def test_small_faults_are_mended_without_a_piece_of_memory_for_each(text: str) -> None:
    assert height(lambda: _without_loose_commas(f"[{text}]")) < 6 * len(text) + 100_000


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_read_once(name: str) -> None:
    """Four times the text takes about four times the steps: a square would take sixteen times as
    many, or hours within a library.
    """

    def read(text: str) -> None:
        with contextlib.suppress(UnreadableNotebook):
            assert len(recovered(text.encode()).cells) <= 2_000

    text = HOSTILE[name]
    assert steps(lambda: read(text)) < 8 * steps(lambda: read(text[: len(text) // 4])) + 10_000
