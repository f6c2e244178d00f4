"""The catalogue of small changes that make code wrong, from which mutants are made.

Every entry is a common mistake in numerical code: a sign, an axis, a bound, a transpose, a missing
term or statement, two swapped things. Nothing here depends on an assignment.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import libcst as cst
import libcst.matchers as m
import msgspec

Parents = Mapping[cst.CSTNode, cst.CSTNode]

OPERATORS: dict[type[cst.BaseBinaryOp], type[cst.BaseBinaryOp]] = {
    cst.Add: cst.Subtract,
    cst.Subtract: cst.Add,
    cst.Multiply: cst.Divide,
    cst.Divide: cst.Multiply,
    cst.FloorDivide: cst.Divide,
    cst.Modulo: cst.FloorDivide,
    cst.Power: cst.Multiply,
    cst.BitAnd: cst.BitOr,
    cst.BitOr: cst.BitAnd,
}
# operands that differ
ORDERED = (cst.Subtract, cst.Divide, cst.FloorDivide, cst.Modulo, cst.Power, cst.MatrixMultiply)
COMPARISONS: dict[type[cst.BaseCompOp], tuple[type[cst.BaseCompOp], ...]] = {
    cst.Equal: (cst.NotEqual,),
    cst.NotEqual: (cst.Equal,),
    cst.LessThan: (cst.LessThanEqual, cst.GreaterThan),
    cst.LessThanEqual: (cst.LessThan, cst.GreaterThan),
    cst.GreaterThan: (cst.GreaterThanEqual, cst.LessThan),
    cst.GreaterThanEqual: (cst.GreaterThan, cst.LessThan),
    cst.In: (cst.NotIn,),
    cst.NotIn: (cst.In,),
    cst.Is: (cst.IsNot,),
    cst.IsNot: (cst.Is,),
}
ASSIGNING: dict[type[cst.BaseAugOp], type[cst.BaseAugOp]] = {
    cst.AddAssign: cst.SubtractAssign,
    cst.SubtractAssign: cst.AddAssign,
    cst.MultiplyAssign: cst.DivideAssign,
    cst.DivideAssign: cst.MultiplyAssign,
}
ALIKE = (
    *(
        "sum mean",
        "max min",
        "maximum minimum",
        "argmax argmin",
        "zeros ones",
        "zeros_like ones_like",
    ),
    *(
        "tanh arctan",
        "sin cos",
        "exp expm1",
        "log log1p",
        "sqrt square",
        "any all",
        "hstack vstack",
        "var std",
    ),
    *("abs sign", "cumsum cumprod", "floor ceil", "argsort argpartition"),
)
CALLS: dict[str, str] = {}
for _pair in ALIKE:
    _one, _other = _pair.split()
    CALLS |= {_one: _other, _other: _one}
NAMES = {"True": "False", "False": "True"}
KEYED = m.Subscript(value=m.Name(), slice=[m.SubscriptElement(m.Index(m.SimpleString()))])


class Mutation(msgspec.Struct, frozen=True):
    """One replacement in a syntax tree, and its description."""

    old: cst.CSTNode
    new: cst.CSTNode | cst.RemovalSentinel
    description: str


def mutations(node: cst.CSTNode, parents: Parents) -> Iterator[Mutation]:
    """Yield every mutation of one node of a syntax tree."""
    if _is_free(node, parents):
        return
    for kind, mutate in CATALOGUE:
        if isinstance(node, kind):
            for new, what in mutate(node, parents):
                yield Mutation(node, new, f"{what}: `{code(node)}`")
    if isinstance(node, cst.SimpleStatementLine):
        yield from swapped_statements(node, parents)


Found = Iterator[tuple[Any, str]]


def binary_operation(node: cst.BinaryOperation, parents: Parents) -> Found:
    """Other operators, operands in each other's place, one of the two left out, a factor
    transposed.
    """
    opposite = OPERATORS.get(type(node.operator))
    if opposite is not None:
        yield node.with_changes(operator=opposite()), "another operator"
    if isinstance(node.operator, ORDERED):
        yield node.with_changes(left=node.right, right=node.left), "operands swapped"
    for operand, other in ((node.left, node.right), (node.right, node.left)):
        yield _bracketed(operand), f"`{code(other)}` left out"
    if isinstance(node.operator, cst.MatrixMultiply):
        for side in ("left", "right"):
            factor = getattr(node, side)
            if isinstance(factor, cst.Name):
                yield (
                    node.with_changes(**{side: _transposed(factor)}),
                    f"`{factor.value}` transposed",
                )


def comparison(node: cst.Comparison, parents: Parents) -> Found:
    """The opposite or a neighbouring comparison."""
    for index, target in enumerate(node.comparisons):
        for other in COMPARISONS.get(type(target.operator), ()):
            changed = [*node.comparisons]
            changed[index] = target.with_changes(operator=other())
            yield node.with_changes(comparisons=changed), "another comparison"


def boolean_operation(node: cst.BooleanOperation, parents: Parents) -> Found:
    """`and` for `or`, `or` for `and`, or one of two conditions left out."""
    other = cst.Or if isinstance(node.operator, cst.And) else cst.And
    yield node.with_changes(operator=other()), "another operator"
    for operand, left_out in ((node.left, node.right), (node.right, node.left)):
        yield _bracketed(operand), f"`{code(left_out)}` left out"


def unary_operation(node: cst.UnaryOperation, parents: Parents) -> Found:
    """The sign or the negation left out."""
    yield _bracketed(node.expression), "the sign left out"


def integer(node: cst.Integer, parents: Parents) -> Found:
    """One more, one less."""
    value = int(node.value, 0)
    if m.matches(parents[node], m.UnaryOperation(m.Minus())) and m.matches(
        parents[parents[node]], m.Arg(keyword=None)
    ):
        return  # the -1 of a reshape: any negative size means "whatever is left"
    yield cst.Integer(str(value + 1)), "one more"
    axis = m.matches(parents[node], m.Arg(keyword=m.Name("axis")))
    if value > 0:
        yield cst.Integer(str(value - 1)), "one less"
    elif not axis:
        yield cst.UnaryOperation(cst.Minus(), cst.Integer("1")), "one less"


def floating(node: cst.Float, parents: Parents) -> Found:
    """Twice as much and one more, so that zero changes too."""
    yield cst.Float(repr(2 * float(node.value) + 1)), "another number"


def name(node: cst.Name, parents: Parents) -> Found:
    """The other truth value."""
    if node.value in NAMES:
        yield cst.Name(NAMES[node.value]), "the other truth value"


def text(node: cst.SimpleString, parents: Parents) -> Found:
    """Another string, unless it stands by itself as a docstring."""
    if not isinstance(parents[node], cst.Expr) and isinstance(node.evaluated_value, str):
        yield cst.SimpleString(repr(node.evaluated_value + "?")), "another string"


def slice_(node: cst.Slice, parents: Parents) -> Found:
    """A bound of a slice left out."""
    for bound in ("lower", "upper", "step"):
        if getattr(node, bound) is not None:
            yield node.with_changes(**{bound: None}), f"the {bound} bound left out"


def subscript(node: cst.Subscript, parents: Parents) -> Found:
    """The axes of an index in each other's place, a neighbouring entry, the whole in place of a
    part.
    """
    elements = [*node.slice]
    for index in range(len(elements) - 1):
        yield node.with_changes(slice=_swapped(elements, index, "slice")), "indices swapped"
    for index, element in enumerate(elements):
        if isinstance(element.slice, cst.Index) and isinstance(element.slice.value, cst.Name):
            changed = [*elements]
            moved = cst.BinaryOperation(element.slice.value, cst.Subtract(), cst.Integer("1"))
            changed[index] = element.with_changes(slice=cst.Index(moved))
            yield node.with_changes(slice=changed), "the entry before"
    if not isinstance(parents[node], cst.AssignTarget | cst.AugAssign):
        yield _bracketed(node.value), "the index left out"


def attribute(node: cst.Attribute, parents: Parents) -> Found:
    """A transpose left out."""
    if node.attr.value == "T":
        yield _bracketed(node.value), "the transpose left out"


def call(node: cst.Call, parents: Parents) -> Found:
    """Another function, arguments in each other's place or left out, the argument in place of the
    call.
    """
    function = (
        node.func.attr.value
        if isinstance(node.func, cst.Attribute)
        else getattr(node.func, "value", "")
    )
    other = CALLS.get(str(function))
    if other is not None:
        attribute = isinstance(node.func, cst.Attribute)
        func = node.func.with_changes(attr=cst.Name(other)) if attribute else cst.Name(other)
        yield node.with_changes(func=func), f"`{other}` called instead"
    places = [index for index, arg in enumerate(node.args) if arg.keyword is None and not arg.star]
    for first, second in itertools.pairwise(places):
        if second == first + 1:
            yield (
                node.with_changes(args=_swapped([*node.args], first, "value")),
                "arguments swapped",
            )
    for index, arg in enumerate(node.args):
        if arg.keyword is not None and arg.keyword.value != "encoding":
            yield (
                node.with_changes(args=_without(node.args, index)),
                f"`{arg.keyword.value}` left out",
            )
    if places and not isinstance(parents[node], cst.Expr):
        yield _bracketed(node.args[places[0]].value), "the argument in place of the call"
    elif isinstance(node.func, cst.Attribute) and not isinstance(parents[node], cst.Expr):
        yield _bracketed(node.func.value), "the method not called"


def sequence(node: cst.Tuple | cst.List, parents: Parents) -> Found:
    """Neighbours in a tuple or list in each other's place: results, targets, parts that are
    joined.
    """
    elements = [*node.elements]
    sources = _sources(node, parents)
    for index in range(len(elements) - 1):
        pair = [code(element.value) for element in elements[index : index + 2]]
        if pair[0] != pair[1] and (not sources or sources[index] != sources[index + 1]):
            yield (
                node.with_changes(elements=_swapped(elements, index, "value")),
                f"`{pair[0]}` and `{pair[1]}` swapped",
            )


def dictionary(node: cst.Dict, parents: Parents) -> Found:
    """Neighbouring values of a dict in each other's place, an entry left out."""
    elements = [*node.elements]
    for index in range(len(elements) - 1):
        yield node.with_changes(elements=_swapped(elements, index, "value")), "values swapped"
    for index in range(len(elements)):
        yield node.with_changes(elements=_without(elements, index)), "an entry left out"


def conditional(node: cst.If | cst.While, parents: Parents) -> Found:
    """A condition turned round."""
    opposite = cst.UnaryOperation(cst.Not(), _bracketed(node.test))
    yield node.with_changes(test=opposite), "the condition negated"


def choice(node: cst.IfExp, parents: Parents) -> Found:
    """The two values of a conditional expression in each other's place."""
    yield node.with_changes(body=node.orelse, orelse=node.body), "the two values swapped"


def augmented(node: cst.AugAssign, parents: Parents) -> Found:
    """The opposite operator, and an assignment where something should be added up."""
    other = ASSIGNING.get(type(node.operator))
    if other is not None:
        yield node.with_changes(operator=other()), "another operator"
    yield cst.Assign([cst.AssignTarget(node.target)], node.value), "assigned"


def statement(node: cst.SimpleStatementLine, parents: Parents) -> Found:
    """A statement left out."""
    if len(node.body) == 1 and isinstance(
        node.body[0], cst.Return | cst.Pass | cst.Import | cst.ImportFrom
    ):
        return
    block, bare = parents[node], not any(line.comment for line in node.leading_lines)
    if isinstance(block, cst.IndentedBlock) and len(block.body) > 1 and bare:
        yield cst.RemoveFromParent(), "the statement left out"
    else:  # It is the only one, or the comment above it may be a marker.
        yield node.with_changes(body=[cst.Pass()]), "the statement left out"


def swapped_statements(node: cst.SimpleStatementLine, parents: Parents) -> Iterator[Mutation]:
    """Yield a statement behind the next one, if that makes use of what the first does."""
    block = parents[node]
    if not isinstance(block, cst.IndentedBlock):
        return
    index = block.body.index(node)
    following = block.body[index + 1] if index + 1 < len(block.body) else None
    if not isinstance(following, cst.SimpleStatementLine) or any(
        line.comment for line in following.leading_lines
    ):
        # A comment begins another part of the code; it may be the marker that ends a solution.
        return
    if not m.findall(following, m.Return()) and _depends(following, node):
        body = [*block.body]
        body[index] = following.with_changes(leading_lines=node.leading_lines)
        body[index + 1] = node.with_changes(leading_lines=following.leading_lines)
        yield Mutation(
            block, block.with_changes(body=body), f"`{code(node).strip()}` after the next statement"
        )


CATALOGUE: tuple[tuple[Any, Callable[[Any, Parents], Found]], ...] = (
    (cst.BinaryOperation, binary_operation),
    (cst.Comparison, comparison),
    (cst.BooleanOperation, boolean_operation),
    (cst.UnaryOperation, unary_operation),
    (cst.Integer, integer),
    (cst.Float, floating),
    (cst.Name, name),
    (cst.SimpleString, text),
    (cst.Slice, slice_),
    (cst.Subscript, subscript),
    (cst.Attribute, attribute),
    (cst.Call, call),
    (cst.Tuple | cst.List, sequence),
    (cst.Dict, dictionary),
    (cst.If | cst.While, conditional),
    (cst.IfExp, choice),
    (cst.AugAssign, augmented),
    (cst.SimpleStatementLine, statement),
)


def _is_free(node: cst.CSTNode, parents: Parents) -> bool:
    """Return whether something stands in what an exception says, or names an encoding."""
    while (parent := parents.get(node)) is not None and not isinstance(parent, cst.IndentedBlock):
        if m.matches(node, m.Arg(keyword=m.Name("encoding"))) or isinstance(parent, cst.Raise):
            return True
        node = parent
    return False


# --- syntax trees ---------------------------------------------------------------------------------


def code(node: cst.CSTNode) -> str:
    """Return a node's text in one line, cut if it is long."""
    line = " ".join(cst.Module([]).code_for_node(node).split())
    return line if len(line) <= 80 else line[:77] + "..."


def _bracketed(node: cst.BaseExpression) -> cst.BaseExpression:
    """Return an expression in brackets if it needs them to stand in any place."""
    loose = (
        cst.BinaryOperation
        | cst.UnaryOperation
        | cst.Comparison
        | cst.BooleanOperation
        | cst.IfExp
        | cst.Lambda
    )
    if isinstance(node, loose) and not node.lpar:
        return node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return node


def _transposed(node: cst.Name) -> cst.Attribute:
    return cst.Attribute(node, cst.Name("T"))


def _swapped(elements: Sequence[Any], index: int, field: str) -> list[Any]:
    """Return elements with the values of two neighbours swapped; commas and spaces stay."""
    changed = list(elements)
    one, other = getattr(elements[index], field), getattr(elements[index + 1], field)
    changed[index] = elements[index].with_changes(**{field: other})
    changed[index + 1] = elements[index + 1].with_changes(**{field: one})
    return changed


def _sources(node: cst.Tuple | cst.List, parents: Parents) -> list[str]:
    """Return the text that is assigned to each target, if there is one piece for each; or []."""
    statement = parents.get(parents[node])
    if isinstance(parents[node], cst.AssignTarget) and isinstance(statement, cst.Assign):
        value = statement.value
        if isinstance(value, cst.Tuple | cst.List) and len(value.elements) == len(node.elements):
            return [code(element.value) for element in value.elements]
    return []


def _without(elements: Sequence[Any], index: int) -> list[Any]:
    """Return elements without one of them, and without a comma behind the last."""
    rest = [*elements[:index], *elements[index + 1 :]]
    return [*rest[:-1], rest[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)] if rest else []


def _depends(later: cst.CSTNode, earlier: cst.CSTNode) -> bool:
    """Return whether a statement uses a variable that an earlier one changes."""
    written, used = _written(earlier), _variables(later)
    for w, u in itertools.product(written, used):
        if w == u or w.startswith(f"{u}[") or u.startswith(f"{w}["):
            return True
    return False


def _variables(node: cst.CSTNode) -> set[str]:
    """Return the variables in a piece of code; a dict's entry under a fixed key counts as one."""
    if isinstance(node, cst.Name) or m.matches(node, KEYED):
        return {code(node)}
    children = [node.value] if isinstance(node, cst.Attribute | cst.Arg) else node.children
    return set[str]().union(*map(_variables, children))


def _written(node: cst.CSTNode) -> set[str]:
    """Return the variables that a statement may change: its targets, and those of a bare call."""
    names: set[str] = set()
    for found in m.findall(node, m.AssignTarget() | m.AugAssign() | m.Expr(value=m.Call())):
        names |= _variables(
            found.target if isinstance(found, cst.AssignTarget | cst.AugAssign) else found
        )
    return names
