import time


def forward(x, w):
    time.sleep(3600)
