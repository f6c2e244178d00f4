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

from grader.errors import StudentException

NAME = r"[A-Za-z_][\w.]{0,80}"
PYTHON_2 = "That is Python 2, and your work runs in Python 3. "
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
    """What the box tells of an exception, cleaned and bounded."""

    kinds: tuple[str, ...]  # its type and those that it derives from, by name
    message: str
    line: str = ""  # the student's line that raised it
    missing: str = ""  # the module that an import did not find
    near: str = ""  # the name that was probably meant


class Rule(NamedTuple):
    """A sentence for exceptions of some type whose message, and whose line, have a form."""

    kind: str
    message: str
    sentence: str
    line: str = ""


NOTHING = (
    "Something here is None: a function without a `return`, a function that is not written yet, or"
    " a method that changes its object and returns nothing. Where does the value in this line come"
    " from?"
)
TUPLE = (
    "A tuple or list stands where an array is expected. A function that returns several values"
    " returns them as one tuple: take it apart first, `a, b = f(x)`; and make an array of a list,"
    " `np.array(...)` or `np.stack(...)`."
)
DIVISION = (
    "`/` gives a floating-point number in Python 3, also of two integers, and such a number is"
    " neither an index nor a length. Write `//` for whole division, or `int(...)`, or convert an"
    " array with `.astype(int)`."
)
FEWER_AXES = (
    "The array has fewer axes here than the line counts on. Axes are counted from 0: a matrix has"
    " the axes 0 and 1. If one is missing, what removed it: `squeeze`, an index in place of a"
    " slice, a sum without `keepdims`? Print its shape just before, in the case that fails."
)
SHAPES = (
    "Two arrays meet here whose shapes do not fit. Write the shape of each beside the line, and see"
    " which axis should be transposed, summed over or added."
)
CACHE = (
    "A cache has to be taken apart into as many values as the forward function put into it, in the"
    " same order. Compare this line with the one that makes the cache."
)
ARGUMENTS = (
    "The function is called with other arguments than its `def` has: compare the two, in number and"
    " order."
)
RULES = (
    Rule(
        "SyntaxError",
        r"[Mm]issing parentheses in call to 'print'",
        PYTHON_2 + "Write `print(...)`, with brackets.",
    ),
    Rule(
        "SyntaxError",
        r"[Mm]issing parentheses in call to 'exec'",
        PYTHON_2 + "Write `exec(...)`, with brackets.",
    ),
    Rule("SyntaxError", "multiple exception types", PYTHON_2 + "Write `except Error as error:`."),
    Rule(
        "SyntaxError", "leading zeros in decimal", PYTHON_2 + "An octal number is written `0o17`."
    ),
    Rule(
        "SyntaxError",
        "",
        PYTHON_2 + "Backquotes are gone: write `repr(...)`.",
        r"=\s*`[^`]+`|\(.*`[^`]+`.*\)|%\s*`[^`]+`",
    ),
    Rule("SyntaxError", "", PYTHON_2 + "'Not equal' is written `!=`.", r"[\w)\]]\s*<>\s*[\w(]"),
    Rule(
        "SyntaxError",
        "",
        PYTHON_2 + "Write `raise Error(message)`, with brackets.",
        r"^raise\s+[\w.]+\s*,",
    ),
    Rule("SyntaxError", "", PYTHON_2 + "Write `except Error as error:`.", r"^except\s+[^:()]+,"),
    Rule("SyntaxError", "", PYTHON_2 + "Write `exec(...)`, with brackets.", r"^exec\s"),
    Rule("SyntaxError", "", PYTHON_2 + "Whole numbers have no `L` behind them.", r"\b\d+[lL]\b"),
    Rule("SyntaxError", "", PYTHON_2 + "Write `r'...'` without the `u`.", r"\b[uU][rR]['\"]"),
    Rule(
        "SyntaxError",
        "",
        PYTHON_2 + "A parameter can't be a tuple: take it apart in the function.",
        r"\blambda\s*\(|^def\s+\w+\((\s*|[^=]*,\s*)\(",
    ),
    Rule(
        "TypeError",
        r"unsupported operand type\(s\) for >>: 'builtin_function_or_method'",
        PYTHON_2 + "Write `print(..., file=...)`.",
    ),
    Rule(
        "SyntaxError",
        "invalid decimal literal|unterminated string|was never closed|unmatched|expected ':'",
        "Python can't read this line. The message says what is missing, or stands there too often."
        " Your own Python runs no line of the file until it is mended.",
    ),
    Rule(
        "TabError",
        "",
        "Tabs and spaces are mixed in front of a line. Let your editor convert all tabs to four"
        " spaces.",
    ),
    Rule(
        "IndentationError",
        "",
        "A line does not stand as far in as Python expects. Is it inside the block that you mean,"
        " and is there anything in the block above it? Your own Python runs no line of the file"
        " until it is mended.",
    ),
    Rule(
        "SyntaxError",
        "",
        "Python can't read this line. Look at the line before it as well: a bracket or a quote may"
        " not be closed. Your own Python runs no line of the file until it is mended.",
    ),
    Rule(
        "UnboundLocalError",
        "",
        "The variable is given a value on some paths through the function only: inside an `if` or a"
        " loop that was not entered here, or further down than it is used. Give it a value before.",
    ),
    Rule("AttributeError", "'NoneType' object", NOTHING),
    Rule(
        "AttributeError",
        "'(tuple|list)' object has no attribute '(shape|dot|T|reshape|sum|dtype|ndim|size)'",
        TUPLE,
    ),
    Rule("TypeError", "NoneType", NOTHING),
    Rule(
        "TypeError",
        "not subscriptable",
        PYTHON_2 + "In Python 3 the result is not a list: wrap it in `list(...)`.",
        r"\.(keys|values|items)\(|\b(map|filter|zip)\(",
    ),
    Rule(
        "TypeError",
        r"'dict_(keys|values|items)' object|'(map|zip|filter)' object is not subscriptable|"
        "'range' object does not support item assignment",
        PYTHON_2 + "In Python 3 the result is not a list: wrap it in `list(...)`.",
    ),
    Rule(
        "TypeError",
        "'float' object cannot be interpreted as an integer|slice indices must be"
        " integers|'numpy.float64' object cannot be interpreted|expected a sequence of integers or"
        " a single integer",
        DIVISION,
    ),
    Rule("IndexError", "only integers, slices|arrays used as indices must be of integer", DIVISION),
    Rule("TypeError", "list indices must be integers or slices, not tuple", TUPLE),
    Rule(
        "TypeError",
        "(can't multiply sequence by non-int|unsupported operand .*'(tuple|list)'|"
        "can only concatenate (tuple|list))",
        TUPLE,
    ),
    Rule(
        "TypeError",
        "(ndarray|float64|float|tuple|int)' object is not callable",
        "Round brackets follow something that is not a function. Is an operator missing before"
        " them, should they be square, or has a variable the name of the function?",
    ),
    Rule(
        "TypeError",
        r"positional argument|unexpected keyword|multiple values for argument",
        ARGUMENTS,
    ),
    Rule(
        "TypeError",
        "cannot unpack non-iterable",
        "The line takes a single value apart as if it were several. What does the function on its"
        " right return?",
    ),
    Rule(
        "UFuncTypeError",
        "",
        "Numbers with fractions are written into an array of integers, which can't hold them. Make"
        " that array with floats: `np.zeros(...)` without `dtype=int`.",
    ),
    Rule("ValueError", "values to unpack", CACHE, "cache"),
    Rule(
        "ValueError",
        "values to unpack",
        "The array has another number of axes than this line takes its shape apart into.",
        r"\.shape",
    ),
    Rule(
        "ValueError",
        "values to unpack",
        "What stands on the right has another number of parts than there are names on the left: how"
        " many values does the function return, or was the cache made of?",
    ),
    Rule(
        "ValueError",
        "could not be broadcast|mismatch in its core dimension|not aligned|does not have enough"
        " dimensions",
        SHAPES,
    ),
    Rule(
        "ValueError",
        "could not broadcast input array",
        "What is assigned has another shape than the place that it is assigned to. Print both"
        " shapes: is an axis missing, or is the array that you made of the wrong lengths?",
    ),
    Rule(
        "ValueError",
        "cannot reshape array",
        "A reshape keeps the number of entries, and these two shapes have different ones: which"
        " lengths belong in it?",
    ),
    Rule(
        "ValueError",
        "truth value of an array",
        "A condition such as `if` or `and` needs one answer, and this is an array of them. Use"
        " `.all()`, `.any()`, or work with the whole array, `np.where(...)`.",
    ),
    Rule(
        "ValueError",
        "inhomogeneous|setting an array element with a sequence",
        "Arrays of different shapes can't become one array, nor can an array stand in a single"
        " entry. Does something here hold the whole tuple that a function returns, in place of one"
        " of its values?",
    ),
    Rule(
        "ValueError",
        "at least one array",
        "The list of arrays is empty: was the loop that fills it never entered?",
    ),
    Rule(
        "ValueError",
        "read-only",
        "This array can't be written to. Work on a copy of it: `.copy()`.",
    ),
    Rule("ValueError", "must match exactly|all input arrays must have the same shape", SHAPES),
    Rule("AxisError", "", FEWER_AXES),
    Rule("ValueError", "axes don't match|axis.* out of bounds", FEWER_AXES),
    Rule("IndexError", "tuple index out of range", FEWER_AXES, r"\.shape|\baxis\s*="),
    Rule("IndexError", "(tuple|list) index out of range", CACHE, "cache"),
    Rule("IndexError", "too many indices", FEWER_AXES),
    Rule(
        "IndexError",
        "out of bounds|out of range",
        "Something is counted too far. Indices run from 0 to the length less one: over which axis"
        " does the loop run, and which axis is indexed? Ids of words are indices, too.",
    ),
    Rule("IndexError", "shape mismatch|could not be broadcast", SHAPES),
    Rule(
        "OverflowError",
        "out of bounds for|too large to convert",
        "The number does not fit into an integer of this size: `int8` ends at 127, `uint8` at 255."
        " Take `int64`, or leave the dtype to NumPy.",
    ),
    Rule(
        "RecursionError",
        "",
        "The function calls itself without an end: which call should be the last?",
    ),
    Rule(
        "ZeroDivisionError",
        "",
        "A length or a sum is zero here. Which one, in the case that fails?",
    ),
    Rule("AssertionError", "", "An `assert` in your own code does not hold in this case."),
    Rule(
        "MemoryError",
        "",
        "An array is far larger than the task needs: print the shapes that it is made of.",
    ),
    Rule(
        "KeyError",
        "",
        "The dictionary has no such key. Compare its spelling with the keys that are there.",
    ),
    Rule(
        "FileNotFoundError",
        "",
        "The file is not there when your work is checked: read only what was handed out, by a path"
        " from this folder.",
    ),
    Rule(
        "EOFError",
        "called more often than there are lines",
        "The check gives `input()` as many lines as a right solution reads: what makes yours ask"
        " once more?",
    ),
    Rule("EOFError", "", "Nobody is there to answer `input()` when your work is checked."),
)


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
        right_kind = rule.kind in account.kinds
        if (
            right_kind
            and re.search(rule.message, account.message)
            and re.search(rule.line, account.line)
        ):
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
