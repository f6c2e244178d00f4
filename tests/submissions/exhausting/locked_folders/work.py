import os


def forward(x, w):
    os.makedirs("left/behind")
    open("left/behind/file", "w").close()
    for place in ("left/behind", "left", "."):
        os.chmod(place, 0)
    raise ValueError("locked")
