"""Shards put together, and pairs that share too much."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import mini
import pytest

from grader.assignment.spec import Assignment
from grader.authoring.record import record
from grader.classroom.similar import similarity


def test_merged_shards_are_the_whole(
    batch: Callable, command: Callable, small_class: Path, tmp_path: Path
) -> None:
    batch(small_class, out=tmp_path / "whole")
    parts = [tmp_path / f"part{number}" for number in (1, 2, 3)]
    for number, part in enumerate(parts, start=1):
        batch(small_class, "--shard", f"{number}/3", out=part)
    run = command("merge", *parts, "--out", tmp_path / "merged")
    assert run.code == 1, run.err
    whole, merged = tmp_path / "whole", tmp_path / "merged"
    assert (merged / "gradebook.csv").read_bytes() == (whole / "gradebook.csv").read_bytes()
    assert (merged / "s0" / "report.html").is_file()
    # and goes on as the whole would
    assert "5 as they were before" in batch(small_class, out=merged).out


def test_a_shard_that_has_not_finished_is_no_mark(
    batch: Callable, command: Callable, small_class: Path, tmp_path: Path
) -> None:
    batch(small_class)
    (tmp_path / "out" / "s0" / ".grade" / "row.json").unlink()
    run = command("merge", tmp_path / "out", "--out", tmp_path / "merged")
    assert run.code == 3
    assert "1 of them not graded" in run.out


def test_shards_of_two_assignments_are_refused(
    batch: Callable, command: Callable, small_class: Path, tmp_path: Path
) -> None:
    batch(small_class)
    other = mini.build(tmp_path / "assignment", mini.SPEC.replace("points = 6", "points = 8"))
    command(
        "batch",
        small_class,
        "--assignment",
        other.folder,
        "--isolation",
        "none",
        "--out",
        tmp_path / "other",
    )
    run = command("merge", tmp_path / "out", tmp_path / "other", "--out", tmp_path / "merged")
    assert run.code == 2
    assert "another version" in run.err


@pytest.fixture
def shards(batch: Callable, small_class: Path, tmp_path: Path) -> list[Path]:
    """Three shards of a class."""
    for number in (1, 2, 3):
        batch(small_class, "--shard", f"{number}/3", out=tmp_path / f"part{number}")
    return [tmp_path / f"part{number}" for number in (1, 2, 3)]


def test_a_shard_that_is_missing_is_told_and_the_others_wait_for_it(
    command: Callable, shards: list[Path], tmp_path: Path
) -> None:
    run = command("merge", *shards[:2], "--out", tmp_path / "merged", "--quiet")
    assert run.code == 3
    assert "this is shards 1, 2 of 3 alone: merge again with all of them" in run.err
    run = command("merge", *shards, "--out", tmp_path / "merged")
    assert (run.code, run.err) == (1, "")
    assert "6 students" in run.out


def test_the_same_shard_twice_is_refused(
    command: Callable, shards: list[Path], tmp_path: Path
) -> None:
    run = command("merge", shards[0], shards[1], shards[0], "--out", tmp_path / "merged")
    assert run.code == 2
    assert "are both shard 1 of 3: give each once" in run.err


def test_shards_of_different_cuts_are_refused(
    batch: Callable, command: Callable, shards: list[Path], small_class: Path, tmp_path: Path
) -> None:
    batch(small_class, "--shard", "2/2")
    run = command("merge", shards[0], tmp_path / "out", "--out", tmp_path / "merged")
    assert run.code == 2
    assert "shard 2 of 2, and" in run.err


def test_shards_with_different_expectations_are_refused(
    command: Callable, tier: str, small_class: Path, tmp_path: Path
) -> None:
    assignment = mini.build(tmp_path / "assignment")
    fixed = ("--assignment", assignment.folder, "--isolation", tier)
    command("batch", small_class, *fixed, "--shard", "1/2", "--out", tmp_path / "part1")
    record(assignment, reseed=True, progress=lambda line: None)
    command("batch", small_class, *fixed, "--shard", "2/2", "--out", tmp_path / "part2")
    run = command("merge", tmp_path / "part1", tmp_path / "part2", "--out", tmp_path / "merged")
    assert run.code == 2
    assert "was graded with other checks, files or expectations" in run.err
    assert not (tmp_path / "merged").exists()


def test_a_result_of_an_earlier_assignment_is_told_where_shards_are_merged(
    command: Callable, tier: str, small_class: Path, tmp_path: Path
) -> None:
    assignment = mini.build(tmp_path / "assignment")
    fixed = ("batch", small_class, "--assignment", assignment.folder, "--isolation", tier)
    command(*fixed, "--shard", "1/2", "--out", tmp_path / "part1")
    record(assignment, reseed=True, progress=lambda line: None)
    command(*fixed, "--shard", "1/2", "--out", tmp_path / "part1", "--regrade", "shift")
    command(*fixed, "--shard", "2/2", "--out", tmp_path / "part2")
    run = command("merge", tmp_path / "part1", tmp_path / "part2", "--out", tmp_path / "merged")
    assert "some verdicts are of an earlier assignment" in run.out


def test_merged_results_are_not_put_where_anything_else_is(
    command: Callable, shards: list[Path], tmp_path: Path
) -> None:
    mini.write(tmp_path / "thesis", {"s0/thesis.tex": "years of work"})
    for out, why in (
        (tmp_path / "thesis", "no class that was graded"),
        (shards[0], "is one of the shards"),
    ):
        run = command("merge", *shards, "--out", out)
        assert run.code == 2
        assert why in run.err


def test_shards_of_two_versions_of_the_grader_are_named(
    command: Callable, shards: list[Path], tmp_path: Path
) -> None:
    file = shards[1] / "class.json"
    file.write_text(file.read_text().replace('"grader": "', '"grader": "0.0.1-', 1))
    run = command("merge", *shards, "--out", tmp_path / "merged")
    assert run.code == 2
    assert f"{shards[1]} was graded by grader 0.0.1-" in run.err


OWN = '''def double(x):
    """Twice the input, by a way of its own."""
    total_of_all = [None] * len(x)
    for position, entry in enumerate(x):
        total_of_all[position] = entry {0} entry
        if position > 1000: raise {1}("<script>alert({2})</script>")
    answer = np.array({3}(total_of_all))
    return answer if answer.size {4} 0 else x
'''


def test_pairs_are_found_and_the_given_code_is_not(
    batch: Callable, command: Callable, assignment: Assignment, tmp_path: Path
) -> None:
    pytest.importorskip("copydetect")
    copied = OWN.format("+", "ValueError", 1, "list", ">")
    renamed = (
        copied.replace("total_of_all", "summen")
        .replace("position", "stelle")
        .replace("entry", "wert")
    )
    mini.write(tmp_path / "d" / "ann", mini.module(double=copied))
    mini.write(tmp_path / "d" / "bob", mini.module(double=renamed))
    for number in range(3):  # what everybody was given, and no more
        mini.write(
            tmp_path / "d" / f"s{number}",
            mini.module(double=f"def double(x):\n    return {number} * x\n"),
        )
    batch(tmp_path / "d")
    run = command("similar", "--from", tmp_path / "out", "--assignment", assignment.folder)
    assert run.code == 0, run.err
    assert "1 pair:" in run.out
    assert "100 %  ann  bob  mini.py" in run.out
    page = (tmp_path / "out" / "similar" / "pair-001.html").read_text()
    assert page.count("<mark>") >= 2
    assert "<script" not in page


def test_a_copy_without_docstrings_and_comments_is_found(
    batch: Callable, command: Callable, assignment: Assignment, tmp_path: Path
) -> None:
    pytest.importorskip("copydetect")
    copied = OWN.format("+", "ValueError", 1, "list", ">")
    stripped = "\n".join(line for line in copied.splitlines() if '"""' not in line) + "\n"
    mini.write(tmp_path / "d" / "ann", mini.module(double=f"# mine\n{copied}"))
    mini.write(tmp_path / "d" / "bob", mini.module(double=stripped))
    mini.write(tmp_path / "d" / "cyd", mini.module(double=stripped.replace("position", "place")))
    batch(tmp_path / "d")
    run = command("similar", "--from", tmp_path / "out", "--assignment", assignment.folder)
    assert "cluster of 3: ann, bob, cyd" in run.out
    assert run.out.count("100 %") == 2  # as many pairs as connect the three


def test_nothing_that_was_compared_is_told(
    batch: Callable, command: Callable, assignment: Assignment, tmp_path: Path
) -> None:
    pytest.importorskip("copydetect")
    mini.write(tmp_path / "d" / "ann", {"essay.pdf": b""})
    batch(tmp_path / "d")
    run = command("similar", "--from", tmp_path / "out", "--assignment", assignment.folder)
    assert "nothing was compared" in run.out


def test_the_code_cells_of_notebooks_are_compared() -> None:
    assert (
        similarity.code_of(
            b'{"cells": [{"cell_type": "code", "source": ["a = 1\\n", "b"]}, {"cell_type": "markdown", "source": "x"},'
            b' {"cell_type": "code", "source": "%magic\\nc"}], "nbformat": 4}'
        )
        == "a = 1\nb\n\n%magic\nc"
    )


@pytest.mark.parametrize("share", ["2", "-0.1", "nan", "half"])
def test_a_share_that_is_none_is_refused(command: Callable, share: str) -> None:
    run = command("similar", "--threshold", share)
    assert run.code == 2
    assert "a number from 0 to 1" in run.err


def test_without_its_extra_it_says_how_to_get_it(
    command: Callable, assignment: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "copydetect", None)
    run = command("similar", "--from", tmp_path, "--assignment", assignment.folder)
    assert run.code == 2
    assert "pip install 'grader[similar]'" in run.err
