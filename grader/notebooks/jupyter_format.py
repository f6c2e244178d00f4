"""Jupyter's library `nbformat`, imported without what takes long and is not needed."""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING

# nbformat's usual validator is compiled at its first use, for 30 ms and 10 MB; single cells and
# outputs pass it by.
os.environ.setdefault("NBFORMAT_VALIDATOR", "jsonschema")
# JupyterLab brings a package along that builds a grammar of internet addresses when it is imported,
# for a second. jsonschema, which nbformat imports, does without it, and notebooks have no addresses
# to validate.
GRAMMAR = "rfc3987_syntax"


def _import_nbformat() -> ModuleType:
    hidden = GRAMMAR not in sys.modules
    if hidden:
        sys.modules[GRAMMAR] = None  # type: ignore[assignment]  # as if it was not installed
    try:
        import nbformat
    finally:
        if hidden:
            del sys.modules[GRAMMAR]
    return nbformat


if TYPE_CHECKING:
    import nbformat as nbformat
    from nbformat import NotebookNode as NotebookNode
else:
    nbformat = _import_nbformat()
    NotebookNode = nbformat.NotebookNode
