"""The desk in a real browser: two graders, keys alone, a server that is killed, and axe-core."""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import made
import pytest
from browsers import violations
from made import HOW, PLOT, STYLE, WHY
from report import samples

from grader import cli
from grader.classroom.marks.decisions import ANSWER_OF, Item
from grader.classroom.marks.written_answers import WrittenAnswer

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
MISSING = [
    name
    for name, there in (
        ("a Chromium", CHROMIUM),
        ("playwright", importlib.util.find_spec("playwright")),
        ("axe-playwright-python", importlib.util.find_spec("axe_playwright_python")),
    )
    if not there
]
pytestmark = pytest.mark.skipif(
    bool(MISSING) and os.environ.get("CI") != "true",
    reason=f"the browser tests need {' and '.join(MISSING)}",
)
RUBRIC = (
    Item(part=f"{ANSWER_OF}{WHY}", text="Names the **gradient** $\\nabla L$", points=1, order=1),
    Item(part=f"{ANSWER_OF}{WHY}", text="Says why it becomes small", points=1, order=2),
    Item(part=f"{ANSWER_OF}{HOW}", text="Names a gate", points=2, order=1),
    Item(part=f"{ANSWER_OF}{HOW}", text="Says what the gate does", points=1, order=2),
    Item(part=f"{ANSWER_OF}{PLOT}", text="No label on the axes", points=-0.5, order=1),
    Item(part=f"{ANSWER_OF}{PLOT}", text="The scale hides the loss", points=-1, order=2),
    Item(part=f"{ANSWER_OF}{STYLE}", text="Reads well", points=2, order=1),
    Item(part=f"{ANSWER_OF}{STYLE}", text="Has a docstring", points=1, order=2),
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Served:
    """`grader desk` in a process of its own."""

    def __init__(self, out: Path, graders: tuple[str, ...] = ("ta1", "ta2")) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        named = [part for grader in graders for part in ("--grader", grader)]
        self.command = [
            sys.executable,
            "-m",
            "grader",
            "desk",
            "--from",
            out,
            "--port",
            self.port,
            *named,
        ]
        self.addresses: dict[str, str] = {}
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            list(map(str, self.command)), stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("Each address"):
                break
            grader, _, address = line.strip().rpartition(": ")
            self.addresses[grader] = address

    def kill(self) -> None:
        """End it as a power loss does."""
        self.process.kill()
        self._waited()

    def end(self) -> str:
        """End it as Ctrl-C does; return what it said."""
        self.process.send_signal(signal.SIGINT)
        return self._waited()

    def _waited(self) -> str:
        assert self.process.stdout is not None
        said = self.process.stdout.read()
        self.process.wait(60)
        self.process.stdout.close()
        return said


@contextlib.contextmanager
def served(out: Path, **how: Any) -> Iterator[Served]:
    desk = Served(out, **how)
    try:
        yield desk
    finally:
        if desk.process.poll() is None:
            desk.kill()


class Window:
    """A grader's window, and everything that went wrong in it."""

    def __init__(
        self, browser: Any, address: str, *, width: int = 1440, scheme: str = "light"
    ) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme
        )
        self.page = self.context.new_page()
        self.presses = 0
        self.wrong: list[str] = []
        self.page.on("console", lambda message: self._said(message))
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on(
            "dialog",
            lambda dialog: (self.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()),
        )
        self.page.goto(address)
        self.page.wait_for_url(lambda url: "token" not in url)
        self.base = address.partition("/?")[0]

    def _said(self, message: Any) -> None:
        # Chromium itself says so of each answer with an error's status, and of a server that is
        # gone.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.wrong.append(f"console: {message.text}")

    def press(self, key: str) -> None:
        self.presses += 1
        self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.presses += len(text)
        self.page.keyboard.type(text)

    def quiet(self) -> None:
        """Wait until all that was pressed is saved."""
        self.page.wait_for_selector("body:not([data-busy])")

    def go(self, path: str) -> None:
        self.page.goto(self.base + path)

    @property
    def left(self) -> str:
        return str(self.page.inner_text("#left"))


def gradebook(out: Path) -> dict[str, dict[str, str]]:
    return {
        row["id"]: row for row in csv.DictReader(io.StringIO((out / "gradebook.csv").read_text()))
    }


def first_left(window: Window, title: str) -> None:
    """Begin with a question, as a grader does from the overview."""
    window.go("/")
    row = window.page.locator("tr", has=window.page.get_by_role("rowheader", name=title))
    row.locator("a.go").focus()
    window.press("Enter")
    window.page.wait_for_selector("#grading")


def grade_all(window: Window, keys: str) -> None:
    """Give the same to each answer that is left, by keys alone."""
    for _ in range(40):
        window.quiet()
        window.page.wait_for_selector("#grading")
        for key in keys:
            window.press(key)
        window.press("z")
        window.quiet()
        if window.left == "0 left":
            return
    raise AssertionError("it does not end")


# --- the promise --------------------------------------------------------------------------------


def test_a_class_of_sixty_is_graded_by_keys_alone_by_two_while_the_server_is_killed(
    browser: Any, tmp_path: Path
) -> None:
    out = tmp_path / "class"
    made.build(out, 60, rubric=RUBRIC)
    with served(out) as desk:
        ta1, ta2 = Window(browser, desk.addresses["ta1"]), Window(browser, desk.addresses["ta2"])
        first_left(ta1, "Work/why")
        first_left(ta2, "Work/how")
        # Both grade, and in the middle of it the server is gone for a while.
        for key in "1z2z":
            ta1.press(key)
            ta2.press("1")
            ta2.press("z")
            ta1.quiet()
            ta2.quiet()
        desk.kill()
        ta1.press("1")
        ta1.press("2")
        ta1.page.wait_for_selector(".notice-bad")
        assert "is not saved yet" in ta1.page.inner_text("#notice")
        desk.start()
        ta1.quiet()
        assert ta1.page.locator(".item[aria-pressed=true]").count() == 2
        ta1.press("z")
        grade_all(ta1, "1")
        grade_all(ta2, "12") if ta2.left != "0 left" else None
        # The plot and the code: one grader each.
        first_left(ta1, "The plot")
        grade_all(ta1, "0")
        first_left(ta2, "Style of")
        ta1.press("c")
        ta1.type("Well $drawn$.")
        ta1.press("Escape")
        grade_all(ta2, "12")
        ta1.quiet()
        for window in (ta1, ta2):
            assert window.wrong == []
        said = desk.end()
        assert "Gradebook and class page are written, and 60 pages" in said
    found = gradebook(out)
    assert len(found) == 60
    for row in found.values():
        assert all(row[part] != "" for part in (WHY, HOW, PLOT, STYLE))
        assert "waits" not in row["notes"]
        assert (row[PLOT], row[STYLE]) == ("2", "3")
        assert float(row["score"]) > 10
    with_comment = [student for student, row in found.items() if "Well $drawn$." in row["notes"]]
    assert len(with_comment) == 20
    for student in found:
        page = (out / student / "student.html").read_text()
        assert "Reads well" in page
        assert ("Well <math" in page) == (student in with_comment)
    assert (
        cli.run(["export", "feedback", "--from", str(out), "--out", str(tmp_path / "f.zip")]) == 0
    )
    with zipfile.ZipFile(tmp_path / "f.zip") as archive:
        assert len(archive.namelist()) == 60
        assert "Reads well" in archive.read("s0007/feedback.html").decode()
    assert (
        cli.run(["export", "nbgrader", "--from", str(out), "--out", str(tmp_path / "grades.csv")])
        == 0
    )
    scores = {
        row["student_id"]: row["score"]
        for row in csv.DictReader(io.StringIO((tmp_path / "grades.csv").read_text()))
    }
    assert {student: float(score) for student, score in scores.items()} == {
        student: float(row["score"]) for student, row in found.items()
    }


def test_thirty_answers_of_which_nine_differ_take_nine_decisions_and_under_forty_presses(
    browser: Any, tmp_path: Path
) -> None:
    made.build(tmp_path / "class", 30, rubric=RUBRIC)
    with served(tmp_path / "class") as desk:
        ta1 = Window(browser, desk.addresses["ta1"])
        first_left(ta1, "Work/why")
        ta1.presses = 0
        grade_all(ta1, "1")
        assert ta1.presses <= 40
        ta1.go("/journal")
        shown = ta1.page.locator("tbody tr", has_text="ta1")
        assert shown.count() == 9
        assert ta1.wrong == []


def test_two_graders_on_one_answer_see_each_other_and_the_later_write_does_not_win(
    browser: Any, tmp_path: Path
) -> None:
    made.build(tmp_path / "class", 9, rubric=RUBRIC)
    with served(tmp_path / "class") as desk:
        ta1, ta2 = Window(browser, desk.addresses["ta1"]), Window(browser, desk.addresses["ta2"])
        first_left(ta1, "Work/why")
        first_left(ta2, "Work/why")
        ta1.page.wait_for_selector("#presence:has-text('ta2')")
        ta2.page.wait_for_selector("#presence:has-text('ta1')")
        ta2.page.route("**/pulse**", lambda route: route.abort())  # ta2's window hears of nothing
        ta1.press("1")
        ta1.quiet()
        ta2.press("c")
        ta2.type("mine")
        ta2.press("Escape")
        ta2.quiet()
        assert "ta1 has changed this meanwhile" in ta2.page.inner_text("#notice")
        assert ta2.page.input_value("#comment") == "mine"  # nothing that was typed is lost
        assert (
            ta2.page.locator("#item-" + ta1.page.get_attribute(".item", "data-item")).get_attribute(
                "aria-pressed"
            )
            == "true"
        )


def test_the_page_that_opens_the_browser_leads_in_and_no_process_shows_the_token(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from grader.cli import desk as command

    made.build(tmp_path / "class", 1, rubric=RUBRIC)
    opened: list[str] = []
    monkeypatch.setattr(command.webbrowser, "open", opened.append)
    with served(tmp_path / "class", graders=("ta1",)) as desk:
        command._open_browser(desk.addresses[""], tmp_path)
        assert "token" not in opened[0]
        page = browser.new_context().new_page()
        page.goto(opened[0])
        page.wait_for_selector("#write")
        assert "token" not in page.url
        page.context.close()


def test_what_another_decides_is_shown_while_one_looks_on(browser: Any, tmp_path: Path) -> None:
    made.build(tmp_path / "class", 9, rubric=RUBRIC)
    with served(tmp_path / "class") as desk:
        ta1, ta2 = Window(browser, desk.addresses["ta1"]), Window(browser, desk.addresses["ta2"])
        first_left(ta1, "Work/why")
        first_left(ta2, "Work/why")
        ta1.press("1")
        ta2.page.wait_for_selector(".item[aria-pressed=true]")


# --- keys and focus -----------------------------------------------------------------------------


def test_each_key_does_what_the_list_of_keys_says_and_the_focus_is_never_lost(
    browser: Any, tmp_path: Path
) -> None:
    made.build(tmp_path / "class", 30, rubric=RUBRIC)
    with served(tmp_path / "class") as desk:
        ta1 = Window(browser, desk.addresses["ta1"])
        page = ta1.page
        first_left(ta1, "Work/why")

        def focused() -> str:
            return str(
                page.evaluate("document.activeElement.id || document.activeElement.className")
            )

        def where() -> str:
            return str(page.get_attribute("#grading", "data-group"))

        start = where()
        ta1.press("j")
        ta1.quiet()
        assert where() != start
        assert focused() == "answer-title"
        ta1.press("k")
        ta1.quiet()
        assert where() == start
        ta1.press("1")
        ta1.quiet()
        assert focused() != ""
        assert page.inner_text("#points") == "1"
        ta1.press("u")
        ta1.quiet()
        assert page.inner_text("#points") == "–"
        ta1.press("p")
        ta1.type("1.5")
        ta1.press("Enter")
        ta1.quiet()
        assert page.inner_text("#points") == "1.5"
        ta1.press("c")
        ta1.type("Good: 1 and z are letters here.")
        ta1.press("Control+Enter")
        ta1.quiet()
        assert "are letters here" in page.inner_text(".shown")
        ta1.press("z")
        ta1.quiet()
        ta1.press("c")
        ta1.type("go")
        ta1.press("ArrowDown")
        assert "suggestion" in focused()
        ta1.press("Enter")
        ta1.quiet()
        assert page.input_value("#comment") == "Good: 1 and z are letters here."
        ta1.press("Escape")
        ta1.press("a")
        page.wait_for_selector("dialog[open] textarea")
        ta1.type("A new item")
        ta1.press("Tab")
        ta1.type("0.5")
        ta1.press("Enter")
        ta1.quiet()
        assert page.locator(".item", has_text="A new item").count() == 1
        page.locator("#answer-title").focus()
        ta1.press("3")
        ta1.quiet()
        assert page.inner_text("#points") == "0.5"
        assert "Pupil" not in page.content()
        ta1.press("n")
        ta1.quiet()
        assert "Pupil" in page.content()
        ta1.press("?")
        assert page.locator("#help").is_visible()
        ta1.press("Escape")
        ta1.press("/")
        ta1.quiet()
        assert focused() == "search"
        ta1.type("saturates")
        ta1.press("Enter")
        ta1.quiet()
        assert page.inner_text("#found") == "1 shown."
        ta1.press("Tab")
        ta1.press("j")
        ta1.press("Enter")
        ta1.quiet()
        assert page.locator("#grading").count() == 1
        ta1.press("o")
        ta1.quiet()
        assert page.locator("#write").count() == 1
        assert ta1.wrong == []


# --- hostile answers, hostile pages -------------------------------------------------------------


def test_no_attack_acts_in_a_browser(browser: Any, tmp_path: Path) -> None:
    attacks = [
        attack.encode("utf-8", "replace").decode()
        for attack in (*samples.XSS, *samples.MARKDOWN_XSS)
    ]
    text = "\n\n".join(attacks)
    entries = [
        made.entry(number, name=attack, student=f"{attack[:80]}{number}")
        for number, attack in enumerate(attacks)
    ]
    items = tuple(
        Item(part=f"{ANSWER_OF}{WHY}", text=attack, points=1, order=number)
        for number, attack in enumerate(attacks[:20])
    )
    made.build(
        tmp_path / "class",
        0,
        entries=entries,
        rubric=items,
        answers=lambda number: {
            WHY: WrittenAnswer(attacks[number]),
            HOW: WrittenAnswer(text, {attacks[number]: made.png()}),
        },
    )
    with served(tmp_path / "class", graders=("ta1",)) as desk:
        ta1 = Window(browser, next(iter(desk.addresses.values())))
        asked: list[str] = []
        ta1.page.on("request", lambda request: asked.append(request.url))
        ta1.context.add_cookies([{"name": "desk-names", "value": "1", "url": ta1.base}])
        first_left(ta1, "Work/why")
        for number in range(12):
            ta1.press("c")
            ta1.page.fill("#comment", attacks[number])
            ta1.press("Escape")
            ta1.press("1")
            ta1.press("j")
            ta1.quiet()
        first_left(ta1, "Work/how")
        student = ta1.page.get_attribute(".members a", "href")
        for path in ("/", "/requests", "/journal", "/class/", student, f"{student}/report"):
            ta1.go(path)
            ta1.page.wait_for_timeout(100)
        assert ta1.page.evaluate("window.__pwned") is None
        assert ta1.wrong == []
        assert [
            url for url in asked if not url.startswith((ta1.base, "data:image/", "data:,"))
        ] == []


def test_a_page_on_another_origin_can_frame_read_and_change_nothing(
    browser: Any, tmp_path: Path
) -> None:
    made.build(tmp_path / "class", 3, rubric=RUBRIC)
    with (
        served(tmp_path / "class", graders=("ta1",)) as desk,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        address = next(iter(desk.addresses.values()))
        ta1 = Window(browser, address)
        base, other = ta1.base, f"http://127.0.0.1:{listener.getsockname()[1]}"
        page = f"""<!DOCTYPE html><iframe src="{base}/"></iframe><script>
          window.got = [];
          const tries = [
            fetch("{base}/"), fetch("{base}/", {{credentials: "include"}}),
            fetch("{base}/act/undo", {{method: "POST", credentials: "include", body: "{{}}",
                  headers: {{"Content-Type": "application/json"}}}}),
          ];
          for (const one of tries) one.then(() => got.push("read"), () => got.push("refused"));
          fetch("{base}/act/item", {{method: "POST", mode: "no-cors", credentials: "include", body: "{{}}"}});
        </script>"""
        evil = ta1.context.new_page()
        evil.route(f"{other}/**", lambda route: route.fulfill(body=page, content_type="text/html"))
        statuses: list[tuple[str, int]] = []
        evil.on("response", lambda answer: statuses.append((answer.url, answer.status)))
        evil.goto(f"{other}/")
        evil.wait_for_function("window.got.length === 3")
        assert evil.evaluate("window.got") == ["refused"] * 3
        frames = [frame for frame in evil.frames if frame != evil.main_frame]
        assert all("Two functions" not in frame.content() for frame in frames)
        assert [status for url, status in statuses if url.startswith(base) and status < 400] == []


# --- a screen reader ---------------------------------------------------------------------------

UNNAMED = re.compile(
    r"- (button|link|textbox|spinbutton|combobox|searchbox|checkbox)(?! \"[^\"]*\w)"
)


def test_a_screen_reader_hears_each_controls_name_and_what_was_saved(
    browser: Any, tmp_path: Path
) -> None:
    made.build(tmp_path / "class", 9, rubric=RUBRIC)
    with served(tmp_path / "class") as desk:
        ta1 = Window(browser, desk.addresses["ta1"])
        body, spoken = ta1.page.locator("body"), ta1.page.locator("#spoken")
        first_left(ta1, "Work/why")
        assert spoken.get_attribute("aria-live") == "polite"
        ta1.press("1")
        ta1.quiet()
        assert spoken.inner_text() == "Points: 1 of 2. Names the gradient ∇L"
        tree = body.aria_snapshot()
        assert re.search(r'button "\+1 Names the gradient.*" \[pressed\]', tree)
        ta1.press("u")
        ta1.quiet()
        assert "Undone: Work/why" in ta1.page.get_by_role("status").inner_text()
        part = ta1.page.url.removeprefix(ta1.base).rpartition("/")[0]
        student = ta1.page.get_attribute(".members a", "href")
        for path in ("/", part, ta1.page.url.removeprefix(ta1.base), student, "/requests"):
            ta1.go(path)
            ta1.page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
            tree = body.aria_snapshot()
            assert UNNAMED.findall(tree) == [], f"{path}: {tree}"
            assert "- main:" in tree
        ta1.go(student)
        first = ta1.page.inner_text("#student-title")
        move = "j" if ta1.page.get_attribute("#student", "data-following") else "k"
        ta1.press(move)
        ta1.quiet()
        assert ta1.page.inner_text("#student-title") != first
        assert ta1.page.evaluate("document.activeElement.id") == "student-title"
        ta1.press("z")
        ta1.quiet()
        assert ta1.page.locator("#grading").count() == 1
        assert ta1.wrong == []


# --- axe ----------------------------------------------------------------------------------------


LOOKS = ((390, "light"), (390, "dark"), (820, "light"), (1440, "light"), (1440, "dark"))
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_axe_finds_nothing_and_no_page_is_wider_than_its_window(
    browser: Any, tmp_path: Path
) -> None:
    """In every look: dark, a page differs by its colours alone."""
    made.build(tmp_path / "class", 9, rubric=RUBRIC)
    with served(tmp_path / "class") as desk:
        ta1 = Window(browser, desk.addresses["ta1"], width=LOOKS[0][0], scheme=LOOKS[0][1])
        first_left(ta1, "Work/why")
        for key in ("1", "c"):
            ta1.press(key)
            ta1.quiet()
        ta1.type("See $h_t$.")
        ta1.press("Escape")
        ta1.quiet()
        part = ta1.page.get_attribute("#grading", "data-part")
        group = ta1.page.get_attribute("#grading", "data-group")
        student = ta1.page.get_attribute(".members a", "href")
        first_left(ta1, "The plot")
        plot = ta1.page.url.removeprefix(ta1.base)
        ta1.go(f"/q/{part}")
        ta1.page.click("[data-do=draw]")
        ta1.quiet()

        def look(width: int, scheme: str, what: str) -> None:
            ta1.page.set_viewport_size({"width": width, "height": 900})
            ta1.page.emulate_media(color_scheme=scheme)
            wide = ta1.page.evaluate(WIDER)
            assert wide <= 0, f"{what} is {wide} pixels too wide at {width}"
            found = violations(ta1.page, colours_alone=scheme == "dark")
            assert (what, found) == (what, [])

        for path in (
            "/",
            f"/q/{part}",
            f"/q/{part}/{group}",
            plot,
            student,
            "/requests",
            "/journal",
            "/q/none",
        ):
            ta1.go(path)
            ta1.page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
            for width, scheme in LOOKS:
                look(width, scheme, path)
        ta1.go(f"/q/{part}/{group}")
        for key in ("?", "a"):
            ta1.press(key)
            ta1.page.wait_for_selector("dialog[open]")
            for width, scheme in LOOKS:
                look(width, scheme, key)
            ta1.press("Escape")
        assert ta1.wrong == []
