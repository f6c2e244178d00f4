"""What a student would want to know of a notebook before handing it in, from the file alone:
nothing is run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from grader.notebooks.answer_cells import answers
from grader.notebooks.cells import Cell, first_line, in_words, may_raise
from grader.notebooks.definitions import parsed, stops_unfinished
from grader.notebooks.matching import Facts, Matching, match
from grader.notebooks.matching import numbers as cell_numbers
from grader.text import clean

SHOWN = 10  # remarks of one kind


def remarks(author: Sequence[Cell], submitted: Sequence[Cell]) -> Iterator[str]:
    """Yield the sentences: what is unwritten, unanswered, can't be read, raised when it ran, or is
    defined twice.
    """
    if not submitted:
        return
    matching = match(author, submitted)
    numbers = cell_numbers(matching.theirs)
    yield from _unwritten(matching, numbers)
    yield from _unanswered(matching)
    for cell in matching.theirs:
        if cell.is_code and cell.folded and cell.read:
            place = in_words(numbers[cell.index], cell.source)
            if parsed(cell.source) is None and not cell.folded.startswith("%%"):
                yield f"{place} can't be read as Python: it will not run"
            elif raised := _raised(cell):
                yield f"{place} raised {raised} when it was last run"
    yield from _twice(matching, numbers)
    if _out_of_order(matching):
        yield (
            "its cells were not run from top to bottom: restart the kernel, run all cells, and look"
            " at each once more"
        )


def _unwritten(matching: Matching, numbers: dict[int, int]) -> Iterator[str]:
    left: dict[str, None] = {}
    written: set[str] = set()
    for cell in matching.theirs:
        if cell.is_code:
            written |= cell.written
    for task in matching.author:
        if task.is_task:
            left |= dict.fromkeys(sorted(task.names - written))
    for cell in matching.theirs:
        if cell.is_code and not cell.names and stops_unfinished(cell.source):
            left[in_words(numbers[cell.index], cell.source)] = None
    if left:
        yield f"still to be written: {', '.join([*left][:SHOWN])}"


def _unanswered(matching: Matching) -> Iterator[str]:
    questions = matching.questions
    found = answers(matching) if questions else {}
    left = [cell for cell in questions if cell.key not in found]
    for cell in left[:SHOWN]:
        yield f"not answered yet: {_asked(matching.author[: cell.index])}"


def _asked(before: Sequence[Facts]) -> str:
    """Return the first line of the author's last text among the cells before a question."""
    for cell in reversed(before):
        if cell.kind == "markdown" and not cell.is_students:
            return first_line(cell.source).replace("*", "").strip("# ")
    return "a place for your words"


def _raised(cell: Facts) -> str:
    """Return the exception that a cell's saved output ends with, or nothing."""
    if may_raise(cell.cell):
        return ""
    outputs: Any = cell.cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else []:
        if isinstance(output, dict) and output.get("output_type") == "error":
            return clean(f"{output.get('ename')}: {output.get('evalue')}", 120)
    return ""


def _twice(matching: Matching, numbers: dict[int, int]) -> Iterator[str]:
    """Yield the names that are asked for and that more than one cell defines for good."""
    places: dict[str, list[Facts]] = {}
    for cell in matching.theirs:
        names = cell.written & matching.wanted
        if not (names and cell.is_code and parsed(cell.source)):
            continue
        for name in names:
            places.setdefault(name, []).append(cell)
    for name, cells in sorted(places.items()):
        if len(cells) > 1:
            last = in_words(numbers[cells[-1].index], cells[-1].source)
            yield f"`{name}` is defined in {len(cells)} cells: the last one counts, {last}"


def _out_of_order(matching: Matching) -> bool:
    counts: list[int] = []
    for cell in matching.theirs:
        count = cell.cell.get("execution_count")
        if cell.is_code and isinstance(count, int):
            counts.append(count)
    return counts != sorted(counts)
