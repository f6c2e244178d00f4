"""Downloads in which folders, or files of people's names, say whose work it is: Sakai, GitHub,
Google Classroom.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter, itemgetter
from os.path import commonprefix
from typing import NamedTuple

from grader.classroom.download.download_tree import Tree
from grader.classroom.download.lms_filenames import Known
from grader.classroom.download.students import LmsHandIn, ends

ATTACHMENTS = "Submission attachment(s)"
_SAKAI = re.compile(r"(?P<name>.{1,200})\((?P<login>[^()]{1,100})\)", re.DOTALL)
_TYPED = re.compile(r"_submissionText\.html\Z")
_DASH = " - "  # between name and file in Google Classroom
_BRANCH = re.compile(r"-(?:main|master)\Z")  # what GitHub's archive of a repository has behind it


def join(root: str, name: str) -> str:
    """Return the path of something in a folder of a tree; the tree's own folder is the empty
    one.
    """
    return f"{root}/{name}" if root else name


def below(root: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the paths of what lies in a folder of a tree."""
    return tuple(join(root, name) for name in names)


def sakai(tree: Tree, root: str) -> tuple[list[LmsHandIn], list[str]]:
    """``Last, First(login)/Submission attachment(s)/``; return the hand-ins and the names they
    account for.
    """
    found, told_of = [], []
    for folder in tree.folders(root):
        match = _SAKAI.fullmatch(folder)
        place = join(root, folder)
        if match is None or not tree.holds(join(place, ATTACHMENTS)):
            continue
        told_of.append(folder)
        handed_in = join(place, ATTACHMENTS)
        if tree.children(handed_in) or not tree.readable(handed_in):
            paths: tuple[str, ...] = (handed_in,)
        else:
            paths = below(place, filter(_TYPED.search, tree.names(place)))
        name = match["name"].strip()
        found.append(LmsHandIn(lms_id=match["login"], name=name, paths=paths, called=folder))
    return found, [*told_of, "grades.csv", "grades.xls"] if found else []


class _Copy(NamedTuple):
    """A file of Google Classroom's, as its name is read."""

    whole: str
    name: str
    file: str
    may_be: tuple[str, ...]  # several names, if it can be read in several ways


def google(tree: Tree, root: str, known: Known | None) -> tuple[list[LmsHandIn], list[str]]:
    """``Full Name - file``, as Google Classroom copies a file for each student; nobody has an id
    there. Return the hand-ins and the names they account for.

    known: tells whether somebody is of this name; None without a roster, and then all must have the
    same file
    """
    children = tree.children(root)
    copies = []
    for child in children:
        if _DASH in child.name and not child.is_folder:
            copies.append(_copy(child.name, known))
    if not copies or 2 * len(copies) < len(children):
        return [], []
    if known is None:
        files = set(map(_stem, map(attrgetter("file"), copies)))
        if len(files) > 1 or len(copies) < len(children):
            return [], []
    elif 2 * sum(map(known, map(attrgetter("name"), copies))) < len(copies):
        return [], []
    by_name: dict[str, list[_Copy]] = {}
    for copy in copies:
        by_name.setdefault(copy.name, []).append(copy)
    found = []
    for name, own in by_name.items():
        paths = below(root, map(_WHOLE, own))
        may_be = own[0].may_be
        asked = "its name can be read in two ways" if may_be else ""
        found.append(LmsHandIn(lms_id=name, name=name, paths=paths, asked=asked, may_be=may_be))
    return found, list(map(_WHOLE, copies))


_WHOLE: Callable[[_Copy], str] = attrgetter("whole")


def _copy(whole: str, known: Known | None) -> _Copy:
    """Read the name of a copy: a person's name, too, may hold a dash."""
    parts = whole.split(_DASH)
    readings = []
    for end in range(1, len(parts)):
        readings.append((_DASH.join(parts[:end]), _DASH.join(parts[end:])))
    fitting = [one for one in readings if known is not None and known(one[0])]
    name, file = (fitting or readings)[0]
    may_be = tuple(map(itemgetter(0), fitting)) if len(fitting) > 1 else ()
    return _Copy(whole, name, file, may_be)


def _stem(name: str) -> str:
    return re.sub(r"(?: \(\d{1,3}\))?\.[A-Za-z0-9]{1,7}$", "", name)


def github(tree: Tree, root: str, assignment: str, known: Known | None) -> list[LmsHandIn]:
    """Repositories named ``assignment-username``, or ``classroom-assignment-username``: clones, or
    what GitHub's archives hold, or these themselves.
    """
    folders = tree.folders(root)
    clones = [name for name in folders if tree.holds(join(root, f"{name}/.git"))]
    names = dict(zip(clones, clones, strict=True))
    if not clones:
        children = tree.children(root)
        for child in children:
            name = child.name if child.is_folder else _unzipped(child.name)
            if name and _after(name, assignment):
                names[child.name] = name
        if len(names) < len(children):
            return []
    found = []
    users = _users(list(names.values()), assignment, known)
    for path, user in zip(names, users, strict=True):
        found.append(
            LmsHandIn(
                lms_id=user.login, paths=(join(root, path),), asked=user.asked, may_be=user.may_be
            )
        )
    return found


def _unzipped(name: str) -> str:
    """Return the name of what a zip of GitHub's holds; nothing for another file."""
    return name[: -len(".zip")] if name.lower().endswith(".zip") else ""


class _User(NamedTuple):
    """Whose a repository is by its name."""

    login: str
    asked: str = ""  # why that is not certain
    may_be: tuple[str, ...] = ()


def _users(clones: Sequence[str], assignment: str, known: Known | None) -> list[_User]:
    """Return each repository's user."""
    prefix = commonprefix(clones) if len(clones) > 1 else ""  # noqa: RUF071 - of names
    prefix = prefix[: prefix.rfind("-") + 1]
    found = []
    for clone in clones:
        after = _after(clone, assignment)
        readings = dict.fromkeys((after, _plain(after))) if after else ends(clone)
        fitting = list(filter(known, readings)) if known is not None else []
        if len(fitting) > 1:
            why = f"its name may end with {' or with '.join(fitting[:3])}"
            found.append(_User(clone, why, tuple(fitting)))
            continue
        user = fitting[0] if fitting else _without_branch(after, clones)
        if user or prefix:
            found.append(_User(user or clone[len(prefix) :] or clone))
        else:
            why = f"which part of its name is the user's is not known: name it {assignment}-USER"
            found.append(_User(clone, why))
    return found


def _without_branch(user: str, clones: Sequence[str]) -> str:
    """Return a user without the branch behind it, if every repository has one."""
    everywhere = len(clones) > 1 and all(map(_BRANCH.search, clones))
    return _plain(user) if everywhere else user


def _plain(user: str) -> str:
    """Return a user without the branch that may stand behind it."""
    return _BRANCH.sub("", user)


def _after(name: str, assignment: str) -> str:
    """Return what follows the assignment's name, at the beginning or after the classroom's."""
    if name.startswith(f"{assignment}-"):
        return name[len(assignment) + 1 :]
    _, middle, rest = name.partition(f"-{assignment}-")
    return rest if middle else ""
