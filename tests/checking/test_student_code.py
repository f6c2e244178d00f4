"""What students' code does to a check: all trouble ends in a mark and a sentence, and the next
check goes on.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from toy import CENTER_STUB, REFERENCE, Toy

CHECKS = {"center", "center_backward", "count", "noise", "tally"}
ALL_BUT_CENTER = {"count", "noise", "tally"}  # center_backward needs the cache of center


def test_right_code_passes(toy: Toy) -> None:
    graded = toy.grade()
    assert graded.passed == CHECKS
    assert graded.report.score == graded.report.max_score == 12


# --- what a function returns ---


@pytest.mark.parametrize(
    ("returns", "message"),
    [
        ("x - x.mean(axis=0)", "`center` returned a single value, expected 2 values"),
        ("x - x.mean(axis=0), 1, 2", "`center` returned 3 values, expected 2 values"),
        ("(x - x.mean(axis=0),)", "`center` returned 1 value, expected 2 values"),
        ("print()", "`center` returned None, expected 2 values"),
        ("np.stack([x, x])", "`y` has the right shape (4, 3), but 12 of 12 entries are off"),
        ("np.stack([x, x, x])", "`center` returned a single value, expected 2 values"),
        ("print(), None", "`y` is None, expected an array of shape (4, 3), float64"),
        (
            "x.tolist(), 0",
            "`y` has the right shape (4, 3), but 12 of 12 entries are off: largest relative error",
        ),
        (
            "[[1.0], [1.0, 2.0]], 0",
            "`y` is a list of 2 entries, expected an array of shape (4, 3), float64",
        ),
        (
            "[['1'] * 3] * 4, 0",
            "`y` is a list of 4 entries, expected an array of shape (4, 3), float64",
        ),
        ("{'y': x}, 0", "`y` is a dict of 1 entry, expected an array of shape (4, 3), float64"),
        ("np.ravel(x - x.mean(axis=0)), 0", "`y` has shape (12,), expected (4, 3)"),
        ("(x - x.mean(axis=0))[:, :, None], 0", "`y` has shape (4, 3, 1), expected (4, 3)"),
        ("(x - x.mean(axis=0)).astype(int), 0", "`y` holds integers, expected floats"),
        (
            "(x - x.mean(axis=0)).astype(object), 0",
            "`y` is an object of type ndarray of dtype object, expected",
        ),
        ("np.asmatrix(x - x.mean(axis=0)), 0", "`y` is an object of type numpy.matrix, expected"),
        ("np.full_like(x, np.nan), 0", "`y` has 12 NaN of 12 entries, first at [0, 0]"),
        ("np.full_like(x, -np.inf), 0", "`y` has 12 infinite of 12 entries, first at [0, 0]"),
        (
            "x, 0",
            "`y` has the right shape (4, 3), but 12 of 12 entries are off: largest relative error",
        ),
        ("(i for i in range(2))", "`center` returned a single value, expected 2 values"),
        (
            "np.zeros(1 << 26), 0",
            "`center` returned far more than is expected: an array of shape (67108864,), float64",
        ),
        (
            "[0] * 600_000",
            "`center` returned far more than is expected: a container of many values, or a long text",
        ),
    ],
)
def test_wrong_return_is_told(toy: Toy, returns: str, message: str) -> None:
    graded = toy.change(f"def center(x):\n    return {returns}", "center", "count")
    assert graded["center"].status == "fail"
    assert message in graded["center"].cases[0].message
    assert graded["count"].status == "pass"


@pytest.mark.parametrize(
    "definition",
    [
        "def center(x):\n    return [x - x.mean(axis=0), x.shape]",
        "def center(x):\n    return (x - x.mean(axis=0)).astype(np.float32), {'any': object()}",
        "def center(x):\n    return (x - x.mean(axis=0)).tolist(), 0",
        "def center(x):\n    return tuple(map(tuple, x - x.mean(axis=0))), 0",
        "def center(x):\n    return np.asfortranarray(x - x.mean(axis=0)), lambda: 0",
        "class center:\n    def __new__(cls, x):\n        return x - x.mean(axis=0), 0",
    ],
    ids=[
        "a list for a tuple",
        "float32, a dict as cache",
        "lists for an array",
        "tuples for an array",
        "Fortran order, a function as cache",
        "a class",
    ],
)
def test_right_answer_in_another_form_passes(toy: Toy, definition: str) -> None:
    assert toy.change(definition, "center", "center_backward").passed == {
        "center",
        "center_backward",
    }


def test_tuple_of_one_is_not_the_value_itself(toy: Toy) -> None:
    graded = toy.change(
        "def center_backward(dy, cache):\n    return (dy - dy.mean(axis=0),)", "center_backward"
    )
    assert (
        "returned a list or tuple of 1, expected a single value"
        in graded["center_backward"].message
    )


# --- what a function does ---


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return x @ x", "`center` raised ValueError: matmul: "),
        ("return y", "`center` raised NameError: name 'y' is not defined (pack/toy.py, line 34)"),
        (
            "import sys; sys.exit(0)",
            "`center` tried to end the program (sys.exit) (pack/toy.py, line 34)",
        ),
        ("raise KeyboardInterrupt", "`center` raised KeyboardInterrupt (pack/toy.py, line 34)"),
        ("return center(x)", "`center` raised RecursionError: maximum recursion depth exceeded"),
        ("return input('?')", "`center` raised EOFError"),
        (
            "raise type('E' * 9999, (Exception,), {'__str__': lambda e: 1 / 0})",
            "(its message can't be shown)",
        ),
        ("import pytest; pytest.skip('all is well')", "`center` raised Skipped: all is well"),
        (
            "import nothing_of_this_name",
            "`center` raised ModuleNotFoundError: No module named 'nothing_of_this_name'",
        ),
    ],
)
def test_exception_is_told_with_its_place(toy: Toy, body: str, message: str) -> None:
    graded = toy.change(f"def center(x):\n    {body}", "center", "count")
    assert graded["center"].status == "fail"
    assert message in graded["center"].cases[0].message
    assert graded["count"].status == "pass"


def test_the_boxs_own_folder_stands_in_no_message(toy: Toy) -> None:
    told = [
        toy.change(
            "def count(ids, n):\n    import warnings; print(__file__); warnings.warn('odd')\n"
            "    raise ValueError(f'{__file__} is wrong in {__import__(\"os\").getcwd()}')",
            "count",
        )["count"].cases[0]
        for _ in range(2)
    ]
    assert told[0].message == told[1].message
    assert told[0].message.startswith(
        "`count` raised ValueError: pack/toy.py is wrong in . (pack/toy.py, line "
    )
    assert told[0].trace == told[1].trace


def test_trace_shows_the_students_lines_and_none_of_ours(toy: Toy) -> None:
    trace = toy.change(
        "def center(x):\n    return helper(x)\ndef helper(x):\n    return 1 / 0", "center"
    )["center"]
    assert trace.cases[0].trace == (
        "pack/toy.py, line 34, in center\n    return helper(x)\n"
        "pack/toy.py, line 36, in helper\n    return 1 / 0\nZeroDivisionError: division by zero"
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("while True: pass", "`center` was still running after the limit of 3 seconds"),
        ("import time; time.sleep(60)", "`center` was still running after the limit of 3 seconds"),
        (
            "import os; os._exit(0)",
            "`center` ended its process: exit code 0, as os._exit would give",
        ),
        (
            "import ctypes; ctypes.string_at(0)",
            "`center` ended its process: a segmentation fault (SIGSEGV)",
        ),
        ("import os; os.abort()", "`center` ended its process: an abort (SIGABRT)"),
        ("import os; os.close(int(__import__('sys').argv[1]))", "`center` ended its process: "),
        (
            "import os; os.write(int(__import__('sys').argv[1]), b'pass' * 9)",
            "`center` disturbed the connection",
        ),
    ],
)
def test_hang_or_death_costs_its_check_and_no_other(toy: Toy, body: str, message: str) -> None:
    given = toy.hasty if "still running" in message else toy.plain
    graded = given.change(f"def center(x):\n    {body}", "center", "count")
    first, *others = graded["center"].cases
    assert (graded["center"].status, graded["center"].points) == ("fail", 0)
    assert message in first.message
    assert all(
        case.message.startswith("not run, since an earlier case ended so: ") for case in others
    )
    assert graded["count"].status == "pass"


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> str:
    """Code that ends its process as a kill from outside does: a box can't send itself SIGKILL."""
    monkeypatch.setattr("grader.checking.run.remote.KILLED", -15)
    return "os.kill(os.getpid(), 15)"


def test_kill_that_no_limit_explains_comes_from_outside_and_costs_nothing(
    toy: Toy, tmp_path: Path, kill: str
) -> None:
    mark = tmp_path / "killed"
    once = f"import os; os.path.exists({str(mark)!r}) or (open({str(mark)!r}, 'w'), {kill})"
    graded = toy.plain.change(
        f"def center(x):\n    {once}\n    return x - x.mean(axis=0), None", "center", "count"
    )
    assert mark.exists()
    assert graded.passed == {"center", "count"}


def test_kill_that_comes_twice_is_our_fault_and_no_mark(toy: Toy, kill: str) -> None:
    graded = toy.change(f"def center(x):\n    import os; {kill}", "center", "count")
    assert {case.status.value for case in graded["center"].cases} == {"error"}
    assert "SIGTERM, twice, and none of our limits did that" in graded["center"].message
    assert graded["count"].status == "pass"


def test_kill_while_a_module_is_imported_is_no_mark_either(toy: Toy, kill: str) -> None:
    graded = toy.change(f"import os; {kill}", "center", "count")
    assert graded.statuses == {"center": "error", "count": "error"}


def test_thread_that_prints_for_ever_disturbs_nothing(toy: Toy) -> None:
    graded = toy.change(
        "import threading\n"
        "def chat():\n    while True: print('x' * 1000)\n"
        "threading.Thread(target=chat, daemon=True).start()"
    )
    assert graded.passed == CHECKS


def test_changed_argument_is_noted_and_costs_nothing(toy: Toy) -> None:
    graded = toy.change("def center(x):\n    x -= x.mean(axis=0)\n    return x, None", "center")
    assert graded["center"].status == "pass"
    assert graded["center"].cases[0].notes == ("`center` changed its argument 1 in place",)


def test_global_state_left_behind_does_not_reach_the_next_case(toy: Toy) -> None:
    spoiler = "def center(x):\n    np.random.seed(5); np.random.randn(7)\n    return x - x.mean(axis=0), 0"
    assert toy.change(spoiler, "center", "noise").passed == {"center", "noise"}


def test_prints_are_kept_up_to_a_cap(toy: Toy) -> None:
    graded = toy.change(
        "def center(x):\n    print('here')\n    return x - x.mean(axis=0), 0\n"
        "def count(ids, n):\n    print('y' * 5_000_000)\n    return np.bincount(ids, minlength=n)",
        *("center", "count"),
    )
    assert graded.passed == {"center", "count"}
    output = graded["count"].cases[0].output
    assert len(output) < 21_000
    if output:  # on the hidden seed prints are not shown at all
        assert "4980001 more characters were not kept" in output


# --- stubs ---


def test_stub_fails_and_what_needs_it_keeps_its_points(toy: Toy) -> None:
    graded = toy.change(CENTER_STUB)
    assert graded["center"].message == "`center` is not implemented yet"
    assert graded["center_backward"].points == graded["center_backward"].max_points
    assert graded.report.score == graded.report.max_score - graded["center"].max_points


def test_method_that_is_a_stub_is_named(toy: Toy) -> None:
    graded = toy.grade(
        REFERENCE.replace(
            "        return total", "        raise NotImplementedError\n        return total"
        )
    )
    assert graded["tally"].message == "`Tally.add` is not implemented yet"


@pytest.mark.parametrize(
    "stub",
    [
        "def center(x):\n    pass",
        "def center(x):\n    return None",
        "def center(x):\n    return None, None",
        'def center(x):\n    """Centre."""\n    y, cache = None, None\n    # your code\n    pass\n    return y, cache',
        "def center(x):\n    y = None\n    cache = None\n    pass\n    return y, cache",
        "def center(x):\n    y = 7 * np.ones(x.shape)\n    N, D = x.shape\n    return y, {}",
        "def center(x):\n    loss, grads = 0.0, {}\n    return loss, grads",
    ],
)
def test_stub_that_returns_constants_is_not_implemented_yet(toy: Toy, stub: str) -> None:
    graded = toy.change(stub, "center", "center_backward")
    assert {case.message for case in graded["center"].cases} == {"`center` is not implemented yet"}
    assert graded["center_backward"].points == graded["center_backward"].max_points


@pytest.mark.parametrize(
    "attempt",
    [
        "def center(x):\n    y = None\n    y = x * 0\n    return y, None",
        "def center(x):\n    y = np.zeros(x.shape)\n    y[:, 0] = 0 * x[:, 0]\n    return y, None",
        "def center(x):\n    y = np.zeros(x.shape)\n    np.add(y, 0 * x, out=y)\n    return y, None",
        "def center(x):\n    y = np.zeros(x.shape)\n    y += 0 * x\n    return y, None",
        "def center(x):\n    return x - x, 0",
        "def center(x):\n    y = 7 * np.ones(x.shape)\n    for row in x:\n        mean = row.sum()\n    return y, {}",
        "def center(x):\n    y = []\n    for row in x[:0]:\n        y.append(row)\n    return y, 0",
    ],
)
def test_attempt_whose_values_happen_to_be_empty_is_no_stub(toy: Toy, attempt: str) -> None:
    assert "not implemented" not in toy.change(attempt, "center")["center"].message


def test_missing_function_is_told(toy: Toy) -> None:
    graded = toy.grade(REFERENCE.replace("def count(", "def counts("))
    assert graded.passed == CHECKS - {"count"}
    assert "has no attribute 'count'" in graded["count"].message


# --- modules that do not import ---


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "print 'hello'",
            "SyntaxError: Missing parentheses in call to 'print'. Did you mean print(...)?",
        ),
        (
            "if True:\n\tx = 1\n        y = 2\n",
            "TabError: inconsistent use of tabs and spaces in indentation",
        ),
        (
            "import torchvision_of_mine",
            "ModuleNotFoundError: No module named 'torchvision_of_mine'",
        ),
        (
            "from .given import nothing",
            "ImportError: cannot import name 'nothing' from 'pack.given'",
        ),
        ("import numpy as np\nx = np.int(3)", "`x = np.int(3)` raised AttributeError: module 'num"),
        ("for i in xrange(3): pass", "NameError: name 'xrange' is not defined"),
        ("import sys\nsys.exit()", "`sys.exit()` raised SystemExit. It was passed over"),
        ("while True: pass", "`while True: pass` did not end in the time of an import"),
        ("import os\nos._exit(0)", "`os._exit(0)` ended the process. It was passed over, and"),
        ("import ctypes\nctypes.string_at(0)", "`ctypes.string_at(0)` ended the process."),
        ("import os\nos.abort()", "`os.abort()` ended the process."),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else None,
)
def test_statement_that_can_not_be_used_is_told_and_costs_nothing(
    toy: Toy, code: str | bytes, message: str
) -> None:
    given = toy.hasty if "did not end" in message else toy
    data = code.encode() if isinstance(code, str) else code
    graded = given.grade(data + b"\n" + REFERENCE.encode(), "center", "count")
    assert graded.passed == {"center", "count"}
    (note,) = graded.report.notes
    assert message in note
    (look,) = graded.report.look
    assert look.startswith("pack/toy.py does not load as it was handed in: see line")


ENDS = "import os\n\n\nos._exit(0)\n"


def at(line: int) -> str:
    return f"(pack/toy.py, line {line})"


@pytest.mark.parametrize("tier", ["strongest", "plain"])
def test_statement_that_ends_the_process_costs_what_it_defines(toy: Toy, tier: str) -> None:
    code = REFERENCE.replace("def count(ids, n):", "@lambda _: os._exit(0)\ndef count(ids, n):")
    given = toy if tier == "strongest" else toy.plain
    graded = given.grade(f"import os\n{code}")
    assert graded.passed == CHECKS - {"count"}
    line = REFERENCE.split("\n").index("def count(ids, n):") + 2
    said = f"importing `pack.toy` ended its process: exit code 0, as os._exit would give {at(line)}"
    assert graded["count"].message == said


def test_name_that_is_lacking_is_told_of_the_statement_that_ended_the_process(toy: Toy) -> None:
    code = f"import os\nSIZE = os._exit(1)\n{REFERENCE}".replace("minlength=n", "minlength=SIZE")
    graded = toy.grade(code)
    assert graded.passed == CHECKS - {"count"}
    said = f"importing `pack.toy` ended its process: exit code 1, as os._exit would give {at(2)}"
    assert graded["count"].message == said


def test_name_that_lacks_in_one_case_costs_that_case(toy: Toy) -> None:
    """The function itself is there, so its other cases run."""
    code = f"import os\nSIZE = os._exit(1)\n{REFERENCE}".replace(
        "def center(x):", "def center(x):\n    if x.shape[0] == 1:\n        SIZE"
    )
    graded = toy.grade(code, "center")
    assert {case.status.value for case in graded["center"].cases} == {"pass", "fail"}


@pytest.mark.parametrize("ends", [1, 2])
def test_notebook_runs_though_a_module_ends_its_process(toy: Toy, ends: int) -> None:
    code = f"import os\n{REFERENCE}" + f"\n\nos._exit({ends})" * ends
    graded = toy.grade(code, "notebook")
    assert graded.passed == {"notebook"}
    assert sum("`os._exit(" in note for note in graded.report.notes) == ends


def test_import_within_a_try_goes_on_behind_what_ended_the_process(toy: Toy) -> None:
    code = f"try:\n    import pack.toy\nexcept ImportError:\n    pass\n{ENDS}{REFERENCE}"
    assert toy.grade(code, "center", "count").passed == {"center", "count"}


def test_function_that_can_not_be_read_fails_alone(toy: Toy) -> None:
    code = REFERENCE.replace("def count(ids, n):", "def count(ids, n)")
    assert code != REFERENCE
    graded = toy.grade(code)
    assert graded.passed == CHECKS - {"count"}
    line = code.split("\n").index("def count(ids, n)") + 1
    said = f"`count` raised SyntaxError: expected ':' (pack/toy.py, line {line})"
    assert graded["count"].message == said


def test_argument_that_has_no_influence_is_told(toy: Toy) -> None:
    code = "def count(ids, n):\n    return np.array([3, 1, 4, 1, 5, 9]) * (n + 1)\n"
    hint = "`count` computes nothing from `ids`: should what it returns depend on that?"
    assert toy.change(code, "count")["count"].hint == hint


def test_what_needs_an_import_that_failed_is_told_of_the_import(toy: Toy) -> None:
    code = "from nowhere import helper\n" + REFERENCE.replace(
        "def count(ids, n):", "def count(ids, n):\n    helper(ids)"
    )
    graded = toy.grade(code)
    assert graded.passed == CHECKS - {"count"}
    said = "`count` raised ModuleNotFoundError: No module named 'nowhere' (pack/toy.py, line 1)"
    assert graded["count"].message == said


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def cen ter(x):\n    return x", "SyntaxError"),
        ("import os\nos._exit(3)", "importing `pack.toy` ended its process: exit code 3"),
        (
            "import os\n" + "os._exit(3)\n" * 4,
            "importing `pack.toy` ended its process: exit code 3",
        ),
    ],
)
def test_module_with_nothing_to_use_fails_every_check(toy: Toy, code: str, message: str) -> None:
    graded = toy.grade(code, "center", "count")
    assert set(graded.statuses.values()) == {"fail"}
    assert message in graded["center"].message
    assert message in graded["count"].message
    assert graded.report.score == 0


def test_byte_order_mark_and_windows_line_ends_do_no_harm(toy: Toy) -> None:
    code = b"\xef\xbb\xbf" + REFERENCE.replace("\n", "\r\n").encode()
    assert toy.grade(code).passed == CHECKS


def test_latin_1_does_no_harm(toy: Toy) -> None:
    assert toy.grade("# Zoë's and José's\n".encode("latin-1") + REFERENCE.encode()).passed == CHECKS


def test_missing_file_fails_its_checks(toy: Toy) -> None:
    graded = toy.grade(b"", "center")
    assert "has no attribute 'center'" in graded["center"].message


def test_cache_may_be_an_array_of_objects(toy: Toy) -> None:
    graded = toy.change(
        "def center(x):\n    cache = np.empty(2, dtype=object)\n    cache[0], cache[1] = x, x.shape\n"
        "    return x - x.mean(axis=0), cache\n",
        "center",
        "center_backward",
    )
    assert graded.passed == {"center", "center_backward"}


def test_list_where_one_value_is_due_is_called_a_list(toy: Toy) -> None:
    graded = toy.change("def count(ids, n):\n    return [0] * (n + 1)\n", "count")
    assert (
        "`count` returned a list or tuple of 6, expected a single value" in graded["count"].message
    )


# --- what a module changes of the process when it is imported ---


@pytest.mark.parametrize(
    "change",
    [
        "np.sum = 0; np.linalg = None; np.pi = 3; del np.array",
        "np.mean = np.stack = [1]",
        "vars(np).update(sum=0, array=None)",
        "[setattr(np, name, None) for name in ('sum', 'array')]",
        "import builtins; builtins.sum = 0",
        "import math; math.sqrt = math.exp = 3",
        "np.seterr(all='raise'); NEEDED = np.float64(1e-300) if 1 else 0",
        "import warnings; warnings.simplefilter('error')",
        "import os; os.mkdir('here'); os.chdir('here')",
        "import os; os.remove('pack/__init__.py')",
        "import sys; sys.stdout = sys.stderr = None",
        "import sys; sys.path.clear(); sys.setrecursionlimit(90)",
        "np.set_printoptions(precision=1); np.random.seed(3)",
    ],
)
def test_what_a_module_changes_of_the_process_costs_nothing(toy: Toy, change: str) -> None:
    graded = toy.grade(REFERENCE.replace("import numpy as np\n", f"import numpy as np\n{change}\n"))
    assert graded.passed == CHECKS, [check.message for check in graded.report.checks]


def test_a_call_that_raises_under_changed_settings_is_made_once_more(toy: Toy) -> None:
    """Code that counts on its settings has them; other code does without them."""
    raising = REFERENCE.replace(
        "import numpy as np\n", "import numpy as np\nnp.seterr(all='raise')\n"
    )
    counting = raising.replace(
        "def count(",
        "def count(*args):\n    try:\n        np.float64(1) / 0\n    except FloatingPointError:\n        return _count(*args)\n    return None\n\n\ndef _count(",
    )
    assert toy.grade(counting).passed == CHECKS
    hit = raising.replace(
        "def center(",
        "def center(*args):\n    np.float64(1) / 0\n    return _center(*args)\n\n\ndef _center(",
    )
    assert toy.grade(hit).passed == CHECKS
