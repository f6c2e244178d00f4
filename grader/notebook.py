"""The check in a notebook: `from grader.notebook import check`, or `%load_ext grader.notebook` and
`%check NAME`.
"""

from __future__ import annotations

from grader.practice.notebook import check, load_ipython_extension, unload_ipython_extension

__all__ = ["check", "load_ipython_extension", "unload_ipython_extension"]
