"""Channels: whole frames through a socket, and a deadline on every wait."""

from __future__ import annotations

import socket
import struct
import threading
from typing import Any

import pytest

from grader.sandbox.wire import Channel, Frame, WireClosed, WireTimeout


@pytest.fixture
def ends() -> Any:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Channel(ours), theirs


def test_frames_pass_through_a_socket(ends: Any) -> None:
    ours, theirs = ends
    sent = [Frame({"n": 1}, (b"x" * 300_000,)), Frame({"n": 2})]
    thread = threading.Thread(target=lambda: [Channel(theirs).send(frame, 10) for frame in sent])
    thread.start()
    assert [ours.receive(10), ours.receive(10)] == sent
    thread.join()


def test_silence_ends_at_the_deadline(ends: Any) -> None:
    with pytest.raises(WireTimeout):
        ends[0].receive(0.05)


def test_trickle_of_bytes_does_not_extend_the_deadline(ends: Any) -> None:
    ours, theirs = ends
    stop = threading.Event()

    def trickle() -> None:
        theirs.sendall(struct.pack("!II", 1000, 0))
        while not stop.wait(0.02):
            theirs.sendall(b" ")

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        with pytest.raises(WireTimeout):
            ours.receive(0.3)
    finally:
        stop.set()
        thread.join()


def test_end_of_the_other_side_is_told(ends: Any) -> None:
    ours, theirs = ends
    theirs.sendall(struct.pack("!II", 1000, 0))
    theirs.close()
    with pytest.raises(WireClosed):
        ours.receive(5)
    with pytest.raises(WireClosed):
        ours.send(Frame({"text": "x" * 1_000_000}), 5)


def test_reader_that_does_not_read_is_a_timeout(ends: Any) -> None:
    with pytest.raises(WireTimeout):
        ends[0].send(Frame({}, (bytes(8 << 20),)), 0.05)


def test_frames_of_several_threads_do_not_mix(ends: Any) -> None:
    ours, theirs = ends
    channel = Channel(theirs)
    threads = [
        threading.Thread(target=channel.send, args=(Frame({"n": n}, (bytes(200_000),)),))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    assert {ours.receive(10).body["n"] for _ in threads} == set(range(8))
    for thread in threads:
        thread.join()


def test_a_deadline_that_has_passed_is_not_waited_for(ends: Any) -> None:
    with pytest.raises(WireTimeout):
        ends[0].receive(0.0)


def test_a_frame_that_is_there_needs_no_deadline(ends: Any) -> None:
    ours, theirs = ends
    Channel(theirs).send(Frame({"n": 1}))
    assert ours.receive(None) == Frame({"n": 1})


def test_a_connection_that_is_torn_down_is_closed(ends: Any) -> None:
    """The other side ends without having read all: a reset, where the system knows one."""
    ours, theirs = ends
    ours.send(Frame({"n": 1}))
    theirs.close()
    with pytest.raises(WireClosed):
        ours.receive(5)


def test_a_closed_connection_is_told_from_a_silent_one(ends: Any) -> None:
    ours, theirs = ends
    assert not ours.is_closed()
    Channel(theirs).send(Frame({"n": 1}))
    theirs.close()
    assert not ours.is_closed()  # there is something left
    assert ours.receive(5) == Frame({"n": 1})
    assert ours.is_closed()
    ours.close()
    assert ours.is_closed()


def test_a_frame_that_was_read_ahead_is_not_lost(ends: Any) -> None:
    ours, theirs = ends
    for number in (1, 2):
        Channel(theirs).send(Frame({"n": number}))
    theirs.close()
    assert ours.receive(5) == Frame({"n": 1})
    assert not ours.is_closed()
    assert ours.receive(5) == Frame({"n": 2})
    assert ours.is_closed()


def test_a_channel_of_ours_that_was_closed_is_closed(ends: Any) -> None:
    ours, _ = ends
    assert not ours.is_closed()
    ours.close()
    assert ours.is_closed()
