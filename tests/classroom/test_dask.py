"""A class graded on a Dask cluster: on one machine, and on three hosts (network namespaces), one
cut off midway.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import mini
import pytest

from grader.assignment.spec import Assignment

pytest.importorskip("distributed", reason="the extra `dask` is not installed")
ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {
    **os.environ,
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "12s",  # a host that is gone is given up soon
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "10s",
}
DASK = [sys.executable, "-m", "dask"]
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


@contextlib.contextmanager
def cluster(
    folder: Path, address: str, hosts: Sequence[Sequence[str]]
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run a scheduler at an address and a worker on each host, each started by the words that lead
    into its host.
    """
    with socket.socket() as probe:
        probe.bind((address, 0))
        port = probe.getsockname()[1]
    place = f"tcp://{address}:{port}"
    scheduler = ["scheduler", "--host", address, "--port", str(port), "--no-dashboard"]
    processes = [subprocess.Popen([*DASK, *scheduler], env=ENVIRONMENT, cwd=folder, **QUIET)]
    try:
        for number, host in enumerate(hosts):
            own = folder / f"host{number}"  # all that a worker may write to: nothing is shared
            own.mkdir()
            worker = [
                "worker",
                place,
                "--nthreads",
                "1",
                "--no-nanny",
                "--no-dashboard",
                "--local-directory",
                str(own),
            ]
            environment = {**ENVIRONMENT, "TMPDIR": str(own)}
            processes.append(
                subprocess.Popen([*host, *DASK, *worker], env=environment, cwd=own, **QUIET)
            )
        _wait_for(place, len(hosts))
        processes[0].place = place  # type: ignore[attr-defined]
        yield processes
    finally:
        for process in reversed(processes):  # the scheduler last: workers would look for it
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(3)
            process.kill()
            process.wait()


def _wait_for(place: str, workers: int) -> None:
    script = f"from distributed import Client\nc = Client({place!r}, timeout='60s')\nc.wait_for_workers({workers}, 60)\n"
    subprocess.run([sys.executable, "-c", script], env=ENVIRONMENT, check=True, timeout=120)


KINDS = [kind for kind in mini.KINDS if not mini.KINDS[kind].refused]


def write_class(folder: Path, kinds: Sequence[str]) -> Path:
    for number, kind in enumerate(kinds):
        mini.write(folder / f"s{number:03}", {**mini.KINDS[kind].files, "number.txt": str(number)})
    return folder


def hosts_of(out: Path) -> set[str]:
    return {
        json.loads(line)["worker"]
        for line in (out / "log.jsonl").read_text().splitlines()
        if '"worker"' in line
    }


def test_marks_equal_those_of_the_local_run(
    batch: Callable, command: Callable, assignment: Assignment, tmp_path: Path
) -> None:
    submissions = write_class(tmp_path / "d", KINDS[::3])
    batch(submissions, out=tmp_path / "here")
    with cluster(tmp_path, "127.0.0.1", [[], []]) as (scheduler, *_):
        run = command(
            "batch", submissions, "--assignment", assignment.folder, "--isolation", "none", "--dask", scheduler.place,
            "--out", tmp_path / "there",
        )  # fmt: skip
    assert run.code == 1, run.err
    assert (tmp_path / "there" / "gradebook.csv").read_bytes() == (
        tmp_path / "here" / "gradebook.csv"
    ).read_bytes()
    assert len(hosts_of(tmp_path / "there")) == 2


def test_no_scheduler_is_a_clear_sentence(
    command: Callable, assignment: Assignment, small_class: Path, tmp_path: Path
) -> None:
    run = command(
        "batch",
        small_class,
        "--assignment",
        assignment.folder,
        "--dask",
        "tcp://127.0.0.1:1",
        "--out",
        tmp_path / "out",
    )
    assert run.code == 2
    assert "there is no Dask scheduler at tcp://127.0.0.1:1" in run.err


# --- three hosts ----------------------------------------------------------------------------------


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@pytest.fixture
def hosts() -> Iterator[list[str]]:
    """Three network namespaces on a bridge of this machine's, at 10.77.0.2 to 10.77.0.4; the
    machine is 10.77.0.1.
    """
    if not shutil.which("ip") or not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("network namespaces need root and iproute2")
    names, made = [f"grader-h{number}" for number in range(3)], []
    try:
        try:
            ip("link", "add", "graderbr", "type", "bridge")
            made.append(["link", "del", "graderbr"])
            ip("addr", "add", "10.77.0.1/24", "dev", "graderbr")
            ip("link", "set", "graderbr", "up")
            for number, name in enumerate(names):
                ip("netns", "add", name)
                made.append(["netns", "del", name])
                ip(
                    "link",
                    "add",
                    f"gveth{number}",
                    "type",
                    "veth",
                    "peer",
                    "name",
                    "eth0",
                    "netns",
                    name,
                )
                ip("link", "set", f"gveth{number}", "master", "graderbr", "up")
                ip("-n", name, "addr", "add", f"10.77.0.{number + 2}/24", "dev", "eth0")
                ip("-n", name, "link", "set", "eth0", "up")
                ip("-n", name, "link", "set", "lo", "up")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"network namespaces can't be made here: {error.stderr.decode().strip()}")
        yield names
    finally:
        for command in reversed(made):
            subprocess.run(["ip", *command], check=False, capture_output=True)


def test_a_host_that_is_cut_off_costs_no_mark(
    hosts: list[str], batch: Callable, assignment: Assignment, tmp_path: Path
) -> None:
    submissions = write_class(tmp_path / "d", KINDS)
    batch(submissions, out=tmp_path / "here")
    out = tmp_path / "there"
    with cluster(tmp_path, "10.77.0.1", [["ip", "netns", "exec", name] for name in hosts]) as (
        scheduler,
        *_,
    ):
        arguments = [
            "--assignment",
            assignment.folder,
            "--isolation",
            "none",
            "--dask",
            scheduler.place,
            "--out",
            out,
        ]
        process = subprocess.Popen(
            [sys.executable, "-m", "grader", "batch", str(submissions), *map(str, arguments)],
            cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        while process.poll() is None and not (
            out.is_dir() and len(hosts_of(out) if (out / "log.jsonl").exists() else ()) == 3
        ):
            time.sleep(0.05)
        assert process.poll() is None, "it was over before anything could be cut off"
        ip("link", "set", "gveth1", "down")  # silently: no connection is closed
        _, said = process.communicate(timeout=300)
        assert process.returncode == 1, said
    assert (out / "gradebook.csv").read_bytes() == (
        tmp_path / "here" / "gradebook.csv"
    ).read_bytes()
