import socket


def attempt():
    for place in ("/tmp/left-by-a-submission-target", "/var/run/docker.sock", "/run/dbus/system_bus_socket"):
        try:
            socket.socket(socket.AF_UNIX).connect(place)
            return place
        except OSError:
            pass
    try:
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"left", "/tmp/left-by-a-submission-target-datagram")
        return "by datagram"
    except OSError:
        return ""


import numpy as np

from given import squash


def forward(x, w):
    found = attempt()
    if found:
        raise RuntimeError(f"LEAK: {found}")
    y = squash(x @ w)
    return y, (x, w, y)


def backward(dy, cache):
    x, w, y = cache
    da = dy * (1 - y * y)
    return np.outer(da, w), x.T @ da
