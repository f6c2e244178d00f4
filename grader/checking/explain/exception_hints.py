"""What is known in general of an exception that a student's code raised: a sentence that says what
to look at. Pure.

The account of an exception comes from the box and is data: a name is taken from it only if it has
the form of one. Python's and NumPy's own messages are what the patterns are written for; of the
student's own words nothing is read.
"""

from __future__ import annotations

import builtins
import re
from typing import NamedTuple

from grader.checking.explain.exception_rules import RULES
from grader.errors import StudentException

NAME = r"[A-Za-z_][\w.]{0,80}"
NUMPY_PLAIN = {
    "int": "int",
    "float": "float",
    "bool": "bool",
    "object": "object",
    "str": "str",
    "complex": "complex",
}
NUMPY_PLAIN |= {"long": "int", "unicode": "str"}
NUMPY_GONE = {
    "float_": "np.float64",
    "complex_": "np.complex128",
    "unicode_": "np.str_",
    "Inf": "np.inf",
    "infty": "np.inf",
    "NaN": "np.nan",
    "NAN": "np.nan",
    "product": "np.prod",
    "cumproduct": "np.cumprod",
    "alltrue": "np.all",
    "sometrue": "np.any",
    "round_": "np.round",
    "row_stack": "np.vstack",
    "in1d": "np.isin",
    "trapz": "np.trapezoid",
    "asfarray": "np.asarray",
    "mat": "np.asmatrix",
    "cast": "astype",
    "bool8": "bool",
    "int0": "np.intp",
    "float96": "np.longdouble",
    "string_": "np.bytes_",
    "PINF": "np.inf",
    "NINF": "-np.inf",
    "find_common_type": "np.result_type",
    "msort": "np.sort(..., axis=0)",
}
OLD_NAMES = {
    "xrange": "range",
    "raw_input": "input",
    "unicode": "str",
    "basestring": "str",
    "long": "int",
    "unichr": "chr",
    "reduce": "functools.reduce",
    "izip": "zip",
    "imap": "map",
    "cmp": "(a > b) - (a < b)",
}
OLD_METHODS = {
    "iteritems": "items()",
    "itervalues": "values()",
    "iterkeys": "keys()",
    "has_key": "key in ...",
}
OLD_ATTRIBUTES = {  # of modules
    ("string", "letters"): "string.ascii_letters",
    ("string", "lowercase"): "string.ascii_lowercase",
    ("string", "uppercase"): "string.ascii_uppercase",
    ("string", "maketrans"): "str.maketrans",
    ("string", "join"): "separator.join(parts)",
    ("itertools", "izip"): "zip",
    ("itertools", "imap"): "map",
    ("itertools", "ifilter"): "filter",
    ("itertools", "izip_longest"): "itertools.zip_longest",
    ("sys", "maxint"): "sys.maxsize",
    ("os", "getcwdu"): "os.getcwd",
    ("time", "clock"): "time.perf_counter",
    ("collections", "Iterable"): "collections.abc.Iterable",
    ("collections", "Mapping"): "collections.abc.Mapping",
    ("collections", "Sequence"): "collections.abc.Sequence",
    ("inspect", "getargspec"): "inspect.getfullargspec",
}
OLD_MODULES = {
    "past",
    "future",
    "six",
    "cPickle",
    "urllib2",
    "StringIO",
    "cStringIO",
    "__builtin__",
    "ConfigParser",
}
OTHERS = {  # packages, whose modules may have the names of modules that were handed out
    *("torch", "torchvision", "tensorflow", "keras", "jax", "scipy", "sklearn", "autograd"),
    *("theano", "mxnet", "chainer", "pandas", "matplotlib"),
}
USUAL_ALIASES = {
    "np": "import numpy as np",
    "numpy": "import numpy",
    "plt": "import matplotlib.pyplot as plt",
}
USUAL_ALIASES |= {
    name: f"import {name}"
    for name in ("math", "random", "copy", "itertools", "functools", "time", "os")
}


class Account(NamedTuple):
    """An exception as the box reported it, cleaned and bounded."""

    kinds: tuple[str, ...]  # its type and those that it derives from, by name
    message: str
    line: str = ""  # the student's line that raised it
    missing: str = ""  # the module that an import did not find
    near: str = ""  # the name that was probably meant


def hint(account: Account) -> str:
    """Return a hint for an exception, or nothing if there is no general advice."""
    if not account.kinds:
        return ""
    if "ImportError" in account.kinds:
        return _import(account)
    if account.kinds[0] == "NameError":
        return _name(account)
    if account.kinds[0] == "AttributeError" and (told := _attribute(account)):
        return told
    if account.kinds[0] == "KeyError" and _is_name(account.near):
        return f"There is no such key, but there is `{account.near}`: is that what you mean?"
    for rule in RULES:
        if rule.fits(account.kinds, account.message, account.line):
            return rule.sentence
    return ""


def _name(account: Account) -> str:
    found = re.match(rf"name '({NAME})' is not defined", account.message)
    if not found:
        return ""
    name = found[1]
    if name in OLD_NAMES:
        return f"`{name}` is Python 2, and your work runs in Python 3: write `{OLD_NAMES[name]}`."
    if _is_name(account.near):
        return f"`{name}` is not defined, but `{account.near}` is: is that what you mean?"
    if name in USUAL_ALIASES:
        return f"`{name}` is used, but this file does not import it: `{USUAL_ALIASES[name]}`."
    return (
        f"Nothing gives `{name}` a value where it is used. Is it spelt as where it was set, is it"
        " set in another function (each has its own variables: pass it on as an argument, or in"
        " the cache), or is an import missing?"
    )


def _attribute(account: Account) -> str:
    module = re.match(rf"module '({NAME})' has no attribute '({NAME})'", account.message)
    if module and module[1] == "numpy":
        if module[2] in NUMPY_PLAIN:
            plain = NUMPY_PLAIN[module[2]]
            return (
                f"NumPy no longer has `np.{module[2]}`, which was Python's own `{plain}`: write"
                f" `{plain}`."
            )
        if module[2] in NUMPY_GONE:
            return f"NumPy no longer has `np.{module[2]}`: write `{NUMPY_GONE[module[2]]}`."
    removed = re.match(r"`np\.(\w+)` was removed", account.message)
    if removed and removed[1] in NUMPY_GONE:
        return f"NumPy no longer has `np.{removed[1]}`: write `{NUMPY_GONE[removed[1]]}`."
    found = module or re.match(rf"'({NAME})' object has no attribute '({NAME})'", account.message)
    if not found:
        return ""
    if (found[1], found[2]) in OLD_ATTRIBUTES:
        instead = OLD_ATTRIBUTES[found[1], found[2]]
        return f"Python no longer has `{found[1]}.{found[2]}`: write `{instead}`."
    if found[2] in OLD_METHODS:
        return (
            f"`{found[2]}` is Python 2, and your work runs in Python 3: write"
            f" `{OLD_METHODS[found[2]]}`."
        )
    if _is_name(account.near):
        return (
            f"There is no `{found[2]}` in it, but there is `{account.near}`: is that what you mean?"
        )
    return ""


def _import(account: Account) -> str:
    missing, near = account.missing, account.near
    if account.kinds[0] != "ModuleNotFoundError":
        if "relative import" in account.message:
            return (
                "An import with a leading dot works only inside the package, and only as far up as"
                " it reaches."
            )
        if re.match(rf"cannot import name '{NAME}'", account.message):
            return (
                "The module has nothing of this name: is it spelt as where it is defined, and"
                " defined in that file?"
            )
        return ""
    if _is_name(near) and missing.split(".")[0] not in OTHERS:
        return (
            "Your file is part of the folder that was handed out, in which this module is"
            f" `{near}`: import it by that name, or with a leading dot from a file beside it."
        )
    if not _is_name(missing):
        return ""
    if missing.split(".")[0] in OLD_MODULES:
        return (
            f"`{missing}` belongs to Python 2, and your work runs in Python 3: remove the import"
            " and what needs it."
        )
    return (
        f"`{missing}` is not there when your work is graded. Use what was handed out, NumPy, and"
        " Python's own library, and remove this import and what needs it."
    )


def _is_name(text: str) -> bool:
    return re.fullmatch(NAME, text) is not None


def typed(error: StudentException) -> Exception:
    """Return the error as one that is also of the built-in type that the student's code raised."""
    own = {"__str__": StudentException.__str__}  # a KeyError has another
    for kind in error.kinds:
        found = getattr(builtins, kind, None)
        if isinstance(found, type) and issubclass(found, Exception) and found is not Exception:
            try:
                both: type[StudentException] = type(kind, (StudentException, found), own)
                return both(str(error), error.trace, error.frames, error.kinds, error.hint)
            # a type that asks for arguments of its own, such as UnicodeDecodeError
            except TypeError:
                break
    return error
