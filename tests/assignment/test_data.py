"""The small data set: in the format of the exercise's files, true to its pictures, and the same each time it is made.

Then the modules that read it: `coco_utils` and `image_utils`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

DATA = Path(__file__).resolve().parents[2] / "assignment" / "data"
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


class TestFormat:
    def test_all_files_are_there_and_small(self):
        files = [path for path in COCO.rglob("*") if path.is_file()]
        assert len(files) == 10 + sum(PICTURES.values())
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
        for url in urls:
            with Image.open(COCO / url) as picture:
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
                for article, next_word in zip(words, words[1:], strict=False):
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
                first, second = [word for word in words if word in COLOURS][:2]
                (x1, y1), (x2, y2) = where[first], where[second]
                said = " ".join(words)
                if "left of" in said or "right" in words or said.endswith("side by side"):
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


def things_shown(split: str, number: int) -> dict[str, tuple[float, float]]:
    """The colours in a picture by the captions' names, and the middle (x, y) of each one's pixels."""
    with Image.open(COCO / "images" / f"{split}_{number + 1:04d}.png") as picture:
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
    def test_it_makes_what_is_committed(self):
        done = make_scenes("--check")
        assert (done.returncode, done.stderr) == (0, "")

    def test_it_makes_the_same_bytes_twice(self, tmp_path):
        assert make_scenes("--out", tmp_path, hash_seed="1").returncode == 0
        done = make_scenes("--out", tmp_path, "--check", "--exact", hash_seed="2")
        assert (done.returncode, done.stderr) == (0, "")

    def test_check_fails_and_names_the_file_that_is_missing(self, tmp_path):
        copy = shutil.copytree(COCO, tmp_path / "copy")
        (copy / "val2014_urls.txt").unlink()
        done = make_scenes("--out", copy, "--check")
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
        with Image.open(copy / "images" / "val_0003.png") as picture:
            picture.putpixel((5, 5), (1, 2, 3))
            picture.save(copy / "images" / "val_0003.png")
        with (copy / "coco2014_vocab.json").open("a") as file:
            file.write(" ")
        (copy / "stray.txt").touch()
        source = """
import sys
from pathlib import Path
from make_scenes import differences
print(*differences(Path(sys.argv[1]), Path(sys.argv[2]), exact=False), sep="\\n")
"""
        assert run_beside_program(source, copy, COCO).stdout.splitlines() == [
            "stray.txt: this program does not make it",
            "coco2014_captions.h5: train_captions holds other numbers",
            "coco2014_vocab.json: other text",
            "images/val_0003.png: other pixels",
            "val2014_vgg16_fc7.h5: features holds other numbers",
            "val2014_vgg16_fc7_pca.h5: features holds other numbers",
        ]


class TestCocoUtils:
    def test_loading_gives_what_the_files_hold(self, run_course: Callable[..., str]):
        run_course("""
            import h5py, json
            import numpy as np
            from cs231n.coco_utils import load_coco_data
            folder = "cs231n/datasets/coco_captioning/"
            for pca, kind in ((True, "fc7_pca"), (False, "fc7")):
                data = load_coco_data(pca_features=pca)
                assert set(data) == {
                    "train_captions", "train_image_idxs", "val_captions", "val_image_idxs", "train_features",
                    "val_features", "idx_to_word", "word_to_idx", "train_urls", "val_urls",
                }
                with h5py.File(folder + "coco2014_captions.h5") as file:
                    assert all(np.array_equal(data[name], file[name]) for name in file)
                for split in ("train", "val"):
                    with h5py.File(folder + f"{split}2014_vgg16_{kind}.h5") as file:
                        assert np.array_equal(data[f"{split}_features"], file["features"])
                        assert data[f"{split}_features"].dtype == np.float32
            assert data["val_urls"].shape == (120,)
            assert data["val_urls"][1] == "images/val_0002.png"
            assert data["word_to_idx"][data["idx_to_word"][10]] == 10
        """)

    def test_a_part_of_the_captions_is_drawn_through_np_random(self, run_course):
        run_course("""
            import numpy as np
            from cs231n.coco_utils import load_coco_data
            full = load_coco_data()
            np.random.seed(3)
            part = load_coco_data(max_train=50)
            np.random.seed(3)
            mask = np.random.randint(len(full["train_captions"]), size=50)
            assert np.array_equal(part["train_captions"], full["train_captions"][mask])
            assert np.array_equal(part["train_image_idxs"], full["train_image_idxs"][mask])
            assert np.array_equal(part["train_features"], full["train_features"])
            assert len(part["val_captions"]) == len(full["val_captions"])
        """)

    def test_a_minibatch_keeps_captions_features_and_urls_together(self, run_course):
        run_course("""
            import numpy as np
            from cs231n.coco_utils import load_coco_data, sample_coco_minibatch
            data = load_coco_data()
            for split in ("train", "val"):
                np.random.seed(5)
                captions, features, urls = sample_coco_minibatch(data, batch_size=7, split=split)
                np.random.seed(5)
                mask = np.random.choice(len(data[f"{split}_captions"]), 7)
                pictures = data[f"{split}_image_idxs"][mask]
                assert np.array_equal(captions, data[f"{split}_captions"][mask])
                assert np.array_equal(features, data[f"{split}_features"][pictures])
                assert list(urls) == [f"images/{split}_{picture + 1:04d}.png" for picture in pictures]
            assert sample_coco_minibatch(data)[0].shape == (100, 17)
            try:
                sample_coco_minibatch(data, split="test")
            except ValueError as error:
                assert "no split 'test'" in str(error)
            else:
                raise AssertionError("a split that is not there was sampled")
        """)

    def test_captions_are_decoded_up_to_their_end(self, run_course):
        run_course("""
            import numpy as np
            from cs231n.coco_utils import decode_captions
            words = ["<NULL>", "<START>", "<END>", "<UNK>", "red", "star"]
            assert decode_captions(np.array([1, 4, 5, 2, 0]), words) == "<START> red star <END>"
            assert decode_captions(np.array([4, 0, 5, 2, 4, 4]), words) == "red star <END>"
            assert decode_captions(np.array([4, 4]), words) == "red red"
            assert decode_captions(np.zeros(3, dtype=np.int32), words) == ""
            assert decode_captions(np.array([[5, 2], [3, 0]]), words) == ["star <END>", "<UNK>"]
            assert decode_captions(np.array([[5, 2]]), words) == ["star <END>"]
            assert decode_captions([4, 2], words) == "red <END>"
        """)

    def test_files_of_other_sizes_and_types_are_read_too(self, run_course, tmp_path):
        """The real MS-COCO files: captions of another integer type, 4096 and 512 features, web addresses."""
        with h5py.File(tmp_path / "coco2014_captions.h5", "w") as file:
            for split in PICTURES:
                file[f"{split}_captions"] = np.array([[1, 4, 2, 0], [1, 4, 4, 2]], dtype=np.int64)
                file[f"{split}_image_idxs"] = np.array([2, 0], dtype=np.uint32)
        for split in PICTURES:
            for kind, size in (("fc7", 4096), ("fc7_pca", 512)):
                with h5py.File(tmp_path / f"{split}2014_vgg16_{kind}.h5", "w") as file:
                    file["features"] = np.ones((3, size), dtype=np.float32)
            (tmp_path / f"{split}2014_urls.txt").write_text("http://a.example/1.jpg\nhttp://a.example/2.jpg\nhttp://b\n")
        words = ["<NULL>", "<START>", "<END>", "<UNK>", "cat"]
        indices = {word: index for index, word in enumerate(words)}
        (tmp_path / "coco2014_vocab.json").write_text(json.dumps({"idx_to_word": words, "word_to_idx": indices}))
        source = """
            import sys
            from cs231n.coco_utils import decode_captions, load_coco_data, sample_coco_minibatch
            data = load_coco_data(base_dir=sys.argv[1])
            assert data["train_features"].shape == (3, 512)
            assert load_coco_data(sys.argv[1], pca_features=False)["val_features"].shape == (3, 4096)
            captions, features, urls = sample_coco_minibatch(data, batch_size=4)
            assert set(urls) <= {"http://b", "http://a.example/1.jpg"}
            assert decode_captions(data["val_captions"], data["idx_to_word"])[0] == "<START> cat <END>"
        """
        run_course(source, str(tmp_path))
        (tmp_path / "val2014_urls.txt").write_text("http://a.example/1.jpg\n")
        complaint = complain(run_course, str(tmp_path))
        assert complaint.startswith("ValueError the val files don't belong together: features of 3 pictures, 1 addresses")

    def test_a_missing_folder_or_file_is_named(self, run_course, tmp_path):
        missing = complain(run_course, str(tmp_path / "nowhere"))
        assert missing.startswith("FileNotFoundError can't read the captioning data in")
        assert "nowhere: there is no such folder" in missing
        copy = shutil.copytree(COCO, tmp_path / "copy", ignore=shutil.ignore_patterns("*_pca.h5", "images"))
        assert "the folder has no file train2014_vgg16_fc7_pca.h5" in complain(run_course, str(copy))

    def test_the_default_folder_is_found_from_another_working_directory(self, run_course, tmp_path):
        run_course(
            """
            import os, sys
            os.chdir(sys.argv[1])
            from cs231n.coco_utils import load_coco_data
            assert len(load_coco_data()["val_features"]) == 120
            """,
            str(tmp_path),
        )


def complain(run_course: Callable[..., str], folder: str) -> str:
    source = """
        import sys
        from cs231n.coco_utils import load_coco_data
        try:
            load_coco_data(sys.argv[1])
        except Exception as error:
            print(type(error).__name__, error)
    """
    return run_course(source, folder)


class TestImageUtils:
    def test_a_picture_is_read_from_the_data_folder_a_path_or_a_server(self, run_course):
        run_course("""
            import functools, http.server, os, threading
            import numpy as np
            from PIL import Image
            from cs231n.image_utils import image_from_url
            folder = os.path.abspath("cs231n/datasets/coco_captioning")
            with Image.open(folder + "/images/val_0001.png") as picture:
                expected = np.array(picture)

            class Quiet(http.server.SimpleHTTPRequestHandler):
                def log_message(self, *arguments):
                    pass

            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
            threading.Thread(target=server.serve_forever, daemon=True).start()
            os.environ["no_proxy"] = "127.0.0.1"
            web = f"http://127.0.0.1:{server.server_port}/images/"
            for url in ("images/val_0001.png", folder + "/images/val_0001.png", web + "val_0001.png"):
                got = image_from_url(np.str_(url))
                assert got.dtype == np.uint8 and got.shape == (96, 96, 3) and got.flags.writeable
                assert np.array_equal(got, expected)
            assert image_from_url(web + "none.png") is None
            server.shutdown()
            server.server_close()
        """)

    @pytest.mark.parametrize(
        ("url", "reason"),
        [
            ("images/none.png", "there is no such file"),
            ("coco2014_vocab.json", "cannot identify image file"),
            ("http://127.0.0.1:9/picture.png", "refused"),
        ],
    )
    def test_a_picture_that_can_not_be_read_is_none_with_a_reason(self, run_course, url, reason):
        said = run_course(
            """
            import os, sys
            from cs231n.image_utils import image_from_url
            os.environ["no_proxy"] = "127.0.0.1"
            assert image_from_url(sys.argv[1]) is None
            """,
            url,
        )
        assert said.startswith(f"No picture from {url}: ")
        assert reason in said

    def test_blurring_spreads_a_point_and_keeps_a_plain_picture(self, run_course):
        run_course("""
            import numpy as np
            from cs231n.image_utils import blur_image
            point = np.zeros((2, 3, 5, 6), dtype=np.uint8)
            point[1, 2, 2, 3] = 160
            blurred = blur_image(point)
            assert blurred.shape == point.shape
            assert blurred[1, 2, 1:4, 2:5].tolist() == [[10, 20, 10], [20, 40, 20], [10, 20, 10]]
            assert blurred.sum() == 160
            assert np.array_equal(blur_image(np.full((1, 3, 4, 4), 250, dtype=np.uint8)), np.full((1, 3, 4, 4), 250.0))
        """)

    def test_what_was_preprocessed_comes_back(self, run_course):
        run_course("""
            import numpy as np
            from cs231n.image_utils import deprocess_image, preprocess_image
            picture = np.random.RandomState(0).randint(0, 256, size=(4, 5, 3)).astype(np.uint8)
            mean_picture = np.random.RandomState(1).uniform(0, 255, size=(3, 4, 5))
            for mean in ("image", "pixel", "none"):
                ready = preprocess_image(picture, mean_picture, mean=mean)
                assert ready.shape == (1, 3, 4, 5) and ready.dtype == np.float32
                assert np.array_equal(deprocess_image(ready, mean_picture, mean=mean), picture)
            assert np.allclose(preprocess_image(picture, mean_picture)[0, 1], picture[..., 1] - mean_picture[1], atol=1e-4)
            wide = deprocess_image(np.linspace(-3, 3, 60).reshape(1, 3, 4, 5), None, mean="none", renorm=True)
            assert wide.min() == 0 and wide.max() == 255
            assert deprocess_image(np.full((1, 3, 2, 2), 999.0), None, mean="none").max() == 255
        """)
