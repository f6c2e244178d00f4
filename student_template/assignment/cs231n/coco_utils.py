"""Read the captioning data set, turn captions back into words, and draw minibatches.

The files are those of the exercise's MS-COCO data, or the small data set of drawn scenes in the same format:
`coco2014_captions.h5`, `coco2014_vocab.json`, `{train,val}2014_vgg16_fc7.h5`, `{train,val}2014_vgg16_fc7_pca.h5` and
`{train,val}2014_urls.txt`.
"""

import json
from pathlib import Path

import h5py
import numpy as np

BASE_DIR = "cs231n/datasets/coco_captioning"


def load_coco_data(base_dir=BASE_DIR, max_train=None, pca_features=True):
    """
    Load captions, features, vocabulary and picture addresses into memory.

    Inputs:
    - base_dir: folder of the data set. The default is looked for below the working directory first, and where it is
      not there beside this module.
    - max_train: keep only this many training captions, drawn at random (with repetition) through np.random. Features
      and addresses stay complete, so train_image_idxs still points into them.
    - pca_features: read the features reduced by PCA, which is quicker and takes less memory, not the full ones.

    Returns a dictionary with:
    - train_captions, val_captions: word ids of shape (M, T): <START>, words, <END>, then <NULL> up to the length T
    - train_image_idxs, val_image_idxs: for each caption the row of its picture in the features, shape (M,)
    - train_features, val_features: shape (N, D)
    - train_urls, val_urls: where to find each picture, shape (N,), strings
    - idx_to_word: list of words; word_to_idx: dictionary from word to id

    Raises FileNotFoundError, which names the missing file, and ValueError where files don't belong together.
    """
    folder = _data_folder(base_dir)
    data = {}
    with h5py.File(_existing(folder, "coco2014_captions.h5"), "r") as file:
        for name, values in file.items():
            data[name] = values[()]

    kind = "fc7_pca" if pca_features else "fc7"
    for split in ("train", "val"):
        with h5py.File(_existing(folder, f"{split}2014_vgg16_{kind}.h5"), "r") as file:
            data[f"{split}_features"] = file["features"][()]
        text = _existing(folder, f"{split}2014_urls.txt").read_text(encoding="utf-8")
        data[f"{split}_urls"] = np.asarray([line.strip() for line in text.splitlines()])
        _check_that_they_belong_together(data, split)

    with _existing(folder, "coco2014_vocab.json").open(encoding="utf-8") as file:
        vocabulary = json.load(file)
    data["idx_to_word"] = vocabulary["idx_to_word"]
    data["word_to_idx"] = vocabulary["word_to_idx"]

    if max_train is not None:
        num_train = data["train_captions"].shape[0]
        mask = np.random.randint(num_train, size=max_train)
        data["train_captions"] = data["train_captions"][mask]
        data["train_image_idxs"] = data["train_image_idxs"][mask]
    return data


def decode_captions(captions, idx_to_word):
    """
    Turn word ids into sentences.

    Inputs:
    - captions: ids of shape (T,) or (N, T)
    - idx_to_word: the word of each id

    Returns a string for shape (T,), a list of N strings for shape (N, T). Each sentence ends with its first <END>;
    <NULL> is left out.
    """
    captions = np.asarray(captions)
    if captions.ndim == 1:
        return _decode(captions, idx_to_word)
    if captions.ndim == 2:
        return [_decode(caption, idx_to_word) for caption in captions]
    raise ValueError(f"captions have the shape {captions.shape}; decode_captions takes (T,) or (N, T)")


def sample_coco_minibatch(data, batch_size=100, split="train"):
    """
    Draw captions at random (with repetition) through np.random, with the features and addresses of their pictures.

    Returns a tuple of:
    - captions: word ids of shape (batch_size, T)
    - features: shape (batch_size, D)
    - urls: shape (batch_size,)
    """
    if split not in ("train", "val"):
        raise ValueError(f"there is no split {split!r}; the data has 'train' and 'val'")
    split_size = data[f"{split}_captions"].shape[0]
    mask = np.random.choice(split_size, batch_size)
    image_idxs = data[f"{split}_image_idxs"][mask]
    return data[f"{split}_captions"][mask], data[f"{split}_features"][image_idxs], data[f"{split}_urls"][image_idxs]


def _data_folder(base_dir):
    folder = Path(base_dir)
    beside = Path(__file__).resolve().parent / "datasets" / "coco_captioning"
    return beside if str(base_dir) == BASE_DIR and not folder.is_dir() and beside.is_dir() else folder


def _existing(folder, name):
    path = folder / name
    if path.is_file():
        return path
    problem = f"the folder has no file {name}" if folder.is_dir() else "there is no such folder"
    raise FileNotFoundError(
        f"can't read the captioning data in {folder.resolve()}: {problem}. Start Python in the assignment's folder, "
        f"the one that holds cs231n/, or give load_coco_data(base_dir=...) the folder that holds {name}."
    )


def _check_that_they_belong_together(data, split):
    pictures = data[f"{split}_features"].shape[0]
    urls = len(data[f"{split}_urls"])
    last = int(data[f"{split}_image_idxs"].max(initial=0))
    if urls != pictures or last >= pictures:
        raise ValueError(
            f"the {split} files don't belong together: features of {pictures} pictures, {urls} addresses, and captions "
            f"of pictures up to index {last}"
        )


def _decode(caption, idx_to_word):
    words = []
    for index in caption:
        word = idx_to_word[int(index)]
        if word != "<NULL>":
            words.append(word)
        if word == "<END>":
            break
    return " ".join(words)
