"""Sources of which one is made to be slow to compare: the work grows with the length alone."""

from __future__ import annotations

import re
import sys
from types import FrameType

import numpy as np
import pytest
from pygments.lexers import PythonLexer

from grader.classroom.similar import similarity


@pytest.mark.parametrize("blank", ["\t\n", " \n", "\f\n", "\n", "\r\n", "\v\n", "\u2028", "\x85\n"])
def test_pygments_sees_few_blank_lines_in_a_row(
    blank: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def note(self: PythonLexer, text: str) -> list[tuple[object, str]]:
        seen.append(text)
        return []

    monkeypatch.setattr(PythonLexer, "get_tokens", note)
    similarity.bare(f"x = 1\n{blank * 50_000}y = 2\n")
    most = max(map(len, re.findall(r"\s+", seen[0])))
    assert most <= similarity.BLANK_LINES + 1


def test_what_is_shared_takes_steps_in_proportion_to_the_fingerprints() -> None:
    def steps(count: int) -> int:
        """Count the lines that are run for a submission of many fingerprints beside a small one."""
        lines = 0

        def trace(frame: FrameType, event: str, argument: object) -> object:
            nonlocal lines
            lines += event == "line"
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            shared = similarity._shared([set(range(count)), {1, 2, -1}])
        finally:
            sys.settrace(before)
        assert np.array_equal(shared, [[count, 2], [2, 3]])
        return lines

    few, many = steps(10 * similarity.CHUNK), steps(20 * similarity.CHUNK)
    assert many < 2.5 * few
