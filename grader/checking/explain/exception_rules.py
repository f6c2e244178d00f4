"""Rules that tell from an exception's type, message and line what its student should look at. Pure.

The first rule that fits is taken. Python's and NumPy's own messages are what the patterns are
written for.
"""

from __future__ import annotations

import re
from typing import NamedTuple

PYTHON_2 = "That is Python 2, and your work runs in Python 3. "


class Rule(NamedTuple):
    """A sentence for exceptions of some type whose message, and whose line, have a form."""

    kind: str
    message: str
    sentence: str
    line: str = ""

    def fits(self, kinds: tuple[str, ...], message: str, line: str) -> bool:
        """Return whether an exception of these types has a message and a line of this form."""
        if self.kind not in kinds or not re.search(self.message, message):
            return False
        return re.search(self.line, line) is not None


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
RETURNED = (
    "The docstring says what the function returns, and in which order: as many values as that,"
    " separated by commas, behind a `return` that every path through the function reaches."
)
RULES = (
    Rule(
        "AttributeError",
        "'numpy.ndarray' object has no attribute '(append|extend|insert|add|push|pop)'",
        "An array has a fixed size and none of a list's methods. Make it of the full size first and"
        " write into its places, or gather the parts in a list and call `np.stack` at the end.",
    ),
    Rule(
        "TypeError",
        "(tuple|list) indices must be integers or slices, not str",
        "A tuple or list has places and no names: take it apart in the order in which it was made,"
        " `a, b = values`, or make it a dictionary where it is made.",
    ),
    Rule(
        "TypeError",
        "(0-dimensional|length-1|size-1) arrays can be converted to Python scalars",
        "A function for single numbers, such as those of `math`, or `float` and `int`, gets a whole"
        " array. NumPy's function of the same name takes each entry: `np.tanh`, `np.exp`.",
    ),
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
    Rule(
        "AttributeError",
        "'(tuple|list)' object has no attribute",
        "A tuple or list has places and no such name: take it apart in the order in which it was"
        " made, `a, b = values`.",
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
        "could not be broadcast|not broadcastable|mismatch in its core dimension|not aligned|"
        "does not have enough dimensions",
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
        "The line changes an entry that has to be there already, and the dictionary has no such"
        " key: set it first. If it should be there, compare its spelling with the keys that are.",
        r"\]\s*(?:[-+*/@%&|^]|//|\*\*|<<|>>)=[^=]",
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
