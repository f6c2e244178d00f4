"""Whose a hand-in is: whatever names, ids and file names are, no row holds another student's work."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from listing import Listing

from grader.classroom.download.hand_ins import Asking, Class, read
from grader.classroom.download.roster import Roster, RosterMember, agree
from grader.errors import UsageError

ASKING = Asking(assignment="mini", wanted=frozenset({"mini.py"}))


def class_of(paths: list[str], members: list[RosterMember] | None, **asking: object) -> Class:
    with_more = Asking(assignment="mini", wanted=frozenset({"mini.py"}), **asking)  # type: ignore[arg-type]
    return read(Listing(paths), Roster(members) if members is not None else None, with_more)


def graded(
    paths: list[str], members: list[RosterMember] | None, **asking: object
) -> dict[str, tuple[str, ...]]:
    return {
        entry.student: entry.paths
        for entry in class_of(paths, members, **asking).entries
        if entry.paths
    }


# --- every LMS's names, hostile -------------------------------------------------------------------

ADA, BOB, EVE = RosterMember(student="101", name="Ada Lovelace"), RosterMember(student="102", name="Bob Bright"), RosterMember(
    student="104", name="Eve Moe"
)  # fmt: skip


def test_a_number_of_moodle_that_is_another_students_id_is_asked_about() -> None:
    entries = class_of(["Ada Lovelace_102_assignsubmission_file/mini.py"], [ADA, BOB]).entries
    assert [(entry.student, bool(entry.asked)) for entry in entries] == [
        ("101", True), ("102", True), ("? Ada Lovelace_102_assignsubmission_file", True),
    ]  # fmt: skip


def test_a_file_name_in_moodle_does_not_name_another_student() -> None:
    names = [
        "Ada Lovelace_901_assignsubmission_file_mini.py",
        "Eve Moe_904_assignsubmission_file_x_901_assignsubmission_file_mini.py",
        "Eve Moe_904_assignsubmission_file_mini.py",
    ]
    assert graded(names, [ADA, EVE]) == {"101": (names[0],), "104": (names[2], names[1])}


def test_a_group_before_a_name_in_moodle_is_no_part_of_it() -> None:
    name = "Lab 2-Ada Lovelace_901_assignsubmission_file"
    assert graded([f"{name}/mini.py"], [ADA, BOB]) == {"101": (name,)}


def test_a_file_name_in_canvas_does_not_name_another_student() -> None:
    names = [
        "lovelaceada_901_5_mini.py",
        "moeeve_904_6_901_7_mini.py",
        "moeeve_904_8_lovelaceada_901_9_mini.py",
    ]
    assert graded(names, [ADA, EVE]) == {"101": (names[0],), "104": (names[1], names[2])}


def test_a_group_of_canvas_whose_name_ends_with_a_number_is_read_whole() -> None:
    names = ["team_7_1001_9001_mini.py", "team_8_1002_9002_mini.py"]
    assert graded(names, None) == {"1001": (names[0],), "1002": (names[1],)}


def test_a_name_in_canvas_that_can_be_read_in_two_ways_is_asked_about() -> None:
    members = [RosterMember(student="a", name="Jo"), RosterMember(student="b", name="Jo 7")]
    (row,) = [
        entry
        for entry in class_of(["jo_7_1001_9001_mini.py"], members).entries
        if entry.student[0] == "?"
    ]
    assert "two ways" in row.asked


def test_anonymous_hand_ins_are_graded_as_nobodys_and_the_roster_is_not_missing() -> None:
    entries = class_of(
        ["anon_101_9001_mini.py", "anon_x7Kq2_LATE_9002_mini.py"], [ADA, BOB]
    ).entries
    assert [(entry.student, bool(entry.paths), entry.missing) for entry in entries] == [
        ("101", False, False), ("102", False, False), ("anon 101", True, False), ("anon x7Kq2", True, False),
    ]  # fmt: skip


def test_a_user_of_blackboard_that_ends_as_another_does_is_not_that_one() -> None:
    members = [RosterMember(student="ann_b", name="Ann"), RosterMember(student="ann_c", name="Cyd")]
    names = [f"HW 1_{user}_attempt_2026-11-01-10-11-12_mini.py" for user in ("ann_b", "ann_c")]
    assert graded(names, members) == {"ann_b": (names[0],), "ann_c": (names[1],)}


def test_brightspace_keeps_the_last_of_several_hand_ins_in_both_forms() -> None:
    names = [
        "501-77 - Ada Lovelace - Apr 1, 2026 1203 PM - mini.py",
        "501-77 - Ada Lovelace - Apr 10, 2026 101 AM - mini.py",
        "502-77 - Bob Bright - 2 April, 2026 13:05 - a - b.py",
        "index.html",
    ]
    assert graded(names, [ADA, BOB]) == {"101": (names[1],), "102": (names[2],)}
    folders = [f"{name}/mini.py" for name in ("501-77 - Ada Lovelace - Apr 1, 2026 1203 PM",)]
    assert graded([*folders, "index.html"], [ADA, BOB]) == {"101": (folders[0].rpartition("/")[0],)}


def test_sakai_names_its_folders_by_login() -> None:
    top = "Homework/Lovelace, Ada(101)"
    paths = [
        f"{top}/Submission attachment(s)/mini.py",
        f"{top}/timestamp.txt",
        "Homework/grades.csv",
    ]
    assert graded(paths, [ADA]) == {"101": (f"{top}/Submission attachment(s)",)}


def test_google_classroom_names_files_by_person() -> None:
    names = ["Ada Lovelace - mini.py", "Bob Bright - my - mini.py"]
    assert graded(names, [ADA, BOB]) == {"101": (names[0],), "102": (names[1],)}


@pytest.mark.parametrize("git", ["", "/.git/HEAD"])
def test_repositories_are_read_by_assignment_with_git_or_without(git: str) -> None:
    members = [RosterMember(student="ann-b", name="Ann"), RosterMember(student="b", name="Bob")]
    names = ["cs1-mini-ann-b", "cs1-mini-b"]
    paths = [f"{name}/mini.py" for name in names] + (
        [f"{name}{git}" for name in names] if git else []
    )
    assert graded(paths, members) == {"ann-b": (names[0],), "b": (names[1],)}


def test_one_clone_among_nothing_else_is_its_users() -> None:
    members = [RosterMember(student="ann", name="Ann")]
    assert graded(["homework-ann/.git/HEAD", "homework-ann/mini.py"], members) == {
        "ann": ("homework-ann",)
    }


@pytest.mark.parametrize("around", ["", "w/", "a/b/c/d/e/f/"])
def test_a_class_in_folders_of_its_own_is_found_at_any_depth(around: str) -> None:
    paths = [f"{around}{student}/mini.py" for student in ("101", "102")]
    assert sorted(graded(paths, [ADA, BOB])) == ["101", "102"]
    assert len(graded(paths, None)) == 2


def test_a_download_of_nobody_on_the_roster_is_asked_about() -> None:
    with pytest.raises(UsageError, match="none of the 2 hand-ins"):
        class_of(["x1/mini.py", "x2/mini.py"], [ADA, BOB])


def test_one_students_work_is_no_class() -> None:
    with pytest.raises(UsageError, match="one student's work"):
        class_of(["mini.py", "notes.txt"], [ADA])


def test_a_group_is_graded_once_and_marked_for_all() -> None:
    groups = Roster(
        [
            RosterMember(student="101", name="", group="Team 7"),
            RosterMember(student="102", name="", group="Team 7"),
        ]
    )
    entries = class_of(["team_7_1001_9001_mini.py"], [ADA, BOB, EVE], groups=groups).entries
    assert [(entry.student, bool(entry.paths), entry.lms_id) for entry in entries] == [
        ("101", True, ""), ("102", True, ""), ("104", False, ""),
    ]  # fmt: skip


def test_an_instructor_says_whose_a_hand_in_is() -> None:
    name = "Ada Lovelace_102_assignsubmission_file"
    assert graded([f"{name}/mini.py"], [ADA, BOB], answers={name: "101"}) == {"101": (name,)}


def test_an_answer_to_one_hand_in_of_sakai_is_of_that_one_alone() -> None:
    paths = [f"{name}/Submission attachment(s)/mini.py" for name in ("Lee, A(x1)", "Roe, B(x2)")]
    found = graded(paths, [ADA, BOB], answers={"Lee, A(x1)": "101"})
    assert found["101"] == ("Lee, A(x1)/Submission attachment(s)",)
    assert "102" not in found


def test_brackets_in_a_name_of_sakai_are_no_login() -> None:
    found = graded(["Lovelace (Byron), Ada(101)/Submission attachment(s)/mini.py"], [ADA, BOB])
    assert list(found) == ["101"]


def test_a_name_in_canvas_without_a_letter_that_it_keeps_is_read_by_its_number() -> None:
    wang = RosterMember(student="w", name="小明 王", lms_ids=(("canvas", "1001"),))
    found = graded(["_1001_9001_mini.py", "brightbob_1002_9002_mini.py"], [wang, BOB])
    assert found == {"102": ("brightbob_1002_9002_mini.py",), "w": ("_1001_9001_mini.py",)}


def test_a_dash_in_a_name_of_google_classroom_is_read_by_the_roster() -> None:
    anne = RosterMember(student="9", name="Anne - Marie")
    names = ["Anne - Marie - mini.py", "Bob Bright - Ada Lovelace - mini.py", "notes.txt"]
    found = graded(names, [ADA, BOB, anne])
    assert (found["9"], found["102"]) == ((names[0],), (names[1],))
    assert "101" not in found
    both = class_of(
        ["Bob Bright - Jr - mini.py"], [BOB, RosterMember(student="8", name="Bob Bright Jr")]
    )
    assert [entry.student for entry in both.entries if entry.asked and not entry.paths] == [
        "8", "102", "? Bob Bright - Jr - mini.py",
    ]  # fmt: skip


@pytest.mark.parametrize("end", ["/mini.py", ".zip"])
def test_the_branch_behind_a_repository_of_github_is_not_the_users(end: str) -> None:
    ann, bob = RosterMember(student="ann", name="Ann"), RosterMember(student="bob-b", name="Bob")
    paths = [f"mini-ann-main{end}", f"mini-bob-b-master{end}"]
    assert list(graded(paths, [ann, bob])) == ["ann", "bob-b"]
    assert list(graded(paths, None)) == ["ann", "bob-b"]


@pytest.mark.parametrize("end", ["/mini.py", ".zip"])
def test_a_user_who_is_called_as_another_and_a_branch_is_asked_about(end: str) -> None:
    members = [RosterMember(student=id_, name="") for id_ in ("ann", "ann-main", "bob")]
    found = class_of([f"mini-ann-main{end}", f"mini-bob-main{end}"], members).entries
    assert [(entry.student, bool(entry.paths), bool(entry.asked)) for entry in found] == [
        (f"? mini-ann-main{end.removesuffix('/mini.py')}", False, True),
        ("ann", False, True), ("ann-main", False, True), ("bob", True, False),
    ]  # fmt: skip


def test_ids_that_differ_in_capital_letters_alone_are_asked_about() -> None:
    names = ["mini-Ann/mini.py", "mini-ann/mini.py", "mini-bob/mini.py"]
    members = [RosterMember(student="Ann", name=""), RosterMember(student="bob", name="")]
    found = class_of(names, members).entries
    assert [entry.student for entry in found if entry.paths] == ["bob"]
    assert [entry.student for entry in found if entry.asked] == ["? mini-Ann", "? mini-ann", "Ann"]


@pytest.mark.parametrize(
    "name",
    ["HW_1_{}_attempt_2026-11-20-10-11-12_mini.py", "Lee_5_{}_assignsubmission_file_mini.py"],
)
def test_numbers_before_the_mark_of_one_lms_are_not_read_as_those_of_another(name: str) -> None:
    one, two = RosterMember(student="1", name="Lee_5"), RosterMember(student="102", name="Jo")
    names = [name.format("102"), name.format("104")]
    assert class_of(names, [one, two, EVE]).layout in ("blackboard", "moodle")
    assert "1" not in graded(names, [one, two, EVE])


@pytest.mark.parametrize("around", ["a/101/", "101/"])
def test_a_class_in_a_folder_that_is_called_as_a_student_is_asked_about(around: str) -> None:
    found = class_of([f"{around}{id_}/mini.py" for id_ in ("102", "104", "x_y")], [ADA, BOB, EVE])
    assert not [entry for entry in found.entries if entry.paths]
    (asked,) = [entry for entry in found.entries if entry.student.startswith("? ")]
    assert "give that folder itself" in asked.asked
    assert graded([f"{around}work/mini.py"], [ADA, BOB, EVE]) == {"101": (around.rstrip("/"),)}


@pytest.mark.parametrize("folder", ["Ada Lovelace (101)", "101_Lovelace_Ada", "Lovelace_Ada_99"])
def test_a_folder_of_name_and_id_is_that_students(folder: str) -> None:
    assert graded([f"{folder}/work/mini.py", "102/mini.py"], [ADA, BOB])["101"] == (folder,)


@pytest.mark.parametrize("folder", ["Lovelace_Ada_102", "hw_101", "Ada Lovelace and Bob Bright"])
def test_a_folder_whose_name_and_id_do_not_agree_is_asked_about(folder: str) -> None:
    entries = class_of([f"{folder}/mini.py", "104/mini.py"], [ADA, BOB, EVE]).entries
    assert [entry.student for entry in entries if entry.paths] == ["104"]
    (asked,) = [entry for entry in entries if entry.student == f"? {folder}"]
    assert "who is this?" in asked.asked


def test_a_submission_that_gradescope_names_and_that_is_not_there_is_asked_about() -> None:
    told = b"".join(
        b"submission_%d:\n  :submitters:\n  - :name: %s\n    :sid: '%d'\n" % one
        for one in ((1, b"Ada Lovelace", 101), (2, b"Bob Bright", 102))
    )
    listing = Listing(["submission_1/mini.py"], {"submission_metadata.yml": told})
    entries = read(listing, Roster([ADA, BOB]), ASKING).entries
    assert {entry.student: (bool(entry.paths), bool(entry.asked)) for entry in entries} == {
        "101": (True, False), "102": (False, True), "? submission_2 of 102": (False, True),
    }  # fmt: skip


def test_two_strangers_whose_names_look_alike_have_a_row_each() -> None:
    assert len(graded(["a\x01/mini.py", "a\x02/mini.py"], None)) == 2


# --- any class, any download ----------------------------------------------------------------------


class Pupil(NamedTuple):
    """A student as roster and LMS know them, and what they call their files."""

    id: str
    name: str
    number: int
    files: tuple[str, ...]


NAMES = st.sampled_from([
    "Ada Lovelace", "Lovelace Ada", "Ada B Lovelace", "Bob_101 Bright", "Eve 7", "Team_7", "team", "Zoë O'Neil",
    "Ann_102_assignsubmission_file", "X_5_6", "anon", "Doe, Jane", "Jane Doe", "LATE", "A - B", "Roe (x)",
])  # fmt: skip
IDS = st.sampled_from(["7", "8", "101", "102", "103", "ann", "ann-b", "b", "ann_b", "x7Kq2"])
FILES = st.sampled_from([
    "mini.py", "x_101_assignsubmission_file_mini.py", "7_8_mini.py", "101_102_103_mini.py", "mini-1.py",
    "lovelaceada_101_7_mini.py", "a - Apr 1, 2026 1203 PM - mini.py", "hw.zip", "attempt_2026-01-01-01-01-01_x.py",
])  # fmt: skip


@st.composite
def classes(draw: st.DrawFn) -> list[Pupil]:
    ids = draw(st.lists(IDS, min_size=1, max_size=5, unique=True))
    numbers = draw(st.permutations([7, 8, 101, 102, 103, 9001]))
    files = st.lists(FILES, min_size=1, max_size=3, unique=True)
    return [Pupil(id_, draw(NAMES), numbers[i], tuple(draw(files))) for i, id_ in enumerate(ids)]


def slug(name: str) -> str:
    """Return a name as Canvas writes it: no number stands between underscores."""
    import re

    plain = re.sub(r"[^\w]+", "", name).lower()
    return re.sub(r"_(\d+)(?=_)", r"-\1-", plain)


def canvas(pupils: list[Pupil]) -> dict[str, str]:
    return {
        f"{slug(pupil.name)}_{pupil.number}_{900 + 10 * i + k}_{file}": pupil.id
        for i, pupil in enumerate(pupils) for k, file in enumerate(pupil.files)
    }  # fmt: skip


def moodle_flat(pupils: list[Pupil]) -> dict[str, str]:
    return {
        f"{pupil.name}_{pupil.number}_assignsubmission_file_{file}": pupil.id
        for pupil in pupils for file in pupil.files
    }  # fmt: skip


def moodle(pupils: list[Pupil]) -> dict[str, str]:
    return {f"{pupil.name}_{pupil.number}_assignsubmission_file": pupil.id for pupil in pupils}


def brightspace(pupils: list[Pupil]) -> dict[str, str]:
    return {
        f"{pupil.number}-55 - {pupil.name} - Apr {k + 1}, 2026 1203 PM - {file}": pupil.id
        for pupil in pupils for k, file in enumerate(pupil.files)
    }  # fmt: skip


def blackboard(pupils: list[Pupil]) -> dict[str, str]:
    return {
        f"HW_1_{pupil.id}_attempt_2026-11-01-10-11-12_{file}": pupil.id
        for pupil in pupils
        for file in pupil.files
    }


def sakai(pupils: list[Pupil]) -> dict[str, str]:
    return {f"{pupil.name}({pupil.id})": pupil.id for pupil in pupils}


def brightspace_folders(pupils: list[Pupil]) -> dict[str, str]:
    return {
        f"{pupil.number}-55 - {pupil.name} - {pupil.number % 28 + 1} May, 2026 103 PM": pupil.id
        for pupil in pupils
    }


def by_name_and_id(pupils: list[Pupil]) -> dict[str, str]:
    return {f"{'_'.join(reversed(pupil.name.split()))}_{pupil.id}": pupil.id for pupil in pupils}


def github_archives(pupils: list[Pupil]) -> dict[str, str]:
    return {f"mini-{pupil.id}-main.zip": pupil.id for pupil in pupils}


def github(pupils: list[Pupil]) -> dict[str, str]:
    return {f"cs-mini-{pupil.id}": pupil.id for pupil in pupils}


def google(pupils: list[Pupil]) -> dict[str, str]:
    return {f"{pupil.name} - mini.py": pupil.id for pupil in pupils}


def by_folder(pupils: list[Pupil]) -> dict[str, str]:
    return {pupil.id: pupil.id for pupil in pupils}


def by_names(pupils: list[Pupil]) -> dict[str, str]:
    return {pupil.name.replace("/", "_"): pupil.id for pupil in pupils}


WITHIN: dict[Callable[[list[Pupil]], dict[str, str]], str] = {
    canvas: "", moodle_flat: "", brightspace: "", blackboard: "", google: "",
    moodle: "/mini.py", sakai: "/Submission attachment(s)/mini.py", github: "/.git/HEAD",
    by_folder: "/mini.py", by_names: "/mini.py", by_name_and_id: "/work/mini.py",
    brightspace_folders: "/mini.py", github_archives: "",
}  # fmt: skip


@pytest.mark.parametrize("layout", WITHIN, ids=lambda layout: layout.__name__)
@given(pupils=classes(), by_lms=st.booleans())
@settings(max_examples=150, deadline=None)
def test_no_row_holds_the_work_of_another(
    layout: Callable[[list[Pupil]], dict[str, str]], pupils: list[Pupil], by_lms: bool
) -> None:
    owners = layout(pupils)
    if layout in (google, by_names) and len({pupil.name for pupil in pupils}) < len(pupils):
        return  # two files of one name: no LMS makes that
    lms = {pupil.id: (("", str(pupil.number)),) if by_lms else () for pupil in pupils}
    members = [
        RosterMember(student=pupil.id, name=pupil.name, lms_ids=lms[pupil.id]) for pupil in pupils
    ]
    try:
        found = class_of([f"{name}{WITHIN[layout]}" for name in owners], members)
    except UsageError:
        return  # the whole download is asked about
    told = json.dumps([[entry.paths, entry.notes, entry.look] for entry in found.entries])
    for entry in found.entries:
        if entry.student in lms:
            theirs = {owners[path.split("/")[0]] for path in entry.paths}
            assert theirs <= {entry.student}, (entry.student, entry.paths)
    whose = {owners[path.split("/")[0]] for entry in found.entries for path in entry.paths}
    asked_rows = any(entry.student.startswith("? ") for entry in found.entries)
    assert whose == set(owners.values()) or asked_rows, told


@given(pupils=classes(), wrong=st.booleans())
@settings(max_examples=60, deadline=None)
def test_no_row_holds_the_work_of_another_in_gradescope(pupils: list[Pupil], wrong: bool) -> None:
    told = []
    for number, pupil in enumerate(pupils):
        sid = pupils[number - 1].id if wrong else pupil.id
        told.append(
            f"submission_{number}:\n  :submitters:\n"
            f"  - {{':name': {json.dumps(pupil.name)}, ':sid': {json.dumps(sid)}}}\n"
        )
    files = [f"submission_{number}/{pupil.files[0]}" for number, pupil in enumerate(pupils)]
    listing = Listing(files, {"submission_metadata.yml": "".join(told).encode()})
    roster = Roster([RosterMember(student=pupil.id, name=pupil.name) for pupil in pupils])
    for entry in read(listing, roster, ASKING).entries:
        for path in entry.paths:
            owner = pupils[int(path.removeprefix("submission_"))]
            # Of two people whose names may be one person's the number alone decides.
            theirs = roster.member(entry.student).name
            assert entry.student == owner.id or agree(owner.name, theirs)


@given(pupils=classes())
@settings(max_examples=60, deadline=None)
def test_nobody_has_an_anonymous_hand_in(pupils: list[Pupil]) -> None:
    names = [
        f"anon_{'LATE_' if pupil.number % 2 else ''}{pupil.number}_{pupil.number}_{pupil.files[0]}"
        for pupil in pupils
    ]
    members = [RosterMember(student=pupil.id, name=pupil.name) for pupil in pupils]
    entries = class_of(names, members).entries
    ids = {pupil.id for pupil in pupils}
    assert not [entry for entry in entries if entry.student in ids and entry.paths]
    handed_in = sorted(path for entry in entries for path in entry.paths)
    assert handed_in == sorted(names)


TEAMS = ("Team 7", "team_8", "8", "Ada Lovelace", "T-101")


@pytest.mark.parametrize(
    "lms", ["canvas", "moodle", "folders", "brightspace", "blackboard", "sakai", "github"]
)
@given(pupils=classes(), chosen=st.lists(st.sampled_from(TEAMS), min_size=5, max_size=5))
@settings(max_examples=40, deadline=None)
def test_no_row_holds_the_work_of_another_group(
    lms: str, pupils: list[Pupil], chosen: list[str]
) -> None:
    teams = {pupil.id: team for pupil, team in zip(pupils, chosen, strict=False)}
    of = {team: sorted(id_ for id_, own in teams.items() if own == team) for team in chosen}
    names = {}
    for number, team in enumerate(sorted(set(teams.values()))):
        name = {
            "canvas": f"{slug(team)}_{700 + number}_{900 + number}_mini.py",
            "moodle": f"{team}_{700 + number}_assignsubmission_file",
            "brightspace": f"{700 + number}-55 - {team} - Apr 1, 2026 1203 PM - mini.py",
            "blackboard": f"HW_{team}_attempt_2026-11-01-10-11-12_mini.py",
            "sakai": f"{team}({700 + number})",
            "github": f"cs-mini-{team.lower().replace(' ', '-')}",
            "folders": team,
        }[lms]
        names[name] = team
    members = [RosterMember(student=pupil.id, name=pupil.name) for pupil in pupils]
    groups = Roster([RosterMember(student=id_, name="", group=team) for id_, team in teams.items()])
    ends = {
        "moodle": "/mini.py",
        "folders": "/mini.py",
        "sakai": "/Submission attachment(s)/mini.py",
        "github": "/.git/HEAD",
    }.get(lms, "")
    try:
        found = class_of([f"{name}{ends}" for name in names], members, groups=groups)
    except UsageError:
        return  # the whole download is asked about
    for entry in found.entries:
        if entry.student in teams:
            theirs = {names[path.split("/")[0]] for path in entry.paths}
            assert all(entry.student in of[team] for team in theirs), (entry, teams)


@given(pupils=classes(), chosen=st.lists(st.sampled_from(TEAMS), min_size=5, max_size=5))
@settings(max_examples=60, deadline=None)
def test_no_row_holds_the_work_of_another_group_of_gradescope(
    pupils: list[Pupil], chosen: list[str]
) -> None:
    teams: dict[str, list[Pupil]] = {}
    for pupil, team in zip(pupils, chosen, strict=False):
        teams.setdefault(team, []).append(pupil)
    told, files = [], []
    for number, members in enumerate(teams.values()):
        told.append(f"submission_{number}:\n  :submitters:\n")
        for pupil in members:
            name, sid = json.dumps(pupil.name), json.dumps(pupil.id)
            told.append(f"  - {{':name': {name}, ':sid': {sid}}}\n")
        files.append(f"submission_{number}/{members[0].files[0]}")
    listing = Listing(files, {"submission_metadata.yml": "".join(told).encode()})
    roster = Roster([RosterMember(student=pupil.id, name=pupil.name) for pupil in pupils])
    theirs = {
        pupil.id: f"submission_{number}"
        for number, members in enumerate(teams.values())
        for pupil in members
    }
    entries = read(listing, roster, ASKING).entries
    assert {path for entry in entries for path in entry.paths} == set(theirs.values())
    for entry in entries:
        if entry.student in theirs:
            assert set(entry.paths) <= {theirs[entry.student]}
        assert entry.student in theirs or entry.student.startswith("? ")
