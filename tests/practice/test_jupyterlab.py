"""The check in a real JupyterLab: wrong, with the hint and the picture; mended, and the kernel as
it was.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

import pytest
from lab import CHROMIUM, ROOT, Page, browser, notebook, served

MISSING = [
    name
    for name, there in (
        ("a Chromium", CHROMIUM),
        ("playwright", importlib.util.find_spec("playwright")),
        ("jupyterlab", importlib.util.find_spec("jupyterlab")),
    )
    if not there
]
pytestmark = pytest.mark.skipif(
    bool(MISSING) and os.environ.get("CI") != "true",
    reason=f"the test of JupyterLab needs {' and '.join(MISSING)}",
)

CHECK = 'from grader.notebook import check\n\ncheck("rnn_forward")'
AFTER = "print(mine, np.random.get_state()[1][:3], 'check' in globals())"
STATE = f"import numpy as np\nnp.random.seed(7)\nmine = [1, 2]\n{AFTER}"


def test_a_wrong_function_its_hint_and_picture_then_the_mended_one(tmp_path: Path) -> None:
    work = tmp_path / "captioning"
    shutil.copytree(ROOT / "student_template", work)
    right = (ROOT / "solutions" / "cs231n" / "rnn_layers.py").read_text(encoding="utf-8")
    layers = work / "cs231n" / "rnn_layers.py"
    layers.write_text(right.replace("(x[:, t], h_t, Wx", "(x[:, t], h0, Wx"), encoding="utf-8")
    (work / "Work.ipynb").write_text(
        notebook([CHECK.split("\n")[0], STATE, CHECK, AFTER]), encoding="utf-8"
    )
    with served(work) as address, browser() as opened:
        page = Page(
            opened.new_page(viewport={"width": 1200, "height": 1000}), address.format("Work.ipynb")
        )
        page.run(0)
        before = page.run(1).inner_text()
        output = page.run(2)
        text = output.inner_text()
        assert "Every time step starts from h0" in text
        assert "Hint: Your first time step is right" in text
        assert "[0, 1, 0]" in text
        picture = output.locator("img").first
        assert picture.evaluate("picture => picture.complete && picture.naturalWidth > 50")
        layers.write_text(right, encoding="utf-8")
        assert "passed" in page.run(2).inner_text()
        assert page.run(3).inner_text() == before
