"""Expressions as values: MSL text with its precedence and type, and what rules build them with.

Integers are signless in the IR: an expression's MSL type says how it is written, and what needs the
other sign is converted there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..ir.core import Op, Value
from ..ir.types import IntegerType, VectorType, bit_width, element_of
from .ranges import Ranges
from .types import is_unsigned, name_of, with_sign

# C's precedence: a smaller number binds tighter.
PRIMARY, UNARY, PRODUCT, SUM, SHIFT, ORDER, EQUALITY = 1, 2, 3, 4, 5, 6, 7
BIT_AND, BIT_XOR, BIT_OR, AND, OR, CONDITIONAL = 8, 9, 10, 11, 12, 13


@dataclass(frozen=True)
class Expr:
    """MSL text with what is needed to join it: its precedence and its MSL type.

    `literal` marks integer literals, which take the other operand's sign; `scalar` is the text of
    the scalar where a vector is a splat of one; `place` is (pointer, index) of a pointer sum.
    """

    text: str
    precedence: int
    type: str
    literal: bool = False
    scalar: Expr | None = None
    place: tuple[Expr, Expr] | None = None
    parts: tuple[str, str, str] | None = None  # (left, operator, right) of `left operator right`

    def inside(self, precedence: int) -> str:
        """The text, in parentheses where it binds less tightly than `precedence`."""
        return self.text if self.precedence <= precedence else f"({self.text})"


def call(function: str, type_: str, *arguments: Expr) -> Expr:
    """A function call, or a conversion."""
    texts = ", ".join(a.text for a in arguments)
    return Expr(f"{function}({texts})", PRIMARY, type_)


def convert(expr: Expr, name: str) -> Expr:
    """The expression as a type: `name(...)`, or itself where it has the type already."""
    if expr.type == name and not expr.literal:
        return expr
    return call(name, name, expr)


def infix(
    a: Expr, symbol: str, b: Expr, precedence: int, type_: str, *, free: bool = False
) -> Expr:
    """`a symbol b`; `free` where `a symbol (b symbol c)` needs no parentheses."""
    free = free and (b.parts is None or b.parts[1] == symbol)
    right = b.inside(precedence if free else precedence - 1)
    if symbol == "+" and right.startswith("-") and b.literal:
        symbol, right = "-", right[1:]
    left = a.inside(precedence)
    parts = (left, symbol, right) if precedence in (PRODUCT, SUM, EQUALITY) else None
    return Expr(f"{left} {symbol} {right}", precedence, type_, parts=parts)


def unsigned_literal(expr: Expr) -> Expr:
    """A literal below zero as the unsigned number of the same bits; narrow ones are converted."""
    name = with_sign(expr.type, True)
    if name not in ("uint", "ulong"):
        return call(name, name, expr)
    width, suffix = (32, "u") if name == "uint" else (64, "ul")
    return Expr(f"{int(expr.text.rstrip('l')) % (1 << width):#x}{suffix}", PRIMARY, name)


def negation(a: Expr) -> Expr:
    """`!a`; of a comparison its opposite (not of floats: NaN is neither less nor not less)."""
    if a.parts is not None and a.parts[1] in _OPPOSITE:
        left, symbol, right = a.parts
        opposite = _OPPOSITE[symbol]
        text = f"{left} {opposite} {right}"
        return Expr(text, a.precedence, a.type, parts=(left, opposite, right))
    return prefix("!", a)


_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def prefix(symbol: str, a: Expr) -> Expr:
    """`symbol a`, of the operand's type."""
    return Expr(f"{symbol}{a.inside(PRIMARY)}", UNARY, a.type)


def lanes_of(name: str) -> str:
    """The digit of a vector type's name; "" of a scalar's."""
    return name[-1] if name[-1].isdigit() else ""


class Operands:
    """The expression of every value so far, in the forms that rules ask for.

    `helpers` collects the functions of ours that expressions call: (name, lanes), in order.
    """

    def __init__(self, ranges: Ranges, is_const: Callable[[Value], bool]) -> None:
        self.ranges = ranges
        self.is_const = is_const
        self.expressions: dict[Value, Expr] = {}
        self.helpers: dict[tuple[str, int], None] = {}

    def __getitem__(self, value: Value) -> Expr:
        """A value's expression; a splat in full."""
        expr = self.expressions[value]
        if expr.scalar is not None:
            return replace(call(expr.type, expr.type, expr.scalar), scalar=expr.scalar)
        return expr

    def typed(self, value: Value) -> Expr:
        """A value's expression, of its very type: a narrow literal is converted."""
        expr = self[value]
        name = msl_type(value)
        if expr.literal and name != "int":
            return call(name, name, expr)
        return expr

    def stored(self, value: Value, expr: Expr | None = None) -> Expr:
        """An expression to set a place of its value's type: vectors never change sign unasked."""
        expr = expr or self[value]
        name = msl_type(value) if isinstance(value.type, VectorType) else expr.type
        return convert(expr, name) if is_unsigned(expr.type) else expr

    def brief(self, value: Value) -> Expr:
        """A value's expression; a splat as its scalar, where the other operand is a vector."""
        expr = self.expressions[value]
        return expr.scalar if expr.scalar is not None else expr

    def pair(self, op: Op) -> tuple[Expr, Expr]:
        """The two operands of an infix operator, splats as scalars where one is a vector."""
        a, b = op.operands
        left, right = self.expressions[a], self.expressions[b]
        if left.scalar is not None and right.scalar is not None:
            return self[a], _beside(self[a].type, right.scalar)
        if not isinstance(a.type, VectorType):
            return left, right
        name = msl_type(a)
        return (
            left if left.scalar is None else _beside(name, left.scalar),
            right if right.scalar is None else _beside(name, right.scalar),
        )

    def signed(self, value: Value, expr: Expr | None = None) -> Expr:
        """An integer as its signed type."""
        expr = expr or self[value]
        if expr.literal or not is_unsigned(expr.type):
            return expr
        return call(with_sign(expr.type, False), with_sign(expr.type, False), expr)

    def unsigned(self, value: Value, expr: Expr | None = None) -> Expr:
        """An integer as its unsigned type."""
        expr = expr or self[value]
        if is_unsigned(expr.type) or (expr.literal and not expr.text.startswith("-")):
            return expr
        name = with_sign(expr.type, True)
        if expr.scalar is not None:
            return call(name, name, self.unsigned(value, expr.scalar))
        return unsigned_literal(expr) if expr.literal else call(name, name, expr)

    def nonnegative(self, value: Value) -> bool:
        """Whether an integer is provably not negative, so that its sign does not matter."""
        return self.ranges[value].is_nonnegative

    def helper(self, name: str, type_: str, *arguments: Expr) -> Expr:
        """A call of one of our functions (templates/functions), of a result type."""
        self.helpers[name, int(lanes_of(arguments[0].type) or 1)] = None
        return call(f"trimetal_{name}", type_, *arguments)


def _beside(vector: str, scalar: Expr) -> Expr:
    """A scalar that joins a vector: of a type that the elements can hold, of the same sign."""
    element = vector[:-1]
    if scalar.literal:
        return call(element, element, scalar) if element not in _HOLDS_INT else scalar
    if scalar.type == element or is_unsigned(scalar.type) == is_unsigned(element):
        return scalar
    return call(element, element, scalar)


_HOLDS_INT = ("int", "uint", "long", "ulong")


def msl_type(value: Value, unsigned: bool = False) -> str:
    """The MSL type of a value."""
    return name_of(value.type, unsigned)


def is_narrow(value: Value) -> bool:
    """Whether C would compute with the integer as int: a scalar of less than 32 bits."""
    return bit_width(value.type) < 32 and not isinstance(value.type, VectorType)


def is_bool(value: Value) -> bool:
    """Whether a value is i1, or a vector of it."""
    return element_of(value.type) == IntegerType(1)


Rule = Callable[[Operands, Op], Expr]
