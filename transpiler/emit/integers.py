"""Integer arithmetic in MSL: it wraps in TTGIR, while signed overflow has no meaning in MSL.

Where signed arithmetic might overflow it is written unsigned, which wraps. Booleans have operators
of their own: i1 is one bit, whose sum is exclusive or.
"""

from __future__ import annotations

from dataclasses import replace

from ..dialects import arith, math, metal, tt
from ..ir.core import Op, Value
from ..ir.types import VectorType, bit_width
from .conversions import sign_of_bool
from .literals import integer_literal
from .types import is_unsigned, with_sign
from .writer import (
    AND,
    BIT_AND,
    BIT_OR,
    BIT_XOR,
    EQUALITY,
    OR,
    ORDER,
    PRIMARY,
    PRODUCT,
    SHIFT,
    SUM,
    UNARY,
    Expr,
    Operands,
    Rule,
    call,
    convert,
    infix,
    is_bool,
    is_narrow,
    lanes_of,
    msl_type,
    negation,
    prefix,
)


def narrowed(op: Op, result: Expr) -> Expr:
    """What C computed as int, cut to the result's type; a vector keeps its own."""
    return (
        call(msl_type(op.result), msl_type(op.result), result) if is_narrow(op.result) else result
    )


def _wrapping(symbol: str, precedence: int) -> Rule:
    """Sum, difference and product, as unsigned where a signed result might not fit."""

    def rule(writer: Operands, op: Op) -> Expr:
        if is_bool(op.result):
            a, b = writer.pair(op)
            logical = ("&&", AND) if symbol == "*" else ("!=", EQUALITY)
            return infix(a, logical[0], b, logical[1], msl_type(op.result))
        a, b = writer.pair(op)
        if (
            symbol == "+"
            and b.literal
            and b.text == "0"
            and not isinstance(op.result.type, VectorType)
        ):
            return a
        if is_narrow(op.result):  # computed as int; two ushort factors would not fit it
            x, y = op.operands
            a, b = writer.signed(x, a), writer.signed(y, b)
            return narrowed(op, infix(a, symbol, b, precedence, "int"))
        a, b = _same_sign(writer, op, a, b)
        type_ = with_sign(msl_type(op.result), is_unsigned(a.type) or is_unsigned(b.type))
        return infix(a, symbol, b, precedence, type_, free=_regroups(writer, op, a))

    return rule


def _regroups(writer: Operands, op: Op, left: Expr) -> bool:
    """Whether x + (y + z) may be x + y + z, or the like of a product: x + y must not overflow."""
    if isinstance(op, arith.Subi):
        return False
    if is_unsigned(left.type) or isinstance(op, arith.Muli):
        return is_unsigned(left.type)
    inner = op.operands[1].defining_op
    terms = [op.operands[0], *(inner.operands if isinstance(inner, arith.Addi) else ())]
    return not writer.ranges.overflows(op) and all(writer.nonnegative(term) for term in terms)


def _same_sign(writer: Operands, op: Op, a: Expr, b: Expr) -> tuple[Expr, Expr]:
    """Operands of a wrapping op: unsigned (one is enough for scalars) where it might overflow."""
    x, y = op.operands
    if a.literal and b.literal:
        a = call(msl_type(x), msl_type(x), a)
    unsigned = is_unsigned(a.type) or is_unsigned(b.type)
    if not unsigned and not writer.ranges.overflows(op):
        return a, b
    if isinstance(op.result.type, VectorType):
        return writer.unsigned(x, a), writer.unsigned(y, b)
    if isinstance(op, arith.Muli):
        a, b = (writer.unsigned(v, e) if e.literal else e for v, e in ((x, a), (y, b)))
    if unsigned:
        return a, b
    return (a, writer.unsigned(y, b)) if a.literal else (writer.unsigned(x, a), b)


def _signs(writer: Operands, op: Op, unsigned: bool) -> tuple[Expr, Expr, bool]:
    """The operands as the op reads them, and whether the result is unsigned in C."""
    x, y = op.operands
    a, b = writer.pair(op)
    if not (writer.nonnegative(x) and writer.nonnegative(y)):
        cast = writer.unsigned if unsigned else writer.signed
        a, b = cast(x, a), cast(y, b)
        if unsigned and a.literal and b.literal:
            a = call(msl_type(x, True), msl_type(x, True), a)
        return a, b, unsigned
    if isinstance(x.type, VectorType) and is_unsigned(a.type) != is_unsigned(b.type):
        a, b = writer.signed(x, a), writer.signed(y, b)
    return a, b, is_unsigned(a.type) or is_unsigned(b.type)


def _division(symbol: str, *, unsigned: bool) -> Rule:
    """Quotient and remainder: as in C, which rounds toward zero. By zero they give anything."""

    def rule(writer: Operands, op: Op) -> Expr:
        if is_bool(op.result):  # the divisor can only be true
            name = msl_type(op.result)
            rest = Expr("false", PRIMARY, "bool")
            return writer[op.operands[0]] if symbol == "/" else convert(rest, name)
        a, b, either = _signs(writer, op, unsigned)
        name = with_sign(msl_type(op.result), either)
        return narrowed(op, infix(a, symbol, b, PRODUCT, name))

    return rule


def _rounded_division(name: str, *, unsigned: bool) -> Rule:
    """Quotients that round up or down: functions of ours."""

    def rule(writer: Operands, op: Op) -> Expr:
        type_ = msl_type(op.result, unsigned)
        return writer.helper(name, type_, *_arguments(writer, op, unsigned))

    return rule


def _bitwise(symbol: str, precedence: int, logical: str, logical_precedence: int) -> Rule:
    def rule(writer: Operands, op: Op) -> Expr:
        a, b = writer.pair(op)
        name = msl_type(op.result)
        if is_bool(op.result):
            if logical == "!=" and b.text == "true":
                return negation(a)
            if logical == "||":
                a, b = _set_off_and(a), _set_off_and(b)
            return infix(a, logical, b, logical_precedence, name, free=logical in ("&&", "||"))
        if symbol == "^" and b.text in ("-1", "short(-1)", "char(-1)"):
            return narrowed(op, prefix("~", a))
        if is_unsigned(a.type) != is_unsigned(b.type):
            a, b = writer.unsigned(op.operands[0], a), writer.unsigned(op.operands[1], b)
        unsigned = is_unsigned(a.type) or is_unsigned(b.type)
        a, b = _set_off(a, precedence), _set_off(b, precedence)
        result = infix(a, symbol, b, precedence, with_sign(name, unsigned), free=True)
        return narrowed(op, result)

    return rule


def _set_off(expr: Expr, precedence: int) -> Expr:
    """An operand of `&`, `^` or `|`, in parentheses where it has another operator of its own."""
    if UNARY < expr.precedence < precedence:
        return Expr(f"({expr.text})", PRIMARY, expr.type)
    return expr


def _set_off_and(expr: Expr) -> Expr:
    """An operand of `||`, in parentheses where it is an `&&`."""
    return _set_off(expr, OR) if expr.precedence == AND else expr


def _amount(writer: Operands, op: Op, like: Expr) -> Expr:
    """By how much to shift. Past the width the result is anything: a literal is cut to fit."""
    value = op.operands[1]
    expr = writer.brief(value)
    if expr.literal:
        return Expr(str(int(expr.text.rstrip("l")) % bit_width(value.type)), PRIMARY, "int", True)
    if isinstance(value.type, VectorType):
        return convert(expr, like.type if lanes_of(expr.type) else like.type[:-1])
    return expr


def _shift_left(writer: Operands, op: Op) -> Expr:
    x = op.operands[0]
    a = writer[x]
    if is_bool(op.result):  # only a shift by none is defined
        return a
    if writer.ranges.overflows(op):
        name = "uint" if is_narrow(op.result) else msl_type(x, True)
        a = convert(a, name)
    elif a.literal and bit_width(x.type) == 64:
        a = call("long", "long", a)
    result = infix(a, "<<", _amount(writer, op, a), SHIFT, a.type)
    return narrowed(op, result)


def _shift_right(*, unsigned: bool) -> Rule:
    def rule(writer: Operands, op: Op) -> Expr:
        x = op.operands[0]
        a = writer[x]
        if is_bool(op.result):
            return a
        if not writer.nonnegative(x):
            cast = writer.unsigned if unsigned else writer.signed
            name = msl_type(x, unsigned)
            a = call(name, name, a) if a.literal else cast(x, a)
        result = infix(a, ">>", _amount(writer, op, a), SHIFT, a.type)
        return narrowed(op, result)

    return rule


_SYMBOLS = {"l": "<", "g": ">"}


def _cmpi(writer: Operands, op: Op) -> Expr:
    assert isinstance(op, arith.Cmpi)
    name = msl_type(op.result)
    if is_bool(op.operands[0]):
        return _compare_bools(writer, op, name)
    if op.predicate in ("eq", "ne"):
        symbol = "==" if op.predicate == "eq" else "!="
        a, b = _alike(writer, op)
        return infix(a, symbol, b, EQUALITY, name)
    a, b, _ = _signs(writer, op, op.predicate[0] == "u")
    if not (a.literal or b.literal) and is_unsigned(a.type) != is_unsigned(b.type):
        a, b = writer.signed(op.operands[0], a), writer.signed(op.operands[1], b)
    symbol = _SYMBOLS[op.predicate[1]] + ("=" if op.predicate[2] == "e" else "")
    test = infix(a, symbol, b, ORDER, name)
    return replace(test, parts=(a.inside(ORDER), symbol, b.inside(ORDER - 1)))


def _alike(writer: Operands, op: Op) -> tuple[Expr, Expr]:
    """Operands whose equality is that of their bits."""
    x, y = op.operands
    a, b = writer.pair(op)
    if a.literal or b.literal:
        literal, other = (a, b) if a.literal else (b, a)
        # -1 is no ushort, nor does it equal one that C makes an int of.
        if literal.text.startswith("-") and is_unsigned(other.type):
            return writer.signed(x, a), writer.signed(y, b)
        return a, b
    if is_unsigned(a.type) != is_unsigned(b.type):
        return writer.signed(x, a), writer.signed(y, b)
    return a, b


def _compare_bools(writer: Operands, op: arith.Cmpi, name: str) -> Expr:
    """Of one bit; as signed, true is -1."""
    a, b = writer.pair(op)
    if op.predicate in ("eq", "ne"):
        return infix(a, "==" if op.predicate == "eq" else "!=", b, EQUALITY, name)
    greater = (op.predicate[1] == "g") != (op.predicate[0] == "s")
    if greater:
        a, b = b, a
    # Now a < b, or a <= b: false comes before true.
    symbol, precedence = ("||", OR) if op.predicate[2] == "e" else ("&&", AND)
    return infix(prefix("!", a), symbol, b, precedence, name)


def _arguments(writer: Operands, op: Op, unsigned: bool) -> list[Expr]:
    """Operands of one very type, or a function's overloads are ambiguous."""
    name = msl_type(op.operands[0], unsigned)
    arguments: list[Expr] = []
    for value in op.operands:
        expr = writer[value]
        if not writer.nonnegative(value) or expr.literal or expr.type != name:
            expr = (writer.unsigned if unsigned else writer.signed)(value, expr)
        fits = expr.type == name and not (expr.literal and name != "int")
        arguments.append(expr if fits else call(name, name, expr))
    return arguments


def _extreme(function: str, *, unsigned: bool) -> Rule:
    """max or min of integers. Of bits: as signed, true is the least."""

    def rule(writer: Operands, op: Op) -> Expr:
        if is_bool(op.result):
            a, b = writer.pair(op)
            both = (function == "min") == unsigned
            symbol, precedence = ("&&", AND) if both else ("||", OR)
            return infix(a, symbol, b, precedence, msl_type(op.result), free=True)
        name = msl_type(op.result, unsigned)
        return call(function, name, *_arguments(writer, op, unsigned))

    return rule


def high_product(writer: Operands, op: Op, *, unsigned: bool = True) -> Expr:
    """The high half of a product; Metal's own function is for up to 32 bits."""
    name = msl_type(op.result, unsigned)
    arguments = _arguments(writer, op, unsigned)
    if bit_width(op.result.type) == 64:
        return writer.helper("mulhi", name, *arguments)
    return call("mulhi", name, *arguments)


def absolute(writer: Operands, op: Op) -> Expr:
    """abs: of the least integer it wraps."""
    name = msl_type(op.result)
    if is_bool(op.result):
        return writer[op.operands[0]]
    return call("abs", name, *_arguments(writer, op, False))


def bit_count(function: str) -> Rule:
    """Counts of bits, of any width; zeros of 0 are the width."""

    def rule(writer: Operands, op: Op) -> Expr:
        return count_bits(writer, function, op.operands[0], msl_type(op.result))

    return rule


def count_bits(writer: Operands, function: str, value: Value, result: str) -> Expr:
    """`popcount`, `clz` or `ctz` of an integer, as a type."""
    if is_bool(value):
        a = writer[value]
        return a if function == "popcount" else prefix("!", a)
    name = msl_type(value, True)
    expr = convert(writer[value], name)
    wide = bit_width(value.type) == 64
    count = writer.helper(function, name, expr) if wide else call(function, name, expr)
    return count if with_sign(name, False) == result else convert(count, result)


def _power(writer: Operands, op: Op) -> Expr:
    return writer.helper("ipow", msl_type(op.result), *_arguments(writer, op, False))


def extend(*, unsigned: bool) -> Rule:
    """Sign or zero extension; also index casts, which may narrow."""

    def rule(writer: Operands, op: Op) -> Expr:
        source = op.operands[0]
        name = msl_type(op.result)
        if isinstance(source.defining_op, metal.Iota):
            return Expr(
                f"{name}{writer[source].text.removeprefix(writer[source].type)}", PRIMARY, name
            )
        if is_bool(source):
            extended = call(name, name, writer[source])
            return extended if unsigned else sign_of_bool(extended)
        expr = writer[source]
        if not writer.nonnegative(source):
            expr = writer.unsigned(source) if unsigned else writer.signed(source)
        return convert(expr, name)

    return rule


def _truncate(writer: Operands, op: Op) -> Expr:
    source, name = op.operands[0], msl_type(op.result)
    expr = writer[source]
    if is_bool(op.result):
        one = integer_literal(1, source.type)
        if isinstance(source.type, VectorType) and bit_width(source.type) < 32:
            one = call(msl_type(source)[:-1], msl_type(source)[:-1], one)
        low = infix(expr, "&", one, BIT_AND, expr.type)
        return infix(low, "!=", Expr("0", PRIMARY, expr.type), EQUALITY, name)
    return call(name, name, expr)


INTEGER_RULES: dict[type[Op], Rule] = {
    arith.Addi: _wrapping("+", SUM),
    arith.Subi: _wrapping("-", SUM),
    arith.Muli: _wrapping("*", PRODUCT),
    arith.Divsi: _division("/", unsigned=False),
    arith.Divui: _division("/", unsigned=True),
    arith.Remsi: _division("%", unsigned=False),
    arith.Remui: _division("%", unsigned=True),
    arith.Ceildivsi: _rounded_division("ceildiv", unsigned=False),
    arith.Ceildivui: _rounded_division("ceildiv", unsigned=True),
    arith.Floordivsi: _rounded_division("floordiv", unsigned=False),
    arith.Andi: _bitwise("&", BIT_AND, "&&", AND),
    arith.Ori: _bitwise("|", BIT_OR, "||", OR),
    arith.Xori: _bitwise("^", BIT_XOR, "!=", EQUALITY),
    arith.Shli: _shift_left,
    arith.Shrsi: _shift_right(unsigned=False),
    arith.Shrui: _shift_right(unsigned=True),
    arith.Cmpi: _cmpi,
    arith.Maxsi: _extreme("max", unsigned=False),
    arith.Maxui: _extreme("max", unsigned=True),
    arith.Minsi: _extreme("min", unsigned=False),
    arith.Minui: _extreme("min", unsigned=True),
    arith.Extsi: extend(unsigned=False),
    arith.Extui: extend(unsigned=True),
    arith.IndexCast: extend(unsigned=False),
    arith.IndexCastui: extend(unsigned=True),
    arith.Trunci: _truncate,
    math.Absi: absolute,
    math.Ctlz: bit_count("clz"),
    math.Cttz: bit_count("ctz"),
    math.Ctpop: bit_count("popcount"),
    math.Ipowi: _power,
    tt.Mulhiui: high_product,
}
