"""The check in a notebook, in a real kernel: files as they are on disk, cells as they are in the
kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from toy import REFERENCE

from grader import cli
from grader.practice.session import Session

DOUBLE = "def double(x):\n    return {} * x\nanswer = double(__import__('numpy').arange(3.0) - 1.0)"
NAMES = "sorted(n for n in globals() if not n.startswith('_'))"
STATE = f"({NAMES}, numpy.random.get_state()[1].sum(), random.getstate()[1][:9])"


def test_files_are_judged_as_they_are_on_disk(kernel: Callable, handout: Path) -> None:
    kernel("import pack.toy")  # what the kernel has imported is of an earlier day afterwards
    kernel("%load_ext grader.notebook")
    assert "passed" in kernel("%check center").text
    (handout / "pack" / "toy.py").write_text(
        REFERENCE.replace("x - x.mean(axis=0)", "x + 1"), encoding="utf-8"
    )
    shown = kernel("%check center")
    assert "failed" in shown.text
    assert "`y` has the right shape" in shown.text
    assert "Entries off" in shown.html
    assert "%check center[N=4]" in shown.html
    assert shown.raised == ""


def test_cells_are_judged_as_they_are_in_the_kernel(kernel: Callable) -> None:
    kernel("from grader.notebook import check\nimport numpy, random")
    missing = kernel("check('notebook')")
    assert "the kernel has no `answer`: run the cell that defines it" in missing.text
    kernel(DOUBLE.format(3))
    assert (
        "failed" in kernel("check('notebook')").text or "partly" in kernel("check('notebook')").text
    )
    kernel(DOUBLE.format(2))
    before = kernel(STATE).text
    shown = kernel("check('notebook')")
    assert "passed" in shown.text
    assert "3 / 3" in shown.text
    assert kernel(STATE).text == before


def test_a_function_that_changes_the_kernel_changes_a_copy_alone(kernel: Callable) -> None:
    kernel(
        "from grader.notebook import check\nseen = []\n"
        + DOUBLE.format(2).replace("return", "seen.append(1); return")
    )
    before = kernel("print(len(seen))").text
    assert "passed" in kernel("check('notebook')").text
    assert kernel("print(len(seen))").text == before


def test_a_function_that_ends_its_process_does_not_end_the_kernel(kernel: Callable) -> None:
    kernel("from grader.notebook import check\nimport os\n" + DOUBLE.format(2))
    kernel("def double(x):\n    os._exit(3)")
    shown = kernel("check('notebook')")
    assert "ended its process" in shown.text
    assert shown.raised == ""
    assert kernel("print('here')").text.strip() == "here"


def test_without_fork_the_kernel_answers_itself_and_is_as_before(kernel: Callable) -> None:
    kernel(
        "from grader.notebook import check\nimport os, sys, numpy, random\ndel os.fork\n"
        + DOUBLE.format(2)
    )
    before = kernel(STATE + ", sys.path, os.environ").text
    assert "passed" in kernel("check('notebook')").text
    assert kernel(STATE + ", sys.path, os.environ").text == before
    assert "passed" in kernel("check('notebook')").text


def test_all_checks_and_what_is_left(kernel: Callable, handout: Path) -> None:
    (handout / "pack" / "toy.py").write_text(
        REFERENCE.replace("np.bincount", "np.unique"), encoding="utf-8"
    )
    shown = kernel("from grader.notebook import check\n" + DOUBLE.format(2) + "\ncheck()")
    assert "Score: 13 / 15. Left to do: count" in shown.text
    assert "left to do: <code>count</code>" in shown.html


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("check('nothing')", "there is no check `nothing`; the checks are: center, "),
        ("import os; os.chdir('/'); check('center')", "no assignment was found in / or above it"),
        ("%check", "Score: "),
    ],
)
def test_what_goes_wrong_is_a_sentence(kernel: Callable, code: str, said: str) -> None:
    kernel("%load_ext grader.notebook\nfrom grader.notebook import check")
    shown = kernel(code)
    assert said in shown.text
    assert shown.raised == ""
    assert kernel("print('here')").text.strip() == "here"


def test_an_assignment_that_is_broken_and_mended_again(kernel: Callable, handout: Path) -> None:
    spec = handout / "assignment" / "assignment.toml"
    text = spec.read_text(encoding="utf-8")
    spec.write_text(text + "\nbroken", encoding="utf-8")
    shown = kernel("from grader.notebook import check\ncheck('center')")
    assert "assignment.toml" in shown.text
    spec.write_text(text, encoding="utf-8")
    assert "passed" in kernel("check('center')").text


@pytest.mark.parametrize(
    "code", [REFERENCE, REFERENCE.replace("x - x.mean(axis=0)", "x - x.mean()"), "x ="]
)
def test_the_same_sentences_and_points_as_grader_check(
    handout: Path, code: str, tmp_path: Path
) -> None:
    import msgspec

    from grader.model import Report

    (handout / "pack" / "toy.py").write_text(code, encoding="utf-8")
    ids = ["center", "center_backward", "count", "noise", "tally"]
    only = [word for id_ in ids for word in ("--only", id_)]
    command = [
        "check",
        str(handout),
        "--assignment",
        str(handout / "assignment"),
        "--isolation",
        "none",
    ]
    cli.run([*command, "--out", str(tmp_path / "out"), "--quiet", *only])
    theirs = msgspec.json.decode((tmp_path / "out" / "report.json").read_bytes(), type=Report)
    with Session.at(handout) as session:
        ours = session.check(ids).report
    said = [
        (one.id, one.status, one.points, one.message, one.hint, one.mistake) for one in ours.checks
    ]
    assert said == [
        (one.id, one.status, one.points, one.message, one.hint, one.mistake)
        for one in theirs.checks
    ]


def test_hidden_checks_and_the_hidden_seed_stay_where_they_are(toy: object, handout: Path) -> None:
    folder = toy.assignment.folder  # type: ignore[attr-defined]
    spec = (folder / "assignment.toml").read_text(encoding="utf-8")
    assert (folder / "expectations" / "hidden.h5").is_file()
    with Session.at(folder) as session:
        assert session.check(["count"]).report.seed == "public"
    assert 'visibility = "hidden"' not in spec
