import os
import signal


def forward(x, w):
    os.kill(os.getpid(), signal.SIGKILL)
