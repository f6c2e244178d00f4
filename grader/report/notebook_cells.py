"""An executed notebook as cells of the page: bounded, and harmless whatever its outputs are."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from grader.notebooks.answer_cells import attachments
from grader.notebooks.cells import in_words, joined, may_raise, ours
from grader.report.markup import sanitise, snippets
from grader.report.markup.conversion_clock import ConversionClock
from grader.report.pictures import picture_uri
from grader.text import clean

if TYPE_CHECKING:
    from nbformat import NotebookNode

HEAD, TAIL = 6_000, 2_000  # characters kept of a long output: its beginning and its end
OUTPUTS = 30  # of one cell
CELLS = 1_000
CODE_LIMIT = 20_000  # characters of one cell's source
_KEPT = 256  # cells: those that the assignment provides are the same in every submission
_CELLS: dict[tuple[str, str], Markup] = {}  # by kind and text: a cache of the author's cells
SVG = "A picture in SVG is not shown, since SVG can hold scripts: let the notebook make PNG."


@dataclass
class PageBudget:
    """What all notebooks of a page may take together, in characters."""

    text: int = 1_500_000
    pictures: int = 2_600_000
    work: int = 600_000  # of HTML, Markdown and LaTeX to be converted
    # kept apart, so that the cell that failed shows why after any amount of output
    errors: int = 100_000
    clock: ConversionClock = field(default_factory=ConversionClock)  # for conversions, in seconds

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
        """Return text as markup if there is room for the work and for the result, else None."""
        if len(text) > self.work:
            return None
        self.work -= len(text)
        markup = converted(text)
        return self.take(markup) if markup else None

    def take_picture(self, uri: str) -> bool:
        """Return whether a picture still fits, and count it."""
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
class ShownNotebook:
    """A notebook on the page; ``failed`` are the cells that raised unexpectedly."""

    name: str
    anchor: str
    cells: tuple[Cell, ...] = field(default=())
    left_out: int = 0

    @property
    def failed(self) -> tuple[Cell, ...]:
        return tuple(cell for cell in self.cells if cell.error)

    def at(self, place: str) -> Cell | None:
        """Return the cell with this name in messages, or None."""
        for cell in self.cells:
            if cell.place == place:
                return cell
        return None


def build(name: str, number: int, notebook: NotebookNode, budget: PageBudget) -> ShownNotebook:
    """Return a notebook as cells; what does not fit into the budget is replaced by a note."""
    anchor = f"notebook-{number}"
    cells = _dicts(notebook.get("cells"))
    built: list[Cell] = []
    for index, cell in enumerate(cells[:CELLS], start=1):
        if shown := _cell(cell, index, f"{anchor}-cell-{index}", budget):
            built.append(shown)
    return ShownNotebook(name, anchor, tuple(built), max(0, len(cells) - CELLS))


def _dicts(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a JSON list, or nothing if it is not a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _cell(cell: dict[str, Any], number: int, anchor: str, budget: PageBudget) -> Cell | None:
    """Return one cell, or None if it has nothing to show."""
    text = joined(cell.get("source"))
    if cell.get("cell_type") != "code":
        return _text_cell(cell, text, number, anchor, budget)
    outputs = _dicts(cell.get("outputs"))
    shown = list(_outputs(outputs, budget))
    error = "" if may_raise(cell) else _error(outputs)
    body = budget.take(_code(text, budget.clock)) or _left_out()
    told = ours(cell).get("number")
    place = in_words(told if isinstance(told, int) else 0, text)
    shown_number = f"[{told}]" if isinstance(told, int) else "of the assignment"
    if not (text.strip() or shown):
        return None
    return Cell("code", shown_number, place, anchor, body, tuple(shown), error)


def _text_cell(
    cell: dict[str, Any], text: str, number: int, anchor: str, budget: PageBudget
) -> Cell | None:
    """Return a Markdown or raw cell with its pasted pictures, or None if it is blank."""
    marked = cell.get("cell_type") == "markdown"
    body = _markdown(text, budget.clock) if marked else sanitise.preformatted(_cut(text))
    pasted: list[Output] = []
    for encoded in attachments(cell).values():
        pasted.append(_picture(encoded, budget))
    shown = budget.take(body) or _left_out()
    return Cell("markdown", str(number), "", anchor, shown, tuple(pasted)) if text.strip() else None


def _error(outputs: list[dict[str, Any]]) -> str:
    """Return the first exception among a cell's outputs as one line, or nothing."""
    for output in outputs:
        if output.get("output_type") == "error":
            return clean(_exception(output).strip(), 300)
    return ""


def _exception(output: dict[str, Any]) -> str:
    return f"{joined(output.get('ename'))}: {joined(output.get('evalue'))}"


def _outputs(outputs: list[dict[str, Any]], budget: PageBudget) -> Iterator[Output]:
    """Yield a cell's outputs, the first ones and each error."""
    for index, output in enumerate(outputs):
        if index < OUTPUTS or output.get("output_type") == "error":
            yield _output(output, budget)
    if len(outputs) > OUTPUTS:
        yield Output("note", Markup("{} more outputs are left out.").format(len(outputs) - OUTPUTS))


def _output(output: dict[str, Any], budget: PageBudget) -> Output:
    """Return one output in its richest harmless form."""
    kind = output.get("output_type")
    if kind == "stream":
        return _plain(joined(output.get("text")), budget)
    if kind == "error":
        frames = output.get("traceback")
        trace = "\n".join(map(joined, frames[-40:])) if isinstance(frames, list) else ""
        return _plain(trace or _exception(output), budget, "error")
    data = output.get("data")
    if not isinstance(data, dict):
        return Output("note", Markup("An output of an unknown kind is not shown."))
    for mime in ("image/png", "image/jpeg"):
        if mime in data:
            return _picture(joined(data[mime]), budget)
    for mime, convert in (
        ("text/html", sanitise.html),
        ("text/markdown", sanitise.markdown),
        ("text/latex", _latex),
    ):
        quick = functools.partial(convert, clock=budget.clock)
        if mime in data and (kept := budget.convert(joined(data[mime]), quick)):
            return Output("html", kept)
    if "text/plain" in data:
        return _plain(joined(data["text/plain"]), budget)
    if "image/svg+xml" in data:
        return Output("note", Markup(SVG))  # noqa: S704 - our own words
    note = "An interactive output, or one of a kind that can act, is not shown."
    return Output("note", Markup(note))  # noqa: S704 - our own words


def _picture(encoded: str, budget: PageBudget) -> Output:
    """Return a picture, or the reason why it is not shown."""
    uri = picture_uri(encoded)
    if uri is None:
        note = "A picture is not shown: it is damaged, too large, or no PNG or JPEG."
        return Output("note", Markup(note))  # noqa: S704 - our own words
    if not budget.take_picture(uri):
        return Output("note", Markup("A picture is not shown: the page has room for no more."))
    return Output("picture", uri=uri)


def _plain(text: str, budget: PageBudget, kind: str = "text") -> Output:
    """Return text as a terminal shows it, cut in the middle."""
    cut = _cut(_overwritten(text)).rstrip("\n")
    kept = budget.take(Markup("{}").format(cut), error=kind == "error")
    return Output(kind, kept) if kept is not None else Output("note", _left_out())


def _overwritten(text: str) -> str:
    """Return text with the last state of each line that was overwritten (a progress bar)."""
    if "\r" not in text:
        return text
    lines = (text[: 40 * HEAD] + text[40 * HEAD :][-40 * TAIL :]).replace("\r\n", "\n").split("\n")
    return "\n".join(map(_last_state, lines))


def _last_state(line: str) -> str:
    return line.rstrip("\r").rsplit("\r", 1)[-1]


def _cut(text: str) -> str:
    """Return the beginning and the end of a text, cleaned, and the length of the part between."""
    if len(text) <= HEAD + TAIL:
        return clean(text, HEAD + TAIL)
    lost = f"{len(text) - HEAD - TAIL:,}".replace(",", " ")
    return (
        f"{clean(text[:HEAD], HEAD)}\n… {lost} characters left out …\n{clean(text[-TAIL:], TAIL)}"
    )


def _code(text: str, clock: ConversionClock) -> Markup:
    """Return a code cell's source, highlighted."""
    return _kept("code", text[:CODE_LIMIT].strip("\n"), clock)


def _markdown(text: str, clock: ConversionClock) -> Markup:
    """Return a text cell, harmless."""
    return _kept("markdown", text, clock)


def _kept(kind: str, text: str, clock: ConversionClock) -> Markup:
    """Return a cell's markup from the cache, or convert it; only unhurried results are cached."""
    if (kind, text) in _CELLS:
        return _CELLS[kind, text]
    code = kind == "code"
    lines = snippets.highlight(text, clock) if code else [sanitise.markdown(text, clock)]
    markup = Markup("\n").join(lines)
    if clock.here == math.inf and len(_CELLS) < _KEPT:
        _CELLS[kind, text] = markup
    return markup


def _latex(text: str, clock: ConversionClock) -> Markup:
    """Return a LaTeX output as math."""
    text = text[: sanitise.MATH_LIMIT + 100].strip()
    for opening, closing in (("$$", "$$"), ("$", "$"), ("\\[", "\\]")):
        if text.startswith(opening):
            text = text.removeprefix(opening).removesuffix(closing)
            break
    return sanitise.math(text, clock)


def _left_out() -> Markup:
    return Markup("Left out: the page has room for no more.")
