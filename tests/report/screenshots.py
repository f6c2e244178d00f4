"""Takes the pictures of the report that the docs show: ``python -m tests.report.screenshots FOLDER``."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from grader.report import Audience, html

from . import samples

SHOTS = (
    ("report-passing", samples.passing, 1100, "light"),
    ("report-mixed", samples.mixed, 1100, "light"),
    ("report-mixed-dark", samples.mixed, 1100, "dark"),
    ("report-template-phone", samples.template, 390, "light"),
)
HEIGHT = 1500


def main(folder: Path) -> None:
    """Write one PNG for each of the shots."""
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as scratch:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, make, width, scheme in SHOTS:
            page = Path(scratch) / f"{name}.html"
            sources = {"cs231n/rnn_layers.py": samples.SOURCE}
            notebooks = {"RNN_Captioning.ipynb": samples.notebook(broken=make is samples.mixed)}
            page.write_text(
                html.render(make(), audience=Audience.STUDENT, notebooks=notebooks, sources=sources), encoding="utf-8"
            )
            tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            tab.goto(page.as_uri())
            height = min(HEIGHT, tab.evaluate("document.documentElement.scrollHeight"))
            clip = {"x": 0, "y": 0, "width": width, "height": height}
            tab.screenshot(path=folder / f"{name}.png", full_page=True, clip=clip)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
