"""A sandbox per tier, and what must not be reached from it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from trials import SMALL, Trial, not_here

from grader.errors import IsolationError
from grader.sandbox.box import Sandbox
from grader.sandbox.ladder import open_sandbox, targets


@pytest.fixture(autouse=True)
def as_the_product_does(real_starts: None) -> None:
    """These tests are about processes: none of them is given a fork of the tests' own."""


@pytest.fixture(scope="session", params=["bubblewrap", "landlock"])
def sandbox(request: pytest.FixtureRequest, provided: Path) -> Iterator[Sandbox]:
    """A sandbox of each tier that this machine has, with small limits."""
    try:
        opened = open_sandbox(request.param, SMALL, [provided], notebooks=False)
    except IsolationError as error:
        not_here(f"{request.param}: {error}")
    with opened:
        yield opened


@pytest.fixture(scope="session")
def plain() -> Iterator[Sandbox]:
    """The tier without walls: what is tried must go through there, or the trying proves nothing."""
    with open_sandbox("none", SMALL, []) as opened:
        yield opened


@pytest.fixture(scope="session")
def provided() -> Iterator[Path]:
    """A provided file, in a folder that all may enter (pytest's own are closed)."""
    with tempfile.TemporaryDirectory(prefix="provided-") as folder:
        Path(folder).chmod(0o755)
        file = Path(folder, "data.txt")
        file.write_text("provided")
        file.chmod(0o666)
        yield file


@pytest.fixture
def trial(sandbox: Sandbox) -> Trial:
    """Boxes behind a wall."""
    return Trial(sandbox)


@pytest.fixture
def open_field(plain: Sandbox) -> Trial:
    """Boxes without a wall."""
    return Trial(plain)


@pytest.fixture
def offered() -> Iterator[dict[str, Any]]:
    """What must not be reached: a file, sockets, this process."""
    with targets() as things:
        yield things
