"""Coverage-guided fuzzing of the wire and of the intake, with atheris.

``python tests/fuzz/fuzz.py [TARGET...] [-OPTION...]``, or ``tox -e fuzz -- [TARGET...]
[-OPTION...]``. Without target, all of them run one after the other. Options are libFuzzer's, for
instance ``-max_total_time=60`` or ``-runs=100000``; ``--found FOLDER`` keeps what was found in
folders of that name, and ``--minimise`` adds to the kept corpus what of it reaches code that the
corpus does not. An input that ends a run is written to ``FOLDER/TARGET-…``: mend what it shows, and
keep it by ``kept.keep(TARGET, {NAME: DATA})``; `test_kept_corpus.py` replays `corpus.zip`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

from kept import corpus, keep

HERE = Path(__file__).resolve().parent
KEPT = corpus()
NAMES = sorted(KEPT)
# What decides over the bytes, and so what the fuzzer is to find its way in.
INSTRUMENTED = ["grader", "fuzz_targets", "zipfile", "tarfile", "json", "numpy.lib", "nbformat"]
# bytes of an input: small enough to be quick, long enough for an archive of some entries
LONGEST = 4096


def fuzz_one(target: str, options: list[str]) -> None:
    """Hand this process over to libFuzzer, with its options and folders; does not return."""
    import atheris

    sys.path[:0] = [str(HERE.parents[1])]
    with atheris.instrument_imports(include=INSTRUMENTED):
        from fuzz_targets import TARGETS
    function = TARGETS[target]

    warnings.simplefilter("error", RuntimeWarning)  # NumPy's, which the tests count as errors, too

    def run(data: bytes) -> None:
        function(data)

    # as what it starts itself again to minimise
    itself = f"{sys.executable} {__file__} --alone {target}"
    atheris.Setup([itself, f"-max_len={LONGEST}", "-timeout=20", *options], run)
    atheris.Fuzz()


def main() -> int:
    """Fuzz the targets one after the other; returns 1 where one of them found something."""
    if sys.argv[1:2] == ["--alone"]:
        fuzz_one(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(NAMES))
    parser.add_argument(
        "--found",
        type=Path,
        metavar="FOLDER",
        help="keep what is found; a temporary folder otherwise",
    )
    parser.add_argument(
        "--minimise",
        action="store_true",
        help="add to the kept corpus, of FOLDER, what reaches more",
    )
    known, options = parser.parse_known_args()
    unknown = set(known.targets) - set(NAMES)
    if unknown or (known.minimise and not known.found):
        parser.error(
            f"no such target: {', '.join(sorted(unknown))}"
            if unknown
            else "--minimise needs --found"
        )
    codes = []
    with contextlib.ExitStack() as stack:
        found = known.found or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="fuzz-"))
        )
        for target in known.targets or NAMES:
            print(f"--- {target}", flush=True)
            folder = found.resolve() / target
            kept = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kept-")))
            folder.mkdir(parents=True, exist_ok=True)
            for name, data in KEPT[target].items():
                (kept / name).write_bytes(data)
            folders = [str(kept), str(folder)] if known.minimise else [str(folder), str(kept)]
            given = (
                ["-merge=1", "-use_counters=0"]
                if known.minimise
                else [f"-artifact_prefix={folder}-"]
            )
            command = [sys.executable, __file__, "--alone", target, *given, *options, *folders]
            environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
            codes.append(subprocess.run(command, env=environment, check=False).returncode)
            if known.minimise:
                more = {path.name: path.read_bytes() for path in kept.iterdir()}
                keep(target, more)
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
