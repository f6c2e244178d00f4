"""Make the small captioning data set that stands beside this file, in the format of the exercise's MS-COCO files.

    python make_scenes.py            write coco_captioning/ anew
    python make_scenes.py --check    write nothing; fail where the data set is not what this program makes

What it makes, for a split `train` (680 pictures) and a split `val` (120), of which no two share what they show:

    coco2014_captions.h5         {split}_captions (M, 17) int32: <START>, words, <END>, then <NULL>; five per picture
                                 {split}_image_idxs (M,) int32: the row of each caption's picture
    coco2014_vocab.json          idx_to_word, word_to_idx; 0 to 3 are <NULL>, <START>, <END>, <UNK> (which never occurs)
    {split}2014_vgg16_fc7.h5     features (N, 1024) float32, of no VGG-16 but as features.py says; loaders know the name
    {split}2014_vgg16_fc7_pca.h5 features (N, 256) float32, the same reduced by a PCA of the training pictures
    {split}2014_images.txt       the pictures' file names, a line each
    {split}2014_urls.txt         where to find them: here, names in images.zip
    images.zip                   the pictures, 96 x 96 PNG: images/{split}_0001.png and so on, stored as they are

Run twice with the same libraries it writes the same bytes. Across machines less can be promised: another zlib packs
the same pixels into other bytes, another HDF5 may lay out its file otherwise, and another LAPACK may push a PCA feature
over the border between two steps of rounding. So `--check` compares what the files say: text to the byte, captions,
indices, pixels and fc7 features exactly, PCA features within two steps of 1/1024. With `--exact` it compares bytes.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
from features import STEP, Pca, fc7, measure
from numpy.typing import NDArray
from PIL import Image
from scenes import MOST_WORDS, Scene, describe, draw, make_scenes

HOME = Path(__file__).resolve().parent / "coco_captioning"
SINGLES, PAIRS = 260, 540  # scenes with one thing and with two
VAL = 120  # of them are kept for the split `val`
SEED, WEIGHT_SEED = 2016, 2014
SPECIAL = ("<NULL>", "<START>", "<END>", "<UNK>")
CAPTION_LENGTH = MOST_WORDS + 2
PICTURES = "images.zip"
ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the same in every run


def write_data_set(folder: Path) -> None:
    """Write all files of the data set into a folder, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.RandomState(SEED)
    scenes = make_scenes(SINGLES, PAIRS, random)
    sentences = [describe(scene, random) for scene in scenes]
    vocabulary = [*SPECIAL, *sorted({word for several in sentences for one in several for word in one.split()})]
    word_to_idx = {word: index for index, word in enumerate(vocabulary)}
    _write_json(folder / "coco2014_vocab.json", {"idx_to_word": vocabulary, "word_to_idx": word_to_idx})

    splits = {"train": slice(0, len(scenes) - VAL), "val": slice(len(scenes) - VAL, None)}
    arrays = {}
    for split, part in splits.items():
        arrays[f"{split}_captions"], arrays[f"{split}_image_idxs"] = _encode(sentences[part], word_to_idx)
    _write_arrays(folder / "coco2014_captions.h5", arrays)

    measures = {}
    with zipfile.ZipFile(folder / PICTURES, "w") as archive:
        for split, part in splits.items():
            names = _list_pictures(folder, split, len(scenes[part]))
            measures[split] = _draw_and_measure(archive, names, scenes[part])
    features = {split: fc7(measures[split], np.random.RandomState(WEIGHT_SEED)) for split in splits}
    pca = Pca.fit(features["train"])
    for split in splits:
        _write_arrays(folder / f"{split}2014_vgg16_fc7.h5", {"features": features[split]})
        _write_arrays(folder / f"{split}2014_vgg16_fc7_pca.h5", {"features": pca.apply(features[split])})


def _encode(sentences: list[list[str]], word_to_idx: dict[str, int]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Turn each picture's sentences into captions (M, CAPTION_LENGTH) and the row of each one's picture (M,)."""
    rows, pictures = [], []
    for picture, several in enumerate(sentences):
        for sentence in several:
            words = ["<START>", *sentence.split(), "<END>"]
            words += ["<NULL>"] * (CAPTION_LENGTH - len(words))
            rows.append([word_to_idx[word] for word in words])
            pictures.append(picture)
    return np.array(rows, dtype=np.int32), np.array(pictures, dtype=np.int32)


def _list_pictures(folder: Path, split: str, count: int) -> list[str]:
    """Write the lists of a split's pictures, and return their names."""
    names = [f"{split}_{number:04d}.png" for number in range(1, count + 1)]
    _write_text(folder / f"{split}2014_images.txt", "".join(f"{name}\n" for name in names))
    _write_text(folder / f"{split}2014_urls.txt", "".join(f"images/{name}\n" for name in names))
    return names


def _draw_and_measure(archive: zipfile.ZipFile, names: list[str], scenes: list[Scene]) -> NDArray[np.int64]:
    """Draw pictures into an archive, and return their measures (N, M)."""
    measures = []
    for name, scene in zip(names, scenes, strict=True):
        picture = draw(scene)
        buffer = io.BytesIO()
        picture.save(buffer, format="PNG", optimize=True)
        entry = zipfile.ZipInfo(f"images/{name}", ZIP_DATE)
        entry.create_system = 3  # as on POSIX, on Windows too
        entry.external_attr = 0o100644 << 16
        archive.writestr(entry, buffer.getvalue())
        measures.append(measure(np.asarray(picture)))
    return np.stack(measures)


def _write_text(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8"))  # in bytes, so that Windows writes the same


def _write_json(path: Path, value: object) -> None:
    _write_text(path, json.dumps(value, indent=1) + "\n")


def _write_arrays(path: Path, arrays: dict[str, NDArray[np.generic]]) -> None:
    with h5py.File(path, "w", track_order=False) as file:
        for name, array in arrays.items():
            file.create_dataset(
                name,
                data=array,
                compression="gzip",
                compression_opts=9,
                shuffle=True,
                chunks=array.shape,
                track_times=False,
            )


# --- --check ---------------------------------------------------------------------------------------------------------


def differences(here: Path, there: Path, *, exact: bool) -> list[str]:
    """Say, a line per file, where folder `there` differs from `here`."""
    ours, theirs = _files(here), _files(there)
    found = [f"{name}: missing" for name in sorted(theirs - ours)]
    found += [f"{name}: this program does not make it" for name in sorted(ours - theirs)]
    for name in sorted(ours & theirs):
        if (here / name).read_bytes() != (there / name).read_bytes():
            reason = "other bytes" if exact else _other_content(here / name, there / name)
            found += [f"{name}: {reason}"] if reason else []
    return found


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def _other_content(one: Path, two: Path) -> str | None:
    if one.suffix == ".h5":
        return _other_arrays(one, two)
    if one.suffix == ".zip":
        return _other_pictures(one, two)
    return "other text"


def _other_pictures(one: Path, two: Path) -> str | None:
    with zipfile.ZipFile(one) as ours, zipfile.ZipFile(two) as theirs:
        if ours.namelist() != theirs.namelist():
            return "holds other names"
        for name in ours.namelist():
            if not np.array_equal(_pixels(ours, name), _pixels(theirs, name)):
                return f"{name} has other pixels"
    return None


def _pixels(archive: zipfile.ZipFile, name: str) -> NDArray[np.uint8]:
    with archive.open(name) as file, Image.open(file) as picture:
        return np.asarray(picture)


def _other_arrays(one: Path, two: Path) -> str | None:
    with h5py.File(one) as ours, h5py.File(two) as theirs:
        if set(ours) != set(theirs):
            return f"holds {', '.join(ours)}, not {', '.join(theirs)}"
        tolerance = 2 / STEP if one.stem.endswith("_pca") else 0
        for name in ours:
            a, b = ours[name][()], theirs[name][()]
            if a.shape != b.shape or a.dtype != b.dtype:
                return f"{name} is {a.dtype} {a.shape}, not {b.dtype} {b.shape}"
            if not np.allclose(a, b, rtol=0, atol=tolerance):
                return f"{name} holds other numbers"
    return None


def main(arguments: list[str] | None = None) -> int:
    """Write the data set, or check it; return the exit code."""
    parser = argparse.ArgumentParser(description="Make the small captioning data set.")
    parser.add_argument("--out", type=Path, default=HOME, help="the data set's folder (default: beside this program)")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the folder's content differs")
    parser.add_argument("--exact", action="store_true", help="with --check: fail where a byte differs")
    options = parser.parse_args(arguments)
    if not options.check:
        write_data_set(options.out)
        return 0
    with tempfile.TemporaryDirectory() as fresh:
        write_data_set(Path(fresh))
        found = differences(options.out, Path(fresh), exact=options.exact)
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
