"""Pictures as arrays: read one from a file or from the web, blur it, and bring it into a network's form and back."""

import io
import urllib.request
import zipfile
from pathlib import Path

import numpy as np

DATA_FOLDER = Path(__file__).resolve().parent / "datasets" / "coco_captioning"
PICTURES = DATA_FOLDER / "images.zip"
TIMEOUT = 10  # seconds
MAX_BYTES = 20_000_000
MEAN_PIXEL = np.array([103.939, 116.779, 123.68], dtype=np.float32)  # blue, green, red: what VGG networks subtract


def image_from_url(url):
    """
    Read a picture into an array of shape (H, W, 3), uint8, red, green and blue.

    Input:
    - url: an http or https address, the path of a file, below the working directory or below the data set's folder,
      or the name of a picture in the data set's images.zip

    Returns None where that fails, after printing why, so that a notebook can go on without the picture.
    """
    try:
        from PIL import Image  # here, so that the rest of the module needs NumPy alone

        with Image.open(io.BytesIO(_read(str(url)))) as picture:
            return np.array(picture.convert("RGB"))
    except (OSError, ValueError, ImportError, zipfile.BadZipFile) as problem:  # Pillow's and urllib's are OSErrors
        print(f"No picture from {url}: {problem}")
        return None


def _read(url):
    if url.startswith(("http://", "https://")):
        request = urllib.request.Request(url, headers={"User-Agent": "cs231n-assignment"})
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            content = answer.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ValueError(f"it is larger than {MAX_BYTES // 1_000_000} MB")
        return content
    for path in (Path(url), DATA_FOLDER / url):
        if path.is_file():
            return path.read_bytes()
    if PICTURES.is_file():
        with zipfile.ZipFile(PICTURES) as archive:
            if url in archive.namelist():
                return archive.read(url)
    raise FileNotFoundError(f"there is no such file in {Path.cwd()}, in {DATA_FOLDER} or in its {PICTURES.name}")


def blur_image(X):
    """
    Blur pictures a little: each pixel becomes a mean of its 3 x 3 surroundings, weighted 1 2 1 both ways.

    Input:
    - X: pictures of shape (N, C, H, W)

    Returns blurred pictures of the same shape, float; beyond the border the outermost pixels go on.
    """
    padded = np.pad(X, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    rows = (padded[:, :, :-2] + 2.0 * padded[:, :, 1:-1] + padded[:, :, 2:]) / 4
    return (rows[..., :-2] + 2.0 * rows[..., 1:-1] + rows[..., 2:]) / 4


def preprocess_image(img, mean_img, mean="image"):
    """
    Bring a picture into a network's form: float32, channels first, a batch axis, a mean taken away.

    Inputs:
    - img: picture of shape (H, W, 3)
    - mean_img: the mean picture in the network's form, shape (3, H, W); used where mean is 'image'
    - mean: 'image', 'pixel' (the mean pixel of VGG networks) or 'none'

    Returns an array of shape (1, 3, H, W).
    """
    return img.astype(np.float32).transpose(2, 0, 1)[None] - _mean(mean, mean_img)


def deprocess_image(img, mean_img, mean="image", renorm=False):
    """
    Undo preprocess_image, to show a picture.

    Inputs:
    - img: array of shape (1, 3, H, W)
    - mean_img, mean: as in preprocess_image
    - renorm: first stretch the values to the whole range from 0 to 255

    Returns a picture of shape (H, W, 3), uint8; values beyond 0 to 255 are cut off.
    """
    picture = (img + _mean(mean, mean_img))[0].transpose(1, 2, 0)
    if renorm:
        low, high = picture.min(), picture.max()
        picture = 255.0 * (picture - low) / max(high - low, 1e-8)
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


def _mean(mean, mean_img):
    if mean == "image":
        return np.asarray(mean_img, dtype=np.float32)
    if mean == "pixel":
        return MEAN_PIXEL[:, None, None]
    if mean == "none":
        return np.float32(0)
    raise ValueError(f"mean is {mean!r}; it must be 'image', 'pixel' or 'none'")
