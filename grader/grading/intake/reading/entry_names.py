"""Names inside a submission: which are refused, how they are shown, what they were originally.

A name is untrusted text. It is never used as a path on this machine; it is compared with the names
in the spec, and shown.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Collection, Sequence

from grader.model import REPORT_JSON

REPORT_HTML, JUNIT_XML = "report.html", "junit.xml"
# what a check writes for every submission
REPORTS = frozenset({REPORT_HTML, REPORT_JSON, JUNIT_XML})
EXECUTED = "notebooks"  # the folder beside them that holds the executed notebooks
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

# What an LMS or a cloud drive puts before the name: Canvas' lastfirst_LATE_userid_submissionid_,
# Moodle's Full Name_id_assignsubmission_file_, Blackboard's homework_user_attempt_date_, and
# 'Copy of ' of Google Drive and Colab.
_PREFIX = re.compile(
    r"""[^_]{1,100}_(?:late_)?\d{1,12}_\d{1,12}_
      | .{1,150}_\d{1,12}_assignsubmission_(?:file|onlinetext)_
      | .{1,150}_attempt_[\d-]{8,24}_
      | copy[ _+]of[ _+]
    """,
    re.IGNORECASE | re.VERBOSE,
)
# What a browser, a desktop or an LMS puts after the stem: 'layers (1).py', layers-1.py,
# layers_2.py, 'layers 2.py', and ' copy 2', ' - Copy', '-Copy1'.
_SUFFIX = re.compile(
    r"""[ _+-]{0,3}\(\d{1,3}\)
      | [ _+-]\d{1,3}
      | [ _+]?-?[ _+]?(?<=[ _+-])copy(?:\d{1,3}|[ _+]\d{1,3}|[ _+]\(\d{1,3}\))?
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SUFFIX_AT_END = re.compile(rf"(?:{_SUFFIX.pattern})\Z", _SUFFIX.flags)
_OLD = re.compile(
    r"(?:old|backup|bak|orig(?:inal)?|prev(?:ious)?|archived?|starter|template|handout)"
    r"(?![^\W\d_])",
    re.IGNORECASE,
)
# a longer name is not one of an assignment's, so the patterns need not be tried on it
_LONGEST_RENAMED = 400


def fold(name: str) -> str:
    """Return the name as a file system that ignores case and Unicode form would see it."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def folded_name(path: str) -> str:
    """Return the last component of a path, folded."""
    return fold(path.rpartition("/")[2])


def plain(name: str, limit: int = 100) -> str:
    """Return the name with control characters escaped, cut in its middle to the limit."""
    if len(name) > limit:
        name = name[: limit - limit // 3 - 1] + "…" + name[-(limit // 3) :]
    if name.isprintable() and "`" not in name:
        return name
    return "".join(map(_escaped, name))


def shown(name: str, limit: int = 120) -> str:
    """Return the name as a message quotes it."""
    return f"`{plain(name, limit)}`"


def listed(names: Sequence[str], limit: int = 5) -> str:
    """Return the first names, quoted, and how many more there are."""
    head = list(map(shown, names[:limit]))
    if len(names) > limit:
        head.append(f"{len(names) - limit} more")
    return head[0] if len(head) == 1 else ", ".join(head[:-1]) + " and " + head[-1]


def fault_of(name: str) -> str:
    """Return what is wrong with the name of an archive's entry, or an empty string."""
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
    """Return a name of unknown encoding that may hold a false backslash as it was written.

    The second byte of a two-byte letter of Japanese and Chinese systems may be 0x5C, a backslash.
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
    """Return whether the name holds a control character, such as a line break."""
    return not name.isprintable() and "Cc" in map(unicodedata.category, name)


def parts_of(name: str) -> list[str]:
    """Return the components of the name without empty ones and dots."""
    return [part for part in name.split("/") if part not in ("", ".")]


def is_litter(parts: Sequence[str], wanted: Collection[str] = ()) -> bool:
    """Return whether tools left this; a component that the spec itself names never is litter."""
    return any(map(_is_a_tools, set(parts).difference(wanted)))


def _is_a_tools(part: str) -> bool:
    return part in LITTER or part.startswith(("._", "Icon\r"))


def is_old(folder: str) -> bool:
    """Return whether a folder's name says that it is an older copy, or the handout."""
    return any(map(_OLD.match, folder.split("/")))


def original_names(basename: str) -> list[str]:
    """Return the names that a file may have had before it was renamed: its own name first."""
    names = [basename]
    if len(basename) > _LONGEST_RENAMED:
        return names
    name = basename
    if name.lower().endswith((".py.txt", ".ipynb.txt")):
        name = name[: -len(".txt")]
    if name.lower().endswith(".ipynb.json"):  # as a browser saves it
        name = name[: -len(".json")]
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
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
