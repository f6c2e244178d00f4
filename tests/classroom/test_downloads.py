"""Downloads: who handed in what, whatever the LMS and the students' names make of it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import mini
import pytest

from grader.classroom.download import roster as rosters
from grader.classroom.download.download_tree import open_tree
from grader.classroom.download.hand_ins import Asking, Class, read
from grader.classroom.download.students import safe_folder
from grader.errors import SubmissionError, UsageError
from grader.grading.intake.submitted_files import DEFAULT_LIMITS, IntakeLimits, Wanted
from grader.grading.intake.take import take


def found(path: Path, roster: str = "") -> Class:
    """Read a download, with a roster given as text."""
    members = None
    if roster:
        file = path.parent / "roster.csv"
        file.write_text(roster, encoding="utf-8")
        members = rosters.read(file)
    with open_tree(path) as tree:
        return read(
            tree,
            members,
            Asking(
                assignment="mini",
                reserved=("index.html",),
                wanted=frozenset({"mini.py", "Words.ipynb"}),
            ),
        )


def only(path: Path, roster: str = ""):
    (entry,) = found(path, roster).entries
    return entry


def test_canvas_takes_the_last_of_several_archives(tmp_path: Path) -> None:
    names = ("doejane_77_100_hw.zip", "doejane_77_205_hw-1.zip", "doejane_77_99_hw.zip")
    mini.write(tmp_path / "d", dict.fromkeys(names, b""))
    entry = only(tmp_path / "d")
    assert (entry.student, entry.name, entry.late) == ("77", "doejane", False)
    assert entry.paths == ("doejane_77_205_hw-1.zip",)
    assert "3 times" not in " ".join(entry.notes)  # the LMS keeps one hand-in; these are its files


def test_canvas_takes_loose_files_together_each_in_its_last_form(tmp_path: Path) -> None:
    names = ("77_1_a.py", "77_2_a-1.py", "77_3_b.ipynb", "77_4_x.pdf")
    mini.write(tmp_path / "d", {f"doejane_LATE_{name}": b"" for name in names})
    entry = only(tmp_path / "d")
    assert entry.late
    assert set(entry.paths) == {"doejane_LATE_77_2_a-1.py", "doejane_LATE_77_3_b.ipynb"}


def test_a_wrapping_folder_is_looked_through(tmp_path: Path) -> None:
    mini.write(tmp_path / "d" / "hw 3" / "Jane Doe_5_assignsubmission_file", {"mini.py": b""})
    assert found(tmp_path / "d").layout == "moodle"


def test_moodle_files_without_folders(tmp_path: Path) -> None:
    names = ("Jane_X Doe_5_assignsubmission_file_hw.zip", "Jo_6_assignsubmission_file_mini.py")
    mini.write(tmp_path / "d", dict.fromkeys(names, b""))
    entries = found(tmp_path / "d").entries
    assert [(entry.student, entry.name) for entry in entries] == [("5", "Jane_X Doe"), ("6", "Jo")]


def test_gradescope_gives_each_member_of_a_group_its_result(tmp_path: Path) -> None:
    mini.write(tmp_path / "d" / "submission_1", {"mini.py": b""})
    told = "submission_1:\n  :submitters:\n  - :name: A\n    :sid: '1'\n  - :name: B\n    :email: b@x\n"
    told += "  :created_at: 2026-05-01 10:00:00 -07:00\n"
    mini.write(tmp_path / "d", {"submission_metadata.yml": told})
    entries = found(tmp_path / "d").entries
    assert [(entry.student, entry.paths) for entry in entries] == [
        ("1", ("submission_1",)),
        ("b@x", ("submission_1",)),
    ]
    assert entries[0].submitted == "2026-05-01T10:00:00-07:00"


def test_gradescope_counts_the_later_of_two_by_time(tmp_path: Path) -> None:
    text = ""
    for number, day in ((1, 9), (2, 3)):
        mini.write(tmp_path / "d" / f"submission_{number}", {"mini.py": b""})
        text += f"submission_{number}:\n  :submitters:\n  - :sid: '1'\n  :created_at: 2026-05-0{day} 10:00:00 Z\n"
    mini.write(tmp_path / "d", {"submission_metadata.yml": text})
    entry = only(tmp_path / "d")
    assert entry.paths == ("submission_1",)
    assert "handed in 2 times, the last counts: submission_1" in entry.notes


@pytest.mark.parametrize(
    "text", ["[1, 2]", "&a [*a, *a]: {", "!!python/object/apply:os.system ['true']: 1"]
)
def test_metadata_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    mini.write(tmp_path / "d", {"submission_metadata.yml": text, "submission_1/mini.py": b""})
    with pytest.raises(UsageError, match="metadata that Gradescope writes"):
        found(tmp_path / "d")


def test_nbgrader_among_several_assignments_takes_the_one_of_this_name(tmp_path: Path) -> None:
    mini.write(
        tmp_path / "course", {f"submitted/ann/{name}/mini.py": b"" for name in ("mini", "ps2")}
    )
    mini.write(tmp_path / "course", {"submitted/bob/ps2/mini.py": b""})
    ann, bob = found(tmp_path / "course").entries
    assert ann.paths == ("submitted/ann/mini",)
    assert bob.missing


def test_nbgrader_without_the_assignment_asks_for_its_name(tmp_path: Path) -> None:
    mini.write(
        tmp_path / "course", {f"submitted/ann/{name}/mini.py": b"" for name in ("ps1", "ps2")}
    )
    with pytest.raises(UsageError, match="ps1, ps2"):
        found(tmp_path / "course")


def test_github_clones_are_named_after_what_they_share(tmp_path: Path) -> None:
    mini.write(tmp_path / "d", {f"rnn-hw-{user}/.git/HEAD": b"" for user in ("ann-b", "bob")})
    assert [entry.student for entry in found(tmp_path / "d").entries] == ["ann-b", "bob"]


def test_roster_matches_ids_emails_and_names_and_adds_the_missing(tmp_path: Path) -> None:
    mini.write(
        tmp_path / "d",
        {f"{name}/mini.py": b"" for name in ("7", "bo@x.edu", "Öberg, Åsa", "stranger")},
    )
    roster = 'Student ID;Full name;E-mail;Login\n1;Ann;a@x.edu;7\n2;Bo;bo@x.edu;bo\n3;"Åsa Öberg";;ao\n4;Di;;di\n'
    entries = {entry.student: entry for entry in found(tmp_path / "d", roster).entries}
    assert {id_: entry.paths for id_, entry in entries.items()} == {
        "1": ("7",), "2": ("bo@x.edu",), "3": ("Öberg, Åsa",), "4": (), "stranger": ("stranger",),
    }  # fmt: skip
    assert entries["stranger"].look == ("not on the roster",)
    assert entries["4"].missing


def test_a_name_that_two_students_share_is_asked_about(tmp_path: Path) -> None:
    mini.write(tmp_path / "d", {"Jane Doe/mini.py": b""})
    entries = found(tmp_path / "d", "id,name\n1,Jane Doe\n2,Doe Jane\n").entries
    assert [(entry.student, bool(entry.asked), entry.paths) for entry in entries] == [
        ("1", True, ()), ("2", True, ()), ("? Jane Doe", True, ()),
    ]  # fmt: skip


def test_a_classmate_who_takes_a_name_is_asked_about_and_nobody_is_graded(tmp_path: Path) -> None:
    mini.write(tmp_path / "d", {"doejane_1_5_hw.zip": b"", "doejane_2_6_hw.zip": b""})
    entries = found(tmp_path / "d", "id,name\ns1,Jane Doe\n").entries
    assert [entry.student for entry in entries] == [
        "? doejane_1_5_hw.zip",
        "? doejane_2_6_hw.zip",
        "s1",
    ]
    assert all(entry.asked and not entry.paths for entry in entries)


@pytest.mark.parametrize(
    "text",
    [
        "student,name,email\n1001,Jane Doe,j@x.edu\n",
        "Student;First name;Last name\n1001;Jane;Doe\n",
        "Student,SIS User ID\nJane Doe,1001\n",
        "Student,ID\nJane Doe,1001\n",
    ],
)
def test_a_column_student_holds_ids_beside_names_and_names_beside_ids(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "roster.csv").write_text(text)
    (member,) = rosters.read(tmp_path / "roster.csv").members
    assert (member.student, member.name) == ("1001", "Jane Doe")


def test_a_roster_of_excels_unicode_text_is_read(tmp_path: Path) -> None:
    (tmp_path / "roster.txt").write_bytes(
        "id\tname\tSIS User ID\n1\tÅsa Öberg\ts1\n".encode("utf-16")
    )
    (member,) = rosters.read(tmp_path / "roster.txt").members
    assert (member.student, member.name, member.sis) == ("1", "Åsa Öberg", "s1")


@pytest.mark.parametrize(
    "text", ["", "name,mail\nAnn,a@x\n", "id,name\n1,A\n1,B\n", "id,name\n", "id,name\n,\n"]
)
def test_a_roster_that_says_too_little_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "roster.csv").write_text(text)
    if text.startswith("name"):
        # an e-mail address is an id
        assert rosters.read(tmp_path / "roster.csv").members[0].student == "a@x"
        return
    with pytest.raises(UsageError, match="roster"):
        rosters.read(tmp_path / "roster.csv")


def test_folders_are_safe_and_depend_on_the_student_alone() -> None:
    hostile = [
        "../../etc",
        "a/b",
        "CON",
        ".hidden",
        "x" * 300,
        "\x1b[31m",
        "ünï",
        "",
        "a b",
        "=c",
        "index.html",
        "a.",
    ]
    names = [safe_folder(student, {"index.html"}) for student in hostile]
    for name in names:
        assert name
        assert len(name) < 80
        assert not set(name) & set("/\\\0\x1b: ")
        assert not name.startswith((".", "-"))
        assert name.casefold() not in ("con", "index.html")
    assert len(set(names)) == len(names)
    assert safe_folder("s-01@x") == "s-01@x"


# --- parts of a bulk zip --------------------------------------------------------------------------


def opened(archive: Path, *paths: str, limits: IntakeLimits = DEFAULT_LIMITS) -> dict[str, bytes]:
    with open_tree(archive, limits=limits) as tree, tree.opened(paths) as path:
        return {
            file.relative_to(path).as_posix(): file.read_bytes()
            for file in path.rglob("*")
            if file.is_file()
        }


def bulk(tmp_path: Path, entries: dict[str, bytes], **attributes: int) -> Path:
    with zipfile.ZipFile(tmp_path / "bulk.zip", "w") as archive:
        for name, data in entries.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = attributes.get("mode", 0o644) << 16
            archive.writestr(info, data)
    return tmp_path / "bulk.zip"


def test_one_students_part_is_laid_out_alone(tmp_path: Path) -> None:
    archive = bulk(tmp_path, {"ann/a/mini.py": b"1", "ann/b.txt": b"2", "annex/mini.py": b"3"})
    assert opened(archive, "ann") == {"a/mini.py": b"1", "b.txt": b"2"}


@pytest.mark.parametrize("name", ["ann/../../../evil", "ann/a\\..\\b", "ann/\x07bell"])
def test_a_part_with_a_bad_name_is_refused_alone(tmp_path: Path, name: str) -> None:
    archive = bulk(tmp_path, {name: b"1", "bob/mini.py": b"2"})
    with open_tree(archive) as tree:
        with pytest.raises(SubmissionError), tree.opened(["ann"]):
            pass
        with tree.opened(["bob"]) as path:
            assert (path / "mini.py").read_bytes() == b"2"
    assert not (tmp_path / "evil").exists()


def test_a_link_in_a_part_is_left_out_and_noted(tmp_path: Path) -> None:
    archive = bulk(tmp_path, {"ann/mini.py": b"/etc/passwd"}, mode=0o120777)
    with open_tree(archive) as tree, tree.opened(["ann"]):
        assert tree.left_out == ("`mini.py` is a link or no regular file, and was not read.",)
    assert opened(archive, "ann") == {}


def test_a_part_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    archive = bulk(tmp_path, {"ann/mini.py": b"1" * 2000, "ann/notes.txt": b""})
    with pytest.raises(SubmissionError, match="unpacks to more"):
        opened(archive, "ann", limits=IntakeLimits(max_bytes=1000))
    with pytest.raises(SubmissionError, match="more than 1 entries"):
        opened(archive, "ann", limits=IntakeLimits(max_entries=1))


def test_a_link_among_the_submissions_is_not_followed(tmp_path: Path) -> None:
    mini.write(tmp_path / "secret", {"mini.py": b"answers"})
    mini.write(tmp_path / "d" / "bob", {"mini.py": b""})
    (tmp_path / "d" / "ann").symlink_to(tmp_path / "secret")
    ann, _ = found(tmp_path / "d").entries
    assert ann.paths == ("ann",)
    with (
        open_tree(tmp_path / "d") as tree,
        tree.opened(ann.paths) as path,
        pytest.raises(SubmissionError, match="link"),
    ):
        take(path, Wanted(files=("mini.py",)))
