"""Notebooks: the author's cells are put back, the student's are run, and all that can go wrong
becomes a sentence.
"""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path

import nbformat
import pytest
from toy import CELLS, Toy, notebook

from grader.checking.cells.cell_runs import in_one_piece
from grader.checking.cells.kernel_client import WireKernelClient
from grader.errors import AssignmentError
from grader.notebooks.format import UnreadableNotebook, parse, provided
from grader.notebooks.restore import restore
from grader.sandbox.wire import Frame
from grader.sandbox.wire_outputs import MAX_UPDATES, Unasked


def with_answer(source: str) -> nbformat.NotebookNode:
    """Return the toy's notebook with a source of one's own in the student's cell."""
    return notebook(
        (id_, kind, role, source if role == "student" else own) for id_, kind, role, own in CELLS
    )


def sources(node: nbformat.NotebookNode) -> list[str]:
    return [cell.source for cell in node.cells]


def printed(node: nbformat.NotebookNode) -> str:
    return "".join(
        output.get("text", "") for cell in node.cells for output in cell.get("outputs", [])
    )


# --- restoring ---


def test_changed_provided_cell_is_put_back() -> None:
    submitted = notebook()
    submitted.cells[3].source = "answer = 42"
    restored, notes = restore(notebook(), submitted, keep_extra=True)
    assert sources(restored) == [cell[3] for cell in CELLS]
    assert notes == ["1 cell provided by the assignment had been changed and was put back"]


def test_missing_cells_are_put_back_in_their_places() -> None:
    submitted = notebook(CELLS[2:3])
    restored, notes = restore(notebook(), submitted, keep_extra=True)
    assert sources(restored) == [cell[3] for cell in CELLS]
    assert notes == ["3 cells of the assignment were missing and were put back"]


def test_students_cell_is_kept() -> None:
    restored, notes = restore(
        notebook(), with_answer("def double(x):\n    return x + x"), keep_extra=False
    )
    assert "x + x" in restored.cells[2].source
    assert notes == []


def test_cells_in_another_order_are_sorted() -> None:
    submitted = notebook(CELLS[::-1])
    restored, notes = restore(notebook(), submitted, keep_extra=True)
    assert sources(restored) == [cell[3] for cell in CELLS]
    assert notes == []


@pytest.mark.parametrize("keep", [True, False])
def test_added_cell_stays_behind_the_one_that_it_followed(keep: bool) -> None:
    extra = ("mine", "code", "", "y = 3")
    restored, notes = restore(
        notebook(), notebook([*CELLS[:2], extra, *CELLS[2:]]), keep_extra=keep
    )
    assert sources(restored) == [
        cell[3] for cell in (*CELLS[:2], *([extra] if keep else []), *CELLS[2:])
    ]
    assert notes == ([] if keep else ["1 cell that the student added was not run"])


def test_copied_cell_does_not_replace_its_original() -> None:
    """A copy has a new id, but the metadata of the original."""
    submitted = with_answer("def double(x):\n    return x + x")
    for cell in submitted.cells:
        cell.metadata.grader["id"] = cell.id
    twin = copy.deepcopy(submitted.cells[2])
    twin.id, twin.source = "b7f1", "print('an experiment')"
    for at in (2, 3):
        changed = copy.deepcopy(submitted)
        changed.cells.insert(at, copy.deepcopy(twin))
        restored, _ = restore(notebook(), changed, keep_extra=True)
        assert (
            "x + x" in restored.cells[[cell.id for cell in restored.cells].index("double")].source
        )
        assert "print('an experiment')" in sources(restored)


def test_notebook_that_another_program_stripped_of_ids_is_matched_by_metadata() -> None:
    submitted = with_answer("def double(x):\n    return x + x")
    for cell in submitted.cells:
        cell.metadata.grader["id"] = cell.pop("id")
    submitted.nbformat_minor = 4
    restored, notes = restore(notebook(), parse(json.dumps(submitted).encode()), keep_extra=False)
    assert "x + x" in restored.cells[2].source
    assert notes == []


def test_notebook_of_version_3_is_read() -> None:
    submitted = with_answer("def double(x):\n    return x + x")
    for cell in submitted.cells:
        cell.metadata.grader["id"] = cell.id
    old = nbformat.convert(submitted, 3)
    assert "cells" not in old  # it has worksheets
    restored, notes = restore(notebook(), parse(json.dumps(old).encode()), keep_extra=False)
    assert "x + x" in restored.cells[2].source
    assert notes == []


@pytest.mark.parametrize(
    ("data", "why"),  # no reason where it can be read
    [
        (b"", "the file is empty"),
        (b"PK\3\4", "not a notebook"),
        (b"{}", "not a notebook"),
        (b"[1]", "not a notebook"),
        (b'{"nbformat": 4}', ""),
        (b'{"nbformat": 2, "cells": []}', ""),
        (b'{"nbformat": 99, "cells": []}', ""),
        (b'{"nbformat": 3, "worksheets": 7}', ""),
        (b'{"nbformat": 4, "nbformat_minor": "x", "cells": []}', ""),
        (b'{"nbformat": 4, "nbformat_minor": 5, "cells": {"a": 1}}', ""),
        (b'{"nbformat": 4, "nbformat_minor": 5, "cells": [null, 3, {}]}', ""),
        (
            b'{"nbformat": 4, "nbformat_minor": 5, "cells": [{"cell_type": "code", "source": {"a": 1}, "id": []}]}',
            "",
        ),
        (
            b'{"nbformat": 4, "nbformat_minor": 5, "cells": [{"id": "double", "metadata": {"grader": 5}}]}',
            "",
        ),
        (
            b'{"nbformat": 4, "nbformat_minor": 5, "metadata": '
            + b'{"a":' * 10**5
            + b"1"
            + b"}" * 10**5
            + b"}",
            "not a",
        ),
        (
            json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": [{}] * 2001}).encode(),
            "2001 cells, more than",
        ),
    ],
    ids=lambda data: data[:40] if isinstance(data, bytes) else "",
)
def test_any_file_is_a_notebook_or_a_sentence(data: bytes, why: str) -> None:
    if why:
        with pytest.raises(UnreadableNotebook, match=why):
            parse(data)
    else:
        restored, _ = restore(notebook(), parse(data), keep_extra=True)
        assert [cell.id for cell in restored.cells if "added" not in cell.id] == [
            cell[0] for cell in CELLS
        ]
        assert nbformat.writes(restored)


@pytest.mark.parametrize(
    ("text", "why"),
    [(None, "No such file"), ("{", "not appear to be JSON"), ("[]", "can't be read")],
)
def test_an_authors_own_notebook_that_cannot_be_read_is_his_fault(
    tmp_path: Path, text: str | None, why: str
) -> None:
    path = tmp_path / "own.ipynb"
    if text is not None:
        path.write_text(text)
    with pytest.raises(AssignmentError, match=why):
        provided(path)


def test_an_authors_notebook_of_an_older_format_is_brought_up(tmp_path: Path) -> None:
    old = nbformat.v3.new_notebook(
        worksheets=[nbformat.v3.new_worksheet(cells=[nbformat.v3.new_code_cell("x = 1")])]
    )
    (tmp_path / "own.ipynb").write_text(nbformat.writes(old, nbformat.NO_CONVERT))
    assert [cell.source for cell in provided(tmp_path / "own.ipynb").cells] == ["x = 1"]


# --- running ---


def test_right_notebook_passes_and_is_kept_executed(toy: Toy) -> None:
    graded = toy.grade_notebook(notebook())
    assert graded.passed == {"notebook"}
    assert "answered" in printed(graded.notebooks["Toy.ipynb"])


def test_saved_outputs_count_for_nothing(toy: Toy) -> None:
    submitted = with_answer("def double(x):\n    return 3 * x")
    submitted.cells[3].outputs = [nbformat.v4.new_output("stream", text="all checks passed")]
    graded = toy.grade_notebook(submitted)
    assert graded["notebook"].status == "fail"
    assert [case.status for case in graded["notebook"].cases] == ["pass", "fail", "fail"]
    assert "all checks passed" not in printed(graded.notebooks["Toy.ipynb"])


def test_submission_without_its_notebook_has_the_authors_run(toy: Toy) -> None:
    graded = toy.grade_notebook(None)
    assert graded.passed == {"notebook"}
    assert any(
        "the notebook of the assignment was run in its place" in note
        for note in graded.report.notes
    )


def test_functions_of_cells_are_called_with_new_inputs(toy: Toy) -> None:
    graded = toy.grade_notebook(
        with_answer("def double(x):\n    print(x)\n    return 2 * x if x[0] == -1 else 0 * x")
    )
    assert [case.status for case in graded["notebook"].cases] == ["pass", "pass", "fail"]


def test_function_that_displays_something_disturbs_nothing(toy: Toy) -> None:
    shows = "from IPython.display import display\ndef double(x):\n    display(x)\n    return 2 * x"
    assert toy.grade_notebook(with_answer(shows)).passed == {"notebook"}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("1 / 0", "{} raised ZeroDivisionError: division by zero"),
        ("def double(x) return x", "{} raised SyntaxError: "),
        (
            "def double(x):\n    raise NotImplementedError('double')",
            "`double` is not implemented yet",
        ),
        ("import sys; sys.exit(0)", "{} raised SystemExit: 0"),
        ("exit()", "{} raised SystemExit"),
        ("input('name?')", "{} raised EOFError: input() was called, but nobody is there to answer"),
        ("while True: pass", "{}: the cell was still running after the limit of 4 seconds"),
        ("import os; os._exit(0)", "{}: the cell ended its process: exit code 0"),
        (
            "import ctypes; ctypes.string_at(0)",
            "{}: the cell ended its process: a segmentation fault",
        ),
        ("raise type('X', (Exception,), {'__str__': lambda s: 1 / 0})", "{} raised ZeroDivision"),
        ("del double", "{} raised NameError: name 'double' is not defined"),
        ("%%no_such_magic", "{} raised UsageError: Cell magic `%%no_such_magic` not found."),
        ("import pip_install_me_first", "{} raised ModuleNotFoundError: No module named"),
    ],
    ids=lambda text: text[:30],
)
def test_cell_that_stops_the_notebook_is_named(toy: Toy, source: str, message: str) -> None:
    given = toy.hasty if "still running" in message else toy
    graded = given.grade_notebook(with_answer(source))
    assert (graded["notebook"].status, graded["notebook"].points) == ("fail", 0)
    first = source.partition("\n")[0].replace("`", "'")
    assert message.format(f"cell [2] (`{first}`)") in graded["notebook"].message
    assert "Toy.ipynb" in graded.notebooks  # as far as it ran


@pytest.mark.parametrize(
    "source",
    [
        "%cd /\ndef double(x):\n    return 2 * x",
        "!echo hello\ndef double(x):\n    return 2 * x",
        "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()\ndouble = lambda x: 2 * x",
        "import logging; logging.warning('careful')\ndef double(x):\n    return 2 * x",
        "import warnings; warnings.warn('careful')\ndef double(x):\n    return 2 * x",
        "import sys; print('to stderr', file=sys.stderr)\ndouble = lambda x: 2 * x",
    ],
    ids=lambda text: text[:20],
)
def test_honest_habits_cost_nothing(toy: Toy, source: str) -> None:
    graded = toy.grade_notebook(with_answer(source))
    assert graded["notebook"].message == ""


def test_flood_of_outputs_is_capped(toy: Toy) -> None:
    flood = "for i in range(200):\n    print('x' * 10_000)\ndef double(x):\n    return 2 * x"
    graded = toy.grade_notebook(with_answer(flood))
    assert graded.passed == {"notebook"}
    text = printed(graded.notebooks["Toy.ipynb"])
    assert len(text) < 100_000
    assert "… outputs beyond 0.05 MB were not kept" in text


@pytest.mark.parametrize(
    ("flood", "kept"),
    [
        ("for i in range(2_000):\n    print('x' * 1_000, flush=True)", ""),
        ("for i in range(2_000):\n    display(i)", ""),
        (
            "shown = display(0, display_id=True)\nfor i in range(2_000):\n    shown.update(i)",
            "",
        ),
        ("print('x' * 2_000_000, flush=True)", "small"),
    ],
    ids=["lines", "displays", "updates", "a line"],
)
def test_outputs_beyond_the_limit_are_not_even_sent(
    toy: Toy, flood: str, kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small output behind them still is, if there is room for it."""
    sent: list[int] = []
    take = WireKernelClient._message

    def counting(client: WireKernelClient, id_: str, frame: Frame) -> None:
        sent.append(len(json.dumps(frame.body)))
        take(client, id_, frame)

    monkeypatch.setattr(WireKernelClient, "_message", counting)
    own = f"def double(x):\n    return 2 * x\n{flood}\nprint('small')"
    graded = toy.grade_notebook(with_answer(own))
    assert graded.passed == {"notebook"}
    assert kept in printed(graded.notebooks["Toy.ipynb"])
    assert sum(sent) + MAX_UPDATES < 2 * toy.assignment.spec.limits.output_mb * (1 << 20)
    assert len(sent) < 600


def test_what_a_function_shows_when_a_check_calls_it_is_not_sent(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    unasked: list[Frame] = []
    monkeypatch.setattr(Unasked, "count", lambda _, frame: unasked.append(frame))
    own = "def double(x):\n    display(x)\n    print(x, flush=True)\n    return 2 * x"
    graded = toy.grade_notebook(with_answer(own))
    assert graded.passed == {"notebook"}
    assert graded.notebooks["Toy.ipynb"].cells[3].outputs  # of the cell that calls it
    assert unasked == []


def test_file_that_is_no_notebook_fails_its_check(toy: Toy) -> None:
    graded = toy.grade_notebook(b"not json")
    assert graded["notebook"].status == "fail"
    assert "the file is not a notebook" in graded["notebook"].message


@pytest.mark.skipif(sys.platform == "win32", reason="speaks to the worker's descriptor")
def test_nonsense_on_the_wire_is_a_mark_and_no_fault_of_ours(toy: Toy) -> None:
    lie = (
        "from grader.sandbox.inside.work.cells.kernel import Kernel\n"
        "from grader.sandbox.wire import Frame\n"
        "deep = []\n"
        "for _ in range(900): deep = [deep]\n"
        "display = {'data': {'text/plain': deep}, 'metadata': deep}\n"
        "for content in (None, 3, [], {}, {'name': 'stdout', 'text': 7}, display):\n"
        "    for kind in (None, 'stream', 'error', 'display_data', 'execute_result', 'status', 'shutdown_reply'):\n"
        "        Kernel._made._channel.send(Frame({'op': 'message', 'type': kind, 'content': content}))\n"
        "def double(x):\n    return 2 * x"
    )
    graded = toy.grade_notebook(with_answer(lie))
    assert graded["notebook"].message == ""


def test_the_boxs_own_folder_stands_in_no_output(toy: Toy) -> None:
    source = "import pack.toy, os, warnings\nprint(pack.toy.__file__)\nos.getcwd()\n{}\ndef double(x):\n    return 2 * x"
    ran = toy.grade_notebook(with_answer(source.format("display(os.path.abspath('data.csv'))")))
    outputs = json.dumps(ran.notebooks["Toy.ipynb"])
    assert "pack/toy.py" in outputs
    assert "'data.csv'" in outputs
    assert "grader-" not in outputs
    failed = toy.grade_notebook(with_answer(source.format("open(os.path.abspath('data.csv'))")))
    assert "No such file or directory: 'data.csv'" in failed["notebook"].message
    assert "grader-" not in json.dumps(failed.notebooks["Toy.ipynb"])


def test_notebook_of_too_many_parts_is_refused_before_it_is_read() -> None:
    data = (
        b'{"nbformat": 4, "nbformat_minor": 5, "cells": [], "metadata": {"x": ['
        + b"{}," * 500_000
        + b"{}]}}"
    )
    with pytest.raises(UnreadableNotebook, match="of too many parts"):
        parse(data)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_cells_are_counted_before_any_converter_walks_over_them(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nbformat, "convert", lambda node, to: pytest.fail("it was converted"))
    cells = [{"cell_type": "code", "input": "x"}] * 1_500
    sheets = [{"cells": cells}, {"cells": cells}]
    told = {"nbformat": number, "worksheets": sheets, "cells": cells * 2 if number == 4 else []}
    with pytest.raises(UnreadableNotebook, match=r"has \d+ cells, more than the 2000"):
        parse(json.dumps(told).encode())


def test_what_cells_put_out_is_not_read() -> None:
    submitted = notebook()
    submitted.metadata["mine"] = {"a": 1}
    submitted.cells[3].outputs = [nbformat.v4.new_output("stream", name="stdout", text="42")]
    read = parse(json.dumps(submitted).encode())
    assert sources(read) == sources(submitted)
    assert read.cells[3].outputs == []
    assert read.metadata == {}


def test_text_that_was_sent_in_pieces_is_one_output() -> None:
    """Where it is cut depends on the time that passed: a report must not differ by that."""

    def stream(name: str, text: str) -> nbformat.NotebookNode:
        return nbformat.v4.new_output("stream", name=name, text=text)

    shown = nbformat.v4.new_output("display_data", data={"text/plain": "1"})
    pieces = [stream("stdout", "a"), stream("stdout", "\n"), shown, stream("stdout", "b")]
    joined = in_one_piece([*pieces, stream("stderr", "c"), shown, shown])
    assert [one.get("text", "shown") for one in joined] == [
        "a\n",
        "shown",
        "b",
        "c",
        "shown",
        "shown",
    ]
