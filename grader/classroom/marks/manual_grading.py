"""What waits for a person: answers in words, all students' side by side, and how to give them
points.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from urllib.parse import quote

from markupsafe import Markup

from grader.classroom.marks.class_page import page_of
from grader.classroom.marks.course_marks import Inline
from grader.classroom.marks.gradebook import Line
from grader.classroom.marks.written_answers import WrittenAnswer
from grader.classroom.run.results import ClassFile
from grader.report.markup import sanitise
from grader.report.markup.conversion_clock import ConversionClock, patient
from grader.report.pictures import picture_uri


@dataclass(frozen=True)
class AnswerToRead:
    """One student's answer, harmless."""

    line: Line
    link: str
    body: Markup
    pictures: Sequence[str]  # data URIs
    elsewhere: bool  # it did not stand in its own cell
    points: float | None  # None: waits


@dataclass(frozen=True)
class QuestionAnswers:
    """A question with all its answers."""

    inline: Inline
    asked: Markup
    answers: Sequence[AnswerToRead]
    unanswered: int


def waiting(rows: Sequence[Line]) -> list[str]:
    """Return a line for each answer that nobody has given points, and for each submission that
    needs a look.
    """
    found = []
    for line in rows:
        who = f"{line.entry.student} {line.entry.name}".strip()
        found += [f"{who}: {why}" for why in (*line.waiting, *line.needs_a_look)]
    return found


def render(
    class_: ClassFile,
    rows: Sequence[Line],
    answers_of: Callable[[str], Mapping[str, WrittenAnswer]],
) -> str:
    """Return the page; ``answers_of`` gives a student's answers by the folder's name."""
    clock = ConversionClock()  # of the whole page
    texts = {}
    for line in rows:
        if line.marks is not None:
            texts[line.entry.folder] = answers_of(line.entry.folder)
    return page_of(
        "todo.html.j2",
        class_=class_,
        groups=[_group(inline, rows, texts, clock) for inline in class_.inline],
        look=list(filter(attrgetter("needs_a_look"), rows)),
    )


def _group(
    inline: Inline,
    rows: Sequence[Line],
    written: Mapping[str, Mapping[str, WrittenAnswer]],
    clock: ConversionClock,
) -> QuestionAnswers:
    answers, unanswered = [], 0
    for line in rows:
        answer = written.get(line.entry.folder, {}).get(inline.id)
        if answer is None or line.marks is None:
            unanswered += line.marks is not None
            continue
        answers.append(
            AnswerToRead(
                line=line,
                link=f"{quote(line.entry.folder)}/report.html",
                body=sanitise.markdown(answer.text, clock),
                pictures=list(filter(None, map(picture_uri, answer.pictures.values()))),
                elsewhere=answer.elsewhere,
                points=line.marks.answers.get(inline.id),
            )
        )
    answers.sort(key=lambda answer: answer.points is not None)  # what waits stands first
    return QuestionAnswers(
        inline, sanitise.markdown(inline.question, patient()), answers, unanswered
    )
