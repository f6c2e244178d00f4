"""Names inside a submission: which are refused, how they are shown, and what they were before
somebody renamed them.

A name is a stranger's text. It is never used as a path of this machine: names are compared with the
spec's, and shown.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Collection, Sequence

from grader.model import REPORT_JSON

REPORT_HTML, JUNIT_XML = "report.html", "junit.xml"
# what a check writes, whatever the submission
REPORTS = frozenset({REPORT_HTML, REPORT_JSON, JUNIT_XML})
EXECUTED = "notebooks"  # the folder beside them of those that it has run
_DESKTOPS = {
    "__MACOSX",
    ".DS_Store",
    ".Spotlight-V100",
    ".Trashes",
    ".fseventsd",
    "Thumbs.db",
    "desktop.ini",
}
_TOOLS = {
    ".git",
    ".hg",
    ".svn",
    ".venv",
    "venv",
    "node_modules",
    ".ipynb_checkpoints",
    ".idea",
    ".vscode",
}
_CACHES = {"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox"}
LITTER = frozenset(_DESKTOPS | _TOOLS | _CACHES)
_TARS = (".tar", ".tgz", ".gz", ".xz", ".txz", ".bz2", ".tbz2", ".zst")
ARCHIVES = (".zip", ".7z", ".rar", ".whl", ".egg", ".jar", *_TARS)

_PREFIX = re.compile(  # what an LMS or a cloud drive puts before the name
    r"""[^_]{1,100}_(?:late_)?\d{1,12}_\d{1,12}_  # Canvas: lastfirst_LATE_userid_submissionid_
      | .{1,150}_\d{1,12}_assignsubmission_(?:file|onlinetext)_  # Moodle: Name_id_assignsubmission_
      | .{1,150}_attempt_[\d-]{8,24}_                      # Blackboard: homework_user_attempt_date_
      | copy[ _+]of[ _+]                                   # Google Drive and Colab
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SUFFIX = re.compile(  # what a browser, a desktop or an LMS puts behind the stem
    r"""[ _+-]{0,3}\(\d{1,3}\)                                 # layers (1).py
      | [ _+-]\d{1,3}                                      # layers-1.py, layers_2.py, layers 2.py
      # ' copy 2', ' - Copy', '-Copy1'
      | [ _+]?-?[ _+]?(?<=[ _+-])copy(?:\d{1,3}|[ _+]\d{1,3}|[ _+]\(\d{1,3}\))?
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SUFFIX_AT_END = re.compile(rf"(?:{_SUFFIX.pattern})\Z", _SUFFIX.flags)
_OLD = re.compile(
    r"(?:old|backup|bak|orig(?:inal)?|prev(?:ious)?|archived?|starter|template|handout)(?![^\W\d_])",
    re.IGNORECASE,
)
# a longer basename is no file of an assignment, so no pattern need look at it
_LONGEST_RENAMED = 400


def fold(name: str) -> str:
    """Return the name as a file system that ignores case and Unicode form would see it."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def plain(name: str, limit: int = 100) -> str:
    """Return the name with every character escaped that acts instead of being read, cut in its
    middle to the limit.
    """
    if len(name) > limit:
        name = name[: limit - limit // 3 - 1] + "…" + name[-(limit // 3) :]
    return "".join(_escaped(character) for character in name)


def shown(name: str, limit: int = 120) -> str:
    """Return the name as a message quotes it."""
    return f"`{plain(name, limit)}`"


def listed(names: Sequence[str], limit: int = 5) -> str:
    """Return the first names, quoted, and how many more there are."""
    head = [shown(name) for name in names[:limit]]
    if len(names) > limit:
        head.append(f"{len(names) - limit} more")
    return head[0] if len(head) == 1 else ", ".join(head[:-1]) + " and " + head[-1]


def fault_of(name: str) -> str:
    """Return what is wrong with the name of an archive's entry, or nothing."""
    if "\0" in name:
        return "has a NUL character in its name"
    if "\\" in name:
        return "has a backslash in its name"
    if name.startswith("/"):
        return "has an absolute name"
    if re.match(r"[A-Za-z]:", name):
        return "has a drive letter in its name"
    if ".." in name.split("/"):
        return "has a name that leads out of the archive ('..')"
    return "" if name else "has no name"


def as_written(name: str, raw: bytes) -> str:
    """Return a name as it was written where its encoding is not said and a byte of it looks like a
    backslash.

    Of two-byte letters of Japanese and Chinese systems the second byte may be 0x5C.
    """
    if b"\\" not in raw or raw.isascii():
        return name
    for encoding in ("cp932", "gbk", "big5"):
        with contextlib.suppress(UnicodeDecodeError):
            decoded = raw.decode(encoding)
            if "\\" not in decoded:
                return decoded
    return name


def has_control(name: str) -> bool:
    """Tell whether the name holds a control character, a line break for one."""
    return any(unicodedata.category(character) == "Cc" for character in name)


def parts_of(name: str) -> list[str]:
    """Return the components of the name without empty ones and dots."""
    return [part for part in name.split("/") if part not in ("", ".")]


def is_litter(parts: Sequence[str], wanted: Collection[str] = ()) -> bool:
    """Tell whether tools left this behind unasked; a component that the spec itself names never
    is.
    """
    return any(
        part not in wanted and (part in LITTER or part.startswith(("._", "Icon\r")))
        for part in parts
    )


def is_old(folder: str) -> bool:
    """Tell whether a folder calls itself an older copy, or the handout."""
    return any(_OLD.match(part) for part in folder.split("/"))


def original_names(basename: str) -> list[str]:
    """Return the names that a file may have had before it was handed in: its own first, the most
    stripped last.
    """
    names = [basename]
    if len(basename) > _LONGEST_RENAMED:
        return names
    name = (
        basename[: -len(".txt")]
        if basename.lower().endswith((".py.txt", ".ipynb.txt"))
        else basename
    )
    # as a browser saves it
    name = name[: -len(".json")] if name.lower().endswith(".ipynb.json") else name
    for _ in range(2):  # an LMS may rename what a cloud drive has renamed
        if prefix := _PREFIX.match(name):
            names.append(name)
            name = name[prefix.end() :]
    names.append(name)
    stem, dot, extension = name.rpartition(".")
    for _ in range(3):
        suffix = _SUFFIX_AT_END.search(stem)
        if not (dot and suffix and suffix.start()):
            break
        stem = stem[: suffix.start()]
        names.append(f"{stem}.{extension}")
    return list(dict.fromkeys(names))


def _escaped(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] != "C" and category not in ("Zl", "Zp") and character != "`":
        return character
    code = ord(character)
    return (
        f"\\x{code:02x}"
        if code < 0x100
        else f"\\u{code:04x}"
        if code < 0x10000
        else f"\\U{code:08x}"
    )
