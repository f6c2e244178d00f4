"""Checks in the box: an author's cell beside the student's objects, at its place, watched."""

from __future__ import annotations

import ast
import contextlib
import functools
import json
import statistics
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from toy import Graders

from grader.assignment.spec import Assignment, load
from grader.authoring.audit.in_box_advice import in_box_advice
from grader.authoring.handout import contents, leak_check
from grader.authoring.record import record
from grader.checking.cells import (
    box_questions,
    comparison_cuts,
    literal_loops,
    rewritten_tests,
    watched_tests,
)
from grader.checking.cells.probe_talk import Conversation
from grader.errors import AssignmentError
from grader.grading.grade import Grader
from grader.model import CheckResult, Report
from grader.report import labels
from grader.sandbox.inside.work.cells.probe import Guards
from grader.sandbox.inside.work.process.replaced import in_libraries
from grader.sandbox.wire import Encoder, Frame

STUDENTS = {"grader": {"role": "student"}}
CELLS = (
    ("make", STUDENTS, "### BEGIN SOLUTION\nitems = ['a']\n### END SOLUTION"),
    ("more", STUDENTS, "### BEGIN SOLUTION\nitems.append('b')\n### END SOLUTION"),
    (
        "twice",
        STUDENTS,
        "def twice(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION",
    ),
)
TESTS = {
    "first": ("assert items == ['a']", 'after = "make"'),
    "leaves_nothing": (
        "items.clear()\nitems.extend([1, 2])\ndel twice\nassert len(items) == 2",
        'after = "twice"',
    ),
    "second": ("assert items == ['a', 'b']", ""),
    "partly": ("sum(twice(n) == n + n for n in (1, 2, 3, 4))", "points = 4"),
    "hidden": ("print('twice 21')\nassert twice(21) == 42, 'twice 21'", 'visibility = "hidden"'),
    "source": ("import inspect\nassert 'return' in inspect.getsource(twice)", ""),
}


def notebook(*cells: tuple[str, dict[str, Any], str]) -> str:
    made = [
        {
            "cell_type": "code",
            "id": id_,
            "metadata": told,
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for id_, told, source in cells
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture(scope="module")
def boxed(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    folder = tmp_path_factory.mktemp("boxed")
    spec = 'schema = 1\nname = "b"\ntitle = "B"\nreference = "."\n[[questions]]\nid = "q1"\ntitle = "Q"\n'
    spec += '[[notebooks]]\npath = "n.ipynb"\nsource = "n.ipynb"\n'
    (folder / "checks" / "in_box").mkdir(parents=True)
    checks = '"""Checks."""\n'
    for id_, (code, told) in TESTS.items():
        points = "" if "points" in told else "points = 1\n"
        spec += f'[[checks]]\nid = "{id_}"\nquestion = "q1"\nnotebook = "n.ipynb"\nin_box = true\n{points}{told}\n'
        (folder / "checks" / "in_box" / f"{id_}.py").write_text(code + "\n")
        checks += f'\n\ndef test_{id_}(in_box):\n    """{id_}."""\n    in_box()\n'
    (folder / "assignment.toml").write_text(spec)
    (folder / "checks" / "test_b.py").write_text(checks)
    (folder / "n.ipynb").write_text(notebook(*CELLS))
    record(load(folder), reseed=False, again=False, progress=lambda line: None)
    return load(folder)


@pytest.fixture(scope="module")
def grader(boxed: Assignment, graders: Graders) -> Grader:
    return graders(boxed.folder)


def graded(grader: Grader, folder: Path, **sources: str) -> Report:
    """Grade the reference with the sources of some cells replaced."""
    cells = [(id_, told, sources.get(id_, source)) for id_, told, source in CELLS]
    (folder / "n.ipynb").write_text(notebook(*cells))
    return grader.grade(folder).report


def by_id(report: Report) -> dict[str, CheckResult]:
    return {check.id: check for check in report.checks}


def test_each_test_sees_what_stood_at_its_place_and_leaves_no_trace(
    grader: Grader, tmp_path: Path
) -> None:
    report = graded(grader, tmp_path)
    assert report.score == report.max_score, [check.message for check in report.checks]


def test_the_report_says_how_many_points_rest_on_the_students_process(
    grader: Grader, tmp_path: Path
) -> None:
    report = graded(grader, tmp_path)
    assert (
        labels.in_box(report) == "9 / 9 points rest on checks that ran in the student's own process"
    )
    assert all(check.in_box for check in report.checks)


def test_a_wrong_answer_is_told_with_the_line_that_does_not_hold(
    grader: Grader, tmp_path: Path
) -> None:
    checks = by_id(graded(grader, tmp_path, make="items = ['x']"))
    assert checks["first"].message == "`items == ['a']` does not hold"
    assert (checks["second"].points, checks["source"].points) == (0, 1)


def test_a_number_gives_a_part_of_the_points(grader: Grader, tmp_path: Path) -> None:
    partly = by_id(
        graded(grader, tmp_path, twice="def twice(x):\n    return 2 * x if x < 4 else 0")
    )["partly"]
    assert (partly.points, partly.status.value) == (3, "fail")
    assert partly.message == "the check gives 3 of its 4 points"


def test_a_hidden_test_says_nothing_of_what_it_asks(grader: Grader, tmp_path: Path) -> None:
    hidden = by_id(graded(grader, tmp_path, twice="def twice(x):\n    return 0"))["hidden"]
    assert hidden.message == "a hidden test does not hold"
    assert "twice 21" not in str(hidden)


def test_a_missing_name_is_told_by_the_cell_that_should_define_it(
    grader: Grader, tmp_path: Path
) -> None:
    checks = by_id(graded(grader, tmp_path, make="raise KeyError('no')"))
    assert "cell [1]" in checks["first"].message
    assert checks["source"].points == 1


def test_a_fork_that_hangs_or_ends_costs_its_own_check(grader: Grader, tmp_path: Path) -> None:
    code = "import os\ndef twice(x):\n    os._exit(0) if x == 21 else None\n    return 2 * x"
    checks = by_id(graded(grader, tmp_path, twice=code))
    assert checks["hidden"].message == "the check `hidden` ended its process before its last line"
    assert checks["partly"].points == 4


def test_what_equals_everything_is_looked_at_by_a_person(grader: Grader, tmp_path: Path) -> None:
    yes = "class Yes:\n    def __eq__(self, other):\n        return True\nitems = Yes()"
    report = graded(grader, tmp_path, make=yes, more="1")
    assert by_id(report)["first"].status.value == "fail"
    assert any(
        "check `first`" in reason and "equals everything" in reason for reason in report.look
    )


def test_a_class_that_compares_its_own_kind_is_no_liar(grader: Grader, tmp_path: Path) -> None:
    code = (
        "class Text(str):\n    def __eq__(self, other):\n        return str.__eq__(self, other)\n"
        "    __hash__ = str.__hash__\nitems = [Text('a')]"
    )
    report = graded(grader, tmp_path, make=code)
    assert (by_id(report)["first"].points, report.look) == (1, ())


def test_the_handout_has_visible_tests_alone(boxed: Assignment) -> None:
    made = contents.build(boxed)
    assert "assignment/checks/in_box/first.py" in made.files
    assert "assignment/checks/in_box/hidden.py" not in made.files
    leak_check.prove(made, boxed)


def test_the_audit_says_which_to_move_first(boxed: Assignment) -> None:
    first, *others = in_box_advice(boxed)
    assert first.startswith(
        "`partly` (4 points) relies on what the student's process reports: it needs"
    )
    told = next(one for one in others if "`hidden`" in one)
    assert told.endswith(
        """in the grader's process you would write `expect('twice(21)', notebook["twice"](21))`"""
    )


# --- what students put in the place of a library's functions --------------------------------------


def library(code: str) -> ModuleType:
    """Return a copy of a library's module in which student code has been run under other names."""
    module = ModuleType("statistics")
    vars(module).update(vars(statistics), __name__="statistics")
    exec(code, {"__name__": "__main__", "lib": module, "functools": functools})
    return module


@pytest.mark.parametrize(
    "code",
    [
        "lib.mean = lambda values: 2",
        "lib.mean = functools.partial(lambda values: 2)",
        "lib.mean = functools.partial(print)",
        "lib.mean = zip",
        "class Mean:\n    def __call__(self, values): return 2\nlib.mean = Mean()",
        "made = {'__name__': 'statistics'}\nexec('def f(x): return 2', made)\nlib.mean = made['f']",
        "class Mean: pass\nlib.mean = Mean",
    ],
)
def test_a_function_that_is_not_the_librarys_own_is_noted(code: str) -> None:
    guards = Guards([])
    guards.of(statistics, "mean")
    assert guards.liars == []
    guards.of(library(code), "mean")
    assert guards.liars == ["`mean` of `statistics` was replaced"]


def test_what_a_class_of_a_library_was_given_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    watched, theirs = frozenset(["statistics"]), frozenset(["__main__"])
    assert list(in_libraries(watched, theirs)) == []
    made: dict[str, Any] = {"__name__": "__main__"}
    exec("def pdf(self, x): return 1.0", made)
    monkeypatch.setattr(statistics.NormalDist, "pdf", made["pdf"])
    assert list(in_libraries(watched, theirs)) == ["statistics.NormalDist.pdf"]


@pytest.mark.parametrize(
    ("code", "asked"),
    [
        ("class A(int):\n    def __eq__(self, other): return 0 < other < 9", "equal"),
        ("class A(int):\n    def __eq__(self, other): return 0 < other < 9", "looked_at"),
        ("class A(int):\n    def __sub__(self, other): return other.real * 0", "looked_at"),
        ("class A:\n    __class__ = dict", "own_class"),
        ("class A:\n    def __array__(self): return [4]", "looked_at"),
        ("class A(np.ndarray):\n    def __sub__(self, other): return np.zeros(2)", "looked_at"),
    ],
)
def test_an_object_that_answers_as_the_test_wishes_is_noted(code: str, asked: str) -> None:
    made: dict[str, Any] = {"__name__": "__main__", "np": np}
    exec(code, made)
    array = issubclass(made["A"], np.ndarray)
    value = np.zeros(2).view(made["A"]) if array else made["A"]()
    guards = Guards([])
    getattr(guards, asked)(*([value, 4] if asked == "equal" else [value]))
    assert guards.liars


# --- what is sent ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "asked"),
    [
        ("assert np.allclose(x, 1)", "assert np.allclose(0.0, 1.0)"),
        ("assert isinstance(x, pd.DataFrame)", "assert isinstance(g.other, pd.DataFrame)"),
        ("np.testing.assert_array_equal(x, y)", "np.testing.assert_array_equal([0], [1])"),
        ("tc.assertEqual(f(2), 3)", "tc.assertEqual(0.0, 1.0)"),
    ],
)
def test_what_must_be_false_is_asked_by_the_tests_own_functions(code: str, asked: str) -> None:
    assert asked in list(box_questions.must_be_false(watched_tests.parsed(code, code), "g"))


def test_a_class_of_everything_is_not_asked_about() -> None:
    code = "assert isinstance(x, object)"
    assert list(box_questions.must_be_false(watched_tests.parsed(code, code), "g")) == []


@pytest.mark.parametrize(
    "code",
    [
        "from numpy.testing import assert_allclose\nassert_allclose(f(1), 2)",
        "import numpy.testing as npt\nnpt.assert_array_equal(f(1), 2)",
        "from numpy import *\nassert allclose(f(1), 2)",
        "from numpy.testing import *\nassert_array_almost_equal(f(1), 2)",
        "def check():\n    import numpy as n\n    assert n.array_equal(f(1), 2)\ncheck()",
        "try:\n    from nowhere import allclose\nexcept ImportError:\n    from numpy import allclose\n"
        "assert allclose(f(1), 2)",
    ],
)
def test_questions_bring_the_imports_that_are_the_tests_own(code: str) -> None:
    """They may be asked before the test has run."""
    tree = watched_tests.parsed(code, code)
    (true,), (false,) = box_questions.must_be_true(tree), box_questions.must_be_false(tree, "g")
    exec(true, {})
    with pytest.raises(AssertionError):
        exec(false, {})
    for question in (true, false):
        assert "import" not in box_questions.in_words(question)
        assert "(" in box_questions.in_words(question)


def test_no_literal_that_is_compared_with_stands_in_the_code_that_is_sent() -> None:
    sent = watched_tests.program(
        "assert f(2) == 43.21 and g() in [77, 'secret']", frozenset(), frozenset()
    )
    for piece in sent.pieces:
        assert "43.21" not in piece.code
        assert "secret" not in piece.code


def of_the_test(code: str) -> rewritten_tests.WatchedCode:
    """Return the piece that is the test itself, as it is sent."""
    sent = watched_tests.program(code, frozenset(), frozenset())
    return sent.pieces[sent.test]


@pytest.mark.parametrize(
    ("code", "value", "held"),
    [
        ("assert f(2) == 43.21", 43.21, True),
        ("assert f(2) == 43.21", 43.22, False),
        ("assert abs(f(2) - 43.21) < 1e-6", 43.210000001, True),
        ("want = {'a': 43.21}\nassert f() == want", {"a": 43.21}, True),
        ("for x, want in [(1, 43.21)]:\n    assert f(x) == want, f'{x} gives {want}'", 43.21, True),
        ("import numpy as np\nassert np.allclose(f(), [43.21, 2])", np.array([43.21, 2]), True),
        ("import numpy as np\nassert (f() == np.array([43.21, 2])).all()", np.ones(2), False),
        ("import unittest\nt = unittest.TestCase()\nt.assertEqual(f(2), 43.21)", 43.21, True),
        ("def check():\n    assert 43.21 in f()\ncheck()", [43.21], True),
        ("for got, want in zip(f(2), [43.21]):\n    assert got == want", 43.21, True),
        ("for (x, want), got in zip([(1, 43.21)], f()):\n    assert got == want", 43.0, False),
        ("assert all(got == want for got, want in zip(f(), (43.21,)))", 43.21, True),
        ("assert all([abs(x - y) < 1e-3 for x, y in zip([43.21], f())])", 43.3, False),
        ("for n, want in enumerate([43.21]):\n    assert f(n) == want", 43.21, True),
        ("want = [43.21]\nfor i in range(1):\n    assert f(i) == want[i]", 43.21, True),
        ("want = [43.21]\nfor i in range(len(want)):\n    assert f(i) == want[i]", 43.0, False),
    ],
)
def test_what_is_compared_with_a_literal_is_compared_on_the_trusted_side(
    code: str, value: Any, held: bool
) -> None:
    sent = watched_tests.program(code, frozenset(), frozenset())
    talk = Conversation(sent)
    while talk.answer(ask("next")).body["code"] != sent.pieces[sent.test].code:
        pass
    encoder = Encoder()
    values = encoder.encode([value])
    last = len(sent.pieces[sent.test].comparisons) - 1
    with contextlib.suppress(KeyError):
        talk.answer(ask("decide", tuple(encoder.blobs), index=last, values=values))
    assert (talk.wrong() == "") is held
    assert "43.21" not in sent.pieces[sent.test].code


@pytest.mark.parametrize(
    ("answers", "raises"),
    [([2, 4], False), ([2, 5], True), ([2], False), ([2, 4, 9], False), (iter([2, 5]), True)],
)
def test_a_loop_over_pairs_does_what_it_did_when_its_turns_are_written_out(
    answers: Any, raises: bool
) -> None:
    code = "for want, got in zip([2, 4], f()):\n    assert got == want"
    tree = ast.parse(code)
    written_out, lines = literal_loops.unrolled(tree, comparison_cuts.Cutter({}))
    assert lines == ["for want, got in zip([2, 4], f()):"]
    with pytest.raises(AssertionError) if raises else contextlib.nullcontext():
        exec(compile(written_out, "<test>", "exec"), {"f": lambda: answers})


def ask(want: str, blobs: tuple[bytes, ...] = (), **told: Any) -> Frame:
    return Frame({"op": "probed", "want": want, **told}, blobs)


def test_the_box_knows_a_literal_only_for_values_that_are_not_plain_and_then_for_once() -> None:
    sent = watched_tests.program("assert f() == 43.21", frozenset(), frozenset())
    talk = Conversation(sent)
    while talk.answer(ask("next")).body["code"] != sent.pieces[sent.test].code:
        pass
    assert talk.answer(ask("decide", index=0)).body["literals"] == ["43.21"]
    talk.answer(ask("decide", index=0, values={"list": [43.21]}))
    assert talk.wrong().startswith("a comparison was made more often")


def test_a_comparison_that_was_not_made_is_missed() -> None:
    assert Conversation(watched_tests.program("assert f() == 1", frozenset(), frozenset())).wrong()


@pytest.mark.parametrize(
    "code", ["assert f() is None", "assert isinstance(f(), int)", "assert f() == g()"]
)
def test_what_has_no_literal_or_asks_for_identity_is_asked_in_the_box(code: str) -> None:
    assert of_the_test(code).comparisons == ()


def test_a_comparison_that_may_be_false_fails_no_test() -> None:
    code = "score = 0\nif f() == 1:\n    score += 1\nassert f() == 1 or f() == 2\nscore"
    assert [one.decided.must_hold for one in of_the_test(code).comparisons] == [False] * 3


def test_points_add_up_on_the_trusted_side_by_comparisons_that_held() -> None:
    code = "score = 0.5\nif f() == 1:\n    score += 1\nif f() == 2:\n    score = score + 2\nscore"
    sent = watched_tests.program(code, frozenset(), frozenset())
    talk = Conversation(sent)
    while talk.answer(ask("next")).body["code"] != sent.pieces[sent.test].code:
        pass
    talk.answer(ask("decide", index=0, values={"list": [1]}))
    talk.answer(ask("decide", index=1, values={"list": [1]}))
    for index in (0, 0, 1, 7):
        talk.answer(ask("added", index=index))
    assert talk.points(99.0) == 1.5
    assert talk.wrong() == ""


@pytest.mark.parametrize(
    "code", ["s = 1\ns *= 2\ns", "f() + 1", "s = 0\nfor s in (1, 2):\n    pass\ns"]
)
def test_points_that_are_no_sum_are_those_that_the_box_tells(code: str) -> None:
    assert of_the_test(code).tally is None


def test_a_comparison_outside_of_loops_is_made_once() -> None:
    once = [
        one.decided.once
        for one in of_the_test(
            "if f() == 1:\n    pass\nwhile f() == 2:\n    pass\nall(x == 3 for x in f())"
        ).comparisons
    ]
    assert once == [True, False, False]


def test_values_too_many_to_pair_are_compared_in_the_box() -> None:
    [compared] = of_the_test(
        "import numpy as np\nassert np.allclose(f() - g(), [[1], [2]])"
    ).comparisons
    encoder = Encoder()
    values = encoder.encode([np.ones((100_000, 1)), np.ones((1, 100_000))])
    assert compared.decided.decide(values, tuple(encoder.blobs)) is NotImplemented


def test_variables_that_the_box_needs_stay_there() -> None:
    code = "n = 3\nwant = 4\nmore = want + 1\nassert f(n) == n\nassert f(2) == want"
    sent = of_the_test(code).code
    assert "n = 3" in sent
    assert "want = 4" in sent  # which `more` is made of


def test_magics_become_calls() -> None:
    assert "run_line_magic('timeit'" in watched_tests.plain("%timeit -n1 f()\nassert f()")
    assert watched_tests.plain("%%time\nassert f()") == "assert f()"


def test_code_that_can_not_be_read_is_the_assignments_mistake() -> None:
    with pytest.raises(AssignmentError, match="can't be read"):
        watched_tests.program("assert (", frozenset(), frozenset())
