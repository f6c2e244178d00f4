"""The corpus of hostile and broken submissions (`tests/submissions`), on every tier.

What is handed in gets the verdict of its manifest; and whatever it did, nothing of it is left, no answer was read, and
the next honest submission has full marks.
"""

from __future__ import annotations

import os
import secrets
import string
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from corpus import (
    LEAK,
    ROOT,
    WALLS,
    Case,
    Targets,
    Verdict,
    cases,
    complaints,
    digest,
    expected,
    grade,
    hand_in,
    lay_down,
    leftovers,
    processes,
    scratch_folders,
    settled,
    unlike,
)

from grader.assignment.spec import Assignment
from grader.errors import IsolationError
from grader.grading.grade import Grader, Options

CORPUS = cases()
HONEST = ROOT / "honest" / "right"
EVERY = frozenset({"forward", "backward", "notebook"})
FUNCTIONS = frozenset({"forward", "backward"})

# Those that the command line grades in a process of its own: one or two of each kind.
BY_COMMAND = (
    "forging/exit_zero_at_import", "forging/prints_pass_lines", "forging/forged_replies_ahead",
    "forging/daemon_that_holds_the_wire", "reading/by_path", "reading/through_proc", "exhausting/fork_bomb",
    "exhausting/memory_in_many_processes", "exhausting/nb_flood_of_messages", "reaching/zip_slip",
    "reaching/terminal_escapes", "reaching/markup_of_the_terminal", "honest/right", "honest/untouched_stub",
)  # fmt: skip


@pytest.fixture(scope="session")
def canary() -> Iterator[str]:
    """A word that no submission may learn: it stands beside the answers and in the grader's environment."""
    word = "canary" + "".join(secrets.choice(string.ascii_lowercase) for _ in range(20))
    os.environ["GRADER_CANARY"] = word
    yield word
    del os.environ["GRADER_CANARY"]


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory, canary: str) -> Assignment:
    """The small assignment, recorded."""
    return lay_down(tmp_path_factory.mktemp("small"), canary)


@pytest.fixture(scope="session")
def untouched(small: Assignment) -> str:
    """What the assignment's folder holds before anything was graded."""
    return digest(small.folder)


@pytest.fixture(scope="session")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Targets]:
    """The host's sockets."""
    targets = Targets(tmp_path_factory.mktemp("targets"))
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


def each(*tiers: str, only: Callable[[Case], bool] = lambda case: True) -> pytest.MarkDecorator:
    """Parametrise by submission and tier."""
    found = [pytest.param(case, tier, id=f"{tier}-{case.id}") for tier in tiers for case in CORPUS if only(case)]
    return pytest.mark.parametrize(("case", "tier"), found)


def is_honest(case: Case) -> bool:
    return case.group == "honest"


@each(*WALLS)
def test_a_submission_gets_its_verdict_and_leaves_nothing_behind(
    case: Case, tier: str, small: Assignment, untouched: str, graders: Callable[[str], Grader], targets: Targets,
    canary: str, tmp_path: Path,
) -> None:  # fmt: skip
    grader = graders(tier)
    before = processes(grader)
    submission = hand_in(case, tmp_path)
    for _ in range(case.manifest.times):
        verdict = grade(grader, submission, case.checks, hasty=case.manifest.hasty)
    assert complaints(case, tier, verdict, canary) == []
    assert settled(grader, before) <= before
    assert scratch_folders(grader) == []
    assert leftovers(small) == [f"/tmp/{name}" for name in sorted(os.listdir("/tmp")) if "-target" in name and "left-by" in name]
    assert targets.reached() == []
    assert digest(small.folder) == untouched
    after = grade(grader, HONEST, case.checks or FUNCTIONS)
    assert set(after.statuses.values()) == {"pass"}, after.text


@each("none", only=is_honest)
def test_an_honest_submission_is_told_the_same_on_every_tier(
    case: Case, tier: str, graders: Callable[[str], Grader], canary: str, tmp_path: Path
) -> None:
    verdicts: dict[str, Verdict] = {}
    for name in (tier, *WALLS):
        (tmp_path / name).mkdir()
        verdicts[name] = grade(graders(name), hand_in(case, tmp_path / name), case.checks)
    assert complaints(case, tier, verdicts[tier], canary) == []
    for name in WALLS:
        assert unlike(verdicts[tier], verdicts[name]) == []


@each("none", only=lambda case: case.manifest.proof)
def test_what_a_wall_stops_gets_through_where_none_is(
    case: Case, tier: str, graders: Callable[[str], Grader], targets: Targets, tmp_path: Path
) -> None:
    for _ in range(case.manifest.times):
        verdict = grade(graders(tier), hand_in(case, tmp_path), case.checks)
    reached = targets.reached()
    assert f"{LEAK}:" in verdict.text or reached
    for path in leftovers_of(graders(tier)):
        path.unlink()


def leftovers_of(grader: Grader) -> list[Path]:
    return [Path(path) for path in leftovers(grader.assignment) if "-target" not in path]
