"""The browser of the tests of pages: which one, what it takes for these tests to run, and what
axe-core says of a page.
"""

from __future__ import annotations

import functools
import importlib.resources
import importlib.util
import os
import shutil
from typing import Any

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


# Of the elements that have a text of their own, one of each kind: by tags, classes, styles, whether
# it is pressed, and names of attributes, its own and of all around it. A style sheet knows no others, so what is of a kind
# has the same colours; and to find the colours of thousands takes long.
OF_EACH_KIND = """
(() => {
  const seen = new Set(), found = [];
  for (const one of document.body.querySelectorAll('*')) {
    if (![...one.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
    let kind = '';
    for (let at = one; at; at = at.parentElement)
      kind += `${at.tagName} ${at.className} ${at.getAttribute('style')} ${at.getAttribute('aria-pressed')}
        ${at.getAttributeNames()}<`;
    if (!seen.has(kind)) { seen.add(kind); found.push(one); }
  }
  return found;
})()
"""
TOLD = """
.then(found => found.violations.flatMap(one => one.nodes.slice(0, 3).map(
  node => `${one.id}: ${one.help}: ${node.html.slice(0, 200)} ${node.failureSummary.slice(0, 300)}`)))
"""
RULES = """
axe.run(document, {resultTypes: ['violations'], rules: {'color-contrast': {enabled: false}}})
"""
COLOURS = """
axe.run({include: %s}, {resultTypes: ['violations'], runOnly: ['color-contrast']})
"""


@functools.cache
def axe() -> str:
    """Return axe-core's own text."""
    package = importlib.resources.files("axe_playwright_python")
    return package.joinpath("axe.min.js").read_text(encoding="utf-8")


def violations(page: Any, *, colours_alone: bool = False) -> list[str]:
    """Return what axe-core finds wrong in an opened page; ``colours_alone``: in its colours."""
    page.evaluate(axe())
    found: list[str] = [] if colours_alone else page.evaluate(RULES.strip() + TOLD.strip())
    of_each_kind = COLOURS.strip() % OF_EACH_KIND.strip()
    return [*found, *page.evaluate(of_each_kind + TOLD.strip())]
