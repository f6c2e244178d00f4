"""How each LMS lays out its bulk download. A layout is told by its names alone: nothing handed in is opened here."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from os.path import commonprefix
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from grader.classroom import uploads
from grader.classroom.entries import Found
from grader.classroom.parts import CODE
from grader.classroom.trees import Tree
from grader.errors import UsageError
from grader.grading.names import ARCHIVES

METADATA = "submission_metadata.yml"
_Reader = Callable[[Tree, str, str], list[Found] | None]


def recognise(tree: Tree, assignment: str) -> tuple[str, str, list[Found]]:
    """Return the layout's name, the folder of the tree that it starts at, and what was handed in.

    assignment: its short name, by which nbgrader and GitHub Classroom name folders
    """
    root = ""
    for _ in range(4):
        for name, reader in _LAYOUTS.items():
            found = reader(tree, root, assignment)
            if found is not None:
                return name, root, found
        children = tree.children(root)
        if len(children) != 1 or not children[0].is_folder:
            break
        root = _join(root, children[0].name)  # many an LMS wraps its download in one folder
    return "folders", "", _plain(tree, "")


def _uploads(layout: str, reader: Callable[[Sequence[str]], list[Found]]) -> _Reader:
    """Return the reader of a layout that is told by the names in one folder."""

    def read(tree: Tree, root: str, assignment: str) -> list[Found] | None:
        names = [child.name for child in tree.children(root)]
        found = [
            msgspec.structs.replace(one, paths=tuple(_join(root, name) for name in one.paths)) for one in reader(names)
        ]
        taken = {name for name in names if uploads.explains(layout, name)}
        return found + _others(tree, root, taken) if found else None

    return read


def _gradescope(tree: Tree, root: str, assignment: str) -> list[Found] | None:
    """``submission_metadata.yml`` beside a folder per submission; a group's members each get its result."""
    path = _join(root, METADATA)
    if not tree.holds(path):
        return None
    found, told_of = [], {METADATA}
    for folder, told in _yaml(tree.read(path), path).items():
        if not isinstance(told, dict) or not tree.holds(_join(root, str(folder))):
            continue
        told_of.add(str(folder))
        submitted, number = _when(told.get(":created_at")), re.search(r"\d+", str(folder))
        members = told.get(":submitters")
        for member in members if isinstance(members, list) else []:
            if not isinstance(member, dict):
                continue
            sid, name, email = (str(member.get(key) or "") for key in (":sid", ":name", ":email"))
            found.append(
                Found(
                    lms_id=sid or email or name or str(folder), name=name, email=email, aliases=(sid, email),
                    paths=(_join(root, str(folder)),), submitted=submitted, order=(int(number[0]) if number else 0,),
                    late=_seconds(told.get(":lateness")) > 0,
                )
            )  # fmt: skip
    return found + _others(tree, root, told_of)


def _yaml(data: bytes, path: str) -> dict[Any, Any]:
    import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        tree = yaml.load(data, Loader=loader)  # noqa: S506 - one of the two safe loaders
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not the metadata that Gradescope writes: {error}") from error
    if not isinstance(tree, dict):
        raise UsageError(f"{path} is not the metadata that Gradescope writes: it holds no submissions")
    return tree


def _nbgrader(tree: Tree, root: str, assignment: str) -> list[Found] | None:
    """``submitted/STUDENT/ASSIGNMENT/``, with ``timestamp.txt`` in it."""
    top = tree.folders(root)
    base = _join(root, "submitted") if "submitted" in top else root
    students = tree.folders(base)
    work = {student: tree.folders(_join(base, student)) for student in students}
    loose = any(not child.is_folder for student in students for child in tree.children(_join(base, student)))
    named = "submitted" in top or (root.rpartition("/")[2] or tree.name) == "submitted"
    exact = any(assignment in folders for folders in work.values())
    if not students or not (named or (exact and not loose)):
        return None
    if named and not exact and assignment in students:  # the other way round: submitted/ASSIGNMENT/STUDENT/
        own = _join(base, assignment)
        return [
            Found(
                lms_id=student,
                paths=(_join(own, student),),
                submitted=_stamp(tree, _join(own, f"{student}/timestamp.txt")),
            )
            for student in work[assignment]
        ]
    titles = {title for folders in work.values() for title in folders}
    if not exact and len(titles) > 1:
        raise UsageError(
            f"{base or tree.name} holds the assignments {', '.join(sorted(titles)[:8])}: name the assignment's folder "
            f"as the assignment is named, {assignment}"
        )
    title = assignment if exact else next(iter(titles), assignment)
    found = []
    for student in students:
        folder = _join(base, f"{student}/{title}")
        handed_in = title in work[student]
        submitted = _stamp(tree, _join(folder, "timestamp.txt")) if handed_in else ""
        if not tree.readable(_join(base, student)):  # what lies there is not known, but not nothing
            folder, handed_in = _join(base, student), True
        found.append(Found(lms_id=student, paths=(folder,) if handed_in else (), submitted=submitted))
    return found + _others(tree, base, students)


def _github(tree: Tree, root: str, assignment: str) -> list[Found] | None:
    """Clones named ``assignment-username``."""
    clones = [name for name in tree.folders(root) if tree.holds(_join(root, f"{name}/.git"))]
    if not clones:
        return None
    prefix = commonprefix(clones)  # noqa: RUF071 - of names, not of paths
    prefix = prefix[: prefix.rfind("-") + 1] if len(clones) > 1 else ""
    if all(clone.startswith(f"{assignment}-") for clone in clones):
        prefix = f"{assignment}-"
    if not prefix:
        return None
    found = [Found(lms_id=clone[len(prefix) :] or clone, paths=(_join(root, clone),)) for clone in clones]
    return found + _others(tree, root, clones)


def _plain(tree: Tree, root: str) -> list[Found]:
    """A folder of folders or archives, each named as its student."""
    return _others(tree, root, ())


def _others(tree: Tree, root: str, taken: Collection[str]) -> list[Found]:
    """Return what the layout does not explain as hand-ins of its own: nothing is passed over in silence.

    What is neither folder, archive nor code is no submission either: the intake says why, where a student has no other.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for child in tree.children(root):
        if child.name not in taken:
            loose = not child.is_folder and child.name.lower().endswith(CODE)
            name = child.name if child.is_folder else _stem(child.name)
            groups.setdefault((name, "" if loose else child.name), []).append(child.name)  # `a.py` goes with `a.ipynb`
    folders = set(tree.folders(root))
    return [
        Found(
            lms_id=name,
            aliases=tuple(own),
            paths=tuple(_join(root, one) for one in own),
            doubtful=own[0] not in folders and not own[0].lower().endswith((*ARCHIVES, *CODE)),
        )
        for (name, _), own in groups.items()
    ]


def _stem(name: str) -> str:
    for suffix in (".tar.gz", ".tar.xz", ".tar.bz2"):
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return re.sub(r"(?<=.)\.[A-Za-z0-9]{1,7}$", "", name)


_LAYOUTS: dict[str, _Reader] = {
    "gradescope": _gradescope,
    "moodle": _uploads("moodle", uploads.moodle),
    "blackboard": _uploads("blackboard", uploads.blackboard),
    "canvas": _uploads("canvas", uploads.canvas),
    "nbgrader": _nbgrader,
    "github": _github,
}


def _join(root: str, name: str) -> str:
    return f"{root}/{name}" if root else name


def _when(value: object) -> str:
    """Return a time of Gradescope's as ISO 8601; without an offset it is in UTC, as YAML says."""
    if isinstance(value, str):
        match = re.match(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)?\s*(Z|UTC|[-+]\d\d:?\d\d)?", value.strip())
        if match is None:
            return ""
        offset = "+00:00" if match[3] in (None, "Z", "UTC") else match[3]
        value = datetime.fromisoformat(f"{match[1]}T{match[2]}{offset}")
    if not isinstance(value, datetime):
        return ""
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat(timespec="seconds")


def _stamp(tree: Tree, path: str) -> str:
    """Return the time of nbgrader's timestamp.txt as ISO 8601; nothing where it tells none, or is a student's own."""
    try:
        text = tree.read(path).decode("utf-8", "replace") if tree.holds(path) else ""
    except UsageError:
        return ""
    match = re.match(r"\s*(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)?\s*([A-Za-z_/+\-0-9:]*)", text[:200])
    if match is None:
        return ""
    try:
        offset = match[3] if re.fullmatch(r"[-+]\d\d:?\d\d", match[3]) else ""
        moment = datetime.fromisoformat(f"{match[1]}T{match[2]}{offset}")
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(match[3]) if match[3] not in ("", "UTC", "Z") else UTC)
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
