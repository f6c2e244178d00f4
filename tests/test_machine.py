"""What the machine offers: its memory, a cgroup's limit, and what its kernel has killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader import machine
from grader.classroom.run.executors import room


def files(root: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.mark.parametrize(
    ("own", "texts"),
    [
        ("0::/a/b\n", {"a/memory.max": f"{700 << 20}\n", "a/b/memory.max": "max\n"}),
        ("4:memory:/job\n2:cpu:/\n", {"memory/job/memory.limit_in_bytes": f"{700 << 20}\n"}),
        (
            "4:memory:/job\n",
            {
                "memory/memory.limit_in_bytes": f"{700 << 20}",
                "memory/job/memory.limit_in_bytes": f"{1 << 62}",
            },
        ),
    ],
    ids=["v2", "v1", "above"],
)
def test_a_cgroups_limit_is_the_memory_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str, texts: dict[str, str]
) -> None:
    files(tmp_path, texts)
    monkeypatch.setattr(machine, "_CGROUPS", tmp_path)
    read = machine._text
    monkeypatch.setattr(
        machine, "_text", lambda path: own if str(path) == "/proc/self/cgroup" else read(path)
    )
    assert machine.memory_mb() == 700


def test_without_a_cgroup_it_is_the_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_CGROUPS", tmp_path)
    assert (machine.memory_mb() or 0) > 100


def test_kills_for_want_of_memory_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(tmp_path, {"a/memory.events": "low 0\noom 3\noom_kill 2\n"})
    monkeypatch.setattr(machine, "_CGROUPS", tmp_path)
    read = machine._text
    own = {"/proc/self/cgroup": "0::/a\n", "/proc/vmstat": "pgfault 7\noom_kill 5\n"}
    monkeypatch.setattr(machine, "_text", lambda path: own.get(str(path)) or read(path))
    assert machine.oom_kills() == 7


@pytest.mark.parametrize(
    ("memory", "asked", "workers", "boxes"),
    [(64_000, None, 4, 1), (6_000, None, 1, 1), (700, 2, 1, 1), (64_000, 2, 2, 2), (None, 3, 3, 1)],
)
def test_as_many_boxes_work_at_a_time_as_memory_holds(
    monkeypatch: pytest.MonkeyPatch, memory: int | None, asked: int | None, workers: int, boxes: int
) -> None:
    monkeypatch.setattr(machine, "cores", lambda: 4)
    monkeypatch.setattr(machine, "memory_mb", lambda: memory)
    made = room(2048, asked)
    assert (made.workers, made.boxes) == (workers, boxes)
    assert made.why.startswith(f"{workers} submission")
    assert ("will find less" in made.why) == (memory == 700)


@pytest.mark.parametrize(("load", "times"), [(0.1, 1.0), (2.0, 1.0), (6.0, 3.0), (80.0, 4.0)])
def test_a_busy_machine_is_slower_within_bounds(
    load: float, times: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine.os, "getloadavg", lambda: (load, 0.0, 0.0), raising=False)
    monkeypatch.setattr(machine, "cores", lambda: 2)
    assert machine.slowdown() == times
