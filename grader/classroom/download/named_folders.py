"""Downloads in which folders, or files of people's names, say whose work it is: Sakai, GitHub,
Google Classroom.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from os.path import commonprefix

from grader.classroom.download.download_tree import Tree
from grader.classroom.download.lms_filenames import Known
from grader.classroom.download.students import Found

ATTACHMENTS = "Submission attachment(s)"
_SAKAI = re.compile(r"(?P<name>[^()]{1,200})\((?P<login>[^()]{1,100})\)")
_GOOGLE = re.compile(r"(?P<name>.{1,150}?) - (?P<file>.+)", re.DOTALL)


def join(root: str, name: str) -> str:
    """Return the path of something in a folder of a tree; the tree's own folder is the empty
    one.
    """
    return f"{root}/{name}" if root else name


def sakai(tree: Tree, root: str) -> tuple[list[Found], list[str]]:
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
        typed = [
            child.name
            for child in tree.children(place)
            if child.name.endswith("_submissionText.html")
        ]
        handed_in = join(place, ATTACHMENTS)
        paths = (
            (handed_in,) if tree.children(handed_in) else tuple(join(place, name) for name in typed)
        )
        found.append(Found(lms_id=match["login"], name=match["name"].strip(), paths=paths))
    return found, [*told_of, "grades.csv", "grades.xls"] if found else []


def google(tree: Tree, root: str, known: Known | None) -> list[Found]:
    """``Full Name - file``, as Google Classroom copies a file for each student; nobody has an id
    there.

    known: tells whether somebody is of this name; None without a roster, and then all must have the
    same file
    """
    children = tree.children(root)
    matches = [match for child in children if (match := _GOOGLE.fullmatch(child.name))]
    if not matches or len(matches) < len(children) or any(child.is_folder for child in children):
        return []
    if known is None and len({_stem(match["file"]) for match in matches}) > 1:
        return []
    if known is not None and 2 * sum(known(match["name"]) for match in matches) < len(matches):
        return []
    by_name: dict[str, list[str]] = {}
    for match in matches:
        by_name.setdefault(match["name"], []).append(match.string)
    return [
        Found(lms_id=name, name=name, paths=tuple(join(root, one) for one in own))
        for name, own in by_name.items()
    ]


def _stem(name: str) -> str:
    return re.sub(r"(?: \(\d{1,3}\))?\.[A-Za-z0-9]{1,7}$", "", name)


def github(tree: Tree, root: str, assignment: str, known: Known | None) -> list[Found]:
    """Repositories named ``assignment-username``, or ``classroom-assignment-username``, with
    ``.git`` or without.
    """
    folders = tree.folders(root)
    clones = [name for name in folders if tree.holds(join(root, f"{name}/.git"))]
    if not clones:  # unpacked from the site's own zips, which add the branch
        marked = [name for name in folders if _after(name, assignment)]
        clones = marked if marked and len(marked) == len(folders) else []
    found = []
    for clone, (user, asked) in zip(clones, _users(clones, assignment, known), strict=True):
        found.append(Found(lms_id=user, paths=(join(root, clone),), asked=asked))
    return found


def _users(clones: Sequence[str], assignment: str, known: Known | None) -> list[tuple[str, str]]:
    """Return each repository's user, and why that is not certain."""
    prefix = commonprefix(clones) if len(clones) > 1 else ""  # noqa: RUF071 - of names, not of paths
    prefix = prefix[: prefix.rfind("-") + 1]
    found = []
    for clone in clones:
        user = _after(clone, assignment)
        if not user and known is not None:
            ends = [clone[at + 1 :] for at, sign in enumerate(clone) if sign == "-"]
            fitting = [end for end in ends if known(end)]
            if len(fitting) > 1:
                found.append((clone, f"its name may end with {' or with '.join(fitting[:3])}"))
                continue
            user = "".join(fitting)
        if user or prefix:
            found.append((user or clone[len(prefix) :] or clone, ""))
        else:
            why = f"which part of its name is the user's is not known: name it {assignment}-USER"
            found.append((clone, why))
    return found


def _after(name: str, assignment: str) -> str:
    """Return what follows the assignment's name, at the beginning or after the classroom's."""
    if name.startswith(f"{assignment}-"):
        return name[len(assignment) + 1 :]
    _, middle, rest = name.partition(f"-{assignment}-")
    return rest if middle else ""
