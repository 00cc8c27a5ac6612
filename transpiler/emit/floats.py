"""Float arithmetic in MSL: half and bfloat round at each operator, as in Triton."""

from __future__ import annotations

from ..dialects import arith, tt
from ..errors import UnsupportedError
from ..ir.core import Op
from ..ir.types import element_of
from .conversions import as_float, float_name, is_float8, rounded
from .functions import apply
from .writer import (
    AND,
    EQUALITY,
    OR,
    ORDER,
    PRIMARY,
    PRODUCT,
    SUM,
    Expr,
    Operands,
    Rule,
    call,
    infix,
    lanes_of,
    msl_type,
    prefix,
)


def _operator(symbol: str, precedence: int) -> Rule:
    def rule(writer: Operands, op: Op) -> Expr:
        _refuse_float8(op)
        a, b = writer.pair(op)
        return infix(a, symbol, b, precedence, msl_type(op.result))

    return rule


def _refuse_float8(op: Op) -> None:
    if is_float8(op.result.type):
        note = "convert to a wider float first, as Triton does"
        raise UnsupportedError(f"{op.op_name} on {element_of(op.result.type)}", op.span, note)


def _negate(writer: Operands, op: Op) -> Expr:
    _refuse_float8(op)
    return prefix("-", writer[op.operands[0]])


def _function(name: str) -> Rule:
    """One of the functions of the table, on the operands."""

    def rule(writer: Operands, op: Op) -> Expr:
        return apply(writer, name, op)

    return rule


def _clamp(writer: Operands, op: Op) -> Expr:
    """Between bounds. NaN gives the lower bound, or with `propagateNan = all` stays NaN."""
    assert isinstance(op, tt.Clampf)
    if op.propagate_nan == "none":
        return apply(writer, "clamp", op)
    x, low, high = (as_float(writer, value) for value in op.operands)
    name = float_name(x.type)
    above = writer.helper("maximum", name, x, low)
    return rounded(writer, writer.helper("minimum", name, above, high), op.result.type)


_ORDERED = {"eq": ("==", EQUALITY), "gt": (">", ORDER), "ge": (">=", ORDER), "lt": ("<", ORDER)}
_ORDERED["le"] = ("<=", ORDER)
_OPPOSITE = {"ueq": "one", "ult": "oge", "ule": "ogt", "ugt": "ole", "uge": "olt"}


def _compare(writer: Operands, op: Op) -> Expr:
    """The 16 predicates: ordered ones are false of NaN, unordered ones true."""
    assert isinstance(op, arith.Cmpf)
    name = msl_type(op.result)
    if op.predicate in ("true", "false"):
        value = Expr(op.predicate, PRIMARY, "bool")
        return value if not lanes_of(name) else call(name, name, value)
    if is_float8(op.lhs.type):
        a, b = as_float(writer, op.lhs), as_float(writer, op.rhs)
    else:
        a, b = writer.pair(op)
    if op.lhs is op.rhs and op.predicate in ("uno", "une", "ord", "oeq"):
        symbol = "!=" if op.predicate[0] == "u" else "=="
        return infix(a, symbol, b, EQUALITY, name)
    return _predicate(op.predicate, a, b, name)


def _predicate(predicate: str, a: Expr, b: Expr, name: str) -> Expr:
    if predicate == "une":
        return infix(a, "!=", b, EQUALITY, name)
    if predicate in _OPPOSITE:
        return prefix("!", _predicate(_OPPOSITE[predicate], a, b, name))
    if predicate == "one":
        less, greater = infix(a, "<", b, ORDER, name), infix(a, ">", b, ORDER, name)
        return infix(less, "||", greater, OR, name)
    if predicate in ("ord", "uno"):
        symbol = "==" if predicate == "ord" else "!="
        first, second = (infix(x, symbol, x, EQUALITY, name) for x in (a, b))
        if predicate == "ord":
            return infix(first, "&&", second, AND, name)
        return infix(first, "||", second, OR, name)
    symbol, precedence = _ORDERED[predicate[1:]]
    return infix(a, symbol, b, precedence, name)


FLOAT_RULES: dict[type[Op], Rule] = {
    arith.Addf: _operator("+", SUM),
    arith.Subf: _operator("-", SUM),
    arith.Mulf: _operator("*", PRODUCT),
    arith.Divf: _operator("/", PRODUCT),
    arith.Remf: _function("fmod"),
    arith.Negf: _negate,
    arith.Cmpf: _compare,
    arith.Maxnumf: _function("fmax"),
    arith.Minnumf: _function("fmin"),
    arith.Maximumf: _function("maximum"),
    arith.Minimumf: _function("minimum"),
    tt.Clampf: _clamp,
    tt.PreciseDivf: _function("divide"),
    tt.ApproxDivf: _operator("/", PRODUCT),
    tt.PreciseSqrt: _function("sqrt"),
}
