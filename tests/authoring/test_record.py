"""Recording: the reference's answers for two seeds, refused where they could not be relied on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from toy import CHECKS, REFERENCE, SPEC, Toy, build

from grader.assignment.expectations import Expectations
from grader.assignment.spec import Assignment, load
from grader.authoring import record
from grader.errors import AssignmentError


def quiet(line: str) -> None:
    """Say nothing."""


@pytest.fixture
def own_copy(toy: Toy, tmp_path: Path) -> Assignment:
    """The recorded toy, to be changed at will."""
    return load(shutil.copytree(toy.assignment.folder, tmp_path / "assignment"))


def stored(assignment: Assignment, seed: str) -> Expectations:
    return Expectations.read(assignment.expectations_path(seed))


@pytest.mark.parametrize(
    ("instead", "says"),
    [
        (
            "",
            r"assignment\.toml names no `reference`: .* or `reference = \"\.\"` if a notebook is its own",
        ),
        (
            'handout_of = "0"',
            "this is a handout, which has no `reference`: nothing can be recorded from it",
        ),
    ],
)
def test_assignment_without_a_reference_is_told_what_to_write(
    tmp_path: Path, instead: str, says: str
) -> None:
    assignment = build(tmp_path, spec=SPEC.replace('reference = "reference"', instead))
    with pytest.raises(AssignmentError, match=says):
        record.record(assignment, reseed=False, progress=quiet)


def test_both_seeds_are_recorded_with_their_provenance(toy: Toy) -> None:
    public, hidden = (stored(toy.assignment, seed) for seed in ("public", "hidden"))
    assert public.provenance.seed == record.PUBLIC_SEED
    assert int(hidden.provenance.seed) > 1 << 64
    assert public.provenance.assignment == hidden.provenance.assignment == toy.assignment.digest
    assert public.provenance.reference == record.reference_digest(toy.assignment)
    assert set(public.provenance.versions) == {"python", "numpy", "grader"}
    assert public.cases.keys() == hidden.cases.keys()
    assert len(public.cases) == 12


def test_seeds_have_other_numbers(toy: Toy) -> None:
    public, hidden = (
        stored(toy.assignment, seed).cases["center", "N=4"].values["y"][0]
        for seed in ("public", "hidden")
    )
    assert (public != hidden).all()


def test_recording_again_keeps_the_hidden_seed_and_every_byte(own_copy: Assignment) -> None:
    before = own_copy.expectations_path("public").read_bytes(), stored(own_copy, "hidden")
    record.record(own_copy, reseed=False, progress=quiet)
    after = own_copy.expectations_path("public").read_bytes(), stored(own_copy, "hidden")
    assert after[1].provenance == before[1].provenance
    assert list(record.differences(before[1], after[1])) == []


def test_reseeding_draws_a_new_hidden_seed(own_copy: Assignment) -> None:
    before = stored(own_copy, "hidden")
    record.record(own_copy, reseed=True, progress=quiet)
    assert stored(own_copy, "hidden").provenance.seed != before.provenance.seed
    assert stored(own_copy, "public").provenance.seed == record.PUBLIC_SEED


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        (
            REFERENCE.replace("np.random.randn(n)", "np.random.default_rng().random(n)"),
            "not reproducible: `numbers` of noise",
        ),
        (
            REFERENCE.replace("def noise", "def nose"),
            "the reference fails `noise` (all): `noise` raised AttributeError",
        ),
        (REFERENCE.replace("return np.random.randn(n)", "return object()"), "can't be recorded"),
        (
            REFERENCE + "\n1 / 0\n",
            "the reference has a fault: pack/toy.py, line 32: `1 / 0` raised ZeroDivisionError",
        ),
    ],
    ids=["irreproducible", "lacking", "no data", "broken"],
)
def test_reference_that_can_not_be_relied_on_is_refused(
    tmp_path: Path, reference: str, why: str
) -> None:
    assignment = build(tmp_path, reference=reference)
    with pytest.raises(AssignmentError) as caught:
        record.record(assignment, reseed=False, progress=quiet)
    assert why in str(caught.value)
    assert not assignment.expectations_path("public").exists()


@pytest.mark.usefixtures("real_starts")  # forks of one process hash alike
def test_reference_that_depends_on_how_texts_are_hashed_is_refused(tmp_path: Path) -> None:
    hashed = "np.array([float(hash(letter)) for letter in 'abcdefgh'[:n]])"
    reference = REFERENCE.replace("np.random.randn(n)", hashed)
    with pytest.raises(AssignmentError, match="not reproducible: `numbers` of noise"):
        record.record(build(tmp_path, reference=reference), reseed=False, progress=quiet)


def test_check_that_asserts_wrongly_is_told_while_recording(tmp_path: Path) -> None:
    assignment = build(
        tmp_path, checks=CHECKS.replace('expect("numbers", student.noise(3))', "assert 1 == 2")
    )
    with pytest.raises(AssignmentError, match="the reference fails `noise`"):
        record.record(assignment, reseed=False, progress=quiet)


def test_reference_that_lacks_a_file_is_told(tmp_path: Path) -> None:
    assignment = build(tmp_path)
    (tmp_path / "reference" / "pack" / "toy.py").unlink()
    with pytest.raises(
        AssignmentError, match=r"the reference lacks pack/toy\.py: it should stand at"
    ):
        record.record(assignment, reseed=False, progress=quiet)


def test_fresh_expectations_have_no_problems(toy: Toy) -> None:
    assert list(record.check(toy.assignment, quiet)) == []


def test_changed_assignment_and_reference_are_stale(own_copy: Assignment) -> None:
    with (own_copy.folder / "pack" / "given.py").open("a") as file:
        file.write("# changed\n")
    reference = own_copy.folder / "reference" / "pack" / "toy.py"
    reference.write_text(
        REFERENCE.replace("np.bincount(ids, minlength=n)", "np.bincount(ids, minlength=n) + 1")
    )
    problems = "\n".join(record.check(load(own_copy.folder), quiet))
    for seed in ("public", "hidden"):
        assert (
            f"{seed}.h5: the spec, a check, a notebook or a provided file has changed" in problems
        )
        assert f"{seed}.h5: the reference has changed since it was recorded" in problems
        assert (
            f"{seed}.h5: the reference fails `count` (all): `counts` has the right shape (5,), but 5 of"
            in problems
        )


def test_difference_is_seen_whichever_run_has_more(toy: Toy) -> None:
    full, empty = (
        stored(toy.assignment, "public"),
        Expectations(stored(toy.assignment, "public").provenance),
    )
    assert (
        len(list(record.differences(full, empty))) == len(list(record.differences(empty, full))) > 5
    )


def test_a_check_that_expects_nothing_is_told(tmp_path: Path) -> None:
    empty = 'def test_count(student, expect, rng):\n    """How often each id occurs."""\n    student.count([1], 2)\n'
    checks = CHECKS.replace("def test_count", "def counted") + f"\n\n{empty}"
    told: list[str] = []
    record.record(build(tmp_path / "assignment", checks=checks), reseed=False, progress=told.append)
    warnings = [line for line in told if line.startswith("warning")]
    assert warnings == [
        "warning: `count` (all) expects nothing, so every answer would pass: call `expect` in it"
    ]
