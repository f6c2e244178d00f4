"""The list of fonts: made once per user on the trusted side, and read by every sandbox."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from trials import SMALL, not_here

from grader.errors import IsolationError
from grader.sandbox import zygote_settings
from grader.sandbox.ladder import open_sandbox
from grader.sandbox.warm import WarmSandbox


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_it_is_made_when_there_is_none_and_then_kept(cache: Path) -> None:
    folder = zygote_settings.font_cache()
    assert folder is not None
    (made,) = folder.glob(zygote_settings.FONT_LIST)
    assert json.loads(made.read_text())["ttflist"]
    written = made.stat().st_mtime_ns
    assert zygote_settings.font_cache() == folder
    assert made.stat().st_mtime_ns == written


def test_without_a_list_there_is_no_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zygote_settings, "LIST_FONTS", "raise SystemExit(1)")
    assert zygote_settings.font_cache() is None


def test_nothing_of_the_host_is_bound_to_be_written() -> None:
    try:
        sandbox = open_sandbox("bubblewrap", SMALL, [], notebooks=False)
    except IsolationError as error:
        not_here(f"bubblewrap: {error}")
    with sandbox:
        assert isinstance(sandbox, WarmSandbox)
        command = sandbox.command(["python"])
    folder = zygote_settings.font_cache()
    assert ("--ro-bind-try", str(folder), str(folder)) in zip(
        command, command[1:], command[2:], strict=False
    )
    assert not {"--bind", "--bind-try", "--dev-bind"} & set(command)
