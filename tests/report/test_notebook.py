"""Executed notebooks in the report: bounded, in order, and with the failing cell found."""

from __future__ import annotations

import base64

from markupsafe import Markup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from grader.report import notebook_cells, pictures

from . import samples


def _built(
    *cells: object, budget: notebook_cells.PageBudget | None = None
) -> notebook_cells.ShownNotebook:
    return notebook_cells.build(
        "n.ipynb", 1, new_notebook(cells=list(cells)), budget or notebook_cells.PageBudget()
    )


def _outputs(*outputs: object) -> list[notebook_cells.Output]:
    return list(_built(new_code_cell("x", outputs=list(outputs))).cells[0].outputs)


def test_the_first_failing_cell_is_found() -> None:
    built = notebook_cells.build(
        "n.ipynb", 2, samples.notebook(broken=True), notebook_cells.PageBudget()
    )
    (failed,) = built.failed
    assert failed.anchor == "notebook-2-cell-5"
    assert failed.error == "ZeroDivisionError: division by zero"
    assert built.at(failed.place) is failed


def test_colours_of_a_traceback_are_taken_out() -> None:
    (output,) = _outputs(
        new_output("error", ename="E", evalue="v", traceback=["\x1b[0;31mE\x1b[0m: v"])
    )
    assert (output.kind, output.markup) == ("error", "E: v")


def test_the_richest_safe_form_of_an_output_is_shown() -> None:
    kinds = [
        _outputs(new_output("display_data", data))[0].kind
        for data in (
            {"image/png": samples.png(2, 2), "text/html": "<b>x</b>", "text/plain": "x"},
            {"text/html": "<b>x</b>", "text/plain": "x"},
            {"text/latex": "$x$", "text/plain": "x"},
            {"text/plain": "x", "application/javascript": "alert(1)"},
            {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}},
            {"image/svg+xml": "<svg/>"},
        )
    ]
    assert kinds == ["picture", "html", "html", "text", "note", "note"]


def test_html_that_is_too_large_gives_way_to_its_text() -> None:
    (output,) = _outputs(
        new_output("display_data", {"text/html": "<i>" * 99_999, "text/plain": "short"})
    )
    assert (output.kind, output.markup) == ("text", "short")


def test_a_long_output_keeps_its_beginning_and_its_end() -> None:
    (output,) = _outputs(new_output("stream", text="first\n" + "x" * 5_000_000 + "\nlast"))
    assert output.markup is not None
    assert output.markup.startswith("first")
    assert output.markup.endswith("last")
    assert "4 992 011 characters left out" in output.markup
    assert len(output.markup) < 9_000


def test_a_progress_bar_stands_once() -> None:
    (output,) = _outputs(
        new_output("stream", text="".join(f"\r{n} %" for n in range(101)) + "\r\ndone\n")
    )
    assert output.markup == "100 %\ndone"


def test_a_cell_with_thousands_of_outputs_shows_the_first_ones() -> None:
    outputs = _outputs(*(new_output("stream", text=str(n)) for n in range(5_000)))
    assert len(outputs) == notebook_cells.OUTPUTS + 1
    assert "4970 more outputs" in str(outputs[-1].markup)


def test_what_is_over_the_budget_is_left_out_but_the_error_stays() -> None:
    noise = [
        new_code_cell("x", outputs=[new_output("stream", text="y" * 1_000)]) for _ in range(50)
    ]
    wrong = new_code_cell(
        "1/0", outputs=[new_output("error", ename="E", evalue="v", traceback=["the reason"])]
    )
    built = _built(*noise, wrong, budget=notebook_cells.PageBudget(text=10_000))
    assert sum(len(output.markup or "") for cell in built.cells for output in cell.outputs) < 14_000
    assert built.cells[-1].outputs[0].markup == "the reason"


def test_pictures_are_what_they_say_and_of_sensible_size() -> None:
    good = samples.png(10, 5)
    assert pictures.picture_uri(good) == f"data:image/png;base64,{good}"
    assert pictures.picture_uri(samples.png(5_000, 1)) is None
    assert pictures.picture_uri("not base64!") is None
    assert pictures.picture_uri(base64.b64encode(b"<svg onload=alert(1)>").decode()) is None
    assert pictures.picture_uri(base64.b64encode(b"GIF89a" + bytes(40)).decode()) is None
    assert pictures.picture_uri("A" * 10_000_000) is None
    assert pictures.safe_data_uri(f"data:text/html;base64,{good}") is None


def test_a_jpeg_is_known_by_its_frame() -> None:
    def jpeg(width: int) -> str:
        head = (
            b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08"
            + (20).to_bytes(2, "big")
            + width.to_bytes(2, "big")
        )
        return base64.b64encode(head + bytes(20)).decode()

    assert str(pictures.picture_uri(jpeg(30))).startswith("data:image/jpeg;base64,")
    assert pictures.picture_uri(jpeg(60_000)) is None


def test_a_notebook_of_the_wrong_shape_is_shown_as_far_as_it_goes() -> None:
    odd = new_notebook()
    odd["cells"] = [
        7, {"cell_type": "code"}, {"cell_type": "code", "source": ["a\n", "b"], "outputs": [3, {"output_type": "x"}]},
        {"cell_type": "markdown", "source": None}, {"cell_type": "raw", "source": "<b>"}, new_markdown_cell("end"),
        {"cell_type": "code", "source": "c", "outputs": [{"output_type": "error", "traceback": 3}]},
    ]  # fmt: skip
    built = notebook_cells.build("n.ipynb", 1, odd, notebook_cells.PageBudget())
    assert [cell.kind for cell in built.cells] == ["code", "markdown", "markdown", "code"]
    assert "&lt;b&gt;" in built.cells[1].body


def test_conversion_has_a_budget_of_its_own() -> None:
    asked: list[str] = []

    def convert(text: str) -> Markup:
        asked.append(text)
        return Markup("<p>short</p>")

    budget = notebook_cells.PageBudget(work=100)
    kept = [budget.convert("x" * 40, convert) for _ in range(5)]
    assert len(asked) == 2
    assert [markup is not None for markup in kept] == [True, True, False, False, False]
