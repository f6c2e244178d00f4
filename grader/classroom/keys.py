"""By what a result is known: digests of all that it comes from, and the shard that a student belongs to."""

from __future__ import annotations

import hashlib

import msgspec

from grader.assignment.spec import Assignment
from grader.grading.grade import load_expectations


def in_shard(student: str, shard: tuple[int, int]) -> bool:
    """Tell whether a student is of this shard: by the id alone, so that every host agrees without talking."""
    number, count = shard
    return int.from_bytes(hashlib.sha256(student.encode("utf-8", "replace")).digest()[:8]) % count == number - 1


def assignment_digest(assignment: Assignment) -> str:
    """Return the digest of all that a verdict comes from besides the submission; raise where expectations are stale."""
    load_expectations(assignment)
    digest = hashlib.sha256(assignment.digest.encode())
    for path in sorted((assignment.folder / "expectations").iterdir()):
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def digest_of(value: object) -> str:
    """Return a digest of plain data."""
    return hashlib.sha256(msgspec.json.encode(value)).hexdigest()
