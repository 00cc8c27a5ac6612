"""Conversions between all types against numpy and ml_dtypes, to the last bit."""

from __future__ import annotations

import pytest

from .support import (
    DTYPES,
    Array,
    assert_same,
    compute,
    ml_dtypes,
    np,
    random_floats,
    random_integers,
)

FLOATS = ("f16", "bf16", "f32")
FLOAT8 = ("f8E4M3FN", "f8E5M2", "f8E4M3FNUZ", "f8E5M2FNUZ", "f8E4M3B11FNUZ")
INTEGERS = ("i8", "i16", "i32", "i64")
SIZE = 4096
BYTES = np.arange(512).astype(np.uint8)


@pytest.mark.parametrize("per_thread", [1, 4])
@pytest.mark.parametrize("source", ["i1", *INTEGERS])
def test_integer_to_float(source: str, per_thread: int) -> None:
    a = random_integers(source, SIZE, 1)
    ops: dict[str, tuple[str, str]] = {}
    expected: dict[str, Array] = {}
    for result in FLOATS:
        for op, value in (("sitofp", a), ("uitofp", a.view(f"u{a.dtype.itemsize}"))):
            name = f"{op} {result}"
            ops[name] = (f"arith.{op} %x : T({source}) to T({result})", result)
            number = -value.astype(np.int8) if source == "i1" and op == "sitofp" else value
            # bfloat by way of float, as in Triton.
            wide = number.astype(np.float32 if result == "bf16" else DTYPES[result])
            with np.errstate(over="ignore"):
                expected[name] = wide.astype(DTYPES[result])
    found = compute({"x": (source, a)}, ops, per_thread)
    for name, value in expected.items():
        assert_same(found[name], value, name, a)


@pytest.mark.parametrize("per_thread", [1, 4])
@pytest.mark.parametrize("source", FLOATS)
def test_float_to_integer(source: str, per_thread: int) -> None:
    """Toward zero, of what fits; the rest ends somehow."""
    a = random_floats(source, SIZE, 1)
    ops: dict[str, tuple[str, str]] = {}
    for result in ("i1", *INTEGERS):
        for op in ("fptosi", "fptoui"):
            ops[f"{op} {result}"] = (f"arith.{op} %x : T({source}) to T({result})", result)
    found = compute({"x": (source, a)}, ops, per_thread)
    whole = np.trunc(a.astype(np.float64))
    for result in INTEGERS:
        bits = 8 * np.dtype(DTYPES[result]).itemsize
        signed = (whole >= -(2.0 ** (bits - 1))) & (whole < 2.0 ** (bits - 1))
        unsigned = (whole >= 0) & (whole < 2.0**bits)
        expected = whole[signed].astype(DTYPES[result])
        assert_same(found[f"fptosi {result}"][signed], expected, f"fptosi {result}", a[signed])
        expected = whole[unsigned].astype(f"u{bits // 8}").view(DTYPES[result])
        assert_same(found[f"fptoui {result}"][unsigned], expected, f"fptoui {result}", a[unsigned])
    bit = (whole == 0) | (whole == 1)
    assert_same(found["fptoui i1"][bit], whole[bit] == 1, "fptoui i1", a[bit])


@pytest.mark.parametrize("per_thread", [1, 4])
@pytest.mark.parametrize("source", FLOATS)
def test_float_to_float(source: str, per_thread: int) -> None:
    a = random_floats(source, SIZE, 1)
    ops: dict[str, tuple[str, str]] = {}
    for result in FLOATS:
        widths = (ml_dtypes.finfo(DTYPES[d]).bits for d in (source, result))
        before, after = widths
        if before < after:
            ops[result] = (f"arith.extf %x : T({source}) to T({result})", result)
        elif before > after:
            ops[result] = (f"arith.truncf %x : T({source}) to T({result})", result)
        elif source != result:
            cast = f"tt.fp_to_fp %x, rounding = rtne : T({source}) -> T({result})"
            ops[result] = (cast, result)
    found = compute({"x": (source, a)}, ops, per_thread)
    for result, value in found.items():
        with np.errstate(over="ignore", invalid="ignore"):
            expected = a.astype(np.float32).astype(DTYPES[result])
        assert_same(value, expected, f"{source} to {result}", a)


def _floats_around(kind: str) -> Array:
    """Every number of a type, what lies halfway between two, and the floats beside them."""
    size = 8 * np.dtype(DTYPES[kind]).itemsize
    numbers = np.arange(2**size).astype(f"u{size // 8}").view(DTYPES[kind]).astype(np.float32)
    numbers = np.sort(numbers[np.isfinite(numbers)])
    halves = (numbers[1:] + numbers[:-1]) / 2
    beside = [np.nextafter(halves, np.float32(s)) for s in (-np.inf, np.inf)]
    beside += [np.nextafter(numbers, np.float32(s)) for s in (-np.inf, np.inf)]
    special = np.array([np.inf, -np.inf, np.nan, 1e30, -1e30, 3e38, -0.0, 1e-40], np.float32)
    large = numbers[-1] * np.array([1.01, 1.06, 1.1, 1.5, 2], np.float32)
    return np.concatenate([numbers, halves, *beside, special, large, -large]).astype(np.float32)


def _toward_zero(a: Array, kind: str) -> Array:
    """Rounded toward zero by stepping back from the nearest."""
    with np.errstate(over="ignore", invalid="ignore"):
        near = a.astype(DTYPES[kind])
        larger = np.abs(near.astype(np.float32)) > np.abs(a)
    bits = near.view(f"u{near.dtype.itemsize}")
    return np.where(larger, bits - 1, bits).astype(bits.dtype).view(near.dtype)


@pytest.mark.parametrize("kind", ["f16", "bf16"])
def test_toward_zero(kind: str) -> None:
    a = random_floats("f32", SIZE, 7)
    a[: SIZE // 2] = np.random.default_rng(3).choice(_floats_around(kind), SIZE // 2)
    ops = {
        "rtz": (f"tt.fp_to_fp %x, rounding = rtz : T(f32) -> T({kind})", kind),
        "truncf": (f"arith.truncf %x toward_zero : T(f32) to T({kind})", kind),
    }
    for per_thread in (1, 4):
        found = compute({"x": ("f32", a)}, ops, per_thread)
        for name, value in found.items():
            assert_same(value, _toward_zero(a, kind), f"{name} {kind}", a)


@pytest.mark.parametrize(("source", "kind"), [("f16", "bf16"), ("bf16", "f16")])
def test_floats_of_one_width(source: str, kind: str) -> None:
    a = random_floats(source, SIZE, 11)
    ops = {
        mode: (f"arith.convertf %x {mode} : T({source}) to T({kind})", kind)
        for mode in ("", "to_nearest_even", "toward_zero")
    }
    ops["nearest"] = ops.pop("")
    wide = a.astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        near = wide.astype(DTYPES[kind])
    for per_thread in (1, 4):
        found = compute({"x": (source, a)}, ops, per_thread)
        for name, value in found.items():
            expected = _toward_zero(wide, kind) if name == "toward_zero" else near
            assert_same(value, expected, f"{source} to {kind}, {name}", wide)


@pytest.mark.parametrize("kind", FLOAT8)
def test_float8_widens(kind: str) -> None:
    a = BYTES.view(DTYPES[kind])
    ops = {r: (f"tt.fp_to_fp %x : T({kind}) -> T({r})", r) for r in FLOATS}
    ops["extf"] = (f"arith.extf %x : T({kind}) to T(f32)", "f32")
    for per_thread in (1, 4):
        found = compute({"x": (kind, a)}, ops, per_thread)
        for name, value in found.items():
            expected = a.astype(np.float32).astype(value.dtype)
            assert_same(value, expected, f"{kind} to {name}", BYTES)


def _to_float8(a: Array, kind: str, mode: str) -> Array:
    """As Triton's hardware does it: to nearest everything that is too large becomes the largest;
    toward zero an infinity stays one where the type has it. NaN stays NaN."""
    dtype = DTYPES[kind]
    largest = np.float32(ml_dtypes.finfo(dtype).max)
    with np.errstate(over="ignore", invalid="ignore"):
        bounded = np.minimum(np.maximum(a, -largest), largest)
        if mode == "rtz":
            result = _toward_zero(bounded, kind)
            if kind == "f8E5M2":
                result = np.where(np.isinf(a), a.astype(dtype), result)
            if kind.endswith("FNUZ"):  # a step back from the smallest negative number is its NaN
                result = np.where(np.isnan(result.astype(np.float32)), dtype(0), result)
        else:
            result = bounded.astype(dtype)
    return np.where(np.isnan(a), dtype(np.nan), result)


@pytest.mark.parametrize("kind", FLOAT8)
def test_float8_narrows(kind: str) -> None:
    a = _floats_around(kind)
    cast = "tt.fp_to_fp %x, rounding = {1} : T(f32) -> T({0})"
    ops = {m: (cast.format(kind, m), kind) for m in ("rtne", "rtz")}
    ops["truncf"] = (f"arith.truncf %x : T(f32) to T({kind})", kind)
    for per_thread in (1, 4):
        found = compute({"x": ("f32", a)}, ops, per_thread)
        for mode, value in found.items():
            assert_same(value, _to_float8(a, kind, mode), f"{kind} {mode}", a)


@pytest.mark.parametrize("source", ["f16", "bf16"])
@pytest.mark.parametrize("kind", FLOAT8[:2])
def test_float8_narrows_from_16_bits(kind: str, source: str) -> None:
    """Every number of 16 bits."""
    a = np.arange(2**16).astype(np.uint16).view(DTYPES[source])
    text = f"tt.fp_to_fp %x, rounding = rtne : T({source}) -> T({kind})"
    found = compute({"x": (source, a)}, {"rtne": (text, kind)})
    expected = _to_float8(a.astype(np.float32), kind, "rtne")
    assert_same(found["rtne"], expected, f"{source} to {kind}", a)


@pytest.mark.parametrize("kind", ["f8E5M2", "f8E4M3FN"])
def test_float8_absolute(kind: str) -> None:
    a = BYTES.view(DTYPES[kind])
    found = compute({"x": (kind, a)}, {"absf": (f"math.absf %x : T({kind})", kind)})
    assert_same(found["absf"].view(np.uint8), BYTES & 127, "absf", a)


@pytest.mark.parametrize(
    ("first", "second"), [("i8", "f8E5M2"), ("i16", "f16"), ("i16", "bf16"), ("i32", "f32")]
)
@pytest.mark.parametrize("op", ["arith.bitcast", "tt.bitcast"])
def test_bits(first: str, second: str, op: str) -> None:
    a, b = random_integers(first, SIZE, 1), random_floats(second, SIZE, 2)
    arrow = "to" if op.startswith("arith") else "->"
    add = f"%s = arith.addi %x, %x : T({first}); {op} %s : T({first}) {arrow} T({second})"
    ops = {
        "there": (f"{op} %x : T({first}) {arrow} T({second})", second),
        "back": (f"{op} %y : T({second}) {arrow} T({first})", first),
        "of a sum": (add, second),
    }
    for per_thread in (1, 4):
        found = compute({"x": (first, a), "y": (second, b)}, ops, per_thread)
        with np.errstate(over="ignore"):
            expected = {"there": a, "back": b, "of a sum": a + a}
        for name, value in expected.items():
            assert found[name].tobytes() == value.tobytes(), name
