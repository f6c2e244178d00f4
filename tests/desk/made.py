"""Classes as `grader batch` leaves them, made without grading: a test builds the answers that it is
about.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from grader.classroom.download.students import Entry, safe_folder
from grader.classroom.marks.course_marks import Inline, Rules
from grader.classroom.marks.decisions import Item
from grader.classroom.marks.written_answers import WrittenAnswer
from grader.classroom.run import worker
from grader.classroom.run.cache_keys import digest_of
from grader.classroom.run.result_store import Store
from grader.classroom.run.results import CLASS_SCHEMA, CheckHead, ClassFile, Row, SubmissionOutcome
from grader.grading.grade import Graded
from grader.model import CheckResult, Question, Report, Status, Tier, Visibility

WHY, HOW, PLOT, STYLE = "Work/why", "Work/how", "Work/plot", "style"
INLINE = (
    Inline(
        WHY,
        "Work.ipynb",
        "why",
        "Why does the gradient $\\nabla L$ vanish?",
        "",
        2.0,
        model="$\\tanh$ saturates.",
    ),
    Inline(HOW, "Work.ipynb", "how", "How would you mend it?", "", 3.0),
    Inline(PLOT, "Work.ipynb", "plot", "Plot the loss.", "", 2.0, title="The plot", code=True),
    Inline(STYLE, "", "", "", "", 3.0, title="Style of `double`", function="double", code=True),
)
CHECKS = (CheckHead("double", "q1", 6.0, hidden=False), CheckHead("shift", "q1", 4.0, hidden=True))
# Nine different answers, as thirty students write them: spaces and case aside they are equal.
NINE = (
    "Because the gradient vanishes.",
    "The derivative of $\\tanh$ is below 1, and a product of many such numbers goes to 0.",
    "I don't know.",
    "Since $h_t$ saturates.",
    "The gradients explode.",
    "It is linear.",
    "Because the gradient explodes.",
    "No idea",
    "The loss is flat.",
)


def png(red: int = 200) -> str:
    """Return a small PNG as base64."""
    rows = b"".join(b"\0" + bytes([red, 90, 170]) * 8 for _ in range(8))
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (
            (b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(rows)),
            (b"IEND", b""),
        )
    )
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + body).decode()


def answers_of(number: int) -> dict[str, WrittenAnswer]:
    """Return the answers of one student of the usual class."""
    why = NINE[number % 9]
    why = why.upper().replace("$\\TANH$", "$\\tanh$") if number % 2 and "$" not in why else why
    plot = f"```python\nplt.plot(losses[{number % 3}:])\n```\n\n![output](attachment:output-0)"
    style = f"```python\ndef double(x):\n    return {'2 * x' if number % 2 else 'x + x'}\n```"
    return {
        WHY: WrittenAnswer(f"  {why}  " if number % 3 else why.replace(" ", "  ")),
        HOW: WrittenAnswer(f"A gate, as in the LSTM: way {number % 5}."),
        PLOT: WrittenAnswer(plot, {"output-0": png(40 * (number % 3))}),
        STYLE: WrittenAnswer(style),
    }


def report(points: Mapping[str, float]) -> Report:
    """Return a report with the two checks."""
    checks = []
    for head in CHECKS:
        got = points.get(head.id, head.points)
        status = Status.PASS if got == head.points else Status.FAIL
        visibility = Visibility.HIDDEN if head.hidden else Visibility.VISIBLE
        message = "" if status is Status.PASS else f"`y` is off in {head.points - got:g} places"
        checks.append(
            CheckResult(
                head.id,
                "q1",
                f"The check {head.id}",
                got,
                head.points,
                status,
                visibility,
                message,
                "",
                0.1,
                functions=(head.id,),
                notebook="Work.ipynb",
            )
        )
    score = sum(check.points for check in checks)
    return Report(
        1,
        "made",
        "Two functions",
        "somebody",
        score,
        10.0,
        Tier.LANDLOCK,
        0.5,
        "2026-05-01T12:00:00+00:00",
        (Question("q1", "Functions", score, 10.0),),
        tuple(checks),
        notebooks=("Work.ipynb",),
        version="1",
        seed="hidden",
    )


def notebook(number: int) -> object:
    """Return the notebook of a student as it ran."""
    cells = [
        new_markdown_cell("# Work"),
        new_code_cell("def double(x):\n    return 2 * x", outputs=[]),
        new_code_cell(
            "plt.plot(losses)",
            outputs=[new_output("display_data", {"image/png": png(number % 200)})],
        ),
    ]
    return new_notebook(cells=cells)


def write_student(
    store: Store,
    class_: ClassFile,
    entry: Entry,
    graded: Graded,
    answers: Mapping[str, WrittenAnswer],
) -> None:
    """Write one student's result as a class's run does."""
    rules = Rules(inline=class_.inline)
    task = worker.Task(
        digest="made", isolation="landlock", title=entry.titled, inline=class_.inline, rules=rules
    )
    done = worker._rendered(task, graded, dict(answers))
    row = Row(
        schema=CLASS_SCHEMA,
        student=entry.student,
        submission="s",
        key="k",
        assignment="made",
        rules=digest_of(rules),
        outcome=SubmissionOutcome.GRADED,
        checks=done.checks,
        answered=done.answered,
        texts=done.texts,
        started=done.started,
        isolation="landlock",
        seconds=0.5,
    )
    store.write(entry.folder, done.files, row)


def class_file(
    entries: Sequence[Entry], *, inline: tuple[Inline, ...] = INLINE, rubric: tuple[Item, ...] = ()
) -> ClassFile:
    """Return ``class.json``."""
    return ClassFile(
        schema=CLASS_SCHEMA,
        name="made",
        title="Two functions",
        version="1",
        layout="folders",
        checks=CHECKS,
        inline=inline,
        entries=tuple(entries),
        assignment="made",
        rubric=rubric,
    )


def entry(number: int, name: str = "", student: str = "") -> Entry:
    """Return a student."""
    student = student or f"s{number:04}"
    folder = safe_folder(student)
    section = "AB"[number % 2]
    return Entry(
        student=student,
        folder=folder,
        name=name or f"Pupil {number}",
        paths=(f"{folder}.zip",),
        section=section,
    )


def build(
    out: Path,
    students: int,
    *,
    answers: Callable[[int], Mapping[str, WrittenAnswer]] = answers_of,
    points: Callable[[int], Mapping[str, float]] = lambda number: (
        {"double": 3.0} if number % 4 == 1 else {}
    ),
    rubric: tuple[Item, ...] = (),
    entries: Sequence[Entry] = (),
    inline: tuple[Inline, ...] = INLINE,
) -> Store:
    """Write a class and return its store."""
    store = Store(out)
    people = list(entries) or [entry(number) for number in range(students)]
    class_ = class_file(people, rubric=rubric, inline=inline)
    with store.locked():
        for number, one in enumerate(people):
            graded = Graded(
                report(points(number)),
                {"Work.ipynb": notebook(number)},
                {"work.py": "def double(x): ..."},
            )
            write_student(store, class_, one, graded, answers(number))
        store.write_class(class_)
    return store


def regrade(
    store: Store, student: str, answers: Mapping[str, WrittenAnswer], points: Mapping[str, float]
) -> None:
    """Write a student's result anew, as after a resubmission."""
    class_ = store.read_class()
    one = next(one for one in class_.entries if one.student == student)
    graded = Graded(report(points), {"Work.ipynb": notebook(1)}, {})
    with store.locked():
        write_student(store, class_, one, graded, answers)
        store.write_class(msgspec.structs.replace(class_, seconds=class_.seconds + 1.0))
