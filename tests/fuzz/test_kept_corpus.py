"""The fuzzers' kept corpus, through the fuzzers' own targets: whatever the bytes, only our own
errors come out.
"""

from __future__ import annotations

from collections import Counter

import pytest
from fuzz_targets import TARGETS
from kept import corpus


@pytest.mark.parametrize("target", TARGETS)
def test_the_kept_corpus_raises_our_own_errors_alone(target: str) -> None:
    told: Counter[str] = Counter()
    for name, data in corpus()[target].items():
        try:
            told[TARGETS[target](data)] += 1
        except Exception as error:
            error.add_note(f"found with {target}/{name}")
            raise
    assert len(told) > 1, f"the corpus of {target} comes to one end alone: {told}"
