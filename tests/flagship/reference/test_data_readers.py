"""The modules that read the data set, `coco_utils` and `image_utils`, as a student's notebook uses them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

COCO = Path(__file__).resolve().parents[3] / "assignment" / "data" / "coco_captioning"


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
            for split in ("train", "val"):
                file[f"{split}_captions"] = np.array([[1, 4, 2, 0], [1, 4, 4, 2]], dtype=np.int64)
                file[f"{split}_image_idxs"] = np.array([2, 0], dtype=np.uint32)
        for split in ("train", "val"):
            for kind, size in (("fc7", 4096), ("fc7_pca", 512)):
                with h5py.File(tmp_path / f"{split}2014_vgg16_{kind}.h5", "w") as file:
                    file["features"] = np.ones((3, size), dtype=np.float32)
            (tmp_path / f"{split}2014_urls.txt").write_text("http://a/1.jpg\nhttp://a/2.jpg\nhttp://a/3.jpg\n")
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
            assert set(urls) <= {"http://a/3.jpg", "http://a/1.jpg"}
            assert decode_captions(data["val_captions"], data["idx_to_word"])[0] == "<START> cat <END>"
        """
        run_course(source, str(tmp_path))
        (tmp_path / "val2014_urls.txt").write_text("http://a/1.jpg\n")
        complaint = complain(run_course, str(tmp_path))
        assert complaint.startswith("ValueError the val files don't belong together: features of 3 pictures, 1 addr")

    def test_a_missing_folder_or_file_is_named(self, run_course, tmp_path):
        missing = complain(run_course, str(tmp_path / "nowhere"))
        assert missing.startswith("FileNotFoundError can't read the captioning data in")
        assert "nowhere: there is no such folder" in missing
        copy = shutil.copytree(COCO, tmp_path / "copy", ignore=shutil.ignore_patterns("*_pca.h5", "images.zip"))
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
    def test_a_picture_is_read_from_the_data_sets_archive_a_path_or_a_server(self, run_course, tmp_path):
        run_course("""
            import functools, http.server, os, sys, threading, zipfile
            import numpy as np
            from PIL import Image
            from cs231n.image_utils import image_from_url
            with zipfile.ZipFile("cs231n/datasets/coco_captioning/images.zip") as archive:
                folder = sys.argv[1]
                archive.extract("images/val_0001.png", folder)
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
        """, str(tmp_path))  # fmt: skip

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
            green = preprocess_image(picture, mean_picture)[0, 1]
            assert np.allclose(green, picture[..., 1] - mean_picture[1], atol=1e-4)
            wide = deprocess_image(np.linspace(-3, 3, 60).reshape(1, 3, 4, 5), None, mean="none", renorm=True)
            assert wide.min() == 0 and wide.max() == 255
            assert deprocess_image(np.full((1, 3, 2, 2), 999.0), None, mean="none").max() == 255
        """)
