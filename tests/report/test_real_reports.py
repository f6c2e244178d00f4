"""Real reports in a real browser: of the flagship, right and broken, of hostile work, and of their
class.

Nothing runs, nothing is fetched, nothing is said on the console, nothing is wider than its window,
at three widths, light, dark and printed; and axe-core is content with each kind of page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from browsers import needs_browser, violations
from corpus import SERVER

from grader.classroom.download.students import Entry
from grader.classroom.marks import class_page, manual_grading
from grader.classroom.marks.course_marks import Inline, Rules, compute
from grader.classroom.marks.gradebook import Line
from grader.classroom.marks.written_answers import WrittenAnswer
from grader.classroom.run.results import CheckHead, ClassFile, SubmissionOutcome, check_rows
from grader.model import Report

from . import samples
from .flagship_work import FLAGSHIP
from .graded import grade_all, shown

pytestmark = needs_browser
WIDTHS = (1440, 768, 360)
# width, colours and medium: colours change no width, and paper is as wide as a small screen
LOOKS = (
    *((width, "light", "screen") for width in WIDTHS),
    (360, "dark", "screen"),
    (768, "light", "print"),
)
# the least room that there is, and paper: what fits there fits a wider window, if it is of the same
# kind as a page that does
NARROWEST = ((360, "light", "screen"), (768, "light", "print"))
UNFOLD = "document.querySelectorAll('details').forEach(one => one.open = true)"
ACTORS = "[...document.querySelectorAll('script, iframe, object, embed, form, base, link')].map(one => one.outerHTML)"
WIDER = "[document.documentElement.scrollWidth, innerWidth]"


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory, graded_sums: Path) -> dict[str, Path]:
    """Every page by a name; the student's view of what has no hidden check differs in one line, and
    is left out.
    """
    out = tmp_path_factory.mktemp("real")
    grade_all(out)
    found = {
        path.parent.relative_to(out).as_posix(): path for path in sorted(out.rglob("report.html"))
    }
    for name in ("right", "broken"):
        for view in ("report", "student"):  # one check of this assignment is hidden
            found[f"sums/{name}/{view}"] = graded_sums / name / f"{view}.html"
    return found


@pytest.fixture(scope="module")
def class_pages(
    reports: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The pages of a class in which everybody handed in something of the corpus, under a name that
    attacks too.
    """
    folder = tmp_path_factory.mktemp("class")
    lines = [
        line(number, path.with_name("report.json"))
        for number, path in enumerate(corpus_of(reports))
    ]
    inline = Inline("Work-why", "Work.ipynb", "why", samples.MARKDOWN_XSS[0], "", 2.0)
    heads = tuple(CheckHead(id_, "q1", 4) for id_ in ("forward", "backward", "notebook"))
    class_ = ClassFile(
        schema=1, name="small", title=samples.XSS[0], version="1", layout="folders", checks=heads, inline=(inline,),
        entries=tuple(one.entry for one in lines), seconds=63.0,
    )  # fmt: skip
    answers = iter((*samples.XSS, *samples.MARKDOWN_XSS) * 20)
    pages = {
        "index": class_page.render(class_, lines),
        "todo": manual_grading.render(
            class_, lines, lambda student: {inline.id: WrittenAnswer(next(answers))}
        ),
    }
    for name, text in pages.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8", errors="replace")
    return {name: folder / f"{name}.html" for name in pages}


@pytest.fixture(scope="module")
def kinds(reports: dict[str, Path], class_pages: dict[str, Path]) -> dict[str, Path]:
    """Pages of every kind: no other page has an element that none of these has."""
    return dict(distinct({**reports, **class_pages}))


def corpus_of(reports: dict[str, Path]) -> list[Path]:
    """Return the reports of the corpus alone."""
    return [
        path for name, path in reports.items() if name.split("/")[0] not in ("flagship", "sums")
    ]


def line(number: int, path: Path) -> Line:
    """Return what a class knows of a report."""
    report = msgspec.json.decode(path.read_bytes(), type=Report)
    attack = samples.XSS[number % len(samples.XSS)].encode("utf-8", "replace").decode()
    checks = check_rows(report)
    return Line(
        entry=Entry(
            student=f"s{number}@example.edu", folder=f"s{number}", name=attack, paths=("x",)
        ),
        outcome=SubmissionOutcome.FAULT if number % 40 == 0 else SubmissionOutcome.GRADED,
        checks=checks,
        marks=compute([check.marks for check in checks], Rules()),
        seconds=report.seconds,
    )


class Watch:
    """A tab that is used for one page after the other, and everything that a page tries to do in
    it.
    """

    def __init__(self, browser: Any) -> None:
        self.tab = browser.new_page()
        self.address = ""
        self.said: list[str] = []
        self.tab.on("console", lambda message: self.said.append(f"console: {message.text}"))
        self.tab.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.tab.on(
            "dialog",
            lambda dialog: (self.said.append(f"dialog: {dialog.message}"), dialog.dismiss()),
        )
        self.tab.on("popup", lambda popup: self.said.append(f"popup: {popup.url}"))
        self.tab.on("request", lambda request: self._requested(request.url))

    def _requested(self, url: str) -> None:
        if url != self.address and not url.startswith("data:image/"):
            self.said.append(f"request: {url[:200]}")

    def open(self, path: Path) -> None:
        """Open a page with every fold open, as a reader may."""
        self.address, self.said = path.as_uri(), []
        self.tab.goto(self.address)
        self.tab.evaluate(UNFOLD)

    def wide(self, looks: tuple[tuple[int, str, str], ...] = LOOKS) -> Iterator[str]:
        """Yield in which looks a page is wider than its window."""
        for width, scheme, media in looks:
            self.tab.set_viewport_size({"width": width, "height": 900})
            self.tab.emulate_media(color_scheme=scheme, media=media)
            content, window = self.tab.evaluate(WIDER)
            if content > window:
                yield f"{content} pixels wide at {width}, {scheme}, {media}"


@pytest.fixture(scope="module")
def watch(browser: Any) -> Watch:
    return Watch(browser)


def test_every_report_opens_in_peace_and_fits_at_every_width_and_in_every_look(
    watch: Watch, reports: dict[str, Path], kinds: dict[str, Path]
) -> None:
    """At every width and in every look if it has anything that no other has, else in the least
    room.
    """
    graded = {case.id for case in shown()}
    assert {*graded, *(f"flagship/{name}" for name in FLAGSHIP)} <= reports.keys()
    for name, path in reports.items():
        watch.open(path)
        assert (name, watch.tab.evaluate(ACTORS)) == (name, [])
        assert watch.tab.evaluate("window.__pwned") is None
        assert (name, list(watch.wide(LOOKS if name in kinds else NARROWEST))) == (name, [])
        assert (name, watch.said) == (name, [])


def test_the_watch_sees_what_a_page_does(watch: Watch, tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    path.write_text(
        f"<p style='width: 900px'>x<script>alert(1)</script><img src='https://{SERVER}/x.png'>"
    )
    watch.open(path)
    assert [wide.split(", ", 1)[0][-3:] for wide in watch.wide()] == ["768", "360", "360", "768"]
    assert {said.split(":")[0] for said in watch.said} >= {"dialog", "request"}


def test_the_class_s_pages_run_our_own_script_alone_and_fit(
    watch: Watch, class_pages: dict[str, Path]
) -> None:
    for name, path in class_pages.items():
        watch.open(path)
        assert watch.tab.evaluate("document.scripts.length") == (name == "index")
        assert watch.tab.evaluate("window.__pwned") is None
        assert (name, list(watch.wide())) == (name, [])
        assert (name, watch.said) == (name, [])


def test_axe_finds_no_violation_in_any_kind_of_page(browser: Any, kinds: dict[str, Path]) -> None:
    # The page's own policy forbids scripts, axe's too: it is lifted for the test, all else stays as
    # it is.
    tab = browser.new_page(viewport={"width": 1024, "height": 900}, bypass_csp=True)
    for name, path in kinds.items():
        tab.emulate_media(color_scheme="light")
        tab.goto(path.as_uri())
        tab.evaluate(UNFOLD)
        found = violations(tab)
        tab.emulate_media(color_scheme="dark")
        found += violations(tab, colours_alone=True)
        assert (name, found) == (name, [])
    tab.close()


def distinct(pages: dict[str, Path]) -> Iterator[tuple[str, Path]]:
    """Yield pages, each the one with most that is new, until every kind of element, in every place,
    has been in one.
    """
    left = {name: Kinds(path.read_text(encoding="utf-8")).found for name, path in pages.items()}
    while any(left.values()):
        name = max(left, key=lambda name: len(left[name]))
        seen = left.pop(name)
        yield name, pages[name]
        left = {other: kinds - seen for other, kinds in left.items()}


class Kinds(HTMLParser):
    """The kinds of elements of a page: each with its class and role, and with the kind of the one
    around it.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._around = [""]
        self.feed(re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        kind = f"{tag}.{said.get('class')}[{said.get('role')}]{'tabindex' in said}"
        self.found.add(kind if tag == "span" else f"{self._around[-1]} > {kind}")
        if tag not in ("meta", "br", "img", "hr", "input"):
            self._around.append(kind)

    def handle_endtag(self, tag: str) -> None:
        for number in range(len(self._around) - 1, 0, -1):
            if self._around[number].startswith(f"{tag}."):
                del self._around[number:]
                break
