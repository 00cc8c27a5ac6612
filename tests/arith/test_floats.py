"""Float arithmetic against numpy: one rounding for each op, NaN as each op says."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from .support import DTYPES, Array, assert_same, compute, np, random_floats

FLOATS = ("f16", "bf16", "f32")
SIZE = 2048


@cache
def _triple(dtype: str) -> tuple[Array, Array, Array]:
    a, b, c = (random_floats(dtype, SIZE, seed) for seed in (1, 2, 3))
    b[::7] = a[::7]
    return a, b, c


def _rounded(function: Callable[..., Array]) -> Callable[..., Array]:
    """Computed in float64, where products are exact and sums nearly so, and rounded once."""

    def reference(*arrays: Array) -> Array:
        kind = arrays[0].dtype
        with np.errstate(all="ignore"):
            if kind == np.float32:
                return function(*arrays).astype(kind)
            wide = function(*(a.astype(np.float32) for a in arrays))
            return wide.astype(kind)

    return reference


def _fmod(a: Array, b: Array) -> Array:
    return np.fmod(a.astype(np.float64), b.astype(np.float64))


def _round(a: Array) -> Array:
    """Halves away from zero."""
    return np.copysign(np.floor(np.abs(a) + np.float64(0.5)), a)


BINARY: dict[str, Callable[..., Array]] = {
    "arith.addf": np.add,
    "arith.subf": np.subtract,
    "arith.mulf": np.multiply,
    "arith.divf": np.divide,
    "arith.remf": _fmod,
    "tt.precise_divf": np.divide,
    "tt.approx_divf": np.divide,
}
EXTREMES: dict[str, Callable[..., Array]] = {
    "arith.maximumf": np.maximum,
    "arith.minimumf": np.minimum,
    "arith.maxnumf": np.fmax,
    "arith.minnumf": np.fmin,
}
UNARY: dict[str, Callable[..., Array]] = {
    "arith.negf": np.negative,
    "math.absf": np.abs,
    "math.floor": np.floor,
    "math.ceil": np.ceil,
    "math.trunc": np.trunc,
    "math.roundeven": np.rint,
    "math.round": _round,
    "math.sqrt": np.sqrt,
    "tt.precise_sqrt": np.sqrt,
}


@pytest.mark.parametrize("per_thread", [1, 4])
@pytest.mark.parametrize("dtype", FLOATS)
def test_arithmetic(dtype: str, per_thread: int) -> None:
    a, b, _ = _triple(dtype)
    ops = {name: (f"{name} %x, %y : T({dtype})", dtype) for name in BINARY}
    ops |= {name: (f"{name} %x : T({dtype})", dtype) for name in UNARY}
    found = compute({"x": (dtype, a), "y": (dtype, b)}, ops, per_thread)
    for name, function in BINARY.items():
        assert_same(found[name], _rounded(function)(a, b), name, a, b)
    for name, function in UNARY.items():
        assert_same(found[name], _rounded(function)(a), name, a)


def _zeros_alike(*arrays: Array) -> list[Array]:
    """Zeros without their sign: which of two zeros is the larger is not specified."""
    return [np.where(a == 0, a.dtype.type(0), a) for a in arrays]


@pytest.mark.parametrize("per_thread", [1, 4])
@pytest.mark.parametrize("dtype", FLOATS)
def test_extremes(dtype: str, per_thread: int) -> None:
    a, b, c = _triple(dtype)
    low, high = np.fmin(b, c), np.fmax(b, c)
    low, high = (np.where(np.isnan(x.astype(np.float32)), x.dtype.type(1), x) for x in (low, high))
    ops = {name: (f"{name} %x, %y : T({dtype})", dtype) for name in EXTREMES}
    for mode in ("none", "all"):
        clamp = f"tt.clampf %x, %low, %high, propagateNan = {mode} : T({dtype})"
        ops[f"clamp {mode}"] = (clamp, dtype)
    inputs = {"x": (dtype, a), "y": (dtype, b), "low": (dtype, low), "high": (dtype, high)}
    found = compute(inputs, ops, per_thread)
    for name, function in EXTREMES.items():
        assert_same(*_zeros_alike(found[name], _rounded(function)(a, b)), name, a, b)
    clamped = np.fmin(np.fmax(a, low), high)
    assert_same(*_zeros_alike(found["clamp none"], clamped), "clamp", a, low, high)
    clamped = np.where(np.isnan(a.astype(np.float32)), a, clamped)
    assert_same(*_zeros_alike(found["clamp all"], clamped), "clamp all", a, low, high)


@pytest.mark.parametrize("per_thread", [1, 4])
@pytest.mark.parametrize("dtype", [*FLOATS, "f8E5M2"])
def test_compare(dtype: str, per_thread: int) -> None:
    a, b = random_floats(dtype, SIZE, 1), random_floats(dtype, SIZE, 2)
    b[::3] = a[::3]
    x, y = a.astype(np.float32), b.astype(np.float32)
    unordered = np.isnan(x) | np.isnan(y)
    orders = {"eq": x == y, "gt": x > y, "ge": x >= y, "lt": x < y, "le": x <= y}
    orders["ne"] = (x != y) & ~unordered
    expected = {"ord": ~unordered, "uno": unordered}
    expected |= {f"o{name}": result for name, result in orders.items() if name != "ne"}
    expected |= {f"u{name}": result | unordered for name, result in orders.items()}
    expected["one"] = orders["ne"]
    expected |= {"true": np.ones(SIZE, np.bool_), "false": np.zeros(SIZE, np.bool_)}
    ops = {p: (f"arith.cmpf {p}, %x, %y : T({dtype})", "i1") for p in expected}
    select = "%q = arith.cmpf olt, %x, %y : T({0}); arith.select %q, %x, %y : T(i1), T({0})"
    ops["select"] = (select.format(dtype), dtype)
    ops["nan"] = (f"arith.cmpf uno, %x, %x : T({dtype})", "i1")
    found = compute({"x": (dtype, a), "y": (dtype, b)}, ops, per_thread)
    for name, result in expected.items():
        assert_same(found[name], result, name, a, b)
    assert_same(found["select"], np.where(x < y, a, b), "select", a, b)
    assert_same(found["nan"], np.isnan(x), "uno of itself", a)


@pytest.mark.parametrize("dtype", FLOATS)
def test_fma_copysign_and_tests(dtype: str) -> None:
    a, b, c = _triple(dtype)
    ops = {name: (f"math.{name} %x : T({dtype})", "i1") for name in ("isnan", "isinf", "isfinite")}
    ops["fma"] = (f"math.fma %x, %y, %z : T({dtype})", dtype)
    ops["copysign"] = (f"math.copysign %x, %y : T({dtype})", dtype)
    for per_thread in (1, 4):
        inputs = {"x": (dtype, a), "y": (dtype, b), "z": (dtype, c)}
        found = compute(inputs, ops, per_thread)
        wide = a.astype(np.float32)
        for name, test in (("isnan", np.isnan), ("isinf", np.isinf), ("isfinite", np.isfinite)):
            assert_same(found[name], test(wide), name, a)
        assert_same(found["copysign"], np.copysign(a, b), "copysign", a, b)
        x, y, z = (v.astype(np.longdouble) for v in (a, b, c))
        with np.errstate(all="ignore"):
            exact = (x * y + z).astype(np.float32 if dtype == "bf16" else a.dtype)
        assert_same(found["fma"], exact.astype(a.dtype), "fma", a, b, c)


@pytest.mark.parametrize("dtype", [*FLOATS, "f8E4M3FN", "f8E5M2"])
def test_constants(dtype: str) -> None:
    """Literals keep every bit: of zero's sign, of the smallest and largest numbers."""
    kind = np.dtype(DTYPES[dtype])
    numbers = random_floats(dtype, 40, 5)
    ones = np.ones(512, np.bool_)
    for start in range(0, len(numbers), 14):
        some = numbers[start : start + 14]
        ops: dict[str, tuple[str, str]] = {}
        for i, number in enumerate(some):
            bits = int(number.view(f"u{kind.itemsize}"))
            made = f"%k{i} = arith.constant dense<0x{bits:0{2 * kind.itemsize}X}> : T({dtype}); "
            ops[str(i)] = (f"{made} arith.select %x, %k{i}, %k{i} : T(i1), T({dtype})", dtype)
        found = compute({"x": ("i1", ones)}, ops)
        for i, number in enumerate(some):
            assert_same(found[str(i)], np.full(512, number, kind), "constant")


def _near_one(dtype: str, seed: int) -> Array:
    """Random numbers of either sign from 1/8 to 16: what x * y + z is of them, 64 bits can say."""
    source = np.random.default_rng(seed)
    numbers = source.uniform(1, 2, SIZE) * 2.0 ** source.integers(-3, 4, SIZE)
    return (numbers * source.choice([-1, 1], SIZE)).astype(DTYPES[dtype])


# The op on the product %p and %z, the product's sign, z's sign.
SUMS = {
    "xy + z": ("arith.addf %p, %z", 1, 1),
    "z + xy": ("arith.addf %z, %p", 1, 1),
    "xy - z": ("arith.subf %p, %z", 1, -1),
    "z - xy": ("arith.subf %z, %p", -1, 1),
}


@pytest.mark.parametrize("per_thread", [1, 4])
@pytest.mark.parametrize("dtype", FLOATS)
def test_a_product_in_a_sum_rounds_once_or_twice(dtype: str, per_thread: int) -> None:
    """Once with fusion, but never of bfloat; without it twice, on every device."""
    a, b, c = (_near_one(dtype, seed) for seed in (1, 2, 3))
    x, y, z = (numbers.astype(np.longdouble) for numbers in (a, b, c))
    inputs = {"x": (dtype, a), "y": (dtype, b), "z": (dtype, c)}
    product = f"%p = arith.mulf %x, %y : T({dtype})"
    for name, (op, sign, sign_of_z) in SUMS.items():
        ops = {name: (f"{product}; {op} : T({dtype})", dtype)}
        fused = compute(inputs, ops, per_thread)[name]
        apart = compute(inputs, ops, per_thread, enable_fp_fusion=False)[name]
        twice = _rounded(np.add)(sign * _rounded(np.multiply)(a, b), sign_of_z * c)
        assert_same(apart, twice, f"{name} in two steps", a, b, c)
        once = twice if dtype == "bf16" else (sign * x * y + sign_of_z * z).astype(a.dtype)
        assert_same(fused, once, name, a, b, c)
        assert dtype == "bf16" or np.count_nonzero(once != twice) > SIZE / 20
