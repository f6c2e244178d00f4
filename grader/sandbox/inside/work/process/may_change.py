"""Whether code could change the attributes of modules, as far as the code itself shows.

To look through the attributes of all libraries takes longer than most cells. So it is done behind
code that sets or deletes attributes, or that names what can do so in another way. Code that calls
such code needs no look of its own: whoever asks remembers the answer for the rest of the process.
"""

from __future__ import annotations

import dis
from types import CodeType

_STORES = tuple(dis.opmap[name] for name in ("STORE_ATTR", "DELETE_ATTR"))
# Names of what changes an attribute without a statement that says so, or runs code that may.
_NAMES = frozenset(
    (
        *("setattr", "delattr", "__setattr__", "__delattr__", "__dict__", "vars", "globals"),
        *("__globals__", "exec", "eval", "__import__", "reload", "run_path", "run_module"),
        *("get_ipython", "patch", "mock", "ctypes", "modules", "builtins", "__builtins__"),
        *("exec_module", "load_module"),
    )
)


def may_change(code: CodeType) -> bool:
    """Return whether code, or a function that it defines, could change a module's attributes."""
    if not _NAMES.isdisjoint(code.co_names) or _stores(code):
        return True
    return any(may_change(one) for one in code.co_consts if isinstance(one, CodeType))


def _stores(code: CodeType) -> bool:
    """Return whether code sets an attribute of anything but the `self` of a method."""
    operations = code.co_code[::2]
    if not any(store in operations for store in _STORES):
        return False
    owner = copied = None
    for one in dis.get_instructions(code):
        if one.opcode in _STORES and owner != "self":
            return True
        if one.opname.startswith("LOAD_FAST"):  # some versions load two variables in one
            owner = one.argval[-1] if isinstance(one.argval, tuple) else one.argval
        elif one.opname == "COPY":  # of the owner, in `self.number += 1`
            copied, owner = owner, None
        else:
            owner = copied if one.opname == "SWAP" else None
    return False
