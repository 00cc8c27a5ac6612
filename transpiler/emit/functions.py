"""Float functions: which variant of Metal's library is called, or which function of ours.

FUNCTIONS is the one table; docs/functions.md is its text. Half and bfloat arguments become float
and the result is rounded back, as Triton does; where the result is exact in half, half stays.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..dialects import math
from ..errors import UnsupportedError
from ..ir.core import Op
from ..ir.types import FloatType, Type, bit_width, element_of
from .conversions import as_float, float_name, is_float8, rounded
from .writer import BIT_AND, PRIMARY, Expr, Operands, Rule, call, infix, lanes_of, msl_type


@dataclass(frozen=True)
class Function:
    """How a function of float is computed, and how far it is off, in units in the last place.

    `call` is a function of Metal's library (`precise::exp`), or of ours (`trimetal_erf`).
    `error` is Metal's bound; of ours what tests/arith measures on the CPU device, at most.
    """

    call: str
    error: str
    exact_in_half: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether the function is one of templates/functions."""
        return self.call.startswith("trimetal_")


def _precise(name: str, error: str) -> Function:
    return Function(f"precise::{name}", error)


def _exact(name: str, call_: str = "") -> Function:
    return Function(call_ or name, "exact", exact_in_half=True)


def _fast(name: str) -> Function:
    return Function(f"fast::{name}", "as Metal's fast math")


def _ours(name: str, error: str) -> Function:
    return Function(f"trimetal_{name}", error)


FUNCTIONS: dict[str, Function] = {
    "acos": _precise("acos", "4"),
    "acosh": _precise("acosh", "4"),
    "asin": _precise("asin", "4"),
    "asinh": _precise("asinh", "4"),
    "atan": _precise("atan", "5"),
    "atan2": _precise("atan2", "6"),
    "atanh": _precise("atanh", "5"),
    "cbrt": _ours("cbrt", "1"),
    "ceil": _exact("ceil"),
    "clamp": _exact("clamp", "precise::clamp"),
    "copysign": _exact("copysign"),
    "cos": _precise("cos", "4"),
    "cosh": _precise("cosh", "4"),
    "cospi": _precise("cospi", "4"),
    "divide": _precise("divide", "correctly rounded"),
    "erf": _ours("erf", "2"),
    "erfc": _ours("erfc", "4"),
    "erfcx": _ours("erfcx", "5"),
    "erfinv": _ours("erfinv", "4"),
    "exp": _precise("exp", "4"),
    "exp10": _precise("exp10", "4"),
    "exp2": _precise("exp2", "4"),
    "expm1": _ours("expm1", "3"),
    "fabs": _exact("fabs"),
    "fdim": _precise("fdim", "correctly rounded"),
    "floor": _exact("floor"),
    "fma": Function("fma", "correctly rounded", exact_in_half=True),
    "fmax": _exact("fmax", "precise::fmax"),
    "fmin": _exact("fmin", "precise::fmin"),
    "fmod": _precise("fmod", "exact"),
    "hypot": _ours("hypot", "2"),
    "i0": _ours("i0", "5"),
    "i1": _ours("i1", "5"),
    "j0": _ours("j0", "2 of 1"),
    "j1": _ours("j1", "2 of 1"),
    "log": _precise("log", "4"),
    "log10": _precise("log10", "4"),
    "log1p": _ours("log1p", "3"),
    "log2": _precise("log2", "4"),
    "maximum": _ours("maximum", "exact"),
    "minimum": _ours("minimum", "exact"),
    "nextafter": _exact("nextafter"),
    "pow": _precise("pow", "16"),
    "rcbrt": _ours("rcbrt", "2"),
    "remainder": _ours("remainder", "exact"),
    "rhypot": _ours("rhypot", "3"),
    "rint": _exact("rint"),
    "round": _exact("round"),
    "rsqrt": _precise("rsqrt", "correctly rounded"),
    "saturate": _exact("saturate", "precise::saturate"),
    "sin": _precise("sin", "4"),
    "sinh": _precise("sinh", "4"),
    "sinpi": _precise("sinpi", "4"),
    "sqrt": _precise("sqrt", "correctly rounded"),
    "tan": _precise("tan", "6"),
    "tanh": _precise("tanh", "5"),
    "trunc": _exact("trunc"),
    "y0": _ours("y0", "3 of 1"),
    "y1": _ours("y1", "2 of 1"),
    "fast_cos": _fast("cos"),
    "fast_divide": _fast("divide"),
    "fast_exp": _fast("exp"),
    "fast_exp10": _fast("exp10"),
    "fast_log": _fast("log"),
    "fast_log10": _fast("log10"),
    "fast_log2": _fast("log2"),
    "fast_pow": _fast("pow"),
    "fast_sin": _fast("sin"),
    "fast_tan": _fast("tan"),
}


def apply(writer: Operands, name: str, op: Op) -> Expr:
    """A function of the table on an op's operands, as the op's result type."""
    function, type_ = FUNCTIONS[name], msl_type(op.result)
    if is_float8(op.result.type):
        note = "convert to a wider float first, as Triton does"
        raise UnsupportedError(f"{op.op_name} on {element_of(op.result.type)}", op.span, note)
    if function.exact_in_half and type_.startswith("half"):
        plain = function.call.removeprefix("precise::")
        return call(plain, type_, *(writer[value] for value in op.operands))
    arguments = [as_float(writer, value) for value in op.operands]
    return of_float(writer, function, arguments, op.result.type)


def of_float(writer: Operands, function: Function, arguments: list[Expr], type_: Type) -> Expr:
    """A function on floats, rounded to a type."""
    wide = float_name(arguments[0].type)
    if function.is_ours:
        result = writer.helper(function.call.removeprefix("trimetal_"), wide, *arguments)
    else:
        result = call(function.call, wide, *arguments)
    return rounded(writer, result, type_)


def _rule(name: str) -> Rule:
    def rule(writer: Operands, op: Op) -> Expr:
        return apply(writer, name, op)

    return rule


def _absolute(writer: Operands, op: Op) -> Expr:
    """fabs; of an 8-bit float the sign bit goes, whatever the number is, as in Triton."""
    if not is_float8(op.result.type):
        return apply(writer, "fabs", op)
    mask = Expr("127", PRIMARY, "int", literal=True)
    name = msl_type(op.result)
    mask = mask if not lanes_of(name) else call("uchar", "uchar", mask)
    return call(name, name, infix(writer[op.operands[0]], "&", mask, BIT_AND, name))


def float_test(name: str) -> Rule:
    """isnan and its like."""

    def rule(writer: Operands, op: Op) -> Expr:
        return test_of(writer, name, op, msl_type(op.result))

    return rule


def test_of(writer: Operands, name: str, op: Op, result: str) -> Expr:
    """A test of an op's first operand, as a bool type."""
    value = op.operands[0]
    plain = msl_type(value).startswith("half")
    return call(name, result, writer[value] if plain else as_float(writer, value))


def _power_of_integer(writer: Operands, op: Op) -> Expr:
    """x to an integer power."""
    x, n = op.operands
    wide = as_float(writer, x)
    exponent = call(wide.type, wide.type, writer.signed(n))
    return of_float(writer, FUNCTIONS["pow"], [wide, exponent], op.result.type)


def float_bits(type_: Type) -> int:
    """Bits of a float type; 0 of anything else."""
    element = element_of(type_)
    return bit_width(element) if isinstance(element, FloatType) else 0


# math's names where they are not those of the table.
_RENAMED = {"absf": "fabs", "powf": "pow", "roundeven": "rint"}
_UNARY = (
    *(math.Acos, math.Acosh, math.Asin, math.Asinh, math.Atan, math.Atanh, math.Cbrt, math.Ceil),
    *(math.Cos, math.Cosh, math.Erf, math.Erfc, math.Exp, math.Exp2, math.Expm1, math.Floor),
    *(math.Log, math.Log10, math.Log1p, math.Log2, math.Round, math.Roundeven, math.Rsqrt),
    *(math.Sin, math.Sinh, math.Sqrt, math.Tan, math.Tanh, math.Trunc),
    *(math.Atan2, math.Copysign, math.Powf, math.Fma),
)


def _table_name(kind: type[Op]) -> str:
    name = kind.name.removeprefix("math.")
    return _RENAMED.get(name, name)


FUNCTION_RULES: dict[type[Op], Rule] = {
    **{kind: _rule(_table_name(kind)) for kind in _UNARY},
    math.Absf: _absolute,
    math.Fpowi: _power_of_integer,
    math.Isfinite: float_test("isfinite"),
    math.Isinf: float_test("isinf"),
    math.Isnan: float_test("isnan"),
    math.Isnormal: float_test("isnormal"),
}
