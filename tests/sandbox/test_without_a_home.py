"""A service account, a cron job: a user without a home that can be written runs notebooks as
anybody does.
"""

from __future__ import annotations

import pytest
from trials import Trial, not_here

from grader.errors import GraderFault, IsolationError
from grader.limits import Limits
from grader.sandbox import warm, zygote_settings
from grader.sandbox.box import Sandbox
from grader.sandbox.ladder import open_sandbox, try_notebook

TIERS = ("bubblewrap", "landlock", "none")


def opened(tier: str) -> Sandbox:
    """Return a sandbox for notebooks; skip the test where there is none."""
    try:
        return open_sandbox(tier, Limits(), [])
    except IsolationError as error:
        not_here(f"{tier}: {error}")


@pytest.fixture(params=["/proc", None], ids=["not writable", "not set"])
def no_home(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if request.param is None:
        monkeypatch.delenv("HOME", raising=False)
    else:
        monkeypatch.setenv("HOME", request.param)


@pytest.mark.usefixtures("no_home")
@pytest.mark.parametrize("tier", TIERS)
def test_a_notebook_runs_and_draws(tier: str) -> None:
    with opened(tier) as sandbox:
        try_notebook(sandbox)


def test_a_home_that_is_not_there_is_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/proc")
    assert zygote_settings.font_cache() is None


@pytest.mark.parametrize("tier", ["bubblewrap", "landlock"])
def test_a_library_that_can_not_be_loaded_is_a_fault_of_ours(
    tier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = zygote_settings.environment
    monkeypatch.setattr(
        warm, "environment", lambda home: {**whole(home), "MPLBACKEND": "no-such-backend"}
    )
    with opened(tier) as sandbox:
        with pytest.raises(
            GraderFault, match=r"matplotlib\.font_manager can't be loaded .*no-such-backend"
        ):
            sandbox.open(notebook=True)
        assert (
            Trial(sandbox).run("def attack():\n    return 'called all the same'").value
            == "called all the same"
        )
