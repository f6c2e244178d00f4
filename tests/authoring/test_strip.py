"""Stripping: what stands between the markers goes, and whatever resembles a marker and is none
stops the build.
"""

from __future__ import annotations

import ast
import base64
import json
import textwrap

import pytest

from grader.authoring.handout.leak_check import pictures_left
from grader.authoring.strip import Block, decode, strip_markdown, strip_python
from grader.authoring.strip_notebooks import strip_notebook
from grader.errors import AssignmentError
from grader.markers import PLACEHOLDER

MODULE = textwrap.dedent('''\
    """Sums."""

    START = 0  # kept


    def add(a: float, b: float) -> float:
        """Return the sum of a and b."""
        # Which operator adds?
        ### BEGIN SOLUTION Task 1.1: add
        total = a + b
        return total
        ### END SOLUTION


    def kept(a):
        return add(a, START)
    ''')


def refused(text: str, name: str = "lib/sums.py") -> str:
    with pytest.raises(AssignmentError) as caught:
        strip_python(text, name)
    return str(caught.value)


# --- stubs ----------------------------------------------------------------------------------------


def test_stub_keeps_signature_docstring_and_hints_and_has_one_place_to_write() -> None:
    stripped = strip_python(MODULE, "lib/sums.py").text
    before, place, after = (
        stripped.partition("    #-")[0],
        stripped.partition("    #-")[2].partition("def kept")[0],
        stripped.partition("def kept")[2],
    )
    assert before == MODULE.partition("    ### BEGIN")[0]
    assert after == MODULE.partition("def kept")[2]
    assert "# Task 1.1: add: your code goes here, in place of the next line.\n" in place
    assert "total" not in stripped
    assert "SOLUTION" not in stripped


def test_stub_raises_not_implemented_with_function_and_task() -> None:
    space: dict = {}
    exec(compile(strip_python(MODULE, "lib/sums.py").text, "sums", "exec"), space)
    with pytest.raises(NotImplementedError, match=r"^Task 1\.1: add$"):
        space["add"](1, 2)


def test_what_was_taken_out_is_told() -> None:
    (block,) = strip_python(MODULE, "lib/sums.py").blocks
    assert (block.task, block.indent) == ("Task 1.1: add", "    ")
    assert block.lines == ("    total = a + b", "    return total")


@pytest.mark.parametrize(
    ("marker", "told"),
    [
        ("### BEGIN SOLUTION", "Model.loss"),  # no task: the function alone
        ("### BEGIN SOLUTION Task 2", "Task 2: Model.loss"),
        ("### BEGIN SOLUTION Task 2: the loss of the model", "Task 2: the loss of the model"),
        # `losses` is another word
        ("### BEGIN SOLUTION Task 2: losses", "Task 2: losses: Model.loss"),
    ],
)
def test_function_is_named_where_the_task_does_not_name_it(marker: str, told: str) -> None:
    text = f"class Model:\n    def loss(self):\n        {marker}\n        return 0\n        ### END SOLUTION\n"
    assert f"raise NotImplementedError({told!r})" in strip_python(text, "m.py").text


def test_innermost_function_is_named() -> None:
    text = "def outer():\n    def inner():\n        ### BEGIN SOLUTION\n        pass\n        ### END SOLUTION\n"
    assert "NotImplementedError('outer.inner')" in strip_python(text, "m.py").text


def test_marker_outside_of_a_function_has_a_stub_too() -> None:
    assert (
        "raise NotImplementedError('This part')"
        in strip_python("### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n", "m.py").text
    )


def test_indentation_by_tabs_is_kept() -> None:
    stripped = strip_python(
        "def f():\n\t### BEGIN SOLUTION\n\treturn 1\n\t### END SOLUTION\n", "m.py"
    ).text
    assert "\n\traise NotImplementedError('f')\n" in stripped
    ast.parse(stripped)


def test_text_without_markers_is_left_as_it_is() -> None:
    text = "# Begin at the end, solution or not\nx = '''\n# the end'''\n"
    assert strip_python(text, "m.py").text == text


# --- what is not a marker ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (("    ### END SOLUTION\n", ""), 9, "without an ### END SOLUTION behind it"),
        (
            ("    ### BEGIN SOLUTION Task 1.1: add\n", ""),
            11,
            "without a ### BEGIN SOLUTION before it",
        ),
        (
            ("    total = a + b\n", "    ### BEGIN SOLUTION\n"),
            10,
            "inside the block that began at line 9",
        ),
        (("### END SOLUTION", "### END SOLUTION add"), 12, "unknown marker|of its own"),
        (("### END SOLUTION", "### END SOLUTIONS"), 12, "unknown marker|of its own"),
        (("### BEGIN SOLUTION Task 1.1: add", "### BEGIN HIDDEN TESTS"), 9, "unknown marker"),
        (
            ("### BEGIN SOLUTION Task 1.1: add", "# BEGIN SOLUTION"),
            9,
            "unknown marker '# BEGIN SOLUTION'",
        ),
        (
            ("### BEGIN SOLUTION Task 1.1: add", "#### BEGIN SOLUTION"),
            9,
            "of its own|unknown marker",
        ),
        (
            ("### BEGIN SOLUTION Task 1.1: add", "### begin solution"),
            9,
            "unknown marker '### begin solution'",
        ),
        (("### BEGIN SOLUTION Task 1.1: add", "### BEGIN_SOLUTION"), 9, "unknown marker"),
        (("### END SOLUTION", "#END SOLUTION"), 12, "unknown marker '#END SOLUTION'"),
        (("return total\n", "return total  ### END SOLUTION\n"), 11, "on a line of its own"),
        (('"""Sums."""', '"""Sums.\n\n### BEGIN SOLUTION\n"""'), 3, "in a string"),
        (("START = 0  # kept", "START = '### BEGIN SOLUTION'"), 3, "in a string"),
        (("START = 0  # kept", 'START = """\n### END SOLUTION\n"""'), 4, "in a string"),
    ],
)
def test_error_names_file_and_line(change: tuple[str, str], line: int, words: str) -> None:
    assert change[0] in MODULE
    message = refused(MODULE.replace(*change))
    assert message.startswith(f"lib/sums.py, line {line}: ")
    assert any(part in message for part in words.split("|")), message


def test_markers_in_what_is_not_python_are_refused() -> None:
    assert refused("x = (\n### BEGIN SOLUTION\n### END SOLUTION\n").startswith(
        "lib/sums.py: not Python"
    )


# --- files of other systems -----------------------------------------------------------------------


def test_windows_line_ends_and_byte_order_mark_change_nothing() -> None:
    windows = b"\xef\xbb\xbf" + MODULE.replace("\n", "\r\n").encode()
    assert decode(windows, "lib/sums.py") == MODULE


def test_other_encodings_are_refused_with_the_line() -> None:
    with pytest.raises(AssignmentError, match=r"^lib/sums\.py, line 2: .*UTF-8"):
        decode("x = 1\n# Größe\n".encode("latin-1"), "lib/sums.py")


# --- notebooks ------------------------------------------------------------------------------------


def notebook(*cells: dict, minor: int = 5) -> bytes:
    filled = [{"metadata": {}, "id": f"c{i}", **cell} for i, cell in enumerate(cells)]
    return json.dumps(
        {"cells": filled, "metadata": {}, "nbformat": 4, "nbformat_minor": minor}
    ).encode()


def code(source: str, **more: object) -> dict:
    return {
        "cell_type": "code",
        "source": source.splitlines(True),
        "outputs": [],
        "execution_count": None,
        **more,
    }


def test_code_cell_gets_a_stub_and_markdown_cell_a_place_for_words() -> None:
    text, blocks = strip_notebook(
        notebook(
            code(
                "def half(x):\n    ### BEGIN SOLUTION Task 3\n    return x / 2\n    ### END SOLUTION"
            ),
            {
                "cell_type": "markdown",
                "source": "**Why?**\n\n### BEGIN SOLUTION\nBecause it is.\n### END SOLUTION",
            },
            {"cell_type": "markdown", "source": "### Begin here\n"},
        ),
        "Work.ipynb",
    )
    sources = ["".join(cell["source"]) for cell in json.loads(text)["cells"]]
    assert sources[0].endswith("    raise NotImplementedError('Task 3: half')")
    assert sources[1] == f"**Why?**\n\n{PLACEHOLDER}"
    assert sources[2] == "### Begin here\n"  # an ordinary heading
    assert [block.lines for block in blocks] == [("    return x / 2",), ("Because it is.",)]


def test_what_a_run_left_in_a_notebook_is_gone() -> None:
    ran = code(
        "1 + 1",
        outputs=[{"output_type": "stream", "name": "stdout", "text": ["the answer is 2"]}],
        execution_count=7,
        metadata={
            "execution": {"iopub.execute_input": "2026-01-01T00:00:00Z"},
            "grader": {"role": "student"},
        },
    )
    text, _ = strip_notebook(notebook(ran), "Work.ipynb")
    assert "answer" not in text
    assert "2026" not in text
    assert '"execution_count": null' in text
    assert '"role": "student"' in text


@pytest.mark.parametrize("magic", ["%matplotlib inline", "!ls 'unbalanced", "np.add.at??"])
def test_lines_of_ipython_are_no_hindrance(magic: str) -> None:
    cell = code(f"{magic}\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION")
    assert (
        "raise NotImplementedError('This part')" in strip_notebook(notebook(cell), "Work.ipynb")[0]
    )


def test_cell_of_another_language_is_stripped_by_its_lines() -> None:
    cell = code("%%bash\necho 'it\n### BEGIN SOLUTION\necho secret\n### END SOLUTION")
    assert "secret" not in strip_notebook(notebook(cell), "Work.ipynb")[0]


@pytest.mark.parametrize(
    "cell",
    [
        code("### BEGIN SOLUTION\nx = 1"),
        code("x = '''\n### END SOLUTION\n'''"),
        {"cell_type": "markdown", "source": "Text ### BEGIN SOLUTION"},
        {"cell_type": "markdown", "source": "<!-- BEGIN SOLUTION -->"},
    ],
)
def test_error_in_a_notebook_names_file_cell_and_line(cell: dict) -> None:
    with pytest.raises(AssignmentError, match=r"^Work\.ipynb, cell 2, line \d: "):
        strip_notebook(notebook(code("1"), cell), "Work.ipynb")


@pytest.mark.parametrize(
    "data", [b"{}", b"[]", b"no JSON", notebook(code("1"), minor=4), notebook(code("1", id=""))]
)
def test_notebooks_without_ids_of_cells_are_refused(data: bytes) -> None:
    with pytest.raises(AssignmentError, match=r"^Work\.ipynb "):
        strip_notebook(data, "Work.ipynb")


def test_old_formats_without_ids_are_told_what_to_do() -> None:
    with pytest.raises(AssignmentError, match="open it in a current JupyterLab and save it"):
        strip_notebook(notebook(code("1"), minor=4), "Work.ipynb")


def test_stripping_what_is_stripped_changes_nothing() -> None:
    once, _ = strip_notebook(
        notebook(code("### BEGIN SOLUTION\nx = 'ä'\n### END SOLUTION")), "Work.ipynb"
    )
    assert strip_notebook(once.encode(), "Work.ipynb") == (once, [])


def test_markdown_keeps_what_stands_around_an_answer() -> None:
    assert (
        strip_markdown("a\n### BEGIN SOLUTION\nb\n### END SOLUTION\nc", "m").text
        == f"a\n{PLACEHOLDER}\nc"
    )


# --- what a run, and an author's answer, leave in a notebook ---

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="


def one_cell(**cell: object) -> bytes:
    whole = {"id": "a", "metadata": {}, "source": "", **cell}
    return json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [whole]}
    ).encode()


def test_a_picture_in_an_authors_answer_is_taken_out_and_told() -> None:
    answer = "Look:\n### BEGIN SOLUTION\n![s](attachment:s.png)\n### END SOLUTION\n![q](attachment:q.png)"
    pasted = {"s.png": {"image/png": PICTURE}, "q.png": {"image/png": "iVBORw0K"}}
    text, blocks = strip_notebook(
        one_cell(cell_type="markdown", source=answer, attachments=pasted), "n.ipynb"
    )
    assert PICTURE not in text
    assert json.loads(text)["cells"][0]["attachments"] == {"q.png": {"image/png": "iVBORw0K"}}
    assert [picture for block in blocks for picture in block.pictures] == [PICTURE]


@pytest.mark.parametrize("kind", ["code", "markdown", "raw"])
def test_metadata_of_a_cell_is_dropped_but_for_what_is_known(kind: str) -> None:
    told = {
        "tags": ["raises-exception"],
        "answer": "42",
        "grader": {"role": "student", "points": 2, "model": "42"},
    }
    text, _ = strip_notebook(one_cell(cell_type=kind, source="x", metadata=told), "n.ipynb")
    kept = json.loads(text)["cells"][0]["metadata"]
    assert kept == {
        "tags": ["raises-exception"],
        "grader": {"role": "student", "points": 2, "id": "a"},
    }


def test_an_answers_picture_is_found_in_any_file_of_a_handout() -> None:
    block = Block("", "", (), (PICTURE,))
    lines = json.dumps({"image/png": [f"{PICTURE[:40]}\n", PICTURE[40:]]}).encode()
    files = {
        "a.png": base64.b64decode(PICTURE),
        "b.ipynb": lines,
        "c.txt": b"nothing",
        "d.json": PICTURE.encode(),
    }
    assert list(pictures_left([block], files)) == ["a.png", "b.ipynb", "d.json"]
    assert list(pictures_left([], files)) == []
