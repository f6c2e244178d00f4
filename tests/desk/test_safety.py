"""What a hostile page or a hostile answer can do at the desk: nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import made
import pytest
from made import HOW, PLOT, STYLE, WHY
from report import samples
from seats import HOST, ORIGIN, Sat, Seat

from grader.classroom.download.students import Entry, safe_folder
from grader.classroom.marks.decisions import Item, Journal
from grader.classroom.marks.written_answers import WrittenAnswer
from grader.desk.web import server
from grader.desk.web.keys import keys_of
from grader.errors import UsageError

Sit = Callable[..., Sat]
ATTACKS = (*samples.XSS, *samples.MARKDOWN_XSS)
ACTIVE = {
    "iframe",
    "frame",
    "object",
    "embed",
    "base",
    "applet",
    "svg",
    "style",
    "form",
    "audio",
    "video",
    "template",
}
OWN_SCRIPT = "/static/desk.js"


class Finder(HTMLParser):
    """Collects what could act on a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ACTIVE and given.get("id") != "filters":
            self.found.append(tag)
        if tag == "script" and given.get("src") != OWN_SCRIPT:
            self.found.append("script")
        for name, value in attrs:
            link = (value or "").strip().lower()
            if name.startswith("on") or name in (
                "style",
                "srcdoc",
                "formaction",
                "srcset",
                "xlink:href",
            ):
                self.found.append(name)
            if name in ("href", "src") and re.match(
                r"(?:javascript|vbscript|data:(?!image/(?:png|jpeg);|,$))", link
            ):
                self.found.append(link)
            if name == "src" and link.startswith(("http", "//")):
                self.found.append(link)


def acting(page: str) -> list[str]:
    finder = Finder()
    finder.feed(page)
    return finder.found


def hostile(sat: Sit) -> Sat:
    """Return a desk on a class in which every string is an attack."""

    def answers(number: int) -> dict[str, WrittenAnswer]:
        text = ATTACKS[number % len(ATTACKS)]
        return {
            name: WrittenAnswer(text, {text: made.png(), "x": text}, elsewhere=True)
            for name in (WHY, HOW, PLOT, STYLE)
        }

    names = []
    for number, attack in enumerate(ATTACKS):
        student = f"{attack}{number}".encode("utf-8", "replace").decode()
        clean = attack.encode("utf-8", "replace").decode()
        names.append(
            Entry(
                student=student,
                folder=safe_folder(student),
                name=clean,
                section=clean,
                paths=(clean,),
            )
        )
    rubric = tuple(
        Item(
            part=f"answer:{WHY}",
            text=attack.encode("utf-8", "replace").decode(),
            points=1,
            order=number,
        )
        for number, attack in enumerate(ATTACKS[:40])
    )
    answered = [answers(number) for number in range(len(names))]
    return sat(answers=lambda number: answered[number], entries=names, rubric=rubric)


def pages_of(desk: Sat) -> Iterator[str]:
    """Yield every page of a desk."""
    view = desk.desk.view()
    yield from ("/", "/requests", "/journal", "/class/")
    for part in view.snapshot.parts:
        yield f"/q/{part.token}"
        yield f"/q/{part.token}?page=2"
        for group in view.groups(part)[:60]:
            yield f"/q/{part.token}/{group.token}"
    for student in view.snapshot.students.values():
        yield f"/s/{student.token}"


# --- hostile answers ----------------------------------------------------------------------------


@pytest.mark.parametrize("names", ["", "1"])
def test_no_attack_in_answers_names_items_comments_or_file_names_acts(sat: Sit, names: str) -> None:
    desk = hostile(sat)
    ta1 = desk.seat("ta1")
    ta1.client.cookies["desk-names"] = names
    for number, group in enumerate(desk.groups(WHY)[:30]):
        comment = ATTACKS[number].encode("utf-8", "replace").decode()
        assert desk.decide(ta1, WHY, group.works[0].student, comment=comment).is_success
    for student in list(desk.desk.view().snapshot.students.values())[:10]:
        body = {"part": desk.part(HOW), "student": student.token, "text": student.entry.name + "."}
        assert ta1.act("ask", **body).is_success
    seen = 0
    for path in pages_of(desk):
        answer = ta1.get(path)
        assert answer.status_code == 200, path
        if path == "/class/":
            assert "script-src 'sha256-" in answer.headers["content-security-policy"]
            continue
        assert acting(answer.text) == [], path
        seen += 1
    assert seen > 200


def test_what_finds_what_acts_finds_it() -> None:
    assert acting("<script>x</script>") == ["script"]
    assert acting("<p onclick=x style=y>") == ["onclick", "style"]
    assert acting("<a href=' JavaScript:x'>") == ["javascript:x"]


# --- hostile pages ------------------------------------------------------------------------------


@pytest.fixture
def ta1(sat: Sit) -> Seat:
    seat = sat(3).seat("ta1")
    assert seat.get("/").status_code == 200
    return seat


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "attacker.example"},
        {"Host": "attacker.example:8521"},
        {"Host": f"{HOST}.attacker.example"},
        {"Host": "127.0.0.1"},
        {"Host": ""},
        {"Origin": "https://attacker.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8522"},  # another port of the same machine
        {"Origin": f"https://{HOST}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Cookie": ""},
        {"Cookie": "grader-desk=dGEx.0000"},
        {"Cookie": "grader-desk=dGEx."},
    ],
)
@pytest.mark.parametrize(
    "path", ["/", "/static/desk.js", "/export/decisions.csv", "/pulse", "/nothing"]
)
def test_a_request_from_elsewhere_reads_nothing(
    ta1: Seat, headers: dict[str, str], path: str
) -> None:
    answer = ta1.client.get(path, headers=headers)
    assert answer.status_code in (401, 403)
    assert "Two functions" not in answer.text
    assert len(answer.text) < 200


@pytest.mark.parametrize(
    "headers",
    [
        {},  # a form of an old browser says nothing
        {"Origin": "https://attacker.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Origin": ORIGIN, "Host": "attacker.example"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
        {"Origin": ORIGIN, "Cookie": "x=y"},
    ],
)
def test_a_request_from_elsewhere_changes_nothing(sat: Sit, headers: dict[str, str]) -> None:
    desk = sat(3)
    ta1 = desk.seat("ta1")
    before = desk.journal.last
    body = {"part": desk.part(WHY), "text": "mine", "points": 5}
    assert ta1.client.post("/act/item", json=body, headers=headers).status_code in (401, 403)
    assert desk.journal.last == before


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_what_a_form_can_send_is_no_action(sat: Sit, kind: str) -> None:
    desk = sat(3)
    ta1 = desk.seat("ta1")
    body = json.dumps({"part": desk.part(WHY), "text": "mine", "points": 5})
    answer = ta1.client.post(
        "/act/item", content=body, headers={"Origin": ORIGIN, "Content-Type": kind}
    )
    assert answer.status_code == 415
    assert desk.desk.view().book.items == {}


def test_every_answer_forbids_frames_foreign_scripts_and_sniffing(sat: Sit) -> None:
    desk = sat(3)
    ta1 = desk.seat("ta1")
    student = desk.desk.view().snapshot.students["s0000"]
    paths = [
        *pages_of(desk),
        "/static/desk.js",
        "/export/decisions.csv",
        "/export/rubric.toml",
        "/nothing",
        "/q/x",
    ]
    paths += [
        f"/s/{student.token}/report",
        f"/class/{student.entry.folder}/report.html",
        "/class/gradebook.csv",
    ]
    stranger = desk.client()
    for answer in [*map(ta1.get, paths), stranger.get("/"), ta1.act("nothing"), ta1.act("undo")]:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-eval" not in policy
        assert "'unsafe-inline'" not in policy.replace("style-src 'unsafe-inline'", "")
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers
    report = ta1.get(f"/s/{student.token}/report").headers["content-security-policy"]
    assert "sandbox" in report
    assert "script-src" not in report


def test_the_cookie_is_strict_and_no_script_reads_it(sat: Sit) -> None:
    desk = sat(3)
    answer = desk.client().get("/", params={"token": desk.keys.token("ta1")})
    cookie = answer.headers["set-cookie"].lower()
    assert "samesite=strict" in cookie
    assert "httponly" in cookie
    assert desk.keys.token("ta1") not in answer.text + cookie


@pytest.mark.parametrize("token", ["", "x", "é", "A" * 5000])
def test_a_wrong_token_opens_nothing(sat: Sit, token: str) -> None:
    answer = sat(3).client().get("/", params={"token": token})
    assert answer.status_code in (401, 403)
    assert "set-cookie" not in answer.headers


def test_a_graders_cookie_is_no_token_and_no_other_graders(sat: Sit) -> None:
    desk = sat(3)
    ta1, ta2 = desk.keys.cookie("ta1"), desk.keys.cookie("ta2")
    assert desk.keys.of_token(ta1.partition(".")[2]) is None
    forged = f"{ta2.partition('.')[0]}.{ta1.partition('.')[2]}"
    assert desk.keys.of_cookie(forged) is None


def test_keys_survive_a_restart_and_new_ones_end_them(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "desk.sqlite3", create=True)
    cookie = keys_of(journal, ("ta1",)).cookie("ta1")
    journal.close()
    journal = Journal(tmp_path / "desk.sqlite3")
    assert keys_of(journal, ("ta1",)).of_cookie(cookie) == "ta1"
    assert keys_of(journal, ("ta2",)).of_cookie(cookie) is None
    assert keys_of(journal, ("ta1",), anew=True).of_cookie(cookie) is None
    journal.close()


# --- paths --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/static/../desk.py",
        "/static/%2e%2e%2fdesk.py",
        "/static/..%5cdesk.py",
        "/static//etc/passwd",
        "/static/",
        "/class/../overrides.toml/report.html",
        "/class/%2e%2e/report.html",
        "/class/..%2f..%2fetc/passwd",
        "/class/.grade/row.json",
        "/class/s0000%00/report.html",
        "/s/s0000",
        "/s/..%2fs0000/report",
        "/export/class.json",
        "/export/..%2fdesk.sqlite3",
        "/q/..%2f..",
        "/q/answer:Work/why",
        "/desk.sqlite3",
        "/class.json",
    ],
)
def test_no_name_of_a_request_reaches_a_file(ta1: Seat, path: str) -> None:
    answer = ta1.get(path)
    assert answer.status_code in (303, 404)
    assert "root:" not in answer.text
    assert "SQLite" not in answer.text


def test_a_report_that_is_asked_for_by_folder_is_the_students_whatever_file_is_named(
    sat: Sit,
) -> None:
    desk = sat(3)
    ta1 = desk.seat("ta1")
    (desk.store.out / "s0000" / "private.txt").write_text("private")
    answer = ta1.get("/class/s0000/private.txt")
    assert "private" not in answer.text


# --- what is sent -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"{",
        b'{"part": 1}',
        b'{"part": "x", "text": "a", "points": 1e999}',
        b'{"part": "x", "text": "a", "points": "1"}',
        b'{"part": "x", "extra": 1}',
        b"\xff\xfe",
        b"[" * 10_000,
    ],
)
def test_what_is_no_action_is_refused_in_a_sentence(ta1: Seat, body: bytes) -> None:
    headers = {"Origin": ORIGIN, "Content-Type": "application/json"}
    for action in (
        "item",
        "decide",
        "scale",
        "split",
        "share",
        "ask",
        "answer",
        "draw",
        "nothing",
        "import",
    ):
        answer = ta1.client.post(f"/act/{action}", content=body, headers=headers)
        assert answer.status_code == 400, (action, answer.text)
        assert answer.json()["error"]


def test_a_body_that_is_too_long_is_not_read(ta1: Seat) -> None:
    headers = {"Origin": ORIGIN, "Content-Type": "application/json"}
    assert (
        ta1.client.post("/act/item", content=b"x" * 2_000_000, headers=headers).status_code == 413
    )


@pytest.mark.parametrize("points", [float("nan"), float("inf"), 1e300])
def test_points_that_are_no_number_are_refused(sat: Sit, points: float) -> None:
    desk = sat(3)
    ta1 = desk.seat("ta1")
    group = desk.group_of(WHY, "s0000")
    text = json.dumps({"part": desk.part(WHY), "group": group.token, "version": 0, "add": points})
    headers = {"Origin": ORIGIN, "Content-Type": "application/json"}
    assert ta1.client.post("/act/decide", content=text, headers=headers).status_code == 400


def test_an_item_of_another_question_can_not_be_given(sat: Sit) -> None:
    desk = sat(3)
    ta1 = desk.seat("ta1")
    item = desk.item(ta1, HOW, "of another", 3)
    assert desk.decide(ta1, WHY, "s0000", item=item).status_code == 400
    answer = ta1.act(
        "item", part=desk.part(WHY), item=item, version=desk.journal.last, text="taken", points=0
    )
    assert answer.status_code == 400


# --- who may listen -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"host": "0.0.0.0"}, "name each grader"),
        ({"host": "192.0.2.1"}, "name each grader"),
        ({"host": "example.edu"}, "name each grader"),
        ({"origin": "https://example.edu"}, "name each grader"),
        ({"host": "0.0.0.0", "graders": ("ta1",)}, "--origin"),
        ({"host": "", "graders": ("ta1",)}, "--origin"),
        ({"origin": "ftp://example.edu", "graders": ("ta1",)}, "https://HOST"),
        ({"graders": ("ta1", "ta1")}, "same name"),
        ({"graders": ("../x",)}, "can't be a grader's name"),
    ],
)
def test_a_desk_that_others_reach_needs_graders_and_an_address(
    tmp_path: Path, options: dict[str, object], complaint: str
) -> None:
    made.build(tmp_path / "class", 1)
    settings = server.DeskOptions(source=tmp_path / "class", port=0, **options)
    with pytest.raises(UsageError, match=complaint), server.opened(settings, "me"):
        pass


def test_two_desks_on_one_class_are_refused(tmp_path: Path) -> None:
    made.build(tmp_path / "class", 1)
    settings = server.DeskOptions(source=tmp_path / "class", port=0)
    with (
        server.opened(settings, "me"),
        pytest.raises(UsageError, match="open on"),
        server.opened(settings, "me"),
    ):
        pass


def test_behind_a_proxy_the_prefix_stands_in_every_link_and_the_cookie_is_for_https(
    tmp_path: Path,
) -> None:
    made.build(tmp_path / "class", 2)
    settings = server.DeskOptions(
        source=tmp_path / "class",
        port=0,
        graders=("ta1", "ta2"),
        origin="https://example.edu/grading",
    )
    with server.opened(settings, "me") as desk:
        from seats import Client

        client = Client(desk.app)
        ((_, address), _) = desk.addresses
        assert address.startswith("https://example.edu/grading/?token=")
        where = {"Host": "example.edu"}
        entered = client.get(address.removeprefix("https://example.edu"), headers=where)
        cookie = entered.headers["set-cookie"]
        assert "Secure" in cookie
        assert "Path=/grading/" in cookie
        client.cookies = {}
        headers = {**where, "Cookie": cookie.partition(";")[0]}
        for path in ("/grading/", "/"):  # a proxy may leave the prefix or take it away
            page = client.get(path, headers=headers)
            assert page.status_code == 200
            links = re.findall(r'(?:href|src)="(/[^"]*)"', page.text)
            assert links
            assert all(link.startswith("/grading/") for link in links)
        assert (
            client.get("/grading/", headers={**headers, "Host": "attacker.example"}).status_code
            == 403
        )


def test_the_connection_is_the_loopbacks(tmp_path: Path) -> None:
    made.build(tmp_path / "class", 1)
    with server.opened(server.DeskOptions(source=tmp_path / "class", port=0), "me") as desk:
        assert desk.sockets[0].getsockname()[0] == "127.0.0.1"
        assert desk.addresses[0][1].startswith("http://127.0.0.1:")
