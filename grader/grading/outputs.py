"""The files that a graded submission leaves behind, and how they are written."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from grader.files import write_atomically
from grader.grading.grade import Graded
from grader.model import REPORT_JSON, Visibility
from grader.report.audience import Audience

if TYPE_CHECKING:
    from grader.assignment.spec import Assignment

STUDENTS_PAGE = "student.html"  # what may be handed back: hidden checks keep points and verdict alone

PATIENT = 10  # the niceness of preparing, more than a box has
LIBRARIES = (
    *("jinja2.ext", "pygments.formatters.html", "pygments.lexers.python", "mistune", "nh3", "latex2mathml.converter"),
    *("grader.report.html", "grader.report.json", "grader.report.junit"),
)


def prepare(assignment: Assignment) -> None:
    """Do what takes a while the first time that a report is made: libraries, templates, cells that are provided.

    To be called in a thread of its own, which gives way to whatever else runs.
    """
    from grader.checking.restore import provided

    if sys.platform == "linux":  # where a thread can be nicer than its process
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), PATIENT)
    for name in LIBRARIES:
        importlib.import_module(name)
    from grader.report import html

    sources = (assignment.folder / notebook.source for notebook in assignment.spec.notebooks)
    html.prepare(map(provided, sources))


def contents(graded: Graded, *, students_page: bool = False) -> dict[str, bytes]:
    """Return the reports and executed notebooks by their names: the instructor's view, and the student's if asked."""
    import nbformat

    from grader.report import html, json, junit

    report = graded.report

    def page(audience: Audience) -> bytes:
        text = html.render(report, audience=audience, notebooks=graded.notebooks, sources=graded.sources)
        return text.encode("utf-8", "replace")

    files = {
        REPORT_JSON: json.render(report, audience=Audience.INSTRUCTOR),
        "junit.xml": junit.render(report),
        "report.html": page(Audience.INSTRUCTOR),
    }
    if students_page:
        files[STUDENTS_PAGE] = page(Audience.STUDENT)
    for name, notebook in graded.notebooks.items():
        files[f"notebooks/{Path(name).name}"] = nbformat.v4.writes(notebook).encode("utf-8", "replace")
    return files


def write(graded: Graded, out: Path) -> dict[str, Path]:
    """Write the reports and the executed notebooks, each beside its place and then moved there.

    Where some checks are hidden, the page that may be handed to the student is written too.
    """
    hidden = any(check.visibility is Visibility.HIDDEN for check in graded.report.checks)
    files = contents(graded, students_page=hidden)
    return {name: write_atomically(out / name, data) for name, data in files.items()}
