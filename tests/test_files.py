"""Files are whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.files import replacing, write_atomically


def test_file_is_written_with_its_folders(tmp_path: Path) -> None:
    path = write_atomically(tmp_path / "a" / "b.json", b"{}")
    assert path.read_bytes() == b"{}"
    assert [entry.name for entry in path.parent.iterdir()] == ["b.json"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o027, 0o640)])
@pytest.mark.skipif(os.name != "posix", reason="there is no umask")
def test_file_can_be_read_by_whom_the_umask_lets(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        path = write_atomically(tmp_path / "a", b"")
        assert os.umask(umask) == umask  # it is left as it was
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == mode


def test_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = write_atomically(tmp_path / "a", b"old")

    def interrupted() -> None:
        with replacing(path) as part:
            part.write_bytes(b"half of the n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_part_stands_beside_its_place(tmp_path: Path) -> None:
    with replacing(tmp_path / "a") as part:
        assert part.parent == tmp_path
        assert not (tmp_path / "a").exists()
        part.write_bytes(b"new")
    assert (tmp_path / "a").read_bytes() == b"new"


def test_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match=r"can't write to .*file"):
        write_atomically(tmp_path / "file" / "a", b"")


def test_name_that_is_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(UsageError, match=r"can't write .*a"):
        write_atomically(tmp_path / "a", b"")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]
