"""Writes the ``assignment.toml`` of an assignment that was made of another grader's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import tomli_w

from grader.assignment.naming import names_a_question
from grader.importing.drafts import Names, Test

LIMITS = {"cell_seconds": 120, "notebook_seconds": 900, "cpu_seconds": 900}  # of a notebook


def spec_text(made_of: str, table: Mapping[str, Any], provided: Iterable[str]) -> str:
    """Return ``assignment.toml``, with a comment that says what it was made of."""
    paths = list(provided)
    whole = {"schema": 1, **table}
    if paths:
        whole["provided"] = dict(zip(paths, paths, strict=True))
    head = f"# Made of {made_of} by `grader new`. Every key is explained in docs/spec.md.\n"
    return head + tomli_w.dumps(whole)


def question_entries(titles: Mapping[str, str], tests: Iterable[Test]) -> list[dict[str, Any]]:
    """Return the entries of the questions that tests belong to, with a name if an id is no word
    for command lines.

    titles: by the questions' ids
    """
    asked = {test.question for test in tests}
    names = Names("-")
    for id_ in filter(names_a_question, titles):
        names.take(id_, id_)
    entries = []
    for id_ in filter(asked.__contains__, titles):
        entry = {"id": id_, "title": titles[id_]}
        if not names_a_question(id_):
            entry["name"] = names.take(_word(id_), "")
        entries.append(entry)
    return entries


def _word(id_: str) -> str:
    """Return a word that can name a question with an id that can't."""
    word = re.sub(r"[^a-z0-9]+", "-", id_.lower()).strip("-")
    return word if names_a_question(word) else f"question-{word}".rstrip("-")


def check_entry(test: Test, notebook: str = "") -> dict[str, Any]:
    """Return the entry of a test that became a check."""
    points = int(test.points) if test.points == int(test.points) else test.points
    check: dict[str, Any] = {"id": test.id, "question": test.question, "points": points}
    if notebook:
        check["notebook"] = notebook
    if test.hidden:
        check["visibility"] = "hidden"
    if test.in_box:
        check["in_box"] = True
        if test.in_place and test.after:
            check["after"] = test.after
    if test.reference_points is not None:
        check["reference_points"] = test.reference_points
    if test.untouched:
        check["may_pass_untouched"] = True
    for key, words in (("when_passed", test.when_passed), ("when_failed", test.when_failed)):
        if words:
            check[key] = " ".join(words.split())
    return check
