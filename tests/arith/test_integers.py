"""Integer ops of every width against numpy, which wraps as Triton does."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from .support import DTYPES, Array, assert_same, compute, np, random_integers

Reference = Callable[[Array, Array], Array]

WIDTHS = ("i8", "i16", "i32", "i64")


def _unsigned(a: Array) -> Array:
    return a.view(f"u{a.dtype.itemsize}")


def _as_unsigned(function: Reference) -> Reference:
    def reference(a: Array, b: Array) -> Array:
        return function(_unsigned(a), _unsigned(b)).astype(_unsigned(a).dtype).view(a.dtype)

    return reference


def _quotient(a: Array, b: Array) -> Array:
    """Toward zero."""
    return np.array([int(abs(int(x)) // abs(int(y))) * (-1 if (x < 0) != (y < 0) else 1)
                     for x, y in zip(a, b, strict=True)], dtype=a.dtype)  # fmt: skip


def _remainder(a: Array, b: Array) -> Array:
    return (a - _quotient(a, b) * b).astype(a.dtype)


def _floor(a: Array, b: Array) -> Array:
    return np.array([int(x) // int(y) for x, y in zip(a, b, strict=True)], dtype=a.dtype)


def _ceil(a: Array, b: Array) -> Array:
    return np.array([-(-int(x) // int(y)) for x, y in zip(a, b, strict=True)], dtype=a.dtype)


def _high(a: Array, b: Array) -> Array:
    bits = 8 * a.dtype.itemsize
    pairs = zip(a.tolist(), b.tolist(), strict=True)
    return np.array([x * y >> bits for x, y in pairs], dtype=a.dtype)


BINARY: dict[str, Reference] = {
    "arith.addi": np.add,
    "arith.subi": np.subtract,
    "arith.muli": np.multiply,
    "arith.andi": np.bitwise_and,
    "arith.ori": np.bitwise_or,
    "arith.xori": np.bitwise_xor,
    "arith.maxsi": np.maximum,
    "arith.minsi": np.minimum,
    "arith.maxui": _as_unsigned(np.maximum),
    "arith.minui": _as_unsigned(np.minimum),
    "tt.mulhiui": _as_unsigned(_high),
}
SHIFTS: dict[str, Reference] = {
    "arith.shli": np.left_shift,
    "arith.shrsi": np.right_shift,
    "arith.shrui": _as_unsigned(np.right_shift),
}
DIVISIONS: dict[str, Reference] = {
    "arith.divsi": _quotient,
    "arith.remsi": _remainder,
    "arith.divui": _as_unsigned(np.floor_divide),
    "arith.remui": _as_unsigned(np.remainder),
    "arith.floordivsi": _floor,
    "arith.ceildivsi": _ceil,
    "arith.ceildivui": _as_unsigned(_ceil),
}
PREDICATES: dict[str, Reference] = {
    "eq": np.equal,
    "ne": np.not_equal,
    "slt": np.less,
    "sle": np.less_equal,
    "sgt": np.greater,
    "sge": np.greater_equal,
    "ult": lambda a, b: _unsigned(a) < _unsigned(b),
    "ule": lambda a, b: _unsigned(a) <= _unsigned(b),
    "ugt": lambda a, b: _unsigned(a) > _unsigned(b),
    "uge": lambda a, b: _unsigned(a) >= _unsigned(b),
}
SIZE = 1024


@cache
def _pair(dtype: str) -> tuple[Array, Array]:
    return random_integers(dtype, SIZE, 1), random_integers(dtype, SIZE, 2)


def _check(dtype: str, references: dict[str, Reference], b: Array, per_thread: int) -> None:
    a, _ = _pair(dtype)
    ops = {name: (f"{name} %x, %y : T({dtype})", dtype) for name in references}
    found = compute({"x": (dtype, a), "y": (dtype, b)}, ops, per_thread)
    with np.errstate(over="ignore"):
        for name, reference in references.items():
            assert_same(found[name], reference(a, b).astype(a.dtype), name, a, b)


@pytest.mark.parametrize("per_thread", [1, 4])
@pytest.mark.parametrize("dtype", WIDTHS)
def test_binary(dtype: str, per_thread: int) -> None:
    _check(dtype, BINARY, _pair(dtype)[1], per_thread)


@pytest.mark.parametrize("dtype", WIDTHS)
@pytest.mark.parametrize("per_thread", [1, 4])
def test_division_and_shifts(dtype: str, per_thread: int) -> None:
    a, b = _pair(dtype)
    least = np.iinfo(a.dtype).min
    divisor = np.where((b == 0) | ((b == -1) & (a == least)), b.dtype.type(7), b)
    _check(dtype, DIVISIONS, divisor, per_thread)
    bits = 8 * a.dtype.itemsize
    _check(dtype, SHIFTS, (b % bits).astype(a.dtype), per_thread)


NESTED = ("addi", "subi", "muli", "divsi", "remsi", "andi", "ori", "xori", "maxsi")


@pytest.mark.parametrize("largest", [-2, 2**31 - 2, 1022], ids=["any", "nonnegative", "small"])
@pytest.mark.parametrize("dtype", ["i32", "i64"])
@pytest.mark.parametrize("outer", NESTED)
def test_an_op_inside_another(outer: str, dtype: str, largest: int) -> None:
    """Parentheses are where they must be: `x outer (y inner z)` and `(y inner z) outer x`."""
    given = {name: random_integers(dtype, SIZE, seed) for seed, name in enumerate("xyz")}
    # Even and not 0: what divides is neither 0 nor -1.
    x, y, z = ((v & v.dtype.type(largest)) | v.dtype.type(2) for v in given.values())
    begin = f"%m = arith.constant dense<{largest}> : T({dtype}); "
    begin += f"%two = arith.constant dense<2> : T({dtype}); "
    for n in given:
        begin += f"%{n}m = arith.andi %{n}, %m : T({dtype}); "
        begin += f"%{n}2 = arith.ori %{n}m, %two : T({dtype}); "
    functions = {name: {**BINARY, **DIVISIONS}[f"arith.{name}"] for name in NESTED}
    # On the right of a division it might be 0.
    for inner_is_left in (True, False)[: 1 if outer in ("divsi", "remsi") else 2]:
        ops: dict[str, tuple[str, str]] = {}
        expected: dict[str, Array] = {}
        for inner in NESTED:
            text = f"%{inner} = arith.{inner} %y2, %z2 : T({dtype}); "
            operands = (f"%{inner}", "%x2") if inner_is_left else ("%x2", f"%{inner}")
            text += f"arith.{outer} {', '.join(operands)} : T({dtype})"
            ops[inner] = begin * (not ops) + text, dtype
            with np.errstate(over="ignore"):
                middle = functions[inner](y, z).astype(x.dtype)
                expected[inner] = functions[outer](
                    *((middle, x) if inner_is_left else (x, middle))
                ).astype(x.dtype)
        found = compute({n: (dtype, v) for n, v in given.items()}, ops)
        for inner, result in found.items():
            assert_same(result, expected[inner], f"{outer} of {inner}", x, y)


@pytest.mark.parametrize("dtype", WIDTHS)
def test_undefined_operands_end(dtype: str) -> None:
    """Division by zero, and shifts past the width: anything, but the kernel goes on."""
    a, _ = _pair(dtype)
    names = ("divsi", "remsi", "divui", "remui", "shli", "shrsi", "shrui")
    ops = {name: (f"arith.{name} %x, %y : T({dtype})", dtype) for name in names}
    y = np.resize(np.array([0, 100, 3], a.dtype), a.shape)
    found = compute({"x": (dtype, a), "y": (dtype, y)}, ops)
    defined = y == 3  # beside the others
    assert_same(found["divui"][defined], (_unsigned(a) // 3).astype(a.dtype)[defined], "divui", a)
    assert_same(found["shrui"][defined], (_unsigned(a) >> 3).astype(a.dtype)[defined], "shrui", a)
    constant = "%c64 = arith.constant dense<64> : T({0}); arith.shli %x, %c64 : T({0})"
    assert compute({"x": (dtype, a)}, {"shli": (constant.format(dtype), dtype)})


@pytest.mark.parametrize("per_thread", [1, 4])
@pytest.mark.parametrize("dtype", WIDTHS)
def test_compare_and_select(dtype: str, per_thread: int) -> None:
    a, b = _pair(dtype)
    b = np.where(np.arange(SIZE) % 5 == 0, a, b)
    ops = {p: (f"arith.cmpi {p}, %x, %y : T({dtype})", "i1") for p in PREDICATES}
    select = "%q = arith.cmpi ult, %x, %y : T({0}); arith.select %q, %x, %y : T(i1), T({0})"
    ops["select"] = (select.format(dtype), dtype)
    found = compute({"x": (dtype, a), "y": (dtype, b)}, ops, per_thread)
    for name, reference in PREDICATES.items():
        assert_same(found[name], reference(a, b), name, a, b)
    assert_same(found["select"], np.where(_unsigned(a) < _unsigned(b), a, b), "select", a, b)


@pytest.mark.parametrize("dtype", WIDTHS)
def test_constants(dtype: str) -> None:
    """Literals of every sign beside operands of either, in results that need either."""
    a, _ = _pair(dtype)
    limits = np.iinfo(a.dtype)
    ops: dict[str, tuple[str, str]] = {}
    expected: dict[str, Array] = {}
    for i, c in enumerate((-1, 7, int(limits.min), int(limits.max), 0)):
        other = np.full_like(a, c)
        made = f"%k{i} = arith.constant dense<{c}> : T({dtype}); "
        with np.errstate(over="ignore"):
            for name in ("arith.addi", "arith.muli", "arith.xori", "arith.maxui", "arith.minsi"):
                ops[f"{name} {c}"] = (f"{made}{name} %x, %k{i} : T({dtype})", dtype)
                expected[f"{name} {c}"] = BINARY[name](a, other).astype(a.dtype)
                made = ""
        for p in ("slt", "ult", "uge", "eq"):
            ops[f"{p} {c}"] = (f"arith.cmpi {p}, %x, %k{i} : T({dtype})", "i1")
            expected[f"{p} {c}"] = PREDICATES[p](a, other)
    for per_thread in (1, 4):
        # Constants are made once for all ops of a kernel, so all are in one list.
        found = compute({"x": (dtype, a)}, _with_constants(ops, dtype), per_thread)
        for name, result in found.items():
            assert_same(result, expected[name], name, a)


def _with_constants(ops: dict[str, tuple[str, str]], dtype: str) -> dict[str, tuple[str, str]]:
    """Each op with a constant of its own."""
    made: dict[str, tuple[str, str]] = {}
    for number, (name, (text, result)) in enumerate(ops.items()):
        c = name.split()[1]
        op = text.split(";")[-1].strip()
        index = next(w for w in op.replace(",", " ").split() if w.startswith("%k"))
        own = f"%own{number} = arith.constant dense<{c}> : T({dtype}); "
        made[name] = (own + op.replace(index, f"%own{number}"), result)
    return made


def test_one_bit() -> None:
    """i1 wraps: its sum is exclusive or; as signed, true is -1."""
    a = np.array([0, 0, 1, 1] * 128, np.bool_)
    b = np.array([0, 1, 0, 1] * 128, np.bool_)
    xor, both, either = a != b, a & b, a | b
    expected = {
        "arith.addi": xor, "arith.subi": xor, "arith.muli": both, "arith.andi": both,
        "arith.ori": either, "arith.xori": xor, "arith.maxui": either, "arith.minui": both,
        "arith.maxsi": both, "arith.minsi": either,
    }  # fmt: skip
    predicates = {
        "eq": a == b, "ne": xor, "ult": b & ~a, "ule": b | ~a, "ugt": a & ~b, "uge": a | ~b,
        "slt": a & ~b, "sle": a | ~b, "sgt": b & ~a, "sge": b | ~a,
    }  # fmt: skip
    ops = {name: (f"{name} %x, %y : T(i1)", "i1") for name in expected}
    ops |= {p: (f"arith.cmpi {p}, %x, %y : T(i1)", "i1") for p in predicates}
    ops["select"] = ("arith.select %x, %y, %x : T(i1), T(i1)", "i1")
    for name in ("divsi", "divui", "remsi", "remui", "shli", "shrsi", "shrui"):
        ops[name] = (f"arith.{name} %x, %y : T(i1)", "i1")
    for width in ("i8", "i32", "i64"):
        ops[f"extsi {width}"] = (f"arith.extsi %x : T(i1) to T({width})", width)
        ops[f"extui {width}"] = (f"arith.extui %x : T(i1) to T({width})", width)
    for per_thread in (1, 4):
        found = compute({"x": ("i1", a), "y": ("i1", b)}, ops, per_thread)
        for name, result in {**expected, **predicates}.items():
            assert_same(found[name], result, name, a, b)
        assert_same(found["select"], a & b, "select", a, b)
        for width in ("i8", "i32", "i64"):
            one = a.astype(DTYPES[width])
            assert_same(found[f"extsi {width}"], -one, "extsi", a)
            assert_same(found[f"extui {width}"], one, "extui", a)


@pytest.mark.parametrize("source", WIDTHS)
def test_extend_and_truncate(source: str) -> None:
    a, _ = _pair(source)
    ops: dict[str, tuple[str, str]] = {}
    expected: dict[str, Array] = {}
    for result in ("i1", *WIDTHS):
        bits, mine = (int(d.removeprefix("i")) for d in (result, source))
        if bits < mine:
            ops[f"trunci {result}"] = (f"arith.trunci %x : T({source}) to T({result})", result)
            cut = a & 1 if bits == 1 else a
            expected[f"trunci {result}"] = cut.astype(DTYPES[result])
        elif bits > mine:
            for name, value in (("extsi", a), ("extui", _unsigned(a))):
                ops[f"{name} {result}"] = (f"arith.{name} %x : T({source}) to T({result})", result)
                expected[f"{name} {result}"] = value.astype(DTYPES[result])
    for per_thread in (1, 4):
        found = compute({"x": (source, a)}, ops, per_thread)
        for name, result in found.items():
            assert_same(result, expected[name], name, a)


@pytest.mark.parametrize("dtype", WIDTHS)
def test_bits(dtype: str) -> None:
    a, b = _pair(dtype)
    bits = 8 * a.dtype.itemsize
    words = [format(int(x), f"0{bits}b") for x in _unsigned(a)]
    exponent = np.abs(b.astype(np.int64) % 9).astype(a.dtype)
    expected = {
        "absi": np.abs(a),
        "ctpop": [w.count("1") for w in words],
        "ctlz": [bits - len(w.lstrip("0")) for w in words],
        "cttz": [bits - len(w.rstrip("0")) for w in words],
    }
    ops = {name: (f"math.{name} %x : T({dtype})", dtype) for name in expected}
    ops["ipowi"] = (f"math.ipowi %x, %y : T({dtype})", dtype)
    for per_thread in (1, 4):
        found = compute({"x": (dtype, a), "y": (dtype, exponent)}, ops, per_thread)
        for name, result in expected.items():
            assert_same(found[name], np.array(result).astype(a.dtype), name, a)
        powers = [int(x) ** int(n) & (1 << bits) - 1 for x, n in zip(a, exponent, strict=True)]
        wrapped = np.array(powers, f"u{a.dtype.itemsize}").view(a.dtype)
        assert_same(found["ipowi"], wrapped, "ipowi", a, exponent)
