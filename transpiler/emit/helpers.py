"""Functions of ours, which Metal's library lacks: their texts, in shaders that call them.

Each is a file in templates/functions, named `trimetal_...` so that no library's name clashes. A
call on vectors uses an overload that calls the function for each component.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..ir.attributes import FLOAT8_FORMATS
from .template import template

PREFIX = "trimetal_"


@dataclass(frozen=True)
class Helper:
    """A function: MSL types of its result and parameters ("T" is any), what else it calls.

    `values` are what its template prints, if it is one.
    """

    result: str
    parameters: tuple[str, ...]
    calls: tuple[str, ...] = ()
    file: str = ""
    values: Mapping[str, object] = field(default_factory=dict[str, object])


def _floats(count: int, *calls: str) -> Helper:
    return Helper("float", ("float",) * count, calls)


def _float8(kind: str) -> dict[str, Helper]:
    """The conversions of an 8-bit float: a byte of sign, exponent and mantissa."""
    exponent, mantissa, bias, has_infinity, unsigned_zero = FLOAT8_FORMATS[kind]
    shift, step = 23 - mantissa, bias + mantissa - 1  # of a mantissa bit; the unit is 2^-step
    infinity = ((1 << exponent) - 1) << mantissa if has_infinity else 0
    nan = 128 if unsigned_zero else infinity + (1 << (mantissa - 1)) if has_infinity else 127
    largest = infinity - 1 if has_infinity else 127 if unsigned_zero else 126
    values: dict[str, object] = {
        "name": kind,
        "implicit": 1 << mantissa,
        "unit": repr(2.0**-step),
        "per_unit": repr(2.0**step),
        "shift": shift,
        "half_less_one": (1 << (shift - 1)) - 1,
        "infinity": infinity,
        "unsigned_zero": unsigned_zero,
        "nan": nan,
        "largest": largest,
        "smallest_normal": (128 - bias) << 23,
    }
    widen = {**values, "rebias": (127 - bias) << 23}
    narrow = {**values, "rebias": (127 - bias) << mantissa}
    made = "float8_of_float.metal.jinja"
    return {
        f"float_of_{kind}": Helper("float", ("uchar",), (), "float_of_float8.metal.jinja", widen),
        f"{kind}_of_float": Helper("uchar", ("float",), (), made, {**narrow, "to_zero": False}),
        f"{kind}_of_float_rtz": Helper("uchar", ("float",), (), made, {**narrow, "to_zero": True}),
    }


HELPERS: dict[str, Helper] = {
    "maximum": _floats(2),
    "minimum": _floats(2),
    "erf": _floats(1),
    "scaled_erfc": _floats(1),
    "erfc": _floats(1, "erf", "scaled_erfc"),
    "erfcx": _floats(1, "scaled_erfc"),
    "erfinv": _floats(1),
    "expm1": _floats(1),
    "log1p": _floats(1),
    "cbrt": _floats(1),
    "rcbrt": _floats(1, "cbrt"),
    "hypot": _floats(2),
    "rhypot": _floats(2, "hypot"),
    "remainder": _floats(2),
    "bessel_far_0": Helper("float2", ("float",)),
    "bessel_far_1": Helper("float2", ("float",)),
    "j0": _floats(1, "bessel_far_0"),
    "j1": _floats(1, "bessel_far_1"),
    "y0": _floats(1, "j0", "bessel_far_0"),
    "y1": _floats(1, "j1", "bessel_far_1"),
    "i0": _floats(1),
    "i1": _floats(1),
    "half_of_float_rtz": Helper("half", ("float",)),
    "bfloat_of_float_rtz": Helper("bfloat", ("float",)),
    **{name: helper for kind in FLOAT8_FORMATS for name, helper in _float8(kind).items()},
    "mulhi": Helper("ulong", ("ulong", "ulong")),
    "mulhi_signed": Helper("long", ("long", "long"), ("mulhi",)),
    "popcount": Helper("ulong", ("ulong",)),
    "clz": Helper("ulong", ("ulong",)),
    "ctz": Helper("ulong", ("ulong",)),
    "ffs": Helper("int", ("uint",)),
    "ffsll": Helper("int", ("ulong",), ("ctz",)),
    "reverse_bits": Helper("ulong", ("ulong",)),
    "byte_perm": Helper("uint", ("uint", "uint", "uint")),
    "ceildiv": Helper("T", ("T", "T")),
    "floordiv": Helper("T", ("T", "T")),
    "ipow": Helper("T", ("T", "T")),
}


def helper_texts(used: Iterable[tuple[str, int]]) -> list[str]:
    """The functions that a kernel calls, each once and after what it calls: (name, lanes)."""
    names: dict[str, None] = {}
    for name, _ in used:
        _collect(name, names)
    texts = [_text(name) for name in names]
    wanted = dict.fromkeys((name, lanes) for name, lanes in used if lanes > 1)
    return texts + [_overload(name, lanes) for name, lanes in wanted]


def _collect(name: str, names: dict[str, None]) -> None:
    for other in HELPERS[name].calls:
        _collect(other, names)
    names[name] = None


def _text(name: str) -> str:
    helper = HELPERS[name]
    return template(f"functions/{helper.file or name + '.metal'}").render(helper.values)


def _overload(name: str, lanes: int) -> str:
    helper = HELPERS[name]
    generic = helper.result == "T"
    result = _vector(helper.result, lanes)
    return template("functions/overloads.metal.jinja").render(
        template=generic,
        name=PREFIX + name,
        result=result,
        parameters=[_vector(p, lanes) for p in helper.parameters],
        components="xyzw"[:lanes],
        indent=len(f"    return {result}("),
    )


def _vector(name: str, lanes: int) -> str:
    return f"vec<T, {lanes}>" if name == "T" else f"{name}{lanes}"
