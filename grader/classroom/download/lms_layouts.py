"""How each LMS lays out its bulk download. A layout is told by its names alone: nothing handed in
is opened here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from grader.classroom.download import lms_filenames, named_folders
from grader.classroom.download.download_tree import Tree
from grader.classroom.download.named_folders import join
from grader.classroom.download.students import LmsHandIn
from grader.classroom.download.unpack import CODE
from grader.errors import UsageError
from grader.grading.intake.entry_names import ARCHIVES

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
        names = [child.name for child in tree.children(root)]
        if lms_filenames.most_are_of(names) != layout:
            return None
        foreign = [name for name in names if lms_filenames.layout_of(name) not in ("", layout)]
        names = [name for name in names if name not in foreign]
        found = []
        for one in reader(names, reading.knows):
            paths = tuple(join(root, name) for name in one.paths)
            found.append(msgspec.structs.replace(one, paths=paths))
        taken = {name for name in names if lms_filenames.explains(layout, name)}
        why = f"most names are {layout.capitalize()}'s, this one is another LMS's"
        asked = [LmsHandIn(lms_id=name, paths=(join(root, name),), asked=why) for name in foreign]
        return found + asked + _others(tree, root, {*taken, *foreign}) if found else None

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
            sid, name, email = (str(member.get(key) or "") for key in (":sid", ":name", ":email"))
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
    children = chain.from_iterable(tree.children(join(base, student)) for student in students)
    loose = any(not child.is_folder for child in children)
    named = "submitted" in top or (root.rpartition("/")[2] or tree.name) == "submitted"
    exact = any(assignment in folders for folders in work.values())
    if not students or not (named or (exact and not loose)):
        return None
    # the other way round: submitted/ASSIGNMENT/STUDENT/
    if named and not exact and assignment in students:
        own = join(base, assignment)
        return [
            LmsHandIn(
                lms_id=student,
                paths=(join(own, student),),
                submitted=_stamp(tree, join(own, f"{student}/timestamp.txt")),
            )
            for student in work[assignment]
        ]
    titles = set(chain.from_iterable(work.values()))
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


def _github(tree: Tree, root: str, reading: Reading) -> list[LmsHandIn] | None:
    """Clones named ``assignment-username``."""
    found = named_folders.github(tree, root, reading.assignment, reading.known)
    paths = chain.from_iterable(one.paths for one in found)
    taken = [path.rpartition("/")[2] for path in paths]
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
    children = tree.children(root)
    known = any(reading.knows(_stem(child.name)) or reading.knows(child.name) for child in children)
    with_work = [
        name for name in tree.folders(root) if _holds_work(tree, join(root, name), reading)
    ]
    if tree.holds(join(root, ".git")) and not known and len(with_work) < 2:
        raise UsageError(
            f"{root or tree.name} is one repository, not a class: `grader check` grades one"
            " submission, and `grader batch` takes the folder that holds the students'"
            " repositories"
        )
    loose = [
        child.name for child in children if not child.is_folder and child.name in reading.wanted
    ]
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
        if any(
            reading.knows(_stem(child.name)) or reading.knows(child.name)
            for child in tree.children(root)
        ):
            return root
    deepest = roots[-1]
    if (
        deepest
        and sum(_holds_work(tree, join(deepest, name), reading) for name in tree.folders(deepest))
        > 1
    ):
        return deepest
    archives = [child for child in tree.children(deepest) if child.name.lower().endswith(ARCHIVES)]
    if deepest and len(archives) > 1:
        return deepest
    named = [
        root
        for root in roots
        if root.rpartition("/")[2] in (tree.name, reading.assignment, "submissions")
    ]
    return named[-1] if named and tree.folders(named[-1]) else ""


def _holds_work(tree: Tree, folder: str, reading: Reading, depth: int = 6) -> bool:
    """Tell whether a file that is graded, or an archive, lies at or below a folder."""
    children = tree.children(folder)
    if any(
        child.name in reading.wanted or child.name.lower().endswith(ARCHIVES) for child in children
    ):
        return True
    return depth > 0 and any(
        _holds_work(tree, join(folder, child.name), reading, depth - 1)
        for child in children
        if child.is_folder
    )


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
    inside = [name for name in tree.folders(one.paths[0]) if reading.knows(name)]
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
        paths = tuple(join(root, one) for one in own)
        found.append(LmsHandIn(lms_id=name, aliases=tuple(own), paths=paths, doubtful=doubtful))
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
    """Return the time of nbgrader's timestamp.txt as ISO 8601; nothing where it tells none, or is a
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
