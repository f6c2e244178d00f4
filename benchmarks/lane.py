"""One of a grader's two processes in the benchmark: told what to grade on standard input, it
answers with the scores.

Only the standard library is used here, since the peers run it in their own environments.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Grade = Callable[[str, list[str]], dict[str, float]]  # the chunk, the names in it -> points by name


def serve(grade: Grade) -> None:
    """Answer requests until standard input ends. What the grader prints goes to standard error."""
    for request in _requests():
        _say({"scores": grade(request["chunk"], request["names"])})


def job() -> dict[str, Any]:
    """Return what this process was started for, and keep standard output for the answers."""
    global _answers
    _answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    told: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    return told


def _requests() -> Iterator[dict[str, Any]]:
    _say({"ready": os.getpid()})
    for line in sys.stdin:
        yield json.loads(line)


def _say(message: dict[str, Any]) -> None:
    print(json.dumps(message), file=_answers, flush=True)


_answers: Any = sys.stdout
