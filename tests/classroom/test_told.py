"""What goes back to students, what stays with the instructor, and what an export says of whom it
leaves out.
"""

from __future__ import annotations

import csv
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import bulk
import mini
import pytest

from grader.assignment.spec import Assignment
from grader.classroom.download import lms_filenames
from grader.classroom.marks import course_marks
from grader.classroom.marks.course_marks import Adjustment, CheckPoints, Inline, Rules, compute
from grader.model import Status

HIDDEN = mini.SPEC.replace('id = "shift"', 'id = "shift"\nvisibility = "hidden"')
WORKSHEET = "Identifier,Full name,Email address,Status,Grade,Maximum grade,Feedback comments\n"
PRIVATE = ("overrides.toml", "roster", "to be read", "look whose", "between us", "shift")


@pytest.fixture(scope="session")
def secretive(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    """The mini assignment with one hidden check."""
    return mini.build(tmp_path_factory.mktemp("secretive") / "assignment", HIDDEN)


@pytest.fixture
def graded(command: Callable, secretive: Assignment, tmp_path: Path) -> Path:
    """A class from Canvas that holds something that no student should read in every row."""
    words = {"Words.ipynb": mini.notebook("Because.")}
    for name, files in {
        "doejane_LATE_1001_51": {**mini.KINDS["left"].files, **words},
        "stranger_1009_52": mini.KINDS["left"].files,
        "poeal_1003_53": mini.KINDS["nothing-wanted"].files,
    }.items():
        mini.write(tmp_path / "d", {f"{name}_hw.zip": mini.zipped(files)})
    (tmp_path / "roster.csv").write_text(
        "id,name,email\ns1,Jane Doe,jd@x\ns3,Al Poe,ap@x\ns4,Di Loe,dl@x\n"
    )
    mini.write(tmp_path / "out", {
        "overrides.toml": '[[adjust]]\nstudent = "s1"\ncheck = "shift"\nadd = 1\nreason = "unclear"\n'
        'note = "between us"\n'
    })  # fmt: skip
    run = command("batch", tmp_path / "d", "--roster", tmp_path / "roster.csv", "--out", tmp_path / "out",
                  "--assignment", secretive.folder, "--isolation", "none")  # fmt: skip
    assert run.code == 1, run.err
    assert "1 not on the roster" in run.out
    return tmp_path / "out"


def test_feedback_in_moodle_holds_nothing_that_is_for_the_instructor(
    command: Callable, graded: Path, tmp_path: Path
) -> None:
    text = WORKSHEET + "".join(f"{id_},,,,,12,\n" for id_ in ("s1", "1009", "s3", "s4"))
    (tmp_path / "sheet.csv").write_text(text)
    target = tmp_path / "moodle.csv"
    run = command(
        "export", "moodle", "--from", graded, "--gradebook", tmp_path / "sheet.csv", "--out", target
    )
    assert run.code == 0, run.err
    with target.open(newline="") as file:
        feedback = {row["Identifier"]: row["Feedback comments"] for row in csv.DictReader(file)}
    assert feedback["s1"].startswith(
        "not passed: hidden_1; `hidden_1`: +1 points by the instructor: unclear; 1 day late"
    )
    assert feedback["1009"] == "not passed: hidden_1"
    assert (
        command(
            "export", "moodle-xml", "--from", graded, "--column", "hw", "--out", tmp_path / "m.xml"
        ).code
        == 0
    )
    pages = [page.read_text() for page in graded.glob("*/student.html")]
    for told in (*feedback.values(), (tmp_path / "m.xml").read_text(), *pages):
        assert not [word for word in PRIVATE if word in told.replace("np.roll", "")]


def test_the_instructor_reads_all_of_it(graded: Path) -> None:
    notes = {row["id"]: row["notes"] for row in bulk.read(graded / "gradebook.csv")}
    for part in ("`shift`: +1", "between us", "overrides.toml", "1 answer in words to be read"):
        assert part in notes["s1"]
    assert "not on the roster" in notes["1009"]
    assert "not on the roster" in (graded / "index.html").read_text()


def test_an_export_says_whose_marks_it_leaves_out(
    command: Callable, graded: Path, tmp_path: Path
) -> None:
    (tmp_path / "own.csv").write_text(
        "Student,ID,SIS User ID,Two functions (7)\nJane Doe,1001,s1,\n"
    )
    target = tmp_path / "canvas.csv"
    run = command(
        "export", "canvas", "--from", graded, "--gradebook", tmp_path / "own.csv", "--out", target
    )
    assert run.code == 0, run.err
    assert run.out.splitlines() == [
        str(target), "1 mark", f"not in {tmp_path / 'own.csv'}: 1009, s3", "no mark, nothing was handed in: s4",
        "with answers that wait to be read: s1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "arguments", [("moodle-xml", "--column", "hw"), ("nbgrader",), ("canvas", "--column", "A (1)")]
)
def test_every_export_of_marks_counts_them(
    command: Callable, graded: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    run = command("export", *arguments, "--from", graded, "--out", tmp_path / "file")
    assert run.out.splitlines()[1:] == [
        "3 marks", "no mark, nothing was handed in: s4", "with answers that wait to be read: s1"
    ]  # fmt: skip


def test_pages_for_students_go_back_under_the_names_that_canvas_knows(
    command: Callable, graded: Path, tmp_path: Path
) -> None:
    run = command("export", "feedback", "--from", graded, "--out", tmp_path / "f.zip")
    assert run.code == 0, run.err
    assert run.out.splitlines()[1] == "3 pages"
    with zipfile.ZipFile(tmp_path / "f.zip") as archive:
        pages = {name: archive.read(name) for name in archive.namelist()}
    assert set(pages) == {
        "doejane_LATE_1001_51_feedback.html", "stranger_1009_52_feedback.html", "poeal_1003_53_feedback.txt"
    }  # fmt: skip
    assert (
        pages["doejane_LATE_1001_51_feedback.html"] == (graded / "s1" / "student.html").read_bytes()
    )
    assert b"can't be taken in" in pages["poeal_1003_53_feedback.txt"]


@pytest.mark.parametrize(
    ("layout", "name", "head"),
    [
        ("canvas", "doejane_LATE_77_9013_hw_1.zip", "doejane_LATE_77_9013_"),
        ("canvas", "doejane_77_text.html", ""),  # Canvas finds a hand-in by its file's number alone
        (
            "moodle",
            "Jane_X Doe_5_assignsubmission_file_hw.zip",
            "Jane X Doe_5_assignsubmission_file_/",
        ),
        ("moodle", "Jo_6_assignsubmission_file", "Jo_6_assignsubmission_file_/"),
    ],
)
def test_an_answer_is_named_as_the_lms_reads_it(layout: str, name: str, head: str) -> None:
    assert lms_filenames.answer_to(layout, name) == head
    if layout == "moodle":  # as its importer of feedback files splits a name
        _, participant, plugin, kind, _ = f"/{head}feedback.html".split("_", 4)
        assert (participant.isdecimal(), plugin, kind) == (True, "assignsubmission", "file")


def test_without_its_export_canvas_gets_no_id_of_its_own_as_an_sis_id(
    batch: Callable, command: Callable, tmp_path: Path
) -> None:
    mini.write(
        tmp_path / "d",
        dict.fromkeys(("doejane_1000_5_mini.py", "roebo_1001_6_mini.py"), mini.RIGHT),
    )
    gradebook = "Student,ID,SIS User ID,SIS Login ID,Section\n    Points Possible,,,,\nJane Doe,1000,s1000,jd,1\n"
    (tmp_path / "own.csv").write_text(gradebook + "Di Loe,1002,,dl,1\n")
    batch(tmp_path / "d", "--roster", tmp_path / "own.csv")
    target = tmp_path / "canvas.csv"
    run = command(
        "export", "canvas", "--from", tmp_path / "out", "--column", "A (1)", "--out", target
    )
    assert run.code == 0, run.err
    with target.open(newline="") as file:
        _, *rows = csv.DictReader(file)
    assert [(row["ID"], row["SIS User ID"]) for row in rows] == [
        ("1000", "s1000"),
        ("1001", ""),
        ("", ""),
    ]


def test_a_class_is_not_graded_on_numbers_that_students_have(
    command: Callable, secretive: Assignment, tmp_path: Path
) -> None:
    shutil.copytree(secretive.folder, tmp_path / "a")
    (tmp_path / "a" / "expectations" / "hidden.h5").unlink()
    mini.write(tmp_path / "d" / "ann", mini.KINDS["right"].files)
    for arguments in (("batch", tmp_path / "d"), ("export", "gradescope")):
        run = command(*arguments, "--assignment", tmp_path / "a", "--out", tmp_path / "out")
        assert run.code == 2
        assert "run `grader record`" in run.err
        assert not (tmp_path / "out").exists()


# --- changes by hand ------------------------------------------------------------------------------

CHECKS = [CheckPoints("a", 6, 6, Status.PASS), CheckPoints("b", 1.5, 4, Status.FAIL)]


def adjust(**fields: object) -> Adjustment:
    return Adjustment(student="s", reason="because", **fields)


@pytest.mark.parametrize(
    ("change", "score", "note"),
    [
        ({"check": "b", "add": -5}, 6, "`b`: -3.5 points after your changes: counted as 0"),
        ({"points": -5}, 0, "-5 points after your changes: counted as 0"),
        (
            {"check": "b", "points": 105},
            111,
            "`b`: 105 points after your changes, more than the 4 there are",
        ),
        ({"add": 5}, 12.5, "12.5 points after your changes, more than the 12 there are"),
    ],
)
def test_a_change_never_leads_below_nothing_and_one_above_the_maximum_is_told(
    change: dict[str, object], score: float, note: str
) -> None:
    why = Inline("n/why", "n.ipynb", "why", "Why?", "", points=2)
    made = compute(CHECKS, Rules(inline=(why,), adjustments=(adjust(**change),)))
    assert (made.score, made.private) == (score, (note,))


def test_a_note_is_for_the_instructor_and_a_reason_for_the_student() -> None:
    made = compute(CHECKS, Rules(adjustments=(adjust(add=1, note="see the forum"),)))
    assert made.notes == ("the whole: +1 points by the instructor: because",)
    assert made.private == ("your note on the whole: see the forum",)


def test_a_change_of_points_leaves_the_failures_own_words_first(graded: Path) -> None:
    from test_exports import check, report

    made = report(check("double", Status.FAIL, message="y is off by 3."))
    (shown,) = course_marks.shown(made, Rules(adjustments=(adjust(check="double", add=1),))).checks
    assert shown.message == "y is off by 3.\n`double`: +1 points by the instructor: because."
