"""Diagnosis: whose numbers a submission's are, and what is told where they are nobody's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from grader.assignment.expectations import SCHEMA, CaseRecord, Expectations, Provenance
from grader.checking.explain import diagnosis
from grader.checking.explain.diagnosis import KnownMistakes, Mistake, answers, resembles, rivals
from grader.checking.explain.evidence import Evidence
from grader.checking.explain.fingerprints import fingerprint
from grader.checking.judge.got import Got
from grader.errors import AssignmentError
from grader.model import Tolerance

RNG = np.random.default_rng(7)
CASES = {
    "N=4": RNG.standard_normal((4, 3)),
    "N=3": RNG.standard_normal((3, 3)),
    "N=1": RNG.standard_normal((1, 3)),
}
RIGHT = {case: {"y": x, "total": x.sum(axis=0)} for case, x in CASES.items()}
MEANT = {case: {"y": x, "total": x.mean(axis=0)} for case, x in CASES.items()}  # right where N is 1
DOUBLED = {case: {"y": 2 * x, "total": x.sum(axis=0)} for case, x in CASES.items()}
SQUEEZED = {case: {} if case == "N=1" else MEANT[case] for case in CASES}  # raises where N is 1

Values = dict[str, dict[str, Any]]


def known(**mistakes: tuple[Mistake, Values]) -> KnownMistakes:
    """Return what was recorded of known mistakes, by id."""
    found = KnownMistakes("digest", {}, {})
    for id_, (mistake, values) in mistakes.items():
        cases = {("check", case): record(names) for case, names in values.items()}
        found.answers[id_] = answers(Expectations(Provenance(SCHEMA, "1", "", "", {}), cases))
        found.mistakes[id_] = mistake
    return found


def record(values: dict[str, Any]) -> CaseRecord:
    return CaseRecord({name: (value, Tolerance()) for name, value in values.items()})


def evidence(
    values: Values, inputs: dict[str, list[Any]] | None = None, right: Values = RIGHT
) -> list[Evidence]:
    """Return the cases of a check, of which those pass that give what is right."""
    told = []
    for case, names in values.items():
        got = {
            name: Got(value, ("N batch", "D input")[-np.ndim(value) :])
            for name, value in names.items()
        }
        passed = names.keys() == right[case].keys() and all(
            np.allclose(names[name], right[case][name], rtol=1e-4, equal_nan=False)
            for name in names
        )
        told.append(Evidence(case, got, record(right[case]), passed, (inputs or {}).get(case, ())))
    return told


MEAN = Mistake("The mean", "Is it a mean that is asked for?")
DOUBLE = Mistake("Twice", "Count how often it is added.")
KNOWN = known(mean=(MEAN, MEANT), double=(DOUBLE, DOUBLED))


def diagnose(check: str, told: list[Evidence], mistakes: KnownMistakes | None) -> Mistake:
    return diagnosis.diagnose(told, diagnosis.fitting(check, told, mistakes).values())


def test_mistake_is_known_by_its_numbers() -> None:
    assert diagnose("check", evidence(MEANT), KNOWN) == MEAN
    assert diagnose("check", evidence(DOUBLED), KNOWN) == DOUBLE


def test_rounding_does_not_hide_a_mistake() -> None:
    single = {
        case: {name: v.astype(np.float32) for name, v in names.items()}
        for case, names in MEANT.items()
    }
    assert diagnose("check", evidence(single), KNOWN) == MEAN


def test_other_numbers_in_one_case_are_another_mistake() -> None:
    other = {**DOUBLED, "N=1": {**DOUBLED["N=1"], "y": CASES["N=1"] * 2.01}}
    assert diagnose("check", evidence(other), KNOWN).name == ""
    assert diagnose("another check", evidence(DOUBLED), KNOWN).name == ""


def test_mistake_fits_only_if_it_is_right_where_the_submission_is() -> None:
    in_one_case = {**RIGHT, "N=1": DOUBLED["N=1"]}
    assert diagnose("check", evidence(in_one_case), KNOWN).name == ""


def test_case_that_raises_fits_a_mistake_that_raises_there() -> None:
    squeezed = Mistake("Squeezed", "What if there is but one?")
    both = known(mean=(MEAN, MEANT), squeezed=(squeezed, SQUEEZED))
    assert diagnose("check", evidence(SQUEEZED), both) == squeezed
    assert diagnose("check", evidence(MEANT), both) == MEAN
    nothing: Values = {case: {} for case in CASES}
    assert diagnose("check", evidence(nothing), known(silent=(squeezed, nothing))) == Mistake(
        "", ""
    )


def test_value_that_is_missing_is_another_answer() -> None:
    less = {case: {"total": names["total"]} for case, names in MEANT.items()}
    assert diagnose("check", evidence(less), KNOWN).name == ""


def test_where_several_fit_they_must_agree_in_their_hint() -> None:
    twin = Mistake("Also the mean", MEAN.hint, share=0.5)
    dear = Mistake("Again the mean", MEAN.hint, share=0.8)
    agreeing = known(dear=(dear, MEANT), twin=(twin, MEANT))
    assert diagnose("check", evidence(MEANT), agreeing) == twin
    at_odds = known(mean=(MEAN, MEANT), other=(DOUBLE, MEANT))
    assert diagnose("check", evidence(MEANT), at_odds).name == ""
    assert rivals(at_odds, "mean") == {"check": ("other",)}
    assert rivals(agreeing, "twin") == rivals(KNOWN, "mean") == {}


def test_without_known_mistakes_it_is_said_what_is_true() -> None:
    told = diagnose(
        "check",
        evidence({case: {"y": -x, "total": -x.sum(axis=0)} for case, x in CASES.items()}),
        None,
    )
    assert told == Mistake("", "`y` has the opposite sign everywhere.")


def test_length_of_an_axis_that_one_value_has_explains_another_value() -> None:
    told = diagnose("check", evidence(MEANT), None)
    assert (
        told.hint
        == "`total` would be right if it were multiplied by the length of the axis N batch."
    )


def test_what_is_true_in_some_of_the_cases_is_told_as_such() -> None:
    zero = {
        case: {**RIGHT[case], "y": np.zeros_like(x) if case != "N=1" else x + 1}
        for case, x in CASES.items()
    }
    assert diagnose("check", evidence(zero), None).hint == (
        "`y` is zero everywhere. That holds in 2 of the 3 cases that fail: N=4; N=3."
    )
    half = {case: zero[case] for case in ("N=3", "N=1")}
    assert diagnose("check", evidence(half), None).hint.startswith("Of what is compared, `y` alone")


def test_nothing_is_told_of_a_check_that_passes() -> None:
    assert diagnose("check", evidence(RIGHT), KNOWN) == Mistake("", "")


def test_entries_of_dicts_and_sequences_are_looked_at_one_by_one() -> None:
    x = CASES["N=4"]
    right = record({"grads": {"W": x, "b": x[0]}, "parts": [x, x[0]]})

    def told(name: str, value: Any) -> str:
        return diagnose("check", [Evidence("all", {name: Got(value, ())}, right)], None).hint

    assert told("grads", {"W": x, "b": -x[0]}) == "`grads[b]` has the opposite sign everywhere."
    assert told("parts", (x, -x[0])) == "`parts[1]` has the opposite sign everywhere."
    for odd in ([x], None, x):
        assert "sign" not in told("grads", odd) + told("parts", odd)
    assert "Nothing stands under `b`" in told("grads", {"W": x})


# --- NaN for large inputs alone -------------------------------------------------------------------

NAN = {case: {"y": np.full_like(x, np.nan), "total": x.sum(axis=0)} for case, x in CASES.items()}
OVERFLOW = "`y` is NaN or infinite only where the inputs are large."


@pytest.mark.parametrize(
    ("odd", "inputs", "said"),
    [
        (["N=3"], {"N=3": 800.0}, True),
        (["N=3", "N=1"], {"N=3": 800.0, "N=1": -900.0}, True),
        (["N=3"], {}, False),  # the inputs are like all others
        (["N=3"], {"N=3": 3.0}, False),  # hardly larger
        (["N=3"], {"N=3": 800.0, "N=4": 800.0}, False),  # another large one is right
        (["N=3", "N=1"], {"N=3": 800.0}, False),  # one of them is not large
        # there are no small ones
        (["N=3", "N=1", "N=4"], {"N=3": 800.0, "N=1": 800.0, "N=4": 800.0}, False),
    ],
)
def test_nan_for_large_inputs_is_told_where_it_is_for_those_alone(
    odd: list[str], inputs: dict[str, float], said: bool
) -> None:
    values = {case: NAN[case] if case in odd else RIGHT[case] for case in CASES}
    given_ = {case: [np.ones(2), {"b": [inputs.get(case, 1.0), None]}, "text"] for case in CASES}
    assert diagnose("check", evidence(values, given_), None).hint.startswith(OVERFLOW) is said


# --- fingerprints ---------------------------------------------------------------------------------

x = CASES["N=4"]
DIFFERENT = [
    *(
        x,
        x.T,
        -x,
        2 * x,
        x[::-1],
        x * 1e200,
        np.where(x > 0, np.nan, x),
        np.where(x < 0, np.nan, x),
    ),
    *(
        np.where(x > 0, np.inf, x),
        np.where(x > 0, -np.inf, x),
        np.where(x > 0, np.nan, 2 * x),
        x * 1j,
        x + x * 1j,
    ),
    *(
        np.full((4, 3), np.finfo(float).max),
        np.arange(12).reshape(4, 3),
        np.arange(12),
        x > 0,
        x < 0,
        True,
        False,
        0,
    ),
    *(
        0.5,
        1,
        "a",
        "b",
        "",
        None,
        [x],
        [x, x],
        (x, x),
        {"a": x},
        {"b": x},
        {"a": -x},
        [1, 2],
        [2, 1],
        ["a"],
        ["b"],
    ),
]


def fits(mine: Any, theirs: Any) -> bool:
    """Return whether a submission's value is taken for a known mistake's."""
    told = Evidence("case", {"y": Got(mine, ())}, CaseRecord())
    return diagnose("check", [told], known(it=(MEAN, {"case": {"y": theirs}}))).name == MEAN.name


@pytest.mark.parametrize("index", range(len(DIFFERENT)))
def test_values_that_differ_have_different_fingerprints(index: int) -> None:
    value = DIFFERENT[index]
    assert fits(value, value)
    assert [other for other in range(len(DIFFERENT)) if fits(value, DIFFERENT[other])] == [index]


@given(
    arrays.arrays(st.sampled_from([np.float64, np.float32, np.int64, np.complex128]), (3, 2)),
    st.data(),
)
def test_every_array_has_a_fingerprint_that_can_be_kept(
    array: np.ndarray, data: st.DataObject
) -> None:
    assert fits(array, array.copy())
    entry = data.draw(st.integers(0, 5))
    numbers = [number for number in fingerprint("y", array) if not isinstance(number, str)]
    assert np.isfinite(numbers).all()  # JSON has no other
    other = array.copy()
    other.flat[entry] = 1 if other.flat[entry] != 1 else 2
    if np.isfinite(array).all() and np.abs(array).max() < 1e3:
        assert not fits(other, array)


def test_fingerprints_are_kept_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "known-mistakes.json"
    assert KnownMistakes.read(path) is None
    KNOWN.write(path)
    kept = KnownMistakes.read(path)
    assert kept is not None
    assert diagnose("check", evidence(MEANT), kept) == MEAN
    path.write_text("{", encoding="utf-8")
    with pytest.raises(AssignmentError, match="run `grader record`"):
        KnownMistakes.read(path)


def test_mistake_that_would_have_failed_what_passed_gives_way() -> None:
    twin = Mistake("another", "another hint")
    both = known(mean=(MEAN, MEANT), twin=(twin, MEANT))
    both.answers["twin"]["earlier"] = {}
    fits = diagnosis.fitting("check", evidence(MEANT), both)
    assert diagnosis.sparing(fits, ["earlier"], both) == {"mean": MEAN}
    assert diagnosis.sparing(fits, ["another check"], both) == fits
    # no other explains the numbers
    assert diagnosis.sparing({"twin": twin}, ["earlier"], both) == {"twin": twin}


@pytest.mark.parametrize(
    ("got", "attempted"),
    [
        (lambda want: 2 * want + 1, True),
        (lambda want: -want, True),
        (lambda want: np.full_like(want, 0.3), False),
        (lambda want: np.random.default_rng(5).standard_normal(want.shape), False),
        (lambda want: want.T, False),
        (lambda want: np.full_like(want, np.nan), False),
    ],
    ids=["scaled", "of the wrong sign", "constant", "unrelated", "of another shape", "no numbers"],
)
def test_an_attempt_has_something_of_what_was_expected(got: Any, attempted: bool) -> None:
    want = np.random.default_rng(4).standard_normal((30, 40))
    record = CaseRecord(values={"y": (want, Tolerance())})
    assert resembles([Evidence("all", {"y": Got(got(want), ())}, record)]) is attempted


def test_what_is_right_says_nothing_of_an_attempt() -> None:
    want = np.random.default_rng(4).standard_normal((3, 4))
    record = CaseRecord(values={"x": (want, Tolerance()), "y": (want, Tolerance())})
    assert not resembles(
        [Evidence("all", {"x": Got(want, ()), "y": Got(np.zeros((3, 4)), ())}, record)]
    )


# --- a mistake beside something else --------------------------------------------------------------

ROWS = {"N=4": 4, "N=3": 3, "N=1": 1}


def beside(told: list[Evidence], mistakes: KnownMistakes = KNOWN) -> Mistake:
    """Return what is said of a check, mistakes that explain a part of it included."""
    fits = diagnosis.fitting("check", told, mistakes).values()
    return diagnosis.diagnose(told, fits, diagnosis.explaining("check", told, mistakes))


def test_mistake_is_named_where_another_value_is_wrong_for_another_cause() -> None:
    two = {case: {"y": DOUBLED[case]["y"], "total": RIGHT[case]["total"] + 3} for case in CASES}
    told = beside(evidence(two))
    assert told == Mistake(
        DOUBLE.name, f"{DOUBLE.hint} That does not explain what is wrong in `total`."
    )


def test_two_mistakes_in_different_values_are_both_named() -> None:
    total = {case: {"y": x, "total": -x.sum(axis=0)} for case, x in CASES.items()}
    negative = Mistake("Minus", "Look at the sign.")
    both = known(double=(DOUBLE, DOUBLED), negative=(negative, total))
    two = {case: {"y": DOUBLED[case]["y"], "total": total[case]["total"]} for case in CASES}
    told = beside(evidence(two), both)
    assert told.name == "Twice; Minus"
    assert told.hint.startswith(
        f"{DOUBLE.hint} That does not explain what is wrong in `total`. {negative.hint}"
    )


def test_mistake_is_named_where_other_cases_raise() -> None:
    told = beside(evidence({**DOUBLED, "N=1": {}}))
    assert told.name == DOUBLE.name
    assert (
        told.hint
        == f"{DOUBLE.hint} That does not explain why 1 case ended before there was a value."
    )
    assert told.share == 0.0


def test_mistake_is_not_named_where_most_cases_raise() -> None:
    (first, *others) = DOUBLED
    told = beside(evidence({first: DOUBLED[first], **{case: {} for case in others}}))
    assert told.name == ""


def test_mistake_that_would_be_wrong_where_the_submission_is_right_explains_nothing() -> None:
    in_one_case = {**RIGHT, "N=1": DOUBLED["N=1"]}
    assert beside(evidence(in_one_case)).name == ""
    other = {**DOUBLED, "N=1": {**DOUBLED["N=1"], "y": CASES["N=1"] * 2.01}}
    assert beside(evidence(other)).name == ""


def test_two_mistakes_that_explain_the_same_value_are_not_named() -> None:
    at_odds = known(double=(DOUBLE, DOUBLED), other=(MEAN, DOUBLED))
    two = {case: {"y": DOUBLED[case]["y"], "total": RIGHT[case]["total"] + 3} for case in CASES}
    assert beside(evidence(two), at_odds).name == ""


def test_a_few_integers_or_zeros_alone_are_no_sign_of_a_mistake() -> None:
    right = {case: {"ids": np.arange(rows) + 5, "y": CASES[case]} for case, rows in ROWS.items()}
    for value in (3, 0):
        theirs = {**right, "N=1": {**right["N=1"], "ids": np.array([value])}}
        own = {**theirs, "N=4": {**right["N=4"], "y": CASES["N=4"] + 1}}
        assert beside(evidence(own, right=right), known(it=(MEAN, theirs))).name == ""


# --- what may be handed out -----------------------------------------------------------------------


def handed_out(mistakes: KnownMistakes, right: Values = RIGHT) -> KnownMistakes:
    """Return what a handout holds of known mistakes."""
    cases = {("check", case): record(names) for case, names in right.items()}
    return mistakes.digested(Expectations(Provenance(SCHEMA, "1", "", "", {}), cases))


def test_handout_names_a_mistake_by_digests() -> None:
    public = handed_out(KNOWN)
    assert diagnose("check", evidence(MEANT), public) == MEAN
    assert diagnose("check", evidence(DOUBLED), public) == DOUBLE
    assert diagnose("check", evidence(RIGHT), public) == Mistake("", "")
    other = {case: {**DOUBLED[case], "y": 2.01 * x} for case, x in CASES.items()}
    assert diagnose("check", evidence(other), public) != DOUBLE
    two = {case: {"y": DOUBLED[case]["y"], "total": RIGHT[case]["total"] + 3} for case in CASES}
    assert beside(evidence(two), public).name == DOUBLE.name


def test_handout_holds_no_number_of_a_mistake_or_of_what_is_right() -> None:
    text = handed_out(KNOWN).to_bytes().decode()
    assert "." not in "".join(character for character in text.split('"mistakes"')[0])
    for values in (MEANT, DOUBLED, RIGHT):
        for number in fingerprint("y", values["N=4"]["y"])[1:]:
            assert f"{abs(number):.4g}" not in text


@given(st.integers(0, 2**32), st.sampled_from([1e-12, 1e-9, 3e-7]))
def test_rounding_noise_does_not_hide_a_mistake_from_digests(seed: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    right, wrong = rng.standard_normal((2, 5, 4)) * 10.0 ** rng.integers(-6, 6)
    public = handed_out(known(it=(MEAN, {"all": {"y": wrong}})), {"all": {"y": right}})
    own = {"all": {"y": wrong * (1 + noise * rng.standard_normal(wrong.shape))}}
    assert diagnose("check", evidence(own, right={"all": {"y": right}}), public) == MEAN


def test_digests_are_those_of_their_own_value_and_case() -> None:
    public = handed_out(KNOWN).answers["double"]["check"]
    kept = [
        digest
        for values in public.values()
        for name in values
        for digest in values[name]
        if len(digest) > 1
    ]
    assert len(kept) == len(set(kept))


def test_handout_of_some_checks_holds_their_mistakes_alone() -> None:
    assert KNOWN.of_checks(["check"]).mistakes == KNOWN.mistakes
    assert KNOWN.of_checks(["another"]).mistakes == {}


# --- signs ----------------------------------------------------------------------------------------


def with_inputs(values: Values, raised: str = "") -> list[Evidence]:
    """Return evidence in which each case was given the array that it is about."""
    told = evidence(values, {case: [x + 1] for case, x in CASES.items()})
    return [
        one if one.got else Evidence(one.case, {}, one.record, False, one.inputs, raised)
        for one in told
    ]


def test_only_case_with_one_row_is_told_as_that() -> None:
    told = diagnose("check", with_inputs({**RIGHT, "N=1": {}}, "Look there."), None)
    assert told.hint.startswith(
        "Only the case that fails (N=1) has length one in the axis N batch."
    )
    assert told.hint.endswith("Look there.")
    every = diagnose("check", with_inputs({case: {} for case in CASES}, "Look there."), None)
    assert every.hint == "Look there."


def test_values_of_the_right_shape_have_lost_no_axis() -> None:
    one = {**RIGHT, "N=1": {**RIGHT["N=1"], "y": CASES["N=1"] ** 2 + 1}}
    hint = diagnose("check", with_inputs(one, ""), None).hint
    assert "length one in the axis N batch. Look at what a single entry there changes" in hint
    gone = {**RIGHT, "N=1": {**RIGHT["N=1"], "y": 9 * CASES["N=1"][0]}}
    assert "what removes such an axis" in diagnose("check", with_inputs(gone, ""), None).hint


def test_list_in_the_place_of_a_dictionary_is_told() -> None:
    hint = failing("grads", lambda x: [x, x], lambda x: {"W": x, "b": x})
    assert hint.startswith("`grads` is a list or a tuple, and a dictionary is expected")


def test_exception_is_told_of_the_cases_that_raised() -> None:
    told = diagnose(
        "check", with_inputs({**RIGHT, "N=4": {}, "N=3": {"y": -CASES["N=3"]}}, "Look there."), None
    )
    assert told.hint == "Look there. That holds in 1 of the 2 cases that fail: N=4."


def test_array_that_was_given_is_recognised() -> None:
    told = diagnose(
        "check", with_inputs({case: {**RIGHT[case], "y": x + 1} for case, x in CASES.items()}), None
    )
    assert told.hint == "`y` is one of the arrays that the function was given, as it was given."


@pytest.mark.parametrize(
    ("combined", "said"),
    [
        (lambda x: x + (x + 1), "with the first argument of `f` added to it"),
        (lambda x: x * (x + 1), "multiplied by the first argument of `f`."),
    ],
)
def test_array_that_an_argument_has_gone_into_is_recognised(combined: Any, said: str) -> None:
    values = {case: {**RIGHT[case], "y": combined(x)} for case, x in CASES.items()}
    named = []
    for one in with_inputs(values):
        named.append(msgspec.structs.replace(one, called=["the first argument of `f`"]))
    told = diagnose("check", named, None)
    assert told.hint.startswith("`y` is what is expected")
    assert said in told.hint


def test_array_that_is_expected_elsewhere_is_recognised() -> None:
    right = {case: {"a": x, "b": x * x} for case, x in CASES.items()}
    swapped = {case: {"a": x * x, "b": x} for case, x in CASES.items()}
    told = diagnose("check", evidence(swapped, right=right), None)
    assert (
        told.hint == "`a` is what is expected of `b`: is it returned, or kept, in the right place?"
    )


@pytest.mark.parametrize("dtype", ["V8", "M8[s]", "m8[s]", "U3", "S3", [("a", "f8"), ("b", "f8")]])
def test_an_array_of_something_else_than_numbers_is_not_explained(dtype: Any) -> None:
    told = diagnose("check", with_inputs({case: {"y": np.zeros(3, dtype)} for case in CASES}), None)
    assert told.hint == ""


# --- which values and cases are wrong -------------------------------------------------------------


def failing(name: str, got: Callable[[np.ndarray], Any], want: Callable[[np.ndarray], Any]) -> str:
    """Return what is told of cases that all fail, with one value each."""
    told = []
    for case, x in CASES.items():
        told.append(Evidence(case, {name: Got(got(x), ())}, record({name: want(x)})))
    return diagnose("check", told, None).hint


def test_cases_that_pass_since_an_axis_has_length_one_are_told() -> None:
    values = {
        case: {**RIGHT[case], "y": x if len(x) == 1 else x * x + 1} for case, x in CASES.items()
    }
    told = diagnose("check", with_inputs(values), None)
    assert told.hint.startswith("Only the case that passes (N=1) has length one in the axis N")


def test_value_that_is_wrong_alone_is_told() -> None:
    values = {case: {**RIGHT[case], "y": x * x + 1} for case, x in CASES.items()}
    told = diagnose("check", evidence(values), None)
    assert told.hint.startswith("Of what is compared, `y` alone is wrong")
    both = {case: {"y": x * x + 1, "total": x[0] ** 2} for case, x in CASES.items()}
    assert diagnose("check", evidence(both), None).hint == ""


def test_values_that_are_all_wrong_have_a_cause_in_common() -> None:
    def hint(**got: Callable[[np.ndarray], np.ndarray]) -> str:
        told = []
        for case, x in CASES.items():
            given = {name: Got(make(x), ()) for name, make in got.items()}
            right = {"a": x, "b": x.T, "c": x.sum(axis=0)}
            told.append(Evidence(case, given, record({name: right[name] for name in given})))
        return diagnose("check", told, None).hint

    def slope(x: np.ndarray) -> np.ndarray:
        return np.sin(7 * x * x) - 2 * np.cos(5 * x)

    wrong = {"a": slope, "b": lambda x: slope(x).T, "c": lambda x: slope(x).sum(axis=0)}
    assert hint(**wrong).startswith(
        "Each of `a`, `b`, `c` has its shape, and each is wrong in every"
    )
    for other in ({"c": lambda x: x.sum(axis=0)}, {"c": lambda x: np.exp(x.sum())}):
        assert "Each of" not in hint(**{**wrong, **other})
    assert "Each of" not in hint(a=wrong["a"], b=wrong["b"])


@pytest.mark.parametrize(
    ("value", "said"), [(None, "`y` is None."), ((1, 2), "`y` is a list or a tuple")]
)
def test_what_is_no_array_is_told(value: Any, said: str) -> None:
    assert failing("y", lambda x: value, lambda x: x).startswith(said)


def test_key_that_is_not_there_is_told_with_the_one_that_is() -> None:
    hint = failing("grads", lambda x: {"W": x, "B": x}, lambda x: {"W": x, "b": x})
    assert "Nothing stands under `b`" in hint
    assert "(there is `B`)" in hint
    assert failing("grads", lambda x: {"W": x}, lambda x: {"W": 1 / x}) == ""
