"""Exports: each taken by an independent reader of its format, or run as the other system would run
it.
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import sysconfig
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import mini
import pytest

from grader.assignment.spec import Assignment
from grader.errors import GraderFault
from grader.model import (
    CallFrame,
    CaseResult,
    CheckResult,
    Question,
    Report,
    Status,
    Tier,
    Visibility,
)
from grader.report import classroom50_report

needs_bash = pytest.mark.skipif(sys.platform == "win32", reason="the scripts are for Linux")


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))


def report(*checks: CheckResult) -> Report:
    return Report(
        schema=1, assignment="mini", title="Two functions", submission="s1", score=sum(c.points for c in checks),
        max_score=10, isolation=Tier.LANDLOCK, seconds=1.5, started="2026-05-01T00:00:00+00:00",
        questions=(Question("q1", "Functions", 6, 10),), checks=checks, notes=("A note.",),
    )  # fmt: skip


def check(
    id_: str, status: Status, *, hidden: bool = False, message: str = "", **fields: object
) -> CheckResult:
    return CheckResult(
        id=id_, question="q1", title=f"The {id_}", points=6.0 if status is Status.PASS else 0.0, max_points=6.0,
        status=status, visibility=Visibility.HIDDEN if hidden else Visibility.VISIBLE, message=message, hint="",
        seconds=0.1, **fields,
    )  # fmt: skip


@pytest.fixture
def canvas_class(batch: Callable, tmp_path: Path) -> Path:
    """A class from Canvas: right, wrong and late, refused; and one who handed in nothing."""
    for name, kind in (
        ("doejane_1001_51", "right"),
        ("roebo_LATE_1002_52", "thrice"),
        ("poeal_1003_53", "nothing-wanted"),
    ):
        mini.write(tmp_path / "d", {f"{name}_hw.zip": mini.zipped(mini.KINDS[kind].files)})
    (tmp_path / "roster.csv").write_text(
        "id,name,email\ns1,Jane Doe,jd@x\ns2,Bo Roe,br@x\ns3,Al Poe,ap@x\ns4,Di Loe,dl@x\n"
    )
    assert batch(tmp_path / "d", "--roster", tmp_path / "roster.csv").code == 1
    return tmp_path / "out"


# --- Canvas ---------------------------------------------------------------------------------------


def test_canvas_gets_ids_scores_and_the_points_possible(
    command: Callable, canvas_class: Path, tmp_path: Path
) -> None:
    target = tmp_path / "canvas.csv"
    run = command(
        "export",
        "canvas",
        "--from",
        canvas_class,
        "--column",
        "Two functions (77)",
        "--out",
        target,
    )
    assert run.code == 0, run.err
    possible, *rows = table(target)
    assert list(possible) == [
        "Student",
        "ID",
        "SIS User ID",
        "SIS Login ID",
        "Section",
        "Two functions (77)",
    ]
    assert possible["Student"].strip() == "Points Possible"
    assert possible["Two functions (77)"] == "12"
    scores = {(row["ID"], row["SIS User ID"]): row["Two functions (77)"] for row in rows}
    assert scores == {
        ("1001", "s1"): "10",
        ("1002", "s2"): "3.6",
        ("1003", "s3"): "0",
        ("", "s4"): "",
    }


def test_canvas_without_the_exact_title_is_refused(command: Callable, canvas_class: Path) -> None:
    run = command("export", "canvas", "--from", canvas_class, "--column", "Two functions")
    assert run.code == 2
    assert "with its id" in run.err


def test_canvas_fills_its_own_export(command: Callable, canvas_class: Path, tmp_path: Path) -> None:
    own = (
        "\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Other (5),Two functions (77),Final Score\n"
        "    Points Possible,,,,,10,12,(read only)\n"
        '"Doe, Jane",1001,abc,jdoe,"001, Mon",9,,50\n"Roe, Bo",4711,s2,broe,001,8,,40\n"Student, Test",9,,xyz,001,,,\n'
    )
    (tmp_path / "own.csv").write_text(own, encoding="utf-8")
    target = tmp_path / "canvas.csv"
    assert (
        command(
            "export",
            "canvas",
            "--from",
            canvas_class,
            "--gradebook",
            tmp_path / "own.csv",
            "--out",
            target,
        ).code
        == 0
    )
    rows = table(target)
    assert [(row["Student"], row["ID"], row["Section"], row["Two functions (77)"]) for row in rows] == [
        ("    Points Possible", "", "", "12"),
        ("Doe, Jane", "1001", "001, Mon", "10"),
        ("Roe, Bo", "4711", "001", "3.6"),
    ]  # fmt: skip


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("names", ["Student", "LastName,FirstName"])
def test_canvas_fills_its_export_in_whatever_form_it_has(
    command: Callable, canvas_class: Path, tmp_path: Path, delimiter: str, names: str
) -> None:
    jane = "Doe,Jane" if "," in names else '"Doe, Jane"'
    roe = "Roe,Bo" if "," in names else '"Roe, Bo"'
    blank = "," if "," in names else ""
    own = f"{names},ID,SIS User ID,Section,hw (77),Final\n    Points Possible{blank},,,,17,\n"
    own += f"{jane},1001,s1,A,,95\n{roe},1002,s2,A,,95\n"
    if delimiter == ";":
        own = own.replace('"Doe, Jane"', "Doe~ Jane").replace('"Roe, Bo"', "Roe~ Bo")
        own = own.replace(",", ";").replace("~", ",").replace("17;", "17,5;")
    (tmp_path / "own.csv").write_text(own)
    target = tmp_path / "canvas.csv"
    run = command(
        "export",
        "canvas",
        "--from",
        canvas_class,
        "--gradebook",
        tmp_path / "own.csv",
        "--out",
        target,
    )
    assert run.code == 0, run.err
    rows = list(csv.reader(io.StringIO(target.read_text()), delimiter=delimiter))
    assert [row[-1] for row in rows] == [
        "hw (77)",
        "12",
        "10",
        "3,6" if delimiter == ";" else "3.6",
    ]


def test_a_row_whose_id_and_name_are_of_two_students_is_left_as_it_is_and_told(
    command: Callable, canvas_class: Path, tmp_path: Path
) -> None:
    own = 'Student,ID,SIS User ID,Section,hw (77)\n"Doe, Jane",1002,s2,A,\n"Roe, Bo",1001,,A,\n"Poe, Al",1003,s3,A,\n'
    (tmp_path / "own.csv").write_text(own)
    target = tmp_path / "canvas.csv"
    run = command(
        "export",
        "canvas",
        "--from",
        canvas_class,
        "--gradebook",
        tmp_path / "own.csv",
        "--out",
        target,
    )
    assert [row["SIS User ID"] for row in table(target)] == ["", "s3"]
    assert (
        "not filled in, as ids and names may mean different students: Doe, Jane, Roe, Bo" in run.out
    )


def test_two_rows_of_one_name_are_one_student_by_the_id_alone(
    command: Callable, canvas_class: Path, tmp_path: Path
) -> None:
    own = 'Student,ID,SIS User ID,Section,hw (77)\n"Doe, Jane",1001,,A,\n"Doe, Jane",7777,zz,B,\n'
    own += '"Poe, Al",8888,,A,\n"Al Poe",9999,,B,\n'
    (tmp_path / "own.csv").write_text(own)
    target = tmp_path / "canvas.csv"
    arguments = ("--from", canvas_class, "--gradebook", tmp_path / "own.csv", "--out", target)
    run = command("export", "canvas", *arguments)
    assert [(row["Student"], row["ID"]) for row in table(target)][1:] == [("Doe, Jane", "1001")]
    assert "may mean different students: Doe, Jane, Poe, Al, Al Poe" in run.out


@pytest.mark.parametrize(("more", "mark", "most"), [((), "10", "12"), (("--scale",), "5", "6")])
def test_another_maximum_of_canvas_is_told_or_marks_are_scaled(
    command: Callable,
    canvas_class: Path,
    tmp_path: Path,
    more: tuple[str, ...],
    mark: str,
    most: str,
) -> None:
    own = "Student,ID,SIS User ID,Section,hw (77)\n    Points Possible,,,,6.00\nJane Doe,1001,,A,\n"
    (tmp_path / "own.csv").write_text(own)
    target = tmp_path / "canvas.csv"
    arguments = ("--from", canvas_class, "--gradebook", tmp_path / "own.csv", "--out", target)
    run = command("export", "canvas", *arguments, *more)
    assert [row["hw (77)"] for row in table(target)] == [most, mark]
    assert ("Canvas has a maximum of 6, and this assignment of 12" in run.out) == (not more)


# --- Brightspace, Blackboard, Sakai ---------------------------------------------------------------


def test_brightspace_gets_ids_and_points_and_its_end_of_line(
    command: Callable, canvas_class: Path, tmp_path: Path
) -> None:
    target = tmp_path / "b.csv"
    assert command("export", "brightspace", "--from", canvas_class, "--out", target).code == 0
    assert target.read_text().splitlines() == [
        "OrgDefinedId,Two functions Points Grade,End-of-Line Indicator", "#s1,10,#", "#s2,3.6,#", "#s3,0,#",
    ]  # fmt: skip


OWN = {
    "brightspace": "OrgDefinedId,Last Name,First Name,Two functions Points Grade <Numeric MaxPoints:{} Weight:1>,"
    "End-of-Line Indicator\n#s1,Doe,Jane,,#\n#s4,Loe,Di,7,#\n",
    "blackboard": '"Last Name"\t"First Name"\t"Username"\t"Two functions [Total Pts: {} Score] |551"\n'
    '"Doe"\t"Jane"\t"s1"\t""\n"Loe"\t"Di"\t"s4"\t"7"\n',
    "sakai": 'Student ID,Student Name,Two functions [{}]\ns1,"Doe, Jane",\ns4,"Loe, Di",7\n',
}


@pytest.mark.parametrize("system", OWN)
def test_an_lms_gets_its_own_export_filled_in(
    command: Callable, canvas_class: Path, tmp_path: Path, system: str
) -> None:
    encoding = "utf-16" if system == "blackboard" else "utf-8"
    target = tmp_path / "filled.csv"
    for most, more, marks in (("12", (), ("10", "7")), ("24", ("--scale",), ("20", "7"))):
        (tmp_path / "own.csv").write_text(OWN[system].format(most), encoding=encoding)
        arguments = (
            "--from",
            canvas_class,
            "--gradebook",
            tmp_path / "own.csv",
            "--out",
            target,
            *more,
        )
        run = command("export", system, *arguments)
        assert run.code == 0, run.err
        text = target.read_text(encoding=encoding)
        rows = list(
            csv.reader(io.StringIO(text), delimiter="\t" if system == "blackboard" else ",")
        )
        place = 2 if system == "sakai" else 3
        assert tuple(row[place] for row in rows[1:]) == marks


def test_another_maximum_is_refused_with_the_reason(
    command: Callable, canvas_class: Path, tmp_path: Path
) -> None:
    (tmp_path / "own.csv").write_text(OWN["sakai"].format(100))
    run = command("export", "sakai", "--from", canvas_class, "--gradebook", tmp_path / "own.csv")
    assert run.code == 2
    assert "has a maximum of 100, and this assignment of 12" in run.err


def test_sakais_own_download_is_filled_in(
    command: Callable, canvas_class: Path, tmp_path: Path
) -> None:
    own = '"Homework","Points"\n"",""\n"Display ID","ID","Last Name","First Name","grade"\n"s1","s1","Doe","Jane",""\n'
    (tmp_path / "grades.csv").write_text(own)
    target = tmp_path / "filled.csv"
    run = command(
        "export",
        "sakai",
        "--from",
        canvas_class,
        "--gradebook",
        tmp_path / "grades.csv",
        "--out",
        target,
    )
    assert run.code == 0, run.err
    assert target.read_text().splitlines()[-1] == "s1,s1,Doe,Jane,10"


# --- Moodle ---------------------------------------------------------------------------------------


@pytest.fixture
def moodle_class(batch: Callable, tmp_path: Path) -> Path:
    for name, kind in (("Jane Doe_501", "right"), ("=Bo Roe_502", "thrice")):
        mini.write(tmp_path / "d" / f"{name}_assignsubmission_file", mini.KINDS[kind].files)
    assert batch(tmp_path / "d").code == 1
    return tmp_path / "out"


def test_moodle_gets_a_worksheet_by_participant(
    command: Callable, moodle_class: Path, tmp_path: Path
) -> None:
    target = tmp_path / "moodle.csv"
    assert command("export", "moodle", "--from", moodle_class, "--out", target).code == 0
    rows = table(target)
    assert [(row["Identifier"], row["Full name"], row["Grade"], row["Maximum grade"]) for row in rows] == [
        ("Participant 501", "Jane Doe", "10", "12"), ("Participant 502", "'=Bo Roe", "4", "12"),
    ]  # fmt: skip
    assert rows[1]["Feedback comments"].startswith("not passed: double")


def test_moodle_fills_its_own_worksheet(
    command: Callable, canvas_class: Path, tmp_path: Path
) -> None:
    own = (
        "Identifier,Full name,Email address,Status,Grade,Maximum grade,Online text\r\n"
        "Participant 9,Jane Doe,jd@x,Submitted,,12.00,keep me\r\nParticipant 8,Al Poe,ap@x,-,,12.00,\r\n"
        "Participant 7,Di Loe,dl@x,-,3,12.00,\r\n"
    )
    (tmp_path / "own.csv").write_text(own)
    target = tmp_path / "moodle.csv"
    assert (
        command(
            "export",
            "moodle",
            "--from",
            canvas_class,
            "--gradebook",
            tmp_path / "own.csv",
            "--out",
            target,
        ).code
        == 0
    )
    assert [(row["Grade"], row["Online text"]) for row in table(target)] == [
        ("10", "keep me"),
        ("0", ""),
        ("3", ""),
    ]


def test_a_worksheet_in_another_language_is_filled_in(
    command: Callable, moodle_class: Path, tmp_path: Path
) -> None:
    own = (
        "ID,Vollständiger Name,E-Mail-Adresse,Status,Bewertung,Bestwertung,Bewertung kann geändert werden,"
        'Feedback als Kommentar\r\nTeilnehmer/in501,Jane Doe,jd@x,Abgegeben,-,"12,00",Ja,gut gemacht\r\n'
        'Teilnehmer/in502,=Bo Roe,br@x,Abgegeben,-,"12,00",Ja,\r\n'
    )
    (tmp_path / "own.csv").write_text(own, encoding="utf-8-sig")
    target = tmp_path / "moodle.csv"
    run = command(
        "export",
        "moodle",
        "--from",
        moodle_class,
        "--gradebook",
        tmp_path / "own.csv",
        "--out",
        target,
    )
    assert run.code == 0, run.err
    rows = table(target)
    assert [row["Bewertung"] for row in rows] == ["10", "4"]
    # all passed: nothing is said, and nothing is lost
    assert rows[0]["Feedback als Kommentar"] == "gut gemacht"
    assert rows[1]["Feedback als Kommentar"].startswith("not passed: double")


def test_a_worksheet_of_one_student_keeps_its_id_number_and_name(
    command: Callable, moodle_class: Path, tmp_path: Path
) -> None:
    own = (
        "ID,Nom complet,Numéro d'identification,Statut,Note,Note maximale,Commentaire\n"
        "Participant 501,Jane Doe,4711,Remis,0,12.00,\n"
    )
    (tmp_path / "own.csv").write_text(own)
    target = tmp_path / "moodle.csv"
    arguments = ("--from", moodle_class, "--gradebook", tmp_path / "own.csv", "--out", target)
    run = command("export", "moodle", *arguments)
    assert run.code == 0, run.err
    (row,) = table(target)
    assert [*row.values()][:6] == ["Participant 501", "Jane Doe", "4711", "Remis", "10", "12.00"]


@pytest.mark.parametrize(("more", "code", "grade"), [((), 2, ""), (("--scale",), 0, "83.33")])
def test_another_maximum_grade_of_moodle_is_refused_or_scaled(
    command: Callable,
    moodle_class: Path,
    tmp_path: Path,
    more: tuple[str, ...],
    code: int,
    grade: str,
) -> None:
    own = "Identifier,Full name,Grade,Maximum grade\nParticipant 501,Jane Doe,,100.00\n"
    (tmp_path / "own.csv").write_text(own)
    target = tmp_path / "moodle.csv"
    arguments = (
        "--from",
        moodle_class,
        "--gradebook",
        tmp_path / "own.csv",
        "--out",
        target,
        *more,
    )
    assert command("export", "moodle", *arguments).code == code
    if not code:
        assert table(target)[0]["Grade"] == grade


def test_moodle_xml_is_read_by_a_parser(
    command: Callable, canvas_class: Path, tmp_path: Path
) -> None:
    target = tmp_path / "moodle.xml"
    run = command(
        "export", "moodle-xml", "--from", canvas_class, "--column", "hw3", "--out", target
    )
    assert run.code == 0, run.err
    found = [{child.tag: child.text for child in result} for result in ET.parse(target).getroot()]
    assert [(one["assignment"], one["student"], one["score"]) for one in found] == [
        ("hw3", "s1", "10"), ("hw3", "s2", "3.6"), ("hw3", "s3", "0"),
    ]  # fmt: skip


# --- nbgrader -------------------------------------------------------------------------------------


@pytest.fixture
def nbgrader_class(batch: Callable, tmp_path: Path) -> Path:
    for student, kind, day in (("ann", "right", 1), ("bob", "thrice", 2)):
        stamp = f"2026-05-0{day} 11:00:00.5 UTC"
        mini.write(
            tmp_path / "d" / "submitted" / student / "mini",
            {**mini.KINDS[kind].files, "timestamp.txt": stamp},
        )
    (tmp_path / "roster.csv").write_text(
        'id,name,email\nann,"Lee, Ann",a@x\nbob,Bob Ray,b@x\ncy,Cy Fox,c@x\n'
    )
    assert batch(tmp_path / "d", "--roster", tmp_path / "roster.csv").code == 1
    return tmp_path / "out"


def test_nbgrader_gets_the_columns_of_its_own_export(
    command: Callable, nbgrader_class: Path, tmp_path: Path
) -> None:
    target = tmp_path / "grades.csv"
    assert command("export", "nbgrader", "--from", nbgrader_class, "--out", target).code == 0
    ann, bob, cy = table(target)
    assert (ann["last_name"], ann["first_name"], bob["last_name"]) == ("Lee", "Ann", "Ray")
    assert ann["timestamp"] == "2026-05-01 11:00:00"
    columns = ("raw_score", "late_submission_penalty", "score", "max_score")
    assert [tuple(row[column] for column in columns) for row in (ann, bob, cy)] == [
        ("10.0", "0.0", "10.0", "12.0"), ("4.0", "0.4", "3.6", "12.0"), ("0.0", "0.0", "0.0", "12.0"),
    ]  # fmt: skip


def test_nbgrader_itself_agrees_on_every_cell(
    command: Callable, nbgrader_class: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # it runs alembic
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    api = pytest.importorskip("nbgrader.api", reason="nbgrader is not installed")
    export = pytest.importorskip("nbgrader.plugins.export")
    target, theirs = tmp_path / "grades.csv", tmp_path / "theirs.csv"
    assert command("export", "nbgrader", "--from", nbgrader_class, "--out", target).code == 0
    rows = table(target)
    with api.Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as book:
        book.add_assignment("mini", duedate=datetime.fromisoformat(rows[0]["duedate"]))
        book.add_notebook("work", "mini")
        book.add_grade_cell(
            "c", "work", "mini", max_score=float(rows[0]["max_score"]), cell_type="code"
        )
        for row in rows:
            book.add_student(
                row["student_id"],
                first_name=row["first_name"],
                last_name=row["last_name"],
                email=row["email"],
            )
            if row["timestamp"]:
                when = datetime.fromisoformat(row["timestamp"])
                made = book.add_submission("mini", row["student_id"], timestamp=when)
                made.notebooks[0].late_submission_penalty = float(row["late_submission_penalty"])
                book.find_grade("c", "work", "mini", row["student_id"]).manual_score = float(
                    row["raw_score"]
                )
        book.db.commit()
        plugin = export.CsvExportPlugin()
        plugin.to = str(theirs)
        plugin.export(book)
    assert sorted(table(theirs), key=lambda row: row["student_id"]) == rows


# --- Gradescope -----------------------------------------------------------------------------------


@pytest.fixture
def harness(command: Callable, assignment: Assignment, tmp_path: Path) -> Callable:
    """A tree like Gradescope's, set up; the fixture runs a submission through it."""
    base = tmp_path / "autograder"
    archive = tmp_path / "autograder.zip"
    assert (
        command("export", "gradescope", "--assignment", assignment.folder, "--out", archive).code
        == 0
    )
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(base / "source")
        for info in packed.infolist():
            (base / "source" / info.filename).chmod(info.external_attr >> 16 & 0o777)
    # The image brings the grader along: a venv that sees what this one has.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", base / "venv"], check=True)
    site = next((base / "venv").glob("lib/python*/site-packages"))
    root = Path(__file__).resolve().parents[2]
    (site / "here.pth").write_text(
        f"{root}\n{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n"
    )
    environment = {**os.environ, "AUTOGRADER_BASE": str(base), "AUTOGRADER_ISOLATION": "none"}

    def run(
        files: dict[str, str | bytes], script: str = "run_autograder"
    ) -> subprocess.CompletedProcess[str]:
        (base / "submission").mkdir(exist_ok=True)
        mini.write(base / "submission", files)
        return subprocess.run(
            [base / "source" / script],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            cwd=base,
        )

    assert run({}, "setup.sh").returncode == 0
    run.base = base
    return run


@needs_bash
def test_gradescope_runs_its_scripts_and_reads_the_results(harness: Callable) -> None:
    done = harness(dict(mini.KINDS["lucky"].files))
    assert done.returncode == 0, done.stderr
    results = json.loads((harness.base / "results" / "results.json").read_text())
    assert results["score"] == 7
    assert sum(test["score"] for test in results["tests"]) == results["score"]
    double, shift = results["tests"]
    assert (double["status"], double["score"], double["max_score"], double["tags"]) == (
        "failed",
        3,
        6,
        ["Functions"],
    )
    assert (shift["status"], shift["visibility"], shift["name"]) == (
        "passed",
        "visible",
        "The input moved by one place.",
    )
    assert not list((harness.base / "source").rglob("reference*"))
    assert [path.name for path in (harness.base / "source").rglob("stand-ins/*")] == ["mini.py"]


@needs_bash
def test_gradescope_gives_a_refused_submission_its_reason(harness: Callable) -> None:
    assert harness({"essay.pdf": b"x"}).returncode == 0
    results = json.loads((harness.base / "results" / "results.json").read_text())
    assert results["score"] == 0
    assert "mini.py" in results["output"]


@needs_bash
def test_gradescope_gets_no_results_where_the_grader_failed(harness: Callable) -> None:
    (harness.base / "source" / "assignment" / "expectations" / "hidden.h5").write_bytes(b"broken")
    (harness.base / "results").mkdir()
    (harness.base / "results" / "results.json").write_text("{}")  # of an earlier run
    done = harness(dict(mini.KINDS["right"].files))
    assert done.returncode == 3
    assert not (harness.base / "results" / "results.json").exists()


def test_gradescope_hides_what_is_hidden(command: Callable, tmp_path: Path) -> None:
    from grader.report import json_report as renderer
    from grader.report.audience import Audience

    made = report(
        check("open", Status.SKIP, message="`shut` has to pass first"),
        check("shut", Status.FAIL, hidden=True, message="\x1b[31msecret"),
    )
    (tmp_path / "report.json").write_bytes(renderer.render(made, audience=Audience.INSTRUCTOR))
    target = tmp_path / "results.json"
    assert command("export", "gradescope-results", "--from", tmp_path, "--out", target).code == 0
    shown, hidden = json.loads(target.read_text())["tests"]
    assert (shown["visibility"], hidden["visibility"], hidden["name"]) == (
        "visible",
        "hidden",
        "A hidden check",
    )
    assert hidden["output"] == "secret"
    assert shown["output"] == "`hidden_1` has to pass first"


# --- GitHub ---------------------------------------------------------------------------------------


def test_the_autograder_of_classroom_50_is_python_that_grades_what_lies_beside_it(
    command: Callable, assignment: Assignment, tmp_path: Path
) -> None:
    target = tmp_path / "autograder.py"
    assert (
        command("export", "classroom50", "--assignment", assignment.folder, "--out", target).code
        == 0
    )
    text = target.read_text()
    compile(text, "autograder.py", "exec")
    assert (
        '"export", "classroom50-results", "--from", "report/report.json", "--out", "result.json"'
        in text
    )


RUNNER = {
    "CLASSROOM": "dl", "ASSIGNMENT": "mini", "SUBMISSION_TAG": "submit/1", "COMMIT_URL": "https://h/c",
    "RELEASE_URL": "https://h/r",
}  # fmt: skip


def test_classroom_50_gets_whole_points_and_no_hidden_check() -> None:
    case = CaseResult("all", Status.FAIL, frames=(CallFrame("mini.py", 7, "double"),))
    made = report(
        check("double", Status.FAIL, message="100% wrong\n::error::forged", cases=(case,)),
        check("shut", Status.FAIL, hidden=True, message="secret"),
    )
    data = json.loads(classroom50_report.results(made, RUNNER))
    assert set(data) == {
        "schema", "classroom", "assignment", "submission", "commit", "release", "review", "datetime", "score",
        "max-score", "tests",
    }  # fmt: skip
    assert (data["schema"], data["review"]) == ("classroom50/result/v1", "https://h/c")
    for test in data["tests"]:
        assert (type(test["passed"]), type(test["score"]), type(test["max-score"])) == (
            bool,
            int,
            int,
        )
    assert data["score"] == sum(test["score"] for test in data["tests"])
    assert data["max-score"] == sum(test["max-score"] for test in data["tests"]) == 12
    assert "secret" not in json.dumps(data)
    first, second = classroom50_report.commands(made)
    assert first.startswith("::error file=mini.py,line=7,title=The double")
    assert first.endswith("100%25 wrong%0A::error::forged")
    assert "secret" not in second
    assert all("\n" not in line for line in (first, second))


def test_classroom_50_gets_no_result_if_the_grader_failed() -> None:
    with pytest.raises(GraderFault, match="there is no result"):
        classroom50_report.results(report(check("double", Status.ERROR)), RUNNER)
