"""Otter's markup: its comments in lines, its test cells, its points, and what is told of what has
no counterpart.
"""

from __future__ import annotations

import copy
import textwrap
from typing import Any

import pytest

from grader.assignment.naming import names_a_question
from grader.authoring.strip import strip_python
from grader.importing import drafts
from grader.importing.drafts import Cell, Draft
from grader.importing.markup.otter_comments import marked
from grader.importing.markup.otter_markup import draft, is_otters
from grader.importing.markup.otter_tests import read_test, resolved
from grader.importing.spec_file import question_entries


def cell(kind: str, *lines: str, shown: str = "") -> Cell:
    made: Cell = {"cell_type": kind, "metadata": {}, "source": "\n".join(lines)}
    if shown:
        made["outputs"] = [{"output_type": "execute_result", "data": {"text/plain": [shown]}}]
    return made


def raw(*lines: str) -> Cell:
    return cell("raw", *lines)


def question(name: str, *cells: Cell, told: str = "") -> list[Cell]:
    return [raw("# BEGIN QUESTION", f"name: {name}", told), *cells, raw("# END QUESTION")]


def solution(*cells: Cell) -> list[Cell]:
    return [raw("# BEGIN SOLUTION"), *cells, raw("# END SOLUTION")]


def with_tests(*cells: Cell) -> list[Cell]:
    return [raw("# BEGIN TESTS"), *cells, raw("# END TESTS")]


def config(*lines: str) -> list[Cell]:
    return [raw("# ASSIGNMENT CONFIG", *lines)]


def drafted(*cells: Cell) -> Draft:
    return draft(copy.deepcopy(list(cells)), "T")


def lines(source: str) -> str:
    return marked(textwrap.dedent(source).strip("\n"), "q1", "cell 1", [])[0]


def same(got: str, wanted: str) -> bool:
    return got == textwrap.dedent(wanted).strip("\n")


X = cell("code", "x = 1")


# --- lines ----------------------------------------------------------------------------------------


def test_a_marked_line_is_wrapped_and_its_name_told() -> None:
    assert same(
        lines("nine = 3 * 3  # SOLUTION\nprint(nine)"),
        """
        ### BEGIN SOLUTION q1
        ### PROMPT nine = ...
        nine = 3 * 3
        ### END SOLUTION
        print(nine)
        """,
    )


def test_marked_lines_that_follow_each_other_are_one_place_and_without_prompt_tell_no_name() -> (
    None
):
    assert same(
        lines("def f(x):\n    y = x * 2  # SOLUTION NO PROMPT\n    return y  # SOLUTION"),
        """
        def f(x):
            ### BEGIN SOLUTION q1
            ### PROMPT ...
            y = x * 2
            return y
            ### END SOLUTION
        """,
    )


def test_a_statement_further_out_gets_a_place_of_its_own() -> None:
    assert lines("if x:\n    y = 1  # SOLUTION\nz = 2  # SOLUTION").count("### BEGIN SOLUTION") == 2


@pytest.mark.parametrize(
    "source",
    [
        "total = sum(\n    values\n)  # SOLUTION",
        "for i in a:  # SOLUTION\n    b += i",
        'text = """\n  two\n"""  # SOLUTION',
    ],
    ids=["brackets", "a loop by its head", "a text over lines"],
)
def test_half_a_statement_is_never_taken_out(source: str) -> None:
    made = lines(source)
    first, *middle, last = [line for line in made.split("\n") if "### PROMPT" not in line]
    assert (first, last) == ("### BEGIN SOLUTION q1", "### END SOLUTION")
    compile("\n".join(middle), "block", "exec")


def test_a_region_keeps_its_lines_and_a_prompt_goes_ahead_of_it() -> None:
    assert same(
        lines(
            '''
            def area(r):
                # BEGIN SOLUTION NO PROMPT
                return 3.14 * r * r
                # END SOLUTION
                """ # BEGIN PROMPT
                # Use 3.14.
                pass
                """; # END PROMPT
            '''
        ),
        """
        def area(r):
            ### BEGIN SOLUTION q1
            ### PROMPT # Use 3.14.
            ### PROMPT pass
            return 3.14 * r * r
            ### END SOLUTION
        """,
    )


def test_the_handout_has_prompts_as_otter_has_them() -> None:
    source = """
    def f(x):
        y = x * 2  # SOLUTION
        \"\"\" # BEGIN PROMPT
        return y + ...
        \"\"\"; # END PROMPT
        return y + 1  # SOLUTION NO PROMPT
    a, b[0] = 1, 2  # SOLUTION
    # BEGIN SOLUTION
    print(a)
    # END SOLUTION
    print(b)
    """
    assert same(
        strip_python(lines(source), "n", cell=True).text,
        """
        def f(x):
            y = ...
            return y + ...
        a, b[0] = ...
        ...
        print(b)
        """,
    )


def test_a_prompt_in_a_cell_of_its_own_stands_where_the_solution_was() -> None:
    question = raw("# BEGIN QUESTION", "name: q1")
    prompt = [raw("# BEGIN PROMPT"), cell("code", "x = 'yours'"), raw("# END PROMPT")]
    solved = [raw("# BEGIN SOLUTION"), cell("code", "x = 3  # SOLUTION"), raw("# END SOLUTION")]
    made = drafted(question, *prompt, *solved, raw("# END QUESTION"))
    (one,) = made.cells
    assert strip_python(one["source"], "n", cell=True).text == "x = 'yours'"


def test_what_otter_ignores_is_gone() -> None:
    made = lines(
        "a = 1\nb = 2  # IGNORE\n# BEGIN IGNORE\nc = 3\n# END IGNORE\n## solution ##\nd = 4"
    )
    assert made == "a = 1\nd = 4"


def test_a_seed_and_a_plugin_are_told() -> None:
    notes: list[str] = []
    source = 'np.random.seed(1)  # SEED\n""" # BEGIN PLUGIN\nname: p\n""" # END PLUGIN\nx = 1  # SOLUTION'
    made, _ = marked(source, "q1", "cell 7", notes)
    assert made.startswith("np.random.seed(1)\n### BEGIN SOLUTION q1\n### PROMPT x = ...")
    assert "name: p" not in made
    assert any("cell 7: its seed is the students' too" in note for note in notes)
    assert "cell 7: a call of an Otter plugin is left out" in notes


def test_a_cell_without_marks_stays_as_it_is() -> None:
    assert marked("%matplotlib inline\nx = 1", "", "cell 1", []) == (
        "%matplotlib inline\nx = 1",
        False,
    )


# --- test cells -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "shown", "code"),
    [
        ("f(1) == 2", "True", "assert f(1) == 2"),
        ("f(1) == 2", "", "assert f(1) == 2"),
        ("np.isclose(x, 1)", "True", "assert np.isclose(x, 1)"),
        ("isinstance(x, str)", "False", "assert not (isinstance(x, str))"),
        ("f(1)", "2", "expect('f(1)', recordable(f(1)))"),
        ("y = f(1); y", "2", "y = f(1)\nexpect('y', recordable(y))"),
        ("print('x is', x)", "", "expect('x', recordable(x))"),
        ("np.testing.assert_equal(x, 1)", "", "np.testing.assert_equal(x, 1)"),
        ("assert x == 1", "", "assert x == 1"),
        ("%timeit f(1)", "", "%timeit f(1)"),
    ],
)
def test_what_a_cell_showed_is_held(source: str, shown: str, code: str) -> None:
    assert read_test(cell("code", source, shown=shown)).code == code


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("greet('Ada')", "greet('Ada')\nexpect.printed()"),
        ("pot = Pot(2)\npot.show()", "pot = Pot(2)\npot.show()\nexpect.printed()"),
        (
            "for k in f(2):\n    print(k, 'x')",
            "printed_values = []\nfor k in f(2):\n    printed_values.append((k, 'x'))\n"
            "expect('printed_values', recordable(printed_values))",
        ),
        ("print(f(2))", "expect('f(2)', recordable(f(2)))"),
        ("assert f(2)\nprint('well done')", "assert f(2)\nprint('well done')"),
    ],
)
def test_what_a_cell_printed_is_held(source: str, code: str) -> None:
    printing = cell("code", *source.split("\n"))
    printing["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["2 x\n"]}]
    assert read_test(printing).code == code


def test_without_any_output_kept_what_a_test_shows_is_expected() -> None:
    asked = question("q1", *solution(X), *with_tests(cell("code", "x"), cell("code", "None")))
    assert [test.code for test in drafted(*asked).tests] == ["expect('x', recordable(x))", "None"]
    kept = cell("code", "1 + 1", shown="2")
    assert [test.code for test in drafted(kept, *asked).tests] == ["x", "None"]


def test_what_a_cell_printed_is_asserted_in_the_box() -> None:
    printing = cell("code", "greet('Ada')")
    printing["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["Hi,\n", " Ada\n"]}]
    names = {"greet": lambda name: print("Hi, ", name)}
    exec(read_test(printing).box_code, names)
    with pytest.raises(AssertionError):
        exec(read_test(printing).box_code, {"greet": lambda name: print("Ha,", name)})


def test_a_function_gets_all_that_the_notebook_holds_as_env() -> None:
    read = read_test(cell("code", "def test_f(env, f):", "    assert env['f'] is f"))
    assert read.code.endswith("test_f(globals(), f)")


def test_a_function_is_called_by_the_names_of_its_parameters() -> None:
    read = read_test(
        cell(
            "code",
            "def test_f(f, np):",
            '    """f doubles."""',
            "    assert f(1) == 2",
            "test_f(f, np) # IGNORE",
        )
    )
    assert read.code.endswith("\n\ntest_f(f, np)")
    assert read.sentence == "f doubles."


@pytest.mark.parametrize("head", ["# HIDDEN", "## Hidden Test ##", "# HIDDEN TEST", "# hidden"])
def test_hidden_is_read(head: str) -> None:
    read = read_test(cell("code", head, "assert x == 1"))
    assert (read.hidden, read.code) == (True, "assert x == 1")


def test_a_configuration_is_read() -> None:
    head = [
        '""" # BEGIN TEST CONFIG',
        "points: 2.5",
        "hidden: true",
        "success_message: Well done.",
        "failure_message: Too small.",
        '""" # END TEST CONFIG',
    ]
    read = read_test(cell("code", *head, "x > 3"))
    assert (read.hidden, read.points, read.code) == (True, 2.5, "assert x > 3")
    assert (read.when_passed, read.when_failed) == ("Well done.", "Too small.")
    assert read_test(cell("code", *head, "assert x > 3")).when_failed == "Too small."


def test_a_configuration_that_can_not_be_read_is_told() -> None:
    read = read_test(
        cell("code", '""" # BEGIN TEST CONFIG', "points: [", '""" # END TEST CONFIG', "x > 3")
    )
    assert read.notes == ["its configuration can't be read, so its points are the question's"]


@pytest.mark.parametrize(
    ("question_", "told", "points"),
    [
        (None, [None, None], [0.5, 0.5]),
        (None, [2.0, None], [2.0, 0.0]),
        (1, [None, None, None], [0.34, 0.33, 0.33]),
        (6, [2.0, 2.0, None, None], [2.0, 2.0, 1.0, 1.0]),
        (3, [4.0, None], [4.0, 0.0]),
        ({"each": 2}, [None, None], [2.0, 2.0]),
        ({"each": 2}, [None, 1.0], [3.0, 1.0]),
        (None, [0.0, None], [0.0, 1.0]),
        ([1, 0.5], [None, None, None], [1.0, 0.5, 0.0]),
        (0, [None], [0.0]),
    ],
)
def test_points_are_resolved_as_otter_does(
    question_: Any, told: list[float | None], points: list[float]
) -> None:
    assert resolved(question_, told) == points


# --- cells ----------------------------------------------------------------------------------------


def test_solution_cells_are_the_students_and_all_others_are_not() -> None:
    made = drafted(
        cell("code", "import numpy as np"),
        *question(
            "q1",
            cell("markdown", "Do it."),
            *solution(cell("code", "x = 1  # SOLUTION"), cell("code", "x")),
        ),
    )
    roles = [c["metadata"].get("grader", {}).get("role") for c in made.cells]
    assert roles == [None, None, "student", "student"]
    assert [c["id"] for c in made.cells] == ["cell-1", "cell-3", "q1-solution", "q1-solution-2"]


def test_a_solution_without_marks_is_taken_out_whole() -> None:
    made = drafted(*question("q1", *solution(cell("code", "x = 1"))))
    assert made.cells[0]["source"] == "### BEGIN SOLUTION\nx = 1\n### END SOLUTION"


def test_words_have_the_points_of_their_question_and_their_prompt_ahead() -> None:
    prompt = [raw("# BEGIN PROMPT"), cell("markdown", "Think."), raw("# END PROMPT")]
    made = drafted(
        *question(
            "q1",
            *prompt,
            *solution(cell("markdown", "**SOLUTION** 42")),
            told="manual: true\npoints: 3",
        )
    )
    assert made.cells[0]["metadata"]["grader"] == {"role": "student", "points": 3.0}
    assert (
        made.cells[0]["source"]
        == "Think.\n\n### BEGIN SOLUTION q1\n**SOLUTION** 42\n### END SOLUTION"
    )


def test_a_prompt_without_a_solution_is_the_answer_cell() -> None:
    prompt = [raw("# BEGIN PROMPT"), cell("markdown", "_Write here._"), raw("# END PROMPT")]
    made = drafted(*question("q1", *prompt, told="manual: true"))
    assert (made.cells[0]["source"], made.cells[0]["metadata"]["grader"]["points"]) == (
        "_Write here._",
        1.0,
    )


def test_a_prompt_that_holds_lines_of_the_answer_is_left_out_and_told() -> None:
    prompt = [raw("# BEGIN PROMPT"), cell("markdown", "$$\nx = ?\n$$"), raw("# END PROMPT")]
    made = drafted(
        *question("q1", *prompt, *solution(cell("markdown", "$$\nx = 42\n$$")), told="manual: true")
    )
    assert "x = ?" not in made.cells[0]["source"]
    assert made.notes == ["the prompt of q1 is left out: a handout can't hold lines of the answer"]


def test_lines_and_cells_for_otter_itself_are_left_out_and_told() -> None:
    own = cell("code", "# Initialize Otter", "import otter", "grader = otter.Notebook()")
    made = drafted(
        raw("# ASSIGNMENT CONFIG"),
        own,
        cell("code", "## Ignore ##", "print(1)"),
        cell("code", "import numpy", "import otter"),
    )
    assert [c["source"] for c in made.cells] == ["import numpy"]
    assert [note[:6] for note in made.notes] == ["cell 2", "cell 4"]


@pytest.mark.parametrize(
    ("cells", "note"),
    [
        (config("generate: true", "files: [a.csv]"), "cell 1: left out, since nothing here answers to them: `gen"),
        (config("config_file: c.yml"), "cell 1: c.yml is not read"),
        (config("seed:", "  variable: s"), "cell 1: `s` is the same for students and when grading"),
        (question("q1", *solution(dict(X))), "q1 has no tests, so it has no points: write a check for it"),
        (question("q1", *solution(X), told="manual: true"), "cell 3 (q1, 1 points) is code that a person graded"),
        (question("q1", *solution(cell("markdown", "why"))), "cell 3 (q1): words in the solution of code are left out"),
        (question("q1", *with_tests(cell("code", "# HIDDEN"))), "cell 3 (q1, test 1, 1 points) is left out: it tests"),
        ([*question("q1"), *question("q1")], "cell 3: a second question q1: their checks are counted together"),
    ],
)  # fmt: skip
def test_what_has_no_counterpart_is_told_with_its_cell(cells: list[Cell], note: str) -> None:
    assert [told for told in drafted(*cells).notes if told.startswith(note)]


def test_files_of_the_configuration_are_asked_for() -> None:
    assert drafted(
        raw("# ASSIGNMENT CONFIG", "files: [a.csv]", "student_files:", "  - b.py")
    ).files == [
        "a.csv",
        "b.py",
    ]


def test_a_test_knows_its_question_place_and_points() -> None:
    made = drafted(
        *question(
            "q1a",
            *with_tests(cell("code", "x == 1"), cell("code", "# HIDDEN", "x == 1")),
            told="points: 3",
        )
    )
    assert [(test.id, test.question, test.points, test.hidden) for test in made.tests] == [
        ("q1a_1", "q1a", 1.5, False), ("q1a_2", "q1a", 1.5, True),
    ]  # fmt: skip
    assert made.tests[1].place == "cell 4 (q1a, test 2, 1.5 points)"
    assert made.tests[1].sentence == "Question 1a, hidden test 2."


# --- the older format -----------------------------------------------------------------------------

FENCED = cell("markdown", "Do it.", "", "```", "BEGIN QUESTION", "name: q1", "points: 2", "```")


def test_the_older_format_is_read_alike() -> None:
    made = drafted(
        dict(FENCED),
        cell("code", "x = 1  # SOLUTION"),
        cell("code", "# TEST", "x == 1"),
        cell("code", "## hidden test ##", "x < 2"),
        cell("markdown", "Between."),
        cell("code", "# TEST", "not_a_test"),
    )
    assert [c["source"] for c in made.cells][0::2] == ["Do it.", "Between."]
    assert [(test.points, test.hidden, test.code) for test in made.tests] == [
        (1.0, False, "assert x == 1"), (1.0, True, "assert x < 2"),
    ]  # fmt: skip


def test_a_fenced_block_of_the_language_otter_is_a_raw_cell() -> None:
    cells = [
        *config("files: [data.csv]"),
        *question("q1", *solution(X), *with_tests(cell("code", "assert x == 1"))),
    ]
    fenced = [
        cell("markdown", "```otter", one["source"], "```") if one["cell_type"] == "raw" else one
        for one in cells
    ]
    assert is_otters(fenced)
    assert drafted(*fenced) == drafted(*cells)
    shown = cell("markdown", "Write", "```otter", "# BEGIN QUESTION", "```")
    assert not is_otters([shown])


def test_the_older_format_knows_words_by_their_bold_beginning() -> None:
    manual = cell("markdown", "Why?", "```", "BEGIN QUESTION", "name: q1", "manual: true", "```")
    made = drafted(
        manual,
        cell("markdown", "A prompt."),
        cell("markdown", "**Solution:** so."),
        cell("markdown", "After."),
    )
    assert [c["source"].split("\n")[0] for c in made.cells] == ["Why?", "A prompt.", "After."]
    assert "**Solution:** so." in made.cells[1]["source"]


@pytest.mark.parametrize(
    ("cells", "known"),
    [
        ([raw("# ASSIGNMENT CONFIG")], True),
        ([raw("# BEGIN ASSIGNMENT")], True),
        ([raw("# begin question", "name: q1")], True),
        ([dict(FENCED)], True),
        ([raw("# BEGIN")], False),
        ([cell("markdown", "BEGIN QUESTION")], False),
        ([cell("code", "x = 1  # SOLUTION")], False),
    ],
)
def test_the_markup_is_known(cells: list[Cell], known: bool) -> None:
    assert is_otters(cells) is known


# --- names of questions ---------------------------------------------------------------------------


def test_a_question_whose_name_is_no_word_for_command_lines_gets_one() -> None:
    titles = dict.fromkeys(("Q1", "q1", "part 2.1", "all", "other"), "T")
    tests = [drafts.Test(id="t", place="", question=id_, points=1, code="") for id_ in titles]
    entries = question_entries(titles, tests[:-1])
    assert [entry.get("name", "") for entry in entries] == ["q1-2", "", "part-2-1", "question-all"]
    assert all(names_a_question(entry.get("name") or entry["id"]) for entry in entries)
