"""What graders decide, and what becomes of it: marks, pages, exports, regrades."""

from __future__ import annotations

import csv
import io
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import made
import msgspec
import pytest
from made import HOW, PLOT, STYLE, WHY
from seats import Sat, text_of

from grader import cli
from grader.classroom.exports import desk as exports
from grader.classroom.exports import feedback, tables
from grader.classroom.marks import gradebook, overrides, rerender
from grader.classroom.marks.decisions import ANSWER_OF, Item
from grader.classroom.marks.written_answers import WrittenAnswer
from grader.classroom.run.results import SubmissionOutcome

Sit = Callable[..., Sat]


def rows(sat: Sat) -> dict[str, dict[str, str]]:
    """Return the gradebook as it would be written now."""
    class_ = sat.store.read_class()
    lines = list(gradebook.lines(sat.store, class_, overrides.read(sat.store.out / overrides.NAME)))
    return {
        row["id"]: row
        for row in csv.DictReader(io.StringIO(gradebook.render(class_, lines).decode()))
    }


# --- groups -------------------------------------------------------------------------------------


def test_thirty_answers_of_which_nine_differ_are_nine_groups(sat: Sit) -> None:
    desk = sat(30)
    groups = desk.groups(WHY)
    assert len(groups) == 9
    assert sum(group.size for group in groups) == 30


def test_the_overview_draws_the_formulas_of_what_is_asked(sat: Sit) -> None:
    page = sat(1).seat("ta1").get("/").text
    assert "<math" in page
    assert "$\\nabla" not in page


def test_similar_answers_stand_next_to_each_other(sat: Sit) -> None:
    texts = [
        "red apples are sweet",
        "the moon is far",
        "red apples are sour",
        "the moon is very far",
        "red apples are",
    ]
    desk = sat(5, answers=lambda number: {WHY: WrittenAnswer(texts[number])})
    kinds = [group.works[0].text.split()[0] for group in desk.groups(WHY)]
    assert kinds in (["red"] * 3 + ["the"] * 2, ["the"] * 2 + ["red"] * 3)


def test_a_decision_is_given_to_all_who_wrote_the_same(sat: Sit) -> None:
    desk = sat(30)
    ta1 = desk.seat("ta1")
    item = desk.item(ta1, WHY, "Names the gradient", 1)
    assert desk.decide(ta1, WHY, "s0000", item=item).status_code == 200
    given = {student for student, row in rows(desk).items() if row[WHY] == "1"}
    assert given == {f"s{number:04}" for number in range(30) if number % 9 == 0}


def test_a_student_who_is_taken_out_keeps_the_decision_and_gets_their_own_then(sat: Sit) -> None:
    desk = sat(30)
    ta1 = desk.seat("ta1")
    item = desk.item(ta1, WHY, "Names the gradient", 1)
    desk.decide(ta1, WHY, "s0000", item=item)
    group = desk.group_of(WHY, "s0009")
    student = desk.desk.view().snapshot.students["s0009"].token
    assert ta1.act(
        "split", part=desk.part(WHY), group=group.token, version=group.version, student=student
    ).is_success
    assert rows(desk)["s0009"][WHY] == "1"
    desk.decide(ta1, WHY, "s0009", add=0.5)
    found = rows(desk)
    assert (found["s0009"][WHY], found["s0000"][WHY], found["s0018"][WHY]) == ("1.5", "1", "1")
    group = desk.group_of(WHY, "s0009")
    assert ta1.act(
        "split", part=desk.part(WHY), group=group.token, version=group.version, join=True
    ).is_success
    assert desk.group_of(WHY, "s0009").mixed


def test_wrong_numbers_that_are_equal_are_one_group_and_are_adjusted_at_once(sat: Sit) -> None:
    desk = sat(8)
    ta1 = desk.seat("ta1")
    item = desk.item(ta1, "double", "The task's wording was unclear", 1.5)
    assert desk.group_of("double", "s0001").size == 2
    desk.decide(ta1, "double", "s0001", item=item)
    found = rows(desk)
    assert [found[f"s{number:04}"]["double"] for number in (0, 1, 5)] == ["6", "4.5", "4.5"]
    assert "The task's wording was unclear" in found["s0001"]["notes"]


def test_who_has_the_same_result_later_is_said_and_gets_the_adjustment_by_one_key(sat: Sit) -> None:
    desk = sat(8)
    ta1 = desk.seat("ta1")
    desk.decide(ta1, "double", "s0001", add=1.5)
    made.regrade(desk.store, "s0002", made.answers_of(2), {"double": 3.0})
    group = desk.group_of("double", "s0002")
    assert (group.size, group.state.value) == (3, "partly graded")
    assert rows(desk)["s0002"]["double"] == "3"
    assert "to look at again" in ta1.get("/").text
    page = ta1.get(f"/q/{desk.part('double')}/{group.token}").text
    assert "they handed in later" in page
    assert desk.decide(ta1, "double", "s0002", done=True).is_success  # what `g` sends
    found = rows(desk)
    assert [found[f"s{number:04}"]["double"] for number in (1, 2, 5)] == ["4.5"] * 3
    assert "to look at again" not in ta1.get("/").text


# --- rubrics ------------------------------------------------------------------------------------


def test_an_item_that_is_changed_acts_on_everybody_who_has_it(sat: Sit) -> None:
    desk = sat(30)
    ta1 = desk.seat("ta1")
    item = desk.item(ta1, WHY, "Names the gradient", 1)
    for student in ("s0000", "s0001"):
        desk.decide(ta1, WHY, student, item=item)
    version = desk.journal.record("item", item).version
    body = {
        "part": desk.part(WHY),
        "item": item,
        "version": version,
        "text": "Names the *gradient*",
        "points": 1.5,
    }
    assert ta1.act("item", **body).is_success
    found = rows(desk)
    assert found["s0000"][WHY] == found["s0001"][WHY] == "1.5"
    assert (
        ta1.act(
            "item", part=desk.part(WHY), item=item, version=version + 1, remove=True
        ).status_code
        == 409
    )
    version = desk.journal.record("item", item).version
    assert ta1.act("item", part=desk.part(WHY), item=item, version=version, remove=True).is_success
    assert rows(desk)["s0000"][WHY] == "0"


@pytest.mark.parametrize(
    ("items", "scale", "points"),
    [
        ([1, 0.5], {}, "1.5"),
        ([1.5, 1.5], {}, "2"),  # never more than there are
        ([-0.5], {}, "1.5"),  # items that take away begin at the maximum
        ([-3], {}, "0"),
        ([-3], {"floor": 0.5}, "0.5"),
        ([3], {"ceiling": 2.5}, "2.5"),  # extra credit, if it is asked for
        ([-0.5], {"from_full": False}, "0"),
        ([0.5], {"from_full": True, "ceiling": 4}, "2.5"),
    ],
)
def test_items_add_up_or_take_away_between_floor_and_ceiling(
    sat: Sit, items: list[float], scale: dict[str, object], points: str
) -> None:
    desk = sat(2)
    ta1 = desk.seat("ta1")
    if scale:
        assert ta1.act("scale", part=desk.part(WHY), version=0, **scale).is_success
    for number, value in enumerate(items):
        desk.decide(ta1, WHY, "s0000", item=desk.item(ta1, WHY, f"item {number}", value))
    assert rows(desk)["s0000"][WHY] == points


def test_the_assignments_rubric_is_there_at_the_beginning_and_is_exported_for_the_next_class(
    sat: Sit,
) -> None:
    brought = (Item(part=f"{ANSWER_OF}{WHY}", text="Names the gradient", points=1.0, order=0.0),)
    desk = sat(3, rubric=brought)
    ta1 = desk.seat("ta1")
    desk.item(ta1, "double", "Unclear", 1)
    tables_ = tomllib.loads(exports.rubric_toml(desk.journal).decode())["rubric"]
    assert tables_ == [
        {"part": WHY, "text": "Names the gradient", "points": 1.0},
        {"part": "double", "text": "Unclear", "points": 1.0},
    ]


# --- two graders --------------------------------------------------------------------------------


def test_the_later_write_never_silently_wins(sat: Sit) -> None:
    desk = sat(30)
    ta1, ta2 = desk.seat("ta1"), desk.seat("ta2")
    item = desk.item(ta1, WHY, "Names the gradient", 1)
    seen = desk.group_of(WHY, "s0000")
    body = {"part": desk.part(WHY), "group": seen.token, "version": seen.version}
    assert ta1.act("decide", **body, item=item).is_success
    late = ta2.act("decide", **body, add=2)
    assert (late.status_code, late.json()["who"]) == (409, "ta1")
    assert rows(desk)["s0000"][WHY] == "1"


def test_a_split_that_came_between_is_a_change_too(sat: Sit) -> None:
    desk = sat(30)
    ta1, ta2 = desk.seat("ta1"), desk.seat("ta2")
    seen = desk.group_of(WHY, "s0000")
    student = desk.desk.view().snapshot.students["s0009"].token
    body = {"part": desk.part(WHY), "group": seen.token, "version": seen.version}
    assert ta1.act("split", **body, student=student).is_success
    assert ta2.act("decide", **body, add=2).status_code == 409


def test_graders_see_each_other(sat: Sit) -> None:
    desk = sat(3)
    ta1, ta2 = desk.seat("ta1"), desk.seat("ta2")
    place = f"{desk.part(WHY)}/{desk.group_of(WHY, 's0000').token}"
    ta1.client.get("/pulse", params={"place": place, "window": "1"})
    assert ta2.client.get("/pulse", params={"place": place, "window": "2"}).json()["others"] == [
        "ta1"
    ]
    ta1.client.get("/pulse", params={"place": "", "window": "1"})
    assert ta2.client.get("/pulse", params={"place": place, "window": "2"}).json()["others"] == []


def test_undo_takes_back_ones_own_last_action(sat: Sit) -> None:
    desk = sat(30)
    ta1, ta2 = desk.seat("ta1"), desk.seat("ta2")
    item = desk.item(ta1, WHY, "Names the gradient", 1)
    desk.decide(ta1, WHY, "s0000", item=item)
    desk.decide(ta2, HOW, "s0000", add=2)
    told = ta1.act("undo").json()
    assert told["undone"].startswith("/q/")
    found = rows(desk)["s0000"]
    assert (found[WHY], found[HOW]) == ("", "2")


def test_a_part_is_shared_out_and_each_grader_is_led_to_their_own(sat: Sit) -> None:
    desk = sat(30)
    ta1, ta2 = desk.seat("ta1"), desk.seat("ta2")
    assert ta1.act("share", part=desk.part(WHY), version=0, graders=["ta1", "ta2"]).is_success
    view = desk.desk.view()
    whose = {group.token: view.grader_of(group) for group in desk.groups(WHY)}
    assert set(whose.values()) == {"ta1", "ta2"}
    for seat in (ta1, ta2):
        where = seat.get(f"/q/{desk.part(WHY)}/next").headers["location"].rpartition("/")[2]
        assert whose[where] == seat.grader


# --- what is decided reaches people -------------------------------------------------------------


def test_marks_pages_and_exports_hold_what_was_decided(sat: Sit, tmp_path: Path) -> None:
    desk = sat(6)
    ta1 = desk.seat("ta1")
    item = desk.item(ta1, WHY, "Names the **gradient** $\\nabla L$", 1)
    desk.decide(ta1, WHY, "s0000", item=item)
    desk.decide(ta1, WHY, "s0000", comment="See *chapter 10*, $h_t$.")
    hidden = desk.item(ta1, "shift", "right but for a sign", 0.5)
    desk.decide(ta1, "shift", "s0000", item=hidden)
    assert (
        "6 pages" in ta1.act("write").json()["message"]
    )  # all six have the same result of that check
    out = desk.store.out
    written = {
        row["id"]: row for row in csv.DictReader(io.StringIO((out / "gradebook.csv").read_text()))
    }
    assert (written["s0000"][WHY], written["s0000"]["shift"]) == ("1", "4.5")
    page = (out / "s0000/student.html").read_text()
    assert "<strong>gradient</strong>" in page
    assert "<em>chapter 10</em>" in page
    assert page.count("<math") >= 2
    assert "hidden_1" in page
    assert "shift" not in text_of(page).partition("Notebooks as they ran")[0].replace(
        "hidden_1", ""
    )
    class_, lines = tables.marked(out)
    with zipfile.ZipFile(io.BytesIO(feedback.render(class_, lines, out).data)) as archive:
        assert "<strong>gradient</strong>" in archive.read("s0000/feedback.html").decode()
    for form, more in (("nbgrader", ()), ("canvas", ("--column", "Work (1)"))):
        assert (
            cli.run(["export", form, "--from", str(out), "--out", str(tmp_path / form), *more]) == 0
        )
        assert "11.5" in (tmp_path / form).read_text()


def test_the_feedback_export_writes_pages_that_are_behind(sat: Sit, tmp_path: Path) -> None:
    desk = sat(3)
    ta1 = desk.seat("ta1")
    desk.decide(ta1, WHY, "s0001", comment="Well argued.", done=True)
    out = desk.store.out
    assert "Well argued." not in (out / "s0001/student.html").read_text()
    assert (
        cli.run(["export", "feedback", "--from", str(out), "--out", str(tmp_path / "f.zip")]) == 0
    )
    with zipfile.ZipFile(tmp_path / "f.zip") as archive:
        assert "Well argued." in archive.read("s0001/feedback.html").decode()


def test_only_pages_that_are_behind_are_written(sat: Sit) -> None:
    desk = sat(9)
    ta1 = desk.seat("ta1")
    desk.decide(ta1, WHY, "s0004", add=1)
    path = desk.store.out / overrides.NAME
    assert [entry.student for entry, _, _ in rerender.behind(desk.store, path)] == ["s0004"]
    assert ta1.act("write").is_success
    assert rerender.behind(desk.store, path) == []


def test_overrides_are_still_read_and_have_the_last_word(sat: Sit) -> None:
    desk = sat(3)
    ta1 = desk.seat("ta1")
    desk.decide(ta1, WHY, "s0000", add=1)
    text = f'[[adjust]]\nstudent = "s0000"\nanswer = "{WHY}"\npoints = 2\nreason = "agreed"\n'
    (desk.store.out / overrides.NAME).write_text(text)
    assert rows(desk)["s0000"][WHY] == "2"


def test_a_comment_alone_leaves_the_answer_waiting(sat: Sit) -> None:
    desk = sat(3)
    desk.decide(desk.seat("ta1"), WHY, "s0000", comment="to be discussed")
    assert rows(desk)["s0000"][WHY] == ""
    assert desk.group_of(WHY, "s0000").state.value == "waits"


def test_every_decision_is_exported_with_who_when_and_what_stood_before(
    sat: Sit, tmp_path: Path
) -> None:
    desk = sat(3)
    ta1, ta2 = desk.seat("ta1"), desk.seat("ta2")
    item = desk.item(ta1, WHY, "=cmd|gradient", 1)
    desk.decide(ta1, WHY, "s0000", item=item)
    desk.decide(ta2, WHY, "s0000", comment="better")
    assert (
        cli.run(
            ["desk", "--from", str(desk.store.out), "--export", str(tmp_path / "decisions.csv")]
        )
        == 0
    )
    lines = list(csv.DictReader(io.StringIO((tmp_path / "decisions.csv").read_text())))
    last = lines[-1]
    assert (last["who"], last["part"], last["student"]) == ("ta2", WHY, "s0000")
    assert "gradient (+1)" in last["before"]
    assert "better" in last["after"]
    assert last["time"].startswith("20")
    assert not last["after"].startswith("=")


# --- the class is graded again ------------------------------------------------------------------


def test_a_regrade_keeps_decisions_on_answers_that_did_not_change(sat: Sit) -> None:
    desk = sat(3)
    ta1 = desk.seat("ta1")
    desk.decide(ta1, WHY, "s0000", add=2)
    made.regrade(desk.store, "s0000", made.answers_of(0), {"double": 0.0})
    assert desk.group_of(WHY, "s0000").state.value == "graded"
    assert rows(desk)["s0000"][WHY] == "2"


def test_an_answer_that_changed_since_waits_again_and_says_so(sat: Sit) -> None:
    desk = sat(3)
    ta1 = desk.seat("ta1")
    desk.decide(ta1, WHY, "s0000", add=2)
    made.regrade(
        desk.store, "s0000", {**made.answers_of(0), WHY: WrittenAnswer("Something else.")}, {}
    )
    group = desk.group_of(WHY, "s0000")
    assert group.state.value == "changed since"
    row = rows(desk)["s0000"]
    assert row[WHY] == ""
    assert "changed since it was graded" in row["notes"]
    page = ta1.get(f"/q/{desk.part(WHY)}/{group.token}").text
    assert "Changed since it was graded" in page
    assert desk.decide(ta1, WHY, "s0000", done=True).is_success  # the same as before
    assert rows(desk)["s0000"][WHY] == "2"


def test_an_answer_that_is_gone_waits_too(sat: Sit) -> None:
    desk = sat(3)
    desk.decide(desk.seat("ta1"), WHY, "s0000", add=2)
    answers = {name: answer for name, answer in made.answers_of(0).items() if name != WHY}
    made.regrade(desk.store, "s0000", answers, {})
    assert rows(desk)["s0000"][WHY] == ""


def test_a_decision_on_a_check_that_changed_is_shown_as_such(sat: Sit) -> None:
    desk = sat(5)
    ta1 = desk.seat("ta1")
    desk.decide(ta1, "double", "s0001", add=1)
    assert rows(desk)["s0001"]["double"] == "4"
    made.regrade(desk.store, "s0001", made.answers_of(1), {"double": 2.0})
    assert desk.group_of("double", "s0001").state.value == "changed since"
    row = rows(desk)["s0001"]
    assert row["double"] == "3"
    assert "result has changed since it was adjusted" in row["notes"]


# --- requests, second reading -------------------------------------------------------------------


def test_requests_stand_at_the_answer_until_they_are_decided(sat: Sit) -> None:
    desk = sat(3)
    ta1 = desk.seat("ta1")
    table = f"id,part,text\ns0001,{WHY},I did name it <b>x</b>\ns0002,double,Look again\n"
    headers = {"Origin": "http://127.0.0.1:8521", "Content-Type": "text/csv"}
    assert ta1.client.post("/act/import", content=table.encode(), headers=headers).is_success
    group = desk.group_of(WHY, "s0001")
    assert group.request
    page = ta1.get(f"/q/{desk.part(WHY)}/{group.token}").text
    assert "I did name it &lt;b&gt;x" in page
    student = desk.desk.view().snapshot.students["s0001"].token
    version = desk.desk.journal.record("request", f'["answer:{WHY}","s0001"]').version
    body = {"part": desk.part(WHY), "student": student, "version": version}
    assert ta1.act("answer", **body, granted=False, reply="it is not there").is_success
    assert not desk.group_of(WHY, "s0001").request
    assert desk.seat("ta2").act("answer", **body, granted=True).status_code == 409


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ("id,text\ns0001,x\n", "columns"),
        ("id,part,text\nnobody,Work/why,x\n", "no student 'nobody'"),
        ("id,part,text\ns0001,nothing,x\n", "no part 'nothing'"),
        ("id,part,text\ns0001,Work/why,\n", "empty"),
        ("id,part,text\ns0001,Work/why\n", "empty"),
    ],
)
def test_a_table_of_requests_that_can_not_be_meant_is_refused_whole(
    sat: Sit, table: str, complaint: str
) -> None:
    desk = sat(3)
    headers = {"Origin": "http://127.0.0.1:8521", "Content-Type": "text/csv"}
    good = table.replace("\n", "\ns0000,Work/why,good\n", 1)
    answer = desk.seat("ta1").client.post("/act/import", content=good.encode(), headers=headers)
    assert answer.status_code == 400
    assert complaint in answer.json()["error"]
    assert desk.desk.view().requests == {}


def test_a_second_reading_is_blind_changes_no_mark_and_says_how_far_apart_it_is(sat: Sit) -> None:
    desk = sat(30)
    ta1, ta2 = desk.seat("ta1"), desk.seat("ta2")
    for group in desk.groups(WHY):
        desk.decide(ta1, WHY, group.works[0].student, add=1)
    assert ta1.act("draw", part=desk.part(WHY), count=3).is_success
    page = ta2.get(f"/q/{desk.part(WHY)}").text
    assert page.count("hidden until it is read") == 3
    token = page.partition("?second=1")[0].rpartition("/")[2]
    shown = ta2.get(f"/q/{desk.part(WHY)}/{token}?second=1").text
    assert 'id="points">–' in shown
    assert ta2.act(
        "decide", part=desk.part(WHY), group=token, version=0, add=1.5, second=True
    ).is_success
    assert "0.5 points apart" in text_of(ta2.get(f"/q/{desk.part(WHY)}").text)
    assert {row[WHY] for row in rows(desk).values()} == {"1"}


def test_parts_that_are_code_show_what_the_checks_say(sat: Sit) -> None:
    desk = sat(3)
    ta1 = desk.seat("ta1")
    for part in (PLOT, STYLE):
        group = desk.group_of(part, "s0001")
        page = ta1.get(f"/q/{desk.part(part)}/{group.token}").text
        assert "What the checks say" in page
        assert "<code>double</code> 3 / 6" in page
    assert (
        "data:image/png"
        in ta1.get(f"/q/{desk.part(PLOT)}/{desk.group_of(PLOT, 's0001').token}").text
    )


def test_names_are_not_sent_until_they_are_asked_for(sat: Sit) -> None:
    desk = sat(12)
    ta1 = desk.seat("ta1")
    group = desk.group_of(WHY, "s0000")
    student = desk.desk.view().snapshot.students["s0000"].token
    paths = [
        "/",
        f"/q/{desk.part(WHY)}",
        f"/q/{desk.part(WHY)}/{group.token}",
        f"/s/{student}",
        "/requests",
        "/journal",
    ]
    for path in paths:
        page = ta1.get(path)
        assert page.status_code == 200
        assert "Pupil" not in page.text
        assert "s0000" not in page.text
    ta1.client.cookies["desk-names"] = "1"
    assert "Pupil 0" in ta1.get(paths[2]).text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 9),
        ("?state=left", 8),
        ("?state=graded", 1),
        ("?text=SATURATES", 1),
        ("?grader=ta1", 1),
        ("?score=1", 1),
        ("?score=2", 0),
        ("?section=A", 9),
        ("?section=C", 0),
        ("?text=" + "x" * 300, 0),
        ("?page=99999", 9),
        ("?page=%D9%A1", 9),
        ("?page=-1", 9),
    ],
)
def test_a_list_is_filtered(sat: Sit, query: str, found: int) -> None:
    desk = sat(30)
    ta1 = desk.seat("ta1")
    desk.decide(ta1, WHY, "s0003", add=1)
    page = ta1.get(f"/q/{desk.part(WHY)}{query}")
    assert page.status_code == 200
    assert f"{found} shown" in page.text
    if not query:
        assert page.text.index("state-waiting") < page.text.index(
            "state-graded"
        )  # what waits stands first


def test_a_part_can_be_shared_among_those_alone_who_sit_at_the_desk(sat: Sit) -> None:
    desk = sat(3)
    answer = desk.seat("ta1").act("share", part=desk.part(WHY), version=0, graders=["ta1", "Boo"])
    assert answer.status_code == 400
    assert "'Boo' is not a grader" in answer.json()["error"]


def test_a_class_that_can_no_longer_be_read_is_said_so(sat: Sit) -> None:
    desk = sat(3)
    ta1 = desk.seat("ta1")
    for name in ("class.json", ".class.json"):
        (desk.store.out / name).write_text("{")
    answer = ta1.get("/")
    assert answer.status_code == 500
    assert "is damaged" in answer.text


def test_the_class_page_is_live_and_lists_what_people_read(sat: Sit) -> None:
    desk = sat(3)
    ta1 = desk.seat("ta1")
    before = text_of(ta1.get("/class/").text)
    assert f"{WHY}" in before
    assert "3 × wait to be read" in before
    desk.decide(ta1, WHY, "s0000", add=2)
    assert "2 × wait to be read" in text_of(ta1.get("/class/").text)
    rows_ = list(csv.DictReader(io.StringIO(ta1.get("/class/gradebook.csv").text)))
    assert rows_[0][WHY] == "2"


def test_the_verdicts_stand_at_the_cells_that_they_judge(sat: Sit) -> None:
    desk = sat(5)
    student = desk.desk.view().snapshot.students["s0001"].token
    page = desk.seat("ta1").get(f"/s/{student}").text
    cell = page.partition("Cell of the assignment")[2].partition("<pre")[0]
    assert "double: fail, 3 / 6" in cell


def test_a_students_page_leads_to_the_next_student_and_to_what_waits(sat: Sit) -> None:
    desk = sat(3)
    ta1 = desk.seat("ta1")
    tokens = sorted(student.token for student in desk.desk.view().snapshot.students.values())
    pages = [ta1.get(f"/s/{token}").text for token in tokens]
    assert f'data-previous="" data-following="{tokens[1]}"' in pages[0]
    assert f'data-previous="{tokens[0]}" data-following="{tokens[2]}"' in pages[1]
    assert f'data-previous="{tokens[1]}" data-following=""' in pages[2]
    assert f'<a class="go" href="/q/{desk.part(WHY)}/' in pages[0]
    ta1.client.cookies["desk-names"] = "1"  # the order of the class
    first = desk.desk.view().snapshot.students["s0000"].token
    assert 'data-previous=""' in ta1.get(f"/s/{first}").text


def test_students_without_work_and_questions_without_answers_have_pages_too(sat: Sit) -> None:
    people = [made.entry(0), msgspec.structs.replace(made.entry(1), paths=())]
    desk = sat(entries=people, answers=lambda number: {})
    ta1 = desk.seat("ta1")
    view = desk.desk.view()
    for part in view.snapshot.parts:
        assert ta1.get(f"/q/{part.token}").status_code == 200
        assert ta1.get(f"/q/{part.token}/next").status_code == 303
    for student in view.snapshot.students.values():
        assert ta1.get(f"/s/{student.token}").status_code == 200
    assert "0 answers are left" in ta1.get("/").text


def test_a_refused_submission_is_shown_with_its_reason(sat: Sit) -> None:
    desk = sat(2)
    row = desk.store.row("s0001", "s0001")
    assert row is not None
    reason = "it holds <script>no</script> notebook"
    refused = msgspec.structs.replace(
        row, outcome=SubmissionOutcome.REFUSED, checks=(), answered=(), texts={}, message=reason
    )
    desk.store.write("s0001", {"refused.txt": reason.encode()}, refused)
    desk.store.write_class(desk.store.read_class())
    ta1 = desk.seat("ta1")
    student = desk.desk.view().snapshot.students["s0001"].token
    assert ta1.get(f"/s/{student}").status_code == 200
    answer = ta1.get(f"/s/{student}/report")
    assert (answer.text, answer.headers["content-type"].partition(";")[0]) == (reason, "text/plain")
    assert [group.size for group in desk.groups(WHY)] == [1]


def test_the_live_gradebook_follows_decisions_items_and_overrides(sat: Sit) -> None:
    desk = sat(3)
    ta1 = desk.seat("ta1")

    def points() -> list[str]:
        table = csv.DictReader(io.StringIO(ta1.get("/class/gradebook.csv").text))
        return [row[WHY] for row in table]

    item = desk.item(ta1, WHY, "Names the gradient", 1)
    desk.decide(ta1, WHY, "s0000", item=item)
    assert points() == ["1", "", ""]
    desk.decide(ta1, WHY, "s0001", add=2)
    assert points() == ["1", "2", ""]
    body = {
        "item": item,
        "version": desk.journal.record("item", item).version,
        "text": "Names it",
        "points": 0.5,
    }
    assert ta1.act("item", part=desk.part(WHY), **body).is_success
    assert points() == ["0.5", "2", ""]
    ta1.act("undo")
    assert points() == ["1", "2", ""]
    text = f'[[adjust]]\nstudent = "s0002"\nanswer = "{WHY}"\npoints = 1.5\nreason = "agreed"\n'
    (desk.store.out / overrides.NAME).write_text(text)
    assert points() == ["1", "2", "1.5"]
