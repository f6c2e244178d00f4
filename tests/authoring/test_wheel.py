"""The wheel in a handout: this very package, installable, the same bytes wherever it is made."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import grader
from grader.authoring.handout import wheel
from grader.authoring.handout.wheel import build_wheel, wheel_name
from grader.errors import AssignmentError, UsageError
from grader.files import write_tree
from grader.zips import zipped

ROOT = Path(__file__).resolve().parents[2]
PRINT_DIGEST = (
    "import hashlib, grader; from grader.authoring.handout.wheel import build_wheel; "
    "print(grader.__file__); print(hashlib.sha256(build_wheel(whole=True)).hexdigest())"
)


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """What the wheel holds."""
    with zipfile.ZipFile(io.BytesIO(build_wheel())) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_wheel_holds_the_package_and_its_templates(files: dict[str, bytes]) -> None:
    package = Path(grader.__file__).parent
    for name in (
        "__main__.py",
        "checking/session/checks.ini",
        "practice/pytest_plugin.py",
        "sandbox/inside/work/worker.py",
    ):
        assert files[f"grader/{name}"] == (package / name).read_bytes()
    info = f"grader-{grader.__version__}.dist-info/"
    assert all(name.startswith(("grader/", info)) for name in files)
    assert not any("__pycache__" in name or name.endswith(".pyc") for name in files)


def test_the_whole_wheel_alone_holds_what_authors_and_instructors_use(
    files: dict[str, bytes],
) -> None:
    rooms = ("grader/authoring/", "grader/classroom/", "grader/importing/")
    assert not any(name.startswith(rooms) for name in files)
    with zipfile.ZipFile(io.BytesIO(build_wheel(whole=True))) as opened:
        names = set(opened.namelist())
    assert names > set(files)
    assert "grader/authoring/record.py" in names


def test_record_is_right(files: dict[str, bytes]) -> None:
    rows = list(
        csv.reader(io.StringIO(files[f"grader-{grader.__version__}.dist-info/RECORD"].decode()))
    )
    assert {row[0] for row in rows} == set(files)
    for name, digest, size in rows:
        if not name.endswith("/RECORD"):
            sha = (
                base64.urlsafe_b64encode(hashlib.sha256(files[name]).digest()).rstrip(b"=").decode()
            )
            assert (digest, int(size)) == (f"sha256={sha}", len(files[name]))


def test_metadata_says_what_pip_needs(files: dict[str, bytes]) -> None:
    told = files[f"grader-{grader.__version__}.dist-info/METADATA"].decode()
    assert f"\nVersion: {grader.__version__}\n" in told
    assert "\nRequires-Python: >=3.11\n" in told
    assert "\nRequires-Dist: numpy>=" in told
    assert "torch" not in told  # of our own tests
    for package in ("landlockpy", "pyseccomp"):  # never installed on other systems
        (line,) = [
            line for line in told.splitlines() if line.startswith(f"Requires-Dist: {package}")
        ]
        assert "sys_platform" in line


def test_what_editing_and_running_leaves_behind_is_not_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "grader"
    names = ("__init__.py", "a.py", "__pycache__/a.pyc", ".a.py.swp", "#a.py#", "a.py~", ".cache/x")
    for name in names:
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_bytes(b"")
    monkeypatch.setattr(grader, "__file__", str(package / "__init__.py"))
    with zipfile.ZipFile(io.BytesIO(build_wheel())) as opened:
        assert {name for name in opened.namelist() if name.startswith("grader/")} == {
            "grader/__init__.py",
            "grader/a.py",
        }


@pytest.mark.parametrize("name", ["../a", "a/../../b", "/a", "C:/a", "a\\b"])
def test_nothing_is_packed_or_written_outside(tmp_path: Path, name: str) -> None:
    with pytest.raises(AssignmentError, match="leads out of the folder that it is written to"):
        zipped({name: b""})
    with pytest.raises(AssignmentError, match="leads out of the folder that it is written to"):
        write_tree(tmp_path / "root", {name: b""})
    assert list(tmp_path.rglob("*")) == []


def test_zip_has_no_time_of_its_own_and_a_fixed_order() -> None:
    one, other = zipped({"b": b"2", "a": b"1"}), zipped({"a": b"1", "b": b"2"})
    assert one == other
    with zipfile.ZipFile(io.BytesIO(one)) as opened:
        assert [entry.filename for entry in opened.infolist()] == ["a", "b"]
        assert {entry.date_time for entry in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.compress_type for entry in opened.infolist()} == {zipfile.ZIP_STORED}


def digest(*, path: Path, cwd: Path) -> tuple[str, str]:
    """Return where the package lies that comes first on a path, and the digest of the wheel that it
    makes.
    """
    done = subprocess.run(
        [sys.executable, "-c", PRINT_DIGEST],
        cwd=cwd, env={**os.environ, "PYTHONPATH": str(path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    place, sha = done.stdout.split()
    return place, sha


def test_installed_wheel_makes_the_same_wheel(tmp_path: Path) -> None:
    made, target = tmp_path / wheel_name(), tmp_path / "site"
    made.write_bytes(build_wheel(whole=True))
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--no-index",
            "--no-deps",
            "--target",
            target,
            made,
        ],
        check=True,
    )
    assert (target / "bin").is_dir() or (target / "Scripts").is_dir()  # the command `grader`
    place, sha = digest(path=target, cwd=tmp_path)
    assert Path(place).is_relative_to(target)
    assert sha == hashlib.sha256(made.read_bytes()).hexdigest()


def test_checkout_makes_the_same_wheel_as_what_is_installed(tmp_path: Path) -> None:
    place, sha = digest(path=ROOT, cwd=tmp_path)
    assert Path(place).is_relative_to(ROOT)
    assert sha == hashlib.sha256(build_wheel(whole=True)).hexdigest()


def test_a_students_installation_says_what_it_leaves_out(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(build_wheel())) as opened:
        opened.extractall(tmp_path)
    for command in (["batch", "."], ["record"]):
        done = subprocess.run(
            [sys.executable, "-m", "grader", *command, "--assignment", ROOT / "assignment"],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 2, done.stderr
        assert "install the whole grader" in done.stderr


def lone_package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the running package be one that lies in a folder with nothing beside it."""
    (folder / "grader").mkdir()
    (folder / "grader/__init__.py").write_bytes(b"")
    monkeypatch.setattr(grader, "__file__", str(folder / "grader/__init__.py"))


def packed_metadata() -> str:
    with zipfile.ZipFile(io.BytesIO(build_wheel())) as opened:
        return opened.read(f"grader-{grader.__version__}.dist-info/METADATA").decode()


def test_checkout_is_believed_before_an_older_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lone_package(tmp_path, monkeypatch)
    project = '[project]\nname = "grader"\ndescription = "D"\nrequires-python = ">=3.12"\ndependencies = ["new>=1 ; a"]\n'
    (tmp_path / "pyproject.toml").write_text(project)
    told = packed_metadata()
    assert "Requires-Python: >=3.12\nSummary: D\nRequires-Dist: new>=1; a\n" in told
    assert "numpy" not in told


def test_somebody_elses_project_around_the_package_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lone_package(tmp_path, monkeypatch)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "another"\n')
    assert "Requires-Dist: numpy" in packed_metadata()


def test_package_that_is_not_installed_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    lone_package(tmp_path, monkeypatch)
    monkeypatch.setattr(wheel.metadata, "metadata", missing)
    with pytest.raises(UsageError, match="needs an installed grader"):
        build_wheel()
