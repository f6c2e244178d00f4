"""What a box tells of an exception or of itself, turned into ours: it may be false, but can do no
harm.

Everything that a box sends is taken only if it has the form that is expected, and up to a bound.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from grader.checking.explain.exception_hints import Account, hint
from grader.errors import NotImplementedYet, StudentException, SubmissionFailed, WrongReturn
from grader.sandbox.wire import MANY, MAX_BYTES, MAX_NODES
from grader.text import clean, without_numbers

MAX_FRAMES = 12
_SHAPE = re.compile(r"an array of shape \((?:\d+(?:, \d+)*,?)?\), [<>]?[A-Za-z]+\d*")


@dataclass(frozen=True)
class BoxAccounts:
    """The accounts of one box.

    hide_numbers: of messages, if the inputs are hidden ones
    """

    hide_numbers: bool

    def failure(self, what: str, told: Any) -> SubmissionFailed:
        """Turn the box's account of an exception into ours; it may be false, but can do no harm."""
        error = told if isinstance(told, dict) else {}
        kinds = error.get("kinds")
        if isinstance(kinds, list) and "NotImplementedError" in kinds:
            return NotImplementedYet(self._stub(what.strip("`"), error.get("frames")))
        kind = self.told(error.get("type"), 80) or "an exception"
        if kind == "MoreThanExpected":
            # its own, which any comparison would tell too
            shape = _SHAPE.fullmatch(told_text(error.get("message"), 300))
            return WrongReturn(far_more(what, shape[0] if shape else MANY))
        if kind == "TooLarge":
            return WrongReturn(
                f"{what} returned more than fits: at most {MAX_BYTES >> 20} MB of arrays and"
                f" {MAX_NODES} values"
            )
        return self._exception(what, kind, error)

    def _exception(self, what: str, kind: str, error: dict[str, Any]) -> StudentException:
        """Return an exception of the student's, from the box's account of it."""
        frames = [one for one in listed(error.get("frames"))[-MAX_FRAMES:] if isinstance(one, dict)]
        places = tuple(map(self._place, frames))
        text = self.told(error.get("message"), 500)
        trace = "\n".join([*map(self._line, frames), f"{kind}: {text}" if text else kind])
        where = f" ({places[-1][0]}, line {places[-1][1]})" if places else ""
        if kind == "SystemExit":
            return StudentException(
                f"{what} tried to end the program (sys.exit){where}", trace, places
            )
        account = self._account(error)
        message = f"{what} raised {kind}{f': {text}' if text else ''}{where}"
        return StudentException(message, trace, places, account.kinds, hint(account))

    def _account(self, error: dict[str, Any]) -> Account:
        """Return the box's account of an exception, fit to be shown."""
        kind = self.told(error.get("type"), 80) or "an exception"
        types = tuple(self.told(one, 80) for one in listed(error.get("kinds"), MAX_FRAMES))
        last = (listed(error.get("frames")) or [None])[-1]
        return Account(
            types or (kind,),
            self.told(error.get("message"), 500),
            self.told(last.get("text"), 300) if isinstance(last, dict) else "",
            self.told(error.get("missing"), 100),
            self.told(error.get("near"), 100),
        )

    def passed_over(self, told: Any) -> tuple[tuple[str, int], str] | None:
        """Return the place of a part of a file that can't be read, or that raised when it was
        loaded, and a sentence on it.
        """
        if not isinstance(told, dict):
            return None
        error = told.get("error")
        error = error if isinstance(error, dict) else {}
        account = self._account(error)
        raised = f"{account.kinds[0]}: {account.message}" if account.message else account.kinds[0]
        text = self.told(told.get("text"), 80).replace("`", "")
        name, instead = self.told(told.get("name"), 80), self.told(told.get("instead"), 80)
        rest = "the rest of the file was used"
        if re.fullmatch(r"[\w.]+", name):
            said = f"Python can't read `{name}` ({raised}). It fails for that, and {rest}."
        elif text and re.fullmatch(r"[\w.]+", instead):
            said = f"`{text}` finds no module. `{instead}` was taken instead."
        elif text and error.get("interrupted") is True:
            said = f"`{text}` did not end in the time of an import. It was passed over, and {rest}."
        elif text and account.kinds[0] == "EndedProcess":
            said = f"`{text}` ended the process. It was passed over, and {rest}."
        elif text:
            said = f"`{text}` raised {raised}. It was passed over, and {rest}. {hint(account)}"
        else:
            said = f"Python can't read this ({raised}). It was passed over, and {rest}."
            said = f"{said} {hint(account)}"
        file, line, _ = self._place(told)
        return (file, line), f"{file}, line {line}: {said.rstrip()}"

    def _line(self, frame: dict[str, Any]) -> str:
        """Return a frame as a line of a traceback."""
        file, line, function = self._place(frame)
        if not function:
            return f"{file}, line {line}"
        return f"{file}, line {line}, in {function}\n    {self.told(frame.get('text'), 300)}"

    def _stub(self, called: str, frames: Any) -> str:
        """Return the function that is not implemented: the one that was called, or one that it
        called.
        """
        last = frames[-1] if isinstance(frames, list) and frames else None
        name = self._place(last)[2] if isinstance(last, dict) else ""
        return name if name.isidentifier() and name != called.rpartition(".")[2] else called

    def _place(self, frame: dict[str, Any]) -> tuple[str, int, str]:
        """Return a frame's file, line and function; a name that no file or function has is not
        told.
        """
        line = frame.get("line")
        file, function = self.told(frame.get("file"), 200), self.told(frame.get("name"), 100)
        return (
            file if re.fullmatch(r"[\w./ ()-]+", file) else "?",
            line if isinstance(line, int) and 0 <= line < 1 << 31 else 0,
            function if re.fullmatch(r"[\w.<>]+", function) else "",
        )

    def told(self, told: Any, limit: int) -> str:
        """Return text of the far end, fit to be shown; without its numbers, where they could be
        hidden inputs.
        """
        text = told_text(told, limit)
        return without_numbers(text) if self.hide_numbers else text


def far_more(what: str, told: str) -> str:
    """Say that a value is far larger than the right one: its shape is wrong, and it stays in the
    box.
    """
    return (
        f"{what} returned far more than is expected: {told}. Look at the shape of what it returns"
    )


def listed(value: Any, most: int | None = None) -> list[Any]:
    """Return the first items of a list that a box has sent; of anything else none."""
    return value[:most] if isinstance(value, list) else []


def told_text(value: Any, limit: int) -> str:
    """Return a text that a box has sent, cleaned and cut; of anything else nothing: the text of a
    nested value may be endless.
    """
    return clean(value, limit) if isinstance(value, str) else ""


def texts(value: Any) -> list[str]:
    """Return the texts of a list that a box has sent; of anything else none."""
    return [one for one in listed(value) if isinstance(one, str)]
