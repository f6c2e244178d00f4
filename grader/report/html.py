"""``report.html``: one page that stands alone.

Theory of operation. Names, messages, traces, sources and everything in a notebook were made by a student and are
hostile. Three walls, each enough alone: every string passes `grader.text.clean` and jinja2's autoescape; the little
that is markup (Markdown, HTML outputs, math) passes `grader.report.sanitise`; and the page's Content-Security-Policy
allows no script, no frame, no form and no request, pictures as data alone, and styles by the hash of ours alone.
What an audience may not see is taken out of the report before anything is rendered.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Mapping
from importlib import resources
from typing import TYPE_CHECKING

from grader.model import Report, Status
from grader.report import words
from grader.report.audience import Audience, view

if TYPE_CHECKING:
    from jinja2 import Environment
    from nbformat import NotebookNode


def render(
    report: Report,
    *,
    audience: Audience,
    notebooks: Mapping[str, NotebookNode] | None = None,
    sources: Mapping[str, str] | None = None,
) -> str:
    """Return the report as one self-contained page.

    notebooks: executed notebooks by the name that the report and its checks use
    sources: the student's files by their path in the submission
    """
    from markupsafe import Markup

    from grader.report import page

    shown = view(report, audience)
    css = _style()
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            page=page.build(shown, notebooks or {}, sources or {}),
            report=shown,
            audience=audience.value,
            css=Markup(css),  # noqa: S704 - our own file, and the hash in the policy is taken over it
            csp=f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'",
        )
    )


@functools.cache
def _style() -> str:
    """Return the page's style sheet."""
    return resources.files("grader.report").joinpath("templates/report.css").read_text(encoding="utf-8")


@functools.cache
def _environment() -> Environment:
    """Return the jinja2 environment, in which each string that is printed is cleaned and escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    from grader.report import page

    environment = Environment(
        loader=PackageLoader("grader.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=page.shown,
    )
    environment.filters |= {
        "points": words.points,
        "seconds": words.seconds,
        "error": words.error,
        "name": page.name,
        "prose": page.prose,
        "trace": page.trace,
        "whole": Markup,
    }
    environment.globals |= {"words": words, "Status": Status}
    return environment
