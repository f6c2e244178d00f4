"""Puts the notebook that is run together: the author's cells as they were handed out, the student's
as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from grader.markers import BEGIN
from grader.notebooks.answer_cells import attachments
from grader.notebooks.cells import (
    RAISES,
    Cell,
    cell_key,
    in_words,
    is_check,
    is_nbgraders_test,
    may_raise,
    text_of,
)
from grader.notebooks.definitions import additions
from grader.notebooks.matching import Facts, Matching, match, numbers
from grader.text import counted, quoted

if TYPE_CHECKING:
    from grader.notebooks.jupyter_format import NotebookNode

SHOWN_NAMES = 3  # in a note


@dataclass(frozen=True)
class Restored:
    """The notebook to run, and in sentences what of the submission was not taken as it stood.

    Each cell's metadata has under ``grader`` its ``id``, the ``number`` that Jupyter gives it after
    a run from the top of the student's own file (none if it is not in that), and ``own`` if the
    student added it.
    """

    notebook: NotebookNode
    notes: tuple[str, ...]
    matching: Matching | None = None


def restore(
    author: NotebookNode, submitted: NotebookNode | None, *, keep_extra: bool
) -> tuple[NotebookNode, list[str]]:
    """Return the notebook to run and the notes, see `restored`."""
    made = restored(author, submitted, keep_extra=keep_extra)
    return made.notebook, [*made.notes]


def restored(author: NotebookNode, submitted: NotebookNode | None, *, keep_extra: bool) -> Restored:
    """Return the notebook to run: the student's cells in their order, the author's own as the
    author wrote them.

    Cells of the assignment that are missing stand behind the one that they followed. If the
    provided cells are not in the author's order, that order is restored. ``keep_extra``: whether
    cells that the student added are run; those that define what a task asks for are run in any
    case.
    """
    from grader.notebooks.jupyter_format import nbformat

    result: NotebookNode = nbformat.from_dict({**author, "cells": []})
    if submitted is None:
        result.cells = [_made(cell, _unwritten(cell), cell_key(cell)) for cell in author.cells]
        return Restored(result, ())
    matching = match(author.cells, submitted.cells)
    plan = _Plan(matching, keep_extra)
    result.cells = plan.cells()
    return Restored(result, tuple(plan.notes()), matching)


class _Plan:
    """Which cells are run, in which order."""

    def __init__(self, matching: Matching, keep_extra: bool) -> None:
        self.matching = matching
        self.keep_extra = keep_extra
        self.numbers = numbers(matching.theirs)
        self.own = [cell for cell in matching.own if not _is_passed_over(cell)]
        self.kept = {cell.index for cell in self.own if self._is_kept(cell)}
        # stubs that are run ahead of a student's own cell, by its index; and their own indices
        self.early: dict[int, list[Facts]] = {}
        self.moved: set[int] = set()
        # an untouched stub, and the cell that counts in its place
        self.replaced: list[tuple[Facts, Facts]] = []
        self._find_replaced()

    def _is_kept(self, cell: Facts) -> bool:
        if self.keep_extra:
            return cell.kind in ("code", "markdown")
        return cell.is_code and not cell.written.isdisjoint(self.matching.wanted)

    def _find_replaced(self) -> None:
        """Find the stubs that were left untouched though another cell defines what they ask for."""
        code = list(self._code())
        for theirs in filter(self._is_stub, code):
            others = [one for one in code if one is not theirs and one.written & theirs.names]
            if not others:
                continue
            self.replaced.append((theirs, others[-1]))
            if others[0].index < theirs.index:
                self.early.setdefault(others[0].index, []).append(theirs)
                self.moved.add(theirs.index)

    def _is_stub(self, cell: Facts) -> bool:
        """Return whether a cell is a task left as handed out: one that was matched, or a copy of
        its functions.
        """
        return cell.untouched and (cell.index in self.matching.owner or "def " in cell.source)

    def _students(self) -> Iterator[tuple[Facts, Facts | None]]:
        """Yield the author's code cells that are students' to write, each with the submitted
        one.
        """
        for cell in self.matching.author:
            if cell.is_task:
                yield cell, self.matching.of(cell)

    def _code(self) -> Iterator[Facts]:
        """Yield the submitted cells whose code is run and is the student's."""
        for cell in self.matching.theirs:
            owner = self.matching.owner.get(cell.index)
            theirs = owner is not None and self.matching.author[owner].is_students
            if theirs or (cell.index in self.kept and cell.is_code):
                yield cell

    # --- order ------------------------------------------------------------------------------------

    def cells(self) -> list[NotebookNode]:
        """Return the cells to run."""
        made: list[NotebookNode] = []
        for group in self._in_order():
            for author, theirs in group:
                if theirs is None:
                    assert author is not None
                    made.append(self._put_back(author))
                elif theirs.index not in self.moved:
                    made.extend(map(self._made, self.early.get(theirs.index, ())))
                    made.extend(self._added_to(author, theirs))
                    made.append(self._made(theirs))
        return made

    def _in_order(self) -> Iterator[list[tuple[Facts | None, Facts | None]]]:
        """Yield the cells in groups: an author's cell or a student's own, then the missing ones
        that follow it.
        """
        missing = self._missing_behind()
        yield [*missing.get(-1, ())]
        for theirs in self._submitted_order():
            owner = self.matching.owner.get(theirs.index)
            if owner is not None:
                yield [(self.matching.author[owner], theirs), *missing.get(owner, ())]
            elif theirs.index in self.kept:
                yield [(None, theirs)]

    def _missing_behind(self) -> dict[int, list[tuple[Facts, None]]]:
        """Return the author's cells that are not in the submission, by the found one that they
        follow (-1: none).
        """
        behind: dict[int, list[tuple[Facts, None]]] = {}
        last = -1
        for cell in self.matching.author:
            if cell.index in self.matching.found:
                last = cell.index
            else:
                behind.setdefault(last, []).append((cell, None))
        return behind

    def _submitted_order(self) -> list[Facts]:
        """Return the submitted cells in their own order, or in the author's if the provided ones
        are out of order.
        """
        provided: list[int] = []
        # by the author's cell, which its own cells of the student follow
        groups: dict[int, list[Facts]] = {}
        last = -1
        for cell in self.matching.theirs:
            if cell.index in self.matching.owner:
                last = self.matching.owner[cell.index]
                if not self.matching.author[last].is_students:
                    provided.append(last)
            groups.setdefault(last, []).append(cell)
        if provided == sorted(provided):
            return [*self.matching.theirs]
        return list(chain.from_iterable(map(groups.__getitem__, sorted(groups))))

    # --- cells ------------------------------------------------------------------------------------

    def _put_back(self, author: Facts) -> NotebookNode:
        """Return a cell that the submission lacks; a task's is empty, so that no definition
        elsewhere is undone.
        """
        source = "" if author.is_task else _unwritten(author.cell)
        return _made(author.cell, source, author.key)

    def _made(self, theirs: Facts) -> NotebookNode:
        """Return a submitted cell as it is run: one of the author's own as the author wrote it."""
        number, owner = self.numbers.get(theirs.index, 0), self.matching.owner.get(theirs.index)
        if owner is None:
            return _made(
                theirs.cell, theirs.source, f"added-{theirs.index + 1}", number=number, own=True
            )
        author = self.matching.author[owner]
        if author.is_students:
            return _made(author.cell, theirs.source, author.key, number=number, written=theirs.cell)
        return _made(author.cell, _unwritten(author.cell), author.key, number=number)

    def _added_to(self, author: Facts | None, theirs: Facts) -> Iterator[NotebookNode]:
        """Yield what students added to a provided cell and their own cells may need."""
        added = self._additions(author) if author is not None else ""
        if added:
            key, number = f"added-{theirs.index + 1}", self.numbers.get(theirs.index, 0)
            yield _made(theirs.cell, added, key, number=number, own=True)

    def _additions(self, author: Facts) -> str:
        """Return the imports and functions that students added to a provided cell."""
        theirs = self.matching.of(author)
        if theirs is None or not (self.keep_extra and author.is_code and theirs.is_code):
            return ""
        if not self._is_changed(author) or not (author.read and theirs.read):
            return ""
        return additions(theirs.source, _unwritten(author.cell))

    # --- notes ------------------------------------------------------------------------------------

    def notes(self) -> Iterator[str]:
        """Yield a sentence for each part of the submission that was left out, moved or put back."""
        changed = sum(map(self._is_changed, self.matching.author))
        if changed:
            added = any(map(self._additions, self.matching.author))
            but = ", but the imports and functions in it are kept" if added else ""
            yield (
                f"{counted(changed, 'cell')} provided by the assignment had been changed and"
                f" {_was(changed)} put back{but}"
            )
        missing = len(self.matching.author) - len(self.matching.found)
        if missing:
            yield (
                f"{counted(missing, 'cell')} of the assignment {_was(missing)} missing and"
                f" {_was(missing)} put back"
            )
        dropped = len(self.own) - len(self.kept)
        if dropped and not self.keep_extra:
            yield f"{counted(dropped, 'cell')} that the student added {_was(dropped)} not run"
        for stub, other in self.replaced:
            names = sorted(stub.names & other.written) or sorted(stub.names)
            place = in_words(self.numbers.get(other.index, 0), other.source)
            yield (
                f"the place for {quoted(names[:SHOWN_NAMES])} was left as it was handed out; what"
                f" {place} defines counts in its place"
            )
        for author, theirs in self._students():
            if theirs is not None and not theirs.is_code:
                yield (
                    "a text cell with code in it was run as code:"
                    f" `{', '.join(sorted(author.names)[:SHOWN_NAMES])}`"
                )

    def _is_changed(self, author: Facts) -> bool:
        theirs = self.matching.of(author)
        return theirs is not None and not author.is_students and theirs.folded != author.folded


def _is_passed_over(cell: Facts) -> bool:
    """Return whether a cell that the assignment lacks has no part in what is graded."""
    return is_nbgraders_test(cell.cell) or (cell.is_code and is_check(cell.source))


def _unwritten(cell: Cell) -> str:
    """Return the source of a cell that the submission lacks: the author's, unless it holds the
    author's solution.
    """
    source = text_of(cell)
    return "" if BEGIN in source else source


def _made(
    cell: Any, source: str, key: str, *, number: int = 0, own: bool = False, written: Any = None
) -> NotebookNode:
    """Return a new cell of the type of ``cell``; ``written`` is the student's, if it is another
    one.
    """
    from grader.notebooks.jupyter_format import nbformat

    code = cell.get("cell_type") == "code"
    make = nbformat.v4.new_code_cell if code else nbformat.v4.new_markdown_cell
    told: dict[str, Any] = {"id": key[:64]}
    if number:
        told["number"] = number
    if own:
        told["own"] = True
    metadata: dict[str, Any] = {"grader": told}
    if may_raise(cell) or (written is not None and may_raise(written)):
        metadata["tags"] = [RAISES]
    made: NotebookNode = make(  # type: ignore[no-untyped-call]  # of nbformat
        source=source, id=_id(key), metadata=metadata
    )
    pictures = {} if code else attachments(cell if written is None else written)
    if pictures:
        made.attachments = {name: {_kind(data): data} for name, data in pictures.items()}
    return made


def _id(key: str) -> str:
    """Return a key as a cell's id, which is of letters, digits, hyphens and underscores."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", key[:64]) or "cell"


def _kind(encoded: str) -> str:
    """Return the type of a picture by its first bytes."""
    return "image/png" if encoded.lstrip().startswith("iVBOR") else "image/jpeg"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"
