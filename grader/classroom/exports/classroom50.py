"""Classroom 50: the autograder that its runner starts."""

from __future__ import annotations

import json
from collections.abc import Sequence

from grader.classroom.marks.class_page import template_of
from grader.text import clean


def autograder(title: str, requires: Sequence[str] = ()) -> bytes:
    """Return ``autograder.py``, which lies beside the handout's wheels and assignment.

    requires: packages that the assignment needs, as pip writes them
    """
    plain = " ".join(clean(title, 100).replace('"', "'").replace("\\", "/").split())
    return template_of(
        "exports/autograder50.py.j2", title=plain, requires=json.dumps([*requires])
    ).encode()
