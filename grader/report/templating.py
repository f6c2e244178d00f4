"""Pages that stand alone: the one place where templates become HTML, for reports and for classes.

Theory of operation. What is printed was made by students and is hostile. Each string that a
template prints is cleaned (`grader.text.clean`), bounded and escaped (jinja2's autoescape); what is
markup already has passed `grader.report.markup.sanitise`. Behind that stands the page's
Content-Security-Policy: no frame, form or request, pictures as data alone, styles and scripts by
the hashes of our own files alone, and in a report no script at all.
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
PAGE_ONLY = (  # beginnings of rules that a part of a page has no use for
    *(
        "html",
        "main",
        "header",
        "footer",
        "h1",
        "h2",
        ".skip-link",
        ".banner",
        ".score",
        ".ring",
        ".bar",
        ".counts",
    ),
    *(
        ".first",
        ".question",
        ".about",
        ".facts",
        ".notebook",
        ".cell",
        ".markup",
        "img.output",
        ".output",
    ),
)


def render(package: str, template: str, *, style: str = "", script: str = "", **values: Any) -> str:
    """Return a page made of a package's template, with the common style sheet and the package's own
    style and script.

    package: the one in whose ``templates/`` all three lie
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
    return page.render(css=Markup(css), js=Markup(js), csp=policy, **values)  # noqa: S704 - our own files, under their hashes


def fragment(package: str, template: str, **values: Any) -> str:
    """Return a part of somebody else's page, such as a notebook's output, made of a package's
    template.

    ``css`` is the common style sheet, whose rules hold within `.grader-check` alone.
    """
    css = scoped(_resource("grader.report", "report.css"))
    return environment(package).get_template(template).render(css=Markup(css), **values)  # noqa: S704 - our own file


def scoped(css: str) -> str:
    """Return the common style sheet for a part of another page: no rule of it holds outside
    `.grader-check`.

    What only whole pages have is left out. Dark is what the notebook's theme says, not what the
    system does.
    """
    css = css.replace("@media (prefers-color-scheme: dark) {", f"{DARK} & {{").replace(
        ":root {", "& {"
    )
    lines = css.partition("@media print")[0].replace("\nbody {", "\n& {").splitlines()
    kept = [line.strip() for line in lines if line and not line.startswith(PAGE_ONLY)]
    return f".{SCOPE} {{\n" + "\n".join(kept) + "\n}"


def prepare(package: str) -> None:
    """Compile a package's templates, which every later page then finds ready."""
    found = environment(package)
    for template in found.list_templates(extensions=["j2"]):
        found.get_template(template)


def name(text: str) -> str:
    """Return a name, such as a submission's, cut to what a heading can hold."""
    return " ".join(clean(text, NAME_LIMIT).split())


def prose(text: str) -> Markup:
    """Return a message with its `quoted` names as code."""
    parts = re.split(r"`([^`\n]{1,200})`", clean(text, TEXT_LIMIT).strip())
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if i % 2 else part for i, part in enumerate(parts)
    )


def sentence(text: str) -> Markup:
    """Return a message likewise, with a capital where it begins with a word."""
    text = text.lstrip()
    return prose(text[:1].upper() + text[1:] if re.match(r"[a-z]+ ", text) else text)


def trace(text: str) -> str:
    """Return the end of a trace, where the exception stands."""
    return clean(text[-TRACE_LIMIT:], TRACE_LIMIT)


def whole_text(text: str) -> Markup:
    """Return a text that is edited on a page: cleaned and escaped, and as long as one may be."""
    return escape(clean(text, EDITED_LIMIT))


def _shown(value: Any) -> Any:
    """Return a template's value as it may be printed: text cleaned and bounded, our own markup as
    it is.
    """
    return (
        clean(value, TEXT_LIMIT)
        if isinstance(value, str) and not isinstance(value, Markup)
        else value
    )


@functools.cache
def environment(package: str) -> Environment:
    """Return the environment of a package's templates: all that is printed is cleaned, bounded and
    escaped.
    """
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
