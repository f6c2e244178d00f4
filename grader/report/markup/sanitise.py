"""Markup from students made harmless: HTML outputs, Markdown and math.

Theory of operation. Whatever mistune or latex2mathml return is hostile still: a hole in either must
not matter. So each piece of markup passes nh3 (an HTML5 parser with a list of what may stay) as the
last step. What stays has no script, style, class, id, frame, form, SVG or event, no picture but a
bounded PNG or JPEG as data, and no link but to http(s). Work is bounded before it is begun. A text
over its limits is shown as plain text, and so is one that takes too long
(`grader.report.markup.conversion_clock`): parsers of Markdown and LaTeX take more than linear time
on what was made to hurt them. An HTML5 parser repeats open formatting elements in each new block,
unless they are all alike: so they lose their attributes first.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from markupsafe import Markup, escape

from grader.report.markup.conversion_clock import ConversionClock, TooSlow
from grader.report.pictures import safe_data_uri
from grader.text import clean

MARKDOWN_LIMIT = 20_000
HTML_LIMIT = 100_000
TAG_LIMIT = 8_000  # tags of one piece of HTML: nh3 takes quadratic time on nested ones
MATH_LIMIT = 1_500
LINE_LIMIT = 2_000  # characters of one line of Markdown
PICTURE_TEXT = "A picture in the notebook"

_MATHML = {
    "math",
    "mrow",
    "mi",
    "mo",
    "mn",
    "mtext",
    "mspace",
    "mfrac",
    "msqrt",
    "mroot",
    "msub",
    "msup",
    "msubsup",
    "munder",
    "mover",
    "munderover",
    "mtable",
    "mtr",
    "mtd",
    "mstyle",
    "mpadded",
    "mphantom",
    "menclose",
    "mmultiscripts",
    "mprescripts",
}
_TAGS = {
    "a",
    "abbr",
    "b",
    "blockquote",
    "br",
    "caption",
    "code",
    "del",
    "div",
    "em",
    "hr",
    "i",
    "img",
    "kbd",
    "li",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
}
_DROPPED_WITH_CONTENT = {
    "script",
    "style",
    "title",
    "iframe",
    "object",
    "noscript",
    "template",
    "svg",
    "textarea",
    "select",
    "noembed",
    "noframes",
    "xmp",
    "plaintext",
    "audio",
    "video",
    "canvas",
    "annotation",
    "annotation-xml",
}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "ol": {"start"},
    "math": {"display"},
    "mo": {
        "stretchy",
        "fence",
        "separator",
        "form",
        "movablelimits",
        "minsize",
        "maxsize",
        "lspace",
        "rspace",
    },
    "mi": {"mathvariant"},
    "mtable": {"columnalign", "rowspacing", "columnspacing"},
    "mtd": {"columnalign"},
    "mspace": {"width"},
    "mfrac": {"linethickness"},
    "mover": {"accent"},
    "munder": {"accentunder"},
    "mstyle": {"displaystyle", "scriptlevel"},
}
_LENGTH = re.compile(r"[-+]?\d{0,3}(?:\.\d{1,3})?(?:em|ex|px|pt|cm|mm|%)?")
_MATH_LENGTHS = {
    "minsize",
    "maxsize",
    "lspace",
    "rspace",
    "width",
    "linethickness",
    "rowspacing",
    "columnspacing",
}


def html(text: str, clock: ConversionClock) -> Markup | None:
    """Return a student's HTML without anything that acts, or None if it is too much or too slow."""
    if len(text) > HTML_LIMIT or text.count("<") > TAG_LIMIT:
        return None
    try:
        return _ready(clock.convert("html", clean(text, HTML_LIMIT), converted_html))
    except TooSlow:
        return None


def markdown(text: str, clock: ConversionClock) -> Markup:
    """Return Markdown as markup, its formulas as MathML.

    It stays plain text if it is too long, takes too long or can't be parsed.
    """
    text = clean(text, MARKDOWN_LIMIT + 1)
    longest = max(map(len, text.splitlines()), default=0)
    if len(text) > MARKDOWN_LIMIT or longest > LINE_LIMIT:
        return preformatted(text)
    try:
        return _ready(clock.convert("markdown", text, converted_markdown))
    except Exception:  # too slow, or a parser of hostile text: that may raise anything
        return preformatted(text)


def math(latex: str, clock: ConversionClock) -> Markup:
    """Return a LaTeX display formula as MathML, or its source as code if it can't be read."""
    text = clean(latex, MATH_LIMIT + 1)
    try:
        return _ready(clock.convert("math", text, converted_math))
    except TooSlow:
        return _source_of(text)


def converted_html(text: str) -> str:
    """Return HTML without anything that acts."""
    return _clean(_tame(text))


def converted_markdown(text: str) -> str:
    """Return Markdown as harmless markup; raises what its parser raises."""
    return _clean(str(_markdown()(_ENVIRONMENT.sub(_fence, text))))


def converted_math(latex: str) -> str:
    """Return a formula as harmless MathML, or its source."""
    return _clean(_mathml(latex, block=True))


def _ready(cleaned: str) -> Markup:
    """Return what a converter of this module has made, in this process or in another."""
    return Markup(cleaned)  # noqa: S704 - nh3 has cleaned it


def _source_of(latex: str) -> Markup:
    return Markup("<code>{}</code>").format(latex.strip())


def preformatted(text: str) -> Markup:
    """Return text unchanged, escaped."""
    return Markup('<pre class="text" tabindex="0">{}</pre>').format(text)


_UNKNOWN_TO_MATHML = re.compile(
    r"\\(?:label|tag\*?)\{[^{}]*\}|\\(?:nonumber|notag|displaystyle)(?![a-zA-Z])"
    r"|\\(?:begin|end)\{equation\*?\}"
)
_NUMBERED = re.compile(r"(\\begin|\\end)\{(align|gather|eqnarray|multline)\}")
_ENVIRONMENT = re.compile(
    r"\$\$.*?\$\$|\\begin\{((?:align|equation|gather|eqnarray|multline)\*?)\}.*?\\end\{\1\}",
    re.DOTALL,
)


def _fence(formula: re.Match[str]) -> str:
    """Return a formula between dollars: Jupyter takes a bare environment for one too."""
    return f"\n$$\n{formula[0]}\n$$\n" if formula[1] else formula[0]


def _mathml(latex: str, *, block: bool) -> str:
    """Return MathML that is not yet sanitised."""
    from latex2mathml.converter import convert

    formula = source = str(_source_of(latex))
    if len(latex) <= MATH_LIMIT:
        known = _NUMBERED.sub(r"\1{\2*}", _UNKNOWN_TO_MATHML.sub("", latex.strip()))
        try:
            formula = str(convert(known, display="block" if block else "inline"))
        except Exception:  # a parser of hostile text may raise anything; the source is shown then
            formula = source
    return f"<p>{formula}</p>\n" if block else formula


@functools.cache
def _markdown() -> Any:
    """Return the Markdown parser: tables and formulas as in Jupyter."""
    import mistune

    class Renderer(mistune.HTMLRenderer):
        """Turns formulas into MathML, and headings into bold text: the outline is the report's."""

        def heading(self, text: str, level: int, **attrs: Any) -> str:
            return f"<p><strong>{text}</strong></p>\n"

        def image(self, text: str, url: str, title: str | None = None) -> str:
            if safe_data_uri(url):
                return f'<img src="{escape(url)}">'
            return f"[picture: {escape(text or url[:80])}]"

        def link(self, text: str, url: str, title: str | None = None) -> str:
            return (
                f'<a href="{escape(url)}">{text}</a>'
                if re.sub(r"<[^>]*>", "", text).strip()
                else ""
            )

        def table_cell(self, text: str, align: str | None = None, head: bool = False) -> str:
            # A header that is a formula alone has no name for a screen reader: it is a cell then.
            named = head and re.sub(r"<math.*?</math>|<[^>]*>", "", text, flags=re.DOTALL).strip()
            return f"<th>{text}</th>\n" if named else f"<td>{text}</td>\n"

        def block_html(self, html: str) -> str:
            return _tame(html) + "\n"

        def inline_html(self, html: str) -> str:
            return _tame(html)

        def inline_math(self, text: str) -> str:
            return _mathml(text, block=False)

        def block_math(self, text: str) -> str:
            return _mathml(text, block=True)

    return mistune.create_markdown(
        renderer=Renderer(escape=False), plugins=["table", "strikethrough", "math"]
    )


_FORMATTING = "b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u"
_TAMED = (
    (re.compile(rf"<({_FORMATTING})(?=[\s/])[^<>]*>", re.IGNORECASE), r"<\1>"),
    (re.compile(rf"<(?:{_FORMATTING})(?=[\s/])", re.IGNORECASE), "<span "),
    (re.compile(r"<a(?=[\s/>])", re.IGNORECASE), "<span"),
    (re.compile(r"</a(?=[\s/>])", re.IGNORECASE), "</span"),
    (re.compile(r"<li(?=[\s/>])[^<>]*>", re.IGNORECASE), "<p>• "),
    (re.compile(r"</li(?=[\s/>])", re.IGNORECASE), "</p"),
    (re.compile(r"<(/?)(?:ul|ol|h[1-6]|center)(?=[\s/>])", re.IGNORECASE), r"<\1div"),
)


def _tame(html: str) -> str:
    """Return raw HTML, not yet sanitised, without piling formatting or broken lists.

    Links are removed: a reader can't see their targets, and Markdown has its own links.
    """
    for pattern, replacement in _TAMED:
        html = pattern.sub(replacement, html)
    return html


_EMPTY_HEADER = re.compile(r"<th(?=[\s>])[^<>]*>\s*</th\s*>", re.IGNORECASE)


def _clean(markup: str) -> Markup:
    """Return markup with nothing but what the lists above allow."""
    import nh3

    cleaned = nh3.clean(
        _EMPTY_HEADER.sub("<td></td>", markup),
        tags=_TAGS | _MATHML,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        set_tag_attribute_values={"img": {"alt": PICTURE_TEXT}},
        url_schemes={"http", "https", "data"},
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(cleaned)  # noqa: S704 - nh3 has just cleaned it


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Return an attribute's value, or None to drop it."""
    if name == "src":
        return safe_data_uri(value)
    if name == "href":
        return value if re.match(r"https?://[\w.-]", value) and len(value) < LINE_LIMIT else None
    if name in _MATH_LENGTHS:
        return value if _LENGTH.fullmatch(value) else None
    if name in ("colspan", "rowspan"):
        return value if re.fullmatch(r"[1-9]\d?", value) else None
    return value[:200]
