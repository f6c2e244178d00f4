"""Pages that need no other file: the one place where templates become HTML.

Theory of operation. Students made what is printed, so it is untrusted. Each string that a template
prints is cleaned (`grader.text.clean`), bounded and escaped (jinja2's autoescape); markup has
passed `grader.report.markup.sanitise` before. The page's Content-Security-Policy is a second wall:
no frame, form or request, pictures only as data, styles and scripts only by the hashes of our own
files, and in a report no script at all.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from importlib import resources
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from grader.report import labels
from grader.text import clean

if TYPE_CHECKING:
    from jinja2 import Environment

TEXT_LIMIT = 4_000  # characters of any one string on a page
NAME_LIMIT = 120
EDITED_LIMIT = 20_000
TRACE_LIMIT = 3_000
SCOPE = "grader-check"  # the class of what is shown within another page
DARK = (
    ':is(body[data-jp-theme-light="false"], body.vscode-dark, body.vscode-high-contrast,'
    ' html[theme="dark"])'
)
# beginnings of rules that a part of a page does not need
PAGE_ONLY = re.compile(
    r"html|main|header|footer|h1|h2|img\.output"
    r"|\.(?:skip-link|banner|score|ring|bar|counts|first|question|about|facts)"
    r"|\.(?:notebook|cell|markup|output)"
)


def render(package: str, template: str, *, style: str = "", script: str = "", **values: Any) -> str:
    """Return a page made of a package's template, the common style sheet and its own files.

    package: the one whose ``templates/`` holds template, style and script
    """
    css = _resource("grader.report", "report.css") + (_resource(package, style) if style else "")
    js = _resource(package, script) if script else ""
    policy = (
        f"default-src 'none'; style-src '{_hash(css)}'; img-src data:; base-uri 'none'; form-action"
        " 'none'"
    )
    if js:
        policy += f"; script-src '{_hash(js)}'"
    page = environment(package).get_template(template)
    # the markup is our own files; the policy holds their hashes
    return page.render(css=Markup(css), js=Markup(js), csp=policy, **values)  # noqa: S704


def fragment(package: str, template: str, **values: Any) -> str:
    """Return a part of another page, such as a notebook's output, from a package's template.

    ``css`` is the common style sheet; its rules only hold within `.grader-check`.
    """
    css = Markup(scoped(_resource("grader.report", "report.css")))  # noqa: S704 - our own file
    return environment(package).get_template(template).render(css=css, **values)


def scoped(css: str) -> str:
    """Return the common style sheet for a part of a page: its rules hold in `.grader-check`.

    Rules for whole pages are left out. The notebook's theme says whether it is dark, not the
    system's.
    """
    css = css.replace("@media (prefers-color-scheme: dark) {", f"{DARK} & {{").replace(
        ":root {", "& {"
    )
    lines = css.partition("@media print")[0].replace("\nbody {", "\n& {").splitlines()
    kept = [line.strip() for line in lines if line and not PAGE_ONLY.match(line)]
    return f".{SCOPE} {{\n" + "\n".join(kept) + "\n}"


def prepare(package: str) -> None:
    """Compile a package's templates once for all later pages."""
    found = environment(package)
    for template in found.list_templates(extensions=["j2"]):
        found.get_template(template)


def name(text: str) -> str:
    """Return a name, such as a submission's, cut to what a heading can hold."""
    return " ".join(clean(text, NAME_LIMIT).split())


def prose(text: str) -> Markup:
    """Return a message with its `quoted` names as code."""
    parts: list[str] = re.split(r"`([^`\n]{1,200})`", clean(text, TEXT_LIMIT).strip())
    for index in range(1, len(parts), 2):
        parts[index] = Markup("<code>{}</code>").format(parts[index])
    return Markup("").join(parts)


def sentence(text: str) -> Markup:
    """Return a message as `prose` does, with a capital if it begins with a word."""
    text = text.lstrip()
    return prose(text[:1].upper() + text[1:] if re.match(r"[a-z]+ ", text) else text)


def trace(text: str) -> str:
    """Return the end of a trace, which names the exception."""
    return clean(text[-TRACE_LIMIT:], TRACE_LIMIT)


def whole_text(text: str) -> Markup:
    """Return a text for editing on a page: cleaned and escaped, of the greatest length."""
    return escape(clean(text, EDITED_LIMIT))


def _shown(value: Any) -> Any:
    """Return a template's value for printing: text cleaned and bounded, markup unchanged."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return clean(value, TEXT_LIMIT)
    return value


@functools.cache
def environment(package: str) -> Environment:
    """Return a package's templates in an environment that cleans, bounds and escapes values."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("grader.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    made.filters |= {
        "points": labels.points,
        "seconds": labels.seconds,
        "error": labels.error,
        "name": name,
        "prose": prose,
        "sentence": sentence,
        "trace": trace,
        "whole": Markup,
        "whole_text": whole_text,
    }
    made.globals["words"] = labels
    return made


@functools.cache
def _resource(package: str, file: str) -> str:
    return resources.files(package).joinpath(f"templates/{file}").read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
