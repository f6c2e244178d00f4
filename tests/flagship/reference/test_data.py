"""The small data set: in the format of the exercise's files, true to its pictures, the same each time it is made."""

from __future__ import annotations

import functools
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

DATA = Path(__file__).resolve().parents[3] / "assignment" / "data"
COCO = DATA / "coco_captioning"
PICTURES = {"train": 680, "val": 120}
COLOURS = {"red": 0, "orange": 28, "yellow": 53, "green": 131, "blue": 221, "purple": 275, "pink": 334}  # hue, degrees


@pytest.fixture(scope="module")
def captions() -> dict[str, list[list[list[str]]]]:
    """The words of every caption of every picture, by split."""
    words = vocabulary()["idx_to_word"]
    said = {split: [[] for _ in range(count)] for split, count in PICTURES.items()}
    with h5py.File(COCO / "coco2014_captions.h5") as file:
        for split, of_picture in said.items():
            for row, picture in zip(file[f"{split}_captions"][()], file[f"{split}_image_idxs"][()], strict=True):
                of_picture[picture].append([words[index] for index in row if index > 2])
    return said


def vocabulary() -> dict:
    return json.loads((COCO / "coco2014_vocab.json").read_text(encoding="utf-8"))


def make_scenes(*arguments: str | Path, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    return run_beside_program("import sys, make_scenes; sys.exit(make_scenes.main())", *arguments, hash_seed=hash_seed)


def run_beside_program(source: str, *arguments: str | Path, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(DATA), "PYTHONHASHSEED": hash_seed, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-W", "error", "-c", source, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


DIFFERENCES = """
import sys
from pathlib import Path
from make_scenes import differences
print(*differences(Path(sys.argv[1]), Path(sys.argv[2]), exact=False), sep="\\n")
"""


class TestFormat:
    def test_all_files_are_there_and_small(self):
        files = [path for path in COCO.rglob("*") if path.is_file()]
        assert len(files) == 11
        assert sum(path.stat().st_size for path in files) < 3_000_000

    @pytest.mark.parametrize("split", PICTURES)
    def test_captions_start_end_and_are_padded(self, split):
        with h5py.File(COCO / "coco2014_captions.h5") as file:
            rows, pictures = file[f"{split}_captions"][()], file[f"{split}_image_idxs"][()]
        assert rows.dtype == pictures.dtype == np.int32
        assert rows.shape == (5 * PICTURES[split], 17)
        assert pictures.shape == (len(rows),)
        assert (np.bincount(pictures) == 5).all()
        assert (rows[:, 0] == 1).all()
        assert ((rows == 1).sum(axis=1) == 1).all()
        assert ((rows == 2).sum(axis=1) == 1).all()
        ends = (rows == 2).argmax(axis=1)
        assert ((rows == 0) == (np.arange(17) > ends[:, None])).all()
        assert (rows != 3).all()

    def test_vocabulary_is_small_and_its_two_halves_agree(self):
        words, indices = vocabulary()["idx_to_word"], vocabulary()["word_to_idx"]
        assert words[:4] == ["<NULL>", "<START>", "<END>", "<UNK>"]
        assert len(words) < 80
        assert indices == {word: index for index, word in enumerate(words)}

    @pytest.mark.parametrize("split", PICTURES)
    @pytest.mark.parametrize(("kind", "size"), [("fc7", 1024), ("fc7_pca", 256)])
    def test_features_are_finite_floats(self, split, kind, size):
        with h5py.File(COCO / f"{split}2014_vgg16_{kind}.h5") as file:
            assert list(file) == ["features"]
            features = file["features"][()]
        assert features.dtype == np.float32
        assert features.shape == (PICTURES[split], size)
        assert np.isfinite(features).all()
        assert (features.std(axis=0) > 0).any()
        assert np.array_equal(features * 1024, np.round(features * 1024))

    @pytest.mark.parametrize("split", PICTURES)
    def test_each_picture_is_listed_and_holds_pixels_alone(self, split):
        names = (COCO / f"{split}2014_images.txt").read_text(encoding="utf-8").splitlines()
        urls = (COCO / f"{split}2014_urls.txt").read_text(encoding="utf-8").splitlines()
        assert urls == [f"images/{name}" for name in names]
        assert len(set(names)) == PICTURES[split]
        with zipfile.ZipFile(COCO / "images.zip") as archive:
            assert set(urls) == {name for name in archive.namelist() if name.startswith(f"images/{split}_")}
            assert len(archive.namelist()) == sum(PICTURES.values())
            for url in urls:
                with archive.open(url) as file, Image.open(file) as picture:
                    assert (picture.mode, picture.size, picture.info) == ("RGB", (96, 96), {})


class TestCaptions:
    @pytest.mark.parametrize("split", PICTURES)
    def test_those_of_one_picture_differ(self, captions, split):
        for several in captions[split]:
            assert len({" ".join(words) for words in several}) == 5

    def test_val_uses_no_word_that_train_does_not_teach(self, captions):
        train, val = ({word for several in captions[s] for words in several for word in words} for s in PICTURES)
        assert val <= train
        assert set(vocabulary()["idx_to_word"][4:]) == train

    def test_articles_are_right(self, captions):
        for several in [*captions["train"], *captions["val"]]:
            for words in several:
                for article, next_word in pairwise(words):
                    if article in ("a", "an"):
                        assert (article == "an") == (next_word[0] in "aeiou"), " ".join(words)

    def test_no_val_scene_shows_what_a_train_scene_shows(self):
        source = """
import numpy as np
from make_scenes import PAIRS, SEED, SINGLES, VAL
from scenes import make_scenes
scenes = make_scenes(SINGLES, PAIRS, np.random.RandomState(SEED))
seen = {scene.combination for scene in scenes[:-VAL]}
print(len(scenes), len(seen), sum(scene.combination in seen for scene in scenes[-VAL:]))
"""
        assert run_beside_program(source).stdout.split() == ["800", "680", "0"]

    @pytest.mark.parametrize("split", PICTURES)
    def test_colours_named_are_those_of_the_picture(self, captions, split):
        for number, several in enumerate(captions[split]):
            shown = set(things_shown(split, number))
            for words in several:
                assert set(words) & set(COLOURS) <= shown, " ".join(words)
            assert shown == {word for words in several for word in words} & set(COLOURS)

    @pytest.mark.parametrize("split", PICTURES)
    def test_things_stand_as_the_captions_say(self, captions, split):
        judged = 0
        for number, several in enumerate(captions[split]):
            where = things_shown(split, number)
            if len(where) < 2:
                continue  # one thing, or two of one colour, which hues can't tell apart
            for words in several:
                named = [word for word in words if word in COLOURS]
                if len(named) < 2:
                    continue  # 'two crosses side by side'
                first, second = named
                (x1, y1), (x2, y2) = where[first], where[second]
                said = " ".join(words)
                if "left" in words or "right" in words:
                    assert x1 < x2 - 20, said
                elif set(words) & {"above", "over", "below", "under"}:
                    assert y1 < y2 - 20, said
                else:
                    continue
                judged += 1
        assert judged > PICTURES[split]

    @pytest.mark.parametrize("split", PICTURES)
    def test_a_single_thing_stands_where_the_captions_say(self, captions, split):
        judged = 0
        for number, several in enumerate(captions[split]):
            said = [set(words) for words in several]
            if not any("single" in words for words in said):
                continue
            ((x, y),) = things_shown(split, number).values()
            for words in said:
                places = {"left": x < 36, "right": x > 60, "top": y < 36, "bottom": y > 60}
                places["middle"] = places["centre"] = 36 < x < 60 and 36 < y < 60
                assert all(places[word] for word in words & set(places)), words
                judged += bool(words & set(places))
        assert judged > PICTURES[split] / 3


@functools.cache
def pictures() -> zipfile.ZipFile:
    """The archive of all pictures, in memory: to list what is in it takes longer than to read one."""
    return zipfile.ZipFile(io.BytesIO((COCO / "images.zip").read_bytes()))


@functools.cache
def things_shown(split: str, number: int) -> dict[str, tuple[float, float]]:
    """The colours in a picture by the captions' names, and the middle (x, y) of each one's pixels."""
    name = f"images/{split}_{number + 1:04d}.png"
    with Image.open(pictures().open(name)) as picture:
        hue, saturation, value = np.moveaxis(np.array(picture.convert("HSV"), dtype=float), -1, 0)
    strong = (saturation > 90) & (value > 120)
    degrees = hue * 360 / 255
    distance = np.stack([np.abs((degrees - centre + 180) % 360 - 180) for centre in COLOURS.values()])
    nearest = np.where(strong, distance.argmin(axis=0), -1)
    found = {}
    for index, colour in enumerate(COLOURS):
        y, x = np.nonzero(nearest == index)
        if len(x) > 40:
            found[colour] = (x.mean(), y.mean())
    return found


class TestProgram:
    def test_it_makes_what_is_committed_and_the_same_bytes_twice(self, tmp_path):
        assert make_scenes("--out", tmp_path, hash_seed="1").returncode == 0
        assert run_beside_program(DIFFERENCES, COCO, tmp_path).stdout.split() == []
        done = make_scenes("--out", tmp_path, "--check", "--exact", hash_seed="2")
        assert (done.returncode, done.stderr) == (0, "")

    def test_check_fails_and_names_the_file_that_is_missing(self, tmp_path):
        copy = shutil.copytree(COCO, tmp_path / "copy")
        (copy / "val2014_urls.txt").unlink()
        source = """
import shutil, sys
import make_scenes
committed = sys.argv.pop()
make_scenes.write_data_set = lambda folder: shutil.copytree(committed, folder, dirs_exist_ok=True)
sys.exit(make_scenes.main())
"""
        done = run_beside_program(source, "--out", copy, "--check", COCO)
        assert done.returncode == 1
        assert done.stderr == "val2014_urls.txt: missing\n"

    def test_every_kind_of_change_is_found(self, tmp_path):
        copy = shutil.copytree(COCO, tmp_path / "copy")
        with h5py.File(copy / "coco2014_captions.h5", "r+") as file:
            file["train_captions"][7, 3] += 1
        with h5py.File(copy / "val2014_vgg16_fc7.h5", "r+") as file:
            file["features"][0, 0] += 1 / 1024
        with h5py.File(copy / "val2014_vgg16_fc7_pca.h5", "r+") as file:
            file["features"][0, 0] += 4 / 1024
        with h5py.File(copy / "train2014_vgg16_fc7_pca.h5", "r+") as file:
            file["features"][0, 0] += 1 / 1024  # what another LAPACK may do
        change_picture(copy / "images.zip", "images/val_0003.png")
        with (copy / "coco2014_vocab.json").open("a") as file:
            file.write(" ")
        (copy / "stray.txt").touch()
        assert run_beside_program(DIFFERENCES, copy, COCO).stdout.splitlines() == [
            "stray.txt: this program does not make it",
            "coco2014_captions.h5: train_captions holds other numbers",
            "coco2014_vocab.json: other text",
            "images.zip: images/val_0003.png has other pixels",
            "val2014_vgg16_fc7.h5: features holds other numbers",
            "val2014_vgg16_fc7_pca.h5: features holds other numbers",
        ]


def change_picture(path: Path, name: str) -> None:
    """Write an archive of pictures anew, with one pixel of one picture changed."""
    with zipfile.ZipFile(path) as archive:
        pictures = {entry: archive.read(entry) for entry in archive.namelist()}
    with Image.open(io.BytesIO(pictures[name])) as picture:
        picture.putpixel((5, 5), (1, 2, 3))
        changed = io.BytesIO()
        picture.save(changed, format="PNG")
    pictures[name] = changed.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for entry, data in pictures.items():
            archive.writestr(entry, data)
