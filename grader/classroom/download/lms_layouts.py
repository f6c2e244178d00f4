"""How each LMS lays out its bulk download. Names alone say which layout it is: no file that was
handed in is opened here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import chain, filterfalse
from operator import attrgetter
from posixpath import basename
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from grader.classroom.download import lms_filenames, named_folders
from grader.classroom.download.download_tree import Tree
from grader.classroom.download.named_folders import below, join
from grader.classroom.download.students import LmsHandIn
from grader.classroom.download.unpack import CODE
from grader.errors import UsageError
from grader.grading.intake.reading.entry_names import ARCHIVES

METADATA = "submission_metadata.yml"
DEEPEST = 32  # folders within folders around a class


class Reading(msgspec.Struct, frozen=True):
    """What a download is read with."""

    assignment: str  # its short name, by which nbgrader and GitHub name folders
    # whether the roster has a student or a group so called; None: there is none
    known: lms_filenames.Known | None = None
    # names of the files that are graded, without their folders
    wanted: frozenset[str] = frozenset()

    def knows(self, name: str) -> bool:
        """Tell whether the roster has a student or a group so called."""
        return self.known is not None and self.known(name)

    def knows_any(self, names: Iterable[str]) -> bool:
        """Tell whether one of the names, with its end or without, is the roster's."""
        return any(self.knows(_stem(name)) or self.knows(name) for name in names)

    def is_work(self, name: str) -> bool:
        """Tell whether a name is that of an archive, or of a file that is graded."""
        return name in self.wanted or name.lower().endswith(ARCHIVES)


_Reader = Callable[[Tree, str, Reading], list[LmsHandIn] | None]


def recognise(tree: Tree, reading: Reading) -> tuple[str, list[LmsHandIn]]:
    """Return the layout's name and what was handed in; raise `UsageError` for one student's
    work.
    """
    root, roots = "", [""]
    for _ in range(DEEPEST):
        for name, reader in _LAYOUTS.items():
            found = reader(tree, root, reading)
            if found is not None:
                return name, found
        children = tree.children(root)
        if len(children) != 1 or not children[0].is_folder:
            break
        root = join(root, children[0].name)  # many an LMS wraps its download in one folder
        roots.append(root)
    return "folders", _plain(tree, roots, reading)


def _uploads(
    layout: str, reader: Callable[[Sequence[str], lms_filenames.Known], list[LmsHandIn]]
) -> _Reader:
    """Return the reader of a layout that the names in one folder identify."""

    def read(tree: Tree, root: str, reading: Reading) -> list[LmsHandIn] | None:
        every = tree.names(root)
        if lms_filenames.most_are_of(every) != layout:
            return None
        names = []  # without those of another LMS
        asked = []
        why = f"most names are {layout.capitalize()}'s, this one is another LMS's"
        for name in every:
            if lms_filenames.layout_of(name) in ("", layout):
                names.append(name)
            else:
                asked.append(LmsHandIn(lms_id=name, paths=(join(root, name),), asked=why))
        found = []
        for one in reader(names, reading.knows):
            found.append(msgspec.structs.replace(one, paths=below(root, one.paths)))
        if not found:
            return None
        unexplained = filterfalse(partial(lms_filenames.explains, layout), names)
        taken = set(every).difference(unexplained)
        return found + asked + _others(tree, root, taken)

    return read


def _gradescope(tree: Tree, root: str, reading: Reading) -> list[LmsHandIn] | None:
    """``submission_metadata.yml`` beside a folder per submission; a group's members each get its
    result.
    """
    path = join(root, METADATA)
    if not tree.holds(path):
        return None
    found, told_of = [], {METADATA}
    for folder, told in _yaml(tree.read(path), path).items():
        if not isinstance(told, dict):
            continue
        there = tree.holds(join(root, str(folder)))
        told_of.add(str(folder))
        submitted, number = _when(told.get(":created_at")), re.search(r"\d+", str(folder))
        members = told.get(":submitters")
        for member in members if isinstance(members, list) else []:
            if not isinstance(member, dict):
                continue
            sid = str(member.get(":sid") or "")
            name = str(member.get(":name") or "")
            email = str(member.get(":email") or "")
            found.append(
                LmsHandIn(
                    lms_id=sid or email or name or str(folder),
                    name=name,
                    email=email,
                    aliases=(sid, email),
                    paths=(join(root, str(folder)),) if there else (),
                    asked="" if there else f"{METADATA} names {folder}, which is not there",
                    called=f"{folder} of {sid or email or name}",
                    submitted=submitted,
                    order=(int(number[0]) if number else 0,),
                    late=_seconds(told.get(":lateness")) > 0,
                )
            )
    return found + _others(tree, root, told_of)


def _yaml(data: bytes, path: str) -> dict[Any, Any]:
    import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        tree = yaml.load(data, Loader=loader)  # noqa: S506 - one of the two safe loaders
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not the metadata that Gradescope writes: {error}") from error
    if not isinstance(tree, dict):
        raise UsageError(
            f"{path} is not the metadata that Gradescope writes: it holds no submissions"
        )
    return tree


def _nbgrader(tree: Tree, root: str, reading: Reading) -> list[LmsHandIn] | None:
    """``submitted/STUDENT/ASSIGNMENT/``, with ``timestamp.txt`` in it."""
    assignment = reading.assignment
    top = tree.folders(root)
    base = join(root, "submitted") if "submitted" in top else root
    students = tree.folders(base)
    work = {student: tree.folders(join(base, student)) for student in students}
    named = "submitted" in top or (root.rpartition("/")[2] or tree.name) == "submitted"
    titles = set(chain.from_iterable(work.values()))
    exact = assignment in titles
    loose = any(len(tree.children(join(base, student))) > len(work[student]) for student in work)
    if not students or not (named or (exact and not loose)):
        return None
    # the other way round: submitted/ASSIGNMENT/STUDENT/
    if named and not exact and assignment in students:
        return _of_assignment(tree, join(base, assignment), work[assignment])
    if not exact and len(titles) > 1:
        raise UsageError(
            f"{base or tree.name} holds the assignments {', '.join(sorted(titles)[:8])}: name the"
            f" assignment's folder as the assignment is named, {assignment}"
        )
    title = assignment if exact else next(iter(titles), assignment)
    found = []
    for student in students:
        folder = join(base, f"{student}/{title}")
        handed_in = title in work[student]
        submitted = _stamp(tree, join(folder, "timestamp.txt")) if handed_in else ""
        if not tree.readable(join(base, student)):  # what lies there is not known, but not nothing
            folder, handed_in = join(base, student), True
        found.append(
            LmsHandIn(
                lms_id=student,
                paths=(folder,) if handed_in else (),
                submitted=submitted,
                called=student,
            )
        )
    return found + _others(tree, base, students)


def _of_assignment(tree: Tree, folder: str, students: Iterable[str]) -> list[LmsHandIn]:
    """Return the hand-ins of students whose folders lie in that of the assignment."""
    found = []
    for student in students:
        path = join(folder, student)
        submitted = _stamp(tree, join(path, "timestamp.txt"))
        found.append(LmsHandIn(lms_id=student, paths=(path,), submitted=submitted))
    return found


def _github(tree: Tree, root: str, reading: Reading) -> list[LmsHandIn] | None:
    """Clones named ``assignment-username``."""
    found = named_folders.github(tree, root, reading.assignment, reading.known)
    paths = chain.from_iterable(map(attrgetter("paths"), found))
    taken = set(map(basename, paths))
    return found + _others(tree, root, taken) if found else None


def _sakai(tree: Tree, root: str, reading: Reading) -> list[LmsHandIn] | None:
    """A folder per student, with the uploads in a folder of it."""
    found, taken = named_folders.sakai(tree, root)
    return found + _others(tree, root, taken) if found else None


def _google(tree: Tree, root: str, reading: Reading) -> list[LmsHandIn] | None:
    """Files with the students' names in front."""
    found, taken = named_folders.google(tree, root, reading.known)
    return found + _others(tree, root, taken) if found else None


def _plain(tree: Tree, roots: Sequence[str], reading: Reading) -> list[LmsHandIn]:
    """A folder of folders or archives, each named as its student, perhaps in folders around all of
    it.

    roots: the download's own folder, and below it each folder that lies alone in the one above
    """
    root = _class_folder(tree, roots, reading)
    known = reading.knows_any(tree.names(root))
    if tree.holds(join(root, ".git")) and not known and _folders_with_work(tree, root, reading) < 2:
        raise UsageError(
            f"{root or tree.name} is one repository, not a class: `grader check` grades one"
            " submission, and `grader batch` takes the folder that holds the students'"
            " repositories"
        )
    inside = tree.folders(root)
    loose = [name for name in tree.names(root) if name in reading.wanted and name not in inside]
    if loose and not known:
        raise UsageError(
            f"{root or tree.name} holds {loose[0]} itself, which is one student's work, and nothing"
            " says whose: give `grader batch` a folder with a folder or an archive for each"
            " student; `grader check` grades one submission"
        )
    found = _others(tree, root, ())
    if len(found) == 1 and root != roots[-1]:
        return [_alone(tree, found[0], reading)]
    return [_looked_into(tree, one, reading) for one in found]


def _class_folder(tree: Tree, roots: Sequence[str], reading: Reading) -> str:
    """Return the folder that holds the students' own: by the roster, else by where the graded files
    lie.
    """
    for root in roots:
        if reading.knows_any(tree.names(root)):
            return root
    deepest = roots[-1]
    if deepest and _folders_with_work(tree, deepest, reading) > 1:
        return deepest
    archives = [name for name in tree.names(deepest) if name.lower().endswith(ARCHIVES)]
    if deepest and len(archives) > 1:
        return deepest
    for root in reversed(roots):
        if root.rpartition("/")[2] in (tree.name, reading.assignment, "submissions"):
            return root if tree.folders(root) else ""
    return ""


def _folders_with_work(tree: Tree, folder: str, reading: Reading) -> int:
    """Return in how many folders of a folder there is something to be graded."""
    return sum(_holds_work(tree, path, reading) for path in below(folder, tree.folders(folder)))


def _holds_work(tree: Tree, folder: str, reading: Reading, depth: int = 6) -> bool:
    """Tell whether a file that is graded, or an archive, lies at or below a folder."""
    if any(map(reading.is_work, tree.names(folder))):
        return True
    if depth == 0:
        return False
    inner = below(folder, tree.folders(folder))
    return any(_holds_work(tree, path, reading, depth - 1) for path in inner)


def _alone(tree: Tree, one: LmsHandIn, reading: Reading) -> LmsHandIn:
    """Ask about a folder that is named as a student and may be the class's own: it lies alone, and
    several folders in it hold the same file.
    """
    folders = tree.folders(one.paths[0])
    for wanted in sorted(reading.wanted):
        only = msgspec.structs.replace(reading, wanted=frozenset((wanted,)))
        inside = [name for name in folders if _holds_work(tree, join(one.paths[0], name), only)]
        if len(inside) > 1:
            why = (
                f"it may be one student's or a class of its own: {inside[0]} and {inside[1]} in it"
                f" both hold {wanted} or an archive; to grade the class, give that folder itself"
            )
            return msgspec.structs.replace(one, asked=why)
    return _looked_into(tree, one, reading)


def _looked_into(tree: Tree, one: LmsHandIn, reading: Reading) -> LmsHandIn:
    """Ask about a folder that is named as nobody and holds folders of several students."""
    if reading.known is None or reading.knows(one.lms_id) or len(one.paths) != 1:
        return one
    inside = list(filter(reading.knows, tree.folders(one.paths[0])))
    if len(inside) < 2:
        return one
    why = (
        f"it holds folders of several students, {inside[0]} and {inside[1]} among them: give that"
        " folder itself"
    )
    return msgspec.structs.replace(one, asked=why)


def _others(tree: Tree, root: str, taken: Collection[str]) -> list[LmsHandIn]:
    """Return what the layout does not explain as hand-ins of its own: nothing is passed over in
    silence.

    Anything but a folder, an archive or code is not a submission either: the intake says why, if a
    student has no other.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for child in tree.children(root):
        if child.name not in taken:
            loose = not child.is_folder and child.name.lower().endswith(CODE)
            name = child.name if child.is_folder else _stem(child.name)
            # `a.py` goes with `a.ipynb`
            groups.setdefault((name, "" if loose else child.name), []).append(child.name)
    folders = set(tree.folders(root))
    found = []
    for (name, _), own in groups.items():
        doubtful = own[0] not in folders and not own[0].lower().endswith((*ARCHIVES, *CODE))
        found.append(
            LmsHandIn(lms_id=name, aliases=tuple(own), paths=below(root, own), doubtful=doubtful)
        )
    return found


def _stem(name: str) -> str:
    for suffix in (".tar.gz", ".tar.xz", ".tar.bz2"):
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return re.sub(r"(?<=.)\.[A-Za-z0-9]{1,7}$", "", name)


_LAYOUTS: dict[str, _Reader] = {
    "gradescope": _gradescope,
    "moodle": _uploads("moodle", lms_filenames.moodle),
    "brightspace": _uploads("brightspace", lms_filenames.brightspace),
    "sakai": _sakai,
    "blackboard": _uploads("blackboard", lms_filenames.blackboard),
    "canvas": _uploads("canvas", lms_filenames.canvas),
    "nbgrader": _nbgrader,
    "github": _github,
    "google": _google,
}


def _when(value: object) -> str:
    """Return a time of Gradescope's as ISO 8601; without an offset it is in UTC, as YAML says."""
    if isinstance(value, str):
        match = re.match(
            r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)?\s*(Z|UTC|[-+]\d\d:?\d\d)?",
            value.strip(),
        )
        if match is None:
            return ""
        offset = "+00:00" if match[3] in (None, "Z", "UTC") else match[3]
        value = datetime.fromisoformat(f"{match[1]}T{match[2]}{offset}")
    if not isinstance(value, datetime):
        return ""
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat(timespec="seconds")


def _stamp(tree: Tree, path: str) -> str:
    """Return the time of nbgrader's timestamp.txt as ISO 8601; nothing if it tells none, or is a
    student's own.
    """
    try:
        text = tree.read(path).decode("utf-8", "replace") if tree.holds(path) else ""
    except UsageError:
        return ""
    match = re.match(
        r"\s*(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)?\s*([A-Za-z_/+\-0-9:]*)", text[:200]
    )
    if match is None:
        return ""
    try:
        offset = match[3] if re.fullmatch(r"[-+]\d\d:?\d\d", match[3]) else ""
        moment = datetime.fromisoformat(f"{match[1]}T{match[2]}{offset}")
        if moment.tzinfo is None:
            moment = moment.replace(
                tzinfo=ZoneInfo(match[3]) if match[3] not in ("", "UTC", "Z") else UTC
            )
        return moment.isoformat(timespec="seconds")
    except (ValueError, KeyError, OSError):  # an unknown zone is a KeyError
        return ""


def _seconds(value: object) -> float:
    """Return a duration of Gradescope's, ``HH:MM:SS`` or a number."""
    if isinstance(value, int | float):
        return float(value)
    parts: Iterable[str] = str(value or "").split(":")
    total = 0.0
    for part in parts:
        try:
            total = 60 * total + float(part)
        except ValueError:
            return 0.0
    return total
