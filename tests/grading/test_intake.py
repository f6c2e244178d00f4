"""The intake finds the assignment's files wherever an honest student and an LMS left them, and says
what it took.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import socket
import tarfile
import zlib
from pathlib import Path

import msgspec
import pytest
from packing import (
    HONEST,
    LAYERS,
    NOTEBOOK,
    PROVIDED,
    RNN,
    SMALL,
    WANTED,
    intake,
    plant,
    refusal,
    tarred,
    zipped,
)

from grader.errors import GraderFault, SubmissionError
from grader.grading.intake.reading import folders
from grader.grading.intake.reading.entry_names import original_names, shown
from grader.grading.intake.reading.intake_budget import Collector
from grader.grading.intake.reading.zip_archives import read_zip
from grader.grading.intake.submitted_files import IntakeLimits, Wanted
from grader.grading.intake.take import take

BARE = {LAYERS: b"# layers\n", "README.md": b"hello"}


def below(folder: str) -> dict[str, bytes]:
    return {f"{folder}/{name}": content for name, content in HONEST.items()}


def test_a_folder_in_the_plain_layout_is_taken_without_a_note(tmp_path: Path) -> None:
    taken = intake(tmp_path, {**HONEST, **PROVIDED}, "student")
    assert taken.files == HONEST
    assert taken.missing == ()
    assert taken.notes == ()
    assert taken.name == "student"


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("student.zip", zipped(HONEST)),
        ("student.zip", zipped(HONEST, compression=0)),
        ("student.tar", tarred(HONEST)),
        ("student.tar", tarred(HONEST, form=tarfile.USTAR_FORMAT)),
        ("student.tar", tarred(HONEST, form=tarfile.GNU_FORMAT)),
        ("student.tar.gz", tarred(HONEST, mode="w:gz")),
        ("student.tgz", tarred(HONEST, mode="w:gz")),
        ("student.tar.xz", tarred(HONEST, mode="w:xz")),
        ("student.tar.bz2", tarred(HONEST, mode="w:bz2")),
        ("student.zip", tarred(HONEST, mode="w:gz")),  # named wrongly, read by what it is
    ],
)
def test_each_kind_of_archive_gives_the_same_files_and_digest(
    tmp_path: Path, name: str, given: bytes
) -> None:
    taken = intake(tmp_path, given, name)
    assert taken.files == HONEST
    assert taken.notes == ()
    assert taken.name == "student"
    assert taken.digest == intake(tmp_path, HONEST, "plain").digest


def test_the_digest_changes_with_a_name_and_with_a_byte(tmp_path: Path) -> None:
    digests = {
        intake(tmp_path, {LAYERS: b"ab"}, "one").digest,
        intake(tmp_path, {RNN: b"ab"}, "two").digest,
        intake(tmp_path, {LAYERS: b"a"}, "three").digest,
        intake(tmp_path, {LAYERS: b"a", RNN: b"b"}, "four").digest,
        intake(tmp_path, {LAYERS: b"", RNN: b"ab"}, "five").digest,
    }
    assert len(digests) == 5


def test_a_missing_file_is_named_and_the_rest_is_taken(tmp_path: Path) -> None:
    taken = intake(tmp_path, {LAYERS: b"x", NOTEBOOK: b"{}"}, "student")
    assert taken.missing == (RNN,)
    assert set(taken.files) == {LAYERS, NOTEBOOK}


def test_content_stays_bytes_whatever_they_are(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbfx = '\xe9'\r\n\tif:\x00"
    assert intake(tmp_path, zipped({LAYERS: content})).files[LAYERS] == content


@pytest.mark.parametrize(
    "root", ["assignment3", "Submission/assignment3", "Ada Lovelace_42_assignsubmission_file_/hw"]
)
def test_the_root_is_found_a_few_folders_down(tmp_path: Path, root: str) -> None:
    taken = intake(tmp_path, zipped(below(root)))
    assert taken.files == HONEST
    assert taken.notes == (f"The assignment was found in the folder `{root}`.",)


def test_what_a_mac_adds_is_passed_over_in_silence(tmp_path: Path) -> None:
    litter = {
        "__MACOSX/a3/cs231n/._rnn_layers.py": b"\0",
        "a3/.DS_Store": b"\0",
        "a3/cs231n/._rnn_layers.py": b"\0",
    }
    taken = intake(tmp_path, zipped({**below("a3"), **litter, "a3/Icon\r": b""}))
    assert taken.files == HONEST
    assert taken.notes == ("The assignment was found in the folder `a3`.",)


@pytest.mark.parametrize(
    "name",
    [
        "rnn_layers (1).py",
        "rnn_layers(2).py",
        "rnn_layers-1.py",
        "rnn_layers_2.py",
        "rnn_layers 3.py",
        "rnn_layers copy.py",
        "rnn_layers copy 2.py",
        "rnn_layers - Copy.py",
        "rnn_layers - Copy (3).py",
        "rnn_layers-Copy1.py",
        "Copy of rnn_layers.py",
        "Copy_of_rnn_layers.py",
        "RNN_Layers.py",
        "rnn_layers.PY",
        "rnn_layers.py.txt",
        "lovelaceada_12345_678901_rnn_layers.py",
        "lovelaceada_LATE_12345_678901_rnn_layers-1.py",
        "lovelaceada_LATE_12345_678901_Copy of rnn_layers (1).py",
        "Ada Lovelace_42_assignsubmission_file_rnn_layers.py",
        "HW3_ada_attempt_2024-01-01-10-00-00_rnn_layers.py",
    ],
)
def test_a_renamed_file_is_taken_and_the_report_says_from_where(tmp_path: Path, name: str) -> None:
    taken = intake(tmp_path, zipped({f"cs231n/{name}": b"mine", RNN: b"rnn"}))
    assert taken.files == {LAYERS: b"mine", RNN: b"rnn"}
    assert f"`{LAYERS}` was taken from `cs231n/{name}`." in taken.notes


@pytest.mark.parametrize(
    "name",
    [
        "my_rnn_layers.py",
        "rnn_layers_final.py",
        "rnn_layers.pyc",
        "rnn_layers",
        "rnn_layers2020.py",
        "layers.py",
    ],
)
def test_a_name_that_nobody_renames_so_is_not_guessed_at(tmp_path: Path, name: str) -> None:
    assert intake(tmp_path, zipped({f"cs231n/{name}": b"other", RNN: b"rnn"})).missing == (
        LAYERS,
        NOTEBOOK,
    )


def test_a_canvas_download_of_single_files_is_taken(tmp_path: Path) -> None:
    names = {"rnn_layers.py": LAYERS, "rnn-2.py": RNN, "RNN_Captioning.ipynb": NOTEBOOK}
    taken = intake(
        tmp_path, zipped({f"lovelaceada_1_2_{name}": HONEST[path] for name, path in names.items()})
    )
    assert taken.files == HONEST
    assert len(taken.notes) == 3


def test_flat_files_are_taken_without_their_folders(tmp_path: Path) -> None:
    taken = intake(
        tmp_path, {"rnn_layers.py": b"# layers\n", "rnn.py": b"# rnn\n", NOTEBOOK: b"{}"}, "student"
    )
    assert taken.files == HONEST
    assert taken.notes == (
        f"`{LAYERS}` was taken from `rnn_layers.py`.",
        f"`{RNN}` was taken from `rnn.py`.",
    )


def test_the_inner_folder_handed_in_alone_is_taken(tmp_path: Path) -> None:
    taken = intake(
        tmp_path,
        {"rnn_layers.py": b"l", "classifiers/rnn.py": b"r", "layers.py": b"changed"},
        "cs231n",
    )
    assert taken.files == {LAYERS: b"l", RNN: b"r"}
    assert any("`cs231n/layers.py` was changed" in note for note in taken.notes)


def test_code_and_notebooks_in_folders_of_their_own_are_both_taken(tmp_path: Path) -> None:
    files = {f"code/{LAYERS}": b"l", f"code/{RNN}": b"r", f"notebooks/{NOTEBOOK}": b"{}"}
    taken = intake(tmp_path, zipped(files))
    assert taken.files == {LAYERS: b"l", RNN: b"r", NOTEBOOK: b"{}"}
    assert f"`{NOTEBOOK}` was taken from `notebooks/{NOTEBOOK}`." in taken.notes


def test_folders_of_the_same_rank_that_share_no_file_are_both_taken(tmp_path: Path) -> None:
    taken = intake(tmp_path, zipped({f"a/{LAYERS}": b"l", f"b/{RNN}": b"r"}))
    assert taken.files == {LAYERS: b"l", RNN: b"r"}


@pytest.mark.parametrize("old", ["old", "a3/backup-2024", "Original_files"])
def test_an_older_copy_is_passed_over_and_named(tmp_path: Path, old: str) -> None:
    taken = intake(tmp_path, zipped({**below("a3"), f"{old}/{LAYERS}": b"older"}))
    assert taken.files == HONEST
    spare = f"`{old}/{LAYERS}` is another copy of `{LAYERS}` and was not used: `a3/{LAYERS}` was."
    assert taken.notes == ("The assignment was found in the folder `a3`.", spare)


def test_of_two_complete_copies_the_shallower_is_taken(tmp_path: Path) -> None:
    deeper = {f"x/y/{name}": b"other" for name in HONEST}
    taken = intake(tmp_path, zipped({**below("a3"), **deeper}))
    assert taken.files == HONEST
    assert sum("another copy" in note for note in taken.notes) == 3


def test_a_complete_copy_is_taken_before_a_shallower_part(tmp_path: Path) -> None:
    taken = intake(tmp_path, zipped({**below("a3"), "rnn_layers.py": b"stray"}))
    assert taken.files == HONEST
    assert any(note.startswith("`rnn_layers.py` is another copy") for note in taken.notes)


def test_two_different_copies_with_an_equal_claim_are_refused_by_name(tmp_path: Path) -> None:
    sentence = refusal(tmp_path, zipped({f"a/{LAYERS}": b"one", f"b/{LAYERS}": b"two"}))
    assert f"`a/{LAYERS}` and `b/{LAYERS}`" in sentence
    assert "hand in only one" in sentence


def test_two_equal_copies_are_no_riddle(tmp_path: Path) -> None:
    assert intake(tmp_path, zipped({f"a/{LAYERS}": b"same", f"b/{LAYERS}": b"same"})).files == {
        LAYERS: b"same"
    }


def test_two_renamed_copies_that_differ_are_refused(tmp_path: Path) -> None:
    sentence = refusal(
        tmp_path, zipped({"cs231n/rnn_layers (1).py": b"one", "cs231n/rnn_layers (2).py": b"two"})
    )
    assert "`cs231n/rnn_layers (1).py` and `cs231n/rnn_layers (2).py`" in sentence


def test_the_plain_name_is_taken_before_a_renamed_one(tmp_path: Path) -> None:
    taken = intake(tmp_path, zipped({LAYERS: b"plain", "cs231n/rnn_layers (1).py": b"download"}))
    assert taken.files == {LAYERS: b"plain"}
    assert any("`cs231n/rnn_layers (1).py` is another copy" in note for note in taken.notes)


def test_a_provided_file_of_the_same_name_is_never_taken_for_the_students(tmp_path: Path) -> None:
    wanted = Wanted(files=("a/utils.py", "a/main.py"), provided=frozenset({"b/utils.py"}))
    folder = plant(tmp_path / "student", {"a/main.py": b"main", "b/utils.py": b"provided"})
    taken = take(folder, wanted)
    assert taken.files == {"a/main.py": b"main"}
    assert taken.missing == ("a/utils.py",)


def test_a_single_file_is_a_submission(tmp_path: Path) -> None:
    taken = intake(tmp_path, b"x = 1\n", "rnn_layers (1).py")
    assert taken.files == {LAYERS: b"x = 1\n"}
    assert taken.missing == (RNN, NOTEBOOK)
    assert taken.notes == (f"`{LAYERS}` was taken from `rnn_layers (1).py`.",)


def test_a_single_file_of_another_name_is_refused(tmp_path: Path) -> None:
    sentence = refusal(tmp_path, b"x = 1\n", "homework.py")
    assert "none of the files that are graded, only `homework.py`" in sentence
    assert f"`{LAYERS}`" in sentence


ONE_OF_EACH = Wanted(files=("lib/work.py",), notebooks=("Work.ipynb",))


@pytest.mark.parametrize(
    "given", [b"{}", {"alice.ipynb": b"{}"}, zipped({"hw/alice.ipynb": b"{}"})]
)
def test_the_one_notebook_is_taken_whatever_its_name_where_nothing_else_was_handed_in(
    tmp_path: Path, given: bytes | dict[str, bytes]
) -> None:
    path = tmp_path / ("alice.ipynb" if given == b"{}" else "alice")
    if isinstance(given, bytes):
        path.write_bytes(given)
    taken = take(path if isinstance(given, bytes) else plant(path, given), ONE_OF_EACH)
    assert taken.files == {"Work.ipynb": b"{}"}
    assert taken.missing == ("lib/work.py",)
    (note,) = taken.notes
    assert note.startswith("`Work.ipynb` was taken from `")


@pytest.mark.parametrize("given", [{"alice.ipynb": b"{}", "bob.ipynb": b"{}"}, {"alice.md": b""}])
def test_of_several_files_none_is_guessed_to_be_the_one(
    tmp_path: Path, given: dict[str, bytes]
) -> None:
    with pytest.raises(SubmissionError, match="none of the files that are graded"):
        take(plant(tmp_path / "alice", given), ONE_OF_EACH)


def test_one_of_each_kind_is_taken_whatever_their_names(tmp_path: Path) -> None:
    taken = take(plant(tmp_path / "alice", {"alice.ipynb": b"{}", "alice.py": b"x"}), ONE_OF_EACH)
    assert taken.files == {"lib/work.py": b"x", "Work.ipynb": b"{}"}
    taken = take(plant(tmp_path / "bob", {"Work.ipynb": b"{}", "bob.py": b"x"}), ONE_OF_EACH)
    assert taken.files == {"lib/work.py": b"x", "Work.ipynb": b"{}"}


def test_an_archive_beside_loose_code_gives_what_that_lacks(tmp_path: Path) -> None:
    packed = zipped({"lib/work.py": b"old", "Work.ipynb": b"{}", "more.txt": b""})
    taken = take(plant(tmp_path / "alice", {"hw.zip": packed, "work.py": b"new"}), ONE_OF_EACH)
    assert taken.files == {"lib/work.py": b"new", "Work.ipynb": b"{}"}
    assert taken.missing == ()
    assert (
        "Loose files count before those of the archive `hw.zip`, which gave `Work.ipynb`."
        in taken.notes
    )
    assert "1 other file was not used: `more.txt`." in taken.notes


def test_an_archive_beside_loose_code_of_other_names_is_the_submission(tmp_path: Path) -> None:
    packed = zipped({"lib/work.py": b"old"})
    taken = take(plant(tmp_path / "alice", {"hw.zip": packed, "fixed.py": b"new"}), ONE_OF_EACH)
    assert taken.files == {"lib/work.py": b"old"}
    assert (
        taken.notes[0]
        == "The archive `hw.zip` was taken; other files beside it were not used: `fixed.py`."
    )


def test_a_broken_archive_beside_loose_code_costs_nothing_but_what_it_held(tmp_path: Path) -> None:
    taken = take(
        plant(tmp_path / "alice", {"hw.zip": b"PK broken", "work.py": b"new"}), ONE_OF_EACH
    )
    assert taken.files == {"lib/work.py": b"new"}
    assert "The archive beside it was not used: `hw.zip` can't be taken in" in taken.notes[-1]


def test_an_archive_beside_a_complete_submission_is_not_opened(tmp_path: Path) -> None:
    files = {"lib/work.py": b"new", "Work.ipynb": b"{}", "setup.py": b"", "data.zip": b"PK broken"}
    assert (
        "Archives within a submission are not opened: `data.zip`."
        in take(plant(tmp_path / "alice", files), ONE_OF_EACH).notes
    )


def test_changed_provided_files_are_named_and_unchanged_ones_are_not(tmp_path: Path) -> None:
    changed = {**PROVIDED, "cs231n/layers.py": b"def affine():\n    return 1\n"}
    assert intake(tmp_path, {**HONEST, **changed}, "student").notes == (
        "`cs231n/layers.py` was changed, and the change was not used: the assignment's own file was.",
    )


def test_windows_line_ends_are_no_change(tmp_path: Path) -> None:
    windows = {path: content.replace(b"\n", b"\r\n") for path, content in PROVIDED.items()}
    assert intake(tmp_path, zipped({**HONEST, **windows})).notes == ()


def test_more_than_ten_changed_files_are_counted(tmp_path: Path) -> None:
    provided = {f"lib/m{number:02}.py": hashlib.sha256(b"").hexdigest() for number in range(13)}
    folder = plant(tmp_path / "student", {LAYERS: b"", **dict.fromkeys(provided, b"changed")})
    taken = take(folder, Wanted(files=(LAYERS,), provided=frozenset(provided), digests=provided))
    assert sum("was changed" in note for note in taken.notes) == 10
    assert taken.notes[-1] == "3 more provided files were changed, and the changes were not used."


def test_tests_archives_and_other_files_are_named_as_not_used(tmp_path: Path) -> None:
    extra = {
        "conftest.py": b"",
        "tests/test_mine.py": b"",
        "inner.zip": b"PK",
        **{f"x{n}.txt": b"" for n in range(7)},
    }
    assert intake(tmp_path, zipped({**HONEST, **extra})).notes == (
        "Archives within a submission are not opened: `inner.zip`.",
        "Tests and settings of the submission's own were not run or read: `conftest.py` and `tests/test_mine.py`.",
        "7 other files were not used: `x0.txt`, `x1.txt`, `x2.txt`, `x3.txt`, `x4.txt` and 2 more.",
    )


def test_a_submission_without_any_wanted_file_says_what_it_holds(tmp_path: Path) -> None:
    sentence = refusal(tmp_path, {"report.pdf": b"%PDF"}, "student")
    assert "only `report.pdf`" in sentence
    assert f"hand in `{LAYERS}`, `{RNN}` and `{NOTEBOOK}`" in sentence


def test_an_archive_within_that_holds_what_is_missing_is_opened(tmp_path: Path) -> None:
    code = {name: content for name, content in HONEST.items() if name.endswith(".py")}
    for given in ({"inner.zip": zipped(HONEST)}, {"w/code.tar": tarred(code), NOTEBOOK: b"{}"}):
        taken = intake(tmp_path, zipped(given))
        assert taken.files == HONEST
        assert "within the submission was opened, and gave" in taken.notes[0]


def test_an_archive_in_an_archive_is_opened_so_far_and_no_further(tmp_path: Path) -> None:
    data = zipped(HONEST)
    for _ in range(3):
        data = zipped({"inner.zip": data})
    assert intake(tmp_path, data).files == HONEST
    for _ in range(3):
        data = zipped({"inner.zip": data})
    assert "nor in the archives within it, `inner.zip`" in refusal(tmp_path, data)


def test_of_several_archives_within_that_hold_what_is_missing_none_is_used(tmp_path: Path) -> None:
    taken = intake(
        tmp_path, zipped({RNN: b"", **{f"{n}.zip": zipped({LAYERS: n.encode()}) for n in "ab"}})
    )
    assert taken.files == {RNN: b""}
    assert (
        "Several archives within the submission, `a.zip` and `b.zip`, hold what is missing: none was used."
        in taken.notes
    )


def test_an_archive_within_shares_the_budget_of_what_it_lies_in(tmp_path: Path) -> None:
    block = b"".join(zlib.crc32(bytes([k])).to_bytes(4, "big") for k in range(250))
    noise = {f"{n}.bin": bytes([n]) + block * 400 for n in range(12)}
    taken = intake(
        tmp_path,
        zipped({RNN: b"", **{f"{n}.zip": zipped({**noise, LAYERS: b""}) for n in range(4)}}),
    )
    assert taken.files == {RNN: b""}
    assert any("it holds more than 4 MiB" in note for note in taken.notes)


def test_a_folder_of_one_archive_is_that_archive_and_of_several_the_newest(tmp_path: Path) -> None:
    plant(tmp_path / "student", {"a.zip": zipped(HONEST), "b.zip": zipped({LAYERS: b"old"})})
    os.utime(tmp_path / "student" / "b.zip", (1e9, 1e9))
    taken = take(tmp_path / "student", WANTED)
    assert taken.files == HONEST
    assert taken.look == ("Of several archives the newest was taken, `a.zip`, and not `b.zip`",)
    assert taken.notes == (f"{taken.look[0]}.",)


def test_what_lies_beside_the_one_archive_of_a_folder_is_noted(tmp_path: Path) -> None:
    plant(tmp_path / "student", {"a.zip": zipped(HONEST), "report.pdf": b"%PDF", ".DS_Store": b""})
    taken = take(tmp_path / "student", WANTED)
    assert taken.notes == ("The archive `a.zip` was taken, and not `report.pdf`.",)


def test_an_archive_that_the_machine_can_not_read_is_not_taken_for_a_bad_one() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        read_zip(Failing(zipped(HONEST)), Collector("a.zip", WANTED))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    assert "it holds no files" in refusal(tmp_path, {}, "student")


def test_a_path_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    for name in ("nobody.zip", "nul\0name"):
        with pytest.raises(SubmissionError, match="no such file or folder"):
            take(tmp_path / name, WANTED)


# --- Folders: nothing is followed, nothing that may block or act is opened.


def test_a_link_in_a_wanted_files_place_counts_as_missing_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret.py").write_bytes(b"the answers")
    folder = plant(tmp_path / "student", {RNN: b"rnn"})
    (folder / LAYERS).symlink_to(tmp_path / "secret.py")
    taken = take(folder, WANTED)
    assert taken.files == {RNN: b"rnn"}
    assert f"`{LAYERS}` is a symbolic link, and was not read." in taken.notes


def test_a_folder_that_is_a_link_is_not_entered(tmp_path: Path) -> None:
    plant(
        tmp_path / "elsewhere",
        {"rnn_layers.py": b"the answers", "classifiers/rnn.py": b"the answers"},
    )
    folder = plant(tmp_path / "student", {NOTEBOOK: b"{}"})
    (folder / "cs231n").symlink_to(tmp_path / "elsewhere")
    (folder / "loop").symlink_to(folder)
    taken = take(folder, WANTED)
    assert set(taken.files) == {NOTEBOOK}
    assert "`cs231n` is a symbolic link, and was not read." in taken.notes


def test_a_submission_that_is_a_link_is_refused(tmp_path: Path) -> None:
    plant(tmp_path / "solutions", HONEST)
    (tmp_path / "student").symlink_to(tmp_path / "solutions")
    with pytest.raises(SubmissionError, match="it is a link"):
        take(tmp_path / "student", WANTED)


def test_pipes_and_sockets_are_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = plant(tmp_path / "student", {RNN: b"rnn"})
    os.mkfifo(folder / LAYERS)
    monkeypatch.chdir(folder)  # a socket's path may have 107 characters at most
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(NOTEBOOK)
        taken = take(folder, WANTED)
    assert f"`{LAYERS}` is a named pipe (FIFO), and was not read." in taken.notes
    assert f"`{NOTEBOOK}` is a socket, and was not read." in taken.notes


@pytest.mark.parametrize("place", ["pipe", "/dev/zero"])
def test_a_submission_that_is_no_file_is_refused_and_not_opened(tmp_path: Path, place: str) -> None:
    path = tmp_path / place
    if place == "pipe":
        os.mkfifo(path)
    with pytest.raises(SubmissionError, match="neither a folder nor a regular file"):
        take(path, WANTED)


def test_a_file_that_can_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = plant(tmp_path / "student", {RNN: b"rnn", LAYERS: b"layers"})
    real = os.open

    def denied(path: object, *args: object, **kwargs: object) -> int:
        if path == "rnn_layers.py":
            raise PermissionError(13, "Permission denied")
        return real(path, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(
        GraderFault,
        match=rf"`{LAYERS}` \(Permission denied\).* this is not the fault of the submission",
    ):
        take(folder, WANTED)


def test_what_can_not_be_read_and_is_not_needed_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = plant(tmp_path / "student", {**HONEST, "locked/notes.txt": b""})
    real = os.open

    def denied(path: object, *args: object, **kwargs: object) -> int:
        if path == "locked":
            raise PermissionError(13, "Permission denied")
        return real(path, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", denied)
    taken = take(folder, WANTED)
    assert taken.files == HONEST
    assert "`locked` can't be read (Permission denied), and was not read." in taken.notes


def test_a_file_that_vanishes_or_turns_into_a_link_while_the_folder_is_read_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = plant(tmp_path / "student", {RNN: b"rnn", LAYERS: b"layers", NOTEBOOK: b"{}"})
    real = os.open

    def racing(path: object, *args: object, **kwargs: object) -> int:
        if path == "rnn_layers.py":
            (folder / LAYERS).unlink()
        if path == NOTEBOOK:
            (folder / NOTEBOOK).unlink()
            (folder / NOTEBOOK).symlink_to("/etc/passwd")
        return real(path, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", racing)
    taken = take(folder, WANTED)
    assert taken.files == {RNN: b"rnn"}
    assert f"`{LAYERS}` vanished while the submission was read, and was not read." in taken.notes
    assert any(note.startswith(f"`{NOTEBOOK}` can't be read") for note in taken.notes)


def test_tool_folders_are_not_even_entered(tmp_path: Path) -> None:
    files = {f".venv/lib/m{number}.py": b"" for number in range(80)}
    deep = {"node_modules/" + "a/" * 20 + "x.js": b""}
    assert intake(tmp_path, {**HONEST, **files, **deep, ".git/HEAD": b""}, "student").notes == ()


def test_a_folder_that_holds_what_is_wanted_is_never_passed_over(tmp_path: Path) -> None:
    folder = plant(tmp_path / "student", {**HONEST, "report/index.html": b""})
    wanted = msgspec.structs.replace(WANTED, passed_over=frozenset({"cs231n", "report"}))
    taken = take(folder, wanted)
    assert taken.files == HONEST
    assert taken.notes == ()


def test_a_large_data_set_in_a_folder_costs_nothing(tmp_path: Path) -> None:
    folder = plant(tmp_path / "student", HONEST)
    with (folder / "coco.h5").open("wb") as file:
        file.truncate(1 << 40)
    taken = take(folder, WANTED)
    assert taken.files == HONEST
    assert taken.notes == ("1 other file was not used: `coco.h5`.",)


def test_a_wanted_file_that_is_too_long_is_refused_before_it_is_read(tmp_path: Path) -> None:
    folder = plant(tmp_path / "student", HONEST)
    with (folder / NOTEBOOK).open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(
        SubmissionError,
        match=r"`RNN_Captioning.ipynb` is longer than 1 MiB; clear the notebook's outputs",
    ):
        take(folder, WANTED)


def test_a_folder_of_too_many_entries_is_refused(tmp_path: Path) -> None:
    assert "more than 50 entries" in refusal(
        tmp_path, {f"f{number}": b"" for number in range(51)}, "many"
    )


def test_what_lies_too_deep_or_has_too_long_a_path_is_left_out(tmp_path: Path) -> None:
    others = {"a/" * 9 + "x.py": b"", "a" * 120 + "/" + "b" * 120: b""}
    taken = intake(tmp_path, {**HONEST, **others}, "student")
    assert taken.files == HONEST
    told = " ".join(taken.notes)
    assert "lies more than 8 folders deep, and was not read" in told
    assert "has a path of more than 200 characters, and was not read" in told


def test_more_files_than_are_noted_are_counted(tmp_path: Path) -> None:
    limits = msgspec.structs.replace(SMALL, max_noted=10)
    taken = intake(
        tmp_path, zipped({**{f"d/{n}": b"" for n in range(30)}, **HONEST}), limits=limits
    )
    assert taken.files == HONEST
    assert taken.notes[-1] == "20 further files were not used or looked at."


# --- Names: a stranger's text is shown, and never acts.


def test_control_and_direction_characters_are_escaped_and_long_names_are_cut(
    tmp_path: Path,
) -> None:
    folder = plant(
        tmp_path / "student",
        {**HONEST, "a\x1b[2Jb\n\N{RIGHT-TO-LEFT OVERRIDE}c`.txt": b"", "z" * 150: b""},
    )
    (note,) = take(folder, WANTED).notes
    assert "`a\\x1b[2Jb\\x0a\\u202ec\\x60.txt`" in note
    assert len(note) < 250
    assert note.isprintable()


def test_a_hostile_name_of_the_submission_itself_is_made_plain(tmp_path: Path) -> None:
    taken = intake(tmp_path, HONEST, "\x1b]0;pwned\x07" + "x" * 200)
    assert taken.name.isprintable()
    assert len(taken.name) <= 110


def test_a_name_that_is_not_utf8_is_survived(tmp_path: Path) -> None:
    folder = plant(tmp_path / "student", HONEST)
    (folder / os.fsdecode(b"caf\xe9.txt")).write_bytes(b"")
    (note,) = take(folder, WANTED).notes
    assert note == "1 other file was not used: `caf\\udce9.txt`."


def test_shown_names_are_bounded() -> None:
    assert len(shown("\U000e0001" * 1000)) <= 1300
    assert len(shown("x" * 1000)) <= 122


def test_renames_are_undone_only_so_far() -> None:
    assert original_names("smith_1_2_rnn_layers-1.py") == [
        "smith_1_2_rnn_layers-1.py",
        "rnn_layers-1.py",
        "rnn_layers.py",
    ]
    assert original_names("(1).py") == ["(1).py"]
    assert original_names("x" * 5000 + " (1).py") == ["x" * 5000 + " (1).py"]


def test_the_limits_can_be_set(tmp_path: Path) -> None:
    assert "more than 2 entries" in refusal(
        tmp_path, zipped(HONEST), limits=IntakeLimits(max_entries=2)
    )
    assert "more than 5 bytes" in refusal(
        tmp_path, zipped(HONEST), limits=IntakeLimits(max_bytes=5)
    )
    assert "named like the assignment's" in refusal(
        tmp_path, zipped(HONEST), limits=IntakeLimits(max_kept_bytes=5)
    )
    assert intake(tmp_path, zipped(BARE), limits=IntakeLimits(max_kept_bytes=9)).files == {
        LAYERS: b"# layers\n"
    }


# --- Where the system does not play along.


def no(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_a_path_that_can_not_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        SubmissionError, match=r"`a.zip` can't be taken in: it can't be read \(Not a directory\)"
    ):
        take(tmp_path / "file" / "a.zip", WANTED)


def test_a_folder_that_can_not_be_opened_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(tmp_path / "student", HONEST)
    monkeypatch.setattr(folders.os, "open", no)
    with pytest.raises(
        GraderFault,
        match=r"can't be read \(Permission denied\): this is not the fault of the submission",
    ):
        take(tmp_path / "student", WANTED)


def test_a_folder_that_can_not_be_listed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(tmp_path / "student", HONEST)
    monkeypatch.setattr(folders.os, "scandir", no)
    with pytest.raises(GraderFault, match=r"`\.` \(Permission denied\) of `student`"):
        take(tmp_path / "student", WANTED)


def test_a_system_without_folders_by_descriptor_takes_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = intake(tmp_path, {**HONEST, "deep/er/notes.txt": b"n"}, "student")
    monkeypatch.setattr(folders, "_BY_DESCRIPTOR", False)
    assert take(tmp_path / "student", WANTED) == usual


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_is_no_file_any_more_when_it_is_opened_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(tmp_path, {"student.zip": zipped(HONEST)})
    once = (tmp_path / "student.zip").lstat()
    (tmp_path / "student.zip").unlink()
    os.mkfifo(tmp_path / "student.zip")
    with (
        pytest.raises(OSError, match="it is not a regular file any more"),
        folders.open_regular(str(tmp_path), "student.zip"),
    ):
        pass
    monkeypatch.setattr(Path, "lstat", lambda path: once)
    with pytest.raises(SubmissionError, match="it is not a regular file any more"):
        take(tmp_path / "student.zip", WANTED)


def test_two_copies_of_one_content_are_one_file(tmp_path: Path) -> None:
    copies = {
        **HONEST,
        "cs231n/rnn_layers (1).py": HONEST[LAYERS],
        "cs231n/rnn_layers (2).py": HONEST[LAYERS],
    }
    assert (
        intake(tmp_path, {name: copies[name] for name in copies if name != LAYERS}, "student").files
        == HONEST
    )


def test_a_name_with_many_copies_numbers_loses_three_of_them() -> None:
    assert original_names("rnn (1) (2) (3) (4).py")[-1] == "rnn (1).py"
