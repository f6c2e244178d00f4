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


def render(package: str, template: str, *, style: str = "", script: str = "", **values: Any) -> str:
    """Return a page made of a package's template, with the common style sheet and the package's own
    style and script.

    package: the one in whose ``templates/`` all three lie
    """
    css = _resource("grader.report", "report.css") + (_resource(package, style) if style else "")
    js = _resource(package, script) if script else ""
    policy = f"default-src 'none'; style-src '{_hash(css)}'; img-src data:; base-uri 'none'; form-action 'none'"
    if js:
        policy += f"; script-src '{_hash(js)}'"
    page = environment(package).get_template(template)
    return page.render(css=Markup(css), js=Markup(js), csp=policy, **values)  # noqa: S704 - our own files, under their hashes


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
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader(package),
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
    made.globals["words"] = words
    return made


@functools.cache
def _resource(package: str, file: str) -> str:
    return resources.files(package).joinpath(f"templates/{file}").read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
