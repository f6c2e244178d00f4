"""The limits of a box; ``assignment.toml`` gives them under ``[limits]``."""

from __future__ import annotations

import msgspec

# The variables that set the number of a BLAS library's threads: one for each box, since boxes fill
# the cores.
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one submission may use. Times are wall-clock seconds by the trusted side's clock."""

    call_seconds: float = 10.0  # one call into the student's code
    import_seconds: float = 20.0  # the first call of a module also imports it
    cell_seconds: float = 60.0  # one cell of a notebook
    notebook_seconds: float = 180.0  # a notebook in all
    cpu_seconds: int = 300  # summed over the process tree
    memory_mb: int = 2048  # resident, summed over the process tree
    file_mb: int = 64  # the largest single file
    scratch_mb: int = 256  # all files together
    open_files: int = 256
    processes: int = 32  # processes and threads, summed over the tree
    output_mb: float = 8.0  # outputs of one notebook
    submission_mb: int = 512  # what is handed in, unpacked; of a folder, what is read of it
    submission_files: int = 100_000  # files and folders of what is handed in
    callbacks: int = 10_000  # calls of the functions that one case of a check hands in
