"""What the template shows, worked out beforehand: the template itself decides nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from grader.model import Report
from grader.text import clean

if TYPE_CHECKING:
    from nbformat import NotebookNode

TEXT_LIMIT = 4_000  # characters of any one string on the page


def shown(value: Any) -> Any:
    """Return a template's value as it may be printed: text cleaned and bounded, our own markup as it is."""
    return clean(value, TEXT_LIMIT) if isinstance(value, str) and not isinstance(value, Markup) else value


def prose(text: str) -> Markup:
    """Return a message with its `quoted` names as code."""
    parts = re.split(r"`([^`\n]{1,200})`", clean(text, TEXT_LIMIT))
    return Markup("").join(Markup("<code>{}</code>").format(part) if i % 2 else part for i, part in enumerate(parts))


def build(report: Report, notebooks: Mapping[str, NotebookNode], sources: Mapping[str, str]) -> None:
    """Work out the page."""
