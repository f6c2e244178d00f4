"""Makes marks, class page, report and notebooks of a class anew, with the other rooms."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from grader.classroom.marks import class_page, gradebook, overrides
from grader.classroom.marks.decisions import JournalRow
from grader.classroom.marks.gradebook import Line, notes_of
from grader.classroom.marks.gradebook import line_of as marked_line
from grader.classroom.run.result_store import Store
from grader.classroom.run.results import SubmissionOutcome
from grader.desk import actions
from grader.desk.desk import Desk
from grader.desk.snapshot import GradedStudent, Part
from grader.desk.view import View
from grader.errors import UsageError
from grader.model import CheckResult, Report
from grader.notebooks.cells import text_of
from grader.notebooks.definitions import definitions
from grader.report import notebook_cells
from grader.text import clean

NOTEBOOK_SIZE = 40_000_000  # bytes of one that is shown
MOST_REQUESTS = 5_000
READ = 1_000_000  # characters of a notebook's cells in which definitions are looked for


@dataclass(frozen=True)
class KeptLine:
    """A student's line, and what it was made of: the same mapping, the same marks."""

    own: object
    stamp: int  # of the overrides
    line: Line


def marked(view: View, desk: Desk) -> list[Line]:
    """Return the class with its marks as they are now."""
    stamp = _stamp(desk.overrides_path)
    changes = overrides.read(desk.overrides_path)
    found = []
    for name, student in view.snapshot.students.items():
        own = view.given.decisions.get(name)
        kept = view.lines.get(name)
        if not isinstance(kept, KeptLine) or kept.own is not own or kept.stamp != stamp:
            kept = KeptLine(own, stamp, _line(view, student, changes))
            view.lines[name] = kept
        found.append(kept.line)
    return found


def line_of(view: View, student: GradedStudent, desk: Desk) -> Line:
    """Return one student's marks as they are now."""
    return _line(view, student, overrides.read(desk.overrides_path))


def _line(view: View, student: GradedStudent, changes: overrides.Overrides) -> Line:
    class_ = view.snapshot.class_
    own = view.book.of(student.entry.student, class_)
    rules = overrides.rules_of(student.entry, class_.late, changes, class_.inline, own)
    return marked_line(student.entry, student.row, rules, class_.assignment)


def notes(line: Line) -> Sequence[str]:
    """Return what stands in the gradebook's last column."""
    return notes_of(line)


def class_page_text(view: View, desk: Desk) -> str:
    """Return the class page; its links lead to this desk."""
    key = ("class page", _stamp(desk.overrides_path))
    if key not in view.kept:
        view.kept[key] = class_page.render(view.snapshot.class_, marked(view, desk))
    return str(view.kept[key])


def _stamp(path: Path) -> int:
    """Return what changes when a file is written; 0 if it is not there."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def gradebook_csv(view: View, desk: Desk) -> bytes:
    """Return the gradebook as it would be written now."""
    return gradebook.render(view.snapshot.class_, marked(view, desk))


def report(store: Store, student: GradedStudent) -> tuple[bytes, str]:
    """Return the instructor's report of a student, or why it was refused, and its kind."""
    refused = student.outcome is SubmissionOutcome.REFUSED
    path = store.out / student.entry.folder / ("refused.txt" if refused else "report.html")
    try:
        return path.read_bytes(), "text/plain" if refused else "text/html"
    except OSError as error:
        raise UsageError(
            "there is no report of this student: nothing was graded, or it is being written"
        ) from error


def notebooks(
    store: Store, student: GradedStudent
) -> tuple[list[notebook_cells.ShownNotebook], Mapping[str, Sequence[CheckResult]]]:
    """Return a student's notebooks as they ran, and the checks whose verdicts stand at a cell, by
    its anchor.
    """
    from grader.notebooks.jupyter_format import nbformat

    if student.row is None or student.outcome is not SubmissionOutcome.GRADED:
        return [], {}
    budget = notebook_cells.PageBudget()
    shown, verdicts = [], {}
    checks = _checks(store, student)
    for number, path in enumerate(
        sorted((store.out / student.entry.folder / "notebooks").glob("*.ipynb")), start=1
    ):
        if path.stat().st_size > NOTEBOOK_SIZE:
            continue
        node = nbformat.from_dict(msgspec.json.decode(path.read_bytes()))
        built = notebook_cells.build(path.name, number, node, budget)
        shown.append(built)
        verdicts.update(_at_cells(f"notebook-{number}", node.get("cells", ()), checks))
    return shown, verdicts


def _checks(store: Store, student: GradedStudent) -> Sequence[CheckResult]:
    try:
        data = (store.out / student.entry.folder / "report.json").read_bytes()
        return msgspec.json.decode(data, type=Report).checks
    except (OSError, msgspec.MsgspecError):
        return ()


def _at_cells(
    anchor: str, cells: Sequence[object], checks: Sequence[CheckResult]
) -> dict[str, Sequence[CheckResult]]:
    """Return the checks that judge what a cell defines, by the cell's anchor."""
    found: dict[str, Sequence[CheckResult]] = {}
    left = READ
    for number, cell in enumerate(cells[: notebook_cells.CELLS], start=1):
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = text_of(cell)
        left -= len(source)
        if left < 0:
            break
        names = definitions(source)
        own = []
        for check in checks:
            if names.intersection(name.split(".")[0] for name in check.functions):
                own.append(check)
        if own:
            found[f"{anchor}-cell-{number}"] = own
    return found


@dataclass(frozen=True)
class Action:
    """An action in the journal."""

    time: str
    who: str
    what: str
    count: int


def journal_actions(lines: Sequence[JournalRow]) -> list[Action]:
    """Return rows of the journal as actions, the last one first."""
    counts: dict[int, int] = {}
    heads: dict[int, JournalRow] = {}
    for line in lines:
        counts[line.action] = counts.get(line.action, 0) + 1
        heads.setdefault(line.action, line)
    return [
        Action(line.time[:19].replace("T", " "), line.who, line.what, counts[action])
        for action, line in heads.items()
    ]


def import_requests(desk: Desk, who: str, body: bytes) -> int:
    """Bring in requests from a CSV with the columns id, part and text; all of it or nothing."""
    try:
        rows = list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"the CSV can't be read: {error}") from error
    if not rows or not {"id", "part", "text"} <= set(rows[0]):
        raise UsageError(
            "the CSV needs the columns `id`, `part` and `text`, and a row for each request"
        )
    if len(rows) > MOST_REQUESTS:
        raise UsageError(
            f"the CSV has {len(rows)} rows: at most {MOST_REQUESTS} are taken at a time"
        )
    view = desk.view()
    parts = _by_name(view)
    wanted = []
    for number, row in enumerate(rows, start=2):
        wanted.append(_request(view, parts, number, row))
    with desk.lock:
        actions.add_requests(desk, who, wanted)
    return len(wanted)


def _by_name(view: View) -> dict[str, Part]:
    """Return the parts by what a CSV may call them."""
    found: dict[str, Part] = {}
    for part in reversed(view.snapshot.parts):
        name = part.id.partition(":")[2]
        found[part.title] = found[name] = found[part.id] = part
    return found


def _request(
    view: View, parts: Mapping[str, Part], number: int, row: Mapping[str, str]
) -> tuple[Part, str, str]:
    """Return one row of a CSV of requests; raise `UsageError` for one that can't be meant."""
    part = parts.get((row["part"] or "").strip())
    student = (row["id"] or "").strip()
    text = clean((row["text"] or "").strip(), actions.COMMENT_LIMIT)
    if part is None:
        raise UsageError(
            f"row {number}: there is no part {clean(row['part'] or '', 60)!r} in this class"
        )
    if student not in view.snapshot.students:
        raise UsageError(f"row {number}: there is no student {clean(student, 60)!r} in this class")
    if student not in part.works:
        raise UsageError(
            f"row {number}: {clean(student, 60)!r} handed in nothing for {part.title!r}"
        )
    if not text:
        raise UsageError(f"row {number}: the text is empty")
    return part, student, text
