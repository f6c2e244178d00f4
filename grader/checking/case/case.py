"""What belongs to the case at hand."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from grader.checking.api.changed_arguments import path_to
from grader.checking.case.call_log import CallLog
from grader.checking.case.callbacks import Callbacks
from grader.checking.run.remote import Remote

if TYPE_CHECKING:  # which imports this module
    from grader.checking.api.value import Value


class Case:
    """What belongs to the case at hand: the worker, the log of calls, and notes for the report."""

    def __init__(self, remote: Remote, log: CallLog) -> None:
        self.remote = remote
        self.log = log
        self.notes: list[str] = []
        # function and argument, where a call changed what it was given
        self.changed: list[tuple[str, str]] = []
        self._came: weakref.WeakValueDictionary[int, np.ndarray] = weakref.WeakValueDictionary()
        self._became: list[tuple[Any, Value]] = []  # what was given, and what a call made of it
        self.asked_after: list[Any] = []  # arguments of which the check asks what became of them
        self.printed = ""  # by the calls, imports left out
        self.files: dict[str, bytes] = {}  # that the check has laid down
        self.folder = ""  # of the check's own, which the box can't see
        self.callbacks = Callbacks(remote.limits.callbacks)
        # handle -> the call that returned it, and its place
        self.origins: dict[int, tuple[int, int | None]] = {}
        # the function that was called last, if it is still a stub that returns constants
        self.stub = ""

    def changed_to(self, argument: Any, value: Value) -> None:
        """Keep what a call made of an argument."""
        self._became = [pair for pair in self._became if pair[0] is not argument]
        self._became.append((argument, value))

    def came(self, values: list[Any]) -> None:
        """Note the arrays that came out of the box."""
        self._came.update({id(one): one for one in values if isinstance(one, np.ndarray)})

    def is_own(self, value: Any) -> bool:
        """Return whether a value is the check's own, not an array that a call has returned."""
        return self._came.get(id(value)) is not value

    def after(self, value: Any) -> Any:
        """Return what calls made of an argument, or of a part of one; a value that no call changed
        as it is.
        """
        for argument, held in reversed(self._became):
            path = path_to(value, argument)
            if path is not None:
                for key in path:
                    held = held[key]
                return held.brought()
        return value

    def was_given(self, value: Any) -> bool:
        """Return whether a value is an argument of a call of this case, or a part of one."""
        for call in self.log.calls:
            for argument in (*call.args, *call.kwargs.values()):
                if path_to(value, argument) is not None:
                    return True
        return False

    def note(self, text: str) -> None:
        """Keep a remark for the report, once."""
        if text not in self.notes:
            self.notes.append(text)
