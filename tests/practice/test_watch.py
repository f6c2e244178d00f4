"""`grader watch`: what a save says, and the page that follows."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from lab import CHROMIUM, browser
from toy import REFERENCE

from grader import cli
from grader.model import CheckResult
from grader.practice.follow import Follower
from grader.practice.session import Session
from grader.practice.watch import Watch

WRONG = REFERENCE.replace("x - x.mean(axis=0)", "x - x.mean()")


def ids(results: tuple[CheckResult, ...] | list[CheckResult]) -> list[str]:
    return [check.id for check in results]


def nothing(check: CheckResult) -> None:
    """Print nothing."""


def test_a_save_runs_what_it_concerns_and_tells_what_changed(handout: Path) -> None:
    with Session.at(handout) as session:
        watch = Watch(session)
        assert ids(watch.first(nothing).results) == [
            "center",
            "center_backward",
            "count",
            "noise",
            "tally",
        ]
        assert watch.waiting == ("Toy.ipynb",)
        assert watch.again(nothing).results == ()
        (handout / "pack" / "toy.py").write_text(WRONG, encoding="utf-8")
        told: list[CheckResult] = []
        done = watch.again(told.append)
        assert done.saved == ("pack/toy.py",)
        assert ids(done.results) == ["center", "center_backward"]
        assert ids(told) == ["center"]
        assert watch.graded is not None
        assert watch.graded.report.score == pytest.approx(8 + 4 / 3, abs=0.01)
        (handout / "pack" / "toy.py").write_text(WRONG + "# a remark\n", encoding="utf-8")
        assert watch.again(nothing).results == ()
        (handout / "pack" / "toy.py").write_text("def center(:\n", encoding="utf-8")
        assert len(watch.again(nothing).new) == 5
        (handout / "pack" / "toy.py").write_text(REFERENCE, encoding="utf-8")
        assert len(watch.again(nothing).new) == 5
        assert watch.graded.report.score == 12


def test_a_saved_notebook_is_run_from_the_top(handout: Path) -> None:
    with Session.at(handout) as session:
        watch = Watch(session)
        watch.first(nothing)
        path = handout / "Toy.ipynb"
        path.write_text(
            path.read_text(encoding="utf-8").replace("2 * x", "x + x"), encoding="utf-8"
        )
        done = watch.again(nothing)
        assert [(check.id, check.status) for check in done.results] == [("notebook", "pass")]
        assert watch.waiting == ()


def test_the_command_prints_the_lines_that_changed_and_ends_by_ctrl_c(handout: Path) -> None:
    command = [sys.executable, "-u", "-m", "grader", "watch", str(handout)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        assert any("Ctrl-C ends this" in line for line in lines)
        time.sleep(0.5)
        (handout / "pack" / "toy.py").write_text(WRONG, encoding="utf-8")
        said = []
        for line in lines:
            said.append(line)
            if line.startswith("Score"):
                break
        text = "".join(said)
        assert "center " in said[0]
        assert "partly passed" in said[0]
        assert "as before: 1 passed" in text
        assert "count" not in text
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()


def test_somebody_elses_work_is_refused(
    toy: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = toy.submission()  # type: ignore[attr-defined]
    folder = str(toy.assignment.folder)  # type: ignore[attr-defined]
    assert cli.run(["watch", str(theirs), "--assignment", folder]) == 2
    assert "may be the work of somebody else" in capsys.readouterr().err
    assert (
        cli.run(
            ["check", str(theirs), "--watch", "--assignment", folder, "--out", str(tmp_path / "r")]
        )
        == 2
    )
    assert "takes only your own work" in capsys.readouterr().err


# --- the page -------------------------------------------------------------------------------------


def test_the_page_answers_only_who_has_its_address(handout: Path) -> None:
    with Session.at(handout) as session, Follower() as follower:
        follower.show(session.check(["center"]))
        root = follower.url.rsplit("/", 2)[0]
        with urllib.request.urlopen(f"{follower.url}report", timeout=10) as reply:
            assert b"center" in reply.read()
        for address, host in (
            (f"{root}/", None),
            (f"{root}/x/report", None),
            (f"{follower.url}report", "evil.example"),
        ):
            request = urllib.request.Request(address, headers={"Host": host} if host else {})
            with pytest.raises(urllib.error.HTTPError) as error:
                urllib.request.urlopen(request, timeout=10)
            assert error.value.code == 404
            error.value.close()


@pytest.mark.skipif(CHROMIUM is None, reason="the test of the page needs a Chromium")
def test_the_page_follows_and_keeps_its_place(handout: Path) -> None:
    pytest.importorskip("playwright")
    toy = handout / "pack" / "toy.py"
    toy.write_text(WRONG, encoding="utf-8")
    names = ["center", "center_backward", "count", "noise", "tally"]
    with Session.at(handout) as session, Follower() as follower, browser() as opened:
        follower.show(session.check(names))
        page = opened.new_page(viewport={"width": 800, "height": 300})
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(follower.url)
        report = page.frame_locator("#report")
        report.locator("#main").wait_for()
        report.locator("details.check", has_text="noise").locator("summary").first.click()
        frame = page.frame("report") or page.frames[1]
        frame.evaluate(
            "document.body.dataset.old = 'yes'; window.scrollTo({top: 120, behavior: 'instant'})"
        )
        toy.write_text(REFERENCE, encoding="utf-8")
        follower.show(session.check(names))
        report.locator("body:not([data-old])").wait_for()
        assert "12 / 12" in page.title()
        assert frame.evaluate("window.scrollY") == 120
        assert report.locator("details.check[open]", has_text="noise").count() == 1
        assert {url.split("/")[2] for url in asked if url.startswith("http")} == {
            follower.url.split("/")[2]
        }
