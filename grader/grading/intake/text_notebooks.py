"""Takes in notebooks that were handed in as text: percent format and scripts (`.py`), Markdown
(`.md`).

A text is only looked for if the notebook of its name is missing. The text is untrusted: its length
is bounded, it is read without running anything, and the notebook that results is treated like every
submitted notebook.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

import msgspec

from grader.errors import SubmissionError, SubmissionTooLarge
from grader.grading.intake.candidates import TemplateFile
from grader.grading.intake.mended_files import mended
from grader.grading.intake.submitted_files import Wanted
from grader.grading.intake.take import Taken, take
from grader.notebooks.definitions import definitions
from grader.notebooks.encodings import decoded
from grader.notebooks.text_format import (
    MOST_BYTES,
    has_marks,
    notebook_of,
    script_notebook,
)

FORMS = (".py", ".md")


def take_in(path: Path, wanted: Wanted) -> Taken:
    """Take in a submission as `take` does; a text may replace a notebook that is missing, and files
    that were saved oddly come out as others read them.
    """
    return mended(_with_text_notebooks(path, wanted), wanted)


def _with_text_notebooks(path: Path, wanted: Wanted) -> Taken:
    refused: SubmissionError | None = None
    taken: Taken | None = None
    try:
        taken = take(path, wanted)
        missing = [name for name in wanted.notebooks if name in taken.missing]
    except SubmissionTooLarge:
        raise
    except SubmissionError as error:
        refused, missing = error, [*wanted.notebooks]
    for form in FORMS:
        if not missing:
            break
        names = {name.removesuffix(".ipynb") + form: name for name in missing}
        with contextlib.suppress(SubmissionError):
            texts = take(path, _wanting(wanted, names))
            taken = _with_texts(taken or texts, texts, names, wanted)
            missing = [name for name in missing if name not in taken.files]
    if taken is None or not taken.files:
        raise refused or SubmissionError("nothing was taken")
    return taken


def _wanting(wanted: Wanted, names: dict[str, str]) -> Wanted:
    """Return a wish for texts alone; the modules of the spec are none of them."""
    drafts: dict[str, TemplateFile] = {}
    for text, name in names.items():
        if name in wanted.drafts:
            drafts[text] = wanted.drafts[name]
    return msgspec.structs.replace(
        wanted,
        files=(),
        notebooks=tuple(names),
        drafts=drafts,
        provided=wanted.provided.union(wanted.files),
    )


def _with_texts(taken: Taken, texts: Taken, names: dict[str, str], wanted: Wanted) -> Taken:
    """Return what was taken, with notebooks made from the texts."""
    files = {path: data for path, data in taken.files.items() if path not in names}
    notes, look = (list(taken.notes), list(taken.look)) if taken is not texts else ([], [])
    for text, name in names.items():
        data = texts.files.get(text, b"")
        made, in_marks = _made_of(data, text, wanted.drafts.get(name, TemplateFile()))
        if made is None or name in files:
            continue
        files[name] = made
        notes.append(f"`{name}` was made of `{text}`, a notebook written as text.")
        if not in_marks:
            look.append(f"`{name}` was made of `{text}`, a script: what is a cell in it is a guess")
    digest = hashlib.sha256(taken.digest.encode() + texts.digest.encode()).hexdigest()
    return msgspec.structs.replace(
        taken,
        files=files,
        missing=tuple(wanted.lacking(files)),
        notes=tuple(notes),
        look=tuple(look),
        digest=digest,
    )


def _made_of(data: bytes, name: str, draft: TemplateFile) -> tuple[bytes | None, bool]:
    """Return the notebook that a text stands for, and whether there are marks between its cells; a
    script without marks must define what the notebook asks for.
    """
    if not 0 < len(data) <= MOST_BYTES:
        return None, False
    text = decoded(data)[0]
    made = notebook_of(text.encode("utf-8", "replace"), name)
    marks = made is not None or has_marks(text)
    if made is None and name.endswith(".py") and (marks or definitions(text) & draft.names):
        made = script_notebook(text)
    return made, marks
