"""A notebook's check does not pay for validators that come with JupyterLab, and a function's check
does not pay for nbformat.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from toy import Toy, notebook

CHECK_OF_A_NOTEBOOK = """
import sys
sys.path.insert(0, {folder!r})
from grader.notebooks.format import parse
parse(b'{{"nbformat": 4, "nbformat_minor": 5, "metadata": {{}}, "cells": []}}')
import nbclient, jsonschema
import rfc3987_syntax
print(rfc3987_syntax.WHOSE, jsonschema._format.__name__)
print({{"isoduration", "webcolors", "arrow"}} & sys.modules.keys())
"""


def test_the_grammar_is_not_built_and_can_be_imported_afterwards(tmp_path: Path) -> None:
    # jsonschema asks the package for this name; here the question would end the process.
    (tmp_path / "rfc3987_syntax.py").write_text(
        'WHOSE = "the test\'s"\n'
        "def __getattr__(name):\n"
        "    if name == 'is_valid_syntax':\n"
        "        raise RuntimeError('the grammar was built')\n"
        "    raise AttributeError(name)\n"
    )
    code = CHECK_OF_A_NOTEBOOK.format(folder=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout == "the test's jsonschema._format\nset()\n", done.stderr


def test_a_check_of_functions_does_not_load_it(toy: Toy, tmp_path: Path) -> None:
    words = [
        "check",
        str(toy.submission(notebook=notebook())),
        "--assignment",
        str(toy.assignment.folder),
    ]
    words += ["--out", str(tmp_path), "--isolation", "none", "--quiet", "--only"]
    for only, loaded in (("count", False), ("notebook", True)):
        code = (
            f"import sys\nfrom grader.cli import run\nprint(run({[*words, only]!r}))\n"
            "print('nbformat' in sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
        )
        assert done.stdout.split() == ["0", str(loaded)], done.stderr
