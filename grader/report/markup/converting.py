"""The process that converts one text that may take long: reads it and writes its markup."""

from __future__ import annotations

import json
import sys

from grader.report.markup import sanitise, snippets

CPU_SECONDS, MEMORY = 20, 2 << 30


def main() -> None:
    """Convert the text on standard input, within limits on this process."""
    _limit()
    kind, text = json.loads(sys.stdin.buffer.read())
    sys.stdout.buffer.write(CONVERTERS[kind](text).encode("utf-8", "replace"))


CONVERTERS = {
    "code": snippets.pygmentized,
    "markdown": sanitise.converted_markdown,
    "math": sanitise.converted_math,
    "html": sanitise.converted_html,
}


def _limit() -> None:
    if sys.platform == "win32":  # only the parent's clock limits it there
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
