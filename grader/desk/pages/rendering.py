"""What students and graders wrote, as harmless markup."""

from __future__ import annotations

import contextlib
import functools
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from grader.classroom.marks.written_answers import WrittenAnswer
from grader.desk.desk import Desk
from grader.desk.snapshot import GradedStudent, Part, StudentWork
from grader.desk.view import View
from grader.report.markup import sanitise
from grader.report.markup.conversion_clock import ConversionClock, patient
from grader.report.pictures import picture_uri

KEPT = 400  # answers that stay converted
KEPT_SIZE = 40_000  # characters of markup of one that stays


@dataclass(frozen=True)
class Shown:
    """An answer, harmless."""

    body: Markup
    pictures: Sequence[str] = ()  # data URIs
    elsewhere: bool = False


class AnswerRenderer:
    """Turns answers into markup, and keeps some of it: a page is asked for again after each
    decision.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._kept: OrderedDict[str, Shown] = OrderedDict()

    def answer(self, view: View, part: Part, work: StudentWork, clock: ConversionClock) -> Shown:
        """Return what one student wrote."""
        if part.inline is None:
            return Shown(sanitise.preformatted(work.text))
        key = f"{part.id}\0{work.seen}"
        with contextlib.suppress(KeyError):
            return self._kept[key]
        student = view.snapshot.students[work.student]
        written = self.desk.store.answers(student.entry.folder).get(part.inline.id)
        shown = _shown(written, clock)
        size = len(shown.body) + sum(map(len, shown.pictures))
        if size <= KEPT_SIZE and clock.apart > 0:
            self._kept[key] = shown
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return shown


def _shown(written: WrittenAnswer | None, clock: ConversionClock) -> Shown:
    if written is None:
        return Shown(Markup("<p>This answer is no longer there: the class was graded again.</p>"))
    pictures = list(filter(None, map(picture_uri, written.pictures.values())))
    return Shown(sanitise.markdown(written.text, clock), pictures, written.elsewhere)


@functools.lru_cache(maxsize=1_000)
def author_text(text: str) -> Markup:
    """Return a text of the author's or a grader's, drawn. The same few are on page after page."""
    return sanitise.markdown(text, patient()) if text.strip() else Markup("")


def label(student: GradedStudent, names: bool) -> str:
    """Return what a student is called on a page."""
    if not names:
        return student.code
    entry = student.entry
    return f"{entry.student} {entry.name}".strip() if entry.name != entry.student else entry.student
