"""Functions of floats against float64 and mpmath: the errors that docs/functions.md promises."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import pytest

from trimetal.transpiler.emit.functions import FUNCTIONS

from .support import Array, assert_same, compute, np, random_floats, random_integers, ulps

SIZE = 2048
mpmath: Any = pytest.importorskip("mpmath")


def _mp(name: str) -> Callable[..., Array]:
    """A function of mpmath, number by number; NaN where it has no real value."""

    def reference(*arrays: Array) -> Array:
        with mpmath.workdps(30):
            function = getattr(mpmath, name)
            return np.array([_real(function, *xs) for xs in zip(*arrays, strict=True)])

    return reference


def _real(function: Any, *xs: float) -> float:
    if any(np.isnan(xs)):
        return np.nan
    try:
        result = function(*(mpmath.mpf(float(x)) for x in xs))
    except (ValueError, ZeroDivisionError):
        return np.nan
    return float(result) if isinstance(result, mpmath.mpf) else np.nan


def _erfcx(a: Array) -> Array:
    with mpmath.workdps(30):
        return np.array([_erfcx_of(float(x)) for x in a])


def _erfcx_of(x: float) -> float:
    if x > 1e4:  # the first term of the asymptotic series
        return 1 / (x * np.sqrt(np.pi))
    return np.inf if x < -20 else _real(_erfcx_of_real, x)


def _erfcx_of_real(x: Any) -> Any:
    return mpmath.exp(x * x) * mpmath.erfc(x)


def _bessel(name: str, order: int) -> Callable[[Array], Array]:
    def reference(a: Array) -> Array:
        function = partial(getattr(mpmath, name), order)
        return np.array([_real(function, x) for x in a])

    return reference


def _modified_bessel(order: int) -> Callable[[Array], Array]:
    def reference(a: Array) -> Array:
        near = _bessel("besseli", order)(np.minimum(np.maximum(a, -95), 95))
        infinite = np.where(a < 0, (-1.0) ** order, 1.0) * np.inf
        return np.where(np.abs(a) < 95, near, np.where(np.isnan(a), np.nan, infinite))

    return reference


def _remainder(a: Array, b: Array) -> Array:
    return np.array([_ieee_remainder(x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True)])


def _ieee_remainder(x: float, y: float) -> float:
    return math.remainder(x, y) if np.isfinite(x) and y and not np.isnan(y) else np.nan


# name -> float64 reference, and arguments that matter: (low, high) of each, or None for any.
UNARY: dict[str, Callable[[Array], Array]] = {
    "acos": np.arccos, "acosh": np.arccosh, "asin": np.arcsin, "asinh": np.arcsinh,
    "atan": np.arctan, "atanh": np.arctanh, "cbrt": np.cbrt, "cos": np.cos, "cosh": np.cosh,
    "erf": _mp("erf"), "erfc": _mp("erfc"), "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1,
    "log": np.log, "log10": np.log10, "log1p": np.log1p, "log2": np.log2, "sin": np.sin,
    "sinh": np.sinh, "tan": np.tan, "tanh": np.tanh, "rsqrt": lambda a: 1 / np.sqrt(a),
}  # fmt: skip
BINARY: dict[str, Callable[[Array, Array], Array]] = {
    "atan2": np.arctan2, "powf": np.power, "copysign": np.copysign,
}  # fmt: skip
LIBRARY: dict[str, Callable[[Array], Array]] = {
    "__nv_erfcxf": _erfcx,
    "__nv_erfinvf": _mp("erfinv"),
    "__nv_rcbrtf": lambda a: 1 / np.cbrt(a),
    "__nv_cyl_bessel_i0f": _modified_bessel(0),
    "__nv_cyl_bessel_i1f": _modified_bessel(1),
    "__nv_exp10f": lambda a: np.power(10.0, a),
}
LIBRARY_OF_TWO: dict[str, Callable[[Array, Array], Array]] = {
    "__nv_hypotf": np.hypot,
    "__nv_rhypotf": lambda a, b: 1 / np.hypot(a, b),
    "__nv_remainderf": _remainder,
    "__nv_fdimf": lambda a, b: np.where(a > b, a - b, np.where(np.isnan(a + b), np.nan, 0.0)),
}


@cache
def _arguments() -> tuple[Array, Array]:
    a, b = random_floats("f32", SIZE, 11), random_floats("f32", SIZE, 12)
    source = np.random.default_rng(13)
    a[::3] = source.uniform(-1.5, 1.5, len(a[::3]))
    a[1::5] = source.uniform(-12, 12, len(a[1::5]))
    return a, b


def _bound(name: str) -> float:
    error = FUNCTIONS[name].error
    return {"exact": 0.5, "correctly rounded": 0.5}.get(error) or float(error.split()[0])


def _close(name: str, found: Array, exact: Array) -> None:
    # Metal's bounds are for Apple's functions; the CPU device has libm's, which are better.
    worst = ulps(found, exact)
    assert worst <= _bound(name), f"{name}: {worst} ulps"


@pytest.mark.parametrize("per_thread", [1, 4])
def test_math(per_thread: int) -> None:
    a, b = _arguments()
    ops = {name: (f"math.{name} %x : T(f32)", "f32") for name in UNARY}
    ops |= {name: (f"math.{name} %x, %y : T(f32)", "f32") for name in BINARY}
    found = compute({"x": ("f32", a), "y": ("f32", b)}, ops, per_thread)
    with np.errstate(all="ignore"):
        x, y = a.astype(np.float64), b.astype(np.float64)
        for name, reference in UNARY.items():
            _close(name, found[name], reference(x))
        for name, function in BINARY.items():
            _close({"powf": "pow"}.get(name, name), found[name], function(x, y))


@pytest.mark.parametrize("dtype", ["f16", "bf16"])
def test_math_of_16_bits(dtype: str) -> None:
    """By way of float, and rounded once more: as near as 16 bits can be, up to that."""
    a = random_floats(dtype, SIZE, 21)
    some = ("exp", "erf", "log1p", "sin", "tanh", "rsqrt", "expm1", "cbrt")
    ops = {name: (f"math.{name} %x : T({dtype})", dtype) for name in some}
    for per_thread in (1, 4):
        found = compute({"x": (dtype, a)}, ops, per_thread)
        with np.errstate(all="ignore"):
            for name in some:
                worst = ulps(found[name], UNARY[name](a.astype(np.float64)))
                assert worst <= 0.51, f"{name} of {dtype}: {worst} ulps"


def _extern(symbol: str, operands: str, types: str, result: str) -> tuple[str, str]:
    attributes = f'{{libname = "", libpath = "", pure = true, symbol = "{symbol}"}}'
    arguments = ", ".join(f"T({t})" for t in types.split())
    return f"tt.extern_elementwise {operands} {attributes} : ({arguments}) -> T({result})", result


@pytest.mark.parametrize("per_thread", [1, 4])
def test_device_library(per_thread: int) -> None:
    a, b = _arguments()
    ops = {name: _extern(name, "%x", "f32", "f32") for name in LIBRARY}
    ops |= {name: _extern(name, "%x, %y", "f32 f32", "f32") for name in LIBRARY_OF_TWO}
    found = compute({"x": ("f32", a), "y": ("f32", b)}, ops, per_thread)
    x, y = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(all="ignore"):
        exact = {name: reference(x) for name, reference in LIBRARY.items()}
        exact |= {name: reference(x, y) for name, reference in LIBRARY_OF_TWO.items()}
        for name, values in exact.items():
            bare = name.removeprefix("__nv_").removesuffix("f").removeprefix("cyl_bessel_")
            _close(bare, found[name], values)


@pytest.mark.parametrize(("name", "function"), [("j", "besselj"), ("y", "bessely")])
def test_bessel(name: str, function: str) -> None:
    """Near a zero the error is that of 1."""
    source = np.random.default_rng(5)
    a = np.concatenate([source.standard_normal(400) * 2, source.uniform(0, 60, 624)])
    a = a.astype(np.float32)
    ops = {f"{name}{n}": _extern(f"__nv_{name}{n}f", "%x", "f32", "f32") for n in (0, 1)}
    for per_thread in (1, 4):
        found = compute({"x": ("f32", a)}, ops, per_thread)
        for order in (0, 1):
            exact = _bessel(function, order)(a)
            result = found[f"{name}{order}"].astype(np.float64)
            assert (np.isnan(exact) == np.isnan(result)).all()
            error = np.nanmax(np.abs(result - exact) / np.maximum(1, np.abs(exact))) * 2**23
            assert error <= _bound(f"{name}{order}"), f"{name}{order}: {error} ulps of 1"


def test_same_functions_by_other_names() -> None:
    """Symbols of CUDA and AMD, and the fast variants, are those of the table."""
    a, b = _arguments()
    pairs = {
        "__nv_expf": "exp", "__ocml_exp_f32": "exp", "__nv_fast_expf": "exp",
        "__nv_nearbyintf": "roundeven", "__nv_rintf": "roundeven",
        "__nv_roundf": "round", "__nv_truncf": "trunc", "__ocml_log1p_f32": "log1p",
        "__nv_fast_log2f": "log2", "__nv_floorf": "floor",
    }  # fmt: skip
    ops = {symbol: _extern(symbol, "%x", "f32", "f32") for symbol in pairs}
    ops |= {name: (f"math.{name} %x : T(f32)", "f32") for name in pairs.values()}
    ops["__nv_fsqrt_rn"] = _extern("__nv_fsqrt_rn", "%x", "f32", "f32")
    ops["sqrt"] = ("math.sqrt %x : T(f32)", "f32")
    ops["__nv_fdiv_rn"] = _extern("__nv_fdiv_rn", "%x, %y", "f32 f32", "f32")
    ops["divf"] = ("arith.divf %x, %y : T(f32)", "f32")
    ops["__nv_fmodf"] = _extern("__nv_fmodf", "%x, %y", "f32 f32", "f32")
    ops["remf"] = ("arith.remf %x, %y : T(f32)", "f32")
    pairs |= {"__nv_fsqrt_rn": "sqrt", "__nv_fdiv_rn": "divf", "__nv_fmodf": "remf"}
    found = compute({"x": ("f32", a), "y": ("f32", b)}, ops)
    for symbol, name in pairs.items():
        assert_same(found[symbol], found[name], symbol, a, b)


@pytest.mark.parametrize("per_thread", [1, 4])
def test_integers_of_the_device_library(per_thread: int) -> None:
    a, b = random_integers("i32", SIZE, 1), random_integers("i32", SIZE, 2)
    x, y = random_integers("i64", SIZE, 3), random_integers("i64", SIZE, 4)
    words = {32: [format(int(v) % 2**32, "032b") for v in a]}
    words[64] = [format(int(v) % 2**64, "064b") for v in x]
    expected: dict[str, list[int]] = {}
    ops: dict[str, tuple[str, str]] = {}
    for bits, ll, v, d in ((32, "", "%a", "i32"), (64, "ll", "%x", "i64")):
        texts = words[bits]
        expected[f"clz{ll}"] = [bits - len(w.lstrip("0")) for w in texts]
        expected[f"popc{ll}"] = [w.count("1") for w in texts]
        expected[f"ffs{ll}"] = [len(w) - w.rfind("1") if "1" in w else 0 for w in texts]
        ops |= {f"{n}{ll}": _extern(f"__nv_{n}{ll}", v, d, "i32") for n in ("clz", "popc", "ffs")}
        expected[f"brev{ll}"] = [int(w[::-1], 2) for w in texts]
        ops[f"brev{ll}"] = _extern(f"__nv_brev{ll}", v, d, d)
    pairs = list(zip(a.tolist(), b.tolist(), strict=True))
    longs = list(zip(x.tolist(), y.tolist(), strict=True))
    expected["mulhi"] = [p * q >> 32 for p, q in pairs]
    expected["umulhi"] = [(p % 2**32) * (q % 2**32) >> 32 for p, q in pairs]
    expected["mul64hi"] = [p * q >> 64 for p, q in longs]
    expected["umul64hi"] = [(p % 2**64) * (q % 2**64) >> 64 for p, q in longs]
    expected["hadd"] = [p + q >> 1 for p, q in pairs]
    expected["urhadd"] = [p % 2**32 + q % 2**32 + 1 >> 1 for p, q in pairs]
    expected["sad"] = [abs(p - q) + p for p, q in pairs]
    expected["usad"] = [abs(p % 2**32 - q % 2**32) + p for p, q in pairs]
    expected["byte_perm"] = [_permuted(p % 2**32, q % 2**32, p % 2**32) for p, q in pairs]
    for name in ("mulhi", "umulhi", "hadd", "urhadd"):
        ops[name] = _extern(f"__nv_{name}", "%a, %b", "i32 i32", "i32")
    for name in ("sad", "usad", "byte_perm"):
        ops[name] = _extern(f"__nv_{name}", "%a, %b, %a", "i32 i32 i32", "i32")
    for name in ("mul64hi", "umul64hi"):
        ops[name] = _extern(f"__nv_{name}", "%x, %y", "i64 i64", "i64")
    inputs = {"a": ("i32", a), "b": ("i32", b), "x": ("i64", x), "y": ("i64", y)}
    found = compute(inputs, ops, per_thread)
    for name, values in expected.items():
        kind = found[name].dtype
        wrapped = np.array([v % 2 ** (8 * kind.itemsize) for v in values], f"u{kind.itemsize}")
        assert_same(found[name], wrapped.view(kind), name, x if "ll" in name else a)


def _permuted(x: int, y: int, selector: int) -> int:
    data = x.to_bytes(4, "little") + y.to_bytes(4, "little")
    return int.from_bytes(bytes(data[selector >> (4 * i) & 7] for i in range(4)), "little")


@pytest.mark.parametrize("per_thread", [1, 4])
def test_conversions_and_tests_of_the_device_library(per_thread: int) -> None:
    a, _ = _arguments()
    n = (np.arange(SIZE) % 40 - 20).astype(np.int32)
    small = np.minimum(np.maximum(np.nan_to_num(a), -1e6), 1e6).astype(np.float32)
    tests = {"isnanf": np.isnan, "isinff": np.isinf, "finitef": np.isfinite, "signbitf": np.signbit}
    ops = {name: _extern(f"__nv_{name}", "%x", "f32", "i32") for name in tests}
    modes = {"rn": np.rint, "rz": np.trunc, "rd": np.floor, "ru": np.ceil}
    for mode in modes:
        ops[f"float2int_{mode}"] = _extern(f"__nv_float2int_{mode}", "%s", "f32", "i32")
    ops["int2float_rn"] = _extern("__nv_int2float_rn", "%n", "i32", "f32")
    ops["float_as_int"] = _extern("__nv_float_as_int", "%x", "f32", "i32")
    ops["ldexpf"] = _extern("__nv_ldexpf", "%s, %n", "f32 i32", "f32")
    ops["llroundf"] = _extern("__nv_llroundf", "%s", "f32", "i64")
    ops["frcp_rn"] = _extern("__nv_frcp_rn", "%x", "f32", "f32")
    ops["saturatef"] = _extern("__nv_saturatef", "%s", "f32", "f32")
    ops["powif"] = _extern("__nv_powif", "%s, %n", "f32 i32", "f32")
    found = compute({"x": ("f32", a), "s": ("f32", small), "n": ("i32", n)}, ops, per_thread)
    for name, test in tests.items():
        assert_same(found[name], test(a).astype(np.int32), name, a)
    for mode, function in modes.items():
        assert_same(found[f"float2int_{mode}"], function(small).astype(np.int32), mode, small)
    with np.errstate(all="ignore"):
        assert_same(found["int2float_rn"], n.astype(np.float32), "int2float", n)
        assert_same(found["float_as_int"], a.view(np.int32), "float_as_int", a)
        assert_same(found["ldexpf"], np.ldexp(small, n), "ldexp", small, n)
        whole = np.copysign(np.floor(np.abs(small) + np.float64(0.5)), small)
        assert_same(found["llroundf"], whole.astype(np.int64), "llround", small)
        assert_same(found["frcp_rn"], np.float32(1) / a, "rcp", a)
        assert_same(found["saturatef"], np.minimum(np.maximum(small, 0), 1), "saturate", small)
        exact = np.power(small.astype(np.float64), n)
        assert ulps(found["powif"], exact) <= _bound("pow")
