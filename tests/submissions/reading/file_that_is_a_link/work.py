import os


def saved(name):
    os.symlink("/proc/1/environ", name)
