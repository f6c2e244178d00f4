"""Mutants: each is the reference with one small mistake inside a solution."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader.assignment.spec import load
from grader.authoring.audit.mutants import Mutant, mutants
from grader.authoring.record import reference_files

ROOT = Path(__file__).resolve().parents[2]


def of(*lines: str, before: str = "def f(x, y):") -> list[Mutant]:
    """Return the mutants of a function with these lines for its solution."""
    return list(mutants({"code.py": module(*lines, before=before).encode()}))


def module(*lines: str, before: str = "def f(x, y):") -> str:
    solution = ["### BEGIN SOLUTION Task", *lines, "### END SOLUTION", "return x - 1"]
    return f"TOTAL = 1 + 2\n\n\n{before}\n" + "".join(f"    {line}\n" for line in solution)


def made(line: str) -> set[str]:
    """Return what becomes of one line."""
    return {mutant.diff.partition("\n+ ")[2] for mutant in of(line)}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("z = x + y", {"z = x - y", "z = x", "z = y", "pass"}),
        (
            "z = 1 - x**2",
            {
                "z = 1 + x**2",
                "z = x**2 - 1",
                "z = 1 - x",
                "z = 2 - x**2",
                "z = 1 - x**3",
                "z = 1 - x**1",
            },
        ),
        ("z = x @ y", {"z = y @ x", "z = x.T @ y", "z = x @ y.T"}),
        ("z = x.T @ y", {"z = x @ y"}),
        ("z = x == y", {"z = x != y"}),
        ("z = x < y", {"z = x <= y", "z = x > y"}),
        ("z = x and not y", {"z = x or not y", "z = x and y"}),
        (
            "z = np.sum(x, axis=0)",
            {"z = np.mean(x, axis=0)", "z = np.sum(x, axis=1)", "z = np.sum(x)"},
        ),
        ("z = np.zeros((x, y))", {"z = np.ones((x, y))", "z = np.zeros((y, x))"}),
        ("z = x.argmax(axis=1)", {"z = x.argmin(axis=1)", "z = x.argmax(axis=0)", "z = x"}),
        ("z = np.tanh(x)", {"z = np.arctan(x)", "z = x"}),
        ("z = x[:, 1:]", {"z = x[:, :]", "z = x[:, 2:]", "z = x[:, 0:]", "z = x[1:, :]", "z = x"}),
        ("z = x[:, :-1]", {"z = x[:, :]", "z = x[:, :1]", "z = x[:, :-2]", "z = x[:, :-0]"}),
        ("z = x[y]", {"z = x[y - 1]", "z = x"}),
        ("x += y", {"x -= y", "x = y", "pass"}),
        ("z = g(x, y)", {"z = g(y, x)"}),
        ("z = x if y else 0", {"z = 0 if y else x"}),
        ("z = {1: x, 2: y}", {"z = {1: y, 2: x}", "z = {2: y}", "z = {1: x}"}),
        ("x, z = g(y)", {"z, x = g(y)"}),
        ("z = True", {"z = False"}),
        ("z = 'a'", {"z = 'a?'"}),
        ("z = 0.5", {"z = 2.0"}),
        ("z = -x", {"z = x"}),
        ("while x: x = y", {"while not x: x = y"}),
    ],
)
def test_line_is_made_wrong(line: str, expected: set[str]) -> None:
    assert expected <= made(line)


@pytest.mark.parametrize(
    ("line", "never"),
    [
        ("z = x.reshape(-1, y)", "z = x.reshape(-2, y)"),  # any negative size means the same
        ("x, y = [], []", "y, x = [], []"),
        ("z = (x, x)", "z = (x, x)"),
        ("z = np.concatenate(x, axis=0)", "z = np.concatenate(x, axis=-1)"),
    ],
)
def test_what_changes_nothing_is_no_mutant(line: str, never: str) -> None:
    assert never not in made(line)


def test_brackets_keep_the_meaning_of_what_is_left() -> None:
    assert "z = y * (x + 1)" in made("z = y * np.tanh(x + 1)")
    assert "z = 2 * (x - y)" in made("z = 2 * (1 + x - y)")


def test_only_solutions_are_mutated() -> None:
    lines = {line for mutant in of("z = x + y") for line in mutant.diff.splitlines()}
    assert not any("TOTAL" in line or "return" in line or "SOLUTION" in line for line in lines)


def test_module_without_markers_has_none() -> None:
    assert mutants({"code.py": b"x = 1 + 2\n", "data.csv": b"1"}) == ()


def test_statement_is_left_out_and_the_only_one_of_a_block_becomes_pass() -> None:
    diffs = [mutant.diff for mutant in of("if x:", "    y = x", "y = g(y)")]
    assert "- y = g(y)" in diffs
    assert "- y = x\n+ pass" in diffs


def test_statements_that_depend_on_each_other_are_swapped_and_others_are_not() -> None:
    depending = [
        mutant for mutant in of("x += y", "y = g(x)") if "after the next" in mutant.description
    ]
    assert [mutant.text for mutant in depending] == [module("y = g(x)", "x += y")]
    assert "x += y" in depending[0].diff
    for pair in (("a = x", "b = y"), ('g["a"] = x', 'g["b"] = y'), ("a.x = x", "f(b.x, a=1)")):
        assert not [mutant for mutant in of(*pair) if "after the next" in mutant.description], pair
    for pair in (("g = x", 'g["b"] = y'), ('g["a"] = x', "f(g)"), ("a.append(x)", "b = a")):
        assert [mutant for mutant in of(*pair) if "after the next" in mutant.description], pair


def test_each_is_one_whole_file_with_an_id_of_its_own() -> None:
    found = of("h = np.tanh(x @ y + 1)", "return h[:, 0], (x, h)")
    assert (
        len({mutant.id for mutant in found})
        == len({mutant.text for mutant in found})
        == len(found)
        > 15
    )
    for mutant in found:
        compile(mutant.text, "mutant", "exec")
        assert mutant.text != module("h = np.tanh(x @ y + 1)", "return h[:, 0], (x, h)")
        assert mutant.id.startswith("f-")
        assert (mutant.file, mutant.function) == ("code.py", "f")


def test_same_change_in_two_places_has_two_ids_and_the_first_is_that_of_one_place() -> None:
    (alone,) = (mutant.id for mutant in of("z = x + y") if "+ z = x - y" in mutant.diff)
    twins = [
        mutant
        for mutant in of("z = x + y", "x = 2 * z", "z = x + y")
        if "+ z = x - y" in mutant.diff
    ]
    assert [mutant.id for mutant in twins] == [alone, f"{alone}-2"]
    assert [mutant.description.partition(" (")[2] for mutant in twins] == [
        "place 1 of 2 with these lines)",
        "place 2 of 2 with these lines)",
    ]
    both = mutants({name: module("z = x + y").encode() for name in ("a.py", "b.py")})
    assert len({mutant.id for mutant in both}) == len(both)


def test_same_reference_gives_the_same_and_ids_outlive_other_changes() -> None:
    assert of("z = x + y") == of("z = x + y")
    moved = mutants({"code.py": ("# one more line\n" + module("z = x + y")).encode()})
    assert [mutant.id for mutant in moved] == [mutant.id for mutant in of("z = x + y")]


def test_methods_are_named_with_their_class() -> None:
    body = "### BEGIN SOLUTION\n        return x + 1\n        ### END SOLUTION"
    text = f"class Model:\n    def f(self, x):\n        {body}\n"
    assert {mutant.function for mutant in mutants({"code.py": text.encode()})} == {"Model.f"}


def test_what_an_exception_says_and_an_encoding_stay_as_they_are() -> None:
    assert made('raise ValueError(f"{x[0]} and {x + 1}", "much")') == {"pass"}
    assert made('open(x, encoding="utf-8")') == {"pass"}


def test_cell_of_a_notebook_is_mutated() -> None:
    cells = [
        {"cell_type": "code", "source": ["%matplotlib inline\n", "1 + 2"]},
        {"cell_type": "code", "source": module("z = x + y").splitlines(keepends=True)},
    ]
    found = mutants({"Book.ipynb": json.dumps({"cells": cells}).encode()})
    assert {mutant.diff for mutant in found} == {mutant.diff for mutant in of("z = x + y")}
    for mutant in found:
        first, second = json.loads(mutant.text)["cells"]
        assert first == cells[0]
        assert "".join(second["source"]) != module("z = x + y")


def test_what_is_outside_of_functions_is_named_by_its_cell_or_module() -> None:
    solution = "### BEGIN SOLUTION\nz = 1 + 2\n### END SOLUTION\n"
    cells = [
        {"cell_type": "code", "id": "sum", "source": solution},
        {"cell_type": "code", "source": solution.replace("2", "3")},
    ]
    found = mutants(
        {"code.py": solution.encode(), "Book.ipynb": json.dumps({"cells": cells}).encode()}
    )
    assert list(dict.fromkeys(mutant.place for mutant in found)) == [
        "top level of code.py",
        "cell sum of Book.ipynb",
        "cell 2 of Book.ipynb",
    ]
    assert {mutant.place for mutant in of("z = x + y")} == {"f"}


def test_flagship_has_hundreds_in_every_function() -> None:
    found = mutants(reference_files(load(ROOT / "assignment")))
    assert len(found) >= 300
    assert len({mutant.id for mutant in found}) == len(found)
    assert {mutant.function for mutant in found} >= {
        *("rnn_step_forward", "rnn_step_backward", "rnn_forward", "rnn_backward"),
        *("lstm_step_forward", "lstm_step_backward", "lstm_forward", "lstm_backward"),
        *(
            "word_embedding_forward",
            "word_embedding_backward",
            "CaptioningRNN.loss",
            "CaptioningRNN.sample",
        ),
    }
