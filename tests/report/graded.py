"""Real reports: the flagship's work and that of the corpus, graded in several processes at once."""

from __future__ import annotations

import multiprocessing
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from corpus import Case, cases, grade, hand_in
from corpus import lay_down as lay_down_small

from grader.assignment.spec import load
from grader.grading.grade import Grader, Options

from .flagship_work import ALL, FLAGSHIP, ROOT, Files, lay_down

SHARES = 2  # of what is shown of the corpus, for two cores: some of it waits for a deadline
EACH = 12  # one in so many of those that don't aim at a page


def shown() -> list[Case]:
    """Return what is shown of the corpus: all that aims at a reader's browser, and some of the
    rest.
    """
    taken_in = [case for case in cases() if not case.manifest.refused]
    aiming = [
        case for case in taken_in if case.group == "reaching" or "display" in case.folder.name
    ]
    rest = [case for case in taken_in if case not in aiming]
    return aiming + rest[::EACH]


def grade_flagship(out: Path) -> None:
    """Grade the flagship's submissions."""
    assignment = load(ROOT / "assignment")
    with Grader(assignment, Options()) as grader, tempfile.TemporaryDirectory() as scratch:
        for name, submission in FLAGSHIP.items():
            folder = lay_down(submission, Path(scratch, name))
            write(
                out / name, grade(grader, folder, submission.checks, hasty=submission.hasty).files
            )


def grade_corpus(out: Path, share: int) -> None:
    """Grade one share of the corpus by its small assignment; what is refused leaves no report."""
    with (
        tempfile.TemporaryDirectory(prefix="grader-corpus-") as place,
        tempfile.TemporaryDirectory() as scratch,
    ):
        assignment = lay_down_small(Path(place), "canary")
        with Grader(assignment, Options()) as grader:
            for case in shown()[share::SHARES]:
                submission = hand_in(case, Path(scratch))
                verdict = grade(grader, submission, case.checks, hasty=case.manifest.hasty)
                write(out / case.id, verdict.files)
                for path in Path(scratch).iterdir():
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


def grade_each(assignment: Path, submissions: Path, out: Path) -> None:
    """Grade each folder of a folder by all checks, the executed notebooks written too."""
    with Grader(load(assignment), Options()) as grader:
        for folder in sorted(submissions.iterdir()):
            for name, data in grade(grader, folder, ALL).files.items():
                (out / folder.name / name).parent.mkdir(parents=True, exist_ok=True)
                (out / folder.name / name).write_bytes(data)


def write(folder: Path, files: Files) -> None:
    """Write a submission's reports, its notebooks left out."""
    for name, data in files.items():
        if "/" not in name:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)


def grade_all(out: Path) -> None:
    """Grade everything, several at a time."""
    with ProcessPoolExecutor(SHARES + 1, mp_context=multiprocessing.get_context("spawn")) as pool:
        work = [pool.submit(grade_flagship, out / "flagship")]
        work += [pool.submit(grade_corpus, out, share) for share in range(SHARES)]
        for future in work:
            future.result()
