"""What a tree of processes holds, as the warden counts it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from grader.sandbox.inside.walls import process_tree

SOCKET = 1_000_000  # bytes for each, so that the sums can be told apart


@pytest.fixture
def held() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def kept() -> int:
    me = process_tree.look(os.getpid())
    assert me is not None
    return process_tree.buffers([me], SOCKET)


def test_each_socket_and_each_pipe_counts_what_the_kernel_may_keep_in_it(held: ExitStack) -> None:
    before = kept()
    for _ in range(5):
        for end in socket.socketpair():
            held.callback(end.close)
    assert kept() - before == 10 * SOCKET
    for end in os.pipe():
        held.callback(os.close, end)
    assert kept() - before == 10 * SOCKET + process_tree.PIPE


def test_a_process_that_ends_is_told_from_one_that_runs() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert process_tree.is_ending(child)
    assert not process_tree.is_ending(os.getpid())
    os.waitpid(child, 0)
    assert not process_tree.is_ending(child)


def test_what_is_held_twice_counts_once(held: ExitStack) -> None:
    ours, theirs = socket.socketpair()
    held.callback(ours.close)
    held.callback(theirs.close)
    before = kept()
    held.callback(os.close, os.dup(ours.fileno()))
    assert kept() == before
    me = process_tree.look(os.getpid())
    assert me is not None
    assert process_tree.buffers([me, me], SOCKET) == before


def test_files_count_elsewhere(held: ExitStack) -> None:
    before = kept()
    held.callback(os.close, os.open(os.devnull, os.O_RDONLY))
    assert kept() == before


def test_a_process_that_is_gone_holds_nothing() -> None:
    assert process_tree.buffers([process_tree.Process(2**22 + 1, 1, 0.0, 0, 0)], SOCKET) == 0
