"""Answers in words: found in a submitted notebook wherever the student wrote them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from grader.notebooks.cells import Cell, joined, ours
from grader.notebooks.definitions import parsed
from grader.notebooks.matching import Facts, Matching, released_text

LONGEST = 20_000  # characters of an answer
PICTURES = 8  # of one answer
PICTURE_CHARACTERS = 4_000_000  # of base64, of one answer's pictures together
MOST_OUTPUTS = 100  # of one cell
PICTURE_TYPES = ("image/png", "image/jpeg")


@dataclass(frozen=True)
class Found:
    """One answer: its text, the pictures that were pasted into it, and whether it stood in another
    cell.
    """

    text: str
    pictures: Mapping[str, str] = field(default_factory=dict)  # name -> base64
    elsewhere: bool = False


def answers(matching: Matching, read: Collection[str] = ()) -> dict[str, Found]:
    """Return the answers that a student wrote, by the keys of the author's cells. Untrusted.

    If an answer's own cell is untouched or gone, text that the student wrote elsewhere stands for
    it: behind it as a rule, before it if there is no question before that text.
    read: keys of cells of code that a person reads, besides those with points
    """
    found: dict[str, Found] = dict(_code(matching, read))
    open_: list[Facts] = []
    for question in matching.questions:
        cell = _changed(matching, question)
        if cell is None:
            open_.append(question)
        else:
            found[question.key] = _joined(_with_continued(matching, cell), elsewhere=False)
    if open_:
        found |= _elsewhere(matching, open_)
    return found


def is_graded_code(cell: Cell) -> bool:
    """Return whether an author's cell is code of the students' that a person gives points for."""
    points = ours(cell).get("points")
    return cell.get("cell_type") == "code" and isinstance(points, int | float) and points > 0


def _code(matching: Matching, read: Collection[str]) -> Iterator[tuple[str, Found]]:
    """Yield the code that a person grades, with what its cell showed in the student's own file."""
    for question in matching.author:
        graded = is_graded_code(question.cell) or (question.key in read and question.kind == "code")
        if not question.is_students or not graded:
            continue
        cell = _changed(matching, question)
        if cell is None or _unwritten(cell):
            continue
        shown, pictures = outputs(cell.cell)
        parts = [fenced(cell.source, "python")]
        if shown.strip():
            parts.append(fenced(shown, "text"))
        parts += map("![output](attachment:{})".format, pictures)
        yield question.key, Found("\n\n".join(parts)[:LONGEST], pictures)


def _changed(matching: Matching, question: Facts) -> Facts | None:
    """Return the student's cell for an author's one, None if it is empty or as handed out."""
    cell = matching.of(question)
    if cell is None or _plain(cell.source) in ("", _plain(released_text(question))):
        return None
    return cell


def _unwritten(cell: Facts) -> bool:
    """Return whether a cell is as it was handed out."""
    return cell.untouched or (
        "raise NotImplementedError" in cell.source and len(cell.names) == len(cell.stubs)
    )


def fenced(text: str, language: str) -> str:
    """Return text as a block of Markdown that shows it as it is."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.strip()[:LONGEST]}\n{fence}"


def outputs(cell: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the text and the pictures that a code cell showed when it was saved. Nothing is
    decoded here.
    """
    texts: list[str] = []
    pictures: dict[str, str] = {}
    listed = cell.get("outputs")
    for number, output in enumerate(listed[:MOST_OUTPUTS] if isinstance(listed, list) else []):
        data = output.get("data") if isinstance(output, Mapping) else None
        bundle = data if isinstance(data, Mapping) else {}
        texts.append(joined(output.get("text")) if isinstance(output, Mapping) else "")
        texts.append(joined(bundle.get("text/plain")))
        for kind in PICTURE_TYPES:
            encoded = joined(bundle.get(kind))
            if encoded and len(encoded) < PICTURE_CHARACTERS and len(pictures) < PICTURES:
                pictures[f"output-{number}"] = encoded
                break
    return "\n".join(filter(None, texts))[:LONGEST], pictures


def _elsewhere(matching: Matching, questions: list[Facts]) -> dict[str, Found]:
    """Give each text that stands outside its place to the open question whose cells it stands
    among.
    """
    texts: dict[str, list[tuple[Facts, str]]] = {}
    for cell, text in stray_texts(matching):
        key = _meant(matching, cell, questions).key
        texts.setdefault(key, []).append((cell, text))
    return {key: _joined(parts, elsewhere=True) for key, parts in texts.items()}


def _meant(matching: Matching, stray: Facts, questions: list[Facts]) -> Facts:
    """Return the open question that a text answers.

    It is the one whose answer cell comes next, if the text stands right behind what is asked; else
    the last one before.
    """
    last = -1  # of the author's cells before the text
    for cell in matching.theirs[: stray.index + 1]:
        last = matching.owner.get(cell.index, last)
    meant = questions[0]
    for question in questions:
        if question.index == last + 1:
            return question
        if question.index <= last:
            meant = question
    return meant


def _with_continued(matching: Matching, answer: Facts) -> Iterator[tuple[Facts, str]]:
    """Yield an answer's cell, and the text cells of the student's own directly behind it, each with
    its text.
    """
    yield answer, answer.source
    for cell in matching.theirs[answer.index + 1 :]:
        if cell.index in matching.owner or cell.kind != "markdown":
            return
        if cell.folded:
            yield cell, cell.source


def _joined(texts: Iterable[tuple[Facts, str]], *, elsewhere: bool) -> Found:
    """Return the texts of several cells as one answer, with their pictures."""
    pictures: dict[str, str] = {}
    left = PICTURE_CHARACTERS
    parts = []
    for number, (cell, text) in enumerate(texts):
        for name, encoded in attachments(cell.cell).items():
            if len(pictures) == PICTURES or len(encoded) > left:
                break
            left -= len(encoded)
            unique = f"{number}-{name}" if name in pictures else name
            text = text.replace(f"attachment:{name}", f"attachment:{unique}")
            pictures[unique] = encoded
        parts.append(text.strip())
    return Found("\n\n".join(parts)[:LONGEST], pictures, elsewhere)


def attachments(cell: Mapping[str, Any]) -> dict[str, str]:
    """Return the pictures that were pasted into a text cell: name -> base64. Nothing is decoded
    here.
    """
    listed = cell.get("attachments")
    found: dict[str, str] = {}
    for name, bundle in list(listed.items())[:PICTURES] if isinstance(listed, Mapping) else ():
        for kind in PICTURE_TYPES:
            encoded = bundle.get(kind) if isinstance(bundle, Mapping) else None
            text = "".join(map(str, encoded)) if isinstance(encoded, list) else encoded
            if isinstance(name, str) and isinstance(text, str) and len(name) <= 200:
                found[name] = text
                break
    return found


def stray_texts(matching: Matching) -> Iterator[tuple[Facts, str]]:
    """Yield the texts that a student wrote outside the author's answer cells, each with its cell.

    A text cell of their own, what they wrote into a text cell of the author's, and a code cell that
    holds words.
    """
    for cell in matching.theirs:
        owner = matching.owner.get(cell.index)
        if owner is None:
            if cell.folded and (cell.kind in ("markdown", "raw") or _is_words(cell)):
                yield cell, cell.source
        elif cell.kind == "markdown" and not matching.author[owner].is_students:
            author = matching.author[owner]
            added = _added(author.source, cell.source)
            if added or attachments(cell.cell).keys() - attachments(author.cell).keys():
                yield cell, added


def _is_words(cell: Facts) -> bool:
    """Return whether a code cell holds nothing but words: comments, or lines that are not
    Python.
    """
    lines = list(filter(None, map(str.strip, cell.source.split("\n"))))
    if lines and all(line.startswith("#") for line in lines):
        return cell.source.count(" ") >= len(lines) + 2
    unreadable = cell.read and parsed(cell.source) is None
    return unreadable and not cell.names and cell.source.count(" ") >= 4


def _added(author: str, theirs: str) -> str:
    """Return the lines of a changed text that are not the author's."""
    known = set(map(str.strip, author.split("\n")))
    return "\n".join(line for line in theirs.split("\n") if line.strip() not in known).strip()


def _plain(text: str) -> str:
    return " ".join(text.split())
