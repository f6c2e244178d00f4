"""The data set can be learned from: a model trained on it says what unseen pictures show.

The reference LSTM is trained for some five seconds on one core. Then it captions the val pictures twice: given their own
features, and given those of other pictures, which is what a model that ignores the picture amounts to.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

TRAIN_AND_CAPTION = """
    import json
    import numpy as np
    from cs231n.captioning_solver import CaptioningSolver
    from cs231n.classifiers.rnn import CaptioningRNN
    from cs231n.coco_utils import decode_captions, load_coco_data

    np.random.seed(231)
    data = load_coco_data()
    words = data["idx_to_word"]
    features = data["val_features"]
    model = CaptioningRNN(
        data["word_to_idx"], input_dim=features.shape[1], wordvec_dim=64, hidden_dim=128, cell_type="lstm"
    )
    optim_config = {"learning_rate": 5e-3}
    CaptioningSolver(
        model, data, update_rule="adam", optim_config=optim_config, num_epochs=8, batch_size=50, lr_decay=0.75,
        verbose=False,
    ).train()

    def captions(features):
        return [caption.removesuffix("<END>").split() for caption in decode_captions(model.sample(features, 17), words)]

    said_of = [[] for _ in features]
    for caption, picture in zip(data["val_captions"], data["val_image_idxs"]):
        said_of[picture].append(decode_captions(caption[1:], words).removesuffix("<END>").split())
    shift = len(features) // 2
    print(json.dumps({
        "people": said_of,
        "model": captions(features),
        "blind": captions(np.roll(features, shift, axis=0)),
    }))
"""
COLOURS = {"red", "orange", "yellow", "green", "blue", "purple", "pink"}
SHAPES = {"circle", "square", "triangle", "star", "diamond", "cross"}

Captions = list[list[str]]


@pytest.fixture(scope="module")
def captioned(run_course: Callable[..., str]) -> dict[str, list]:
    return json.loads(run_course(TRAIN_AND_CAPTION))


def test_captions_of_unseen_pictures_name_their_colours_and_shapes(captioned):
    for names in (COLOURS, SHAPES):
        assert share_true(captioned["model"], captioned["people"], names) > 0.8
        assert share_true(captioned["blind"], captioned["people"], names) < 0.35


def test_captions_of_unseen_pictures_give_each_shape_its_own_colour(captioned):
    def paired(captions: Captions) -> set[tuple[int, str, str]]:
        found = ((i, *pair) for i, caption in enumerate(captions) for pair in grams(caption, 2))
        return {gram for gram in found if gram[1] in COLOURS and gram[2] in SHAPES}

    true = paired([[word for caption in several for word in caption] for several in captioned["people"]])
    for who, low, high in (("model", 0.7, 1.0), ("blind", 0.0, 0.2)):
        said = paired(captioned[who])
        assert low <= len(said & true) / len(said) <= high


def test_captions_of_unseen_pictures_read_like_those_of_people(captioned):
    own, others = (bleu(captioned[who], captioned["people"]) for who in ("model", "blind"))
    assert own > 0.7
    assert others < own - 0.2


def test_captions_of_unseen_pictures_differ(captioned):
    assert len({" ".join(caption) for caption in captioned["model"]}) > 0.8 * len(captioned["model"])


def share_true(captions: Captions, people: list[Captions], names: set[str]) -> float:
    """The share of captions that use some of these names, and none that nobody uses of the same picture."""
    good = 0
    for caption, references in zip(captions, people, strict=True):
        used = named(caption, names)
        good += bool(used) and used <= named([word for reference in references for word in reference], names)
    return good / len(captions)


def named(caption: list[str], names: set[str]) -> set[str]:
    return {word for name in names for word in (name,) if {name, f"{name}s", f"{name}es"} & set(caption)}


def bleu(captions: Captions, people: list[Captions]) -> float:
    """The geometric mean of the precision of words and of pairs of words, over all captions (no brevity penalty)."""
    product = 1.0
    for size in (1, 2):
        hits = total = 0
        for caption, references in zip(captions, people, strict=True):
            for gram in set(grams(caption, size)):
                count = grams(caption, size).count(gram)
                hits += min(count, max(grams(reference, size).count(gram) for reference in references))
                total += count
        product *= hits / total
    return product**0.5


def grams(words: list[str], size: int) -> list[tuple[str, ...]]:
    return list(zip(*(words[start:] for start in range(size)), strict=False))
