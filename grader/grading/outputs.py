"""The files that a graded submission leaves behind, and how they are written."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from grader.files import write_atomically
from grader.grading.grade import Graded
from grader.grading.intake.reading.entry_names import EXECUTED, JUNIT_XML, REPORT_HTML
from grader.model import REPORT_JSON, Visibility
from grader.report.audience import Audience

if TYPE_CHECKING:
    from grader.assignment.spec import Assignment
    from grader.notebooks.jupyter_format import NotebookNode

# what may be handed back: hidden checks keep points and verdict alone
STUDENTS_PAGE = "student.html"

PATIENT = 10  # the niceness of preparing, more than a box has
LIBRARIES = (
    "jinja2.ext",
    "pygments.formatters.html",
    "pygments.lexers.python",
    "mistune",
    "nh3",
    "latex2mathml.converter",
    "grader.report.html_report",
    "grader.report.json_report",
    "grader.report.junit_report",
)


class Earlier(msgspec.Struct, frozen=True):
    """What an earlier report says of the files beside it."""

    schema: int
    submission: str
    notebooks: tuple[str, ...] = ()


def clear(out: Path, submission: Path) -> None:
    """Remove the reports and notebooks that an earlier check wrote to the folder ``out``.

    They are of another submission, or will be replaced. Other files stay; all of them stay if one
    of those notebooks is the submission itself. `report.json`, which names the others, is written
    first and removed last.
    """
    if out.resolve() in submission.resolve().parents:
        return
    try:
        earlier = msgspec.json.decode((out / REPORT_JSON).read_bytes(), type=Earlier)
    except (OSError, msgspec.MsgspecError):
        return
    notebooks = [f"{EXECUTED}/{Path(name).name}" for name in earlier.notebooks]
    # what can't be removed can't be replaced either: writing raises the error
    with contextlib.suppress(OSError):
        for name in (*notebooks, STUDENTS_PAGE, REPORT_HTML, JUNIT_XML, REPORT_JSON):
            (out / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        (out / EXECUTED).rmdir()


def prepare(
    assignment: Assignment, notebooks: Collection[str], ended: Callable[[], bool] = lambda: False
) -> None:
    """Load what every report of this process needs: libraries, templates and the author's cells.

    notebooks: the paths of those that reports will show; their cells are converted once, not once
        for each submission
    ended: whether nobody waits for it any more
    """
    for name in LIBRARIES:
        if ended():
            return
        importlib.import_module(name)
    from grader.report import html_report

    html_report.prepare(_handed_out(assignment, notebooks, ended))


def _handed_out(
    assignment: Assignment, notebooks: Collection[str], ended: Callable[[], bool]
) -> Iterator[NotebookNode]:
    """Yield the notebooks as they are handed out, until nobody waits for them."""
    for book in assignment.spec.notebooks:
        if book.path in notebooks and not ended():
            from grader.notebooks.format import provided

            yield provided(assignment.folder / book.source)


class Preparing:
    """Does `prepare` in a thread of its own with a priority below that of other work; a context
    manager that ends it.

    It is always waited for: a thread that is inside a library's compiled code while the interpreter
    ends can crash the process.
    """

    def __init__(self, assignment: Assignment, notebooks: Collection[str]) -> None:
        """Get ready; ``notebooks`` are the paths of those that the report will show."""
        self._assignment = assignment
        self._notebooks = notebooks
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._prepare, name="report-preparing")

    def start(self) -> None:
        """Start the thread, unless it has been started."""
        if self._thread.ident is None:
            self._thread.start()

    def _prepare(self) -> None:
        if sys.platform == "linux":  # only there has a thread a niceness of its own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), PATIENT)
        prepare(self._assignment, self._notebooks, self._ended.is_set)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()


def contents(graded: Graded, *, students_page: bool = False) -> dict[str, bytes]:
    """Return the reports and executed notebooks by name; the student's page only on request."""
    from grader.report import html_report, json_report, junit_report

    report = graded.report
    known: dict[tuple[str, str], str] = {}  # the pages show the same cells: none is converted twice

    def page(audience: Audience) -> bytes:
        text = html_report.render(
            report, audience=audience, notebooks=graded.notebooks, sources=graded.sources,
            known=known,
        )  # fmt: skip
        return text.encode("utf-8", "replace")

    files = {
        REPORT_JSON: json_report.render(report, audience=Audience.INSTRUCTOR),
        JUNIT_XML: junit_report.render(report),
        REPORT_HTML: page(Audience.INSTRUCTOR),
    }
    if students_page:
        files[STUDENTS_PAGE] = page(Audience.STUDENT)
    return files | _executed(graded)


def _executed(graded: Graded) -> dict[str, bytes]:
    if not graded.notebooks:  # functions alone need not load nbformat
        return {}
    from grader.notebooks.jupyter_format import nbformat

    files: dict[str, bytes] = {}
    for name, notebook in graded.notebooks.items():
        text = nbformat.v4.writes(notebook)
        files[f"{EXECUTED}/{Path(name).name}"] = text.encode("utf-8", "replace")
    return files


def write(graded: Graded, out: Path) -> dict[str, Path]:
    """Write the reports and executed notebooks atomically; return their paths by name.

    If some checks are hidden, the page for the student is written too.
    """
    hidden = any(check.visibility is Visibility.HIDDEN for check in graded.report.checks)
    written: dict[str, Path] = {}
    for name, data in contents(graded, students_page=hidden).items():
        written[name] = write_atomically(out / name, data)
    return written
