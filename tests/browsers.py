"""The browser of the tests of pages: which one, and what it takes for these tests to run."""

from __future__ import annotations

import importlib.util
import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
ASKED_FOR = {
    "a Chromium": CHROMIUM,
    "playwright": importlib.util.find_spec("playwright"),
    "axe-playwright-python": importlib.util.find_spec("axe_playwright_python"),
}
MISSING = [name for name, found in ASKED_FOR.items() if not found]
needs_browser = pytest.mark.skipif(
    bool(MISSING) and os.environ.get("CI") != "true",
    reason=f"the browser tests need {' and '.join(MISSING)}",
)
