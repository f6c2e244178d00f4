import ctypes


def forward(x, w):
    ctypes.string_at(0)
