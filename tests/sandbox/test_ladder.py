"""Which tier is taken, when one is refused, and that nothing ever falls to no isolation by itself."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest
from trials import SMALL, Trial, not_here

from grader.cli import doctor
from grader.errors import IsolationError
from grader.limits import Limits
from grader.model import Tier
from grader.sandbox import ladder
from grader.sandbox.ladder import Refused, open_sandbox, probe, try_box, try_to_multiply
from grader.sandbox.plain import PlainSandbox


def works(tier: str) -> bool:
    """Tell whether this machine has a tier."""
    return any(report.tier == tier and report.works for report in probe())


def fake_bwrap(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program named bwrap first on the path."""
    program = folder / "bwrap"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_the_probe_tells_of_every_tier() -> None:
    reports = probe()
    assert [report.tier for report in reports] == [Tier.BUBBLEWRAP, Tier.LANDLOCK, Tier.NONE]
    for report in reports:
        assert report.sentence
        assert report.works or report.remedy
    assert "not sandboxed" in reports[-1].sentence


def test_doctor_tells_what_each_tier_does_and_leaves_open(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [
        ladder.TierReport(
            Tier.BUBBLEWRAP, False, "bwrap is not installed", "apt-get install bubblewrap"
        ),
        ladder.TierReport(Tier.LANDLOCK, True, ladder.PROMISES[Tier.LANDLOCK]),
    ]
    monkeypatch.setattr(ladder, "probe", lambda: found)
    assert doctor.run(argparse.Namespace(assignment=None)) == 0
    told = capsys.readouterr().out
    assert "no     bubblewrap  bwrap is not installed" in told
    assert "to get it: apt-get install bubblewrap" in told
    assert "left open: names and sizes of files can be learned" in told
    assert "--isolation auto takes: landlock" in told
    found.pop()
    assert doctor.run(argparse.Namespace(assignment=None)) == 2
    assert "--isolation auto stops" in capsys.readouterr().out


def test_auto_takes_the_strongest() -> None:
    best = next(report.tier for report in probe() if report.works)
    if best == Tier.NONE:
        not_here("no kernel-enforced tier here")
    with open_sandbox("auto", SMALL, [], False) as sandbox:
        assert sandbox.tier == best


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            "echo 'bwrap: No permissions to create a new namespace' >&2; exit 1",
            "No permissions to create a new namespace",
        ),
        ("exit 0", "gave no sign"),
        ('while [ "$1" != -- ]; do shift; done; shift; exec "$@"', "/boxes"),
    ],
    ids=["forbidden", "that does nothing", "that isolates nothing"],
)
def test_a_broken_bwrap_leaves_landlock(
    script: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not works("landlock"):
        not_here("no landlock here")
    fake_bwrap(tmp_path, script, monkeypatch)
    with pytest.raises(IsolationError, match=words):
        open_sandbox("bubblewrap", SMALL, [], False)
    with open_sandbox("auto", SMALL, [], False) as sandbox:
        assert sandbox.tier == Tier.LANDLOCK


def test_without_bwrap_landlock_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    if not works("landlock"):
        not_here("no landlock here")
    monkeypatch.setenv("PATH", "/nowhere")
    with open_sandbox("auto", SMALL, [], False) as sandbox:
        assert sandbox.tier == Tier.LANDLOCK
    with pytest.raises(IsolationError, match="apt-get install bubblewrap"):
        open_sandbox("bubblewrap", SMALL, [], False)


def test_auto_never_falls_to_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landlockpy.supported", lambda: False)
    with pytest.raises(IsolationError) as caught:
        open_sandbox("auto", SMALL, [], False)
    message = str(caught.value)
    assert "bubblewrap: the kernel" in message
    assert "landlock: the kernel" in message
    assert "Linux 5.13 or later" in message
    assert "`--isolation none`" in message


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyseccomp", None)
    with pytest.raises(
        IsolationError, match="pip install landlockpy pyseccomp; apt-get install libseccomp2"
    ):
        open_sandbox("landlock", SMALL, [], False)
    monkeypatch.setitem(sys.modules, "landlockpy", None)
    with pytest.raises(IsolationError, match="landlockpy is missing"):
        open_sandbox("landlock", SMALL, [], False)


def test_other_systems_have_none_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(IsolationError, match="it needs Linux"):
        open_sandbox("auto", SMALL, [])
    with open_sandbox("none", SMALL, []) as sandbox:
        assert sandbox.tier == Tier.NONE
    assert [report.works for report in probe()] == [False, False, True]


def test_the_module_is_imported_without_what_linux_alone_has() -> None:
    missing = ("landlockpy", "pyseccomp", "resource", "termios", "fcntl", "pwd")
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({missing!r})); import grader.sandbox.ladder"
    )
    root = str(Path(ladder.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert done.returncode == 0, done.stderr


def test_a_tier_that_holds_nothing_is_refused() -> None:
    """The trial itself can fail: without walls, everything goes through."""
    with PlainSandbox() as sandbox, pytest.raises(Refused) as caught:
        try_box(sandbox, [])
    for words in (
        "a file outside could be read",
        "a TCP connection",
        "a UDP packet",
        "a unix socket",
        "signalled",
    ):
        assert words in str(caught.value)


def test_processes_without_limit_are_noticed() -> None:
    with PlainSandbox() as sandbox, pytest.raises(Refused, match="multiplied without limit"):
        try_to_multiply(sandbox)


@pytest.mark.skipif(os.getuid() != 0, reason="root alone runs boxes as another user")
def test_files_that_only_root_may_read_are_named(tmp_path: Path) -> None:
    closed = tmp_path / "data.txt"
    closed.write_text("x")
    closed.chmod(0o600)
    with pytest.raises(IsolationError, match=f"{closed} is open to root alone.*chmod"):
        open_sandbox("landlock", SMALL, [closed], False)


@pytest.mark.skipif(os.getuid() != 0, reason="root alone runs boxes as another user")
@pytest.mark.parametrize("tier", ["landlock", "bubblewrap"])
def test_a_closed_folder_above_a_provided_file_is_no_obstacle(tier: str, tmp_path: Path) -> None:
    if not works(tier):
        not_here(f"no {tier} here")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "data.txt").write_text("x")
    (closed / "answers.txt").write_text("42")
    with open_sandbox(tier, Limits(), [closed / "data.txt"], False) as sandbox:
        told = Trial(sandbox).run(
            "import os\ndef attack(folder):\n"
            "    try:\n        listing = os.listdir(folder)\n    except OSError:\n        listing = []\n"
            "    try:\n        answer = open(folder + '/answers.txt').read()\n"
            "    except OSError:\n        answer = ''\n"
            "    return open(folder + '/data.txt').read() + str(listing) + answer\n",
            str(closed),
        )
    assert told.value == "x[]"


@pytest.mark.parametrize("tier", ["landlock", "bubblewrap"])
def test_a_withheld_package_cannot_be_had(tier: str) -> None:
    """Kiwisolver stands for a framework that would do the student's work."""
    if not works(tier):
        not_here(f"no {tier} here")
    code = """
import importlib.util, os, sys
def attack(folder):
    told = []
    for name in ("kiwisolver", "kiwisolver.exceptions"):
        try:
            __import__(name)
        except ImportError as error:
            told.append(str(error))
    sys.meta_path[:] = sys.meta_path[1:]
    try:
        import kiwisolver
        told.append(str(kiwisolver.Solver))
    except (ImportError, OSError, AttributeError):
        told.append("kept")
    try:
        told.append(open(folder + "/kiwisolver/__init__.py").read())
    except OSError:
        told.append("kept")
    import cycler, numpy
    return "; ".join(told)
"""
    import kiwisolver

    folder = str(Path(kiwisolver.__file__).parents[1])
    with open_sandbox(tier, SMALL, [], False, withheld=["kiwisolver"]) as sandbox:
        told = Trial(sandbox).run(code, folder)
    assert told.value == (
        "No module named 'kiwisolver'; No module named 'kiwisolver'; kept; kept"
    ), told.error
