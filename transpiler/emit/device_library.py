"""Functions that kernels name by their symbol in CUDA's or AMD's device library.

`__nv_expf` and `__ocml_exp_f32` are `exp` of the table in functions.py; what is not a plain
function of floats has a rule of its own here.
"""

from __future__ import annotations

from collections.abc import Callable

from ..dialects import tt
from ..errors import UnsupportedError
from ..ir.core import Op
from ..ir.types import bit_width
from .functions import FUNCTIONS, apply, of_float, test_of
from .integers import absolute, count_bits, high_product
from .writer import (
    PRIMARY,
    PRODUCT,
    SUM,
    Expr,
    Operands,
    Rule,
    call,
    convert,
    infix,
    msl_type,
)

# Functions of the table that the libraries know by other names.
_CUDA_NAMES = {
    "cyl_bessel_i0": "i0",
    "cyl_bessel_i1": "i1",
    "nearbyint": "rint",
    **{f"fast_{name}": f"fast_{name}" for name in ("cos", "sin", "tan", "exp", "exp10", "log")},
    "fast_log2": "fast_log2",
    "fast_log10": "fast_log10",
    "fast_pow": "fast_pow",
    "fast_fdivide": "fast_divide",
}
_NOT_LIBRARY = ("clamp", "maximum", "minimum", "divide", "saturate")


def _table(name: str) -> Rule:
    def rule(writer: Operands, op: Op) -> Expr:
        return apply(writer, name, op)

    return rule


def _float_functions() -> dict[str, Rule]:
    rules: dict[str, Rule] = {}
    plain = [n for n in FUNCTIONS if n not in _NOT_LIBRARY and not n.startswith("fast_")]
    for name in plain:
        rules[f"__nv_{name}f"] = rules[f"__ocml_{name}_f32"] = _table(name)
        rules[f"__ocml_{name}_f16"] = _table(name)
    for other, name in _CUDA_NAMES.items():
        rules[f"__nv_{other}f"] = _table(name)
    rules["__ocml_nearbyint_f32"] = _table("rint")
    # Arithmetic with a rounding in its name: to nearest is what operators do.
    for name, other in (("fsqrt", "sqrt"), ("frsqrt", "rsqrt"), ("fdiv", "divide")):
        rules[f"__nv_{name}_rn"] = _table(other)
    rules["__nv_fmaf_rn"] = _table("fma")
    rules["__nv_saturatef"] = _table("saturate")
    return rules


def _operator(symbol: str, precedence: int) -> Rule:
    def rule(writer: Operands, op: Op) -> Expr:
        a, b = writer.pair(op)
        return infix(a, symbol, b, precedence, msl_type(op.result))

    return rule


def _reciprocal(writer: Operands, op: Op) -> Expr:
    one, x = Expr("1.0f", PRIMARY, "float"), writer[op.operands[0]]
    return infix(one, "/", x, PRODUCT, msl_type(op.result))


def _test(name: str) -> Rule:
    """isnan and its like, as an integer."""

    def rule(writer: Operands, op: Op) -> Expr:
        result = msl_type(op.result)
        lanes = result[-1] if result[-1].isdigit() else ""
        return convert(test_of(writer, name, op, f"bool{lanes}"), result)

    return rule


def _integer_of(name: str, result: str) -> Rule:
    """A float, rounded by a function (or toward zero), as an integer."""

    def rule(writer: Operands, op: Op) -> Expr:
        expr = writer[op.operands[0]]
        if name:
            expr = of_float(writer, FUNCTIONS[name], [expr], op.operands[0].type)
        return _with_lanes(result, expr)

    return rule


def _float_of(source: str) -> Rule:
    def rule(writer: Operands, op: Op) -> Expr:
        value = op.operands[0]
        unsigned = source.startswith("u")
        expr = writer.unsigned(value) if unsigned else writer.signed(value)
        return call(msl_type(op.result), msl_type(op.result), expr)

    return rule


def _with_lanes(name: str, expr: Expr) -> Expr:
    lanes = expr.type[-1] if expr.type[-1].isdigit() else ""
    return call(name + lanes, name + lanes, expr)


def _bits(writer: Operands, op: Op) -> Expr:
    name = msl_type(op.result)
    return call(f"as_type<{name}>", name, writer.typed(op.operands[0]))


def _count(function: str) -> Rule:
    def rule(writer: Operands, op: Op) -> Expr:
        return count_bits(writer, function, op.operands[0], msl_type(op.result))

    return rule


def _find_first_set(name: str) -> Rule:
    """The place of the lowest bit that is set, from 1."""

    def rule(writer: Operands, op: Op) -> Expr:
        value = op.operands[0]
        result = msl_type(op.result)
        return writer.helper(name, result, convert(writer[value], msl_type(value, True)))

    return rule


def _reverse(writer: Operands, op: Op) -> Expr:
    value = op.operands[0]
    name = msl_type(value, True)
    expr = convert(writer[value], name)
    if bit_width(value.type) == 64:
        return writer.helper("reverse_bits", name, expr)
    return call("reverse_bits", name, expr)


def _library(function: str, *, unsigned: bool) -> Rule:
    """A function of integers that Metal has under its own name."""

    def rule(writer: Operands, op: Op) -> Expr:
        name = msl_type(op.result, unsigned)
        arguments = [convert(writer[value], name) for value in op.operands]
        return call(function, name, *arguments)

    return rule


def _sum_of_differences(*, unsigned: bool) -> Rule:
    """|x - y| + z."""

    def rule(writer: Operands, op: Op) -> Expr:
        x, y, z = op.operands
        name, sign = msl_type(x, True), msl_type(x, unsigned)
        difference = call("absdiff", name, convert(writer[x], sign), convert(writer[y], sign))
        return infix(difference, "+", writer.unsigned(z), SUM, name)

    return rule


def _high(*, unsigned: bool) -> Rule:
    def rule(writer: Operands, op: Op) -> Expr:
        if unsigned or bit_width(op.result.type) < 64:
            return high_product(writer, op, unsigned=unsigned)
        name = msl_type(op.result)
        return writer.helper("mulhi_signed", name, *(convert(writer[v], name) for v in op.operands))

    return rule


def _byte_perm(writer: Operands, op: Op) -> Expr:
    name = msl_type(op.result, True)
    return writer.helper("byte_perm", name, *(convert(writer[v], name) for v in op.operands))


def _scale(writer: Operands, op: Op) -> Expr:
    """x times 2 to the n."""
    x, n = op.operands
    return call("ldexp", msl_type(op.result), writer[x], convert(writer[n], msl_type(n)))


def _power_of_integer(writer: Operands, op: Op) -> Expr:
    x, n = op.operands
    base = writer[x]
    exponent = call(base.type, base.type, writer.signed(n))
    return of_float(writer, FUNCTIONS["pow"], [base, exponent], op.result.type)


def _exponent(writer: Operands, op: Op) -> Expr:
    return call("ilogb", msl_type(op.result), writer[op.operands[0]])


def _integer_functions() -> dict[str, Rule]:
    return {
        "__nv_abs": absolute,
        "__nv_llabs": absolute,
        "__nv_clz": _count("clz"),
        "__nv_clzll": _count("clz"),
        "__nv_popc": _count("popcount"),
        "__nv_popcll": _count("popcount"),
        "__nv_ffs": _find_first_set("ffs"),
        "__nv_ffsll": _find_first_set("ffsll"),
        "__nv_brev": _reverse,
        "__nv_brevll": _reverse,
        "__nv_byte_perm": _byte_perm,
        "__nv_mulhi": _high(unsigned=False),
        "__nv_umulhi": _high(unsigned=True),
        "__nv_mul64hi": _high(unsigned=False),
        "__nv_umul64hi": _high(unsigned=True),
        "__nv_mul24": _library("mul24", unsigned=False),
        "__nv_umul24": _library("mul24", unsigned=True),
        "__nv_hadd": _library("hadd", unsigned=False),
        "__nv_uhadd": _library("hadd", unsigned=True),
        "__nv_rhadd": _library("rhadd", unsigned=False),
        "__nv_urhadd": _library("rhadd", unsigned=True),
        "__nv_sad": _sum_of_differences(unsigned=False),
        "__nv_usad": _sum_of_differences(unsigned=True),
    }


def _conversions() -> dict[str, Rule]:
    rules: dict[str, Rule] = {}
    integers = {"int": "int", "uint": "uint", "ll": "long", "ull": "ulong"}
    modes = {"rn": "rint", "rz": "", "rd": "floor", "ru": "ceil"}
    for short, name in integers.items():
        for mode, function in modes.items():
            rules[f"__nv_float2{short}_{mode}"] = _integer_of(function, name)
        rules[f"__nv_{short}2float_rn"] = _float_of(name)
    rules["__nv_llrintf"] = _integer_of("rint", "long")
    rules["__nv_llroundf"] = _integer_of("round", "long")
    for symbol in ("float_as_int", "float_as_uint", "int_as_float", "uint_as_float"):
        rules[f"__nv_{symbol}"] = _bits
    return rules


def _tests() -> dict[str, Rule]:
    names = {"isfinite": "finitef", "isinf": "isinff", "isnan": "isnanf", "signbit": "signbitf"}
    rules = {f"__nv_{symbol}": _test(name) for name, symbol in names.items()}
    return rules | {f"__ocml_{name}_f32": _test(name) for name in names}


SYMBOLS: dict[str, Rule] = {
    **_float_functions(),
    **_integer_functions(),
    **_conversions(),
    **_tests(),
    "__nv_fadd_rn": _operator("+", SUM),
    "__nv_fsub_rn": _operator("-", SUM),
    "__nv_fmul_rn": _operator("*", PRODUCT),
    "__nv_frcp_rn": _reciprocal,
    "__nv_ldexpf": _scale,
    "__nv_scalbnf": _scale,
    "__nv_powif": _power_of_integer,
    "__nv_ilogbf": _exponent,
    "__ocml_ldexp_f32": _scale,
    "__ocml_pown_f32": _power_of_integer,
    "__ocml_ilogb_f32": _exponent,
}


def extern(writer: Operands, op: Op) -> Expr:
    """A call by symbol."""
    assert isinstance(op, tt.ExternElementwise)
    rule = SYMBOLS.get(op.symbol)
    if rule is None:
        raise UnsupportedError(f"the device function {op.symbol} has no form in Metal yet", op.span)
    return rule(writer, op)


LIBRARY_RULES: dict[type[Op], Callable[[Operands, Op], Expr]] = {tt.ExternElementwise: extern}
