"""The gradebook and the class page: right, harmless, and quick for a large class."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from browsers import needs_browser

from grader.classroom.download.students import Entry
from grader.classroom.marks import class_page, gradebook
from grader.classroom.marks.course_marks import Rules, compute
from grader.classroom.marks.gradebook import Line
from grader.classroom.run.results import CheckHead, CheckRow, ClassFile, SubmissionOutcome
from grader.model import Status

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)>\x1b[31m\u202e'
FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    " =1+1",
    "\r=1",
    "\x00=1",
    "|calc",
    "＝1+1",
    "=cmd|' /C calc'!A0",
)


def class_of(lines: list[Line]) -> ClassFile:
    return ClassFile(
        schema=1, name="mini", title=f"Two {HOSTILE}", version="1", layout="folders",
        checks=(CheckHead("double", "q1", 6), CheckHead("shift", "q1", 4)),
        entries=tuple(line.entry for line in lines),
    )  # fmt: skip


def line(
    student: str,
    double: float,
    shift: float,
    *,
    name: str = "",
    mistake: str = "",
    prints: str = "",
) -> Line:
    checks = []
    for id_, points, most in (("double", double, 6.0), ("shift", shift, 4.0)):
        if points == most:
            checks.append(CheckRow(id_, points, most, Status.PASS))
        else:
            said = f"wrong {name}"
            checks.append(
                CheckRow(
                    id_,
                    points,
                    most,
                    Status.FAIL,
                    mistake=mistake,
                    headline=said,
                    fingerprint=prints,
                )
            )
    entry = Entry(student=student, folder=f"f-{student[-4:]}", name=name, paths=("x",))
    marks = compute([check.marks for check in checks], Rules())
    return Line(
        entry=entry,
        outcome=SubmissionOutcome.GRADED,
        checks=tuple(checks),
        marks=marks,
        seconds=0.5,
    )


# --- the gradebook --------------------------------------------------------------------------------


def cells(lines: list[Line]) -> list[dict[str, str]]:
    data = gradebook.render(class_of(lines), lines).decode()
    return list(csv.DictReader(io.StringIO(data, newline="")))


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_begins_a_formula(text: str) -> None:
    refused = Line(
        entry=Entry(student=text, folder="f", name=text, email=text),
        outcome=SubmissionOutcome.REFUSED,
        message=text,
    )
    for cell in cells([refused])[0].values():
        assert not cell.lstrip().startswith(("=", "+", "-", "@", "|", "＝"))


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.parametrize("before", ["Ann;", 'Ann"; ', "a;b;", ";"])
def test_no_part_between_semicolons_begins_a_formula(before: str, text: str) -> None:
    told = f"{before}{text}"
    refused = Line(
        entry=Entry(student=told, folder="f", name=told, email=told),
        outcome=SubmissionOutcome.REFUSED,
        message=told,
    )
    row = gradebook.render(class_of([refused]), [refused]).decode().splitlines()[1]
    for cell in row.split(";"):  # as a spreadsheet splits it that knows of no commas
        assert not cell.lstrip(' "').startswith(("=", "+", "-", "@", "|", "＝"))


def test_words_between_semicolons_stay_as_they_are() -> None:
    assert gradebook.text("late; 2 answers in words; a=b") == "late; 2 answers in words; a=b"


def test_numbers_stay_numbers() -> None:
    (row,) = cells([line("s1", 6, 1.005)])
    assert (row["double"], row["shift"], row["score"], row["max_score"]) == ("6", "1", "7", "10")
    assert gradebook.number(-0.0) == "0"
    assert gradebook.number(1 / 3) == "0.33"
    assert gradebook.number(100) == "100"


def test_the_same_class_gives_the_same_bytes() -> None:
    lines = [line("s1", 6, 4), line("s2", 0, 4)]
    assert gradebook.render(class_of(lines), lines) == gradebook.render(class_of(lines), lines)


# --- the class page -------------------------------------------------------------------------------


def test_the_page_holds_nothing_that_a_student_can_make_act() -> None:
    lines = [line(HOSTILE, 0, 0, name=HOSTILE, mistake=HOSTILE), line("s2", 0, 4, name=HOSTILE)]
    text = class_page.render(class_of(lines), lines)
    assert text.count("<script>") == 1
    assert "<img" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert 'http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;' in text


def test_what_the_class_did_stands_on_the_page() -> None:
    lines = [
        line("s1", 6, 4),
        line("s2", 0, 4, mistake="doubled twice"),
        line("s3", 0, 0, mistake="doubled twice"),
    ]
    built = class_page.build(class_of(lines), lines)
    assert built.counts == [("passed", 1), ("failed", 2)]
    assert (built.mean, built.median) == pytest.approx((14 / 3, 4))
    assert [bin_.count for bin_ in built.bins] == [1, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    double, shift = built.checks
    assert (double.passed, double.failed, double.mistakes) == (1, 2, [("doubled twice", 2)])
    assert (shift.failed, shift.mean) == (1, pytest.approx(8 / 3))


def test_unusual_numbers_that_two_share_are_shown_and_common_ones_are_not() -> None:
    lines = [line(f"s{n}", 0, 4, prints="common") for n in range(40)]
    lines += [line(f"t{n}", 0, 4, prints="rare") for n in range(2)] + [
        line("u", 0, 4, prints="alone")
    ]
    (shared,) = class_page.build(class_of(lines), lines).shared
    assert [student.line.entry.student for student in shared.students] == ["t0", "t1"]


def test_a_cell_that_stopped_is_one_cause_and_no_message_of_ten_checks() -> None:
    cell = f"cell [3] (`def broken(: {HOSTILE}`)"

    def stopped(student: str) -> Line:
        checks = [
            CheckRow(id_, 0, most, Status.FAIL, headline=f"`{id_}` is lost", stopped=cell)
            for id_, most in (("double", 6.0), ("shift", 4.0))
        ]
        return msgspec.structs.replace(line(student, 6, 4), checks=tuple(checks))

    lines = [stopped("s1"), stopped("s2"), line("s3", 6, 1, name="numbers")]
    page = class_page.build(class_of(lines), lines)
    assert [(one.submissions, [*one.checks]) for one in page.stopped] == [(2, ["double", "shift"])]
    assert [check.failed for check in page.checks] == [2, 3]
    assert [list(check.messages) for check in page.checks] == [[], [("wrong numbers", 1)]]
    text = class_page.render(class_of(lines), lines)
    assert text.count("def broken") == 1
    assert "<script>alert" not in text


def test_equal_unusual_numbers_are_shown_although_a_hint_was_given() -> None:
    lines = [line(f"t{n}", 0, 4, mistake="known", prints="rare") for n in range(2)]
    (shared,) = class_page.build(class_of(lines), lines).shared
    assert [student.line.entry.student for student in shared.students] == ["t0", "t1"]


def refused(student: str, message: str) -> Line:
    return Line(
        entry=Entry(student=student, folder=student, paths=("x",)),
        outcome=SubmissionOutcome.REFUSED,
        message=message,
    )


def test_what_needs_a_look_gives_its_reason_and_names_as_code() -> None:
    text = class_page.render(class_of([]), [refused("s1", "it holds no `mini.py`.")], ["bob"])
    assert '<a href="s1/refused.txt">s1</a>: it holds no <code>mini.py</code></li>' in text
    assert "not in the class any more, and their folders are still there: <code>bob</code>" in text
    assert '<a href="gradebook.csv">' in text


def test_long_notes_open_from_their_beginning() -> None:
    (student,) = class_page.build(
        class_of([]), [refused("s1", "many words " * 7 + "`a name in the middle` and on " * 3)]
    ).students
    assert student.brief == "many words " * 6 + "many words …"
    assert class_page.build(class_of([]), [refused("s1", "short")]).students[0].brief == ""


def shown(tab) -> list[str]:
    return tab.eval_on_selector_all(
        "#students tbody tr:not([hidden]) td:first-child", "cells => cells.map(c => c.innerText)"
    )


@needs_browser
def test_two_thousand_students_are_sorted_and_filtered(browser, tmp_path: Path) -> None:
    lines = [line(f"s{n:04}", 6 * (n % 2), n % 5, name=f"Name{n}") for n in range(2000)]
    (tmp_path / "index.html").write_text(class_page.render(class_of(lines), lines))
    assert (tmp_path / "index.html").stat().st_size < 2_000_000
    tab = browser.new_page()
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.goto((tmp_path / "index.html").as_uri())
    assert len(shown(tab)) == 2000
    tab.fill("#search", "name19 s19")
    assert shown(tab) == [f"s19{n:02}" for n in range(100)]
    tab.select_option("#check", "double")
    assert shown(tab) == [f"s19{n:02}" for n in range(0, 100, 2)]
    tab.click("th button:text('Score')")
    tab.click("th button:text('Score')")
    assert shown(tab)[0] == "s1904"  # of those that miss `double`, the best
    assert tab.inner_text("#shown") == "50 of 2000 students"
    assert said == []
    tab.close()


@needs_browser
def test_without_its_script_the_page_is_complete(browser, tmp_path: Path) -> None:
    lines = [line("s2", 6, 4), line("s1", 0, 4)]
    (tmp_path / "index.html").write_text(class_page.render(class_of(lines), lines))
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto((tmp_path / "index.html").as_uri())
    assert shown(tab) == ["s2", "s1"]
    assert not tab.is_visible(".filters")
    context.close()


@needs_browser
def test_on_a_phone_nothing_of_the_students_is_cut_off(browser, tmp_path: Path) -> None:
    long = "it holds none of the files that are graded, " * 4
    lines = [line("s1", 6, 0, name="A Rather Long Name Of Somebody"), refused("s2", long)]
    (tmp_path / "index.html").write_text(class_page.render(class_of(lines), lines))
    tab = browser.new_page(viewport={"width": 400, "height": 800})
    tab.goto((tmp_path / "index.html").as_uri())
    box = "document.querySelector('#students').parentElement"
    assert tab.evaluate(f"{box}.scrollWidth <= {box}.clientWidth")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400
    assert (
        tab.evaluate(
            "Math.max(...[...document.querySelectorAll('#students tbody tr')].map(r => r.offsetHeight))"
        )
        < 130
    )
    tab.click("#students summary")
    assert long.strip() in tab.inner_text("#students tbody tr:nth-child(2)")
    tab.close()


# --- memory ---------------------------------------------------------------------------------------

COORDINATOR = """
import resource, sys
from concurrent.futures import Future
from pathlib import Path
sys.path[:0] = [{tests!r}]
from here import Here
from grader.assignment.spec import load
from grader.classroom.marks import class_summary
from grader.classroom.run import batch, results, run_types, worker
from grader.classroom.run.result_store import Store
import msgspec

CHECK = results.CheckRow("double", 6.0, 6.0, "pass", headline="x" * 80)
FILES = {{"report.html": b"x" * 200_000, "report.json": b"{{}}", "student.html": b"x" * 200_000}}

class Fake(Here):
    capacity = 2
    def submit(self, fn, message):
        msgspec.msgpack.decode(message, type=worker.Task)
        future = Future()
        future.set_result(msgspec.msgpack.encode(worker.Done(files=FILES, checks=(CHECK,) * 16, seconds=0.5)))
        return future

assignment, submissions, out = load(Path({assignment!r})), Path({submissions!r}), Path({out!r})
batch.Batch(assignment, run_types.BatchOptions(submissions=submissions, out=out), lambda e: None).run(lambda work: Fake())
class_summary.write(Store(out), out / "overrides.toml")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="measured through resource")
def test_memory_of_the_coordinator_is_flat(assignment, tmp_path: Path) -> None:
    peaks = []
    for count in (20, 120):
        root = tmp_path / str(count)
        for number in range(count):
            (root / "submissions" / f"s{number:04}").mkdir(parents=True)
            (root / "submissions" / f"s{number:04}" / "mini.py").write_text(
                f"# {number}\n" + "x = 1\n" * 2000
            )
        script = COORDINATOR.format(
            tests=str(Path(__file__).parent), assignment=str(assignment.folder),
            submissions=str(root / "submissions"), out=str(root / "out"),
        )  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout))
    # A hundred results take 40 MB. 50 MB are allowed for 1,800 more submissions, which is 3 MB for
    # these, and Python's own allocation is uneven by some.
    assert peaks[1] - peaks[0] < 6, peaks
