"""Equal answers in one group, and groups in an order in which similar ones stand next to each
other.
Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

WIDTH = 256  # buckets that words are counted in
COMPARED = 2_000  # characters of an answer that its place depends on
MOST_ORDERED = 4_000  # groups; more of them stand in the order of their texts


def folded(text: str) -> str:
    """Return a text by which equal answers are known: spaces, case and forms of the same letter
    aside.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(plain.split())


def group_key(text: str, pictures: Iterable[str] = ()) -> str:
    """Return the key of an answer's group: the same for equal texts with the same pictures."""
    whole = hashlib.sha256(folded(text).encode("utf-8", "replace"))
    for picture in pictures:
        whole.update(b"\0" + hashlib.sha256(picture.encode("utf-8", "replace")).digest())
    return whole.hexdigest()[:16]


def order(texts: Sequence[str], sizes: Sequence[int]) -> list[int]:
    """Return the indices of texts so that each is followed by the most similar one that is left.

    It begins with the text that most students wrote.
    """
    count = len(texts)
    if count > MOST_ORDERED:
        return sorted(range(count), key=lambda index: folded(texts[index][:COMPARED]))
    if count < 3:
        return sorted(range(count), key=lambda index: -sizes[index])
    vectors = _vectors(texts)
    at = max(range(count), key=lambda index: (sizes[index], -index))
    left = np.ones(count, dtype=bool)
    found = [at]
    left[at] = False
    while len(found) < count:
        likeness = np.where(left, vectors @ vectors[at], -1.0)
        at = int(np.argmax(likeness))
        left[at] = False
        found.append(at)
    return found


def _vectors(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return a unit vector for each text, by how often its words occur: (texts, WIDTH)."""
    vectors = np.zeros((len(texts), WIDTH), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in re.findall(r"\w+", folded(text[:COMPARED])):
            bucket = int.from_bytes(
                hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=2).digest()
            )
            vectors[row, bucket % WIDTH] += 1.0
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: npt.NDArray[np.float32] = vectors / np.maximum(lengths, 1e-6)
    return unit
