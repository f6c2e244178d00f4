"""Grades four submissions and takes the pictures that the docs show: ``python -m
tests.report.screenshots FOLDER``.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

from grader.assignment.spec import load
from grader.grading.grade import Grader, Options
from grader.report import Audience, html_report

from .flagship_work import FLAGSHIP, ROOT, lay_down

SHOTS = (
    ("report-passing", "reference", 1100, "light"),
    ("report-mixed", "two-mistakes", 1100, "light"),
    ("report-crash-dark", "exception", 1100, "dark"),
    ("report-template-phone", "template", 390, "light"),
)
HEIGHT = 1500
COLOURS = 256


def main(folder: Path) -> None:
    """Write one PNG for each of the shots."""
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    with (
        Grader(load(ROOT / "assignment"), Options()) as grader,
        sync_playwright() as playwright,
        tempfile.TemporaryDirectory() as scratch,
    ):
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, submission, width, scheme in SHOTS:
            graded = grader.grade(lay_down(FLAGSHIP[submission], Path(scratch, submission)))
            page = Path(scratch, f"{name}.html")
            text = html_report.render(
                graded.report,
                audience=Audience.STUDENT,
                notebooks=graded.notebooks,
                sources=graded.sources,
            )
            page.write_text(text, encoding="utf-8")
            tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            tab.goto(page.as_uri())
            height = min(HEIGHT, tab.evaluate("document.documentElement.scrollHeight"))
            clip = {"x": 0, "y": 0, "width": width, "height": height}
            save(tab.screenshot(full_page=True, clip=clip), folder / f"{name}.png")
        browser.close()


def save(png: bytes, path: Path) -> None:
    """Write a picture with few colours, as a page of text has, in a fraction of the bytes."""
    from PIL import Image

    Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE).save(
        path, optimize=True
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
