"""A class of 60 written as each LMS would hand it out, and what its gradebook must say, worked out
by other means.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import mini

FIRST = (
    "Jane",
    "José",
    "Mei-Ling",
    "Åsa",
    "Olu",
    "Dmitri",
    "Zoë",
    "Jean Luc",
    "=cmd|calc",
    "O'Neil",
)
LAST = ("Doe", "García", "Wang", "Öberg", "Adeyemi", "Ivanov")
STUDENTS = 60
DUE_DAY = 1  # of May 2026, at noon in UTC


class Pupil(NamedTuple):
    """One student: who, and what was handed in."""

    id: str
    first: str
    last: str
    kind: str  # of mini.KINDS; empty: nothing
    days_late: int
    doubled: bool  # an older hand-in, wrong in another way, lies there too

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"

    @property
    def email(self) -> str:
        return f"{self.id}@example.edu"

    @property
    def files(self) -> dict[str, str | bytes]:
        return dict(mini.KINDS[self.kind].files)

    @property
    def slug(self) -> str:  # Canvas: the sortable name, letters and digits alone, in lower case
        return "".join(letter for letter in f"{self.last}{self.first}".lower() if letter.isalnum())


def pupils() -> list[Pupil]:
    """Return the class."""
    kinds, found = list(mini.KINDS), []
    for number in range(STUDENTS):
        missing = number % 15 == 7
        found.append(
            Pupil(
                id=f"s{number + 1:03}",
                first=FIRST[number % len(FIRST)],
                last=LAST[number // len(FIRST)],
                kind="" if missing else kinds[number % len(kinds)],
                days_late=0 if missing else {3: 1, 9: 2, 14: 5}.get(number % 20, 0),
                doubled=not missing and number % 9 == 4,
            )
        )
    return found


OLD = mini.wrong("return 7 * x")


def roster(path: Path, *, late: bool) -> Path:
    """Write the roster; ``late``: with the days in it, for an LMS that does not tell."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["id", "name", "email", "github_username", *(["late_days"] if late else [])]
        )
        for pupil in pupils():
            days = [pupil.days_late] if late else []
            writer.writerow([pupil.id, pupil.name, pupil.email, f"gh-{pupil.id}", *days])
    return path


# --- the layouts ----------------------------------------------------------------------------------


def folders(root: Path) -> None:
    """A folder of folders and archives, named by the ids."""
    for number, pupil in enumerate(pupils()):
        if not pupil.kind:
            continue
        if pupil.doubled:  # two archives in one folder: the newer counts
            mini.write(
                root / pupil.id,
                {"b-old.zip": mini.zipped(OLD), "a-new.zip": mini.zipped(pupil.files)},
            )
            os.utime(root / pupil.id / "b-old.zip", (1e9, 1e9))
        elif number % 2:
            mini.write(root, {f"{pupil.id}.zip": mini.zipped(pupil.files)})
        else:
            mini.write(root / pupil.id, pupil.files)


def canvas(root: Path) -> None:
    """Files in one folder; some as loose files, the others as zips."""
    for number, pupil in enumerate(pupils()):
        if not pupil.kind:
            continue
        head = f"{pupil.slug}_{'LATE_' if pupil.days_late else ''}{9000 + number}"
        if pupil.doubled:
            mini.write(root, {f"{head}_{20000 + number}_hw.zip": mini.zipped(OLD)})
        if pupil.kind in ("right", "thrice"):
            mini.write(
                root,
                {f"{head}_{50000 + number}_{name}": data for name, data in pupil.files.items()},
            )
        else:
            mini.write(root, {f"{head}_{50000 + number}_hw-1.zip": mini.zipped(pupil.files)})


def moodle(root: Path) -> None:
    """A folder per participant, with a zip or files in it."""
    for number, pupil in enumerate(pupils()):
        if not pupil.kind:
            continue
        folder = root / f"{pupil.name}_{700 + number}_assignsubmission_file"
        if pupil.doubled or number % 2:
            mini.write(folder, {"hw.zip": mini.zipped(pupil.files)})
        else:
            mini.write(folder, pupil.files)
        if pupil.doubled:
            mini.write(folder, {"hw-old.zip": mini.zipped(OLD)})
            os.utime(folder / "hw-old.zip", (1e9, 1e9))


def gradescope(root: Path) -> None:
    """Numbered folders, and who they are of in submission_metadata.yml."""
    lines = ["---"]
    for number, pupil in enumerate(pupils()):
        if not pupil.kind:
            continue
        older = [(800 + number, "2026-04-20 08:00:00.000000000 Z", OLD)] if pupil.doubled else []
        # within the grace
        day, hour = DUE_DAY + pupil.days_late, "11:59:59" if pupil.days_late else "12:05:00"
        for id_, when, files in [
            *older,
            (300 + number, f"2026-05-{day:02} {hour}.123456789 Z", pupil.files),
        ]:
            mini.write(root / f"submission_{id_}", files)
            lines += [f"submission_{id_}:", "  :submitters:", f"  - :name: {_yaml(pupil.name)}"]
            lines += [
                f"    :sid: {_yaml(pupil.id)}",
                f"    :email: {pupil.email}",
                f"  :created_at: {when}",
            ]
    mini.write(root, {"submission_metadata.yml": "\n".join(lines) + "\n"})


def _yaml(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def nbgrader(root: Path) -> None:
    """submitted/STUDENT/ASSIGNMENT with a timestamp; an older assignment lies beside it."""
    for pupil in pupils():
        if not pupil.kind:
            continue
        folder = root / "submitted" / pupil.id / "mini"
        hour = "11:59:59" if pupil.days_late else "12:05:00"
        stamp = f"2026-05-{DUE_DAY + pupil.days_late:02} {hour}.000001 UTC"
        mini.write(folder, {**pupil.files, "timestamp.txt": stamp})
        if pupil.doubled:
            mini.write(root / "submitted" / pupil.id / "other", OLD)


def github(root: Path) -> None:
    """Clones named by assignment and user name."""
    for pupil in pupils():
        if pupil.kind:
            mini.write(
                root / f"mini-gh-{pupil.id}", {**pupil.files, ".git/HEAD": "ref: refs/heads/main\n"}
            )


class Layout(NamedTuple):
    """A layout: how it is written, whether it goes through a zip, and what of lateness it tells."""

    write: Callable[[Path], None]
    zipped: bool
    late: str  # 'days', 'flag' or nothing: then the roster says it


LAYOUTS = {
    "folders": Layout(folders, zipped=False, late=""),
    "canvas": Layout(canvas, zipped=True, late="flag"),
    "moodle": Layout(moodle, zipped=True, late=""),
    "gradescope": Layout(gradescope, zipped=True, late="days"),
    "nbgrader": Layout(nbgrader, zipped=False, late="days"),
    "github": Layout(github, zipped=False, late=""),
}


def download(name: str, folder: Path) -> tuple[Path, Path]:
    """Write the class in a layout; return the path to hand to ``grader batch``, and the roster."""
    layout = LAYOUTS[name]
    root = folder / "download"
    root.mkdir(parents=True)
    layout.write(root)
    path = mini.zip_folder(root, folder / "download.zip") if layout.zipped else root
    if layout.zipped:
        shutil.rmtree(root)
    return path, roster(folder / "roster.csv", late=not layout.late)


def expected(name: str) -> list[dict[str, str]]:
    """Return the rows of the gradebook, without the notes: by arithmetic of its own."""
    rows = []
    for pupil in pupils():
        shown = f"'{pupil.name}" if pupil.name.startswith("=") else pupil.name
        row = {"id": pupil.id, "name": shown, "email": pupil.email, "max_score": "12"}
        if not pupil.kind:
            rows.append({**row, "status": "missing", "late_days": "0"} | dict.fromkeys(
                ("double", "shift", "Words/why", "adjustment", "points", "penalty", "score"), ""))  # fmt: skip
            continue
        kind = mini.KINDS[pupil.kind]
        days = min(pupil.days_late, 1) if LAYOUTS[name].late == "flag" else pupil.days_late
        points = kind.double + kind.shift
        penalty = points if days > 3 else points * days / 10
        numbers = {
            "double": kind.double, "shift": kind.shift, "Words/why": 0, "adjustment": 0, "points": points,
            "late_days": days, "penalty": penalty, "score": points - penalty,
        }  # fmt: skip
        status = "refused" if kind.refused else "graded"
        rows.append(
            {**row, "status": status, **{key: f"{value:g}" for key, value in numbers.items()}}
        )
    return rows


def read(gradebook: Path) -> list[dict[str, str]]:
    """Read a gradebook as a spreadsheet would."""
    return list(csv.DictReader(io.StringIO(gradebook.read_text(encoding="utf-8"), newline="")))
