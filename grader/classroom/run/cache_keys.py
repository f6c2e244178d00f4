"""By what a result is known: digests of all that it comes from, and the shard that a student
belongs to.
"""

from __future__ import annotations

import hashlib

import msgspec

from grader.assignment.spec import Assignment
from grader.grading.grade import load_expectations


def in_shard(student: str, shard: tuple[int, int]) -> bool:
    """Tell whether a student is of this shard: by the id alone, so that every host agrees without
    talking.
    """
    number, count = shard
    return (
        int.from_bytes(hashlib.sha256(student.encode("utf-8", "replace")).digest()[:8]) % count
        == number - 1
    )


def assignment_digest(assignment: Assignment, verified: str = "") -> str:
    """Return the digest of all that a verdict comes from besides the submission; raise where
    expectations are stale.

    verified: such a digest, whose expectations need not be read to know that they are up to date
    """
    digest = hashlib.sha256(assignment.digest.encode())
    folder = assignment.folder / "expectations"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    if digest.hexdigest() != verified:
        load_expectations(assignment)
    return digest.hexdigest()


def digest_of(value: object) -> str:
    """Return a digest of plain data."""
    return hashlib.sha256(msgspec.json.encode(value)).hexdigest()
