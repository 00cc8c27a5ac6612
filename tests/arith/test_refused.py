"""What is refused says which op, which type and where; and what the documentation says."""

from __future__ import annotations

from pathlib import Path

import pytest

import trimetal
from trimetal import UnsupportedError

from .documentation import functions_document
from .support import compute, np, text_of

DOCUMENT = Path(__file__).parents[2] / "docs" / "functions.md"
EXTERN = (
    'tt.extern_elementwise %x {{libname = "", libpath = "", pure = {1}, symbol = "{0}"}}'
    " : (T(f32)) -> T(f32)"
)


def test_functions_are_documented(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        DOCUMENT.write_text(functions_document(), encoding="utf-8")
    assert DOCUMENT.read_text(encoding="utf-8") == functions_document(), "`make golden` writes it"


@pytest.mark.parametrize(
    ("op", "dtype", "message"),
    [
        ("arith.extf %x : T(f32) to T(f64); arith.truncf %w : T(f64) to T(f32)", "f32", "f64"),
        ("arith.addf %x, %x : T(f8E5M2)", "f8E5M2", "arith.addf on f8E5M2"),
        ("math.exp %x : T(f8E4M3FN)", "f8E4M3FN", "math.exp on f8E4M3FN"),
        ("arith.negf %x : T(f8E4M3FN)", "f8E4M3FN", "arith.negf on f8E4M3FN"),
        (EXTERN.format("__nv_lgammaf", "true"), "f32", "__nv_lgammaf has no form in Metal"),
        (EXTERN.format("__nv_fast_expf", "false"), "f32", "__nv_fast_expf has effects"),
    ],
)
def test_refusals(op: str, dtype: str, message: str) -> None:
    op = op.replace("arith.extf", "%w = arith.extf") if "f64" in op else op
    with pytest.raises(UnsupportedError, match=message) as caught:
        trimetal.transpile(text_of({"x": dtype}, {"op": (op, dtype)}))
    assert caught.value.span is not None
    assert "^" in str(caught.value)


def test_a_rounding_that_nobody_asks_for() -> None:
    text = text_of({"x": "f32"}, {"op": ("arith.truncf %x upward : T(f32) to T(f16)", "f16")})
    with pytest.raises(UnsupportedError, match=r"arith\.truncf with rounding upward"):
        trimetal.transpile(text)


@pytest.mark.parametrize("dtype", ["i8", "i32", "i64"])
def test_ops_of_two_results(dtype: str) -> None:
    source = np.random.default_rng(7)
    kind = {"i8": np.int8, "i32": np.int32, "i64": np.int64}[dtype]
    bits = 8 * np.dtype(kind).itemsize
    limits = np.iinfo(kind)
    a, b = (source.integers(limits.min, limits.max, 1024).astype(kind) for _ in range(2))
    t = f"T({dtype})"
    ops = {
        "unsigned": f"%l1, %h1 = arith.mului_extended %x, %y : {t}; arith.xori %l1, %h1 : {t}",
        "signed": f"%l2, %h2 = arith.mulsi_extended %x, %y : {t}; arith.xori %l2, %h2 : {t}",
        "carry": f"%l3, %c3 = arith.addui_extended %x, %y : {t}, T(i1);"
        f" %h3 = arith.extui %c3 : T(i1) to {t}; arith.xori %l3, %h3 : {t}",
        "borrow": f"%l4, %c4 = arith.subui_extended %x, %y : {t}, T(i1);"
        f" %h4 = arith.extsi %c4 : T(i1) to {t}; arith.xori %l4, %h4 : {t}",
    }
    found = compute(
        {"x": (dtype, a), "y": (dtype, b)}, {name: (op, dtype) for name, op in ops.items()}
    )
    for i in range(len(a)):
        x, y = int(a[i]), int(b[i])
        signed, unsigned = x * y, (x % 2**bits) * (y % 2**bits)
        total = x % 2**bits + y % 2**bits
        below = x % 2**bits - y % 2**bits
        wides = {"unsigned": unsigned, "signed": signed, "carry": total, "borrow": below}
        for name, wide in wides.items():
            assert (int(found[name][i]) ^ wide ^ (wide >> bits)) % 2**bits == 0, name


def test_sincos() -> None:
    a = np.linspace(-9, 9, 512).astype(np.float32)
    op = "%sine, %cosine = math.sincos %x : T(f32); arith.subf %sine, %cosine : T(f32)"
    found = compute({"x": ("f32", a)}, {"difference": (op, "f32")})["difference"]
    exact = np.sin(a.astype(np.float64)) - np.cos(a.astype(np.float64))
    np.testing.assert_allclose(found, exact, atol=2e-7)
