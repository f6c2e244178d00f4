"""A notebook's check does not pay for validators that come with JupyterLab."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CHECK_OF_A_NOTEBOOK = """
import sys
sys.path.insert(0, {folder!r})
from grader.checking.api import notebook
import nbclient, jsonschema
import rfc3987_syntax
print(rfc3987_syntax.WHOSE, jsonschema._format.__name__)
print({{"isoduration", "webcolors", "arrow"}} & sys.modules.keys())
"""


def test_the_grammar_is_not_built_and_can_be_imported_afterwards(tmp_path: Path) -> None:
    # jsonschema asks the package for this name; here the question would end the process.
    (tmp_path / "rfc3987_syntax.py").write_text(
        'WHOSE = "the test\'s"\n'
        "def __getattr__(name):\n"
        "    if name == 'is_valid_syntax':\n"
        "        raise RuntimeError('the grammar was built')\n"
        "    raise AttributeError(name)\n"
    )
    code = CHECK_OF_A_NOTEBOOK.format(folder=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout == "the test's jsonschema._format\nset()\n", done.stderr
