"""Sixty solutions of their own and ten disguised copies: all copies are listed, and little else."""

from __future__ import annotations

import random
import re
from pathlib import Path

import msgspec
import pytest

from grader.assignment.spec import Assignment
from grader.classroom.download.students import Entry
from grader.classroom.run.result_store import SOURCES, Store
from grader.classroom.run.results import class_file
from grader.classroom.similar import similarity

FUNCTIONS = ("affine", "relu", "softmax", "convolve", "pool")
GIVEN = "import numpy as np\n\n\n"
# What people write for one step: everybody chooses anew, with names, numbers and an order of theirs.
STEPS = (
    "{a} = np.dot({b}.reshape({b}.shape[0], -1), {c}) + {b}.mean(axis={n})",
    "{a} = {b} - {b}.max(axis={n}, keepdims=True)\n    {c} = np.exp({a}) / np.exp({a}).sum()",
    "for {a} in range({b}.shape[{n}]):\n        {c}[{a}] = {b}[{a}] * {c}[{a} - {m}]",
    "{a} = np.where({b} > {n}, {b}, {c} * {m})",
    "{a} = np.zeros(({b}.shape[0], {n} + {m}))\n    {a}[:, {n}] = {b}.sum(axis=1)",
    "if {b}.ndim == {m}:\n        {b} = {b}[None, :]\n    else:\n        {c} = {b}.T",
    "{a} = [{c} ** {m} for {c} in {b}.flat if {c} != {n}]",
    "{a}, {c} = np.meshgrid(np.arange({b}.shape[0]), np.arange({m}))",
    "while {b}.sum() > {n}:\n        {b} = {b} / {m}\n        {c} += 1",
    "{a} = np.einsum('ij,jk->ik', {b}, {c})[::{m}, {n}:]",
    "{a} = np.pad({b}, (({n}, {m}), (0, 0)), mode='constant')",
    "{a} = np.concatenate([{b}[{n}:], {c}[:{m}]], axis=0)",
    "assert {b}.shape[0] >= {m}, 'too few rows'\n    {a} = {b}[: {m}].copy()",
    "{a} = np.maximum({b}, {n}) + np.minimum({c}, {m})\n    {a} *= {b}",
    "{a} = {b}.std(axis={n}) + 1e-{m}\n    {c} = ({b} - {b}.mean()) / {a}",
    "{a} = sum({b}[{c}] for {c} in range({n}, len({b}), {m}))",
)
WORDS = ("out", "cache", "x", "w", "scores", "rows", "grad", "window", "total", "mask", "idx", "h")


def solution(chance: random.Random) -> str:
    """Return one person's own code."""
    functions = []
    for name in FUNCTIONS:
        lines = [f"def {name}(x, w):", f'    """What {name} gives."""']
        for step in chance.sample(STEPS, 6):
            a, b, c = chance.sample(WORDS, 3)
            lines.append(
                "    " + step.format(a=a, b=b, c=c, n=chance.randrange(2), m=chance.randrange(2, 9))
            )
        lines.append(f"    return {chance.choice(WORDS)}\n\n")
        functions.append("\n".join(lines))
    return GIVEN + "\n".join(functions)


def disguised(text: str, number: int) -> str:
    """Return a copy with other names and comments, in another order, with lines between."""
    text = re.sub(r'    """.*"""\n', "    # all my own work\n" if number % 2 else "", text)
    for place, word in enumerate(WORDS):
        text = re.sub(rf"\b{word}\b", f"v{place}_{number}", text)
    head, *functions = re.split(r"(?m)^(?=def )", text)
    if number % 3 == 0:
        functions.reverse()
    if number % 3 == 1:
        functions = [
            one.replace("    return", "    print('done')\n    return") for one in functions
        ]
    if number % 4 == 2:
        functions = [one.replace(" + ", "+").replace("'", '"') for one in functions]
    return head + "\n".join(functions)


@pytest.mark.parametrize("sources", [10, 1], ids=["of ten people", "of one person"])
def test_ten_disguised_copies_among_sixty_are_listed_and_few_others(
    assignment: Assignment, tmp_path: Path, sources: int
) -> None:
    pytest.importorskip("copydetect")
    chance = random.Random(2016)
    texts = [solution(chance) for _ in range(60)]
    copied = chance.sample(range(60), sources) * (10 // sources)
    texts += [disguised(texts[whose], number) for number, whose in enumerate(copied)]
    store = Store(tmp_path / "class")
    entries = []
    for number, text in enumerate(texts):
        student = f"s{number:02}"
        entries.append(Entry(student=student, folder=student, paths=(student,)))
        place = store.out / student / SOURCES
        place.parent.mkdir(parents=True)
        place.write_bytes(msgspec.json.encode({"mini.py": text}))
    store.write_class(class_file(assignment, "", "folders", (), tuple(entries)))
    findings = similarity.find(store, {"mini.py": GIVEN}, 0.5)
    listed = set()
    for pair, *_ in findings.pairs:
        listed |= {pair.first.student, pair.second.student}
    copies = {f"s{60 + number}" for number in range(10)}
    assert copies | {f"s{whose:02}" for whose in copied} <= listed
    assert len(findings.pairs) < 25, [pair for pair, *_ in findings.pairs]
