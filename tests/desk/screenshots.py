"""Takes the pictures of the desk for the docs: `python tests/desk/screenshots.py FOLDER`."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

import made  # noqa: E402 - found on the path above
from report import samples  # noqa: E402 - found on the path above
from test_desk_browser import CHROMIUM, RUBRIC, Window, first_left, served  # noqa: E402 - found on the path above

from grader.classroom.marks.written_answers import WrittenAnswer  # noqa: E402 - found on the path above

SHOTS: tuple[tuple[str, int, str, str], ...] = (
    ("desk", 1440, "light", "grade"),
    ("desk-dark", 1440, "dark", "grade"),
    ("desk-phone", 390, "light", "grade"),
    ("desk-overview", 1440, "light", "overview"),
    ("desk-overview-phone", 390, "dark", "overview"),
    ("desk-list", 1440, "light", "list"),
    ("desk-plot", 1440, "light", "plot"),
    ("desk-student", 1440, "light", "student"),
    ("desk-keys", 1440, "dark", "keys"),
)


def graded(window: Window) -> None:
    """Decide on some answers."""
    first_left(window, "Work/why")
    for keys in ("12z", "1z", "0z", "2z"):
        for key in keys:
            window.press(key)
            window.quiet()
    first_left(window, "Work/how")
    for key in "1z12z":
        window.press(key)
        window.quiet()
    derivative(window)
    if window.page.inner_text("#points") == "–":
        window.press("1")
        window.quiet()
        window.press("2")
        window.quiet()
    window.press("c")
    window.type(
        "Right: $\\|\\partial h_t / \\partial h_{t-1}\\| < 1$, and *T* of them are multiplied."
    )
    window.press("Escape")
    window.quiet()


def overview(window: Window) -> None:
    window.go("/")


def derivative(window: Window) -> None:
    """Show the answer that the picture is about."""
    window.go("/")
    window.page.click("th a:has-text('Work/why')")
    window.quiet()
    window.page.locator("article", has_text="derivative").locator("a.row").click()
    window.quiet()


def grade(window: Window) -> None:
    derivative(window)


def listing(window: Window) -> None:
    window.go("/")
    window.page.click("th a:has-text('Work/why')")
    window.quiet()


def plot(window: Window) -> None:
    first_left(window, "The plot")


def student(window: Window) -> None:
    derivative(window)
    window.page.locator("details:has(.members) summary").click()
    window.page.click(".members a")
    window.quiet()


def keys(window: Window) -> None:
    first_left(window, "Style of")
    window.press("?")


SHOWS: dict[str, Callable[[Window], None]] = {
    "grade": grade,
    "overview": overview,
    "list": listing,
    "plot": plot,
    "student": student,
    "keys": keys,
}


def answers(number: int) -> dict[str, WrittenAnswer]:
    """Return the answers of one student, with a plot that shows something."""
    own = made.answers_of(number)
    code = own[made.PLOT].text
    return {**own, made.PLOT: WrittenAnswer(code, {"output-0": samples.png(320 + number % 3, 180)})}


def take(browser: Any, folder: Path) -> None:
    """Write the pictures."""
    with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as stack:
        made.build(Path(place) / "class", 60, rubric=RUBRIC, answers=answers)
        desk = stack.enter_context(served(Path(place) / "class"))
        graded(Window(browser, desk.addresses["ta1"]))
        for name, width, scheme, what in SHOTS:
            window = Window(browser, desk.addresses["ta1"], width=width, scheme=scheme)
            SHOWS[what](window)
            window.page.screenshot(path=str(folder / f"{name}.png"), full_page=width < 500)
            window.context.close()


if __name__ == "__main__":
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        take(
            playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]),
            Path(sys.argv[1]),
        )
