"""Takes the pictures of the desk for the docs: `python tests/desk/screenshots.py FOLDER`."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

import made
from test_desk_browser import CHROMIUM, RUBRIC, Window, first_left, served

SHOTS: tuple[tuple[str, int, str, str], ...] = (
    ("desk", 1440, "light", "grade"),
    ("desk-dark", 1440, "dark", "grade"),
    ("desk-phone", 390, "light", "grade"),
    ("desk-overview", 1440, "light", "overview"),
    ("desk-overview-phone", 390, "dark", "overview"),
    ("desk-list", 1440, "light", "list"),
    ("desk-plot", 1440, "light", "plot"),
    ("desk-student", 1440, "light", "student"),
    ("desk-request", 1440, "dark", "request"),
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
    first_left(window, "Work/why")
    window.press("1")
    window.quiet()
    window.press("c")
    window.type(
        "Right: $\\|\\partial h_t / \\partial h_{t-1}\\| < 1$, and *T* of them are multiplied."
    )
    window.press("Escape")
    window.quiet()


def overview(window: Window) -> None:
    window.go("/")


def grade(window: Window) -> None:
    """Show the answer that has a comment."""
    window.go("/")
    window.page.click("th a:has-text('Work/why')")
    window.quiet()
    window.page.locator("a.row", has_text="students").last.click()
    window.quiet()
    for _ in range(9):
        if window.page.locator(".shown").count():
            return
        window.press("k")
        window.quiet()


def listing(window: Window) -> None:
    window.go("/")
    window.page.click("th a:has-text('Work/why')")
    window.quiet()


def plot(window: Window) -> None:
    first_left(window, "The plot")


def student(window: Window) -> None:
    grade(window)
    window.page.locator("details:has(.members) summary").click()
    window.page.click(".members a")
    window.quiet()


def request(window: Window) -> None:
    first_left(window, "Style of")
    window.press("?")


SHOWS: dict[str, Callable[[Window], None]] = {
    "grade": grade, "overview": overview, "list": listing, "plot": plot, "student": student, "request": request,
}  # fmt: skip


def take(browser: Any, folder: Path) -> None:
    """Write the pictures."""
    with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as stack:
        made.build(Path(place) / "class", 60, rubric=RUBRIC)
        desk = stack.enter_context(served(Path(place) / "class"))
        graded(Window(browser, desk.addresses["Ada"]))
        for name, width, scheme, what in SHOTS:
            window = Window(browser, desk.addresses["Ada"], width=width, scheme=scheme)
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
