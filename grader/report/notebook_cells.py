"""An executed notebook as cells for the page: bounded, and harmless whatever its outputs are."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from grader.notebooks.answer_cells import attachments
from grader.notebooks.cells import in_words, may_raise, ours
from grader.report.markup import sanitise, snippets
from grader.report.markup.conversion_clock import Clock
from grader.report.pictures import picture_uri
from grader.text import clean

if TYPE_CHECKING:
    from nbformat import NotebookNode

HEAD, TAIL = 6_000, 2_000  # characters kept of a long output: its beginning and its end
OUTPUTS = 30  # of one cell
CELLS = 1_000
CODE_LIMIT = 20_000  # characters of one cell's source
_KEPT = 256  # cells: those that the assignment provides are the same in every submission
_CELLS: dict[tuple[str, str], Markup] = {}  # by kind and text: a cache of the author's own
SVG = "A picture in SVG is not shown, since SVG can hold scripts: let the notebook make PNG."


@dataclass
class Budget:
    """What all notebooks of a page may take together, in characters."""

    text: int = 1_500_000
    pictures: int = 2_600_000
    work: int = 600_000  # of HTML, Markdown and LaTeX to be converted
    # kept apart, so that the cell that failed shows why after any amount of output
    errors: int = 100_000
    clock: Clock = field(default_factory=Clock)  # for conversions, in seconds

    def take(self, markup: Markup, *, error: bool = False) -> Markup | None:
        """Return the markup if it still fits, else None."""
        if error and len(markup) <= self.errors:
            self.errors -= len(markup)
            return markup
        if len(markup) > self.text:
            return None
        self.text -= len(markup)
        return markup

    def convert(self, text: str, converted: Callable[[str], Markup | None]) -> Markup | None:
        """Return text as markup, where there is room for the work and for what comes of it."""
        if len(text) > self.work:
            return None
        self.work -= len(text)
        markup = converted(text)
        return self.take(markup) if markup else None

    def take_picture(self, uri: str) -> bool:
        """Tell whether a picture still fits."""
        if len(uri) > self.pictures:
            return False
        self.pictures -= len(uri)
        return True


@dataclass(frozen=True)
class Output:
    """One output: its kind is text, error, html, picture or note."""

    kind: str
    markup: Markup | None = None
    uri: str = ""


@dataclass(frozen=True)
class Cell:
    """One cell: its kind is markdown or code."""

    kind: str
    # of a code cell as Jupyter shows it after a run from the top; of a text cell, over all cells
    number: str
    place: str  # the cell as messages name it
    anchor: str
    body: Markup
    outputs: tuple[Output, ...] = ()
    error: str = ""  # the exception that it ended with

    @property
    def wide(self) -> bool:
        """Whether a text may need to be scrolled sideways."""
        return any(tag in self.body for tag in ("<table", "<pre", '<math display="block"', "<img"))


@dataclass(frozen=True)
class Notebook:
    """A notebook on the page; ``failed`` are its cells that raised and were not meant to."""

    name: str
    anchor: str
    cells: tuple[Cell, ...] = field(default=())
    left_out: int = 0

    @property
    def failed(self) -> tuple[Cell, ...]:
        return tuple(cell for cell in self.cells if cell.error)

    def at(self, place: str) -> Cell | None:
        """Return the cell that messages name so, or None."""
        return next((cell for cell in self.cells if cell.place == place), None)


def build(name: str, number: int, notebook: NotebookNode, budget: Budget) -> Notebook:
    """Return a notebook as cells; what does not fit into the budget is left out and said so."""
    anchor = f"notebook-{number}"
    raw = notebook.get("cells")
    cells = [cell for cell in raw if isinstance(cell, dict)] if isinstance(raw, list) else []
    built = [
        _cell(cell, index, f"{anchor}-cell-{index}", budget)
        for index, cell in enumerate(cells[:CELLS], start=1)
    ]
    return Notebook(name, anchor, tuple(cell for cell in built if cell), max(0, len(cells) - CELLS))


def _cell(cell: dict[str, Any], number: int, anchor: str, budget: Budget) -> Cell | None:
    """Return one cell, or None where there is nothing to show."""
    text = _text(cell.get("source"))
    if cell.get("cell_type") != "code":
        marked = cell.get("cell_type") == "markdown"
        body = _markdown(text, budget.clock) if marked else sanitise.preformatted(_cut(text))
        pasted = tuple(_picture(encoded, budget) for encoded in attachments(cell).values())
        shown_text = budget.take(body) or _left_out()
        return (
            Cell("markdown", str(number), "", anchor, shown_text, pasted) if text.strip() else None
        )
    listed = cell.get("outputs")
    outputs = (
        [output for output in listed if isinstance(output, dict)]
        if isinstance(listed, list)
        else []
    )
    shown = list(_outputs(outputs, budget))
    error = next((output for output in outputs if output.get("output_type") == "error"), None)
    raised = error is not None and not may_raise(cell)
    name = (
        clean(f"{_text(error.get('ename'))}: {_text(error.get('evalue'))}".strip(), 300)
        if raised and error
        else ""
    )
    body = budget.take(_code(text, budget.clock)) or _left_out()
    told = ours(cell).get("number")
    place = in_words(told if isinstance(told, int) else 0, text)
    shown_number = f"[{told}]" if isinstance(told, int) else "of the assignment"
    return (
        Cell("code", shown_number, place, anchor, body, tuple(shown), name)
        if text.strip() or shown
        else None
    )


def _outputs(outputs: list[dict[str, Any]], budget: Budget) -> Iterator[Output]:
    """Yield a cell's outputs, the first ones and each error."""
    for index, output in enumerate(outputs):
        if index < OUTPUTS or output.get("output_type") == "error":
            yield _output(output, budget)
    if len(outputs) > OUTPUTS:
        yield Output("note", Markup("{} more outputs are left out.").format(len(outputs) - OUTPUTS))


def _output(output: dict[str, Any], budget: Budget) -> Output:
    """Return one output in the richest form that is safe."""
    kind = output.get("output_type")
    if kind == "stream":
        return _plain(_text(output.get("text")), budget)
    if kind == "error":
        frames = output.get("traceback")
        trace = "\n".join(_text(line) for line in frames[-40:]) if isinstance(frames, list) else ""
        return _plain(
            trace or f"{_text(output.get('ename'))}: {_text(output.get('evalue'))}", budget, "error"
        )
    data = output.get("data")
    if not isinstance(data, dict):
        return Output("note", Markup("An output of an unknown kind is not shown."))
    for mime in ("image/png", "image/jpeg"):
        if mime in data:
            return _picture(_text(data[mime]), budget)
    for mime, convert in (
        ("text/html", sanitise.html),
        ("text/markdown", sanitise.markdown),
        ("text/latex", _latex),
    ):
        quick = functools.partial(convert, clock=budget.clock)
        if mime in data and (kept := budget.convert(_text(data[mime]), quick)):
            return Output("html", kept)
    if "text/plain" in data:
        return _plain(_text(data["text/plain"]), budget)
    if "image/svg+xml" in data:
        return Output("note", Markup(SVG))  # noqa: S704 - our own words
    return Output(
        "note", Markup("An interactive output, or one of a kind that can act, is not shown.")
    )


def _picture(encoded: str, budget: Budget) -> Output:
    """Return a picture, or the reason why it is not shown."""
    uri = picture_uri(encoded)
    if uri is None:
        return Output(
            "note", Markup("A picture is not shown: it is damaged, too large, or no PNG or JPEG.")
        )
    if not budget.take_picture(uri):
        return Output("note", Markup("A picture is not shown: the page has room for no more."))
    return Output("picture", uri=uri)


def _plain(text: str, budget: Budget, kind: str = "text") -> Output:
    """Return text as it would stand in a terminal, cut in the middle."""
    kept = budget.take(
        Markup("{}").format(_cut(_overwritten(text)).rstrip("\n")), error=kind == "error"
    )
    return Output(kind, kept) if kept is not None else Output("note", _left_out())


def _overwritten(text: str) -> str:
    """Return text in which a line that was written over and over (a progress bar) stands once."""
    if "\r" not in text:
        return text
    lines = (text[: 40 * HEAD] + text[40 * HEAD :][-40 * TAIL :]).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines)


def _cut(text: str) -> str:
    """Return the beginning and the end of a text, cleaned, and how much stood between."""
    if len(text) <= HEAD + TAIL:
        return clean(text, HEAD + TAIL)
    lost = f"{len(text) - HEAD - TAIL:,}".replace(",", " ")
    return (
        f"{clean(text[:HEAD], HEAD)}\n… {lost} characters left out …\n{clean(text[-TAIL:], TAIL)}"
    )


def _code(text: str, clock: Clock) -> Markup:
    """Return a code cell's source, highlighted."""
    return _kept("code", text[:CODE_LIMIT].strip("\n"), clock)


def _markdown(text: str, clock: Clock) -> Markup:
    """Return a text cell, harmless."""
    return _kept("markdown", text, clock)


def _kept(kind: str, text: str, clock: Clock) -> Markup:
    """Return a cell that was converted before, or convert it; kept only if there was no hurry."""
    if (kind, text) in _CELLS:
        return _CELLS[kind, text]
    code = kind == "code"
    lines = snippets.highlight(text, clock) if code else [sanitise.markdown(text, clock)]
    markup = Markup("\n").join(lines)
    if clock.here == math.inf and len(_CELLS) < _KEPT:
        _CELLS[kind, text] = markup
    return markup


def _latex(text: str, clock: Clock) -> Markup:
    """Return a LaTeX output as math."""
    text = text[: sanitise.MATH_LIMIT + 100].strip()
    for opening, closing in (("$$", "$$"), ("$", "$"), ("\\[", "\\]")):
        if text.startswith(opening):
            text = text.removeprefix(opening).removesuffix(closing)
            break
    return sanitise.math(text, clock)


def _left_out() -> Markup:
    return Markup("Left out: the page has room for no more.")


def _text(value: Any) -> str:
    """Return a notebook's text, which may be a list of lines, or nothing where it is neither."""
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""
