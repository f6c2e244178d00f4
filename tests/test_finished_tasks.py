"""Futures are waited for so that an interrupt leaves nothing locked."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NoReturn

import pytest

from grader.finished_tasks import FinishedTasks


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def interrupt() -> None:
    """Interrupt this process, as a terminal does."""
    os.kill(os.getpid(), signal.SIGINT)


def submit_for_ever(pool: ThreadPoolExecutor, timer: threading.Timer) -> NoReturn:
    with FinishedTasks() as finished:
        timer.start()
        while True:
            for _ in range(20):
                finished.add(pool.submit(time.sleep, 0))
            finished.get()


def done(value: int = 0) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(value)
    return future


def test_what_has_finished_is_told_once_and_in_its_order() -> None:
    first, second, third = done(1), done(2), Future[Any]()
    with FinishedTasks() as finished:
        for future in (second, first, third):
            finished.add(future)
        assert finished.get() == [second, first]
        assert finished.get(0.01) == []
        third.set_exception(ValueError())
        assert finished.get() == [third]


def test_an_interrupt_raises_where_a_task_is_asked_for_and_nowhere_else() -> None:
    with FinishedTasks() as finished:
        signal.raise_signal(signal.SIGINT)
        finished.add(done())
        with pytest.raises(KeyboardInterrupt):
            finished.get()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_ends_the_waiting_at_once() -> None:
    with FinishedTasks() as finished:
        threading.Timer(0.05, interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            finished.get()  # of nothing: it would not return


def test_a_second_interrupt_raises_at_once() -> None:
    with FinishedTasks():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_an_interrupt_behind_the_last_task_raises_at_the_end() -> None:
    with pytest.raises(KeyboardInterrupt), FinishedTasks():
        signal.raise_signal(signal.SIGINT)


def test_another_signal_raises_what_its_own_handler_does() -> None:
    def end(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGTERM, end)
    with FinishedTasks() as finished:
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(TimeoutError):
            finished.get()


def test_an_ignored_signal_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with FinishedTasks() as finished:
        signal.raise_signal(signal.SIGINT)
        assert finished.get(0.01) == []


def test_a_thread_may_wait_too() -> None:
    with ThreadPoolExecutor(1) as pool:

        def waits() -> int:
            with FinishedTasks() as finished:
                finished.add(done())
                return len(finished.get())

        assert pool.submit(waits).result() == 1


def test_no_executor_waits_for_a_lock_that_an_interrupt_left() -> None:
    for number in range(60):
        pool = ThreadPoolExecutor(2)
        timer = threading.Timer(number * 5e-5, interrupt)
        with pytest.raises(KeyboardInterrupt):
            submit_for_ever(pool, timer)
        pool.shutdown(wait=True, cancel_futures=True)
