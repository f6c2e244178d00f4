"""Takes in notebooks that were handed in as text: percent format (`.py`) and Markdown (`.md`).

A text is only looked for if the notebook of its name is missing. The text is untrusted: its length
is bounded, jupytext reads it without running anything, and the notebook that results is treated
like every submitted notebook.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

import msgspec

from grader.errors import SubmissionError
from grader.grading.intake.take import Taken, Wanted, take
from grader.notebooks.text_format import MOST_BYTES, notebook_of

FORMS = (".py", ".md")


def take_in(path: Path, wanted: Wanted) -> Taken:
    """Take in a submission as `take` does; a text may replace a notebook that is missing."""
    refused: SubmissionError | None = None
    taken: Taken | None = None
    try:
        taken = take(path, wanted)
        missing = [name for name in wanted.notebooks if name in taken.missing]
    except SubmissionError as error:
        refused, missing = error, [*wanted.notebooks]
    for form in FORMS:
        if not missing:
            break
        names = {name.removesuffix(".ipynb") + form: name for name in missing}
        with contextlib.suppress(SubmissionError):
            texts = take(path, _wanting(wanted, tuple(names)))
            taken = _with_texts(taken or texts, texts, names, wanted)
            missing = [name for name in missing if name not in taken.files]
    if taken is None or not taken.files:
        raise refused or SubmissionError("nothing was taken")
    return taken


def _wanting(wanted: Wanted, names: tuple[str, ...]) -> Wanted:
    """Return a wish for texts alone."""
    return msgspec.structs.replace(wanted, files=(), notebooks=names, drafts={})


def _with_texts(taken: Taken, texts: Taken, names: dict[str, str], wanted: Wanted) -> Taken:
    """Return what was taken, with notebooks made from the texts."""
    files = {path: data for path, data in taken.files.items() if path not in names}
    notes = list(taken.notes) if taken is not texts else []
    for text, name in names.items():
        data = texts.files.get(text, b"")
        made = notebook_of(data, text) if 0 < len(data) <= MOST_BYTES else None
        if made is not None and name not in files:
            files[name] = made
            notes.append(f"`{name}` was made of `{text}`, a notebook written as text.")
    digest = hashlib.sha256(taken.digest.encode() + texts.digest.encode()).hexdigest()
    return msgspec.structs.replace(
        taken,
        files=files,
        missing=tuple(wanted.lacking(files)),
        notes=tuple(notes),
        digest=digest,
    )
