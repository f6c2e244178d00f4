"""The corpus of hostile and broken submissions (`tests/submissions`): all of it on the strongest
tier.

On the other one, those that it is up to a tier to stop.

What is handed in gets the verdict of its manifest; and whatever it did, nothing of it is left, no
answer was read, and the next honest submission has full marks.
"""

from __future__ import annotations

import os
import re
import secrets
import string
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from corpus import (
    ACTING,
    GROUPS,
    LEAK,
    ROOT,
    WALLS,
    Case,
    Targets,
    Verdict,
    adopting,
    cases,
    complaints,
    digest,
    expected,
    grade,
    hand_in,
    lay_down,
    leftovers,
    processes,
    rests_on_the_tier,
    scratch_folders,
    settled,
    unlike,
)

from grader.assignment.spec import Assignment
from grader.errors import IsolationError
from grader.grading.grade import Grader, Options
from grader.model import Report

CORPUS = cases()
HONEST = ROOT / "honest" / "right"
FUNCTIONS = frozenset({"forward", "backward"})
BOXED = {"box_equal": 1, "box_close": 1, "box_kind": 1, "box_near": 1}
HANDED = {"root": 1, "gathered": 1, "saved": 1}
POINTS = {"forward": 4, "backward": 4, "slopes": 3, "ascend": 4, "notebook": 2, **HANDED, **BOXED}

# Those that the command line grades in a process of its own: one of each kind, and one on the other
# tier. What it prints and writes is made from the report, which the tests above have of each.
BY_COMMAND = (
    "forging/daemon_that_holds_the_wire", "reading/through_proc", "exhausting/nb_flood_of_messages",
    "reaching/zip_slip", "reaching/terminal_escapes", "honest/right",
)  # fmt: skip
BY_COMMAND_ON_THE_OTHER = ("reading/through_proc",)


# Honest work that meets what is around it: files, modules, the kernel, what is printed. The rest is
# settled as it is taken in or judged, before or behind any tier.
WITHOUT_WALLS = {
    f"honest/{name}"
    for name in (
        "absolute_path", "ends_at_import", "exits_at_import", "faults_at_import", "file_missing",
        "import_of_what_is_not_there", "inputs_changed_in_place", "latin_1",
        "nb_absolute_path", "nb_cd", "nb_colab_mount", "nb_displays_nan", "nb_input", "nb_kernel_not_installed",
        "nb_magics", "nb_pip_install", "nb_right", "nb_syntax_error", "nb_untouched", "nb_warns", "own_module_beside",
        "prints_and_warns", "python_2_print", "random_state_changed", "returns_none", "right", "runs_itself",
        "syntax_error", "untouched_stub",
    )
}  # fmt: skip


@pytest.fixture(scope="session")
def canary() -> Iterator[str]:
    """A word that no submission may learn: it stands beside the answers and in the grader's
    environment.
    """
    word = "canary" + "".join(secrets.choice(string.ascii_lowercase) for _ in range(20))
    os.environ["GRADER_CANARY"] = word
    yield word
    del os.environ["GRADER_CANARY"]


@pytest.fixture(scope="session")
def small(canary: str) -> Iterator[Assignment]:
    """The small assignment, recorded, in a folder that every user may enter, as pytest's own are
    not.
    """
    with tempfile.TemporaryDirectory(prefix="grader-corpus-") as folder:
        yield lay_down(Path(folder), canary)


@pytest.fixture(scope="session")
def untouched(small: Assignment) -> str:
    """What the assignment's folder holds before anything was graded."""
    return digest(small.folder)


@pytest.fixture(scope="session")
def targets() -> Iterator[Targets]:
    """The host's sockets."""
    targets = Targets()
    yield targets
    targets.close()


@pytest.fixture(scope="session")
def graders(small: Assignment, untouched: str) -> Iterator[Callable[[str], Grader]]:
    """Return a function that gives the one grader of a tier, as a batch has one per worker."""
    opened: dict[str, Grader | str] = {}

    def grader(tier: str) -> Grader:
        if tier not in opened:
            try:
                opened[tier] = Grader(small, Options(isolation=tier)).__enter__()
            except IsolationError as error:
                opened[tier] = str(error)
        found = opened[tier]
        if isinstance(found, str):
            if os.environ.get("CI") == "true":
                pytest.fail(f"no {tier} here, though this is the CI: {found}")
            pytest.skip(f"no {tier} here: {found}")
        return found

    yield grader
    for one in opened.values():
        if isinstance(one, Grader):
            one.__exit__(None, None, None)


def each(*tiers: str, only: Callable[[Case, str], bool]) -> pytest.MarkDecorator:
    """Parametrise by submission and tier."""
    found = []
    for tier in tiers:
        found += [
            pytest.param(case, tier, id=f"{tier}-{case.id}") for case in CORPUS if only(case, tier)
        ]
    return pytest.mark.parametrize(("case", "tier"), found)


def on_walls(case: Case, tier: str) -> bool:
    """Tell whether a submission is tried on a tier: on the strongest in any case."""
    return tier == WALLS[0] or rests_on_the_tier(case)


def by_command(case: Case, tier: str) -> bool:
    """Tell whether the command line grades a submission on a tier."""
    return case.id in (BY_COMMAND if tier == WALLS[0] else BY_COMMAND_ON_THE_OTHER)


@pytest.fixture(scope="session")
def verdicts() -> dict[tuple[str, str], Verdict]:
    """What has come of submissions so far, by tier and id."""
    return {}


@each(*WALLS, only=on_walls)
def test_a_submission_gets_its_verdict_and_leaves_nothing_behind(
    case: Case, tier: str, graders: Callable[[str], Grader], untouched: str, targets: Targets, canary: str,
    tmp_path: Path, verdicts: dict[tuple[str, str], Verdict],
) -> None:  # fmt: skip
    grader = graders(tier)
    before = processes(grader)
    submission = hand_in(case, tmp_path)
    for _ in range(case.manifest.times):
        verdict = grade(grader, submission, case.checks, hasty=case.manifest.hasty)
    verdicts[tier, case.id] = verdict
    assert complaints(case, tier, verdict, canary) == []
    assert settled(grader, before) <= before
    assert scratch_folders(grader) == []
    assert leftovers(grader.assignment) == []
    assert targets.reached() == []
    assert digest(grader.assignment.folder) == untouched
    after = grade(grader, HONEST, case.checks or FUNCTIONS, files=False)
    assert set(after.statuses.values()) == {"pass"}, after.text


@each("none", only=lambda case, tier: case.id in WITHOUT_WALLS)
def test_an_honest_submission_is_told_the_same_without_walls(
    case: Case, tier: str, graders: Callable[[str], Grader], canary: str, tmp_path: Path,
    verdicts: dict[tuple[str, str], Verdict],
) -> None:  # fmt: skip
    verdict = grade(graders(tier), hand_in(case, tmp_path), case.checks, files=False)
    assert complaints(case, tier, verdict, canary) == []
    for wall in WALLS:
        walled = verdicts.get((wall, case.id))
        if walled is None and wall == WALLS[0]:  # this test runs alone
            (tmp_path / wall).mkdir()
            walled = grade(graders(wall), hand_in(case, tmp_path / wall), case.checks, files=False)
        assert walled is None or unlike(verdict, walled) == []


@each("none", only=lambda case, tier: case.manifest.proof)
def test_what_a_wall_stops_gets_through_where_none_is(
    case: Case, tier: str, graders: Callable[[str], Grader], targets: Targets, tmp_path: Path
) -> None:
    grader = graders(tier)
    try:
        for _ in range(case.manifest.times):
            verdict = grade(grader, hand_in(case, tmp_path), case.checks)
        assert f"{LEAK}:" in verdict.text or targets.reached()
    finally:
        for path in leftovers(grader.assignment):
            Path(path).unlink()


@each(*WALLS, only=by_command)
def test_the_command_line_gives_the_same_verdict(
    case: Case,
    tier: str,
    small: Assignment,
    graders: Callable[[str], Grader],
    canary: str,
    tmp_path: Path,
) -> None:
    graders(tier)  # or skip
    out = tmp_path / canary  # in the arguments, where a submission could read it
    folder, submission = tmp_path / "submission", tmp_path
    folder.mkdir()
    submission = hand_in(case, folder)
    only = [part for check in sorted(case.checks) for part in ("--only", check)]
    options = ["--assignment", str(small.folder), "--isolation", tier, "--out", str(out), *only]
    with adopting() as adopted:
        done = subprocess.run(
            [sys.executable, "-m", "grader", "check", str(submission), *options], cwd=ROOT.parents[1],
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}, capture_output=True, timeout=300, check=False,
        )  # fmt: skip
        assert adopted() == []
    printed = (done.stdout + done.stderr).decode()
    assert "Traceback" not in printed
    assert not re.search(ACTING, printed)
    assert leftovers(small) == []
    if case.manifest.refused:
        assert (done.returncode, case.manifest.refused in printed, out.exists()) == (2, True, False)
        return
    score, statuses, _ = expected(case, tier)
    report = msgspec.json.decode((out / "report.json").read_bytes(), type=Report)
    verdict = Verdict(
        report, "", {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    )
    assert complaints(case, tier, verdict, canary) == []
    assert done.returncode == (0 if set(statuses.values()) == {"pass"} else 1)
    assert f"Score: {score:g} /" in printed


def test_the_corpus_is_what_it_should_be() -> None:
    assert len(CORPUS) >= 90
    assert {case.group for case in CORPUS} == set(GROUPS)
    assert {*BY_COMMAND, *BY_COMMAND_ON_THE_OTHER, *WITHOUT_WALLS} <= {case.id for case in CORPUS}
    for case in CORPUS:
        assert case.manifest.what.endswith("."), case.id
        assert bool(case.manifest.refused) != bool(case.manifest.statuses), case.id
        points = sum(
            POINTS[check] for check, status in case.manifest.statuses.items() if status == "pass"
        )
        assert case.manifest.score == points, case.id
        assert all(tier.why for tier in case.manifest.tiers.values()), case.id
