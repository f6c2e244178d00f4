"""Who may enter: addresses with a token, and the cookie that is given for one.

Theory of operation. A secret of 32 random bytes lies in the desk's file, which its owner alone
may read. The token in a grader's address and the value of the cookie are codes (HMAC-SHA256) of
the grader's name under that secret, for two different purposes. So they survive a restart, and
nothing else need be kept. A new secret ends all of them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

from grader.classroom.marks.decisions import Journal
from grader.errors import UsageError

SECRET = "secret"  # noqa: S105 - the setting's name
GRADER_NAME = re.compile(r"[^\W_][\w .@+-]{0,59}")


class Keys:
    """The codes of the graders of one class."""

    def __init__(self, secret: bytes, graders: tuple[str, ...]) -> None:
        self._secret = secret
        self.graders = graders

    def token(self, grader: str) -> str:
        """Return the token of a grader's address."""
        return self._code("address", grader)

    def cookie(self, grader: str) -> str:
        """Return the value of a grader's cookie."""
        name = base64.urlsafe_b64encode(grader.encode()).decode().rstrip("=")
        return f"{name}.{self._code('cookie', grader)}"

    def of_token(self, token: str) -> str | None:
        """Return whose token this is, or None."""
        found = None
        for grader in self.graders:
            if hmac.compare_digest(self.token(grader).encode(), token.encode("utf-8", "replace")):
                found = grader
        return found

    def of_cookie(self, value: str) -> str | None:
        """Return whose cookie this is, or None."""
        found = None
        for grader in self.graders:
            if hmac.compare_digest(self.cookie(grader).encode(), value.encode("utf-8", "replace")):
                found = grader
        return found

    def _code(self, purpose: str, grader: str) -> str:
        whole = hmac.new(self._secret, f"{purpose}\0{grader}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(whole.digest()).decode().rstrip("=")


def keys_of(journal: Journal, graders: tuple[str, ...], *, anew: bool = False) -> Keys:
    """Return the keys of a class; ``anew`` draws a new secret, so that earlier addresses and
    cookies end.
    """
    for grader in graders:
        if not GRADER_NAME.fullmatch(grader):
            raise UsageError(
                f"{grader!r} can't be a grader's name: use letters, digits, spaces and . @ + -"
            )
    if len(set(graders)) != len(graders):
        raise UsageError(
            "two graders have the same name: each needs their own, to show who decided what"
        )
    secret = journal.setting(SECRET)
    if secret is None or anew:
        secret = secrets.token_bytes(32)
        journal.set(SECRET, secret)
    return Keys(secret, graders)
