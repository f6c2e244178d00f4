"""What students read on the public seed: lines that repeat a case, a diff of printed text, expected
values, asserts.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

from toy import Graded, Toy, build

from grader.authoring import record
from grader.report.audience import Audience
from grader.report.html_report import render

SPEC = """
schema = 1
name = "again"
title = "Again"
reference = "reference"

[[questions]]
id = "q"
title = "Q"

[[files]]
path = "pack/toy.py"
provides = ["double", "make", "use", "greet", "apply", "count"]
"""

REFERENCE = """
import numpy as np


def double(x):
    return 2 * x


def make(n):
    return 1, {"n": n, "f": lambda: n}


def use(y, cache, by=1):
    return y + cache["n"] * by


def greet(name):
    print("Hello,", name)
    print("Bye")


def apply(f, x):
    return f(x)


def count(file):
    with open(file) as lines:
        return len(lines.read()) + len(input())
"""

BODIES = {
    'expect("y", student.double(rng.standard_normal((2, 3))))': "",
    'y, cache = student.make(3)\nexpect("y", student.use(y, cache, by=2))': "",
    'student.greet("Ada")\nexpect.printed()': "",
    'expect("y", student.apply(lambda x: x + 1, 1))': "",
    'expect("y", student.double(np.arange(3.0)))': "show_expected = true\n",
    "assert student.double(4) == 8": "",
    'student.files["a.txt"] = "some text"\nexpect("n", student.count("a.txt", stdin="Ada\\n"))': "",
}
WRONG = """
def double(x):
    return 3 * x


def use(y, cache, by=1):
    return y


def greet(name):
    print("Hello,", name)
    print("Good bye", name)


def apply(f, x):
    return 0


def count(file):
    return open(file).read() + input()
"""


def recorded(folder: Path) -> Toy:
    """Return the recorded assignment."""
    spec, checks = SPEC, "import numpy as np\n"
    for number, (body, more) in enumerate(BODIES.items()):
        spec += f'\n[[checks]]\nid = "c{number}"\nquestion = "q"\npoints = 1\n{more}'
        checks += f'\n\ndef test_c{number}(student, expect, rng):\n    """C."""\n{textwrap.indent(body, "    ")}\n'
    made = build(folder / "assignment", spec=spec, checks=checks, reference=REFERENCE)
    record.record(made, reseed=False, again=False, progress=lambda line: None)
    return Toy(made, folder / "submissions")


def practised(toy: Toy, code: str) -> Graded:
    """Grade on the public seed, as practice does."""
    toy.assignment.expectations_path("hidden").unlink(missing_ok=True)
    return toy.grade(code)


def test_lines_repeat_a_case_in_a_plain_session(tmp_path: Path) -> None:
    toy = recorded(tmp_path)
    graded = practised(toy, REFERENCE + WRONG)
    folder = toy.submission(REFERENCE + WRONG)
    (folder / "pack" / "__init__.py").write_text("")
    for id_ in ("c0", "c1", "c2"):
        lines = graded[id_].cases[0].again
        assert lines.startswith("from pack.toy import "), id_
        done = subprocess.run(
            [sys.executable, "-c", lines], cwd=folder, capture_output=True, text=True, check=True
        )
        assert done.stdout
    assert "use(result_1[0], result_1[1], by=2)" in graded["c1"].cases[
        0
    ].again or "use(1, result_1[1], by=2)" in (graded["c1"].cases[0].again)
    lines = graded["c6"].cases[0].again
    assert "# answer its input() with 'Ada'\nresult_1 = count('a.txt')" in lines
    done = subprocess.run(
        [sys.executable, "-c", lines],
        cwd=folder,
        input="Ada\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "some textAda\n"
    # the check's own function is not in the student's folder
    assert graded["c3"].cases[0].again == ""
    page = render(graded.report, audience=Audience.STUDENT)
    assert "Try it again in a Python session" in page


def test_printed_text_is_shown_line_by_line(tmp_path: Path) -> None:
    case = practised(recorded(tmp_path), REFERENCE + WRONG)["c2"].cases[0]
    assert "line 2 should be 'Bye', got 'Good bye Ada'" in case.message
    assert case.values[0].shown.splitlines()[2:] == [
        "@@ -1,2 +1,2 @@",
        " Hello, Ada",
        "-Bye",
        "+Good bye Ada",
    ]


def test_expected_values_are_shown_if_the_author_says_so(tmp_path: Path) -> None:
    graded = practised(recorded(tmp_path), REFERENCE + WRONG)
    assert graded["c4"].cases[0].values[0].shown == "expected: [0. 2. 4.]\ngot:      [0. 3. 6.]"
    assert graded["c0"].cases[0].values[0].shown == ""
    assert graded["c5"].message.endswith("assert 12 == 8")


def test_nothing_of_it_is_shown_on_the_hidden_seed(tmp_path: Path) -> None:
    graded = recorded(tmp_path).grade(REFERENCE + WRONG)
    for check in graded.report.checks:
        for case in check.cases:
            assert case.again == ""
            assert all(value.shown == "" for value in case.values)
    assert "Bye" not in graded["c2"].message
    assert "12" not in graded["c5"].message
