"""Jupyter's library `nbformat`, imported without what takes long and is not needed."""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING

# nbformat's usual validator is compiled at its first use, for 30 ms and 10 MB; single cells and
# outputs pass it by.
os.environ.setdefault("NBFORMAT_VALIDATOR", "jsonschema")
# JupyterLab brings packages along by which jsonschema, which nbformat imports, also validates
# addresses, colours, dates and durations. One of them builds a grammar when it is imported, for a
# second; the others take 0.1 s. Notebooks have nothing that they validate.
VALIDATORS = (
    *("rfc3987_syntax", "rfc3986_validator", "rfc3339_validator", "isoduration"),
    *("fqdn", "uri_template", "webcolors"),
)


def _import_nbformat() -> ModuleType:
    hidden = [name for name in VALIDATORS if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # as if it was not installed
    try:
        import nbformat
    finally:
        for name in hidden:
            del sys.modules[name]
    return nbformat


if TYPE_CHECKING:
    import nbformat as nbformat
    from nbformat import NotebookNode as NotebookNode
else:
    nbformat = _import_nbformat()
    NotebookNode = nbformat.NotebookNode
