"""A real JupyterLab in a real browser, on a notebook of a handout.

`python tests/practice/lab.py FOLDER` takes the docs' picture of a check.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
START_SECONDS = 60.0
RUN_SECONDS, AGAIN_SECONDS = 60.0, 5.0
ROOT = Path(__file__).resolve().parents[2]


def notebook(sources: Sequence[str]) -> str:
    """Return a notebook of code cells."""
    cells = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"c{number}",
            "metadata": {},
            "outputs": [],
            "source": text,
        }
        for number, text in enumerate(sources)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder by JupyterLab on this machine, and yield its address with the token."""
    token = secrets.token_hex(16)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    home = tempfile.TemporaryDirectory(prefix="jupyter-")
    settings = {
        "JUPYTER_CONFIG_DIR": home.name,
        "JUPYTER_DATA_DIR": home.name,
        "JUPYTER_RUNTIME_DIR": home.name,
    }
    command = [
        *(
            sys.executable,
            "-m",
            "jupyterlab",
            "--no-browser",
            "--allow-root",
            "--ip=127.0.0.1",
            f"--port={port}",
        ),
        *(
            f"--IdentityProvider.token={token}",
            f"--ServerApp.root_dir={folder}",
            "--ServerApp.open_browser=False",
        ),
        *("--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"),
    ]
    with home:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **settings}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        try:
            _wait(f"http://127.0.0.1:{port}/api?token={token}", process)
            yield f"http://127.0.0.1:{port}/lab/tree/{{}}?token={token}&reset"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, "JupyterLab ended at once"
        try:
            urllib.request.urlopen(address, timeout=2).close()
        except OSError:
            assert time.monotonic() < deadline, "JupyterLab does not answer"
            time.sleep(0.2)
        else:
            return


class Page:
    """A notebook in JupyterLab."""

    def __init__(self, tab: Any, address: str) -> None:
        self.tab = tab
        tab.goto(address)
        self.cells = tab.locator(".jp-Notebook .jp-CodeCell")
        self.cells.first.wait_for(timeout=60_000)
        tab.get_by_text("| Idle").wait_for(timeout=60_000)  # the kernel has answered

    def run(self, number: int) -> Any:
        """Run a cell and return its output when it is done."""
        cell = self.cells.nth(number)
        before = self._prompt(number)
        cell.locator(".cm-content").click()
        self.tab.keyboard.press("Control+Enter")
        deadline, again = time.monotonic() + RUN_SECONDS, time.monotonic() + AGAIN_SECONDS
        while (now := self._prompt(number)) == before or "*" in now or not re.search(r"\d", now):
            assert time.monotonic() < deadline, f"cell {number} is still at {now}"
            if now == before and time.monotonic() > again:  # the page was not ready for the keys
                self.tab.keyboard.press("Control+Enter")
                again = time.monotonic() + AGAIN_SECONDS
            self.tab.wait_for_timeout(50)
        return cell.locator(".jp-OutputArea-output")

    def _prompt(self, number: int) -> str:
        return str(self.cells.nth(number).locator(".jp-InputPrompt").inner_text())


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """A Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


def main(out: Path) -> None:
    """Take the picture: a wrong step of the flagship, its check, the hint and the map of the error."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch) / "captioning"
        shutil.copytree(ROOT / "student_template", work)
        shutil.copy(ROOT / "solutions/cs231n/rnn_layers.py", work / "cs231n")
        layers = work / "cs231n/rnn_layers.py"
        right = layers.read_text(encoding="utf-8")
        wrong = right.replace(
            "rnn_step_forward(x[:, t], h_t, Wx", "rnn_step_forward(x[:, t], h0, Wx"
        )
        layers.write_text(wrong, encoding="utf-8")
        (work / "Work.ipynb").write_text(
            notebook(['from grader.notebook import check\n\ncheck("rnn_forward")']),
            encoding="utf-8",
        )
        with served(work) as address, browser() as opened:
            tab = opened.new_page(viewport={"width": 1100, "height": 900}, color_scheme="light")
            page = Page(tab, address.format("Work.ipynb"))
            page.run(0)
            news = tab.get_by_role("button", name="No", exact=True)
            if news.count():
                news.click()
            tab.wait_for_timeout(500)
            png = tab.locator(".jp-Notebook").first.screenshot()
    picture = Image.open(io.BytesIO(png)).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE)
    picture.save(out / "notebook-check.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
