"""The reports in a real browser: nothing runs, nothing is fetched, nothing overflows, axe-core is
content.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browsers import needs_browser, violations

from grader.report import Audience, html_report

from . import samples

pytestmark = needs_browser

SOURCES = {"cs231n/rnn_layers.py": samples.SOURCE}
PAGES = {
    "passing": lambda: (samples.passing(), {"RNN_Captioning.ipynb": samples.notebook()}, SOURCES),
    "template": lambda: (samples.template(), {}, SOURCES),
    "mixed": lambda: (
        samples.mixed(),
        {"RNN_Captioning.ipynb": samples.notebook(broken=True)},
        SOURCES,
    ),
    "faulty": lambda: (samples.faulty(), {}, {}),
    "hostile": lambda: (
        samples.hostile(),
        {"hostile.ipynb": samples.hostile_notebook()},
        samples.hostile_sources(),
    ),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    paths = {}
    for name, make in PAGES.items():
        report, notebooks, sources = make()
        for audience in Audience:
            text = html_report.render(
                report, audience=audience, notebooks=notebooks, sources=sources
            )
            paths[f"{name}-{audience}"] = folder / f"{name}-{audience}.html"
            paths[f"{name}-{audience}"].write_text(text, encoding="utf-8")
    return paths


class Visit:
    """An opened report and everything that it tried to do."""

    def __init__(self, browser: Any, path: Path) -> None:
        self.context = browser.new_context(viewport={"width": 1440, "height": 900})
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.blocked: list[str] = []
        self.page.on("console", lambda message: self.said.append(f"console: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on(
            "dialog",
            lambda dialog: (self.said.append(f"dialog: {dialog.message}"), dialog.dismiss()),
        )
        self.page.on("popup", lambda popup: self.said.append(f"popup: {popup.url}"))
        self.page.on("request", lambda request: self._requested(request.url, path))
        self.page.on("requestfailed", lambda request: self._failed(request))
        self.page.goto(path.as_uri())

    def _failed(self, request: Any) -> None:
        if request.failure == "csp":
            self.blocked.append(f"request: {request.url[:200]}")

    def _requested(self, url: str, path: Path) -> None:
        if not url.startswith("data:image/") and url != path.as_uri():
            self.said.append(f"request: {url[:200]}")

    def unfold(self) -> None:
        """Open every fold, as a reader may."""
        self.page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()


NAMES = [f"{name}-{audience}" for name in PAGES for audience in Audience]


@pytest.mark.parametrize("name", NAMES)
def test_a_report_runs_no_script_fetches_nothing_and_says_nothing_on_the_console(
    browser: Any, files: dict[str, Path], name: str
) -> None:
    with Visit(browser, files[name]) as visit:
        visit.unfold()
        visit.page.mouse.wheel(0, 100_000)
        visit.page.wait_for_timeout(200)
        assert visit.page.evaluate("window.__pwned") is None
        assert (
            visit.page.evaluate(
                "document.querySelectorAll('script, iframe, object, embed, form, base, link').length"
            )
            == 0
        )
        assert visit.said == []


def test_the_watch_would_notice_what_the_policy_and_the_escaping_prevent(
    browser: Any, tmp_path: Path
) -> None:
    path = tmp_path / "bad.html"
    path.write_text(
        f"<script>{samples.CANARY}</script><img src='https://attacker.invalid/x.png'>",
        encoding="utf-8",
    )
    with Visit(browser, path) as visit:
        assert visit.page.evaluate("window.__pwned") == 1
        assert {said.split(":")[0] for said in visit.said} >= {"dialog", "request"}


def test_the_policy_alone_stops_a_script_that_came_through(
    browser: Any, files: dict[str, Path], tmp_path: Path
) -> None:
    text = files["mixed-student"].read_text(encoding="utf-8")
    path = tmp_path / "leaked.html"
    path.write_text(
        text.replace(
            "</main>", "".join(samples.XSS).encode("utf-8", "ignore").decode() + "</main>"
        ),
        encoding="utf-8",
    )
    with Visit(browser, path) as visit:
        visit.page.wait_for_timeout(200)
        assert visit.page.evaluate("window.__pwned") is None
        asked = [said for said in visit.said if said.startswith("request:")]
        assert asked == visit.blocked != []
        assert not [said for said in visit.said if said.startswith(("dialog", "popup", "error"))]


LOOKS = (
    *((width, "light", "screen") for width in (1440, 768, 360)),
    (360, "dark", "screen"),
    (768, "light", "print"),
)


# the two views of a report differ in one line of text
@pytest.mark.parametrize(
    "name", [name for name in NAMES if name.endswith("student") or name.startswith("mixed")]
)
def test_no_report_is_wider_than_its_window(
    browser: Any, files: dict[str, Path], name: str
) -> None:
    with Visit(browser, files[name]) as visit:
        visit.unfold()
        for width, scheme, media in LOOKS:
            visit.page.set_viewport_size({"width": width, "height": 900})
            visit.page.emulate_media(color_scheme=scheme, media=media)
            wide = visit.page.evaluate("document.documentElement.scrollWidth")
            assert (width, scheme, media, wide) == (width, scheme, media, min(wide, width))
        assert visit.said == []


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        *(
            (name, "light")
            for name in NAMES
            if name.endswith("student") or name.startswith("mixed")
        ),
        *(("mixed-student", "dark"), ("passing-student", "dark")),
    ],
)
def test_axe_finds_no_violation(
    browser: Any, files: dict[str, Path], name: str, scheme: str
) -> None:
    # The page's own policy forbids scripts, axe's too: it is lifted for the test, all else stays as
    # it is.
    context = browser.new_context(
        viewport={"width": 1024, "height": 900}, bypass_csp=True, color_scheme=scheme
    )
    page = context.new_page()
    page.goto(files[name].as_uri())
    page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
    found = violations(page)
    context.close()
    assert found == []


def test_axe_would_notice(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    grey = "<p style='color: #ccc; background: #fff'>grey</p>"
    path.write_text(f"<html><body><main><p>black</p>{grey}<img src='x.png'></main>")
    page = browser.new_page()
    page.goto(path.as_uri())
    found = {told.split(":")[0] for told in violations(page)}
    colours = {told.split(":")[0] for told in violations(page, colours_alone=True)}
    page.close()
    assert found >= {"color-contrast", "image-alt", "document-title"}
    assert colours == {"color-contrast"}


def test_a_click_on_what_to_fix_first_leads_to_the_check(
    browser: Any, files: dict[str, Path]
) -> None:
    with Visit(browser, files["mixed-student"]) as visit:
        visit.page.click("section.first a")
        assert visit.page.url.endswith("#check-rnn_step_backward")
        assert visit.page.locator("#check-rnn_step_backward .values").first.is_visible()


def test_the_failing_cell_is_found_by_a_link(browser: Any, files: dict[str, Path]) -> None:
    with Visit(browser, files["mixed-student"]) as visit:
        visit.page.click("#check-notebook_rnn .check-body a")
        assert visit.page.locator(":target").inner_text().count("ZeroDivisionError") >= 1
        assert visit.page.locator(":target").is_visible()


def test_every_fold_is_reached_and_opened_by_keyboard(browser: Any, files: dict[str, Path]) -> None:
    with Visit(browser, files["passing-student"]) as visit:
        visit.page.keyboard.press("Tab")  # the skip link
        visit.page.keyboard.press("Tab")
        assert visit.page.evaluate("document.activeElement.tagName") == "SUMMARY"
        visit.page.keyboard.press("Enter")
        assert visit.page.evaluate("document.activeElement.parentElement.open") is True
