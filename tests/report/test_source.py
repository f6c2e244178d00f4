"""A student's own function in the report."""

from __future__ import annotations

from grader.model import CallFrame
from grader.report.markup import snippets
from grader.report.markup.conversion_clock import ConversionClock

from . import samples

FILE = "cs231n/rnn_layers.py"


def _found(text: str, name: str) -> str:
    lines = text.split("\n")
    span = snippets.find(lines, name)
    assert span is not None
    return "\n".join(lines[slice(*span)])


def test_a_function_is_found_from_its_decorator_to_its_last_line() -> None:
    text = "x = 1\n@once\ndef f(\n    a,\n):\n    # why\n\n    return a\n\n\ndef g(): pass\n"
    assert _found(text, "f") == "@once\ndef f(\n    a,\n):\n    # why\n\n    return a"
    assert _found(text, "g") == "def g(): pass"


def test_the_last_definition_counts_as_it_does_for_python() -> None:
    assert _found("def f(): return 1\ndef f(): return 2\n", "f") == "def f(): return 2"


def test_a_method_is_found_in_its_class() -> None:
    text = "class A:\n    def loss(self):\n        return 1\n\nclass B:\n    def loss(self):\n        return 2\n"
    assert _found(text, "A.loss") == "    def loss(self):\n        return 1"
    assert snippets.find(text.split("\n"), "C.loss") is None


def test_the_raising_line_is_marked_and_numbered_as_in_the_file() -> None:
    frames = (CallFrame(FILE, 23, "rnn_backward"), CallFrame(FILE, 24, "rnn_backward"))
    (snippet,) = snippets.snippets(
        {FILE: samples.SOURCE}, ("rnn_backward",), frames, ConversionClock()
    )
    marked = {line.number: line.mark for line in snippet.lines if line.mark}
    assert marked == {23: "called from here", 24: "raised here"}
    text = {line.number: line.code.striptags() for line in snippet.lines}
    assert text[24] == "dx, dprev_h = cache[t]"


def test_a_frame_outside_the_judged_function_is_shown_too() -> None:
    frames = (CallFrame(FILE, 17, "rnn_forward"), CallFrame(FILE, 6, "rnn_step_forward"))
    found = snippets.snippets({FILE: samples.SOURCE}, ("rnn_forward",), frames, ConversionClock())
    assert [snippet.title for snippet in found] == ["rnn_forward", "rnn_step_forward"]


def test_a_frame_that_points_nowhere_is_left_alone() -> None:
    assert (
        snippets.snippets({FILE: "x = 1\n"}, (), (CallFrame(FILE, 10_000, "f"),), ConversionClock())
        == []
    )
    assert (
        snippets.snippets(
            {FILE: "x = 1\n"}, (), (CallFrame("other.py", 1, "f"),), ConversionClock()
        )
        == []
    )


def test_hostile_source_is_escaped_and_bounded() -> None:
    text = "def f():\n" + "    x = '<script>'" + "y" * 10_000 + "\n" + "    pass\n" * 10_000
    (snippet,) = snippets.snippets({FILE: text}, ("f",), (), ConversionClock())
    assert (len(snippet.lines), snippet.cut) == (snippets.LINES, True)
    assert all("<script" not in line.code for line in snippet.lines)
    assert len("".join(line.code for line in snippet.lines)) < 20_000


def test_a_long_docstring_is_folded_and_the_numbers_stay_true() -> None:
    told = [f"    line {number}" for number in range(2, 12)]
    text = "\n".join(["def f(x):", '    """What it does:', *told, '    """', "    return x"])
    shown = snippets.snippets({"a.py": text}, ["f"], (), ConversionClock())[0].lines
    assert [line.number for line in shown] == [1, 2, 3, 14]
    assert shown[2].code == "… 11 more lines of its docstring"
    short = snippets.snippets(
        {"a.py": 'def f(x):\n    """One line."""\n    return x'}, ["f"], (), ConversionClock()
    )[0].lines
    assert [line.number for line in short] == [1, 2, 3]
