"""``report.html``: one page that stands alone, for the student or for the instructor.

Theory of operation. Names, messages, traces, sources and everything in a notebook are untrusted:
`grader.report.templating` and `grader.report.markup.sanitise` make them inactive. What an audience
may not see is taken out of the report before anything is rendered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from grader.model import Report
from grader.report import templating
from grader.report.audience import Audience, view
from grader.report.markup.conversion_clock import Converted, patient

if TYPE_CHECKING:
    from nbformat import NotebookNode


PACKAGE = "grader.report"


def prepare(notebooks: Iterable[NotebookNode]) -> None:
    """Compile the templates and render the provided notebooks' cells once for later reports."""
    from grader.report import notebook_cells

    templating.prepare(PACKAGE)
    for node in notebooks:
        notebook_cells.build("", 1, node, notebook_cells.PageBudget(clock=patient()))


def render(
    report: Report,
    *,
    audience: Audience,
    notebooks: Mapping[str, NotebookNode] | None = None,
    sources: Mapping[str, str] | None = None,
    known: Converted | None = None,
) -> str:
    """Return the report as one self-contained page.

    notebooks: executed notebooks by the name that the report and its checks use
    sources: the student's files by their path in the submission
    known: what was converted for the submission's other page, and what this one converts
    """
    from grader.report import page

    shown = view(report, audience)
    return templating.render(
        PACKAGE,
        "report.html.j2",
        page=page.build(shown, audience, notebooks or {}, sources or {}, known),
        report=shown,
        audience=audience.value,
    )
